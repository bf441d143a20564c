//! Damage that nobody thought of: any cut and any changed bytes of sound files, and noise behind a sound beginning.

use super::fixture::{mmproj, shard, small_model};
use super::tests::need;
use super::{GgufError, read_bytes};
use crate::model::{Facts, Integrity};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

fn sound() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![Just(small_model("sound")), Just(shard("sound", 1, 3)), Just(mmproj(64))]
}

/// Bytes that steer a reader: lengths and type ids at the edges of their ranges.
fn steering() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop_oneof![Just(0u64), 0..64u64, Just(u64::MAX), Just(1 << 63), Just(1 << 62), Just(u64::from(u32::MAX))]
            .prop_map(|n| n.to_le_bytes().to_vec()),
        (0..50u32).prop_map(|n| n.to_le_bytes().to_vec()),
        vec(any::<u8>(), 0..24),
        Just(b"general.architecture".to_vec()),
        Just(b"general.alignment".to_vec()),
    ]
}

/// Reads, and if there are facts asks everything of them that the program does.
fn read(bytes: &[u8]) -> Result<Facts, GgufError> {
    let result = read_bytes(bytes);
    match &result {
        Ok(facts) => {
            need(facts);
        }
        Err(e) => {
            let text = e.to_string();
            assert!(!text.chars().any(char::is_control) && text.chars().count() < 300, "{text:?}");
        }
    }
    result
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_that_lost_its_end_is_never_taken_for_whole(file in sound(), cut in any::<Index>()) {
        prop_assert_eq!(read(&file).unwrap().integrity, Integrity::Complete);
        let kept = &file[..cut.index(file.len())];
        if let Ok(facts) = read(kept) {
            let truncated = matches!(facts.integrity, Integrity::Truncated { have, need, .. }
                if have == kept.len() as u64 && need == file.len() as u64);
            prop_assert!(truncated, "{} of {} bytes: {:?}", kept.len(), file.len(), facts.integrity);
        }
    }

    #[test]
    fn changed_bytes_of_a_header_are_survived(file in sound(), changes in vec((0..1200usize, any::<u8>()), 1..8)) {
        let mut file = file;
        for (at, byte) in changes {
            if let Some(b) = file.get_mut(at) {
                *b = byte;
            }
        }
        // Whatever it says: only that it says something.
        drop(read(&file));
    }

    #[test]
    fn lengths_in_the_wrong_place_are_survived(file in sound(), at in 8..1200usize, with in steering()) {
        let mut file = file;
        for (i, byte) in with.iter().enumerate() {
            if let Some(b) = file.get_mut(at + i) {
                *b = *byte;
            }
        }
        drop(read(&file));
    }

    #[test]
    fn noise_behind_a_sound_beginning_is_survived(
        tensors in 0..4u64, keys in 0..4u64, parts in vec(steering(), 0..64), big in any::<bool>(),
    ) {
        let mut file = b"GGUF".to_vec();
        file.extend(if big { 3u32.to_be_bytes() } else { 3u32.to_le_bytes() });
        for n in [tensors, keys] {
            file.extend(if big { n.to_be_bytes() } else { n.to_le_bytes() });
        }
        file.extend(parts.concat());
        drop(read(&file));
    }
}
