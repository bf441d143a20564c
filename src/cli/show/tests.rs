use super::view;
use crate::clock::Timestamp;
use crate::host::gpu::{Gpu, GpuMemory};
use crate::host::memory::Memory;
use crate::model::*;
use crate::ops::memory_fit::{Machine, Need, Wanted, fits, need};
use crate::ops::show::{Shown, UseEvent, report};
use crate::testing::sample_row;
use crate::ui::{Ui, UiOptions};

const NOW: Timestamp = Timestamp(1_700_000_000_000 + 3 * 86_400_000);
const GIB: u64 = 1 << 30;

fn facts() -> Facts {
    Facts {
        kind: Kind::Generative,
        gguf_version: 3,
        big_endian: false,
        architecture: Some("llama".into()),
        family: Some("llama".into()),
        name: Some("Smol\x1b[2J".into()),
        basename: None,
        size_label: Some("135M".into()),
        finetune: None,
        organization: None,
        license: Some("apache-2.0".into()),
        base_model: None,
        parameters: 134_515_008,
        quant: Quant {
            label: "Q4_1".into(),
            source: QuantSource::Tensors,
            bits_per_weight: Some(5.71),
            histogram: vec![("Q4_1".into(), 900), ("F32".into(), 100)],
            claimed: Some("F16".into()),
        },
        context_length: Some(8192),
        layers: Some(30),
        embedding_length: Some(576),
        feed_forward_length: Some(1536),
        vocab_size: Some(49_152),
        experts: None,
        experts_used: None,
        attention: Attention { heads: Some(9), kv_heads: vec![3; 30], ..Attention::default() },
        recurrent: None,
        chat_template: true,
        extra_templates: vec!["tool_use".into()],
        projection_dim: None,
        side_type: None,
        split: None,
        n_tensors: 272,
        tied_output: true,
        tensor_bytes: 96 << 20,
        token_embd_bytes: 16 << 20,
        data_offset: 1_784_000,
        integrity: Integrity::Truncated { need: 200, have: 100, first_missing: "blk.7".into() },
        unsupported: vec![],
        evidence: Evidence::default(),
        fingerprint: "f00".into(),
    }
}

fn model() -> Model {
    let row = sample_row("Smol\nLM");
    Model {
        id: ModelId("3f2a1b4c5d6e".into()),
        name: row.name,
        store: StoreKind::Hf,
        root: "/hub".into(),
        repo: Some("org/smol".into()),
        kind: Kind::Generative,
        state: State::Truncated,
        reason: Some("cut off".into()),
        content: Some("c0ffee".into()),
        artifacts: vec![Artifact {
            path: "/hub/snapshots/a/smol.gguf".into(),
            target: Some("/hub/blobs/b179".into()),
            also: vec!["/hub/snapshots/b/smol.gguf".into()],
            identity: FileIdentity {
                dev: 1,
                ino: 2,
                size: 98_362_432,
                mtime_ns: 1_700_000_000_123_456_789,
                ctime_ns: 0,
            },
            allocated: 98_366_464,
            role: Role::Main,
            shard_no: None,
            expected_sha256: Some("b179".into()),
            header: Ok(facts()),
        }],
        whole: None,
        shards_expected: 1,
        first_seen: Timestamp(1_700_000_000_000),
        settings: Settings { enabled: false, ..Settings::default() },
        usage: Usage {
            last_used: Some(Timestamp(NOW.0 - 7_200_000)),
            use_count: 12,
            last_source: Some("run-once".into()),
        },
    }
}

fn gpu(index: u32, memory: Reading<GpuMemory>) -> Gpu {
    Gpu { index, uuid: None, name: "NVIDIA H200".into(), memory, processes: Vec::new() }
}

fn machine(gpus: Reading<Vec<Gpu>>) -> Machine {
    Machine { memory: Reading::Known(Memory { total: 32 * GIB, available: 8 * GIB }), gpus }
}

fn a_need() -> Need {
    Need {
        context: 4096,
        parallel: 1,
        weights: 96 << 20,
        projector: 0,
        kv_cache: 90 << 20,
        compute: 10 << 20,
        overhead: 4 << 20,
        total: 200 << 20,
    }
}

fn printed(need: Reading<Need>, gpus: Reading<Vec<Gpu>>) -> String {
    let (row, model) = (sample_row("smol"), model());
    let events = vec![UseEvent { at: Timestamp(NOW.0 - 7_200_000), source: "run-once".into() }];
    let shown = Shown {
        row: row.clone(),
        model: model.clone(),
        stored: vec![],
        need,
        exact: None,
        machine: machine(gpus),
        events,
        pairing: None,
        also_in: vec![],
        is_recorded: true,
        now: NOW,
    };
    printed_of(&shown, true)
}

fn printed_of(shown: &Shown, is_verbose: bool) -> String {
    let (mut ui, out, _) = Ui::for_test(UiOptions::default(), true);
    let path = crate::ui::text::path;
    let style = view::Style { limits: &TierLimits::default(), is_verbose, path: &path };
    ui.sections(&view::sections(shown, &style)).unwrap();
    out.text()
}

/// Nobody who asks what a model is and where else it is wants to read past its inodes.
#[test]
fn copies_are_named_and_inodes_are_for_those_who_ask() {
    let row = sample_row("smol");
    let copy = |store| ModelRow { store, ..row.clone() };
    let shown = Shown {
        row: row.clone(),
        model: model(),
        stored: vec![],
        need: Reading::Known(a_need()),
        exact: None,
        machine: machine(Reading::Known(vec![])),
        events: vec![],
        pairing: None,
        also_in: vec![copy(StoreKind::Ollama), copy(StoreKind::Dir), copy(StoreKind::Dir)],
        is_recorded: true,
        now: NOW,
    };
    let brief = printed_of(&shown, false);
    assert!(brief.contains("\n  also in     dir, ollama\n"), "{brief}");
    for noise in ["inode", "bytes)", "content id", "90.0%"] {
        assert!(!brief.contains(noise) && printed_of(&shown, true).contains(noise), "{noise}: {brief}");
    }
    let unscanned = printed_of(&Shown { is_recorded: false, also_in: vec![], ..shown }, false);
    assert!(unscanned.contains("`modelctl scan` records it") && !unscanned.contains("first seen"), "{unscanned}");
}

#[test]
fn a_person_reads_everything_about_a_model() {
    let free = GpuMemory { total: 140 * GIB, free: GIB, used: 139 * GIB };
    assert_eq!(
        printed(Reading::Known(a_need()), Reading::Known(vec![gpu(0, Reading::Known(free))])),
        "\
Smol\\nLM
  id          3f2a1b4c5d6e
  state       truncated: cut off
  kind        generative
  tier        fast
  store       hf, /hub
  repository  org/smol
  enabled     no: never started or chosen
  first seen  3d ago (2023-11-14T22:13:20Z)

Memory for a context of 4096 tokens
  source       formula over the header
  weights      96.0 MiB
  KV cache     90.0 MiB
  compute      10.0 MiB
  overhead     4.0 MiB
  total        200.0 MiB
  main memory  fits: 8.0 GiB of 32.0 GiB available
  GPU 0        fits: 1.0 GiB of 140.0 GiB free (NVIDIA H200)

Use
  last used             2h ago (2023-11-17T20:13:20Z) by run-once
  count                 12
  2023-11-17T20:13:20Z  run-once

Files: 1 file, 93.8 MiB, 93.8 MiB on disk
  main        /hub/snapshots/a/smol.gguf
    bytes in  /hub/blobs/b179
    also      /hub/snapshots/b/smol.gguf
    size      93.8 MiB (98362432 bytes), 93.8 MiB on disk
    inode     2 on device 1
    modified  2023-11-14T22:13:20Z
    sha256    b179 (declared by the store)
    content   truncated: 100 of 200 bytes; first missing tensor `blk.7`

Metadata
  architecture   llama
  family         llama
  name           Smol\\x1b[2J
  size label     135M
  license        apache-2.0
  parameters     134.5M (134515008)
  quantization   Q4_1, 5.71 bits per weight (from its tensors)
    claims       F16, which its tensors contradict
    weights      Q4_1 90.0%, F32 10.0%
  context        8192 tokens
  layers         30
  embedding      576
  feed forward   1536
  heads          9, 3 for keys and values
  vocabulary     49152 tokens
  chat template  yes, also: tool_use
  tensors        272
  format         GGUF 3, header of 1.7 MiB
  content id     c0ffee
"
    );
}

#[test]
fn no_figure_says_why() {
    let text = printed(Reading::Unavailable("it is not loaded on its own".into()), Reading::Known(vec![]));
    assert!(text.contains("Memory\n  needs  unknown: it is not loaded on its own\n"), "{text}");
}

#[test]
fn no_gpu_a_broken_driver_and_a_lost_card_read_differently() {
    let words = |gpus| fits(GIB, &machine(gpus)).into_iter().skip(1).map(|f| (f.fits, f.words)).collect::<Vec<_>>();
    assert_eq!(words(Reading::Known(vec![])), [(Some(false), "none: the driver sees no GPU".to_owned())]);
    assert_eq!(words(Reading::Unavailable("not loaded".into())), [(None, "unknown: not loaded".to_owned())]);
    let lost = gpu(0, Reading::Unavailable("it fell off the bus".into()));
    assert_eq!(words(Reading::Known(vec![lost])), [(None, "unknown: it fell off the bus (NVIDIA H200)".to_owned())]);
}

#[test]
fn a_model_too_large_for_one_gpu_may_fit_over_two() {
    let half = || Reading::Known(GpuMemory { total: 8 * GIB, free: 6 * GIB, used: 2 * GIB });
    let fits = fits(10 * GIB, &machine(Reading::Known(vec![gpu(0, half()), gpu(1, half())])));
    let verdicts: Vec<_> = fits.iter().map(|f| (f.place.as_str(), f.fits)).collect();
    assert_eq!(
        verdicts,
        [("main memory", Some(false)), ("GPU 0", Some(false)), ("GPU 1", Some(false)), ("GPUs", Some(true))]
    );
    assert_eq!(fits[0].words, "does not fit now: 8.0 GiB of 32.0 GiB available");
}

#[test]
fn memory_is_shown_for_a_modest_context_unless_asked() {
    let context = |model: &Model, ctx| need(model, &Wanted::new(ctx, 1)).known().map(|n| n.context);
    let mut model = model();
    assert_eq!(context(&model, None), Some(4096));
    assert_eq!(context(&model, Some(8192)), Some(8192));
    if let Ok(facts) = &mut model.artifacts[0].header {
        facts.context_length = Some(512);
    }
    assert_eq!(context(&model, None), Some(512));
    model.kind = Kind::Imatrix;
    assert_eq!(need(&model, &Wanted::new(None, 1)), Reading::Unavailable("it is not loaded on its own".into()));
    (model.kind, model.state) = (Kind::Generative, State::Incomplete);
    assert!(need(&model, &Wanted::new(None, 1)).known().is_none());
}

#[test]
fn the_json_of_show_extends_that_of_list() {
    let (row, model) = (sample_row("smol"), model());
    let shown = Shown {
        row: row.clone(),
        model: model.clone(),
        stored: vec![],
        need: Reading::Known(a_need()),
        exact: None,
        machine: machine(Reading::Unavailable("not loaded".into())),
        events: vec![],
        pairing: None,
        also_in: vec![],
        is_recorded: true,
        now: NOW,
    };
    let limits = TierLimits::default();
    let value = serde_json::to_value(report(&shown, &limits)).unwrap();
    let listed = serde_json::to_value(Listed::of(&row, &limits)).unwrap();
    for (key, expected) in listed.as_object().unwrap() {
        assert_eq!(&value[key], expected, "{key}");
    }
    assert_eq!(value["memory"]["total_bytes"], 200 << 20);
    assert_eq!(value["fits"][1], serde_json::json!({"place": "GPU", "fits": null, "detail": "unknown: not loaded"}));
    assert_eq!(value["metadata"]["quant"], "Q4_1");
    assert_eq!(
        value["files"][0],
        serde_json::json!({
            "path": "/hub/snapshots/a/smol.gguf", "target": "/hub/blobs/b179", "also": ["/hub/snapshots/b/smol.gguf"],
            "role": "main", "shard_no": null, "size_bytes": 98_362_432, "allocated_bytes": 98_366_464,
            "device": 1, "inode": 2, "modified": "2023-11-14T22:13:20Z", "class": null, "why": null, "expected_sha256": "b179",
            "verified_sha256": null, "header_error": null, "header_fault": null,
            "integrity": {
                "state": "truncated", "needed_bytes": 200, "actual_bytes": 100, "first_missing_tensor": "blk.7",
                "allocated_bytes": null, "trailing_bytes": null, "reason": null,
            },
        })
    );
}
