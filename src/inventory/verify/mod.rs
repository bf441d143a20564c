//! Checks whether the files of a model are as they should be: first the structure, then the hash of every byte.
//!
//! The decisions are pure: [`look`](look::structure) for the structure of one file, [`conclude`] for the meaning of a
//! hash. The code that reads is thin and can be stopped at any chunk. Each finished file is recorded at once, so that
//! no file is read twice.

mod hash;
mod look;
mod rate;
mod report;
#[cfg(test)]
mod tests;

pub use hash::sha256;
pub use report::{FileReport, ModelReport, Outcome, Proof};

use super::headers::{Header, read_all};
use super::progress::ScanProgress;
use super::shards;
use crate::db::HashRecord;
use crate::model::{Artifact, FileIdentity, Model, Role};
use hash::{Job, Read, Readers, hash_all};
use look::{Structure, Trouble, structure};
use std::collections::{HashMap, HashSet};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// The amount of data to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The headers only.
    Quick,
    /// Every byte of the files that have an expected hash.
    Full {
        /// Also read files without an expected hash: their hash is computed and recorded.
        hash: bool,
        /// Also read files that were read before and have not changed since.
        again: bool,
    },
}

/// The models, settings and callbacks of a verification.
pub struct VerifyRequest<'a> {
    pub models: &'a [Model],
    pub depth: Depth,
    /// The recorded hashes of the files that [`identities`] returned.
    pub before: &'a HashMap<FileIdentity, HashRecord>,
    /// The number of files that are read at the same time, at least 1.
    pub threads: usize,
    /// The limit over all files, in bytes per second.
    pub max_rate: Option<u64>,
    /// The time between two reads of a file's size.
    pub pause: Duration,
    /// Returns after the given time or earlier.
    pub wait: &'a (dyn Fn(Duration) + Sync),
    /// Called from several threads.
    pub progress: &'a (dyn Fn(VerifyEvent) + Sync),
    /// Set from a signal handler: the verification then fails as interrupted.
    pub cancel: &'a AtomicBool,
    /// Records the result of reading a file as soon as it is known.
    pub record: &'a mut dyn FnMut(&FileIdentity, Learned) -> anyhow::Result<()>,
}

/// The result of reading the content of one file, for the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learned {
    /// The sha256 in lower-case hex.
    Hash(String),
    /// A sha256 other than the one on record, which stays as the proof.
    OtherHash(String),
    /// The reason why the file could not be read to its end: a sentence.
    Unreadable(String),
}

/// The progress of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyEvent {
    /// The number of bytes to read.
    Total(u64),
    /// The number of further bytes that were read.
    Bytes(u64),
}

/// Returns the present identities of the files of `models`, without those of missing files: the keys of the records to
/// load.
pub fn identities(models: &[Model]) -> Vec<FileIdentity> {
    models.iter().flat_map(|m| &m.artifacts).filter_map(|a| look::stat(&a.path).ok()).collect() // verify reports them
}

/// Verifies `request.models` and returns the reports in the same order.
///
/// # Errors
/// Interrupted, or `record` failed. Results recorded until then stay.
pub fn verify(request: VerifyRequest<'_>) -> anyhow::Result<Vec<ModelReport>> {
    let files: Vec<&Artifact> = request.models.iter().flat_map(|m| &m.artifacts).collect();
    let seen: Vec<Result<FileIdentity, Trouble>> = files.iter().map(|a| look::stat(&a.path)).collect();
    let before = |identity: &Result<FileIdentity, Trouble>| {
        identity.as_ref().ok().and_then(|i| request.before.get(i)) // unreadable files have no record
    };
    // A file that was read whole and has not changed since need not even be opened.
    let is_known = |artifact: &Artifact, identity: &Result<FileIdentity, Trouble>| {
        matches!(request.depth, Depth::Full { again: false, .. })
            && before(identity).is_some()
            && identity.as_ref().is_ok_and(|i| artifact.identity.same_content(i))
    };
    let known: Vec<bool> = files.iter().zip(&seen).map(|(a, s)| is_known(a, s)).collect();
    let structures = structures(&request, &files, &seen, &known)?;

    let steps: Vec<Step> = files
        .iter()
        .zip(&seen)
        .zip(structures)
        .map(|((artifact, seen), structure)| plan(artifact, structure, before(seen), request.depth))
        .collect();
    let ends = read(
        request.depth,
        &files,
        &seen,
        &steps,
        Reading {
            readers: Readers {
                threads: request.threads,
                max_rate: request.max_rate,
                wait: request.wait,
                progress: &|bytes| (request.progress)(VerifyEvent::Bytes(bytes)),
                cancel: request.cancel,
                read_at: &FileExt::read_at,
            },
            total: &|bytes| (request.progress)(VerifyEvent::Total(bytes)),
            before: request.before,
            record: request.record,
        },
    )?;
    let mut outcomes = steps.into_iter().zip(files.iter().zip(&seen)).map(|(step, (artifact, seen))| match step {
        Step::Done(outcome) => outcome,
        Step::Hash(promise) => {
            let end = seen.as_ref().ok().and_then(|i| ends.get(&(i.dev, i.ino))); // conclude reports a missing end
            conclude(artifact, promise, end)
        }
    });
    Ok(request.models.iter().map(|model| report(model, &mut outcomes)).collect())
}

/// Returns the structure of every file whose outcome is not known yet: reads all headers first, pauses once, then reads
/// all sizes again.
fn structures(
    request: &VerifyRequest<'_>,
    files: &[&Artifact],
    seen: &[Result<FileIdentity, Trouble>],
    known: &[bool],
) -> anyhow::Result<Vec<Structure>> {
    let to_read: Vec<&Path> = files
        .iter()
        .zip(seen.iter().zip(known))
        .filter(|(_, (seen, known))| seen.is_ok() && !**known)
        .map(|(a, _)| a.path.as_path())
        .collect();
    let progress =
        ScanProgress { progress: &|_| {}, cancel: request.cancel, entries: std::sync::atomic::AtomicU64::new(0) };
    let mut headers = read_all(&to_read, request.threads, &look::header, &progress)?.into_iter();
    if !to_read.is_empty() {
        (request.wait)(request.pause);
    }
    let one = |((artifact, seen), known): ((&&Artifact, &Result<FileIdentity, Trouble>), &bool)| match seen {
        _ if *known => Structure::Sound,
        Err(trouble) => Structure::Trouble(trouble.clone()),
        Ok(_) => match headers.next() {
            Some(header) => judge(artifact, &header),
            // One header is returned for each path.
            None => Structure::Trouble(Trouble::Unreadable("its header was not read".into())),
        },
    };
    Ok(files.iter().zip(seen).zip(known).map(one).collect())
}

fn judge(artifact: &Artifact, header: &Result<Header, Trouble>) -> Structure {
    structure(artifact, header.as_ref(), look::stat(&artifact.path).as_ref())
}

/// The hash to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Promise {
    /// The hash that the store promises.
    Store(String),
    /// The hash that this program computed when the file had the same identity.
    Record(HashRecord),
    /// No hash: the result is only recorded.
    None,
}

/// The remaining work for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Done(Outcome),
    Hash(Promise),
}

fn plan(artifact: &Artifact, structure: Structure, before: Option<&HashRecord>, depth: Depth) -> Step {
    let expected = artifact.expected_sha256.as_ref();
    let will_hash = match depth {
        Depth::Quick => false,
        Depth::Full { hash, .. } => hash || expected.is_some() || before.is_some(),
    };
    match structure {
        Structure::Trouble(Trouble::Missing) => return Step::Done(Outcome::Missing(missing(artifact))),
        Structure::Trouble(Trouble::Unreadable(why)) => return Step::Done(Outcome::Unreadable(why)),
        Structure::Trouble(Trouble::Damaged(why)) => return Step::Done(Outcome::Damaged(why)),
        Structure::Changed(why) => return Step::Done(Outcome::Changed(why.to_owned())),
        // Only a promised hash shows whether the holes are zeros that belong there.
        Structure::Holes(why) if !will_hash || (expected.is_none() && before.is_none()) => {
            return Step::Done(Outcome::Unverifiable(why));
        }
        Structure::Unsupported(why) | Structure::Trouble(Trouble::Unsupported(why)) if !will_hash => {
            return Step::Done(Outcome::Unsupported(why));
        }
        Structure::Unsized(why) if !will_hash => {
            return Step::Done(Outcome::Unverifiable(format!("its length cannot be checked: {why}")));
        }
        Structure::Sound
        | Structure::Holes(_)
        | Structure::Unsized(_)
        | Structure::Unsupported(_)
        | Structure::Trouble(Trouble::Unsupported(_)) => {}
    }
    match (depth, before, expected) {
        (Depth::Quick, ..) => Step::Done(Outcome::Ok(Proof::Structure)),
        (Depth::Full { again: false, .. }, Some(record), expected) => Step::Done(from_record(record, expected)),
        (Depth::Full { .. }, _, Some(expected)) => Step::Hash(Promise::Store(expected.clone())),
        (Depth::Full { .. }, Some(record), None) => Step::Hash(Promise::Record(record.clone())),
        (Depth::Full { hash: true, .. }, None, None) => Step::Hash(Promise::None),
        (Depth::Full { hash: false, .. }, None, None) => {
            Step::Done(Outcome::Unverifiable("no expected hash known: structure checked only".into()))
        }
    }
}

fn missing(artifact: &Artifact) -> String {
    // The link itself exists, but its target does not.
    match std::fs::symlink_metadata(&artifact.path) {
        Ok(_) => "is a link to a file that does not exist".into(),
        Err(_) => "is not there".into(),
    }
}

fn from_record(record: &HashRecord, expected: Option<&String>) -> Outcome {
    match expected {
        Some(expected) if !expected.eq_ignore_ascii_case(&record.sha256) => {
            Outcome::Mismatch { expected: expected.clone(), found: record.sha256.clone(), read: Some(record.at) }
        }
        Some(_) => Outcome::Ok(Proof::Before { sha256: record.sha256.clone(), at: record.at, promised: true }),
        None => Outcome::Ok(Proof::Before { sha256: record.sha256.clone(), at: record.at, promised: false }),
    }
}

/// Returns the outcome of a file from the result of reading it.
fn conclude(artifact: &Artifact, promise: Promise, end: Option<&Read>) -> Outcome {
    let found = match end {
        Some(Read::Sha256(found)) => found.clone(),
        Some(Read::Missing) => return Outcome::Missing(missing(artifact)),
        Some(Read::Changed) => return Outcome::Changed("it was changed while it was read: run `modelctl scan`".into()),
        Some(Read::Unreadable(why)) => return Outcome::Unreadable(why.clone()),
        // Every planned file is read, or the whole run fails.
        None => return Outcome::Unreadable("was not read".into()),
    };
    match promise {
        Promise::Store(expected) if expected.eq_ignore_ascii_case(&found) => Outcome::Ok(Proof::Hash { sha256: found }),
        Promise::Store(expected) => Outcome::Mismatch { expected, found, read: None },
        Promise::Record(record) if record.sha256 == found => Outcome::Ok(Proof::Again { sha256: found, at: record.at }),
        Promise::Record(record) => Outcome::Mismatch { expected: record.sha256, found, read: None },
        Promise::None => Outcome::Ok(Proof::Recorded { sha256: found }),
    }
}

struct Reading<'a> {
    readers: Readers<'a>,
    total: &'a dyn Fn(u64),
    before: &'a HashMap<FileIdentity, HashRecord>,
    record: &'a mut dyn FnMut(&FileIdentity, Learned) -> anyhow::Result<()>,
}

/// Reads the files that `steps` request, each inode once, however many names it has. Returns the results by device and
/// inode.
fn read(
    depth: Depth,
    files: &[&Artifact],
    seen: &[Result<FileIdentity, Trouble>],
    steps: &[Step],
    reading: Reading<'_>,
) -> anyhow::Result<HashMap<(u64, u64), Read>> {
    let Reading { readers, total, before, record } = reading;
    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut promises = Vec::new();
    let mut inodes = HashSet::new();
    for ((artifact, seen), step) in files.iter().zip(seen).zip(steps) {
        let (Ok(identity), Step::Hash(promise)) = (seen, step) else { continue };
        if inodes.insert((identity.dev, identity.ino)) {
            jobs.push(Job { path: &artifact.path, identity: *identity });
            promises.push(promise);
        }
    }
    if depth == Depth::Quick || jobs.is_empty() {
        return Ok(HashMap::new());
    }
    total(jobs.iter().fold(0, |sum, job| job.identity.size.saturating_add(sum)));
    let mut ends = HashMap::new();
    hash_all(&jobs, &readers, |index, end| {
        let (Some(job), Some(promise)) = (jobs.get(index), promises.get(index)) else { return Ok(()) };
        match &end {
            Read::Sha256(sha256) => {
                // A record that the bytes contradict is the proof of the damage: it stays.
                let contradicts = matches!(promise, Promise::Record(_))
                    && before.get(&job.identity).is_some_and(|known| known.sha256 != *sha256);
                let learned = if contradicts { Learned::OtherHash } else { Learned::Hash };
                record(&job.identity, learned(sha256.clone()))?;
            }
            Read::Unreadable(why) => record(&job.identity, Learned::Unreadable(why.clone()))?,
            Read::Missing | Read::Changed => {}
        }
        ends.insert((job.identity.dev, job.identity.ino), end);
        Ok(())
    })?;
    Ok(ends)
}

/// Returns the report of a model. Takes one outcome for each of its files.
fn report(model: &Model, outcomes: &mut dyn Iterator<Item = Outcome>) -> ModelReport {
    let files: Vec<FileReport> = model
        .artifacts
        .iter()
        .zip(outcomes)
        .map(|(artifact, outcome)| FileReport { artifact: artifact.clone(), outcome })
        .collect();
    ModelReport { id: model.id.clone(), name: model.name.clone(), faults: set_faults(model), files }
}

/// Returns the faults of the set itself. A file with the identity of the scan has the header of the scan, and any other
/// file is reported as changed, so the recorded headers are as good as new ones.
fn set_faults(model: &Model) -> Vec<String> {
    let parts: Vec<Artifact> = model.artifacts.iter().filter(|a| a.role == Role::Shard).cloned().collect();
    if !parts.is_empty() {
        return shards::faults(&parts, model.shards_expected);
    }
    if model.shards_expected > 1 {
        return vec![format!("is one part of {} by its header; the others are not known", model.shards_expected)];
    }
    Vec::new()
}
