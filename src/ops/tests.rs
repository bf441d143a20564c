//! The recipes as a client without a terminal uses them.

use super::scan::{Request, scan};
use super::{OpEvent, Session, Sink, Step, keep_hints, scan_report, stores, trash};
use crate::clock;
use crate::config::{Config, Env, Flags};
use crate::db::Access;
use crate::gguf::fixture::small_model;
use crate::model::Listed;
use crate::supervise::{Stop, StopSignal};
use std::path::Path;

fn session(home: &Path) -> Session {
    let (models, database) = (home.join("models"), home.join("db/models.db"));
    std::fs::create_dir_all(&models).unwrap();
    let pairs = [("HOME", home), ("MODELCTL_DB", &database), ("MODEL_SCAN_PATH", &models)];
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, path)| (*name, path.to_str().unwrap())).collect();
    Session::new(Config::load(&Flags::default(), &Env::from_pairs(&pairs)).unwrap(), clock::now())
}

fn heard<T>(run: impl FnOnce(&mut Sink<'_>) -> T) -> (T, Vec<OpEvent>) {
    let mut events = Vec::new();
    let done = run(&mut |event| events.push(event));
    (done, events)
}

#[test]
fn a_client_hears_a_scan_and_gets_the_report_and_the_models_as_the_command_line_prints_them() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(home.path());
    std::fs::write(home.path().join("models/tiny.gguf"), small_model("tiny")).unwrap();
    let (scanned, events) = heard(|on| scan(&mut session, &Request::default(), &StopSignal::new(), on));
    let scanned = scanned.unwrap();
    let is_progress = |event: &OpEvent| matches!(event, OpEvent::Progress(progress) if progress.step == Step::Scanning);
    assert!(events.iter().any(is_progress) && events.iter().all(is_progress), "{events:?}");
    let report = serde_json::to_value(scan_report::document(&scanned.report, scanned.took)).unwrap();
    assert_eq!(report["counts"]["added"], 1);
    let rows = session.db(Access::ReadOnly).unwrap().rows().unwrap();
    let listed = serde_json::to_value(Listed::of(&rows[0], &session.config.tiers)).unwrap();
    assert_eq!(listed["name"], report["changes"][0]["name"]);
    let (found, _) = heard(|on| stores::stores(&mut session, &[], on));
    let stores: Vec<_> =
        found.unwrap().rows.iter().map(|row| serde_json::to_value(stores::StoreReport::of(row))).collect();
    assert_eq!(stores[0].as_ref().unwrap()["models"], 1);
}

#[test]
fn a_client_that_goes_away_stops_its_scan_and_nothing_of_it_is_recorded() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(home.path());
    std::fs::write(home.path().join("models/tiny.gguf"), small_model("tiny")).unwrap();
    let stop = StopSignal::new();
    stop.request(Stop::Terminated);
    let (scanned, _) = heard(|on| scan(&mut session, &Request::default(), &stop, on));
    assert!(scanned.unwrap_err().to_string().contains("nothing of this scan was recorded"));
    assert_eq!(session.db(Access::ReadOnly).unwrap().rows().unwrap(), []);
}

#[test]
fn what_was_kept_and_what_is_in_the_trash_is_answered_without_a_word() {
    let home = tempfile::tempdir().unwrap();
    let mut session = session(home.path());
    let added = keep_hints::add(&mut session, &["*-Q8_0".to_owned()]).unwrap();
    assert_eq!(serde_json::to_value(&added).unwrap()[0]["is_new"], true);
    assert!(keep_hints::remove(&mut session, &["something".to_owned()]).is_err());
    let (listed, events) = heard(|on| trash::list(&mut session, &[], on));
    assert!(matches!(listed.unwrap(), (items, true) if items.is_empty()));
    assert_eq!(events, []);
    assert_eq!(session.take_notices(), []);
}
