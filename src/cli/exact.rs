//! What llama.cpp says a model takes: from the database, or asked of a child.

use super::measure::command_line;
use super::{Access, Ctx};
use crate::engine;
use crate::gguf::estimate::Settings;
use crate::host::probe::OURSELVES;
use crate::inventory;
use crate::model::{DeviceMemory, FileIdentity, Model, Reading, Role};
use crate::supervise::{Bounded, SpawnSpec, run_bounded};
use std::time::Duration;

/// No weight is read, so that a minute is a hang: a 500 GB model on a slow disk takes seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// What was measured of the model before with these settings.
pub fn remembered(ctx: &mut Ctx, model: &Model, settings: &Settings) -> anyhow::Result<Option<Vec<DeviceMemory>>> {
    match main_file(model) {
        Some((_, identity)) if unchanged(model) => ctx.db(Access::ReadOnly)?.measured(&identity, &key(model, settings)),
        _ => Ok(None),
    }
}

/// The same, measured now where it was not before. Every way that this can fail is the reason of the reading.
pub fn exact(ctx: &mut Ctx, model: &Model, settings: &Settings) -> anyhow::Result<Reading<Vec<DeviceMemory>>> {
    if !unchanged(model) {
        return Ok(Reading::Unavailable(CHANGED.into()));
    }
    if let Some(devices) = remembered(ctx, model, settings)? {
        return Ok(Reading::Known(devices));
    }
    let Some((path, identity)) = main_file(model) else {
        return Ok(Reading::Unavailable("it has no file to load".into()));
    };
    let spec = SpawnSpec { program: OURSELVES.into(), args: command_line(path, settings), env: vec![], keep: None };
    let reading = understand(run_bounded(&spec, LIMIT));
    if !unchanged(model) {
        return Ok(Reading::Unavailable(CHANGED.into()));
    }
    if let Reading::Known(devices) = &reading {
        ctx.db(Access::ReadWrite)?.record_measured(&identity, &key(model, settings), devices)?;
    }
    Ok(reading)
}

/// The first shard carries the identity of a split model.
fn main_file(model: &Model) -> Option<(&std::path::Path, FileIdentity)> {
    let main = model.artifacts.iter().filter(|a| a.role != Role::Mmproj).min_by_key(|a| a.shard_no)?;
    Some((&main.path, main.identity))
}

const CHANGED: &str = "changed since the last scan: run modelctl scan";

/// Whether every file is still the one that was scanned.
fn unchanged(model: &Model) -> bool {
    let now = inventory::identities(std::slice::from_ref(model));
    now.iter().copied().eq(model.artifacts.iter().map(|a| a.identity))
}

/// All that the figures depend on beside the main file: the other shards, the settings and the build.
fn key(model: &Model, s: &Settings) -> String {
    let main = main_file(model).map(|(_, identity)| identity);
    let others = model.artifacts.iter().filter(|a| a.role != Role::Mmproj && Some(a.identity) != main);
    let shards = others.fold(String::new(), |all, a| {
        let i = a.identity;
        format!("{all} shard={}:{}:{}:{}:{}", i.dev, i.ino, i.size, i.mtime_ns, i.ctime_ns)
    });
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

fn understand(bounded: Bounded) -> Reading<Vec<DeviceMemory>> {
    Reading::Unavailable(match bounded {
        Bounded::Finished { ending, stdout, .. } if ending.is_clean() => match serde_json::from_slice(&stdout) {
            Ok(reading) => return reading,
            Err(error) => format!("llama.cpp's answer cannot be read: {error}"),
        },
        Bounded::Finished { ending, .. } => format!("llama.cpp could not lay the model out: its process {ending}"),
        Bounded::TimedOut { limit } | Bounded::Abandoned { limit, .. } => {
            format!("llama.cpp gave no answer in {} s", limit.as_secs())
        }
        Bounded::NotStarted { why } => format!("llama.cpp's process could not be run: {why}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::Ending;

    #[test]
    fn a_crash_a_hang_and_a_refusal_are_reasons_and_not_the_end() {
        let finished = |ending, stdout: &str| Bounded::Finished { ending, stdout: stdout.into(), stderr: vec![] };
        let ends = [
            finished(Ending::Signalled { signal: 6, core_dumped: false }, ""),
            finished(Ending::Exited(0), "{\"unavailable\":\"bad magic\"}"),
            finished(Ending::Exited(0), "no JSON"),
            Bounded::TimedOut { limit: LIMIT },
            Bounded::NotStarted { why: "no such file".into() },
        ];
        for end in ends {
            assert!(matches!(understand(end), Reading::Unavailable(why) if !why.is_empty()));
        }
        assert_eq!(understand(finished(Ending::Exited(0), "{\"known\":[]}")), Reading::Known(vec![]));
    }
}
