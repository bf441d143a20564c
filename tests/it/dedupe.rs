//! Copies that share their space: nothing is lost, and what was promised is freed.

use crate::gguf::fixture;
use crate::sandbox::{Run, Sandbox};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const REVISION: &str = "9217f5db79a29953eb74d5343926648285ec7e67";

fn blob(sandbox: &Sandbox, org: &str, bytes: &[u8]) -> PathBuf {
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let repo = sandbox.models().join(format!("hub/models--{org}--model"));
    for sub in ["blobs", "refs", &format!("snapshots/{REVISION}")] {
        fs::create_dir_all(repo.join(sub)).unwrap();
    }
    let blob = repo.join(format!("blobs/{hash}"));
    fs::write(&blob, bytes).unwrap();
    fs::write(repo.join("refs/main"), REVISION).unwrap();
    let link = repo.join(format!("snapshots/{REVISION}/model-Q4_0.gguf"));
    std::os::unix::fs::symlink(format!("../../blobs/{hash}"), link).unwrap();
    blob
}

fn dedupe(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(["dedupe"].iter().chain(args))
}

fn files(document: &Value) -> Vec<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    document["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (text(&f["how"]).unwrap_or_default(), text(&f["outcome"])))
        .collect()
}

fn ino(path: &Path) -> u64 {
    path.symlink_metadata().unwrap().ino()
}

/// A file system that has only hard links: the tools that never write into a file share one, a plain folder keeps its own,
/// and the undo gives everyone a file of their own again.
#[test]
fn hard_links_join_what_is_never_written_in_place_and_are_undone() {
    let sandbox = Sandbox::new();
    let bytes = fixture::small_model("one");
    let (a, b) = (blob(&sandbox, "a", &bytes), blob(&sandbox, "b", &bytes));
    let plain = sandbox.write("plain/model.gguf", &bytes);
    sandbox.run(["scan"]).ok();
    let before = [&a, &b, &plain].map(|path| path.symlink_metadata().unwrap());

    let dry = dedupe(&sandbox, &["--hard-link", "--json"]).ok().json();
    assert_eq!(dry["schema"], "modelctl.dedupe/1");
    assert!(dry["dry_run"] == true && ino(&a) != ino(&b), "{dry:#}");
    if files(&dry).iter().all(|(how, _)| how == "reflink") {
        // Whether this file system can share blocks shows when it is asked to.
        eprintln!("the file system may share blocks");
    }
    let disk = || sandbox.run(["df", "--json"]).ok().document()["allocated_bytes"].as_u64().unwrap();
    let all = disk();
    let done = dedupe(&sandbox, &["--hard-link", "--confirm", "--json"]);
    let document = done.json();
    let reflinked =
        files(&document).iter().any(|(how, outcome)| how == "reflink" && outcome.as_deref() == Some("shared"));
    if reflinked {
        crate::sandbox::skip("the temporary folder is on a file system that shares blocks");
        return;
    }
    assert!(ino(&a) == ino(&b) && ino(&plain) != ino(&a), "{document:#}");
    assert_eq!(
        document["freed_bytes"],
        dry["files"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| f["path"] == b.to_str().unwrap() || f["path"] == a.to_str().unwrap())
            .map(|f| f["size_bytes"].as_u64().unwrap().div_ceil(4096) * 4096)
            .sum::<u64>()
    );
    assert_eq!(all - disk(), document["freed_bytes"].as_u64().unwrap(), "the sum agrees with the promise");
    for path in [&a, &b, &plain] {
        assert_eq!(fs::read(path).unwrap(), bytes);
    }
    sandbox.run(["verify", "--all", "--hash"]).ok();
    let history = sandbox.run(["history", "--what", "dedupe", "--json"]).ok();
    assert!(history.out.contains("hard-link"), "{history:?}");
    // A second run finds nothing more to do.
    let again = dedupe(&sandbox, &["--hard-link", "--json"]).ok().json();
    assert!(files(&again).iter().all(|(how, _)| how != "hard-link"), "{again:#}");

    let dry = dedupe(&sandbox, &["--undo"]).ok();
    assert!(dry.err.contains("--confirm") && ino(&a) == ino(&b), "{dry:?}");
    dedupe(&sandbox, &["--undo", "--confirm"]).ok();
    assert_ne!(ino(&a), ino(&b));
    for (path, old) in [&a, &b, &plain].iter().zip(before) {
        let now = path.symlink_metadata().unwrap();
        assert_eq!(fs::read(path).unwrap(), bytes);
        assert_eq!((now.mode(), now.mtime_nsec(), now.nlink()), (old.mode(), old.mtime_nsec(), 1));
    }
    dedupe(&sandbox, &["--undo", "--confirm"]).refuses(3, "no such run");
}

/// A promise of a store is no proof: only equal bytes share their space.
#[test]
fn files_that_only_promise_the_same_bytes_are_left_alone() {
    let sandbox = Sandbox::new();
    let bytes = fixture::small_model("one");
    let (a, b) = (blob(&sandbox, "a", &bytes), blob(&sandbox, "b", &bytes));
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    fs::write(&b, &other).unwrap();
    sandbox.run(["scan"]).ok();
    let run = dedupe(&sandbox, &["--hard-link", "--confirm", "--json"]);
    assert_eq!((fs::read(&a).unwrap(), fs::read(&b).unwrap()), (bytes, other), "{run:?}");
    assert_ne!(ino(&a), ino(&b));
}

/// A file system in a file, where this user may mount one.
struct Mounted {
    at: PathBuf,
}

impl Mounted {
    fn new(sandbox: &Sandbox, kind: &str) -> Option<Mounted> {
        let image = sandbox.path("disk.img");
        fs::File::create(&image).unwrap().set_len(400 << 20).unwrap();
        let does = |program: &str, args: &[&str]| {
            Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
        };
        let at = sandbox.path("disk");
        fs::create_dir(&at).unwrap();
        let (file, folder) = (image.to_str().unwrap(), at.to_str().unwrap());
        (does(&format!("mkfs.{kind}"), &["-q", file]) && does("mount", &["-o", "loop", file, folder]))
            .then_some(Mounted { at })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // The folder of the test cannot be removed while it is mounted; that shows.
        let _ = Command::new("umount").arg(&self.at).status();
    }
}

fn used(at: &Path) -> u64 {
    let stat = rustix::fs::statvfs(at).unwrap();
    (stat.f_blocks - stat.f_bfree) * stat.f_frsize
}

/// On a file system that shares blocks, `df` must show what was promised, and the undo must cost what it gives back.
#[test]
#[ignore = "needs root, loop devices, mkfs.xfs and mkfs.btrfs"]
fn blocks_are_shared_where_the_file_system_can() {
    for kind in ["xfs", "btrfs"] {
        let sandbox = Sandbox::new();
        let disk = Mounted::new(&sandbox, kind).unwrap_or_else(|| panic!("no {kind} can be made and mounted here"));
        let mut bytes = fixture::small_model("one");
        bytes.resize(32 << 20, 7);
        for name in ["a", "b"] {
            fs::create_dir(disk.at.join(name)).unwrap();
            fs::write(disk.at.join(name).join("model.gguf"), &bytes).unwrap();
        }
        let paths = ["a", "b"].map(|name| disk.at.join(name).join("model.gguf"));
        Command::new("sync").arg("-f").arg(&disk.at).status().unwrap();
        sandbox.run([Path::new("scan"), &disk.at]).ok();
        let before = used(&disk.at);
        let dry = dedupe(&sandbox, &["--json"]).ok().json();
        let promised = dry["freed_bytes"].as_u64().unwrap();
        assert!(promised >= 30 << 20, "{kind}: {dry:#}");
        let done = dedupe(&sandbox, &["--confirm"]).ok();
        Command::new("sync").arg("-f").arg(&disk.at).status().unwrap();
        let freed = before.saturating_sub(used(&disk.at));
        assert!(freed.abs_diff(promised) < 2 << 20, "{kind}: {freed} of {promised}: {done:?}");
        assert!(paths.iter().all(|path| fs::read(path).unwrap() == bytes));
        assert_ne!(ino(&paths[0]), ino(&paths[1]));
        dedupe(&sandbox, &["--undo", "--confirm"]).ok();
        Command::new("sync").arg("-f").arg(&disk.at).status().unwrap();
        assert!(used(&disk.at).abs_diff(before) < 4 << 20, "{kind}");
        assert!(paths.iter().all(|path| fs::read(path).unwrap() == bytes));
    }
}
