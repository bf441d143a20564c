//! Compares the memory that a model needs with the memory that is available now.

use crate::display::{text, units};
use crate::gguf;
use crate::gguf::estimate::{CacheType, Settings, Shape, estimate};
use crate::host::gpu::{Gpu, GpuMemory};
use crate::host::memory::Memory;
use crate::model::{DeviceMemory, Kind, Model, Reading, State};

/// Largest context in tokens that memory is shown for without `--ctx`. The contexts that models support (131072 and
/// more) are rarely used.
pub const DEFAULT_CONTEXT: u32 = 4096;
/// Memory that a model needs at one context, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Tokens, over all sequences.
    pub context: u32,
    pub parallel: u32,
    /// Includes the projector.
    pub weights: u64,
    /// The projector's share of `weights`; llama.cpp's exact figure does not include it.
    pub projector: u64,
    pub kv_cache: u64,
    pub compute: u64,
    pub overhead: u64,
    pub total: u64,
}

/// The memory and the GPUs of the machine now.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    pub memory: Reading<Memory>,
    pub gpus: Reading<Vec<Gpu>>,
}

/// The fit of a model in one place of this machine now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// `main memory`, `GPU 0`, `GPUs`.
    pub place: String,
    /// Whether the model fits; null when that is not known.
    pub fits: Option<bool>,
    /// The result for a person, with the figures or the reason.
    pub words: String,
}

/// The settings of a model that a person can choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Tokens over all sequences; None: the model's own context, at most [`DEFAULT_CONTEXT`].
    pub context: Option<u32>,
    pub parallel: u32,
    pub cache_k: CacheType,
    pub cache_v: CacheType,
}

impl Wanted {
    pub fn new(context: Option<u32>, parallel: u32) -> Wanted {
        Wanted { context, parallel, cache_k: CacheType::F16, cache_v: CacheType::F16 }
    }

    /// Returns the settings for a model that supports `trained` tokens.
    pub fn settings(&self, trained: Option<u64>) -> Settings {
        let promised = trained.and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        let context = self.context.unwrap_or_else(|| promised.unwrap_or(DEFAULT_CONTEXT).min(DEFAULT_CONTEXT));
        Settings {
            n_ctx: context,
            n_parallel: self.parallel,
            cache_k: self.cache_k,
            cache_v: self.cache_v,
            ..Settings::default()
        }
    }
}

/// Returns the memory that this model needs, or the reason why there is no figure.
pub fn need(model: &Model, wanted: &Wanted) -> Reading<Need> {
    let refuse = |why: &str| Reading::Unavailable(why.to_owned());
    match model.kind {
        Kind::Generative | Kind::Embedding | Kind::Reranker => {}
        Kind::Unknown if model.facts().is_none() => return refuse("the header cannot be read"),
        Kind::Unknown => return refuse(&gguf::of_no_kind(model.facts().and_then(|f| f.architecture.as_deref()))),
        Kind::Speech | Kind::Diffusion | Kind::Encoder => return refuse("it is not a language model"),
        Kind::Adapter | Kind::Control | Kind::Imatrix | Kind::Mmproj | Kind::Draft | Kind::Vocab => {
            return refuse("it is not loaded on its own");
        }
    }
    if matches!(model.state, State::Incomplete | State::Damaged | State::Unsupported | State::Unreadable) {
        return refuse("it cannot be loaded as it is");
    }
    let Some(shape) = Shape::of(model) else {
        return refuse("the header cannot be read");
    };
    let settings = wanted.settings(shape.shards.first().and_then(|main| main.context_length));
    let estimate = estimate(&shape, &settings);
    Reading::Known(Need {
        context: settings.n_ctx,
        parallel: settings.n_parallel,
        weights: estimate.weights,
        projector: shape.mmproj.map_or(0, |f| f.tensor_bytes),
        kv_cache: estimate.kv_cache,
        compute: estimate.compute,
        overhead: estimate.overhead,
        total: estimate.total(),
    })
}

/// Returns the places where `total` bytes fit now. A GPU counts when the whole model fits; a part of its layers may fit
/// even if it does not.
pub fn fits(total: u64, machine: &Machine) -> Vec<Fit> {
    let fit = |place: &str, fits: Option<bool>, words: String| Fit { place: place.to_owned(), fits, words };
    let mut all = vec![match &machine.memory {
        Reading::Unavailable(why) => fit("main memory", None, format!("unknown: {why}")),
        Reading::Known(memory) => {
            let have = format!("{} of {} available", units::bytes(memory.available), units::bytes(memory.total));
            let words = match total {
                t if t <= memory.available => format!("fits: {have}"),
                t if t <= memory.total => format!("does not fit now: {have}"),
                _ => format!("does not fit: {have}"),
            };
            fit("main memory", Some(total <= memory.available), words)
        }
    }];
    let gpus = match &machine.gpus {
        Reading::Unavailable(why) => {
            // Most machines without the driver have no card for it either.
            let is_without_driver = why.starts_with("no NVIDIA driver");
            let words = if is_without_driver { "none: no NVIDIA driver".to_owned() } else { format!("unknown: {why}") };
            return [all, vec![fit("GPU", None, words)]].concat();
        }
        Reading::Known(gpus) => gpus,
    };
    if gpus.is_empty() {
        all.push(fit("GPU", Some(false), "none: the driver sees no GPU".into()));
    }
    let mut free_over_all = 0u64;
    for gpu in gpus {
        let name = text::clean(&gpu.name);
        let place = format!("GPU {}", gpu.index);
        all.push(match &gpu.memory {
            Reading::Unavailable(why) => fit(&place, None, format!("unknown: {why} ({name})")),
            Reading::Known(GpuMemory { free, total: size, .. }) => {
                free_over_all = free_over_all.saturating_add(*free);
                let verdict = if total <= *free { "fits" } else { "does not fit" };
                let have = format!("{} of {} free", units::bytes(*free), units::bytes(*size));
                fit(&place, Some(total <= *free), format!("{verdict}: {have} ({name})"))
            }
        });
    }
    if gpus.len() > 1 {
        let verdict = if total <= free_over_all { "fits when split over all" } else { "does not fit over all" };
        let words = format!("{verdict}: {} free together", units::bytes(free_over_all));
        all.push(fit("GPUs", Some(total <= free_over_all), words));
    }
    all
}

/// Source of the figures of [`need`].
pub const FORMULA: &str = "formula over the header";
/// Source of exact figures.
pub const LLAMA: &str = "llama.cpp without allocating";

/// llama.cpp's figures over all devices minus those of the formula, in bytes; the projector is in neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difference {
    pub weights: i64,
    pub kv_cache: i64,
    pub compute: i64,
}

impl Difference {
    pub fn of(devices: &[DeviceMemory], need: &Need) -> Difference {
        let less = |exact: fn(&DeviceMemory) -> u64, formula: u64| {
            let sum = devices.iter().fold(0u64, |sum, d| sum.saturating_add(exact(d)));
            let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            signed(sum).saturating_sub(signed(formula))
        };
        Difference {
            weights: less(|d| d.weights, need.weights.saturating_sub(need.projector)),
            kv_cache: less(|d| d.kv_cache, need.kv_cache),
            compute: less(|d| d.compute, need.compute),
        }
    }
}
