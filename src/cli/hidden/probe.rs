use super::super::{Ctx, Exit};
use crate::clock;
use crate::host::gpu;
use crate::node::machine::{SharedMemoryRequest, disks};
use crate::node::program::torch;
use crate::node::{self, Place};
use crate::ops::node::NodeRead;
use crate::supervise::launch;
use anyhow::Context;
use clap::Args;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Reads something that may hang, and prints it as JSON: started by other commands, hidden from people.
#[derive(Debug, Args)]
#[command(hide = true)]
pub struct ProbeArgs {
    /// What to read
    #[arg(value_enum)]
    pub what: Probe,
    /// What exactly, as JSON or as a path; JSON may come from standard input instead
    pub request: Option<String>,
    /// The process that asks, to end with
    #[arg(long, value_name = "PID")]
    pub parent: Option<u32>,
}

/// What a probe reads. Its name is what its asker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Probe {
    /// [`gpu::PROBE`]
    Gpu,
    /// [`node::gpu::PROBE`]
    GpuFacts,
    /// [`node::gpu::AMD_PROBE`], below a root
    AmdFacts,
    /// [`node::model_file::PROBE`]
    ModelFile,
    /// [`disks::PROBE`]
    Disks,
    /// [`node::machine::SHARED_MEMORY_PROBE`]
    SharedMemory,
    /// [`torch::TORCH_PROBE`]
    Torch,
    /// [`crate::ops::node::PROBE`]
    Node,
    /// [`node::reach::PROBE`]
    Stat,
}

/// Reads and prints the value. May never return.
pub fn run(ctx: &mut Ctx, args: &ProbeArgs) -> anyhow::Result<Exit> {
    // Nobody reads the answer of a probe whose asker has ended, and it may hang for ever.
    launch::end_with_parent(args.parent).context("cannot ask for a death signal")?;
    let root = || Place::new(args.request.as_deref().unwrap_or("/"));
    let text = match args.what {
        Probe::Gpu => serde_json::to_string(&gpu::read_here())?,
        Probe::GpuFacts => serde_json::to_string(&node::gpu::nvml_here())?,
        Probe::AmdFacts => serde_json::to_string(&node::gpu::amd_here(&root()))?,
        Probe::ModelFile => serde_json::to_string(&node::model_file::read(&request(args)?, clock::now()))?,
        Probe::Disks => serde_json::to_string(&request::<disks::Request>(args)?.read())?,
        Probe::SharedMemory => serde_json::to_string(&request::<SharedMemoryRequest>(args)?.read())?,
        Probe::Torch => {
            let (_, error) = torch::become_python(&request(args)?);
            return Err(error).context("cannot start the Python of the service");
        }
        Probe::Stat => {
            let path = Path::new(args.request.as_deref().unwrap_or_default());
            serde_json::to_string(&node::reach::size_here(path))?
        }
        Probe::Node => request::<NodeRead>(args)?.run()?.to_string(),
    };
    ctx.ui.line(&text)?;
    Ok(Exit::Done)
}

fn request<T: DeserializeOwned>(args: &ProbeArgs) -> anyhow::Result<T> {
    match &args.request {
        Some(request) => Ok(serde_json::from_str(request)?),
        None => Ok(serde_json::from_reader(std::io::stdin().lock())?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn the_probes_have_the_names_that_are_asked_for() {
        for ([command, name], probe) in [
            (gpu::PROBE, Probe::Gpu),
            (node::gpu::PROBE, Probe::GpuFacts),
            (node::gpu::AMD_PROBE, Probe::AmdFacts),
            (node::model_file::PROBE, Probe::ModelFile),
            (disks::PROBE, Probe::Disks),
            (node::machine::SHARED_MEMORY_PROBE, Probe::SharedMemory),
            (torch::TORCH_PROBE, Probe::Torch),
            (crate::ops::node::PROBE, Probe::Node),
            (node::reach::PROBE, Probe::Stat),
        ] {
            assert_eq!(Probe::from_str(name, false), Ok(probe));
            assert_eq!(crate::cli::command().find_subcommand(command).map(clap::Command::is_hide_set), Some(true));
        }
    }
}
