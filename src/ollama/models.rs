//! The lists of models, and what is said of one.

use super::time::with_offset;
use crate::clock::Timestamp;
use crate::model::{Facts, Kind, ModelRow};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

const UNKNOWN: &str = "unknown";

/// A model with what a list says of it.
#[derive(Debug, Clone, Copy)]
pub struct ModelCard<'a> {
    /// The name under which it is listed.
    pub name: &'a str,
    pub row: &'a ModelRow,
    /// The time of its file.
    pub written: Timestamp,
}

/// A model in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    pub bytes: u64,
    /// Those of the bytes that are not in main memory.
    pub vram: u64,
    pub expires: Timestamp,
    /// Tokens of context of one request.
    pub context: u32,
}

/// Returns a name with a tag: `:latest` where it has none, as clients add it when they compare.
pub fn tagged(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

/// Returns what a model can do. Clients that know only one word for a model take the first.
pub fn capabilities(row: &ModelRow) -> Vec<&'static str> {
    match row.kind {
        Kind::Generative => vec!["completion"],
        Kind::Embedding => vec!["embedding"],
        _ => Vec::new(),
    }
}

/// Returns the entry of a model in `/api/tags`.
pub fn listed(card: ModelCard<'_>) -> Value {
    let ModelCard { name, row, written } = card;
    let name = tagged(name);
    json!({
        "name": name,
        "model": name,
        "modified_at": with_offset(written),
        "size": row.size,
        "digest": digest(row),
        "details": details(row),
        "capabilities": capabilities(row),
    })
}

impl Running {
    /// Returns the entry in `/api/ps`.
    pub fn document(self, name: &str, row: &ModelRow) -> Value {
        let name = tagged(name);
        json!({
            "name": name,
            "model": name,
            "size": self.bytes,
            "digest": digest(row),
            "details": details(row),
            "expires_at": with_offset(self.expires),
            "size_vram": self.vram,
            "context_length": self.context,
        })
    }
}

/// Returns the answer of `/api/show`. `context` is what a server of the model has: clients cut their prompts to the
/// length that they find here, and a wish for more is not granted.
///
/// Its `capabilities` are what is answered here: clients send tools and pictures to a model that has them. What the model
/// itself can do is beside the other facts of its file, as `modelctl.capabilities`.
pub fn shown(
    card: ModelCard<'_>,
    (facts, template): (Option<&Facts>, Option<&str>),
    own: &[&str],
    context: u32,
) -> Value {
    let ModelCard { name, row, written } = card;
    let mut document = json!({
        "modelfile": format!("FROM {}\n", tagged(name)),
        "parameters": format!("{:<30} {context}", "num_ctx"),
        "template": template.unwrap_or_default(),
        "details": details(row),
        "model_info": model_info(row, facts, (own, context)),
        "capabilities": capabilities(row),
        "modified_at": with_offset(written),
    });
    let license = facts.and_then(|facts| facts.license.clone());
    if let (Value::Object(members), Some(license)) = (&mut document, license) {
        members.insert("license".to_owned(), license.into());
    }
    document
}

fn model_info(row: &ModelRow, facts: Option<&Facts>, (own, context): (&[&str], u32)) -> Value {
    let architecture = row.architecture.as_deref().unwrap_or(UNKNOWN);
    let basename = facts.and_then(|facts| facts.basename.as_deref()).unwrap_or(&row.name);
    let trained = row.context_length.unwrap_or(u64::from(context));
    let mut info = Map::new();
    let mut set = |key: &str, value: Value| drop(info.insert(key.to_owned(), value));
    set("general.architecture", architecture.into());
    set("general.basename", basename.into());
    set("general.name", facts.and_then(|facts| facts.name.as_deref()).unwrap_or(&row.name).into());
    set("modelctl.capabilities", own.into());
    let size = facts.and_then(|facts| facts.size_label.as_deref());
    size.into_iter().for_each(|size| set("general.size_label", size.into()));
    let numbers = [
        ("general.parameter_count".to_owned(), row.parameters),
        ("general.file_type".to_owned(), facts.and_then(|facts| facts.evidence.file_type)),
        (format!("{architecture}.context_length"), Some(trained.min(u64::from(context)))),
        (format!("{architecture}.embedding_length"), facts.and_then(|facts| facts.embedding_length)),
        (format!("{architecture}.block_count"), facts.and_then(|facts| facts.layers)),
        (format!("{architecture}.attention.head_count"), facts.and_then(|facts| facts.attention.heads)),
    ];
    for (key, number) in numbers {
        number.into_iter().for_each(|number| set(&key, number.into()));
    }
    Value::Object(info)
}

/// Every member is a text: there are clients that refuse the whole list for a null.
fn details(row: &ModelRow) -> Value {
    let family = row.family.as_deref().or(row.architecture.as_deref()).unwrap_or(UNKNOWN);
    json!({
        "parent_model": "",
        "format": "gguf",
        "family": family,
        "families": [family],
        "parameter_size": row.parameters.map_or_else(|| UNKNOWN.to_owned(), count),
        "quantization_level": row.quant.as_deref().unwrap_or(UNKNOWN),
    })
}

/// Returns 64 hex digits that change with the content of the model.
fn digest(row: &ModelRow) -> String {
    let identity = row.content.as_deref().unwrap_or(row.id.as_str());
    let is_digest = identity.len() == 64 && identity.bytes().all(|b| b.is_ascii_hexdigit());
    if is_digest { identity.to_ascii_lowercase() } else { crate::model::hex(&Sha256::digest(identity)) }
}

/// Returns a number as Ollama writes it: `8.0B`, `134.52M`.
fn count(parameters: u64) -> String {
    let n = parameters as f64;
    match parameters {
        1_000_000_000.. => format!("{:.1}B", n / 1e9),
        1_000_000.. => format!("{:.2}M", n / 1e6),
        1_000.. => format!("{:.0}K", n / 1e3),
        _ => parameters.to_string(),
    }
}
