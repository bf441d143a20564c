//! The house rules that no lint can hold: which room may know which, and what must not be found where.

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms from top to bottom; a room may use rooms of its own storey and below. `supervise` stands under `host` because
/// a bounded read is a child process; it knows nothing above it.
const STOREYS: &[&[&str]] = &[
    &["cli"],
    &["ui", "inventory", "prune", "queue", "health", "triage", "serve"],
    &["lifecycle", "worker", "engine"],
    &["db", "host"],
    &["supervise"],
    &["config"],
    &["gguf", "model"],
    &["clock", "failure"],
];

/// What must not be found, where it may be found all the same, and what a reader gets from that.
const ABSENT: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["db/"], "all SQL is in one room"),
    ("INSERT INTO", &["db/"], "all SQL is in one room"),
    ("llama_cpp_2", &["engine/"], "llama.cpp is met in one room"),
    ("llama_cpp_sys_2", &["engine/"], "llama.cpp is met in one room"),
    (".spawn()", &["supervise/"], "children are started in one room"),
    ("env::var", &["config/"], "one reader of the environment"),
    ("println!", &["cli/", "ui/"], "one place prints"),
    ("eprint", &["cli/", "ui/"], "one place prints"),
    ("dbg!", &[], "left over from debugging"),
    ("process::exit", &[], "main returns an exit code"),
    ("todo!", &[], "no stubs"),
    ("unimplemented!", &[], "no stubs"),
    ("SystemTime::now", &["clock.rs"], "one clock"),
    ("Instant::now", &["clock.rs"], "one clock"),
    // SQLite gives no event for a lock that is let go.
    ("thread::sleep", &["db/open.rs"], "wait for an event with a deadline"),
    ("unsafe ", &["engine/", "supervise/"], "unsafe code is kept where it is needed"),
];

/// `src` itself, as (path below `src`, text without comments and without its test module).
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&src, &mut files);
    files.sort();
    let code = |text: String| {
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("").to_owned();
        text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l }).collect::<Vec<_>>().join("\n")
    };
    let is_test = |name: &str| name.contains("tests/") || name.ends_with("tests.rs") || name.ends_with("/sample.rs");
    files
        .into_iter()
        .filter(|f| !is_test(&f.to_string_lossy()))
        .map(|f| {
            let name = f.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            (name, code(fs::read_to_string(&f).unwrap()))
        })
        .collect()
}

fn storey(room: &str) -> Option<usize> {
    STOREYS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn dependencies_point_down() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        let room = name.split(['/', '.']).next().unwrap_or("").to_owned();
        let Some(own) = storey(&room) else { continue };
        for (number, line) in text.lines().enumerate() {
            for used in line.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                match storey(&used) {
                    Some(other) if other < own => wrong.push(format!("{name}:{}: {room} uses {used}", number + 1)),
                    _ => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "dependencies that point up:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_has_a_storey() {
    for (name, _) in sources() {
        let room = name.split(['/', '.']).next().unwrap_or("");
        assert!(["main", "lib"].contains(&room) || storey(room).is_some(), "{name} is in no storey of the house");
    }
}

#[test]
fn what_must_be_absent_is_absent() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        for (pattern, allowed, why) in ABSENT {
            let free = allowed.iter().any(|place| name.starts_with(place));
            for (number, line) in text.lines().enumerate().filter(|(_, l)| !free && l.contains(pattern)) {
                wrong.push(format!("{name}:{}: {pattern} ({why}): {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_swallowed_without_a_reason() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (name, code) in sources() {
        let text = fs::read_to_string(src.join(&name)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate().take(code.lines().count()) {
            let swallows = line.contains("let _ =") || line.trim_end().ends_with(".ok();");
            let reason =
                line.contains("//") || i.checked_sub(1).and_then(|i| lines.get(i)).is_some_and(|l| l.contains("//"));
            if swallows && !reason && !line.trim_start().starts_with("//") {
                wrong.push(format!("{name}:{}: {}", i + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "a result is dropped without a reason beside it:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_has_grown_into_two() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (name, _) in sources() {
        let lines = fs::read_to_string(src.join(&name)).unwrap().lines().count();
        assert!(lines <= 500, "{name} has {lines} lines: it wants to be two files");
    }
}
