//! Paths that come out of a trash or a plan: whoever prepared a disk or a file can have written them, and nothing is
//! scanned, moved or recorded because of them.

use crate::gguf::fixture;
use crate::prune::{names, old, prune, with_models};
use crate::sandbox::{Sandbox, finish};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const ID: &str = "1m8hmfn3c3s9";

/// A folder with three old models that nobody ever scanned.
fn elsewhere(sandbox: &Sandbox, name: &str) -> PathBuf {
    let folder = sandbox.path(name);
    fs::create_dir_all(&folder).unwrap();
    for n in 0..3 {
        let path = folder.join(format!("v{n}.gguf"));
        fs::write(&path, fixture::small_model(&format!("v{n}"))).unwrap();
        old(&path, 60);
    }
    folder
}

/// An item in the trash of the scanned folder that says it is from `root`.
fn forge(sandbox: &Sandbox, root: &Path, mark: Option<&str>, path: &str) {
    let trash = sandbox.path(".model_trash");
    let item = trash.join(ID);
    fs::create_dir_all(item.join("files")).unwrap();
    for folder in [&trash, &item, &item.join("files")] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    }
    let payload = item.join("files/0");
    fs::write(&payload, "evil").unwrap();
    let meta = fs::metadata(&payload).unwrap();
    let mtime_ns = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
    let ino = fs::metadata(root).map_or(1, |meta| meta.ino());
    let seen =
        json!({"kind": "file", "dev": meta.dev(), "ino": meta.ino(), "size": 4, "mtime_ns": mtime_ns.to_string()});
    let order = json!({
        "root": root, "root_is": {"dev": meta.dev(), "ino": ino}, "store": "dir", "name": "evil", "models": [],
        "why": ["x"], "at": 1_795_888_239_724_i64, "who": "x", "command": "x", "freed_bytes": 1, "allocated_bytes": 1,
        "apparent_bytes": 1, "steps": [{"move": {"path": path, "seen": seen}}], "shared": ["/etc/passwd", "../secret"],
    });
    let journal = json!({"format": 1, "id": ID, "order": order, "dirs": []});
    fs::write(item.join("item.json"), journal.to_string()).unwrap();
    if let Some(mark) = mark {
        fs::write(item.join(mark), "").unwrap();
    }
}

fn roots(sandbox: &Sandbox) -> Vec<String> {
    let stores = sandbox.run(["list", "--stores", "--json"]).ok().json();
    let text = stores.to_string();
    ["mine", "other"].into_iter().filter(|name| text.contains(name)).map(str::to_owned).collect()
}

#[test]
fn a_root_that_only_a_trash_names_is_neither_scanned_nor_pruned_nor_written_to() {
    let commands: [&[&str]; 5] = [
        &["prune", "--unused-for", "30d", "--grace", "0", "--assume-unused", "--allow-large", "--confirm"],
        &["trash", "empty", "--older-than", "1d", "--confirm"],
        &["trash", "empty", "--confirm"],
        &["trash", "restore", ID],
        &["trash", "list"],
    ];
    // Foreign by its path; beside the scanned folder, where the place itself could believe it; around it; not plain.
    for root in ["away/mine", "other", ".", "models/../other", ""] {
        for mark in [Some("complete"), Some("restoring"), Some("purging"), None] {
            for command in commands {
                let sandbox = Sandbox::new();
                let kept = sandbox.write("kept-Q4_0.gguf", &fixture::small_model("kept"));
                sandbox.run(["scan"]).ok();
                let folders = [elsewhere(&sandbox, "away/mine"), elsewhere(&sandbox, "other")];
                let root_path = match root {
                    "" => PathBuf::from("/"),
                    "." => sandbox.path("").parent().unwrap().join(sandbox.path("").file_name().unwrap()),
                    other => sandbox.path(other),
                };
                forge(&sandbox, &root_path, mark, "x/put-there");
                fs::create_dir_all(sandbox.path("other/x")).unwrap();
                let run = sandbox.run(command);
                let when = format!("{root} {mark:?} {command:?}: {run:?}");
                assert!(!run.err.contains("panicked"), "{when}");
                assert_eq!(names(&sandbox), ["kept-Q4_0"], "{when}");
                assert!(roots(&sandbox).is_empty(), "{when}");
                assert!(kept.exists(), "{when}");
                for folder in &folders {
                    let models = fs::read_dir(folder).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count();
                    assert_eq!(models, 3, "{when}");
                }
                // Only who names the item himself gets it back, and only where its trash confirms it.
                let asked = command.contains(&"restore");
                for folder in [sandbox.path("other"), sandbox.path("")] {
                    assert!(asked || !folder.join("x/put-there").exists(), "{when}");
                }
                let history = sandbox.run(["history", "--json"]).ok().out;
                assert!(!history.contains("away/mine"), "{when}: {history}");
            }
        }
    }
}

#[test]
fn a_run_that_was_ended_is_put_in_order_in_a_folder_that_is_known() {
    let sandbox = with_models();
    forge(&sandbox, &sandbox.models(), None, "back.txt");
    let run = sandbox.run(["trash", "empty", "--older-than", "1d", "--confirm"]).ok();
    assert!(run.err.contains("it was put back"), "{run:?}");
    assert_eq!(fs::read(sandbox.models().join("back.txt")).unwrap(), b"evil");
}

/// Changes every row of a plan that goes.
fn tampered(sandbox: &Sandbox, change: impl Fn(&mut Value)) -> String {
    let file = sandbox.path("plan.json").to_str().unwrap().to_owned();
    prune(sandbox, &["--unused-for", "30d", "--plan", &file]).ok();
    let mut plan: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let rows = plan["rows"].as_array_mut().unwrap();
    rows.iter_mut().filter(|row| row["goes"] == true).for_each(change);
    fs::write(&file, plan.to_string()).unwrap();
    file
}

#[test]
fn a_folder_that_only_a_plan_names_is_neither_touched_nor_scanned() {
    let sandbox = with_models();
    let mine = elsewhere(&sandbox, "away/mine");
    let is = fs::metadata(&mine).unwrap();
    let base = json!({"path": mine, "is": {"dev": is.dev(), "ino": is.ino()}});
    let changes: [&dyn Fn(&mut Value); 4] = [
        &|row| row["root"] = json!(mine),
        &|row| row["base"] = base.clone(),
        &|row| (row["root"], row["base"]) = (json!(mine), base.clone()),
        &|row| (row["root"], row["base"], row["id"]) = (json!(mine), base.clone(), Value::Null),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let file = tampered(&sandbox, change);
        let run = sandbox.run(["prune", "--apply", &file, "--allow-large", "--confirm"]);
        assert_eq!(fs::read_dir(&mine).unwrap().count(), 3, "{n}: {run:?}");
        assert!(!sandbox.path("away/.model_trash").exists() && !mine.join(".model_trash").exists(), "{n}: {run:?}");
        assert!(roots(&sandbox).is_empty(), "{n}: {run:?}");
        assert!(names(&sandbox).iter().all(|name| !name.starts_with('v')), "{n}: {run:?}");
        if n > 0 {
            assert_eq!(names(&sandbox).len(), 3, "{n}: {run:?}");
        } else {
            // Its steps are those of the model that it names.
            sandbox.run(["trash", "restore", "ancient-Q4_0", "older-Q8_0"]).ok();
        }
    }
}

#[test]
fn what_can_be_restored_is_restored_whatever_is_wrong_with_the_rest() {
    let sandbox = with_models();
    prune(&sandbox, &["--max-total", "1B", "--confirm", "--allow-large"]).ok();
    let items = sandbox.run(["trash", "list", "--json"]).ok().json();
    let id = |n: usize| items[n]["id"].as_str().unwrap().to_owned();
    // The newest: it would be the first to go back.
    fs::write(Path::new(items[2]["folder"].as_str().unwrap()).join("item.json"), "{").unwrap();
    let args = ["trash", "restore"].map(str::to_owned).into_iter().chain((0..3).map(id));
    let run = sandbox.run(args).refuses(1, &format!("`{}` was not restored", id(2)));
    assert_eq!(run.out.matches("restored ").count(), 2, "{run:?}");
    assert_eq!(fs::read_dir(sandbox.models()).unwrap().count(), 2);
    let run = sandbox.run(["trash", "restore", &id(2), "--json"]);
    assert_eq!((run.code, run.json()[0]["outcome"].as_str()), (Some(3), Some("failed")), "{run:?}");
}

/// What `prune` takes of a folder that an overlay shows as well, with all files read and nothing else there.
#[test]
fn a_folder_that_an_overlay_shows_as_well_has_no_copies() {
    let sandbox = Sandbox::new();
    let mounted = |what: &[&str], at: &Path| {
        let run = std::process::Command::new("mount").args(what).arg(at).output().unwrap();
        run.status.success()
    };
    let disk = sandbox.path("disk");
    fs::create_dir(&disk).unwrap();
    if !mounted(&["-t", "tmpfs", "tmpfs"], &disk) {
        eprintln!("skipped: nothing can be mounted here");
        return;
    }
    let [low, up, work, merged] = ["low", "up", "work", "merged"].map(|name| disk.join(name));
    for folder in [&low, &up, &work, &merged] {
        fs::create_dir(folder).unwrap();
    }
    for n in 0..4 {
        let path = up.join(format!("m{n}.gguf"));
        fs::write(&path, fixture::small_model(&format!("m{n}"))).unwrap();
        old(&path, 60);
    }
    let options = format!("lowerdir={},upperdir={},workdir={}", low.display(), up.display(), work.display());
    let is_mounted = mounted(&["-t", "overlay", "overlay", "-o", &options], &merged);
    let run = |args: &[&str]| {
        let roots = std::env::join_paths([&up, &merged]).unwrap();
        finish(sandbox.command(args).env("MODEL_SCAN_PATH", roots).output().unwrap())
    };
    let bold = ["--grace", "0", "--assume-unused", "--allow-large", "--confirm"];
    let with = |args: &[&str]| run(&args.iter().copied().chain(bold).collect::<Vec<_>>());
    let count = || fs::read_dir(&up).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count();
    let result = std::panic::catch_unwind(|| {
        run(&["scan"]).ok();
        run(&["verify", "--all", "--hash"]).ok();
        for purge in [&[][..], &["--purge"]] {
            let tried = with(&[&["prune", "--duplicates"], purge].concat());
            assert_eq!(count(), 4, "{tried:?}");
        }
        let same = run(&["duplicates", "--json"]).ok().json();
        assert_eq!(same, json!([]), "one file is no duplicate of itself");
        // What one name keeps is kept.
        let kept = format!("{}/m0.gguf", merged.display());
        let tried = with(&["prune", "--unused-for", "30d", "--keep", &kept]);
        assert_eq!((count(), up.join("m0.gguf").exists()), (1, true), "{tried:?}");
        assert!(tried.out.contains("moved 3 models"), "{tried:?}");
        // It is one of the last one, and not of two.
        let tried = with(&["prune", "--unused-for", "30d", "--min-keep", "1"]);
        assert_eq!(count(), 1, "{tried:?}");
    });
    for at in [&merged, &disk] {
        // Lazily: a failed run may have left something open.
        let _ = std::process::Command::new("umount").arg("-l").arg(at).output();
    }
    if !is_mounted {
        eprintln!("skipped: there is no overlay here");
        return;
    }
    result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}
