//! Stores of manifests and blobs, written entry by entry as their owners write them.

use super::trees::Tree;
use crate::inventory::ScanReport;
use crate::model::{Class, Holding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

pub const LIBRARY: &str = "registry.ollama.ai/library";

pub fn sha256(content: impl AsRef<[u8]>) -> String {
    Sha256::digest(content).iter().map(|b| format!("{b:02x}")).collect()
}

/// A store of Ollama in the folder `models` of a tree.
pub struct Ollama {
    pub tree: Tree,
}

impl Ollama {
    pub fn new() -> Ollama {
        Ollama::within(Tree::new())
    }

    /// In a tree that has other things as well.
    pub fn within(tree: Tree) -> Ollama {
        for folder in ["models/manifests", "models/blobs"] {
            tree.dir(folder);
        }
        Ollama { tree }
    }

    pub fn root(&self) -> PathBuf {
        self.tree.path("models")
    }

    /// The path of the blob with this content, whether it is there or not.
    pub fn path_of(&self, content: &str) -> PathBuf {
        self.root().join(format!("blobs/sha256-{}", sha256(content)))
    }

    /// Writes a blob and gives its path.
    pub fn blob(&self, content: &str) -> PathBuf {
        let path = self.path_of(content);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A manifest of layers `(kind, content)` with a config, whose blobs are written as well.
    pub fn pull(&self, tag: &str, layers: &[(&str, &str)]) -> PathBuf {
        for (_, content) in layers {
            self.blob(content);
        }
        self.manifest(tag, &image(&self.config("gguf"), layers))
    }

    /// Writes a config blob and gives its content.
    pub fn config(&self, format: &str) -> String {
        let content = json!({"model_format": format, "model_family": "llama", "file_type": "Q4_K_M"}).to_string();
        self.blob(&content);
        content
    }

    /// `tag`: the path below `manifests`.
    pub fn manifest(&self, tag: &str, document: &Value) -> PathBuf {
        self.tree.text(format!("models/manifests/{tag}"), &document.to_string())
    }
}

pub fn layer(kind: &str, content: &str) -> Value {
    let kind = format!("application/vnd.ollama.image.{kind}");
    json!({"mediaType": kind, "digest": format!("sha256:{}", sha256(content)), "size": content.len()})
}

pub fn image(config: &str, layers: &[(&str, &str)]) -> Value {
    let kind = "application/vnd.docker.container.image.v1+json";
    let layers: Vec<Value> = layers.iter().map(|(kind, content)| layer(kind, content)).collect();
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": kind, "digest": format!("sha256:{}", sha256(config)), "size": config.len()},
        "layers": layers,
    })
}

pub fn holdings(report: &ScanReport) -> &[Holding] {
    &report.outcome.surveys[0].holdings
}

/// The one holding at `path`.
#[track_caller]
pub fn held<'a>(report: &'a ScanReport, path: &Path) -> &'a Holding {
    let hits: Vec<&Holding> = holdings(report).iter().filter(|h| h.path == path).collect();
    assert_eq!(hits.len(), 1, "{} among {:#?}", path.display(), holdings(report));
    hits[0]
}

/// Class and reason of the one holding at `path`.
#[track_caller]
pub fn why<'a>(report: &'a ScanReport, path: &Path) -> (Class, &'a str) {
    let held = held(report, path);
    (held.class, &held.why)
}

/// The bytes that a walk over the folder counts, each inode once.
pub fn bytes_under(root: &Path) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let mut seen = std::collections::HashSet::new();
    let files = walkdir::WalkDir::new(root).into_iter().map(|e| e.unwrap().metadata().unwrap());
    files
        .filter(|m| !m.is_dir() && seen.insert(m.ino()))
        .fold((0, 0), |(size, blocks), m| (size + m.len(), blocks + m.blocks() * 512))
}

/// Holdings must add up to what the folder takes.
#[track_caller]
pub fn adds_up(report: &ScanReport, root: &Path) {
    let sum = holdings(report).iter().fold((0, 0), |(size, used), h| (size + h.size, used + h.allocated));
    // A link that stands in for a manifest is counted with its own few bytes or as the blob: leave links out.
    assert_eq!(sum, bytes_under(root), "{:#?}", holdings(report));
}
