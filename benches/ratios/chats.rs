//! The requests of the group `offload`: 64 short chats, with and without a long system prompt that they share.

use serde_json::json;

pub const TASKS: usize = 64;
/// Tokens of an answer, at most.
pub const TOKENS: u64 = 32;

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
