//! Any bytes in; the perf.data reader must not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| refit_fuzz::drive(refit_fuzz::format("perf.data"), bytes));
