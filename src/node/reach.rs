//! Whether files can be reached at all. A read of a file system whose server is gone may never return, and neither SIGKILL
//! nor the end of the program ends a thread that waits in it; so a child asks first.

use super::machine::disks::{is_network, mount_of, mounts_of};
use super::{Place, fact};
use crate::host::mounts::Mount;
use crate::host::self_child::{self, NoAnswer, OURSELVES};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// The hidden command that prints the size of its last argument as JSON; null where there is none.
pub const PROBE: [&str; 2] = ["probe", "stat"];
/// Links on one way.
const MOST_LINKS: usize = 40;
/// Mounts that are asked.
const MOST_MOUNTS: usize = 32;

/// A file system that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stalled {
    pub mount: PathBuf,
    /// `nfs4 of server:/models: no response within 3.0 s`
    pub why: String,
}

/// Reads the size of a file, as [`PROBE`] does. May never return.
pub fn size_here(path: &Path) -> Option<u64> {
    std::fs::metadata(path).ok().map(|meta| meta.len()) // what cannot be read has no size
}

/// Returns the size of a file; None where there is none that can be read within `limit`.
pub fn size(path: &Path, limit: Duration) -> Option<u64> {
    match remote_mount(&Place::default(), path) {
        // Without an answer it has no size that could be used.
        Some(_) => ask(path, limit).ok().flatten(),
        None => size_here(path),
    }
}

/// Asks the file system of a path for an answer where it could wait for ever. Takes at most half a second longer than
/// `limit`.
///
/// # Errors
/// It gave none within `limit`; the text says which file system that is.
pub fn answers(path: &Path, limit: Duration) -> Result<(), String> {
    match remote_mount(&Place::default(), path) {
        Some(mount) => ask(path, limit).map(drop).map_err(|no_answer| silent(&mount, &no_answer)),
        None => Ok(()),
    }
}

/// Returns the file systems of networks and of user space that give no answer within `limit`; asked side by side.
pub fn stalled(place: &Place, limit: Duration) -> Vec<Stalled> {
    let mut mounts: Vec<Mount> = mounts_of(place).into_iter().filter(is_remote).collect();
    mounts.sort_by(|a, b| a.point.cmp(&b.point));
    mounts.dedup_by(|a, b| a.point == b.point);
    mounts.truncate(MOST_MOUNTS);
    std::thread::scope(|scope| {
        let asked = mounts.iter().map(|mount| scope.spawn(move || (mount, ask(&place.at(&mount.point), limit))));
        let asked: Vec<_> = asked.collect();
        // A thread that broke down has found nothing.
        let answers = asked.into_iter().filter_map(|thread| thread.join().ok());
        let silent = answers.filter_map(|(mount, answer)| {
            let no_answer = answer.err()?;
            Some(Stalled { mount: mount.point.clone(), why: silent(mount, &no_answer) })
        });
        silent.collect()
    })
}

/// Returns the one of `stalled` that the way to `path` leads into.
pub fn behind<'a>(place: &Place, stalled: &'a [Stalled], path: &Path) -> Option<&'a Stalled> {
    // Without any there is no way to be looked at.
    let mount = if stalled.is_empty() { None } else { remote_mount(place, path) }?;
    stalled.iter().find(|one| one.mount == mount.point)
}

/// Returns the first mount of a network or of user space on the way to `path`, whose links are followed up to there.
fn remote_mount(place: &Place, path: &Path) -> Option<Mount> {
    let mounts = mounts_of(place);
    if !mounts.iter().any(is_remote) {
        return None;
    }
    let parts = |path: &Path| path.components().map(|part| part.as_os_str().to_owned()).collect::<VecDeque<OsString>>();
    let (mut at, mut left, mut links) = (PathBuf::from("/"), parts(path), 0_usize);
    while let Some(part) = left.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::RootDir) => at = PathBuf::from("/"),
            Some(Component::ParentDir) => drop(at.pop()),
            Some(Component::Normal(name)) => at.push(name),
            Some(Component::CurDir | Component::Prefix(_)) | None => {}
        }
        if let Some(mount) = mount_of(&mounts, &at).filter(|mount| is_remote(mount)) {
            return Some(mount.clone());
        }
        // No link, or one that cannot be read: the way ends here or goes on below.
        let Ok(target) = std::fs::read_link(place.at(&at)) else { continue };
        links = links.saturating_add(1);
        if links > MOST_LINKS {
            return None;
        }
        at.pop();
        let mut way = parts(&target);
        way.append(&mut left);
        left = way;
    }
    None
}

/// The root itself does not count: nothing would be left that does not hang.
fn is_remote(mount: &Mount) -> bool {
    is_network(&mount.kind) && mount.point.parent().is_some()
}

fn ask(path: &Path, limit: Duration) -> Result<Option<u64>, NoAnswer> {
    let args = PROBE.iter().map(OsString::from).chain([path.as_os_str().to_owned()]);
    self_child::ask(Path::new(OURSELVES), args, limit)
}

fn silent(mount: &Mount, no_answer: &NoAnswer) -> String {
    let what = format!("{} of {}", mount.kind, mount.source);
    match no_answer {
        NoAnswer::TimedOut { limit, .. } => format!("{what}: {}", fact::late(*limit)),
        NoAnswer::Hung { limit, pid, wchan } => {
            let place = wchan.as_ref().map_or_else(String::new, |wchan| format!(" in {wchan}"));
            format!("{what}: {}; process {pid} hangs in the kernel{place}", fact::late(*limit))
        }
        NoAnswer::NotStarted { why } | NoAnswer::Unreadable { why } => format!("{what}: cannot be checked: {why}"),
        NoAnswer::Ended(ending) => format!("{what}: cannot be checked: the reading process {ending}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "27 1 254:0 / / rw,relatime - nfs4 server:/root rw\n\
        30 27 0:40 / /mnt/models ro,relatime - nfs4 server:/models rw\n\
        31 27 8:16 / /data rw,relatime - ext4 /dev/sdb rw\n";

    /// A link into a mount that hangs would be followed into it, and the look would never end.
    #[test]
    fn a_network_is_seen_behind_links_and_without_a_step_into_it() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        std::fs::create_dir_all(at("proc/self")).unwrap();
        std::fs::write(at("proc/self/mountinfo"), MOUNTS).unwrap();
        std::fs::create_dir_all(at("mnt")).unwrap();
        std::fs::create_dir_all(at("srv")).unwrap();
        std::os::unix::fs::symlink("../mnt", at("srv/m")).unwrap();
        std::os::unix::fs::symlink("/srv/m/models/llm", at("srv/llm")).unwrap();
        std::os::unix::fs::symlink("loop", at("srv/loop")).unwrap();
        let place = Place::new(root.path());
        let of = |path: &str| remote_mount(&place, Path::new(path)).map(|mount| mount.point.display().to_string());
        let models = Some("/mnt/models".to_owned());
        assert_eq!(
            (of("/mnt/models/x.gguf"), of("/srv/llm/x.gguf"), of("/srv/m/models")),
            (models.clone(), models.clone(), models)
        );
        assert_eq!((of("/data/x"), of("/srv/m/other"), of("/srv/loop/x"), of("/srv/no")), (None, None, None, None));
        let stalled = [Stalled { mount: "/mnt/models".into(), why: String::new() }];
        assert!(behind(&place, &stalled, Path::new("/srv/llm")).is_some());
        assert!(
            behind(&place, &stalled, Path::new("/data")).is_none() && behind(&place, &[], Path::new("/x")).is_none()
        );
    }

    #[test]
    fn files_of_this_machine_are_read_without_a_child() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "abc").unwrap();
        assert_eq!(size(file.path(), Duration::ZERO), Some(3));
        assert_eq!(size(Path::new("/no/such/file"), Duration::ZERO), None);
        assert_eq!(answers(file.path(), Duration::ZERO), Ok(()));
    }
}
