//! A hub cache that huggingface_hub itself wrote, told by us as its owner tells it.

use crate::fixtures;
use crate::sandbox::Sandbox;
use modelctl::gguf::fixture;
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
    assert!(moved[0]["why"].as_str().unwrap().contains("`main` has moved on"), "{}", moved[0]["why"]);

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
    assert!(rows[0]["why"].as_str().unwrap().contains("its store promises"), "{}", rows[0]["why"]);
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
