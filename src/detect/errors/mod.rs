//! Functions in, errors that are passed on by hand out.

pub mod checked_then_unwrapped;
pub mod contains_then_get;
pub mod contains_then_insert;
pub mod match_to_question;
pub mod repeated_map_err;
