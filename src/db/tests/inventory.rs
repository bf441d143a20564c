use super::samples::*;
use super::*;
use crate::model::*;

fn some_of_everything() -> Vec<Model> {
    vec![model("aaaaaaaaaaaa", "content-a"), split(), damaged("dddddddddddd"), hostile()]
}

/// The row that a model's own facts ask for.
fn row_of(model: &Model) -> ModelRow {
    let facts = model.facts();
    ModelRow {
        id: model.id.clone(),
        name: model.name.clone(),
        store: model.store,
        root: model.root.clone(),
        repo: model.repo.clone(),
        kind: model.kind,
        state: model.state,
        reason: model.reason.clone(),
        damage: matches!(model.state, State::Damaged | State::Truncated).then_some(Damage::Structure),
        path: model.main().unwrap().path.clone(),
        content: model.content.clone(),
        architecture: facts.and_then(|f| f.architecture.clone()),
        family: facts.and_then(|f| f.family.clone()),
        quant: facts.map(|f| f.quant.label.clone()),
        bits_per_weight: facts.and_then(|f| f.quant.bits_per_weight),
        parameters: model.parameters(),
        context_length: facts.and_then(|f| f.context_length),
        size: model.size(),
        allocated: model.allocated(),
        weights: model.weights(),
        chat_template: facts.is_some_and(|f| f.chat_template),
        shards: model.artifacts.iter().filter(|a| a.role != Role::Mmproj).count() as u32,
        mmproj: model.mmproj().is_some(),
        enabled: model.settings.enabled,
        pinned: model.settings.pinned,
        tier_override: model.settings.tier,
        alias: model.settings.alias.clone(),
        server: model.settings.server.clone(),
        first_seen: model.first_seen,
        last_used: model.usage.last_used,
        use_count: model.usage.use_count,
        also_named: Vec::new(),
    }
}

#[test]
fn models_come_back_as_they_were_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let all = some_of_everything();
    open(&path).record_scan(&added(all.clone()), NOW).unwrap();

    for access in [Access::ReadOnly, Access::ReadWrite] {
        let db = Db::open(&path, access).unwrap();
        assert!(!db.is_fresh());
        assert_eq!(db.models(None).unwrap(), all);
        assert_eq!(db.rows().unwrap(), all.iter().map(row_of).collect::<Vec<_>>());
        assert!(all.iter().all(|model| db.row(&model.id).unwrap() == Some(row_of(model))));
        assert_eq!(db.row(&ModelId("not there".into())).unwrap(), None);
        let ids = [all[3].id.clone(), ModelId("not there".into()), all[1].id.clone()];
        assert_eq!(db.models(Some(&ids)).unwrap(), [all[3].clone(), all[1].clone()]);
        assert_eq!(db.models_in(&[all[3].root.clone(), "/elsewhere".into()]).unwrap(), [all[3].clone()]);
    }
}

fn name_in_store(model: &Model, file: &Artifact) -> Option<String> {
    let is_named = matches!(model.store, StoreKind::Ollama | StoreKind::Docker) && file.role == Role::Main;
    is_named.then(|| model.name.clone())
}

#[test]
fn a_rescan_sees_every_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let all = some_of_everything();
    db.record_scan(&added(all.clone()), NOW).unwrap();
    let mut wanted = Vec::new();
    for model in &all {
        for file in &model.artifacts {
            wanted.push(KnownFile {
                root: model.root.clone(),
                path: file.path.clone(),
                target: file.target.clone(),
                identity: file.identity,
                model: model.id.clone(),
                present: true,
                again: false,
                name_in_store: name_in_store(model, file),
            });
        }
    }
    assert_eq!(db.known_files().unwrap(), wanted);
}

#[test]
fn a_model_is_found_by_each_path_that_leads_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let all = some_of_everything();
    db.record_scan(&added(all.clone()), NOW).unwrap();
    for model in &all {
        for file in &model.artifacts {
            for path in [Some(&file.path), file.target.as_ref()].into_iter().flatten().chain(&file.also) {
                assert_eq!(db.ids_by_path(path).unwrap(), std::slice::from_ref(&model.id), "{path:?}");
            }
        }
    }
    assert_eq!(db.ids_by_path(Path::new("/models")).unwrap(), []);
}

#[test]
fn the_model_that_is_there_comes_before_the_one_that_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let (old, mut new) = (model("000000000001", "old"), model("000000000002", "new"));
    new.artifacts[0].path = old.artifacts[0].path.clone();
    db.record_scan(&added(vec![old.clone()]), NOW).unwrap();
    db.record_scan(&ScanOutcome { gone: vec![old.id.clone()], ..added(vec![new.clone()]) }, NOW).unwrap();
    assert_eq!(db.ids_by_path(&old.artifacts[0].path).unwrap(), [new.id, old.id]);
}

#[test]
fn what_is_gone_or_out_of_reach_stays_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let (a, b) = (model("aaaaaaaaaaaa", "a"), split());
    db.record_scan(&added(vec![a.clone(), b.clone()]), NOW).unwrap();
    let away = RootState::Unavailable { reason: "not mounted".into() };
    let outcome = ScanOutcome {
        roots: vec![(ROOT.into(), StoreKind::Dir, RootState::Read), ("/hub".into(), StoreKind::Hf, away.clone())],
        gone: vec![a.id.clone()],
        unavailable: vec![b.id.clone()],
        ..ScanOutcome::default()
    };
    let later = crate::clock::Timestamp(NOW.0 + 1);
    db.record_scan(&outcome, later).unwrap();

    let rows = db.rows().unwrap();
    assert_eq!((rows[0].state, rows[0].reason.as_deref()), (State::Gone, None));
    assert_eq!((rows[1].state, rows[1].reason.as_deref()), (State::Unavailable, Some("not mounted")));
    assert!(db.known_files().unwrap().iter().all(|f| !f.present));
    let roots: Vec<_> = db.roots().unwrap().into_iter().map(|r| (r.path, r.state, r.last_scan)).collect();
    assert_eq!(roots, [("/hub".into(), away, later), (ROOT.into(), RootState::Read, later)]);

    // They come back whole, and the first sight of them stays the first.
    let again = Model { first_seen: later, ..a.clone() };
    db.record_scan(&added(vec![again]), later).unwrap();
    assert_eq!(db.models(Some(std::slice::from_ref(&a.id))).unwrap(), [a]);
}

#[test]
fn a_rewritten_model_leaves_nothing_of_its_old_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let (other, before) = (model("aaaaaaaaaaaa", "a"), split());
    db.record_scan(&added(vec![other.clone(), before.clone()]), NOW).unwrap();
    let mut after = before.clone();
    after.artifacts.truncate(1);
    after.artifacts[0].also.clear();
    after.whole = crate::gguf::facts_of_set(&after.artifacts).map(Box::new);
    db.record_scan(&added(vec![after.clone()]), NOW).unwrap();
    assert_eq!(db.models(None).unwrap(), [other, after]);
    let left: (i64, i64, i64) = db
        .conn
        .query_row(
            "SELECT (SELECT count(*) FROM artifact), (SELECT count(*) FROM artifact_header),
                 (SELECT count(*) FROM artifact_entry)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert_eq!(left, (2, 2, 0));
}

#[test]
fn an_unchanged_scan_writes_its_own_rows_only() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.record_scan(&added(some_of_everything()), NOW).unwrap();
    let roots = vec![(ROOT.into(), StoreKind::Dir, RootState::Read)];
    let outcome =
        ScanOutcome { roots, counts: ScanCounts { unchanged: 4, ..Default::default() }, ..Default::default() };
    let before = db.conn.total_changes();
    db.record_scan(&outcome, NOW).unwrap();
    assert_eq!(db.conn.total_changes() - before, 2);
}

#[test]
fn the_history_of_scans_does_not_grow_for_ever() {
    let mut db = Db {
        conn: rusqlite::Connection::open_in_memory().unwrap(),
        place: None,
        path: "x".into(),
        patience: SHORT,
        fresh: true,
        was_exposed: false,
        watch: Default::default(),
    };
    crate::db::schema::upgrade(&mut db.conn).unwrap();
    for _ in 0..1_010 {
        db.record_scan(&ScanOutcome::default(), NOW).unwrap();
    }
    let kept: (i64, i64) =
        db.conn.query_row("SELECT count(*), max(number) FROM scan", [], |r| Ok((r.get(0)?, r.get(1)?))).unwrap();
    assert_eq!(kept, (1_000, 1_010));
}

#[test]
fn a_scan_that_fails_half_way_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    let kept = model("aaaaaaaaaaaa", "a");
    db.record_scan(&added(vec![kept.clone()]), NOW).unwrap();

    // One id twice.
    let twice = added(vec![model("bbbbbbbbbbbb", "b"), model("cccccccccccc", "c"), model("bbbbbbbbbbbb", "d")]);
    assert!(db.record_scan(&ScanOutcome { gone: vec![kept.id.clone()], ..twice }, NOW).is_err());
    assert_eq!(db.models(None).unwrap(), std::slice::from_ref(&kept));

    // The database itself refuses the second file of the third model.
    db.conn
        .execute_batch(
            "CREATE TEMP TRIGGER refuse BEFORE INSERT ON artifact WHEN NEW.ino = 2
             BEGIN SELECT RAISE(ABORT, 'injected'); END",
        )
        .unwrap();
    let outcome = added(vec![Model { name: "new".into(), ..kept.clone() }, model("bbbbbbbbbbbb", "b"), split()]);
    assert!(db.record_scan(&outcome, NOW).is_err());
    assert!(db.conn.is_autocommit());
    assert_eq!(db.models(None).unwrap(), [kept]);
    assert_eq!(db.roots().unwrap().len(), 1);
}
