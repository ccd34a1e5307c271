//! Any bytes in; the folded stacks reader must not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| refit_fuzz::drive(refit_fuzz::format("folded stacks"), bytes));
