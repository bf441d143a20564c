//! The layout of Docker Model Runner's store, version 1:
//!
//! ```text
//! <root>/layout.json                          which version this is
//! <root>/models.json                          the models: id (digest of the manifest), tags, blobs
//! <root>/manifests/sha256/<hex>
//! <root>/blobs/sha256/<hex>                   also sha512; <hex>.incomplete while it is downloaded
//! <root>/bundles/sha256/<hex of the manifest> hard links to blobs and what was unpacked from them, for the runtime
//! ```

use super::docker_blobs::Blobs;
use super::oci::{Algorithm, Descriptor, Digest, Document, parse_manifest, read_json, read_manifest};
use super::oci_images::{Image, Part, Role};
use crate::inventory::found::{Intake, Kept, Sum, odd_type, vanished};
use crate::model::{Class, StoreKind};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const PARTS: [&str; 3] = ["blobs", "bundles", "manifests"];
const MOST_LAYOUT: u64 = 64 << 10;
/// Some ten thousand models.
const MOST_INDEX: u64 = 8 << 20;

/// What a folder is by its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Store,
    /// A store of another version.
    Other,
    No,
}

/// The marker that Docker itself goes by.
pub(super) fn layout(root: &Path) -> Layout {
    let is = |path: PathBuf, right: fn(&Metadata) -> bool| std::fs::symlink_metadata(path).is_ok_and(|m| right(&m));
    let marker = root.join("layout.json");
    if !is(marker.clone(), Metadata::is_file) {
        return Layout::No;
    }
    let has_digests = ["blobs", "manifests"]
        .iter()
        .any(|part| Algorithm::ALL.iter().any(|a| is(root.join(part).join(a.name()), Metadata::is_dir)));
    if !has_digests && !is(root.join("models.json"), Metadata::is_file) {
        return Layout::No;
    }
    // Other programs have files of that name as well.
    let Ok(about) = read_json::<serde_json::Value>(&marker, MOST_LAYOUT) else { return Layout::No };
    let version = ["layoutVersion", "version"].iter().find_map(|key| about.get(key)).and_then(|v| v.as_str());
    match version {
        Some(version) if version.starts_with("1.") => Layout::Store,
        Some(_) => Layout::Other,
        None => Layout::No,
    }
}

pub(super) fn is_store(root: &Path) -> bool {
    layout(root) == Layout::Store
}

/// The name of a folder of the store that is read with it.
pub(super) fn is_part(name: &OsStr) -> bool {
    PARTS.iter().any(|p| name == *p)
}

/// `models.json`.
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

/// Reads a whole store.
pub(super) fn read(root: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    let kept = Kept { store: StoreKind::Docker, root, owner: None };
    let shared: Arc<Path> = Arc::from(root);
    let blobs = Blobs::look(root, kept, intake)?;
    let mut held = Held::default();
    held.index(root, kept, intake);
    held.manifests(root, kept, intake)?;
    held.listed_without_manifest(root, kept, &blobs, intake);
    held.images.sort_by(|a, b| (&a.name, &a.manifest).cmp(&(&b.name, &b.manifest)));
    if !held.sum.is_empty() {
        let why = "the list of models and their manifests";
        intake.holdings.push(kept.sum(root, held.sum, Class::SideCache, why));
    }
    blobs.keep(&shared, &held, intake)
}

/// What the index and the manifests say.
#[derive(Default)]
pub(super) struct Held {
    /// In the order of their names.
    pub images: Vec<Image>,
    /// Why blobs may be needed that no image leads to.
    pub unknown: Option<String>,
    /// The models of the index by the digest of their manifest: name, and the blobs it lists.
    listed: BTreeMap<Digest, (String, Vec<Digest>)>,
    /// None when the index cannot be read: then every manifest counts.
    has_index: bool,
    sum: Sum,
}

impl Held {
    /// Whether a bundle belongs to a model that is listed.
    pub fn owner_of_bundle(&self, digest: &Digest) -> Option<&str> {
        self.listed.get(digest).map(|(name, _)| name.as_str())
    }

    pub fn has_index(&self) -> bool {
        self.has_index
    }

    fn unsure(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    fn index(&mut self, root: &Path, kept: Kept<'_>, intake: &mut Intake<'_>) {
        // Layout::Store means that it is there; if it vanished meanwhile, there is nothing to count.
        if let Ok(meta) = std::fs::symlink_metadata(root.join("layout.json")) {
            self.sum.add(&meta);
        }
        let path = root.join("models.json");
        let meta = match std::fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(e) => {
                if !vanished(&e) {
                    intake.cannot_read(&path, &e);
                }
                self.unsure("models.json is not there".to_owned());
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
                intake.holdings.push(kept.file(&path, &meta, Class::Damaged, why));
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

    fn manifests(&mut self, root: &Path, kept: Kept<'_>, intake: &mut Intake<'_>) -> anyhow::Result<()> {
        for algorithm in Algorithm::ALL {
            let folder = root.join("manifests").join(algorithm.name());
            let entries = match std::fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(e) if vanished(&e) => continue,
                Err(e) => {
                    intake.cannot_read(&folder, &e);
                    self.unsure("not every manifest can be read".to_owned());
                    continue;
                }
            };
            for entry in entries {
                intake.pulse.entry()?;
                match entry.and_then(|e| e.metadata().map(|m| (e, m))) {
                    Ok((entry, meta)) => self.manifest(algorithm, (&entry.path(), &meta), kept, intake),
                    Err(e) if vanished(&e) => {}
                    Err(e) => {
                        intake.cannot_read(&folder, &e);
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
        intake: &mut Intake<'_>,
    ) {
        let name = path.file_name().and_then(OsStr::to_str).and_then(|name| Digest::new(algorithm, name));
        let Some(digest) = name else {
            // Written under such a name first; a manifest has none but its digest.
            let why = "not the name of a manifest";
            intake.holdings.push(kept.file(path, meta, Class::Orphan, why));
            return;
        };
        if !meta.is_file() {
            let why = format!("{} where a manifest belongs", odd_type(meta.file_type()));
            intake.holdings.push(kept.file(path, meta, Class::Damaged, why));
            self.unsure(format!("the manifest {} cannot be read", digest.short()));
            return;
        }
        let listed = self.listed.get(&digest);
        let name = listed.map_or_else(|| format!("sha256:{}", digest.short()), |(name, _)| name.clone());
        match read_manifest(path).and_then(|bytes| parse_manifest(&bytes)).and_then(|document| parts(&document)) {
            Ok(mut parts) => {
                if listed.is_none() && self.has_index {
                    let why = "a manifest that models.json does not list";
                    intake.holdings.push(kept.file(path, meta, Class::Orphan, why));
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
                intake.holdings.push(kept.file(path, meta, Class::Damaged, why));
            }
        }
    }

    /// The index names blobs by itself, so that they are known also where the manifest is not there.
    fn listed_without_manifest(&mut self, root: &Path, kept: Kept<'_>, blobs: &Blobs, intake: &mut Intake<'_>) {
        let mut more = Vec::new();
        let read: HashSet<&Path> = self.images.iter().map(|image| image.manifest.as_path()).collect();
        for (id, (name, files)) in &self.listed {
            let path = root.join("manifests").join(id.algorithm.name()).join(&id.hex);
            if read.contains(path.as_path()) {
                continue;
            }
            if std::fs::symlink_metadata(&path).is_err_and(|e| vanished(&e)) {
                let why = format!("models.json lists `{name}`, and its manifest is not there");
                intake.holdings.push(Kept { owner: Some(name), ..kept }.missing(&path, why));
            }
            let parts = files.iter().filter(|digest| blobs.has(digest)).map(file_part).collect();
            more.push(Image { name: name.clone(), manifest: path, is_superseded: false, parts, bytes: 0 });
        }
        self.images.append(&mut more);
    }
}

fn file_part(digest: &Digest) -> Part {
    Part { role: Role::Other, kind: "file".to_owned(), digest: digest.clone(), bytes: None }
}

/// The blobs that a manifest names, or what is wrong with it.
fn parts(document: &Document) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let named = |d: &&Descriptor| !d.digest.is_empty();
    for part in document.layers().iter().chain(&document.config).filter(named) {
        let short: String = part.digest.chars().take(64).collect();
        let digest =
            Digest::parse(&part.digest).ok_or_else(|| format!("names the blob `{short}`, which is no digest"))?;
        let (role, kind) = role_of(part);
        parts.push(Part { role, kind, digest, bytes: part.bytes() });
    }
    Ok(parts)
}

/// Docker's own types of layers, and those of the model specification of the CNCF, which say less.
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

/// A tag without the registry that goes without saying.
fn plain_tag(tag: &str) -> String {
    let rest = ["index.docker.io/", "docker.io/"].iter().find_map(|host| tag.strip_prefix(host));
    rest.unwrap_or(tag).chars().take(256).collect()
}
