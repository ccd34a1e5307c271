//! Proposals and the answers of compiler, tests and clocks in; instrumented texts and judged evidence out.

pub mod agree;
pub mod agreement;
pub mod benches;
pub mod blame;
pub mod change;
pub mod codegen;
mod compare;
pub mod contention;
pub mod diagnostics;
pub mod hits;
pub mod minimal;
pub mod mutate;
pub mod power;
pub mod probe;
pub mod properties;
pub mod purity;
pub mod quantile;
pub mod schemata;
pub mod shadow;
pub mod slices;
pub mod spent;
pub mod stats;
pub mod suite;
pub mod surface;
pub mod tally;
pub mod timing;
pub mod twin;
pub mod types;
pub mod witness;

/// `1 test`, `12 tests`.
pub fn tests(n: usize) -> String {
    if n == 1 { String::from("1 test") } else { format!("{n} tests") }
}
