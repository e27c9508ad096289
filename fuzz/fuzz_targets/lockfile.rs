#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| proforma_fuzz::lockfile::check(data));
