//! Reads that can hang for ever, done in a disposable child: `modelctl probe WHAT` prints one [`Reading`] as JSON, and
//! [`ask`] starts it, waits for a bounded time and turns every way it can fail into the reason of an unavailable
//! reading.

use super::gpu;
use crate::model::Reading;
use crate::supervise::{Bounded, SpawnSpec, run_bounded};
use serde::de::DeserializeOwned;
use std::path::Path;
use std::time::Duration;

/// This very program, also when its file has been replaced since it was started.
pub const OURSELVES: &str = "/proc/self/exe";

/// What a probe reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Probe {
    Gpu,
}

impl Probe {
    fn name(self) -> &'static str {
        match self {
            Probe::Gpu => "gpu",
        }
    }
}

/// The answer of one probe as JSON. Runs in the child and may never return.
pub fn answer(probe: Probe) -> serde_json::Result<String> {
    match probe {
        Probe::Gpu => serde_json::to_string(&gpu::read_here()),
    }
}

/// Has `modelctl` read something in a child of at most `limit`.
pub fn ask<T: DeserializeOwned>(modelctl: &Path, probe: Probe, limit: Duration) -> Reading<T> {
    let spec = SpawnSpec {
        program: modelctl.to_owned(),
        args: vec!["probe".into(), probe.name().into()],
        env: vec![],
        keep: None,
    };
    understand(probe, run_bounded(&spec, limit))
}

fn understand<T: DeserializeOwned>(probe: Probe, bounded: Bounded) -> Reading<T> {
    let name = probe.name();
    Reading::Unavailable(match bounded {
        Bounded::Finished { ending, stdout, .. } if ending.is_clean() => match serde_json::from_slice(&stdout) {
            Ok(reading) => return reading,
            Err(error) => format!("the {name} probe gave an answer that cannot be read: {error}"),
        },
        Bounded::Finished { ending, .. } => format!("the {name} probe {ending}"),
        Bounded::TimedOut { limit } => {
            format!("the {name} probe gave no answer in {} s: the driver is hung or very slow", limit.as_secs())
        }
        Bounded::Abandoned { limit, pid, wchan } => {
            let place = wchan.map_or_else(String::new, |w| format!(" in {w}"));
            format!(
                "the driver is hung: the {name} probe (process {pid}) gave no answer in {} s, cannot be killed and waits in the kernel{place}",
                limit.as_secs()
            )
        }
        Bounded::NotStarted { why } => format!("the {name} probe could not be run: {why}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::Ending;

    fn finished(ending: Ending, stdout: &str) -> Reading<Vec<u8>> {
        understand(Probe::Gpu, Bounded::Finished { ending, stdout: stdout.into(), stderr: vec![] })
    }

    #[test]
    fn none_slow_hung_and_crashed_are_different_answers() {
        let limit = Duration::from_secs(10);
        assert_eq!(finished(Ending::Exited(0), "{\"known\":[]}"), Reading::Known(vec![]));
        let why = |reading: Reading<Vec<u8>>| match reading {
            Reading::Unavailable(why) => why,
            Reading::Known(_) => panic!("unavailable"),
        };
        let texts = [
            why(understand(Probe::Gpu, Bounded::TimedOut { limit })),
            why(understand(Probe::Gpu, Bounded::Abandoned { limit, pid: 7, wchan: Some("nv_wait".into()) })),
            why(understand(Probe::Gpu, Bounded::NotStarted { why: "no such file".into() })),
            why(finished(Ending::Signalled { signal: 11, core_dumped: false }, "")),
            why(finished(Ending::Exited(0), "garbage")),
            why(finished(Ending::Exited(0), "{\"unavailable\":\"no driver\"}")),
        ];
        assert_eq!(texts[5], "no driver");
        assert!(texts[1].contains("nv_wait") && texts[1].contains("process 7"));
        for (i, text) in texts.iter().enumerate() {
            assert!(!texts.iter().skip(i + 1).any(|t| t == text), "{text}");
        }
    }

    #[test]
    fn a_real_child_is_asked() {
        // `echo` prints its arguments: an answer, though not one that can be read.
        let reading: Reading<Vec<gpu::Gpu>> = ask(Path::new("/bin/echo"), Probe::Gpu, Duration::from_secs(30));
        assert!(matches!(reading, Reading::Unavailable(why) if why.contains("cannot be read")));
    }
}
