//! A disk that is full, or a file that may not grow: said clearly, nothing half done, and afterwards all goes on.

#[cfg(feature = "llama")]
use crate::offload::with_model;
use crate::sandbox::{Run, Sandbox, finish};
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Some hundred kilobytes of requests, in one transaction.
fn requests(number: usize) -> String {
    let line = |n: usize| {
        let body = json!({"messages": [{"role": "user", "content": "why? ".repeat(100)}], "max_tokens": 60});
        json!({"custom_id": format!("q{n}"), "method": "POST", "url": "/v1/chat/completions", "body": body}).to_string()
    };
    (0..number).map(line).collect::<Vec<_>>().join("\n")
}

fn tasks(sandbox: &Sandbox, db: &Path) -> usize {
    let run =
        finish(sandbox.command(["task", "list", "--limit", "0", "--json"]).env("MODELCTL_DB", db).output().unwrap());
    run.ok().json().as_array().unwrap().len()
}

/// Runs it where no file may grow beyond so many blocks of 512 bytes: what a quota does.
fn limited(sandbox: &Sandbox, blocks: u32, args: &[&str]) -> Run {
    let ours = sandbox.command([""; 0]);
    let mut shell = Command::new("/bin/sh");
    // The signal would end the program before it could say why; cron and shells that set a limit are asked for both.
    shell.args(["-c", &format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")]);
    shell.arg(ours.get_program()).args(args).env_clear();
    shell.envs(ours.get_envs().filter_map(|(key, value)| Some((key, value?))));
    finish(shell.current_dir(sandbox.path("")).output().unwrap())
}

#[test]
fn a_file_that_may_not_grow_stops_a_write_before_it_has_begun() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path("in.jsonl"), requests(1500)).unwrap();
    sandbox.run(["task", "add", "first"]).ok();
    limited(&sandbox, 400, &["task", "import", "in.jsonl", "--batch", "b"]).refuses(3, "database");
    assert_eq!(tasks(&sandbox, &sandbox.db()), 1, "nothing of the file is in");
    limited(&sandbox, 8, &["task", "add", "second"]).refuses(3, "no space left");
    sandbox.run(["task", "import", "in.jsonl", "--batch", "b"]).ok();
    assert_eq!(tasks(&sandbox, &sandbox.db()), 1501);
    sandbox.run(["task", "cancel", "--all"]).ok();
    std::fs::write(sandbox.path("out.jsonl"), "what was there before").unwrap();
    let export = ["task", "export", "--batch", "b", "-o", "out.jsonl"];
    limited(&sandbox, 200, &export).refuses(3, "cannot write");
    assert_eq!(std::fs::read_to_string(sandbox.path("out.jsonl")).unwrap(), "what was there before");
    sandbox.run(export).ok();
    assert_eq!(std::fs::read_to_string(sandbox.path("out.jsonl")).unwrap().lines().count(), 1500);
    let left = hidden(&sandbox.path(""));
    assert!(left.is_empty(), "{left:?}");
}

/// Files that a broken write might leave.
fn hidden(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with('.')).collect()
}

/// A file system of a few megabytes.
pub struct Small(pub PathBuf);

impl Small {
    /// None where it may not be made, with the reason printed.
    fn mount(dir: PathBuf) -> Option<Small> {
        Small::mount_with(dir, "size=3m")
    }

    pub fn mount_with(dir: PathBuf, options: &str) -> Option<Small> {
        std::fs::create_dir(&dir).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&dir).output();
        match mount {
            Ok(output) if output.status.success() => Some(Small(dir)),
            why => {
                crate::sandbox::skip(format_args!("no file system can be mounted here: {why:?}"));
                None
            }
        }
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = File::create(self.0.join("ballast")).unwrap();
        while ballast.write_all(&[7; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily, for a test that failed may have left something open.
        let done = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(done.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn on_a_full_disk_nothing_is_queued_by_half_and_with_room_again_everything_is() {
    let sandbox = Sandbox::new();
    let Some(small) = Small::mount(sandbox.path("small")) else { return };
    let db = small.0.join("modelctl.db");
    std::fs::write(sandbox.path("in.jsonl"), requests(1000)).unwrap();
    let run = |args: &[&str]| finish(sandbox.command(args).env("MODELCTL_DB", &db).output().unwrap());
    run(&["task", "add", "first"]).ok();
    small.fill();
    for args in [
        &["task", "add", "second"][..],
        &["task", "import", "in.jsonl", "--batch", "b"],
        &["inference", "off"],
        &["run-once"],
    ] {
        run(args).refuses(3, "space");
    }
    small.make_room();
    assert_eq!(tasks(&sandbox, &db), 1);
    run(&["task", "import", "in.jsonl", "--batch", "b"]).ok();
    assert_eq!(tasks(&sandbox, &db), 1001);
    run(&["task", "cancel", "--all"]).ok();
    small.fill();
    let output = small.0.join("out.jsonl");
    let export = ["task", "export", "--batch", "b", "-o", output.to_str().unwrap()];
    run(&export).refuses(3, "No space left");
    assert!(!output.exists());
    small.make_room();
    run(&export).ok();
}

#[cfg(feature = "llama")]
#[test]
fn answers_that_find_the_disk_full_are_given_again_at_once_when_there_is_room() {
    let (sandbox, _turn) = with_model();
    let Some(small) = Small::mount(sandbox.path("small")) else { return };
    let db = small.0.join("modelctl.db");
    let run = |args: &[&str]| finish(sandbox.command(args).env("MODELCTL_DB", &db).output().unwrap());
    let batch = ["batch", "in.jsonl", "-o", "out.jsonl"];
    std::fs::write(sandbox.path("in.jsonl"), requests(20)).unwrap();
    run(&["scan"]).ok();
    let child = sandbox.command(batch).env("MODELCTL_DB", &db).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while run(&["task", "stats", "--json"]).json()["tasks"]["running"].as_u64() < Some(1) {
        assert!(std::time::Instant::now() < until, "nothing runs");
    }
    small.fill();
    let stopped = finish(child.wait_with_output().unwrap()).refuses(3, "no space left");
    assert!(!sandbox.path("out.jsonl").exists(), "{stopped:?}");
    small.make_room();
    let again = sandbox.command(batch).env("MODELCTL_DB", &db).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // A model is loaded once tasks are claimed; those of a lease that nobody gave up are claimed after a minute.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(45);
    while crate::processes::workers_in(&sandbox.path("run")).is_empty() {
        assert!(std::time::Instant::now() < until, "it waits for a lease");
    }
    finish(again.wait_with_output().unwrap()).ok();
    assert_eq!(std::fs::read_to_string(sandbox.path("out.jsonl")).unwrap().lines().count(), 20);
}

/// Models on the small file system, of which two may go, and the database.
fn prunable(sandbox: &Sandbox, small: &Small, db: &Path) -> PathBuf {
    let models = small.0.join("models");
    std::fs::create_dir(&models).unwrap();
    for name in ["one-Q4_0", "two-Q4_0", "three-Q4_0"] {
        // As large as what a database needs to be opened: models are larger than that.
        let bytes = [crate::gguf::fixture::small_model(name), vec![7; 400_000]].concat();
        std::fs::write(models.join(format!("{name}.gguf")), bytes).unwrap();
    }
    on(sandbox, &models, db, &["scan"]).ok();
    models
}

fn on(sandbox: &Sandbox, models: &Path, db: &Path, args: &[&str]) -> Run {
    finish(sandbox.command(args).env("MODELCTL_DB", db).env("MODEL_SCAN_PATH", models).output().unwrap())
}

const PURGE: [&str; 7] = ["prune", "--grace", "0", "--assume-unused", "--confirm", "--model", "one-Q4_0"];

#[test]
fn a_full_disk_can_be_pruned_with_purge_and_is_untouched_without() {
    let sandbox = Sandbox::new();
    let Some(small) = Small::mount(sandbox.path("small")) else { return };
    let models = prunable(&sandbox, &small, &sandbox.db());
    let run = |args: &[&str]| on(&sandbox, &models, &sandbox.db(), args);
    small.fill();
    let refused = run(&PURGE).refuses(1, "No space left");
    assert!(refused.err.contains("hint: --purge needs no space"), "{refused:?}");
    assert_eq!(std::fs::read_dir(&models).unwrap().count(), 3);
    let done = run(&[&PURGE[..], &["--purge"]].concat()).ok();
    assert!(done.out.contains("deleted 1 model; freed"), "{done:?}");
    assert!(!models.join("one-Q4_0.gguf").exists() && !small.0.join(".model_trash").exists());
    let told = run(&["history", "--json", "--what", "purge"]).ok().json();
    assert_eq!((told.as_array().unwrap().len(), &told[0]["name"]), (1, &json!("one-Q4_0")), "{told:#}");
    assert!(told[0]["freed_bytes"].as_u64().unwrap() > 0);
}

#[test]
fn a_full_disk_that_has_the_database_too_can_be_pruned() {
    let sandbox = Sandbox::new();
    let Some(small) = Small::mount(sandbox.path("small")) else { return };
    let db = small.0.join("modelctl.db");
    let models = prunable(&sandbox, &small, &db);
    small.fill();
    let done = on(&sandbox, &models, &db, &[&PURGE[..], &["--purge"]].concat()).ok();
    assert!(done.out.contains("deleted 1 model; freed"), "{done:?}");
    let told = on(&sandbox, &models, &db, &["history", "--json", "--what", "purge"]).ok().json();
    assert_eq!(told.as_array().unwrap().len(), 1, "{done:?}");
}

#[test]
fn a_disk_without_room_for_another_file_can_be_pruned() {
    let sandbox = Sandbox::new();
    let Some(small) = Small::mount_with(sandbox.path("small"), "size=3m,nr_inodes=40") else { return };
    let models = prunable(&sandbox, &small, &sandbox.db());
    let run = |args: &[&str]| on(&sandbox, &models, &sandbox.db(), args);
    let full = (0..).find(|n| File::create(small.0.join(format!("ballast-{n}"))).is_err());
    assert!(full.is_some());
    run(&PURGE).refuses(3, "No space left");
    run(&[&PURGE[..], &["--purge"]].concat()).ok();
    assert!(!models.join("one-Q4_0.gguf").exists());
}
