//! The references of RamaLama: the files of a tag.
//!
//! ```text
//! refs/<tag>.json   {"hash": "sha256:…", "path": …, "version": "v1.0.1",
//!                    "files": [{"hash": "sha256:…", "name": "x.gguf", "type": "gguf"}]}
//! refs/<tag>        older: the hash of the snapshot in the first line, then lines `name---model`
//! ```
//!
//! A hash names a blob, with `-` instead of `:`. It is not always a hash of the content.

use super::hf::open_quietly;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Component, Path};

/// The largest size of a reference in bytes: it has a line for each file of a model.
const MOST_BYTES: u64 = 4 << 20;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub tag: String,
    /// The folder under `snapshots`.
    pub snapshot: String,
    pub files: Vec<Named>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The path below the snapshot.
    pub name: String,
    /// The name of its blob. None in old references.
    pub blob: Option<String>,
    /// Whether it holds weights, for a model or as a projector.
    pub is_model: bool,
    pub is_projector: bool,
}

/// Reason why a reference cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unclear {
    /// The version of the reference is not supported.
    Version(String),
    Damaged(&'static str),
    Unreadable,
}

pub(super) fn read(path: &Path) -> Result<Reference, Unclear> {
    let name = path.file_name().and_then(OsStr::to_str).ok_or(Unclear::Damaged("its name is not text"))?;
    let mut bytes = Vec::new();
    let file = open_quietly(path).ok_or(Unclear::Unreadable)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|_| Unclear::Unreadable)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Unclear::Damaged("it is longer than any reference"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Unclear::Damaged("it is not text"))?;
    match name.strip_suffix(".json") {
        Some(tag) => json(tag, text),
        None => lines(name, text),
    }
}

fn json(tag: &str, text: &str) -> Result<Reference, Unclear> {
    const KNOWN: [&str; 2] = ["v1.0", "v1.0.1"];
    #[derive(serde::Deserialize)]
    struct Version {
        version: String,
    }
    #[derive(serde::Deserialize)]
    struct Body {
        hash: String,
        files: Vec<File>,
    }
    #[derive(serde::Deserialize)]
    struct File {
        hash: String,
        name: String,
        #[serde(rename = "type")]
        kind: String,
    }
    let damaged = |_| Unclear::Damaged("it does not parse");
    let Version { version } = serde_json::from_str(text).map_err(damaged)?;
    if !KNOWN.contains(&version.as_str()) {
        return Err(Unclear::Version(version));
    }
    let body: Body = serde_json::from_str(text).map_err(damaged)?;
    let named = |f: File| {
        let is_projector = f.kind == "mmproj";
        Named {
            blob: Some(f.hash.replace(':', "-")),
            is_model: is_projector || f.kind == "gguf",
            is_projector,
            name: f.name,
        }
    };
    sound(Reference {
        tag: tag.to_owned(),
        snapshot: body.hash.replace(':', "-"),
        files: body.files.into_iter().map(named).collect(),
    })
}

fn lines(tag: &str, text: &str) -> Result<Reference, Unclear> {
    let mut lines = text.lines().map(str::trim);
    let hash = lines.next().filter(|h| !h.is_empty()).ok_or(Unclear::Damaged("it is empty"))?;
    let named = |line: &str| {
        // With two dividers, they are part of the name.
        let (name, kind) = line.split_once("---").filter(|(_, kind)| !kind.contains("---")).unwrap_or((line, ""));
        let is_projector = kind == "mmproj";
        Named { name: name.to_owned(), blob: None, is_model: is_projector || kind == "model", is_projector }
    };
    sound(Reference {
        tag: tag.to_owned(),
        snapshot: hash.replace(':', "-"),
        files: lines.take_while(|l| !l.is_empty()).map(named).collect(),
    })
}

/// Returns the reference, unless it leads out of its folders.
fn sound(reference: Reference) -> Result<Reference, Unclear> {
    let one = |name: &str| is_inside(name) && !name.contains('/');
    let files_are = reference.files.iter().all(|f| is_inside(&f.name) && f.blob.as_deref().is_none_or(one));
    if one(&reference.snapshot) && files_are {
        Ok(reference)
    } else {
        Err(Unclear::Damaged("it names a place outside the store"))
    }
}

fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    parts.peek().is_some() && !name.contains('\0') && parts.all(|p| matches!(p, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_reference_say_the_same() {
        let text = r#"{"version": "v1.0.1", "path": "/p", "hash": "sha256:aa", "files": [
            {"hash": "sha256:bb", "name": "x", "type": "gguf"}, {"hash": "sha256:cc", "name": "s/e", "type": "mmproj"},
            {"hash": "sha256:dd", "name": "config.json", "type": "other"}]}"#;
        let new = json("latest", text).unwrap();
        let old = lines("latest", "sha256:aa\nx---model\ns/e---mmproj\nconfig.json---\n").unwrap();
        assert_eq!((&new.snapshot, &new.snapshot), (&old.snapshot, &"sha256-aa".to_owned()));
        assert_eq!(new.files[0].blob.as_deref(), Some("sha256-bb"));
        let without_blobs: Vec<_> = new.files.iter().map(|f| Named { blob: None, ..f.clone() }).collect();
        assert_eq!(without_blobs, old.files);
    }

    #[test]
    fn what_is_not_understood_is_said_and_never_guessed() {
        assert_eq!(json("t", r#"{"version": "v2", "files": 3}"#), Err(Unclear::Version("v2".into())));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for text in ["", "{", "{}", &deep, r#"{"version": "v1.0.1", "hash": "a"}"#] {
            assert_eq!(json("t", text), Err(Unclear::Damaged("it does not parse")), "{text:.20}");
        }
        let with = |hash: &str, blob: &str, name: &str| {
            let file = serde_json::json!({"hash": blob, "name": name, "type": "gguf"});
            json("t", &serde_json::json!({"version": "v1.0", "hash": hash, "files": [file]}).to_string())
        };
        assert!(with("sha256:a", "sha256:b", "n").is_ok());
        for (hash, blob, name) in [
            ("../x", "b", "n"),
            ("a", "sha256:../../x", "n"),
            ("a", "b/c", "n"),
            ("a", "b", "/etc/passwd"),
            ("a", "b", "../../n"),
            ("a", "b", ""),
            ("", "b", "n"),
            ("..", "b", "n"),
        ] {
            let outside = Unclear::Damaged("it names a place outside the store");
            assert_eq!(with(hash, blob, name), Err(outside), "{hash} {blob} {name}");
        }
        assert_eq!(lines("t", "\n\n"), Err(Unclear::Damaged("it is empty")));
        assert!(lines("t", "sha256:a\n../x---model").is_err());
    }
}
