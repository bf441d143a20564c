//! Prepares a process before its program begins, by a short start of modelctl that comes first: `modelctl launch …`
//! sets the parent-death signal and the priority, then becomes the program (execve(2)).
//!
//! A foreign program sets no parent-death signal, and its parent cannot set one for it. The signal survives the execve
//! (prctl(2)), except for programs with more rights than their caller, and children of the program do not inherit it.
//! Setting it between fork and exec in the parent would take `unsafe` code in a process with many threads.
//!
//! With `--guard` it stays the parent of the program instead, and kills its process group when our own parent ends, even
//! by SIGKILL: a death signal reaches one process, and the group has all that the program started and did not set apart.

use super::{Ending, SpawnSpec};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Gid, Pid, PidfdFlags, Signal, Uid, pidfd_open};
use rustix::thread::{set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::Command;

/// The name of the hidden subcommand.
pub const COMMAND: &str = "launch";
/// Exit codes of a failed launch, as shells use them: the program is not found, it cannot be executed, and a fault of
/// our own.
pub const NOT_FOUND: u8 = 127;
pub const NOT_EXECUTABLE: u8 = 126;
pub const NOT_PREPARED: u8 = 125;
/// The beginning of the line on stderr that says why a launch failed.
pub const REFUSED: &str = "modelctl: cannot start ";

/// Whom a process runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
    /// All groups, supplementary ones too.
    pub groups: Vec<u32>,
}

/// The settings of a process, and the program it becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Launch {
    /// Its environment; None: ours.
    pub env: Option<Vec<(OsString, OsString)>>,
    /// Its working directory; None: ours.
    pub dir: Option<PathBuf>,
    /// The number of the parent process, with which this one ends.
    pub parent: Option<u32>,
    /// Whether the whole process group ends with the parent.
    pub guard: bool,
    /// Added to our scheduling priority, 0 to 19.
    pub nice: i32,
    /// Another user, which only root can become.
    pub user: Option<RunAs>,
    pub program: OsString,
    pub args: Vec<OsString>,
}

/// Returns the command line that `modelctl` reads back as a [`Launch`].
pub(super) fn command_line(spec: &SpawnSpec) -> Vec<OsString> {
    let mut args: Vec<OsString> = vec![COMMAND.into()];
    if spec.group_dies_with_us {
        args.push("--guard".into());
    }
    if spec.dies_with_us || spec.group_dies_with_us {
        args.extend(["--parent".into(), std::process::id().to_string().into()]);
    }
    if spec.nice != 0 {
        args.extend(["--nice".into(), spec.nice.to_string().into()]);
    }
    if let Some(RunAs { uid, gid, groups }) = &spec.user {
        args.extend(["--uid".into(), uid.to_string().into(), "--gid".into(), gid.to_string().into()]);
        if !groups.is_empty() {
            let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
            args.extend(["--groups".into(), groups.join(",").into()]);
        }
    }
    args.extend(["--".into(), spec.program.clone().into()]);
    args.extend(spec.args.iter().cloned());
    args
}

/// Becomes the program. Returns only when that fails: an exit code and the reason.
pub fn exec(launch: &Launch) -> (u8, io::Error) {
    if let Err(error) = prepare(launch) {
        return (NOT_PREPARED, error);
    }
    let error = command(launch).exec();
    (not_started(&error), error)
}

/// Runs the program: becomes it, or guards it to its end. Returns an exit code, and the reason where it was not started.
pub fn run(launch: &Launch) -> (u8, Option<io::Error>) {
    match launch.parent.filter(|_| launch.guard) {
        Some(parent) => match prepare(launch) {
            Ok(()) => guard(launch, parent),
            Err(error) => (NOT_PREPARED, Some(error)),
        },
        None => {
            let (code, error) = exec(launch);
            (code, Some(error))
        }
    }
}

fn command(launch: &Launch) -> Command {
    #[expect(clippy::disallowed_methods, reason = "this process becomes the program, or is there for its sake alone")]
    let mut command = Command::new(&launch.program);
    command.args(&launch.args);
    if let Some(env) = &launch.env {
        command.env_clear().envs(env.iter().map(|(name, value)| (name, value)));
    }
    command
}

fn not_started(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE }
}

/// Runs the program in our group and waits for its end, or for that of `parent`, which ends the group and us with it.
fn guard(launch: &Launch, parent: u32) -> (u8, Option<io::Error>) {
    let watched = watch(parent);
    let mut child = match watched.as_ref().map(|_| command(launch).spawn()) {
        Ok(Ok(child)) => child,
        Ok(Err(error)) => return (not_started(&error), Some(error)),
        Err(error) => return (NOT_PREPARED, Some(io::Error::new(error.kind(), error.to_string()))),
    };
    let ended = watched.and_then(|parent| {
        let program = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?;
        loop {
            let mut ends = [PollFd::new(&program, PollFlags::IN), PollFd::new(&parent, PollFlags::IN)];
            match poll(&mut ends, None) {
                Ok(_) if ends.iter().all(|end| end.revents().is_empty()) => {}
                Ok(_) if ends.first().is_some_and(|end| !end.revents().is_empty()) => return Ok(true),
                Ok(_) => return Ok(false),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    });
    if !matches!(ended, Ok(true)) {
        // We are one of the group: nothing comes after this.
        let error = rustix::process::kill_current_process_group(Signal::KILL).err().map(io::Error::from);
        return (NOT_PREPARED, error.or(ended.err()));
    }
    match child.wait() {
        // As a shell has it: 128 and the signal.
        Ok(status) => {
            let code = status.code().or(status.signal().map(|signal| signal.saturating_add(128)));
            (code.and_then(|code| u8::try_from(code).ok()).unwrap_or(NOT_PREPARED), None) // no such status exists
        }
        Err(error) => (NOT_PREPARED, Some(error)),
    }
}

/// Returns a descriptor that becomes readable when the parent ends.
fn watch(parent: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(parent).ok().and_then(Pid::from_raw).ok_or_else(gone)?; // no process has such a number
    let watched = pidfd_open(pid, PidfdFlags::empty())?;
    // Its number may have gone to another process before it was opened.
    if is_our_parent(parent) { Ok(watched) } else { Err(gone()) }
}

/// Has the kernel kill this process when the one that started it ends, however that happens. `parent` is that one, where it
/// is known.
///
/// # Errors
/// The kernel refuses, or the parent has gone already.
pub fn end_with_parent(parent: Option<u32>) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before the request; then the signal never comes.
    if parent.is_none_or(is_our_parent) { Ok(()) } else { Err(gone()) }
}

fn is_our_parent(pid: u32) -> bool {
    let now = rustix::process::getppid().map(Pid::as_raw_nonzero);
    now.is_some_and(|now| u32::try_from(now.get()) == Ok(pid))
}

fn gone() -> io::Error {
    io::Error::other("the process that started it is gone")
}

/// Returns why a program was not started, by the end of its launch; None for a program that was.
pub fn refusal(ending: Ending, stderr: &[u8]) -> Option<String> {
    let Ending::Exited(code) = ending else { return None };
    let is_refused = [NOT_FOUND, NOT_EXECUTABLE, NOT_PREPARED].iter().any(|refused| i32::from(*refused) == code);
    let said = String::from_utf8_lossy(stderr);
    let why = said.lines().find_map(|line| line.strip_prefix(REFUSED)).filter(|_| is_refused)?;
    Some(why.rsplit_once("`: ").map_or(why, |(_, why)| why).to_owned())
}

fn prepare(launch: &Launch) -> io::Result<()> {
    // First, since the kernel takes the death signal back from a process that becomes another user.
    if let Some(user) = &launch.user {
        become_user(user)?;
    }
    if let Some(dir) = &launch.dir {
        rustix::process::chdir(dir)?;
    }
    if launch.nice != 0 {
        let ours = rustix::process::getpriority_process(None)?;
        rustix::process::setpriority_process(None, ours.saturating_add(launch.nice))?;
    }
    if let Some(parent) = launch.parent.filter(|_| !launch.guard) {
        end_with_parent(Some(parent))?;
    }
    Ok(())
}

/// Becomes a user for good. Only this thread does, which is the one that becomes the program.
fn become_user(user: &RunAs) -> io::Result<()> {
    let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
    set_thread_groups(&groups)?;
    let gid = Gid::from_raw(user.gid);
    set_thread_res_gid(gid, gid, gid)?;
    let uid = Uid::from_raw(user.uid);
    set_thread_res_uid(uid, uid, uid)?;
    Ok(set_no_new_privs(true)?)
}
