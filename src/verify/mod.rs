//! Proposals and the answers of compiler, tests and clocks in; instrumented texts and judged evidence out.

pub mod diagnostics;
pub mod probe;
pub mod suite;
pub mod types;
