//! `modelctl scan [PATH…]`: looks for models, records changes and prints them.

mod view;

use super::{Ctx, Exit};
use crate::failure::Failure;
use crate::model::StoreKind;
use crate::ops::forget;
use crate::ops::scan::{Request, Scanned, scan};
use crate::ops::scan_report;
use crate::ui::{text, units};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Find models and record them
///
/// Reads only headers, and skips files that have not changed since the last scan. A root that is missing
/// or empty although it had models is unavailable: its models are kept, because an unmounted disk is not a deletion.
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Folders to scan, also by later scans without a PATH; of a file, its folder [default: MODEL_SCAN_PATH, else the
    /// config file, else the known places; and every folder that was named before]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also scan this folder, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp,
    /// ramalama, docker)
    #[arg(long = "store", value_name = "NAME=PATH", value_parser = OsStringValueParser::new().try_map(named_store))]
    pub stores: Vec<(StoreKind, PathBuf)>,
    /// Read everything again, including unchanged repositories of a Hugging Face cache
    #[arg(long)]
    pub full: bool,
    /// Forget this folder and the models in it: it is no longer scanned or listed. No file is changed
    #[arg(long, value_name = "PATH", conflicts_with_all = ["paths", "stores", "full"])]
    pub forget: Vec<PathBuf>,
    /// List every change and every skipped file, not only the problems
    #[arg(long, short)]
    pub verbose: bool,
    /// Print the report as a JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ScanArgs) -> anyhow::Result<Exit> {
    if !args.forget.is_empty() {
        return forget(ctx, args);
    }
    let stop = super::stop_on_signals()?;
    let asked = Request { paths: args.paths.clone(), stores: args.stores.clone(), full: args.full };
    let Scanned { report, took } = ctx.run(|session, on| scan(session, &asked, &stop, on))?;
    if args.json {
        ctx.ui.document(&scan_report::document(&report, took))?;
    } else {
        view::print(&mut ctx.ui, &report, args.verbose, took)?;
    }
    let refused: Vec<String> = report.refused().map(|root| text::path(&root.path)).collect();
    if !refused.is_empty() {
        let message =
            format!("{} could not be scanned: {}", units::plural(refused.len() as u64, "folder"), refused.join(", "));
        return Err(Failure::cannot_meet(message)
            .hint("the others were; name folders that exist and that you may read")
            .into());
    }
    view::verdict(&report, asked.is_named())
}

fn forget(ctx: &mut Ctx, args: &ScanArgs) -> anyhow::Result<Exit> {
    let forgotten = forget::forget(&mut ctx.session, &args.forget)?;
    if args.json {
        ctx.ui.document(&forgotten)?;
        return Ok(Exit::Done);
    }
    let (folders, models) = (forgotten.roots.len() as u64, forgotten.models);
    let (folders, models) = (units::plural(folders, "folder"), units::plural(models, "model"));
    ctx.ui.line(&format!("forgot {folders} with {models}; no file was changed"))?;
    forgotten.again.iter().for_each(|why| ctx.ui.warn(&format!("the next scan looks there again: {why}")));
    Ok(Exit::Done)
}

/// Parses `NAME=PATH`.
fn named_store(text: OsString) -> Result<(StoreKind, PathBuf), String> {
    let mut parts = text.as_bytes().splitn(2, |b| *b == b'=');
    let (Some(name), Some(path)) = (parts.next(), parts.next()) else {
        return Err("expected NAME=PATH, for example ollama=/srv/models".to_owned());
    };
    let store = std::str::from_utf8(name).ok().and_then(StoreKind::from_name).ok_or_else(|| {
        let all = StoreKind::ALL.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
        format!("unknown store; known stores: {all}")
    })?;
    if path.is_empty() {
        return Err("the path after `=` is empty".to_owned());
    }
    Ok((store, PathBuf::from(OsStr::from_bytes(path))))
}
