//! Folders that a person named once.

use crate::gguf::fixture;
use crate::sandbox::{Run, Sandbox};
use crate::undo::elements;
use std::fs;

fn states(sandbox: &Sandbox) -> Vec<String> {
    let list = elements(&sandbox.run(["list", "--json"]).ok().json());
    list.iter().map(|m| format!("{} {}", m["name"].as_str().unwrap(), m["state"].as_str().unwrap())).collect()
}

fn scan(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["scan"].iter().chain(args))
}

fn place(sandbox: &Sandbox, path: &str) {
    let name = path.rsplit('/').next().unwrap();
    let file = sandbox.path(&format!("{path}.gguf"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, fixture::small_model(name)).unwrap();
}

/// A folder that is named once and never looked at again shows models that are long gone, for ever.
#[test]
fn a_folder_that_was_named_is_scanned_again_until_it_is_forgotten() {
    let sandbox = Sandbox::new();
    place(&sandbox, "models/own");
    place(&sandbox, "extra/one");
    scan(&sandbox, &["extra"]).ok();
    place(&sandbox, "extra/two");
    scan(&sandbox, &[]).ok();
    assert_eq!(states(&sandbox), ["one ready", "own ready", "two ready"]);

    fs::remove_dir_all(sandbox.path("extra")).unwrap();
    assert_eq!(states(&sandbox), ["one unavailable", "own ready", "two unavailable"], "before the next scan as well");
    // What cannot be reached is no damage: cron would report it for ever.
    let verify = sandbox.run(["verify", "--all"]).ok();
    assert!(verify.err.contains("is unavailable") && !verify.out.contains("missing"), "{verify:?}");
    sandbox.run(["verify", "one"]).refuses(3, "`one` is unavailable");
    let run = scan(&sandbox, &[]).ok();
    assert!(run.err.contains("scan --forget"), "{run:?}");
    assert_eq!(states(&sandbox), ["one unavailable", "own ready", "two unavailable"]);

    sandbox.run(["set", "own", "--pin"]).ok();
    scan(&sandbox, &["--forget", "elsewhere"]).refuses(3, "is not a folder that was scanned");
    let run = scan(&sandbox, &["--forget", "extra"]).ok();
    assert!(run.out.contains("1 folder with 2 models"), "{run:?}");
    assert_eq!(states(&sandbox), ["own ready"]);
    let run = scan(&sandbox, &[]).ok();
    assert!(!run.err.contains("extra"), "{run:?}");

    // What is named by the environment comes back, and is said so; nothing on the disk was touched.
    let run = scan(&sandbox, &["--forget", "models"]).ok();
    assert!(run.err.contains("MODEL_SCAN_PATH"), "{run:?}");
    assert_eq!(states(&sandbox), [""; 0]);
    scan(&sandbox, &[]).ok();
    assert_eq!(states(&sandbox), ["own ready"]);
    let show = sandbox.run(["show", "own", "--json"]).ok().json();
    assert_eq!(show["pinned"], true, "settings come back with the content: {show:#}");
    let history = sandbox.run(["history", "--json"]).ok();
    assert!(history.out.contains("the root was forgotten"), "{history:?}");
}

/// A disk that is not mounted must not keep a scan from the others.
#[test]
fn one_missing_folder_does_not_stop_the_others_and_is_not_remembered() {
    let sandbox = Sandbox::new();
    place(&sandbox, "a/one");
    scan(&sandbox, &["missing", "a"]).refuses(3, "missing");
    assert_eq!(states(&sandbox), ["one ready"]);
    scan(&sandbox, &["missing", "also-missing"]).refuses(3, "missing");
    let run = scan(&sandbox, &[]).ok();
    assert!(!run.err.contains("missing"), "{run:?}");
}

/// The help says that a file can be named.
#[test]
fn a_file_stands_for_its_folder() {
    let sandbox = Sandbox::new();
    place(&sandbox, "a/one");
    place(&sandbox, "a/two");
    let run = scan(&sandbox, &["a/one.gguf"]).ok();
    assert!(run.err.contains("is a file"), "{run:?}");
    assert_eq!(states(&sandbox), ["one ready", "two ready"]);
    fs::write(sandbox.path("a/notes.txt"), "no model").unwrap();
    scan(&sandbox, &["a/notes.txt"]).refuses(3, "is not a GGUF file");
}

/// Whoever looks once into a system folder would have the whole machine in every later scan.
#[test]
fn a_folder_of_the_system_is_scanned_once() {
    let sandbox = Sandbox::new();
    let run = scan(&sandbox, &["/etc"]).ok();
    assert!(run.err.contains("holds the system: later scans leave it out"), "{run:?}");
    let again = scan(&sandbox, &["--json"]).ok().document();
    assert!(!again["roots"].to_string().contains("/etc"), "{again}");
}

/// A pin on one copy is a pin on all: whoever sets it must know.
#[test]
fn a_setting_names_the_copies_it_applies_to() {
    let sandbox = Sandbox::new();
    place(&sandbox, "models/same");
    fs::create_dir(sandbox.path("b")).unwrap();
    fs::copy(sandbox.path("models/same.gguf"), sandbox.path("b/other.gguf")).unwrap();
    scan(&sandbox, &[]).ok();
    let alone = sandbox.run(["set", "same", "--pin"]).ok();
    assert!(!alone.err.contains("copies"), "{alone:?}");
    scan(&sandbox, &["b"]).ok();
    let run = sandbox.run(["set", "same", "--alias", "mine"]).ok();
    assert!(run.err.contains("applies to 2 copies of this content: dir, dir"), "{run:?}");
    // The alias means the content, not one of its copies.
    let show = sandbox.run(["show", "mine"]).ok();
    assert!(show.out.contains("mine"), "{show:?}");
}

/// One word selects the same models everywhere.
#[test]
fn list_keep_prune_and_history_agree_on_what_a_pattern_means() {
    let sandbox = Sandbox::new();
    for name in ["models/pub/Qwen-1", "models/qwen-2", "models/llama"] {
        place(&sandbox, name);
    }
    scan(&sandbox, &[]).ok();
    for pattern in ["qwen*", "*/PUB/qwen-1.gguf", "QWEN-2.gguf", "llama"] {
        let listed = elements(&sandbox.run(["list", pattern, "--json"]).ok().json()).len();
        sandbox.run(["keep", "add", pattern]).ok();
        let kept = elements(&sandbox.run(["keep", "list", "--json"]).ok().json());
        let kept = kept[0]["models"].as_array().unwrap().len();
        sandbox.run(["keep", "rm", pattern]).ok();
        assert!(listed > 0 && listed == kept, "{pattern}: {listed} listed, {kept} kept");
        let history = elements(&sandbox.run(["history", pattern, "--json"]).ok().json());
        assert!(!history.is_empty(), "{pattern}");
    }
}
