//! Prune as operators and cron use it: what goes, what never does, how it comes back, what it does when it is disturbed.

use crate::gguf::fixture;
use crate::sandbox::{Run, Sandbox, finish};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

const DAY: u64 = 86_400;
/// Other users' processes cannot be looked into where the tests do not run as root.
pub const BOLD: [&str; 3] = ["--grace", "0", "--assume-unused"];

pub fn old(path: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * DAY);
    File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_times(FileTimes::new().set_accessed(then).set_modified(then))
        .unwrap();
}

/// Three models: two were not touched for 60 days, one is new.
pub fn with_models() -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, days) in [("ancient-Q4_0", 60), ("older-Q8_0", 61), ("fresh-Q4_0", 0)] {
        let path = sandbox.write(&format!("{name}.gguf"), &fixture::small_model(name));
        old(&path, days);
    }
    sandbox.run(["scan"]).ok();
    sandbox
}

pub fn prune(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["prune"].iter().chain(args).chain(&BOLD))
}

/// Name and verdict of every row.
fn verdicts(run: &Run) -> BTreeMap<String, String> {
    let rows = run.json()["rows"].as_array().unwrap().clone();
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    rows.iter().map(|r| (text(&r["name"]), format!("{} {}", text(&r["verdict"]), text(&r["rule"])))).collect()
}

fn going(run: &Run) -> Vec<String> {
    verdicts(run).into_iter().filter(|(_, v)| v.starts_with("remove")).map(|(name, _)| name).collect()
}

/// Everything below a folder: kind, content or text of the link, mode, mtime.
fn tree(top: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![top.to_owned()];
    while let Some(path) = open.pop() {
        let meta = fs::symlink_metadata(&path).unwrap();
        let what = if meta.is_symlink() {
            format!("link {}", fs::read_link(&path).unwrap().display())
        } else if meta.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            format!("folder {:o} {}", meta.mode(), meta.mtime_nsec())
        } else {
            let told =
                format!("{:o} {} {} {:?}", meta.mode(), meta.mtime(), meta.mtime_nsec(), fs::read(&path).unwrap());
            // A look at a file is a use of it.
            let times = FileTimes::new().set_accessed(meta.accessed().unwrap()).set_modified(meta.modified().unwrap());
            File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
            told
        };
        all.insert(path, what);
    }
    all
}

pub fn names(sandbox: &Sandbox) -> Vec<String> {
    let list = sandbox.run(["list", "--json"]).ok().json();
    list.as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn without_confirm_nothing_changes_and_every_row_has_its_reason() {
    let sandbox = with_models();
    let before = tree(&sandbox.models());
    let plan = prune(&sandbox, &["--unused-for", "30d", "--json"]).ok();
    assert_eq!(going(&plan), ["ancient-Q4_0", "older-Q8_0"]);
    assert_eq!(plan.json()["dry_run"], true);
    for row in plan.json()["rows"].as_array().unwrap() {
        assert!(!row["why"].as_str().unwrap().is_empty(), "{row:#}");
    }
    let first = &plan.json()["rows"][0];
    assert_eq!(first["name"], "older-Q8_0", "the least recently used goes first: {first:#}");
    assert_eq!(
        (&first["last_used"]["evidence"], &first["last_used"]["is_weak"]),
        (&"access-time".into(), &true.into())
    );
    let table = prune(&sandbox, &["--prune-days", "30", "--dry-run"]).ok();
    let lines: Vec<&str> = table.out.lines().collect();
    assert!(lines.len() == 3 && lines[0].starts_with("ACTION  ID"), "the rows that stay are counted: {table:?}");
    assert!(lines[1..].iter().all(|line| line.starts_with("trash ") && line.contains(" (atime)")), "{table:?}");
    assert!(table.err.contains("kept 1: 1 used within 30d (--all lists it)"), "{table:?}");
    assert!(table.err.contains("--confirm"), "{table:?}");
    let all = prune(&sandbox, &["--prune-days", "30", "--all"]).ok();
    assert!(all.out.lines().count() == 4 && all.out.contains("\nkeep "), "{all:?}");
    assert!(!all.err.contains("(--all"), "{all:?}");
    assert_eq!(tree(&sandbox.models()), before);
    prune(&sandbox, &["--unused-for", "30d", "--dry-run", "--confirm"]).refuses(2, "cannot be used with");
    prune(&sandbox, &["--unused-for", "soon"]).refuses(2, "is not an age such as");
    prune(&sandbox, &["--free", "much"]).refuses(2, "size");
    prune(&sandbox, &["--confirm"]).refuses(2, "nothing is selected: give at least one rule");
    prune(&sandbox, &["--expire-trash", "30d", "--confirm"]).ok();
    assert_eq!(tree(&sandbox.models()), before);
}

#[test]
fn what_goes_to_the_trash_comes_back_as_it_was() {
    let sandbox = with_models();
    fs::create_dir(sandbox.models().join("sub")).unwrap();
    fs::rename(sandbox.models().join("ancient-Q4_0.gguf"), sandbox.models().join("sub/ancient-Q4_0.gguf")).unwrap();
    sandbox.run(["scan"]).ok();
    let before = tree(&sandbox.models());
    let run = prune(&sandbox, &["--unused-for", "30d", "--confirm", "--allow-large"]).ok();
    assert!(run.out.contains("moved 2 models to the trash ("), "{run:?}");
    assert!(run.out.contains("ancient-Q4_0") && run.out.contains("older-Q8_0"), "what was moved is listed: {run:?}");
    assert!(
        run.err.contains("trash empty --confirm") && run.err.contains("to undo: `modelctl trash restore "),
        "{run:?}"
    );
    assert_eq!(names(&sandbox), ["fresh-Q4_0"]);
    let trash = sandbox.run(["trash", "list", "--json"]).ok().json();
    let ids: Vec<&str> = trash.as_array().unwrap().iter().map(|t| t["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    // Quiet when there is nothing to do.
    let again = prune(&sandbox, &["--unused-for", "30d", "--confirm", "--allow-large", "--quiet"]).ok();
    assert_eq!((again.out.as_str(), again.err.as_str()), ("", ""));

    sandbox.run(["trash", "restore"].iter().chain(&ids)).ok();
    assert_eq!(tree(&sandbox.models()), before);
    assert_eq!(names(&sandbox).len(), 3);
    let empty = sandbox.run(["trash", "list", "--json"]).ok().json();
    assert_eq!(empty, serde_json::json!([]));
    let history = sandbox.run(["history", "--json"]).ok().json();
    let told: Vec<(&str, &str)> = history
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["action"] != "scan")
        .map(|e| (e["action"].as_str().unwrap(), e["model"]["name"].as_str().or(e["name"].as_str()).unwrap_or("?")))
        .collect();
    assert_eq!(told.iter().filter(|(action, _)| *action == "prune").count(), 2, "{told:?}");
    assert_eq!(told.iter().filter(|(action, _)| *action == "restore").count(), 2, "{told:?}");
}

#[test]
fn restore_overwrites_nothing_and_unknown_ids_are_told() {
    let sandbox = with_models();
    prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm"]).ok();
    let again = sandbox.write("ancient-Q4_0.gguf", b"something else");
    let id = sandbox.run(["trash", "list", "--json"]).ok().json()[0]["id"].as_str().unwrap().to_owned();
    let run = sandbox.run(["trash", "restore", &id]).refuses(3, "exists again");
    assert!(run.err.contains("hint: move the existing file away"), "{run:?}");
    assert_eq!(fs::read(&again).unwrap(), b"something else");
    sandbox.run(["trash", "restore", "zzzz"]).refuses(3, "nothing in the trash matches `zzzz`");
    fs::remove_file(&again).unwrap();
    sandbox.run(["trash", "restore", id.get(..id.len() - 1).unwrap()]).ok();
    assert_eq!(fs::read(&again).unwrap(), fixture::small_model("ancient-Q4_0"));
}

#[test]
fn pins_hints_globs_tasks_and_the_last_models_stay() {
    let sandbox = with_models();
    old(&sandbox.models().join("fresh-Q4_0.gguf"), 1);
    sandbox.run(["scan"]).ok();
    let rule = |args: &[&str], name: &str| {
        let all: Vec<&str> = args.iter().copied().chain(["--older-than", "1h", "--json"]).collect();
        verdicts(&prune(&sandbox, &all).ok())[name].clone()
    };
    assert_eq!(rule(&[], "ancient-Q4_0"), "remove old");
    assert_eq!(rule(&["--keep", "*-q4_0"], "ancient-Q4_0"), "keep keep-hint");
    assert_eq!(rule(&["--keep", "*-q4_0"], "older-Q8_0"), "remove old");
    // The most recently used two stay.
    assert_eq!(rule(&["--min-keep", "2"], "older-Q8_0"), "remove old");
    assert_eq!(rule(&["--min-keep", "2"], "ancient-Q4_0"), "keep min-keep");
    assert_eq!(rule(&["--min-keep", "2"], "fresh-Q4_0"), "keep min-keep");
    sandbox.run(["set", "ancient-Q4_0", "--pin"]).ok();
    assert_eq!(rule(&[], "ancient-Q4_0"), "keep pinned");
    sandbox.run(["keep", "add", "older-*"]).ok();
    assert_eq!(rule(&[], "older-Q8_0"), "keep keep-hint");
    sandbox.run(["task", "add", "--prompt", "hello", "--model", "fresh-Q4_0"]).ok();
    assert_eq!(rule(&[], "fresh-Q4_0"), "keep task");
    // What was just put in place stays without a word about it.
    let grace = sandbox.run(["prune", "--older-than", "30d", "--assume-unused", "--json"]).ok();
    assert!(going(&grace).is_empty(), "{grace:?}");
}

#[test]
fn a_model_that_a_process_has_open_stays() {
    let sandbox = with_models();
    let path = sandbox.models().join("ancient-Q4_0.gguf");
    let script = "import mmap,sys; f=open(sys.argv[1],'rb'); m=mmap.mmap(f.fileno(),0,access=mmap.ACCESS_READ); f.close(); \
                  print('ready',flush=True); sys.stdin.read()";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
    let plan = prune(&sandbox, &["--older-than", "30d", "--json", "--confirm", "--allow-large"]).ok();
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(verdicts(&plan)["ancient-Q4_0"], "keep in-use", "{plan:?}");
    assert_eq!(verdicts(&plan)["older-Q8_0"], "remove old");
    assert!(path.exists());
    let why =
        plan.json()["rows"].as_array().unwrap().iter().find(|r| r["name"] == "ancient-Q4_0").unwrap()["why"].clone();
    assert!(why.as_str().unwrap().contains("python3"), "{why}");
}

#[test]
fn a_saved_plan_does_exactly_that_and_leaves_alone_what_has_changed() {
    let sandbox = with_models();
    let plan = sandbox.path("plan.json");
    let plan = plan.to_str().unwrap();
    prune(&sandbox, &["--unused-for", "30d", "--plan", plan]).ok();
    let shown = sandbox.run(["prune", "--apply", plan, "--json"]).ok();
    assert_eq!(going(&shown), ["ancient-Q4_0", "older-Q8_0"]);
    // One is pinned, one is written to, and a new one fits the rule that made the plan.
    sandbox.run(["set", "older-Q8_0", "--pin"]).ok();
    let other = sandbox.write("newer-Q4_0.gguf", &fixture::small_model("newer"));
    old(&other, 90);
    sandbox.run(["scan"]).ok();
    let path = sandbox.models().join("ancient-Q4_0.gguf");
    let mut bytes = fs::read(&path).unwrap();
    bytes.push(0);
    fs::write(&path, &bytes).unwrap();
    old(&path, 60);
    let run = sandbox.run(["prune", "--apply", plan, "--confirm", "--allow-large", "--json"]).refuses(1, "").json();
    let outcomes: Vec<_> = run["rows"].as_array().unwrap().iter().filter(|r| r["verdict"] == "remove").collect();
    assert!(outcomes.iter().all(|r| r["outcome"] == "skipped" && r["reason"].is_string()), "{outcomes:#?}");
    assert_eq!(outcomes.len(), 2);
    assert!(path.exists() && other.exists() && sandbox.models().join("older-Q8_0.gguf").exists());

    sandbox.run(["set", "older-Q8_0", "--unpin"]).ok();
    let run = sandbox.run(["prune", "--apply", plan, "--confirm", "--allow-large"]).refuses(1, "left alone");
    assert!(run.out.contains("moved 1 model"), "{run:?}");
    assert!(path.exists() && other.exists() && !sandbox.models().join("older-Q8_0.gguf").exists());

    fs::remove_file(sandbox.db()).unwrap();
    sandbox.run(["prune", "--apply", plan, "--confirm", "--allow-large"]).refuses(1, "no longer in the database");
    fs::write(plan, "{\"format\": 1}").unwrap();
    sandbox.run(["prune", "--apply", plan]).refuses(3, "is not a valid plan file");
    sandbox.run(["prune", "--apply", "/nowhere/plan"]).refuses(3, "cannot read the plan");
    sandbox.run(["prune", "--apply", plan, "--orphans"]).refuses(2, "cannot be used with");
}

#[test]
fn the_trash_outlives_the_database() {
    let sandbox = with_models();
    let before = tree(&sandbox.models());
    prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm"]).ok();
    for end in ["", "-wal", "-shm"] {
        let mut name = sandbox.db().into_os_string();
        name.push(end);
        // The two others are there only while it is open.
        let _ = fs::remove_file(name);
    }
    let all = sandbox.run(["trash", "list", "--json"]).ok().json();
    assert_eq!(all[0]["name"], "ancient-Q4_0");
    sandbox.run(["trash", "restore", "ancient-Q4_0"]).ok();
    assert_eq!(tree(&sandbox.models()), before);
}

#[test]
fn the_second_of_two_is_told_who_is_at_work_and_since_when() {
    let sandbox = with_models();
    prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm"]).ok();
    let place = sandbox.path(".model_trash");
    let lock = File::options().read(true).write(true).create(true).truncate(true).open(place.join("lock")).unwrap();
    lock.lock().unwrap();
    prune(&sandbox, &["--model", "older-Q8_0", "--confirm"]).refuses(4, "in use by");
    assert!(sandbox.models().join("older-Q8_0.gguf").exists());
    sandbox.run(["trash", "empty", "--confirm"]).refuses(4, "in use by");
    // To look is always possible.
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json().as_array().unwrap().len(), 1);
    prune(&sandbox, &["--model", "older-Q8_0"]).ok();
    drop(lock);
    prune(&sandbox, &["--model", "older-Q8_0", "--confirm"]).ok();
}

#[test]
fn more_than_half_of_a_store_needs_a_word_more() {
    let sandbox = with_models();
    prune(&sandbox, &["--max-total", "1B", "--confirm"]).refuses(3, "more than half");
    assert_eq!(names(&sandbox).len(), 3);
    let dry = prune(&sandbox, &["--max-total", "1B"]).ok();
    assert!(dry.err.contains("--allow-large"), "{dry:?}");
    let run = prune(&sandbox, &["--max-total", "1B", "--confirm", "--allow-large", "--purge"]).ok();
    assert!(run.out.contains("deleted 3 models; freed"), "{run:?}");
    assert_eq!(fs::read_dir(sandbox.models()).unwrap().count(), 0);
    assert!(!sandbox.path(".model_trash").exists(), "an empty trash is no trash");
    assert!(names(&sandbox).is_empty());
}

#[test]
fn scripts_learn_from_the_exit_code_whether_something_was_done() {
    let sandbox = with_models();
    assert_eq!(prune(&sandbox, &["--model", "ancient-Q4_0", "--exit-code"]).code, Some(10));
    assert_eq!(prune(&sandbox, &["--orphans", "--exit-code"]).code, Some(0));
    assert_eq!(prune(&sandbox, &["--model", "ancient-Q4_0", "--exit-code", "--confirm"]).code, Some(10));
    assert_eq!(prune(&sandbox, &["--unused-for", "100d", "--exit-code", "--confirm"]).code, Some(0));
    assert_eq!(prune(&sandbox, &["--model", "no-such-model"]).code, Some(3));
}

#[test]
fn room_is_made_from_the_least_recently_used_on_and_no_further() {
    let sandbox = with_models();
    let size = |name: &str| fs::metadata(sandbox.models().join(name)).unwrap().blocks() * 512;
    let all: u64 = ["ancient-Q4_0.gguf", "older-Q8_0.gguf", "fresh-Q4_0.gguf"].iter().map(|n| size(n)).sum();
    let most = format!("{}B", all - 1);
    let plan = prune(&sandbox, &["--max-total", &most, "--json"]).ok();
    assert_eq!(going(&plan), ["older-Q8_0"]);
    let plan = prune(&sandbox, &["--max-total", "1TiB", "--json"]).ok();
    assert!(going(&plan).is_empty());
    let plan = prune(&sandbox, &["--free", "1B", "--json"]).ok();
    assert!(going(&plan).is_empty(), "that much is free already");
    let plan = prune(&sandbox, &["--free", "1000TiB", "--json"]).refuses(1, "");
    assert_eq!(going(&plan).len(), 3);
    let plan = prune(&sandbox, &["--free", "1000TiB", "--unused-for", "30d", "--json"]).refuses(1, "");
    assert_eq!(going(&plan), ["ancient-Q4_0", "older-Q8_0"]);
}

#[test]
fn emptying_asks_first_and_respects_age() {
    let sandbox = with_models();
    prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm"]).ok();
    let dry = sandbox.run(["trash", "empty"]).ok();
    assert!(dry.err.contains("--confirm"), "{dry:?}");
    sandbox.run(["trash", "empty", "--older-than", "7d", "--confirm"]).ok();
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json().as_array().unwrap().len(), 1);
    let run = sandbox.run(["trash", "empty", "--confirm"]).ok();
    assert!(run.out.contains("deleted 1 item from the trash; freed"), "{run:?}");
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json(), serde_json::json!([]));
    let none = sandbox.run(["trash", "empty", "--confirm", "--quiet"]).ok();
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", ""));
}

#[test]
fn emptying_tells_of_each_item_what_became_of_it() {
    let sandbox = with_models();
    for name in ["ancient-Q4_0", "older-Q8_0"] {
        prune(&sandbox, &["--model", name, "--confirm", "--allow-large"]).ok();
    }
    let items = sandbox.run(["trash", "list", "--json"]).ok().json();
    let file = Path::new(items[0]["folder"].as_str().unwrap()).join("files/0");
    // Somebody wrote to it: it is not what was put there, and is not deleted.
    fs::write(&file, b"precious").unwrap();
    let run = sandbox.run(["trash", "empty", "--confirm", "--json"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let told = run.json();
    assert_eq!((&told[0]["outcome"], &told[0]["state"]), (&"failed".into(), &"whole".into()), "{told:#}");
    assert!(told[0]["reason"].as_str().unwrap().contains("was not put there"), "{told:#}");
    assert_eq!(told[1]["outcome"], "deleted");
    let again = sandbox.run(["trash", "empty", "--confirm"]);
    assert_eq!((again.code, again.out.as_str()), (Some(1), ""), "{again:?}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    let history = sandbox.run(["history", "--json", "--what", "empty"]).ok().json();
    assert_eq!(history.as_array().unwrap().len(), 1, "only of what was deleted: {history:#}");
}

#[test]
fn the_trash_outlives_its_store_and_can_be_named() {
    let sandbox = with_models();
    prune(&sandbox, &["--max-total", "1B", "--confirm", "--allow-large"]).ok();
    fs::remove_dir(sandbox.models()).unwrap();
    let count = |run: Run| run.ok().json().as_array().unwrap().len();
    assert_eq!(count(sandbox.run(["trash", "list", "--json"])), 3);
    sandbox.run(["trash", "restore", "fresh-Q4_0"]).refuses(3, "no longer exists");
    fs::create_dir(sandbox.models()).unwrap();
    sandbox.run(["trash", "restore", "fresh-Q4_0"]).ok();

    // Neither the database nor the configuration knows of it.
    let unknown = |args: &[&str]| {
        let db = sandbox.path("other.db");
        let mut command = sandbox.command(args);
        finish(command.env("MODELCTL_DB", db).env("MODEL_SCAN_PATH", sandbox.path("home/none")).output().unwrap())
    };
    for dir in ["models", ".model_trash", ".", "models-that-were"] {
        assert_eq!(count(unknown(&["trash", "list", "--json", "--in", dir])), 2, "{dir}");
    }
    unknown(&["trash", "restore", "--in", "models", "older-Q8_0"]).ok();
    assert!(sandbox.models().join("older-Q8_0.gguf").exists());
}

#[test]
fn an_item_that_is_not_understood_is_named_when_the_trash_is_emptied() {
    let sandbox = with_models();
    prune(&sandbox, &["--older-than", "30d", "--confirm", "--allow-large"]).ok();
    let items = sandbox.run(["trash", "list", "--json"]).ok().json();
    fs::write(Path::new(items[0]["folder"].as_str().unwrap()).join("item.json"), "{").unwrap();
    let id = items[0]["id"].as_str().unwrap();
    let text = format!("leaving `{id}` alone");
    sandbox.run(["trash", "empty", id, "--confirm"]).refuses(1, &text);
    let dry = sandbox.run(["trash", "empty", id]).ok();
    assert!(dry.err.contains(&text), "{dry:?}");
    let run = sandbox.run(["trash", "empty", "--confirm", "--json"]);
    let told = run.json();
    assert_eq!((run.code, told.as_array().unwrap().len()), (Some(1), 2), "{run:?}");
    assert_eq!((&told[0]["outcome"], &told[1]["outcome"]), (&"deleted".into(), &"failed".into()), "{told:#}");
    assert_eq!(told[1]["state"], "damaged");
}

#[test]
fn a_trash_that_cannot_be_trusted_is_not_called_empty_and_told_once() {
    let sandbox = with_models();
    prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm"]).ok();
    let open = |mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        fs::set_permissions(sandbox.path(".model_trash"), mode).unwrap();
    };
    open(0o777);
    for args in [&["trash", "list"][..], &["trash", "empty"], &["trash", "empty", "--confirm"]] {
        let run = sandbox.run(args);
        assert_eq!(run.err.matches("cannot be trusted").count(), 1, "{args:?}: {run:?}");
        assert!(!run.err.contains("empty\n") && !run.err.contains("nothing in the trash"), "{args:?}: {run:?}");
        assert_eq!(run.code, Some(1), "{args:?}: {run:?}");
    }
    let run = sandbox.run(["trash", "restore", "ancient-Q4_0"]).refuses(3, "nothing in the trash");
    assert_eq!(run.err.matches("cannot be trusted").count(), 1, "{run:?}");
    open(0o700);
    sandbox.run(["trash", "restore", "ancient-Q4_0"]).ok();
}

#[test]
fn a_model_that_comes_back_without_its_projector_says_where_that_is() {
    let sandbox = Sandbox::new();
    for name in ["seer-Q4_0", "seer-Q8_0"] {
        sandbox.write(&format!("vision/{name}.gguf"), &fixture::small_model(name));
    }
    let eye = sandbox.write("vision/mmproj-seer-F16.gguf", &fixture::mmproj(64));
    sandbox.run(["scan"]).ok();
    for name in ["seer-Q4_0", "seer-Q8_0"] {
        prune(&sandbox, &["--model", name, "--confirm", "--allow-large"]).ok();
    }
    assert!(!eye.exists());
    let items = sandbox.run(["trash", "list", "--json"]).ok().json();
    let run = sandbox.run(["trash", "restore", "seer-Q4_0"]).ok();
    let id = items[1]["id"].as_str().unwrap();
    let told = "`seer-Q4_0` also needs `vision/mmproj-seer-F16.gguf`, which is in the trash with `seer-Q8_0`";
    assert!(run.err.contains(told) && run.err.contains(&format!("trash restore {id}")), "{run:?}");
    let both = sandbox.run(["trash", "restore", id]).ok();
    assert!(eye.exists() && both.err.is_empty(), "{both:?}");
    // Together they are whole.
    for name in ["seer-Q4_0", "seer-Q8_0"] {
        prune(&sandbox, &["--model", name, "--confirm", "--allow-large"]).ok();
    }
    let both = sandbox.run(["trash", "restore", "seer-Q8_0", "seer-Q4_0"]).ok();
    assert!(!both.err.contains("as well"), "{both:?}");
}

#[test]
fn one_of_two_copies_stays() {
    let sandbox = Sandbox::new();
    for name in ["one", "two"] {
        sandbox.write(&format!("{name}.gguf"), &fixture::small_model("same"));
    }
    sandbox.run(["scan"]).ok();
    let plan = prune(&sandbox, &["--duplicates", "--json"]).ok();
    assert!(going(&plan).is_empty(), "the same header alone proves nothing: {plan:?}");
    sandbox.run(["verify", "--all", "--hash"]).ok();
    let run = prune(&sandbox, &["--duplicates", "--confirm"]).ok();
    assert!(run.out.contains("moved 1 model"), "{run:?}");
    assert_eq!(names(&sandbox).len(), 1);
}

#[test]
fn the_good_copy_does_not_go_for_one_that_rotted_in_its_store() {
    let sandbox = Sandbox::new();
    let good = fixture::small_model("same");
    let blobs = ["a", "b"].map(|store| {
        ollama_tag(&sandbox.models().join(store), "same", store, &good);
        let blobs = fs::read_dir(sandbox.models().join(store).join("blobs")).unwrap().map(|e| e.unwrap().path());
        blobs.max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
    });
    // The name promises still what no longer exists.
    let mut rotten = good.clone();
    *rotten.last_mut().unwrap() ^= 1;
    fs::write(&blobs[0], &rotten).unwrap();
    old(&blobs[1], 100);
    sandbox.run(["scan"]).ok();
    let plan = prune(&sandbox, &["--duplicates", "--across-stores", "--json"]).ok();
    assert!(going(&plan).is_empty(), "neither was read: {plan:?}");
    assert!(plan.out.contains("check it with `modelctl verify --hash`"), "{plan:?}");

    // Where the good one was read, the other one may go; read itself, it is a copy of nothing.
    sandbox.run(["verify", "--hash", blobs[1].to_str().unwrap()]).ok();
    assert_eq!(going(&prune(&sandbox, &["--duplicates", "--across-stores", "--json"]).ok()), ["same:a"]);
    sandbox.run(["verify", "--all", "--hash"]);
    let run = prune(&sandbox, &["--duplicates", "--across-stores", "--confirm", "--allow-large"]).ok();
    assert!(!run.out.contains("moved"), "{run:?}");
    assert_eq!(fs::read(&blobs[1]).unwrap(), good);
}

#[test]
fn a_keep_rule_that_is_mistyped_is_told_before_anything_goes() {
    let sandbox = with_models();
    for broken in ["g[1", "g{1", "**["] {
        prune(&sandbox, &["--unused-for", "30d", "--keep", broken]).refuses(2, "is not a valid glob");
        sandbox.run(["keep", "add", broken]).refuses(2, "is not a valid glob");
        let args = ["prune", "--unused-for", "30d", "--confirm"].into_iter().chain(BOLD);
        let run = sandbox.command(args).env("KEEP_LOCAL_MODELS", broken).output().unwrap();
        finish(run).refuses(3, "KEEP_LOCAL_MODELS: ");
    }
    assert_eq!(names(&sandbox).len(), 3);
    let run = prune(&sandbox, &["--unused-for", "30d", "--keep", "ancient-*", "--keep", "g1-*"]).ok();
    assert!(run.err.contains("--keep g1-*: matches no model") && !run.err.contains("ancient-*"), "{run:?}");
    // A name may have a bracket that is closed nowhere.
    old(&sandbox.write("odd[1.gguf", &fixture::small_model("odd")), 60);
    sandbox.run(["scan"]).ok();
    sandbox.run(["keep", "add", "odd[1"]).ok();
    assert_eq!(going(&prune(&sandbox, &["--unused-for", "30d", "--json"]).ok()), ["ancient-Q4_0", "older-Q8_0"]);
}

#[test]
fn a_plan_takes_the_place_of_a_plan_and_of_nothing_else() {
    let sandbox = with_models();
    let save = |to: &Path| prune(&sandbox, &["--unused-for", "30d", "--plan", to.to_str().unwrap()]);
    let is_plan = |at: &Path| serde_json::from_slice::<Value>(&fs::read(at).unwrap()).unwrap()["format"] == 1;
    let notes = sandbox.path("notes.json");
    fs::write(&notes, "{\"format\": 1}").unwrap();
    save(&notes).refuses(3, "exists and is not a plan");
    assert_eq!(fs::read_to_string(&notes).unwrap(), "{\"format\": 1}");

    let (file, link) = (sandbox.path("plan.json"), sandbox.path("link.json"));
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink("plan.json", &link).unwrap();
    for to in [&file, &file, &link] {
        save(to).ok();
        assert!(is_plan(&file));
    }
    assert!(link.is_symlink());
    fs::remove_file(&file).unwrap();
    save(&link).refuses(3, "dangling link");
    save(&sandbox.models()).refuses(3, "is a folder");

    let pipe = sandbox.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    save(&pipe).ok();
    assert!(!fs::metadata(&pipe).unwrap().is_file());
    assert!(reader.join().unwrap().starts_with("{\n  \"format\": 1"));
    assert_eq!(save(Path::new("-")).ok().json()["format"], 1);
    assert!(save(Path::new("/dev/stdout")).ok().out.starts_with("{\n  \"format\": 1"));
}

#[test]
fn what_is_no_plan_is_not_read_to_its_end() {
    let sandbox = with_models();
    let file = sandbox.path("plan.json");
    File::create(&file).unwrap().set_len(3 << 30).unwrap();
    sandbox
        .run(["prune", "--apply", file.to_str().unwrap()])
        .refuses(3, "is larger than 64.0 MiB, so it is not a plan");
    sandbox.run(["prune", "--apply", "/dev/zero"]).refuses(3, "is larger than 64.0 MiB, so it is not a plan");
    let plan = saved(&sandbox);
    let mut tampered: Value = serde_json::from_slice(&fs::read(&plan).unwrap()).unwrap();
    let rows = tampered["rows"].as_array_mut().unwrap();
    rows.push(rows[0].clone());
    fs::write(&plan, tampered.to_string()).unwrap();
    sandbox.run(["prune", "--apply", &plan]).refuses(3, "duplicate row");
}

/// A plan that takes the two old models.
fn saved(sandbox: &Sandbox) -> String {
    let plan = sandbox.path("saved.json").to_str().unwrap().to_owned();
    prune(sandbox, &["--unused-for", "30d", "--plan", &plan]).ok();
    plan
}

/// Whoever writes in place can give a file its old time back.
#[test]
fn what_was_written_to_since_the_plan_stays_whatever_its_mtime_says() {
    let sandbox = with_models();
    let plan = saved(&sandbox);
    let path = sandbox.models().join("ancient-Q4_0.gguf");
    let before = fs::metadata(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::os::unix::fs::FileExt::write_all_at(&File::options().write(true).open(&path).unwrap(), &bytes, 0).unwrap();
    let times = FileTimes::new().set_modified(before.modified().unwrap()).set_accessed(before.accessed().unwrap());
    File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    let look = sandbox.run(["prune", "--apply", &plan, "--json"]).ok();
    assert_eq!(going(&look), ["older-Q8_0"], "{look:?}");
    let run = sandbox.run(["prune", "--apply", &plan, "--confirm", "--allow-large", "--purge"]);
    assert_eq!((run.code, fs::read(&path).unwrap()), (Some(1), bytes), "{run:?}");
    assert!(!sandbox.models().join("older-Q8_0.gguf").exists(), "{run:?}");
}

#[test]
fn a_saved_plan_that_is_only_looked_at_tells_what_of_it_would_still_be_done() {
    let sandbox = with_models();
    let file = sandbox.path("plan.json");
    let file = file.to_str().unwrap();
    prune(&sandbox, &["--unused-for", "30d", "--plan", file]).ok();
    let look = || sandbox.run(["prune", "--apply", file, "--assume-unused", "--json"]).ok();
    let run = look();
    assert_eq!(going(&run), ["ancient-Q4_0", "older-Q8_0"]);
    assert!(run.json()["notes"][0].as_str().unwrap().starts_with("the plan was made "), "{run:?}");
    fs::write(sandbox.models().join("older-Q8_0.gguf"), "another one").unwrap();
    sandbox.run(["set", "ancient-Q4_0", "--pin"]).ok();
    let run = look();
    assert!(going(&run).is_empty(), "{run:?}");
    assert_eq!(verdicts(&run)["ancient-Q4_0"], "keep changed");
    assert!(run.out.contains("pinned"), "{run:?}");
    assert_eq!(run.json()["freed_bytes"], 0);
    assert_eq!(names(&sandbox).len(), 3);
}

/// What is in the models folder and in the trash together: name of the file and its content.
fn everything(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut open = vec![sandbox.models(), sandbox.path(".model_trash")];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.map(|e| e.unwrap()) {
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                all.push(fs::read(entry.path()).unwrap());
            }
        }
    }
    all.retain(|bytes| bytes.starts_with(b"GGUF"));
    all.sort();
    all
}

/// Fails with the entries that are not as they were, and what they were.
fn assert_same_tree(now: &BTreeMap<PathBuf, String>, before: &BTreeMap<PathBuf, String>) {
    let paths: std::collections::BTreeSet<&PathBuf> = now.keys().chain(before.keys()).collect();
    let differ: Vec<_> =
        paths.into_iter().filter(|p| now.get(*p) != before.get(*p)).map(|p| (p, before.get(p), now.get(p))).collect();
    assert!(differ.is_empty(), "path, before, now: {differ:#?}");
}

/// A run that is killed at a random moment loses no file, and the next one puts everything in order.
fn kill_loop(rounds: u32) {
    const MODELS: usize = 40;
    let sandbox = Sandbox::new();
    for n in 0..MODELS {
        sandbox.write(&format!("dir-{}/m{n}-Q4_0.gguf", n % 5), &fixture::small_model(&format!("m{n}")));
    }
    sandbox.run(["scan"]).ok();
    let before = tree(&sandbox.models());
    let whole = everything(&sandbox);
    // How long a run takes undisturbed, so that kills fall into it. The first one is the slowest.
    let args =
        ["prune", "--max-total", "1B", "--confirm", "--allow-large", "--grace", "0", "--assume-unused", "--quiet"];
    let [mut prune_takes, mut restore_takes] = [std::time::Duration::MAX; 2];
    for _ in 0..3 {
        let begun = std::time::Instant::now();
        sandbox.run(args).ok();
        prune_takes = prune_takes.min(begun.elapsed());
        assert_eq!(everything(&sandbox), whole);
        let all = ids(&sandbox);
        let begun = std::time::Instant::now();
        sandbox.run(["trash", "restore"].map(str::to_owned).into_iter().chain(all)).ok();
        restore_takes = restore_takes.min(begun.elapsed());
        assert_same_tree(&tree(&sandbox.models()), &before);
    }

    let mut seed = u64::from(std::process::id()) | 1;
    println!("seed {seed}");
    let mut random = || {
        // xorshift64
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let mut mid = 0;
    for _ in 0..rounds {
        // A run that has nothing to do is not worth a kill.
        let ids = ids(&sandbox);
        let is_restore = !ids.is_empty() && (ids.len() >= MODELS || random() % 3 == 0);
        let (takes, mut child) = if is_restore {
            let all = ["trash", "restore"].map(str::to_owned).into_iter().chain(ids);
            (restore_takes, sandbox.start(all))
        } else {
            (prune_takes, sandbox.start(args))
        };
        let moment = takes.mul_f64((random() % 1_000) as f64 / 1_000.0);
        // A kill has no event to wait for: the moment is the point.
        let (_nobody, never) = std::sync::mpsc::channel::<()>();
        let _ = never.recv_timeout(moment);
        // It may be over already.
        let _ = child.kill();
        mid += u32::from(child.wait().unwrap().code().is_none());
        assert_eq!(everything(&sandbox), whole, "a file is lost or there twice");
    }
    println!("{rounds} rounds, {mid} of them killed");
    // The next run puts in order what is half done.
    sandbox.run(["trash", "empty", "--older-than", "1d", "--confirm"]).ok();
    restore_all(&sandbox);
    assert_same_tree(&tree(&sandbox.models()), &before);
    assert!(mid > 0, "no run was killed");
    sandbox.run(["scan"]).ok();
    assert_eq!(names(&sandbox).len(), MODELS);
}

fn ids(sandbox: &Sandbox) -> Vec<String> {
    let all = sandbox.run(["trash", "list", "--json"]).ok().json();
    let whole = all.as_array().unwrap().iter().filter(|t| t["state"] == "whole" || t["state"] == "partly");
    whole.map(|t| t["id"].as_str().unwrap().to_owned()).collect()
}

fn restore_all(sandbox: &Sandbox) {
    let ids = ids(sandbox);
    if !ids.is_empty() {
        sandbox.run(["trash", "restore"].map(str::to_owned).into_iter().chain(ids)).ok();
    }
}

#[test]
fn a_run_that_is_killed_loses_nothing() {
    kill_loop(12);
}

/// `cargo test --release --test it several_hundred_kills -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn several_hundred_kills_lose_nothing() {
    kill_loop(500);
}

#[test]
fn a_link_swapped_in_after_the_plan_leads_nowhere() {
    let sandbox = Sandbox::new();
    let inside = sandbox.write("sub/victim-Q4_0.gguf", &fixture::small_model("victim"));
    sandbox.write("stays-Q4_0.gguf", &fixture::small_model("stays"));
    sandbox.run(["scan"]).ok();
    let plan = sandbox.path("plan.json");
    let plan = plan.to_str().unwrap();
    prune(&sandbox, &["--model", "victim-Q4_0", "--plan", plan]).ok();
    // The folder is moved away, and a link to it takes its place: the very same file, through a link.
    let outside = sandbox.path("outside");
    fs::rename(inside.parent().unwrap(), &outside).unwrap();
    std::os::unix::fs::symlink(&outside, inside.parent().unwrap()).unwrap();
    let run = finish(sandbox.command(["prune", "--apply", plan, "--confirm"]).output().unwrap());
    assert!(run.err.contains("left alone"), "{run:?}");
    assert_eq!(run.code, Some(1), "a plan that was not done as it stands is no success");
    assert_eq!(fs::read(outside.join("victim-Q4_0.gguf")).unwrap(), fixture::small_model("victim"));
}

#[test]
fn who_names_a_model_that_stays_is_told_why() {
    let sandbox = with_models();
    sandbox.run(["set", "ancient-Q4_0", "--pin"]).ok();
    for args in [&["--confirm"][..], &["--confirm", "--quiet"], &["--dry-run"], &["--confirm", "--json"]] {
        let all = [&["--model", "ancient-Q4_0"], args].concat();
        prune(&sandbox, &all).refuses(3, "ancient-Q4_0 was kept: pinned");
    }
}

#[test]
fn what_the_system_refuses_is_not_called_a_bug_of_ours() {
    let sandbox = with_models();
    // A file where the trash belongs.
    fs::write(sandbox.path(".model_trash"), "mine").unwrap();
    let run = prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm"]);
    assert_ne!(run.code, Some(0), "{run:?}");
    assert!(!run.err.contains("bug"), "{run:?}");
}

/// One tag of an Ollama store, written as its server would.
pub fn ollama_tag(root: &Path, model: &str, tag: &str, weights: &[u8]) {
    use sha2::{Digest, Sha256};
    let blob = |bytes: &[u8]| {
        let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        fs::create_dir_all(root.join("blobs")).unwrap();
        fs::write(root.join(format!("blobs/sha256-{hex}")), bytes).unwrap();
        format!("sha256:{hex}")
    };
    let config = br#"{"model_format":"gguf"}"#;
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": blob(config), "size": config.len()},
        "layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": blob(weights), "size": weights.len()}],
    });
    let folder = root.join("manifests/registry.ollama.ai/library").join(model);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(tag), manifest.to_string()).unwrap();
}

#[test]
fn a_blob_that_another_tag_needs_stays_and_empty_folders_go() {
    let sandbox = Sandbox::new();
    let root = sandbox.models().join("ollama");
    let (one, two) = (fixture::small_model("one"), fixture::small_model("two"));
    ollama_tag(&root, "alpha", "latest", &one);
    ollama_tag(&root, "alpha", "8b", &one);
    ollama_tag(&root, "beta", "latest", &two);
    sandbox.run(["scan"]).ok();
    let before = tree(&root);
    let all = sandbox.run(["list", "--json"]).ok().json();
    let alpha = all.as_array().unwrap().iter().find(|m| m["name"].as_str().unwrap().starts_with("alpha")).unwrap();
    let run = prune(&sandbox, &["--model", alpha["id"].as_str().unwrap(), "--confirm", "--allow-large"]).ok();
    assert!(run.out.contains("moved 1 model"), "{run:?}");
    assert!(!root.join("manifests/registry.ollama.ai/library/alpha").exists());
    // The weights of alpha are gone; the config that both have, and beta, are there.
    assert_eq!(fs::read_dir(root.join("blobs")).unwrap().count(), 2);
    assert_eq!(names(&sandbox), ["beta:latest"]);
    let id = sandbox.run(["trash", "list", "--json"]).ok().json()[0]["id"].as_str().unwrap().to_owned();
    sandbox.run(["trash", "restore", &id]).ok();
    assert_eq!(tree(&root), before);

    // A manifest that is half written may need anything: nothing is touched.
    fs::write(root.join("manifests/registry.ollama.ai/library/beta/new"), "{\"schemaVersion\": 2, \"lay").unwrap();
    let run = prune(&sandbox, &["--model", alpha["id"].as_str().unwrap(), "--json"]).refuses(3, "alpha:8b was kept: ");
    assert!(going(&run).is_empty(), "{run:?}");
}

/// One file may have several names, of which a list shows one.
#[test]
fn whatever_name_keeps_or_means_a_model_of_ollama_speaks_for_all_of_it() {
    let sandbox = Sandbox::new();
    let root = sandbox.models().join("ollama");
    let weights = fixture::small_model("shared");
    for (model, tag) in [("mine", "latest"), ("qwen", "7b"), ("zeta", "latest")] {
        ollama_tag(&root, model, tag, &weights);
    }
    ollama_tag(&root, "other", "latest", &fixture::small_model("other"));
    for blob in fs::read_dir(root.join("blobs")).unwrap() {
        old(&blob.unwrap().path(), 60);
    }
    sandbox.run(["scan"]).ok();
    let taken = |keep: &[&str]| {
        let globs = keep.iter().flat_map(|text| ["--keep", text]);
        going(&prune(&sandbox, &["--unused-for", "30d", "--json"].into_iter().chain(globs).collect::<Vec<_>>()).ok())
    };
    assert_eq!(taken(&[]), ["mine:latest", "other:latest"]);
    for name in ["qwen:7b", "QWEN:7B", "zeta", "zeta:latest", "mine", "registry.ollama.ai/library/qwen:7b", "q*:7b"] {
        assert_eq!(taken(&[name]), ["other:latest"], "{name}");
    }
    let args = ["prune", "--unused-for", "30d", "--json"].into_iter().chain(BOLD);
    let hinted = sandbox.command(args).env("KEEP_LOCAL_MODELS", "library/zeta").output().unwrap();
    assert_eq!(going(&finish(hinted).ok()), ["other:latest"]);
    for name in ["qwen:7b", "zeta", "mine", "registry.ollama.ai/library/mine:latest"] {
        assert_eq!(going(&prune(&sandbox, &["--model", name, "--json"]).ok()), ["mine:latest"], "{name}");
    }
    let run = sandbox.run(["keep", "add", "zeta"]).ok();
    assert!(run.err.contains("it matches 1 model"), "{run:?}");
    assert_eq!(taken(&[]), ["other:latest"]);
    // A name that came after the scan counts as well.
    ollama_tag(&root, "late", "1", &fixture::small_model("other"));
    assert!(taken(&["late:1"]).is_empty());
}

/// As much of Ollama's server as deleting the only model needs.
fn fake_ollama(root: PathBuf) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = vec![0; 4096];
            let n = stream.read(&mut bytes).unwrap();
            let request = String::from_utf8_lossy(&bytes[..n]).into_owned();
            let body = if request.starts_with("DELETE /api/delete") {
                assert!(request.contains("registry.ollama.ai/library/alpha:latest"), "{request}");
                fs::remove_dir_all(root.join("manifests/registry.ollama.ai/library/alpha")).unwrap();
                for blob in fs::read_dir(root.join("blobs")).unwrap() {
                    fs::remove_file(blob.unwrap().path()).unwrap();
                }
                ""
            } else {
                r#"{"models":[]}"#
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).unwrap();
        }
    });
    address
}

#[test]
fn a_store_of_another_user_is_handed_to_its_own_server() {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/setpriv").exists() {
        crate::sandbox::skip("only root can make a store of another user");
        return;
    }
    let sandbox = Sandbox::new();
    let root = sandbox.models().join("ollama");
    ollama_tag(&root, "alpha", "latest", &fixture::small_model("one"));
    let address = fake_ollama(root.clone());
    let open =
        |path: &Path, mode| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    for path in [sandbox.path(""), sandbox.path("home"), sandbox.path("run")] {
        open(&path, 0o777);
    }
    let as_nobody = |args: &[&str]| {
        let own = sandbox.command(args);
        let mut command = Command::new("/usr/bin/setpriv");
        command
            .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
            .arg(sandbox.program_for_others())
            .args(args);
        command.env_clear().envs(own.get_envs().filter_map(|(k, v)| Some((k, v?)))).env("OLLAMA_HOST", &address);
        finish(command.current_dir(sandbox.path("")).output().unwrap())
    };
    as_nobody(&["scan"]).ok();
    let rule = ["prune", "--max-total", "1B", "--grace", "0", "--assume-unused", "--allow-large"];
    let with = |more: &[&str]| as_nobody(&rule.iter().chain(more).copied().collect::<Vec<_>>());
    let dry = with(&[]).ok();
    assert!(dry.err.contains("without undo"), "{dry:?}");
    with(&["--confirm"]).refuses(1, "without undo");
    assert!(root.join("manifests/registry.ollama.ai/library/alpha/latest").exists());
    let run = with(&["--confirm", "--purge"]).ok();
    assert!(run.out.contains("deleted 1 model"), "{run:?}");
    assert!(!root.join("manifests/registry.ollama.ai/library/alpha").exists());
}
