//! The label of a quantisation, from what the file claims and what its tensors are.

use super::file_name::NameParts;
use super::file_type;
use super::header::Tensor;
use super::tensor_type::Meaning;
use crate::model::{Quant, QuantSource};

pub(super) fn quant(tensors: &[Tensor], claimed: Option<u64>, name: &NameParts) -> Quant {
    let mut histogram: Vec<(String, u64)> = Vec::new();
    // Norms and biases are kept in full precision whatever the file is called, and the embedding and the output have
    // rules of their own: the matrices of the layers decide.
    let outside = |t: &Tensor| t.name == b"token_embd.weight" || t.name == b"output.weight";
    let layers = tensors.iter().any(|t| t.dimensions > 1 && !outside(t));
    let mut matrices: Vec<(&str, u64)> = Vec::new();
    let (mut bytes, mut elements) = (0u64, 0u64);
    for t in tensors {
        let label = match t.kind {
            Meaning::Known(known) => known.name.to_owned(),
            Meaning::Removed(name) => name.to_owned(),
            // Room for every type that exists; a file in which each tensor has a type of its own is not worth a list.
            Meaning::Unknown(_) if histogram.len() >= 48 => "other types".to_owned(),
            Meaning::Unknown(id) => format!("type {id}"),
        };
        match histogram.iter_mut().find(|(l, _)| *l == label) {
            Some((_, n)) => *n = n.saturating_add(t.elements),
            None => histogram.push((label, t.elements)),
        }
        if let (Meaning::Known(known), Some(b)) = (t.kind, t.bytes) {
            bytes = bytes.saturating_add(b);
            elements = elements.saturating_add(t.elements);
            if t.dimensions > 1 && !(layers && outside(t)) {
                match matrices.iter_mut().find(|(l, _)| *l == known.name) {
                    Some((_, n)) => *n = n.saturating_add(t.elements),
                    None => matrices.push((known.name, t.elements)),
                }
            }
        }
    }
    histogram.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let most = matrices.iter().max_by_key(|(_, n)| *n).map(|(l, _)| *l);
    let label = claimed.and_then(file_type::label);
    let total: u64 = matrices.iter().fold(0, |s, (_, n)| s.saturating_add(*n));
    let agrees = |label: &str| {
        let wanted = file_type::dominant(label);
        let takes = |l: &str| l == wanted || fallback(wanted) == Some(l);
        let part = matrices.iter().filter(|(l, _)| takes(l)).fold(0u64, |s, (_, n)| s.saturating_add(*n));
        part > 0 && part >= total / 3
    };
    let (chosen, source) = match (label, most, &name.encoding) {
        (Some((label, false)), None, _) => (label.to_owned(), QuantSource::FileType),
        (Some((label, false)), Some(_), _) if agrees(label) => (label.to_owned(), QuantSource::FileType),
        (_, Some(_), Some(encoding)) if agrees(encoding) => (encoding.clone(), QuantSource::Name),
        (_, Some(most), _) => (most.to_owned(), QuantSource::Tensors),
        (_, None, Some(encoding)) => (encoding.clone(), QuantSource::Name),
        (_, None, None) => ("unknown".to_owned(), QuantSource::Tensors),
    };
    Quant {
        claimed: label.map(|(l, _)| l.to_owned()).filter(|l| *l != chosen),
        label: chosen,
        source,
        bits_per_weight: (elements > 0).then(|| bytes as f64 * 8.0 / elements as f64),
        histogram,
    }
}

/// What llama.cpp stores instead where the rows of a tensor do not fill a block of 256 (`llama-quant.cpp`,
/// `llama_tensor_get_type`): small models are full of it.
fn fallback(wanted: &str) -> Option<&'static str> {
    match wanted {
        "Q2_K" | "Q3_K" | "IQ2_XXS" | "IQ2_XS" | "IQ2_S" | "IQ3_XXS" | "IQ3_S" | "IQ1_S" | "IQ1_M" | "IQ4_XS" => {
            Some("IQ4_NL")
        }
        "Q4_K" => Some("Q5_0"),
        "Q5_K" => Some("Q5_1"),
        "Q6_K" => Some("Q8_0"),
        _ => None,
    }
}
