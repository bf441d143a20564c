use super::samples::*;
use super::*;
use crate::model::*;

fn chosen() -> Settings {
    Settings {
        enabled: false,
        pinned: true,
        tier: Some(Tier::Powerful),
        alias: Some("big".into()),
        note: Some("a\0note\n".into()),
        server: server::Choices { context: Some(8_192), ..server::Choices::default() },
    }
}

fn with(models: Vec<Model>) -> (tempfile::TempDir, Db) {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.record_scan(&added(models), NOW).unwrap();
    (dir, db)
}

#[track_caller]
fn check_everywhere(db: &Db, id: &ModelId, wanted: &Settings) {
    assert_eq!(&db.settings(id).unwrap(), wanted);
    assert_eq!(&db.models(Some(std::slice::from_ref(id))).unwrap()[0].settings, wanted);
    let row = db.rows().unwrap().into_iter().find(|row| &row.id == id).unwrap();
    let of_row = (row.enabled, row.pinned, row.tier_override, row.alias);
    assert_eq!(of_row, (wanted.enabled, wanted.pinned, wanted.tier, wanted.alias.clone()));
}

#[test]
fn settings_follow_the_content_to_another_id() {
    let a = model("aaaaaaaaaaaa", "same");
    let (_dir, mut db) = with(vec![a.clone()]);
    check_everywhere(&db, &a.id, &Settings::default());
    db.set(&a.id, &chosen()).unwrap();
    check_everywhere(&db, &a.id, &chosen());

    // It goes; the same bytes come back elsewhere under another id.
    db.record_scan(&ScanOutcome { gone: vec![a.id.clone()], ..ScanOutcome::default() }, NOW).unwrap();
    let b = model("bbbbbbbbbbbb", "same");
    db.record_scan(&added(vec![b.clone()]), NOW).unwrap();
    check_everywhere(&db, &b.id, &chosen());
    db.set(&b.id, &Settings::default()).unwrap();
    check_everywhere(&db, &a.id, &Settings::default());
}

#[test]
fn a_scan_does_not_change_settings() {
    let a = model("aaaaaaaaaaaa", "same");
    let (_dir, mut db) = with(vec![a.clone()]);
    db.set(&a.id, &chosen()).unwrap();
    db.record_scan(&added(vec![a.clone()]), NOW).unwrap();
    check_everywhere(&db, &a.id, &chosen());
}

#[test]
fn a_pin_survives_the_loss_of_the_header() {
    let whole = model("aaaaaaaaaaaa", "content");
    let (_dir, mut db) = with(vec![whole.clone()]);
    db.set(&whole.id, &chosen()).unwrap();
    db.record_scan(&added(vec![damaged("aaaaaaaaaaaa")]), NOW).unwrap();
    check_everywhere(&db, &whole.id, &chosen());
    db.record_scan(&added(vec![whole.clone()]), NOW).unwrap();
    check_everywhere(&db, &whole.id, &chosen());
}

#[test]
fn what_was_set_on_an_unreadable_file_stays_when_it_becomes_readable() {
    let id = ModelId("aaaaaaaaaaaa".into());
    let (_dir, mut db) = with(vec![damaged(id.as_str())]);
    db.set(&id, &chosen()).unwrap();
    db.record_scan(&added(vec![model(id.as_str(), "content")]), NOW).unwrap();
    check_everywhere(&db, &id, &chosen());
}

#[test]
fn other_content_under_one_id_starts_afresh() {
    let id = ModelId("aaaaaaaaaaaa".into());
    let (_dir, mut db) = with(vec![model(id.as_str(), "one")]);
    db.set(&id, &chosen()).unwrap();
    db.record_scan(&added(vec![model(id.as_str(), "two")]), NOW).unwrap();
    check_everywhere(&db, &id, &Settings::default());
    db.record_scan(&added(vec![model(id.as_str(), "one")]), NOW).unwrap();
    check_everywhere(&db, &id, &chosen());
}

#[test]
fn a_model_that_is_not_there_cannot_be_set() {
    let (_dir, mut db) = with(vec![]);
    let id = ModelId("aaaaaaaaaaaa".into());
    for (said, kind, hint) in [complaint(db.settings(&id)), complaint(db.set(&id, &chosen()))] {
        assert_eq!((said.as_str(), kind), ("no model has the id `aaaaaaaaaaaa`", Exit::CannotMeet));
        assert!(hint.contains("modelctl list"));
    }
}
