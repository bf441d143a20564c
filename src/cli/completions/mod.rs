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
    with_names(shell, text)
}

/// Functions of shells that ask the program for names: of models, stores, tasks and so on.
const BASH_NAMES: &str = include_str!("names.bash");
const ZSH_NAMES: &str = include_str!("names.zsh");
const FISH_NAMES: &str = include_str!("names.fish");

/// Adds the completion of names to a script.
fn with_names(shell: Shell, script: Vec<u8>) -> Vec<u8> {
    let text = match String::from_utf8(script) {
        Ok(text) => text,
        // Our own texts are UTF-8.
        Err(error) => return error.into_bytes(),
    };
    let text = match shell {
        Shell::Bash => text.replace("complete -F _modelctl ", "complete -F _modelctl_names ") + BASH_NAMES,
        Shell::Zsh => {
            let own = text.replace(":_default' \\\n", ":_modelctl_names' \\\n");
            match own.split_once("\n\n") {
                Some((head, rest)) => format!("{head}\n\n{ZSH_NAMES}\n{rest}"),
                None => own,
            }
        }
        Shell::Fish => text + FISH_NAMES,
        Shell::Elvish | Shell::Nushell | Shell::Powershell => text,
    };
    text.into_bytes()
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
