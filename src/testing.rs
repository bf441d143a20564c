//! What unit tests of several rooms share.

use crate::clock::Timestamp;
use crate::model::{Kind, ModelId, ModelRow, State, StoreKind};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::path::PathBuf;

/// Reports that a test cannot run on this machine. In continuous integration, which sets `MODELCTL_TESTS_MUST_RUN`, that
/// is a failure: a test that never runs protects nobody.
///
/// # Panics
/// When `MODELCTL_TESTS_MUST_RUN` is set.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "the configuration of the program knows nothing of its tests")]
pub fn skip(why: impl std::fmt::Display) {
    assert!(std::env::var_os("MODELCTL_TESTS_MUST_RUN").is_none(), "this test must run, and cannot: {why}");
    eprintln!("skipped: {why}");
}

/// This thread, and those it starts, without root's right to read and write files whatever their mode, until this is
/// dropped. Without it a test of unreadable files would test nothing where tests run as root.
pub struct OrdinaryRights(CapabilitySets);

impl OrdinaryRights {
    pub fn new() -> OrdinaryRights {
        let held = capabilities(None).unwrap();
        let less = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
        set_capabilities(None, CapabilitySets { effective: held.effective - less, ..held }).unwrap();
        OrdinaryRights(held)
    }
}

impl Drop for OrdinaryRights {
    fn drop(&mut self) {
        set_capabilities(None, self.0).unwrap();
    }
}

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
        damage: None,
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
        server: Default::default(),
        first_seen: Timestamp(1_700_000_000_000),
        last_used: None,
        use_count: 0,
        also_named: Vec::new(),
    }
}
