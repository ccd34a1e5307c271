//! Types in, layouts that spend cache lines out.

pub mod contended_atomics;
pub mod repr_c_holes;
