//! The label of a quantization, from the file's own claim, its name, and its tensors.

use super::file_name::Encoding;
use super::file_type;
use super::header::Tensor;
use super::tensor_type::{self, Meaning};
use crate::model::{Evidence, Quant, QuantSource};

/// The prefix of labels of types that this program does not know.
const UNKNOWN: &str = "unknown type";

/// The number of elements by type.
type Histogram = Vec<(String, u64)>;

/// Adds a tensor to the evidence for the label, and to the histogram of all tensors.
pub(super) fn note(evidence: &mut Evidence, histogram: &mut Histogram, tensor: &Tensor) {
    let label = tensor.kind.label();
    add(histogram, &label, tensor.elements);
    // Norms and biases are kept in full precision whatever the file's name is, and the embedding and the output have
    // rules of their own: the matrices of the layers decide.
    if tensor.dimensions > 1 {
        let is_end = tensor.name == b"token_embd.weight" || tensor.name == b"output.weight";
        add(if is_end { &mut evidence.ends } else { &mut evidence.layers }, &label, tensor.elements);
    }
}

/// Adds to a histogram. There is room for every type that exists; a file in which each tensor has its own type needs no
/// complete list.
pub(super) fn add(histogram: &mut Histogram, label: &str, elements: u64) {
    const ROOM: usize = 48;
    let label = match histogram.iter().any(|(l, _)| l == label) || histogram.len() < ROOM {
        true => label,
        false => "unknown types",
    };
    match histogram.iter_mut().find(|(l, _)| l == label) {
        Some((_, n)) => *n = n.saturating_add(elements),
        None => histogram.push((label.to_owned(), elements)),
    }
}

/// Determines the quantization from the evidence of a file, or of all parts of a set. `bytes` is the size of the
/// tensors whose size is known.
pub(super) fn judge(evidence: &Evidence, mut histogram: Histogram, bytes: u64) -> Quant {
    histogram.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    let matrices = if evidence.layers.is_empty() { &evidence.ends } else { &evidence.layers };
    let claimed = evidence.file_type.and_then(file_type::label);
    let named = evidence.named.as_deref().map(Encoding::of);
    let (label, source) = label(matrices, claimed, named.as_ref());
    let is_contradicted = |claim: &str| claim != label && (matrices.is_empty() || !agrees(matrices, claim));
    Quant {
        claimed: claimed.map(|(claim, _)| claim.to_owned()).filter(|claim| is_contradicted(claim)),
        source,
        bits_per_weight: (evidence.sized > 0).then(|| bytes as f64 * 8.0 / evidence.sized as f64),
        histogram,
        label,
    }
}

fn label(matrices: &Histogram, claimed: Option<(&str, bool)>, named: Option<&Encoding>) -> (String, QuantSource) {
    let claim = claimed.and_then(|(label, is_guess)| (!is_guess).then_some(label));
    let Some((most, _)) = matrices.iter().max_by_key(|(_, n)| *n) else {
        return match (claim, named) {
            (Some(claim), _) => (claim.to_owned(), QuantSource::FileType),
            (None, Some(named)) => (named.to_string(), QuantSource::Name),
            (None, None) => ("unknown".to_owned(), QuantSource::Tensors),
        };
    };
    let claim = claim.filter(|claim| agrees(matrices, claim));
    let named = named.filter(|named| agrees(matrices, &named.word));
    // Mixtures that people distinguish and that have no number in `general.file_type`: a Q2_K_L is written as Q2_K.
    let is_finer = |named: &&Encoding| match named.variant {
        Some("i1") => claim.is_none_or(|claim| claim == named.word),
        Some(_) => true,
        None => !file_type::is_label(&named.word) && tensor_type::named(&named.word).is_none(),
    };
    match (named.filter(is_finer), claim, named) {
        (Some(named), ..) | (None, None, Some(named)) => (named.to_string(), QuantSource::Name),
        (None, Some(claim), _) => (claim.to_owned(), QuantSource::FileType),
        (None, None, None) if most.starts_with(UNKNOWN) => ("unknown".to_owned(), QuantSource::Tensors),
        (None, None, None) => (most.clone(), QuantSource::Tensors),
    }
}

/// Returns whether the matrices fit a label: at least a third of their elements has the type that the label names.
fn agrees(matrices: &Histogram, label: &str) -> bool {
    let total = matrices.iter().fold(0u64, |s, (_, n)| s.saturating_add(*n));
    let wanted = file_type::dominant(label);
    let takes = |l: &str| {
        l == wanted
            || fallback(wanted) == Some(l)
            || (label.starts_with("Q8_K_") && matches!(l, "Q8_0" | "BF16" | "F16"))
            || fork_of(l) == Some(wanted)
    };
    let part = matrices.iter().filter(|(l, _)| takes(l)).fold(0u64, |s, (_, n)| s.saturating_add(*n));
    part > 0 && part >= total / 3
}

/// Returns the name of a fork's type in the label of an unknown type.
fn fork_of(label: &str) -> Option<&'static str> {
    let id: u32 = label.strip_prefix(UNKNOWN)?.split_whitespace().next()?.parse().ok()?; // "unknown types" has none
    match tensor_type::meaning(id) {
        Meaning::Unknown(id) => tensor_type::fork_type(id),
        Meaning::Known(_) | Meaning::Foreign(_) => None,
    }
}

/// Returns the type that llama.cpp stores instead where the rows of a tensor do not fill a block of 256
/// (`llama-quant.cpp`, `llama_tensor_get_type`): frequent in small models.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, file_type: Option<u64>, layers: &[(&str, u64)], expected: (&str, Option<&str>)) {
        let named = crate::gguf::file_name::parse(name).encoding.map(|e| e.to_string());
        let layers = layers.iter().map(|(l, n)| ((*l).to_owned(), *n)).collect();
        let evidence = Evidence { named, file_type, layers, ..Evidence::default() };
        let quant = judge(&evidence, Vec::new(), 0);
        assert_eq!((quant.label.as_str(), quant.claimed.as_deref()), expected, "{name}");
    }

    #[test]
    fn mixtures_that_people_keep_apart_have_labels_of_their_own() {
        let q2 = [("Q2_K", 9), ("Q6_K", 3)];
        check("a-Q2_K.gguf", Some(10), &q2, ("Q2_K", None));
        check("a-Q2_K_L.gguf", Some(10), &q2, ("Q2_K_L", None));
        check("a-UD-Q2_K_XL.gguf", Some(10), &q2, ("UD-Q2_K_XL", None));
        let q4 = [("Q4_K", 9), ("Q6_K", 3)];
        check("a-Q4_K_M.gguf", Some(15), &q4, ("Q4_K_M", None));
        check("a-UD-Q4_K_XL.gguf", Some(15), &q4, ("UD-Q4_K_XL", None));
        check("a.i1-Q4_K_M.gguf", Some(15), &q4, ("i1-Q4_K_M", None));
        check("a.i1-Q4_K_M.gguf", Some(14), &q4, ("Q4_K_S", None));
        check("a-UD-IQ2_M.gguf", Some(29), &[("IQ2_S", 9)], ("UD-IQ2_M", None));
        check("a-Q3_K_XL.gguf", Some(12), &[("Q3_K", 9)], ("Q3_K_XL", None));
        check("a-UD-Q8_K_XL.gguf", Some(7), &[("Q8_0", 9), ("BF16", 4)], ("UD-Q8_K_XL", None));
        check("a-BF16.gguf", Some(32), &[("BF16", 9)], ("BF16", None));
        check("a-Q4_0_4_4.gguf", None, &[("Q4_0_4_4", 9)], ("Q4_0_4_4", None));
    }

    #[test]
    fn a_name_that_the_tensors_contradict_is_no_label_and_a_claim_that_they_do_is_shown() {
        check("a-UD-TQ1_0.gguf", Some(36), &[("IQ2_XXS", 9), ("IQ1_S", 1)], ("IQ2_XXS", Some("TQ1_0")));
        check("a-UD-Q2_K_XL.gguf", Some(15), &[("Q2_K", 9)], ("UD-Q2_K_XL", Some("Q4_K_M")));
        check("gpt-oss-20b-F16.gguf", Some(1), &[("MXFP4", 90), ("F16", 10)], ("MXFP4", Some("F16")));
        check("gpt-oss-20b-Q4_K_M.gguf", Some(15), &[("MXFP4", 90), ("Q8_0", 10)], ("MXFP4", Some("Q4_K_M")));
        check("gpt-oss.gguf", Some(38), &[("MXFP4", 90)], ("MXFP4_MOE", None));
        check("a-IQ4_XS.gguf", Some(30), &[("IQ4_NL", 9)], ("IQ4_XS", None));
    }

    #[test]
    fn what_is_known_does_not_speak_for_what_is_not() {
        let fork = [("unknown type 138 (IQ3_K in a fork)", 9), ("Q6_K", 3)];
        check("a-IQ3_K.gguf", None, &fork, ("IQ3_K", None));
        check("a-IQ3_K.gguf", Some(139), &fork, ("IQ3_K", None));
        check("model.gguf", None, &fork, ("unknown", None));
        check("a-Q4_K_M.gguf", Some(15), &fork, ("unknown", Some("Q4_K_M")));
        check("model.gguf", None, &[("unknown type 200", 5), ("Q6_K", 9)], ("Q6_K", None));
    }
}
