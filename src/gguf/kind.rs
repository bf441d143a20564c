//! The purpose of a file: from its declarations, its architecture, and its tensors. A file of unknown purpose stays
//! unknown.

use super::architecture::kind_of;
use super::header::Tensor;
use crate::model::{Attention, Evidence, Kind};

/// Names of tensors in image and video models, as their checkpoints and converters write them.
const DIFFUSION: &[&str] = &[
    "model.diffusion_model.",
    "diffusion_model.",
    "double_blocks.",
    "single_blocks.",
    "transformer_blocks.",
    "single_transformer_blocks.",
    "joint_blocks.",
    "input_blocks.",
    "down_blocks.",
    "patch_embedding.",
    "x_embedder.",
    "img_in.",
];

/// Names of tensors in autoencoders and text encoders of image models.
const ENCODER: &[&str] = &[
    "first_stage_model.",
    "vae.",
    "decoder.conv_in.",
    "encoder.conv_in.",
    "quant_conv.",
    "text_model.",
    "cond_stage_model.",
    "text_encoders.",
];

/// The facts that decide the kind of a file.
pub(super) struct Signs<'a> {
    pub architecture: Option<&'a str>,
    pub evidence: &'a Evidence,
    pub attention: &'a Attention,
    /// Whether `adapter.type` or `imatrix.chunk_count` is present.
    pub is_adapter: bool,
    pub is_imatrix: bool,
    pub vocabulary: Option<u64>,
    pub tensors: u64,
}

/// Adds the evidence from the name of a tensor.
pub(super) fn note(evidence: &mut Evidence, tensor: &Tensor) {
    let name = tensor.name.as_slice();
    let starts = |prefix: &&str| name.starts_with(prefix.as_bytes());
    match name.first() {
        // The prefix of nearly all tensors of a language model.
        Some(b'b') if name.starts_with(b"blk.") => {
            evidence.first_block |= name.starts_with(b"blk.0.");
            evidence.draft |= name.windows(7).any(|w| w == b".nextn.");
            if evidence.width.is_none() && tensor.dimensions == 1 && name.ends_with(b".attn_norm.weight") {
                evidence.width = Some(tensor.elements);
            }
        }
        Some(b'o') if name == b"output.weight" => evidence.output = true,
        Some(b'e' | b'd') if name.starts_with(b"enc.blk.") || name.starts_with(b"dec.blk.") => {
            evidence.first_block |= name.starts_with(b"enc.blk.0.") || name.starts_with(b"dec.blk.0.");
            evidence.decoder |= name.starts_with(b"dec.blk.");
        }
        Some(b'n') if name.starts_with(b"nextn.") => evidence.draft = true,
        _ if ["v.", "a.", "mm.", "resampler."].iter().any(starts) => evidence.tower = true,
        _ => {
            evidence.diffusion |= DIFFUSION.iter().any(starts);
            evidence.encoder |= ENCODER.iter().any(starts);
        }
    }
}

/// Returns the kind of a file, or of a split set whose evidence was added up.
pub(super) fn kind(signs: &Signs<'_>) -> Kind {
    let architecture = signs.architecture.unwrap_or("");
    match signs.evidence.declared.as_deref() {
        Some("adapter") if architecture == "controlvector" => return Kind::Control,
        Some("adapter") => return Kind::Adapter,
        Some("imatrix") => return Kind::Imatrix,
        Some("mmproj") => return Kind::Mmproj,
        _ => {}
    }
    match architecture {
        "controlvector" => return Kind::Control,
        "imatrix" => return Kind::Imatrix,
        _ => {}
    }
    if signs.is_adapter {
        return Kind::Adapter;
    }
    if signs.is_imatrix {
        return Kind::Imatrix;
    }
    if signs.tensors == 0 {
        return if signs.vocabulary.is_some() { Kind::Vocab } else { Kind::Unknown };
    }
    let evidence = signs.evidence;
    match kind_of(architecture) {
        // The text half of CLIP, as image models use it, projects nothing into a language model.
        Kind::Mmproj if !evidence.tower && evidence.encoder => Kind::Encoder,
        Kind::Unknown if evidence.diffusion => Kind::Diffusion,
        Kind::Unknown if evidence.encoder => Kind::Encoder,
        // Some converters write one name for all parts of an image model.
        Kind::Diffusion if evidence.encoder && !evidence.diffusion => Kind::Encoder,
        Kind::Generative if architecture == "t5" && !evidence.decoder => Kind::Encoder,
        // llama.cpp calls these files `mtp_only`: the blocks that predict further tokens, without the blocks before
        // them.
        Kind::Generative if (evidence.draft || evidence.draft_layers > 0) && !evidence.first_block => Kind::Draft,
        // Heads and other networks are written with the architecture of the model that they were made for.
        Kind::Generative if !has_language_model(evidence) => Kind::Unknown,
        known @ (Kind::Generative | Kind::Embedding) => by_pooling(known, signs.attention),
        other => other,
    }
}

/// Returns whether there is a token embedding, an output matrix or a block, by llama.cpp's names
/// (gguf-py/gguf/constants.py).
fn has_language_model(evidence: &Evidence) -> bool {
    evidence.first_block || evidence.width.is_some() || evidence.output || !evidence.ends.is_empty()
}

fn by_pooling(known: Kind, attention: &Attention) -> Kind {
    /// `LLAMA_POOLING_TYPE_RANK`.
    const RANK: u64 = 4;
    match attention.pooling_type {
        Some(RANK) => Kind::Reranker,
        Some(pooling) if pooling != 0 => Kind::Embedding,
        _ if attention.causal == Some(false) => Kind::Embedding,
        _ => known,
    }
}

/// Returns whether a model of this architecture, with these keys of its own, gives vectors of texts instead of texts.
#[cfg(feature = "llama")]
pub fn gives_vectors(architecture: &str, pooling_type: Option<u64>, causal: Option<bool>) -> bool {
    pooling_type.is_some_and(|p| p != 0)
        || causal == Some(false)
        || super::architecture::EMBEDDING.contains(&architecture)
}

#[cfg(test)]
mod tests {
    use crate::gguf::fixture::Gguf;
    use crate::gguf::read_bytes;
    use crate::model::Kind;

    /// A language model with everything that generating takes.
    fn language(architecture: &str) -> Gguf {
        let g = Gguf::new(architecture).kv(&format!("{architecture}.block_count"), 1u32);
        let g = g.kv("tokenizer.ggml.tokens", vec!["a".to_owned()]).kv("tokenizer.chat_template", "{{ x }}");
        g.tensor("token_embd.weight", &[32, 8], "F16").tensor("blk.0.attn_norm.weight", &[32], "F32")
    }

    fn own(architecture: &str, key: &str, value: u32) -> Gguf {
        language(architecture).kv(&format!("{architecture}.{key}"), value)
    }

    fn one(architecture: Option<&str>, tensor: &str) -> Gguf {
        architecture.map_or_else(Gguf::bare, Gguf::new).tensor(tensor, &[32, 8], "F16")
    }

    fn templated(tensor: &str) -> Gguf {
        one(Some("llama"), tensor).kv("tokenizer.chat_template", "{{ x }}")
    }

    #[test]
    fn only_what_generates_text_is_generative() {
        let head =
            |g: Gguf| g.kv("qwen3next.block_count", 49u32).tensor("blk.48.nextn.eh_proj.weight", &[32, 8], "F16");
        for (what, file, kind) in [
            ("language model", language("llama"), Kind::Generative),
            ("with heads of its own", own("glm4moe", "nextn_predict_layers", 1), Kind::Generative),
            ("vision inside", language("gemma3").tensor("v.patch_embd.weight", &[32, 8], "F16"), Kind::Generative),
            ("pooled", own("qwen3", "pooling_type", 3), Kind::Embedding),
            ("bert", one(Some("bert"), "blk.0.attn_q.weight"), Kind::Embedding),
            ("ranked", own("bert", "pooling_type", 4), Kind::Reranker),
            ("not causal", language("llama").kv("llama.attention.causal", false), Kind::Embedding),
            ("EAGLE3", one(Some("eagle3"), "fc.weight"), Kind::Draft),
            ("dflash", one(Some("dflash"), "blk.0.attn_q.weight"), Kind::Draft),
            ("MTP of its own architecture", language("gemma4-assistant"), Kind::Draft),
            ("MTP of a shared architecture", head(Gguf::new("qwen3next")), Kind::Draft),
            ("LLaDA", language("llada").kv("llada.attention.causal", false), Kind::Diffusion),
            ("Dream", language("dream"), Kind::Diffusion),
            ("Flux", one(Some("flux"), "double_blocks.0.img_attn.qkv.weight"), Kind::Diffusion),
            ("SD without an architecture", one(None, "model.diffusion_model.input_blocks.0.0.weight"), Kind::Diffusion),
            ("VAE", one(Some("pig"), "decoder.conv_in.weight"), Kind::Encoder),
            ("VAE without an architecture", one(None, "first_stage_model.decoder.conv_in.weight"), Kind::Encoder),
            ("T5 encoder", one(Some("t5encoder"), "enc.blk.0.attn_q.weight"), Kind::Encoder),
            ("T5 without a decoder", one(Some("t5"), "enc.blk.0.attn_q.weight"), Kind::Encoder),
            ("CLIP text model", one(Some("clip"), "text_model.encoder.layers.0.weight"), Kind::Encoder),
            ("projector", one(Some("clip"), "v.patch_embd.weight"), Kind::Mmproj),
            ("whisper", one(Some("whisper"), "encoder.conv1.weight"), Kind::Speech),
            ("vocoder", one(Some("wavtokenizer-dec"), "conv1d.weight"), Kind::Speech),
            ("Medusa heads", templated("medusa.0.weight"), Kind::Unknown),
            ("an encoder by names of another", templated("encoder.layers.0.weight"), Kind::Unknown),
            ("a first block alone", templated("blk.0.ffn_up.weight"), Kind::Generative),
            ("an embedding alone", templated("token_embd.weight"), Kind::Generative),
            ("no tensors", Gguf::new("llama"), Kind::Unknown),
            ("vocabulary", Gguf::new("llama").kv("tokenizer.ggml.tokens", vec!["a".to_owned()]), Kind::Vocab),
            ("no architecture", one(None, "blk.0.attn_q.weight"), Kind::Unknown),
            ("a new architecture", language("brand-new"), Kind::Unknown),
        ] {
            assert_eq!(read_bytes(&file.build()).unwrap().kind, kind, "{what}");
        }
    }
}
