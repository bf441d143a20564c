//! Prepares a process before its program begins, by a short start of modelctl that comes first: `modelctl launch …`
//! sets the parent-death signal and the priority, then becomes the program (execve(2)).
//!
//! A foreign program sets no parent-death signal, and its parent cannot set one for it. The signal survives the execve
//! (prctl(2)), except for programs with more rights than their caller, and children of the program do not inherit it.
//! Setting it between fork and exec in the parent would take `unsafe` code in a process with many threads.

use super::{Ending, SpawnSpec};
use rustix::process::{Gid, Pid, Signal, Uid};
use rustix::thread::{set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
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
    if spec.dies_with_us {
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
    #[expect(clippy::disallowed_methods, reason = "no child is made: this process becomes the program")]
    let mut command = Command::new(&launch.program);
    command.args(&launch.args);
    if let Some(env) = &launch.env {
        command.env_clear().envs(env.iter().map(|(name, value)| (name, value)));
    }
    let error = command.exec();
    let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
    (code, error)
}

/// Has the kernel kill this process when the one that started it ends, however that happens.
///
/// # Errors
/// The kernel refuses.
pub fn end_with_parent() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
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
    if launch.nice != 0 {
        let ours = rustix::process::getpriority_process(None)?;
        rustix::process::setpriority_process(None, ours.saturating_add(launch.nice))?;
    }
    // First, since the kernel takes the death signal back from a process that becomes another user.
    if let Some(user) = &launch.user {
        become_user(user)?;
    }
    if let Some(dir) = &launch.dir {
        rustix::process::chdir(dir)?;
    }
    if let Some(parent) = launch.parent {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before the request; then the signal never comes.
        let now = rustix::process::getppid().map(Pid::as_raw_nonzero);
        if now.is_none_or(|pid| u32::try_from(pid.get()) != Ok(parent)) {
            return Err(io::Error::other("the process that started it has gone"));
        }
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
