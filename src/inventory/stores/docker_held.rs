//! The content of the index and the manifests of a Docker Model Runner store.

use super::oci::{Algorithm, Descriptor, Digest, Document, parse_manifest, read_json, read_manifest};
use super::oci_images::{Image, Part, Role};
use crate::inventory::collector::StoreCollector;
use crate::inventory::inode::{not_regular_reason, vanished};
use crate::inventory::kept::{Kept, Sum};
use crate::model::Class;
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::Path;

/// The images and blobs that the index and the manifests name.
#[derive(Default)]
pub(super) struct Held {
    /// The images, sorted by name.
    pub images: Vec<Image>,
    /// Reason why blobs without an image may still be needed.
    pub unknown: Option<String>,
    /// The models of the index by the digest of their manifest: name, and the blobs that the index lists.
    listed: BTreeMap<Digest, (String, Vec<Digest>)>,
    /// Whether the index could be read. If not, every manifest counts.
    has_index: bool,
    /// The size of the index and the manifests themselves.
    pub sum: Sum,
}

impl Held {
    /// Returns the name of the listed model that a bundle belongs to. None if there is none.
    pub fn owner_of_bundle(&self, digest: &Digest) -> Option<&str> {
        self.listed.get(digest).map(|(name, _)| name.as_str())
    }

    pub fn has_index(&self) -> bool {
        self.has_index
    }

    fn unsure(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    pub fn index(&mut self, root: &Path, kept: Kept<'_>, collector: &mut StoreCollector<'_>) {
        // Layout::Store means that the file exists; if it vanished meanwhile, there is nothing to count.
        if let Ok(meta) = std::fs::symlink_metadata(root.join("layout.json")) {
            self.sum.add(&meta);
        }
        let path = root.join("models.json");
        let meta = match std::fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(e) => {
                if !vanished(&e) {
                    collector.cannot_read(&path, &e);
                }
                self.unsure("models.json does not exist".to_owned());
                return;
            }
        };
        match read_json::<Index>(&path, MOST_INDEX) {
            Ok(index) => {
                self.has_index = true;
                self.sum.add(&meta);
                for listed in index.models.unwrap_or_default() {
                    self.list(listed);
                }
            }
            Err(why) => {
                self.unsure("models.json cannot be read".to_owned());
                let why = format!("the list of models {why}");
                collector.holdings.push(kept.file(&path, &meta, Class::Damaged, why));
            }
        }
    }

    fn list(&mut self, listed: Listed) {
        let Some(id) = Digest::parse(&listed.id) else {
            self.unsure("models.json lists a model that has no digest".to_owned());
            return;
        };
        let mut tags: Vec<String> = listed.tags.unwrap_or_default().iter().map(|t| plain_tag(t)).collect();
        tags.sort();
        let name = if tags.is_empty() { format!("sha256:{}", id.short()) } else { tags.join(", ") };
        let mut files = Vec::new();
        for text in listed.files.unwrap_or_default() {
            match Digest::parse(&text) {
                Some(digest) => files.push(digest),
                None => self.unsure(format!("models.json lists a blob of `{name}` that has no digest")),
            }
        }
        self.listed.insert(id, (name, files));
    }

    pub fn manifests(&mut self, root: &Path, kept: Kept<'_>, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
        for algorithm in Algorithm::ALL {
            let folder = root.join("manifests").join(algorithm.name());
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(e) if vanished(&e) => continue,
                Err(e) => {
                    collector.cannot_read(&folder, &e);
                    self.unsure("not every manifest can be read".to_owned());
                    continue;
                }
            };
            for entry in entries {
                collector.progress.entry()?;
                match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                    Ok((entry, meta)) => self.manifest(algorithm, (&entry.path(), &meta), kept, collector),
                    Err(e) if vanished(&e) => {}
                    Err(e) => {
                        collector.cannot_read(&folder, &e);
                        self.unsure("not every manifest can be read".to_owned());
                    }
                }
            }
        }
        Ok(())
    }

    fn manifest(
        &mut self,
        algorithm: Algorithm,
        (path, meta): (&Path, &Metadata),
        kept: Kept<'_>,
        collector: &mut StoreCollector<'_>,
    ) {
        let name = path.file_name().and_then(OsStr::to_str).and_then(|name| Digest::new(algorithm, name));
        let Some(digest) = name else {
            // Written under a temporary name first; a manifest is named by its digest.
            let why = "not the name of a manifest";
            collector.holdings.push(kept.file(path, meta, Class::Orphan, why));
            return;
        };
        if !meta.is_file() {
            let why = format!("{} where a manifest belongs", not_regular_reason(meta.file_type()));
            collector.holdings.push(kept.file(path, meta, Class::Damaged, why));
            self.unsure(format!("the manifest {} cannot be read", digest.short()));
            return;
        }
        let listed = self.listed.get(&digest);
        let name = listed.map_or_else(|| format!("sha256:{}", digest.short()), |(name, _)| name.clone());
        match read_manifest(path).and_then(|bytes| parse_manifest(&bytes)).and_then(|document| parts(&document)) {
            Ok(mut parts) => {
                if listed.is_none() && self.has_index {
                    let why = "a manifest that models.json does not list";
                    collector.holdings.push(kept.file(path, meta, Class::Orphan, why));
                    return;
                }
                let named: HashSet<Digest> = parts.iter().map(|p| p.digest.clone()).collect();
                let files = listed.into_iter().flat_map(|(_, files)| files);
                parts.extend(files.filter(|digest| !named.contains(digest)).map(file_part));
                let bytes = parts.iter().filter_map(|p| p.bytes).fold(0, u64::saturating_add);
                self.images.push(Image { name, manifest: path.to_owned(), is_superseded: false, parts, bytes });
                self.sum.add(meta);
            }
            Err(why) => {
                self.unsure(format!("the manifest of `{name}` cannot be read"));
                let why = format!("the manifest of `{name}` {why}");
                collector.holdings.push(kept.file(path, meta, Class::Damaged, why));
            }
        }
    }

    /// Adds the listed models whose manifest was not read. The index names blobs itself, so they are known without a
    /// manifest.
    pub fn listed_without_manifest(
        &mut self,
        root: &Path,
        kept: Kept<'_>,
        has_blob: &dyn Fn(&Digest) -> bool,
        collector: &mut StoreCollector<'_>,
    ) {
        let mut more = Vec::new();
        let read: HashSet<&Path> = self.images.iter().map(|image| image.manifest.as_path()).collect();
        for (id, (name, files)) in &self.listed {
            let path = root.join("manifests").join(id.algorithm.name()).join(&id.hex);
            if read.contains(path.as_path()) {
                continue;
            }
            if std::fs::symlink_metadata(&path).is_err_and(|e| vanished(&e)) {
                let why = format!("models.json lists `{name}`, but its manifest does not exist");
                collector.holdings.push(Kept { owner: Some(name), ..kept }.missing(&path, why));
            }
            let parts = files.iter().filter(|digest| has_blob(digest)).map(file_part).collect();
            more.push(Image { name: name.clone(), manifest: path, is_superseded: false, parts, bytes: 0 });
        }
        self.images.append(&mut more);
    }
}

/// The largest size of the index in bytes: some ten thousand models.
const MOST_INDEX: u64 = 8 << 20;

/// The content of `models.json`.
#[derive(Deserialize, Default)]
struct Index {
    models: Option<Vec<Listed>>,
}

#[derive(Deserialize, Default)]
struct Listed {
    #[serde(default)]
    id: String,
    tags: Option<Vec<String>>,
    files: Option<Vec<String>>,
}

fn file_part(digest: &Digest) -> Part {
    Part { role: Role::Other, kind: "file".to_owned(), digest: digest.clone(), bytes: None }
}

/// Returns the blobs that a manifest names.
///
/// # Errors
/// A text that says what is wrong with the manifest.
fn parts(document: &Document) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let named = |d: &&Descriptor| !d.digest.is_empty();
    for part in document.layers().iter().chain(&document.config).filter(named) {
        let short: String = part.digest.chars().take(64).collect();
        let digest =
            Digest::parse(&part.digest).ok_or_else(|| format!("names the blob `{short}`, which is not a digest"))?;
        let (role, kind) = role_of(part);
        parts.push(Part { role, kind, digest, bytes: part.bytes() });
    }
    Ok(parts)
}

/// Returns role and kind of a layer, by Docker's own types of layers and by those of the CNCF model specification,
/// which say less.
fn role_of(layer: &Descriptor) -> (Role, String) {
    let kind = layer.media_type.as_str();
    let file = layer.file_name().unwrap_or_default().to_ascii_lowercase();
    let (role, word) = if kind.contains(".mmproj") {
        (Role::Projector, "projector")
    } else if kind.contains(".lora") {
        (Role::Adapter, "adapter")
    } else if kind.contains("gguf") || (kind.contains(".weight.") && file.ends_with(".gguf")) {
        if file.contains("mmproj") { (Role::Projector, "projector") } else { (Role::Model, "model") }
    } else if kind.contains(".model.config.") {
        (Role::Other, "config")
    } else {
        let word = kind.strip_prefix("application/vnd.docker.ai.").unwrap_or(kind);
        return (Role::Other, word.chars().take(64).collect());
    };
    (role, word.to_owned())
}

/// Returns a tag without the default registry.
fn plain_tag(tag: &str) -> String {
    let rest = ["index.docker.io/", "docker.io/"].iter().find_map(|host| tag.strip_prefix(host));
    rest.unwrap_or(tag).chars().take(256).collect()
}
