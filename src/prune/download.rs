//! The download that a file may be a part of. No process has the finished files of a download open, and they are needed
//! until the rest is there.

use crate::clock::Timestamp;
use crate::inventory::{Download, Stamp};
use crate::model::{FileIdentity, StoreKind};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An unfinished file of a download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    pub path: PathBuf,
    pub identity: FileIdentity,
}

/// The known facts of a download.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Together {
    pub unfinished: Vec<Unfinished>,
    /// Time of the latest change of a file of the download, and the path of that file.
    pub newest: Option<(Timestamp, PathBuf)>,
}

impl Together {
    /// Counts a file that may belong to the download as well.
    fn see(&mut self, changed: Timestamp, path: &Path) {
        if self.newest.as_ref().is_none_or(|(at, _)| *at < changed) {
            self.newest = Some((changed, path.to_owned()));
        }
    }
}

/// Reads each download once, however many files may belong to it.
#[derive(Debug, Default)]
pub(super) struct Downloads {
    found: HashMap<Download, Together>,
}

impl Downloads {
    /// Records a download. `finished`: the time of the last change of the candidate itself, if it is a file that a
    /// client may have finished and that has no reference yet. It shows that the download of the other files is in
    /// progress.
    pub fn note(&mut self, download: &Download, finished: Option<(Timestamp, &Path)>) {
        let together = self.found.entry(download.clone()).or_insert_with(|| look(download));
        if let Some((changed, path)) = finished {
            together.see(changed, path);
        }
    }

    pub fn all(self) -> HashMap<Download, Arc<Together>> {
        self.found.into_iter().map(|(download, together)| (download, Arc::new(together))).collect()
    }
}

fn look(download: &Download) -> Together {
    let mut together = Together::default();
    for (path, Stamp { identity, .. }) in download.files() {
        let changed = Timestamp(identity.mtime_ns.max(identity.ctime_ns) / 1_000_000);
        together.see(changed, &path);
        together.unfinished.push(Unfinished { path, identity });
    }
    together
}

/// A program that downloads models, recognized by its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Client {
    pub stores: &'static [StoreKind],
    /// Whether it only downloads: its download is not complete while it runs. Others keep running after their download.
    pub only_downloads: bool,
    /// The requested model, where the command line names it.
    pub what: Option<String>,
}

/// Recognizes the client in the command line of a process. Pure.
pub(super) fn client_of(words: &[String]) -> Option<Client> {
    let base = |word: &String| word.rsplit('/').next().unwrap_or(word).to_owned();
    let is_interpreter = |name: &str| name.starts_with("python") || name == "node" || name == "sh" || name == "bash";
    let first = base(words.first()?);
    let (program, rest) = match is_interpreter(&first) {
        true => (base(words.get(1)?), words.get(2..)?),
        false => (first, words.get(1..)?),
    };
    let plain: Vec<&str> = rest.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    let after = |flags: &[&str]| {
        let at = rest.iter().position(|word| flags.contains(&word.as_str()))?;
        rest.get(at.checked_add(1)?).cloned()
    };
    let client = |stores, only_downloads, what: Option<String>| Some(Client { stores, only_downloads, what });
    let told = |at: usize| plain.get(at).map(|word| (*word).to_owned());
    match (program.as_str(), plain.first().copied(), plain.get(1).copied()) {
        ("ollama", Some("pull" | "create" | "cp"), _) => client(&[StoreKind::Ollama], true, told(1)),
        ("ollama", Some("run"), _) => client(&[StoreKind::Ollama], false, told(1)),
        ("hf" | "huggingface-cli", Some("download"), _) => {
            client(&[StoreKind::Hf, StoreKind::Dir, StoreKind::LlamaCpp], true, told(1))
        }
        ("ramalama", Some("pull"), _) => client(&[StoreKind::RamaLama], true, told(1)),
        ("ramalama", Some("run" | "serve"), _) => client(&[StoreKind::RamaLama], false, told(1)),
        ("lms", Some("get"), _) => client(&[StoreKind::LmStudio], true, told(1)),
        ("docker", Some("model"), Some("pull")) => client(&[StoreKind::Docker], true, told(2)),
        ("docker-model", Some("pull"), _) | ("docker-model", Some("model"), Some("pull")) => {
            client(&[StoreKind::Docker], true, None)
        }
        (name, ..) if name.starts_with("llama") => {
            let what = after(&["-hf", "-hfr", "--hf-repo", "-mu", "--model-url", "-dr", "--docker-repo"])?;
            client(&[StoreKind::Hf, StoreKind::LlamaCpp], false, Some(what))
        }
        _ => None,
    }
}

impl Client {
    /// Returns whether it may be writing the download of a file of this store. A client that keeps running after its
    /// download counts only while something is unfinished. A client counts only for its requested repository, where the
    /// path shows that.
    pub fn may_write(&self, store: StoreKind, path: &Path, is_unfinished: bool) -> bool {
        if !self.stores.contains(&store) || !(self.only_downloads || is_unfinished) {
            return false;
        }
        let repository = self.what.as_deref().filter(|_| store == StoreKind::Hf);
        let repository = repository.and_then(|what| what.split(':').next()).filter(|what| what.contains('/'));
        let path = path.to_string_lossy().to_lowercase();
        repository.is_none_or(|what| path.contains(&format!("--{}", what.replace('/', "--").to_lowercase())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(line: &str) -> Option<Client> {
        client_of(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_client_is_known_by_its_command_line() {
        let may = |line: &str, store, path: &str, is_unfinished| {
            client(line).is_some_and(|c| c.may_write(store, Path::new(path), is_unfinished))
        };
        assert!(may("ollama pull llama3", StoreKind::Ollama, "/o/blobs/sha256-1", false));
        assert!(!may("/usr/bin/ollama run llama3", StoreKind::Ollama, "/o/blobs/sha256-1", false), "it chats");
        assert!(may("/usr/bin/ollama run llama3", StoreKind::Ollama, "/o/blobs/sha256-1", true));
        assert!(!may("ollama serve", StoreKind::Ollama, "/o/blobs/sha256-1", true));
        let blob = "/h/models--Org--R-GGUF/blobs/e1";
        assert!(may("/v/bin/python3 /v/bin/hf download Org/R-GGUF --quiet", StoreKind::Hf, blob, false));
        assert!(!may("hf download Org/Other", StoreKind::Hf, blob, true));
        assert!(may("llama-server -hf org/r-gguf:Q4_K_M -c 0", StoreKind::Hf, blob, true));
        assert!(!may("llama-server -m /m/x.gguf", StoreKind::Hf, blob, true));
        assert!(may("ramalama pull x", StoreKind::RamaLama, "/r", false));
        assert!(may("docker model pull ai/x", StoreKind::Docker, "/d", false));
        assert!(!may("ollama pull llama3", StoreKind::Hf, blob, true));
        for odd in ["", "python3", "vim hf", "hf"] {
            assert_eq!(client(odd), None, "{odd}");
        }
    }
}
