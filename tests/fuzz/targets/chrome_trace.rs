//! Any bytes in; the Chrome trace reader must not panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| refit_fuzz::drive(refit_fuzz::format("Chrome trace"), bytes));
