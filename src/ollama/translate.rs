//! Ollama's requests, made into those of OpenAI's dialect.

use super::{ChatRequest, GenerateRequest};
use serde_json::{Map, Value, json};

/// Members of `options` that OpenAI's dialect, with llama-server's additions, has by the same name.
const SAME: [&str; 14] = [
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "typical_p",
    "seed",
    "stop",
    "repeat_penalty",
    "repeat_last_n",
    "frequency_penalty",
    "presence_penalty",
    "mirostat",
    "mirostat_tau",
    "mirostat_eta",
];

/// A request for a text, by the endpoint that answers it.
#[derive(Debug, Clone, PartialEq)]
pub enum TextBody {
    Chat(Map<String, Value>),
    /// The prompt goes to the model as it is.
    Completion(Map<String, Value>),
}

/// Returns the body of a chat. The answer is asked for as a stream that ends with the usage, whatever the client wants.
///
/// # Errors
/// The request wants something that cannot be done.
pub fn chat_body(request: &ChatRequest, model: &str) -> Result<Map<String, Value>, String> {
    if request.tools.as_ref().is_some_and(asks) {
        return Err(format!("\"{model}\" does not support tools"));
    }
    let messages = request.messages.iter().flatten().map(|message| message_of(message, model));
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    let mut body = frame(model, request.options.as_ref());
    body.insert("messages".to_owned(), messages.into());
    set_thinking(&mut body, request.think.as_ref(), model)?;
    set_format(&mut body, request.format.as_ref())?;
    Ok(body)
}

/// Returns the body for a prompt: a chat of one message, or with `raw` the text as it is.
///
/// # Errors
/// As [`chat_body`].
pub fn generate_body(request: &GenerateRequest, model: &str) -> Result<TextBody, String> {
    if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
        return Err(format!("\"{model}\" does not support insert"));
    }
    if request.images.as_ref().is_some_and(asks) {
        return Err(format!("\"{model}\" does not support images"));
    }
    let prompt = request.prompt.clone().unwrap_or_default();
    let mut body = frame(model, request.options.as_ref());
    set_format(&mut body, request.format.as_ref())?;
    if request.raw == Some(true) {
        body.insert("prompt".to_owned(), prompt.into());
        return Ok(TextBody::Completion(body));
    }
    let system = request.system.as_ref().filter(|text| !text.is_empty());
    let mut messages: Vec<Value> = system.iter().map(|text| json!({"role": "system", "content": text})).collect();
    messages.push(json!({"role": "user", "content": prompt}));
    body.insert("messages".to_owned(), messages.into());
    set_thinking(&mut body, request.think.as_ref(), model)?;
    Ok(TextBody::Chat(body))
}

/// Returns the members of a request that are not used, which the answer tells its client.
pub fn ignored(request: &GenerateRequest) -> Vec<&'static str> {
    let template = request.template.as_ref().is_some_and(|text| !text.is_empty());
    let context = request.context.as_ref().is_some_and(asks);
    [("template", template), ("context", context)]
        .into_iter()
        .filter(|(_, is_set)| *is_set)
        .map(|(key, _)| key)
        .collect()
}

/// Returns the tokens of context that a request wishes for; what is no such number is no wish.
pub fn wished_context(options: Option<&Map<String, Value>>) -> Option<u32> {
    let wish = options?.get("num_ctx")?.as_u64()?;
    u32::try_from(wish).ok().filter(|tokens| *tokens > 0) // no model has as many
}

/// Returns whether a value wants anything.
fn asks(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn frame(model: &str, options: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".to_owned(), model.into());
    body.insert("stream".to_owned(), true.into());
    body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    let Some(options) = options else { return body };
    let set = SAME.into_iter().filter_map(|key| Some((key, options.get(key).filter(|value| !value.is_null())?)));
    body.extend(set.map(|(key, value)| (key.to_owned(), value.clone())));
    // Zero and negative numbers are no limit.
    let limit = options.get("num_predict").filter(|limit| limit.as_f64().is_none_or(|n| n > 0.0) && !limit.is_null());
    body.extend(limit.map(|limit| ("max_tokens".to_owned(), limit.clone())));
    body
}

/// Sets whether the model is to think. Models whose thoughts could be told from their answers are not known.
fn set_thinking(body: &mut Map<String, Value>, think: Option<&Value>, model: &str) -> Result<(), String> {
    match think {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Bool(false)) => {
            body.insert("chat_template_kwargs".to_owned(), json!({"enable_thinking": false}));
            Ok(())
        }
        Some(Value::Bool(true) | Value::String(_)) => Err(format!("\"{model}\" does not support thinking")),
        Some(_) => Err("`think` must be true, false or a level".to_owned()),
    }
}

fn set_format(body: &mut Map<String, Value>, format: Option<&Value>) -> Result<(), String> {
    let wanted = match format {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::String(text)) if text.is_empty() => return Ok(()),
        Some(Value::String(text)) if text == "json" => json!({"type": "json_object"}),
        Some(schema @ Value::Object(_)) => {
            json!({"type": "json_schema", "json_schema": {"name": "format", "schema": schema}})
        }
        Some(_) => return Err("`format` must be \"json\" or a JSON schema".to_owned()),
    };
    body.insert("response_format".to_owned(), wanted);
    Ok(())
}

fn message_of(message: &Map<String, Value>, model: &str) -> Result<Value, String> {
    if message.get("images").is_some_and(asks) {
        return Err(format!("\"{model}\" does not support images"));
    }
    let mut own = Map::new();
    own.insert("role".to_owned(), message.get("role").cloned().unwrap_or(Value::Null));
    let content = message.get("content").filter(|content| !content.is_null()).cloned();
    own.insert("content".to_owned(), content.unwrap_or_else(|| "".into()));
    let named =
        [("thinking", "reasoning_content"), ("tool_name", "name"), ("name", "name"), ("tool_call_id", "tool_call_id")];
    for (theirs, ours) in named {
        if let Some(value) = message.get(theirs).filter(|value| asks(value)) {
            own.insert(ours.to_owned(), value.clone());
        }
    }
    if let Some(Value::Array(calls)) = message.get("tool_calls").filter(|calls| asks(calls)) {
        let calls = calls.iter().enumerate().map(|(at, call)| call_of(at, call)).collect::<Vec<_>>();
        own.insert("tool_calls".to_owned(), calls.into());
    }
    Ok(Value::Object(own))
}

/// Ollama writes the arguments of a call as an object, OpenAI as a text.
fn call_of(at: usize, call: &Value) -> Value {
    let function = call.get("function");
    let name = function.and_then(|function| function.get("name")).cloned().unwrap_or(Value::Null);
    let arguments = match function.and_then(|function| function.get("arguments")) {
        Some(Value::String(text)) => text.clone(),
        Some(arguments) => arguments.to_string(),
        None => "{}".to_owned(),
    };
    let id = call.get("id").cloned().unwrap_or_else(|| format!("call_{at}").into());
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}
