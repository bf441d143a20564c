use super::keys;
use super::member::member;
use super::message::Message;
use super::options::Options;
use serde::Serialize;
use serde_json::{Map, Value};

/// The largest number of texts of one request, which OpenAI takes too.
const MAX_PROMPTS: usize = 2048;

/// The body of `POST /v1/chat/completions`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChatRequest {
    pub messages: Vec<Message>,
    /// Further variables for the chat template, by llama-server's name.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub chat_template_kwargs: Map<String, Value>,
    /// OpenAI's name for a variable that some chat templates read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<String>,
    /// Whether the prompt ends with the head of an answer; true when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub add_generation_prompt: Option<bool>,
    /// Whether the answer continues the last message instead of following it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub continue_final_message: Option<bool>,
    #[serde(flatten)]
    pub options: Options,
}

impl ChatRequest {
    /// Creates a chat with these messages and the server's defaults.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> ChatRequest {
        ChatRequest { messages: messages.into_iter().collect(), ..ChatRequest::default() }
    }

    /// Reads a body that can be answered. The code that fills a queue for the worker uses the same check.
    ///
    /// # Errors
    /// The reason why it cannot be answered, as far as that follows from the body alone.
    pub fn read(body: &Map<String, Value>) -> Result<ChatRequest, String> {
        let options = Options::read(body)?;
        keys::check_chat(body)?;
        let mut variables: Map<String, Value> = member(body, "chat_template_kwargs")?.unwrap_or_default();
        if let Some(taken) = ["messages", "chat_template"].into_iter().find(|key| variables.contains_key(*key)) {
            return Err(format!("`{taken}` in `chat_template_kwargs` is not served"));
        }
        let request = ChatRequest {
            messages: messages(body)?,
            reasoning_effort: member(body, "reasoning_effort")?,
            // Both switches may be given in two ways, as llama-server and vLLM accept them.
            add_generation_prompt: switch(body, &mut variables, "add_generation_prompt")?,
            continue_final_message: switch(body, &mut variables, "continue_final_message")?,
            chat_template_kwargs: variables,
            options,
        };
        if request.continues() && request.add_generation_prompt == Some(true) {
            return Err("`continue_final_message` and `add_generation_prompt` exclude each other".into());
        }
        if request.continues() && request.messages.last().is_none_or(|m| m.text().trim().is_empty()) {
            return Err("`continue_final_message` needs a last message with a text".into());
        }
        Ok(request)
    }

    /// Returns whether the answer continues the last message.
    pub fn continues(&self) -> bool {
        self.continue_final_message == Some(true)
    }

    /// Returns whether the prompt ends with the head of a new answer.
    pub fn generation_prompt(&self) -> bool {
        self.add_generation_prompt.unwrap_or(true) && !self.continues()
    }

    /// Returns all variables for the chat template in addition to the messages, in the order of the request.
    pub fn variables(&self) -> Map<String, Value> {
        let mut variables = self.chat_template_kwargs.clone();
        if let Some(effort) = &self.reasoning_effort {
            variables.insert("reasoning_effort".into(), effort.clone().into());
        }
        variables
    }

    /// Returns names of variables and of members of messages that need a chat template which reads them. A template
    /// ignores names that it never mentions.
    pub fn needs_of_template(&self) -> Vec<&'static str> {
        let has_calls = self.messages.iter().any(|m| m.get("tool_calls").is_some_and(|calls| !keys::is_empty(calls)));
        let calls = has_calls.then_some("tool_calls");
        calls.into_iter().chain(self.reasoning_effort.as_ref().map(|_| "reasoning_effort")).collect()
    }
}

/// Reads a switch that may be a member of the body or a variable of the template; the body takes precedence.
fn switch(body: &Map<String, Value>, variables: &mut Map<String, Value>, key: &str) -> Result<Option<bool>, String> {
    let variable = match variables.shift_remove(key) {
        None | Some(Value::Null) => None,
        Some(Value::Bool(on)) => Some(on),
        Some(_) => return Err(format!("`{key}` in `chat_template_kwargs` must be true or false")),
    };
    Ok(member(body, key)?.or(variable))
}

/// Returns the messages, checked and without members that are null.
fn messages(body: &Map<String, Value>) -> Result<Vec<Message>, String> {
    let all: Vec<Value> = member(body, "messages")?.ok_or("`messages` is missing")?;
    if all.is_empty() {
        return Err("`messages` is empty".into());
    }
    all.into_iter()
        .enumerate()
        .map(|(at, value)| {
            let wrong = |place: &str, what: &str| format!("`messages`, at [{at}]{place}: {what}");
            let Value::Object(mut fields) = value else { return Err(wrong("", "must be an object")) };
            fields.retain(|key, value| key == "content" || !value.is_null());
            match fields.get("role") {
                Some(Value::String(_)) => {}
                Some(_) => return Err(wrong(".role", "must be a string")),
                None => return Err(wrong("", "missing field `role`")),
            }
            keys::check(&fields, keys::MESSAGE).map_err(|what| wrong("", &what))?;
            check_content(&fields).map_err(|what| wrong(".content", &what))?;
            Ok(Message::from_fields(fields))
        })
        .collect()
}

/// Checks that the content is a text, a list of texts, or absent where a tool call replaces it.
fn check_content(message: &Map<String, Value>) -> Result<(), String> {
    match message.get("content") {
        Some(Value::String(_) | Value::Null) => Ok(()),
        Some(Value::Array(parts)) => parts.iter().try_for_each(|part| match part.get("type").and_then(Value::as_str) {
            Some("text") if part.get("text").is_some_and(Value::is_string) => Ok(()),
            Some("text") => Err("a content part of type `text` has no `text`".into()),
            Some(other) => Err(format!("content parts of type `{other}` are not supported, only `text`")),
            None => Err("a content part has no `type`".into()),
        }),
        Some(_) => Err("must be a string, an array of parts or null".into()),
        None if message.contains_key("tool_calls") || message.contains_key("reasoning_content") => Ok(()),
        None => Err("is missing".into()),
    }
}

/// The body of `POST /v1/completions`.
#[derive(Debug, Clone, Default)]
pub struct CompletionRequest {
    pub prompt: String,
    pub options: Options,
}

impl CompletionRequest {
    /// Reads a body with one text, as [`ChatRequest::read`].
    ///
    /// # Errors
    /// As [`ChatRequest::read`].
    pub fn read(body: &Map<String, Value>) -> Result<CompletionRequest, String> {
        let (mut texts, options) = CompletionRequest::read_several(body)?;
        match texts.pop() {
            Some(prompt) if texts.is_empty() => Ok(CompletionRequest { prompt, options }),
            _ => Err("`prompt` must be one text".into()),
        }
    }

    /// Reads a body with one text or a list of texts, of which there is at least one.
    ///
    /// # Errors
    /// As [`ChatRequest::read`].
    pub fn read_several(body: &Map<String, Value>) -> Result<(Vec<String>, Options), String> {
        let options = Options::read(body)?;
        keys::check(body, keys::COMPLETION_ONLY)?;
        let prompt: Value = member(body, "prompt")?.ok_or("`prompt` is missing")?;
        let wrong = || "`prompt` must be a text or a list of texts".to_owned();
        let texts = match prompt {
            Value::String(text) => vec![text],
            Value::Array(values) if values.len() > MAX_PROMPTS => {
                return Err(format!("`prompt` has {} texts; the maximum is {MAX_PROMPTS}", values.len()));
            }
            Value::Array(values) if !values.is_empty() => {
                let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(wrong()) };
                values.into_iter().map(text).collect::<Result<_, _>>()?
            }
            _ => return Err(wrong()),
        };
        Ok((texts, options))
    }
}
