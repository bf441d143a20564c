//! Removing by name, and undoing a prune: by run, by folder, at once, and from the other side of an accident.

use crate::gguf::fixture;
use crate::prune::{prune, with_models};
use crate::sandbox::{Run, Sandbox, finish};
use crate::top::terminal::Terminal;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The elements of a document of one list.
pub fn elements(document: &Value) -> Vec<Value> {
    let of_a_member = || document.as_object()?.values().find_map(Value::as_array);
    document.as_array().or_else(of_a_member).cloned().unwrap_or_default()
}

fn trash(sandbox: &Sandbox) -> Vec<Value> {
    elements(&sandbox.run(["trash", "list", "--json"]).ok().json())
}

fn files(sandbox: &Sandbox) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(sandbox.models()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn restore(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["trash", "restore"].iter().chain(args))
}

const ALL: [&str; 3] = ["ancient-Q4_0.gguf", "fresh-Q4_0.gguf", "older-Q8_0.gguf"];

/// After a prune of hundreds of models nobody types hundreds of ids, and everybody is in a hurry.
#[test]
fn a_whole_run_is_undone_by_one_command() {
    let sandbox = with_models();
    prune(&sandbox, &["--model", "fresh-Q4_0", "--confirm"]).ok();
    prune(&sandbox, &["--unused-for", "30d", "--confirm", "--allow-large"]).ok();
    let items = trash(&sandbox);
    let run = |at: usize| items[at]["run"].as_str().unwrap().to_owned();
    assert!(items.len() == 3 && run(1) == run(2) && run(0) != run(1), "{items:#?}");
    let starts: std::collections::BTreeSet<&str> =
        items.iter().map(|item| &item["id"].as_str().unwrap()[..4]).collect();
    assert_eq!(starts.len(), 3, "four characters tell items apart");

    restore(&sandbox, &["--last"]).ok();
    assert_eq!(files(&sandbox), [ALL[0], ALL[2]]);
    restore(&sandbox, &["--run", &run(0)[..4]]).ok();
    assert_eq!(files(&sandbox), ALL);
    restore(&sandbox, &["--last"]).refuses(3, "the trash is empty");

    prune(&sandbox, &["--unused-for", "30d", "--confirm", "--allow-large"]).ok();
    restore(&sandbox, &["--from", "nowhere"]).refuses(3, "nothing in the trash is from");
    restore(&sandbox, &["--from", "models/older-Q8_0.gguf"]).ok();
    assert_eq!(files(&sandbox), [ALL[1], ALL[2]]);
    restore(&sandbox, &["--all", "--last"]).refuses(2, "cannot be used with");
    restore(&sandbox, &[]).refuses(2, "--last");
    restore(&sandbox, &["--all"]).ok();
    assert_eq!(files(&sandbox), ALL);
    assert!(trash(&sandbox).is_empty());
    let history = elements(&sandbox.run(["history", "--json", "--what", "restore"]).ok().json());
    assert_eq!(history.len(), 5, "{history:#?}");
}

/// The models of one person vanish by a prune of another database: what happened is beside the root.
#[test]
fn what_another_database_pruned_says_who_did_it_and_how_it_comes_back() {
    let sandbox = with_models();
    let other =
        |args: &[&str]| finish(sandbox.command(args).env("MODELCTL_DB", sandbox.path("other.db")).output().unwrap());
    other(&["scan"]).ok();
    other(&["prune", "--model", "older-Q8_0", "--grace", "0", "--assume-unused", "--confirm"]).ok();
    let scan = sandbox.run(["scan", "--json"]).ok();
    let told = scan.out.clone();
    let id = trash(&sandbox)[0]["id"].as_str().unwrap().to_owned();
    for part in ["moved to the trash", " ago by ", "--confirm)", &format!("modelctl trash restore {id}")] {
        assert!(told.contains(part), "`{part}`: {told}");
    }
    let list = sandbox.run(["list", "--all"]).ok();
    assert!(list.err.contains("older-Q8_0: moved to the trash") && list.err.contains(&id), "{list:?}");
    let show = sandbox.run(["show", "older-Q8_0"]).ok();
    assert!(show.err.contains(&id), "{show:?}");
    restore(&sandbox, &[&id[..4]]).ok();
    assert_eq!(files(&sandbox), ALL);

    // Whoever names a model that is gone, as far as this database knows, must not believe that it was removed now.
    other(&["prune", "--model", "older-Q8_0", "--confirm"]).refuses(3, "`older-Q8_0` is gone");
    other(&["rm", "--yes", "older-Q8_0"]).refuses(3, "`modelctl scan` checks again");
    other(&["scan"]).ok();

    // No database at all, and a folder that no configuration names.
    other(&["prune", "--model", "older-Q8_0", "--grace", "0", "--assume-unused", "--confirm"]).ok();
    let mut blind = sandbox.command(["trash", "restore", "--from"]);
    blind.arg(sandbox.models()).env("MODELCTL_DB", sandbox.path("none.db")).env("MODEL_SCAN_PATH", sandbox.path("run"));
    finish(blind.output().unwrap()).ok();
    assert_eq!(files(&sandbox), ALL);
}

/// A script that removes nothing must not believe that it did, and a person sees what goes before it is gone.
#[test]
fn a_model_is_removed_by_name_only_when_somebody_says_yes() {
    let sandbox = with_models();
    let run = sandbox.run(["rm", "--assume-unused", "older-Q8_0"]).refuses(2, "--yes");
    assert!(run.out.contains("older-Q8_0"), "the plan is shown: {run:?}");
    sandbox.run(["rm", "--assume-unused", "--dry-run", "older-Q8_0"]).ok();
    sandbox.run(["rm", "--assume-unused", "--yes", "no-such-model"]).refuses(3, "no-such-model");
    let gone = sandbox.write("gone-Q4_0.gguf", &fixture::small_model("gone"));
    sandbox.run(["scan"]).ok();
    fs::remove_file(&gone).unwrap();
    assert!(sandbox.run(["show", "gone-Q4_0"]).ok().err.contains("was removed since the last scan"));
    sandbox.run(["rm", "--assume-unused", "--yes", "gone-Q4_0"]).refuses(3, "was removed since the last scan");
    sandbox.run(["scan"]).ok();
    // A part of a name is enough to look at, and not to remove without a question.
    sandbox.run(["rm", "--assume-unused", "--dry-run", "older"]).ok();
    sandbox.run(["rm", "--assume-unused", "--yes", "older"]).refuses(3, "only a part of the name `older-Q8_0`");
    sandbox.run(["prune", "--confirm"]).refuses(2, "nothing is selected");
    assert_eq!(files(&sandbox), ALL);

    let mut terminal = Terminal::start(&sandbox, &["rm", "--assume-unused", "older-Q8_0"], (120, 30));
    terminal.shows("[y/N]");
    terminal.press("n\r");
    terminal.shows("nothing was removed");
    assert_eq!(terminal.ends(), 1);
    assert_eq!(files(&sandbox), ALL);

    let mut terminal = Terminal::start(&sandbox, &["rm", "--assume-unused", "older-Q8_0"], (120, 30));
    terminal.shows("[y/N]");
    terminal.press("y\r");
    assert_eq!(terminal.ends(), 0);
    assert_eq!(files(&sandbox), ALL[..2]);

    // A new one: naming it means it.
    let run = sandbox.run(["rm", "--assume-unused", "-y", "fresh-Q4_0"]).ok();
    assert!(run.out.contains("1 model") && run.err.contains("modelctl trash restore"), "{run:?}");
    assert_eq!(files(&sandbox), ALL[..1]);
    sandbox.run(["set", "ancient-Q4_0", "--pin"]).ok();
    sandbox.run(["rm", "--assume-unused", "-y", "ancient-Q4_0"]).refuses(3, "pinned");
    restore(&sandbox, &["--all"]).ok();
    assert_eq!(files(&sandbox), ALL);
}

/// A slip in MODELCTL_DB looks like an empty machine, and the next prune like a safe one.
#[test]
fn a_database_that_is_named_and_not_there_is_an_error_for_whoever_reads() {
    let sandbox = with_models();
    let of = |args: &[&str]| finish(sandbox.command(args).env("MODELCTL_DB", "/nonexistent/x.db").output().unwrap());
    for args in
        [&["list"][..], &["show", "x"], &["duplicates"], &["prune", "--orphans"], &["history"], &["task", "list"]]
    {
        of(args).refuses(3, "there is no database at `/nonexistent/x.db`");
    }
    let run = finish(sandbox.command(["--db", "gone.db", "list"]).output().unwrap());
    assert!(run.refuses(3, "gone.db").err.contains("modelctl scan"));
    assert!(!sandbox.path("gone.db").exists());
}

/// A service user of Debian has HOME=/nonexistent, which must not exist.
#[test]
fn nothing_is_made_below_a_home_that_does_not_exist() {
    let sandbox = Sandbox::new();
    let run = |home: Option<&Path>| {
        let mut command = sandbox.command(["scan"]);
        command.env_remove("HOME").env_remove("XDG_STATE_HOME").env_remove("MODEL_SCAN_PATH");
        command.env("XDG_CONFIG_HOME", sandbox.path("run"));
        home.map(|home| command.env("HOME", home));
        command
    };
    let home = sandbox.path("no-home");
    let refused = finish(run(Some(&home)).output().unwrap()).refuses(3, "no-home");
    assert!(refused.err.contains("--db") && !home.exists(), "{refused:?}");

    let db = sandbox.path("named.db");
    let scan = finish(run(None).env("MODELCTL_DB", &db).env("MODEL_SCAN_PATH", sandbox.path("run")).output().unwrap());
    scan.ok();
    if !Path::new("/usr/share/ollama").exists() && !Path::new("/var/lib/ollama").exists() {
        let scan = finish(run(None).env("MODELCTL_DB", &db).output().unwrap()).ok();
        for part in ["no place was searched", "HOME is not set", "named.db"] {
            assert!(scan.err.contains(part), "`{part}`: {scan:?}");
        }
    }
}
