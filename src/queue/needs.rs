//! The memory that a worker with a model will take.

use super::measured_memory::{self, main_file, other_shards, unchanged};
use crate::db::Db;
use crate::engine::{LoadSpec, TEXT_TOKENS};
use crate::gguf::estimate::{Settings, Shape, estimate};
use crate::host::budget::MAIN_MEMORY;
use crate::model::server::Engine;
use crate::model::{DeviceBytes, DeviceMemory, Kind, Model, Reading};
use std::path::Path;

/// Bytes of a worker besides its model, where no formula says: the runtime of llama.cpp.
const OVERHEAD: u64 = 64 << 20;

/// Returns the bytes that a worker with this model takes, per device: what a worker held with these settings before, and
/// what llama.cpp lays out for them, whichever is more; else by the formula over the header. Pages of a worker that were
/// not used before it was measured are in the second figure only. `modelctl` asks llama.cpp, for up to a minute, if
/// neither is known.
///
/// # Errors
/// When the database cannot be used.
pub fn needs(
    db: &mut Db,
    modelctl: &Path,
    model: &Model,
    (load, engine): (&LoadSpec, Engine),
) -> anyhow::Result<Vec<DeviceBytes>> {
    let settings = settings(model, load);
    let held = held_before(db, model, (load, engine))?;
    let fit = match measured_memory::cached(db, model, &settings)? {
        Some(devices) => Some(devices),
        None if held.is_some() || crate::engine::available().is_err() => None,
        None => match measured_memory::ask(modelctl, model, &settings) {
            Reading::Known(devices) => {
                measured_memory::record(db, model, &settings, &devices)?;
                Some(devices)
            }
            // What llama.cpp cannot lay out is found out when it is loaded.
            Reading::Unavailable(_) => None,
        },
    };
    let by_formula = Shape::of(model).map(|shape| estimate(&shape, &settings));
    let overhead = by_formula.map_or(OVERHEAD, |estimate| estimate.overhead);
    let laid_out = fit.map(|devices| with_overhead(&devices, overhead, load.gpu_layers == Some(0)));
    Ok(match (held, laid_out) {
        (Some(held), Some(laid_out)) => larger(held, laid_out),
        (Some(known), None) | (None, Some(known)) => known,
        (None, None) => {
            let bytes = by_formula.map_or(OVERHEAD, |estimate| estimate.total());
            vec![DeviceBytes { device: MAIN_MEMORY.to_owned(), bytes }]
        }
    })
}

/// Returns the bytes that a worker with this model takes on all devices, by the formula over its header alone.
pub fn by_formula(model: &Model, load: &LoadSpec) -> Option<u64> {
    Shape::of(model).map(|shape| estimate(&shape, &settings(model, load)).total())
}

/// Returns what a worker held with this model and these settings, if one was measured.
fn held_before(db: &Db, model: &Model, load: (&LoadSpec, Engine)) -> anyhow::Result<Option<Vec<DeviceBytes>>> {
    match main_file(model) {
        Some((_, identity)) if unchanged(model) => db.footprint(&identity, &key(model, load)),
        _ => Ok(None),
    }
}

/// Stores what a worker with this model holds.
///
/// # Errors
/// When the database cannot be written to.
pub fn record(db: &mut Db, model: &Model, load: (&LoadSpec, Engine), held: &[DeviceBytes]) -> anyhow::Result<()> {
    match main_file(model) {
        Some((_, identity)) if !held.is_empty() => db.record_footprint(&identity, &key(model, load), held),
        _ => Ok(()),
    }
}

/// Returns the settings of llama.cpp for a load.
fn settings(model: &Model, load: &LoadSpec) -> Settings {
    let context = match (load.context, model.trained_context()) {
        (0, trained) => trained.unwrap_or(Settings::default().n_ctx),
        (context, trained) => trained.map_or(context, |trained| trained.min(context)),
    };
    if load.pooling.is_some() || model.kind == Kind::Embedding {
        // One batch, decoded in one piece, for all texts together.
        let batch = load.batch.max(1);
        let most = context.min(batch.max(load.text_tokens)).max(batch);
        return Settings { n_ctx: most, n_parallel: 1, n_batch: most, n_ubatch: most, ..Settings::default() };
    }
    Settings {
        n_ctx: load.cells(context),
        n_parallel: load.parallel,
        n_batch: load.batch,
        n_ubatch: load.batch.min(Settings::default().n_ubatch),
        ..Settings::default()
    }
}

/// Returns a key of everything that the memory of a worker depends on in addition to the main file.
fn key(model: &Model, (load, engine): (&LoadSpec, Engine)) -> String {
    // What was measured with the usual number is still right.
    let text = match load.text_tokens {
        TEXT_TOKENS => String::new(),
        tokens => format!(" text={tokens}"),
    };
    format!(
        "engine={} ctx={} parallel={} batch={} gpu-layers={} mmap={} pooling={}{text} llama={}{}",
        engine.name(),
        load.context,
        load.parallel,
        load.batch,
        load.gpu_layers.map_or_else(|| "all".to_owned(), |layers| layers.to_string()),
        load.mmap,
        load.pooling.map_or("own", |pooling| pooling.name()),
        crate::engine::build(),
        other_shards(model)
    )
}

/// Adds what the process takes besides the model. `is_all_in_main_memory`: no layer is given to a GPU.
fn with_overhead(devices: &[DeviceMemory], overhead: u64, is_all_in_main_memory: bool) -> Vec<DeviceBytes> {
    let mut all = vec![DeviceBytes { device: MAIN_MEMORY.to_owned(), bytes: overhead }];
    for device in devices {
        let bytes = device.weights.saturating_add(device.kv_cache).saturating_add(device.compute);
        let name = if is_all_in_main_memory { MAIN_MEMORY } else { &device.device };
        add(&mut all, name, bytes, u64::saturating_add);
    }
    all
}

/// Returns the larger figure of each device.
fn larger(mut one: Vec<DeviceBytes>, other: Vec<DeviceBytes>) -> Vec<DeviceBytes> {
    for DeviceBytes { device, bytes } in other {
        add(&mut one, &device, bytes, u64::max);
    }
    one
}

fn add(all: &mut Vec<DeviceBytes>, device: &str, bytes: u64, how: fn(u64, u64) -> u64) {
    match all.iter_mut().find(|known| known.device == device) {
        Some(known) => known.bytes = how(known.bytes, bytes),
        None => all.push(DeviceBytes { device: device.to_owned(), bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Pooling;
    use crate::model::{ModelId, State, StoreKind, Usage};

    fn bytes(all: &[(&str, u64)]) -> Vec<DeviceBytes> {
        all.iter().map(|(device, bytes)| DeviceBytes { device: (*device).into(), bytes: *bytes }).collect()
    }

    /// A batch of the longest text that nobody counted would take the memory of others.
    #[test]
    fn the_memory_of_vectors_is_that_of_the_longest_text_in_one_batch() {
        let model = |kind| Model {
            id: ModelId("a00000000000".into()),
            name: "m".into(),
            store: StoreKind::Dir,
            root: "/m".into(),
            repo: None,
            kind,
            state: State::Ready,
            reason: None,
            content: None,
            artifacts: Vec::new(),
            whole: None,
            shards_expected: 1,
            first_seen: crate::clock::Timestamp(0),
            settings: crate::model::Settings::default(),
            usage: Usage::default(),
        };
        let load = |context, text_tokens, pooling| LoadSpec {
            context,
            text_tokens,
            pooling,
            parallel: 16,
            ..LoadSpec::new(Path::new("/m"))
        };
        let of = |kind, load: &LoadSpec| {
            let Settings { n_ctx, n_parallel, n_ubatch, .. } = settings(&model(kind), load);
            (n_ctx, n_parallel, n_ubatch)
        };
        let mean = Some(Pooling::Mean);
        assert_eq!(of(Kind::Generative, &load(8_192, TEXT_TOKENS, mean)), (2_048, 1, 2_048));
        assert_eq!(of(Kind::Generative, &load(8_192, 8_192, mean)), (8_192, 1, 8_192));
        assert_eq!(of(Kind::Embedding, &load(8_192, 8_192, None)), (8_192, 1, 8_192));
        assert_eq!(of(Kind::Embedding, &load(512, 8_192, None)), (512, 1, 512));
        assert_eq!(of(Kind::Generative, &load(8_192, TEXT_TOKENS, None)), (32_768, 16, 512));
        let key_of = |load: &LoadSpec| key(&model(Kind::Embedding), (load, Engine::Worker));
        assert_ne!(key_of(&load(8_192, 8_192, None)), key_of(&load(8_192, TEXT_TOKENS, None)), "measured apart");
    }

    #[test]
    fn a_process_takes_more_than_its_model_and_the_larger_figure_counts() {
        let device = |name: &str| DeviceMemory { device: name.into(), weights: 4, kv_cache: 2, compute: 1 };
        let devices = [device("CPU"), device("CUDA0")];
        assert_eq!(with_overhead(&devices, 10, false), bytes(&[("CPU", 17), ("CUDA0", 7)]));
        assert_eq!(with_overhead(&devices, 10, true), bytes(&[("CPU", 24)]), "no layer is on the GPU");
        let most = larger(bytes(&[("CPU", 20)]), bytes(&[("CPU", 17), ("CUDA0", 7)]));
        assert_eq!(most, bytes(&[("CPU", 20), ("CUDA0", 7)]));
    }
}
