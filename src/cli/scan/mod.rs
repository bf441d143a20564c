//! `modelctl scan [PATH…]`: looks for models, records changes and prints them.

mod view;

use super::{Ctx, Exit};
use crate::model::StoreKind;
use crate::ops::scan::{Request, Scanned, scan};
use crate::ops::scan_report;
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
    /// Folders or files to scan [default: MODEL_SCAN_PATH, else the config file, else the known places]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also scan this folder, as the root of that store: `ollama=/srv/models` (dir, hf, ollama, lmstudio, llamacpp,
    /// ramalama, docker)
    #[arg(long = "store", value_name = "NAME=PATH", value_parser = OsStringValueParser::new().try_map(named_store))]
    pub stores: Vec<(StoreKind, PathBuf)>,
    /// Read everything again, including unchanged repositories of a Hugging Face cache
    #[arg(long)]
    pub full: bool,
    /// List every change and every skipped file, not only the problems
    #[arg(long, short)]
    pub verbose: bool,
    /// Print the report as a JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ScanArgs) -> anyhow::Result<Exit> {
    let stop = super::stop_on_signals()?;
    let asked = Request { paths: args.paths.clone(), stores: args.stores.clone(), full: args.full };
    let Scanned { report, took } = ctx.run(|session, on| scan(session, &asked, &stop, on))?;
    if args.json {
        ctx.ui.document(&scan_report::document(&report, took))?;
    } else {
        view::print(&mut ctx.ui, &report, args.verbose, took)?;
    }
    view::verdict(&report, asked.is_named())
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
