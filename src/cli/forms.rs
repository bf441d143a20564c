//! `modelctl forms`: which schemas and grammars llama.cpp would refuse. Hidden: a child is asked, since a bad one may
//! end its process, and parsing may take for ever.

use super::{Ctx, Exit};
use crate::engine::{self, EngineError, Form};
use crate::failure::{Failure, OrFail};
use crate::host::probe::OURSELVES;
use crate::supervise::{Bounded, SpawnSpec, run_bounded};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// A thousand large schemas take a second.
const LIMIT: Duration = Duration::from_secs(20);

/// Prints for each of the forms in a file why no model could follow it, as JSON: started by other commands, hidden
/// from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct FormsArgs {
    /// A JSON array of forms
    file: PathBuf,
}

pub fn run(ctx: &mut Ctx, args: &FormsArgs) -> anyhow::Result<Exit> {
    let unreadable = || Failure::cannot_meet(format!("cannot read `{}`", args.file.display()));
    let text = std::fs::read(&args.file).or_fail(unreadable)?;
    let forms: Vec<Form> = serde_json::from_slice(&text).or_fail(unreadable)?;
    let why = |form: &Form| match engine::check_form(form) {
        Err(EngineError::BadSpec(why)) => Some(why),
        // Whatever else is wrong is not the form's fault.
        Ok(()) | Err(_) => None,
    };
    let refused: Vec<Option<String>> = forms.iter().map(why).collect();
    ctx.ui.line(&serde_json::to_string(&refused)?)?;
    Ok(Exit::Done)
}

/// For each form why no model could follow it. None for all when nobody could tell: the worker finds out then, task by
/// task, as it does for forms that depend on the model.
pub fn refused(forms: &[&Form]) -> Vec<Option<String>> {
    let nobody_knows = || forms.iter().map(|_| None).collect();
    if forms.is_empty() {
        return Vec::new();
    }
    match ask(forms) {
        Ok(answers) if answers.len() == forms.len() => answers,
        Ok(_) | Err(_) => nobody_knows(),
    }
}

fn ask(forms: &[&Form]) -> anyhow::Result<Vec<Option<String>>> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&serde_json::to_vec(forms)?)?;
    let args = vec!["forms".into(), file.path().as_os_str().to_owned()];
    match run_bounded(&SpawnSpec { program: OURSELVES.into(), args, env: vec![], keep: None }, LIMIT) {
        Bounded::Finished { ending, stdout, .. } if ending.is_clean() => Ok(serde_json::from_slice(&stdout)?),
        other => anyhow::bail!("{other:?}"),
    }
}
