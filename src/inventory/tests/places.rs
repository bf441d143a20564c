use super::trees::{Shelf, Tree};
use crate::clock::Timestamp;
use crate::failure::{Kind, classify};
use crate::inventory::{RootSource, RootSpec, ScanRequest, detect, scan};
use crate::model::{Fault, RootState, State, StoreKind};
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[test]
fn overlapping_roots_give_each_file_once() {
    let tree = Tree::new();
    tree.gguf("m/sub/a.gguf", "x=1");
    tree.gguf("m/b.gguf", "x=2");
    symlink(tree.path("m"), tree.path("alias")).unwrap();
    let mut shelf = Shelf::default();
    let roots = [tree.path("m/sub"), tree.path("alias"), tree.path("m"), tree.path("alias/sub")];
    let report = shelf.scan(&roots.each_ref().map(|p| p.as_path()));
    assert_eq!((shelf.names(), report.roots.len()), (vec!["a", "b"], 1));
    let inner = shelf.scan(&[&tree.path("m/sub")]);
    assert_eq!((inner.outcome.counts.unchanged, inner.outcome.counts.gone, shelf.loads), (1, 0, 0));
}

#[test]
fn an_empty_or_missing_root_loses_nothing() {
    let tree = Tree::new();
    let root = tree.dir("disk/models");
    tree.gguf("disk/models/a.gguf", "x=1");
    let mut shelf = Shelf::default();
    shelf.scan(&[&root]);
    // The volume goes: first the mount point stays, empty; then the mount point goes as well.
    std::fs::rename(&root, tree.path("disk/hidden")).unwrap();
    tree.dir("disk/models");
    let report = shelf.scan(&[&root]);
    assert_eq!(shelf.named("a").state, State::Unavailable);
    assert!(matches!(&report.roots[0].state, RootState::Unavailable { reason } if reason.contains("empty")));
    assert_eq!((report.outcome.counts.unavailable, report.changes.len()), (1, 1));
    std::fs::remove_dir(&root).unwrap();
    for named_by in [RootSource::Argument, RootSource::Default] {
        let report = shelf.try_scan(&[&root], named_by).unwrap();
        assert_eq!((report.outcome.counts.unavailable, report.changes.len()), (1, 0));
    }
    std::fs::rename(tree.path("disk/hidden"), &root).unwrap();
    let back = shelf.scan(&[&root]);
    assert_eq!(shelf.named("a").state, State::Ready);
    assert_eq!((back.outcome.counts.changed, back.changes[0].detail.as_deref()), (1, Some("available again")));
    assert_eq!(shelf.opened(), 0);
}

#[test]
fn a_cache_below_a_missing_root_is_unavailable_for_the_same_reason() {
    let tree = Tree::new();
    tree.snapshot("disk/hub/models--a--b", &super::trees::commit('a'), "x-Q4_0.gguf", "x", "x=1");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("disk")]);
    std::fs::rename(tree.path("disk"), tree.path("away")).unwrap();
    let report = shelf.scan(&[&tree.path("disk")]);
    let state = RootState::Unavailable { reason: "the root cannot be read: it does not exist".into() };
    assert_eq!(
        report.outcome.roots,
        [(tree.path("disk"), StoreKind::Dir, state.clone()), (tree.path("disk/hub"), StoreKind::Hf, state)]
    );
}

#[test]
fn an_unmounted_volume_inside_a_root_loses_nothing() {
    let tree = Tree::new();
    let file = tree.gguf("m/nas/x/a.gguf", "x=1");
    tree.gguf("m/b.gguf", "x=2");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    // As if `nas` had been another device.
    for model in shelf.models.iter_mut().filter(|m| m.name == "a") {
        model.artifacts[0].identity.dev += 1;
    }
    std::fs::remove_file(file).unwrap();
    std::fs::remove_dir(tree.path("m/nas/x")).unwrap();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!((report.outcome.counts.gone, report.outcome.counts.unavailable), (0, 1));
    assert_eq!(shelf.named("a").state, State::Unavailable);
}

#[test]
fn an_interrupted_scan_stops_at_once_and_gives_nothing_to_record() {
    let tree = Tree::new();
    for n in 0..50 {
        tree.gguf(format!("m/{n}.gguf"), "x=1");
    }
    let roots = [RootSpec { path: tree.path("m"), store: None, named_by: RootSource::Argument }];
    for early in [true, false] {
        let (cancel, opened) = (AtomicBool::new(early), AtomicUsize::new(0));
        let error = scan(ScanRequest {
            roots: &roots,
            known: &[],
            stamps: &[],
            now: Timestamp(0),
            threads: 1,
            read: &|_| {
                cancel.store(true, Ordering::Relaxed);
                opened.fetch_add(1, Ordering::Relaxed);
                Err(Fault::damaged("the last one"))
            },
            load: &mut |_| Ok(vec![]),
            progress: &|_| {},
            cancel: &cancel,
        })
        .unwrap_err();
        assert_eq!(classify(&error).0, Kind::Interrupted);
        assert_eq!(opened.into_inner(), usize::from(!early));
    }
}

#[test]
fn files_that_vanish_while_they_are_read_are_no_error() {
    let tree = Tree::new();
    let files = [tree.gguf("m/a.gguf", "x=1"), tree.gguf("m/b.gguf", "x=2")];
    let roots = [RootSpec { path: tree.path("m"), store: None, named_by: RootSource::Argument }];
    let report = scan(ScanRequest {
        roots: &roots,
        known: &[],
        stamps: &[],
        now: Timestamp(0),
        threads: 1,
        read: &|_| {
            for file in &files {
                let _ = std::fs::remove_file(file); // gone already the second time
            }
            Err(Fault::damaged("no such file"))
        },
        load: &mut |_| Ok(vec![]),
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })
    .unwrap();
    assert_eq!((report.outcome.write.len(), report.skipped.len()), (0, 0));
}

#[test]
fn a_cache_is_told_from_a_plain_folder() {
    let tree = Tree::new();
    tree.gguf("plain/a.gguf", "x=1");
    tree.text("target/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    tree.dir("hub/models--a--b/refs");
    tree.dir("named/models--a--b");
    for (path, store) in
        [("plain", StoreKind::Dir), ("target", StoreKind::Dir), ("hub", StoreKind::Hf), ("named", StoreKind::Dir)]
    {
        assert_eq!(detect(&tree.path(path)), store, "{path}");
    }
}

#[test]
fn what_lies_in_a_trash_is_no_model_and_no_holding() {
    let tree = Tree::new();
    tree.gguf("m/kept.gguf", "x=1");
    let mut shelf = Shelf::default();
    for trash in [".model_trash", ".model_trash-1000", "pub/.model_trash"] {
        tree.gguf(format!("m/{trash}/0123456789ab/files/0.gguf"), "x=2");
        tree.gguf(format!("m/{trash}/0123456789ab/files/1.gguf.part"), "x=2");
        let repo = format!("m/{trash}/0123456789ab/files/models--a--b");
        tree.snapshot(&repo, &super::trees::commit('a'), "x-Q4_0.gguf", "x", "x=3");
        for part in ["blobs", "manifests/registry.ollama.ai/library/x"] {
            tree.dir(&format!("m/{trash}/0123456789ab/files/2/{part}"));
        }
    }
    tree.gguf("m/.model_trash-mine/seen.gguf", "x=4");
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.names(), ["kept", "seen"]);
    let held: Vec<_> = super::trees::held(&report).into_iter().map(|h| h.path).collect();
    assert!(held.iter().all(|p| !p.iter().any(crate::model::is_trash)), "{held:?}");
    // Neither as the store of an owner.
    for store in [StoreKind::LmStudio, StoreKind::LlamaCpp] {
        let mut shelf = Shelf::default();
        shelf.scan_as(&tree.path("m"), store);
        assert_eq!(shelf.models.len(), 2, "{store:?}");
    }
}
