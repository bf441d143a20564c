//! The manifests of llama.cpp's flat cache: the answer of the hub to `owner/repo:tag`, as llama.cpp saved it.
//!
//! ```text
//! manifest=<owner>=<repo>=<tag>.json
//!     {"ggufFile": {"rfilename": "x-Q4_K_M.gguf", "size": …, "lfs": {"sha256": "…", "size": …}}, "mmprojFile": {…}}
//! ```
//!
//! For a split set it names the first shard only, and has the hash of that one only.

use super::hf::{open_quietly, promised_sha256};
use crate::inventory::shards::shard_name;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The largest size of a manifest in bytes. Manifests contain chat templates, but stay far below.
const MOST_BYTES: u64 = 4 << 20;

/// One file that a manifest names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The repository, as `owner/repo`.
    pub repo: String,
    pub tag: String,
    /// The name of the file in the cache; of a split set, that of the first shard.
    pub file: String,
    /// The size of that file in bytes.
    pub size: Option<u64>,
    /// The sha256 of that file in lower-case hex.
    pub sha256: Option<String>,
    pub is_projector: bool,
}

/// The common part of the names of one set's shards, or the name of a whole file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Key {
    File(OsString),
    Set(OsString, u32),
}

pub(super) fn key(file: &OsStr) -> Key {
    match shard_name(file) {
        Some(shard) => Key::Set(shard.prefix.to_owned(), shard.count),
        None => Key::File(file.to_owned()),
    }
}

pub(super) fn is_manifest(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b"manifest=") && name.ends_with(b".json")
}

/// Returns the files that the manifest names.
///
/// # Errors
/// The reason why a manifest cannot be read, in words that continue a sentence after its path.
pub(super) fn read(path: &Path) -> Result<Vec<Claim>, &'static str> {
    let name = path.file_name().and_then(OsStr::to_str).ok_or("has a name that is not text")?;
    let file = open_quietly(path).ok_or("cannot be read")?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|_| "cannot be read")?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err("is longer than any manifest");
    }
    claims(name, &bytes)
}

fn claims(name: &str, bytes: &[u8]) -> Result<Vec<Claim>, &'static str> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Manifest {
        gguf_file: Option<File>,
        mmproj_file: Option<File>,
    }
    #[derive(serde::Deserialize)]
    struct File {
        rfilename: String,
        size: Option<u64>,
        lfs: Option<Lfs>,
    }
    #[derive(serde::Deserialize)]
    struct Lfs {
        sha256: Option<String>,
        size: Option<u64>,
    }
    let inner = name.strip_prefix("manifest=").and_then(|n| n.strip_suffix(".json")).unwrap_or_default();
    let [owner, repo, tag] = inner.split('=').collect::<Vec<_>>()[..] else {
        return Err("is not named manifest=<owner>=<repo>=<tag>.json");
    };
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(|_| "does not parse")?;
    let claim = |file: File, is_projector| {
        let (sha256, lfs_size) = file.lfs.map_or((None, None), |lfs| (lfs.sha256, lfs.size));
        Claim {
            repo: format!("{owner}/{repo}"),
            tag: tag.to_owned(),
            file: format!("{owner}_{repo}_{}", file.rfilename).replace('/', "_"),
            size: lfs_size.or(file.size),
            sha256: sha256.and_then(|s| promised_sha256(OsStr::new(&s))),
            is_projector,
        }
    };
    let model = manifest.gguf_file.map(|f| claim(f, false)).ok_or("names no model")?;
    let projector = manifest.mmproj_file.map(|f| claim(f, true));
    Ok(std::iter::once(model).chain(projector).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_gives_the_names_sizes_and_hashes_of_its_files() {
        let sha = "Ab".repeat(32);
        let text = format!(
            r#"{{"ggufFile": {{"rfilename": "sub/x-Q4_0.gguf", "size": 7, "lfs": {{"sha256": "{sha}", "size": 7}}}},
                "mmprojFile": {{"rfilename": "mmproj-F16.gguf"}}, "chatTemplate": "…"}}"#
        );
        let got = claims("manifest=org=repo-GGUF=Q4_0.json", text.as_bytes()).unwrap();
        assert_eq!((got[0].repo.as_str(), got[0].tag.as_str()), ("org/repo-GGUF", "Q4_0"));
        assert_eq!((got[0].file.as_str(), got[0].size), ("org_repo-GGUF_sub_x-Q4_0.gguf", Some(7)));
        assert_eq!(got[0].sha256, Some("ab".repeat(32)));
        assert_eq!((got[1].file.as_str(), got[1].sha256.as_ref()), ("org_repo-GGUF_mmproj-F16.gguf", None));
        assert!(got[1].is_projector && !got[0].is_projector);
    }

    #[test]
    fn what_is_no_manifest_says_why_and_never_names_a_path_outside() {
        let of = |name: &str, text: &str| claims(name, text.as_bytes());
        let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
        for text in ["", "{", "[]", "null", r#"{"ggufFile": {"rfilename": 3}}"#, &deep] {
            assert!(of("manifest=a=b=c.json", text).is_err(), "{text}");
        }
        let sound = r#"{"ggufFile": {"rfilename": "../../etc/x.gguf", "lfs": {"sha256": "../x"}}}"#;
        for name in ["manifest=a=b.json", "manifest=.json", "manifest=a=b=c=d.json", "other"] {
            assert!(of(name, sound).is_err(), "{name}");
        }
        let got = of("manifest=a=b=c.json", sound).unwrap();
        assert_eq!((got[0].file.as_str(), got[0].sha256.as_ref()), ("a_b_.._.._etc_x.gguf", None));
    }
}
