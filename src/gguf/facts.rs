//! The conversion of a header as written to [`Facts`]. A key of the wrong type counts as absent: only llama.cpp needs
//! it.

use super::header::{Header, Tensor, Value, pad, shown};
use super::kind::{self, Signs};
use super::{family, file_name, quant, sliding};
use crate::model::{Attention, Evidence, Facts, Integrity, Recurrent, Split};

/// Values by key, with the prefix of the architecture where one is needed.
pub(super) struct Keys<'h> {
    header: &'h Header,
    architecture: Option<String>,
}

impl<'h> Keys<'h> {
    fn get(&self, key: &str) -> Option<&'h Value> {
        self.header.values.get(key)
    }

    pub fn text(&self, key: &str) -> Option<String> {
        match self.get(key)? {
            Value::Text(bytes) if !bytes.is_empty() => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Unsigned(n) => Some(*n),
            Value::Signed(n) => u64::try_from(*n).ok(), // a negative count is none
            _ => None,
        }
    }

    fn boolean(&self, key: &str) -> Option<bool> {
        match self.get(key)? {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    fn own(&self, key: &str) -> Option<&'h Value> {
        self.get(&format!("{}.{key}", self.architecture.as_deref()?))
    }

    fn own_number(&self, key: &str) -> Option<u64> {
        self.number(&format!("{}.{key}", self.architecture.as_deref()?))
    }

    /// Returns a number for each of `layers`: a single number is repeated, a short array is not extended.
    fn own_by_layer(&self, key: &str, layers: u64) -> Vec<u64> {
        let layers = usize::try_from(layers.min(4096)).unwrap_or(0);
        match self.own(key) {
            Some(Value::Numbers(all)) => all.iter().take(4096).map(|n| u64::try_from(*n).unwrap_or(0)).collect(),
            _ => self.own_number(key).map_or_else(Vec::new, |n| vec![n; layers]),
        }
    }
}

pub(super) fn facts(header: &Header, allocated: u64, name: &str) -> Facts {
    let architecture = Keys { header, architecture: None }.text("general.architecture");
    let keys = Keys { header, architecture: architecture.clone() };
    let layers = keys.own_number("block_count");
    let parameters = header.tensors.iter().fold(0u64, |sum, t| sum.saturating_add(t.elements));
    let embedding = header.tensors.iter().position(|t| t.name == b"token_embd.weight");
    let attention = attention(&keys, layers.unwrap_or(0));
    let (general_name, basename) = (keys.text("general.name"), keys.text("general.basename"));
    let vocab_size = match keys.get("tokenizer.ggml.tokens") {
        Some(Value::Array { element: 8, count }) => Some(*count),
        _ => keys.own_number("vocab_size"),
    };
    let mut evidence = Evidence {
        declared: keys.text("general.type"),
        file_type: keys.number("general.file_type"),
        named: file_name::parse(name).encoding.map(|e| e.to_string()),
        draft_layers: keys.own_number("nextn_predict_layers").unwrap_or(0),
        media: header.mentions_media,
        ..Evidence::default()
    };
    let (mut histogram, mut tensor_bytes, mut token_embd_bytes) = (Vec::new(), 0u64, 0u64);
    for (at, tensor) in header.tensors.iter().enumerate() {
        kind::note(&mut evidence, tensor);
        quant::note(&mut evidence, &mut histogram, tensor);
        let Some(bytes) = tensor.bytes.or_else(|| span(header, at, tensor)) else { continue };
        tensor_bytes = tensor_bytes.saturating_add(bytes);
        evidence.sized = evidence.sized.saturating_add(tensor.elements);
        if Some(at) == embedding {
            token_embd_bytes = bytes;
        }
    }
    let kind = kind::kind(&Signs {
        architecture: architecture.as_deref(),
        evidence: &evidence,
        attention: &attention,
        is_adapter: keys.text("adapter.type").is_some(),
        is_imatrix: keys.get("imatrix.chunk_count").is_some(),
        vocabulary: vocab_size,
        tensors: header.tensors.len() as u64,
    });
    let mut unsupported = header.unsupported.clone();
    if header.big_endian != cfg!(target_endian = "big") {
        let (file, machine) = if header.big_endian { ("big", "little") } else { ("little", "big") };
        unsupported.push(format!("{file}-endian numbers (this machine is {machine}-endian)"));
    }
    let template = "tokenizer.chat_template";
    Facts {
        kind,
        gguf_version: header.version,
        big_endian: header.big_endian,
        family: architecture.as_deref().map(|a| family(a, general_name.as_deref().or(basename.as_deref()))),
        basename,
        size_label: keys.text("general.size_label").or_else(|| (parameters > 0).then(|| size_label(parameters))),
        finetune: keys.text("general.finetune"),
        organization: keys.text("general.organization"),
        license: keys.text("general.license"),
        base_model: keys.text("general.base_model.0.name"),
        parameters,
        quant: quant::judge(&evidence, histogram, tensor_bytes),
        context_length: keys.own_number("context_length"),
        layers,
        embedding_length: keys.own_number("embedding_length"),
        feed_forward_length: keys.own_by_layer("feed_forward_length", 1).into_iter().max(),
        vocab_size,
        experts: keys.own_number("expert_count").filter(|n| *n > 0),
        experts_used: keys.own_number("expert_used_count").filter(|n| *n > 0),
        recurrent: recurrent(&keys, layers.unwrap_or(0)),
        chat_template: keys.text(template).is_some(),
        extra_templates: header
            .values
            .keys()
            .filter_map(|k| k.strip_prefix("tokenizer.chat_template."))
            .filter(|name| name.len() <= 256)
            .take(64)
            .map(str::to_owned)
            .collect(),
        projection_dim: keys
            .number("clip.vision.projection_dim")
            .or_else(|| keys.number("clip.audio.projection_dim"))
            .or_else(|| keys.number("clip.projection_dim")),
        side_type: keys.text("clip.projector_type").or_else(|| keys.text("adapter.type")),
        split: split(&keys),
        n_tensors: header.tensors.len() as u64,
        tied_output: embedding.is_some() && !evidence.output,
        tensor_bytes,
        token_embd_bytes,
        data_offset: header.data_offset,
        integrity: integrity(header, allocated),
        unsupported,
        evidence,
        fingerprint: header.fingerprint.clone(),
        name: general_name,
        architecture,
        attention,
    }
}

fn attention(keys: &Keys<'_>, layers: u64) -> Attention {
    let heads = keys.own_by_layer("attention.head_count", 1).into_iter().max();
    let mut kv_heads = keys.own_by_layer("attention.head_count_kv", layers);
    if kv_heads.is_empty() {
        kv_heads = keys.own_by_layer("attention.head_count", layers);
    }
    let n = |key: &str| keys.own_number(&format!("attention.{key}"));
    let (sliding_window, sliding_layers) = sliding::window(
        keys.architecture.as_deref().unwrap_or(""),
        n("sliding_window"),
        keys.own("attention.sliding_window_pattern"),
        layers,
    );
    Attention {
        heads,
        kv_heads,
        key_length: n("key_length"),
        value_length: n("value_length"),
        key_length_swa: n("key_length_swa"),
        value_length_swa: n("value_length_swa"),
        key_length_mla: n("key_length_mla"),
        value_length_mla: n("value_length_mla"),
        kv_lora_rank: n("kv_lora_rank"),
        sliding_window,
        sliding_layers,
        shared_kv_layers: n("shared_kv_layers"),
        causal: keys.architecture.as_deref().and_then(|a| keys.boolean(&format!("{a}.attention.causal"))),
        pooling_type: keys.own_number("pooling_type"),
    }
}

fn recurrent(keys: &Keys<'_>, layers: u64) -> Option<Recurrent> {
    let n = |key: &str| keys.own_number(key).unwrap_or(0);
    let r = Recurrent {
        conv_kernel: n("ssm.conv_kernel"),
        inner_size: n("ssm.inner_size"),
        state_size: n("ssm.state_size"),
        group_count: n("ssm.group_count"),
        wkv_head_size: n("wkv.head_size"),
        // llama.cpp's default where the file has no value.
        token_shift_count: keys.own_number("token_shift_count").unwrap_or(if n("wkv.head_size") > 0 { 2 } else { 0 }),
        shortconv_cache: n("shortconv.l_cache"),
        layers: recurrent_layers(keys, layers),
    };
    (r != Recurrent::default()).then_some(r)
}

/// Returns which layers are recurrent, by architecture (`is_recr_impl` in llama.cpp's `src/models`); empty where the KV
/// heads show it.
fn recurrent_layers(keys: &Keys<'_>, layers: u64) -> Vec<bool> {
    let all = 0..layers.min(4096);
    match keys.architecture.as_deref() {
        Some("mamba" | "mamba2" | "rwkv6" | "rwkv6qwen2" | "rwkv7" | "arwkv7" | "falcon-h1") => {
            all.map(|_| true).collect()
        }
        Some("qwen3next" | "qwen35" | "qwen35moe") => match keys.own("attention.recurrent_layers") {
            Some(Value::Bools(marked)) => marked.clone(),
            Some(Value::Numbers(marked)) => marked.iter().map(|n| *n != 0).collect(),
            _ => {
                let every = keys.own_number("full_attention_interval").unwrap_or(4);
                // The last blocks only predict further tokens, and they use attention.
                let own = layers.saturating_sub(keys.own_number("nextn_predict_layers").unwrap_or(0));
                let last = |l: u64| l.saturating_add(1).checked_rem(every) == Some(0);
                all.map(|l| l < own && !last(l)).collect()
            }
        },
        Some("nemotron_h" | "nemotron_h_moe") => {
            let kv = keys.own_by_layer("attention.head_count_kv", layers);
            let wide = keys.own_by_layer("feed_forward_length", layers);
            kv.iter().zip(&wide).map(|(kv, wide)| *kv == 0 && *wide == 0).collect()
        }
        _ => Vec::new(),
    }
}

fn split(keys: &Keys<'_>) -> Option<Split> {
    let count = keys.number("split.count").and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 1)?;
    let no = keys.number("split.no").and_then(|n| u32::try_from(n).ok())?;
    Some(Split { no, count, tensors: keys.number("split.tensors.count") })
}

/// Formats the parameter count as people write it: `135M`, `8.0B`.
pub(super) fn size_label(parameters: u64) -> String {
    let n = parameters as f64;
    // Each unit starts where the number would be rounded to 1000 of the smaller unit.
    let (unit, letter) = match n {
        n if n >= 999.5e9 => (1e12, 'T'),
        n if n >= 999.5e6 => (1e9, 'B'),
        n if n >= 999.5e3 => (1e6, 'M'),
        _ => (1e3, 'K'),
    };
    let scaled = n / unit;
    if scaled < 9.95 { format!("{scaled:.1}{letter}") } else { format!("{scaled:.0}{letter}") }
}

/// Largest difference between length and blocks on disk that does not count as sparse: file systems themselves store
/// small parts elsewhere (inline data, the last block).
const SPARSE_SLACK: u64 = 1 << 20;

/// Returns the bytes that a tensor of unknown type takes at most: up to the next tensor, or to the end of the file.
/// Returns None where that gives no bound.
fn span(header: &Header, at: usize, tensor: &Tensor) -> Option<u64> {
    let end = match header.tensors.get(at.saturating_add(1)) {
        Some(next) => next.offset,
        None => header.len.checked_sub(header.data_offset)?,
    };
    // No type takes more than the widest number.
    end.checked_sub(tensor.offset).filter(|bytes| *bytes > 0 && *bytes <= tensor.elements.saturating_mul(8))
}

fn integrity(header: &Header, allocated: u64) -> Integrity {
    if !header.is_data_offset_sure {
        return Integrity::Unknown { why: "where its tensors begin is not sure".to_owned() };
    }
    let mut need = header.data_offset;
    let mut unknown = None;
    for (i, t) in header.tensors.iter().enumerate() {
        let at = header.data_offset.saturating_add(t.offset);
        let end = match t.bytes {
            Some(bytes) => at.saturating_add(bytes),
            None => {
                unknown.get_or_insert(format!("tensor {}: {}, size not checkable", shown(&t.name), t.kind.label()));
                // The end of this tensor is not known; the start of the next one is, and gives a lower bound.
                header
                    .tensors
                    .get(i.saturating_add(1))
                    .map_or(at, |next| header.data_offset.saturating_add(next.offset))
            }
        };
        if end > header.len {
            let need = header
                .tensors
                .iter()
                .filter_map(|t| header.data_offset.checked_add(t.offset)?.checked_add(t.bytes.unwrap_or(0)));
            return Integrity::Truncated {
                need: need.max().unwrap_or(end).max(end),
                have: header.len,
                first_missing: shown(&t.name),
            };
        }
        need = need.max(end);
    }
    if header.tensors.is_empty() {
        // A vocabulary may end with its last key, without padding.
        need = need.min(header.len);
    }
    if allocated.saturating_add(SPARSE_SLACK) < header.len {
        return Integrity::Sparse { allocated };
    }
    if let Some(why) = unknown {
        return Integrity::Unknown { why };
    }
    let padded = pad(need, header.alignment).unwrap_or(need);
    match header.len.checked_sub(padded) {
        Some(extra) if extra > header.alignment => Integrity::Trailing { extra: header.len.saturating_sub(need) },
        _ => Integrity::Complete,
    }
}
