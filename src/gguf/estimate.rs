//! The memory that llama.cpp takes for a model, estimated from its header alone.
//!
//! The formulas follow llama.cpp's own allocation (`llama-kv-cache.cpp`, `llama-memory-recurrent.cpp`) as
//! gguf-parser-go's `file_estimate__llamacpp.go` spells them out. KV cache and state equal llama.cpp's for llama,
//! gemma2, qwen2moe, deepseek2, mamba, mamba2, jamba, rwkv7 and lfm2, and weights except for the padding of each tensor
//! to 32 bytes. Compute is an estimate of the largest graph node: within 6 % on SmolLM2 135M and Gemma 3 270M, far too
//! much at long contexts of models without attention, since it counts a mask for those too, and up to 26 % too little
//! on tiny models of the other families. Quantized caches were compared on SmolLM2 and Gemma 3 only.

use crate::model::{Attention, Facts, Model, Recurrent, Role};

/// The files of one model.
#[derive(Debug, Clone)]
pub struct Shape<'a> {
    /// The main file, or all shards in order: the first one holds the metadata.
    pub shards: Vec<&'a Facts>,
    pub mmproj: Option<&'a Facts>,
}

impl<'a> Shape<'a> {
    /// Returns the files of a known model; None when no header of it can be read.
    pub fn of(model: &'a Model) -> Option<Shape<'a>> {
        let mut projectors = model.artifacts.iter().filter(|a| a.role == Role::Mmproj);
        let mmproj = projectors.find_map(|a| a.header.as_ref().ok()); // an unreadable one counts as zero
        Some(Shape { shards: vec![model.facts()?], mmproj })
    }
}

/// Element type of the KV cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CacheType {
    F32,
    F16,
    Bf16,
    #[value(name = "q8_0")]
    Q8_0,
    #[value(name = "q5_1")]
    Q5_1,
    #[value(name = "q5_0")]
    Q5_0,
    #[value(name = "q4_1")]
    Q4_1,
    #[value(name = "q4_0")]
    Q4_0,
    #[value(name = "iq4_nl")]
    Iq4Nl,
}

impl CacheType {
    /// Returns ggml's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            CacheType::F32 => "f32",
            CacheType::F16 => "f16",
            CacheType::Bf16 => "bf16",
            CacheType::Q8_0 => "q8_0",
            CacheType::Q5_1 => "q5_1",
            CacheType::Q5_0 => "q5_0",
            CacheType::Q4_1 => "q4_1",
            CacheType::Q4_0 => "q4_0",
            CacheType::Iq4Nl => "iq4_nl",
        }
    }

    /// Returns the bytes of that many elements, by ggml's block sizes.
    fn size_of(self, elements: u64) -> u64 {
        let (block, bytes) = match self {
            CacheType::F32 => (1, 4),
            CacheType::F16 | CacheType::Bf16 => (1, 2),
            CacheType::Q8_0 => (32, 34),
            CacheType::Q5_1 => (32, 24),
            CacheType::Q5_0 => (32, 22),
            CacheType::Q4_1 => (32, 20),
            CacheType::Q4_0 | CacheType::Iq4Nl => (32, 18),
        };
        elements.div_ceil(block).saturating_mul(bytes)
    }
}

/// The settings with which the model would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Tokens of context over all sequences.
    pub n_ctx: u32,
    /// The number of sequences.
    pub n_parallel: u32,
    pub n_batch: u32,
    pub n_ubatch: u32,
    pub cache_k: CacheType,
    pub cache_v: CacheType,
    pub flash_attention: bool,
}

/// The settings that [`crate::engine::Engine::load`] gives a context.
impl Default for Settings {
    fn default() -> Self {
        Settings {
            n_ctx: 4096,
            n_parallel: 1,
            n_batch: 512,
            n_ubatch: 512,
            cache_k: CacheType::F16,
            cache_v: CacheType::F16,
            flash_attention: true,
        }
    }
}

/// Memory that a model takes, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub weights: u64,
    /// KV cache and recurrent state.
    pub kv_cache: u64,
    pub compute: u64,
    /// Vocabulary, graph and the other memory of the process.
    pub overhead: u64,
}

impl Estimate {
    pub fn total(&self) -> u64 {
        self.weights.saturating_add(self.kv_cache).saturating_add(self.compute).saturating_add(self.overhead)
    }
}

const MIB: u64 = 1 << 20;
/// Bytes of a process with the runtime of llama.cpp, before any model.
const FOOTPRINT: u64 = 64 * MIB;

/// Estimates the memory of a model under `settings`. Missing facts count as zero, so the result is then a lower bound.
pub fn estimate(shape: &Shape<'_>, settings: &Settings) -> Estimate {
    let sum = |of: fn(&Facts) -> u64| shape.shards.iter().fold(0u64, |s, f| s.saturating_add(of(f)));
    let projector = shape.mmproj.map_or(0, |f| f.tensor_bytes);
    let weights = sum(|f| f.tensor_bytes).saturating_add(projector);
    let Some(main) = shape.shards.first() else {
        return Estimate { weights, kv_cache: 0, compute: 0, overhead: FOOTPRINT };
    };
    let vocab = main.vocab_size.unwrap_or(0);
    // 96 bytes a token and as much for merges, of which there are about as many.
    let overhead = FOOTPRINT.saturating_add(main.data_offset).saturating_add(vocab.saturating_mul(200));
    Estimate { weights, kv_cache: kv_cache(main, settings), compute: compute(main, settings), overhead }
}

/// Returns the number of cells of the cache: llama.cpp pads the context to 256.
fn cells(settings: &Settings) -> u64 {
    u64::from(settings.n_ctx).next_multiple_of(256)
}

fn kv_cache(facts: &Facts, settings: &Settings) -> u64 {
    let a = &facts.attention;
    let layers = facts.layers.unwrap_or(0).min(4096);
    let full = cells(settings);
    // A sliding window needs the window of each sequence, and one batch in addition.
    let windowed = a.sliding_window.map(|w| {
        let wanted = w
            .saturating_mul(u64::from(settings.n_parallel))
            .saturating_add(u64::from(settings.n_ubatch))
            .checked_next_multiple_of(256);
        wanted.unwrap_or(full).min(full)
    });
    // The last layers may use the cells of earlier ones.
    let own = layers.saturating_sub(a.shared_kv_layers.unwrap_or(0));
    let recurrent = facts.recurrent.as_ref().map_or(0, |r| recurrent_layer(r, facts, settings));
    let compressed = [a.key_length_mla, a.value_length_mla].iter().all(|l| l.is_some_and(|l| l > 0));
    let mut total = 0u64;
    for layer in 0..own {
        let at = usize::try_from(layer).unwrap_or(usize::MAX);
        let heads = a.kv_heads.get(at).copied().unwrap_or(0);
        let marked = facts.recurrent.as_ref().and_then(|r| r.layers.get(at)).copied();
        if marked.unwrap_or(heads == 0) {
            total = total.saturating_add(recurrent);
        }
        // Falcon-H1 has both in each layer; in other models a layer with a state has no keys.
        let both = facts.architecture.as_deref() == Some("falcon-h1");
        if heads == 0 || (marked == Some(true) && !both) {
            continue;
        }
        let slides = windowed.is_some() && a.sliding_layers.get(at).copied().unwrap_or(false);
        let cells = if slides { windowed.unwrap_or(full) } else { full };
        let (key, value) = lengths(a, facts, slides);
        // With a compressed cache (MLA) the keys hold the values; such files say one KV head.
        let k = heads.saturating_mul(key);
        let v = if compressed { 0 } else { heads.saturating_mul(value) };
        let v_type = if settings.flash_attention { settings.cache_v } else { CacheType::F16 };
        total = total
            .saturating_add(settings.cache_k.size_of(cells.saturating_mul(k)))
            .saturating_add(v_type.size_of(cells.saturating_mul(v)));
    }
    total
}

fn lengths(a: &Attention, facts: &Facts, sliding: bool) -> (u64, u64) {
    let by_width = facts.embedding_length.zip(a.heads).and_then(|(e, h)| e.checked_div(h)).unwrap_or(0);
    let key = a.key_length.unwrap_or(by_width);
    let value = a.value_length.unwrap_or(by_width);
    if sliding { (a.key_length_swa.unwrap_or(key), a.value_length_swa.unwrap_or(value)) } else { (key, value) }
}

/// Returns the bytes of the f32 state of one recurrent layer, over all sequences.
fn recurrent_layer(r: &Recurrent, facts: &Facts, settings: &Settings) -> u64 {
    let conv = r.inner_size.saturating_add(r.group_count.saturating_mul(r.state_size).saturating_mul(2));
    let mamba =
        r.conv_kernel.saturating_sub(1).saturating_mul(conv).saturating_add(r.state_size.saturating_mul(r.inner_size));
    let width = facts.embedding_length.unwrap_or(0);
    let rwkv = r.token_shift_count.saturating_mul(width).saturating_add(r.wkv_head_size.saturating_mul(width));
    let short = r.shortconv_cache.saturating_sub(1).saturating_mul(width);
    mamba.saturating_add(rwkv).saturating_add(short).saturating_mul(4).saturating_mul(u64::from(settings.n_parallel))
}

/// Returns the bytes of the largest node of the graph for one micro-batch, the logits, and the inputs.
fn compute(facts: &Facts, settings: &Settings) -> u64 {
    let batch = u64::from(settings.n_ubatch.min(settings.n_ctx));
    let width = facts.embedding_length.unwrap_or(0);
    let vocab = facts.vocab_size.unwrap_or(0);
    let wide = facts.feed_forward_length.unwrap_or(0).saturating_mul(facts.experts_used.unwrap_or(1).max(1));
    let feed_forward = wide.saturating_mul(3).saturating_add(width.saturating_mul(2));
    let heads = facts.attention.heads.unwrap_or(0);
    let attention = if settings.flash_attention {
        width.saturating_mul(5)
    } else {
        cells(settings).saturating_mul(heads).saturating_add(width.saturating_mul(5))
    };
    let node = feed_forward.max(attention).max(vocab);
    let mask = cells(settings).saturating_mul(batch).saturating_mul(4);
    let logits = u64::from(settings.n_parallel).saturating_mul(vocab.saturating_add(width)).saturating_mul(4);
    node.saturating_mul(batch).saturating_mul(4).saturating_add(mask).saturating_add(logits)
}
