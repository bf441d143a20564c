use super::child::Child;
use super::launch::RunAs;
use super::log_ring::LogRing;
use super::{OURSELVES, launch};
use std::ffi::OsString;
use std::fmt::Debug;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The program to start, and its settings.
#[derive(Debug, Clone)]
pub struct SpawnSpec {
    /// A path, or a name that is searched for in `PATH`.
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// Variables added to our own environment; the last of two with one name counts.
    pub env: Vec<(OsString, OsString)>,
    /// Whether the child gets `env` alone, without our environment. So does the launcher that comes before it.
    pub is_env_alone: bool,
    /// The working directory; `None` means ours.
    pub dir: Option<PathBuf>,
    /// Added to our scheduling priority before the program begins, 0 to 19.
    pub nice: i32,
    /// Whether the kernel kills the child when we end, however that happens. For programs that do not ask for it
    /// themselves, as our worker does; processes that the child starts are not killed.
    pub dies_with_us: bool,
    /// Whether a process that stays beside the child kills its whole group when we end, with what the child has started.
    /// What leaves the group (setsid(2)) is not killed.
    pub group_dies_with_us: bool,
    /// The user that the child runs as; `None` means ours.
    pub user: Option<RunAs>,
    /// The destination of the child's output.
    pub output: Output,
    /// A descriptor that stays open in the child for as long as it lives, under any number. The [`Child`] holds it
    /// until the child has ended.
    pub keep: Option<Arc<dyn KeepOpen>>,
    /// The modelctl that prepares the start where `nice`, `dies_with_us`, `group_dies_with_us` or `user` needs it: this program, except in tests.
    pub launcher: PathBuf,
}

/// The destination of the output of a child.
#[derive(Debug, Clone, Default)]
pub enum Output {
    /// Two pipes that are taken from the [`Child`].
    #[default]
    Pipes,
    /// A log for stderr and a pipe for stdout.
    LogStderr(LogRing),
    /// A log for stderr and stdout.
    Log(LogRing),
}

/// A descriptor that a child can keep open.
pub trait KeepOpen: AsFd + Debug + Send + Sync {}

impl<T: AsFd + Debug + Send + Sync> KeepOpen for T {}

impl SpawnSpec {
    /// Describes a program with arguments, in our environment, with pipes.
    pub fn new(program: impl Into<PathBuf>, args: impl IntoIterator<Item = impl Into<OsString>>) -> SpawnSpec {
        SpawnSpec {
            program: program.into(),
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            is_env_alone: false,
            dir: None,
            nice: 0,
            dies_with_us: false,
            group_dies_with_us: false,
            user: None,
            output: Output::Pipes,
            keep: None,
            launcher: OURSELVES.into(),
        }
    }

    fn has_launcher(&self) -> bool {
        self.nice != 0 || self.dies_with_us || self.group_dies_with_us || self.user.is_some()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place where children are made")]
    fn command(&self) -> Command {
        let mut command = if self.has_launcher() {
            let mut command = Command::new(&self.launcher);
            command.args(launch::command_line(self));
            command
        } else {
            let mut command = Command::new(&self.program);
            command.args(&self.args);
            command
        };
        // A launcher is modelctl, which may need our variables to start; it clears them itself.
        if self.is_env_alone {
            command.env_clear();
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        command
    }
}

/// Starts a child in a process group of its own, so that a Ctrl-C in our terminal does not reach it, with three pipes.
///
/// One thread that never ends makes all children, on whichever thread the caller runs: Linux ties a parent-death signal
/// (PR_SET_PDEATHSIG) to the *thread* that forked, and a child of a short-lived thread would be killed when that thread
/// ends although the program lives on.
///
/// # Errors
/// The program cannot be started. Behind a launcher, the exit codes of [`launch::run`] report that instead.
pub fn spawn(spec: &SpawnSpec) -> io::Result<Child> {
    let (reply, spawned) = sync_channel(1);
    // The caller cannot be missing: it waits for the reply below.
    request(spec, Box::new(move |child| drop(reply.send(child))))?;
    spawned.recv().map_err(|_| ended())?
}

/// Does what [`spawn`] does, for asynchronous code. A child whose future is dropped meanwhile is killed.
///
/// # Errors
/// As [`spawn`].
pub async fn spawn_async(spec: &SpawnSpec) -> io::Result<Child> {
    let (reply, spawned) = tokio::sync::oneshot::channel();
    // A child whose caller stopped waiting is dropped, which kills it.
    request(spec, Box::new(move |child| drop(reply.send(child))))?;
    spawned.await.map_err(|_| ended())?
}

fn ended() -> io::Error {
    io::Error::other("the thread that starts processes has ended")
}

struct SpawnRequest {
    spec: SpawnSpec,
    reply: Box<dyn FnOnce(io::Result<Child>) + Send>,
}

/// Sends a request to the thread that makes children.
fn request(spec: &SpawnSpec, reply: Box<dyn FnOnce(io::Result<Child>) + Send>) -> io::Result<()> {
    static INBOX: OnceLock<Mutex<Sender<SpawnRequest>>> = OnceLock::new();
    let inbox = match INBOX.get() {
        Some(inbox) => inbox,
        None => {
            let (inbox, requests) = channel::<SpawnRequest>();
            std::thread::Builder::new().name("spawn".into()).spawn(move || {
                for SpawnRequest { spec, reply } in requests {
                    reply(fork_child(&spec));
                }
            })?;
            // Two callers at once may both get here; the loser's thread ends when its inbox is dropped, before it has
            // made any child.
            INBOX.get_or_init(|| Mutex::new(inbox))
        }
    };
    let request = SpawnRequest { spec: spec.clone(), reply };
    inbox.lock().unwrap_or_else(PoisonError::into_inner).send(request).map_err(|_| ended())
}

fn fork_child(spec: &SpawnSpec) -> io::Result<Child> {
    let mut command = spec.command();
    // A copy without the flag that closes it when the child's program starts. It is closed before the next child is
    // made, and nothing else makes children, so no other child inherits it.
    let copy = spec.keep.as_deref().map(rustix::io::dup).transpose()?;
    let spawned = command.spawn();
    drop(copy);
    let mut child = Child::of(spawned?, spec.keep.clone())?;
    match &spec.output {
        Output::Pipes => {}
        Output::LogStderr(log) => collect(log, child.take_stderr())?,
        Output::Log(log) => {
            collect(log, child.take_stderr())?;
            collect(log, child.take_stdout())?;
        }
    }
    Ok(child)
}

fn collect(log: &LogRing, stream: Option<impl io::Read + Send + 'static>) -> io::Result<()> {
    stream.map_or(Ok(()), |stream| log.collect(stream))
}
