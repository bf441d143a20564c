//! Stores as people really have them: downloads in progress, links between stores, trashes and mounts.

use crate::gguf::fixture;
use crate::prune::{names, ollama_tag};
use crate::sandbox::{Run, Sandbox};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const BOLD: [&str; 4] = ["--grace", "0", "--assume-unused", "--allow-large"];

fn prune(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["prune"].iter().chain(args).chain(&BOLD).chain(&["--confirm", "--json"]))
}

/// Why the row at this path stays or goes.
fn why(run: &Run, path: &Path) -> String {
    let rows = run.json()["rows"].as_array().unwrap().clone();
    let row = rows.iter().find(|row| row["path"] == path.to_str().unwrap());
    row.unwrap_or_else(|| panic!("{} not in {run:#?}", path.display()))["why"].as_str().unwrap().to_owned()
}

/// A process that is told to end by closing its input.
struct Waiting(Child);

impl Waiting {
    fn new(command: &mut Command) -> Waiting {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Waiting(child)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // One that has ended by itself is as good.
        let _ = self.0.wait();
    }
}

/// A store of Ollama in which a pull has finished a layer and is at another one. Gives the two.
fn pulling(sandbox: &Sandbox) -> (PathBuf, PathBuf) {
    let root = sandbox.models().join("ollama");
    ollama_tag(&root, "other", "latest", &fixture::small_model("other"));
    let hex = |digit: &str| digit.repeat(64);
    let done = root.join(format!("blobs/sha256-{}", hex("a")));
    fs::write(&done, fixture::small_model("done")).unwrap();
    let partial = root.join(format!("blobs/sha256-{}-partial", hex("b")));
    fs::write(&partial, "half").unwrap();
    sandbox.run(["scan"]).ok();
    (done, partial)
}

#[test]
fn a_layer_that_a_pull_has_finished_stays_while_another_one_is_written() {
    let sandbox = Sandbox::new();
    let (done, partial) = pulling(&sandbox);
    // Nobody has the finished layer open.
    let writer = {
        let mut command = Command::new("sh");
        command.args(["-c", "exec 3<>\"$0\"; echo ready; read line"]).arg(&partial);
        Waiting::new(&mut command)
    };
    let run = prune(&sandbox, &["--orphans", "--partials"]).ok();
    assert!(done.exists() && partial.exists(), "{run:#?}");
    let said = why(&run, &done);
    assert!(said.contains("part of a download in progress") && said.contains("-partial"), "{said}");
    drop(writer);
    prune(&sandbox, &["--orphans", "--partials"]).ok();
    assert!(!done.exists() && !partial.exists());
}

#[test]
fn a_layer_stays_while_the_client_of_its_pull_runs_or_another_layer_is_young() {
    let sandbox = Sandbox::new();
    let (done, partial) = pulling(&sandbox);
    let program = sandbox.path("ollama");
    fs::write(&program, "#!/bin/sh\necho ready\nread line\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let client = Waiting::new(Command::new(&program).args(["pull", "llama3"]));
    let run = prune(&sandbox, &["--orphans"]).ok();
    assert!(why(&run, &done).contains("pull llama3"), "{run:#?}");
    drop(client);
    // Within the grace of an hour everything of the download is young, whatever was finished first.
    let young = sandbox.run(["prune", "--orphans", "--assume-unused", "--confirm", "--json"]).ok();
    assert!(why(&young, &done).contains("within the grace"), "{young:#?}");
    assert!(done.exists());
    fs::remove_file(&partial).unwrap();
    prune(&sandbox, &["--orphans"]).ok();
    assert!(!done.exists());
}

#[test]
fn parts_of_a_split_model_stay_while_the_last_one_is_being_fetched() {
    let sandbox = Sandbox::new();
    let part = sandbox.write("big-00001-of-00002.gguf", &fixture::small_model("big"));
    let next = sandbox.write("big-00002-of-00002.gguf.part", b"half");
    sandbox.run(["scan"]).ok();
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3<>\"$0\"; echo ready; read line"]).arg(&next);
    let writer = Waiting::new(&mut command);
    let run = prune(&sandbox, &["--partials"]).ok();
    assert!(part.exists() && next.exists(), "{run:#?}");
    drop(writer);
    prune(&sandbox, &["--partials"]).ok();
    assert!(!part.exists() && !next.exists());
}

#[test]
fn a_download_and_its_control_file_go_and_come_back_together() {
    let sandbox = Sandbox::new();
    sandbox.write("whole.gguf", &fixture::small_model("whole"));
    let payload = sandbox.write("x.gguf", &fixture::small_model("x"));
    let control = sandbox.write("x.gguf.aria2", b"..");
    sandbox.run(["scan"]).ok();
    assert_eq!(names(&sandbox), ["whole"], "what aria2 has not finished is no model");
    prune(&sandbox, &["--partials"]).ok();
    assert!(!payload.exists() && !control.exists());
    let id = sandbox.run(["trash", "list", "--json"]).ok().json()[0]["id"].as_str().unwrap().to_owned();
    sandbox.run(["trash", "restore", &id]).ok();
    assert!(payload.exists() && control.exists());
}

#[test]
fn a_file_of_mine_that_a_blob_of_ollama_leads_to_is_needed() {
    let sandbox = Sandbox::new();
    let root = sandbox.models().join("ollama");
    let bytes = fixture::small_model("mine");
    ollama_tag(&root, "mine", "latest", &bytes);
    ollama_tag(&root, "other", "latest", &fixture::small_model("other"));
    let mine = sandbox.write("mine.gguf", &bytes);
    let is_it = |path: &PathBuf| fs::read(path).unwrap() == bytes;
    let blob = fs::read_dir(root.join("blobs")).unwrap().map(|e| e.unwrap().path()).find(is_it).unwrap();
    fs::remove_file(&blob).unwrap();
    symlink(&mine, &blob).unwrap();
    sandbox.run(["scan"]).ok();
    assert!(names(&sandbox).contains(&"mine:latest".to_owned()));
    let run = sandbox.run(["prune", "--model", mine.to_str().unwrap(), "--json"].iter().chain(&BOLD));
    assert!(why(&run, &mine).contains("`mine:latest` of Ollama, which is kept"), "{run:#?}");
    // The name of Ollama goes with its link, and my file stays.
    prune(&sandbox, &["--model", "mine:latest"]).ok();
    assert!(mine.exists() && fs::symlink_metadata(&blob).is_err());
}

#[test]
fn the_live_model_stays_when_its_copy_was_thrown_away() {
    let sandbox = Sandbox::new();
    let bytes = fixture::small_model("a");
    let live = sandbox.write("live/a.gguf", &bytes);
    let copies = [".Trash-1000/files/a.gguf", ".snapshots/1/snapshot/a.gguf"].map(|path| sandbox.write(path, &bytes));
    crate::prune::old(&live, 60);
    copies.iter().for_each(|copy| crate::prune::old(copy, 60));
    sandbox.run(["scan"]).ok();
    sandbox.run(["verify", "--all", "--hash"]).ok();
    prune(&sandbox, &["--duplicates", "--older-than", "1h", "--min-keep", "1"]).ok();
    assert!(live.exists() && copies.iter().all(|copy| copy.exists()));
    assert_eq!(names(&sandbox), ["a"]);
    let plain = sandbox.run(["list", "--files"]).ok();
    assert!(!plain.out.contains(".Trash-1000") && plain.err.contains("--class trash"), "{plain:?}");
    for (class, copy) in [("trash", &copies[0]), ("snapshot", &copies[1])] {
        let shown = sandbox.run(["list", "--files", "--class", class]).ok();
        assert!(shown.out.contains(copy.to_str().unwrap()), "{shown:?}");
    }
    assert!(sandbox.run(["duplicates"]).ok().out.is_empty());
}

#[test]
fn a_variable_that_names_no_folder_is_told_and_no_error() {
    let sandbox = Sandbox::new();
    let run = |key: &str, value: &str| {
        let mut command = sandbox.command(["scan"]);
        crate::sandbox::finish(command.env_remove("MODEL_SCAN_PATH").env(key, value).output().unwrap()).ok()
    };
    let typo = run("OLLAMA_MODELS", "/not/there");
    assert!(typo.err.contains("OLLAMA_MODELS names `/not/there`, which does not exist"), "{typo:?}");
    File::create(sandbox.models().join("x")).unwrap();
    assert_eq!(run("OLLAMA_MODELS", sandbox.models().to_str().unwrap()).err, "");
    fs::create_dir_all(sandbox.path("home/hf")).unwrap();
    let empty = run("HF_HOME", "$HOME/hf").err;
    assert!(!empty.contains("HF_HOME"), "expanded as its owner does: {empty}");
}

#[test]
fn a_pattern_means_the_same_for_list_keep_and_prune() {
    let sandbox = Sandbox::new();
    for (folder, name) in [("a/Org/Qwen3-GGUF", "qwen3"), ("b", "Qwen2"), ("c", "llama")] {
        sandbox.write(&format!("{folder}/{name}.gguf"), &fixture::small_model(name));
    }
    sandbox.run(["scan"]).ok();
    for pattern in ["qwen*", "*/b/*", "QWEN2.gguf", "*{2,3}"] {
        let listed = sandbox.run(["list", "--json", pattern]).ok().json();
        let listed: Vec<&str> = listed.as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
        sandbox.run(["keep", "add", pattern]).ok();
        let kept = sandbox.run(["keep", "list", "--json"]).ok().json();
        let kept: Vec<&str> =
            kept[0]["models"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
        assert!(!listed.is_empty());
        assert_eq!(listed.iter().collect::<std::collections::BTreeSet<_>>(), kept.iter().collect(), "{pattern}");
        sandbox.run(["keep", "rm", pattern]).ok();
    }
}

#[test]
fn a_copy_that_kept_its_times_was_not_used_then() {
    use std::time::{Duration, SystemTime};
    let sandbox = Sandbox::new();
    let path = sandbox.write("copied.gguf", &fixture::small_model("copied"));
    let ago = |days: u64| SystemTime::now() - Duration::from_secs(days * 86_400);
    // Read 60 days ago and written 90 days ago where it was; here it appeared just now.
    let times = fs::FileTimes::new().set_accessed(ago(60)).set_modified(ago(90));
    File::options().write(true).open(&path).unwrap().set_times(times).unwrap();
    sandbox.run(["scan"]).ok();
    let run = prune(&sandbox, &["--unused-for", "30d"]).ok();
    assert!(path.exists() && why(&run, &path).contains("no known use"), "{run:#?}");
}
