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
        ctx.ui.json(&scan_report::document(&report, took))?;
    } else {
        view::print(&mut ctx.ui, &report, args.verbose, took)?;
    }
    view::verdict(&report, asked.is_named())
}

/// Parses `NAME=PATH`.
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
