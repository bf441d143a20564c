use super::child::Child;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What to start.
#[derive(Debug, Clone)]
pub struct SpawnSpec {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    /// Added to our own environment.
    pub env: Vec<(&'static str, OsString)>,
    /// Stays open in the child for as long as it lives, under whatever number.
    pub keep: Option<Arc<OwnedFd>>,
}

/// Starts a child in a process group of its own, so that a Ctrl-C at our terminal does not reach it, with three pipes.
///
/// Whichever thread calls, the child is born on one thread that never ends: Linux ties a parent-death signal
/// (PR_SET_PDEATHSIG) to the *thread* that forked, and a child of a short-lived thread would be killed when that thread
/// ends although the program lives on.
#[expect(clippy::disallowed_methods, reason = "the one place where children are made")]
pub fn spawn(spec: &SpawnSpec) -> io::Result<Child> {
    let mut command = Command::new(&spec.program);
    command.args(&spec.args).envs(spec.env.iter().map(|(key, value)| (key, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let (reply, born) = sync_channel(1);
    nursery()?
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .send((command, spec.keep.clone(), reply))
        .map_err(|_| io::Error::other("the thread that starts processes has ended"))?;
    let child = born.recv().map_err(|_| io::Error::other("the thread that starts processes has ended"))??;
    Child::of(child)
}

type Birth = (Command, Option<Arc<OwnedFd>>, SyncSender<io::Result<std::process::Child>>);

/// The immortal thread's inbox.
fn nursery() -> io::Result<&'static Mutex<Sender<Birth>>> {
    static INBOX: OnceLock<Mutex<Sender<Birth>>> = OnceLock::new();
    if let Some(inbox) = INBOX.get() {
        return Ok(inbox);
    }
    let (inbox, births) = channel::<Birth>();
    std::thread::Builder::new().name("nursery".into()).spawn(move || {
        for (command, keep, reply) in births {
            // A caller that has gone does not exist: `spawn` waits for the reply.
            let _ = reply.send(bear(command, keep.as_deref()));
        }
    })?;
    // Two callers at once may both come here; the loser's thread ends when its inbox is dropped, before any birth.
    Ok(INBOX.get_or_init(|| Mutex::new(inbox)))
}

fn bear(mut command: Command, keep: Option<&OwnedFd>) -> io::Result<std::process::Child> {
    // A copy without the flag that closes it when the child's program starts. It is gone before the next birth, and
    // nothing else makes children, so that no other child gets it.
    let copy = keep.map(rustix::io::dup).transpose()?;
    let born = command.spawn();
    drop(copy);
    born
}
