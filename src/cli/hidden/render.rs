//! `modelctl render`: renders the chat template of a model for its worker. Hidden: the worker starts it.

use super::super::{Ctx, Exit};
use crate::failure::{Failure, OrFail};
use crate::worker;
use clap::Args;

/// Renders chat templates, a JSON line in and a JSON line out: started by the worker, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct RenderArgs {}

pub fn run(_: &mut Ctx, _: &RenderArgs) -> anyhow::Result<Exit> {
    worker::serve_renders().or_fail(|| Failure::engine("cannot render for the worker"))?;
    Ok(Exit::Done)
}
