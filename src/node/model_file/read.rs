//! Reads everything of one model file. Blocks where its file system hangs: [`read_in_child`] is for the others.

use super::refusing::refusing;
use super::view::{RIGHT, Side, modified};
use super::walk::{End, Passed, Walk, outside, passed};
use super::{Content, Fact, FileView, ModelFile, ModelFileRequest, Outcome, Stability, content, near, writer};
use crate::clock::{self, Timestamp};
use crate::gguf;
use crate::host::self_child::{self, NoAnswer};
use crate::node::Place;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The hidden command that runs [`read`]; its last argument is the request as JSON.
pub const PROBE: [&str; 2] = ["probe", "model-file"];
/// The longest time between two reads of a size.
const MOST_PAUSE: Duration = Duration::from_secs(60);

/// Reads a model file in a child of `modelctl`, normally [`self_child::OURSELVES`]: a network mount that hangs stops the
/// child. Takes at most half a second longer than `limit`.
pub fn read_in_child(modelctl: &Path, request: &ModelFileRequest, limit: Duration, now: Timestamp) -> Fact<ModelFile> {
    let source = request.path.display().to_string();
    let outcome = match self_child::ask_json::<Fact<ModelFile>>(modelctl, &PROBE, request, limit) {
        Ok(fact) => return fact,
        Err(NoAnswer::TimedOut { limit, .. }) => {
            Outcome::TimedOut { why: format!("its file system did not respond within {:.1} s", limit.as_secs_f64()) }
        }
        Err(NoAnswer::Hung { limit, pid, wchan }) => Outcome::TimedOut {
            why: format!(
                "its file system hangs: the read (process {pid}) did not finish within {:.1} s, cannot be killed and is \
                 waiting in the kernel{}",
                limit.as_secs_f64(),
                wchan.map_or_else(String::new, |wchan| format!(" in {wchan}"))
            ),
        },
        Err(NoAnswer::Ended(ending)) => Outcome::Failed { why: format!("the read {ending}") },
        Err(NoAnswer::Unreadable { why }) => Outcome::Failed { why },
        Err(NoAnswer::NotStarted { why }) => Outcome::Failed { why: format!("the read could not be started: {why}") },
    };
    Fact::new(source, now, outcome)
}

/// Reads a model file in this process. May never return where its file system hangs.
pub fn read(request: &ModelFileRequest, now: Timestamp) -> Fact<ModelFile> {
    let place = Place::new(&request.root);
    let path = absolute(request, &place);
    let ours = Side::new(place.at("/"), &place.at("/proc/self/mountinfo"));
    let theirs = request.pid.map(|pid| {
        let process = place.at(format!("/proc/{pid}"));
        Side::new(process.join("root"), &process.join("mountinfo"))
    });
    let began = clock::instant();
    let our_walk = ours.walk(&path);
    let their_walk = theirs.as_ref().map(|side| side.walk(&path));
    let (side, walk) = match (&theirs, &their_walk) {
        (Some(side), Some(walk)) => (side, walk),
        _ => (&ours, &our_walk),
    };
    let folder = path.parent().unwrap_or(Path::new("/"));
    let our_folder = ours.fact(folder, &ours.walk(folder), now);
    let service_folder = match &theirs {
        Some(side) => side.fact(folder, &side.walk(folder), now),
        None => our_folder.clone(),
    };
    let service = side.fact(&path, walk, now);
    // What the service cannot be asked about may still be known from our side.
    let seen = if service.known().is_some() { (side, walk) } else { (&ours, &our_walk) };
    let content = content_of(seen.0, &path, seen.1, now);
    let writer = match &seen.1.end {
        End::Found { resolved, meta } if meta.is_file() => {
            use std::os::unix::fs::MetadataExt;
            writer::writer(meta.dev(), meta.ino(), resolved.clone())
        }
        _ => None,
    };
    let (dangling, nearest) = missing(side, walk);
    let near = match (&walk.end, folder_of(side, folder)) {
        (_, Some(folder)) => near::neighbours(&side.root, &folder, path.file_name()),
        _ => Vec::new(),
    };
    let file = ModelFile {
        path: request.path.clone(),
        ours: ours.fact(&path, &our_walk, now),
        service,
        service_folder,
        our_folder,
        refusing: refuser(request, side, walk),
        dangling,
        nearest,
        neighbours: near,
        stable: stability(request, seen, began),
        writer,
        content,
    };
    Fact::ok(request.path.display().to_string(), now, file)
}

/// Returns the path from the root on.
fn absolute(request: &ModelFileRequest, place: &Place) -> PathBuf {
    if request.path.is_absolute() {
        return request.path.clone();
    }
    let directory = request.pid.and_then(|pid| std::fs::read_link(place.at(format!("/proc/{pid}/cwd"))).ok());
    // Without its process nothing is known about where it begins.
    directory.unwrap_or_else(|| PathBuf::from("/")).join(&request.path)
}

fn content_of(side: &Side, path: &Path, walk: &Walk, now: Timestamp) -> Fact<Content> {
    let source = outside(&side.root, path).display().to_string();
    let End::Found { resolved, meta } = &walk.end else {
        return Fact::absent(source, now, "there is no file");
    };
    if !meta.is_file() {
        return Fact::absent(source, now, "it is not a regular file");
    }
    // The name that the service was given says which part of a set it is; a link may lead to a blob.
    let (name, folder) = (path.file_name().unwrap_or_default(), path.parent().map(Path::to_owned));
    let is_beside = |name: &str| {
        let beside = |folder: &Path| matches!(side.walk(&folder.join(name)).end, End::Found { .. });
        folder.as_deref().is_some_and(beside)
    };
    let opened = gguf::open_untouched(&outside(&side.root, resolved));
    match opened.and_then(|file| content::read(&file, name, meta.len(), is_beside)) {
        Ok(content) => Fact::ok(source, now, content),
        Err(error) => Fact::io_error(source, now, &error, RIGHT),
    }
}

/// Returns the link that leads nowhere, and what is near to a name that does not exist.
fn missing(side: &Side, walk: &Walk) -> (Option<String>, Option<(PathBuf, Vec<String>)>) {
    match &walk.end {
        End::Missing { link: Some(link), .. } => (Some(link.display().to_string()), None),
        End::Missing { existing, name, link: None } => {
            (None, Some((existing.clone(), near::similar(&side.root, existing, name))))
        }
        End::Loop => (Some("loop".to_owned()), None),
        End::Found { .. } | End::Failed { .. } => (None, None),
    }
}

/// Returns the folder without links.
fn folder_of(side: &Side, folder: &Path) -> Option<PathBuf> {
    match side.walk(folder).end {
        End::Found { resolved, meta } if meta.is_dir() => Some(resolved),
        _ => None,
    }
}

fn refuser(request: &ModelFileRequest, side: &Side, walk: &Walk) -> Option<super::Refusing> {
    let (uid, groups) = request.user.as_ref()?;
    let file: Option<Passed> = match &walk.end {
        End::Found { resolved, meta } => Some(passed(resolved, meta)),
        _ => None,
    };
    let has_acl = |path: &Path| {
        let mut none: [u8; 0] = [];
        rustix::fs::getxattr(outside(&side.root, path), "system.posix_acl_access", &mut none).is_ok_and(|size| size > 0)
    };
    refusing(&walk.folders, file.as_ref(), (*uid, groups), has_acl)
}

/// Reads size and time once more, `pause_s` after the first time.
fn stability(request: &ModelFileRequest, (side, walk): (&Side, &Walk), began: Instant) -> Option<Stability> {
    let End::Found { resolved, meta } = &walk.end else { return None };
    let pause = Duration::try_from_secs_f64(request.pause_s).ok()?.min(MOST_PAUSE); // no time is no second look
    if pause.is_zero() || !meta.is_file() {
        return None;
    }
    // Nothing wakes this thread, which belongs to a child that its parent kills; it may wake by itself.
    while let Some(left) = pause.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
    // A file that is gone meanwhile has no size.
    let later: Option<Metadata> = std::fs::metadata(outside(&side.root, resolved)).ok();
    let size = later.as_ref().map_or(0, Metadata::len);
    let is_stable = later.is_some_and(|later| size == meta.len() && modified(&later) == modified(meta));
    Some(Stability { seconds: began.elapsed().as_secs_f64(), sizes: (meta.len(), size), is_stable })
}

/// Reads any file as a service sees it, without its content: for the other files that a service needs.
pub fn view(request: &ModelFileRequest, now: Timestamp) -> Fact<FileView> {
    let place = Place::new(&request.root);
    let path = absolute(request, &place);
    let side = match request.pid.map(|pid| place.at(format!("/proc/{pid}"))) {
        Some(process) => Side::new(process.join("root"), &process.join("mountinfo")),
        None => Side::new(place.at("/"), &place.at("/proc/self/mountinfo")),
    };
    side.fact(&path, &side.walk(&path), now)
}
