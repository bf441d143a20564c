use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors for everything that is not a connection: the database, logs, workers.
const RESERVE: u64 = 512;

/// Raises our limit of open files as far as we may. Returns how many connections it is enough for; `None` without a
/// limit.
pub fn raise_open_files() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map(|files| usize::try_from(files.saturating_sub(RESERVE).max(1)).unwrap_or(usize::MAX))
}
