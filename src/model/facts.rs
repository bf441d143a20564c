use super::{Kind, Quant};
use serde::{Deserialize, Serialize};

/// What the header of one GGUF file says. Read without loading; kept in the database as JSON.
/// Strings are as in the file (lossily decoded): whoever prints them strips control characters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    pub kind: Kind,
    pub gguf_version: u32,
    pub big_endian: bool,
    /// `general.architecture`.
    pub architecture: Option<String>,
    /// The line of models a person would filter by (`llama`, `gemma`, `qwen`): see `gguf::family`.
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
    /// Elements over all tensors of this file.
    pub parameters: u64,
    pub quant: Quant,
    pub context_length: Option<u64>,
    /// `<arch>.block_count`.
    pub layers: Option<u64>,
    pub embedding_length: Option<u64>,
    /// The largest over the layers.
    pub feed_forward_length: Option<u64>,
    pub vocab_size: Option<u64>,
    pub experts: Option<u64>,
    pub experts_used: Option<u64>,
    pub attention: Attention,
    pub recurrent: Option<Recurrent>,
    /// A `tokenizer.chat_template` key is there.
    pub chat_template: bool,
    /// Names of further templates (`tokenizer.chat_template.NAME`).
    pub extra_templates: Vec<String>,
    /// `clip.*.projection_dim` of a projector: must equal the `embedding_length` of its model.
    pub projection_dim: Option<u64>,
    /// `clip.projector_type`, `adapter.type`, … : what kind of side file it is.
    pub side_type: Option<String>,
    pub split: Option<Split>,
    pub n_tensors: u64,
    /// The output matrix is the token embedding (no `output.weight`): llama.cpp counts it again at the output device.
    pub tied_output: bool,
    /// Bytes of tensor data in this file, without padding.
    pub tensor_bytes: u64,
    /// Bytes of `token_embd.weight`, which stays on the host.
    pub token_embd_bytes: u64,
    /// Offset of the tensor data: the size of the header with its padding.
    pub data_offset: u64,
    pub integrity: Integrity,
    /// Hex of the content identity of this file: a hash over its size and what its header says.
    pub fingerprint: String,
}

/// What the memory of the KV cache depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Attention {
    pub heads: Option<u64>,
    /// KV heads by layer; a single number in the file is repeated. 0 marks a layer without attention.
    pub kv_heads: Vec<u64>,
    pub key_length: Option<u64>,
    pub value_length: Option<u64>,
    pub key_length_swa: Option<u64>,
    pub value_length_swa: Option<u64>,
    pub key_length_mla: Option<u64>,
    pub value_length_mla: Option<u64>,
    pub kv_lora_rank: Option<u64>,
    pub sliding_window: Option<u64>,
    /// true for each layer that uses the window; empty when no layer does.
    pub sliding_layers: Vec<bool>,
    /// The last n layers reuse the KV of earlier ones.
    pub shared_kv_layers: Option<u64>,
    pub causal: Option<bool>,
    pub pooling_type: Option<u64>,
}

/// State-space and RWKV layers: what their recurrent state depends on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrent {
    pub conv_kernel: u64,
    pub inner_size: u64,
    pub state_size: u64,
    pub group_count: u64,
    pub wkv_head_size: u64,
    pub token_shift_count: u64,
    /// Tokens that a short convolution (LFM2) looks at.
    #[serde(default)]
    pub shortconv_cache: u64,
    /// By layer, whether it keeps a state, where the KV heads do not tell (none: those without KV heads do).
    #[serde(default)]
    pub layers: Vec<bool>,
}

/// One part's own view of its split set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// 0-based, as in `split.no`.
    pub no: u32,
    pub count: u32,
    /// Tensors over all parts.
    pub tensors: Option<u64>,
}

/// Whether the file is as long as its tensors need. Zeroed blocks keep the length: only a hash finds those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is")]
pub enum Integrity {
    Complete,
    /// Shorter than the tensor table needs.
    Truncated {
        need: u64,
        have: u64,
        first_missing: String,
    },
    /// Full length, but blocks were never written (`st_blocks` is below the size).
    Sparse {
        allocated: u64,
    },
    /// Longer than needed by more than the alignment: odd, not wrong.
    Trailing {
        extra: u64,
    },
    /// The size of a tensor is not known (a type this program does not know).
    Unknown {
        why: String,
    },
}

impl Integrity {
    /// What the length of the file says against it; None when nothing does. A tensor's name is as in the file.
    pub fn fault(&self) -> Option<String> {
        match self {
            Integrity::Complete | Integrity::Trailing { .. } | Integrity::Unknown { .. } => None,
            Integrity::Truncated { need, have, first_missing } => Some(format!(
                "is {} % there: {} of {} bytes; first missing tensor {first_missing}",
                percent(*have, *need),
                digits(*have),
                digits(*need),
            )),
            Integrity::Sparse { allocated } => {
                Some(format!("has holes: only {} bytes of it were ever written", digits(*allocated)))
            }
        }
    }
}

/// Whole per cent, rounded down: 100 only when all is there.
pub fn percent(have: u64, need: u64) -> u128 {
    u128::from(have) * 100 / u128::from(need.max(1))
}

/// `98362432` → `98,362,432`.
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
