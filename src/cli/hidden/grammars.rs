//! `modelctl forms`: finds schemas and grammars that no model can follow. Hidden: it runs as a child process, since a
//! bad one may end its process, and parsing may never end.

use super::super::{Ctx, Exit};
use crate::engine::{self, EngineError};
use crate::failure::{Failure, OrFail};
use crate::openai::Constraint;
use clap::Args;
use std::path::PathBuf;

/// Reports, as JSON, which JSON schemas and grammars llama.cpp cannot compile: started by other commands, hidden from
/// people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct GrammarsArgs {
    /// A JSON array of forms
    file: PathBuf,
}

pub fn run(ctx: &mut Ctx, args: &GrammarsArgs) -> anyhow::Result<Exit> {
    let unreadable = || Failure::cannot_meet(format!("cannot read `{}`", args.file.display()));
    let text = std::fs::read(&args.file).or_fail(unreadable)?;
    let forms: Vec<Constraint> = serde_json::from_slice(&text).or_fail(unreadable)?;
    let why = |form: &Constraint| match engine::check_form(form) {
        Err(EngineError::BadSpec(why)) => Some(why),
        // Any other error is not caused by the constraint.
        Ok(()) | Err(_) => None,
    };
    let refused: Vec<Option<String>> = forms.iter().map(why).collect();
    ctx.ui.line(&serde_json::to_string(&refused)?)?;
    Ok(Exit::Done)
}
