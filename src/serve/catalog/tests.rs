use super::*;
use crate::clock;
use crate::db::{Access, Db};
use crate::model::{Artifact, Fault, FileIdentity, Kind, Model, Role, RootState, ScanOutcome, Settings, Usage};
use crate::supervise::{Stop, StopSignal};
use crate::testing::sample_row;
use std::time::Duration;

fn row(id: &str, name: &str, change: impl FnOnce(&mut ModelRow)) -> ModelRow {
    let mut row = sample_row(name);
    row.id = ModelId(format!("{id:0<12}"));
    row.content = Some(id.to_owned());
    change(&mut row);
    row
}

fn catalog(rows: Vec<ModelRow>) -> Catalog {
    Catalog::new(rows, &HashMap::new())
}

/// The ids that a name leads to; `!` before one that is not served.
fn ids(catalog: &Catalog, name: &str) -> String {
    let short = |entry: &Arc<Entry>| entry.row.id.as_str().trim_end_matches('0').to_owned();
    match catalog.resolve(name) {
        Resolved::One(entry) => short(&entry),
        Resolved::Many(entries) => entries.iter().map(short).collect::<Vec<_>>().join(" or "),
        Resolved::NotServed(entry, _) => format!("!{}", short(&entry)),
        Resolved::None => "-".to_owned(),
    }
}

#[test]
fn a_model_answers_to_every_name_that_its_clients_use() {
    let catalog = catalog(vec![
        row("a", "SmolLM2-135M-Instruct-Q4_1", |r| {
            r.alias = Some("small".into());
            r.repo = Some("HuggingFaceTB/SmolLM2".into());
            r.path = "/models/smol.Q4_1.gguf".into();
        }),
        row("b", "llama3:latest", |_| {}),
    ]);
    let names = [
        "a00000000000",
        "A00000000000",
        "small",
        "SmolLM2-135M-Instruct-Q4_1",
        "smollm2-135m-instruct-q4_1",
        "HuggingFaceTB/SmolLM2",
        "HuggingFaceTB/SmolLM2:Q4_1",
        "smol.Q4_1.gguf",
        "smol.Q4_1",
    ];
    for name in names {
        assert_eq!(ids(&catalog, name), "a", "{name}");
        assert_eq!(ids(&catalog, &format!("{name}:latest")), "a", "{name}:latest");
    }
    assert_eq!([ids(&catalog, "llama3"), ids(&catalog, "llama3:latest")], ["b", "b"]);
    // No part of a name, and no path: a request must not reach a model by accident, nor a file.
    for name in ["", ":latest", "smol", "/models/smol.Q4_1.gguf", "../smol.Q4_1.gguf", "HuggingFaceTB/"] {
        assert_eq!(ids(&catalog, name), "-", "{name}");
    }
}

#[test]
fn two_models_of_one_name_are_told_apart_by_alias_case_or_id_and_otherwise_both_named() {
    let repo = |r: &mut ModelRow| r.repo = Some("org/repo".into());
    let catalog = catalog(vec![
        row("a", "Model", repo),
        row("b", "model", |r| {
            repo(r);
            r.quant = Some("Q8_0".into());
        }),
        row("c", "other", |r| r.alias = Some("Model".into())),
    ]);
    assert_eq!(ids(&catalog, "Model"), "c", "an alias is before a name");
    assert_eq!(ids(&catalog, "model"), "b");
    assert_eq!(ids(&catalog, "org/repo"), "a or b");
    assert_eq!([ids(&catalog, "org/repo:Q4_1"), ids(&catalog, "org/repo:q8_0")], ["a", "b"]);
    let listed: Vec<_> = catalog.offered().map(|(name, entry)| (name, ids(&catalog, entry.row.id.as_str()))).collect();
    let expected = [("a00000000000", "a"), ("model", "b"), ("Model", "c")];
    assert_eq!(listed, expected.map(|(name, id)| (name, id.to_owned())), "each listed name leads to its model");
}

#[test]
fn copies_in_several_stores_are_one_model_for_a_name() {
    let copy = |r: &mut ModelRow| r.content = Some("same".into());
    let mut rows = vec![row("a", "model", copy), row("b", "model", copy), row("c", "model", copy)];
    assert_eq!(ids(&catalog(rows.clone()), "model"), "a");
    rows[2].alias = Some("mine".into());
    assert_eq!(ids(&catalog(rows.clone()), "model"), "c", "the one that a person gave a name");
    rows[1].pinned = true;
    assert_eq!(ids(&catalog(rows.clone()), "model"), "b", "the pinned one");
    rows[1].state = State::Damaged;
    assert_eq!(ids(&catalog(rows.clone()), "model"), "c", "not the damaged one");
    let all = catalog(rows.clone());
    assert_eq!(all.offered().map(|(name, _)| name).collect::<Vec<_>>(), ["mine"], "the copy is not listed beside it");
    rows[0].content = None;
    rows[2].content = None;
    assert_eq!(ids(&catalog(rows), "model"), "c or a", "contents that are not known are not the same");
}

#[test]
fn a_model_that_is_not_served_is_named_with_the_reason() {
    let catalog = catalog(vec![
        row("a", "off", |r| r.enabled = false),
        row("b", "cut", |r| (r.state, r.reason) = (State::Truncated, Some("6 bytes are missing".into()))),
        row("c", "draft", |r| r.kind = Kind::Draft),
        row("d", "gone", |r| r.state = State::Gone),
    ]);
    let why = |name: &str| match catalog.resolve(name) {
        Resolved::NotServed(_, why) => why,
        other => panic!("{name}: {other:?}"),
    };
    assert!(why("off").contains("is disabled") && why("off").contains("--enable"));
    assert!(why("cut").contains("truncated: 6 bytes are missing"));
    assert!(why("draft").contains("its kind is draft"));
    assert_eq!(ids(&catalog, "gone"), "-");
    assert_eq!(catalog.offered().count(), 0);
    assert!(catalog.by_id(&ModelId("d00000000000".into())).is_some());
}

#[test]
fn each_of_ten_thousand_models_is_found() {
    let rows: Vec<ModelRow> = (0..10_000_u32)
        .map(|n| {
            row(&format!("{n:x}f"), &format!("Model-{n}-Instruct-Q4_K_M"), |r| r.repo = Some(format!("Org/Model-{n}")))
        })
        .collect();
    let catalog = catalog(rows);
    for n in 0..10_000 {
        assert!(matches!(catalog.resolve(&format!("Model-{n}-Instruct-Q4_K_M:latest")), Resolved::One(_)));
    }
}

#[tokio::test]
async fn a_change_by_another_process_reaches_the_catalog() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("models.db");
    let mut db = Db::open(&path, Access::ReadWrite).unwrap();
    let stop = StopSignal::new();
    let catalogs = follow(path.clone(), stop.clone(), |why| panic!("{why}")).unwrap();
    let mut watch = catalogs.watch();
    assert_eq!(catalogs.current().all().len(), 0);
    let row = sample_row("new");
    let id = row.id.clone();
    let file = FileIdentity { dev: 1, ino: 2, size: 3, mtime_ns: 1_700_000_000_123_456_789, ctime_ns: 5 };
    let artifact = Artifact {
        path: row.path,
        target: None,
        also: Vec::new(),
        identity: file,
        allocated: 3,
        role: Role::Main,
        shard_no: None,
        expected_sha256: None,
        header: Err(Fault::damaged("it is a sample")),
    };
    let model = Model {
        id: row.id,
        name: row.name,
        store: row.store,
        root: row.root,
        repo: None,
        kind: row.kind,
        state: row.state,
        reason: None,
        content: row.content,
        artifacts: vec![artifact],
        whole: None,
        shards_expected: 1,
        first_seen: row.first_seen,
        settings: Settings::default(),
        usage: Usage::default(),
    };
    let roots = vec![("/models".into(), row.store, RootState::Read)];
    let outcome = ScanOutcome { roots, write: vec![model], ..ScanOutcome::default() };
    db.record_scan(&outcome, clock::now()).unwrap();
    let seen = watch.wait_for(|catalog| catalog.by_id(&id).is_some());
    tokio::time::timeout(Duration::from_secs(30), seen).await.expect("the model was not seen").unwrap();
    assert_eq!(catalogs.current().by_id(&id).unwrap().written, Timestamp(1_700_000_000_123), "the time of the file");
    // A handler that has changed the database itself does not wait.
    db.set(&id, &Settings { enabled: false, ..Settings::default() }).unwrap();
    catalogs.refresh(&path).unwrap();
    assert!(!catalogs.current().by_id(&id).unwrap().row.enabled);
    // Whoever asks for a model right after another program made it available gets it.
    for _ in 0..3 {
        db.set(&id, &Settings { enabled: true, ..Settings::default() }).unwrap();
        let (_, found) = catalogs.resolve(id.as_str()).await;
        assert!(matches!(found, Resolved::One(_)), "{found:?}");
        db.set(&id, &Settings { enabled: false, ..Settings::default() }).unwrap();
        catalogs.refresh(&path).unwrap();
    }
    stop.request(Stop::Terminated);
}
