//! One model, for a client.

use super::Shown;
use super::metadata::{IntegrityReport, Metadata};
use crate::clock::Timestamp;
use crate::display::Document;
use crate::model::server::Choices;
use crate::model::{
    Artifact, Class, DeviceMemory, Listed, Nature, Reading, Role, Stored, TierLimits, path_bytes_hex, paths_bytes_hex,
};
use crate::ops::memory_fit::{Difference, FORMULA, LLAMA, Need, fits};
use serde::Serialize;

/// The document of `show --json`: the keys of `list --json`, and more. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct ShowReport<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    note: Option<&'a str>,
    /// What was chosen for its server with `modelctl set` or the API.
    server: &'a Choices,
    shards_expected: u32,
    /// Confidence that a projector belongs to its model, as a sentence; null for a model without one.
    pairing: Option<&'a str>,
    files: Vec<FileDocument<'a>>,
    /// The header of the main file, or of all parts of a split set together; null when none can be read.
    metadata: Option<Metadata<'a>>,
    /// At one context; null when there is no figure.
    memory: Option<MemoryReport>,
    /// The reason why there is no figure.
    memory_unknown: Option<&'a str>,
    /// Source of the figures of `memory`.
    memory_source: &'static str,
    /// Bytes by device, as llama.cpp lays the model out; null when it was never measured.
    exact: Option<Exact<'a>>,
    /// Places where the model fits now; empty without a figure.
    fits: Vec<FitReport>,
    last_source: Option<&'a str>,
    /// Latest first.
    uses: Vec<UseDocument<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Exact<'a> {
    source: &'static str,
    /// Null where llama.cpp gave no figures.
    devices: Option<Vec<DeviceReport<'a>>>,
    /// The reason why it gave none.
    devices_unknown: Option<&'a str>,
    /// The sum over the devices minus the formula.
    difference: Option<DifferenceReport>,
}

/// Memory at one context.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct MemoryReport {
    /// Tokens, over all sequences.
    context: u32,
    parallel: u32,
    /// Includes the projector.
    weights_bytes: u64,
    projector_bytes: u64,
    kv_cache_bytes: u64,
    compute_bytes: u64,
    overhead_bytes: u64,
    total_bytes: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct DeviceReport<'a> {
    /// `CPU` is main memory, `CUDA0` the first GPU.
    device: &'a str,
    weights_bytes: u64,
    kv_cache_bytes: u64,
    compute_bytes: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct DifferenceReport {
    weights_bytes: i64,
    kv_cache_bytes: i64,
    compute_bytes: i64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct FitReport {
    /// `main memory`, `GPU 0`, `GPUs`.
    place: String,
    /// Null when that is not known.
    fits: Option<bool>,
    /// The figures, or the reason, for a person.
    detail: String,
}

impl MemoryReport {
    fn of(need: &Need) -> MemoryReport {
        MemoryReport {
            context: need.context,
            parallel: need.parallel,
            weights_bytes: need.weights,
            projector_bytes: need.projector,
            kv_cache_bytes: need.kv_cache,
            compute_bytes: need.compute,
            overhead_bytes: need.overhead,
            total_bytes: need.total,
        }
    }
}

impl DeviceReport<'_> {
    fn of(memory: &DeviceMemory) -> DeviceReport<'_> {
        DeviceReport {
            device: &memory.device,
            weights_bytes: memory.weights,
            kv_cache_bytes: memory.kv_cache,
            compute_bytes: memory.compute,
        }
    }
}

impl Exact<'_> {
    fn of<'a>(devices: &'a Reading<Vec<DeviceMemory>>, need: &Reading<Need>) -> Exact<'a> {
        let difference = devices.known().zip(need.known()).map(|(devices, need)| Difference::of(devices, need));
        let difference = difference.map(|of| DifferenceReport {
            weights_bytes: of.weights,
            kv_cache_bytes: of.kv_cache,
            compute_bytes: of.compute,
        });
        let known = devices.known().map(|devices| devices.iter().map(DeviceReport::of).collect());
        Exact { source: LLAMA, devices: known, devices_unknown: devices.unavailable(), difference }
    }
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct FileDocument<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    /// The path of the bytes, when it is another one.
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes_hex: Option<String>,
    also: Vec<String>,
    /// The bytes of all of `also`, when one is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    also_bytes_hex: Option<Vec<String>>,
    role: Role,
    /// From 1.
    shard_no: Option<u32>,
    size_bytes: u64,
    allocated_bytes: u64,
    device: u64,
    inode: u64,
    /// RFC 3339, UTC.
    modified: String,
    /// The class of the file in its store; `why`: the reason for it.
    class: Option<Class>,
    why: Option<&'a str>,
    expected_sha256: Option<&'a str>,
    /// Computed from exactly these bytes by `verify`.
    verified_sha256: Option<&'a str>,
    header_error: Option<&'a str>,
    /// The kind of the fault: `damaged`, `unsupported` or `unreadable`.
    header_fault: Option<Nature>,
    integrity: Option<IntegrityReport<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct UseDocument<'a> {
    at: String,
    source: &'a str,
}

impl Document for ShowReport<'_> {
    const SCHEMA: &'static str = "modelctl.show/1";
}

/// Returns the document of one model.
pub fn report<'a>(shown: &'a Shown, limits: &TierLimits) -> ShowReport<'a> {
    let model = &shown.model;
    ShowReport {
        listed: Listed::of(&shown.row, limits),
        note: model.settings.note.as_deref(),
        server: &model.settings.server,
        shards_expected: model.shards_expected,
        pairing: shown.pairing.as_deref(),
        files: model.artifacts.iter().map(|a| file_document(a, shown.stored_of(a))).collect(),
        metadata: model.facts().map(Metadata::of),
        memory: shown.need.known().map(MemoryReport::of),
        memory_unknown: shown.need.unavailable(),
        memory_source: FORMULA,
        exact: shown.exact.as_ref().map(|devices| Exact::of(devices, &shown.need)),
        fits: shown.need.known().map_or_else(Vec::new, |need| {
            let fits = fits(need.total, &shown.machine).into_iter();
            fits.map(|fit| FitReport { place: fit.place, fits: fit.fits, detail: fit.words }).collect()
        }),
        last_source: model.usage.last_source.as_deref(),
        uses: shown.events.iter().map(|u| UseDocument { at: u.at.rfc3339(), source: &u.source }).collect(),
    }
}

fn file_document<'a>(artifact: &'a Artifact, stored: Option<&'a Stored>) -> FileDocument<'a> {
    let lossy = |path: &std::path::Path| path.to_string_lossy().into_owned();
    FileDocument {
        path: lossy(&artifact.path),
        path_bytes_hex: path_bytes_hex(&artifact.path),
        target: artifact.target.as_deref().map(lossy),
        target_bytes_hex: artifact.target.as_deref().and_then(path_bytes_hex),
        also_bytes_hex: paths_bytes_hex(&artifact.also),
        also: artifact.also.iter().map(|p| lossy(p)).collect(),
        role: artifact.role,
        shard_no: artifact.shard_no,
        size_bytes: artifact.identity.size,
        allocated_bytes: artifact.allocated,
        device: artifact.identity.dev,
        inode: artifact.identity.ino,
        modified: Timestamp(artifact.identity.mtime_ns.div_euclid(1_000_000)).rfc3339(),
        class: stored.map(|s| s.holding.class),
        why: stored.map(|s| s.holding.why.as_str()),
        expected_sha256: artifact.expected_sha256.as_deref(),
        verified_sha256: stored.and_then(|s| s.verified_sha256.as_deref()),
        header_error: artifact.header.as_ref().err().map(|fault| fault.why.as_str()),
        header_fault: artifact.header.as_ref().err().map(|fault| fault.nature),
        integrity: artifact.header.as_ref().ok().map(|f| IntegrityReport::of(&f.integrity)),
    }
}
