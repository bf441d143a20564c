//! One run: plans the jobs, has them done on threads of their own, and ends with its time limit. A job that is not done
//! by then is unknown.

use super::checks::{self, Job};
use super::request::{Outcome, Request, Run, interrupted, millis};
use crate::clock;
use crate::config::Config;
use crate::failure::{Failure, Kind, OrFail};
use crate::health::{Check, CheckName, Report};
use crate::ops::Session;
use crate::supervise::StopSignal;
use crate::triage::redact_texts;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// The time beyond the limit for answers that are on their way.
const GRACE: Duration = Duration::from_millis(250);

enum Message {
    /// What the jobs are going to check: a job each.
    Planned(Result<Vec<Vec<(CheckName, String)>>, Failure>),
    Done(usize, Vec<Check>),
}

/// Checks once.
///
/// # Errors
/// Interrupted (130), terminated (143).
pub fn once(session: &mut Session, request: &Request, limit: Duration, stop: &StopSignal) -> anyhow::Result<Outcome> {
    let began = clock::instant();
    let now = clock::now();
    session.now = now;
    let deadline = began.checked_add(limit).unwrap_or(began);
    let run = Run { request: request.clone(), now, deadline };
    let (config, sender) = (session.config.clone(), unbounded_channel());
    let (sender, mut messages) = sender;
    let planner = run.clone();
    // A search that hangs is abandoned in its thread, and so is a job.
    std::thread::Builder::new()
        .name("health".to_owned())
        .spawn(move || plan(&config, planner, &sender))
        .or_fail(|| Failure::new(Kind::Bug, "cannot start a thread"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_fail(|| Failure::new(Kind::Bug, "cannot wait for the checks"))?;
    let mut planned: Option<Vec<Vec<(CheckName, String)>>> = None;
    let mut done: Vec<(usize, Vec<Check>)> = Vec::new();
    let end = tokio::time::Instant::from_std(deadline.checked_add(GRACE).unwrap_or(deadline));
    let stopped = runtime.block_on(async {
        loop {
            tokio::select! {
                why = stop.wait() => return Ok(Some(why)),
                () = tokio::time::sleep_until(end) => return Ok(None),
                message = messages.recv() => match message {
                    Some(Message::Planned(Ok(jobs))) => planned = Some(jobs),
                    Some(Message::Planned(Err(failure))) => return Err(failure),
                    Some(Message::Done(job, checks)) => done.push((job, checks)),
                    // All senders are gone: every job is done.
                    None => return Ok(None),
                },
            }
        }
    });
    match stopped {
        Ok(Some(why)) => return Err(interrupted(why)),
        Ok(None) => {}
        Err(failure) => return Ok(Outcome::Nothing(failure)),
    }
    let mut found: Vec<Check> = Vec::new();
    let late = || crate::node::late(limit);
    match planned {
        None => found.push(Check::unknown(CheckName::Services, "node", "services unknown", late())),
        Some(jobs) => {
            for (at, targets) in jobs.into_iter().enumerate() {
                match done.iter_mut().find(|(job, _)| *job == at) {
                    Some((_, checks)) => found.append(checks),
                    None => found.extend(
                        targets
                            .iter()
                            .map(|(name, target)| Check::unknown(*name, target, "not checked in time", late())),
                    ),
                }
            }
        }
    }
    if found.is_empty() {
        return Ok(Outcome::Nothing(nothing(request)));
    }
    // What servers answered and programs printed is in the reasons, and may hold anything.
    if found.iter().any(|check| check.reason.is_some()) {
        let texts = found.iter_mut().filter(|check| check.reason.is_some());
        let texts = texts.flat_map(|check| check.reason.iter_mut().chain([&mut check.what]));
        redact_texts(texts).or_fail(|| Failure::new(Kind::Bug, "cannot redact the answers, so none are shown"))?;
    }
    Ok(Outcome::Checked(Report::new(request.level, now, millis(began.elapsed()), found)))
}

fn nothing(request: &Request) -> Failure {
    let hint = match request.checks.as_slice() {
        [CheckName::Gpu] => "no GPU was found; with --require-gpu that is critical",
        _ => "list the services of this node as `[[services]]` in the config, or pass an http:// URL as TARGET",
    };
    let checks: Vec<&str> = request.checks.iter().map(|check| check.name()).collect();
    let what = if checks.is_empty() { "no services were found on this node".to_owned() } else { checks.join(", ") };
    Failure::cannot_meet(format!("nothing to check: {what}")).hint(hint)
}

/// Finds what is to be done, and has each job done on a thread of its own: most of their time they wait.
fn plan(config: &Config, run: Run, sender: &UnboundedSender<Message>) {
    // Nobody receives a message that comes too late.
    let send = |message| drop(sender.send(message));
    let jobs = match checks::jobs(config, &run) {
        Ok(jobs) => jobs,
        Err(failure) => return send(Message::Planned(Err(failure))),
    };
    send(Message::Planned(Ok(jobs.iter().map(|job| job.targets.clone()).collect())));
    for (at, Job { targets, run: work }) in jobs.into_iter().enumerate() {
        let answers = sender.clone();
        let started = std::thread::Builder::new().spawn(move || {
            let began: Instant = clock::instant();
            let mut checks = work();
            let ms = millis(began.elapsed());
            for check in checks.iter_mut().filter(|check| check.ms == 0) {
                check.ms = ms;
            }
            // As above.
            let _ = answers.send(Message::Done(at, checks));
        });
        if let Err(error) = started {
            let failed = |(name, target): &(CheckName, String)| {
                Check::unknown(*name, target, "not checked", format!("cannot start a thread: {error}"))
            };
            send(Message::Done(at, targets.iter().map(failed).collect()));
        }
    }
}
