//! Scan, list and show as an operator uses them, on real files in real folders.

use crate::fixtures;
use crate::gguf::fixture;
use crate::sandbox::{Sandbox, finish};
use rustix::fs::inotify;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn names(sandbox: &Sandbox, args: &[&str]) -> Vec<String> {
    let run = sandbox.run([&["list", "--json"], args].concat()).ok();
    run.json().as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap().to_owned()).collect()
}

/// A repository of a hub cache with one file in one snapshot, as huggingface_hub lays it out.
fn hub_repo(hub: &Path, folder: &str, file: &str, bytes: &[u8]) {
    let repo = hub.join(folder);
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let sha = "a".repeat(64);
    for dir in ["blobs", "refs", &format!("snapshots/{commit}")] {
        fs::create_dir_all(repo.join(dir)).unwrap();
    }
    fs::write(repo.join("blobs").join(&sha), bytes).unwrap();
    fs::write(repo.join("refs/main"), commit).unwrap();
    symlink(format!("../../blobs/{sha}"), repo.join(format!("snapshots/{commit}/{file}"))).unwrap();
}

#[test]
fn every_kind_of_file_is_listed_as_what_it_is() {
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "plain/SmolLM2-135M-Instruct.Q4_1.gguf");
    for no in 0..3 {
        sandbox.write(&format!("split/big-Q4_0-0000{}-of-00003.gguf", no + 1), &fixture::shard("big", no, 3));
    }
    sandbox.write("half/half-Q4_0-00001-of-00002.gguf", &fixture::shard("half", 0, 2));
    sandbox.write("vision/seer-Q4_0.gguf", &fixture::small_model("seer"));
    sandbox.write("vision/mmproj-seer-F16.gguf", &fixture::mmproj(64));
    sandbox.write("side/style-lora.gguf", &fixture::lora());
    sandbox.write("side/calibration.gguf", &fixture::imatrix());
    sandbox.write("side/words.gguf", &fixture::embedding("words"));
    let whole = fixture::small_model("cut");
    sandbox.write("bad/cut.gguf", &whole[..whole.len() - 1000]);
    sandbox.write("bad/page.gguf", b"<!doctype html><title>404</title>");
    sandbox.write("bad/evil\u{1b}[31m.gguf", &fixture::small_model("\u{1b}]0;owned\u{7}evil\nname"));
    hub_repo(&sandbox.models().join("hub"), "models--org--hubbed-GGUF", "hubbed-Q4_0.gguf", &fixture::small_model("h"));

    let scan = sandbox.run(["scan", "--json"]).ok().json();
    assert_eq!(scan["counts"]["added"], 11, "{scan:#}");
    let list = sandbox.run(["list", "--json"]).ok().json();
    let find = |name: &str| {
        let all = list.as_array().unwrap();
        all.iter()
            .find(|m| m["name"].as_str().unwrap().contains(name))
            .unwrap_or_else(|| panic!("{name}: {list:#}"))
            .clone()
    };
    let smol = find("SmolLM2");
    assert_eq!((smol["kind"].as_str(), smol["tier"].as_str()), (Some("generative"), Some("fast")));
    assert_eq!((find("big")["shards"].as_u64(), find("big")["state"].as_str()), (Some(3), Some("ready")));
    assert_eq!(find("half")["state"], "incomplete");
    assert_eq!(find("seer")["mmproj"], true);
    assert_eq!(find("style-lora")["kind"], "adapter");
    assert_eq!(find("calibration")["kind"], "imatrix");
    assert_eq!(find("words")["kind"], "embedding");
    assert_eq!(find("cut")["state"], "truncated");
    assert_eq!(find("page")["state"], "damaged");
    assert!(find("page")["reason"].as_str().unwrap().contains("HTML"));
    assert_eq!(find("org/hubbed-GGUF")["store"], "hf");

    // Nothing of what the files say drives a terminal, at any width.
    for width in ["80", "200"] {
        let run = finish(sandbox.command(["list"]).env("COLUMNS", width).output().unwrap()).ok();
        assert!(!run.out.contains(['\u{1b}', '\u{7}']), "{run:?}");
        assert_eq!(run.out.lines().count(), 12, "{run:?}");
    }
    let show = sandbox.run(["show", "evil"]).ok();
    assert!(!show.out.contains(['\u{1b}', '\u{7}']), "{show:?}");
}

#[test]
fn a_rescan_opens_no_file_that_it_knows() {
    let sandbox = Sandbox::new();
    for i in 0..20 {
        sandbox.write(&format!("m{i}.gguf"), &fixture::small_model(&format!("m{i}")));
    }
    sandbox.run(["scan"]).ok();
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).unwrap();
    for i in 0..20 {
        inotify::add_watch(&watch, sandbox.models().join(format!("m{i}.gguf")), inotify::WatchFlags::OPEN).unwrap();
    }
    let run = sandbox.run(["scan"]).ok();
    assert!(run.out.contains("20 unchanged"), "{run:?}");
    let mut space = [std::mem::MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(&watch, &mut space);
    let next = events.next();
    assert!(matches!(next, Err(rustix::io::Errno::WOULDBLOCK)), "a file was opened: {next:?}");
}

#[test]
fn a_moved_model_keeps_its_id_and_what_was_set_on_it() {
    let sandbox = Sandbox::new();
    let old = sandbox.write("a/one.gguf", &fixture::small_model("one"));
    sandbox.write("other.gguf", &fixture::small_model("other"));
    sandbox.run(["scan"]).ok();
    sandbox.run(["set", "one", "--pin", "--tier", "powerful", "--alias", "uno", "--note", "mine"]).ok();
    let id = sandbox.run(["show", "uno", "--json"]).ok().json()["id"].clone();
    fs::create_dir(sandbox.models().join("b")).unwrap();
    fs::rename(&old, sandbox.models().join("b/one.gguf")).unwrap();
    assert_eq!(sandbox.run(["scan", "--json"]).ok().json()["counts"]["moved"], 1);
    let show = sandbox.run(["show", "uno", "--json"]).ok().json();
    assert_eq!((&show["id"], show["pinned"].as_bool(), show["tier"].as_str()), (&id, Some(true), Some("powerful")));
}

#[test]
fn a_root_that_is_empty_or_missing_takes_no_model_with_it() {
    let sandbox = Sandbox::new();
    sandbox.write("volume/one.gguf", &fixture::small_model("one"));
    let volume = sandbox.models().join("volume");
    sandbox.run([Path::new("scan"), &volume]).ok();
    // As an unmounted volume looks.
    fs::remove_file(volume.join("one.gguf")).unwrap();
    for missing in [false, true] {
        if missing {
            fs::remove_dir(&volume).unwrap();
        }
        sandbox.run([Path::new("scan"), &volume]).refuses(3, "unavailable");
        let list = sandbox.run(["list", "--json"]).ok().json();
        assert_eq!(list[0]["state"], "unavailable", "{list:#}");
    }
    sandbox.write("volume/one.gguf", &fixture::small_model("one"));
    sandbox.run([Path::new("scan"), &volume]).ok();
    assert_eq!(sandbox.run(["list", "--json"]).ok().json()[0]["state"], "ready");
    // A file that goes while others stay is gone.
    sandbox.write("volume/two.gguf", &fixture::small_model("two"));
    sandbox.run([Path::new("scan"), &volume]).ok();
    fs::remove_file(volume.join("one.gguf")).unwrap();
    sandbox.run([Path::new("scan"), &volume]).ok();
    assert_eq!(names(&sandbox, &[]), ["two"]);
    assert_eq!(names(&sandbox, &["--all"]).len(), 2);
}

#[test]
fn a_root_that_was_never_there_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.run(["scan", "/nonexistent/models"]).refuses(3, "/nonexistent/models");
}

#[test]
fn filters_and_order_choose_what_is_listed() {
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), "smol.gguf");
    sandbox.place(&fixtures::gemma(), "gemma.gguf");
    sandbox.write("broken.gguf", b"nothing of the kind, really not");
    sandbox.run(["scan"]).ok();
    assert_eq!(names(&sandbox, &["--family", "gemma"]), ["gemma"]);
    assert_eq!(names(&sandbox, &["--state", "damaged"]), ["broken"]);
    assert_eq!(names(&sandbox, &["--quant", "Q4_1"]), ["smol"]);
    assert_eq!(names(&sandbox, &["--state", "ready", "--sort", "size"]).len(), 2);
    let by_size = names(&sandbox, &["--sort", "size"]);
    let reversed = names(&sandbox, &["--sort", "size", "--reverse"]);
    assert_eq!(by_size, reversed.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn an_ambiguous_name_lists_its_candidates() {
    let sandbox = Sandbox::new();
    sandbox.write("alpha-one.gguf", &fixture::small_model("a"));
    sandbox.write("alpha-two.gguf", &fixture::small_model("b"));
    sandbox.run(["scan"]).ok();
    let run = sandbox.run(["show", "alpha"]).refuses(3, "alpha-one");
    assert!(run.err.contains("alpha-two"), "{run:?}");
    sandbox.run(["show", "alpha-one"]).ok();
    sandbox.run(["show", "beta"]).refuses(3, "beta");
    let path = sandbox.models().join("alpha-two.gguf");
    let show = sandbox.run([Path::new("show"), &path, Path::new("--json")]).ok().json();
    assert_eq!(show["name"], "alpha-two");
}

#[test]
fn two_scans_at_once_both_end_well() {
    let sandbox = Sandbox::new();
    for i in 0..200 {
        sandbox.write(&format!("{}/m{i}.gguf", i % 10), &fixture::small_model(&format!("m{i}")));
    }
    let scans: Vec<_> = (0..4).map(|_| sandbox.start(["scan"])).collect();
    for scan in scans {
        finish(scan.wait_with_output().unwrap()).ok();
    }
    assert_eq!(names(&sandbox, &[]).len(), 200);
}

/// A person who has a file wants to know what it is before any scan, and gets told that no model matches.
#[test]
fn a_file_that_was_never_scanned_is_shown() {
    let sandbox = Sandbox::new();
    sandbox.run(["scan"]);
    let file = sandbox.path("loose-Q4_0.gguf");
    fs::write(&file, fixture::small_model("loose")).unwrap();
    let shown = sandbox.run(["show", file.to_str().unwrap(), "--json"]).ok().json();
    assert_eq!((shown["name"].as_str(), shown["state"].as_str()), (Some("loose-Q4_0"), Some("ready")), "{shown:#}");
    let person = sandbox.run(["show", file.to_str().unwrap()]).ok();
    assert!(person.out.contains("`modelctl scan` records it"), "{person:?}");
    assert!(sandbox.run(["list", "--format", "ids"]).ok().out.is_empty(), "nothing was recorded");
    sandbox.run(["show", sandbox.path("not-there.gguf").to_str().unwrap()]).refuses(3, "no model");
}

/// A script would cut columns out of a table that was made for people.
#[test]
fn a_script_gets_the_models_it_asks_for_in_the_format_it_asks_for() {
    let sandbox = Sandbox::new();
    for name in ["a-Q4_0", "b-Q8_0", "c-F16"] {
        sandbox.write(&format!("{name}.gguf"), &fixture::small_model(name));
    }
    sandbox.run(["scan"]).ok();
    let list = |args: &[&str]| sandbox.run(["list"].iter().chain(args)).ok().out;
    assert_eq!(list(&["--format", "ids", "--limit", "2"]).lines().count(), 2);
    assert_eq!(list(&["-o", "csv", "--columns", "name,store"]), "name,store\na-Q4_0,dir\nb-Q8_0,dir\nc-F16,dir\n");
    assert_eq!(list(&["--columns", "name", "--no-header"]), "a-Q4_0\nb-Q8_0\nc-F16\n");
    assert!(list(&["-o", "jsonl"]).lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert_eq!(list(&["--larger", "1GiB", "-o", "ids"]), "");
    assert_eq!(list(&["--unused-for", "30d", "-o", "ids"]), "");
    sandbox.run(["list", "-o", "json", "--columns", "name"]).refuses(2, "--columns");
    sandbox.run(["list", "--json", "-o", "csv"]).refuses(2, "cannot be used with");
}
