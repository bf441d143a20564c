use super::trees::{Shelf, Tree, commit, held, sha, skipped};
use crate::model::{Class, State, StoreKind};
use std::path::Path;

const REPO: &str = "hub/models--org--Tiny-GGUF";

#[test]
fn a_snapshot_entry_and_its_blob_are_one_file() {
    let tree = Tree::new();
    let entry = tree.snapshot(REPO, &commit('a'), "Tiny-Q4_K_M.gguf", "one", "x=1");
    tree.text(format!("{REPO}/refs/main"), &commit('a'));
    let partial = tree.text(format!("{REPO}/blobs/{}.0a1b2c3d.incomplete", sha("two")), "half");
    tree.text(format!("{REPO}/.no_exist/{}/x.json", commit('a')), "");
    tree.text("hub/.locks/models--org--Tiny-GGUF/x.lock", "");
    tree.text("hub/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("hub")]);
    let model = shelf.named("org/Tiny-GGUF:Q4_K_M");
    let file = &model.artifacts[0];
    assert_eq!((model.store, &model.root), (StoreKind::Hf, &tree.path("hub")));
    assert_eq!(model.repo.as_deref(), Some("org/Tiny-GGUF"));
    assert_eq!(file.path, entry);
    assert_eq!(file.target, Some(tree.path(format!("{REPO}/blobs/{}", sha("one")))));
    assert_eq!(file.expected_sha256, Some(sha("one")));
    let held: Vec<_> = held(&report).iter().map(|h| (h.class, h.path.clone(), h.files)).collect();
    let blob = tree.path(format!("{REPO}/blobs/{}", sha("one")));
    let expected = [
        (Class::SideCache, tree.path("hub/.locks"), 1),
        (Class::SideCache, tree.path(REPO), 2),
        (Class::Referenced, blob, 1),
        (Class::Partial, partial, 1),
    ];
    for row in &expected {
        assert!(held.contains(row), "{row:?} is not in {held:?}");
    }
    assert_eq!(held.len(), expected.len());
    assert_eq!(report.roots[0].store, StoreKind::Hf);
    let again = shelf.scan(&[&tree.path("hub")]);
    assert_eq!((again.outcome.counts.unchanged, shelf.opened(), shelf.loads), (1, 0, 0));
}

#[test]
fn the_chain_of_a_shared_blob_store_is_followed_and_its_middle_keeps_the_promise() {
    let tree = Tree::new();
    tree.text("hub/blobs/.huggingface-shared-blobs", "1\n");
    let payload = tree.gguf(format!("hub/blobs/ab/{}", sha("xet")), "x=1");
    for repo in ["hub/models--a--x", "hub/models--b--x"] {
        tree.link(&format!("{repo}/blobs/{}", sha("lfs")), format!("../../blobs/ab/{}", sha("xet")));
        tree.link(&format!("{repo}/snapshots/{}/x-Q8_0.gguf", commit('1')), format!("../../blobs/{}", sha("lfs")));
    }
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.names(), ["a/x:Q8_0", "b/x:Q8_0"]);
    for model in &shelf.models {
        assert_eq!(model.artifacts[0].target.as_ref(), Some(&payload));
        assert_eq!(model.artifacts[0].expected_sha256, Some(sha("lfs")));
    }
    assert_ne!(shelf.models[0].id, shelf.models[1].id);
}

#[test]
fn of_several_snapshots_the_one_of_main_speaks_and_older_files_say_their_revision() {
    let tree = Tree::new();
    let (old, new) = (commit('1'), commit('2'));
    let in_old = tree.snapshot(REPO, &old, "t-Q4_0.gguf", "same", "x=1");
    tree.snapshot(REPO, &old, "t-Q8_0.gguf", "before", "x=2");
    tree.snapshot(REPO, &new, "t-Q8_0.gguf", "after", "x=3");
    let in_new = tree.link(&format!("{REPO}/snapshots/{new}/t-Q4_0.gguf"), format!("../../blobs/{}", sha("same")));
    tree.text(format!("{REPO}/refs/main"), &new);
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.names(), ["org/Tiny-GGUF:Q4_0", "org/Tiny-GGUF:Q8_0", "org/Tiny-GGUF:Q8_0@1111111"]);
    let file = &shelf.named("org/Tiny-GGUF:Q4_0").artifacts[0];
    assert_eq!((&file.path, &file.also), (&in_new, &vec![in_old.clone()]));

    // Another snapshot comes to hold the file.
    let in_third =
        tree.link(&format!("{REPO}/snapshots/{}/t-Q4_0.gguf", commit('3')), format!("../../blobs/{}", sha("same")));
    shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.named("org/Tiny-GGUF:Q4_0").artifacts[0].also, [in_old.clone(), in_third]);
    assert_eq!(shelf.opened(), 0);

    // main goes back: the same files, other entries.
    tree.text(format!("{REPO}/refs/main"), &old);
    let report = shelf.scan(&[&tree.path("hub")]);
    let counts = report.outcome.counts;
    assert_eq!((counts.added, counts.gone, counts.moved, shelf.opened()), (0, 0, 0, 0));
    assert_eq!(shelf.named("org/Tiny-GGUF:Q4_0").artifacts[0].path, in_old);
}

#[test]
fn a_set_stays_whole_when_the_newest_snapshot_has_only_a_part_of_it() {
    let tree = Tree::new();
    for no in [1, 2] {
        let about = format!("split={}/2", no - 1);
        tree.snapshot(REPO, &commit('1'), &format!("b-0000{no}-of-00002.gguf"), &format!("p{no}"), &about);
    }
    tree.link(&format!("{REPO}/snapshots/{}/b-00001-of-00002.gguf", commit('2')), format!("../../blobs/{}", sha("p1")));
    tree.text(format!("{REPO}/refs/main"), &commit('2'));
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.models.len(), 1);
    assert_eq!(shelf.models[0].state, State::Ready, "{:?}", shelf.models[0].reason);
}

#[test]
fn broken_and_hostile_layouts_are_explained_and_cost_nothing_else() {
    let tree = Tree::new();
    tree.snapshot(REPO, &commit('a'), "good-Q4_0.gguf", "good", "x=1");
    tree.link(&format!("{REPO}/snapshots/{}/lost-Q8_0.gguf", commit('a')), format!("../../blobs/{}", sha("lost")));
    tree.gguf("secret/s.gguf", "x=2");
    let leaving = tree.link(&format!("{REPO}/snapshots/{}/s.gguf", commit('a')), tree.path("secret/s.gguf"));
    let ring = tree.link(&format!("{REPO}/snapshots/{}/ring.gguf", commit('a')), "ring.gguf");
    tree.link(&format!("{REPO}/snapshots/{}/dir", commit('a')), "/usr");
    tree.dir("hub/models--refs--only/refs");
    tree.snapshot("hub/models--..--x", &commit('b'), "x.gguf", "x", "x=3");
    let away = tree.link("hub/models--moved--away", tree.path("secret"));
    tree.dir("hub/models--link--blobs/snapshots");
    let blobs = tree.link("hub/models--link--blobs/blobs", tree.path("secret"));
    tree.gguf("hub/loose.gguf", "x=4");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("hub")]);
    assert_eq!(
        shelf.names(),
        ["loose", "models--..--x:x", "org/Tiny-GGUF:Q4_0", "org/Tiny-GGUF:lost-Q8_0", "org/Tiny-GGUF:s"]
    );
    assert_eq!(
        shelf.named("org/Tiny-GGUF:s").artifacts[0].target,
        Some(tree.path("secret/s.gguf")),
        "as its owner does"
    );
    let lost = shelf.named("org/Tiny-GGUF:lost-Q8_0");
    assert_eq!((lost.state, lost.reason.as_deref()), (State::Damaged, Some("a link to a missing blob")));
    assert!(skipped(&report, &away).starts_with("a link that leaves the root: scan it with `modelctl scan "));
    assert!(report.skipped.iter().all(|s| s.path != leaving && s.path != blobs), "{:#?}", report.skipped);
    assert_eq!(skipped(&report, &ring), "a link that points to itself");
    assert_eq!(shelf.scan(&[&tree.path("hub")]).outcome.counts.unchanged, 5);
    assert_eq!(shelf.opened(), 0);
    // The blob comes back.
    tree.gguf(format!("{REPO}/blobs/{}", sha("lost")), "x=5");
    shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.named("org/Tiny-GGUF:Q8_0").state, State::Ready);
}

#[test]
fn real_files_in_snapshots_and_models_without_the_extension_are_found() {
    let tree = Tree::new();
    tree.gguf(format!("{REPO}/snapshots/{}/sub/t-Q4_0.gguf", commit('a')), "x=1");
    tree.snapshot(REPO, &commit('a'), "weights-without-name", "w", "kind=generative quant=F16");
    tree.snapshot(REPO, &commit('a'), "config.json", "c", "never looked at");
    tree.text(format!("{REPO}/blobs/{}", sha("n")), "something else");
    tree.link(&format!("{REPO}/snapshots/{}/other-thing", commit('a')), format!("../../blobs/{}", sha("n")));
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("hub")]);
    assert_eq!(shelf.names(), ["org/Tiny-GGUF:F16", "org/Tiny-GGUF:Q4_0"]);
}

#[test]
fn a_cache_inside_a_plain_root_and_a_root_inside_a_cache_follow_the_rules_of_the_cache() {
    let tree = Tree::new();
    let entry = tree.snapshot(&format!("home/.cache/{REPO}"), &commit('a'), "t-Q4_0.gguf", "one", "x=1");
    tree.gguf("home/own.gguf", "x=2");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("home")]);
    assert_eq!(shelf.names(), ["org/Tiny-GGUF:Q4_0", "own"]);
    assert_eq!(shelf.named("org/Tiny-GGUF:Q4_0").root, tree.path("home/.cache/hub"));
    let roots: Vec<&Path> = report.outcome.roots.iter().map(|(p, _, _)| p.as_path()).collect();
    assert_eq!(roots, [tree.path("home"), tree.path("home/.cache/hub")]);
    for inner in ["home/.cache/hub".into(), format!("home/.cache/{REPO}"), format!("home/.cache/{REPO}/blobs")] {
        let report = shelf.scan(&[&tree.path(inner)]);
        assert_eq!((report.outcome.counts.unchanged, report.changes.len(), shelf.opened()), (1, 0, 0));
    }
    let mut fresh = Shelf::default();
    fresh.scan(&[entry.parent().unwrap()]);
    assert_eq!(fresh.names(), ["org/Tiny-GGUF:Q4_0"]);
    assert_eq!(fresh.models[0].artifacts[0].path, entry);
}
