//! Prune does what it says: targets count the trash and cost no more than they need, roots that are too wide stay out of
//! it, names get an exit code, ages have units, and a clock that leapt ahead makes nothing older.

use crate::gguf::fixture;
use crate::prune::{names, old, ollama_tag, prune, with_models};
use crate::sandbox::{Run, Sandbox, finish};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const BOLD: [&str; 3] = ["--grace", "0s", "--assume-unused"];

/// A file system of its own, so that nobody else changes how much is free. None, said, where it cannot be mounted.
struct Volume(PathBuf);

impl Volume {
    fn tmpfs(at: &Path, size: &str) -> Option<Volume> {
        fs::create_dir_all(at).unwrap();
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(at).output();
        if !mount.is_ok_and(|run| run.status.success()) {
            println!("skipped: no file system can be mounted here");
            return None;
        }
        Some(Volume(at.to_owned()))
    }

    fn free(&self) -> u64 {
        let fs = rustix::fs::statvfs(&self.0).unwrap();
        fs.f_bavail * fs.f_frsize
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // Whatever was left open there is gone with the test.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

const MIB: u64 = 1 << 20;

/// A model of about so many MiB, used so many days ago.
fn model(at: &Path, name: &str, mib: u64, days: u64) {
    let mut bytes = fixture::small_model(name);
    bytes.resize(usize::try_from(mib * MIB).unwrap(), 1);
    fs::create_dir_all(at).unwrap();
    let path = at.join(format!("{name}.gguf"));
    fs::write(&path, bytes).unwrap();
    old(&path, days);
}

/// A sandbox with a volume of 24 MiB that holds so many models of 1 MiB.
fn volume_of(models: u64) -> Option<(Sandbox, Volume)> {
    let sandbox = Sandbox::new();
    let volume = Volume::tmpfs(&sandbox.path("volume"), "24m")?;
    for n in 0..models {
        model(&volume.0.join("models"), &format!("m{n:02}-Q4_0"), 1, 200 - n);
    }
    Some((sandbox, volume))
}

fn run(sandbox: &Sandbox, volume: &Volume, args: &[&str]) -> Run {
    let mut command = sandbox.command(args);
    finish(command.env("MODEL_SCAN_PATH", volume.0.join("models")).output().unwrap())
}

fn left(volume: &Volume) -> usize {
    fs::read_dir(volume.0.join("models")).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count()
}

#[test]
fn twenty_nights_of_cron_take_one_model_where_one_is_enough() {
    let scenes: [(&[&str], bool); 4] =
        [(&[], false), (&["--purge"], true), (&["--empty-trash"], true), (&["--expire-trash", "1h"], false)];
    for (how, is_reached) in scenes {
        let Some((sandbox, volume)) = volume_of(12) else { return };
        run(&sandbox, &volume, &["scan"]).ok();
        // To the byte what one model frees.
        let wanted = volume.free() + MIB;
        let size = format!("{wanted}B");
        let line = [&["prune", "--free", &size, "--confirm", "--quiet"][..], how, &BOLD].concat();
        for night in 0..20 {
            let run = run(&sandbox, &volume, &line);
            assert_eq!(left(&volume), 11, "{how:?}, night {night}: {run:?}");
            // Reached, or said and a failure.
            let is_free = volume.free() >= wanted;
            assert_eq!(is_free, is_reached, "{how:?}, night {night}: {run:?}");
            assert_eq!(run.code, Some(if is_free { 0 } else { 1 }), "{how:?}, night {night}: {run:?}");
            assert_eq!(run.err.contains("target missed by "), !is_free, "{how:?}, night {night}: {run:?}");
        }
    }
}

#[test]
fn a_target_out_of_reach_is_said_with_what_is_lacking() {
    let Some((sandbox, volume)) = volume_of(6) else { return };
    run(&sandbox, &volume, &["scan"]).ok();
    run(&sandbox, &volume, &["set", "m02-Q4_0", "--pin"]).ok();
    let line = [&["prune", "--free", "1TiB"][..], &BOLD].concat();
    run(&sandbox, &volume, &line).refuses(1, "target missed by ");
    let line = [&line[..], &["--confirm", "--purge", "--allow-large"]].concat();
    for _ in 0..3 {
        run(&sandbox, &volume, &line).refuses(1, "target missed by ");
        assert_eq!(left(&volume), 1, "the pinned one");
    }
}

#[test]
fn the_trash_is_emptied_from_the_oldest_on_and_only_as_far_as_needed() {
    let Some((sandbox, volume)) = volume_of(6) else { return };
    run(&sandbox, &volume, &["scan"]).ok();
    for name in ["m05-Q4_0", "m00-Q4_0", "m03-Q4_0"] {
        run(&sandbox, &volume, &[&["prune", "--model", name, "--confirm"][..], &BOLD].concat()).ok();
    }
    let size = format!("{}B", volume.free() + MIB + MIB / 2);
    let line = [&["prune", "--free", &size][..], &BOLD].concat();
    let dry = run(&sandbox, &volume, &line).ok();
    assert!(dry.out.is_empty() && dry.err.contains("emptying the trash is enough for"), "{dry:?}");
    assert!(dry.err.contains("no model is selected") && dry.err.contains("--empty-trash"), "{dry:?}");
    let row = |run: &Run| run.json().as_array().unwrap().iter().find(|row| row["store"] == "trash").cloned().unwrap();
    let stores = row(&run(&sandbox, &volume, &["list", "--stores", "--json"]).ok());
    assert_eq!((&stores["items"], stores["freed_bytes"].as_u64().map(|n| n / MIB)), (&3.into(), Some(3)), "{stores:#}");
    let table = run(&sandbox, &volume, &["list", "--stores"]).ok();
    assert!(table.out.contains("trash") && table.out.contains("3 items, oldest "), "{table:?}");

    let emptied = run(&sandbox, &volume, &[&line[..], &["--empty-trash", "--confirm"]].concat()).ok();
    assert!(emptied.out.contains("deleted 2 items from the trash"), "{emptied:?}");
    let trash = run(&sandbox, &volume, &["trash", "list", "--json"]).ok().json();
    let kept: Vec<&str> = trash.as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap()).collect();
    assert_eq!((kept, left(&volume)), (vec!["m03-Q4_0"], 3));
    let enough = run(&sandbox, &volume, &line).ok();
    assert!(enough.out.is_empty() && enough.err.lines().count() == 1, "one line: {enough:?}");
    assert!(enough.err.contains("nothing to do"), "{enough:?}");
    run(&sandbox, &volume, &["prune", "--unused-for", "30d", "--empty-trash"]).refuses(2, "--free");
}

#[test]
fn a_saved_plan_takes_no_more_than_its_target_needs_by_now() {
    let Some((sandbox, volume)) = volume_of(8) else { return };
    fs::write(volume.0.join("ballast"), vec![1; usize::try_from(2 * MIB).unwrap()]).unwrap();
    run(&sandbox, &volume, &["scan"]).ok();
    let plan = sandbox.path("plan.json");
    let plan = plan.to_str().unwrap();
    let size = format!("{}B", volume.free() + 2 * MIB + MIB / 2);
    run(&sandbox, &volume, &[&["prune", "--free", &size, "--plan", plan][..], &BOLD].concat()).ok();
    fs::remove_file(volume.0.join("ballast")).unwrap();
    let applied = run(&sandbox, &volume, &["prune", "--apply", plan, "--confirm", "--purge"]).ok();
    assert!(applied.err.contains("skipped 2 of the plan"), "{applied:?}");
    assert_eq!(left(&volume), 7);
}

#[test]
fn each_file_system_has_its_own_target_and_an_unreadable_trash_is_no_reason_to_take_models() {
    let Some((sandbox, one)) = volume_of(4) else { return };
    let Some(two) = Volume::tmpfs(&sandbox.path("second"), "16m") else { return };
    for n in 0..4 {
        model(&two.0.join("models"), &format!("n{n}-Q4_0"), 1, 100 + n);
    }
    let roots = format!("{}:{}", one.0.join("models").display(), two.0.join("models").display());
    let run = |args: &[&str]| finish(sandbox.command(args).env("MODEL_SCAN_PATH", &roots).output().unwrap());
    run(&["scan"]).ok();
    assert!(one.free() > two.free());
    let size = format!("{}B", two.free() + MIB / 2);
    let line = [&["prune", "--free", &size][..], &BOLD].concat();
    let plan = run(&[&line[..], &["--json"]].concat()).ok().json();
    let reach = |volume: &Volume| {
        let targets = plan["targets"].as_array().unwrap();
        targets.iter().find(|t| t["path"] == volume.0.to_str().unwrap()).unwrap()["reach"].clone()
    };
    assert_eq!((reach(&one), reach(&two)), ("free".into(), "plan".into()), "{plan:#}");
    run(&[&line[..], &["--purge", "--confirm"]].concat()).ok();
    assert_eq!((left(&one), left(&two)), (4, 3));

    run(&[&["prune", "--model", "n1-Q4_0", "--confirm"][..], &BOLD].concat()).ok();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    fs::set_permissions(two.0.join(".model_trash"), open).unwrap();
    run(&line).refuses(3, "counts for --free");
}

#[test]
fn what_was_in_the_trash_for_too_long_expires_with_the_next_prune() {
    let sandbox = with_models();
    let config = sandbox.path("config.toml");
    fs::write(&config, "[trash]\nexpire = \"30d\"\n").unwrap();
    let run =
        |args: &[&str]| finish(sandbox.command(args).args(BOLD).env("MODELCTL_CONFIG", &config).output().unwrap());
    prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm"]).ok();
    prune(&sandbox, &["--model", "older-Q8_0", "--confirm"]).ok();
    let items = sandbox.run(["trash", "list", "--json"]).ok().json();
    // One was moved there long ago.
    let journal = Path::new(items[0]["folder"].as_str().unwrap()).join("item.json");
    let mut item: Value = serde_json::from_slice(&fs::read(&journal).unwrap()).unwrap();
    let at = item["order"]["at"].as_i64().unwrap();
    item["order"]["at"] = (at - 31 * 86_400_000).into();
    fs::write(&journal, item.to_string()).unwrap();

    let count = || sandbox.run(["trash", "list", "--json"]).ok().json().as_array().unwrap().len();
    let dry = run(&["prune", "--unused-for", "300d"]).ok();
    assert!(dry.err.contains("1 item in the trash") && dry.err.contains("older than 30d"), "{dry:?}");
    assert_eq!(count(), 2);
    sandbox.run(["prune", "--unused-for", "300d", "--confirm", "--quiet"]).ok();
    assert_eq!(count(), 2, "off unless it is asked for");
    let done = run(&["prune", "--unused-for", "300d", "--confirm", "--quiet"]).ok();
    assert!(done.out.contains("deleted 1 item from the trash (older than 30d); freed"), "{done:?}");
    assert_eq!(count(), 1);
    let again = run(&["prune", "--unused-for", "300d", "--confirm", "--quiet", "--expire-trash", "1h"]).ok();
    assert_eq!((again.out.as_str(), again.err.as_str(), count()), ("", "", 1), "the config file takes precedence");
}

#[test]
fn a_root_that_is_too_wide_is_scanned_and_pruned_by_name_alone() {
    let sandbox = with_models();
    let inner = sandbox.models().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("deep-Q4_0.gguf");
    fs::write(&path, fixture::small_model("deep")).unwrap();
    old(&path, 90);
    let loose = ["ancient-Q4_0", "older-Q8_0"];
    sandbox.run(["scan", inner.to_str().unwrap()]).ok();
    sandbox.run(["scan"]).ok();
    let plan = prune(&sandbox, &["--unused-for", "30d", "--json"]).ok().json();
    for row in plan["rows"].as_array().unwrap().iter().filter(|row| loose.contains(&row["name"].as_str().unwrap())) {
        assert_eq!((&row["verdict"], &row["rule"]), (&"keep".into(), &"wide-root".into()), "{row:#}");
        assert!(row["why"].as_str().unwrap().contains("contains another root"), "{row:#}");
    }
    let saved = sandbox.path("plan.json");
    let saved = saved.to_str().unwrap();
    prune(&sandbox, &["--unused-for", "30d", "--plan", saved]).ok();
    // A plan in a file reaches no farther.
    let mut edited: Value = serde_json::from_slice(&fs::read(saved).unwrap()).unwrap();
    edited["rows"].as_array_mut().unwrap().iter_mut().for_each(|row| row["goes"] = true.into());
    fs::write(saved, edited.to_string()).unwrap();
    sandbox.run(["prune", "--apply", saved, "--confirm", "--allow-large"]).refuses(1, "contains another root");
    prune(&sandbox, &["--unused-for", "30d", "--confirm", "--allow-large", "--quiet"]).ok();
    for name in loose {
        assert!(sandbox.models().join(format!("{name}.gguf")).exists());
    }
    assert!(!path.exists(), "the narrower root is a root like any other");
    // Named, it goes.
    prune(&sandbox, &["--model", "older-Q8_0", "--confirm"]).ok();
    assert!(!sandbox.models().join("older-Q8_0.gguf").exists());
}

#[test]
fn a_narrower_root_is_pruned_although_the_wide_one_was_scanned_first() {
    let sandbox = with_models();
    let inner = sandbox.models().join("inner");
    fs::create_dir(&inner).unwrap();
    let path = inner.join("deep-Q4_0.gguf");
    fs::write(&path, fixture::small_model("deep")).unwrap();
    old(&path, 90);
    sandbox.run(["scan"]).ok();
    sandbox.run(["scan", inner.to_str().unwrap()]).ok();
    let run = prune(&sandbox, &["--unused-for", "30d", "--confirm", "--allow-large"]).ok();
    assert!(!path.exists(), "{run:?}");
    assert!(sandbox.models().join("older-Q8_0.gguf").exists(), "{run:?}");
    assert!(sandbox.models().join(".model_trash").exists(), "the trash lies beside the root that was pruned");
    sandbox.run(["trash", "restore", "deep-Q4_0"]).ok();
    assert!(path.exists() && names(&sandbox).iter().any(|name| name == "deep-Q4_0"));
}

#[test]
fn a_folder_around_a_store_that_was_named_is_too_wide() {
    let sandbox = with_models();
    let inner = sandbox.models().join("ollama");
    ollama_tag(&inner, "alpha", "latest", &fixture::small_model("one"));
    let models = sandbox.models();
    sandbox.run(["scan"]).ok();
    let all = ["--unused-for", "30d"];
    let rule = |name: &str| {
        let plan = prune(&sandbox, &[&all[..], &["--json"]].concat()).ok().json();
        let rows = plan["rows"].as_array().unwrap().clone();
        rows.iter().find(|row| row["name"] == name).unwrap()["rule"].clone()
    };
    assert_eq!(rule("older-Q8_0"), "unused", "a store that was found inside makes no folder too wide");
    let store = format!("ollama={}", inner.display());
    sandbox.run(["scan", models.to_str().unwrap(), "--store", &store]).ok();
    assert_eq!(rule("older-Q8_0"), "wide-root");
    sandbox.run(["scan"]).ok();
    assert_eq!(rule("older-Q8_0"), "wide-root", "a root that was named stays so");
}

#[test]
fn a_model_that_is_named_and_in_use_ends_with_4_and_says_by_whom() {
    let sandbox = with_models();
    let path = sandbox.models().join("ancient-Q4_0.gguf");
    let script = "import sys; f=open(sys.argv[1],'rb'); print('ready',flush=True); sys.stdin.read()";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut line).unwrap();
    let kept = prune(&sandbox, &["--model", "ancient-Q4_0", "--confirm", "--quiet"]);
    // What is free goes all the same.
    let both = prune(&sandbox, &["--model", "ancient-Q4_0", "--model", "older-Q8_0", "--confirm"]);
    drop(child.stdin.take());
    child.wait().unwrap();
    let kept = kept.refuses(4, "ancient-Q4_0 was kept: in use: ");
    assert!(kept.err.contains("python3"), "{kept:?}");
    both.refuses(4, "was kept: in use");
    assert_eq!(names(&sandbox), ["ancient-Q4_0", "fresh-Q4_0"]);
    // Within the grace.
    let young = sandbox.run(["prune", "--model", "fresh-Q4_0", "--confirm", "--assume-unused"]);
    young.refuses(3, "within the grace period of 1h");
    // More than half of the store, and the last one: a person named them.
    for name in ["ancient-Q4_0", "fresh-Q4_0"] {
        prune(&sandbox, &["--model", name, "--confirm"]).ok();
    }
    assert!(names(&sandbox).is_empty());
}

#[test]
fn sizes_and_ages_without_a_clear_unit_are_refused_with_what_was_meant() {
    let sandbox = with_models();
    for (args, said) in [
        (["--unused-for", "30m"], "did you mean 30 days or 30 months? use `30d` or `30mo`"),
        (["--unused-for", "30"], "`30` needs a unit: `30d` is days"),
        (["--unused-for", "0"], "selects everything"),
        (["--older-than", "45min"], "ages are given in h, d, w, mo or y"),
        (["--grace", "30m"], "did you mean 30 days or 30 months?"),
        (["--max-total", "200"], "did you mean `200GiB`?"),
        (["--free", "50"], "did you mean `50GiB`?"),
        (["--free", "50%"], "is not a size such as 50GiB"),
        (["--prune-days", "30d"], "is not a number of days"),
        (["--min-keep", "many"], "is not a whole number"),
    ] {
        sandbox.run(["prune"].iter().chain(&args)).refuses(2, said);
    }
    sandbox.run(["trash", "empty", "--older-than", "7"]).refuses(2, "`7` needs a unit");
    sandbox.run(["history", "--since", "7"]).refuses(2, "`7` needs a unit");
    sandbox.run(["verify", "--all", "--max-rate", "50"]).refuses(2, "needs a unit");
    // The head says the date, and where it may reach.
    let dry = prune(&sandbox, &["--unused-for", "2mo"]).ok();
    assert!(dry.err.contains("not used since 20") && dry.err.contains("may remove from: "), "{dry:?}");
    assert!(dry.err.contains(sandbox.models().to_str().unwrap()), "{dry:?}");
    let quiet = prune(&sandbox, &["--unused-for", "30d", "--quiet", "--allow-large"]).ok();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""), "nothing was done");
    let done = prune(&sandbox, &["--unused-for", "30d", "--quiet", "--confirm", "--allow-large"]).ok();
    assert_eq!((done.out.lines().count(), done.err.as_str()), (1, ""), "one line for cron: {done:?}");
}

#[test]
fn duplicates_say_what_they_need_and_who_will_lack_a_model() {
    let sandbox = Sandbox::new();
    let bytes = fixture::small_model("same");
    sandbox.write("plain.gguf", &bytes);
    ollama_tag(&sandbox.models().join("ollama"), "nomic-embed-text", "latest", &bytes);
    sandbox.run(["scan"]).ok();
    let before = prune(&sandbox, &["--duplicates"]).ok();
    assert!(before.err.contains("`modelctl verify --all --hash`"), "{before:?}");
    sandbox.run(["verify", "--all", "--hash"]).ok();
    let within = prune(&sandbox, &["--duplicates", "--confirm"]).ok();
    assert!(within.err.contains("use --across-stores to include them"), "{within:?}");
    assert_eq!(names(&sandbox).len(), 2, "each serves a program of its own");
    let across = ["--duplicates", "--across-stores"];
    let dir = prune(&sandbox, &[&across[..], &["--prefer", "dir"]].concat()).ok();
    assert!(dir.out.contains("Ollama will no longer have nomic-embed-text:latest"), "{dir:?}");
    prune(&sandbox, &[&across[..], &["--prefer", "ollama", "--confirm", "--allow-large"]].concat()).ok();
    assert_eq!(names(&sandbox), ["nomic-embed-text:latest"]);
    prune(&sandbox, &["--duplicates", "--across-stores", "--prefer", "nothing"]).refuses(2, "known are dir, hf");
    prune(&sandbox, &["--across-stores"]).refuses(2, "--duplicates");
}

/// Makes the database believe that it saw the clock so many days ago, the machine having been up as long as it has now.
fn seen_days_ago(sandbox: &Sandbox, days: i64) {
    let db = rusqlite::Connection::open(sandbox.db()).unwrap();
    let text: String = db.query_row("SELECT value FROM meta WHERE name = 'prune_clock'", [], |row| row.get(0)).unwrap();
    let mut seen: Value = serde_json::from_str(&text).unwrap();
    seen["wall"] = (seen["wall"].as_i64().unwrap() - days * 86_400_000).into();
    db.execute("UPDATE meta SET value = ?1 WHERE name = 'prune_clock'", [seen.to_string()]).unwrap();
}

/// Both remember the clock. One memory that the other cannot read would stop every task after the first prune.
#[test]
fn the_queue_runs_after_a_prune_and_prune_after_the_queue() {
    let sandbox = with_models();
    for _ in 0..2 {
        prune(&sandbox, &["--unused-for", "30d", "--confirm", "--allow-large"]).ok();
        sandbox.run(["run-once"]).ok();
        sandbox.run(["task", "list"]).ok();
    }
}

#[test]
fn a_clock_that_leapt_ahead_makes_nothing_older_until_a_person_says_that_it_is_right() {
    let sandbox = with_models();
    prune(&sandbox, &["--model", "fresh-Q4_0", "--confirm"]).ok();
    // To the database it is 40 days earlier: the clock leapt while the machine ran.
    seen_days_ago(&sandbox, 40);
    let line = ["--unused-for", "30d", "--confirm", "--allow-large"];
    for _ in 0..2 {
        // Cron reports it each time, and a scan in between believes nothing either.
        prune(&sandbox, &[&line[..], &["--quiet"]].concat()).refuses(1, "the clock jumped ahead by 40d");
        sandbox.run(["scan"]).ok();
    }
    assert_eq!(names(&sandbox), ["ancient-Q4_0", "older-Q8_0"], "they are 20 days old as far as is certain");
    sandbox.run(["trash", "empty", "--older-than", "1h", "--confirm"]).refuses(1, "--now-is-right");
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json().as_array().unwrap().len(), 1);
    let json = prune(&sandbox, &[&line[..2], &["--json"]].concat()).refuses(1, "the clock jumped ahead").json();
    assert_eq!(json["clock_ahead_seconds"].as_u64().unwrap() / 86_400, 40);

    let right = prune(&sandbox, &[&line[..], &["--now-is-right"]].concat()).ok();
    assert!(right.out.contains("moved 2 models"), "{right:?}");
    prune(&sandbox, &line).ok();
}
