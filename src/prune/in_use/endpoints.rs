//! Models that the servers in the config have loaded, from llama-server's `GET /props` and `GET /v1/models`.
//!
//! A llama-server reports the path of its model. A server that runs several (its router mode, llama-swap) lists names,
//! some with the arguments they were started with. Servers in containers report paths that do not exist on the host:
//! those are matched by the file name.

use super::super::servers::Answer;
use crate::failure::json_fault;
use serde::Deserialize;
use serde_json::Value;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A running model, as its server reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Running {
    /// Path of the model, with device and inode when it can be found here.
    Path(PathBuf, Option<(u64, u64)>),
    /// Only a name, which may be anything.
    Name(String),
}

/// A file, with everything that a server may call it.
pub(super) struct Candidate<'a> {
    pub name: Option<&'a str>,
    pub paths: Vec<&'a Path>,
    /// Device and inode.
    pub identities: &'a [(u64, u64)],
}

#[derive(Deserialize)]
struct Props {
    model_path: Option<PathBuf>,
    role: Option<String>,
}

#[derive(Deserialize)]
struct List {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Status {
    value: Option<String>,
    #[serde(default)]
    args: Vec<Value>,
}

/// Reads the loaded models from the answers of a server.
///
/// # Errors
/// A sentence without a full stop for every answer that leaves open what is loaded.
pub(super) fn understand(server: &str, props: &Answer, models: &Answer) -> Result<Vec<Running>, String> {
    let odd = |what: &str| format!("{server} sent an invalid answer: {what}");
    match props {
        Answer::Refused if *models == Answer::Refused => Ok(Vec::new()),
        Answer::Failed(why) => Err(why.clone()),
        Answer::Response { status: 200, body } => {
            let props: Props = serde_json::from_slice(body).map_err(|e| odd(&json_fault(&e)))?;
            match props.model_path.filter(|path| !path.as_os_str().is_empty()) {
                Some(path) => Ok(vec![Running::at(path)]),
                None if props.role.as_deref() == Some("router") => listed(server, models),
                None => Err(odd("it names no model")),
            }
        }
        // It has no such page: another program than llama-server.
        Answer::Refused | Answer::Response { status: 404 | 405 | 501, .. } => listed(server, models),
        // 503 is a llama-server that is loading a model.
        Answer::Response { status, .. } => Err(format!("{server} answered with status {status}")),
    }
}

fn listed(server: &str, models: &Answer) -> Result<Vec<Running>, String> {
    let body = match models {
        Answer::Response { status: 200, body } => body,
        Answer::Response { status, .. } => return Err(format!("{server} answered with status {status}")),
        Answer::Failed(why) => return Err(why.clone()),
        Answer::Refused => return Err(format!("{server} stopped responding")),
    };
    let list: List = serde_json::from_slice(body)
        .map_err(|e| format!("{server} sent an invalid list of models: {}", json_fault(&e)))?;
    Ok(list.data.into_iter().flat_map(running).collect())
}

/// Returns the running models of an item. Empty for a model that is not loaded.
fn running(item: Item) -> Vec<Running> {
    let Some(status) = item.status else { return vec![Running::Name(item.id)] };
    if matches!(status.value.as_deref(), Some("unloaded" | "downloaded" | "downloading")) {
        return Vec::new();
    }
    let args = status.args.iter().filter_map(Value::as_str);
    let paths: Vec<Running> = args.filter(|arg| arg.starts_with('/')).map(|arg| Running::at(arg.into())).collect();
    if paths.is_empty() { vec![Running::Name(item.id)] } else { paths }
}

impl Running {
    fn at(path: PathBuf) -> Running {
        // A relative path is relative to an unknown folder.
        let meta = path.is_absolute().then(|| path.metadata().ok()).flatten();
        Running::Path(path, meta.map(|meta| (meta.dev(), meta.ino())))
    }

    /// Returns whether it may be this file.
    pub fn is(&self, file: &Candidate<'_>) -> bool {
        match self {
            Running::Path(_, Some(identity)) => file.identities.contains(identity),
            Running::Path(path, None) => {
                file.paths.iter().any(|known| *known == path || known.file_name() == path.file_name())
            }
            Running::Name(name) => {
                let is_same = |other: &str| other.eq_ignore_ascii_case(name);
                let stem = |path: &&Path| path.file_stem().is_some_and(|stem| stem.to_str().is_some_and(is_same));
                let full = |path: &&Path| path.file_name().is_some_and(|name| name.to_str().is_some_and(is_same));
                let path = |path: &&Path| *path == Path::new(name);
                file.name.is_some_and(is_same) || file.paths.iter().any(|p| stem(p) || full(p) || path(p))
            }
        }
    }

    /// Returns the name, when nothing else is known of the model.
    pub fn only_name(&self) -> Option<&str> {
        match self {
            Running::Name(name) => Some(name),
            Running::Path(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, body: &str) -> Answer {
        Answer::Response { status, body: body.to_owned().into() }
    }

    fn none() -> Answer {
        said(404, "")
    }

    fn names(props: &Answer, models: &Answer) -> Result<Vec<String>, String> {
        let text = |running: Running| match running {
            Running::Name(name) => name,
            Running::Path(path, _) => path.display().to_string(),
        };
        Ok(understand("http://s", props, models)?.into_iter().map(text).collect())
    }

    #[test]
    fn a_llama_server_says_which_file_it_runs() {
        let props = said(200, r#"{"model_path":"/m/x.gguf","total_slots":1}"#);
        assert_eq!(names(&props, &none()), Ok(vec!["/m/x.gguf".to_owned()]));
        assert_eq!(names(&Answer::Refused, &Answer::Refused), Ok(vec![]));
    }

    #[test]
    fn a_router_says_which_of_its_models_are_loaded() {
        let models = said(
            200,
            r#"{"data":[{"id":"a","status":{"value":"unloaded"}},{"id":"b","status":{"value":"loading"}},
               {"id":"c","status":{"value":"sleeping","args":["x","-m","/m/c.gguf","--mmproj","/m/p.gguf",7]}},
               {"id":"d","status":{"value":"downloaded"}},{"id":"e"}]}"#,
        );
        let expected = Ok(["b", "/m/c.gguf", "/m/p.gguf", "e"].map(str::to_owned).to_vec());
        assert_eq!(names(&said(200, r#"{"role":"router"}"#), &models), expected);
        assert_eq!(names(&none(), &models), expected);
    }

    #[test]
    fn an_answer_that_leaves_it_open_is_none() {
        let models = said(200, r#"{"data":[]}"#);
        for props in
            [said(503, "{}"), said(401, ""), said(500, ""), said(200, "garbage"), said(200, "{}"), said(200, "[]")]
        {
            assert!(names(&props, &models).is_err(), "{props:?}");
        }
        let router = said(200, r#"{"role":"router"}"#);
        for models in [none(), said(200, "{}"), said(200, r#"{"data":[{}]}"#), Answer::Refused] {
            assert!(names(&router, &models).is_err(), "{models:?}");
        }
        assert!(names(&Answer::Failed("slow".to_owned()), &models).is_err());
    }

    #[test]
    fn a_file_is_known_by_what_a_server_may_call_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("X-Q4.gguf");
        std::fs::write(&file, "x").unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let meta = file.metadata().unwrap();
        let candidate =
            Candidate { name: Some("Nice Name"), paths: vec![&file], identities: &[(meta.dev(), meta.ino())] };
        let is = |running: Running| running.is(&candidate);
        assert!(is(Running::at(link)));
        assert!(is(Running::at("/in/a/container/X-Q4.gguf".into())));
        assert!(is(Running::at("models/X-Q4.gguf".into())));
        assert!(!is(Running::at("/in/a/container/Y.gguf".into())));
        for name in ["nice name", "x-q4", "X-Q4.gguf", file.to_str().unwrap()] {
            assert!(is(Running::Name(name.to_owned())), "{name}");
        }
        assert!(!is(Running::Name("x".to_owned())));
        let other = folder.path().join("sub");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("X-Q4.gguf"), "y").unwrap();
        assert!(!is(Running::at(other.join("X-Q4.gguf"))), "the same name, and here it is another file");
    }
}
