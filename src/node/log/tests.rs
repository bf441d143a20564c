use super::*;
use crate::clock::Timestamp;
use crate::node::{Fact, Outcome, Place};
use crate::testing::{OrdinaryRights, skip};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

const NOW: Timestamp = Timestamp(1_795_953_600_000);
const LOG: &str = "/var/log/x.err";

fn known(line: &str) -> bool {
    line.contains("KNOWN")
}

/// A node with files below `/var/log`.
struct Node {
    place: Place,
    /// Removes the folder at the end.
    _root: tempfile::TempDir,
}

impl Node {
    fn new(files: &[(&str, &str)]) -> Node {
        let root = tempfile::tempdir().unwrap();
        let place = Place::new(root.path());
        std::fs::create_dir_all(place.at("/var/log")).unwrap();
        for (path, text) in files {
            std::fs::write(place.at(path), text).unwrap();
        }
        Node { place, _root: root }
    }

    fn read(&self, limits: Limits) -> Fact<LogFacts> {
        read(&self.place, Path::new(LOG), LogKind::Stderr, &known, limits, NOW)
    }

    fn facts(&self, limits: Limits) -> LogFacts {
        let fact = self.read(limits);
        fact.known().unwrap_or_else(|| panic!("{fact:?}")).clone()
    }
}

fn read_text(text: &str) -> LogFacts {
    Node::new(&[(LOG, text)]).facts(Limits::default())
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// The first error and what rules know is found in any log, with the line where it stands.
#[test]
fn errors_and_known_lines_are_marked_with_their_place() {
    let facts = read_text("start\nINFO: user says error: x\nKNOWN thing\nerror: it broke\n\ntail\n");
    let marked: Vec<_> = facts.marked.iter().map(|l| (l.line, l.text.as_str(), l.error)).collect();
    assert_eq!(marked, [(Some(3), "KNOWN thing", false), (Some(4), "error: it broke", true)]);
    assert_eq!((facts.lines_read, facts.is_cut, facts.size), (5, false, 65));
    assert_eq!(facts.last.last().unwrap().text, "tail");
    assert!(facts.modified.is_some());
}

/// A long log is read from its end, in whole lines, without numbers that would be wrong.
#[test]
fn only_the_end_of_a_long_log_is_read() {
    let text: String = (0..1000).map(|n| format!("error: number {n}\n")).collect();
    let facts = Node::new(&[(LOG, &text)]).facts(Limits { bytes: 100, ..Limits::default() });
    assert!(facts.is_cut);
    let expected =
        ["error: number 995", "error: number 996", "error: number 997", "error: number 998", "error: number 999"];
    assert_eq!(texts(&facts.marked), expected);
    assert!(facts.marked.iter().all(|line| line.line.is_none()));
}

/// Right after a rotation the error is in the older file.
#[test]
fn what_is_missing_is_read_from_the_rotated_file() {
    let older = "error: first\nerror: second\n";
    let node = Node::new(&[(LOG, "error: third\n"), ("/var/log/x.err.1", older)]);
    let facts = node.facts(Limits::default());
    assert_eq!(texts(&facts.marked), ["error: first", "error: second", "error: third"]);
    assert_eq!(facts.marked[0].source, "/var/log/x.err.1");
    assert_eq!((facts.marked[2].source.as_str(), facts.marked[2].line), (LOG, Some(1)));
    let facts = node.facts(Limits { bytes: 30, ..Limits::default() });
    assert_eq!(texts(&facts.marked), ["error: second", "error: third"]);
    std::fs::remove_file(node.place.at("/var/log/x.err.1")).unwrap();
    std::fs::hard_link(node.place.at(LOG), node.place.at("/var/log/x.err.1")).unwrap();
    assert_eq!(texts(&node.facts(Limits::default()).marked), ["error: third"]);
}

/// Ten gigabytes of holes, as a truncation leaves them, take neither time nor memory.
#[test]
fn a_sparse_log_is_read_at_its_end() {
    let node = Node::new(&[(LOG, "")]);
    let mut file = std::fs::File::options().write(true).open(node.place.at(LOG)).unwrap();
    file.seek(SeekFrom::Start(10 << 30)).unwrap();
    file.write_all(b"error: a\nKNOWN b\n").unwrap();
    // The hole is one line with the first one, whose beginning is not read.
    assert_eq!(texts(&node.facts(Limits::default()).marked), ["KNOWN b"]);
}

/// A pipe must not be waited for, and nobody may lead a reader with more rights to another file.
#[test]
fn what_is_no_log_is_refused_in_words() {
    let node = Node::new(&[("/secret", "KNOWN\n")]);
    let at = node.place.at(LOG);
    let why = || node.read(Limits::default()).why().unwrap().to_owned();
    assert!(matches!(node.read(Limits::default()).outcome, Outcome::Absent { .. }));
    std::fs::create_dir(&at).unwrap();
    assert!(why().contains("a folder"), "{}", why());
    std::fs::remove_dir(&at).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &at, rustix::fs::FileType::Fifo, 0o644.into(), 0).unwrap();
    assert!(why().contains("a pipe"), "{}", why());
    std::fs::remove_file(&at).unwrap();
    for target in ["/dev/stdout", "/proc/self/fd/1", "../../dev/stderr"] {
        symlink(target, &at).unwrap();
        assert!(why().contains("output of the container"), "{}", why());
        std::fs::remove_file(&at).unwrap();
    }
    symlink("/dev/null", &at).unwrap();
    assert!(why().contains("discarded"), "{}", why());
    std::fs::remove_file(&at).unwrap();
    symlink("x.err", &at).unwrap();
    assert!(why().contains("too many symbolic links"), "{}", why());
    std::fs::remove_file(&at).unwrap();
    symlink("/secret", &at).unwrap();
    assert_eq!(texts(&node.facts(Limits::default()).marked), ["KNOWN"]);
    match std::os::unix::fs::lchown(&at, Some(65_534), None) {
        Ok(()) => assert!(why().contains("not followed"), "{}", why()),
        Err(error) => skip(error),
    }
}

#[test]
fn a_log_that_may_not_be_read_is_denied() {
    let node = Node::new(&[(LOG, "error: x\n")]);
    std::fs::set_permissions(node.place.at(LOG), std::fs::Permissions::from_mode(0o000)).unwrap();
    let _rights = OrdinaryRights::new();
    assert!(matches!(node.read(Limits::default()).outcome, Outcome::Denied { .. }));
}

/// A flood of noise behind it must not wash away the error that explains each life.
#[test]
fn the_first_errors_of_each_life_are_kept() {
    let mut text = String::new();
    for life in 0..20 {
        for error in 0..10 {
            writeln!(text, "0.00.00{error}.000 E life {life} error {error}").unwrap();
        }
        for line in 0..500 {
            writeln!(text, "0.01.{:03}.000 I KNOWN noise {line}", line % 1000).unwrap();
        }
    }
    let facts = read_text(&text);
    assert!(facts.marked.len() <= 400, "{}", facts.marked.len());
    for life in 0..20 {
        for error in 0..5 {
            let line = format!("life {life} error {error}");
            assert!(facts.marked.iter().any(|marked| marked.text.ends_with(&line)), "{line}");
        }
    }
    assert!(facts.marked.is_sorted_by_key(|line| line.line));
    assert_eq!(facts.marked.last().unwrap().text, "0.01.499.000 I KNOWN noise 499");
}

/// A program that flaps must not hide the one line about another that ended.
#[test]
fn each_program_keeps_its_lines_of_the_main_log() {
    let mut text = String::from("2026-11-21 03:00:00,000 INFO spawned: 'quiet' with pid 7\n");
    for n in 0..9_000 {
        writeln!(text, "2026-11-21 03:59:12,123 INFO spawned: 'flap{}' with pid {n}", n % 40).unwrap();
    }
    let node = Node::new(&[(LOG, &text)]);
    let fact = read(&node.place, Path::new(LOG), LogKind::Main, &known, Limits::default(), NOW);
    let facts = fact.known().unwrap();
    assert!(facts.marked[0].text.contains("quiet") && facts.marked.len() <= 8_000);
}

fn life(began: i64, lasted_s: f64, pid: u32) -> Life {
    Life {
        began: Some(Timestamp(began)),
        lasted_s: Some(lasted_s),
        end: LifeEnd::Exited { code: 1, expected: false },
        pid: Some(pid),
        started_well: false,
        first_error: None,
        end_line: None,
    }
}

/// Assigns a log to lives that began at 1,000 seconds, 1,010 seconds and so on.
fn assigned(text: &str, lives: usize) -> (Vec<Option<usize>>, Vec<Option<String>>) {
    let mut facts = vec![Fact::ok(LOG, NOW, read_text(text))];
    let mut lives: Vec<Life> = (0..lives).map(|n| life(1_000_000 + n as i64 * 10_000, 9.0, 100 + n as u32)).collect();
    assign(&mut lives, &mut facts);
    let marked = &facts[0].known().unwrap().marked;
    let first = lives.into_iter().map(|life| life.first_error.map(|line| line.text));
    (marked.iter().map(|line| line.life).collect(), first.collect())
}

fn some(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| (!text.is_empty()).then(|| (*text).to_owned())).collect()
}

/// An error of last week is history; that of the last life is the cause.
#[test]
fn lines_belong_to_lives_by_their_time() {
    let text = "1970-01-01T00:10:00Z ERROR history\n1970-01-01T00:16:41Z ERROR first\n1970-01-01T00:16:42Z ERROR second\n\
        error: without a time\n1970-01-01T00:17:05Z ERROR last\n";
    let (of, first) = assigned(text, 3);
    assert_eq!(of, [None, Some(0), Some(0), Some(0), Some(2)]);
    assert_eq!(first, some(&["1970-01-01T00:16:41Z ERROR first", "", "1970-01-01T00:17:05Z ERROR last"]));
}

/// llama-server counts from its start: a time that falls back is the next life.
#[test]
fn lines_belong_to_lives_by_times_that_fall_back() {
    let text = "0.00.004.036 E a\n0.00.009.000 E tail\n0.00.001.036 I x\n0.00.004.036 E b\n0.00.001.000 I \
                x\n12.00.000.000 E c\n";
    let (of, first) = assigned(text, 3);
    assert_eq!(of, [Some(0), Some(0), Some(1), Some(2)]);
    assert_eq!(first, some(&["0.00.004.036 E a", "0.00.004.036 E b", "12.00.000.000 E c"]));
    // The log goes back further than the lives that are known.
    assert_eq!(assigned(text, 2).0, [None, None, Some(0), Some(1)]);
}

/// uvicorn writes no times. It names its process once it has started; lives that fail before leave a traceback each.
#[test]
fn lines_belong_to_lives_by_the_process_and_by_tracebacks() {
    let failed =
        |name: &str| format!("Traceback (most recent call last):\n  File \"a.py\", line 3\nKeyError: '{name}'\n");
    let text = format!(
        "INFO:     Started server process [100]\nERROR:    in a request\n{}INFO:     Finished server process \
         [100]\n{}{}",
        failed("request"),
        failed("one"),
        failed("two")
    );
    let (_, first) = assigned(&text, 3);
    assert_eq!(first, some(&["ERROR:    in a request", "KeyError: 'one'", "KeyError: 'two'"]));
    let (of, first) = assigned(&(failed("a") + &failed("b")), 2);
    assert_eq!(first, some(&["KeyError: 'a'", "KeyError: 'b'"]));
    assert_eq!(of, [Some(0), Some(0), Some(1), Some(1)]);
    let running = "INFO:     Started server process [101]\nERROR:    a\n".to_owned() + &failed("x") + &failed("y");
    assert_eq!(assigned(&running, 2).1, some(&["", "ERROR:    a"]));
}

/// Where a log shows nothing but the same first line again and again, that line is the start.
#[test]
fn lines_belong_to_lives_by_a_first_line_that_comes_again() {
    let text = "loading model 1\nerror: a\nloading model 2\nerror: b\n";
    assert_eq!(assigned(text, 2).1, some(&["error: a", "error: b"]));
    assert_eq!(assigned("error: a\nerror: a\n", 3).1, some(&["", "error: a", "error: a"]));
    // Nothing shows a start: no life is better than a wrong one.
    assert_eq!(assigned("hello\nerror: a\nother\n", 2), (vec![None], vec![None, None]));
    assert_eq!(assigned("GET\nGET\nGET\nerror: a\n", 2).0, [None]);
}

#[test]
fn the_place_of_a_traceback_and_the_values_of_a_validation_are_kept() {
    let text = "Traceback (most recent call last):\n  File \"a.py\", line 3, in f\n    x()\n  File \"b.py\", line 9, in g\n    y()\n\
        pydantic.ValidationError: 1 validation error for S\nAPI_KEY\n  Field required\n";
    let facts = read_text(text);
    let expected = [
        "  File \"b.py\", line 9, in g",
        "pydantic.ValidationError: 1 validation error for S",
        "API_KEY",
        "  Field required",
    ];
    assert_eq!(texts(&facts.marked), expected);
    assert_eq!(facts.marked.iter().filter(|line| line.error).count(), 1);
}

#[test]
fn what_a_panic_says_is_kept() {
    let facts = read_text("thread 'main' (7) panicked at src/main.rs:3:5:\nindex out of bounds\nnote: run with x\n");
    assert_eq!(texts(&facts.marked), ["thread 'main' (7) panicked at src/main.rs:3:5:", "index out of bounds"]);
    assert_eq!(
        facts.marked.iter().map(|line| line.error).collect::<Vec<_>>(),
        [false, true],
        "what it says is the error"
    );
}

/// A life whose end nobody saw lasts until the next one begins.
#[test]
fn lines_of_a_life_without_an_end_are_its_own() {
    let mut facts = vec![Fact::ok(LOG, NOW, read_text("1970-01-01T00:16:45Z ERROR a\n"))];
    let unknown = Life { lasted_s: None, end: LifeEnd::Unknown, ..life(1_000_000, 0.0, 1) };
    let mut lives = [unknown, life(1_010_000, 9.0, 2)];
    assign(&mut lives, &mut facts);
    assert!(lives[0].first_error.is_some() && lives[1].first_error.is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_a_log_without_a_panic(
        bytes: Vec<u8>,
        texts in prop::collection::vec("(0\\.0[0-9]\\.00[0-9]\\.000 [EI] x|Started server process \
                                        \\[10[0-9]\\]|Traceback \\(most recent call last\\):|KeyError: x|same|[A-Z]{3} \
                                        1[0-9] 03:59:12 x)", 0..30),
        lives in 0_usize..5,
        limit in 0_u64..300,
    ) {
        let text = texts.join("\n");
        let node = Node::new(&[(LOG, &text)]);
        std::fs::write(node.place.at("/var/log/x.err.1"), &bytes).unwrap();
        let facts = node.facts(Limits { bytes: limit, ..Limits::default() });
        prop_assert!(facts.marked.len() <= 400);
        assigned(&text, lives);
    }
}
