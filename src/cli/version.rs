//! `modelctl version`: the version of this program, and what it was built with.

use super::{Ctx, Exit};
use crate::db;
use crate::engine;
use crate::ui::Document;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

/// Print the version
#[derive(Debug, Args)]
pub struct VersionArgs {
    /// Print JSON, with the version of the database and whether models can be run
    #[arg(long)]
    json: bool,
}

/// The document of `version --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VersionReport {
    version: &'static str,
    /// The version of the databases that it writes.
    database: i32,
    /// Whether it was built with llama.cpp, which runs models.
    engine: bool,
}

impl Document for VersionReport {
    const SCHEMA: &'static str = "modelctl.version/1";
}

pub fn run(ctx: &mut Ctx, args: &VersionArgs) -> anyhow::Result<Exit> {
    let version = env!("CARGO_PKG_VERSION");
    if args.json {
        let engine = engine::available().is_ok();
        ctx.ui.document(&VersionReport { version, database: db::VERSION, engine })?;
    } else {
        ctx.ui.line(&format!("modelctl {version}"))?;
    }
    Ok(Exit::Done)
}
