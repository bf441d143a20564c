use super::{BUNDLE_SCHEMA, FACTS, LOGS, MANIFEST, MOST_BYTES, Manifest, REPORT, TEXT, sha256};
use crate::triage::facts::{FACTS_SCHEMA, Facts};
use rustix::fs::{Mode, OFlags};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Most entries of an archive.
const MOST_ENTRIES: usize = 2_000;
/// Largest window that a decompressor may ask memory for: 8 MiB, what zstd uses up to level 19.
const WINDOW_LOG: u32 = 23;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A bundle whose hashes were checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    pub manifest: Manifest,
    pub facts: Facts,
    /// The answer of the modelctl that wrote it, as JSON.
    pub report: serde_json::Value,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("it is not a regular file")]
    NotAFile,
    #[error("it is larger than 64 MiB, compressed or uncompressed")]
    TooLarge,
    #[error("it is not a bundle, or it is truncated: {0}")]
    NotABundle(String),
    #[error("its entry `{0}` does not belong in a bundle")]
    Entry(String),
    #[error("it lacks `{0}`")]
    Missing(&'static str),
    #[error("`{0}` was modified: its size or sha256 does not match the manifest")]
    Altered(String),
    #[error(
        "it was written by a newer modelctl ({modelctl}): its {what} has schema {schema}, but at most {known} is \
             supported"
    )]
    Newer { what: &'static str, schema: u64, known: u32, modelctl: String },
    #[error("its `{name}` is malformed: {why}")]
    Content { name: &'static str, why: String },
    #[error(transparent)]
    Io(io::Error),
}

/// Reads a bundle that anybody may have made.
///
/// # Errors
/// See [`ReadError`]: whatever is wrong with it, nothing of it is used.
pub fn read(path: &Path) -> Result<Bundle, ReadError> {
    // A FIFO must not be waited for.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| ReadError::Io(error.into()))?;
    let mut file = File::from(file);
    let meta = file.metadata().map_err(ReadError::Io)?;
    if !meta.is_file() {
        return Err(ReadError::NotAFile);
    }
    if meta.len() > MOST_BYTES {
        return Err(ReadError::TooLarge);
    }
    let mut magic = [0; 4];
    let is_zstd = file.read_exact(&mut magic).is_ok() && magic == ZSTD_MAGIC;
    file.seek(SeekFrom::Start(0)).map_err(ReadError::Io)?;
    let bytes = if is_zstd {
        let mut decoder = zstd::Decoder::new(file).map_err(ReadError::Io)?;
        decoder.window_log_max(WINDOW_LOG).map_err(ReadError::Io)?;
        whole(decoder)?
    } else {
        whole(file)?
    };
    of_files(entries(&bytes)?)
}

fn whole(from: impl Read) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    from.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| ReadError::NotABundle(error.to_string()))?;
    if bytes.len() as u64 > MOST_BYTES { Err(ReadError::TooLarge) } else { Ok(bytes) }
}

/// Returns the files of the archive by name; only regular files with the names that a bundle has.
fn entries(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, ReadError> {
    let broken = |error: io::Error| ReadError::NotABundle(error.to_string());
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(Cursor::new(bytes));
    for entry in archive.entries().map_err(broken)?.take(MOST_ENTRIES) {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        if !is_file || !is_name(&name) || files.contains_key(&name) {
            return Err(ReadError::Entry(name));
        }
        let mut content = Vec::new();
        let size = entry.size();
        entry.read_to_end(&mut content).map_err(broken)?;
        if content.len() as u64 != size {
            return Err(ReadError::NotABundle(format!("`{name}` ends early")));
        }
        files.insert(name, content);
    }
    Ok(files)
}

/// Returns whether a bundle has files of this name. Nothing is unpacked, so that a name leads nowhere; others are a sign
/// that this is not one of ours.
fn is_name(name: &str) -> bool {
    let is_log = |name: &str| {
        name.strip_prefix(LOGS).and_then(|name| name.strip_suffix(".txt")).is_some_and(|name| {
            !name.is_empty()
                && name.len() < 100
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        })
    };
    [MANIFEST, FACTS, REPORT, TEXT].contains(&name) || is_log(name)
}

fn of_files(mut files: BTreeMap<String, Vec<u8>>) -> Result<Bundle, ReadError> {
    let manifest = files.remove(MANIFEST).ok_or(ReadError::Missing(MANIFEST))?;
    // The version counts before the shape: a newer shape may be another one.
    check_version(MANIFEST, "archive", &manifest, BUNDLE_SCHEMA)?;
    let manifest: Manifest = parsed(MANIFEST, &manifest)?;
    for (name, bytes) in &files {
        let entry = manifest.files.iter().find(|entry| entry.name == *name);
        if entry.is_none_or(|entry| entry.size != bytes.len() as u64 || entry.sha256 != sha256(bytes)) {
            return Err(ReadError::Altered(name.clone()));
        }
    }
    if let Some(missing) = manifest.files.iter().find(|entry| !files.contains_key(&entry.name)) {
        return Err(ReadError::Altered(missing.name.clone()));
    }
    let facts = files.get(FACTS).ok_or(ReadError::Missing(FACTS))?;
    check_version(FACTS, "facts", facts, FACTS_SCHEMA)?;
    let facts: Facts = parsed(FACTS, facts)?;
    let report = parsed(REPORT, files.get(REPORT).ok_or(ReadError::Missing(REPORT))?)?;
    Ok(Bundle { manifest, facts, report })
}

fn parsed<T: DeserializeOwned>(name: &'static str, bytes: &[u8]) -> Result<T, ReadError> {
    serde_json::from_slice(bytes).map_err(|error| ReadError::Content { name, why: error.to_string() })
}

fn check_version(name: &'static str, what: &'static str, bytes: &[u8], known: u32) -> Result<(), ReadError> {
    #[derive(serde::Deserialize)]
    struct Version {
        schema: u64,
        #[serde(default)]
        modelctl: String,
    }
    let Version { schema, modelctl } = parsed(name, bytes)?;
    if schema > u64::from(known) {
        return Err(ReadError::Newer { what, schema, known, modelctl });
    }
    Ok(())
}
