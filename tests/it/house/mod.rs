//! The house rules that no lint can hold: which room may know which, and what must not be found where.

mod arrows;
mod source;
mod words;

use arrows::{ARROWS, CIRCLES};
use source::{CodePath, Source, Sources, rust_files};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Files that decide and do nothing else: in them no file, process, network, clock or database is named.
const PURE: &[&str] = &[
    "cli/top/draw/",
    "cli/top/state/",
    "lifecycle/",
    "model/",
    "ollama/",
    "prune/decide.rs",
    "prune/policy.rs",
    "queue/executor/classify.rs",
    "queue/executor/claims.rs",
    "queue/executor/quarantine.rs",
    "queue/executor/watchdog.rs",
    "queue/can_serve.rs",
    "serve/ports/table.rs",
    "serve/schedule.rs",
    "inventory/diff.rs",
];

/// What a pure file must not name.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::process",
    "std::net",
    "std::env",
    "std::io",
    "rustix",
    "crate::db",
    "crate::host",
    "crate::supervise",
    "crate::clock::now",
    "crate::clock::instant",
];

/// Where asynchronous code and servers are. The client of the daemon waits for an answer, for progress and for an
/// interruption at once; so does a check of health. Endpoints of the node are asked side by side.
const ASYNCHRONOUS: &[&str] = &[
    "engine/",
    "http/",
    "node/endpoint/",
    "worker/",
    "queue/executor/",
    "ops/daemon/client.rs",
    "ops/health/run.rs",
    "ops/node/collect/mod.rs",
    "serve/",
    "supervise/",
];

/// Rooms that read what comes from a disk, a socket or a child.
const READS_FOREIGN_BYTES: &[&str] = &[
    "db",
    "gguf",
    "http",
    "inventory/stores",
    "node/log",
    "node/supervisord",
    "node/endpoint",
    "node/gpu",
    "node/model_file",
    "node/systemd",
    "ollama",
    "openai",
    "prune/trash",
    "supervise",
    "triage/bundle",
    "triage/redact",
    "worker",
];

/// Where the standard streams are used: the output of the program, and the worker's line to its parent.
const STREAMS: &[&str] = &["ui/", "cli/", "worker/status.rs", "worker/serve.rs", "worker/renderer.rs"];

fn starts(path: &CodePath, beginning: &str) -> bool {
    let parts: Vec<&str> = beginning.split("::").collect();
    path.len() >= parts.len() && parts.iter().zip(path).all(|(part, of)| part == of)
}

fn is_in(source: &Source, places: &[&str]) -> bool {
    places.iter().any(|place| source.name.starts_with(place))
}

/// What must not be found, where it may be found all the same, and what a reader gets from that.
const ABSENT: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["db/"], "all SQL is in one room"),
    ("INSERT INTO", &["db/"], "all SQL is in one room"),
    ("llama_cpp_2", &["engine/"], "llama.cpp is met in one room"),
    ("llama_cpp_sys_2", &["engine/"], "llama.cpp is met in one room"),
    (".spawn()", &["supervise/"], "children are started in one room"),
    ("crossterm", &["ui/screen.rs"], "one place takes over the terminal"),
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
    (
        "unsafe ",
        &["engine/", "supervise/", "host/file_lease.rs", "host/own_memory.rs", "host/share_blocks.rs"],
        "unsafe code is kept where it is needed",
    ),
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
        let text = without_test_module(&text);
        text.lines().map(|l| if l.trim_start().starts_with("//") { "" } else { l }).collect::<Vec<_>>().join("\n")
    };
    let is_test =
        |name: &str| name.contains("tests/") || name.ends_with("tests.rs") || name.ends_with("src/testing.rs");
    files
        .into_iter()
        .filter(|f| !is_test(&f.to_string_lossy()))
        .map(|f| {
            let name = f.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
            (name, code(fs::read_to_string(&f).unwrap()))
        })
        .collect()
}

/// The text up to its test module: `#[cfg(test)]`, perhaps further attributes, then `mod … {`.
fn without_test_module(text: &str) -> &str {
    const MARK: &str = "#[cfg(test)]\n";
    for (at, _) in text.match_indices(MARK) {
        let mut rest = text[at + MARK.len()..].lines().skip_while(|line| line.starts_with("#["));
        let item = rest.next().unwrap_or("");
        if item.ends_with('{') && (item.starts_with("mod ") || item.starts_with("pub(crate) mod ")) {
            return &text[..at];
        }
    }
    text
}

/// Every arrow between two rooms is one that somebody decided on: `arrows.rs` lists them.
#[test]
fn dependencies_are_those_that_are_listed() {
    let sources = Sources::read();
    let listed: BTreeSet<(&str, &str)> =
        ARROWS.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to))).collect();
    let mut found: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for source in sources.files.iter().filter(|source| !source.room().is_empty()) {
        for path in source.paths.iter().filter(|path| starts(path, "crate")) {
            let used = path.get(1).map_or("", String::as_str);
            if used != source.room() && sources.files.iter().any(|other| other.room() == used) {
                found.entry((source.room(), used)).or_insert(&source.name);
            }
        }
    }
    let new: Vec<String> = found
        .iter()
        .filter(|(arrow, _)| !listed.contains(*arrow))
        .map(|((from, to), name)| format!("{name}: {from} uses {to}"))
        .collect();
    assert!(new.is_empty(), "arrows that are not listed:\n{}", new.join("\n"));
    let unused: Vec<_> = listed.iter().filter(|arrow| !found.contains_key(*arrow)).collect();
    assert!(unused.is_empty(), "listed arrows that nothing uses any more: {unused:?}");
}

#[test]
fn dependencies_between_rooms_make_no_circle() {
    let mut graph = petgraph::graphmap::DiGraphMap::<&str, ()>::new();
    for (from, to) in ARROWS.iter().flat_map(|(from, to)| to.iter().map(move |to| (*from, *to))) {
        graph.add_edge(from, to, ());
    }
    let circles: Vec<_> = petgraph::algo::tarjan_scc(&graph).into_iter().filter(|rooms| rooms.len() > 1).collect();
    assert!(circles.is_empty(), "{circles:?}");
}

/// Files of one room that need each other can only be read together. A module and the files below it may.
#[test]
fn files_make_no_circles_but_those_that_are_listed() {
    let sources = Sources::read();
    let mut graph = petgraph::graphmap::DiGraphMap::<usize, ()>::new();
    for (from, source) in sources.files.iter().enumerate() {
        for to in source.paths.iter().filter_map(|path| sources.file_of(path)) {
            let (ours, theirs) = (&source.module, &sources.files[to].module);
            if source.room() == sources.files[to].room() && !ours.starts_with(theirs) && !theirs.starts_with(ours) {
                graph.add_edge(from, to, ());
            }
        }
    }
    let circles = petgraph::algo::tarjan_scc(&graph).into_iter().filter(|files| files.len() > 1);
    let circles: BTreeSet<Vec<&str>> = circles
        .map(|files| {
            let mut names: Vec<&str> = files.into_iter().map(|file| sources.files[file].name.as_str()).collect();
            names.sort_unstable();
            names
        })
        .collect();
    let listed: BTreeSet<Vec<&str>> = CIRCLES.iter().map(|files| files.to_vec()).collect();
    // One that was listed may lose files, and none may gain any.
    let new: Vec<_> =
        circles.iter().filter(|circle| !listed.iter().any(|old| circle.iter().all(|f| old.contains(f)))).collect();
    assert!(new.is_empty(), "files that need each other: {new:#?}");
}

#[test]
fn what_decides_touches_nothing() {
    let mut wrong = Vec::new();
    for source in Sources::read().files.iter().filter(|source| is_in(source, PURE)) {
        let acts = |path: &&CodePath| IMPURE.iter().any(|impure| starts(path, impure));
        // What was read of a file is data; reading it is not.
        for path in source.paths.iter().filter(acts).filter(|path| !starts(path, "std::fs::Metadata")) {
            wrong.push(format!("{}: {}", source.name, path.join("::")));
        }
    }
    assert!(wrong.is_empty(), "pure files that name what acts:\n{}", wrong.join("\n"));
}

/// A recipe is shared by the command line and the daemon: what only one of the two has must not be named in it.
#[test]
fn recipes_know_neither_terminal_nor_command_line() {
    let mut wrong = Vec::new();
    for source in Sources::read().files.iter().filter(|source| is_in(source, &["ops/", "serve/"])) {
        for path in source.paths.iter().filter(|path| {
            ["clap", "indicatif", "comfy_table", "ratatui", "crate::ui", "crate::cli"]
                .iter()
                .any(|face| starts(path, face))
        }) {
            wrong.push(format!("{}: {}", source.name, path.join("::")));
        }
    }
    assert!(wrong.is_empty(), "recipes that name a face:\n{}", wrong.join("\n"));
}

#[test]
fn streams_and_servers_are_used_in_their_rooms() {
    let mut wrong = Vec::new();
    for source in &Sources::read().files {
        for path in &source.paths {
            let stream =
                ["std::io::stdout", "std::io::stderr", "std::io::stdin", "io::stdout", "io::stderr", "io::stdin"];
            if stream.iter().any(|stream| starts(path, stream)) && !is_in(source, STREAMS) {
                wrong.push(format!("{}: {}", source.name, path.join("::")));
            }
            let server = ["tokio", "axum", "hyper", "hyper_util"];
            if server.iter().any(|server| starts(path, server)) && !is_in(source, ASYNCHRONOUS) {
                wrong.push(format!("{}: {}", source.name, path.join("::")));
            }
        }
        let prints = ["print", "println", "eprint", "eprintln", "dbg"];
        for called in prints.iter().filter(|name| source.macros.contains(**name)) {
            if !is_in(source, &["cli/", "ui/"]) {
                wrong.push(format!("{}: {called}!", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file that no `mod` leads to is not compiled: its tests pass because they never run.
#[test]
fn no_file_is_forgotten() {
    assert_eq!(Sources::read().forgotten, Vec::<String>::new(), "files below src that nothing leads to");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let main = syn::parse_file(&fs::read_to_string(tests.join("main.rs")).unwrap()).unwrap();
    let named: BTreeSet<String> = main
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        })
        .collect();
    for file in rust_files(&tests).iter().filter(|file| file.parent() == Some(&*tests) && !file.ends_with("main.rs")) {
        assert!(named.contains(file.file_stem().unwrap().to_str().unwrap()), "{} is not compiled", file.display());
    }
}

/// What reads bytes that others wrote cannot panic: the lints that see to it are set where the room begins.
#[test]
fn what_reads_foreign_bytes_is_kept_from_panicking() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in READS_FOREIGN_BYTES {
        let text = fs::read_to_string(src.join(room).join("mod.rs")).unwrap();
        let code: String = text.lines().filter(|line| !line.starts_with("//")).collect();
        let attribute =
            code.find("deny(").map(|at| &code[at..code[at..].find(")]").map_or(code.len(), |end| at + end)]);
        for lint in ["unwrap_used", "expect_used", "indexing_slicing", "panic"] {
            let is_set = attribute.is_some_and(|attribute| attribute.contains(&format!("clippy::{lint}")));
            assert!(is_set, "src/{room}/mod.rs does not deny clippy::{lint}");
        }
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

/// One place to look for a module: `x/mod.rs` where it has a folder, `x.rs` where it has none.
#[test]
fn a_module_with_a_folder_is_in_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&src).into_iter().chain(rust_files(&src.with_file_name("tests")));
    let apart: Vec<PathBuf> = files.filter(|file| file.with_extension("").is_dir()).collect();
    assert!(apart.is_empty(), "{apart:?}");
}
