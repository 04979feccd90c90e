#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| snapfunc::fuzzing::time_span(bytes));
