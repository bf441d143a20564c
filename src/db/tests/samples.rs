//! Models to store: one of every shape.

use crate::clock::Timestamp;
use crate::model::*;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

pub const NOW: Timestamp = Timestamp(1_795_000_000_123);
pub const ROOT: &str = "/models";

pub fn facts(name: &str) -> Facts {
    Facts {
        kind: Kind::Generative,
        gguf_version: 3,
        big_endian: false,
        architecture: Some("llama".into()),
        family: Some("llama".into()),
        name: Some(name.into()),
        basename: None,
        size_label: Some("135M".into()),
        finetune: Some("Instruct \u{1b}[31m".into()),
        organization: None,
        license: Some("apache-2.0".into()),
        base_model: None,
        parameters: 134_515_008,
        quant: Quant {
            label: "Q4_1".into(),
            source: QuantSource::FileType,
            // One of the fractions that a careless JSON reader gives back one bit off.
            bits_per_weight: Some(5.100_122_188_930_9e0 + f64::EPSILON),
            histogram: vec![("Q4_1".into(), 106_168_320), ("F32".into(), 35_136)],
            claimed: None,
        },
        context_length: Some(8192),
        layers: Some(30),
        embedding_length: Some(576),
        feed_forward_length: Some(1536),
        vocab_size: Some(49_152),
        experts: None,
        experts_used: None,
        attention: Attention { heads: Some(9), kv_heads: vec![3; 30], causal: Some(true), ..Attention::default() },
        recurrent: Some(Recurrent { conv_kernel: 4, ..Recurrent::default() }),
        chat_template: true,
        extra_templates: vec!["tool_use".into()],
        projection_dim: None,
        side_type: None,
        split: None,
        n_tensors: 272,
        tied_output: true,
        tensor_bytes: 96_000_000,
        token_embd_bytes: 30_081_024,
        data_offset: 1_784_096,
        integrity: Integrity::Truncated { need: 98_362_432, have: 1_000, first_missing: "blk.0.attn_q.weight".into() },
        unsupported: vec![],
        evidence: Evidence::default(),
        fingerprint: format!("fp-{name}"),
    }
}

pub fn artifact(path: impl Into<PathBuf>, ino: u64, header: Result<Facts, Fault>) -> Artifact {
    Artifact {
        path: path.into(),
        target: None,
        also: Vec::new(),
        identity: FileIdentity {
            dev: 64_769,
            ino,
            size: 98_362_432,
            mtime_ns: 1_700_000_000_123_456_789,
            ctime_ns: -1,
        },
        allocated: 98_365_440,
        role: Role::Main,
        shard_no: None,
        expected_sha256: None,
        header,
    }
}

/// A whole model of one file, ready.
pub fn model(id: &str, content: &str) -> Model {
    Model {
        id: ModelId(id.into()),
        name: format!("model {id}"),
        store: StoreKind::Dir,
        root: ROOT.into(),
        repo: None,
        kind: Kind::Generative,
        state: State::Ready,
        reason: None,
        content: Some(content.into()),
        artifacts: vec![artifact(format!("{ROOT}/{id}.gguf"), 7, Ok(facts(id)))],
        whole: None,
        shards_expected: 1,
        first_seen: NOW,
        settings: Settings::default(),
        usage: Usage::default(),
    }
}

/// A model whose header cannot be read.
pub fn damaged(id: &str) -> Model {
    let mut model = model(id, "");
    model.kind = Kind::Unknown;
    model.state = State::Damaged;
    model.reason = Some("not a GGUF file".into());
    model.content = None;
    model.artifacts[0].header = Err(Fault::damaged("not a GGUF file"));
    model
}

/// A split set from a Hugging Face cache with its projector: links, further entries, promised hashes.
pub fn split() -> Model {
    let hub = Path::new("/hub/models--org--name");
    let mut model = model("5a11d0000001", "content-split");
    model.store = StoreKind::Hf;
    model.root = "/hub".into();
    model.repo = Some("org/name".into());
    model.state = State::Incomplete;
    model.reason = Some("part 3 of 3 is missing".into());
    model.shards_expected = 3;
    model.artifacts = (1..=3u32)
        .map(|no| {
            let file = if no == 3 { "mmproj.gguf".to_owned() } else { format!("name-0000{no}-of-00003.gguf") };
            let mut part = artifact(hub.join("snapshots/b").join(&file), u64::from(no), Ok(facts(&file)));
            part.target = Some(hub.join(format!("blobs/{no}")));
            part.also = vec![hub.join("snapshots/z").join(&file), hub.join("snapshots/a").join(&file)];
            part.expected_sha256 = Some(format!("{no:064x}"));
            (part.role, part.shard_no) = if no == 3 { (Role::Mmproj, None) } else { (Role::Shard, Some(no)) };
            part
        })
        .collect();
    model.whole = crate::gguf::facts_of_set(&model.artifacts).map(Box::new);
    model
}

/// A file whose name is no UTF-8, whose header claims the absurd, and whose inode number has the top bit set.
pub fn hostile() -> Model {
    let mut model = model("badbadbadbad", "content-hostile");
    model.root = PathBuf::from(OsString::from_vec(b"/mod\xff\xfeels".to_vec()));
    let mut facts = facts("bad");
    facts.context_length = Some(u64::MAX);
    facts.parameters = u64::MAX;
    facts.tensor_bytes = u64::MAX;
    facts.name = Some("a\0b".into());
    facts.quant.bits_per_weight = None;
    let mut file = artifact(model.root.join(OsString::from_vec(b"\n\x80 ?%41.gguf".to_vec())), u64::MAX, Ok(facts));
    file.identity.dev = u64::MAX - 1;
    file.identity.mtime_ns = i64::MIN;
    model.artifacts = vec![file];
    model
}

/// The outcome of a scan that adds those models.
pub fn added(models: Vec<Model>) -> ScanOutcome {
    let mut roots: Vec<_> = models.iter().map(|m| (m.root.clone(), m.store, RootState::Read)).collect();
    roots.dedup();
    let counts = ScanCounts { added: models.len() as u64, ..ScanCounts::default() };
    ScanOutcome { roots, write: models, counts, ..ScanOutcome::default() }
}

/// What a scan of `/hub` found beside models: a file, a sum, and something missing.
pub fn survey() -> Surveyed {
    let file = Holding {
        store: StoreKind::Hf,
        root: "/hub".into(),
        owner: Some("org/x \u{1b}".into()),
        path: "/hub/models--org--x/blobs/ab".into(),
        files: 1,
        identity: Some(FileIdentity { dev: u64::MAX, ino: 7, size: 42, mtime_ns: -1, ctime_ns: 9 }),
        size: 42,
        allocated: 4_096,
        links: 2,
        class: Class::Orphan,
        why: "no snapshot references it".into(),
        expected_sha256: Some("ab".repeat(32)),
    };
    let sum = Holding {
        owner: None,
        path: "/hub/.locks".into(),
        files: 3,
        identity: None,
        class: Class::SideCache,
        expected_sha256: None,
        ..file.clone()
    };
    let missing = Holding { path: "/hub/models--org--x/refs".into(), files: 0, class: Class::Missing, ..sum.clone() };
    Surveyed { folder: "/hub".into(), holdings: vec![sum, file, missing], ..Surveyed::default() }
}

/// What a scan found in one repository of that folder, which has a survey of its own.
pub fn apart() -> Surveyed {
    let mut blob = survey().holdings.swap_remove(1);
    blob.path = "/hub/models--org--y/blobs/cd".into();
    let folder = PathBuf::from("/hub/models--org--y");
    let stamp = FolderStamp {
        folder: folder.clone(),
        format: 1,
        files: 1,
        known: vec![7; 32],
        found: vec![8; 32],
        entries: vec![0, 0xff, 1],
    };
    Surveyed { folder, holdings: vec![blob], is_apart: true, stamp: Some(stamp), ..Surveyed::default() }
}
