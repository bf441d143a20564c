//! The stores: where each keeps its files and by which rules they are read.
//!
//! A store is recognized by its layout or claimed by name. A folder that resembles a store but has no known layout is
//! reported as such. A reader adds its models as [`Found`](crate::inventory::Found), and everything that the store
//! keeps, models' files included, as [`Holding`](crate::model::Holding): each inode once.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod aside;
mod dir;
mod docker;
mod docker_blobs;
mod docker_held;
mod downloads;
mod files;
mod hf;
mod hf_blobs;
mod hf_local;
mod hf_order;
mod hf_parts;
mod hf_refs;
mod hf_repo;
mod hf_shared;
mod hf_trace;
mod known_as;
mod llamacpp;
mod llamacpp_manifest;
mod lmstudio;
mod lmstudio_hub;
mod loose_parts;
mod oci;
mod oci_images;
mod ollama;
mod ollama_blobs;
mod ollama_manifests;
mod ollama_parts;
mod owned;
mod part;
mod parts;
mod ramalama;
mod ramalama_account;
mod ramalama_model;
mod ramalama_parts;
mod ramalama_ref;
mod xet;

use crate::inventory::collector::StoreCollector;
use crate::inventory::paths::contains;
use crate::model::{Aside, StoreKind, is_trash};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(crate) use aside::read as read_aside;
pub(crate) use dir::{classify_downloads, looked_at, loose};
pub use downloads::Download;
pub use known_as::name_all;
pub(crate) use lmstudio_hub::virtual_models;
pub use part::{Part, PartRole, Wish};
pub use parts::parts;

/// The action for a folder that a walk reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enter {
    /// The folder belongs to no store: enter it.
    Walk,
    /// Bookkeeping of a store, without models, which is read when its store is concluded; or a trash, which is never
    /// read.
    Leave,
    /// A trash of others, a snapshot or a backup.
    Aside(Aside),
    /// Enter the folder; loose files below it belong to that store.
    Own(StoreKind),
    /// The folder belongs to a store: read it by the rules of that store, whose root is this path.
    Hand(Reader, PathBuf),
    /// A link to this folder, which the owner of the store follows: enter it.
    Through(PathBuf),
    /// The folder resembles a store but has no known layout, or not the layout that was claimed: enter it as if it
    /// belonged to no store.
    Unknown(String),
}

/// The reader of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reader {
    /// One repository of a hub cache.
    HfRepo,
    /// The metadata that huggingface_hub keeps next to files that it downloaded into a plain folder.
    HfLocal,
    /// The chunk cache next to a hub cache.
    Xet,
    /// A store of Ollama.
    Ollama,
    /// A store of Docker Model Runner.
    Docker,
    /// The store of RamaLama.
    RamaLama,
}

impl Reader {
    /// Returns whether the reader gets the root of its store, once, from whichever folder the walk found it.
    pub fn reads_whole_root(self) -> bool {
        match self {
            Reader::HfRepo | Reader::HfLocal | Reader::Xet => false,
            Reader::Ollama | Reader::Docker | Reader::RamaLama => true,
        }
    }
}

/// Returns the action for a folder. Checks the name first, because this runs for each folder of a tree.
pub(crate) fn enter(folder: &Path, name: &OsStr, claim: Option<StoreKind>) -> Enter {
    if is_trash(name) {
        return Enter::Leave;
    }
    if let Some(aside) = Aside::of_name(folder.parent().and_then(Path::file_name), name) {
        return Enter::Aside(aside);
    }
    if let Some(store) = claim.filter(|s| !matches!(s, StoreKind::Dir | StoreKind::Hf)) {
        return claimed(folder, store);
    }
    let parent = || folder.parent().unwrap_or(folder).to_owned();
    if hf::is_repo(folder, name) {
        return Enter::Hand(Reader::HfRepo, parent());
    }
    match name.as_bytes() {
        b".locks" | b"blobs" if hf::is_bookkeeping(folder, name) => Enter::Leave,
        b"download" if hf_local::is_metadata(folder) => Enter::Hand(Reader::HfLocal, folder.to_owned()),
        b"llama.cpp" if llamacpp::is_cache(folder) => Enter::Own(StoreKind::LlamaCpp),
        b"models" if lmstudio::is_models(folder) => Enter::Own(StoreKind::LmStudio),
        b"store" if ramalama::is_store(folder) => Enter::Hand(Reader::RamaLama, parent()),
        b"xet" if xet::is_cache(folder) => Enter::Hand(Reader::Xet, folder.to_owned()),
        _ if ollama::is_part(name) || docker::is_part(name) => part_of_registry(&parent(), name),
        _ => Enter::Walk,
    }
}

/// Returns the action for a link to a folder, if the owner of the surrounding store follows it: a repository of a hub
/// cache, the manifests and blobs of a registry, the store of RamaLama, a publisher or a repository of LM Studio. None
/// for any other link, and for one to a place that this walk reaches anyway.
///
/// No loop is possible: a repository and a registry are read to a fixed depth, and LM Studio has two levels of folders.
pub(crate) fn enter_link(link: &Path, name: &OsStr, collector: &StoreCollector<'_>) -> Option<Enter> {
    let parent = link.parent()?;
    let region = collector.owners.first().map(|(region, _)| region)?;
    let target = || link.canonicalize().ok().filter(|to| to.is_dir()); // a broken link is reported elsewhere
    if hf::is_repo(link, name) {
        let to = target()?;
        let comes_by = contains(region, &to) && to.file_name().is_some_and(|name| hf::is_repo(&to, name));
        return (!comes_by).then(|| Enter::Hand(Reader::HfRepo, parent.to_owned()));
    }
    if ollama::is_part(name) || docker::is_part(name) {
        return Some(part_of_registry(parent, name)).filter(|enter| matches!(enter, Enter::Hand(..)));
    }
    if name == "store" && ramalama::is_store(link) {
        return Some(Enter::Hand(Reader::RamaLama, parent.to_owned()));
    }
    let (root, store) = collector.owner(link)?;
    if *store != StoreKind::LmStudio || !lmstudio::is_folder_of(root, link) {
        return None;
    }
    // A link into the same models: the walk finds its target under its own name.
    target().filter(|to| !contains(root, to) && !contains(to, root)).map(Enter::Through)
}

/// Returns whether the owner of the surrounding store searches this folder for models.
pub(crate) fn is_gone_into(folder: &Path, collector: &StoreCollector<'_>) -> bool {
    collector
        .owner(folder)
        .is_none_or(|(root, store)| *store != StoreKind::LmStudio || lmstudio::is_folder_of(root, folder))
}

/// Returns the action for a folder with a name of those that make up a store of manifests and blobs.
fn part_of_registry(root: &Path, name: &OsStr) -> Enter {
    match (docker::layout(root), ollama::layout(root)) {
        (docker::Layout::Store, _) if docker::is_part(name) => Enter::Hand(Reader::Docker, root.to_owned()),
        (docker::Layout::No, ollama::Layout::Store) if ollama::is_part(name) => {
            Enter::Hand(Reader::Ollama, root.to_owned())
        }
        // Reported once for the store.
        (docker::Layout::Other, _) if name == "manifests" => {
            Enter::Unknown("a store of Docker Model Runner in an unknown version".to_owned())
        }
        (docker::Layout::No, ollama::Layout::Strange) if name == "manifests" => Enter::Unknown(
            "has `blobs` next to it as in a store of Ollama or Docker, but has the layout of neither".to_owned(),
        ),
        _ => Enter::Walk,
    }
}

/// Returns the action for a folder that was named as the root of `store`. Its subfolders lead to the reader when the
/// walk reaches them.
fn claimed(folder: &Path, store: StoreKind) -> Enter {
    let not = |what: &str| Enter::Unknown(format!("is named as a store of {what}, but does not have its layout"));
    match store {
        // The walk finds the subfolder `store`, which is read by its own reader.
        StoreKind::RamaLama if ramalama::is_store(&folder.join("store")) => Enter::Walk,
        StoreKind::RamaLama => Enter::Unknown(
            "has no folder `store` with models as RamaLama lays them out: read as a plain folder".to_owned(),
        ),
        StoreKind::Dir | StoreKind::Hf => Enter::Walk,
        StoreKind::Ollama => match ollama::layout(folder) {
            ollama::Layout::Store => Enter::Walk,
            ollama::Layout::Empty => Enter::Own(StoreKind::Ollama),
            ollama::Layout::Strange | ollama::Layout::No => not("Ollama"),
        },
        StoreKind::Docker if docker::is_store(folder) => Enter::Own(StoreKind::Docker),
        StoreKind::Docker => not("Docker Model Runner"),
        other => Enter::Own(other),
    }
}

/// Reads the folder that [`enter`] assigned to `reader`.
pub(crate) fn read(reader: Reader, folder: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    match reader {
        Reader::HfRepo => hf_repo::read(folder, collector),
        Reader::HfLocal => hf_local::read(folder, collector),
        Reader::Xet => xet::read(folder, collector),
        Reader::Ollama => ollama::read(folder, collector),
        Reader::Docker => docker::read(folder, collector),
        Reader::RamaLama => ramalama::read(folder, collector),
    }
}

/// Adds the models and holdings that need a whole root: called once for each root, after everything in it was scanned.
pub(crate) fn conclude(store: StoreKind, root: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<()> {
    match store {
        StoreKind::Hf => hf_shared::conclude(root, collector),
        StoreKind::LmStudio => lmstudio::conclude(root, collector),
        StoreKind::LlamaCpp => llamacpp::conclude(root, collector),
        _ => Ok(()),
    }
}

/// Returns the folder that must be read as a whole when `path` is inside of it: a repository of a Hugging Face cache
/// cannot be understood from one of its snapshots alone, and neither can a store of manifests and blobs.
pub(crate) fn enclosing(path: &Path) -> Option<PathBuf> {
    let whole = |p: &'_ Path| -> Option<PathBuf> {
        let name = p.file_name()?;
        if hf::is_repo(p, name) {
            return Some(p.to_owned());
        }
        let (root, is_part) = (p.parent()?, ollama::is_part(name) || docker::is_part(name));
        matches!(is_part.then(|| part_of_registry(root, name)), Some(Enter::Hand(..))).then(|| root.to_owned())
    };
    let registry_or_repository = || path.ancestors().filter_map(whole).last();
    let store = || ramalama::enclosing(path).or_else(|| lmstudio::enclosing(path)).map(Path::to_owned);
    store().or_else(registry_or_repository)
}

/// Returns whether [`Reader::HfRepo`] reads this folder.
pub(crate) fn is_repository(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| hf::is_repo(folder, name))
}

/// Returns the repository that `path` was in, from the path alone.
pub(crate) fn repository_of(path: &Path) -> Option<&Path> {
    ramalama::repository_of(path).or_else(|| hf::repository_of(path))
}

/// Returns the folder that decides which other files belong to a file of a store: its repository, even for a file
/// outside of all snapshots, or the root.
pub(crate) fn place_of<'a>(store: StoreKind, root: &'a Path, paths: impl IntoIterator<Item = &'a PathBuf>) -> &'a Path {
    let around = |path: &'a Path| {
        let own = repository_of(path);
        own.or_else(|| {
            path.ancestors().skip(1).take_while(|f| f.starts_with(root)).find(|f| makes_repository(store, f))
        })
    };
    match store {
        StoreKind::Hf | StoreKind::RamaLama => paths.into_iter().find_map(|p| around(p)).unwrap_or(root),
        _ => root,
    }
}

fn makes_repository(store: StoreKind, folder: &Path) -> bool {
    match store {
        StoreKind::RamaLama => ramalama::is_model(folder),
        _ => folder.file_name().is_some_and(|name| hf::is_repo(folder, name)),
    }
}

/// Returns the store that a root is, from its top level. A plain folder by default.
pub fn detect(path: &Path) -> StoreKind {
    let named = |name: &str| path.file_name().is_some_and(|n| n == name);
    if named("models") && lmstudio::is_models(path) {
        StoreKind::LmStudio
    } else if named("llama.cpp") && llamacpp::is_cache(path) {
        StoreKind::LlamaCpp
    } else if ramalama::is_store(&path.join("store")) {
        StoreKind::RamaLama
    } else if hf::is_cache(path) {
        StoreKind::Hf
    } else if docker::is_store(path) {
        StoreKind::Docker
    } else if ollama::is_store(path) {
        StoreKind::Ollama
    } else {
        StoreKind::Dir
    }
}

/// Returns the root to record when `reader` has read something of it.
pub(crate) fn root_of(reader: Reader, root: &Path) -> Option<(PathBuf, StoreKind)> {
    match reader {
        Reader::HfRepo | Reader::Xet => Some((root.to_owned(), StoreKind::Hf)),
        Reader::Ollama => Some((root.to_owned(), StoreKind::Ollama)),
        Reader::Docker => Some((root.to_owned(), StoreKind::Docker)),
        Reader::RamaLama => Some((root.to_owned(), StoreKind::RamaLama)),
        // Its files are in a plain folder and belong to that folder.
        Reader::HfLocal => None,
    }
}
