use super::super::{Ctx, Exit};
use crate::host::gpu;
use crate::node::machine::{SharedMemoryRequest, disks};
use clap::Args;
use serde::de::DeserializeOwned;

/// Reads something that may hang, and prints it as JSON: started by other commands, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct ProbeArgs {
    /// What to read
    #[arg(value_enum)]
    pub what: Probe,
    /// What is asked, as JSON
    pub request: Option<String>,
}

/// What a probe reads. Its name is what its asker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Probe {
    /// [`gpu::PROBE`]
    Gpu,
    /// [`disks::PROBE`]
    Disks,
    /// [`crate::node::machine::SHARED_MEMORY_PROBE`]
    SharedMemory,
}

/// Reads and prints the value. May never return.
pub fn run(ctx: &mut Ctx, args: &ProbeArgs) -> anyhow::Result<Exit> {
    let text = match args.what {
        Probe::Gpu => serde_json::to_string(&gpu::read_here())?,
        Probe::Disks => serde_json::to_string(&request::<disks::Request>(args)?.read())?,
        Probe::SharedMemory => serde_json::to_string(&request::<SharedMemoryRequest>(args)?.read())?,
    };
    ctx.ui.line(&text)?;
    Ok(Exit::Done)
}

fn request<T: DeserializeOwned>(args: &ProbeArgs) -> anyhow::Result<T> {
    Ok(serde_json::from_str(args.request.as_deref().unwrap_or_default())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn the_probes_have_the_names_that_are_asked_for() {
        let probes = [
            (gpu::PROBE, Probe::Gpu),
            (disks::PROBE, Probe::Disks),
            (crate::node::machine::SHARED_MEMORY_PROBE, Probe::SharedMemory),
        ];
        for ([command, name], probe) in probes {
            assert_eq!(Probe::from_str(name, false), Ok(probe));
            assert_eq!(crate::cli::command().find_subcommand(command).map(clap::Command::is_hide_set), Some(true));
        }
    }
}
