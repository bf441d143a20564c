//! Checks that the files of models are whole and are what their stores promise.

use super::list::missing_roots;
use super::{OpEvent, Progress, Session, Sink, Step, Unit, resolve_model};
use crate::clock::{self, Timestamp};
use crate::db::{Access, Db, HashRecord};
use crate::display::{Document, text, units};
use crate::failure::Failure;
use crate::host::cpu;
use crate::inventory::{
    self, Depth, FileReport, Learned, ModelReport, Outcome, VerifyEvent, VerifyRequest, identities,
};
use crate::model::{FileIdentity, Model, ModelId, ModelRow, Role, RootState, Selector, State, path_bytes_hex};
use crate::supervise::StopSignal;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Time between two checks of the size of a file; a download writes many times within it.
const PAUSE: Duration = Duration::from_millis(300);

/// A selection of models, and how to verify them.
#[derive(Debug, Clone)]
pub struct Request {
    pub models: Vec<Selector>,
    /// Whether to verify every model that is not gone, instead of the named ones.
    pub all: bool,
    pub depth: Depth,
    /// Bytes per second over all files.
    pub max_rate: Option<u64>,
}

/// The findings of each model, which are recorded.
#[derive(Debug)]
pub struct Verified {
    pub reports: Vec<ModelReport>,
    pub took: Duration,
}

/// Verifies models, and records the result of each file as soon as it is known.
///
/// # Errors
/// Cannot be met (3) for a model that does not exist; interrupted (130) or terminated (143), with the files read so far
/// recorded.
pub fn verify(
    session: &mut Session,
    request: &Request,
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Verified> {
    let started = clock::instant();
    let ids = chosen(session, request, on)?;
    let is_quick = matches!(request.depth, Depth::Quick);
    let now = session.now;
    let db = session.db(if is_quick { Access::ReadOnly } else { Access::ReadWrite })?;
    let models = db.models(Some(&ids))?;
    let mut ledger = Ledger { db, now, done: AtomicU64::new(0) };
    let reports = read(&models, request, &mut ledger, stop, on)?;
    record_changes(session, &reports, is_quick)?;
    Ok(Verified { reports, took: started.elapsed() })
}

/// Records files that are missing or changed, so that other records about them do not count until the next scan; clears
/// that for the others.
fn record_changes(session: &mut Session, reports: &[ModelReport], quick: bool) -> anyhow::Result<()> {
    let files = reports.iter().flat_map(|report| &report.files).map(|file| match &file.outcome {
        outcome @ (Outcome::Changed(_) | Outcome::Missing(_)) => (file.artifact.identity, Some(outcome.sentence())),
        _ => (file.artifact.identity, None),
    });
    let files: Vec<_> = files.collect();
    if quick && files.iter().all(|(_, why)| why.is_none()) {
        return Ok(());
    }
    let now = session.now;
    session.db(Access::ReadWrite)?.record_changed(&files, now)
}

/// Returns the selected models, each once, in the order in which they were named or recorded.
fn chosen(session: &mut Session, request: &Request, on: &mut Sink<'_>) -> anyhow::Result<Vec<ModelId>> {
    if request.all {
        let mut rows = session.db(Access::ReadOnly)?.rows()?;
        rows.retain(|row| row.state != State::Gone);
        let away = unavailable_roots(session, &rows)?;
        for root in away.iter().filter(|root| rows.iter().any(|row| row.root == **root)) {
            let root = text::path(root);
            on(OpEvent::warning(format!("`{root}` is unavailable: its models are not verified")));
        }
        return Ok(rows.into_iter().filter(|row| !away.contains(&row.root)).map(|row| row.id).collect());
    }
    let mut named = HashSet::new();
    let mut ids = Vec::new();
    for selector in &request.models {
        let row = resolve_model::resolve_copy(session, selector)?;
        if unavailable_roots(session, std::slice::from_ref(&row))?.contains(&row.root) {
            let (name, root) = (text::clean(&row.name), text::path(&row.root));
            let failure = Failure::cannot_meet(format!("`{name}` is unavailable: its folder `{root}` is missing"));
            return Err(failure.hint("mount it, or `modelctl scan --forget` removes it from the list").into());
        }
        let id = row.id;
        if named.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Returns the roots that are not there now, and those that the last scan could not read and of which no model is there:
/// an unmounted volume is an empty folder.
fn unavailable_roots(session: &mut Session, rows: &[ModelRow]) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut away = missing_roots(rows);
    let known = session.db(Access::ReadOnly)?.roots()?.into_iter();
    let is_there = |root: &PathBuf| rows.iter().any(|row| row.root == *root && row.path.symlink_metadata().is_ok());
    let unread = known.filter(|root| matches!(root.state, RootState::Unavailable { .. })).map(|root| root.path);
    away.extend(unread.filter(|root| !is_there(root)));
    Ok(away)
}

/// Records hashes.
struct Ledger<'a> {
    db: &'a mut Db,
    now: Timestamp,
    /// Number of hashes that this run recorded.
    done: AtomicU64,
}

fn read(
    models: &[Model],
    request: &Request,
    ledger: &mut Ledger<'_>,
    stop: &StopSignal,
    on: &mut Sink<'_>,
) -> anyhow::Result<Vec<ModelReport>> {
    let before = match request.depth {
        Depth::Quick => HashMap::new(),
        Depth::Full { .. } => ledger.db.verified(&identities(models))?,
    };
    let begin = Progress { unit: Unit::Bytes, ..Progress::new(Step::Verifying, None) };
    on(begin.clone().into());
    let watch = Mutex::new((begin, on));
    let outcome = inventory::verify(VerifyRequest {
        models,
        depth: request.depth,
        before: &before,
        threads: cpu::usable_cores(),
        max_rate: request.max_rate,
        pause: PAUSE,
        wait: &|time| {
            // The verification checks the stop flag itself.
            let _ = stop.wait_timeout(time);
        },
        progress: &|event| {
            let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
            let (progress, on) = &mut *watch;
            match event {
                VerifyEvent::Total(bytes) => progress.total = Some(bytes),
                VerifyEvent::Bytes(more) => progress.done = progress.done.saturating_add(more),
            }
            on(progress.clone().into());
        },
        cancel: stop.flag(),
        record: &mut |file: &FileIdentity, learned: Learned| {
            match learned {
                Learned::Hash(sha256) => {
                    ledger.db.record_verified(file, &HashRecord { sha256, at: ledger.now })?;
                    ledger.done.fetch_add(1, Ordering::Relaxed);
                }
                Learned::OtherHash(sha256) => ledger.db.record_finding(file, Ok(&sha256), ledger.now)?,
                Learned::Unreadable(why) => ledger.db.record_finding(file, Err(&why), ledger.now)?,
            }
            Ok(())
        },
    });
    outcome.map_err(|error| match stop.reason() {
        Some(why) => {
            let done = units::plural(ledger.done.load(Ordering::Relaxed), "file");
            Failure::new(why.kind(), format!("interrupted: {done} verified and recorded"))
                .hint("run the same command again to continue")
                .into()
        }
        None => error,
    })
}

/// Returns the number of files with this result.
pub fn count(reports: &[ModelReport], word: &str) -> u64 {
    reports.iter().flat_map(|r| &r.files).filter(|f| f.outcome.word() == word).count() as u64
}

/// The document of `verify --json`. Part of the public interface: keys are added, never renamed or dropped. Unknown
/// values are `null`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Report<'a> {
    /// `quick` or `full`.
    depth: &'static str,
    /// Whether a file or a set has a fault: the exit code is 1.
    findings: bool,
    counts: Counts,
    models: Vec<ModelEntry<'a>>,
}

impl Document for Report<'_> {
    const SCHEMA: &'static str = "modelctl.verify/1";
}

/// Number of files by result.
#[derive(Debug, Serialize, schemars::JsonSchema)]
struct Counts {
    files: u64,
    ok: u64,
    mismatch: u64,
    damaged: u64,
    missing: u64,
    unreadable: u64,
    changed: u64,
    unsupported: u64,
    unverifiable: u64,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct ModelEntry<'a> {
    id: &'a ModelId,
    name: &'a str,
    findings: bool,
    /// Faults of its split set, as sentences.
    faults: &'a [String],
    files: Vec<FileEntry<'a>>,
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
struct FileEntry<'a> {
    /// Lossily decoded.
    path: String,
    /// The bytes of the path in hexadecimal, only when they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes_hex: Option<String>,
    role: Role,
    /// Place in its split set, from 1.
    shard: Option<u32>,
    size_bytes: u64,
    /// One of the keys of `counts`.
    result: &'static str,
    /// A sentence.
    detail: String,
    /// The hash that the store promises, lower-case hex.
    expected_sha256: Option<&'a str>,
    /// The hash of the content, read now or before.
    sha256: Option<&'a str>,
    /// RFC 3339, UTC: the time at which the content was read, if that was in an earlier run.
    read_before: Option<String>,
}

pub fn report(depth: Depth, reports: &[ModelReport]) -> Report<'_> {
    let count = |word| count(reports, word);
    Report {
        depth: if depth == Depth::Quick { "quick" } else { "full" },
        findings: reports.iter().any(ModelReport::is_finding),
        counts: Counts {
            files: reports.iter().fold(0, |sum, r| sum.saturating_add(r.files.len() as u64)),
            ok: count("ok"),
            mismatch: count("mismatch"),
            damaged: count("damaged"),
            missing: count("missing"),
            unreadable: count("unreadable"),
            changed: count("changed"),
            unsupported: count("unsupported"),
            unverifiable: count("unverifiable"),
        },
        models: reports
            .iter()
            .map(|report| ModelEntry {
                id: &report.id,
                name: &report.name,
                findings: report.is_finding(),
                faults: &report.faults,
                files: report.files.iter().map(file_entry).collect(),
            })
            .collect(),
    }
}

fn file_entry(file: &FileReport) -> FileEntry<'_> {
    FileEntry {
        path: file.artifact.path.to_string_lossy().into_owned(),
        path_bytes_hex: path_bytes_hex(&file.artifact.path),
        role: file.artifact.role,
        shard: file.artifact.shard_no,
        size_bytes: file.artifact.identity.size,
        result: file.outcome.word(),
        detail: file.outcome.sentence(),
        expected_sha256: file.artifact.expected_sha256.as_deref(),
        sha256: file.outcome.sha256(),
        read_before: file.outcome.read_before().map(|at| at.rfc3339()),
    }
}
