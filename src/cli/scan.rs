//! `modelctl scan [PATH…]`: looks for models, records what changed, says what that was.

use super::{Access, Ctx, Exit, scan_report};
use crate::clock;
use crate::config::RootsFrom;
use crate::failure::{Failure, OrFail};
use crate::gguf;
use crate::host::cpu;
use crate::inventory::{self, Header, RootSource, RootSpec, ScanEvent, ScanRequest};
use crate::ui::{Progress, text};
use clap::Args;
use std::path::{Path, PathBuf};

/// Look for models and record what is there
///
/// Reads only headers, and of files that have not changed since the last scan not even those. A root that is missing
/// or empty although models are known in it counts as unavailable: nothing in it is taken for gone.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Folders or files to look in [default: MODEL_SCAN_PATH, else the config file, else the known places]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Print the report as a JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ScanArgs) -> anyhow::Result<Exit> {
    let started = clock::instant();
    let interrupt = super::listen()?;
    let roots = roots(ctx, &args.paths)?;
    let progress = ctx.ui.progress("scanning", None);
    let now = ctx.now;
    let db = ctx.db(Access::ReadWrite)?;
    let known = db.known_files()?;
    let report = inventory::scan(ScanRequest {
        roots: &roots,
        known: &known,
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
    db.record_scan(&report.outcome, now)?;
    if args.json {
        ctx.ui.json(&scan_report::document(&report, started.elapsed()))?;
    } else {
        scan_report::print(&mut ctx.ui, &report, started.elapsed())?;
    }
    scan_report::verdict(&report, &args.paths)
}

/// Arguments, else what the configuration says.
fn roots(ctx: &Ctx, paths: &[PathBuf]) -> anyhow::Result<Vec<RootSpec>> {
    let configured = &ctx.config.roots;
    let (list, named_by) = match (paths, configured.from) {
        ([], RootsFrom::Environment) => (configured.paths.as_slice(), RootSource::Environment("MODEL_SCAN_PATH")),
        ([], RootsFrom::File) => (configured.paths.as_slice(), RootSource::ConfigFile),
        ([], RootsFrom::Default) => (configured.paths.as_slice(), RootSource::Default),
        (paths, _) => (paths, RootSource::Argument),
    };
    list.iter()
        .map(|path| {
            let absolute = std::path::absolute(path)
                .or_fail(|| Failure::cannot_meet(format!("cannot tell what `{}` means", text::path(path))))?;
            Ok(RootSpec { path: absolute, store: None, named_by })
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
