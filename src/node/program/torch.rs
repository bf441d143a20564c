//! The torch of a service: imported by the service's own Python, in its environment and as its user, in a child with a
//! time limit.

use super::super::process::Process;
use super::super::{Fact, Outcome, Place, proc_file};
use super::types::TorchFacts;
use crate::clock::Timestamp;
use crate::supervise::launch::{Launch, NOT_PREPARED, User, exec};
use crate::supervise::{Bounded, SpawnSpec, run_bounded};
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hidden command that becomes the Python; its last argument is the request as JSON.
pub const TORCH_PROBE: [&str; 2] = ["probe", "torch"];
/// Time for an import: torch maps gigabytes of libraries, from a cold disk.
pub const TORCH_LIMIT: Duration = Duration::from_secs(30);

/// Bytes of an environment that are read, and characters of an error that are kept.
const MOST_BYTES: u64 = 4 << 20;
const LONGEST: usize = 300;
/// The beginning of the line with the answer. An import may print lines of its own.
const MARK: &str = "modelctl-torch ";
const SCRIPT: &str = r#"
import json
answer = {}
def reason(error):
    return type(error).__name__ + ": " + str(error)
try:
    import torch
    answer["version"] = str(torch.__version__)
    answer["cuda"] = getattr(torch.version, "cuda", None) or getattr(torch.version, "hip", None)
    answer["is_available"] = bool(torch.cuda.is_available())
    if answer["is_available"]:
        answer["devices"] = int(torch.cuda.device_count())
    else:
        try:
            torch.cuda.init()
        except BaseException as error:
            answer["error"] = reason(error)
except BaseException as error:
    answer["error"] = reason(error)
print("\nmodelctl-torch " + json.dumps(answer), flush=True)
"#;

/// Which Python is asked, for which process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TorchRequest {
    /// The process whose environment counts.
    pub pid: u32,
    pub interpreter: PathBuf,
    pub directory: Option<PathBuf>,
    /// The user to become, with all groups; None: this user is the right one.
    pub user: Option<(u32, Vec<u32>)>,
}

/// Asks the Python of a process whether its torch can use CUDA, within `limit`. `modelctl` is the program that becomes
/// the Python.
pub fn ask(
    modelctl: &Path,
    place: &Place,
    process: &Process,
    interpreter: &Path,
    limit: Duration,
    now: Timestamp,
) -> Fact<TorchFacts> {
    let source = format!("torch of {}", interpreter.display());
    if !place.is_machine() {
        return Fact::absent(source, now, "programs of a recorded node are not run");
    }
    let denied = |why: &str, right: &str, command: Option<Vec<String>>| {
        Fact::new(source.clone(), now, Outcome::Denied { why: why.to_owned(), right: right.to_owned(), command })
    };
    if process.other_mounts == Some(true) {
        return denied("it runs in another mount namespace", "a shell in its container", None);
    }
    let sudo = || Some(["sudo", "modelctl", "triage", "--deep"].map(str::to_owned).to_vec());
    let ours = rustix::process::geteuid().as_raw();
    let user = match process.uid {
        Some(uid) if uid == ours => None,
        Some(uid) if ours == 0 => Some((uid, process.groups.clone())),
        _ => return denied("another user's Python is not run", proc_file::OWNER, sudo()),
    };
    let request =
        TorchRequest { pid: process.pid, interpreter: interpreter.to_path_buf(), directory: process.cwd.clone(), user };
    let json = match serde_json::to_string(&request) {
        Ok(json) => json,
        // A path that is not UTF-8 has no JSON.
        Err(error) => return Fact::new(source, now, Outcome::Failed { why: error.to_string() }),
    };
    let args = TORCH_PROBE.iter().map(OsString::from).chain([json.into()]);
    let spec = SpawnSpec { dir: Some("/".into()), ..SpawnSpec::new(modelctl, args) };
    let outcome = match run_bounded(&spec, limit) {
        Bounded::Finished { ending, stdout, stderr } => match parse(&stdout, interpreter) {
            Some(value) => Outcome::Ok { value },
            None => Outcome::Failed { why: cut(&format!("its Python {ending}{}", last_line(&stderr))) },
        },
        Bounded::TimedOut { limit, .. } => {
            Outcome::TimedOut { why: format!("torch was not imported within {} s", limit.as_secs_f64()) }
        }
        Bounded::Abandoned { limit, pid, .. } => Outcome::TimedOut {
            why: format!(
                "torch was not imported within {} s, and process {pid} hangs in the kernel",
                limit.as_secs_f64()
            ),
        },
        Bounded::NotStarted { why } => Outcome::Failed { why },
    };
    Fact::new(source, now, outcome)
}

/// Becomes the Python of a service. Returns only when that fails: an exit code and the reason.
pub fn become_python(request: &TorchRequest) -> (u8, io::Error) {
    let parent = rustix::process::getppid().and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok());
    let environ = match proc_file::bytes(Path::new(&format!("/proc/{}/environ", request.pid)), MOST_BYTES) {
        Ok(environ) => environ,
        Err(error) => return (NOT_PREPARED, error),
    };
    let user = request.user.as_ref().map(|(uid, groups)| User { uid: *uid, groups: groups.clone() });
    exec(&Launch {
        parent,
        user,
        env: Some(environment(&environ)),
        dir: request.directory.clone(),
        program: request.interpreter.clone().into(),
        // Without files of its own (`-B`), so that nothing on the node changes.
        args: ["-B", "-c", SCRIPT].map(OsString::from).to_vec(),
        ..Launch::default()
    })
}

/// Parses an environment. What would change how the script runs is left out.
fn environment(bytes: &[u8]) -> Vec<(OsString, OsString)> {
    const LEFT_OUT: &[&str] = &["PYTHONINSPECT", "PYTHONPROFILEIMPORTTIME", "PYTHONVERBOSE", "PYTHONDEBUG"];
    let entry = |entry: &[u8]| {
        let at = entry.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
        let (name, value) = entry.split_at_checked(at)?;
        let name = OsStr::from_bytes(name).to_owned();
        let is_left_out = LEFT_OUT.iter().any(|left_out| name == *left_out);
        (!is_left_out).then(|| (name, OsStr::from_bytes(value.get(1..).unwrap_or_default()).to_owned()))
    };
    bytes.split(|byte| *byte == 0).filter_map(entry).collect()
}

fn parse(stdout: &[u8], interpreter: &Path) -> Option<TorchFacts> {
    let text = String::from_utf8_lossy(stdout);
    let line = text.lines().rev().find_map(|line| line.strip_prefix(MARK))?;
    // A line that is no such answer was printed by the import itself.
    let facts: TorchFacts = serde_json::from_str(line).ok()?;
    let error = facts.error.as_deref().map(cut);
    Some(TorchFacts { interpreter: interpreter.to_path_buf(), error, ..facts })
}

fn last_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty());
    line.map_or_else(String::new, |line| format!(": {line}"))
}

/// Keeps the first line of an error, and not all of a long one.
fn cut(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_answer_counts_and_other_output_does_not() {
        let read = |text: &str| parse(text.as_bytes(), Path::new("/v/bin/python"));
        let answer = "loading\nmodelctl-torch {}\nmodelctl-torch {\"version\": \"2.5\", \"cuda\": null, \"is_available\": false, \
                      \"error\": \"RuntimeError: no\\nmore\"}\n";
        let facts = read(answer).unwrap();
        assert_eq!((facts.version.as_deref(), facts.is_available), (Some("2.5"), Some(false)));
        assert_eq!((facts.error.as_deref(), facts.devices), (Some("RuntimeError: no"), 0));
        assert_eq!((read(""), read("modelctl-torch x"), read("Traceback")), (None, None, None));
    }

    #[test]
    fn an_environment_is_passed_on_as_it_is() {
        let text = b"A=1\0EMPTY=\0=x\0nothing\0LD_PRELOAD=a=b\0PYTHONINSPECT=1\0";
        let names: Vec<(OsString, OsString)> = environment(text);
        let pair = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        assert_eq!(names, [pair("A", "1"), pair("EMPTY", ""), pair("LD_PRELOAD", "a=b")]);
    }
}
