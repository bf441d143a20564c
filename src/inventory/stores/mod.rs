//! The stores: where each keeps its files and by which rules they are read.
//!
//! A store is recognised by its layout or claimed by name; what looks like one and is laid out in no known way is said
//! to be so. A reader gives its models as [`Found`](crate::inventory::Found) and everything else that it keeps, models'
//! files included, as [`Holding`](crate::model::Holding): each inode once.

mod dir;
mod docker;
mod docker_blobs;
mod folder;
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
mod parts;
mod ramalama;
mod ramalama_account;
mod ramalama_model;
mod ramalama_parts;
mod ramalama_ref;
mod xet;

use crate::inventory::found::Intake;
use crate::model::{StoreKind, is_trash};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(crate) use dir::{looked_at, loose};
pub(crate) use folder::{Folder, Step, Visit, each_file};
pub(crate) use hf_blobs::SharedUse;
pub use known_as::name_all;
pub(crate) use lmstudio_hub::virtual_models;
pub use parts::{Part, PartRole, Wish, parts};

/// What to do with a folder that a walk comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Enter {
    /// Nobody's: look inside.
    Walk,
    /// A store's own bookkeeping, without models: read when its store is concluded. Or a trash, which nobody reads.
    Leave,
    /// Look inside; loose files below belong to that store.
    Own(StoreKind),
    /// A store's: read it by the rules of that store, which has this root.
    Hand(Reader, PathBuf),
    /// Looks like a store and is laid out in no way that is known, or not as it was claimed: look inside as if it were
    /// nobody's.
    Unknown(String),
}

/// Who reads a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reader {
    /// One repository of a hub cache.
    HfRepo,
    /// What huggingface_hub keeps beside files that it downloaded into a plain folder.
    HfLocal,
    /// The chunk cache beside a hub cache.
    Xet,
    /// A store of Ollama.
    Ollama,
    /// A store of Docker Model Runner.
    Docker,
    /// The store of RamaLama.
    RamaLama,
}

impl Reader {
    /// It is given the root of its store, once, whichever folder led there.
    pub fn reads_whole_root(self) -> bool {
        match self {
            Reader::HfRepo | Reader::HfLocal | Reader::Xet => false,
            Reader::Ollama | Reader::Docker | Reader::RamaLama => true,
        }
    }
}

/// Decides by name first: this runs for each folder of a tree.
pub(crate) fn enter(folder: &Path, name: &OsStr, claim: Option<StoreKind>) -> Enter {
    if is_trash(name) {
        return Enter::Leave;
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

/// A folder named like one of those that make up a store of manifests and blobs.
fn part_of_registry(root: &Path, name: &OsStr) -> Enter {
    match (docker::layout(root), ollama::layout(root)) {
        (docker::Layout::Store, _) if docker::is_part(name) => Enter::Hand(Reader::Docker, root.to_owned()),
        (docker::Layout::No, ollama::Layout::Store) if ollama::is_part(name) => {
            Enter::Hand(Reader::Ollama, root.to_owned())
        }
        // Said once for the store.
        (docker::Layout::Other, _) if name == "manifests" => {
            Enter::Unknown("a store of Docker Model Runner in a version that is not known".to_owned())
        }
        (docker::Layout::No, ollama::Layout::Strange) if name == "manifests" => Enter::Unknown(
            "has `blobs` beside it as in a store of Ollama or Docker, and is laid out as neither of them".to_owned(),
        ),
        _ => Enter::Walk,
    }
}

/// A folder that was named as the root of `store`. Its own folders lead to the reader when the walk comes to them.
fn claimed(folder: &Path, store: StoreKind) -> Enter {
    let not = |what: &str| Enter::Unknown(format!("is named as a store of {what}, and is not laid out as one"));
    match store {
        // Its folder `store` hands it over.
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

/// Reads what [`enter`] handed over.
pub(crate) fn read(reader: Reader, folder: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    match reader {
        Reader::HfRepo => hf_repo::read(folder, intake),
        Reader::HfLocal => hf_local::read(folder, intake),
        Reader::Xet => xet::read(folder, intake),
        Reader::Ollama => ollama::read(folder, intake),
        Reader::Docker => docker::read(folder, intake),
        Reader::RamaLama => ramalama::read(folder, intake),
    }
}

/// What can only be said once a whole root was read: called once for each root, after everything in it was looked at.
pub(crate) fn conclude(store: StoreKind, root: &Path, intake: &mut Intake<'_>) -> anyhow::Result<()> {
    match store {
        StoreKind::Hf => hf_shared::conclude(root, intake),
        StoreKind::LmStudio => lmstudio::conclude(root, intake),
        StoreKind::LlamaCpp => llamacpp::conclude(root, intake),
        _ => Ok(()),
    }
}

/// The folder that must be read as a whole when `path` lies in it: a repository of a Hugging Face cache cannot be
/// understood from one of its snapshots alone, nor a store of manifests and blobs from either.
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

/// Whether a folder is what [`Reader::HfRepo`] reads.
pub(crate) fn is_repository(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| hf::is_repo(folder, name))
}

/// The repository that `path` was in, told from the path alone.
pub(crate) fn repository_of(path: &Path) -> Option<&Path> {
    ramalama::repository_of(path).or_else(|| hf::repository_of(path))
}

/// The folder in which what goes with a file of a store is decided: its repository, also for a file that is none of a
/// snapshot, or the root.
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

/// The store that a root is, by looking at its top level. A plain folder when nothing says otherwise.
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

/// The root that belongs on the record when `reader` was handed something of it.
pub(crate) fn root_of(reader: Reader, root: &Path) -> Option<(PathBuf, StoreKind)> {
    match reader {
        Reader::HfRepo | Reader::Xet => Some((root.to_owned(), StoreKind::Hf)),
        Reader::Ollama => Some((root.to_owned(), StoreKind::Ollama)),
        Reader::Docker => Some((root.to_owned(), StoreKind::Docker)),
        Reader::RamaLama => Some((root.to_owned(), StoreKind::RamaLama)),
        // Its files lie in a plain folder, whose they are.
        Reader::HfLocal => None,
    }
}
