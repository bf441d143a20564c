//! The program of the operator that gets every event: as JSON on its standard input, with a cleared environment, without
//! a shell. It is never waited for, and has ten seconds.

use super::TRANSIENT;
use crate::config::{Config, HooksConfig};
use crate::serve::control::{EventReader, Numbered};
use crate::supervise::{Ending, LogRing, Output, SpawnSpec, spawn};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// The time that a program has for one event.
const LIMIT: Duration = Duration::from_secs(10);
/// The number of programs that run at once. Further events wait in the log of events, which keeps 1,000.
const AT_ONCE: usize = 4;
/// Where programs are searched for that are named without a path, and what the program itself finds.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs the program for events.
pub struct Hooks {
    pub config: watch::Receiver<Arc<Config>>,
    /// Where a program that fails is reported.
    pub report: Arc<dyn Fn(String) + Send + Sync>,
}

impl Hooks {
    /// Runs the program for every event, until the daemon ends. Without one in the config events are passed over.
    pub async fn follow(self, mut events: EventReader) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let event = events.next().await;
            if event.happening.event == TRANSIENT {
                continue;
            }
            let Some(spec) = spec(&self.config.borrow().hooks, event.happening.event) else { continue };
            // It is never closed.
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let report = Arc::clone(&self.report);
            drop(tokio::task::spawn_blocking(move || {
                let _place = place;
                if let Err(why) = run(&spec, &event, LIMIT) {
                    report(format!("the hook for {}: {why}", event.happening.event));
                }
            }));
        }
    }
}

fn spec(hooks: &HooksConfig, event: &str) -> Option<SpawnSpec> {
    let (program, args) = hooks.exec.split_first()?;
    let mut spec = SpawnSpec::new(Path::new(program), args);
    spec.is_env_alone = true;
    let env = [("PATH", PATH), ("LANG", "C.UTF-8"), ("MODELCTL_EVENT", event)];
    spec.env = env.map(|(name, value)| (name.into(), value.into())).to_vec();
    spec.dir = Some("/".into());
    Some(spec)
}

/// Runs the program for one event, and waits for its end.
fn run(spec: &SpawnSpec, event: &Numbered, limit: Duration) -> Result<(), String> {
    let log = LogRing::new();
    let spec = SpawnSpec { output: Output::Log(log.clone()), ..spec.clone() };
    let mut document = serde_json::to_vec(&document(event)).map_err(|error| error.to_string())?;
    document.push(b'\n');
    let mut child = spawn(&spec).map_err(|error| format!("{} cannot be started: {error}", spec.program.display()))?;
    let written = child.take_stdin().map_or(Ok(()), |mut input| {
        // What does not fit into the pipe at once is more than any event has.
        fcntl_setfl(&input, fcntl_getfl(&input)? | OFlags::NONBLOCK)?;
        input.write_all(&document)
    });
    let is_read = match written {
        Ok(()) => true,
        // It need not read what it does not use.
        Err(error) => error.kind() == io::ErrorKind::BrokenPipe,
    };
    match child.wait(limit).map_err(|error| error.to_string())? {
        Some(Ending::Exited(0)) if is_read => Ok(()),
        Some(Ending::Exited(0)) => Err("the event is too large for it".to_owned()),
        Some(ending) => {
            let last = log.lines().last().map(|line| format!("; it said: {line}")).unwrap_or_default();
            Err(format!("the program {ending}{last}"))
        }
        // It is killed when it is dropped.
        None => Err(format!("the program was killed after {} s", limit.as_secs())),
    }
}

/// Returns the event as `/api/events` gives it.
fn document(event: &Numbered) -> serde_json::Value {
    let mut document = serde_json::json!({
        "id": event.id,
        "at": event.at.rfc3339(),
        "event": event.happening.event,
    });
    if let serde_json::Value::Object(members) = &mut document {
        members.extend(event.happening.fields.clone());
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{self, Timestamp};
    use crate::serve::control::Happening;
    use serde_json::json;

    fn event() -> Numbered {
        Numbered {
            id: 7,
            at: Timestamp(0),
            happening: Happening::new("model.crash", json!({"model": "a b", "exit_code": 1})),
        }
    }

    fn shell(script: &str) -> SpawnSpec {
        let exec = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        spec(&HooksConfig { exec }, "model.crash").unwrap()
    }

    /// A pager would otherwise get no event, or secrets of the environment of the daemon.
    #[test]
    fn the_program_gets_the_event_and_a_cleared_environment() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("out");
        let script = format!("cat > {0}; env | sort >> {0}", out.display());
        run(&shell(&script), &event(), Duration::from_secs(60)).unwrap();
        let text = std::fs::read_to_string(out).unwrap();
        let (first, env) = text.split_once('\n').unwrap();
        let expected =
            json!({"id": 7, "at": "1970-01-01T00:00:00Z", "event": "model.crash", "model": "a b", "exit_code": 1});
        assert_eq!(serde_json::from_str::<serde_json::Value>(first).unwrap(), expected);
        let names: Vec<&str> = env.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        // A shell sets some of its own.
        let rest: Vec<_> = names.iter().filter(|name| !["_", "PWD", "OLDPWD", "SHLVL"].contains(name)).collect();
        assert_eq!(rest, [&"LANG", &"MODELCTL_EVENT", &"PATH"]);
    }

    #[test]
    fn a_program_that_fails_hangs_or_reads_nothing_costs_its_limit_at_most() {
        let began = clock::instant();
        let failed = run(&shell("echo no pager >&2; exit 3"), &event(), Duration::from_secs(60)).unwrap_err();
        assert!(failed.contains("no pager"), "{failed}");
        let hung = run(&shell("exec sleep 600"), &event(), Duration::from_millis(100)).unwrap_err();
        assert!(hung.contains("killed"), "{hung}");
        run(&shell("exit 0"), &event(), Duration::from_secs(60)).unwrap();
        let missing = spec(&HooksConfig { exec: vec!["/nonexistent/hook".into()] }, "x").unwrap();
        assert!(run(&missing, &event(), Duration::from_secs(60)).unwrap_err().contains("cannot be started"));
        assert!(began.elapsed() < Duration::from_secs(50));
    }
}
