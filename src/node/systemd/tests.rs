//! Journals of real shapes, and the lives that they tell of.

use super::*;
use crate::clock::Timestamp;
use crate::node::Place;
use crate::node::log::{Life, LifeEnd, LogFacts};
use proptest::prelude::*;
use std::path::Path;
use std::time::Duration;

const UNIT: &str = "llama.service";
/// The first entry of every fixture, and a time after the last.
const BEGIN: Timestamp = Timestamp(1_795_953_600_000);
const NOW: Timestamp = Timestamp(1_795_957_200_000);

fn marks() -> Marks<'static> {
    Marks {
        is_known: &|line| line.contains("failed to open GGUF file"),
        is_error: &|line| line.split_whitespace().nth(1) == Some("E"),
        clean: &|line| line.replace("\u{1b}[31m", "").replace("\u{1b}[0m", ""),
    }
}

fn read_file(file: &Path, since: Timestamp) -> Fact<(LogFacts, Vec<Life>)> {
    let place = Place::new("/nowhere");
    journal(&place, UNIT, since, Some(file), marks(), Duration::from_secs(30), NOW)
}

fn read(name: &str) -> (LogFacts, Vec<Life>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/triage/journal/{name}.json"));
    read_file(&file, BEGIN).known().unwrap().clone()
}

fn ends(lives: &[Life]) -> Vec<LifeEnd> {
    lives.iter().map(|life| life.end.clone()).collect()
}

/// `Result` still says `exit-code` when the start limit is hit: the lives and the line are what tells.
#[test]
fn a_program_that_does_not_exist_is_five_lives_and_a_limit() {
    let (log, lives) = read("exec-203-start-limit");
    assert_eq!(ends(&lives), vec![LifeEnd::Exited { code: 203, expected: false }; 5]);
    assert!(lives.iter().all(|life| !life.started_well && life.lasted_s.is_some_and(|lasted| lasted < 1.0)));
    assert!(lives[1].first_error.as_ref().unwrap().text.contains("Failed to locate executable"));
    assert!(lives[0].end_line.as_ref().unwrap().text.contains("status=203/EXEC"));
    for text in ["Start request repeated too quickly", "Failed to locate executable /opt/llama/llama-server"] {
        assert!(log.marked.iter().any(|line| line.text.contains(text)), "{text}");
    }
}

/// The first error of each life is the diagnosis; the last line is the same for nine causes.
#[test]
fn each_life_has_its_first_error_and_its_end() {
    let (log, lives) = read("crash-loop");
    assert_eq!(ends(&lives), vec![LifeEnd::Exited { code: 1, expected: false }; 3]);
    for (at, life) in lives.iter().enumerate() {
        let error = life.first_error.as_ref().unwrap();
        assert!(error.text.contains("failed to open GGUF file") && error.error, "{error:?}");
        assert_eq!(life.pid, Some(5_000 + at as u32));
        assert!(life.lasted_s.is_some_and(|lasted| (1.5..1.6).contains(&lasted)) && life.started_well);
    }
    let first = log.marked.iter().find(|line| line.text.contains("failed to open")).unwrap();
    assert_eq!((first.life, first.time), (Some(0), Some(Timestamp(BEGIN.0 + 2_510))));
    // Bytes with colours are text without them, and another unit's errors are not this one's.
    assert!(log.marked.iter().any(|line| line.text == "0.01.501.000 E main: exiting due to model loading error"));
    assert!(!log.last.iter().any(|line| line.text.contains("not of this unit")));
    assert_eq!(log.modified, log.last.last().unwrap().time);
}

#[test]
fn signals_are_named_and_a_kill_by_memory_is_marked() {
    let (log, lives) = read("oom-kill");
    assert_eq!(ends(&lives), [LifeEnd::Killed { signal: "SIGKILL".into() }]);
    assert!(log.marked.iter().any(|line| line.text.contains("result 'oom-kill'")));
    let (log, lives) = read("start-timeout");
    assert_eq!(ends(&lives), [LifeEnd::Killed { signal: "SIGTERM".into() }]);
    assert!(!lives[0].started_well && lives[0].lasted_s.is_some_and(|lasted| (90.0..91.0).contains(&lasted)));
    assert!(log.marked.iter().any(|line| line.text.contains("start operation timed out")));
    let (_, lives) = read("watchdog");
    assert_eq!(ends(&lives), [LifeEnd::Killed { signal: "SIGABRT".into() }]);
}

/// An operator's restart is no flap, and what was wrong before it is history.
#[test]
fn a_restart_by_hand_is_a_stop_and_a_new_life() {
    let (log, lives) = read("restarted-by-hand");
    assert_eq!(ends(&lives), [LifeEnd::Stopped, LifeEnd::Running]);
    assert!(lives[0].first_error.is_some() && lives[1].first_error.is_none());
    assert_eq!((lives[1].pid, lives[1].started_well), (Some(8_001), true));
    let texts: Vec<&str> = log.last.iter().map(|line| line.text.as_str()).collect();
    assert!(texts.contains(&"0.02.000.000 I main: server is listening"));
    assert!(texts.contains(&"(a line of more than 4,096 bytes)"));
    // From the middle on: the life that runs began before.
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/triage/journal/restarted-by-hand.json");
    let fact = read_file(&file, Timestamp(BEGIN.0 + 603_000));
    let lives = &fact.known().unwrap().1;
    assert_eq!((ends(lives).as_slice(), lives[0].began), ([LifeEnd::Running].as_slice(), None));
}

#[test]
fn no_journal_and_a_strange_one_are_said_so() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(read_file(&dir.path().join("none"), BEGIN).outcome, Outcome::Absent { .. }));
    assert!(matches!(read_file(dir.path(), BEGIN).outcome, Outcome::Failed { .. }));
    let place = Place::new(dir.path());
    let asked = journal(&place, UNIT, BEGIN, None, marks(), Duration::from_secs(30), NOW);
    assert!(matches!(asked.outcome, Outcome::Absent { .. }), "{asked:?}");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), order in proptest::collection::vec(0usize..40, 0..40)) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("j");
        let text = include_str!("../../../fixtures/triage/journal/restarted-by-hand.json");
        let lines: Vec<&str> = text.lines().collect();
        // Real lines in any order, with anything between them.
        let mut mixed: Vec<u8> = order.iter().flat_map(|at| format!("{}\n", lines[at % lines.len()]).into_bytes()).collect();
        mixed.extend(bytes);
        std::fs::write(&file, mixed).unwrap();
        prop_assert!(read_file(&file, Timestamp(0)).known().is_some());
    }
}
