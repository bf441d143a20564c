//! Reads what there is of GPUs; what talks to a driver runs in a child.

use super::{Amd, Fact, Gpus, Nvml, Outcome, amd, files};
use crate::clock::Timestamp;
use crate::host::self_child::{self, NoAnswer};
use crate::node::Place;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// The hidden command that runs [`super::nvml_here`].
pub const PROBE: [&str; 2] = ["probe", "gpu-facts"];
/// The hidden command that runs [`super::amd_here`]; its last argument is the root of the node.
pub const AMD_PROBE: [&str; 2] = ["probe", "amd-facts"];
/// Limit for the files of amdgpu, within the limit of all.
const AMD_LIMIT: Duration = Duration::from_secs(2);

/// Reads the GPUs of a node. `modelctl` is the program to ask, normally [`self_child::OURSELVES`]. Takes at most
/// half a second longer than `limit`.
pub fn read(place: &Place, modelctl: &Path, limit: Duration, now: Timestamp) -> Fact<Gpus> {
    // Beside the child, since a driver that is slow makes both slow.
    let (nvml, amd) = std::thread::scope(|scope| {
        let amd = scope.spawn(|| amd(place, modelctl, limit.min(AMD_LIMIT)));
        let nvml = self_child::ask::<Nvml>(modelctl, PROBE, limit);
        (nvml, amd.join().unwrap_or_default())
    });
    let (nvml, stuck) = outcome(nvml);
    let gpus = Gpus {
        module_version: files::module_version(place),
        library_version: files::library_version(place),
        nodes: files::nodes(place),
        has_nouveau: files::has_nouveau(place),
        nvml: Fact::new("NVML", now, nvml),
        stuck,
        amd,
    };
    Fact::ok("GPUs", now, gpus)
}

fn amd(place: &Place, modelctl: &Path, limit: Duration) -> Vec<Amd> {
    if !amd::is_there(place) {
        return Vec::new();
    }
    let root = place.at("/").into_os_string();
    let args = AMD_PROBE.iter().map(OsString::from).chain([root]);
    // A card whose files hang shows neither memory nor load.
    self_child::ask(modelctl, args, limit).unwrap_or_default()
}

/// Returns what came of asking NVML, and the state of a child that did not answer.
fn outcome(answer: Result<Nvml, NoAnswer>) -> (Outcome<Nvml>, Option<(char, Option<String>)>) {
    let seconds = |limit: Duration| format!("{:.1}", limit.as_secs_f64());
    match answer {
        Ok(value) => (Outcome::Ok { value }, None),
        Err(NoAnswer::TimedOut { limit, state, wchan }) => {
            let why = format!("NVML did not respond within {} s", seconds(limit));
            (Outcome::TimedOut { why }, Some((state.unwrap_or('S'), wchan)))
        }
        Err(NoAnswer::Hung { limit, pid, wchan }) => {
            let why = format!(
                "NVML did not respond within {} s, and its process {pid} cannot be killed: it hangs in the kernel",
                seconds(limit)
            );
            (Outcome::TimedOut { why }, Some(('D', wchan)))
        }
        Err(NoAnswer::Ended(ending)) => {
            (Outcome::Failed { why: format!("the process that queries NVML {ending}") }, None)
        }
        Err(NoAnswer::Unreadable { why }) => (Outcome::Failed { why }, None),
        Err(NoAnswer::NotStarted { why }) => {
            (Outcome::Failed { why: format!("NVML could not be queried: {why}") }, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A driver that is slow needs patience, one that hangs a reboot: the next step hangs on the difference.
    #[test]
    fn slow_and_hung_are_told_apart() {
        let limit = Duration::from_secs(5);
        let slow = outcome(Err(NoAnswer::TimedOut { limit, state: Some('R'), wchan: None }));
        assert!(matches!(slow, (Outcome::TimedOut { .. }, Some(('R', None)))));
        let hung = outcome(Err(NoAnswer::Hung { limit, pid: 7, wchan: Some("nv_wait".into()) }));
        assert!(matches!(hung.1, Some(('D', Some(wchan))) if wchan == "nv_wait"));
    }

    #[test]
    fn files_are_read_although_the_driver_gives_no_answer() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("dev")).unwrap();
        std::fs::write(dir.path().join("dev/nvidia0"), "").unwrap();
        let place = Place::new(dir.path());
        let fact = read(&place, Path::new("/bin/echo"), Duration::from_secs(30), Timestamp(0));
        let gpus = fact.known().unwrap();
        assert!(matches!(gpus.nvml.outcome, Outcome::Failed { .. }));
        assert_eq!((gpus.nodes.len(), gpus.stuck.clone(), gpus.amd.len()), (1, None, 0));
    }
}
