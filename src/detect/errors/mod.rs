//! Functions in, errors that are passed on by hand out.

pub mod asked_for_nothing;
pub mod checked_then_unwrapped;
pub mod checked_twice;
pub mod contains_then_get;
pub mod contains_then_insert;
pub mod eager_error_text;
pub mod empty_then_taken;
pub mod error_then_unwrap;
pub mod formatted_expect;
pub mod guard_then_get;
pub mod guard_then_unwrap;
pub mod if_let_pyramid;
pub mod insert_if_missing;
pub mod looked_up_again;
pub mod match_around_path;
pub mod match_to_combinator;
pub mod match_to_let_else;
pub mod match_to_map_err;
pub mod match_to_question;
pub mod repeated_map_err;
pub mod same_map_err;
pub mod sorted_twice;
pub mod unread_error;
pub mod unwrap_cascade;
pub mod updated_or_inserted;
