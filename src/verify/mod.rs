//! Proposals and the answers of compiler, tests and clocks in; instrumented texts and judged evidence out.

pub mod diagnostics;
pub mod probe;
pub mod suite;
pub mod types;

use crate::model::Kind;

/// True for kinds whose worth is not speed: they are proved as long as nothing got slower.
pub fn is_neutral(kind: Kind) -> bool {
    kind == Kind::ErrorLadder
}
