//! What a body must be before the model that it asks for is loaded: no server would answer another one. Pure.

use super::problem::Problem;
use super::record::Endpoint;
use crate::model::server::Engine;
use crate::openai::{ChatRequest, CompletionRequest, EmbeddingRequest};
use serde_json::{Map, Value};

/// Checks a body for the program that would answer it. Our worker has this very check. Of llama-server, whose dialect
/// is larger than ours, only what it refuses as well is refused.
///
/// # Errors
/// A bad request, with the reason.
pub(super) fn check(endpoint: Endpoint, engine: Engine, body: &Map<String, Value>) -> Result<(), Problem> {
    let checked = match (engine, endpoint) {
        (_, Endpoint::Upstream) => Ok(()),
        (Engine::Worker, Endpoint::Chat) => ChatRequest::read(body).map(drop),
        (Engine::Worker, Endpoint::Completions) => CompletionRequest::read_several(body).map(drop),
        (Engine::Worker, Endpoint::Embeddings) => {
            EmbeddingRequest::read(body).and_then(|request| request.inputs()).map(drop)
        }
        (Engine::LlamaServer, Endpoint::Chat) => check_messages(body),
        (Engine::LlamaServer, Endpoint::Completions) => check_present(body, &["prompt"]),
        (Engine::LlamaServer, Endpoint::Embeddings) => check_present(body, &["input", "content"]),
    };
    checked.map_err(Problem::bad_request)
}

fn check_present(body: &Map<String, Value>, any: &[&str]) -> Result<(), String> {
    let is_there = any.iter().any(|key| body.get(*key).is_some_and(|value| !value.is_null()));
    let first = any.first().copied().unwrap_or_default();
    if is_there { Ok(()) } else { Err(format!("`{first}` is missing")) }
}

fn check_messages(body: &Map<String, Value>) -> Result<(), String> {
    let messages = match body.get("messages") {
        None | Some(Value::Null) => return Err("`messages` is missing".into()),
        Some(Value::Array(messages)) => messages,
        Some(_) => return Err("`messages` must be an array".into()),
    };
    messages.iter().enumerate().try_for_each(|(at, message)| {
        let wrong = |what: &str| Err(format!("`messages`, at [{at}]{what}"));
        match message.as_object().map(|message| message.get("role")) {
            None => wrong(": must be an object"),
            Some(None | Some(Value::Null)) => wrong(": missing field `role`"),
            Some(Some(Value::String(_))) => Ok(()),
            Some(Some(_)) => wrong(".role: must be a string"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn why(endpoint: Endpoint, engine: Engine, body: Value) -> Option<String> {
        let Value::Object(body) = body else { panic!("no object") };
        check(endpoint, engine, &body).err().map(|problem| problem.message)
    }

    /// Each of these would have a model loaded, and others evicted for it, only to be refused.
    #[test]
    fn what_no_server_answers_is_refused_with_the_reason() {
        use {Endpoint::*, Engine::*};
        let user = json!([{"role": "user", "content": "x"}]);
        for (endpoint, body, words) in [
            (Chat, json!({}), "`messages` is missing"),
            (Chat, json!({"messages": "x"}), "`messages`"),
            (Chat, json!({"messages": ["x"]}), "[0]: must be an object"),
            (Chat, json!({"messages": [{"content": "x"}]}), "missing field `role`"),
            (Chat, json!({"messages": [{"role": 7, "content": "x"}]}), "[0].role: must be a string"),
            (Completions, json!({}), "`prompt` is missing"),
            (Embeddings, json!({}), "`input`"),
        ] {
            for engine in [Worker, LlamaServer] {
                let told = why(endpoint, engine, body.clone());
                assert!(told.as_deref().is_some_and(|told| told.contains(words)), "{engine:?} {body}: {told:?}");
            }
        }
        for (endpoint, body, words) in [
            (Chat, json!({"messages": []}), "`messages` is empty"),
            (Chat, json!({"messages": user, "temperature": "hot"}), "`temperature`"),
            (Chat, json!({"messages": user, "tools": [{"type": "function"}]}), "`tools` is not served"),
            (Chat, json!({"messages": user, "n": 2}), "`n` must be 1"),
            (Completions, json!({"prompt": 7}), "`prompt` must be"),
            (Completions, json!({"prompt": "x", "logprobs": 3}), "`logprobs` is not served"),
            (Embeddings, json!({"input": {}}), "`input` must be"),
            (Embeddings, json!({"input": "x", "encoding_format": "hex"}), "hex"),
        ] {
            let told = why(endpoint, Worker, body.clone());
            assert!(told.as_deref().is_some_and(|told| told.contains(words)), "{body}: {told:?}");
        }
        // llama-server has tools, and takes a wrong type for its default.
        let tools = json!({"messages": user, "tools": [{"type": "function"}], "temperature": "hot"});
        assert_eq!(why(Chat, LlamaServer, tools), None);
        assert_eq!(why(Completions, LlamaServer, json!({"prompt": [1, "a"], "n_probs": 3})), None);
        assert_eq!(why(Embeddings, LlamaServer, json!({"content": "x"})), None);
        assert_eq!(why(Chat, Worker, json!({"messages": user, "model": "x", "user": "y"})), None);
    }
}
