use super::super::{Ctx, Exit};
use crate::host::gpu;
use clap::Args;

/// Reads something that may hang, and prints it as JSON: started by other commands, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct ProbeArgs {
    /// What to read
    #[arg(value_enum)]
    pub what: Probe,
}

/// What a probe reads. Its name is what its asker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Probe {
    /// [`gpu::PROBE`]
    Gpu,
}

/// Reads and prints the value. May never return.
pub fn run(ctx: &mut Ctx, args: &ProbeArgs) -> anyhow::Result<Exit> {
    let text = match args.what {
        Probe::Gpu => serde_json::to_string(&gpu::read_here())?,
    };
    ctx.ui.line(&text)?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn the_probes_have_the_names_that_are_asked_for() {
        let [command, name] = gpu::PROBE;
        assert_eq!(Probe::from_str(name, false), Ok(Probe::Gpu));
        assert_eq!(crate::cli::command().find_subcommand(command).map(clap::Command::is_hide_set), Some(true));
    }
}
