//! Functions in, costs at the boundary of the process out.

pub mod flush_in_loop;
pub mod flush_per_call;
pub mod open_per_call;
