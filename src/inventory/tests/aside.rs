//! What was thrown away or is frozen: shown on request, a model to nobody.

use super::trees::{Shelf, Tree, commit, held, held_at, sha, skipped};
use crate::inventory::{same_content, stored};
use crate::model::{Class, State};

#[test]
fn what_lies_in_a_trash_or_a_snapshot_is_no_model_and_no_copy() {
    let tree = Tree::new();
    let live = tree.gguf("m/live/a.gguf", "x=1");
    let thrown: Vec<_> = [
        "m/.Trash-1000/files/a.gguf",
        "m/.Trash/1000/files/a.gguf",
        "m/$RECYCLE.BIN/S-1-5/a.gguf",
        "m/lost+found/#12/a.gguf",
        "m/.stversions/a~2026.gguf",
        "m/share/Trash/files/a.gguf",
        "m/.Trash-1000/files/b.gguf.part",
    ]
    .iter()
    .map(|path| tree.gguf(path, "x=1"))
    .collect();
    let frozen =
        [".snapshots/1/snapshot/m/a.gguf", ".zfs/snapshot/daily/a.gguf"].map(|p| tree.gguf(format!("m/{p}"), "x=1"));
    tree.text("m/.Trash-1000/files/photo.jpg", "no business of ours");
    // A repository of the hub that was thrown away: its bytes are behind links.
    tree.snapshot("m/.Trash-1000/files/models--o--r", &commit('a'), "r-Q4_0.gguf", "blob", "x=2");
    let blob = tree.path(format!("m/.Trash-1000/files/models--o--r/blobs/{}", sha("blob")));
    let into = tree.link("m/live/into.gguf", &thrown[0]);
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.names(), ["a"]);
    assert_eq!(shelf.models[0].artifacts[0].path, live);
    for path in thrown.iter().chain([&blob]) {
        assert_eq!(held_at(&report, path).0, Class::Trash, "{}", path.display());
    }
    for path in &frozen {
        assert_eq!(held_at(&report, path).0, Class::Snapshot, "{}", path.display());
    }
    assert_eq!(skipped(&report, &into), "a link to a file in a trash or a snapshot");
    assert_eq!(held(&report).len(), thrown.len() + frozen.len() + 1, "nothing else is told");
    let rows = stored(held(&report), Vec::new());
    assert!(same_content(&rows).is_empty());
}

#[test]
fn a_model_that_is_thrown_away_is_gone_and_comes_back_with_its_id() {
    let tree = Tree::new();
    let live = tree.gguf("m/a.gguf", "x=1");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    let id = shelf.models[0].id.clone();
    let trash = tree.dir("m/.Trash-0/files").join("a.gguf");
    std::fs::rename(&live, &trash).unwrap();
    shelf.scan(&[&tree.path("m")]);
    assert_eq!((shelf.models.len(), shelf.models[0].state), (1, State::Gone));
    std::fs::rename(&trash, &live).unwrap();
    shelf.scan(&[&tree.path("m")]);
    assert_eq!((&shelf.models[0].id, shelf.models[0].state), (&id, State::Ready));
}

#[test]
fn a_root_within_a_trash_says_so() {
    let tree = Tree::new();
    let thrown = tree.gguf("share/Trash/files/sub/a.gguf", "x=1");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("share/Trash/files/sub")]);
    assert!(shelf.names().is_empty());
    assert_eq!(held_at(&report, &thrown).0, Class::Trash);
    assert!(skipped(&report, &tree.path("share/Trash/files/sub")).contains("--class trash"));
}
