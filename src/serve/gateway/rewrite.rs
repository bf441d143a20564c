//! Answers of llama-server, made into those that clients of OpenAI's service expect. Pure.
//!
//! Of a stream: the first chunk alone has the role, with an empty content; the reason for the end has a chunk of its
//! own with an empty delta; the usage comes last, with no choices, and only when it was asked for; all chunks have one
//! id, one time and the name that the client asked for; there are no comments.

use crate::http::{SseEvent, SseReader};
use crate::openai::{self, ApiError, DONE};
use axum::body::Bytes;
use serde_json::{Map, Value, json};

/// The reasons for an end that OpenAI has.
const REASONS: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];

/// Rewrites the bytes of one stream.
#[derive(Debug)]
pub(super) struct Rewriter {
    model: String,
    stream: Stream,
}

#[derive(Debug, Default)]
struct Stream {
    reader: SseReader,
    include_usage: bool,
    has_role: bool,
    is_done: bool,
    /// The error that ended the stream.
    error: Option<ApiError>,
    /// Members that all chunks share.
    id: Option<Value>,
    created: Option<Value>,
    usage: Option<Value>,
}

/// Returns what the client gets for an answer that is not a stream, or `None` where it is not an object of JSON.
pub(super) fn whole(model: &str, bytes: &[u8]) -> Option<Bytes> {
    let mut answer = serde_json::from_slice::<Map<String, Value>>(bytes).ok()?;
    answer.insert("model".to_owned(), model.into());
    for choice in answer.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
        set_known_reason(choice);
    }
    Some(Value::Object(answer).to_string().into())
}

impl Rewriter {
    pub fn new(model: &str, include_usage: bool) -> Rewriter {
        Rewriter { model: model.to_owned(), stream: Stream { include_usage, ..Stream::default() } }
    }

    /// Returns what the client gets for these bytes of the server.
    pub fn push(&mut self, bytes: &[u8]) -> Bytes {
        let stream = &mut self.stream;
        if stream.is_done {
            return Bytes::new();
        }
        match stream.reader.push(bytes) {
            Ok(events) => {
                let mut passed = String::new();
                for event in events {
                    // Nothing follows an end, in the same bytes either.
                    if stream.is_done {
                        break;
                    }
                    passed.push_str(&stream.event(event, &self.model));
                }
                passed.into()
            }
            Err(error) => stream.fail(ApiError::broken(error.to_string())).into(),
        }
    }

    /// Returns the error that ended the stream and was passed to the client: what follows it is of no use.
    pub fn error(&self) -> Option<&ApiError> {
        self.stream.error.as_ref()
    }

    /// Returns what the client gets at the end of the server's answer.
    pub fn finish(&mut self) -> Bytes {
        match self.stream.is_done {
            true => Bytes::new(),
            false => self.stream.fail(ApiError::broken("the server of the model ended its answer too early")).into(),
        }
    }
}

impl Stream {
    fn event(&mut self, event: SseEvent, model: &str) -> String {
        let SseEvent::Data(data) = event else { return String::new() };
        if data == DONE {
            self.is_done = true;
            return format!("{}data: {DONE}\n\n", self.usage_chunk(model));
        }
        let Ok(mut chunk) = serde_json::from_str::<Map<String, Value>>(&data) else {
            return self.fail(ApiError::broken("the server of the model sent invalid JSON"));
        };
        if chunk.contains_key("error") {
            let error = ApiError::read(data.as_bytes());
            return self.fail(error.unwrap_or_else(|| ApiError::broken("the server of the model failed")));
        }
        self.usage = chunk.remove("usage").filter(|usage| !usage.is_null()).or(self.usage.take());
        let id = self.id.get_or_insert_with(|| chunk.get("id").cloned().unwrap_or(Value::Null)).clone();
        let created = self.created.get_or_insert_with(|| chunk.get("created").cloned().unwrap_or(Value::Null)).clone();
        chunk.insert("id".to_owned(), id);
        chunk.insert("created".to_owned(), created);
        chunk.insert("model".to_owned(), model.into());
        let choices = match chunk.insert("choices".to_owned(), json!([])) {
            Some(Value::Array(choices)) => choices,
            _ => Vec::new(),
        };
        let parts = choices.into_iter().flat_map(|choice| self.parts(choice)).collect::<Vec<_>>();
        parts.into_iter().map(|choice| chunk_of(&chunk, json!([choice]))).collect()
    }

    /// Splits the choice of one chunk into those that each have a chunk of their own.
    fn parts(&mut self, mut choice: Value) -> Vec<Value> {
        set_known_reason(&mut choice);
        let reason = choice.get("finish_reason").cloned().filter(|reason| !reason.is_null());
        let Some(Value::Object(mut delta)) = choice.get_mut("delta").map(Value::take) else {
            // A completion of a text has no role.
            let is_text = choice.get("text").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            return match (is_text, reason) {
                (true, Some(reason)) => {
                    vec![
                        with(&choice, "finish_reason", Value::Null),
                        with(&with(&choice, "text", json!("")), "finish_reason", reason),
                    ]
                }
                (false, None) => Vec::new(),
                _ => vec![choice],
            };
        };
        let mut parts = Vec::new();
        let open = with(&choice, "finish_reason", Value::Null);
        delta.remove("role");
        if !std::mem::replace(&mut self.has_role, true) {
            parts.push(with(&open, "delta", json!({"role": "assistant", "content": ""})));
        }
        delta.retain(|key, value| !value.is_null() && (key != "content" || value != ""));
        if !delta.is_empty() {
            parts.push(with(&open, "delta", Value::Object(delta)));
        }
        if let Some(reason) = reason {
            parts.push(with(&with(&choice, "delta", json!({})), "finish_reason", reason));
        }
        parts
    }

    fn usage_chunk(&mut self, model: &str) -> String {
        let Some(usage) = self.usage.take().filter(|_| self.include_usage) else { return String::new() };
        let (id, created) = (&self.id, &self.created);
        let chunk = json!({"id": id, "object": "chat.completion.chunk", "created": created, "model": model, "choices": [], "usage": usage});
        openai::event(&chunk)
    }

    fn fail(&mut self, error: ApiError) -> String {
        self.is_done = true;
        let event = openai::event(&error.openai_body());
        self.error = Some(error);
        event
    }
}

fn chunk_of(frame: &Map<String, Value>, choices: Value) -> String {
    let mut chunk = frame.clone();
    chunk.insert("choices".to_owned(), choices);
    openai::event(&Value::Object(chunk))
}

fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut object = object.clone();
    if let Value::Object(members) = &mut object {
        members.insert(key.to_owned(), value);
    }
    object
}

/// Replaces a reason that OpenAI does not have.
fn set_known_reason(choice: &mut Value) {
    if let Some(reason) = choice.get_mut("finish_reason")
        && reason.as_str().is_some_and(|text| !REASONS.contains(&text))
    {
        *reason = "stop".into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rewritten(include_usage: bool, stream: &str) -> Vec<Value> {
        let mut rewriter = Rewriter::new("asked", include_usage);
        let mut text = String::new();
        for byte in stream.as_bytes() {
            text.push_str(std::str::from_utf8(&rewriter.push(&[*byte])).unwrap());
        }
        let payloads =
            text.split("\n\n").filter(|part| !part.is_empty()).map(|part| part.strip_prefix("data: ").unwrap());
        payloads.map(|payload| serde_json::from_str(payload).unwrap_or_else(|_| payload.into())).collect()
    }

    const STREAM: &str = concat!(
        ": ping\n\n",
        r#"data: {"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"created":5,"id":"a","model":"x","object":"chat.completion.chunk"}"#,
        "\n\n",
        r#"data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":"Hi"}}],"created":6,"id":"a","model":"x","object":"chat.completion.chunk","usage":null}"#,
        "\n\n",
        r#"data: {"choices":[{"finish_reason":"eos","index":0,"delta":{"content":"!"}}],"created":6,"id":"a","model":"x","object":"chat.completion.chunk","usage":{"total_tokens":3},"timings":{"predicted_n":2}}"#,
        "\n\ndata: [DONE]\n\n",
    );

    #[test]
    fn a_stream_of_llama_server_becomes_one_of_openai() {
        let chunks = rewritten(true, STREAM);
        assert!(chunks[..5].iter().all(|c| c["id"] == "a" && c["created"] == 5 && c["model"] == "asked"), "{chunks:?}");
        let deltas: Vec<_> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
        assert_eq!(deltas[0], &json!({"role": "assistant", "content": ""}));
        assert_eq!((deltas[1], deltas[2]), (&json!({"content": "Hi"}), &json!({"content": "!"})));
        assert_eq!((deltas[3], &chunks[3]["choices"][0]["finish_reason"]), (&json!({}), &json!("stop")));
        assert_eq!((&chunks[4]["choices"], &chunks[4]["usage"]["total_tokens"]), (&json!([]), &json!(3)));
        assert_eq!((chunks.len(), &chunks[5]), (6, &json!("[DONE]")));
        assert!(chunks[..4].iter().all(|chunk| chunk.get("usage").is_none()));
        let without = rewritten(false, STREAM);
        assert_eq!(without.len(), 5, "no usage that nobody asked for");
    }

    #[test]
    fn an_error_ends_the_stream_and_nothing_comes_after_it() {
        let stream =
            "data: {\"error\":{\"code\":500,\"message\":\"no\",\"type\":\"server_error\"}}\n\ndata: [DONE]\n\n";
        let chunks = rewritten(false, stream);
        assert_eq!(chunks, [json!({"error": {"message": "no", "type": "server_error", "param": null, "code": null}})]);
        assert_eq!(rewritten(false, "data: {{\n\ndata: [DONE]\n\n").len(), 1);
    }

    #[test]
    fn a_whole_answer_has_the_asked_name() {
        let answer = whole("asked", br#"{"model":"x","choices":[{"finish_reason":"limit","text":"t"}]}"#).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer, json!({"model": "asked", "choices": [{"finish_reason": "stop", "text": "t"}]}));
    }

    #[test]
    fn what_is_no_object_is_no_answer() {
        for bytes in ["", "<html>", "[]", "\"text\"", "{\"choices\":["] {
            assert_eq!(whole("asked", bytes.as_bytes()), None, "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_rewritten_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut rewriter = Rewriter::new("m", true);
            let _ = (rewriter.push(&bytes), rewriter.finish());
        }
    }
}
