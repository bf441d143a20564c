//! Stores behind links are gone into as their owners go into them, and what lies outside of a root stays somebody else's.

use super::registries::{LIBRARY, Ollama, why};
use super::trees::{Shelf, Tree, commit, held_at, sha, skipped};
use crate::inventory::{PartRole, Wish, parts};
use crate::model::{Class, Model, State, StoreKind};
use std::path::Path;

const REPO: &str = "hub/models--o--r-GGUF";

fn wish(model: &Model) -> Wish {
    let paths = model.artifacts.iter().flat_map(|a| a.target.iter().chain([&a.path]).chain(&a.also)).cloned().collect();
    Wish { store: model.store, root: model.root.clone(), name: model.name.clone(), class: None, paths }
}

fn moved(from: &Path, to: &Path) {
    std::fs::rename(from, to).unwrap();
    std::os::unix::fs::symlink(to, from).unwrap();
}

#[test]
fn ollama_s_folders_are_gone_into_wherever_they_are_linked() {
    for part in ["manifests", "blobs", "manifests/registry.ollama.ai", "manifests/registry.ollama.ai/library/a"] {
        let store = Ollama::new();
        store.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1"), ("license", "MIT")]);
        store.pull(&format!("{LIBRARY}/b/1"), &[("model", "GGUF x=2")]);
        moved(&store.root().join(part), &store.tree.path("elsewhere"));
        let mut shelf = Shelf::default();
        let report = shelf.scan_as(&store.root(), StoreKind::Ollama);
        assert_eq!(shelf.names(), ["a:1", "b:1"], "{part}: {:#?}", report.skipped);
        assert_eq!(why(&report, &store.path_of("MIT")).0, Class::Referenced, "{part}");
        let again = shelf.scan_as(&store.root(), StoreKind::Ollama);
        assert_eq!((again.outcome.counts.unchanged, shelf.opened()), (2, 0), "{part}");
        // Found by the walk of a folder around it as well.
        let mut around = Shelf::default();
        around.scan(&[&store.tree.path("")]);
        assert_eq!(around.names(), ["a:1", "b:1"], "{part}");
        let found = parts(&[wish(shelf.named("a:1"))]).remove(0).unwrap();
        let outside = store.tree.path("elsewhere");
        assert!(found.iter().any(|p| p.path.starts_with(&outside)), "told by where it really is: {found:#?}");
    }
    let both = Ollama::new();
    both.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    for part in ["manifests", "blobs"] {
        moved(&both.root().join(part), &both.tree.path(format!("far-{part}")));
    }
    let mut shelf = Shelf::default();
    shelf.scan_as(&both.root(), StoreKind::Ollama);
    assert_eq!(shelf.names(), ["a:1"]);
}

#[test]
fn links_that_lead_back_end_and_one_that_leads_nowhere_makes_no_orphan() {
    let store = Ollama::new();
    store.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    let orphan = store.blob("GGUF left over");
    store.tree.link("models/manifests/loop", ".");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    assert_eq!(shelf.names(), ["a:1"]);
    assert_eq!(why(&report, &orphan).0, Class::Orphan);
    // The disk that this host's manifests are on is not mounted.
    store.tree.link("models/manifests/example.com", "/not/mounted");
    let report = shelf.scan(&[&store.root()]);
    assert_eq!(why(&report, &orphan), (Class::Referenced, "may be needed: not every manifest can be read"));
}

#[test]
fn manifests_of_a_store_that_was_moved_mean_the_blobs_that_were_moved_along() {
    let store = Ollama::new();
    let manifest = store.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    let text = std::fs::read_to_string(&manifest).unwrap();
    let blob = store.blob(&text);
    let newer = store.tree.path(format!("models/manifests-v2/{LIBRARY}/a/1"));
    std::fs::create_dir_all(newer.parent().unwrap()).unwrap();
    std::fs::remove_file(&manifest).unwrap();
    std::os::unix::fs::symlink(Path::new("/old/models/blobs").join(blob.file_name().unwrap()), &newer).unwrap();
    let mut shelf = Shelf::default();
    let report = shelf.scan_as(&store.root(), StoreKind::Ollama);
    assert_eq!(shelf.names(), ["a:1"]);
    assert_eq!(why(&report, &store.path_of("GGUF x=1")).0, Class::Referenced);
}

#[test]
fn shared_payloads_of_a_cache_that_was_moved_are_found_beside() {
    let tree = Tree::new();
    tree.text("hub/blobs/.huggingface-shared-blobs", "1\n");
    let payload = tree.gguf("hub/blobs/ab/abcd", "x=1");
    let blob = tree.link(&format!("{REPO}/blobs/{}", sha("m")), "/old/hub/blobs/ab/abcd");
    tree.link(&format!("{REPO}/snapshots/{}/m-Q4_K_M.gguf", commit('a')), format!("../../blobs/{}", sha("m")));
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("hub")]);
    assert_eq!((shelf.names(), shelf.models[0].state), (vec!["o/r-GGUF:Q4_K_M"], State::Ready));
    assert!(blob.is_symlink());
    assert_eq!(held_at(&report, &payload).0, Class::Referenced);
}

#[test]
fn a_blob_of_ollama_that_is_a_link_leads_to_a_file_that_stays_behind() {
    let store = Ollama::new();
    store.pull(&format!("{LIBRARY}/mine/1"), &[("model", "GGUF x=1")]);
    let blob = store.path_of("GGUF x=1");
    let own = store.tree.gguf("downloads/mine.gguf", "x=1");
    std::fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink(&own, &blob).unwrap();
    let mut shelf = Shelf::default();
    shelf.scan(&[&store.root()]);
    let mine = shelf.named("mine:1");
    assert_eq!((mine.state, mine.artifacts[0].target.as_ref()), (State::Ready, Some(&own)));
    let found = parts(&[wish(mine)]).remove(0).unwrap();
    let link = found.iter().find(|p| p.path == blob).unwrap();
    assert_eq!(link.role, PartRole::Beside);
    assert!(found.iter().all(|p| p.path != own), "{found:#?}");
}

#[test]
fn a_hub_cache_that_was_moved_means_the_blobs_that_were_moved_along() {
    let tree = Tree::new();
    let blob = tree.gguf(format!("{REPO}/blobs/{}", sha("m")), "x=1");
    tree.text(format!("{REPO}/refs/main"), &commit('a'));
    let entry = tree
        .link(&format!("{REPO}/snapshots/{}/m-Q4_K_M.gguf", commit('a')), format!("/old/{REPO}/blobs/{}", sha("m")));
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.names(), ["o/r-GGUF:Q4_K_M"]);
    let file = &shelf.models[0].artifacts[0];
    assert_eq!(
        (&file.path, file.target.as_ref(), file.expected_sha256.as_ref()),
        (&entry, Some(&blob), Some(&sha("m")))
    );
    assert_eq!(held_at(&report, &blob).0, Class::Referenced);
    let found = parts(&[wish(&shelf.models[0])]).remove(0).unwrap();
    assert!(found.iter().any(|p| p.path == blob && p.role == PartRole::Payload), "{found:#?}");
    // Back where it was, the link leads there again, and the blob here is a copy that nobody may call an orphan.
    let old = Tree::new();
    let original = old.gguf(format!("{REPO}/blobs/{}", sha("m")), "x=1");
    std::fs::remove_file(&entry).unwrap();
    std::os::unix::fs::symlink(&original, &entry).unwrap();
    let report = shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.models[0].artifacts[0].target.as_ref(), Some(&original));
    assert_eq!(held_at(&report, &blob).0, Class::Referenced);
}

#[test]
fn repositories_of_the_hub_and_their_folders_are_gone_into_through_links() {
    for part in ["", "/blobs", "/snapshots", "/refs"] {
        let tree = Tree::new();
        tree.snapshot(REPO, &commit('a'), "m-Q4_K_M.gguf", "m", "x=1");
        tree.text(format!("{REPO}/refs/main"), &commit('a'));
        let far = Tree::new();
        moved(&tree.path(format!("{REPO}{part}")), &far.path("far"));
        tree.snapshot("hub/models--o--other", &commit('b'), "n-Q4_K_M.gguf", "n", "x=2");
        let mut shelf = Shelf::default();
        let report = shelf.scan(&[&tree.path("hub")]);
        assert_eq!(shelf.names(), ["o/other:Q4_K_M", "o/r-GGUF:Q4_K_M"], "{part}: {:#?}", report.skipped);
        let model = shelf.named("o/r-GGUF:Q4_K_M");
        assert_eq!(model.artifacts[0].expected_sha256, Some(sha("m")));
        if part.is_empty() || part == "/blobs" {
            assert!(model.artifacts[0].target.as_ref().unwrap().starts_with(far.path("far")), "{part}");
        }
        let again = shelf.scan(&[&tree.path("hub")]);
        assert_eq!((again.outcome.counts.unchanged, again.changes.len()), (2, 0), "{part}");
        if part != "/refs" {
            let refused = parts(&[wish(shelf.named("o/r-GGUF:Q4_K_M"))]).remove(0).unwrap_err();
            assert!(refused.contains("is a link to"), "{refused}");
        }
    }
}

#[test]
fn a_linked_repository_that_the_walk_comes_to_anyway_is_listed_once() {
    let tree = Tree::new();
    tree.snapshot("big/models--o--r-GGUF", &commit('a'), "m-Q4_K_M.gguf", "m", "x=1");
    tree.dir("hub");
    tree.link(REPO, tree.path("big/models--o--r-GGUF"));
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("")]);
    assert_eq!(shelf.names(), ["o/r-GGUF:Q4_K_M"]);
}

#[test]
fn publishers_and_repositories_of_lm_studio_are_gone_into_through_links() {
    let tree = Tree::new();
    let far = Tree::new();
    let there = far.gguf("pub/R-GGUF/R-Q4_0.gguf", "x=1");
    far.gguf("pub/R-GGUF/deeper/still/no.gguf", "x=3");
    let repo = far.gguf("single/S-Q8_0.gguf", "x=2");
    tree.dir(".lmstudio/models/own");
    tree.link(".lmstudio/models/pub", far.path("pub"));
    tree.link(".lmstudio/models/own/S-GGUF", far.path("single"));
    let up = tree.link(".lmstudio/models/own/up", tree.path(".lmstudio"));
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(".lmstudio/models")]);
    assert_eq!(shelf.names(), ["own/S-GGUF:Q8_0", "pub/R-GGUF:Q4_0"]);
    assert_eq!(shelf.named("pub/R-GGUF:Q4_0").artifacts[0].target.as_ref(), Some(&there));
    assert_eq!(shelf.named("own/S-GGUF:Q8_0").artifacts[0].target.as_ref(), Some(&repo));
    assert!(skipped(&report, &up).starts_with("a link that leaves the root"), "{:#?}", report.skipped);
    let again = shelf.scan(&[&tree.path(".lmstudio/models")]);
    assert_eq!((again.outcome.counts.unchanged, shelf.opened()), (2, 0));
}
