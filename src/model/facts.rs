use super::{Kind, Quant, iec};
use serde::{Deserialize, Serialize};

/// The facts that the header of one GGUF file states. They are read without loading the model and kept in the database
/// as JSON. Strings are as in the file (lossily decoded): code that prints them must strip control characters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub kind: Kind,
    pub gguf_version: u32,
    pub big_endian: bool,
    /// `general.architecture`.
    pub architecture: Option<String>,
    /// The model family that a person would filter by (`llama`, `gemma`, `qwen`): see `gguf::family`.
    pub family: Option<String>,
    /// `general.name`.
    pub name: Option<String>,
    pub basename: Option<String>,
    /// `general.size_label`, else derived from the parameter count (`135M`).
    pub size_label: Option<String>,
    pub finetune: Option<String>,
    pub organization: Option<String>,
    pub license: Option<String>,
    /// `general.base_model.0.name` or the adapter's base, where given.
    pub base_model: Option<String>,
    /// The number of elements over all tensors of this file.
    pub parameters: u64,
    pub quant: Quant,
    pub context_length: Option<u64>,
    /// `<arch>.block_count`.
    pub layers: Option<u64>,
    pub embedding_length: Option<u64>,
    /// The largest value over the layers.
    pub feed_forward_length: Option<u64>,
    pub vocab_size: Option<u64>,
    pub experts: Option<u64>,
    pub experts_used: Option<u64>,
    pub attention: Attention,
    pub recurrent: Option<Recurrent>,
    /// Whether there is a `tokenizer.chat_template` key.
    pub chat_template: bool,
    /// The names of further templates (`tokenizer.chat_template.NAME`).
    pub extra_templates: Vec<String>,
    /// `clip.*.projection_dim` of a projector, which must equal the `embedding_length` of its model.
    pub projection_dim: Option<u64>,
    /// The kind of side file: `clip.projector_type`, `adapter.type`, … .
    pub side_type: Option<String>,
    pub split: Option<Split>,
    pub n_tensors: u64,
    /// Whether the output matrix is the token embedding (no `output.weight`): llama.cpp counts it again at the output
    /// device.
    pub tied_output: bool,
    /// Bytes of tensor data in this file, without padding.
    pub tensor_bytes: u64,
    /// Bytes of `token_embd.weight`, which stays on the host.
    pub token_embd_bytes: u64,
    /// The offset of the tensor data: the size of the header with its padding.
    pub data_offset: u64,
    pub integrity: Integrity,
    /// Features of the file that this program or its llama.cpp does not know: parts of a sentence, empty for most
    /// files.
    #[serde(default)]
    pub unsupported: Vec<String>,
    /// The evidence for the kind and the quantization.
    #[serde(default)]
    pub evidence: Evidence,
    /// The content identity of this file in hex: a hash over its size and what its header says.
    pub fingerprint: String,
}

/// The evidence for kind and quantization. For a split set it is combined over all parts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// `general.type`.
    pub declared: Option<String>,
    /// `general.file_type` as it is in the file.
    pub file_type: Option<u64>,
    /// The quantization that the file name claims.
    pub named: Option<String>,
    /// The number of elements by type over the matrices of the layers.
    pub layers: Vec<(String, u64)>,
    /// The number of elements by type over the token embedding and the output matrix.
    pub ends: Vec<(String, u64)>,
    /// Whether it has tensors of the first block.
    pub first_block: bool,
    /// Whether it has tensors of a head that predicts further tokens (`nextn`).
    pub draft: bool,
    /// `<arch>.nextn_predict_layers`.
    pub draft_layers: u64,
    /// Whether it has tensors of a decoder in addition to an encoder (`dec.blk`).
    pub decoder: bool,
    /// Whether it has tensors named as in image and video models.
    pub diffusion: bool,
    /// Whether it has tensors named as in the autoencoders and text encoders of such models.
    pub encoder: bool,
    /// Whether it has tensors named as in vision or audio towers (`v.`, `a.`, `mm.`).
    pub tower: bool,
    /// Whether it has an output matrix of its own.
    pub output: bool,
    /// The number of elements of the first norm of a block: the width of the model.
    pub width: Option<u64>,
    /// Whether its chat template mentions images, audio or video.
    pub media: bool,
    /// The number of elements of the tensors whose size in bytes is known.
    pub sized: u64,
}

/// The parameters that decide the memory of the KV cache.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    pub heads: Option<u64>,
    /// The number of KV heads by layer; a single number in the file is repeated. 0 marks a layer without attention.
    pub kv_heads: Vec<u64>,
    pub key_length: Option<u64>,
    pub value_length: Option<u64>,
    pub key_length_swa: Option<u64>,
    pub value_length_swa: Option<u64>,
    pub key_length_mla: Option<u64>,
    pub value_length_mla: Option<u64>,
    pub kv_lora_rank: Option<u64>,
    pub sliding_window: Option<u64>,
    /// Whether each layer uses the window; empty when no layer does.
    pub sliding_layers: Vec<bool>,
    /// The number of layers at the end that reuse the KV of earlier ones.
    pub shared_kv_layers: Option<u64>,
    pub causal: Option<bool>,
    pub pooling_type: Option<u64>,
}

/// The parameters that decide the recurrent state of state-space and RWKV layers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrent {
    pub conv_kernel: u64,
    pub inner_size: u64,
    pub state_size: u64,
    pub group_count: u64,
    pub wkv_head_size: u64,
    pub token_shift_count: u64,
    /// The number of tokens that a short convolution (LFM2) covers.
    #[serde(default)]
    pub shortconv_cache: u64,
    /// Whether each layer keeps a state, where the KV heads do not show it. When empty, the layers without KV heads
    /// keep one.
    #[serde(default)]
    pub layers: Vec<bool>,
}

/// The split set as the header of one part describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The number of the part from 0, as in `split.no`.
    pub no: u32,
    pub count: u32,
    /// The number of tensors over all parts.
    pub tensors: Option<u64>,
}

/// Whether the file is as long as its tensors need. Zeroed blocks keep the length: only a hash finds those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Integrity {
    Complete,
    /// The file is shorter than the tensor table needs.
    Truncated {
        need: u64,
        have: u64,
        first_missing: String,
    },
    /// The file has full length and fewer blocks than bytes: holes, compression or deduplication. Proves nothing.
    Sparse {
        allocated: u64,
    },
    /// The file is longer than needed by more than the alignment: unusual, not wrong.
    Trailing {
        extra: u64,
    },
    /// The size of a tensor is unknown (its type is unknown to this program).
    Unknown {
        why: String,
    },
}

impl Integrity {
    /// Returns the damage that the length of the file proves, as text; None when it proves none. A tensor's name is as
    /// in the file.
    pub fn fault(&self) -> Option<String> {
        match self {
            // File systems that compress or share blocks report fewer of them for intact files: openzfs/zfs#11532.
            Integrity::Complete | Integrity::Trailing { .. } | Integrity::Sparse { .. } | Integrity::Unknown { .. } => {
                None
            }
            Integrity::Truncated { need, have, first_missing } => {
                let (is, of) = (iec(*have), iec(*need));
                // Sizes that look alike are given in full.
                let (is, of) = if is == of { (have.to_string(), format!("{need} bytes")) } else { (is, of) };
                let share = percent(*have, *need);
                Some(format!("truncated: {is} of {of} ({share}%); first missing tensor {first_missing}"))
            }
        }
    }
}

/// Returns whole percent, rounded down: 100 only when everything is present.
pub fn percent(have: u64, need: u64) -> u128 {
    u128::from(have) * 100 / u128::from(need.max(1))
}

/// Formats a number with thousands separators: `98362432` → `98,362,432`.
pub fn digits(n: u64) -> String {
    let plain = n.to_string();
    let mut out = String::with_capacity(plain.len() + plain.len() / 3);
    for (i, c) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!([0, 999, 1000, 91_750_400].map(digits), ["0", "999", "1,000", "91,750,400"].map(str::to_owned));
        assert_eq!(percent(91_750_400, 98_362_432), 93);
        assert_eq!(percent(u64::MAX, 0), u128::from(u64::MAX) * 100);
    }
}
