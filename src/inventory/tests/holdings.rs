//! What a hub cache holds beside sound models, class by class.

use super::trees::{Shelf, Tree, commit, sha};
use crate::inventory::{Sureness, same_content, stored};
use crate::model::{Class, Holding, ModelFile, Stored};
use std::path::PathBuf;

const REPO: &str = "hub/models--org--Tiny-GGUF";

fn held(tree: &Tree) -> Vec<Holding> {
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("hub")]);
    super::trees::held(&report)
}

#[track_caller]
fn at<'a>(held: &'a [Holding], path: &std::path::Path) -> &'a Holding {
    held.iter().find(|h| h.path == path).unwrap_or_else(|| panic!("{} not in {held:#?}", path.display()))
}

/// Snapshots in the order of their age; the time of a folder is that of its last change.
fn aged(tree: &Tree, commits: &[&str]) {
    for (age, commit) in commits.iter().rev().enumerate() {
        let folder = std::fs::File::open(tree.path(format!("{REPO}/snapshots/{commit}"))).unwrap();
        let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000 - age as u64);
        folder.set_times(std::fs::FileTimes::new().set_modified(time)).unwrap();
    }
}

#[test]
fn a_download_by_commit_is_never_taken_for_what_a_reference_has_moved_on_from() {
    let tree = Tree::new();
    let (old, main, pinned) = (commit('1'), commit('2'), commit('3'));
    for (name, commit) in [("old", &old), ("main", &main), ("pinned", &pinned)] {
        tree.snapshot(REPO, commit, &format!("{name}-Q4_0.gguf"), name, &format!("x={name}"));
    }
    tree.text(format!("{REPO}/refs/main"), &main);
    aged(&tree, &[&old, &main, &pinned]);
    let held = held(&tree);
    let class = |name: &str| at(&held, &tree.path(format!("{REPO}/blobs/{}", sha(name)))).class;
    assert_eq!(["old", "main", "pinned"].map(class), [Class::Superseded, Class::Referenced, Class::Referenced]);
}

#[test]
fn a_reference_that_llama_cpp_moved_on_without_a_download_makes_nothing_superseded() {
    let tree = Tree::new();
    tree.snapshot(REPO, &commit('1'), "t-Q4_0.gguf", "one", "x=1");
    tree.text(format!("{REPO}/refs/main"), &commit('9'));
    let held = held(&tree);
    let blob = at(&held, &tree.path(format!("{REPO}/blobs/{}", sha("one"))));
    assert_eq!(blob.class, Class::Referenced, "{}", blob.why);
    let dangling = at(&held, &tree.path(format!("{REPO}/refs")));
    assert_eq!(dangling.class, Class::Missing);
    assert_eq!(dangling.why, "`main` names snapshot 9999999, which is not here");
}

#[test]
fn orphans_broken_links_and_odd_references_are_told_one_by_one() {
    let tree = Tree::new();
    tree.snapshot(REPO, &commit('a'), "t-Q4_0.gguf", "one", "x=1");
    tree.text(format!("{REPO}/refs/main"), &commit('a'));
    tree.text(format!("{REPO}/refs/refs/pr/1"), &commit('a'));
    let orphan = tree.text(format!("{REPO}/blobs/{}", sha("orphan")), "left behind");
    let lost = tree.link(&format!("{REPO}/snapshots/{}/x.safetensors", commit('a')), "../../blobs/lost");
    let odd = tree.text(format!("{REPO}/refs/odd"), "no commit at all");
    let fifo = tree.fifo(&format!("{REPO}/blobs/{}", sha("fifo")));
    let temporary = tree.text(format!("{REPO}/blobs/.{}.0a1b2c3d.shared", sha("x")), "");
    let held = held(&tree);
    assert_eq!(
        (at(&held, &orphan).class, at(&held, &orphan).expected_sha256.clone()),
        (Class::Orphan, Some(sha("orphan")))
    );
    assert_eq!((at(&held, &lost).class, at(&held, &lost).files), (Class::Missing, 0));
    assert_eq!(at(&held, &odd).class, Class::Damaged);
    assert_eq!(at(&held, &fifo).why, "a FIFO, not a file among the blobs");
    assert_eq!(at(&held, &temporary).class, Class::Partial);
    let model = at(&held, &tree.path(format!("{REPO}/blobs/{}", sha("one"))));
    assert_eq!(model.why, "snapshot aaaaaaa (main, refs/pr/1) uses it as t-Q4_0.gguf");
}

#[test]
fn a_shared_payload_that_nobody_links_to_is_an_orphan_and_a_shared_one_is_counted_once() {
    let tree = Tree::new();
    tree.text("hub/blobs/.huggingface-shared-blobs", "1\n");
    let payload = tree.gguf(format!("hub/blobs/ab/{}", sha("xet")), "x=1");
    let orphan = tree.gguf(format!("hub/blobs/cd/{}", sha("gone")), "x=2");
    tree.text(format!("hub/blobs/ab/{}.refs", sha("xet")), "models--a--x/blobs/1\n");
    for repo in ["hub/models--a--x", "hub/models--b--x"] {
        tree.link(&format!("{repo}/blobs/{}", sha("lfs")), format!("../../blobs/ab/{}", sha("xet")));
        tree.link(&format!("{repo}/snapshots/{}/x-Q8_0.gguf", commit('1')), format!("../../blobs/{}", sha("lfs")));
    }
    let held = held(&tree);
    let shared: Vec<&Holding> = held.iter().filter(|h| h.path == payload).collect();
    assert_eq!(shared.len(), 1);
    assert_eq!((shared[0].class, shared[0].expected_sha256.clone()), (Class::Referenced, Some(sha("lfs"))));
    assert!(shared[0].why.ends_with("shared with 1 other repository"), "{}", shared[0].why);
    assert_eq!(at(&held, &orphan).class, Class::Orphan);

    // Seen from within one repository nothing is said of payloads: others may need them.
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("hub/models--a--x")]);
    assert!(super::trees::held(&report).iter().all(|h| h.class != Class::Orphan));
}

#[test]
fn the_chunk_cache_beside_a_hub_is_counted() {
    let tree = Tree::new();
    let chunk = tree.text("home/xet/https___cas-server/chunk-cache/a/b", "12345");
    tree.text("home/xet/logs/x.log", "1");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("home")]);
    let held = &report.outcome.surveys[0].holdings;
    assert_eq!((held.len(), held[0].class, held[0].files, held[0].size), (1, Class::SideCache, 2, 6), "{held:#?}");
    assert!(chunk.exists());
}

fn file(path: &str, print: &str, expected: Option<&str>, verified: Option<&str>) -> ModelFile {
    let identity = crate::model::FileIdentity { dev: 1, ino: path.len() as u64, size: 10, mtime_ns: 0, ctime_ns: 0 };
    ModelFile {
        model: crate::model::ModelId(path.to_owned()),
        name: path.to_owned(),
        store: crate::model::StoreKind::Dir,
        root: "/m".into(),
        state: crate::model::State::Ready,
        path: path.into(),
        entries: vec![path.into()],
        identity,
        allocated: 10,
        fault: None,
        finding: None,
        fingerprint: Some(print.to_owned()),
        expected_sha256: expected.map(str::to_owned),
        verified_sha256: verified.map(str::to_owned),
    }
}

fn groups(files: Vec<ModelFile>) -> Vec<(Sureness, Vec<PathBuf>)> {
    let rows: Vec<Stored> = stored(Vec::new(), files);
    same_content(&rows)
        .iter()
        .map(|g| (g.sureness, g.copies.iter().map(|c| c.holding.path.clone()).collect()))
        .collect()
}

#[test]
fn a_header_joins_copies_only_where_no_hash_contradicts() {
    let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
    let one = groups(vec![file("/m/a", "p", Some("h1"), None), file("/m/bb", "p", None, None)]);
    assert_eq!(one, [(Sureness::Header, paths(&["/m/a", "/m/bb"]))]);
    let sure = groups(vec![file("/m/a", "p", Some("h1"), Some("h1")), file("/m/bb", "p", None, Some("h1"))]);
    assert_eq!(sure, [(Sureness::Verified, paths(&["/m/a", "/m/bb"]))]);
    // Two fine-tunes with one header: the third copy could be of either.
    let both = groups(vec![
        file("/m/a", "p", Some("h1"), None),
        file("/m/bb", "p", Some("h2"), None),
        file("/m/ccc", "p", None, None),
    ]);
    assert_eq!(both, []);
}

#[test]
fn a_file_whose_hash_is_not_the_promised_one_is_damaged_and_a_copy_of_nothing() {
    let rows =
        stored(Vec::new(), vec![file("/m/a", "p", Some("h1"), Some("h2")), file("/m/bb", "q", Some("h1"), None)]);
    assert_eq!((rows[0].holding.class, rows[1].holding.class), (Class::Damaged, Class::Referenced));
    assert!(rows[0].holding.why.starts_with("its sha256 is h2, but its store declares h1"));
    assert!(same_content(&rows).is_empty());
}
