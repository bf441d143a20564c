//! The layout of the Hugging Face hub cache, as huggingface_hub 1.x and llama.cpp since 2026-03 write it:
//!
//! ```text
//! <root>/models--<org>--<name>/blobs/<etag>              64 hex digits: the sha256 of the content
//! <root>/models--<org>--<name>/refs/<name>               a commit
//! <root>/models--<org>--<name>/snapshots/<commit>/<path> a link to ../../blobs/<etag>, or the file itself
//! <root>/blobs/<hh>/<xet hash>                           shared payload; blobs/<etag> is then a link to it
//! <root>/.locks/<repo>/<etag>.lock
//! ```

use crate::gguf::untouched;
use crate::inventory::folder::Folder;
use crate::inventory::inode::vanished;
use rustix::fs::{Mode, OFlags};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

const SNAPSHOTS: &[u8] = b"/snapshots/";
const PREFIXES: [&str; 4] = ["models--", "datasets--", "spaces--", "kernels--"];

/// Returns whether a folder is a repository: named like one, and with at least one of the folders that make one.
pub(super) fn is_repo(folder: &Path, name: &OsStr) -> bool {
    PREFIXES.iter().any(|p| name.as_bytes().starts_with(p.as_bytes()))
        && ["snapshots", "blobs", "refs"].iter().any(|part| folder.join(part).is_dir())
}

/// Returns the repository folder in the path of a snapshot entry. Cheap for every other path: this runs for each known
/// file.
pub(super) fn repository_of(path: &Path) -> Option<&Path> {
    let bytes = path.as_os_str().as_bytes();
    // Compares the first byte separately: one call for each window of each path takes a millisecond for 2,000 paths.
    let at = bytes.windows(SNAPSHOTS.len()).position(|w| w.first() == SNAPSHOTS.first() && w == SNAPSHOTS)?;
    let folder = Path::new(OsStr::from_bytes(bytes.get(..at)?));
    let name = folder.file_name()?;
    PREFIXES.iter().any(|p| name.as_bytes().starts_with(p.as_bytes())).then_some(folder)
}

/// Returns whether a folder holds lock files or the shared payloads: entries of the cache that hold no names of models.
pub(super) fn is_bookkeeping(folder: &Path, name: &OsStr) -> bool {
    match name.as_bytes() {
        b".locks" => folder.parent().is_some_and(|root| root.join("CACHEDIR.TAG").exists()),
        b"blobs" => folder.join(".huggingface-shared-blobs").exists(),
        _ => false,
    }
}

/// Returns whether `root` is a hub cache. Its `CACHEDIR.TAG` alone proves nothing: every tool writes the same signature
/// there.
pub(super) fn is_cache(root: &Path) -> bool {
    if root.join("CACHEDIR.TAG").is_file() && root.join(".locks").is_dir() {
        return true;
    }
    // An unreadable folder counts as a plain one, and the walk reports the reason.
    let Ok(names) = Folder::open(root).and_then(|folder| folder.names()) else { return false };
    names.iter().any(|n| is_repo(&root.join(&n.name), &n.name))
}

/// Returns the name of a repository: `models--org--name` → `org/name`; other kinds of repository keep their kind
/// (`datasets/org/name`). A folder whose name would become an odd path (`models--..--x`) keeps its own name: the result
/// is displayed, never opened.
pub(super) fn repo_name(folder: &OsStr) -> String {
    let folder = folder.to_string_lossy();
    let name = match folder.strip_prefix("models--") {
        Some(rest) => rest.replace("--", "/"),
        None => folder.replace("--", "/"),
    };
    let plain = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain { name } else { folder.into_owned() }
}

/// Returns the commit that the text of a reference names. None when it names none.
pub(super) fn commit_in(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim(); // not UTF-8: no commit
    (text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())).then(|| text.to_owned())
}

/// Returns the payload that a link to a shared payload means. In a cache that was moved, links lead to the old
/// location: then the payload of that name in the new location is meant.
pub(super) fn shared_payload(root: &Path, payload: PathBuf) -> PathBuf {
    let name = payload.file_name();
    let short = payload.parent().and_then(Path::file_name);
    let is_shared = payload.ancestors().nth(2).and_then(Path::file_name).is_some_and(|folder| folder == "blobs");
    let (Some(name), Some(short), true) = (name, short, is_shared) else { return payload };
    let here = root.join("blobs").join(short).join(name);
    let is_lost = here != payload && payload.symlink_metadata().is_err_and(|e| vanished(&e));
    if is_lost && here.symlink_metadata().is_ok() { here } else { payload }
}

/// Returns the sha256 of each large file of a commit, from `trees/<commit>.json`, which huggingface_hub writes when it
/// downloads a whole snapshot: `{"format_version": 1, "files": {path: {"size": …, "blob_id": …, "lfs_sha256": …}}}`.
/// Empty when the file does not exist or has another format.
pub(super) fn tree(repo: &Path, commit: &OsStr) -> BTreeMap<String, String> {
    /// The largest size in bytes: enough for a repository with a hundred thousand files.
    const MOST_BYTES: u64 = 32 << 20;
    #[derive(serde::Deserialize)]
    struct Tree {
        format_version: u32,
        files: BTreeMap<String, File>,
    }
    #[derive(serde::Deserialize)]
    struct File {
        lfs_sha256: Option<String>,
    }
    let mut name = commit.to_owned();
    name.push(".json");
    let Some(file) = open_quietly(&repo.join("trees").join(name)) else { return BTreeMap::new() };
    let read = serde_json::from_reader::<_, Tree>(BufReader::new(file.take(MOST_BYTES)));
    // A tree in another format promises no hash to check a file against.
    let Some(tree) = read.ok().filter(|t| t.format_version == 1) else { return BTreeMap::new() };
    let promise = |(path, file): (String, File)| Some((path, promised_sha256(OsStr::new(&file.lfs_sha256?))?));
    tree.files.into_iter().filter_map(promise).collect()
}

/// Returns whether a file without a GGUF name is one by its first four bytes.
pub(super) fn starts_like_gguf(path: &Path) -> bool {
    let mut magic = [0; 4];
    open_quietly(path).is_some_and(|mut file| file.read_exact(&mut magic).is_ok()) && &magic == b"GGUF"
}

/// Opens a file like [`try_open_quietly`], without the reason for a failure.
pub(super) fn open_quietly(path: &Path) -> Option<File> {
    try_open_quietly(path).ok() // None: there is nothing to read
}

/// Opens a regular file for reading without following a link, waiting for a writer or updating its access time.
pub(super) fn try_open_quietly(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(untouched(|extra| rustix::fs::open(path, flags | extra, Mode::empty()))?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a regular file")) }
}

/// Returns the sha256 that a blob's name promises: 64 hex digits. 40 digits are a git hash, of small files only.
pub(super) fn promised_sha256(blob: &OsStr) -> Option<String> {
    let name = blob.to_str()?;
    (name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit())).then(|| name.to_ascii_lowercase())
}

/// Returns whether the name is of a kind that is never GGUF. For any other file with a sha256, the first bytes are
/// checked.
pub(super) fn is_other_kind(name: &OsStr) -> bool {
    const OTHERS: [&str; 30] = [
        "json",
        "jsonl",
        "md",
        "txt",
        "safetensors",
        "bin",
        "pt",
        "pth",
        "ckpt",
        "onnx",
        "h5",
        "msgpack",
        "parquet",
        "model",
        "py",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "webp",
        "svg",
        "wav",
        "mp3",
        "mp4",
        "zip",
        "gz",
        "tar",
        "npz",
        "csv",
        "pdf",
    ];
    Path::new(name).extension().is_some_and(|e| OTHERS.iter().any(|o| e.eq_ignore_ascii_case(o)))
}

/// Returns `dir` joined with the text of a link, with `.` and `..` resolved in the text alone.
pub(super) fn normal(dir: &Path, link: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in dir.join(link).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_folder_name_never_reads_as_a_path() {
        assert_eq!(repo_name(OsStr::new("models--bartowski--Llama-3.2")), "bartowski/Llama-3.2");
        assert_eq!(repo_name(OsStr::new("models--gpt2")), "gpt2");
        assert_eq!(repo_name(OsStr::new("datasets--a--b")), "datasets/a/b");
        for odd in ["models--..--x", "models--", "models----x", "models--.--.."] {
            assert_eq!(repo_name(OsStr::new(odd)), odd);
        }
    }

    #[test]
    fn only_a_sha256_counts_as_a_promise() {
        assert_eq!(promised_sha256(OsStr::new(&"Ab".repeat(32))), Some("ab".repeat(32)));
        assert_eq!(promised_sha256(OsStr::new(&"a".repeat(40))), None);
        assert_eq!(promised_sha256(OsStr::new(&"g".repeat(64))), None);
    }

    #[test]
    fn only_forty_hex_digits_are_a_commit() {
        let commit = "0a".repeat(20);
        assert_eq!(commit_in(format!("{commit}\n").as_bytes()), Some(commit));
        assert_eq!(commit_in(&[0; 64]), None);
        assert_eq!(commit_in(b""), None);
    }
}
