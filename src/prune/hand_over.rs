//! Stores that we cannot write to, because they are a service's: what may go is handed to that service's own interface,
//! where it has one. There is no undo.

use super::plan::Row;
use super::trash::Step;
use crate::config::ServerAddress;
use crate::model::{Reading, StoreKind};
use crate::worker::{Answer, Question, Verb, ask_all};
use rustix::fs::{Access, access};
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Deleting is quick; a server that loads a model meanwhile is not.
const LIMIT: Duration = Duration::from_secs(60);

/// Which folders we cannot change: each is asked about once.
#[derive(Debug, Default)]
pub struct Foreign {
    closed: HashMap<PathBuf, bool>,
}

impl Foreign {
    /// Whether the steps are in folders that we cannot change, of a store whose owner can be asked to.
    pub fn has(&mut self, store: StoreKind, base: &Path, steps: &[Step]) -> bool {
        let mut closed = |folder: PathBuf| {
            let closed = |folder: &PathBuf| access(folder, Access::WRITE_OK).is_err();
            *self.closed.entry(folder).or_insert_with_key(closed)
        };
        store == StoreKind::Ollama
            && steps.iter().filter_map(|step| step.path().parent()).any(|folder| closed(base.join(folder)))
    }
}

/// Has Ollama's server delete every name of it.
///
/// # Errors
/// A sentence: what the server said, or why it was not asked.
pub fn delete(row: &Row, server: &Reading<ServerAddress>) -> Result<(), String> {
    let server = match server {
        Reading::Known(server) => server,
        Reading::Unavailable(why) => return Err(why.clone()),
    };
    let names: Vec<String> = row.steps.iter().filter_map(|step| name(step.path())).collect();
    if names.is_empty() {
        return Err("its store cannot be written, and no name leads to it that its server could delete".to_owned());
    }
    for name in names {
        // Servers before 0.2 go by `name`.
        let verb = Verb::Delete(json!({ "model": name, "name": name }));
        let question = Question { server: server.clone(), path: "/api/delete", verb };
        match ask_all(&[question], LIMIT).pop() {
            Some(Answer::Said { status: 200, .. }) => {}
            Some(Answer::Said { status, body }) => {
                let said: String = String::from_utf8_lossy(&body).chars().take(200).collect();
                return Err(format!("Ollama's server did not delete `{name}`: {status} {said}"));
            }
            Some(Answer::Refused) | None => {
                return Err(format!("its store cannot be written, and no server of Ollama listens at {server}"));
            }
            Some(Answer::Failed(why)) => return Err(why),
        }
    }
    Ok(())
}

/// `manifests/<host>/<namespace>/<model>/<tag>` as `<host>/<namespace>/<model>:<tag>`; None for another path.
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
