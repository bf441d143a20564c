//! Verify as an operator uses it: real files, real damage, the real program.

use crate::gguf::fixture::{self, Gguf};
use crate::sandbox::{Run, Sandbox, finish};
use modelctl::db::{Access, Db};
use modelctl::model::FileIdentity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// A file in a hub cache below `models/`, its blob named by its true hash. Gives the blob.
fn hub_file(sandbox: &Sandbox, name: &str, bytes: &[u8]) -> PathBuf {
    let repo = sandbox.models().join(format!("hub/models--org--{name}"));
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let sha = sha256(bytes);
    for dir in ["blobs", "refs", &format!("snapshots/{commit}")] {
        fs::create_dir_all(repo.join(dir)).unwrap();
    }
    let blob = repo.join("blobs").join(&sha);
    fs::write(&blob, bytes).unwrap();
    fs::write(repo.join("refs/main"), commit).unwrap();
    symlink(format!("../../blobs/{sha}"), repo.join(format!("snapshots/{commit}/{name}-Q4_0.gguf"))).unwrap();
    blob
}

/// Turns one bit of the data and puts the time of the last change back.
fn flip_a_bit(path: &Path) {
    let before = fs::metadata(path).unwrap();
    let file = File::options().write(true).read(true).open(path).unwrap();
    let mut byte = [0u8];
    let at = before.len() - 100;
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    assert_eq!(fs::metadata(path).unwrap().len(), before.len());
}

#[track_caller]
fn file(run: &Run) -> Value {
    let json = run.json();
    assert_eq!(json["counts"]["files"], 1, "{json:#}");
    json["models"][0]["files"][0].clone()
}

fn identity(path: &Path) -> FileIdentity {
    let meta = fs::metadata(path).unwrap();
    FileIdentity {
        dev: meta.dev(),
        ino: meta.ino(),
        size: meta.size(),
        mtime_ns: meta.mtime() * 1_000_000_000 + meta.mtime_nsec(),
        ctime_ns: meta.ctime() * 1_000_000_000 + meta.ctime_nsec(),
    }
}

/// A sound model of so many megabytes.
fn large(name: &str, megabytes: u64) -> Vec<u8> {
    Gguf::new("llama").name(name).tensor("token_embd.weight", &[1 << 18, megabytes], "F32").build()
}

#[test]
fn one_flipped_bit_is_found_though_size_and_time_are_as_before() {
    let sandbox = Sandbox::new();
    let bytes = fixture::small_model("sound");
    let blob = hub_file(&sandbox, "sound", &bytes);
    sandbox.run(["scan"]).ok();
    let sound = file(&sandbox.run(["verify", "sound", "--json"]).ok());
    assert_eq!((&sound["result"], &sound["sha256"]), (&"ok".into(), &sound["expected_sha256"]));
    assert_eq!(sound["sha256"], sha256(&bytes).as_str());
    flip_a_bit(&blob);
    // The structure is as sound as before, and the hash on record speaks of another state of the file.
    assert_eq!(file(&sandbox.run(["verify", "sound", "--quick", "--json"]).ok())["result"], "ok");
    for _ in 0..2 {
        let run = sandbox.run(["verify", "sound", "--json"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        let damaged = file(&run);
        assert_eq!(damaged["result"], "mismatch");
        assert_eq!(damaged["sha256"], sha256(&fs::read(&blob).unwrap()).as_str());
    }
    let table = sandbox.run(["verify", "--all"]);
    assert!(table.code == Some(1) && table.out.contains("1 mismatch"), "{table:?}");
}

#[test]
fn what_was_verified_is_not_opened_again_until_it_is_wanted() {
    let sandbox = Sandbox::new();
    let blob = hub_file(&sandbox, "once", &fixture::small_model("once"));
    sandbox.run(["scan"]).ok();
    sandbox.run(["verify", "--all"]).ok();
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, &blob, inotify::WatchFlags::OPEN).unwrap();
    let again = file(&sandbox.run(["verify", "--all", "--json"]).ok());
    assert!(again["detail"].as_str().unwrap().starts_with("verified before, at "), "{again:#}");
    assert!(again["read_before"].is_string());
    let mut space = [std::mem::MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watch, &mut space);
    let next = events.next();
    assert!(matches!(next, Err(rustix::io::Errno::WOULDBLOCK)), "the file was opened: {next:?}");
    let read = file(&sandbox.run(["verify", "--all", "--again", "--json"]).ok());
    assert!(read["read_before"].is_null());
    assert!(inotify::Reader::new(&watch, &mut space).next().is_ok(), "--again reads");
}

#[test]
fn a_file_without_a_promised_hash_is_never_called_verified() {
    let sandbox = Sandbox::new();
    let bytes = fixture::small_model("plain");
    let path = sandbox.write("plain.gguf", &bytes);
    sandbox.run(["scan"]).ok();
    let plain = file(&sandbox.run(["verify", "plain", "--json"]).ok());
    assert_eq!(plain["result"], "unverifiable");
    assert_eq!(plain["detail"], "no expected hash known: structure checked only");
    let hashed = file(&sandbox.run(["verify", "plain", "--hash", "--json"]).ok());
    assert_eq!((&hashed["result"], &hashed["sha256"]), (&"ok".into(), &sha256(&bytes).into()));
    // The recorded hash is a promise from then on.
    let again = file(&sandbox.run(["verify", "plain", "--again", "--json"]).ok());
    assert!(again["detail"].as_str().unwrap().contains("is the one recorded at"), "{again:#}");
    // A file that is not the one of the scan is not judged by what the scan saw.
    fs::write(&path, fixture::small_model("another")).unwrap();
    let run = sandbox.run(["verify", "plain", "--json"]);
    assert_eq!(run.code, Some(1), "what was not looked at must not pass: {run:?}");
    let changed = file(&run);
    assert_eq!((&changed["result"], &run.json()["findings"]), (&"changed".into(), &true.into()));
    assert!(changed["detail"].as_str().unwrap().contains("modelctl scan"), "{changed:#}");
}

#[test]
fn cut_missing_and_incomplete_files_are_findings() {
    let sandbox = Sandbox::new();
    let whole = fixture::small_model("cut");
    sandbox.write("cut.gguf", &whole[..whole.len() - 1000]);
    sandbox.write("page.gguf", b"<!doctype html><title>404</title>");
    let lost = sandbox.write("lost.gguf", &fixture::small_model("lost"));
    for no in [0, 2] {
        sandbox.write(&format!("split/big-0000{}-of-00003.gguf", no + 1), &fixture::shard("big", no, 3));
    }
    sandbox.run(["scan"]).ok();
    fs::remove_file(lost).unwrap();
    for args in [&["--all"][..], &["--all", "--quick"]] {
        let run = sandbox.run([&["verify", "--json"], args].concat());
        assert_eq!(run.code, Some(1), "{run:?}");
        let json = run.json();
        let model = |name: &str| {
            let all = json["models"].as_array().unwrap();
            all.iter().find(|m| m["name"] == name).unwrap_or_else(|| panic!("{name}: {json:#}")).clone()
        };
        let result = |name| model(name)["files"][0]["result"].clone();
        assert_eq!([result("cut"), result("page"), result("lost")], ["damaged", "damaged", "missing"], "{json:#}");
        let set = json["models"].as_array().unwrap().iter().find(|m| m["files"].as_array().unwrap().len() == 2);
        assert_eq!(set.unwrap()["faults"][0], "part 2 of 3 is missing");
        assert_eq!((&json["findings"], &json["counts"]["files"]), (&true.into(), &5.into()));
    }
}

#[test]
fn an_interrupted_run_keeps_what_it_has_read() {
    let sandbox = Sandbox::new();
    // Both begin at once where there are two cores. The small one is read first by far, or (on one core) the large one:
    // more than a second of the other one is left.
    let blobs = [hub_file(&sandbox, "large", &large("large", 18)), hub_file(&sandbox, "small", &large("small", 6))];
    sandbox.run(["scan"]).ok();
    sandbox.run(["verify", "small", "--quick"]).ok();
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, sandbox.db().parent().unwrap(), inotify::WatchFlags::MODIFY).unwrap();
    let child = sandbox.start(["verify", "--all", "--max-rate", "4MB"]);
    let recorded = || {
        let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
        db.verified(&blobs.each_ref().map(|b| identity(b))).unwrap().len()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut space = [std::mem::MaybeUninit::uninit(); 4096];
    while recorded() == 0 {
        assert!(Instant::now() < deadline, "nothing was recorded");
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        poll(&mut [PollFd::new(&watch, PollFlags::IN)], Some(&second)).unwrap();
        let mut events = inotify::Reader::new(&watch, &mut space);
        while events.next().is_ok() {}
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let run = finish(child.wait_with_output().unwrap()).refuses(130, "1 file verified and recorded");
    assert!(run.err.contains("run the same command again to continue"), "{run:?}");
    let json = sandbox.run(["verify", "--all", "--json"]).ok().json();
    let files = json["models"].as_array().unwrap().iter().map(|m| &m["files"][0]["read_before"]);
    assert_eq!(files.filter(|before| before.is_string()).count(), 1, "{json:#}");
    assert_eq!(json["counts"]["ok"], 2);
}

#[test]
fn several_runs_at_once_all_end_well() {
    let sandbox = Sandbox::new();
    let blobs: Vec<PathBuf> = (0..12)
        .map(|no| hub_file(&sandbox, &format!("m{no}"), &fixture::small_model(&format!("m{no}"))))
        .chain([hub_file(&sandbox, "large", &large("large", 8))])
        .collect();
    sandbox.run(["scan"]).ok();
    let runs: Vec<_> = (0..3).map(|_| sandbox.start(["verify", "--all", "--again", "--json"])).collect();
    for run in runs {
        let json = finish(run.wait_with_output().unwrap()).ok().json();
        assert_eq!(json["counts"]["ok"], blobs.len(), "{json:#}");
    }
    let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
    assert_eq!(db.verified(&blobs.iter().map(|b| identity(b)).collect::<Vec<_>>()).unwrap().len(), blobs.len());
}

#[test]
fn a_command_line_that_means_nothing_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.run(["verify"]).refuses(2, "--all");
    sandbox.run(["verify", "--all", "--max-rate", "0"]).refuses(2, "rate must be above 0");
    sandbox.run(["verify", "--all", "--quick", "--again"]).refuses(2, "--again");
    sandbox.run(["verify", "nothing"]).refuses(3, "nothing");
    let none = sandbox.run(["verify", "--all"]).ok();
    assert!(none.err.contains("modelctl scan"), "{none:?}");
}
