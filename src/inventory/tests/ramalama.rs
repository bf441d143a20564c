//! Stores as RamaLama writes them.

use super::trees::{Shelf, Tree, held_at, sha, skipped};
use crate::model::hex;
use crate::model::{Class, State, StoreKind};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

const ROOT: &str = ".local/share/ramalama";
const HF: &str = ".local/share/ramalama/store/huggingface/org/r-GGUF";

/// `sha256:` and the hash of a name, as RamaLama calls what it has no hash of.
fn of_name(name: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(name.as_bytes())))
}

fn hash(name: &str) -> String {
    format!("sha256:{}", sha(name))
}

struct Model<'a> {
    tree: &'a Tree,
    folder: String,
}

impl<'a> Model<'a> {
    fn new(tree: &'a Tree, folder: &str) -> Model<'a> {
        for part in ["blobs", "refs", "snapshots"] {
            tree.dir(&format!("{folder}/{part}"));
        }
        Model { tree, folder: folder.to_owned() }
    }

    fn blob(&self, hash: &str, about: &str) -> PathBuf {
        self.tree.gguf(format!("{}/blobs/{}", self.folder, hash.replace(':', "-")), about)
    }

    fn entry(&self, snapshot: &str, name: &str) -> PathBuf {
        let path = self.tree.path(format!("{}/snapshots/{}/{name}", self.folder, snapshot.replace(':', "-")));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    }

    /// As RamaLama does first: one inode under two names.
    fn hard_link(&self, snapshot: &str, name: &str, blob: &PathBuf) -> PathBuf {
        let path = self.entry(snapshot, name);
        std::fs::hard_link(blob, &path).unwrap();
        path
    }

    fn reference(&self, tag: &str, snapshot: &str, files: &[(&str, &str, &str)]) -> PathBuf {
        let files: Vec<_> =
            files.iter().map(|(h, n, t)| serde_json::json!({"hash": h, "name": n, "type": t})).collect();
        let body = serde_json::json!({"hash": snapshot, "path": "/x", "version": "v1.0.1", "files": files});
        self.tree.text(format!("{}/refs/{tag}.json", self.folder), &body.to_string())
    }
}

#[test]
fn a_blob_and_its_hard_link_are_one_model_under_the_name_of_its_owner() {
    let tree = Tree::new();
    let model = Model::new(&tree, HF);
    let snap = hash("snap");
    let blob = model.blob(&hash("a"), "x=1 quant=Q4_0 width=8");
    let entry = model.hard_link(&snap, "r-Q4_0.gguf", &blob);
    let eye = model.blob(&hash("eye"), "kind=mmproj out=8");
    model.hard_link(&snap, "mmproj-F16.gguf", &eye);
    let config = model.blob(&of_name("config.json"), "never looked at");
    model.hard_link(&snap, "config.json", &config);
    model.reference(
        "latest",
        &snap,
        &[
            (&hash("a"), "r-Q4_0.gguf", "gguf"),
            (&hash("eye"), "mmproj-F16.gguf", "mmproj"),
            (&of_name("config.json"), "config.json", "other"),
        ],
    );
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("")]);
    assert_eq!(shelf.names(), ["hf://org/r-GGUF"]);
    let row = &shelf.models[0];
    assert_eq!(
        (row.store, &row.root, row.repo.as_deref()),
        (StoreKind::RamaLama, &tree.path(ROOT), Some("hf://org/r-GGUF"))
    );
    let file = &row.artifacts[0];
    assert_eq!((&file.path, file.target.as_ref(), file.also.len()), (&entry, Some(&blob), 0));
    assert_eq!(file.expected_sha256, Some(sha("a")));
    assert_eq!(row.mmproj().unwrap().expected_sha256, Some(sha("eye")));
    assert_eq!(held_at(&report, &blob), (Class::Referenced, "`latest` names it as r-Q4_0.gguf"));
    let holdings = &report.outcome.surveys[0].holdings;
    assert_eq!(holdings.iter().map(|h| h.files).sum::<u64>(), 4, "{holdings:#?}");
    assert_eq!(holdings.iter().find(|h| h.path == blob).unwrap().links, 2);
    let again = shelf.scan(&[&tree.path("")]);
    assert_eq!((again.outcome.counts.unchanged, again.changes.len(), shelf.opened()), (1, 0, 0));
    // A look from within is a look at the whole store.
    for inner in [ROOT.to_owned(), format!("{ROOT}/store"), HF.to_owned(), format!("{HF}/blobs")] {
        let again = shelf.scan(&[&tree.path(inner)]);
        assert_eq!((again.outcome.counts.unchanged, again.changes.len(), shelf.opened()), (1, 0, 0));
    }
}

#[test]
fn a_name_that_is_no_hash_of_the_content_promises_nothing() {
    let tree = Tree::new();
    let split = Model::new(&tree, HF);
    let snap = hash("snap");
    let parts: Vec<String> = (1..=3).map(|no| format!("b-Q8_0-0000{no}-of-00003.gguf")).collect();
    let hashes = [hash("one"), of_name(&parts[1]), of_name(&parts[2])];
    for (no, (name, hash)) in parts.iter().zip(&hashes).enumerate() {
        let blob = split.blob(hash, &format!("split={no}/3"));
        split.hard_link(&snap, name, &blob);
    }
    let files: Vec<_> = parts.iter().zip(&hashes).map(|(n, h)| (h.as_str(), n.as_str(), "gguf")).collect();
    split.reference("Q8_0", &snap, &files);
    // By address and from a file the one blob is named by the name of the model.
    for source in ["https/example.org", "file/home/u/snapshots/models"] {
        let plain = Model::new(&tree, &format!("{ROOT}/store/{source}/x.gguf"));
        let blob = plain.blob(&hash("x"), source);
        plain.hard_link(&hash("x"), "x.gguf", &blob);
        plain.reference("latest", &hash("x"), &[(&hash("x"), "x.gguf", "gguf")]);
    }
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path(ROOT)]);
    assert_eq!(
        shelf.names(),
        ["file:///home/u/snapshots/models/x.gguf", "hf://org/r-GGUF:Q8_0", "https://example.org/x.gguf"]
    );
    let row = shelf.named("hf://org/r-GGUF:Q8_0");
    let promises: Vec<_> = row.artifacts.iter().map(|a| a.expected_sha256.clone()).collect();
    assert_eq!((row.state, promises), (State::Ready, vec![Some(sha("one")), None, None]));
    assert_eq!(shelf.named("https://example.org/x.gguf").artifacts[0].expected_sha256, None);
    assert_eq!(shelf.scan(&[&tree.path(ROOT)]).outcome.counts.unchanged, 3);
}

#[test]
fn old_references_links_copies_and_models_without_the_extension_are_read() {
    let tree = Tree::new();
    let old = Model::new(&tree, &format!("{ROOT}/store/ollama/library/smollm"));
    let blob = old.blob(&hash("w"), "x=1");
    std::os::unix::fs::symlink(format!("../../blobs/sha256-{}", sha("w")), old.entry(&hash("w"), "smollm")).unwrap();
    tree.text(format!("{}/refs/135m", old.folder), &format!("{}\nsmollm---model\nconfig.json---\n", hash("w")));
    std::fs::write(old.entry(&hash("w"), "config.json"), "{}").unwrap();
    // A copy, and a link to what Ollama itself has.
    let copied = Model::new(&tree, &format!("{ROOT}/store/modelscope/o/c"));
    copied.blob(&hash("c"), "x=2");
    let copy = copied.entry(&hash("c"), "c.gguf");
    std::fs::write(&copy, "GGUF x=2").unwrap();
    copied.reference("latest", &hash("c"), &[(&hash("c"), "c.gguf", "gguf")]);
    let theirs = tree.gguf("elsewhere/blobs/weights", "x=3");
    let pointing = Model::new(&tree, &format!("{ROOT}/store/ollama/library/tiny"));
    let pointer = pointing.entry(&hash("t"), "tiny");
    std::os::unix::fs::symlink(&theirs, &pointer).unwrap();
    pointing.reference("latest", &hash("t"), &[(&hash("t"), "tiny", "gguf")]);
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(ROOT)]);
    assert_eq!(shelf.names(), ["modelscope://o/c", "ollama://library/smollm:135m", "ollama://library/tiny:latest"]);
    let linked = &shelf.named("ollama://library/smollm:135m").artifacts[0];
    assert_eq!((linked.target.as_ref(), linked.expected_sha256.clone()), (Some(&blob), Some(sha("w"))));
    assert_eq!(held_at(&report, &blob).0, Class::Referenced);
    assert_eq!(held_at(&report, &copy).0, Class::Referenced);
    let why = format!("a link to bytes that are not RamaLama's: {}", theirs.display());
    assert_eq!(held_at(&report, &pointer), (Class::Referenced, why.as_str()));
    let holdings = &report.outcome.surveys[0].holdings;
    assert!(holdings.iter().all(|h| h.class != Class::Missing), "{holdings:#?}");
}

#[test]
fn what_no_reference_leads_to_any_more_and_what_was_never_finished_is_told() {
    let tree = Tree::new();
    let model = Model::new(&tree, HF);
    let (old, new) = (hash("old-snap"), hash("new-snap"));
    let before = model.blob(&hash("before"), "x=1");
    let old_entry = model.hard_link(&old, "r-Q4_0.gguf", &before);
    let both = model.blob(&hash("both"), "x=2");
    let in_old = model.hard_link(&old, "r-Q8_0.gguf", &both);
    let in_new = model.hard_link(&new, "r-Q8_0.gguf", &both);
    let orphan = model.blob(&hash("orphan"), "x=3");
    let partial = tree.text(format!("{HF}/blobs/sha256-{}.partial", sha("late")), "half");
    let lost = model.reference(
        "latest",
        &new,
        &[
            (&hash("both"), "r-Q8_0.gguf", "gguf"),
            (&hash("late"), "r-F16.gguf", "gguf"),
            (&hash("lost"), "r-F32.gguf", "gguf"),
        ],
    );
    std::os::unix::fs::symlink("../../blobs/sha256-gone", model.entry(&new, "r-F32.gguf")).unwrap();
    let leftover = Model::new(&tree, &format!("{ROOT}/store/ollama/library/removed"));
    let last = leftover.blob(&hash("last"), "x=4");
    leftover.hard_link(&hash("last"), "removed", &last);
    tree.text(format!("{ROOT}/store/tmp_hfcli_1/x.gguf"), "half");
    tree.text(format!("{ROOT}/store/notes.txt"), "mine");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(ROOT)]);
    assert_eq!(held_at(&report, &before).0, Class::Superseded);
    assert!(held_at(&report, &before).1.ends_with("and no reference names that snapshot"));
    assert_eq!(held_at(&report, &both).0, Class::Referenced);
    assert_eq!(held_at(&report, &orphan), (Class::Orphan, "no reference and no snapshot references it"));
    let why = "unfinished download, of hf://org/r-GGUF";
    assert_eq!(held_at(&report, &partial), (Class::Partial, why));
    assert_eq!(held_at(&report, &lost), (Class::Missing, "`latest` names r-F32.gguf, which is not here"));
    assert_eq!(held_at(&report, &last).0, Class::Orphan);
    assert_eq!(held_at(&report, &tree.path(format!("{ROOT}/store/tmp_hfcli_1"))).0, Class::Partial);
    assert_eq!(held_at(&report, &tree.path(format!("{ROOT}/store"))).0, Class::Referenced);
    let live = shelf.models.iter().flat_map(|m| &m.artifacts).find(|a| a.path == in_new).unwrap();
    assert_eq!(live.also, [in_old]);
    assert!(shelf.models.iter().flat_map(|m| &m.artifacts).any(|a| a.path == old_entry));
    let damaged = shelf.models.iter().find(|m| m.state == State::Damaged).unwrap();
    assert_eq!(damaged.reason.as_deref(), Some("a link to a missing blob"));
}

#[test]
fn a_reference_that_is_not_understood_keeps_everything_it_may_name() {
    for (name, text, is_damaged) in [
        ("latest.json", r#"{"version": "v9\u001b[31m", "blobs": []}"#, false),
        ("latest.json", r#"{"version": "v1.0.1", "hash""#, true),
        ("latest.json", r#"{"version": "v1.0.1", "hash": "../..", "files": []}"#, true),
        ("latest", "", true),
    ] {
        let tree = Tree::new();
        let model = Model::new(&tree, HF);
        let unlinked = model.blob(&hash("u"), "x=1");
        let linked = model.blob(&hash("l"), "x=2");
        model.hard_link(&hash("s"), "l.gguf", &linked);
        let path = tree.text(format!("{HF}/refs/{name}"), text);
        let mut shelf = Shelf::default();
        let report = shelf.scan(&[&tree.path(ROOT)]);
        assert_eq!(shelf.models.len(), 1, "what is there is listed");
        for blob in [&unlinked, &linked] {
            let (class, why) = held_at(&report, blob);
            assert_eq!(class, Class::Referenced);
            assert!(why.starts_with("may be needed: "), "{why}");
        }
        if is_damaged {
            assert_eq!(held_at(&report, &path).0, Class::Damaged);
        } else {
            assert_eq!(skipped(&report, &path), "a reference in version v9\u{fffd}[31m, which is not known");
        }
    }
}

#[test]
fn hostile_entries_are_explained_and_lead_nowhere() {
    let tree = Tree::new();
    let model = Model::new(&tree, HF);
    let blob = model.blob(&hash("a"), "x=1");
    model.hard_link(&hash("s"), "a\u{1b}[31m.gguf", &blob);
    model.reference("latest", &hash("s"), &[(&hash("a"), "a\u{1b}[31m.gguf", "gguf")]);
    let snapshot = format!("{HF}/snapshots/sha256-{}", sha("s"));
    let fifo = tree.fifo(&format!("{snapshot}/pipe.gguf"));
    let ring = tree.link(&format!("{snapshot}/ring.gguf"), "ring.gguf");
    let usr = tree.link(&format!("{snapshot}/usr"), "/usr");
    let device = tree.link(&format!("{snapshot}/device.gguf"), "/dev/zero");
    tree.fifo(&format!("{HF}/blobs/sha256-{}", sha("pipe")));
    tree.fifo(&format!("{HF}/refs/pipe.json"));
    tree.text(format!("{HF}/refs/long.json"), &" ".repeat(5 << 20));
    // Folders of another model that are links to somebody else's.
    let secret = Model::new(&tree, "secret");
    secret.blob(&hash("secret"), "x=9");
    let linked = format!("{ROOT}/store/ollama/library/linked");
    tree.dir(&format!("{linked}/refs"));
    tree.dir(&format!("{linked}/snapshots"));
    let away = tree.link(&format!("{linked}/blobs"), tree.path("secret/blobs"));
    tree.link(&format!("{ROOT}/store/ollama/loop"), "..");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(ROOT)]);
    assert_eq!(shelf.names(), ["hf://org/r-GGUF"]);
    assert_eq!(skipped(&report, &fifo), "a FIFO, not a file");
    assert_eq!(skipped(&report, &ring), "a link that points to itself");
    assert_eq!(skipped(&report, &usr), "a link to a directory");
    assert_eq!(skipped(&report, &device), "a link to a device, not a file");
    assert_eq!(skipped(&report, &away), "not a folder, where RamaLama keeps one");
    let damaged = report.outcome.surveys[0].holdings.iter().filter(|h| h.class == Class::Damaged).count();
    assert_eq!(damaged, 3);
}

#[test]
fn what_is_only_called_a_store_is_nobodys_and_a_false_claim_is_said() {
    let tree = Tree::new();
    tree.gguf("app/store/file/x.gguf", "x=1");
    tree.gguf("app/store/http/blobs/y.gguf", "x=2");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("app")]);
    assert_eq!(shelf.names(), ["x", "y"]);
    assert!(shelf.models.iter().all(|m| m.store == StoreKind::Dir));
    let report = shelf.claim(&tree.path("app"), StoreKind::RamaLama);
    assert!(skipped(&report, &tree.path("app")).starts_with("has no folder `store`"));
    let model = Model::new(&tree, "named/store/ollama/library/m");
    let blob = model.blob(&hash("m"), "x=3");
    model.hard_link(&hash("m"), "m", &blob);
    model.reference("1b", &hash("m"), &[(&hash("m"), "m", "gguf")]);
    let mut shelf = Shelf::default();
    let report = shelf.claim(&tree.path("named"), StoreKind::RamaLama);
    assert_eq!(shelf.names(), ["ollama://library/m:1b"]);
    assert_eq!((report.roots[0].store, report.skipped.len()), (StoreKind::RamaLama, 0));
}

#[test]
fn a_store_behind_a_link_and_links_of_one_that_was_moved_are_gone_into() {
    let tree = Tree::new();
    let model = Model::new(&tree, HF);
    let blob = model.blob(&hash("x"), "x=1");
    let entry = model.entry(&hash("snap"), "x-Q4_0.gguf");
    // Where hard links are not to be had RamaLama makes links, here to where the store was.
    std::os::unix::fs::symlink(format!("/old/blobs/{}", hash("x").replace(':', "-")), &entry).unwrap();
    model.reference("latest", &hash("snap"), &[(&hash("x"), "x-Q4_0.gguf", "gguf")]);
    let far = Tree::new();
    std::fs::rename(tree.path(format!("{ROOT}/store")), far.path("store")).unwrap();
    tree.link(&format!("{ROOT}/store"), far.path("store"));
    let mut shelf = Shelf::default();
    let report = shelf.scan_as(&tree.path(ROOT), StoreKind::RamaLama);
    assert_eq!(shelf.models.len(), 1, "{:#?}", report.skipped);
    assert_eq!(shelf.models[0].state, State::Ready);
    assert_eq!(held_at(&report, &blob).0, Class::Referenced);
}
