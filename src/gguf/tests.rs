//! What hostile files may cost: a sentence, never a crash, a hang or the machine's memory.

#![allow(clippy::disallowed_methods, reason = "measures how long reading takes")]

use super::cursor::Source;
use super::estimate::{Settings, Shape, estimate};
use super::fixture::{Gguf, hostile};
use super::open::parse;
use super::{GgufError, facts, read_bytes};
use crate::model::{Facts, Integrity, Nature, fault_of};
use std::cell::Cell;
use std::io;
use std::time::{Duration, Instant};

/// Bytes in memory that count what is asked of them.
struct Counting<'b> {
    bytes: &'b [u8],
    asked: Cell<u64>,
}

impl Source for Counting<'_> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.asked.set(self.asked.get() + buffer.len() as u64);
        self.bytes.read_at(buffer, at)
    }
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// The memory of it as its own projector, with settings as they are and as large as they can be.
pub(super) fn need(facts: &Facts) -> u64 {
    let shape = Shape { shards: vec![facts], mmproj: Some(facts) };
    let all = Settings { n_ctx: u32::MAX, n_parallel: u32::MAX, flash_attention: false, ..Settings::default() };
    estimate(&shape, &Settings::default()).total().max(estimate(&shape, &all).total())
}

#[test]
fn a_header_that_would_fill_the_memory_is_refused() {
    let long = |no: u32, length: usize| format!("key.{no}.{}", "x".repeat(length));
    let keys = |count: u32, length: usize| {
        let keys = (0..count).map(|no| long(no, length));
        keys.fold(Gguf::new("llama"), |gguf, key| gguf.kv(&key, 1u32)).build()
    };
    let texts = (0..5000).fold(Gguf::new("llama"), |gguf, no| gguf.kv(&long(no, 4), "y".repeat(4096).as_str()));
    for (what, bytes) in [("long keys", keys(300, 65_000)), ("many texts", texts.build())] {
        let refusal = read_bytes(&bytes).unwrap_err().to_string();
        assert!(refusal.contains("not supported: keys and values of over 16 MiB"), "{what}: {refusal}");
    }
    assert!(read_bytes(&keys(1000, 100)).is_ok(), "as many keys as a large real header has");
    let mut table = Gguf::new("llama").claims(Some((1 << 17) + 1), None).build();
    table.resize(table.len() + (4 << 20), 0);
    assert!(matches!(read_bytes(&table), Err(GgufError::Unsupported(why)) if why.contains("131073 tensors")));
}

#[test]
fn no_hostile_file_takes_long_reads_much_or_writes_to_the_terminal() {
    for (name, bytes) in hostile() {
        let began = Instant::now();
        let source = Counting { bytes: &bytes, asked: Cell::new(0) };
        match parse(&source).map(|h| facts::facts(&h, bytes.len() as u64, "")) {
            Ok(facts) => {
                need(&facts);
                let kept = serde_json::to_string(&facts).unwrap();
                assert!(kept.len() < 256 << 10, "{name}: {} bytes of facts", kept.len());
            }
            Err(e) => {
                let text = e.to_string();
                assert!(!text.chars().any(char::is_control), "{name}: {text:?}");
                assert!(text.chars().count() < 300, "{name}: {text}");
            }
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{name} took {:?}", began.elapsed());
        let limit = 2 * bytes.len() as u64 + (1 << 20);
        assert!(source.asked.get() <= limit, "{name}: {} bytes read of {}", source.asked.get(), bytes.len());
    }
}

#[test]
fn each_kind_of_damage_and_of_what_is_not_known_is_called_by_its_name() {
    let files = hostile();
    #[track_caller]
    fn text(files: &[(&str, Vec<u8>)], name: &str) -> (Option<Nature>, String) {
        let (_, bytes) = files.iter().find(|(n, _)| *n == name).expect(name);
        match read_bytes(bytes) {
            Ok(facts) => match fault_of(&facts.integrity, &facts.unsupported) {
                Some(fault) => (Some(fault.nature), format!("{} {:?}", fault.why, facts.integrity)),
                None => (None, format!("{:?}", facts.integrity)),
            },
            Err(e) => (Some(e.nature()), e.to_string()),
        }
    }
    use Nature::{Damaged, Unsupported};
    for (nature, name, expected) in [
        (Some(Damaged), "empty file", "the file is empty"),
        (Some(Damaged), "magic alone", "cut off"),
        (Some(Damaged), "one byte short of the counts", "cut off"),
        (Some(Damaged), "counts alone", "cut off"),
        (Some(Damaged), "first letters of the magic", "cut off"),
        (Some(Damaged), "three bytes of text", "not a GGUF file"),
        (Some(Damaged), "git-LFS pointer", "git-LFS pointer"),
        (Some(Damaged), "HTML page", "failed download"),
        (Some(Damaged), "JSON error", "JSON document"),
        (Some(Damaged), "zeros", "zeros"),
        (Some(Unsupported), "old magic ggjt", "old ggml format"),
        (Some(Unsupported), "zip archive", "zip archive"),
        (Some(Unsupported), "byte-swapped magic", "byte-swapped"),
        (Some(Damaged), "version 0", "GGUF version 0"),
        (Some(Unsupported), "version 1", "GGUF version 1, which llama.cpp no longer reads"),
        (Some(Unsupported), "version 4", "GGUF version 4, which is newer"),
        (Some(Damaged), "2^63 keys", "9223372036854775808 keys"),
        (Some(Damaged), "2^64-1 tensors", "18446744073709551615 tensors"),
        (Some(Unsupported), "value of type 13", "a value of unknown type 13"),
        (Some(Unsupported), "value of type 2^31", "unknown type 2147483648"),
        (Some(Unsupported), "array of type 13", "elements of unknown type 13 in x"),
        (Some(Unsupported), "array of arrays", "array of arrays in x"),
        (Some(Unsupported), "arrays 10000 deep", "array of arrays in x"),
        (Some(Damaged), "array of 2^62 bools", "cut off: 4611686018427387904 bytes wanted"),
        (Some(Damaged), "string of 2^64-1 bytes", "cut off"),
        (Some(Damaged), "key of 70000 bytes", "a key of 70,000 bytes"),
        (Some(Damaged), "empty key", "an empty key"),
        (Some(Unsupported), "architecture twice", "the key general.architecture twice"),
        (Some(Unsupported), "scores as bytes", "another type than llama.cpp takes in tokenizer.ggml.scores"),
        (Some(Unsupported), "token types as bytes", "another type than llama.cpp takes in tokenizer.ggml.token_type"),
        (None, "token <0x-1>", "Complete"),
        (Some(Damaged), "alignment 0", "general.alignment is 0"),
        (Some(Unsupported), "alignment 3", "general.alignment"),
        (Some(Unsupported), "alignment 2^30", "general.alignment"),
        (Some(Unsupported), "alignment as i32", "general.alignment"),
        (Some(Unsupported), "alignment as u64", "general.alignment"),
        (Some(Unsupported), "alignment as text", "general.alignment"),
        (Some(Damaged), "chat template of 100 MB claimed", "cut off"),
        (None, "chat template of 2 MiB", "Complete"),
        (Some(Unsupported), "chat template of 17 MiB", "a text of 17,825,792 bytes"),
        (Some(Unsupported), "tensor name of 64 bytes", "tensor names of up to 64 bytes (llama.cpp takes 63)"),
        (Some(Damaged), "tensor name of 2^64-1 bytes", "cut off"),
        (Some(Damaged), "tensor twice", "is duplicated"),
        (None, "tensor without dimensions", "Complete"),
        (None, "tensor with a dimension of zero", "Complete"),
        (Some(Damaged), "zero and then 2^63", "size that overflows"),
        (Some(Unsupported), "rows that do not fill a block", "rows do not fill whole blocks"),
        (Some(Unsupported), "tensor with 5 dimensions", "tensors with 5 dimensions (llama.cpp takes 4)"),
        (Some(Damaged), "2^32-1 dimensions", "4294967295 dimensions"),
        (Some(Damaged), "a dimension of 2^64-1", "size that overflows"),
        (Some(Damaged), "a product that wraps", "size that overflows"),
        (Some(Damaged), "bytes that wrap", "size that overflows"),
        (Some(Damaged), "an exabyte", "first missing tensor a"),
        (Some(Damaged), "sizes whose sum wraps", "size that overflows"),
        (Some(Unsupported), "type 4", "MXFP4 as Ollama wrote it"),
        (Some(Unsupported), "removed type 31", "the removed type Q4_0_4_4"),
        (Some(Unsupported), "unknown type 43", "unknown type 43, which llama.cpp does not read"),
        (Some(Unsupported), "type -1", "unknown type 4294967295"),
        (Some(Unsupported), "type 139", "unknown type 139 (IQ4_K in a fork of llama.cpp)"),
        (Some(Damaged), "offset unaligned", "448 B of 449 B"),
        (Some(Unsupported), "offset overlapping", "gaps between them or out of their order"),
        (Some(Unsupported), "offset descending", "out of their order"),
        (Some(Damaged), "offset with a gap", "first missing tensor b"),
        (Some(Unsupported), "offset descending after an unknown type", "out of their order"),
        (Some(Damaged), "offset 2^64-32 after an unknown type", "size that overflows"),
        (Some(Unsupported), "big-endian", "big-endian numbers"),
    ] {
        let (is, told) = text(&files, name);
        assert!(told.contains(expected), "{name}: {told:?} does not say {expected:?}");
        assert_eq!(is, nature, "{name}: {told}");
    }
}

#[track_caller]
fn facts_of(name: &str) -> Facts {
    let files = hostile();
    let (_, bytes) = files.iter().find(|(n, _)| *n == name).expect(name);
    read_bytes(bytes).unwrap_or_else(|e: GgufError| panic!("{name}: {e}"))
}

#[test]
fn odd_metadata_becomes_absent_or_visible_never_invented() {
    assert_eq!(facts_of("split count 65535").split.map(|s| (s.no, s.count)), Some((0, 65535)));
    assert_eq!(facts_of("split count 0").split, None);
    assert_eq!(facts_of("split number beyond the count").split.map(|s| (s.no, s.count)), Some((7, 3)));
    assert_eq!(facts_of("split with tensors below zero").split.map(|s| s.tensors), Some(None));
    assert_eq!(facts_of("split number below zero").split, None);
    let big = facts_of("big-endian");
    assert!(big.big_endian && big.architecture.as_deref() == Some("llama") && big.integrity == Integrity::Complete);
    assert_eq!(facts_of("fewer kv heads than layers").attention.kv_heads, [2, 2]);
    assert_eq!(facts_of("kv heads below zero").attention.kv_heads, [0, 0]);
    assert_eq!(facts_of("no heads and no width").attention.heads, Some(0));
    assert_eq!(facts_of("513 layers").layers, Some(513));
    assert_eq!(facts_of("layers as text").layers, None);
    assert_eq!(facts_of("layers as a number with a point").layers, None);
    assert_eq!(facts_of("architecture as a number").architecture, None);
    assert_eq!(facts_of("vocabulary of numbers").vocab_size, None);
    assert!(facts_of("chat template of 2 MiB").chat_template);
    assert_eq!(facts_of("name that is not UTF-8").name.as_deref(), Some("\u{fffd}\u{fffd}\u{fffd}("));
    assert!(facts_of("name of 1 MiB").name.is_some_and(|n| n.len() <= 4096));
    assert!(facts_of("thousands of extra templates").extra_templates.len() <= 64);
    assert!(facts_of("thousands of unknown types").quant.histogram.len() <= 64);
}

#[test]
fn a_size_is_never_a_thousand_of_the_smaller_unit() {
    let labels = [134_515_008, 2_600_000, 999_600_000, 8_030_000_000, 9_960_000_000, 70_600_000_000, 999_600_000_000];
    assert_eq!(labels.map(facts::size_label), ["135M", "2.6M", "1.0B", "8.0B", "10B", "71B", "1.0T"]);
}

/// A file of any size that holds the same eight bytes again and again after its first ones.
struct Endless {
    first: Vec<u8>,
    again: [u8; 8],
    asked: Cell<u64>,
}

impl Source for Endless {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.asked.set(self.asked.get() + buffer.len() as u64);
        for (i, byte) in buffer.iter_mut().enumerate() {
            let at = at as usize + i;
            *byte = self.first.get(at).copied().unwrap_or(self.again[at.wrapping_sub(self.first.len()) % 8]);
        }
        Ok(buffer.len())
    }
    fn len(&self) -> u64 {
        1 << 50
    }
}

#[test]
fn a_sparse_petabyte_of_strings_is_given_up_after_the_largest_header_there_can_be() {
    let mut first = Gguf::bare().claims(None, Some(1)).build();
    first.extend([1u64.to_le_bytes().as_slice(), b"x", &9u32.to_le_bytes(), &8u32.to_le_bytes()].concat());
    first.extend((1u64 << 20).to_le_bytes());
    // Each element claims 16 MiB, so that every one of them costs a read.
    let source = Endless { first, again: (16u64 << 20).to_le_bytes(), asked: Cell::new(0) };
    let told = parse(&source).unwrap_err().to_string();
    assert!(told.contains("longer than 256 MiB"), "{told}");
    assert!(source.asked.get() < 8 << 20, "{} bytes read", source.asked.get());
}
