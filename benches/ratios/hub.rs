//! A Hugging Face cache with 2,000 repositories, against `hf cache ls` of huggingface_hub over the same tree.

use crate::header::text;
use crate::measure::{in_turns, output, peak, wall};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const REPOS: usize = 2000;
/// Changes when the generated files do.
const STAMP: &str = "2000 repositories, 1\n";
const GOAL: Goal = Goal::TimesLess(20.0);
/// Bytes.
const MEMORY: Goal = Goal::AtMost(64e6);

pub fn measure(stage: &Stage, table: &mut Table) {
    let hub = cache(stage);
    let db = stage.db("hub");
    let scan = || stage.modelctl(&db, &["scan", text(&hub)]);
    let ours_new = || {
        stage.forget(&db);
        wall(&mut scan()).as_secs_f64()
    };
    if let Some(mut check) = stage.hub_tool(&["cache", "ls", "--cache-dir", text(&hub), "--quiet"]) {
        assert_eq!(output(&mut check).lines().count(), REPOS, "hf lists every repository");
        let list = || stage.hub_tool(&["cache", "ls", "--cache-dir", text(&hub)]).expect("it was there just now");
        let theirs = || wall(&mut list()).as_secs_f64();
        let times = in_turns(5, ours_new, theirs);
        table.compare("scan of 2,000 repositories, new", Unit::Seconds, times, "hf cache ls", GOAL);
        let times = in_turns(5, || wall(&mut scan()).as_secs_f64(), theirs);
        table.compare("scan of 2,000 repositories, unchanged", Unit::Seconds, times, "hf cache ls", GOAL);
        table.compare(
            "scan of 2,000 repositories, unchanged, peak memory",
            Unit::Bytes,
            (peak(stage, &scan()), peak(stage, &list())),
            "hf cache ls",
            MEMORY,
        );
    } else {
        table.missing("scan of 2,000 repositories", "huggingface_hub is not in target/bench/python-hub");
    }
    stage.forget(&db);
    table.alone("scan of 2,000 repositories, new, peak memory", Unit::Bytes, peak(stage, &scan()), MEMORY);
    assert_all_there(stage, &db);
}

/// A scan that skipped something would be fast for nothing.
fn assert_all_there(stage: &Stage, db: &Path) {
    let list = output(&mut stage.modelctl(db, &["list", "--json"]));
    let list: serde_json::Value = serde_json::from_str(&list).expect("list prints JSON");
    let models = list["models"].as_array().expect("a list of models");
    let ready = models.iter().filter(|m| m["state"] == "ready" && m["store"] == "hf").count();
    assert_eq!(ready, REPOS, "every repository has its model");
}

/// The cache as the hub's own client lays it out: per repository two small files and a model behind links.
fn cache(stage: &Stage) -> PathBuf {
    let hub = stage.bench.join("hub");
    let stamp = stage.bench.join("hub.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|s| s == STAMP) {
        return hub;
    }
    eprintln!("  writing a cache of {REPOS} repositories …");
    if hub.exists() {
        fs::remove_dir_all(&hub).expect("the old cache can be removed");
    }
    for number in 0..REPOS {
        repository(&hub, number);
    }
    fs::write(&stamp, STAMP).expect("the target folder takes files");
    hub
}

fn repository(hub: &Path, number: usize) {
    let name = format!("model-{number:04}");
    let repo = hub.join(format!("models--org-{}--{name}-GGUF", number % 50));
    // 40 digits, as git and the hub's small files have them.
    let git = |what: &str| hex(what.as_bytes())[..40].to_owned();
    let commit = git(&format!("commit of {name}"));
    let snapshot = repo.join("snapshots").join(&commit);
    for folder in [repo.join("blobs"), repo.join("refs"), snapshot.clone()] {
        fs::create_dir_all(folder).expect("the target folder takes folders");
    }
    fs::write(repo.join("refs/main"), &commit).expect("the target folder takes files");
    let model = crate::gguf::fixture::small_model(&name);
    let readme = format!("# {name}\n").into_bytes();
    let config = format!("{{\"_name_or_path\": \"{name}\"}}\n").into_bytes();
    for (file, blob, bytes) in [
        (format!("{name}-Q4_0.gguf"), hex(&model), model),
        ("README.md".to_owned(), git(&format!("readme of {name}")), readme),
        ("config.json".to_owned(), git(&format!("config of {name}")), config),
    ] {
        fs::write(repo.join("blobs").join(&blob), bytes).expect("the target folder takes files");
        symlink(format!("../../blobs/{blob}"), snapshot.join(file)).expect("the target folder takes links");
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
