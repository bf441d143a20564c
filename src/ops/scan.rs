//! Looks for models and records changes.

use super::trash::explain_gone;
use super::wide_roots::surroundings;
use super::{OpEvent, Progress, Session, Sink, Step, clock_check, history_events};
use crate::clock::{self, Timestamp};
use crate::config::RootsFrom;
use crate::db::Access;
use crate::display::text;
use crate::failure::{Failure, OrFail};
use crate::gguf;
use crate::host::cpu;
use crate::inventory::{self, Header, RootReport, RootSource, RootSpec, ScanEvent, ScanReport, ScanRequest};
use crate::model::{Action, Fault, RootState, StoreKind};
use crate::prune::wide::Surroundings;
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
    // A scan makes the database, also one that was named.
    session.db(Access::ReadWrite)?;
    let roots = roots(session, asked)?;
    for path in &asked.paths {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone()); // only shown
        let folder = inventory::folder_of(&whole);
        if folder == whole.as_path() {
            continue;
        }
        if !inventory::is_model_file(&whole) {
            return Err(Failure::cannot_meet(format!("`{}` is not a GGUF file", text::path(path)))
                .hint("name a folder, or a model file in it")
                .into());
        }
        on(OpEvent::note(format!("`{}` is a file: its folder `{}` is scanned", text::path(path), text::path(folder))));
    }
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
    let mut report =
        run_scan(session, &roots, asked.full, now, &progress, stop.flag()).map_err(|error| match stop.reason() {
            Some(why) => Failure::new(why.kind(), "interrupted: nothing of this scan was recorded").into(),
            None => error,
        })?;
    let on = watch.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    explain_gone(session, &mut report, on)?;
    forget_wide(session, &mut report, on)?;
    say_what_was_not_searched(session, &report, asked, on);
    let event = history_events::scanned(session.event(Action::Scan), &report.outcome.counts, &report.changes);
    session.db(Access::ReadWrite)?.record_scan_told(&report.outcome, now, event)?;
    Ok(Scanned { report, took: started.elapsed() })
}

/// Takes back that a root is to be scanned again by every later scan, where it holds more than models.
fn forget_wide(session: &mut Session, report: &mut ScanReport, on: &mut Sink<'_>) -> anyhow::Result<()> {
    if report.outcome.remembered.is_empty() {
        return Ok(());
    }
    // A folder with other roots in it is somebody's own.
    let around = Surroundings { roots: Vec::new(), ..surroundings(session)? };
    report.outcome.remembered.retain(|root| {
        let why = around.too_wide(root);
        if let Some(why) = &why {
            let why = why.strip_prefix("its ").unwrap_or(why);
            on(OpEvent::warning(format!("{why}: later scans leave it out unless it is named again")));
        }
        why.is_none()
    });
    Ok(())
}

/// Looks in the configured and remembered roots, and records nothing.
///
/// # Errors
/// As [`scan`].
pub fn look(session: &mut Session, stop: &StopSignal) -> anyhow::Result<ScanReport> {
    let roots = roots(session, &Request::default())?;
    let now = session.now;
    run_scan(session, &roots, false, now, &|_| {}, stop.flag()).map_err(|error| match stop.reason() {
        Some(why) => Failure::new(why.kind(), "interrupted").into(),
        None => error,
    })
}

/// Says which roots were not searched, and what a person can do about that.
fn say_what_was_not_searched(session: &Session, report: &ScanReport, asked: &Request, on: &mut Sink<'_>) {
    let is_missing = |root: &&RootReport| {
        root.named_by == RootSource::Remembered && matches!(root.state, RootState::Unavailable { .. })
    };
    for root in report.roots.iter().filter(is_missing) {
        let path = text::path(&root.path);
        on(OpEvent::hint(format!("`modelctl scan --forget {path}` removes a folder that will not come back")));
    }
    if session.config.is_database_of_service {
        let database = text::path(&session.config.database);
        on(OpEvent::note(format!("HOME is not set: the database is `{database}`")));
    }
    if report.roots.is_empty() && !asked.is_named() {
        let home = if session.config.has_home { "" } else { " HOME is not set," };
        on(OpEvent::warning(format!("no place was searched:{home} no known place exists and no folder is configured")));
        let database = text::path(&session.config.database);
        on(OpEvent::hint(format!("`modelctl scan DIR` scans a folder; the database is `{database}`")));
    }
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
    let db = session.db(Access::ReadOnly)?;
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

/// Returns the roots of the request, else those of the configuration and those that an earlier scan was asked to look in.
fn roots(session: &mut Session, asked: &Request) -> anyhow::Result<Vec<RootSpec>> {
    let given: Vec<(PathBuf, Option<StoreKind>)> = asked
        .paths
        .iter()
        .map(|path| (path.clone(), None))
        .chain(asked.stores.iter().map(|(store, path)| (path.clone(), Some(*store))))
        .collect();
    let remembered = if given.is_empty() { session.db(Access::ReadOnly)?.roots()? } else { Vec::new() };
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
    let absolute = |(path, store): (PathBuf, Option<StoreKind>)| {
        let absolute = std::path::absolute(&path)
            .or_fail(|| Failure::cannot_meet(format!("cannot use `{}`", text::path(&path))))?;
        Ok(RootSpec { path: absolute, store, named_by })
    };
    let mut specs: Vec<RootSpec> = list.into_iter().map(absolute).collect::<anyhow::Result<_>>()?;
    specs.extend(remembered.into_iter().filter(|root| root.is_remembered).map(|root| RootSpec {
        path: root.path,
        // What a plain folder holds is found out again.
        store: Some(root.store).filter(|store| *store != StoreKind::Dir),
        named_by: RootSource::Remembered,
    }));
    Ok(specs)
}

pub(super) fn read_header(path: &Path) -> Result<Header, Fault> {
    let read = gguf::read_path(path).map_err(|e| e.fault())?;
    Ok(Header { identity: read.identity, allocated: read.allocated, facts: read.facts })
}
