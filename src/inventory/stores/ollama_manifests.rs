//! The manifests of an Ollama store: its names, and the blobs that each of them needs.

use super::oci::{Algorithm, Descriptor, Digest, Document, parse_manifest, read_json, read_manifest};
use super::oci_images::{Image, Part, Role};
use super::ollama_blobs::{Blobs, Needed};
use crate::inventory::collector::StoreCollector;
use crate::inventory::inode::{not_regular_reason, vanished};
use crate::inventory::kept::{Kept, Sum};
use crate::model::Class;
use crate::model::hex;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

const LIST: &str = "application/vnd.ollama.manifest.list.v2+json";
const LAYER: &str = "application/vnd.ollama.image.";
/// The two names of the public registry.
const PUBLIC: [&str; 2] = ["registry.ollama.ai", "ollama.com"];
/// The largest number of blobs that one name may need, over all manifests in its list.
const MOST_PARTS: usize = 100_000;
const MOST_CONFIG: u64 = 1 << 20;

#[derive(Default)]
pub(super) struct Manifests {
    /// The images, sorted by name.
    pub images: Vec<Image>,
    /// Reason why blobs without an image may still be needed.
    pub unknown: Option<String>,
    /// The config blobs of models that run elsewhere, with the host.
    pub clouds: HashMap<Digest, String>,
    damaged: Vec<(PathBuf, Metadata, String)>,
    files: Vec<Metadata>,
    beside: Sum,
}

/// The fields of a model's config that matter here.
#[derive(Deserialize, Default)]
struct Config {
    model_format: Option<String>,
    remote_host: Option<String>,
}

impl Manifests {
    /// Returns the uses of the blobs.
    pub fn needed(&self) -> Needed<'_> {
        Needed { images: &self.images, unknown: self.unknown.as_deref(), clouds: &self.clouds }
    }

    pub fn read(root: &Path, blobs: &Blobs, collector: &mut StoreCollector<'_>) -> anyhow::Result<Manifests> {
        let mut manifests = Manifests::default();
        let mut names: HashSet<String> = HashSet::new();
        for folder in MANIFESTS {
            let top = root.join(folder);
            if std::fs::symlink_metadata(&top).is_err_and(|e| vanished(&e)) {
                continue;
            }
            // The names in the newer folder take precedence over those in the older one.
            let newer = names.clone();
            // The server searches `*/*/*/*` and opens what it finds, through links at any level.
            let entries = WalkDir::new(&top).follow_links(true).min_depth(1).max_depth(DEPTH).max_open(16);
            for entry in entries.sort_by_file_name() {
                collector.progress.entry()?;
                match entry {
                    Ok(entry) if entry.depth() == DEPTH => {
                        let name = name_of(&top, entry.path());
                        let is_superseded = newer.contains(&name);
                        names.insert(name.clone());
                        manifests.entry(&entry, name, is_superseded, blobs, collector);
                    }
                    Ok(entry) => manifests.above(&entry, collector),
                    // A link to a parent folder adds no names, except such as lead through it again.
                    Err(e) if e.loop_ancestor().is_some() => {
                        collector.skip(e.path().unwrap_or(&top), "a link to one of its parent folders");
                    }
                    Err(e) if e.depth() == DEPTH && is_broken_link(&e) => {
                        let Some(path) = e.path() else { continue };
                        let name = name_of(&top, path);
                        let is_superseded = newer.contains(&name);
                        names.insert(name.clone());
                        manifests.dangling(path, name, is_superseded, blobs, collector);
                    }
                    Err(e) => {
                        collector.walk_error(&e);
                        manifests.unsure("not every manifest can be read".to_owned());
                    }
                }
            }
        }
        manifests.images.sort_by(|a, b| (&a.name, a.is_superseded).cmp(&(&b.name, b.is_superseded)));
        Ok(manifests)
    }

    fn unsure(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    /// Reads a broken link in place of a manifest. In a store that was moved, it means the blob of that name in the new
    /// location.
    fn dangling(
        &mut self,
        path: &Path,
        name: String,
        is_superseded: bool,
        blobs: &Blobs,
        collector: &mut StoreCollector<'_>,
    ) {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(e) => {
                if !vanished(&e) {
                    collector.cannot_read(path, &e);
                }
                self.unsure(format!("the manifest of `{name}` cannot be read"));
                return;
            }
        };
        // A link that cannot be read leads nowhere.
        let meant = std::fs::read_link(path).ok().and_then(|to| Digest::parse(to.file_name()?.to_str()?));
        let at = meant.and_then(|digest| blobs.file(&digest)).ok_or_else(|| "is a dangling link".to_owned());
        self.take(path, meta, name, is_superseded, (at, blobs));
    }

    /// Counts a file above the level of the manifests.
    fn above(&mut self, entry: &DirEntry, collector: &mut StoreCollector<'_>) {
        if entry.file_type().is_file() {
            match entry.metadata() {
                Ok(meta) => self.beside.add(&meta),
                Err(e) => collector.walk_error(&e),
            }
        }
    }

    fn entry(
        &mut self,
        entry: &DirEntry,
        name: String,
        is_superseded: bool,
        blobs: &Blobs,
        collector: &mut StoreCollector<'_>,
    ) {
        let path = entry.path();
        // The metadata of the entry itself: a link is followed below.
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(e) => {
                if !vanished(&e) {
                    collector.cannot_read(path, &e);
                }
                self.unsure(format!("the manifest of `{name}` cannot be read"));
                return;
            }
        };
        if entry.file_type().is_dir() {
            collector.skip(path, "a directory");
            return;
        }
        if meta.is_file() && entry.file_name().as_bytes().starts_with(b".") {
            // No tag begins with a dot: the file is being written, or comes from the operating system.
            self.beside.add(&meta);
            return;
        }
        if !meta.is_file() && !meta.is_symlink() {
            let why = format!("{} where a manifest belongs", not_regular_reason(meta.file_type()));
            self.damaged.push((path.to_owned(), meta, why));
            return;
        }
        let at = if meta.is_symlink() { behind(path) } else { Ok(path.to_owned()) };
        self.take(path, meta, name, is_superseded, (at, blobs));
    }

    /// Adds the image of a manifest whose bytes are at `at`.
    fn take(
        &mut self,
        path: &Path,
        meta: Metadata,
        name: String,
        is_superseded: bool,
        (at, blobs): (Result<PathBuf, String>, &Blobs),
    ) {
        match at.and_then(|at| read_manifest(&at)).and_then(|bytes| self.image(&bytes, blobs)) {
            Ok((parts, bytes)) => {
                self.images.push(Image { name, manifest: path.to_owned(), is_superseded, parts, bytes });
                self.files.push(meta);
            }
            Err(_) if std::fs::symlink_metadata(path).is_err_and(|e| vanished(&e)) => {
                // The manifest was deleted meanwhile, and its blobs may be next.
                self.unsure(format!("the manifest of `{name}` vanished"));
            }
            Err(why) => {
                self.unsure(format!("the manifest of `{name}` cannot be read"));
                self.damaged.push((path.to_owned(), meta, format!("the manifest of `{name}` {why}")));
            }
        }
    }

    /// Returns the blobs that a manifest names, and the sum of their promised sizes in bytes.
    ///
    /// # Errors
    /// A text that says what is wrong with the manifest.
    fn image(&mut self, bytes: &[u8], blobs: &Blobs) -> Result<(Vec<Part>, u64), String> {
        let document = parse_manifest(bytes)?;
        let mut parts = Vec::new();
        let total = if document.media_type.as_deref() == Some(LIST) {
            self.list(&document, &mut parts, blobs)?;
            let mut seen = BTreeSet::new();
            let once = parts.iter().filter(|p| seen.insert(&p.digest));
            once.filter_map(|p| p.bytes).fold(0, u64::saturating_add)
        } else {
            self.parts(&document, &mut parts, blobs)?;
            // Counts as the server does: a blob that is named twice counts twice.
            parts.iter().filter_map(|p| p.bytes).fold(0, u64::saturating_add)
        };
        // The server also keeps the manifest as a blob; this file may be a link to it or a copy.
        let own = hex(&Sha256::digest(bytes));
        if let Some(digest) = Digest::new(Algorithm::Sha256, &own).filter(|d| blobs.has(d)) {
            parts.push(manifest_part(digest));
        }
        Ok((parts, total))
    }

    fn list(&mut self, list: &Document, parts: &mut Vec<Part>, blobs: &Blobs) -> Result<(), String> {
        for child in list.manifests() {
            if child.media_type.as_deref() == Some(LIST) {
                return Err("is a list that holds a list".to_owned());
            }
            let digest = match child.digest.as_deref().filter(|d| !d.is_empty()) {
                Some(text) => Some(digest_of(text)?),
                None => None,
            };
            let is_reference = child.config.is_none() && child.layers().is_empty();
            match digest {
                Some(digest) if is_reference => {
                    let short = digest.short().to_owned();
                    let at =
                        blobs.file(&digest).ok_or_else(|| format!("names the manifest {short}, which does not exist"));
                    let inner = at.and_then(|at| read_manifest(&at)).and_then(|bytes| parse_manifest(&bytes));
                    parts.push(manifest_part(digest));
                    self.parts(
                        &inner.map_err(|why| format!("names a manifest that cannot be read: {why}"))?,
                        parts,
                        blobs,
                    )?;
                }
                _ => self.parts(child, parts, blobs)?,
            }
        }
        Ok(())
    }

    fn parts(&mut self, document: &Document, parts: &mut Vec<Part>, blobs: &Blobs) -> Result<(), String> {
        let mut is_gguf = true;
        // The server skips layers without a digest.
        let named = |d: &&Descriptor| !d.digest.is_empty();
        if let Some(config) = document.config.as_ref().filter(named) {
            let digest = digest_of(&config.digest)?;
            // Missing fields of a config have their defaults.
            let about =
                blobs.file(&digest).and_then(|at| read_json::<Config>(&at, MOST_CONFIG).ok()).unwrap_or_default();
            is_gguf = about.model_format.as_deref().is_none_or(|f| f.is_empty() || f.eq_ignore_ascii_case("gguf"));
            if let Some(host) = about.remote_host.filter(|h| !h.is_empty()) {
                self.clouds.insert(digest.clone(), short(&host));
            }
            parts.push(Part { role: Role::Other, kind: "config".to_owned(), digest, bytes: config.bytes() });
        }
        for layer in document.layers().iter().filter(named) {
            if parts.len() >= MOST_PARTS {
                return Err(format!("names more than {MOST_PARTS} blobs"));
            }
            let kind = layer.media_type.strip_prefix(LAYER).unwrap_or(&layer.media_type);
            let role = match kind {
                "model" if is_gguf => Role::Model,
                "projector" if is_gguf => Role::Projector,
                "adapter" if is_gguf => Role::Adapter,
                _ => Role::Other,
            };
            let digest = digest_of(&layer.digest)?;
            parts.push(Part { role, kind: short(kind), digest, bytes: layer.bytes() });
        }
        Ok(())
    }

    /// Adds the holdings of the manifests themselves.
    pub fn keep(&self, kept: Kept<'_>, blobs: &Blobs, collector: &mut StoreCollector<'_>) {
        let mut sum = self.beside;
        let mut counted = HashSet::new();
        for meta in &self.files {
            let is_own = meta.nlink() < 2 || (counted.insert((meta.dev(), meta.ino())) && !blobs.is_blob(meta));
            if is_own {
                sum.add(meta);
            }
        }
        if !sum.is_empty() {
            let top = MANIFESTS.iter().map(|m| kept.root.join(m)).find(|m| m.is_dir());
            let why = match self.images.len() {
                1 => "the manifest of 1 name".to_owned(),
                n => format!("the manifests of {n} names"),
            };
            collector.holdings.push(kept.sum(&top.unwrap_or_else(|| kept.root.to_owned()), sum, Class::SideCache, why));
        }
        for (path, meta, why) in &self.damaged {
            collector.holdings.push(kept.file(path, meta, Class::Damaged, why.clone()));
        }
    }
}

fn manifest_part(digest: Digest) -> Part {
    Part { role: Role::Other, kind: "manifest".to_owned(), digest, bytes: None }
}

/// Returns the first 64 characters of a foreign text, for use in a sentence.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

fn digest_of(text: &str) -> Result<Digest, String> {
    let digest = Digest::parse(text).filter(|d| d.algorithm == Algorithm::Sha256);
    digest.ok_or_else(|| format!("names the blob `{}`, which is not a digest", short(text)))
}

/// Returns the file that a linked manifest leads to: a blob, as newer servers link them, or any other file, which the
/// server would open, too.
fn behind(link: &Path) -> Result<PathBuf, String> {
    link.canonicalize().map_err(|_| "is a dangling link".to_owned())
}

fn is_broken_link(error: &walkdir::Error) -> bool {
    let is_ring = |e: &std::io::Error| e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    error.path().is_some_and(Path::is_symlink) && error.io_error().is_some_and(|e| vanished(e) || is_ring(e))
}

/// Returns whether a host is the default registry.
pub(super) fn is_public(host: &str) -> bool {
    PUBLIC.iter().any(|p| host.eq_ignore_ascii_case(p))
}

/// Returns the shortest unambiguous name: `llama3:8b`, `namespace/model:tag` or `host/namespace/model:tag`.
fn name_of(top: &Path, manifest: &Path) -> String {
    let inside = manifest.strip_prefix(top).unwrap_or(manifest);
    let parts: Vec<_> = inside.iter().map(|p| p.to_string_lossy()).collect();
    let [host, namespace, model, tag] = parts.as_slice() else {
        return inside.to_string_lossy().into_owned();
    };
    match (is_public(host), namespace.as_ref()) {
        (true, "library") => format!("{model}:{tag}"),
        (true, _) => format!("{namespace}/{model}:{tag}"),
        (false, _) => format!("{host}/{namespace}/{model}:{tag}"),
    }
}

/// The folders of manifests, the newer first: if both have a name, the server uses the newer one.
pub(super) const MANIFESTS: [&str; 2] = ["manifests-v2", "manifests"];

/// The depth of a manifest below its folder: `<host>/<namespace>/<model>/<tag>`.
pub(super) const DEPTH: usize = 4;
