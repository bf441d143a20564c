use super::registries::{LIBRARY, Ollama, adds_up, held, holdings, image, layer, sha256, why};
use super::trees::{Shelf, skipped};
use crate::inventory::detect;
use crate::model::{Class, Role, RootState, State, StoreKind, iec};
use serde_json::json;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

#[test]
fn every_blob_says_which_names_need_it_and_every_model_has_the_name_of_its_owner() {
    let store = Ollama::new();
    let model = "GGUF x=1 quant=Q4_0";
    store.pull(&format!("{LIBRARY}/llama3/8b"), &[("model", model), ("template", "{{ .Prompt }}"), ("license", "MIT")]);
    store.pull(&format!("{LIBRARY}/llama3/latest"), &[("model", model), ("license", "MIT")]);
    store.pull("registry.ollama.ai/me/mine/v1", &[("model", "GGUF x=2")]);
    store.pull("hf.co/org/Tiny-GGUF/Q8_0", &[("model", "GGUF x=3")]);
    store.pull("localhost:5000/a/b/c", &[("model", "GGUF x=4"), ("adapter", "GGUF kind=adapter")]);
    let orphan = store.blob("GGUF left over");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    let names = [
        "hf.co/org/Tiny-GGUF:Q8_0",
        "llama3:8b",
        "localhost:5000/a/b:c",
        "localhost:5000/a/b:c (adapter)",
        "me/mine:v1",
    ];
    assert_eq!(shelf.names(), names);
    let llama = shelf.named("llama3:8b");
    assert_eq!((llama.store, &llama.root, llama.repo.as_deref()), (StoreKind::Ollama, &store.root(), None));
    let file = &llama.artifacts[0];
    assert_eq!((&file.path, file.expected_sha256.as_ref()), (&store.path_of(model), Some(&sha256(model))));
    let config = store.config("gguf");
    let bytes = model.len() + "{{ .Prompt }}".len() + "MIT".len() + config.len();
    let said = format!("the model of `llama3:8b`, which takes {} in all; also `llama3:latest`", iec(bytes as u64));
    assert_eq!(why(&report, &store.path_of(model)), (Class::Referenced, said.as_str()));
    assert_eq!(held(&report, &store.path_of(model)).owner.as_deref(), Some("llama3:8b"));
    let said = "the license of `llama3:8b`; also `llama3:latest`";
    assert_eq!(why(&report, &store.path_of("MIT")), (Class::Referenced, said));
    assert_eq!(why(&report, &orphan), (Class::Orphan, "no manifest references it"));
    assert_eq!(held(&report, &orphan).expected_sha256, Some(sha256("GGUF left over")));
    let manifests = held(&report, &store.root().join("manifests"));
    assert_eq!((manifests.class, manifests.files), (Class::SideCache, 5));
    adds_up(&report, &store.root());
    assert_eq!((report.roots[0].store, detect(&store.root())), (StoreKind::Ollama, StoreKind::Ollama));

    let again = shelf.scan(&[&store.root()]);
    assert_eq!((again.outcome.counts.unchanged, shelf.opened(), shelf.loads), (5, 0, 0));
}

#[test]
fn a_store_inside_a_tree_and_a_person_inside_a_store_see_the_same() {
    let store = Ollama::new();
    store.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    store.tree.gguf("loose.gguf", "x=2");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.tree.path("")]);
    assert_eq!(shelf.names(), ["a:1", "loose"]);
    let roots: Vec<&Path> = report.outcome.roots.iter().map(|(p, _, _)| p.as_path()).collect();
    assert_eq!(roots, [store.tree.path("").components().as_path(), &store.root()]);
    for inner in ["models", "models/blobs", "models/manifests", "models/manifests/registry.ollama.ai/library"] {
        let report = shelf.scan(&[&store.tree.path(inner)]);
        assert_eq!((report.outcome.counts.unchanged, report.changes.len(), shelf.opened()), (1, 0, 0), "{inner}");
        assert_eq!(report.roots[0].path, store.root());
    }
}

#[test]
fn a_projector_belongs_to_the_models_that_name_it_and_to_no_other() {
    let store = Ollama::new();
    let eye = "GGUF kind=mmproj out=64";
    for (tag, model) in [("a/1", "GGUF width=64 x=1"), ("b/1", "GGUF width=64 x=2")] {
        store.pull(&format!("{LIBRARY}/{tag}"), &[("model", model), ("projector", eye)]);
    }
    store.pull(&format!("{LIBRARY}/c/1"), &[("model", "GGUF width=64 x=3")]);
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    assert_eq!(shelf.names(), ["a:1", "b:1", "c:1"]);
    for name in ["a:1", "b:1"] {
        let roles: Vec<Role> = shelf.named(name).artifacts.iter().map(|a| a.role).collect();
        assert_eq!(roles, [Role::Main, Role::Mmproj], "{name}");
    }
    assert_eq!(shelf.named("c:1").artifacts.len(), 1);
    assert_eq!(why(&report, &store.path_of(eye)), (Class::Referenced, "the projector of `a:1`; also `b:1`"));
    adds_up(&report, &store.root());

    // That one file is there twice must not hide that another one went.
    std::fs::remove_file(store.root().join("manifests").join(LIBRARY).join("c/1")).unwrap();
    let report = shelf.scan(&[&store.root()]);
    assert_eq!((report.outcome.counts.gone, shelf.named("c:1").state), (1, State::Gone));
    assert_eq!(why(&report, &store.path_of("GGUF width=64 x=3")).0, Class::Orphan);
}

#[test]
fn downloads_show_how_far_they_are_and_what_they_take() {
    let store = Ollama::new();
    store.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    let hex = sha256("to come");
    let partial = store.root().join(format!("blobs/sha256-{hex}-partial"));
    let file = std::fs::File::create(&partial).unwrap();
    file.set_len(4 << 30).unwrap();
    for (n, done) in [(0, 3000), (1, 700)] {
        let note = json!({"N": n, "Offset": n * 5000, "Size": 5000, "Completed": done}).to_string();
        std::fs::write(store.root().join(format!("blobs/sha256-{hex}-partial-{n}")), note).unwrap();
    }
    let lone = store.tree.text(format!("models/blobs/sha256-{}-partial", sha256("lone")), "half");
    let written = store.tree.text("models/blobs/sha256-2718281828", "half");
    let tensor = store.tree.text(format!("models/blobs/sha256-{}.tmp", sha256("t")), "half");
    let odd = store.tree.text("models/blobs/notes.txt", "mine");
    let report = Shelf::default().scan(&[&store.root()]);
    let said = "unfinished download: 3.6 KiB of 9.8 KiB";
    assert_eq!(why(&report, &partial), (Class::Partial, said));
    let big = held(&report, &partial);
    assert_eq!((big.size, big.allocated, big.expected_sha256.as_ref()), (4 << 30, 0, Some(&hex)));
    assert_eq!(why(&report, &lone), (Class::Partial, "unfinished download"));
    for path in [&written, &tensor] {
        assert_eq!(why(&report, path), (Class::Partial, "an incompletely written blob"));
    }
    let notes = held(&report, &store.root().join("blobs"));
    assert_eq!((notes.class, notes.files), (Class::Partial, 2));
    assert_eq!(why(&report, &odd).0, Class::Orphan);
    adds_up(&report, &store.root());
}

#[test]
fn a_manifest_that_cannot_be_read_makes_no_blob_an_orphan() {
    let broken: [(&str, String); 7] = [
        ("half/written", r#"{"schemaVersion":2,"layers":[{"dig"#.into()),
        ("empty/file", String::new()),
        ("outside/digest", json!({"layers": [{"digest": "sha256:../../x", "size": 1}]}).to_string()),
        ("many/layers", format!(r#"{{"layers":[{}{{}}]}}"#, "{},".repeat(1_000_000))),
        ("deep/json", "[".repeat(1_000_000)),
        (
            "list/list",
            json!({"mediaType": "application/vnd.ollama.manifest.list.v2+json", "manifests": [
            {"mediaType": "application/vnd.ollama.manifest.list.v2+json"}]})
            .to_string(),
        ),
        ("web/page", "<html>404</html>".into()),
    ];
    for (tag, text) in broken {
        let store = Ollama::new();
        store.pull(&format!("{LIBRARY}/good/1"), &[("model", "GGUF x=1")]);
        let nobodys = store.blob("GGUF x=2");
        let damaged = store.tree.text(format!("models/manifests/{LIBRARY}/{tag}"), &text);
        let mut shelf = Shelf::default();
        let report = shelf.scan(&[&store.root()]);
        assert_eq!(shelf.names(), ["good:1"]);
        let name = tag.replace('/', ":");
        let said = format!("may be needed: the manifest of `{name}` cannot be read");
        assert_eq!(why(&report, &nobodys), (Class::Referenced, said.as_str()), "{tag}");
        assert_eq!(why(&report, &damaged).0, Class::Damaged, "{tag}");
        assert_eq!(why(&report, &store.path_of("GGUF x=1")).0, Class::Referenced);
        adds_up(&report, &store.root());
    }
}

#[test]
fn a_model_does_not_go_because_its_manifest_is_torn() {
    let store = Ollama::new();
    let manifest = store.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    let whole = std::fs::read_to_string(&manifest).unwrap();
    let mut shelf = Shelf::default();
    shelf.scan(&[&store.root()]);
    let id = shelf.named("a:1").id.clone();
    std::fs::write(&manifest, &whole[..20]).unwrap();
    let report = shelf.scan(&[&store.root()]);
    assert_eq!((shelf.named("a:1").state, report.outcome.counts.unchanged), (State::Ready, 1));
    std::fs::write(&manifest, whole).unwrap();
    shelf.scan(&[&store.root()]);
    assert_eq!(shelf.named("a:1").id, id);
    // Its owner gives it another name: nothing happens to the file.
    std::fs::rename(&manifest, manifest.with_file_name("2")).unwrap();
    let report = shelf.scan(&[&store.root()]);
    assert_eq!((&shelf.named("a:2").id, report.outcome.counts.gone, shelf.opened()), (&id, 0, 0));
}

#[test]
fn nothing_is_opened_that_is_no_file_of_the_store() {
    let store = Ollama::new();
    store.pull(&format!("{LIBRARY}/good/1"), &[("model", "GGUF x=1")]);
    let secret = store.tree.gguf("secret/s.gguf", "x=2");
    let manifests = |rest: &str| store.root().join("manifests").join(rest);
    // As blobs: a link out, a folder, a FIFO, each promised by a manifest.
    let [out, folder, pipe] = ["out", "folder", "pipe"].map(|name| {
        store.manifest(&format!("{LIBRARY}/{name}/1"), &image("{}", &[("model", name)]));
        store.path_of(name)
    });
    symlink(&secret, &out).unwrap();
    std::fs::create_dir(&folder).unwrap();
    store.tree.fifo(pipe.strip_prefix(store.tree.path("")).unwrap().to_str().unwrap());
    // As manifests: a FIFO, a link out, a link to itself, a folder, a giant; and a link in the place of a folder.
    let library = format!("models/manifests/{LIBRARY}");
    let fifo = store.tree.dir(&format!("{library}/odd")).join("fifo");
    store.tree.fifo(&format!("{library}/odd/fifo"));
    let away = store.tree.link(&format!("{library}/odd/away"), &secret);
    let ring = store.tree.link(&format!("{library}/odd/ring"), "ring");
    let dir = store.tree.dir(&format!("{library}/odd/dir"));
    let giant = manifests(LIBRARY).join("odd/giant");
    std::fs::File::create(&giant).unwrap().set_len(1 << 30).unwrap();
    let host = store.tree.link("models/manifests/example.com", store.tree.path("secret"));
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    // The server opens what a link among the blobs leads to, and so what it leads to is the model.
    assert_eq!(shelf.names(), ["good:1", "out:1"]);
    assert_eq!(shelf.named("out:1").artifacts[0].target.as_deref(), Some(secret.as_path()));
    assert_eq!(skipped(&report, &dir), "a directory");
    assert!(report.skipped.iter().all(|s| s.path != host), "a folder without a manifest in it");
    for (path, word) in [
        (&away, "is invalid: not valid JSON"),
        (&fifo, "FIFO"),
        (&ring, "dangling link"),
        (&giant, "over"),
        (&folder, "directory"),
        (&pipe, "FIFO"),
    ] {
        let (class, why) = why(&report, path);
        assert!(class == Class::Damaged && why.contains(word), "{}: {class:?} {why}", path.display());
    }
    let (class, said) = why(&report, &out);
    assert!(class == Class::Damaged && said.ends_with(&format!("a link to {}", secret.display())), "{said}");
}

#[test]
fn what_a_manifest_promises_and_the_disk_does_not_keep_is_told() {
    let store = Ollama::new();
    let cut = store.pull(&format!("{LIBRARY}/cut/1"), &[("model", "GGUF long enough")]);
    let path = store.path_of("GGUF long enough");
    std::fs::write(&path, "GGUF lon").unwrap();
    let gone = store.pull(&format!("{LIBRARY}/gone/1"), &[("model", "GGUF x=1"), ("template", "T")]);
    for content in ["GGUF x=1", "T"] {
        std::fs::remove_file(store.path_of(content)).unwrap();
    }
    assert!(cut.is_file());
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    let said = "has 8 bytes, but the manifest of `cut:1` declares 16";
    assert_eq!(why(&report, &path), (Class::Damaged, said));
    let lost: Vec<_> = holdings(&report).iter().filter(|h| h.class == Class::Missing).collect();
    assert_eq!(lost.len(), 2);
    assert!(lost.iter().all(|h| h.path == gone && h.size == 0 && h.owner.as_deref() == Some("gone:1")));
    let model = shelf.named("gone:1");
    let said = Some("a manifest names it, and its blob is missing");
    assert_eq!((model.state, model.reason.as_deref()), (State::Damaged, said));
    assert_eq!(shelf.scan(&[&store.root()]).outcome.counts.unchanged, 2);
    store.blob("GGUF x=1");
    shelf.scan(&[&store.root()]);
    assert_eq!(shelf.named("gone:1").state, State::Ready);
}

#[test]
fn models_that_run_elsewhere_or_are_no_gguf_are_explained() {
    let store = Ollama::new();
    let cloud = json!({"remote_host": "https://ollama.com:443", "remote_model": "big:120b"}).to_string();
    let config = store.blob(&cloud);
    store.manifest(&format!("{LIBRARY}/big/120b-cloud"), &image(&cloud, &[]));
    let mlx = store.config("safetensors");
    let tensors: Vec<String> = (0..300).map(|n| format!("tensor {n}")).collect();
    let layers: Vec<(&str, &str)> = tensors.iter().map(|t| ("tensor", t.as_str())).collect();
    for tensor in &tensors {
        store.blob(tensor);
    }
    store.manifest(&format!("{LIBRARY}/mlx/1"), &image(&mlx, &layers));
    store.manifest(&format!("{LIBRARY}/old/1"), &image(&mlx, &[("model", "weights of another kind")]));
    let weights = store.blob("weights of another kind");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    assert!(shelf.models.is_empty() && report.skipped.is_empty(), "{:?}", shelf.names());
    let (class, said) = why(&report, &config);
    assert_eq!(class, Class::Referenced);
    assert_eq!(said, "the config of `big:120b-cloud`; its weights are not local, it runs at https://ollama.com:443");
    let tensors = held(&report, &store.root().join("blobs"));
    assert_eq!(
        (tensors.class, tensors.files, tensors.why.as_str()),
        (Class::Referenced, 300, "each is a tensor of `mlx:1`")
    );
    assert_eq!(why(&report, &weights).0, Class::Referenced);
    adds_up(&report, &store.root());
}

#[test]
fn blobs_with_the_old_name_and_manifests_in_the_new_place_count() {
    let store = Ollama::new();
    store.pull(&format!("{LIBRARY}/old/1"), &[("model", "GGUF x=1")]);
    let colon = store.root().join(format!("blobs/sha256:{}", sha256("GGUF x=1")));
    std::fs::rename(store.path_of("GGUF x=1"), &colon).unwrap();
    // The newer server: the manifest is a blob, and the name a link to it. An older manifest of that name stays.
    let document = image(&store.config("gguf"), &[("model", "GGUF x=2")]).to_string();
    let itself = store.blob(&document);
    store.blob("GGUF x=2");
    store.tree.link(
        "models/manifests-v2/ollama.com/library/new/1",
        Path::new("../../../../blobs").join(itself.file_name().unwrap()),
    );
    store.pull(&format!("{LIBRARY}/new/1"), &[("model", "GGUF x=3")]);
    // A list of manifests, one in itself and one as a blob.
    let child = image(&store.config("gguf"), &[("model", "GGUF x=4")]).to_string();
    let child_at = store.blob(&child);
    store.blob("GGUF x=4");
    store.blob("tensor");
    let list = json!({"mediaType": "application/vnd.ollama.manifest.list.v2+json", "manifests": [
        {"runner": "mlx", "layers": [layer("tensor", "tensor")]},
        {"runner": "ollama", "digest": format!("sha256:{}", sha256(&child))},
    ]});
    store.manifest(&format!("{LIBRARY}/list/1"), &list);
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    assert_eq!(shelf.names(), ["list:1", "new:1", "new:1 (older)", "old:1"]);
    assert_eq!(shelf.named("old:1").artifacts[0].path, colon);
    assert_eq!(why(&report, &colon).0, Class::Referenced);
    assert_eq!(why(&report, &itself), (Class::Referenced, "the manifest of `new:1`"));
    assert_eq!(why(&report, &store.path_of("GGUF x=2")).0, Class::Referenced);
    assert_eq!(why(&report, &store.path_of("GGUF x=3")).0, Class::Superseded);
    assert_eq!(why(&report, &child_at), (Class::Referenced, "the manifest of `list:1`"));
    assert_eq!(why(&report, &store.root().join("blobs")), (Class::Referenced, "each is a tensor of `list:1`"));
}

#[test]
fn an_unreadable_folder_of_manifests_condemns_nothing() {
    let store = Ollama::new();
    store.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    store.pull("hf.co/org/b/1", &[("model", "GGUF x=2")]);
    let mut shelf = Shelf::default();
    shelf.scan(&[&store.root()]);
    let closed = store.root().join("manifests/hf.co");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o0)).unwrap();
    let _ordinary = crate::testing::OrdinaryRights::new();
    let report = shelf.scan(&[&store.root()]);
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = "may be needed: not every manifest can be read";
    assert_eq!(why(&report, &store.path_of("GGUF x=2")), (Class::Referenced, said));
    assert!(skipped(&report, &closed).contains("denied"));
}

#[test]
fn folders_that_only_look_like_a_store_are_said_to_be_so_and_walked_as_anybodys() {
    let store = Ollama::new();
    std::fs::write(store.root().join("blobs/readme"), "?").unwrap();
    store.tree.text("models/manifests/one.yaml", "x");
    store.tree.gguf("models/blobs/a.gguf", "x=1");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&store.root()]);
    assert_eq!((shelf.names(), shelf.named("a").store), (vec!["a"], StoreKind::Dir));
    assert!(skipped(&report, &store.root().join("manifests")).contains("neither"));
    assert_eq!(report.outcome.roots, [(store.root(), StoreKind::Dir, RootState::Read)]);

    let report = shelf.scan_as(&store.root(), StoreKind::Ollama);
    let said = "is named as a store of Ollama, but does not have its layout";
    assert_eq!(skipped(&report, &store.root()), said);
    let cut = Ollama::new();
    cut.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    std::fs::remove_dir_all(cut.root().join("blobs")).unwrap();
    cut.tree.link("models/blobs", "../elsewhere");
    let report = Shelf::default().scan(&[&cut.root()]);
    assert!(skipped(&report, &cut.root().join("manifests")).contains("neither"));
    let real = Ollama::new();
    real.pull(&format!("{LIBRARY}/a/1"), &[("model", "GGUF x=1")]);
    let mut shelf = Shelf::default();
    let report = shelf.scan_as(&real.root(), StoreKind::Ollama);
    assert_eq!((shelf.names(), report.skipped.len()), (vec!["a:1"], 0));
    let empty = Ollama::new();
    let report = Shelf::default().scan_as(&empty.root(), StoreKind::Ollama);
    assert!(report.skipped.is_empty() && report.outcome.roots[0].1 == StoreKind::Ollama);
}
