use super::{Check, CheckName, Limits};
use crate::model::service::QueueCheck;
use crate::node::program::{Poller, QueueAnswer};
use crate::node::{Fact, Outcome};

const NAME: CheckName = CheckName::Queue;
/// Seconds after which a poller that was not seen is gone.
const GONE: f64 = 300.0;

/// Judges what the check of a queue answered: that the right worker polls the right queue.
pub fn queue(target: &str, queue: &QueueCheck, answer: &Fact<QueueAnswer>, limits: &Limits) -> Vec<Check> {
    let Some(known) = answer.known() else {
        return vec![match &answer.outcome {
            // The program of the check is missing, which says nothing about the queue.
            Outcome::Absent { why } => Check::unknown(NAME, target, "queue unknown", why.as_str()),
            _ => Check::of_unknown(NAME, target, "queue unknown", answer),
        }];
    };
    let mut checks = vec![pollers(target, queue, known, limits)];
    if let Some(backlog) = known.backlog {
        checks.push(Check::ok(NAME, target, format!("{backlog} waiting")).measured(
            "queue_backlog",
            backlog as f64,
            limits,
        ));
    }
    checks
}

fn pollers(target: &str, queue: &QueueCheck, answer: &QueueAnswer, limits: &Limits) -> Check {
    if let Some(other) = answer.queue.as_deref().filter(|name| *name != queue.name) {
        let reason = format!("the check reports on the queue `{other}`, not `{}`", queue.name);
        return Check::unknown(NAME, target, "queue unknown", reason);
    }
    let Some(pollers) = &answer.pollers else {
        return Check::unknown(NAME, target, "pollers unknown", "the check does not report pollers");
    };
    let is_seen = |poller: &&Poller| poller.last_seen_s.is_none_or(|seconds| seconds <= GONE);
    let is_ours = |poller: &&Poller| match (&queue.identity, &poller.identity) {
        (None, _) => true,
        (Some(wanted), Some(identity)) => identity.contains(wanted.as_str()),
        (Some(_), None) => false,
    };
    let ours = pollers.iter().filter(is_seen).filter(is_ours).count();
    let check = match (ours, pollers.len()) {
        (0, 0) => Check::critical(NAME, target, "no pollers", format!("no worker polls the queue `{}`", queue.name)),
        (0, all) => {
            let who = queue.identity.as_deref().map_or_else(String::new, |identity| format!(" as `{identity}`"));
            let reason = format!("{all} known, but none polled `{}`{who} in the last {GONE:.0} s", queue.name);
            Check::critical(NAME, target, "no pollers", reason)
        }
        (ours, _) => Check::ok(NAME, target, format!("{ours} poll `{}`", queue.name)),
    };
    check.measured("queue_pollers", ours as f64, limits)
}
