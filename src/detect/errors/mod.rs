//! Functions in, errors that are passed on by hand out.

pub mod match_to_question;
pub mod repeated_map_err;
