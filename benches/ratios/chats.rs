//! The requests of the group `offload`: 64 short chats, with and without a long system prompt that they share.

use serde_json::json;

pub const TASKS: usize = 64;
/// Tokens of an answer, at most.
pub const TOKENS: u64 = 32;
/// Tokens of an answer that fills an object, at most.
pub const OBJECT_TOKENS: u64 = 200;

const SUBJECTS: [&str; 16] = [
    "rain",
    "bread",
    "a bicycle",
    "the moon",
    "a lighthouse",
    "salt",
    "a violin",
    "the tide",
    "a glacier",
    "honey",
    "paper",
    "a compass",
    "thunder",
    "a bridge",
    "glass",
    "an echo",
];
const QUESTIONS: [&str; 4] = [
    "Explain in simple words how it comes about:",
    "Write two sentences for a children's book about",
    "List three surprising facts about",
    "What would the world be like without it? Think of",
];
const TOPICS: [&str; 20] = [
    "late deliveries",
    "damaged parcels",
    "wrong invoices",
    "lost passwords",
    "opening hours",
    "spare parts",
    "warranty claims",
    "bulk orders",
    "gift cards",
    "returned goods",
    "price changes",
    "new products",
    "repair times",
    "shipping abroad",
    "data protection",
    "payment methods",
    "cancelled orders",
    "loyalty points",
    "product safety",
    "job offers",
];

/// The bodies in OpenAI's shape, without a model.
pub fn bodies(system: Option<&str>) -> Vec<String> {
    let questions = QUESTIONS.iter().flat_map(|q| SUBJECTS.iter().map(move |s| format!("{q} {s}.")));
    questions.take(TASKS).map(|question| body(system, &question, false)).collect()
}

pub fn body(system: Option<&str>, question: &str, stream: bool) -> String {
    let system = system.map(|text| json!({ "role": "system", "content": text }));
    let user = json!({ "role": "user", "content": question });
    let messages: Vec<_> = system.into_iter().chain([user]).collect();
    json!({ "messages": messages, "max_tokens": TOKENS, "temperature": 0, "stream": stream }).to_string()
}

/// Chats whose answers fill an object of six fields.
pub fn objects() -> Vec<String> {
    let schema = json!({
        "type": "object",
        "properties": {
            "subject": { "type": "string", "maxLength": 24 },
            "category": { "enum": ["nature", "household", "transport", "science", "art"] },
            "description": { "type": "string", "maxLength": 60 },
            "is_dangerous": { "type": "boolean" },
            "age_in_years": { "type": "integer", "minimum": 0, "maximum": 100_000 },
            "importance": { "enum": ["low", "medium", "high"] },
        },
        "required": ["subject", "category", "description", "is_dangerous", "age_in_years", "importance"],
        "additionalProperties": false,
    });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "facts", "strict": true, "schema": schema } });
    let questions = ["Describe", "Tell a child about", "Tell a buyer about", "Write an entry of an encyclopedia on"];
    let questions = questions.iter().flat_map(|q| SUBJECTS.iter().map(move |s| format!("{q} {s}, as JSON.")));
    let body = |question: String| {
        let messages = json!([{ "role": "user", "content": question }]);
        json!({ "messages": messages, "max_tokens": OBJECT_TOKENS, "temperature": 0, "response_format": format })
            .to_string()
    };
    questions.take(TASKS).map(body).collect()
}

/// Chats that answer with the one text that a schema asks for.
pub fn texts_as_json() -> Vec<String> {
    // Short enough for any answer to end by itself: a cut text is no JSON.
    let schema = json!({ "type": "string", "minLength": 40, "maxLength": 60 });
    let format = json!({ "type": "json_schema", "json_schema": { "name": "text", "strict": true, "schema": schema } });
    bodies(None).iter().map(|body| changed(body, "response_format", &format)).collect()
}

/// A body with a limit of tokens of its own.
pub fn limited(body: &str, tokens: u64) -> String {
    changed(body, "max_tokens", &json!(tokens))
}

fn changed(body: &str, key: &str, value: &serde_json::Value) -> String {
    let mut body: serde_json::Value = serde_json::from_str(body).expect("a body is JSON");
    body[key] = value.clone();
    body.to_string()
}

/// 400 words.
pub fn long_system_prompt() -> String {
    let rule = |topic: &&str| {
        format!(
            "When a customer writes about {topic}, answer politely in one short sentence, and say who will decide it today."
        )
    };
    let text = TOPICS.iter().map(rule).collect::<Vec<_>>().join(" ");
    assert_eq!(text.split_whitespace().count(), 400, "the system prompt has 400 words");
    text
}
