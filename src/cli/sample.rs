use crate::clock::Timestamp;
use crate::model::{Kind, ModelId, ModelRow, State, StoreKind};
use std::path::PathBuf;

/// A row for tests: every field set to something plain.
pub(crate) fn sample_row(name: &str) -> ModelRow {
    ModelRow {
        id: ModelId(format!(
            "{:012x}",
            name.bytes().fold(0xcbf2_9ce4u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0193)) & 0xffff_ffff_ffff
        )),
        name: name.to_owned(),
        store: StoreKind::Dir,
        root: "/models".into(),
        repo: None,
        kind: Kind::Generative,
        state: State::Ready,
        reason: None,
        path: PathBuf::from(format!("/models/{name}.gguf")),
        content: Some("c0ffee".into()),
        architecture: Some("llama".into()),
        family: Some("llama".into()),
        quant: Some("Q4_1".into()),
        bits_per_weight: Some(5.0),
        parameters: Some(134_515_008),
        context_length: Some(8192),
        size: 98_362_432,
        allocated: 98_366_464,
        weights: 96_000_000,
        chat_template: true,
        shards: 1,
        mmproj: false,
        enabled: true,
        pinned: false,
        tier_override: None,
        alias: None,
        first_seen: Timestamp(1_700_000_000_000),
        last_used: None,
        use_count: 0,
        also_named: Vec::new(),
    }
}
