//! Locks that downloads hold while they run: their paths, and whether they are held.
//!
//! huggingface_hub locks a file next to the blob that it writes, RamaLama the unfinished blob itself; both with
//! flock(2). To check a lock, it is acquired and released at once; a download that tries at that very moment tries
//! again. While something is moved away the locks are held ([`hold`]): a download then waits. All on read-only
//! descriptors, and no lock file is ever created.

use crate::clock::Timestamp;
use crate::host::file_lock::{FileLock, Share};
use crate::inventory::contains;
use crate::model::StoreKind;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Prefixes of the folders of the hub that hold one repository.
const REPOSITORIES: [&str; 4] = ["models--", "datasets--", "spaces--", "kernels--"];
/// Path of the locks of huggingface_hub below the target folder of a download.
const LOCAL: &str = ".cache/huggingface/download";
/// The largest number of locks of one repository that are tried; a folder with more of them is reported as unknown.
const MOST_LOCKS: usize = 10_000;

/// Location of the lock of a download.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockPlace {
    /// This file, when it exists.
    File(PathBuf),
    /// Some lock in this folder: the file does not determine which one.
    Folder(PathBuf),
}

impl LockPlace {
    /// Returns the path of the lock, where it is known which one it is.
    pub fn file(&self) -> Option<&Path> {
        match self {
            LockPlace::File(path) => Some(path),
            LockPlace::Folder(_) => None,
        }
    }
}

/// Whether a lock is held, which means that a download is running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    No,
    /// The holder, where it is known.
    Yes(String),
    Unknown(String),
}

/// Returns the locks that a running download of the file at `path` holds, by the rules of the store at `root`. Pure:
/// none of the paths need exist.
pub fn lock_places(store: StoreKind, root: &Path, path: &Path) -> Vec<LockPlace> {
    match store {
        StoreKind::Hf => hub(root, path).into_iter().collect(),
        // Its folder may also hold repositories in the layout of the hub.
        StoreKind::LlamaCpp => hub(root, path).map_or_else(|| local(root, path), |place| vec![place]),
        StoreKind::RamaLama => vec![LockPlace::File(partial(path))],
        StoreKind::Dir | StoreKind::LmStudio => hub(root, path).into_iter().chain(local(root, path)).collect(),
        // Neither holds locks: the server that downloads is found by its open files.
        StoreKind::Ollama | StoreKind::Docker => Vec::new(),
    }
}

fn hub(root: &Path, path: &Path) -> Option<LockPlace> {
    // Most plain files have no such part in their paths, and there may be a great many of them.
    let bytes = path.as_os_str().as_bytes();
    if !bytes.windows(2).any(|w| w == b"--") && !bytes.windows(7).any(|w| w == b"/blobs/") {
        return None;
    }
    let (mut cache, inside) = match path.strip_prefix(root) {
        Ok(inside) => (root.to_owned(), inside),
        Err(_) => (PathBuf::new(), path),
    };
    let mut parts = inside.components().map(|part| part.as_os_str());
    while let Some(part) = parts.next() {
        if REPOSITORIES.iter().any(|kind| part.as_bytes().starts_with(kind.as_bytes())) {
            let locks = cache.join(".locks").join(part);
            return match (parts.next()?.to_str()?, parts.next()?) {
                ("blobs", blob) => Some(LockPlace::File(locks.join(suffixed(etag(blob), b".lock")))),
                ("snapshots", _) => Some(LockPlace::Folder(locks)),
                _ => None,
            };
        }
        if part == "blobs" {
            // The blobs that repositories share: two digits of the hash, then all of it.
            let (short, hash) = (parts.next()?, parts.next()?);
            let is_shared = short.len() == 2 && hash.as_bytes().starts_with(short.as_bytes());
            let lock = || cache.join("blobs").join(short).join(suffixed(hash.as_bytes(), b".lock"));
            return is_shared.then(|| LockPlace::File(lock()));
        }
        cache.push(part);
    }
    None
}

/// Returns the final name of a blob, from `<etag>`, `<etag>.incomplete`, `<etag>.<8 hex>.incomplete` or
/// `<etag>.downloadInProgress`.
fn etag(blob: &OsStr) -> &[u8] {
    let name = blob.as_bytes();
    let name = name.strip_suffix(b".downloadInProgress").unwrap_or(name);
    let Some(name) = name.strip_suffix(b".incomplete") else { return name };
    match name.iter().rposition(|b| *b == b'.') {
        Some(at) if name.len().saturating_sub(at) == 9 => name.get(..at).unwrap_or(name),
        _ => name,
    }
}

/// Returns the locks of downloads to a plain folder. They are in the folder that was named, which may be any above the
/// file.
fn local(root: &Path, path: &Path) -> Vec<LockPlace> {
    let within = path.ancestors().skip(1).take_while(|folder| contains(root, folder));
    let lock = |folder: &Path| {
        let folder = folder.as_os_str().as_bytes();
        let inside = path.as_os_str().as_bytes().strip_prefix(folder)?; // `folder` is an ancestor
        let inside = inside.strip_prefix(b"/").unwrap_or(inside);
        let folder = folder.strip_suffix(b"/").unwrap_or(folder);
        let lock = [folder, b"/", LOCAL.as_bytes(), b"/", inside, b".lock"].concat();
        Some(LockPlace::File(std::ffi::OsString::from_vec(lock).into()))
    };
    within.filter_map(lock).collect()
}

fn partial(blob: &Path) -> PathBuf {
    match blob.extension() {
        Some(extension) if extension == "partial" => blob.to_owned(),
        _ => suffixed(blob.as_os_str().as_bytes(), b".partial").into(),
    }
}

fn suffixed(name: &[u8], suffix: &[u8]) -> std::ffi::OsString {
    std::ffi::OsString::from_vec([name, suffix].concat())
}

/// Tries all locks.
pub(super) fn check(places: impl IntoIterator<Item = LockPlace>) -> HashMap<LockPlace, Held> {
    let mut missed = Missed::default();
    let mut checked = HashMap::new();
    for place in places {
        if checked.contains_key(&place) {
            continue;
        }
        let held = match &place {
            LockPlace::File(lock) if missed.is_in_vain(lock) => Held::No,
            LockPlace::File(lock) => attempt(lock).unwrap_or_else(|| missed.note(lock)),
            LockPlace::Folder(locks) => attempt_all(locks),
        };
        checked.insert(place, held);
    }
    checked
}

/// Folders in which a lock was missing, and whether the folder itself is missing, which is checked at the second lock:
/// most plain folders have no such folder, and thousands of files each.
#[derive(Default)]
struct Missed(HashMap<PathBuf, Option<bool>>);

impl Missed {
    fn is_in_vain(&mut self, lock: &Path) -> bool {
        let Some((folder, is_absent)) = lock.parent().and_then(|f| Some((f, self.0.get_mut(f)?))) else { return false };
        let look = || std::fs::symlink_metadata(folder).is_err_and(|e| e.kind() == ErrorKind::NotFound);
        *is_absent.get_or_insert_with(look)
    }

    fn note(&mut self, lock: &Path) -> Held {
        self.0.entry(lock.parent().unwrap_or(lock).to_owned()).or_default();
        Held::No
    }
}

fn attempt_all(folder: &Path) -> Held {
    let locks = match locks_in(folder) {
        Ok(locks) => locks,
        Err(why) => return Held::Unknown(why),
    };
    let mut worst = Held::No;
    for lock in locks {
        match attempt(&lock) {
            Some(Held::Yes(by)) => return Held::Yes(by),
            Some(Held::No) | None => {}
            Some(unknown @ Held::Unknown(_)) => worst = unknown,
        }
    }
    worst
}

fn locks_in(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unreadable = |e: std::io::Error| format!("{} cannot be read: {e}", folder.display());
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(e)),
    };
    let mut locks = Vec::new();
    for (seen, entry) in entries.enumerate() {
        let path = entry.map_err(unreadable)?.path();
        if seen >= MOST_LOCKS {
            return Err(format!("{} has more than {MOST_LOCKS} locks", folder.display()));
        }
        if path.extension().is_some_and(|extension| extension == "lock") {
            locks.push(path);
        }
    }
    Ok(locks)
}

/// Locks that are held until this is dropped.
#[derive(Debug)]
pub struct Holding {
    _locks: Vec<FileLock>,
}

/// Takes all locks that exist. The verdict on a lock that cannot be tried is that of [`check`].
///
/// # Errors
/// The holder of one of them, in words.
pub(super) fn hold(places: impl IntoIterator<Item = LockPlace>) -> Result<Holding, String> {
    let mut held = Vec::new();
    let mut seen = HashSet::new();
    for place in places {
        let locks = match place {
            LockPlace::File(lock) => vec![lock],
            LockPlace::Folder(folder) => locks_in(&folder).unwrap_or_default(),
        };
        for path in locks {
            if !seen.insert(path.clone()) {
                continue;
            }
            match lock(&path) {
                Some(Ok(file)) => held.push(file),
                Some(Err(Held::Yes(by))) => return Err(format!("a download has started: {by}")),
                Some(Err(Held::No | Held::Unknown(_))) | None => {}
            }
        }
    }
    Ok(Holding { _locks: held })
}

/// The longest time since a download opened its lock during which it may have created folders that are still empty. A
/// download that waits for its lock opens it again every 50 ms.
const JUST_NOW: Duration = Duration::from_millis(300);

/// Returns whether something is being downloaded into the repository of one of these locks: a lock next to them is
/// held, or was opened just now. huggingface_hub creates the folder of a snapshot before it takes its lock, and needs
/// it at the end.
pub(super) fn is_downloading(places: impl IntoIterator<Item = LockPlace>, now: Timestamp) -> bool {
    let folders: BTreeSet<PathBuf> = places
        .into_iter()
        .filter_map(|place| match place {
            LockPlace::Folder(folder) => Some(folder),
            LockPlace::File(lock) => lock.parent().map(Path::to_owned),
        })
        .filter(|folder| folder.parent().is_some_and(|above| above.ends_with(".locks")))
        .collect();
    let is_new = |lock: &Path| {
        let opened = std::fs::symlink_metadata(lock).and_then(|meta| meta.modified());
        let since = opened.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()); // a missing lock has no download
        let ms = since.and_then(|at| i64::try_from(at.as_millis()).ok()); // nor does one from before the epoch
        ms.is_some_and(|ms| Timestamp(ms).age(now) < JUST_NOW)
    };
    let is_busy = |lock: &PathBuf| is_new(lock) || !matches!(attempt(lock), None | Some(Held::No));
    // Locks that cannot be listed may be held.
    folders.iter().any(|folder| locks_in(folder).map_or(true, |locks| locks.iter().any(is_busy)))
}

/// Tries a lock. None when there is no such lock.
fn attempt(path: &Path) -> Option<Held> {
    Some(match lock(path)? {
        Ok(_) => Held::No,
        Err(held) => held,
    })
}

/// Takes a lock. None when there is no such lock; never [`Held::No`].
fn lock(lock: &Path) -> Option<Result<FileLock, Held>> {
    let unknown = |why: &str| Some(Err(Held::Unknown(format!("the lock {} {why}", lock.display()))));
    // A FIFO must not block us, and no link may redirect us.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match open(lock, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return None,
        Err(e) => return unknown(&format!("cannot be opened: {e}")),
    };
    if !fstat(&file).is_ok_and(|meta| FileType::from_raw_mode(meta.st_mode).is_file()) {
        return unknown("is not a file");
    }
    let tried = FileLock::try_lock(File::from(file), Share::Nobody).or_else(|(file, error)| match &error {
        // A network file system may require a writable descriptor for an exclusive lock.
        TryLockError::Error(e) if e.raw_os_error() == Some(Errno::BADF.raw_os_error()) => {
            FileLock::try_lock(file, Share::Readers)
        }
        _ => Err((file, error)),
    });
    match tried {
        Ok(lock) => Some(Ok(lock)),
        Err((file, TryLockError::WouldBlock)) => Some(Err(Held::Yes(match holder(&file) {
            Some(pid) => format!("process {pid} holds {}", lock.display()),
            None => format!("{} is held", lock.display()),
        }))),
        Err((_, TryLockError::Error(e))) => unknown(&format!("cannot be tried: {e}")),
    }
}

/// Returns the holder of a lock, from `/proc/locks`. Only a hint for the operator: the kernel shows no pid to a
/// container.
fn holder(file: impl AsFd) -> Option<u32> {
    let meta = fstat(file).ok()?; // only a hint
    let locks = std::fs::read_to_string("/proc/locks").ok()?; // as above
    let (major, minor) = (rustix::fs::major(meta.st_dev), rustix::fs::minor(meta.st_dev));
    let wanted = format!("{major:02x}:{minor:02x}:{}", meta.st_ino);
    locks.lines().find_map(|line| holder_in(line, &wanted))
}

/// Parses `1: FLOCK  ADVISORY  WRITE 708 08:02:1234 0 EOF`; waiting entries have an arrow after the number.
fn holder_in(line: &str, wanted: &str) -> Option<u32> {
    let mut fields = line.split_ascii_whitespace().skip(1);
    (fields.next()? == "FLOCK").then_some(())?;
    let pid = fields.nth(2)?;
    (fields.next()? == wanted).then(|| pid.parse().ok())?.filter(|pid| *pid > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs;
    use std::io::Read;
    use std::process::{Child, Command, Stdio};

    fn file(store: StoreKind, path: &str) -> Vec<String> {
        let text = |place| match place {
            LockPlace::File(path) => path.to_str().unwrap().to_owned(),
            LockPlace::Folder(path) => format!("{}/*", path.display()),
        };
        lock_places(store, Path::new("/r"), Path::new(path)).into_iter().map(text).collect()
    }

    #[test]
    fn every_downloader_locks_where_its_own_code_does() {
        let hf = |path| file(StoreKind::Hf, path);
        let lock = "/r/.locks/models--a--b/e1.lock";
        assert_eq!(hf("/r/models--a--b/blobs/e1"), [lock]);
        assert_eq!(hf("/r/models--a--b/blobs/e1.incomplete"), [lock]);
        assert_eq!(hf("/r/models--a--b/blobs/e1.0123abcd.incomplete"), [lock]);
        assert_eq!(hf("/r/models--a--b/blobs/e1.downloadInProgress"), [lock]);
        assert_eq!(hf("/r/models--a--b/snapshots/c/x.gguf"), ["/r/.locks/models--a--b/*"]);
        assert_eq!(hf("/r/hub/models--a--b/blobs/e1"), ["/r/hub/.locks/models--a--b/e1.lock"]);
        assert_eq!(hf("/q/hub/models--a--b/blobs/e1"), ["/q/hub/.locks/models--a--b/e1.lock"]);
        assert_eq!(hf("/r/blobs/ab/abcd"), ["/r/blobs/ab/abcd.lock"]);
        assert_eq!(hf("/r/models--a--b/refs/main"), [""; 0]);
        assert_eq!(file(StoreKind::LlamaCpp, "/r/models--a--b/blobs/e1"), [lock]);
        assert_eq!(file(StoreKind::RamaLama, "/r/store/x/blobs/sha256-1"), ["/r/store/x/blobs/sha256-1.partial"]);
        assert_eq!(file(StoreKind::RamaLama, "/r/b/sha256-1.partial"), ["/r/b/sha256-1.partial"]);
        let local = ["/r/a/.cache/huggingface/download/x.gguf.lock", "/r/.cache/huggingface/download/a/x.gguf.lock"];
        assert_eq!(file(StoreKind::Dir, "/r/a/x.gguf"), local);
        assert_eq!(file(StoreKind::Ollama, "/r/blobs/sha256-1"), [""; 0]);
    }

    /// Holds the lock until it is dropped.
    struct Locker(Child);

    impl Locker {
        #[expect(clippy::disallowed_methods, reason = "a lock of this process would be no other's")]
        fn new(lock: &Path) -> Locker {
            let mut command = Command::new("flock");
            command.arg(lock).args(["sh", "-c", "echo; exec cat"]);
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
            Locker(child)
        }
    }

    impl Drop for Locker {
        fn drop(&mut self) {
            drop(self.0.stdin.take());
            let _ = self.0.wait();
        }
    }

    fn try_one(place: LockPlace) -> Held {
        check([place.clone()]).remove(&place).unwrap()
    }

    #[test]
    fn a_running_download_is_noticed_and_a_left_over_lock_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("e1.lock");
        let one = || try_one(LockPlace::File(lock.clone()));
        let any = || try_one(LockPlace::Folder(folder.path().to_owned()));
        assert_eq!((one(), any()), (Held::No, Held::No));
        assert!(!lock.exists(), "no lock file is made");
        fs::write(&lock, "").unwrap();
        fs::write(folder.path().join("e2.lock"), "").unwrap();
        assert_eq!((one(), any()), (Held::No, Held::No));
        let locker = Locker::new(&lock);
        let Held::Yes(by) = one() else { panic!("{:?}", one()) };
        assert_eq!(by, format!("process {} holds {}", locker.0.id(), lock.display()));
        assert!(matches!(any(), Held::Yes(_)));
        drop(locker);
        assert_eq!((one(), any()), (Held::No, Held::No));
    }

    #[test]
    fn a_download_that_begins_while_something_goes_waits_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("e1.lock");
        fs::write(&lock, "").unwrap();
        let places = || [LockPlace::Folder(folder.path().to_owned()), LockPlace::File(folder.path().join("none.lock"))];
        let holding = hold(places()).unwrap();
        assert!(matches!(try_one(LockPlace::File(lock.clone())), Held::Yes(_)));
        assert!(hold(places()).unwrap_err().contains("a download has started"));
        drop(holding);
        assert_eq!(try_one(LockPlace::File(lock)), Held::No);
    }

    #[test]
    fn a_lock_that_cannot_be_tried_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("e1.lock");
        std::os::unix::fs::symlink("elsewhere", &lock).unwrap();
        assert!(matches!(try_one(LockPlace::File(lock.clone())), Held::Unknown(_)));
        assert!(matches!(try_one(LockPlace::Folder(folder.path().to_owned())), Held::Unknown(_)));
        fs::remove_file(&lock).unwrap();
        let fifo = FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &lock, fifo, Mode::from(0o600), 0).unwrap();
        assert!(matches!(try_one(LockPlace::File(lock)), Held::Unknown(why) if why.contains("is not a file")));
    }

    proptest! {
        #[test]
        fn any_path_is_mapped_without_a_panic(path in "/r?(/(models--[a-c]|blobs|snapshots|[.a-f]{0,12})){0,5}") {
            for store in StoreKind::ALL {
                lock_places(*store, Path::new("/r"), Path::new(&path));
            }
        }

        #[test]
        fn any_line_is_read_without_a_panic(line in "[ -~]{0,60}") {
            holder_in(&line, "08:02:1");
        }
    }
}
