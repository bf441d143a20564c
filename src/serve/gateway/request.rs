//! What the gateway reads of a request.

use super::problem::Problem;
use super::prompts::Prompts;
use crate::openai::json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::runtime::RuntimeFlavor::MultiThread;

/// Bytes of a body that are read in less than a few milliseconds.
const AT_ONCE: usize = 256 << 10;

/// The members of a body that decide where it is passed to. All others are the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub model: String,
    pub stream: bool,
    /// Whether a stream ends with the usage.
    pub include_usage: bool,
    /// The number of prompts of a completion; otherwise 1.
    pub prompts: usize,
}

#[derive(Deserialize)]
struct Members {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    prompt: Prompts,
}

#[derive(Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

impl Asked {
    /// Reads a body: a JSON object of at most 128 levels, in which none of the members occurs twice. One that names no
    /// model means `default`.
    ///
    /// # Errors
    /// A bad request, with the reason and the place.
    pub fn read(body: &[u8], default: Option<&str>) -> Result<Asked, Problem> {
        let members: Members = read_json(body)?;
        let model = members.model.filter(|name| !name.is_empty()).or_else(|| default.map(str::to_owned));
        let model = model.ok_or_else(|| Problem::bad_request("`model` is missing").param("model"))?;
        let include_usage = members.stream_options.and_then(|options| options.include_usage).unwrap_or(false);
        let (stream, prompts) = (members.stream.unwrap_or(false), members.prompt.0);
        Ok(Asked { model, stream, include_usage, prompts })
    }
}

/// Reads a JSON document of at most 128 levels.
///
/// # Errors
/// A bad request, with the reason and the place.
pub fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let read = || json::read(body).map_err(|why| Problem::bad_request(format!("the body cannot be read: {why}")));
    apart(body.len(), read)
}

/// Does something with so many bytes; where there are many, everything else goes on meanwhile, on another thread.
pub(super) fn apart<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    match bytes > AT_ONCE && Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == MultiThread) {
        true => tokio::task::block_in_place(work),
        false => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_however_its_client_writes_it() {
        let read = |text: &str| Asked::read(text.as_bytes(), None).unwrap();
        let asked = read(r#"{"messages":[{"role":"user","content":"x"}],"model":"m","stream":null,"n":1.5}"#);
        assert_eq!(asked, Asked { model: "m".into(), stream: false, include_usage: false, prompts: 1 });
        let asked = read(r#"{"model":"m","stream":true,"stream_options":{"include_usage":true,"x":1}}"#);
        assert!(asked.stream && asked.include_usage);
        let model = |text: &str| Asked::read(text.as_bytes(), Some("mine")).unwrap().model;
        assert_eq!(
            [r#"{}"#, r#"{"model":""}"#, r#"{"model":null}"#, r#"{"model":"m"}"#].map(model),
            ["mine", "mine", "mine", "m"]
        );
    }

    #[test]
    fn a_body_that_is_wrong_is_refused_with_the_reason() {
        let why = |text: &str| Asked::read(text.as_bytes(), None).unwrap_err().message;
        assert!(why("{}").contains("`model` is missing"));
        assert!(why(r#"{"model":""}"#).contains("`model` is missing"));
        assert!(why(r#"{"model":7}"#).contains("model: invalid type"));
        assert!(why(r#"{"model":"a","model":"b"}"#).contains("duplicate field"), "the server might take the other one");
        assert!(why(r#"{"model":"a"} x"#).contains("trailing"));
        assert!(why("").contains("EOF"));
        let deep = |levels: usize| format!(r#"{{"model":"a","x":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(Asked::read(deep(127).as_bytes(), None).is_ok(), "the object is a level as well");
        assert!(why(&deep(128)).contains("more than 128 levels"));
        assert!(why(&deep(1_000_000)).contains("more than 128 levels"));
    }
}
