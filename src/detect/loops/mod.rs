//! Functions in, work that grows or repeats in loops and calls out.

pub mod constant_table_rebuilt;
pub mod invariant_in_loop;
pub mod regex_in_function;
