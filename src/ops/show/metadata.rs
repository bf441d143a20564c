//! The header of a model, for a client. The database keeps it in a form of its own.

use crate::model::{Attention, Facts, Integrity, Kind, QuantSource, Split};
use schemars::JsonSchema;
use serde::Serialize;

/// What the headers of the files state together.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Metadata<'a> {
    kind: Kind,
    gguf_version: u32,
    big_endian: bool,
    architecture: Option<&'a str>,
    family: Option<&'a str>,
    name: Option<&'a str>,
    basename: Option<&'a str>,
    size_label: Option<&'a str>,
    finetune: Option<&'a str>,
    organization: Option<&'a str>,
    license: Option<&'a str>,
    base_model: Option<&'a str>,
    parameters: u64,
    /// As in `list`.
    quant: &'a str,
    quant_source: QuantSource,
    /// The quantization that the header claims, when it is another one.
    quant_claimed: Option<&'a str>,
    bits_per_weight: Option<f64>,
    /// Most elements first.
    tensor_types: Vec<TensorType<'a>>,
    tensors: u64,
    tensor_bytes: u64,
    /// Bytes of the token embedding, which stay on the host.
    token_embd_bytes: u64,
    /// Bytes of the header with its padding.
    header_bytes: u64,
    context_length: Option<u64>,
    layers: Option<u64>,
    embedding_length: Option<u64>,
    feed_forward_length: Option<u64>,
    vocab_size: Option<u64>,
    experts: Option<u64>,
    experts_used: Option<u64>,
    attention: AttentionMetadata<'a>,
    /// Whether layers keep a recurrent state (state space, RWKV, short convolution).
    recurrent: bool,
    chat_template: bool,
    extra_templates: &'a [String],
    projection_dim: Option<u64>,
    side_type: Option<&'a str>,
    /// The part that the header belongs to, for a model in several files.
    split: Option<SplitMetadata>,
    integrity: IntegrityReport<'a>,
    /// What this program or its llama.cpp does not know.
    unsupported: &'a [String],
}

#[derive(Debug, Serialize, JsonSchema)]
struct TensorType<'a> {
    r#type: &'a str,
    elements: u64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AttentionMetadata<'a> {
    heads: Option<u64>,
    /// The number of KV heads, where it is the same in all layers.
    kv_heads: Option<u64>,
    /// The number of KV heads in each layer, where it differs.
    kv_heads_by_layer: Option<&'a [u64]>,
    key_length: Option<u64>,
    value_length: Option<u64>,
    /// Tokens.
    sliding_window: Option<u64>,
    /// The number of layers that use the window.
    sliding_layers: u64,
    shared_kv_layers: Option<u64>,
    causal: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SplitMetadata {
    /// From 1.
    part: u32,
    parts: u32,
}

/// Whether a file is as long as its header needs.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct IntegrityReport<'a> {
    /// `complete`, `truncated`, `sparse`, `trailing` or `unknown`.
    state: &'static str,
    /// Bytes that the tensors need, of a truncated file.
    needed_bytes: Option<u64>,
    /// Bytes that a truncated file has.
    actual_bytes: Option<u64>,
    first_missing_tensor: Option<&'a str>,
    /// Bytes of disk in use by a sparse file.
    allocated_bytes: Option<u64>,
    /// Bytes behind the last tensor.
    trailing_bytes: Option<u64>,
    /// Why it is not known.
    reason: Option<&'a str>,
}

impl<'a> IntegrityReport<'a> {
    pub fn of(integrity: &'a Integrity) -> IntegrityReport<'a> {
        let none = IntegrityReport::default();
        match integrity {
            Integrity::Complete => IntegrityReport { state: "complete", ..none },
            Integrity::Truncated { need, have, first_missing } => IntegrityReport {
                state: "truncated",
                needed_bytes: Some(*need),
                actual_bytes: Some(*have),
                first_missing_tensor: Some(first_missing),
                ..none
            },
            Integrity::Sparse { allocated } => {
                IntegrityReport { state: "sparse", allocated_bytes: Some(*allocated), ..none }
            }
            Integrity::Trailing { extra } => {
                IntegrityReport { state: "trailing", trailing_bytes: Some(*extra), ..none }
            }
            Integrity::Unknown { why } => IntegrityReport { state: "unknown", reason: Some(why), ..none },
        }
    }
}

impl<'a> AttentionMetadata<'a> {
    fn of(attention: &'a Attention) -> AttentionMetadata<'a> {
        let heads = attention.kv_heads.as_slice();
        let same = heads.first().copied().filter(|first| heads.iter().all(|number| number == first));
        AttentionMetadata {
            heads: attention.heads,
            kv_heads: same,
            kv_heads_by_layer: Some(heads).filter(|heads| same.is_none() && !heads.is_empty()),
            key_length: attention.key_length,
            value_length: attention.value_length,
            sliding_window: attention.sliding_window,
            sliding_layers: attention.sliding_layers.iter().filter(|uses| **uses).count() as u64,
            shared_kv_layers: attention.shared_kv_layers,
            causal: attention.causal,
        }
    }
}

impl<'a> Metadata<'a> {
    pub fn of(facts: &'a Facts) -> Metadata<'a> {
        let quant = &facts.quant;
        let types = quant.histogram.iter().map(|(name, elements)| TensorType { r#type: name, elements: *elements });
        let split = |split: &Split| SplitMetadata { part: split.no.saturating_add(1), parts: split.count };
        Metadata {
            kind: facts.kind,
            gguf_version: facts.gguf_version,
            big_endian: facts.big_endian,
            architecture: facts.architecture.as_deref(),
            family: facts.family.as_deref(),
            name: facts.name.as_deref(),
            basename: facts.basename.as_deref(),
            size_label: facts.size_label.as_deref(),
            finetune: facts.finetune.as_deref(),
            organization: facts.organization.as_deref(),
            license: facts.license.as_deref(),
            base_model: facts.base_model.as_deref(),
            parameters: facts.parameters,
            quant: &quant.label,
            quant_source: quant.source,
            quant_claimed: quant.claimed.as_deref(),
            bits_per_weight: quant.bits_per_weight,
            tensor_types: types.collect(),
            tensors: facts.n_tensors,
            tensor_bytes: facts.tensor_bytes,
            token_embd_bytes: facts.token_embd_bytes,
            header_bytes: facts.data_offset,
            context_length: facts.context_length,
            layers: facts.layers,
            embedding_length: facts.embedding_length,
            feed_forward_length: facts.feed_forward_length,
            vocab_size: facts.vocab_size,
            experts: facts.experts,
            experts_used: facts.experts_used,
            attention: AttentionMetadata::of(&facts.attention),
            recurrent: facts.recurrent.is_some(),
            chat_template: facts.chat_template,
            extra_templates: &facts.extra_templates,
            projection_dim: facts.projection_dim,
            side_type: facts.side_type.as_deref(),
            split: facts.split.as_ref().map(split),
            integrity: IntegrityReport::of(&facts.integrity),
            unsupported: &facts.unsupported,
        }
    }
}
