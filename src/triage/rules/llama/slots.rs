//! Progress between two samples: busy, saturated or wedged.

use crate::display::units::plural;
use crate::node::endpoint::{Answer, Counters, Sample, Slot};
use crate::node::{Fact, Outcome};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::ask::PARALLEL;
use crate::triage::rules::step::{Step, hit};
use crate::triage::rules::text::seconds;
use crate::triage::rules::{Check, Need, Rule};

/// Between samples nearer to each other than this, in seconds, no progress is no news.
const LEAST_SPAN_S: f64 = 1.5;
/// Tokens whose time must have passed without one.
const TOKENS: f64 = 10.0;
/// Tokens of a prompt that a slow server works through in a second.
const SLOW_PROMPT: f64 = 20.0;

pub(super) const LLM_08: Rule = Rule {
    id: "LLM-08",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::App,
    severity: Severity::Info,
    title: "all slots are busy and making progress",
    why: "Every slot is processing, and tokens are generated between two samples: the server is busy, not broken. A \
          probe with fail_on_no_slot=1 gets 503 in this state; a restart would only lose the work.",
    explains: &[],
    needs: &[Need::Endpoint],
    signs: &[],
    check: Check::Service(is_busy),
};

pub(super) const LLM_09: Rule = Rule {
    id: "LLM-09",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::App,
    severity: Severity::Warning,
    title: "requests arrive faster than the server answers them",
    why: "Requests are waiting, more in the second sample than in the first, while all slots are busy. This is load, \
          not a fault: lower the clients' concurrency first, then check whether memory allows more slots, and look at \
          GPU offload last.",
    explains: &["LLM-08"],
    needs: &[Need::Endpoint],
    signs: &[],
    check: Check::Service(is_saturated),
};

pub(super) const LLM_10: Rule = Rule {
    id: "LLM-10",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the server reports work but makes no progress",
    why: "A slot is processing in two samples without a token or a batch in between, for longer than its speed or its \
          prompt explains; or /health returns 200 while /slots does not answer. /health alone says only that the model \
          was loaded. A long prompt, which produces no tokens for a while either, is not reported.",
    explains: &["LLM-08", "LLM-09"],
    needs: &[Need::Endpoint],
    signs: &[],
    check: Check::Service(is_wedged),
};

/// Returns the first and the last sample, which are different ones.
fn ends(service: &ServiceFacts) -> Option<(&Sample, &Sample)> {
    match service.endpoint()?.samples.as_slice() {
        [first, .., last] => Some((first, last)),
        _ => None,
    }
}

/// Returns a counter of both samples.
fn counter(first: &Sample, last: &Sample, of: fn(&Counters) -> Option<f64>) -> Option<(f64, f64)> {
    Some((of(first.metrics.known()?)?, of(last.metrics.known()?)?))
}

fn all_busy(sample: &Sample) -> Option<bool> {
    let slots = sample.slots.known()?;
    Some(!slots.is_empty() && slots.iter().all(|slot| slot.is_processing))
}

/// Pairs the slots that process in both samples.
fn working<'a>(first: &'a Sample, last: &'a Sample) -> Vec<(&'a Slot, &'a Slot)> {
    let (Some(before), Some(after)) = (first.slots.known(), last.slots.known()) else { return Vec::new() };
    let same = |slot: &'a Slot| {
        after.iter().find(|other| other.id == slot.id && other.is_processing).map(|other| (slot, other))
    };
    before.iter().filter(|slot| slot.is_processing).filter_map(same).collect()
}

fn moves(first: &Sample, last: &Sample) -> bool {
    let slots = working(first, last);
    // Fewer tokens than before: another request has the slot.
    let by_slots = slots.iter().any(|(before, after)| before.decoded != after.decoded);
    let grows = |of| counter(first, last, of).is_some_and(|(before, after)| before != after);
    by_slots || grows(|counters| counters.decoded) || grows(|counters| counters.prompt_tokens)
}

fn show_slots(sample: &Sample) -> Evidence {
    match sample.slots.known() {
        Some(slots) => {
            let busy = slots.iter().filter(|slot| slot.is_processing).count();
            let decoded: Vec<String> = slots
                .iter()
                .filter(|slot| slot.is_processing)
                .map(|slot| {
                    format!("slot {}: {} tokens", slot.id, slot.decoded.map_or("?".to_owned(), |n| n.to_string()))
                })
                .collect();
            let text =
                format!("+{:.1} s: {busy} of {} slots processing; {}", sample.at_s, slots.len(), decoded.join(", "));
            Evidence::of_fact(&sample.slots, text)
        }
        None => Evidence::of_fact(&sample.slots, sample.slots.why().unwrap_or("unknown")),
    }
}

fn show_counters(sample: &Sample) -> Option<Evidence> {
    let counters = sample.metrics.known()?;
    let shown: Vec<String> =
        [("decoded", counters.decoded), ("processing", counters.processing), ("deferred", counters.deferred)]
            .iter()
            .filter_map(|(name, value)| value.map(|value| format!("{name} {value:.0}")))
            .collect();
    Some(Evidence::of_fact(&sample.metrics, format!("+{:.1} s: {}", sample.at_s, shown.join(", "))))
}

fn is_busy(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (first, last) = ends(service)?;
    let no_slot = matches!(service.endpoint().map(|endpoint| &endpoint.health),
        Some(Answer::Http { code: 503, body, .. }) if body.contains("no slot available"));
    if !(all_busy(last)? || no_slot) || !moves(first, last) {
        return None;
    }
    let slots = last.slots.known().map_or(0, Vec::len);
    let cause = format!("is busy, not broken: {} in progress", plural(slots as u64, "slot"));
    let step = Step::inspect("nothing to do; if this is usual and memory allows, add a slot (`-np`)");
    Some(hit(Some(service), cause, vec![show_slots(first), show_slots(last)], step))
}

fn is_saturated(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (first, last) = ends(service)?;
    let (before, after) = counter(first, last, |counters| counters.deferred)?;
    if before < 1.0 || after <= before || all_busy(last) == Some(false) {
        return None;
    }
    // No number: unknown.
    let slots = last.slots.known().map(Vec::len).or_else(|| service.argument(PARALLEL)?.parse().ok());
    let of_slots = slots.map_or_else(String::new, |slots| format!(" with {}", plural(slots as u64, "slot")));
    let span = seconds(last.at_s - first.at_s);
    let cause = format!("{after:.0} requests are waiting, up from {before:.0} ({span} earlier){of_slots}");
    let text = match slots {
        Some(slots) => {
            format!("limit the clients of {} to {} at a time", service.name(), plural(slots as u64, "request"))
        }
        None => format!("lower the number of concurrent requests from the clients of {}", service.name()),
    };
    let step = Step::change(
        Changes::Service(format!("the clients of {}", service.name())),
        text,
        "restore their current concurrency",
    );
    let evidence = vec![show_counters(first)?, show_counters(last)?];
    Some(hit(Some(service), cause, evidence, step))
}

fn is_wedged(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let endpoint = service.endpoint()?;
    if !matches!(endpoint.health, Answer::Http { code: 200, .. }) {
        return None;
    }
    let process = service.server();
    let name = service.name();
    let at = process.map_or_else(String::new, |process| {
        let place = process.wchan.as_ref().map_or_else(String::new, |wchan| format!(", {wchan}"));
        format!(" (pid {}, state {}{place})", process.pid, process.state)
    });
    let keep = match process {
        Some(process) => {
            format!("save /proc/{0}/stack and /proc/{0}/wchan for a bug report, then restart only {name}", process.pid)
        }
        None => format!("restart only {name}"),
    };
    let step = Step::change(
        Changes::Service(name.to_owned()),
        keep,
        "none: a restart loads the same model again; requests in flight are lost",
    )
    .maybe_command(service.restart(facts));
    let is_silent = |sample: &Sample| matches!(sample.slots.outcome, Outcome::TimedOut { .. });
    if !endpoint.samples.is_empty() && endpoint.samples.iter().all(is_silent) {
        let cause = format!("/health returns 200 but /slots does not answer: it is stuck{at}");
        let mut evidence = vec![Evidence::of_health(service)?];
        evidence.extend(endpoint.samples.iter().map(show_slots));
        let confidence = if endpoint.samples.len() > 1 { Confidence::Proven } else { Confidence::Likely };
        return Some(hit(Some(service), cause, evidence, step).confidence(confidence));
    }
    let (first, last) = ends(service)?;
    let slots = working(first, last);
    let span = last.at_s - first.at_s;
    if slots.is_empty() || span < LEAST_SPAN_S || moves(first, last) {
        return None;
    }
    let has_counter = counter(first, last, |counters| counters.decoded).is_some();
    let speed = last.metrics.known().and_then(|counters| counters.tokens_per_second).filter(|speed| *speed > 0.0);
    let generates = slots.iter().any(|(slot, _)| slot.decoded.is_some_and(|decoded| decoded > 0));
    let computes = process.is_some_and(|process| process.state == 'R');
    let confidence = if generates {
        match speed {
            Some(speed) if span < TOKENS / speed => return None,
            Some(_) => Confidence::Proven,
            // A slow server that computes may need seconds for a token.
            None if computes => return None,
            None if has_counter => Confidence::Proven,
            None => Confidence::Likely,
        }
    } else {
        // The prompt: as long as its context at a low speed may take, unless its log says how long it has been at it.
        let context = slots.iter().filter_map(|(slot, _)| slot.context).max().unwrap_or(4_096);
        let quiet = quiet_s(facts, service).unwrap_or(0.0).max(span);
        if quiet < context as f64 / SLOW_PROMPT || computes {
            return None;
        }
        Confidence::Likely
    };
    let cause =
        format!("no progress in {} from {}: it is stuck{at}", seconds(span), plural(slots.len() as u64, "slot"));
    let mut evidence = vec![show_slots(first), show_slots(last)];
    evidence.extend(show_counters(last));
    if let Some(process) = process {
        evidence.push(Evidence::of_process(service, process, format!("pid {} state {}", process.pid, process.state)));
    }
    Some(hit(Some(service), cause, evidence, step).confidence(confidence))
}

/// Returns the seconds since the last line of its logs.
fn quiet_s(facts: &Facts, service: &ServiceFacts) -> Option<f64> {
    let last = service.logs.iter().filter_map(Fact::known).filter(|log| log.blind.is_none());
    let time = last.filter_map(|log| log.last.last().and_then(|line| line.time).or(log.modified)).max()?;
    Some(time.age(facts.taken).as_secs_f64())
}
