//! Models that Ollama's server has loaded, from `GET /api/ps`, and the blobs that they need.

use super::super::servers::Answer;
use crate::failure::json_fault;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Both folders that can contain manifests.
const MANIFESTS: [&str; 2] = ["manifests-v2", "manifests"];
const PUBLIC: [&str; 2] = ["registry.ollama.ai", "ollama.com"];
/// The largest manifest that is read, bytes. A manifest has some kilobytes.
const MOST_MANIFEST: u64 = 4 << 20;

/// The loaded models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Loaded {
    /// Names in the form of [`plain`], each with the name from the server.
    names: HashMap<String, String>,
    /// File names of blobs, each with the name of the model that needs it.
    blobs: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Ps {
    models: Option<Vec<Running>>,
}

#[derive(Deserialize)]
struct Running {
    name: Option<String>,
    model: Option<String>,
}

/// Reads the names of the loaded models from the answer of the server.
///
/// # Errors
/// A sentence without a full stop for every answer but a list: then any model may be loaded.
pub(super) fn understand(answer: &Answer) -> Result<Vec<String>, String> {
    let body = match answer {
        Answer::Refused => return Ok(Vec::new()),
        Answer::Failed(why) => return Err(format!("Ollama's server at {why}")),
        Answer::Response { status: 200, body } => body,
        Answer::Response { status, .. } => return Err(format!("Ollama's server answered with status {status}")),
    };
    let odd = |what: &str| format!("Ollama's server sent an invalid answer: {what}");
    let ps: Ps = serde_json::from_slice(body).map_err(|e| odd(&json_fault(&e)))?;
    // Without any model the server sends null.
    let running = ps.models.unwrap_or_default();
    let names =
        running.into_iter().map(|m| m.name.or(m.model).filter(|n| !n.is_empty()).ok_or(odd("a model without a name")));
    names.collect()
}

impl Loaded {
    /// Finds the blobs of the models in the stores at `roots`.
    pub fn new(names: Vec<String>, roots: &BTreeSet<PathBuf>) -> Loaded {
        let mut loaded = Loaded::default();
        for name in names {
            for root in roots {
                for digest in digests(root, &name) {
                    loaded.blobs.insert(digest.replace(':', "-"), name.clone());
                }
            }
            loaded.names.insert(plain(&name), name);
        }
        loaded
    }

    /// Returns the loaded model that a file belongs to.
    pub fn needs<'a>(&self, name: Option<&str>, mut paths: impl Iterator<Item = &'a Path>) -> Option<&str> {
        let named = name.and_then(|name| self.names.get(&plain(name)));
        let blob = || paths.find_map(|path| self.blobs.get(&path.file_name()?.to_str()?.replace(':', "-")));
        named.or_else(blob).map(String::as_str)
    }
}

/// Normalizes a name: without its default parts, always with a tag, in lower case, because the server ignores case.
fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = PUBLIC.iter().find_map(|host| name.strip_prefix(host)?.strip_prefix('/')).unwrap_or(&name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}

/// Returns the digests in the manifest of a model. Empty when this store has no such manifest.
fn digests(root: &Path, name: &str) -> Vec<String> {
    let Some(inside) = manifest(name) else { return Vec::new() };
    let mut digests = Vec::new();
    for folder in MANIFESTS {
        let path = root.join(folder).join(&inside);
        if !path.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= MOST_MANIFEST) {
            continue;
        }
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MOST_MANIFEST).read_to_end(&mut bytes));
        if let (Ok(_), Ok(value)) = (read, serde_json::from_slice(&bytes)) {
            gather(&value, &mut digests);
        }
    }
    digests
}

/// Returns the path of the manifest of a model. None for a name that could lead anywhere else.
fn manifest(name: &str) -> Option<PathBuf> {
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, "latest"),
    };
    let parts: Vec<&str> = name.split('/').collect();
    let parts = match *parts.as_slice() {
        [model] => [PUBLIC[0], "library", model, tag],
        [namespace, model] => [PUBLIC[0], namespace, model, tag],
        [host, namespace, model] => [host, namespace, model, tag],
        _ => return None,
    };
    let is_plain = |part: &&str| !part.is_empty() && !part.starts_with('.');
    parts.iter().all(is_plain).then(|| parts.iter().collect())
}

/// Collects every digest, however deep: a manifest may be a list of manifests.
fn gather(value: &serde_json::Value, digests: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(digest) if key == "digest" => digests.push(digest.to_owned()),
                    _ => gather(value, digests),
                }
            }
        }
        serde_json::Value::Array(list) => list.iter().for_each(|value| gather(value, digests)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(status: u16, body: &'static str) -> Answer {
        Answer::Response { status, body: body.into() }
    }

    #[test]
    fn only_a_list_says_what_is_loaded() {
        let names = |body| understand(&said(200, body));
        assert_eq!(names(r#"{"models":null}"#), Ok(vec![]));
        assert_eq!(names("{}"), Ok(vec![]));
        let two = r#"{"models":[{"name":"a:b","model":"c"},{"model":"d","size":1}]}"#;
        assert_eq!(names(two), Ok(vec!["a:b".to_owned(), "d".to_owned()]));
        for odd in ["", "{", "[]", "null", r#"{"models":{}}"#, r#"{"models":[{}]}"#, r#"{"models":[{"name":""}]}"#] {
            assert!(names(odd).is_err(), "{odd}");
        }
        assert_eq!(understand(&Answer::Refused), Ok(vec![]));
        assert!(understand(&said(500, "")).unwrap_err().contains("500"));
        assert!(understand(&said(404, "{}")).is_err());
    }

    #[test]
    fn a_model_is_known_by_every_way_to_write_its_name() {
        for (name, expected) in [
            ("llama3", "llama3:latest"),
            ("Llama3:latest", "llama3:latest"),
            ("registry.ollama.ai/library/llama3:8b", "llama3:8b"),
            ("ollama.com/me/x", "me/x:latest"),
            ("hf.co/a/B-GGUF:Q4_K_M", "hf.co/a/b-gguf:q4_k_m"),
            ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
        ] {
            assert_eq!(plain(name), expected);
        }
    }

    #[test]
    fn a_blob_of_a_loaded_model_is_known_under_another_tag() {
        let store = tempfile::tempdir().unwrap();
        let manifest = store.path().join("manifests/registry.ollama.ai/library/llama3/latest");
        std::fs::create_dir_all(manifest.parent().unwrap()).unwrap();
        let text =
            r#"{"config":{"digest":"sha256:c0"},"layers":[{"digest":"sha256:aa","size":5},{"digest":"sha256:bb"}]}"#;
        std::fs::write(&manifest, text).unwrap();
        let loaded = Loaded::new(vec!["llama3".to_owned()], &BTreeSet::from([store.path().to_owned()]));
        let needs = |name, path: &str| loaded.needs(name, [Path::new(path)].into_iter());
        assert_eq!(needs(Some("llama3:latest"), "/x"), Some("llama3"));
        assert_eq!(needs(Some("other:8b"), "/s/blobs/sha256-bb"), Some("llama3"));
        assert_eq!(needs(None, "/s/blobs/sha256-c0"), Some("llama3"));
        assert_eq!(needs(Some("llama3:8b"), "/s/blobs/sha256-dd"), None);
    }

    #[test]
    fn a_name_does_not_lead_out_of_the_store() {
        for odd in ["../../x", "a/../b/c", "", ":x", "a:..", "/a", "a/b/c/d"] {
            assert_eq!(manifest(odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(name in ".{0,40}") {
            plain(&name);
            manifest(&name);
        }
    }
}
