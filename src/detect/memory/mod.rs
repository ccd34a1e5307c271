//! Copies that nobody needs.

pub mod clone_at_last_use;
pub mod clone_of_iterated;
pub mod clone_then_read;
