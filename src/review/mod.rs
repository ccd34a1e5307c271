//! Hunks and decisions in, what may be signed and by whom out.

mod edited;
mod policy;

pub use edited::edits_between;
pub use policy::{Signature, decide_in_bulk, may_sign, missing_roles, required_roles};
