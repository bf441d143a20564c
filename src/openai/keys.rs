//! Keys that request something which would change the answer and is not supported: ignoring one would answer another
//! question. Each has the values that request nothing. Keys in no table change no answer (`user`, `metadata`, `store`,
//! `cache_prompt`) and are ignored, as other servers of this dialect do.

use serde_json::{Map, Value};

/// A key and a test for the values that request nothing; null never requests anything.
type Key = (&'static str, fn(&Value) -> bool);

/// Keys of every request. The names are OpenAI's, llama-server's, vLLM's and those of Hugging Face's servers.
pub const OPTIONS: &[Key] = &[
    // Results in addition to the text.
    ("logprobs", is_off),
    ("top_logprobs", is_off),
    ("prompt_logprobs", is_off),
    ("n_probs", is_off),
    ("echo", is_off),
    ("return_tokens", is_off),
    ("return_token_ids", is_off),
    ("return_progress", is_off),
    ("best_of", is_one),
    ("use_beam_search", is_off),
    ("skip_special_tokens", is_true),
    ("include_stop_str_in_output", is_off),
    ("response_fields", is_empty),
    ("reasoning_format", |v| v == "none"),
    // The choice of tokens.
    ("samplers", is_empty),
    ("top_a", is_off),
    ("tfs_z", is_one),
    ("length_penalty", is_one),
    ("min_tokens", is_off),
    ("stop_token_ids", is_empty),
    ("stop_sequences", is_empty),
    ("bad_words", is_empty),
    ("allowed_token_ids", is_empty),
    ("logits_processors", is_empty),
    ("adaptive_target", |v| v.as_f64().is_some_and(|n| n < 0.0)),
    // Constraints on the answer, by the names of other servers.
    ("guided_json", is_empty),
    ("guided_regex", is_empty),
    ("guided_choice", is_empty),
    ("guided_grammar", is_empty),
    ("structured_outputs", is_empty),
    ("grammar_lazy", is_off),
    ("grammar_triggers", is_empty),
    // The model that answers, and its input.
    ("lora", is_empty),
    ("image_data", is_empty),
    ("truncate_prompt_tokens", |v| v.as_i64().is_some_and(|n| n < 0)),
    ("input_prefix", is_empty),
    ("input_suffix", is_empty),
    ("input_extra", is_empty),
    ("suffix", is_empty),
    ("t_max_predict_ms", |v| v.as_f64().is_some_and(|n| n <= 0.0)),
];

/// Keys of a chat.
pub const CHAT_ONLY: &[Key] = &[
    ("tools", is_empty),
    ("functions", is_empty),
    ("tool_choice", is_no_choice),
    ("function_call", is_no_choice),
    ("modalities", |v| v.as_array().is_some_and(|all| all.iter().all(|m| m == "text"))),
    ("audio", is_empty),
    ("web_search_options", never),
    ("verbosity", |v| v == "medium"),
    ("reasoning", is_empty),
    ("thinking", is_empty),
    ("thinking_budget_tokens", |v| v.as_i64().is_some_and(|n| n < 0)),
    ("reasoning_budget", |v| v.as_i64().is_some_and(|n| n < 0)),
    ("enable_thinking", never),
    ("documents", is_empty),
    ("chat_template", is_empty),
    ("system", is_empty),
    ("instructions", is_empty),
    ("prompt", is_empty),
    ("max_output_tokens", never),
];

/// Keys of a completion of a text.
pub const COMPLETION_ONLY: &[Key] =
    &[("tools", is_empty), ("messages", is_empty), ("chat_template_kwargs", is_empty), ("reasoning_effort", never)];

/// Keys of one message. Keys in no table reach the chat template.
pub const MESSAGE: &[Key] = &[
    ("audio", never),
    ("function_call", never),
    ("refusal", is_empty),
    // This server has another name for continuing a message.
    ("prefix", is_off),
    ("partial", is_off),
];

/// Refuses the first key of `table` that requests something.
///
/// # Errors
/// The name of the key.
pub fn check(fields: &Map<String, Value>, table: &[Key]) -> Result<(), String> {
    let asks = |(key, is_idle): &&Key| fields.get(*key).is_some_and(|value| !value.is_null() && !is_idle(value));
    match table.iter().find(asks) {
        Some((key, _)) => Err(format!("`{key}` is not served")),
        None => Ok(()),
    }
}

/// Refuses the first key of a chat that requests something. Tools that the answer must not call request nothing.
///
/// # Errors
/// The name of the key.
pub fn check_chat(fields: &Map<String, Value>) -> Result<(), String> {
    let is_idle = |tools: &str| {
        [("tools", "tool_choice"), ("functions", "function_call")]
            .iter()
            .any(|(of, choice)| *of == tools && fields.get(*choice).is_some_and(|choice| choice == "none"))
    };
    let table: Vec<Key> = CHAT_ONLY.iter().filter(|(key, _)| !is_idle(key)).copied().collect();
    check(fields, &table)
}

fn never(_: &Value) -> bool {
    false
}

fn is_off(value: &Value) -> bool {
    value.as_bool() == Some(false) || value.as_f64() == Some(0.0)
}

fn is_true(value: &Value) -> bool {
    value.as_bool() == Some(true)
}

fn is_one(value: &Value) -> bool {
    value.as_f64() == Some(1.0)
}

/// Returns whether a value is an empty text, list or object.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn is_no_choice(value: &Value) -> bool {
    value == "none" || value == "auto"
}
