//! Requests in OpenAI's and llama-server's dialect. Fields that we do not know are left alone, as those servers do.

use crate::engine::{Form, Generate, Message, Prompt, Sampling};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// `POST /v1/chat/completions`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChatRequest {
    pub messages: Vec<ChatMessage>,
    /// Further variables for the chat template, llama-server's name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub chat_template_kwargs: Map<String, Value>,
    #[serde(flatten)]
    pub options: Options,
}

impl ChatRequest {
    /// A chat with these messages and the server's defaults.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> ChatRequest {
        let messages =
            messages.into_iter().map(|m| ChatMessage { role: m.role, content: Some(Content::Text(m.content)) });
        ChatRequest { messages: messages.collect(), ..ChatRequest::default() }
    }

    /// Reads a body that can be answered. Whoever fills a queue for the worker asks the same.
    ///
    /// # Errors
    /// Why it cannot be, as far as that follows from the body alone.
    pub fn read(body: &Map<String, Value>) -> Result<ChatRequest, String> {
        let options = Options::read(body)?;
        let messages = member(body, "messages")?.ok_or("`messages` is missing")?;
        let chat_template_kwargs = member(body, "chat_template_kwargs")?.unwrap_or_default();
        let request = ChatRequest { messages, chat_template_kwargs, options };
        request.messages.iter().try_for_each(ChatMessage::check)?;
        match request.messages.is_empty() {
            true => Err("`messages` is empty".into()),
            false => Ok(request),
        }
    }

    /// The messages with their contents as plain texts.
    pub fn plain_messages(&self) -> Result<Vec<Message>, String> {
        self.messages.iter().map(|m| Ok(Message::new(m.role.clone(), m.text()?))).collect()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: String,
    pub content: Option<Content>,
}

impl ChatMessage {
    /// Whether it is a text. Tens of thousands are asked this at once: nothing is copied.
    fn check(&self) -> Result<(), String> {
        match &self.content {
            Some(Content::Parts(parts)) if parts.iter().any(|part| part.kind != "text" || part.text.is_none()) => {
                self.text().map(drop)
            }
            _ => Ok(()),
        }
    }

    fn text(&self) -> Result<String, String> {
        match &self.content {
            None => Ok(String::new()),
            Some(Content::Text(text)) => Ok(text.clone()),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().map(|part| match (part.kind.as_str(), &part.text) {
                    ("text", Some(text)) => Ok(text.as_str()),
                    (other, _) => Err(format!("content parts of type `{other}` are not supported, only `text`")),
                });
                Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
            }
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Part {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub text: Option<String>,
}

/// `POST /v1/completions`.
#[derive(Debug, Clone, Default)]
pub struct CompletionRequest {
    pub prompt: String,
    pub options: Options,
}

impl CompletionRequest {
    /// As [`ChatRequest::read`].
    ///
    /// # Errors
    /// Likewise.
    pub fn read(body: &Map<String, Value>) -> Result<CompletionRequest, String> {
        let options = Options::read(body)?;
        Ok(CompletionRequest { prompt: member(body, "prompt")?.ok_or("`prompt` is missing")?, options })
    }
}

/// One member of a body.
fn member<'a, T: Deserialize<'a>>(body: &'a Map<String, Value>, key: &str) -> Result<Option<T>, String> {
    let Some(value) = body.get(key) else { return Ok(None) };
    if let Ok(read) = T::deserialize(value) {
        return Ok(Some(read));
    }
    // Only what is wrong is worth the cost of knowing the way to it.
    let again = serde_path_to_error::deserialize(value);
    again.map(Some).map_err(|error| match error.path().iter().next() {
        None => format!("`{key}`: {}", error.inner()),
        Some(_) => format!("`{key}`, at {}: {}", error.path(), error.inner()),
    })
}

/// A key that asks for something which would change the answer and is not served: to pass over it would be to answer
/// another question. Keys that change nothing are left alone.
fn unserved(body: &Map<String, Value>) -> Option<&'static str> {
    let idle = |key: &str, value: &Value| match key {
        "logprobs" | "echo" => value.as_bool() == Some(false) || value.as_u64() == Some(0),
        "best_of" => value.as_u64() == Some(1),
        "tools" | "functions" => value.as_array().is_some_and(Vec::is_empty),
        "frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
        "repeat_penalty" => value.as_f64() == Some(1.0),
        "logit_bias" => value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty),
        "suffix" => value.as_str() == Some(""),
        _ => false,
    };
    const KEYS: [&str; 10] = [
        "tools",
        "functions",
        "logprobs",
        "echo",
        "best_of",
        "frequency_penalty",
        "presence_penalty",
        "repeat_penalty",
        "logit_bias",
        "suffix",
    ];
    KEYS.into_iter().find(|key| body.get(*key).is_some_and(|v| !v.is_null() && !idle(key, v)))
}

/// What both kinds of request may set. `None` is the server's default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Options {
    /// Tokens at most; a negative number is llama-server's "as many as fit".
    #[serde(default, alias = "max_completion_tokens", alias = "n_predict", skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<i64>,
    /// 0 takes the likeliest token always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    /// A negative number draws one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stops>,
    /// modelctl's own: milliseconds that the generation may take, from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// A GBNF grammar, llama-server's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
    /// A JSON schema, llama-server's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<serde_json::Value>,
    /// `text`, `json_object` or `json_schema`, OpenAI's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<serde_json::Value>,
    /// Answers per request: only 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stops {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct StreamOptions {
    #[serde(default)]
    pub include_usage: bool,
}

/// Tokens, OpenAI's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub prompt_tokens: u32,
    pub completion_tokens: u32,
    pub total_tokens: u32,
    #[serde(default)]
    pub prompt_tokens_details: PromptDetails,
}

/// What of the prompt was no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptDetails {
    /// Tokens that were there already, from an earlier or a neighbouring request.
    pub cached_tokens: u32,
}

impl Options {
    /// Those of a body that can be answered.
    fn read(body: &Map<String, Value>) -> Result<Options, String> {
        if let Some(key) = unserved(body) {
            return Err(format!("`{key}` is not served"));
        }
        let options = Options::deserialize(body).or_else(|_| {
            let again = serde_path_to_error::deserialize(body);
            again.map_err(|error| format!("`{}`: {}", error.path(), error.inner()))
        })?;
        options.check()?;
        Ok(options)
    }

    pub fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    pub fn include_usage(&self) -> bool {
        self.stream_options.is_some_and(|options| options.include_usage)
    }

    /// What cannot be done, said before anything is.
    pub fn check(&self) -> Result<(), String> {
        if self.n.is_some_and(|n| n != 1) {
            return Err("`n` must be 1".into());
        }
        if self.max_tokens == Some(0) {
            return Err("`max_tokens` must be at least 1".into());
        }
        match self.form()? {
            Some(Form::Grammar(text)) if !text.contains("root") => return Err("the grammar has no rule `root`".into()),
            // A schema that is `true` says nothing, and `false` that no answer is one.
            Some(Form::Schema(text)) if !text.starts_with('{') => {
                return Err("the JSON schema is no object".into());
            }
            _ => {}
        }
        let numbers = [("temperature", self.temperature), ("top_p", self.top_p), ("min_p", self.min_p)];
        match numbers.iter().find(|(_, value)| value.is_some_and(|value| !value.is_finite() || value < 0.0)) {
            Some((name, _)) => Err(format!("`{name}` must be a number from 0")),
            None => Ok(()),
        }
    }

    /// What the answer has to fit, by whichever of the three names it was given.
    pub fn form(&self) -> Result<Option<Form>, String> {
        let grammar = self.grammar.as_ref().filter(|g| !g.trim().is_empty()).map(|g| Form::Grammar(g.clone()));
        let schema = self.json_schema.as_ref().filter(|s| !s.is_null()).map(|s| Form::Schema(s.to_string()));
        let format = match self.response_format.as_ref().filter(|f| !f.is_null()) {
            None => None,
            Some(format) => match format.get("type").and_then(serde_json::Value::as_str) {
                Some("text") => None,
                // llama-server takes a schema here as well.
                Some("json_object") => {
                    let schema =
                        format.get("schema").map_or_else(|| r#"{"type":"object"}"#.into(), ToString::to_string);
                    Some(Form::Schema(schema))
                }
                Some("json_schema") => match format.get("json_schema").and_then(|s| s.get("schema")) {
                    Some(schema) => Some(Form::Schema(schema.to_string())),
                    None => return Err("`response_format` of type `json_schema` lacks `json_schema.schema`".into()),
                },
                _ => return Err("`response_format.type` must be `text`, `json_object` or `json_schema`".into()),
            },
        };
        let mut all = [grammar, schema, format].into_iter().flatten();
        match (all.next(), all.next()) {
            (_, Some(_)) => Err("give only one of `grammar`, `json_schema` and `response_format`".into()),
            (form, None) => Ok(form),
        }
    }

    /// The engine's request for `prompt`.
    pub fn generate(&self, prompt: Prompt) -> Generate {
        let default = Sampling::default();
        Generate {
            prompt,
            sampling: Sampling {
                temperature: self.temperature.unwrap_or(default.temperature),
                top_k: self.top_k.unwrap_or(default.top_k),
                top_p: self.top_p.unwrap_or(default.top_p),
                min_p: self.min_p.unwrap_or(default.min_p),
                // Larger seeds than llama.cpp has are folded, so that the same number gives the same text.
                seed: self.seed.and_then(|seed| u64::try_from(seed).ok()).map(|seed| (seed & 0x7fff_ffff) as u32),
            },
            max_tokens: self
                .max_tokens
                .and_then(|max| u64::try_from(max).ok())
                .map(|max| u32::try_from(max).unwrap_or(u32::MAX)),
            stop: match self.stop.clone() {
                None => Vec::new(),
                Some(Stops::One(stop)) => vec![stop],
                Some(Stops::Many(stops)) => stops,
            },
            // Checked before: what contradicts itself has been refused.
            form: self.form().ok().flatten(),
            timeout: self.timeout_ms.map(Duration::from_millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_clients_send_is_understood() {
        let text = r#"{"model":"x","messages":[{"role":"system","content":"a"},
            {"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]},{"role":"assistant","content":null}],
            "max_completion_tokens":5,"stop":"END","stream":true,"temperature":0,"tools":null,"user":"me","stream_options":{"include_usage":true}}"#;
        let request = ChatRequest::read(&serde_json::from_str(text).unwrap()).unwrap();
        let texts: Vec<String> = request.plain_messages().unwrap().into_iter().map(|m| m.content).collect();
        assert_eq!(texts, ["a", "b\nc", ""]);
        assert_eq!(request.options.max_tokens, Some(5));
        assert!(request.options.streams() && request.options.include_usage());
        assert!(matches!(&request.options.stop, Some(Stops::One(stop)) if stop == "END"));
    }

    #[test]
    fn a_form_is_understood_under_each_of_its_names_and_only_one_is_taken() {
        let form = |text: &str| serde_json::from_str::<Options>(text).unwrap().form();
        let schema = |text: &str| Ok(Some(Form::Schema(text.into())));
        assert_eq!(form(r#"{"grammar":"root ::= \"a\""}"#), Ok(Some(Form::Grammar("root ::= \"a\"".into()))));
        assert_eq!(form(r#"{"json_schema":{"type":"null"}}"#), schema(r#"{"type":"null"}"#));
        let openai =
            r#"{"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"null"}}}}"#;
        assert_eq!(form(openai), schema(r#"{"type":"null"}"#));
        assert_eq!(form(r#"{"response_format":{"type":"json_object"}}"#), schema(r#"{"type":"object"}"#));
        for none in ["{}", r#"{"response_format":{"type":"text"},"grammar":"","json_schema":null}"#] {
            assert_eq!(form(none), Ok(None));
        }
        for bad in [
            r#"{"response_format":{"type":"xml"}}"#,
            r#"{"response_format":{"type":"json_schema"}}"#,
            r#"{"grammar":"root ::= \"a\"","json_schema":{}}"#,
        ] {
            assert!(form(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let check = |text: &str| serde_json::from_str::<Options>(text).unwrap().check();
        assert!(check(r#"{"n":2}"#).is_err());
        assert!(check(r#"{"max_tokens":0}"#).is_err());
        assert!(check(r#"{"json_schema":7}"#).is_err());
        assert!(check(r#"{"grammar":"rot ::= \"a\""}"#).is_err());
        assert!(check(r#"{"top_p":-1}"#).is_err());
        assert!(check(r#"{"max_tokens":-1,"n":1}"#).is_ok());
    }

    #[test]
    fn what_would_change_the_answer_and_is_not_served_is_refused_unless_it_changes_nothing() {
        let unserved = |body: Value| unserved(body.as_object().unwrap());
        for body in [
            json!({"frequency_penalty": 0.5}),
            json!({"presence_penalty": -1}),
            json!({"repeat_penalty": 1.1}),
            json!({"logit_bias": {"50256": -100}}),
            json!({"logit_bias": [[1, false]]}),
            json!({"suffix": "the end"}),
            json!({"best_of": 2}),
        ] {
            assert_eq!(unserved(body.clone()), body.as_object().unwrap().keys().next().map(String::as_str));
        }
        let neutral = json!({
            "frequency_penalty": 0, "presence_penalty": 0.0, "repeat_penalty": 1, "logit_bias": {}, "suffix": null,
            "best_of": 1, "tools": [], "logprobs": false, "echo": false, "user": "me",
        });
        assert_eq!(unserved(neutral), None);
    }

    #[test]
    fn a_body_that_cannot_be_answered_is_told_by_the_name_of_what_is_wrong() {
        let chat = |more: &str| {
            let text = format!(r#"{{"messages":[{{"role":"user","content":"hi"}}]{more}}}"#);
            ChatRequest::read(&serde_json::from_str(&text).unwrap())
        };
        assert_eq!(chat("").unwrap().messages.len(), 1);
        for (more, why) in [
            (r#","temperature":"hot""#, "`temperature`: invalid type: string \"hot\""),
            (r#","stop":[1]"#, "`stop`: "),
            (r#","n":2"#, "`n` must be 1"),
            (r#","tools":[{}]"#, "`tools` is not served"),
            (r#","chat_template_kwargs":5"#, "`chat_template_kwargs`: "),
        ] {
            let told = chat(more).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
        for (text, why) in [
            (r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}"#, "type `image_url`"),
            (r#"{"messages":[{"role":7,"content":""}]}"#, "`messages`, at [0].role: "),
            (r#"{"messages":[]}"#, "`messages` is empty"),
            ("{}", "`messages` is missing"),
        ] {
            let told = ChatRequest::read(&serde_json::from_str(text).unwrap()).unwrap_err();
            assert!(told.contains(why), "{told}");
        }
        let told = CompletionRequest::read(&serde_json::from_str(r#"{"prompt":["a"]}"#).unwrap()).unwrap_err();
        assert!(told.contains("`prompt`: "), "{told}");
    }
}
