//! Caches as llama.cpp writes them, before and after it took to the layout of the hub.

use super::trees::{Shelf, Tree, commit, held, held_at, sha, skipped};
use crate::model::{Class, State, StoreKind};
use std::path::PathBuf;

const CACHE: &str = ".cache/llama.cpp";

struct Manifest<'a> {
    repo: &'a str,
    tag: &'a str,
    file: &'a str,
    sha256: &'a str,
    size: u64,
    mmproj: Option<&'a str>,
}

impl Manifest<'_> {
    fn write(&self, tree: &Tree) -> PathBuf {
        let mut json = serde_json::json!({
            "ggufFile": {"rfilename": self.file, "size": self.size, "lfs": {"sha256": self.sha256, "size": self.size}},
            "chat_template": "{{ messages }}",
        });
        if let Some(mmproj) = self.mmproj {
            json["mmprojFile"] = serde_json::json!({"rfilename": mmproj, "lfs": {"sha256": sha(mmproj)}});
        }
        let name = format!("manifest={}={}.json", self.repo.replace('/', "="), self.tag);
        tree.text(format!("{CACHE}/{name}"), &json.to_string())
    }
}

fn manifest<'a>(repo: &'a str, tag: &'a str, file: &'a str, sha256: &'a str) -> Manifest<'a> {
    Manifest { repo, tag, file, sha256, size: 10, mmproj: None }
}

#[test]
fn manifests_name_the_files_and_keep_their_promises() {
    let tree = Tree::new();
    Manifest { mmproj: Some("mmproj-F16.gguf"), ..manifest("org/A_b-GGUF", "Q4_0", "sub/A-Q4_0.gguf", &sha("a")) }
        .write(&tree);
    manifest("org/A_b-GGUF", "latest", "sub/A-Q4_0.gguf", &sha("a")).write(&tree);
    let model = tree.gguf(format!("{CACHE}/org_A_b-GGUF_sub_A-Q4_0.gguf"), "x=1 quant=Q4_0 width=8");
    let eye = tree.gguf(format!("{CACHE}/org_A_b-GGUF_mmproj-F16.gguf"), "kind=mmproj out=8");
    tree.text(format!("{CACHE}/org_A_b-GGUF_sub_A-Q4_0.gguf.etag"), "\"e\"");
    tree.text(format!("{CACHE}/org_A_b-GGUF_mmproj-F16.gguf.json"), "{}");
    let by_url = tree.gguf(format!("{CACHE}/from-url-Q8_0.gguf"), "x=2 width=8");
    tree.text(format!("{CACHE}/org_A_b-GGUF_preset.ini"), "[x]");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("")]);
    assert_eq!(shelf.names(), ["from-url-Q8_0", "org/A_b-GGUF:Q4_0"]);
    let known = shelf.named("org/A_b-GGUF:Q4_0");
    assert_eq!(
        (known.store, &known.root, known.repo.as_deref()),
        (StoreKind::LlamaCpp, &tree.path(CACHE), Some("org/A_b-GGUF"))
    );
    assert_eq!(known.artifacts[0].expected_sha256, Some(sha("a")));
    let projector = known.mmproj().unwrap();
    assert_eq!((&projector.path, projector.expected_sha256.clone()), (&eye, Some(sha("mmproj-F16.gguf"))));
    assert!(shelf.named("from-url-Q8_0").mmproj().is_none(), "it is another repository's");
    assert_eq!(held_at(&report, &model), (Class::Referenced, "the manifest of org/A_b-GGUF:Q4_0, latest names it"));
    assert_eq!(
        held_at(&report, &by_url),
        (Class::Referenced, "no manifest names it, as after a download by URL (--model-url) or from Docker")
    );
    let sums: Vec<_> = report.outcome.surveys[0].holdings.iter().filter(|h| h.identity.is_none()).collect();
    let sums: Vec<_> = sums.iter().map(|h| (h.class, h.files)).collect();
    assert_eq!(sums, [(Class::Referenced, 1), (Class::SideCache, 4)]);
    let again = shelf.scan(&[&tree.path("")]);
    assert_eq!((again.outcome.counts.unchanged, again.changes.len(), shelf.opened()), (2, 0, 0));
}

#[test]
fn a_split_set_is_one_model_with_the_promise_of_its_first_part_alone() {
    let tree = Tree::new();
    let named = manifest("o/r", "Q8_0", "r-Q8_0-00001-of-00003.gguf", &sha("one")).write(&tree);
    let part = |no: u32| format!("{CACHE}/o_r_r-Q8_0-0000{no}-of-00003.gguf");
    for no in [1, 2] {
        tree.gguf(part(no), &format!("split={}/3", no - 1));
    }
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(CACHE)]);
    let model = shelf.named("o/r:Q8_0");
    let promises: Vec<_> = model.artifacts.iter().map(|a| a.expected_sha256.clone()).collect();
    assert_eq!((model.state, promises), (State::Incomplete, vec![Some(sha("one")), None]));
    assert_eq!(held_at(&report, &tree.path(part(2))), (Class::Referenced, "part 2 of what o/r:Q8_0 names"));
    let why = "names o_r_r-Q8_0-00001-of-00003.gguf, and 1 of its 3 parts are missing";
    assert_eq!(held_at(&report, &named), (Class::Missing, why));
}

#[test]
fn downloads_say_how_far_they_are_and_lost_files_by_which_manifest() {
    let tree = Tree::new();
    Manifest { size: 4000, ..manifest("o/r", "Q4_0", "r-Q4_0.gguf", &sha("r")) }.write(&tree);
    let partial = tree.text(format!("{CACHE}/o_r_r-Q4_0.gguf.downloadInProgress"), &"x".repeat(1000));
    let strange = tree.text(format!("{CACHE}/some-url.gguf.downloadInProgress"), "half");
    let lost = manifest("o/lost", "latest", "lost-Q4_0.gguf", &sha("lost")).write(&tree);
    let cut = tree.text(format!("{CACHE}/manifest=o=cut=latest.json"), "{\"ggufFile\": {");
    let odd = tree.text(format!("{CACHE}/manifest=odd.json"), "{}");
    let long = tree.text(format!("{CACHE}/manifest=o=long=x.json"), &" ".repeat(5 << 20));
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(CACHE)]);
    assert!(shelf.models.is_empty());
    let why = "unfinished download, of o/r:Q4_0: 1000 B of 3.9 KiB (25%)";
    assert_eq!(held_at(&report, &partial), (Class::Partial, why));
    assert_eq!(held_at(&report, &strange), (Class::Partial, "unfinished download"));
    assert_eq!(held_at(&report, &lost), (Class::Missing, "names o_lost_lost-Q4_0.gguf, which is not here"));
    for (path, why) in [
        (&cut, "does not parse"),
        (&odd, "is not named manifest=<owner>=<repo>=<tag>.json"),
        (&long, "is longer than any manifest"),
    ] {
        let expected = format!("a manifest that {why}: the files it is about are not known");
        assert_eq!(held_at(&report, path), (Class::Damaged, expected.as_str()));
    }
}

#[test]
fn both_layouts_live_in_one_folder_and_what_was_taken_over_is_told() {
    let tree = Tree::new();
    let repo = format!("{CACHE}/models--org--T-GGUF");
    tree.snapshot(&repo, &commit('a'), "T-Q4_0.gguf", "t", "x=1");
    tree.text(format!("{repo}/refs/main"), &commit('a'));
    manifest("org/T-GGUF", "Q4_0", "T-Q4_0.gguf", &sha("t")).write(&tree);
    let old = tree.gguf(format!("{CACHE}/org_T-GGUF_T-Q4_0.gguf"), "x=1");
    manifest("org/T-GGUF", "Q8_0", "T-Q8_0.gguf", &sha("other")).write(&tree);
    let kept = tree.gguf(format!("{CACHE}/org_T-GGUF_T-Q8_0.gguf"), "x=2");
    // Moved, not copied: its manifest is left and lacks nothing.
    tree.snapshot(&repo, &commit('a'), "T-F16.gguf", "moved", "x=3");
    manifest("org/T-GGUF", "F16", "T-F16.gguf", &sha("moved")).write(&tree);
    let locks = tree.text(format!("{CACHE}/.locks/models--org--T-GGUF/x.lock"), "");
    tree.text(format!("{CACHE}/CACHEDIR.TAG"), "Signature: 8a477f597d28d172789f06886806bc55");
    for root in ["", CACHE] {
        let mut shelf = Shelf::default();
        let report = shelf.scan(&[&tree.path(root)]);
        assert_eq!(shelf.names(), ["org/T-GGUF:F16", "org/T-GGUF:Q4_0", "org/T-GGUF:Q4_0", "org/T-GGUF:Q8_0"]);
        let why = "llama.cpp migrated to the layout of the hub, where org/T-GGUF declares the same sha256";
        assert_eq!(held_at(&report, &old), (Class::Superseded, why));
        assert_eq!(held_at(&report, &kept).0, Class::Referenced);
        assert_eq!(held_at(&report, &tree.path(format!("{repo}/blobs/{}", sha("t")))).0, Class::Referenced);
        assert_eq!(held_at(&report, locks.parent().unwrap().parent().unwrap()).0, Class::SideCache);
        let holdings = held(&report);
        assert!(holdings.iter().all(|h| h.class != Class::Missing), "{holdings:#?}");
        let total: u64 = holdings.iter().map(|h| h.files).sum();
        assert_eq!(total, 10, "every file once: {holdings:#?}");
        let at = report.outcome.roots.iter().find(|(p, _, _)| *p == tree.path(CACHE)).map(|(_, s, _)| *s);
        assert_eq!(at, Some(StoreKind::LlamaCpp));
        // Looked at again, with nothing changed: the same is told, though repositories need not be read by then.
        let again = shelf.scan(&[&tree.path(root)]);
        assert_eq!(held_at(&again, &old), (Class::Superseded, why));
        assert!(held(&again).iter().all(|h| h.class != Class::Missing));
        assert_eq!((again.outcome.counts.unchanged, again.changes.len()), (4, 0));
    }
}

#[test]
fn a_checkout_of_the_source_is_no_cache_and_hostile_entries_stop_nothing() {
    let tree = Tree::new();
    tree.gguf("src/llama.cpp/models/ggml-vocab-llama.gguf", "x=1");
    tree.text("src/llama.cpp/CMakeLists.txt", "project(llama)");
    manifest("o/r", "Q4_0", "r-Q4_0.gguf", &sha("r")).write(&tree);
    manifest("o/out", "Q4_0", "../../../out.gguf", &sha("out")).write(&tree);
    let fifo = tree.fifo(&format!("{CACHE}/o_r_r-Q4_0.gguf"));
    tree.fifo(&format!("{CACHE}/manifest=o=pipe=x.json"));
    tree.link(&format!("{CACHE}/manifest=o=self=x.json"), "manifest=o=self=x.json");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("")]);
    assert_eq!(shelf.names(), ["ggml-vocab-llama"]);
    assert_eq!(shelf.models[0].store, StoreKind::Dir);
    assert_eq!(skipped(&report, &fifo), "a FIFO, not a file");
    let missing = report.outcome.surveys[0].holdings.iter().filter(|h| h.class == Class::Missing).count();
    assert_eq!(missing, 2);
    // A folder of another name is one when a person says so.
    std::fs::rename(tree.path(CACHE), tree.path("named")).unwrap();
    let report = shelf.claim(&tree.path("named"), StoreKind::LlamaCpp);
    assert_eq!(report.roots[0].store, StoreKind::LlamaCpp);
}
