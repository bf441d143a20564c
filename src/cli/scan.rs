//! `modelctl scan [PATH…]`: looks for models, records what changed, says what that was.

use super::{Access, Ctx, Exit, scan_report, tell_history};
use crate::clock;
use crate::config::RootsFrom;
use crate::failure::{Failure, OrFail};
use crate::gguf;
use crate::host::cpu;
use crate::inventory::{self, Header, RootSource, RootSpec, ScanEvent, ScanRequest};
use crate::model::{Action, StoreKind};
use crate::ui::{Progress, text};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Look for models and record what is there
///
/// Reads only headers, and of files that have not changed since the last scan not even those. A root that is missing
/// or empty although models are known in it counts as unavailable: nothing in it is taken for gone.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Folders or files to look in [default: MODEL_SCAN_PATH, else the config file, else the known places]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Look in this folder too, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp,
    /// ramalama, docker)
    #[arg(long = "store", value_name = "NAME=PATH", value_parser = OsStringValueParser::new().try_map(named_store))]
    pub stores: Vec<(StoreKind, PathBuf)>,
    /// Read everything again, also repositories of a Hugging Face cache in which nothing has changed
    #[arg(long)]
    pub full: bool,
    /// Print the report as a JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ScanArgs) -> anyhow::Result<Exit> {
    let started = clock::instant();
    let interrupt = super::listen()?;
    let roots = roots(ctx, args)?;
    let progress = ctx.ui.progress("scanning", None);
    let now = ctx.now;
    let db = ctx.db(Access::ReadWrite)?;
    let known = db.known_files()?;
    let stamps = if args.full { Vec::new() } else { db.stamps()? };
    let report = inventory::scan(ScanRequest {
        roots: &roots,
        known: &known,
        stamps: &stamps,
        now,
        threads: cpu::usable_cores(),
        read: &read_header,
        load: &mut |roots| db.models_in(roots),
        progress: &|event| show(&progress, event),
        cancel: interrupt.raised(),
    })
    .map_err(|error| match interrupt.thrown() {
        Some(why) => Failure::new(why.kind(), "interrupted: nothing of this scan was recorded").into(),
        None => error,
    })?;
    drop(progress);
    let counts = &report.outcome.counts;
    let event = tell_history::scanned(ctx.event(Action::Scan), counts, &report.changes);
    ctx.db(Access::ReadWrite)?.record_scan_told(&report.outcome, now, event)?;
    if args.json {
        ctx.ui.json(&scan_report::document(&report, started.elapsed()))?;
    } else {
        scan_report::print(&mut ctx.ui, &report, started.elapsed())?;
    }
    scan_report::verdict(&report, !args.paths.is_empty() || !args.stores.is_empty())
}

/// Looks at these roots again after something in them was changed by us, and records it without a word.
pub(super) fn again(ctx: &mut Ctx, roots: &[(StoreKind, PathBuf)]) -> anyhow::Result<()> {
    let roots: Vec<RootSpec> = roots
        .iter()
        .map(|(store, path)| RootSpec { path: path.clone(), store: Some(*store), named_by: RootSource::Default })
        .collect();
    let now = clock::now();
    let db = ctx.db(Access::ReadWrite)?;
    let (known, stamps) = (db.known_files()?, db.stamps()?);
    let report = inventory::scan(ScanRequest {
        roots: &roots,
        known: &known,
        stamps: &stamps,
        now,
        threads: cpu::usable_cores(),
        read: &read_header,
        load: &mut |roots| db.models_in(roots),
        progress: &|_| {},
        cancel: &AtomicBool::new(false),
    })?;
    db.record_scan(&report.outcome, now)
}

/// Reads `NAME=PATH`.
fn named_store(text: OsString) -> Result<(StoreKind, PathBuf), String> {
    let mut parts = text.as_bytes().splitn(2, |b| *b == b'=');
    let (Some(name), Some(path)) = (parts.next(), parts.next()) else {
        return Err("a store is named as NAME=PATH, for example ollama=/srv/models".to_owned());
    };
    let store = std::str::from_utf8(name).ok().and_then(StoreKind::from_name).ok_or_else(|| {
        let all = StoreKind::ALL.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
        format!("there is no store of that name; known are {all}")
    })?;
    if path.is_empty() {
        return Err("the path after `=` is empty".to_owned());
    }
    Ok((store, PathBuf::from(OsStr::from_bytes(path))))
}

/// Arguments, else what the configuration says.
fn roots(ctx: &Ctx, args: &ScanArgs) -> anyhow::Result<Vec<RootSpec>> {
    let given: Vec<(PathBuf, Option<StoreKind>)> = args
        .paths
        .iter()
        .map(|path| (path.clone(), None))
        .chain(args.stores.iter().map(|(store, path)| (path.clone(), Some(*store))))
        .collect();
    let configured = &ctx.config.roots;
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
                .or_fail(|| Failure::cannot_meet(format!("cannot tell what `{}` means", text::path(&path))))?;
            Ok(RootSpec { path: absolute, store, named_by })
        })
        .collect()
}

fn read_header(path: &Path) -> Result<Header, String> {
    let read = gguf::read_path(path).map_err(|e| e.to_string())?;
    Ok(Header { identity: read.identity, allocated: read.allocated, facts: read.facts })
}

fn show(progress: &Progress, event: ScanEvent) {
    match event {
        ScanEvent::Root { path } => progress.about(&text::path(&path)),
        ScanEvent::Entries { seen } => progress.set_done(seen),
        ScanEvent::Headers { done, total } => {
            progress.set_total(total);
            progress.set_done(done);
        }
    }
}
