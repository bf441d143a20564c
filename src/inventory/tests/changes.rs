use super::trees::{Shelf, Tree};
use crate::inventory::ChangeKind;
use crate::model::{Fault, State};

#[test]
fn a_moved_file_keeps_its_id_and_settings_and_is_not_opened() {
    let tree = Tree::new();
    tree.gguf("m/dir/a.gguf", "x=1");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    shelf.models[0].settings.pinned = true;
    let before = shelf.models[0].clone();
    // A renamed folder leaves the files' inodes untouched.
    std::fs::rename(tree.path("m/dir"), tree.path("m/renamed")).unwrap();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!(report.changes[0].kind, ChangeKind::Moved { from: tree.path("m/dir/a.gguf") });
    assert_eq!((report.outcome.counts.moved, shelf.opened(), shelf.models.len()), (1, 0, 1));
    assert_eq!((&shelf.models[0].id, shelf.models[0].settings.pinned), (&before.id, true));
    // A renamed file has a new change time, so its header is read again.
    std::fs::rename(tree.path("m/renamed/a.gguf"), tree.path("m/b.gguf")).unwrap();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!((report.outcome.counts.moved, report.outcome.counts.gone), (1, 0));
    assert_eq!(shelf.named("b").id, before.id);
}

#[test]
fn a_file_copied_to_another_root_and_deleted_has_moved() {
    let tree = Tree::new();
    let old = tree.gguf("one/a.gguf", "x=1");
    tree.gguf("one/stays.gguf", "x=2");
    tree.dir("two");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("one"), &tree.path("two")]);
    let id = shelf.named("a").id.clone();
    std::fs::copy(&old, tree.path("two/a.gguf")).unwrap();
    let copied = shelf.scan(&[&tree.path("one"), &tree.path("two")]);
    assert_eq!((copied.outcome.counts.added, shelf.models.len()), (1, 3));
    assert_ne!(copied.changes[0].id, id);
    shelf.models.retain(|m| m.id != copied.changes[0].id);
    std::fs::remove_file(old).unwrap();
    let report = shelf.scan(&[&tree.path("one"), &tree.path("two")]);
    assert_eq!((report.outcome.counts.moved, report.outcome.counts.gone), (1, 0));
    assert_eq!(shelf.named("a").id, id);
}

#[test]
fn a_replaced_file_is_changed_and_a_deleted_one_gone_until_it_comes_back() {
    let tree = Tree::new();
    let a = tree.gguf("m/a.gguf", "x=1");
    tree.gguf("m/b.gguf", "x=2");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    let id = shelf.named("a").id.clone();
    tree.gguf("m/a.gguf", "x=1 and more");
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!((report.outcome.counts.changed, shelf.opened()), (1, 1));
    assert_eq!(report.changes[0].detail.as_deref(), Some("other content"));
    assert_eq!(shelf.named("a").id, id);

    std::fs::remove_file(&a).unwrap();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!((report.outcome.counts.gone, report.outcome.counts.unchanged), (1, 1));
    assert_eq!(shelf.named("a").state, State::Gone);
    let quiet = shelf.scan(&[&tree.path("m")]);
    assert_eq!((quiet.outcome.counts.gone, quiet.changes.len(), shelf.loads), (0, 0, 0));

    tree.gguf("m/sub/a.gguf", "x=1 and more");
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!((report.outcome.counts.added, shelf.models.len()), (1, 2));
    assert_eq!(shelf.named("a").id, id);
    assert!(report.changes[0].detail.as_deref().unwrap().starts_with("was at"));
}

#[test]
fn a_projector_that_finds_its_model_stops_being_a_row() {
    let tree = Tree::new();
    tree.gguf("m/mmproj-x-F16.gguf", "kind=mmproj out=8");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    tree.gguf("m/x-Q4_0.gguf", "width=8");
    let report = shelf.scan(&[&tree.path("m")]);
    assert!(shelf.named("x-Q4_0").mmproj().is_some());
    assert!(report.changes.iter().any(|c| c.detail.as_deref() == Some("now part of another model")));
    let quiet = shelf.scan(&[&tree.path("m")]);
    assert_eq!((quiet.changes.len(), shelf.loads), (0, 0));
    // The model goes; the projector is a row again, under its old id.
    std::fs::remove_file(tree.path("m/x-Q4_0.gguf")).unwrap();
    shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.named("mmproj-x-F16").state, State::Ready);
    assert_eq!(shelf.named("x-Q4_0").state, State::Gone);
}

#[test]
fn access_times_of_files_that_are_looked_at_by_their_bytes_do_not_move() {
    use super::trees::{commit, sha};
    use std::os::unix::fs::MetadataExt;
    let tree = Tree::new();
    tree.snapshot("hub/models--a--b", &commit('a'), "nameless", "n", "quant=F16");
    let blob = tree.path(format!("hub/models--a--b/blobs/{}", sha("n")));
    let main = tree.text("hub/models--a--b/refs/main", &commit('a'));
    tree.gguf(format!("hub/models--a--b/snapshots/{}/x.gguf", commit('b')), "x=1");
    let old = std::fs::FileTimes::new().set_accessed(std::time::UNIX_EPOCH);
    for path in [&blob, &main] {
        std::fs::File::options().write(true).open(path).unwrap().set_times(old).unwrap();
    }
    let roots = [crate::inventory::RootSpec {
        path: tree.path("hub"),
        store: None,
        named_by: crate::inventory::RootSource::Argument,
    }];
    crate::inventory::scan(crate::inventory::ScanRequest {
        roots: &roots,
        known: &[],
        stamps: &[],
        now: crate::clock::Timestamp(0),
        threads: 1,
        read: &|_| Err(Fault::damaged("left closed")),
        load: &mut |_| Ok(vec![]),
        progress: &|_| {},
        cancel: &std::sync::atomic::AtomicBool::new(false),
    })
    .unwrap();
    for path in [&blob, &main] {
        assert_eq!(std::fs::metadata(path).unwrap().atime(), 0, "{}", path.display());
    }
}

#[test]
fn a_change_in_one_folder_leaves_the_models_of_the_others_counted_and_closed() {
    let tree = Tree::new();
    for n in 0..5 {
        tree.gguf(format!("m/{n}/a{n}.gguf"), &format!("x={n}"));
    }
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    tree.gguf("m/3/new.gguf", "x=9");
    std::fs::remove_file(tree.path("m/4/a4.gguf")).unwrap();
    let report = shelf.scan(&[&tree.path("m")]);
    let counts = report.outcome.counts;
    assert_eq!((counts.added, counts.gone, counts.unchanged), (1, 1, 4));
    assert_eq!((shelf.opened(), shelf.loads, report.outcome.write.len()), (1, 1, 1));
}

#[test]
fn scanning_through_the_folder_above_is_no_change() {
    let tree = Tree::new();
    tree.gguf("m/sub/a.gguf", "x=1");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m/sub")]);
    tree.gguf("m/sub/b.gguf", "x=2");
    let report = shelf.scan(&[&tree.path("m")]);
    let counts = report.outcome.counts;
    assert_eq!((counts.added, counts.changed, counts.unchanged), (1, 0, 1));
    assert_eq!(shelf.named("a").root, tree.path("m/sub"));
}
