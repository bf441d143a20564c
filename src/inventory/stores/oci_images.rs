//! The images that the manifests of a store make up, and the uses of each blob. Shared by the stores that keep
//! manifests and blobs; pure, except for a stat of a manifest whose model is missing.

use super::oci::Digest;
use crate::inventory::collector::StoreCollector;
use crate::inventory::found::Found;
use crate::inventory::inode::{allocated_of, identity_of};
use crate::inventory::kept::Kept;
use crate::model::{Class, Holding, StoreKind, iec};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The kind of a part that is one tensor of a model.
const TENSOR: &str = "tensor";

/// The blobs that one manifest combines under one name.
#[derive(Debug)]
pub(super) struct Image {
    /// The name, as the store's owner shows it.
    pub name: String,
    /// The path of the manifest.
    pub manifest: PathBuf,
    /// Whether another manifest has replaced this one.
    pub is_superseded: bool,
    pub parts: Vec<Part>,
    /// The sum of the sizes of its parts in bytes, as the manifest gives them.
    pub bytes: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Part {
    pub role: Role,
    /// The kind, for a sentence: `the <kind> of <name>`.
    pub kind: String,
    pub digest: Digest,
    pub bytes: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A GGUF file with weights; several are shards of one model.
    Model,
    Projector,
    Adapter,
    Other,
}

/// The location of a blob.
pub(super) enum Place<'a> {
    Here {
        path: PathBuf,
        target: Option<PathBuf>,
        meta: &'a Metadata,
    },
    /// Missing; it would have this path.
    Gone(PathBuf),
    /// Not to be opened; reported elsewhere.
    Refused,
}

/// The images that need each blob.
pub(super) struct Uses<'a> {
    images: &'a [Image],
    of: HashMap<&'a Digest, Vec<(&'a Image, &'a Part)>>,
}

/// The class of a blob, its owner and the reason.
pub(super) struct Verdict<'a> {
    pub owner: Option<&'a str>,
    pub class: Class,
    pub why: String,
    /// Whether it is one of the very many blobs of its owner, which are summed up instead of listed one by one.
    pub is_minor: bool,
    /// Whether nothing leads to it, as far as could be read.
    pub is_stray: bool,
}

impl Verdict<'_> {
    fn nobodys(class: Class, why: String) -> Self {
        Verdict { owner: None, class, why, is_minor: false, is_stray: class == Class::Referenced }
    }
}

impl<'a> Uses<'a> {
    /// Indexes the images. `images`: in the order in which they are to be named.
    pub fn new(images: &'a [Image]) -> Uses<'a> {
        let mut of: HashMap<&Digest, Vec<(&Image, &Part)>> = HashMap::new();
        for image in images {
            for part in &image.parts {
                of.entry(&part.digest).or_default().push((image, part));
            }
        }
        Uses { images, of }
    }

    fn of(&self, digest: &Digest) -> &[(&'a Image, &'a Part)] {
        self.of.get(digest).map_or(&[], Vec::as_slice)
    }

    /// Classifies a blob of `bytes` bytes, if they are its own. `unknown`: the reason why blobs without a manifest may
    /// still be needed.
    pub fn judge(&self, digest: &Digest, bytes: Option<u64>, unknown: Option<&str>) -> Verdict<'a> {
        let uses = self.of(digest);
        let live: Vec<_> = uses.iter().filter(|(image, _)| !image.is_superseded).collect();
        let (class, users) = match (live.is_empty(), uses.is_empty(), unknown) {
            (false, ..) => (Class::Referenced, live),
            (true, _, Some(why)) => {
                return Verdict::nobodys(Class::Referenced, format!("may be needed: {why}"));
            }
            (true, false, None) => (Class::Superseded, uses.iter().collect()),
            (true, true, None) => {
                return Verdict::nobodys(Class::Orphan, "no manifest references it".to_owned());
            }
        };
        let owner = users.first().map(|(image, _)| image.name.as_str());
        let wrong = |bytes: u64| {
            users
                .iter()
                .find_map(|(image, part)| Some((bytes, image, part.bytes.filter(|promised| *promised != bytes)?)))
        };
        if let Some((bytes, image, promised)) = bytes.and_then(wrong) {
            let why = format!("has {bytes} bytes, but the manifest of `{}` declares {promised}", image.name);
            return Verdict { owner, class: Class::Damaged, why, is_minor: false, is_stray: false };
        }
        let mut why = in_words(&users);
        if class == Class::Superseded {
            why = format!("old revision: only an older manifest has it as {why}");
        }
        let is_minor = users.iter().all(|(_, part)| part.kind == TENSOR);
        Verdict { owner, class, why, is_minor, is_stray: false }
    }

    /// Adds a holding for each blob that a manifest names and for which `is_there` is false.
    pub fn missing(&self, kept: Kept<'_>, is_there: &dyn Fn(&Digest) -> bool, collector: &mut StoreCollector<'_>) {
        /// The largest number of missing blobs that are listed one by one. A manifest may name thousands.
        const MOST_TOLD: usize = 100;
        for image in self.images {
            let kept = Kept { owner: Some(&image.name), ..kept };
            let mut told: BTreeSet<&Digest> = BTreeSet::new();
            for part in &image.parts {
                if is_there(&part.digest) || !told.insert(&part.digest) || told.len() > MOST_TOLD {
                    continue;
                }
                let why = format!("the {} is the blob {}, which does not exist", part.kind, part.digest.short());
                let expected_sha256 = part.digest.sha256();
                let missing = kept.missing(&image.manifest, format!("`{}`: {why}", image.name));
                collector.holdings.push(Holding { expected_sha256, ..missing });
            }
            if let Some(more @ 1..) = told.len().checked_sub(MOST_TOLD) {
                let why = format!("`{}`: {more} more blobs do not exist", image.name);
                collector.holdings.push(kept.missing(&image.manifest, why));
            }
        }
    }

    /// Adds each model file once, together with the files that its images add to it: images that share a model file are
    /// one set, so that a projector is paired only with the models of its own images.
    pub fn models(&self, at: At<'_>, find: &dyn Fn(&Digest) -> Place<'a>, collector: &mut StoreCollector<'_>) {
        for (set, images) in (0_u32..).zip(self.sharing_models()) {
            for (role, word) in [(Role::Model, ""), (Role::Projector, " (projector)"), (Role::Adapter, " (adapter)")] {
                let mut emitted = BTreeSet::new();
                let parts = images.iter().flat_map(|i| with_role(i, role).map(move |part| (i, &part.digest)));
                for (image, digest) in parts.filter(|(_, digest)| emitted.insert(*digest)) {
                    let older = if image.is_superseded { " (older)" } else { "" };
                    let name = format!("{}{older}{word}", image.name);
                    collector.found.extend(found(at, Item { digest, name, set, manifest: &image.manifest }, find));
                }
            }
        }
    }

    /// Returns the images in groups that share a model file, in each group present ones before superseded ones.
    fn sharing_models(&self) -> Vec<Vec<&'a Image>> {
        fn top(leads: &[usize], mut at: usize) -> usize {
            while let Some(up) = leads.get(at).copied().filter(|up| *up != at) {
                at = up;
            }
            at
        }
        let mut leads: Vec<usize> = (0..self.images.len()).collect();
        let mut first_of: HashMap<&Digest, usize> = HashMap::new();
        for (i, image) in self.images.iter().enumerate() {
            for part in with_role(image, Role::Model) {
                let first = *first_of.entry(&part.digest).or_insert(i);
                let (a, b) = (top(&leads, first), top(&leads, i));
                if let Some(lead) = leads.get_mut(a.max(b)) {
                    *lead = a.min(b);
                }
            }
        }
        let mut sets: BTreeMap<usize, Vec<&Image>> = BTreeMap::new();
        for (i, image) in self.images.iter().enumerate() {
            sets.entry(top(&leads, i)).or_default().push(image);
        }
        let mut sets: Vec<_> = sets.into_values().collect();
        for set in &mut sets {
            set.sort_by_key(|image| image.is_superseded);
        }
        sets
    }
}

/// The store that the files belong to.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub store: StoreKind,
    pub root: &'a Arc<Path>,
}

struct Item<'a> {
    digest: &'a Digest,
    name: String,
    set: u32,
    manifest: &'a Path,
}

fn found<'m>(at: At<'_>, item: Item<'_>, find: &dyn Fn(&Digest) -> Place<'m>) -> Option<Found> {
    let whole = |path, target, identity, allocated| Found {
        store: at.store,
        root: Arc::clone(at.root),
        repo: None,
        name: Some(item.name),
        set: Some(item.set),
        path,
        target,
        also: Vec::new(),
        identity,
        allocated,
        expected_sha256: item.digest.sha256(),
        fault: None,
    };
    match find(item.digest) {
        Place::Here { path, target, meta } => Some(whole(path, target, identity_of(meta), allocated_of(meta))),
        // A missing blob is listed as damaged instead of omitted. If the manifest vanished, too, nothing is left to
        // list.
        Place::Gone(path) => std::fs::symlink_metadata(item.manifest).ok().map(|meta| {
            let fault = Some("a manifest names it, and its blob is missing".to_owned());
            Found { fault, ..whole(path, None, identity_of(&meta), 0) }
        }),
        Place::Refused => None,
    }
}

/// Returns the model file of a blob that was known as a model's and may still belong to one; only a manifest that
/// cannot be read could show to which. `nth`: its number among those in its store.
pub(super) fn stray(at: At<'_>, digest: &Digest, (path, meta): (PathBuf, &Metadata), nth: u32) -> Option<Found> {
    let item = Item { digest, name: String::new(), set: u32::MAX.saturating_sub(nth), manifest: &path };
    let found = found(at, item, &|_| Place::Here { path: path.clone(), target: None, meta })?;
    // The blob keeps the name that it had.
    Some(Found { name: None, ..found })
}

fn with_role(image: &Image, role: Role) -> impl Iterator<Item = &Part> {
    image.parts.iter().filter(move |p| p.role == role)
}

/// Describes the users of a blob: `the model of `a`, which takes 241.4 MiB in all; also `b``.
fn in_words(users: &[&(&Image, &Part)]) -> String {
    const MOST_NAMES: usize = 4;
    let Some((first, part)) = users.first() else { return String::new() };
    let article = if part.kind == TENSOR { "a" } else { "the" };
    let mut why = format!("{article} {} of `{}`", part.kind, first.name);
    if part.role == Role::Model {
        why.push_str(&format!(", which takes {} in all", iec(first.bytes)));
    }
    let mut others: Vec<&str> =
        users.iter().map(|(image, _)| image.name.as_str()).filter(|n| *n != first.name).collect();
    others.dedup();
    let left = others.len().saturating_sub(MOST_NAMES);
    others.truncate(MOST_NAMES);
    for (i, name) in others.iter().enumerate() {
        why.push_str(&format!("{} `{name}`", if i == 0 { "; also" } else { "," }));
    }
    if left > 0 {
        why.push_str(&format!(" and {left} more"));
    }
    why
}
