//! Repositories that are not read again because nothing in them has changed, and all that counts as a change.

use super::trees::{Shelf, Tree, commit, held, read, sha};
use crate::clock::{self, Timestamp};
use crate::db::{Access, Db};
use crate::inventory::{RootSource, RootSpec, ScanReport, ScanRequest, scan};
use crate::model::{Artifact, Class, FolderStamp, Holding, KnownFile, Model, State};
use proptest::prelude::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

const REPO: &str = "hub/models--org--Tiny-GGUF";
const OTHER: &str = "hub/models--org--Other-GGUF";

/// A tree with a database, both real.
struct World {
    tree: Tree,
    db: Db,
}

impl World {
    fn new() -> World {
        let tree = Tree::new();
        tree.dir("hub");
        let db = Db::open(&tree.path("db/modelctl.db"), Access::ReadWrite).unwrap();
        World { tree, db }
    }

    /// Two repositories with a model each, scanned once.
    fn scanned() -> World {
        let mut world = World::new();
        for repo in [REPO, OTHER] {
            world.tree.snapshot(repo, &commit('a'), "t-Q4_0.gguf", repo, &format!("x={}", repo.len()));
            world.tree.text(format!("{repo}/refs/main"), &commit('a'));
        }
        let report = world.scan();
        assert_eq!((report.outcome.counts.added, read_again(&report).len()), (2, 2));
        world
    }

    /// Scans so much later that nothing is too young to be trusted. Whatever is done next gets another time.
    fn scan(&mut self) -> ScanReport {
        let later = Timestamp(clock::now().millis() + 10_000);
        let report = self.scan_at(later);
        self.tick();
        report
    }

    fn scan_at(&mut self, now: Timestamp) -> ScanReport {
        let stamps = self.db.stamps().unwrap();
        self.scan_with(now, &stamps)
    }

    fn scan_with(&mut self, now: Timestamp, stamps: &[FolderStamp]) -> ScanReport {
        let report = self.look(now, &self.db.known_files().unwrap(), stamps);
        self.db.record_scan(&report.outcome, now).unwrap();
        report
    }

    /// A scan that is not recorded yet.
    fn look(&self, now: Timestamp, known: &[KnownFile], stamps: &[FolderStamp]) -> ScanReport {
        let roots = [RootSpec { path: self.tree.path("hub"), store: None, named_by: RootSource::Argument }];
        scan(ScanRequest {
            roots: &roots,
            known,
            stamps,
            now,
            threads: 2,
            read: &read,
            load: &mut |roots| self.db.models_in(roots),
            progress: &|_| {},
            cancel: &AtomicBool::new(false),
        })
        .unwrap()
    }

    /// Waits until the clock of the file system has moved on.
    fn tick(&self) {
        let probe = self.tree.path("probe");
        let time = || {
            std::fs::write(&probe, "").unwrap();
            let meta = std::fs::metadata(&probe).unwrap();
            (meta.ctime(), meta.ctime_nsec())
        };
        let (start, before) = (clock::instant(), time());
        while time() == before {
            assert!(start.elapsed() < Duration::from_secs(5), "the clock of the file system stands still");
            std::thread::yield_now();
        }
    }

    /// What is known is what somebody sees who looks for the first time.
    #[track_caller]
    fn assert_all_true(&self) {
        let mut fresh = Shelf::default();
        let report = fresh.scan(&[&self.tree.path("hub")]);
        let mine = self.db.models(None).unwrap();
        assert_eq!(facts_of(&mine), facts_of(&fresh.models));
        let mut holdings = self.db.holdings().unwrap();
        let order = |h: &Holding| (h.path.clone(), h.class, h.why.clone());
        holdings.sort_by_key(order);
        let mut expected = held(&report);
        expected.sort_by_key(order);
        assert_eq!(holdings, expected);
    }
}

/// All of a model but its id and its history, by path. What is gone does not count.
fn facts_of(models: &[Model]) -> Vec<(String, State, Option<String>, Vec<Artifact>)> {
    let there = models.iter().filter(|m| m.state != State::Gone);
    let mut all: Vec<_> = there.map(|m| (m.name.clone(), m.state, m.reason.clone(), m.artifacts.clone())).collect();
    all.sort_by(|a, b| a.3.iter().map(|f| &f.path).cmp(b.3.iter().map(|f| &f.path)));
    all
}

/// The repositories that a scan looked into.
fn read_again(report: &ScanReport) -> Vec<PathBuf> {
    report.outcome.surveys.iter().filter(|s| s.is_apart).map(|s| s.folder.clone()).collect()
}

#[test]
fn an_unchanged_repository_is_not_read_and_keeps_its_models_and_its_bytes() {
    let mut world = World::scanned();
    let before = (world.db.models(None).unwrap(), world.db.holdings().unwrap());
    let report = world.scan();
    assert_eq!(read_again(&report), Vec::<PathBuf>::new());
    assert_eq!((report.outcome.counts.unchanged, report.roots[0].files, report.changes.len()), (2, 2, 0));
    assert_eq!((world.db.models(None).unwrap(), world.db.holdings().unwrap()), before);
    world.assert_all_true();
    // One changes: the other one is not read again while the models of both are around.
    world.tree.snapshot(REPO, &commit('a'), "t-Q8_0.gguf", "more", "x=more");
    let report = world.scan();
    assert_eq!(read_again(&report), [world.tree.path(REPO)]);
    assert_eq!((report.outcome.counts.unchanged, report.outcome.counts.added), (2, 1));
    world.assert_all_true();
    // Without stamps everything is read, and nothing comes of it.
    let report = world.scan_with(clock::now(), &[]);
    assert_eq!((read_again(&report).len(), report.outcome.counts.unchanged), (2, 3));
}

#[test]
fn every_change_in_a_settled_repository_is_noticed() {
    type Change = fn(&Tree);
    let blob = |tree: &Tree| tree.path(format!("{REPO}/blobs/{}", sha(REPO)));
    let changes: [(&str, Change); 14] = [
        ("a model comes", |t| drop(t.snapshot(REPO, &commit('a'), "new-Q8_0.gguf", "new", "x=new"))),
        ("a model comes in a folder of a snapshot", |t| {
            drop(t.snapshot(REPO, &commit('a'), "sub/new-Q8_0.gguf", "new", "x=new"));
        }),
        ("an entry goes", |t| {
            std::fs::remove_file(t.path(format!("{REPO}/snapshots/{}/t-Q4_0.gguf", commit('a')))).unwrap()
        }),
        ("an entry is renamed", |t| {
            let at = |name: &str| t.path(format!("{REPO}/snapshots/{}/{name}", commit('a')));
            std::fs::rename(at("t-Q4_0.gguf"), at("u-Q4_0.gguf")).unwrap();
        }),
        ("a blob goes", |t| std::fs::remove_file(t.path(format!("{REPO}/blobs/{}", sha(REPO)))).unwrap()),
        ("a blob is replaced", |t| {
            let other = t.gguf("other", "x=other");
            std::fs::rename(other, t.path(format!("{REPO}/blobs/{}", sha(REPO)))).unwrap();
        }),
        ("a blob is cut in place", |t| {
            let file = std::fs::File::options().write(true).open(t.path(format!("{REPO}/blobs/{}", sha(REPO))));
            file.unwrap().set_len(4).unwrap();
        }),
        ("a blob gets another name elsewhere", |t| {
            std::fs::hard_link(t.path(format!("{REPO}/blobs/{}", sha(REPO))), t.path("elsewhere")).unwrap();
        }),
        ("an orphan comes", |t| drop(t.text(format!("{REPO}/blobs/{}", sha("orphan")), "left behind"))),
        ("a snapshot comes", |t| drop(t.link(&format!("{REPO}/snapshots/{}/x.json", commit('b')), "../../blobs/x"))),
        ("a reference is moved", |t| drop(t.text(format!("{REPO}/refs/main"), &commit('b')))),
        ("a reference comes", |t| drop(t.text(format!("{REPO}/refs/pr/1"), &commit('a')))),
        ("a marker comes", |t| drop(t.text(format!("{REPO}/.no_exist/{}/x", commit('a')), ""))),
        ("the repository goes", |t| std::fs::remove_dir_all(t.path(REPO)).unwrap()),
    ];
    for (what, change) in changes {
        let mut world = World::scanned();
        assert!(blob(&world.tree).exists());
        change(&world.tree);
        let report = world.scan();
        let there = world.tree.path(REPO).exists();
        assert_eq!(read_again(&report).len(), usize::from(there), "{what}");
        world.assert_all_true();
        assert!(!read_again(&world.scan()).contains(&world.tree.path(OTHER)), "{what}");
    }
}

#[test]
fn a_download_that_grows_is_seen_growing() {
    let mut world = World::scanned();
    let partial = world.tree.text(format!("{REPO}/blobs/{}.0a1b2c3d.incomplete", sha("two")), "half");
    world.scan();
    assert!(read_again(&world.scan()).is_empty());
    std::fs::write(&partial, "half and more").unwrap();
    world.scan();
    let held = world.db.holdings().unwrap();
    let row = held.iter().find(|h| h.path == partial).unwrap();
    assert_eq!((row.class, row.size), (Class::Partial, 13));
}

#[test]
fn a_repository_whose_models_the_database_does_not_have_as_they_were_found_is_read_again() {
    let world = World::scanned();
    let (known, stamps) = (world.db.known_files().unwrap(), world.db.stamps().unwrap());
    let later = Timestamp(clock::now().millis() + 10_000);
    assert!(read_again(&world.look(later, &known, &stamps)).is_empty());
    let there = |f: &&KnownFile| f.path.starts_with(world.tree.path(REPO));
    let others = || known.iter().filter(|f| !there(f)).cloned();
    let one = || known.iter().find(there).unwrap().clone();
    let mut touched = one();
    touched.identity.ctime_ns += 1;
    let elsewhere = KnownFile { target: None, ..one() };
    for (what, mine) in [
        ("lost", vec![]),
        ("gone", vec![KnownFile { present: false, ..one() }]),
        ("touched since", vec![touched.clone()]),
        ("behind another link", vec![elsewhere]),
        ("twice", vec![one(), touched]),
    ] {
        let known: Vec<KnownFile> = others().chain(mine).collect();
        assert_eq!(read_again(&world.look(later, &known, &stamps)), [world.tree.path(REPO)], "{what}");
    }
    // A file of two models is one file.
    let twice: Vec<KnownFile> = known.iter().cloned().chain([one()]).collect();
    assert!(read_again(&world.look(later, &twice, &stamps)).is_empty());
}

#[test]
fn a_stamp_that_does_not_read_as_one_settles_nothing() {
    let world = World::scanned();
    let (known, stamps) = (world.db.known_files().unwrap(), world.db.stamps().unwrap());
    let broken = |change: &dyn Fn(&mut FolderStamp)| -> usize {
        let mut stamps = stamps.clone();
        stamps.iter_mut().for_each(change);
        read_again(&world.look(clock::now(), &known, &stamps)).len()
    };
    assert_eq!(broken(&|_| {}), 0);
    assert_eq!(broken(&|s| s.format += 1), 2);
    assert_eq!(broken(&|s| s.known.clear()), 2);
    assert_eq!(broken(&|s| s.entries.push(0)), 2);
    assert_eq!(broken(&|s| s.entries.insert(0, 0xff)), 2);
    for length in [1, 2, 3, 50, 60] {
        assert_eq!(broken(&|s| s.entries.truncate(length)), 2, "{length}");
    }
}

#[test]
fn what_changed_a_moment_before_the_scan_is_not_trusted() {
    let mut world = World::scanned();
    let again = world.tree.text(format!("{REPO}/refs/main"), &commit('a'));
    let changed = std::fs::metadata(&again).unwrap();
    let changed = Timestamp(changed.ctime() * 1_000 + changed.ctime_nsec() / 1_000_000);
    let after = |ms: i64| Timestamp(changed.millis() + ms);
    // Also not when the clock was set back meanwhile.
    for early in [after(1_990), after(-3_600_000)] {
        world.scan_at(early);
        assert_eq!(read_again(&world.scan_at(early)), [world.tree.path(REPO)]);
    }
    world.scan_at(after(2_010));
    assert!(read_again(&world.scan_at(after(2_010))).is_empty());
}

#[test]
fn of_two_scans_at_once_the_slower_one_settles_nothing_that_it_has_not_seen() {
    let mut world = World::scanned();
    let later = Timestamp(clock::now().millis() + 10_000);
    world.tree.snapshot(REPO, &commit('a'), "b-Q8_0.gguf", "b", "x=b");
    let slow = world.look(later, &world.db.known_files().unwrap(), &world.db.stamps().unwrap());
    world.tick();
    world.tree.snapshot(REPO, &commit('a'), "c-Q8_0.gguf", "c", "x=c");
    std::fs::remove_file(world.tree.path(format!("{REPO}/snapshots/{}/b-Q8_0.gguf", commit('a')))).unwrap();
    world.scan();
    world.db.record_scan(&slow.outcome, later).unwrap();
    assert_eq!(read_again(&world.scan()), [world.tree.path(REPO)]);
    world.assert_all_true();
    // One that had seen the repository before the other one changed what is known of it.
    let base = world.look(later, &world.db.known_files().unwrap(), &[]);
    std::fs::write(world.tree.path(format!("{REPO}/blobs/{}", sha("c"))), "GGUF x=changed").unwrap();
    world.scan();
    world.db.record_scan(&base.outcome, later).unwrap();
    world.scan();
    world.assert_all_true();
}

#[test]
fn a_folder_that_cannot_be_read_is_not_settled_and_not_lost() {
    let mut world = World::scanned();
    let snapshots = world.tree.path(format!("{REPO}/snapshots"));
    std::fs::set_permissions(&snapshots, std::fs::Permissions::from_mode(0o000)).unwrap();
    let _ordinary = crate::testing::OrdinaryRights::new();
    let reports = [world.scan(), world.scan()];
    std::fs::set_permissions(&snapshots, std::fs::Permissions::from_mode(0o755)).unwrap();
    for report in &reports {
        assert_eq!(read_again(report), [world.tree.path(REPO)]);
        assert_eq!((report.outcome.counts.gone, report.outcome.counts.unavailable), (0, 1));
    }
    world.scan();
    world.assert_all_true();
}

#[test]
fn odd_repositories_and_those_that_share_payloads_are_always_read() {
    let mut world = World::scanned();
    let tree = &world.tree;
    tree.link(&format!("{REPO}/snapshots/{}/lost-Q8_0.gguf", commit('a')), format!("../../blobs/{}", sha("lost")));
    tree.text("hub/blobs/.huggingface-shared-blobs", "1\n");
    tree.gguf(format!("hub/blobs/ab/{}", sha("xet")), "x=1");
    tree.link(&format!("{OTHER}/blobs/{}", sha("lfs")), format!("../../blobs/ab/{}", sha("xet")));
    tree.link(&format!("{OTHER}/snapshots/{}/x-Q8_0.gguf", commit('a')), format!("../../blobs/{}", sha("lfs")));
    world.scan();
    for _ in 0..2 {
        assert_eq!(read_again(&world.scan()).len(), 2);
        world.assert_all_true();
    }
}

#[test]
fn a_reference_that_is_moved_back_gives_the_models_their_names() {
    let tree = Tree::new();
    for (digit, name) in [('1', "one"), ('2', "two")] {
        tree.snapshot(REPO, &commit(digit), &format!("{name}-Q4_0.gguf"), name, &format!("x={name}"));
    }
    let mut shelf = Shelf::default();
    for digit in ['1', '2', '1'] {
        tree.text(format!("{REPO}/refs/main"), &commit(digit));
        shelf.scan(&[&tree.path("hub")]);
        let mut fresh = Shelf::default();
        fresh.scan(&[&tree.path("hub")]);
        assert_eq!(shelf.names(), fresh.names());
    }
    // The same references again cost no look into what is known.
    shelf.scan(&[&tree.path("hub")]);
    assert_eq!((shelf.loads, shelf.opened()), (0, 0));
}

#[test]
fn a_repository_that_has_become_a_plain_folder_is_walked_as_one() {
    let mut world = World::scanned();
    let blob = world.tree.path(format!("{REPO}/blobs/{}", sha(REPO)));
    std::fs::rename(blob, world.tree.path(format!("{REPO}/loose.gguf"))).unwrap();
    for part in ["snapshots", "blobs", "refs"] {
        std::fs::remove_dir_all(world.tree.path(format!("{REPO}/{part}"))).unwrap();
    }
    world.scan();
    world.assert_all_true();
    assert!(read_again(&world.scan()).is_empty());
    world.assert_all_true();
}

/// One thing that happens to a repository: what, to which of a few things, and with which content.
fn happen(tree: &Tree, (what, repo, thing, content): (u8, u8, u8, u8)) {
    let name = ["a", "b", "c"][usize::from(repo % 3)];
    let repo = format!("hub/models--org--{name}");
    let digit = ['1', '2'][usize::from(content % 2)];
    let commit = commit(digit);
    let file = format!("m{thing}-Q4_0.gguf");
    let blob = tree.path(format!("{repo}/blobs/{}", sha(&format!("{thing}"))));
    let entry = tree.path(format!("{repo}/snapshots/{commit}/{file}"));
    // What is not there cannot be changed: nothing happens then.
    let gone = |result: std::io::Result<()>| drop(result);
    match what {
        0..3 => {
            if !entry.exists() && std::fs::symlink_metadata(&entry).is_err() {
                tree.snapshot(&repo, &commit, &file, &format!("{thing}"), &format!("x={content}"));
            }
        }
        3 => gone(std::fs::remove_file(&entry)),
        4 => gone(std::fs::remove_file(&blob)),
        5 => gone(std::fs::File::options().write(true).open(&blob).and_then(|f| f.set_len(4 + u64::from(content)))),
        6 => drop(tree.text(format!("{repo}/refs/main"), &commit)),
        7 => gone(std::fs::rename(&entry, entry.with_file_name(format!("r{thing}-Q8_0.gguf")))),
        8 => drop(tree.text(format!("{repo}/blobs/{}.0a.incomplete", sha("p")), &"x".repeat(content.into()))),
        9 => drop(tree.text(format!("{repo}/blobs/{}", sha(&format!("orphan {thing}"))), "left")),
        10 => gone(std::fs::remove_dir_all(tree.path(&repo))),
        11 => gone(std::fs::rename(tree.path(&repo), tree.path("hub/models--org--moved"))),
        12 => drop(tree.text(format!("{repo}/refs/odd{thing}"), "no commit")),
        13 => drop(tree.gguf(format!("{repo}/snapshots/{commit}/own{thing}.gguf"), &format!("x={content}"))),
        14 => {
            let tree_of = format!(
                r#"{{"format_version":1,"files":{{"own{thing}.gguf":{{"lfs_sha256":"{}"}}}}}}"#,
                sha(&format!("{content}"))
            );
            drop(tree.text(format!("{repo}/trees/{commit}.json"), &tree_of));
        }
        15 => {
            let link = tree.path(format!("{repo}/snapshots/{commit}/README.md"));
            if std::fs::symlink_metadata(&link).is_err() {
                tree.text(format!("{repo}/blobs/{}", &sha("readme")[..40]), "# A model");
                tree.link(
                    &format!("{repo}/snapshots/{commit}/README.md"),
                    format!("../../blobs/{}", &sha("readme")[..40]),
                );
            }
        }
        _ => gone(std::fs::remove_dir_all(tree.path(format!("{repo}/snapshots/{commit}")))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_hub_a_scan_knows_what_a_first_one_would(
        rounds in prop::collection::vec(prop::collection::vec((0u8..17, 0u8..3, 0u8..3, 0u8..4), 1..6), 1..5),
    ) {
        let mut world = World::new();
        world.tree.text("hub/CACHEDIR.TAG", "a cache");
        for round in rounds {
            for event in round {
                happen(&world.tree, event);
            }
            world.scan();
            world.assert_all_true();
        }
    }
}
