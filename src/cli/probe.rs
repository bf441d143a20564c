use super::{Ctx, Exit};
use crate::host::probe::{Probe, answer};
use clap::Args;

/// Reads something that may hang, and prints it as JSON: started by other commands, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct ProbeArgs {
    /// What to read
    #[arg(value_enum)]
    pub what: Probe,
}

pub fn run(ctx: &mut Ctx, args: &ProbeArgs) -> anyhow::Result<Exit> {
    let text = answer(args.what)?;
    ctx.ui.line(&text)?;
    Ok(Exit::Done)
}
