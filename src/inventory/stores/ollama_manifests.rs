//! The manifests of an Ollama store: which names there are, and which blobs each needs.

use super::oci::{Algorithm, Descriptor, Digest, Document, parse_manifest, read_json, read_manifest};
use super::oci_images::{Image, Part, Role};
use super::ollama::{DEPTH, MANIFESTS};
use super::ollama_blobs::Blobs;
use crate::inventory::found::{Intake, Kept, Sum, odd_type, vanished};
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
/// The public registry has two names.
const PUBLIC: [&str; 2] = ["registry.ollama.ai", "ollama.com"];
/// Blobs that one name may need, those of all the manifests in its list together.
const MOST_PARTS: usize = 100_000;
const MOST_CONFIG: u64 = 1 << 20;

#[derive(Default)]
pub(super) struct Manifests {
    /// In the order of their names.
    pub images: Vec<Image>,
    /// Why blobs may be needed that no image leads to.
    pub unknown: Option<String>,
    /// Config blobs of models that run elsewhere, with the host.
    pub clouds: HashMap<Digest, String>,
    damaged: Vec<(PathBuf, Metadata, String)>,
    files: Vec<Metadata>,
    beside: Sum,
}

/// What the config of a model says, as far as it matters here.
#[derive(Deserialize, Default)]
struct Config {
    model_format: Option<String>,
    remote_host: Option<String>,
}

impl Manifests {
    pub fn read(root: &Path, blobs: &Blobs, intake: &mut Intake<'_>) -> anyhow::Result<Manifests> {
        let mut manifests = Manifests::default();
        let mut names: HashSet<String> = HashSet::new();
        for folder in MANIFESTS {
            let top = root.join(folder);
            if std::fs::symlink_metadata(&top).is_err_and(|e| vanished(&e)) {
                continue;
            }
            // Names that the newer folder has stand before those of the older one.
            let newer = names.clone();
            let entries = WalkDir::new(&top).follow_root_links(false).min_depth(1).max_depth(DEPTH).max_open(16);
            for entry in entries.sort_by_file_name() {
                intake.pulse.entry()?;
                match entry {
                    Ok(entry) if entry.depth() == DEPTH => {
                        let name = name_of(&top, entry.path());
                        let is_superseded = newer.contains(&name);
                        names.insert(name.clone());
                        manifests.entry(&entry, name, is_superseded, blobs, intake);
                    }
                    Ok(entry) => manifests.above(&entry, intake),
                    Err(e) => {
                        intake.walk_error(&e);
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

    /// What lies above the level of the manifests.
    fn above(&mut self, entry: &DirEntry, intake: &mut Intake<'_>) {
        let kind = entry.file_type();
        if kind.is_symlink() {
            // The server would look for manifests behind it.
            intake.skip(entry.path(), "a link in the place of a folder");
            self.unsure("not every manifest can be read".to_owned());
        } else if kind.is_file() {
            match entry.metadata() {
                Ok(meta) => self.beside.add(&meta),
                Err(e) => intake.walk_error(&e),
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry, name: String, is_superseded: bool, blobs: &Blobs, intake: &mut Intake<'_>) {
        let path = entry.path();
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(e) => {
                intake.walk_error(&e);
                self.unsure(format!("the manifest of `{name}` cannot be read"));
                return;
            }
        };
        if meta.is_dir() {
            intake.skip(path, "a directory");
            return;
        }
        if meta.is_file() && entry.file_name().as_bytes().starts_with(b".") {
            // No tag begins so: it is being written, or an operating system left it there.
            self.beside.add(&meta);
            return;
        }
        if !meta.is_file() && !meta.is_symlink() {
            let why = format!("{} where a manifest belongs", odd_type(meta.file_type()));
            self.damaged.push((path.to_owned(), meta, why));
            return;
        }
        let at = if meta.is_symlink() { behind(path, blobs, intake) } else { Ok(path.to_owned()) };
        match at.and_then(|at| read_manifest(&at)).and_then(|bytes| self.image(&bytes, blobs)) {
            Ok((parts, bytes)) => {
                self.images.push(Image { name, manifest: path.to_owned(), is_superseded, parts, bytes });
                self.files.push(meta);
            }
            Err(_) if std::fs::symlink_metadata(path).is_err_and(|e| vanished(&e)) => {
                // It was deleted meanwhile, and its blobs may be next.
                self.unsure(format!("the manifest of `{name}` vanished"));
            }
            Err(why) => {
                self.unsure(format!("the manifest of `{name}` cannot be read"));
                self.damaged.push((path.to_owned(), meta, format!("the manifest of `{name}` {why}")));
            }
        }
    }

    /// The blobs that a manifest names, and what it takes by its own account in bytes.
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
            // As the server counts: a blob that is named twice counts twice.
            parts.iter().filter_map(|p| p.bytes).fold(0, u64::saturating_add)
        };
        // The server also keeps the manifest itself as a blob, of which this may be a link or a copy.
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
                        blobs.file(&digest).ok_or_else(|| format!("names the manifest {short}, which is not there"));
                    let inner = at.and_then(|at| read_manifest(&at)).and_then(|bytes| parse_manifest(&bytes));
                    parts.push(manifest_part(digest));
                    self.parts(
                        &inner.map_err(|why| format!("names a manifest that cannot be had: {why}"))?,
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
        // The server passes over what has no digest.
        let named = |d: &&Descriptor| !d.digest.is_empty();
        if let Some(config) = document.config.as_ref().filter(named) {
            let digest = digest_of(&config.digest)?;
            // What a config does not say is as usual.
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

    /// The manifests themselves.
    pub fn keep(&self, kept: Kept<'_>, blobs: &Blobs, intake: &mut Intake<'_>) {
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
            intake.holdings.push(kept.sum(&top.unwrap_or_else(|| kept.root.to_owned()), sum, Class::SideCache, why));
        }
        for (path, meta, why) in &self.damaged {
            intake.holdings.push(kept.file(path, meta, Class::Damaged, why.clone()));
        }
    }
}

fn manifest_part(digest: Digest) -> Part {
    Part { role: Role::Other, kind: "manifest".to_owned(), digest, bytes: None }
}

/// Words of a stranger, of which a sentence can take only so much.
fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

fn digest_of(text: &str) -> Result<Digest, String> {
    let digest = Digest::parse(text).filter(|d| d.algorithm == Algorithm::Sha256);
    digest.ok_or_else(|| format!("names the blob `{}`, which is no digest", short(text)))
}

/// The blob that a linked manifest is: the server makes no other links.
fn behind(link: &Path, blobs: &Blobs, intake: &mut Intake<'_>) -> Result<PathBuf, String> {
    let to = link.canonicalize().map_err(|_| "is a link that leads nowhere".to_owned())?;
    let name = to.file_name().and_then(|n| n.to_str()).and_then(Digest::parse);
    if to.parent() != Some(&blobs.folder) || name.is_none() {
        intake.skip(link, "a link that leaves the blobs");
        return Err("is a link to something that is no blob".to_owned());
    }
    Ok(to)
}

/// The registry that goes without saying.
pub(super) fn is_public(host: &str) -> bool {
    PUBLIC.iter().any(|p| host.eq_ignore_ascii_case(p))
}

/// `llama3:8b`, `namespace/model:tag` or `host/namespace/model:tag`: the least that tells it.
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
