//! Whether a server makes progress (level `serving`) and generates (level `deep`).

use super::{Check, CheckName, Limits};
use crate::model::service::{Role, Service};
use crate::node::endpoint::{Counters, Endpoint, Sample, Slot};
use crate::node::{Fact, Outcome};

const NAME: CheckName = CheckName::Endpoints;

/// Judges whether work goes on between two samples, or there is none. None where the server shows nothing to sample
/// and is not expected to.
pub fn progress(service: &Service, endpoint: &Endpoint) -> Option<Check> {
    let target = service.name.as_str();
    let (first, last) = match endpoint.samples.as_slice() {
        [] => return not_sampled(service, None),
        [only] => (only, only),
        [first, .., last] => (first, last),
    };
    if let (Outcome::TimedOut { why }, true) = (&last.slots.outcome, first.metrics.known().is_none()) {
        let reason = format!("its health path responds but its slots do not: {why}");
        return Some(Check::critical(NAME, target, "slots do not respond", reason));
    }
    let slots = last.slots.known();
    let counters = last.metrics.known().filter(|counters| **counters != Counters::default());
    if slots.is_none() && counters.is_none() {
        return not_sampled(service, Some(last));
    }
    let busy = slots.map(|slots| slots.iter().filter(|slot| slot.is_processing).count());
    let is_idle = match (busy, counters.and_then(|counters| counters.processing)) {
        (Some(busy), _) => busy == 0,
        (None, Some(processing)) => processing < 1.0,
        (None, None) => false,
    };
    let waiting = counters.and_then(|counters| counters.deferred).filter(|deferred| *deferred >= 1.0);
    if is_idle {
        return Some(match waiting {
            Some(waiting) if first.at_s < last.at_s && is_waiting(first) => {
                let reason = format!("{waiting:.0} requests are waiting and none is being processed");
                Check::critical(NAME, target, "does not process its requests", reason)
            }
            _ => Check::ok(NAME, target, "nothing to do"),
        });
    }
    let of = match (busy, slots) {
        (Some(busy), Some(slots)) => format!("busy: {busy} of {} slots", slots.len()),
        _ => "busy".to_owned(),
    };
    // The daemon of modelctl: it counts the tokens of a request when that has ended, and watches its servers itself.
    if slots.is_none() && counters.is_some_and(|counters| counters.decoded.is_none()) {
        return Some(Check::ok(NAME, target, format!("{of}; it has no counter of tokens")));
    }
    if first.at_s >= last.at_s {
        let reason = "no time for a second sample; use a longer --timeout";
        return Some(Check::unknown(NAME, target, of, reason));
    }
    let pause = last.at_s - first.at_s;
    Some(match moved(first, last) {
        Moved::Yes => Check::ok(NAME, target, format!("{of}, making progress")),
        // The work of a prompt shows in no counter of tokens.
        Moved::Prompt => Check::ok(NAME, target, format!("{of}, processing a prompt")),
        Moved::TooSlow => Check::ok(NAME, target, format!("{of}, slower than one token in {pause:.0} s")),
        Moved::No { is_certain: true } => {
            let reason = format!("neither slots nor counters moved in {pause:.1} s");
            Check::critical(NAME, target, format!("{of}, no progress"), reason)
        }
        Moved::No { is_certain: false } => {
            let reason =
                format!("slots did not move in {pause:.1} s; start llama-server with `--metrics` for counters");
            Check::warning(NAME, target, format!("{of}, no progress"), reason)
        }
    })
}

fn not_sampled(service: &Service, sample: Option<&Sample>) -> Option<Check> {
    if service.role != Role::Llama {
        return None;
    }
    let target = service.name.as_str();
    let what = "progress unknown";
    match sample.map(|sample| &sample.slots) {
        Some(slots) if slots.is_unknown() => Some(Check::of_unknown(NAME, target, what, slots)),
        _ => {
            let reason = "it provides neither slots nor metrics (llama-server: `--slots`, `--metrics`)";
            Some(Check::unknown(NAME, target, what, reason))
        }
    }
}

fn is_waiting(sample: &Sample) -> bool {
    sample.metrics.known().and_then(|counters| counters.deferred).is_some_and(|deferred| deferred >= 1.0)
}

enum Moved {
    Yes,
    Prompt,
    /// It generates too slowly for the time between the samples.
    TooSlow,
    No {
        is_certain: bool,
    },
}

fn moved(first: &Sample, last: &Sample) -> Moved {
    let (before, after) = (first.metrics.known(), last.metrics.known());
    let value = |counters: Option<&Counters>, of: fn(&Counters) -> Option<f64>| counters.and_then(of);
    let changed = |of: fn(&Counters) -> Option<f64>| {
        value(before, of).zip(value(after, of)).is_some_and(|(before, after)| before != after)
    };
    if changed(|c| c.decoded) || changed(|c| c.prompt_tokens) || slots_moved(first, last) {
        return Moved::Yes;
    }
    let busy: Vec<&Slot> = last.slots.known().into_iter().flatten().filter(|slot| slot.is_processing).collect();
    let generates = |slot: &&&Slot| slot.decoded.is_some_and(|decoded| decoded > 0);
    if !busy.is_empty() && busy.iter().filter(generates).count() == 0 {
        return Moved::Prompt;
    }
    let speed = value(after, |c| c.tokens_per_second).filter(|speed| *speed > 0.0);
    if speed.is_some_and(|speed| speed * (last.at_s - first.at_s) < 3.0) {
        return Moved::TooSlow;
    }
    Moved::No { is_certain: value(before, |c| c.decoded).is_some() && value(after, |c| c.decoded).is_some() }
}

/// Returns whether a slot generated, began or ended anything between two samples.
fn slots_moved(first: &Sample, last: &Sample) -> bool {
    let (Some(before), Some(after)) = (first.slots.known(), last.slots.known()) else { return false };
    after.iter().any(|slot| before.iter().any(|earlier| earlier.id == slot.id && earlier != slot))
}

/// Judges one token that was asked for.
pub fn token(service: &Service, token: &Fact<f64>, limits: &Limits) -> Check {
    let target = service.name.as_str();
    match &token.outcome {
        Outcome::Ok { value } => Check::ok(NAME, target, "generates").measured("token_time", *value, limits),
        Outcome::Absent { why } if why.contains("no slot is free") => {
            Check::ok(NAME, target, "busy: no slot is free for a token")
        }
        Outcome::Absent { why } => Check::unknown(NAME, target, "no token was requested", why.as_str()),
        Outcome::Denied { .. } => Check::of_unknown(NAME, target, "no token was requested", token),
        Outcome::TimedOut { why } => Check::critical(NAME, target, "generates no token", why.as_str()),
        Outcome::Failed { why } => Check::critical(NAME, target, "generates no token", why.as_str()),
    }
}
