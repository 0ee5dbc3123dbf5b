//! Holds the reader that this program is called after against what libFuzzer makes up.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cedo_readers::check(env!("CARGO_BIN_NAME"), bytes));
