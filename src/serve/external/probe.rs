use crate::http::{Endpoint, HttpError, Request, Whole, fetch};
use crate::model::Reading;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// The time that an answer may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Characters of a name or a path that are kept.
const LONGEST: usize = 4_096;

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Unavailable: it did not answer in time, or not in HTTP.
    pub healthy: Reading<bool>,
    pub serves: Option<Serves>,
}

/// What a server says that it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// The file, where it is a llama-server.
    pub path: Option<PathBuf>,
    /// The name that requests must give; None: it has one model, whatever they name.
    pub required_name: Option<String>,
    /// The name that it gives its model.
    pub name: Option<String>,
    /// Tokens of context of one request.
    pub context: u32,
    pub slots: u32,
    /// Whether it is one of modelctl's: those start models that are asked for.
    pub is_modelctl: bool,
}

impl Serves {
    /// Returns what changes when it serves another model.
    pub fn identity(&self) -> String {
        let path = self.path.as_ref().map(|path| path.display().to_string());
        path.or_else(|| self.name.clone()).unwrap_or_default()
    }
}

/// Asks a server for `/health` and `/props`, and one that has no `/props` for the list of its models. None of them wakes
/// a llama-server that sleeps.
pub async fn probe(endpoint: &Endpoint) -> Probed {
    let get = |path| fetch(Request::get(endpoint.clone(), path), LIMIT);
    let (health, props) = tokio::join!(get("/health"), get("/props"));
    let healthy = match health {
        Ok(Whole { status: 200, .. }) => Reading::Known(true),
        Ok(_) | Err(HttpError::Refused) => Reading::Known(false),
        Err(error) => Reading::Unavailable(format!("it {error}")),
    };
    let serves = match props {
        Ok(Whole { status: 200, body }) => props_of(&body),
        Ok(Whole { status: 404 | 405 | 501, .. }) if healthy == Reading::Known(true) => match get("/v1/models").await {
            Ok(Whole { status: 200, body }) => only_model(&body),
            _ => None,
        },
        _ => None,
    };
    Probed { healthy, serves }
}

/// Reads the answer of llama-server's `/props`. None: it is none, or a router that serves several models.
fn props_of(body: &[u8]) -> Option<Serves> {
    let value: Value = serde_json::from_slice(body).ok()?; // another program
    if value.get("role").and_then(Value::as_str) == Some("router") {
        return None;
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(short);
    let number = |value: Option<&Value>| value.and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let serves = Serves {
        path: text("model_path").map(PathBuf::from),
        required_name: None,
        name: text("model_alias"),
        context: number(value.get("default_generation_settings").and_then(|settings| settings.get("n_ctx"))),
        slots: number(value.get("total_slots")).max(1),
        is_modelctl: text("build_info").is_some_and(|build| build.starts_with("modelctl")),
    };
    (serves.path.is_some() || serves.name.is_some()).then_some(serves)
}

/// Reads the answer of `/v1/models` of a server with one model.
fn only_model(body: &[u8]) -> Option<Serves> {
    let value: Value = serde_json::from_slice(body).ok()?; // as above
    let [model] = value.get("data")?.as_array()?.as_slice() else { return None };
    let name = short(model.get("id")?.as_str()?);
    let context = model.get("max_model_len").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
    let (required_name, name) = (Some(name.clone()), Some(name));
    Some(Serves { path: None, required_name, name, context, slots: 1, is_modelctl: false })
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Requests would be sent to a server of another model.
    #[test]
    fn a_server_says_what_it_serves_and_a_router_serves_nothing_in_particular() {
        let props = br#"{"default_generation_settings":{"n_ctx":4096},"total_slots":4,"model_path":"/m/a.gguf",
                         "model_alias":"a","build_info":"b6000-x"}"#;
        let serves = props_of(props).unwrap();
        assert_eq!((serves.path.as_deref(), serves.identity()), (Some("/m/a.gguf".as_ref()), "/m/a.gguf".to_owned()));
        assert_eq!((serves.context, serves.slots, serves.is_modelctl), (4096, 4, false));
        assert!(props_of(br#"{"model_alias":"a","build_info":"modelctl 1.0"}"#).unwrap().is_modelctl);
        for none in [r#"{"role":"router","model_alias":"a"}"#, "{}", "[]", "x", r#"{"model_path":""}"#] {
            assert_eq!(props_of(none.as_bytes()), None, "{none}");
        }
        let vllm = only_model(br#"{"object":"list","data":[{"id":"org/name","max_model_len":8192}]}"#).unwrap();
        assert_eq!((vllm.required_name.as_deref(), vllm.context), (Some("org/name"), 8192));
        assert_eq!(only_model(br#"{"data":[{"id":"a"},{"id":"b"}]}"#), None);
        assert_eq!(only_model(br#"{"data":[]}"#), None);
    }

    /// "Does not answer" is neither "works" nor "has gone".
    #[tokio::test]
    async fn a_server_that_is_gone_is_not_healthy_and_has_nothing_to_say() {
        let nowhere = Endpoint::Unix("/nowhere/x.sock".into());
        assert_eq!(probe(&nowhere).await, Probed { healthy: Reading::Known(false), serves: None });
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
            let _ = (props_of(&bytes), only_model(&bytes), props_of(text.as_bytes()), only_model(text.as_bytes()));
        }
    }
}
