//! `modelctl worker`: the process that hosts llama.cpp. Hidden: `run-once` and `serve` start it.

use super::super::{Ctx, Exit};
use crate::engine::{LoadSpec, Pooling, TEXT_TOKENS};
use crate::host::named_lock::LockFile;
use crate::worker::{self, Listen, WorkerSpec};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, Args)]
#[command(hide = true)]
pub struct WorkerArgs {
    /// The GGUF file (of a split model: its first shard)
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Listen on this Unix socket
    #[arg(long, value_name = "PATH", required_unless_present = "port", conflicts_with = "port")]
    socket: Option<PathBuf>,
    /// Listen on 127.0.0.1 (0: any free port)
    #[arg(long)]
    port: Option<u16>,
    /// Tokens of context (0: the model's own)
    #[arg(long, default_value_t = 0)]
    context: u32,
    /// Requests answered at once, each with the whole context if it needs it
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=256))]
    parallel: u32,
    /// Prompt tokens per step
    #[arg(long, default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=512))]
    threads: Option<u32>,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=512))]
    threads_batch: Option<u32>,
    /// Layers on the GPU (default: all that fit)
    #[arg(long)]
    gpu_layers: Option<u32>,
    #[arg(long)]
    no_mmap: bool,
    /// Requests that may wait
    #[arg(long, default_value_t = 32)]
    queue: usize,
    /// Give vectors of texts instead of text, made in this way (default: as the file says): none, mean, cls, last
    #[arg(long, value_name = "HOW", value_parser = pooling)]
    pooling: Option<Pooling>,
    /// Tokens that a text for a vector may have, within the context
    #[arg(long, default_value_t = TEXT_TOKENS, value_parser = clap::value_parser!(u32).range(1..))]
    text_tokens: u32,
    /// One text for one prompt and seed, whatever else is answered at the same time (slower)
    #[arg(long)]
    reproducible: bool,
    /// End when this process does (it holds the other end of our stdin)
    #[arg(long, value_name = "PID")]
    parent: Option<u32>,
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i32).range(0..=19))]
    nice: i32,
    /// The lock file of the device, and its inode: with another one in its place nothing is loaded
    #[arg(long, value_name = "PATH", requires = "device_inode")]
    device: Option<PathBuf>,
    #[arg(long, requires = "device")]
    device_inode: Option<u64>,
    /// How long a running answer may go on after SIGTERM
    #[arg(long, default_value_t = 5_000)]
    grace_ms: u64,
}

fn pooling(name: &str) -> Result<Pooling, String> {
    Pooling::named(name).ok_or_else(|| "give none, mean, cls, last or rank".to_owned())
}

impl WorkerArgs {
    fn spec(self) -> WorkerSpec {
        let default = LoadSpec::new(&self.model);
        WorkerSpec {
            listen: match self.socket {
                Some(path) => Listen::Socket(path),
                None => Listen::Port(self.port.unwrap_or(0)),
            },
            load: LoadSpec {
                context: self.context,
                parallel: self.parallel,
                batch: self.batch,
                threads: self.threads.unwrap_or(default.threads),
                threads_batch: self.threads_batch.unwrap_or(default.threads_batch),
                gpu_layers: self.gpu_layers,
                mmap: !self.no_mmap,
                queue: self.queue,
                pooling: self.pooling,
                text_tokens: self.text_tokens,
                reproducible: self.reproducible,
                ..default
            },
            parent: self.parent,
            nice: self.nice,
            grace: Duration::from_millis(self.grace_ms),
            device: self.device.zip(self.device_inode).map(|(path, inode)| LockFile { path, inode }),
        }
    }
}

pub fn run(_: &mut Ctx, args: &WorkerArgs) -> anyhow::Result<Exit> {
    worker::serve(args.clone().spec())?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: Only,
    }

    #[derive(clap::Subcommand)]
    enum Only {
        Worker(WorkerArgs),
    }

    #[test]
    fn a_worker_understands_the_line_it_is_started_with() {
        let mut load = LoadSpec::new("/models/a b.gguf".as_ref());
        load.gpu_layers = Some(7);
        load.mmap = false;
        load.context = 4_096;
        load.parallel = 4;
        load.reproducible = true;
        load.pooling = Some(Pooling::Last);
        let spec = WorkerSpec {
            listen: Listen::Socket("/run/x.sock".into()),
            load,
            parent: Some(42),
            nice: 3,
            grace: Duration::from_millis(1_500),
            device: Some(LockFile { path: "/run/a b/device.lock".into(), inode: 77 }),
        };
        let line = std::iter::once("modelctl".into()).chain(spec.command_line());
        let Only::Worker(args) = Line::try_parse_from(line).unwrap().command;
        assert_eq!(format!("{:?}", args.spec()), format!("{spec:?}"));
    }
}
