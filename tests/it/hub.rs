//! A hub cache that huggingface_hub itself wrote, told by us as its owner tells it.

use crate::fixtures;
use crate::gguf::fixture;
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn python(script: &str, args: &[&Path]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/owners").join(script);
    let output = Command::new("python3")
        .arg(script)
        .args(args)
        .env("PYTHONPATH", fixtures::huggingface_hub())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("HF_HUB_OFFLINE")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The files that the stand-in for the hub offers; see `owners/hub.py` for what is done with them.
fn offer(source: &Path) {
    let write = |path: &str, bytes: &[u8]| {
        let path = source.join("org").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    for revision in ["first", "second"] {
        write(&format!("moved/{revision}/same-Q8_0.gguf"), &fixture::small_model("same"));
        write(&format!("moved/{revision}/new-Q4_0.gguf"), &fixture::small_model(&format!("a {revision}")));
        write(&format!("moved/{revision}/config.json"), b"{}");
    }
    write("moved/second/README.md", b"only there");
    write("pinned/only/p-Q4_0.gguf", &fixture::small_model("pinned"));
    for repo in ["shared-a", "shared-b"] {
        write(&format!("{repo}/main/model.gguf"), &fixture::small_model("shared"));
    }
    write("plain/main/sub/plain-Q4_0.gguf", &fixture::small_model("plain"));
    write("plain/main/config.json", b"{\"a\": 1}");
    write("local/main/sub/local-Q4_0.gguf", &fixture::small_model("local"));
    write("killed/main/stalls.gguf", &fixture::small_model("killed"));
}

struct Told {
    sandbox: Sandbox,
    /// What the owner says.
    owner: Value,
    /// `list --files --json`.
    files: Vec<Value>,
}

fn told() -> Told {
    let sandbox = Sandbox::new();
    let (source, hub) = (sandbox.path("source"), sandbox.models().join("hub"));
    offer(&source);
    python("hub.py", &[&source, &hub, &sandbox.models().join("local")]);
    let owner = serde_json::from_str(&python("cache.py", &[&hub])).unwrap();
    sandbox.run(["scan"]).ok();
    let files = sandbox.run(["list", "--files", "--json"]).ok().json();
    Told { sandbox, owner, files: files.as_array().unwrap().clone() }
}

impl Told {
    fn of(&self, repo: &str) -> impl Iterator<Item = &Value> {
        self.files.iter().filter(move |f| f["owner"] == repo && f["class"] != "side-cache")
    }

    fn class_of(&self, blob: &str) -> &str {
        let row = self.files.iter().find(|f| f["path"].as_str().unwrap().ends_with(blob));
        row.unwrap_or_else(|| panic!("{blob} is in no row"))["class"].as_str().unwrap()
    }
}

fn is_model_blob(name: &str) -> bool {
    name.len() == 64
}

#[test]
fn every_byte_that_huggingface_hub_counts_is_counted_and_has_its_class() {
    let told = told();
    assert_eq!(told.owner["warnings"], serde_json::json!([]));
    let mut shared = 0;
    for repo in told.owner["repos"].as_array().unwrap() {
        let id = repo["id"].as_str().unwrap();
        let ours: u64 = told
            .of(id)
            .filter(|f| f["class"] == "referenced" || f["class"] == "superseded")
            .map(|f| f["size_bytes"].as_u64().unwrap())
            .sum();
        if id.starts_with("org/shared") {
            // The owner counts a shared payload for each repository; on the disk it is once.
            shared += ours;
            assert!(ours == 0 || ours == repo["size"], "{id}");
            continue;
        }
        assert_eq!(repo["size"].as_f64().unwrap() as u64, ours, "{id}");

        // What only revisions without a reference hold is superseded, unless nothing else is there.
        let revisions = repo["revisions"].as_array().unwrap();
        let blobs = |named: bool| -> BTreeSet<String> {
            let wanted = revisions.iter().filter(|r| r["refs"].as_array().unwrap().is_empty() != named);
            wanted.flat_map(|r| r["blobs"].as_object().unwrap().keys().cloned()).collect()
        };
        let (named, detached) = (blobs(true), blobs(false));
        for blob in named.iter().filter(|b| is_model_blob(b)) {
            assert_eq!(told.class_of(blob), "referenced", "{id}: {blob}");
        }
        for blob in detached.difference(&named).filter(|b| is_model_blob(b)) {
            let expected = if named.is_empty() { "referenced" } else { "superseded" };
            assert_eq!(told.class_of(blob), expected, "{id}: {blob}");
        }
    }
    assert_eq!(shared, fixture::small_model("shared").len() as u64);
    let moved: Vec<&Value> = told.of("org/moved").filter(|f| f["class"] == "superseded").collect();
    assert_eq!(moved.len(), 1, "{moved:#?}");
    assert!(moved[0]["why"].as_str().unwrap().starts_with("old revision, main is "), "{}", moved[0]["why"]);

    let partial: Vec<&Value> = told.files.iter().filter(|f| f["class"] == "partial").collect();
    assert_eq!(partial.len(), 1, "{partial:#?}");
    assert_eq!(partial[0]["owner"], "org/killed");
    for class in ["orphan", "damaged", "missing"] {
        let rows: Vec<&Value> = told.files.iter().filter(|f| f["class"] == class).collect();
        assert!(rows.is_empty(), "{rows:#?}");
    }
}

#[test]
fn what_huggingface_hub_promises_is_held_against_the_bytes_offline() {
    let told = told();
    let models = told.sandbox.run(["list", "--json"]).ok().json();
    let names: BTreeSet<&str> = models.as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 8, "{names:?}");
    // Blob names, the middle of a shared chain, the tree of a commit, the metadata of a local folder.
    for file in told.files.iter().filter(|f| !f["models"].as_array().unwrap().is_empty()) {
        assert_eq!(file["expected_sha256"].as_str().map(str::len), Some(64), "{file:#}");
    }
    told.sandbox.run(["verify", "--all", "--json"]).ok();
    let files: Value = told.sandbox.run(["list", "--files", "--json"]).ok().json();
    for file in files.as_array().unwrap().iter().filter(|f| !f["models"].as_array().unwrap().is_empty()) {
        assert_eq!(file["verified_sha256"], file["expected_sha256"], "{file:#}");
    }

    // One bit of the shared payload turns over: both repositories are told.
    let payload = told.files.iter().find(|f| f["path"].as_str().unwrap().contains("/blobs/ab/")).unwrap();
    let payload = PathBuf::from(payload["path"].as_str().unwrap());
    let mut bytes = std::fs::read(&payload).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::remove_file(&payload).unwrap();
    std::fs::write(&payload, bytes).unwrap();
    told.sandbox.run(["scan"]).ok();
    let run = told.sandbox.run(["verify", "--all", "--hash"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    let damaged = told.sandbox.run(["list", "--files", "--class", "damaged", "--json"]).ok().json();
    let rows = damaged.as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert!(rows[0]["why"].as_str().unwrap().contains("its store declares"), "{}", rows[0]["why"]);
    assert_eq!(rows[0]["models"].as_array().unwrap().len(), 2);
}

#[test]
fn a_scan_leaves_no_trace_on_the_files_and_folders_of_a_store() {
    let told = told();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    let all = || -> BTreeSet<PathBuf> {
        let entries = walkdir::WalkDir::new(told.sandbox.models()).into_iter().map(Result::unwrap);
        entries.filter(|e| e.file_type().is_file() || e.file_type().is_dir()).map(|e| e.into_path()).collect()
    };
    let before = all();
    let age = || {
        for path in &before {
            // Older than the last change: a kernel that keeps access times would move it with the first read.
            let file = std::fs::File::open(path).unwrap();
            file.set_times(std::fs::FileTimes::new().set_accessed(old)).unwrap();
        }
    };
    let assert_untouched = |what: &str| {
        for path in &before {
            assert_eq!(path.metadata().unwrap().accessed().unwrap(), old, "{what} touched {}", path.display());
        }
    };
    std::fs::remove_file(told.sandbox.db()).unwrap();
    age();
    for command in [&["scan"][..], &["scan"], &["verify", "--all"], &["list", "--stores"], &["duplicates"]] {
        told.sandbox.run(command).ok();
        assert_untouched(&command.join(" "));
    }
    assert_eq!(before, all());
}

/// What the owner says after a change of ours: it must find nothing wrong.
fn sound(sandbox: &Sandbox) -> Value {
    let told: Value = serde_json::from_str(&python("verify.py", &[&sandbox.models().join("hub")])).unwrap();
    assert_eq!(told["problems"], serde_json::json!([]), "{told:#}");
    told["files"].clone()
}

fn prune(sandbox: &Sandbox, args: &[&str]) -> Value {
    let fixed = ["--grace", "0", "--assume-unused", "--confirm", "--allow-large", "--json"];
    let run = sandbox.run(["prune"].iter().chain(args).chain(&fixed)).ok().json();
    for row in run["rows"].as_array().unwrap().iter().filter(|r| r["verdict"] == "remove") {
        assert_eq!(row["outcome"], "trashed", "{row:#}");
    }
    run
}

/// Everything below a folder, times and modes included.
fn tree(top: &Path) -> std::collections::BTreeMap<PathBuf, String> {
    use std::os::unix::fs::MetadataExt;
    let entries = walkdir::WalkDir::new(top).into_iter().map(Result::unwrap);
    let told = |entry: &walkdir::DirEntry| {
        let meta = entry.metadata().unwrap();
        let what = match std::fs::read_link(entry.path()) {
            Ok(to) => format!("link {}", to.display()),
            Err(_) if meta.is_dir() => String::new(),
            Err(_) => format!("{:?}", std::fs::read(entry.path()).unwrap()),
        };
        format!("{:o} {} {} {} {what}", meta.mode(), meta.mtime(), meta.mtime_nsec(), meta.nlink())
    };
    entries.map(|e| (e.path().to_owned(), told(&e))).collect()
}

fn files_of<'a>(files: &'a Value, repo: &str) -> Vec<&'a str> {
    files[repo].as_array().map(|all| all.iter().map(|f| f.as_str().unwrap()).collect()).unwrap_or_default()
}

#[test]
fn after_a_prune_huggingface_hub_finds_no_damage_and_a_restore_is_exact() {
    let told = told();
    let sandbox = &told.sandbox;
    let hub = sandbox.models().join("hub");
    let whole = sound(sandbox);
    let before = tree(&sandbox.models());

    // What only an old revision has goes; its link to a file that the new one has as well stays.
    assert_eq!(files_of(&whole, "org/moved").len(), 7, "{whole:#}");
    prune(sandbox, &["--superseded"]);
    let after = sound(sandbox);
    let left = files_of(&after, "org/moved");
    assert!(left.len() == 6 && left.iter().all(|f| f.contains("main") || !f.contains("new-Q4_0")), "{left:?}");

    // One of two files of a repository goes, the other one stays with its reference.
    let same = told.of("org/moved").find(|f| f["why"].as_str().unwrap().contains("same-Q8_0")).unwrap();
    prune(sandbox, &["--model", same["models"][0].as_str().unwrap()]);
    let after = sound(sandbox);
    let left = files_of(&after, "org/moved");
    assert!(left.len() == 3 && left.iter().all(|f| f.contains("main")), "the old revision is empty now: {left:?}");

    // A payload that two repositories share stays until the second goes.
    let payload = told.files.iter().find(|f| f["path"].as_str().unwrap().contains("/blobs/ab/")).unwrap();
    let ids: Vec<&str> = payload["models"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    let payload = Path::new(payload["path"].as_str().unwrap());
    let first = prune(sandbox, &["--model", ids[0]]);
    assert!(first["freed_bytes"].as_u64().unwrap() < payload.metadata().unwrap().len() + 200_000 && payload.exists());
    sound(sandbox);
    prune(sandbox, &["--model", ids[1]]);
    assert!(!payload.exists());
    sound(sandbox);

    // The last model of a repository takes it along, and a download that was killed leaves nothing.
    let plain = told.of("org/plain").find(|f| !f["models"].as_array().unwrap().is_empty()).unwrap();
    prune(sandbox, &["--model", plain["models"][0].as_str().unwrap()]);
    assert!(!hub.join("models--org--plain").exists());
    prune(sandbox, &["--partials"]);
    let after = sound(sandbox);
    assert_eq!(after.as_object().unwrap().get("org/plain"), None);

    // Files that were downloaded into a plain folder go with what huggingface_hub noted of them.
    let local = sandbox.models().join("local");
    let all = sandbox.run(["list", "--json"]).ok().json();
    let in_local =
        all.as_array().unwrap().iter().find(|m| m["path"].as_str().unwrap().starts_with(local.to_str().unwrap()));
    prune(sandbox, &["--model", in_local.unwrap()["id"].as_str().unwrap()]);
    assert!(!local.join(".cache/huggingface/download/sub/local-Q4_0.gguf.metadata").exists());

    // Nothing of it is left over for a second run.
    let again = sandbox
        .run(["prune", "--superseded", "--orphans", "--partials", "--grace", "0", "--assume-unused", "--json"])
        .ok()
        .json();
    assert!(again["rows"].as_array().unwrap().iter().all(|r| r["verdict"] == "keep"), "{again:#}");

    let trash = sandbox.run(["trash", "list", "--json"]).ok().json();
    let ids: Vec<&str> = trash.as_array().unwrap().iter().map(|t| t["id"].as_str().unwrap()).collect();
    sandbox.run(["trash", "restore"].iter().chain(&ids)).ok();
    assert_eq!(sound(sandbox), whole);
    let restored = tree(&sandbox.models());
    for (path, what) in &before {
        assert_eq!(restored.get(path), Some(what), "{}", path.display());
    }
    assert_eq!(restored.len(), before.len());
}
