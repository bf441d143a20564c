//! Asking who polls a queue: a command in a bounded child with an empty environment, or a URL.

use crate::clock::Timestamp;
use crate::http::{HttpError, Request, fetch_all, parse_url};
use crate::model::service::QueueCheck;
use crate::node::program::QueueAnswer;
use crate::node::queue_check::{parse, writable_by_others};
use crate::node::{Fact, Outcome, late, reach};
use crate::supervise::{Bounded, SpawnSpec, launch, run_bounded};
use std::path::Path;
use std::time::Duration;

/// Asks a check of the configuration, within `limit`. A command is run only when nobody besides root and this user can
/// write the config file and the program.
pub fn ask(check: &QueueCheck, config: Option<&Path>, uid: u32, limit: Duration, now: Timestamp) -> Fact<QueueAnswer> {
    let Some(first) = check.check.first() else {
        return Fact::absent("queue.check", now, "it has neither a command nor a URL");
    };
    let source = format!("queue.check of {}: {first}", check.name);
    if first.starts_with("http://") || first.starts_with("https://") {
        return Fact::new(source, now, by_url(first, limit));
    }
    let program = Path::new(first);
    if !program.is_absolute() {
        let why = "the program of `queue.check` must be an absolute path".to_owned();
        return Fact::new(source, now, Outcome::Failed { why });
    }
    for path in config.into_iter().chain([program]) {
        if let Err(why) = reach::answers(path, limit / 2) {
            let why = format!("`{}` is on {why}", path.display());
            return Fact::new(source, now, Outcome::TimedOut { why });
        }
        let refused = match writable_by_others(path, uid) {
            Ok(None) => None,
            Ok(Some(part)) => Some(format!("`{}` is writable by others, so it was not run", part.display())),
            Err(error) => return Fact::io_error(source, now, &error, "the user that runs modelctl"),
        };
        if let Some(why) = refused {
            let right =
                "make the config file and the program writable only by root and the user that runs modelctl".to_owned();
            return Fact::new(source, now, Outcome::Denied { why, right, command: None });
        }
    }
    let args = check.check.iter().skip(1);
    // It is ours to end, with all that it starts: by its group in time, and by its guard when we are killed.
    let spec = SpawnSpec {
        is_env_alone: true,
        group_dies_with_us: true,
        dir: Some("/".into()),
        ..SpawnSpec::new(program, args)
    };
    let outcome = match run_bounded(&spec, limit) {
        Bounded::Finished { ending, stdout, .. } if ending.is_clean() => match parse(&stdout) {
            Ok(value) => Outcome::Ok { value },
            Err(why) => Outcome::Failed { why },
        },
        Bounded::Finished { ending, stderr, .. } => Outcome::Failed {
            why: match launch::refusal(ending, &stderr) {
                Some(why) => format!("it could not be started: {why}"),
                None => format!("it {ending}"),
            },
        },
        Bounded::TimedOut { limit, .. } => Outcome::TimedOut { why: late(limit) },
        Bounded::Abandoned { limit, pid, .. } => {
            Outcome::TimedOut { why: format!("{}, and process {pid} hangs in the kernel", late(limit)) }
        }
        Bounded::NotStarted { why } => Outcome::Failed { why: format!("it did not start: {why}") },
    };
    Fact::new(source, now, outcome)
}

fn by_url(url: &str, limit: Duration) -> Outcome<QueueAnswer> {
    let Ok((endpoint, path)) = parse_url(url) else {
        return Outcome::Failed { why: "only `http://HOST[:PORT]/PATH` is supported".to_owned() };
    };
    match fetch_all(vec![Request::get(endpoint, path)], limit).pop() {
        Some(Ok(answer)) if answer.status == 200 => match parse(&answer.body) {
            Ok(value) => Outcome::Ok { value },
            Err(why) => Outcome::Failed { why },
        },
        Some(Ok(answer)) => Outcome::Failed { why: format!("HTTP {}", answer.status) },
        Some(Err(HttpError::TimedOut(limit))) => Outcome::TimedOut { why: late(limit) },
        Some(Err(error)) => Outcome::Failed { why: error.to_string() },
        None => Outcome::Failed { why: "it was not queried".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    fn check(check: &[&str]) -> QueueCheck {
        QueueCheck { name: "q".into(), identity: None, check: check.iter().map(|word| (*word).to_owned()).collect() }
    }

    #[test]
    fn a_command_that_others_can_write_is_not_run() {
        let dir = tempfile::tempdir().unwrap();
        let uid = std::fs::metadata(dir.path()).unwrap().uid();
        let program = dir.path().join("pollers");
        std::fs::write(&program, "#!/bin/sh\necho {}\n").unwrap();
        let path = program.to_str().unwrap();
        let limit = Duration::from_secs(20);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o722)).unwrap();
        let refused = ask(&check(&[path]), None, uid, limit, clock::now());
        assert!(matches!(refused.outcome, Outcome::Denied { .. }), "{refused:?}");
        let missing = ask(&check(&["/no/such/program"]), None, uid, limit, clock::now());
        assert!(matches!(missing.outcome, Outcome::Absent { .. }), "{missing:?}");
    }

    #[test]
    fn addresses_are_split() {
        let at = |url: &str| parse_url(url).ok().map(|(endpoint, path)| format!("{endpoint} {path}"));
        assert_eq!(at("http://[::1]:80/a?b").as_deref(), Some("http://[::1]:80 /a?b"));
        assert_eq!(at("http://box").as_deref(), Some("http://box:80 /"));
        assert_eq!(at("https://box/"), None);
        assert_eq!(at("http://:80/"), None);
    }
}
