//! Removal from stores that we cannot write to, because they belong to a service: its own interface deletes the models,
//! where it has one. There is no undo.

use super::servers::{Answer, Method, Query, ask_all};
use super::trash::{Seen, Step};
use crate::config::ServerAddress;
use crate::model::Reading;
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// The longest wait for one answer. Deleting is quick, but a server that is loading a model meanwhile is not.
const LIMIT: Duration = Duration::from_secs(60);

/// Reason why not everything was deleted.
#[derive(Debug)]
pub struct Undone {
    /// The names that are deleted for good nevertheless.
    pub deleted: Vec<String>,
    /// The answer of the server, or the reason why it was not asked: a sentence.
    pub why: String,
}

/// Has Ollama's server delete every name among `steps`, paths in `base`. A name is deleted only while its manifest is
/// unchanged. Returns the names.
///
/// # Errors
/// [`Undone`] with the reason of the first name that could not be deleted; the names after it were not tried.
pub fn delete(base: &Path, steps: &[Step], server: &Reading<ServerAddress>) -> Result<Vec<String>, Undone> {
    let mut deleted: Vec<String> = Vec::new();
    match each(base, steps, server, &mut deleted) {
        Ok(()) => Ok(deleted),
        Err(why) => Err(Undone { deleted, why }),
    }
}

fn each(base: &Path, steps: &[Step], server: &Reading<ServerAddress>, deleted: &mut Vec<String>) -> Result<(), String> {
    let server = match server {
        Reading::Known(server) => server,
        Reading::Unavailable(why) => return Err(why.clone()),
    };
    for step in steps {
        let (Some(name), Step::Move { path, seen }) = (name(step.path()), step) else { continue };
        match Seen::at(&base.join(path)) {
            Ok(now) if now == *seen => {}
            // A name may have two manifests, and the server deletes both.
            Err(e) if e.kind() == ErrorKind::NotFound && deleted.contains(&name) => continue,
            _ => return Err(format!("`{name}` now names something else: plan again")),
        }
        // Servers before 0.2 read `name`.
        let method = Method::Delete(json!({ "model": name, "name": name }));
        let query = Query { server: server.clone(), path: "/api/delete", method };
        match ask_all(&[query], LIMIT).pop() {
            Some(Answer::Response { status: 200, .. }) => deleted.push(name),
            Some(Answer::Response { status, body }) => {
                let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
                return Err(format!("Ollama's server did not delete `{name}`: {status} {said}"));
            }
            Some(Answer::Refused) | None => {
                return Err(format!("its store is not writable, and no Ollama server listens at {server}"));
            }
            Some(Answer::Failed(why)) => return Err(why),
        }
    }
    if deleted.is_empty() {
        return Err("its store is not writable, and it has no name that Ollama's server could delete".to_owned());
    }
    Ok(())
}

/// Returns whether a step removes a name by which the server knows a model.
pub fn is_name(step: &Step) -> bool {
    matches!(step, Step::Move { path, .. } if name(path).is_some())
}

/// Converts `manifests/<host>/<namespace>/<model>/<tag>` to `<host>/<namespace>/<model>:<tag>`; None for another path.
fn name(path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
    match parts?.as_slice() {
        ["manifests" | "manifests-v2", host, namespace, model, tag] => {
            Some(format!("{host}/{namespace}/{model}:{tag}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_has_the_name_that_its_server_takes() {
        let of = |path: &str| name(Path::new(path));
        assert_eq!(
            of("manifests/registry.ollama.ai/library/llama3/8b").unwrap(),
            "registry.ollama.ai/library/llama3:8b"
        );
        assert_eq!(of("manifests-v2/hf.co/org/x-GGUF/Q4_0").unwrap(), "hf.co/org/x-GGUF:Q4_0");
        assert_eq!(of("blobs/sha256-00"), None);
        assert_eq!(of("manifests/registry.ollama.ai/library/llama3"), None);
    }
}
