//! Functions in, work that grows or repeats in loops and calls out.

pub mod call_in_loop;
pub mod collection_in_loop;
pub mod computed_too_early;
pub mod constant_parsed;
pub mod constant_table_rebuilt;
pub mod eager_default;
pub mod grouped_by_search;
mod hoist;
pub mod index_loop;
pub mod insert_first;
pub mod invariant_in_loop;
pub mod key_per_comparison;
pub mod linear_lookup;
pub mod nested_join;
pub mod nested_loop_body;
pub mod nth_char;
pub mod pairwise;
pub mod pattern_in_loop;
pub mod quadratic_membership;
pub mod queue_in_vec;
pub mod regex_in_function;
pub mod remove_first;
pub mod sorted_for_one;
pub mod sorted_in_loop;
pub mod two_passes;
pub mod while_index;
