//! Any bytes as a GGUF file: a sentence or facts, and from those an estimate. Never a crash, never minutes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use modelctl::gguf::estimate::{Settings, Shape, estimate};
use modelctl::gguf::read_bytes;

fuzz_target!(|bytes: &[u8]| {
    match read_bytes(bytes) {
        Ok(facts) => {
            let as_it_is = Settings::default();
            let largest = Settings { n_ctx: u32::MAX, n_parallel: u32::MAX, flash_attention: false, ..as_it_is };
            for settings in [as_it_is, largest] {
                estimate(&Shape { shards: vec![&facts], mmproj: Some(&facts) }, &settings).total();
            }
        }
        Err(e) => assert!(!e.to_string().chars().any(char::is_control), "{e:?}"),
    }
});
