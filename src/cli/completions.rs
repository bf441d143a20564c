use super::{Ctx, Exit};
use clap::{Args, Command, ValueEnum};
use clap_complete::Shell as Known;
use clap_complete_nushell::Nushell;

/// A shell for which there is a completion script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Elvish,
    Fish,
    Nushell,
    Powershell,
    Zsh,
}

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
    let mut command = visible();
    let known = match shell {
        Shell::Nushell => {
            clap_complete::generate(Nushell, &mut command, "modelctl", &mut text);
            return text;
        }
        Shell::Bash => Known::Bash,
        Shell::Elvish => Known::Elvish,
        Shell::Fish => Known::Fish,
        Shell::Powershell => Known::PowerShell,
        Shell::Zsh => Known::Zsh,
    };
    clap_complete::generate(known, &mut command, "modelctl", &mut text);
    text
}

/// Returns the command line without the commands that are not for people. Some generators would offer them.
fn visible() -> Command {
    let whole = super::command();
    let shown = whole.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned();
    Command::new("modelctl")
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .args(whole.get_arguments().cloned())
        .subcommands(shown)
}
