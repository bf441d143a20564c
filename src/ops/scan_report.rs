//! The report of a scan, for a client.

use crate::inventory::{Change, ChangeKind, ScanReport, Skipped};
use crate::model::{ModelId, ScanCounts, StoreKind, path_bytes_hex};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// The document of `scan --json`. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Document<'a> {
    roots: Vec<RootDocument<'a>>,
    counts: ScanCounts,
    changes: Vec<ChangeDocument<'a>>,
    skipped: Vec<SkippedDocument<'a>>,
    took_ms: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct RootDocument<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    store: StoreKind,
    /// `read` or `unavailable`.
    state: &'static str,
    /// The reason why it is unavailable.
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct ChangeDocument<'a> {
    /// `added`, `changed`, `moved`, `gone` or `unavailable`.
    change: &'static str,
    id: &'a ModelId,
    name: &'a str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    /// The former path of a moved model; null for other changes.
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from_bytes_hex: Option<String>,
    detail: Option<&'a str>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct SkippedDocument<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    reason: &'a str,
}

impl crate::display::Document for Document<'_> {
    const SCHEMA: &'static str = "modelctl.scan/1";
}

/// Returns the document of a scan that took `took`.
pub fn document(report: &ScanReport, took: Duration) -> Document<'_> {
    let lossy = |path: &Path| path.to_string_lossy().into_owned();
    let roots = report.outcome.roots.iter();
    let from = |change: &Change| match &change.kind {
        ChangeKind::Moved { from } => (Some(lossy(from)), path_bytes_hex(from)),
        _ => (None, None),
    };
    Document {
        roots: roots
            .map(|(path, store, state)| RootDocument {
                path: lossy(path),
                path_bytes_hex: path_bytes_hex(path),
                store: *store,
                state: state.name(),
                reason: state.reason(),
            })
            .collect(),
        counts: report.outcome.counts,
        changes: report
            .changes
            .iter()
            .map(|c| (c, from(c)))
            .map(|(c, (from, from_bytes_hex))| ChangeDocument {
                change: change_name(&c.kind),
                id: &c.id,
                name: &c.name,
                path: lossy(&c.path),
                path_bytes_hex: path_bytes_hex(&c.path),
                from,
                from_bytes_hex,
                detail: c.detail.as_deref(),
            })
            .collect(),
        skipped: report
            .skipped
            .iter()
            .map(|Skipped { path, reason }| SkippedDocument {
                path: lossy(path),
                path_bytes_hex: path_bytes_hex(path),
                reason,
            })
            .collect(),
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Returns the name of a kind of change, in tables, JSON and the history.
pub fn change_name(kind: &ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Changed => "changed",
        ChangeKind::Moved { .. } => "moved",
        ChangeKind::Gone => "gone",
        ChangeKind::Unavailable => "unavailable",
    }
}
