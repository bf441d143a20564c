//! Whether the files of a model are what they should be: structure first, then the hash of every byte.
//!
//! What decides is pure: [`look`](look::structure) for one file's structure, [`conclude`] for what a hash means. What
//! reads is thin and can be stopped at any chunk; each finished file is handed over at once, so that nothing that was
//! read is read again.

mod hash;
mod look;
mod rate;
mod report;
#[cfg(test)]
mod tests;

pub use report::{FileReport, ModelReport, Outcome, Proof};

use super::found::Pulse;
use super::headers::{Header, read_all};
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

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Headers.
    Quick,
    /// Every byte of what has an expected hash.
    Full {
        /// Also of what has none: its hash is computed and recorded.
        hash: bool,
        /// Also of what was read before and has not been touched since.
        again: bool,
    },
}

/// Everything a verification needs from outside.
pub struct VerifyRequest<'a> {
    pub models: &'a [Model],
    pub depth: Depth,
    /// What is on record of the files that [`identities`] gave.
    pub before: &'a HashMap<FileIdentity, HashRecord>,
    /// Files read at the same time, at least 1.
    pub threads: usize,
    /// Bytes per second over all files.
    pub max_rate: Option<u64>,
    /// Between two looks at the size of a file.
    pub pause: Duration,
    /// Returns after the time given or earlier.
    pub wait: &'a (dyn Fn(Duration) + Sync),
    /// Called from several threads.
    pub progress: &'a (dyn Fn(VerifyEvent) + Sync),
    /// Set from a signal handler: the verification then fails as interrupted.
    pub cancel: &'a AtomicBool,
    /// Takes the hash of a file as soon as it is known.
    pub record: &'a mut dyn FnMut(&FileIdentity, String) -> anyhow::Result<()>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifyEvent {
    /// So many bytes are to be read.
    Total(u64),
    /// So many more were read.
    Bytes(u64),
}

/// The files of `models` as they are now, as far as they are there: what to ask the records for.
pub fn identities(models: &[Model]) -> Vec<FileIdentity> {
    models.iter().flat_map(|m| &m.artifacts).filter_map(|a| look::stat(&a.path).ok()).collect() // what is not there is told later
}

/// Verifies `request.models`; the reports are in their order.
///
/// # Errors
/// Interrupted, or `record` failed. What was recorded until then stays.
pub fn verify(request: VerifyRequest<'_>) -> anyhow::Result<Vec<ModelReport>> {
    let files: Vec<&Artifact> = request.models.iter().flat_map(|m| &m.artifacts).collect();
    let seen: Vec<Result<FileIdentity, Trouble>> = files.iter().map(|a| look::stat(&a.path)).collect();
    let before = |identity: &Result<FileIdentity, Trouble>| {
        identity.as_ref().ok().and_then(|i| request.before.get(i)) // unreadable files have no record
    };
    // A file that was read whole and has not been touched since is as it was: it need not even be opened.
    let is_settled = |artifact: &Artifact, identity: &Result<FileIdentity, Trouble>| {
        matches!(request.depth, Depth::Full { again: false, .. })
            && before(identity).is_some()
            && identity.as_ref().is_ok_and(|i| artifact.identity.same_content(i))
    };
    let settled: Vec<bool> = files.iter().zip(&seen).map(|(a, s)| is_settled(a, s)).collect();
    let structures = structures(&request, &files, &seen, &settled)?;

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
            let end = seen.as_ref().ok().and_then(|i| ends.get(&(i.dev, i.ino))); // a missing end is said in conclude
            conclude(artifact, promise, end)
        }
    });
    Ok(request.models.iter().map(|model| report(model, &mut outcomes)).collect())
}

/// The structure of every file that is not settled: all headers first, then one pause, then all sizes again.
fn structures(
    request: &VerifyRequest<'_>,
    files: &[&Artifact],
    seen: &[Result<FileIdentity, Trouble>],
    settled: &[bool],
) -> anyhow::Result<Vec<Structure>> {
    let to_read: Vec<&Path> = files
        .iter()
        .zip(seen.iter().zip(settled))
        .filter(|(_, (seen, settled))| seen.is_ok() && !**settled)
        .map(|(a, _)| a.path.as_path())
        .collect();
    let pulse = Pulse { progress: &|_| {}, cancel: request.cancel, entries: std::sync::atomic::AtomicU64::new(0) };
    let mut headers = read_all(&to_read, request.threads, &look::header, &pulse)?.into_iter();
    if !to_read.is_empty() {
        (request.wait)(request.pause);
    }
    let one = |((artifact, seen), settled): ((&&Artifact, &Result<FileIdentity, Trouble>), &bool)| match seen {
        _ if *settled => Structure::Sound,
        Err(trouble) => Structure::Trouble(trouble.clone()),
        Ok(_) => match headers.next() {
            Some(header) => judge(artifact, &header),
            // As many headers come back as were asked for.
            None => Structure::Trouble(Trouble::Unreadable("its header was not read".into())),
        },
    };
    Ok(files.iter().zip(seen).zip(settled).map(one).collect())
}

fn judge(artifact: &Artifact, header: &Result<Header, Trouble>) -> Structure {
    structure(artifact, header.as_ref(), look::stat(&artifact.path).as_ref())
}

/// What a hash is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Promise {
    /// The store knows it.
    Store(String),
    /// This program computed it when the file had the same identity.
    Record(HashRecord),
    /// Nothing: the hash is only recorded.
    None,
}

/// What remains to be done for a file.
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
        // Only the hash of a promise can say that holes are zeros which belong there.
        Structure::Holes(why) if !will_hash || (expected.is_none() && before.is_none()) => {
            return Step::Done(Outcome::Damaged(why));
        }
        Structure::Unsized(why) if !will_hash => {
            return Step::Done(Outcome::Unverifiable(format!("its length cannot be checked: {why}")));
        }
        Structure::Sound | Structure::Holes(_) | Structure::Unsized(_) => {}
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
    // A link is there when its own inode is; what it leads to is not.
    match std::fs::symlink_metadata(&artifact.path) {
        Ok(_) => "is a link to a file that is not there".into(),
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

/// What the end of a reading means for a file.
fn conclude(artifact: &Artifact, promise: Promise, end: Option<&Read>) -> Outcome {
    let found = match end {
        Some(Read::Sha256(found)) => found.clone(),
        Some(Read::Missing) => return Outcome::Missing(missing(artifact)),
        Some(Read::Changed) => return Outcome::Changed("it was changed while it was read: run `modelctl scan`".into()),
        Some(Read::Unreadable(why)) => return Outcome::Unreadable(format!("cannot be read to its end: {why}")),
        // Every planned file is read or the whole run fails.
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
    record: &'a mut dyn FnMut(&FileIdentity, String) -> anyhow::Result<()>,
}

/// Reads what `steps` ask for, each inode once however many names it has. By device and inode.
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
        if let Read::Sha256(sha256) = &end {
            // A record that the bytes contradict is the proof of the damage: it stays.
            let contradicts = matches!(promise, Promise::Record(_))
                && before.get(&job.identity).is_some_and(|known| known.sha256 != *sha256);
            if !contradicts {
                record(&job.identity, sha256.clone())?;
            }
        }
        ends.insert((job.identity.dev, job.identity.ino), end);
        Ok(())
    })?;
    Ok(ends)
}

/// Takes as many outcomes as the model has files.
fn report(model: &Model, outcomes: &mut dyn Iterator<Item = Outcome>) -> ModelReport {
    let files: Vec<FileReport> = model
        .artifacts
        .iter()
        .zip(outcomes)
        .map(|(artifact, outcome)| FileReport { artifact: artifact.clone(), outcome })
        .collect();
    ModelReport { id: model.id.clone(), name: model.name.clone(), faults: set_faults(model), files }
}

/// What is wrong with the set as such. A file whose identity is that of the scan has the header of the scan, and one
/// that is not is reported as changed: the recorded headers are as good as those read now.
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
