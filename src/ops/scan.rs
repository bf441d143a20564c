//! Looks for models and records changes.

use super::{OpEvent, Progress, Session, Sink, Step, clock_check, history_events};
use crate::clock::{self, Timestamp};
use crate::config::RootsFrom;
use crate::db::Access;
use crate::display::text;
use crate::failure::{Failure, OrFail};
use crate::gguf;
use crate::host::cpu;
use crate::inventory::{self, Header, RootSource, RootSpec, ScanEvent, ScanReport, ScanRequest};
use crate::model::{Action, Fault, StoreKind};
use crate::supervise::StopSignal;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The roots of a scan, and its options.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Folders or files; when `stores` is empty too, the configured roots are scanned.
    pub paths: Vec<PathBuf>,
    /// Folders that are the root of that store.
    pub stores: Vec<(StoreKind, PathBuf)>,
    /// Whether to read everything again, including files that have not changed.
    pub full: bool,
}

impl Request {
    /// Returns whether the request names roots.
    pub fn is_named(&self) -> bool {
        !self.paths.is_empty() || !self.stores.is_empty()
    }
}

/// A scan that was recorded.
#[derive(Debug)]
pub struct Scanned {
    pub report: ScanReport,
    pub took: Duration,
}

/// Scans, and records changes.
///
/// # Errors
/// Interrupted (130) or terminated (143), with nothing recorded; cannot be met (3) for a root that cannot be read.
pub fn scan(session: &mut Session, asked: &Request, stop: &StopSignal, on: &mut Sink<'_>) -> anyhow::Result<Scanned> {
    let started = clock::instant();
    let roots = roots(session, asked)?;
    if !asked.is_named() {
        for (variable, path) in &session.config.roots.missing {
            on(OpEvent::warning(format!("{variable} names `{}`, which does not exist", text::path(path))));
        }
    }
    clock_check::note(session)?;
    let now = session.now;
    let watch = Mutex::new((Progress::new(Step::Scanning, None), on));
    let progress = |event| {
        let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
        let (progress, on) = &mut *watch;
        advance(progress, event);
        on(progress.clone().into());
    };
    let report =
        run_scan(session, &roots, asked.full, now, &progress, stop.flag()).map_err(|error| match stop.reason() {
            Some(why) => Failure::new(why.kind(), "interrupted: nothing of this scan was recorded").into(),
            None => error,
        })?;
    let event = history_events::scanned(session.event(Action::Scan), &report.outcome.counts, &report.changes);
    session.db(Access::ReadWrite)?.record_scan_told(&report.outcome, now, event)?;
    Ok(Scanned { report, took: started.elapsed() })
}

/// Scans these roots again after modelctl changed something in them, and records the result without an event.
pub fn rescan(session: &mut Session, roots: &[(StoreKind, PathBuf)]) -> anyhow::Result<()> {
    let spec = |(store, path): &(StoreKind, PathBuf)| RootSpec {
        path: path.clone(),
        store: Some(*store),
        named_by: RootSource::Default,
    };
    let roots: Vec<RootSpec> = roots.iter().map(spec).collect();
    let now = clock::now();
    let report = run_scan(session, &roots, false, now, &|_| {}, &AtomicBool::new(false))?;
    session.db(Access::ReadWrite)?.record_scan(&report.outcome, now)
}

fn run_scan(
    session: &mut Session,
    roots: &[RootSpec],
    full: bool,
    now: Timestamp,
    progress: &(dyn Fn(ScanEvent) + Sync),
    cancel: &AtomicBool,
) -> anyhow::Result<ScanReport> {
    let db = session.db(Access::ReadWrite)?;
    let known = db.known_files()?;
    let stamps = if full { Vec::new() } else { db.stamps()? };
    inventory::scan(ScanRequest {
        roots,
        known: &known,
        stamps: &stamps,
        now,
        threads: cpu::usable_cores(),
        read: &read_header,
        load: &mut |roots| db.models_in(roots),
        progress,
        cancel,
    })
}

fn advance(progress: &mut Progress, event: ScanEvent) {
    match event {
        ScanEvent::Root { path } => progress.about = Some(text::path(&path)),
        ScanEvent::Entries { seen } => progress.done = seen,
        ScanEvent::Headers { done, total } => (progress.done, progress.total) = (done, Some(total)),
    }
}

/// Returns the roots of the request, else those of the configuration.
fn roots(session: &Session, asked: &Request) -> anyhow::Result<Vec<RootSpec>> {
    let given: Vec<(PathBuf, Option<StoreKind>)> = asked
        .paths
        .iter()
        .map(|path| (path.clone(), None))
        .chain(asked.stores.iter().map(|(store, path)| (path.clone(), Some(*store))))
        .collect();
    let configured = &session.config.roots;
    let (list, named_by) = if given.is_empty() {
        let list = configured.paths.iter().map(|root| (root.path.clone(), root.store)).collect();
        let named_by = match configured.from {
            RootsFrom::Environment => RootSource::Environment("MODEL_SCAN_PATH"),
            RootsFrom::File => RootSource::ConfigFile,
            RootsFrom::Default => RootSource::Default,
        };
        (list, named_by)
    } else {
        (given, RootSource::Argument)
    };
    list.into_iter()
        .map(|(path, store)| {
            let absolute = std::path::absolute(&path)
                .or_fail(|| Failure::cannot_meet(format!("cannot use `{}`", text::path(&path))))?;
            Ok(RootSpec { path: absolute, store, named_by })
        })
        .collect()
}

pub(super) fn read_header(path: &Path) -> Result<Header, Fault> {
    let read = gguf::read_path(path).map_err(|e| e.fault())?;
    Ok(Header { identity: read.identity, allocated: read.allocated, facts: read.facts })
}
