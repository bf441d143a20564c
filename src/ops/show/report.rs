//! One model, for a client.

use super::Shown;
use crate::clock::Timestamp;
use crate::model::server::Choices;
use crate::model::{
    Artifact, Class, DeviceMemory, Facts, Integrity, Listed, Nature, Reading, Role, Stored, TierLimits, path_bytes_hex,
};
use crate::ops::memory_fit::{Difference, FORMULA, Fit, LLAMA, Need, fits};
use serde::Serialize;

/// The document of `show --json`: the keys of `list --json`, and more. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize)]
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
    metadata: Option<&'a Facts>,
    /// Bytes at one context, or the reason why there is no figure.
    memory: &'a Reading<Need>,
    /// Source of the figures of `memory`.
    memory_source: &'static str,
    /// Bytes by device, as llama.cpp lays the model out, or the reason why it did not; null when it was never measured.
    exact: Option<Exact<'a>>,
    /// Places where the model fits now; empty without a figure.
    fits: Vec<Fit>,
    last_source: Option<&'a str>,
    /// Latest first.
    uses: Vec<UseDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct Exact<'a> {
    source: &'static str,
    devices: &'a Reading<Vec<DeviceMemory>>,
    /// The sum over the devices minus the formula, in bytes.
    difference: Option<Difference>,
}

#[derive(Debug, Serialize)]
struct FileDocument<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    /// The path of the bytes, when it is another one.
    target: Option<String>,
    also: Vec<String>,
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
    integrity: Option<&'a Integrity>,
}

#[derive(Debug, Serialize)]
struct UseDocument<'a> {
    at: String,
    source: &'a str,
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
        metadata: model.facts(),
        memory: &shown.need,
        memory_source: FORMULA,
        exact: shown.exact.as_ref().map(|reading| Exact {
            source: LLAMA,
            devices: reading,
            difference: reading.known().zip(shown.need.known()).map(|(d, need)| Difference::of(d, need)),
        }),
        fits: shown.need.known().map_or_else(Vec::new, |need| fits(need.total, &shown.machine)),
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
        integrity: artifact.header.as_ref().ok().map(|f| &f.integrity),
    }
}
