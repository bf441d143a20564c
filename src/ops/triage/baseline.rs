//! The good day that later looks are compared with: a file beside the database.

use super::Triage;
use crate::failure::{Failure, OrFail};
use crate::node::reach;
use crate::ops::{OpEvent, Session, Sink};
use crate::triage::baseline::{BASELINE_SCHEMA, Baseline};
use crate::triage::facts::{Change, Facts};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Largest baseline that is read.
const MOST_BYTES: u64 = 16 << 20;
/// Limit for a file system that may hang.
const REACH: Duration = Duration::from_secs(2);

/// Returns where the baseline of a database is.
fn path(session: &Session) -> PathBuf {
    let database = &session.config.database;
    let name = database.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    database.with_file_name(format!("{name}.baseline.json"))
}

/// Stores what a look found as the baseline, readable by its owner alone, and returns the file. The facts are redacted
/// already.
///
/// # Errors
/// Cannot be met (3) where the file cannot be written; the old baseline is kept then.
pub fn save(session: &mut Session, seen: &Triage) -> anyhow::Result<PathBuf> {
    let path = path(session);
    let json = serde_json::to_vec_pretty(&Baseline::of(&seen.facts))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    let unwritten = || Failure::cannot_meet(format!("cannot write the baseline `{}`", path.display()));
    reach::answers(folder, REACH).map_err(|why| anyhow::anyhow!("it is on {why}")).or_fail(unwritten)?;
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::Builder::new().prefix(".baseline-").tempfile_in(folder)?;
        file.write_all(&json)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        Ok(())
    };
    write().or_fail(unwritten)?;
    Ok(path)
}

/// Reads the baseline; None where none was saved.
///
/// # Errors
/// Cannot be met (3) for a file that cannot be read, is damaged or is of a newer version.
pub fn load(session: &Session) -> anyhow::Result<Option<Baseline>> {
    let path = path(session);
    let unreadable = || {
        Failure::cannot_meet(format!("cannot read the baseline `{}`", path.display()))
            .hint("run `modelctl triage --baseline save` to write a new one")
    };
    reach::answers(&path, REACH).map_err(|why| anyhow::anyhow!("it is on {why}")).or_fail(unreadable)?;
    let file = match std::fs::OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).or_fail(unreadable),
    };
    let mut text = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut text).or_fail(unreadable)?;
    let baseline: Baseline = serde_json::from_slice(&text).or_fail(unreadable)?;
    if baseline.schema > BASELINE_SCHEMA {
        let message = format!("the baseline `{}` was written by a newer modelctl", path.display());
        return Err(Failure::cannot_meet(message)
            .hint("run `modelctl triage --baseline save` to write a new one")
            .into());
    }
    Ok(Some(baseline))
}

/// Returns what differs from the baseline.
///
/// # Errors
/// As [`load`]; cannot be met (3) where there is no baseline.
pub fn diff(session: &mut Session, seen: &Triage) -> anyhow::Result<Vec<Change>> {
    match load(session)? {
        Some(baseline) => Ok(baseline.changes(&seen.facts).changes),
        None => Err(Failure::cannot_meet("no baseline has been saved")
            .hint("run `modelctl triage --baseline save` while everything works")
            .into()),
    }
}

/// Adds what has changed since the baseline to the facts, so that every finding can say it. A baseline that cannot be
/// read is a warning and does not stop a triage.
pub fn compare(session: &Session, facts: &mut Facts, on: &mut Sink<'_>) {
    match load(session) {
        Ok(baseline) => facts.changes = baseline.map(|baseline| baseline.changes(facts)),
        Err(error) => on(OpEvent::warning(format!("{error:#}"))),
    }
}
