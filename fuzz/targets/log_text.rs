#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| snapfunc::fuzzing::log_text(bytes));
