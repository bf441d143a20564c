use super::{Ctx, Exit};
use clap::Args;
use clap_complete::Shell;

/// Print the completion script of a shell
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    shell: Shell,
}

pub fn run(ctx: &mut Ctx, args: &CompletionsArgs) -> anyhow::Result<Exit> {
    ctx.ui.raw(&script(args.shell))?;
    Ok(Exit::Done)
}

/// Returns the completion script of a shell, as it is also kept in `completions/`.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut super::command(), "modelctl", &mut text);
    text
}
