//! Finds the files of one download. A client that fetches several blobs or parts closes each file that it has finished,
//! but needs it until the last one is complete.

use super::ollama_blobs;
use crate::inventory::inode::Stamp;
use crate::inventory::paths::contains;
use crate::inventory::paths::is_partial;
use crate::inventory::unfinished::{Unfinished, belongs_to};
use crate::model::StoreKind;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The largest number of unfinished files that are checked for one download. Any more are waste that was never removed.
const MOST_FILES: usize = 64;
/// The folder where huggingface_hub writes downloads for a plain folder.
const LOCAL: &str = ".cache/huggingface/download";

/// The download that a file may be a part of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Download {
    store: StoreKind,
    root: PathBuf,
    /// The folder that its client writes to.
    folder: PathBuf,
    /// The model that the files are named after, in a folder of many downloads. None if every unfinished file in the
    /// folder may belong to it.
    of: Option<OsString>,
}

impl Download {
    /// Returns the download that a file may be a part of. Pure.
    ///
    /// `is_set`: the file is a part of a model of which other parts are missing.
    pub fn of(store: StoreKind, root: &Path, path: &PathBuf, is_set: bool) -> Download {
        let folder = match store {
            StoreKind::Ollama => root.join("blobs"),
            StoreKind::Docker => root.join("blobs/sha256"),
            StoreKind::Hf | StoreKind::RamaLama | StoreKind::LlamaCpp => {
                let hub = if store == StoreKind::RamaLama { store } else { StoreKind::Hf };
                match super::place_of(hub, root, [path]) {
                    place if place != root => place.join("blobs"),
                    _ => path.parent().unwrap_or(root).to_owned(),
                }
            }
            StoreKind::Dir | StoreKind::LmStudio => path.parent().unwrap_or(root).to_owned(),
        };
        let is_loose = path.parent() == Some(&folder) && matches!(store, StoreKind::Dir | StoreKind::LmStudio);
        let of =
            path.file_name().filter(|_| is_loose && !is_set).map(|name| belongs_to(name).unwrap_or(name).to_owned());
        Download { store, root: root.to_owned(), folder, of }
    }

    /// The folder to show to the user.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns its unfinished files, as they are now. A folder that cannot be read counts as empty.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Stamp)> {
        let mut files = Vec::new();
        for folder in self.folders() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let own = entries.flatten().filter(|entry| self.has(&entry.file_name()));
            let look = |path: PathBuf| std::fs::symlink_metadata(&path).ok().map(|meta| (path, Stamp::from(&meta)));
            files.extend(own.filter_map(|entry| look(entry.path())).take(MOST_FILES));
        }
        files
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.clone()];
        if matches!(self.store, StoreKind::Dir | StoreKind::LmStudio) {
            for base in self.folder.ancestors().take_while(|base| contains(&self.root, base)) {
                let Ok(inside) = self.folder.strip_prefix(base) else { continue }; // an ancestor is a prefix
                folders.push(base.join(LOCAL).join(inside));
            }
        }
        folders
    }

    fn has(&self, name: &OsStr) -> bool {
        let is_unfinished = match self.store {
            StoreKind::Ollama => ollama_blobs::is_unfinished(name),
            StoreKind::Hf | StoreKind::LlamaCpp => is_partial(name) || super::hf_blobs::is_unfinished(name),
            _ => is_partial(name) || Unfinished::of(name).is_some_and(|u| u != Unfinished::Spare),
        };
        is_unfinished && self.of.as_ref().is_none_or(|of| belongs_to(name).is_none_or(|name| name == of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(download: &Download) -> Vec<String> {
        let mut names: Vec<String> =
            download.files().iter().map(|(p, _)| p.file_name().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_client_still_writes_is_found_beside_what_it_has_finished() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "x").unwrap();
            path
        };
        let hex = "0f".repeat(32);
        let done = put(&format!("oll/blobs/sha256-{}", "1a".repeat(32)));
        put(&format!("oll/blobs/sha256-{hex}-partial"));
        put(&format!("oll/blobs/sha256-{hex}-partial-0"));
        let ollama = Download::of(StoreKind::Ollama, &dir.path().join("oll"), &done, false);
        assert_eq!(names(&ollama), [format!("sha256-{hex}-partial"), format!("sha256-{hex}-partial-0")]);

        let done = put("hub/models--o--r/blobs/e1");
        std::fs::create_dir_all(dir.path().join("hub/models--o--r/snapshots")).unwrap();
        put("hub/models--o--r/blobs/e2.0123abcd.incomplete");
        put("hub/models--o--other/blobs/e3.incomplete");
        let hub = Download::of(StoreKind::Hf, &dir.path().join("hub"), &done, false);
        assert_eq!(names(&hub), ["e2.0123abcd.incomplete"]);

        let part = put("m/big-00001-of-00002.gguf");
        put("m/big-00002-of-00002.gguf.part");
        put("m/.cache/huggingface/download/other.gguf.1a2b.incomplete");
        let piece = put("m/cut.gguf.part1of2");
        put("m/cut.gguf.part2of2");
        let root = dir.path().join("m");
        let set = names(&Download::of(StoreKind::Dir, &root, &part, true));
        assert!(set.contains(&"big-00002-of-00002.gguf.part".to_owned()), "{set:?}");
        assert!(set.contains(&"other.gguf.1a2b.incomplete".to_owned()), "{set:?}");
        let pieces = names(&Download::of(StoreKind::Dir, &root, &piece, false));
        assert_eq!(pieces, ["cut.gguf.part1of2", "cut.gguf.part2of2"]);
    }
}
