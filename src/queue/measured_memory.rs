//! The memory that a model takes according to llama.cpp: cached in the database, or measured by a child process.

use crate::db::Db;
use crate::engine;
use crate::gguf::estimate::Settings;
use crate::host::self_child::{self, NoAnswer};
use crate::model::{Artifact, DeviceMemory, FileIdentity, Model, Reading, Role};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// Time limit of a measurement. No weights are read, so a minute is a hang: a 500 GB model on a slow disk takes
/// seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// Returns the figures measured earlier for this model with these settings.
pub fn cached(db: &Db, model: &Model, settings: &Settings) -> anyhow::Result<Option<Vec<DeviceMemory>>> {
    match main_file(model) {
        Some((_, identity)) if unchanged(model) => db.measured(&identity, &key(model, settings)),
        _ => Ok(None),
    }
}

/// Asks llama.cpp for the figures, in a child of `modelctl` that takes up to a minute. A failed measurement is the reason
/// of the reading.
pub fn ask(modelctl: &Path, model: &Model, settings: &Settings) -> Reading<Vec<DeviceMemory>> {
    if !unchanged(model) {
        return Reading::Unavailable(CHANGED.into());
    }
    let Some((path, _)) = main_file(model) else {
        return Reading::Unavailable("it has no file to load".into());
    };
    let answer = self_child::ask(modelctl, command_line(path, settings), LIMIT);
    let reading: Reading<Vec<DeviceMemory>> = answer.unwrap_or_else(|why| Reading::Unavailable(unanswered(why)));
    if unchanged(model) { reading } else { Reading::Unavailable(CHANGED.into()) }
}

/// Stores figures for the next time.
pub fn record(db: &mut Db, model: &Model, settings: &Settings, devices: &[DeviceMemory]) -> anyhow::Result<()> {
    match main_file(model) {
        Some((_, identity)) => db.record_measured(&identity, &key(model, settings), devices),
        None => Ok(()),
    }
}

/// Returns the command line of the child: that of `modelctl measure`.
fn command_line(file: &Path, settings: &Settings) -> Vec<OsString> {
    let mut line: Vec<OsString> = vec!["measure".into()];
    for (flag, value) in [
        ("--ctx", settings.n_ctx.to_string()),
        ("--parallel", settings.n_parallel.to_string()),
        ("--cache-type-k", settings.cache_k.name().to_owned()),
        ("--cache-type-v", settings.cache_v.name().to_owned()),
    ] {
        line.extend([flag.into(), value.into()]);
    }
    line.extend(["--".into(), file.as_os_str().to_owned()]);
    line
}

/// Returns the main file. The first shard has the identity of a split model.
pub(super) fn main_file(model: &Model) -> Option<(&Path, FileIdentity)> {
    let main = model.artifacts.iter().filter(|a| a.role != Role::Mmproj).min_by_key(|a| a.shard_no)?;
    Some((&main.path, main.identity))
}

const CHANGED: &str = "changed since the last scan: run modelctl scan";

/// Returns whether every file is still the one that was scanned.
pub(super) fn unchanged(model: &Model) -> bool {
    let is_same =
        |file: &Artifact| std::fs::metadata(&file.path).is_ok_and(|now| FileIdentity::of(&now) == file.identity);
    model.artifacts.iter().all(is_same)
}

/// Returns the identities of the files other than the main one that are loaded with it.
pub(super) fn other_shards(model: &Model) -> String {
    let main = main_file(model).map(|(_, identity)| identity);
    let others = model.artifacts.iter().filter(|a| a.role != Role::Mmproj && Some(a.identity) != main);
    others.fold(String::new(), |all, a| {
        let i = a.identity;
        format!("{all} shard={}:{}:{}:{}:{}", i.dev, i.ino, i.size, i.mtime_ns, i.ctime_ns)
    })
}

/// Returns a key of everything that the figures depend on in addition to the main file: the other shards, the settings
/// and the build.
fn key(model: &Model, s: &Settings) -> String {
    let shards = other_shards(model);
    let settings = format!(
        "ctx={} parallel={} batch={} ubatch={} k={} v={} fa={} gpu-layers=all llama={}",
        s.n_ctx,
        s.n_parallel,
        s.n_batch,
        s.n_ubatch,
        s.cache_k.name(),
        s.cache_v.name(),
        s.flash_attention,
        engine::build()
    );
    settings + &shards
}

fn unanswered(why: NoAnswer) -> String {
    match why {
        NoAnswer::Unreadable { why } => format!("llama.cpp's answer cannot be read: {why}"),
        NoAnswer::Ended(ending) => format!("llama.cpp could not measure the model: its process {ending}"),
        NoAnswer::TimedOut { limit, .. } | NoAnswer::Hung { limit, .. } => {
            format!("llama.cpp did not answer within {} s", limit.as_secs())
        }
        NoAnswer::NotStarted { why } => format!("llama.cpp's process could not be run: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::Ending;

    #[test]
    fn a_crash_and_a_hang_are_reasons_and_not_the_end() {
        let ends = [
            NoAnswer::Ended(Ending::Signalled { signal: 6, core_dumped: false }),
            NoAnswer::Unreadable { why: "no JSON".into() },
            NoAnswer::TimedOut { limit: LIMIT, state: None, wchan: None },
            NoAnswer::NotStarted { why: "no such file".into() },
        ];
        for end in ends {
            assert!(!unanswered(end).is_empty());
        }
    }
}
