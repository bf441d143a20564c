//! Irregularities of a header, in sentences for people.

use super::tensor_type::{Meaning, fork_type};

/// The longest tensor name in llama.cpp: `GGML_MAX_NAME`, less its closing zero.
const TENSOR_NAME: u64 = 63;

/// The largest number of dimensions in llama.cpp: `GGML_MAX_DIMS`.
const DIMENSIONS: u32 = 4;

/// Irregularities found while reading: above all those that llama.cpp refuses, although they can be read.
#[derive(Debug, Default)]
pub(super) struct Irregularities {
    notes: Vec<String>,
    pub longest_name: u64,
    pub dimensions: u32,
    pub is_alignment_odd: bool,
    pub rows: bool,
    pub places: bool,
    types: Vec<Meaning>,
    pub mentions_media: bool,
}

impl Irregularities {
    /// The largest number of types that are listed by name.
    const LISTED: usize = 4;

    /// Adds a sentence, as long as there are few.
    pub fn note(&mut self, what: String) {
        if self.notes.len() < Self::LISTED {
            self.notes.push(what);
        }
    }

    /// Notes a type that llama.cpp does not read.
    pub fn of_type(&mut self, kind: Meaning) {
        if !matches!(kind, Meaning::Known(_)) && self.types.len() <= Self::LISTED && !self.types.contains(&kind) {
            self.types.push(kind);
        }
    }

    /// Returns all of them as sentences.
    pub fn into_sentences(mut self) -> Vec<String> {
        let mut all = std::mem::take(&mut self.notes);
        if self.longest_name > TENSOR_NAME {
            let longest = crate::model::digits(self.longest_name);
            all.push(format!("tensor names of up to {longest} bytes (llama.cpp takes {TENSOR_NAME})"));
        }
        if self.dimensions > DIMENSIONS {
            all.push(format!("tensors with {} dimensions (llama.cpp takes {DIMENSIONS})", self.dimensions));
        }
        if self.rows {
            all.push("quantized tensors whose rows do not fill whole blocks".to_owned());
        }
        if self.places {
            all.push("tensors with gaps between them or out of their order".to_owned());
        }
        let more = if self.types.len() > Self::LISTED { " and others" } else { "" };
        let types: Vec<String> = self.types.iter().take(Self::LISTED).map(type_in_words).collect();
        if !types.is_empty() {
            all.push(format!("tensors of {}{more}, which llama.cpp does not read", types.join(", ")));
        }
        all
    }
}

/// Describes a type: `type 139 (IQ4_K of a fork)`, `type 31 (Q4_0_4_4)`.
fn type_in_words(kind: &Meaning) -> String {
    match kind {
        Meaning::Known(t) => t.name.to_owned(),
        Meaning::Foreign(t) if t.id == 4 => format!("type 4 ({} as Ollama wrote it at first)", t.name),
        Meaning::Foreign(t) => format!("the removed type {}", t.name),
        Meaning::Unknown(id) => match fork_type(*id) {
            Some(name) => format!("unknown type {id} ({name} in a fork of llama.cpp)"),
            None => format!("unknown type {id}"),
        },
    }
}
