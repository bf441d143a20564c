use super::samples::*;
use super::*;
use crate::clock::Timestamp;
use crate::db::{ServerHint, UseEvent};
use crate::model::ModelId;
use crate::model::ledger::Purpose;
use crate::model::popularity::HourlyUses;

fn hint(model: &str, count: u64) -> ServerHint {
    ServerHint {
        model: ModelId(model.into()),
        purpose: Purpose::Main,
        last_access: Some(Timestamp(NOW.0)),
        access_count: count,
        load_time: Some(Duration::from_millis(1_500)),
        is_loaded: true,
    }
}

/// After a restart a model would otherwise count as one that nobody ever used, and be evicted first.
#[test]
fn hints_are_found_again_by_content_for_every_copy_and_services_by_their_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.record_scan(&added(vec![model("aaaaaaaaaaaa", "same"), model("bbbbbbbbbbbb", "same")]), NOW).unwrap();
    let service = ServerHint { load_time: None, last_access: None, is_loaded: false, ..hint("service:whisper", 2) };
    db.save_server_hints(&[hint("aaaaaaaaaaaa", 1), service.clone()], NOW).unwrap();
    db.save_server_hints(&[hint("aaaaaaaaaaaa", 9)], NOW).unwrap();
    let copy = ServerHint { model: ModelId("bbbbbbbbbbbb".into()), ..hint("aaaaaaaaaaaa", 9) };
    assert_eq!(db.server_hints().unwrap(), [hint("aaaaaaaaaaaa", 9), copy, service]);
}

#[test]
fn hints_of_a_model_that_gets_a_readable_header_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.save_server_hints(&[hint("aaaaaaaaaaaa", 4)], NOW).unwrap();
    db.record_scan(&added(vec![model("aaaaaaaaaaaa", "content")]), NOW).unwrap();
    assert_eq!(db.server_hints().unwrap(), [hint("aaaaaaaaaaaa", 4)]);
}

#[test]
fn uses_are_counted_by_hour_and_a_batch_of_them_is_all_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut db = open(&dir.path().join("db"));
    db.record_scan(&added(vec![model("aaaaaaaaaaaa", "a")]), NOW).unwrap();
    let hour = 3_600_000;
    let used = |at: i64| UseEvent {
        model: ModelId("aaaaaaaaaaaa".into()),
        at: Timestamp(at),
        source: "serve".into(),
        prompt_tokens: 1,
        completion_tokens: 2,
        duration_ms: 3,
        outcome: "stop".into(),
    };
    db.record_uses(&[used(10), used(5 * hour), used(5 * hour + 9), used(6 * hour)]).unwrap();
    assert!(db.record_uses(&[used(6 * hour), UseEvent { duration_ms: u64::MAX, ..used(1) }]).is_err());
    let of = |hour, count| HourlyUses { model: ModelId("aaaaaaaaaaaa".into()), hour, count };
    assert_eq!(db.hourly_uses(Timestamp(hour)).unwrap(), [of(5, 2), of(6, 1)]);
}
