use crate::engine::LoadSpec;
use crate::host::named_lock::LockFile;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// The address where a worker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    Socket(PathBuf),
    /// A port of 127.0.0.1; 0 lets the system choose.
    Port(u16),
}

/// The settings that a worker process gets when it starts.
#[derive(Debug, Clone)]
pub struct WorkerSpec {
    pub listen: Listen,
    pub load: LoadSpec,
    /// The process with which the worker ends; `None` for a worker that was started by hand.
    pub parent: Option<u32>,
    /// Added to our scheduling priority, 0 to 19.
    pub nice: i32,
    /// Time that a running generation may take after a SIGTERM.
    pub grace: Duration,
    /// The lock of the device, which has to be that of the parent.
    pub device: Option<LockFile>,
}

impl WorkerSpec {
    /// Returns the command line that `modelctl` reads back as this spec.
    pub fn command_line(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["worker".into(), "--model".into(), self.load.model.clone().into()];
        let mut option = |name: &str, value: OsString| args.extend([OsString::from(name), value]);
        match &self.listen {
            Listen::Socket(path) => option("--socket", path.into()),
            Listen::Port(port) => option("--port", port.to_string().into()),
        }
        option("--context", self.load.context.to_string().into());
        option("--parallel", self.load.parallel.to_string().into());
        option("--batch", self.load.batch.to_string().into());
        option("--threads", self.load.threads.to_string().into());
        option("--threads-batch", self.load.threads_batch.to_string().into());
        option("--queue", self.load.queue.to_string().into());
        option("--nice", self.nice.to_string().into());
        option("--grace-ms", self.grace.as_millis().to_string().into());
        if let Some(device) = &self.device {
            option("--device", device.path.clone().into());
            option("--device-inode", device.inode.to_string().into());
        }
        if let Some(layers) = self.load.gpu_layers {
            option("--gpu-layers", layers.to_string().into());
        }
        if let Some(pooling) = self.load.pooling {
            option("--pooling", pooling.name().into());
        }
        option("--text-tokens", self.load.text_tokens.to_string().into());
        if let Some(parent) = self.parent {
            option("--parent", parent.to_string().into());
        }
        if self.load.reproducible {
            args.push("--reproducible".into());
        }
        if !self.load.mmap {
            args.push("--no-mmap".into());
        }
        args
    }
}
