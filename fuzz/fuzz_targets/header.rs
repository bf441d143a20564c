//! Any bytes as a GGUF file: a sentence or facts, and from those an estimate. Never a crash, never a second, never more
//! than 64 MB.
//!
//! libFuzzer measures the whole process: itself, its corpus and what the sanitizer keeps beside every byte, several
//! hundred MB before the first input. So the memory of the reader is counted here, where it asks for it.
#![no_main]

mod memory;
mod seeds;

use libfuzzer_sys::fuzz_target;
use memory::Counting;
use modelctl::gguf::estimate::{Settings, Shape, estimate};
use modelctl::gguf::read_bytes;

/// Bytes at one time for one input, which is not counted.
const MOST: usize = 64_000_000;

#[global_allocator]
static MEMORY: Counting = Counting::new();

fuzz_target!(
    init: seeds::write(),
    |bytes: &[u8]| {
        let before = MEMORY.start();
        read(bytes);
        let most = MEMORY.most().saturating_sub(before);
        assert!(most <= MOST, "{most} bytes at one time");
    }
);

fn read(bytes: &[u8]) {
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
}
