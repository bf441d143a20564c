use super::registries::{adds_up, held, holdings, sha256, why};
use super::trees::{Shelf, Tree, skipped};
use crate::inventory::detect;
use crate::model::{Class, Role, State, StoreKind};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

/// A store of Docker Model Runner in the folder `models` of a tree.
struct Docker {
    tree: Tree,
    index: Vec<Value>,
}

impl Docker {
    fn new() -> Docker {
        let mut docker = Docker { tree: Tree::new(), index: Vec::new() };
        docker.tree.text("models/layout.json", r#"{"layoutVersion":"1.0.0"}"#);
        docker.write_index();
        docker
    }

    fn root(&self) -> PathBuf {
        self.tree.path("models")
    }

    fn path_of(&self, content: &str) -> PathBuf {
        self.root().join("blobs/sha256").join(sha256(content))
    }

    fn blob(&self, content: &str) -> PathBuf {
        self.tree.text(format!("models/blobs/sha256/{}", sha256(content)), content)
    }

    fn write_index(&mut self) {
        self.tree.text("models/models.json", &json!({"models": self.index}).to_string());
    }

    /// Writes a manifest, its blobs and its entry in the index; gives the hex of its digest.
    fn pull(&mut self, tags: &[&str], layers: &[(&str, &str)]) -> String {
        let config = json!({"config": {"format": "gguf"}, "descriptor": {}}).to_string();
        let digest = |content: &str| format!("sha256:{}", sha256(content));
        let part = |kind: &str, content: &str| {
            self.blob(content);
            json!({"mediaType": format!("application/vnd.docker.ai.{kind}"), "digest": digest(content), "size": content.len()})
        };
        let parts: Vec<Value> = layers.iter().map(|(kind, content)| part(kind, content)).collect();
        let manifest = json!({
            "schemaVersion": 2,
            "config": part("model.config.v0.1+json", &config),
            "layers": parts,
            "annotations": {"tags": tags.join(",")},
        })
        .to_string();
        let hex = sha256(&manifest);
        self.tree.text(format!("models/manifests/sha256/{hex}"), &manifest);
        let files: Vec<String> = layers.iter().map(|(_, c)| *c).chain([config.as_str()]).map(digest).collect();
        self.index.push(json!({"id": format!("sha256:{hex}"), "tags": tags, "files": files}));
        self.write_index();
        hex
    }
}

#[test]
fn models_have_their_tags_and_every_blob_says_what_needs_it() {
    let mut docker = Docker::new();
    let model = "GGUF width=64 x=1";
    docker.pull(
        &["index.docker.io/ai/smollm2:latest", "ai/smollm2:360M-Q4_K_M"],
        &[("gguf.v3", model), ("mmproj", "GGUF kind=mmproj out=64"), ("license", "Apache")],
    );
    docker.pull(&["registry.example.com/a/b:1"], &[("gguf.v3", "GGUF width=64 x=2"), ("license", "Apache")]);
    let untagged = docker.pull(&[], &[("gguf.v3", "GGUF x=3")]);
    docker.pull(&["ai/tensors:1"], &[("safetensors", "not GGUF")]);
    let orphan = docker.blob("GGUF left over");
    let partial = docker.tree.text(format!("models/blobs/sha256/{}.incomplete", sha256("later")), "half");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&docker.root()]);
    let nameless = format!("sha256:{}", &untagged[..12]);
    assert_eq!(shelf.names(), ["ai/smollm2:360M-Q4_K_M, ai/smollm2:latest", "registry.example.com/a/b:1", &nameless]);
    let smol = shelf.named("ai/smollm2:360M-Q4_K_M, ai/smollm2:latest");
    assert_eq!((smol.store, &smol.root), (StoreKind::Docker, &docker.root()));
    assert_eq!(smol.artifacts.iter().map(|a| a.role).collect::<Vec<_>>(), [Role::Main, Role::Mmproj]);
    assert_eq!(smol.artifacts[0].expected_sha256, Some(sha256(model)));
    assert_eq!(shelf.named("registry.example.com/a/b:1").artifacts.len(), 1);
    let said = "the license of `ai/smollm2:360M-Q4_K_M, ai/smollm2:latest`; also `registry.example.com/a/b:1`";
    assert_eq!(why(&report, &docker.path_of("Apache")), (Class::Referenced, said));
    assert_eq!(why(&report, &docker.path_of("not GGUF")), (Class::Referenced, "the safetensors of `ai/tensors:1`"));
    assert_eq!(why(&report, &orphan), (Class::Orphan, "no manifest references it"));
    assert_eq!(why(&report, &partial).0, Class::Partial);
    let beside = held(&report, &docker.root());
    assert_eq!((beside.class, beside.files), (Class::SideCache, 6));
    adds_up(&report, &docker.root());
    assert_eq!((report.roots[0].store, detect(&docker.root())), (StoreKind::Docker, StoreKind::Docker));
    for inner in ["models", "models/blobs", "models/blobs/sha256", "models/manifests/sha256"] {
        let again = shelf.scan(&[&docker.tree.path(inner)]);
        assert_eq!((again.outcome.counts.unchanged, shelf.opened(), shelf.loads), (3, 0, 0), "{inner}");
    }
}

#[test]
fn a_split_model_is_one_model_though_its_blobs_have_no_names() {
    let mut docker = Docker::new();
    let parts = ["GGUF split=0/2 x=1", "GGUF split=1/2 x=2"];
    docker.pull(&["ai/big:1"], &[("gguf.v3", parts[1]), ("gguf.v3", parts[0])]);
    let mut shelf = Shelf::default();
    shelf.scan(&[&docker.root()]);
    let big = shelf.named("ai/big:1");
    assert_eq!((big.state, big.shards_expected, &big.reason), (State::Ready, 2, &None));
    let order: Vec<PathBuf> = big.artifacts.iter().map(|a| a.path.clone()).collect();
    assert_eq!(order, parts.map(|p| docker.path_of(p)));
    assert_eq!(shelf.scan(&[&docker.root()]).outcome.counts.unchanged, 1);

    std::fs::remove_file(docker.path_of(parts[1])).unwrap();
    let report = shelf.scan(&[&docker.root()]);
    assert!(shelf.models.iter().all(|m| m.state != State::Ready), "{:?}", shelf.models);
    assert_eq!(holdings(&report).iter().filter(|h| h.class == Class::Missing).count(), 1);
}

#[test]
fn bundles_count_only_what_is_not_a_link_to_a_blob() {
    let mut docker = Docker::new();
    let hex = docker.pull(&["ai/a:1"], &[("gguf.v3", "GGUF x=1")]);
    let bundle = format!("models/bundles/sha256/{hex}");
    docker.tree.text(format!("{bundle}/config.json"), "{}");
    docker.tree.dir(&format!("{bundle}/model"));
    let unpacked = docker.tree.path(format!("{bundle}/model/model.gguf"));
    std::fs::hard_link(docker.path_of("GGUF x=1"), unpacked).unwrap();
    let left = docker.tree.text(format!("models/bundles/sha256/{}/model/model.gguf", sha256("gone")), "GGUF x=2");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&docker.root()]);
    assert_eq!(shelf.names(), ["ai/a:1"]);
    let held_bundle = held(&report, &docker.tree.path(&bundle));
    assert_eq!((held_bundle.class, held_bundle.size, held_bundle.files), (Class::SideCache, 2, 1));
    assert_eq!(held_bundle.owner.as_deref(), Some("ai/a:1"));
    assert_eq!(held(&report, &docker.path_of("GGUF x=1")).links, 2);
    let left = left.ancestors().nth(2).unwrap();
    assert_eq!(why(&report, left), (Class::Orphan, "unpacked from a model that is no longer listed"));
    adds_up(&report, &docker.root());
}

#[test]
fn what_cannot_be_read_condemns_nothing_and_what_is_not_listed_is_said_to_be_so() {
    let mut docker = Docker::new();
    docker.pull(&["ai/a:1"], &[("gguf.v3", "GGUF x=1")]);
    let hex = docker.pull(&["ai/b:1"], &[("gguf.v3", "GGUF x=2")]);
    docker.index.pop();
    docker.write_index();
    let report = Shelf::default().scan(&[&docker.root()]);
    let manifest = docker.root().join("manifests/sha256").join(hex);
    assert_eq!(why(&report, &manifest), (Class::Orphan, "a manifest that models.json does not list"));
    assert_eq!(why(&report, &docker.path_of("GGUF x=2")).0, Class::Orphan);
    adds_up(&report, &docker.root());

    for index in ["", "{\"models\":[{\"id\":\"sha256:", &"[".repeat(100_000)] {
        docker.tree.text("models/models.json", index);
        let mut shelf = Shelf::default();
        let report = shelf.scan(&[&docker.root()]);
        assert_eq!(shelf.models.len(), 2);
        assert!(holdings(&report).iter().all(|h| h.class != Class::Orphan));
        assert_eq!(why(&report, &docker.root().join("models.json")).0, Class::Damaged);
        adds_up(&report, &docker.root());
    }
    // A listed model without its manifest still holds its blobs.
    docker.write_index();
    let id = docker.index[0]["id"].as_str().unwrap().replace("sha256:", "");
    let lost = docker.root().join("manifests/sha256").join(id);
    std::fs::remove_file(&lost).unwrap();
    let report = Shelf::default().scan(&[&docker.root()]);
    assert_eq!(why(&report, &lost).0, Class::Missing);
    assert_eq!(why(&report, &docker.path_of("GGUF x=1")), (Class::Referenced, "the file of `ai/a:1`"));
}

#[test]
fn nothing_is_opened_that_is_no_file_of_the_store() {
    let mut docker = Docker::new();
    docker.pull(&["ai/good:1"], &[("gguf.v3", "GGUF x=1")]);
    docker.pull(&["ai/odd:1"], &[("gguf.v3", "out"), ("license", "pipe"), ("mmproj", "dir")]);
    let secret = docker.tree.gguf("secret/s.gguf", "x=2");
    let [out, pipe, dir] = ["out", "pipe", "dir"].map(|content| {
        std::fs::remove_file(docker.path_of(content)).unwrap();
        docker.path_of(content)
    });
    symlink(&secret, &out).unwrap();
    std::fs::create_dir(&dir).unwrap();
    docker.tree.fifo(pipe.strip_prefix(docker.tree.path("")).unwrap().to_str().unwrap());
    let manifests = docker.root().join("manifests/sha256");
    let away = manifests.join(sha256("away"));
    symlink(&secret, &away).unwrap();
    let fifo = manifests.join(sha256("fifo"));
    docker.tree.fifo(fifo.strip_prefix(docker.tree.path("")).unwrap().to_str().unwrap());
    let giant = manifests.join(sha256("giant"));
    std::fs::File::create(&giant).unwrap().set_len(1 << 30).unwrap();
    let text = json!({"layers": [{"digest": "sha256:../../x", "mediaType": "application/vnd.docker.ai.gguf.v3"}]});
    let outside = docker.tree.text(format!("models/manifests/sha256/{}", sha256("outside")), &text.to_string());
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&docker.root()]);
    // Its owner opens what a link leads to.
    assert_eq!(shelf.names(), ["ai/good:1", "ai/odd:1"]);
    assert_eq!(shelf.named("ai/odd:1").artifacts[0].target.as_deref(), Some(secret.as_path()));
    assert!(why(&report, &out).1.ends_with(&format!("a link to {}", secret.display())));
    for path in [&pipe, &dir, &away, &fifo, &giant, &outside] {
        assert_eq!(why(&report, path).0, Class::Damaged, "{}", path.display());
    }
    assert!(why(&report, &outside).1.contains("`sha256:../../x`"));
}

#[test]
fn another_version_of_the_layout_is_said_to_be_unknown() {
    let mut docker = Docker::new();
    docker.pull(&["ai/a:1"], &[("gguf.v3", "GGUF x=1")]);
    docker.tree.text("models/layout.json", r#"{"layoutVersion":"2.0.0"}"#);
    let report = Shelf::default().scan(&[&docker.root()]);
    assert!(skipped(&report, &docker.root().join("manifests")).contains("version"));
    let report = Shelf::default().scan_as(&docker.root(), StoreKind::Docker);
    assert!(skipped(&report, &docker.root()).contains("does not have its layout"));
}

#[test]
fn the_folders_of_the_store_are_gone_into_through_links() {
    for part in ["blobs", "manifests", "blobs/sha256"] {
        let mut docker = Docker::new();
        docker.pull(&["ai/a:1"], &[("gguf.v3", "GGUF x=1"), ("license", "MIT")]);
        let far = docker.tree.path("far");
        std::fs::rename(docker.root().join(part), &far).unwrap();
        symlink(&far, docker.root().join(part)).unwrap();
        let mut shelf = Shelf::default();
        let report = shelf.scan_as(&docker.root(), StoreKind::Docker);
        assert_eq!(shelf.names(), ["ai/a:1"], "{part}: {:#?}", report.skipped);
        assert_eq!(why(&report, &docker.path_of("MIT")).0, Class::Referenced, "{part}");
        let again = shelf.scan_as(&docker.root(), StoreKind::Docker);
        assert_eq!((again.outcome.counts.unchanged, shelf.opened()), (1, 0), "{part}");
    }
}
