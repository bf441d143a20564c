//! Context and speed: a server that works, and not as well as it should.

use crate::node::Fact;
use crate::triage::counters;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::ask::{CONTEXT, PARALLEL};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::{grouped, number_after};
use crate::triage::rules::{Check, Need, Rule};

const TRAINED: &str = "n_ctx_train (";
const EXCEEDED: &[&str] = &["Context size has been exceeded", "failed to find free space in the KV cache"];
const NEW_SLOT: &str = "new slot, n_ctx = ";

pub(super) const LLM_16: Rule = Rule {
    id: "LLM-16",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::App,
    severity: Severity::Info,
    title: "the context is larger than the model was trained for",
    why: "llama.cpp warns that the context per sequence is larger than in training: answers to long prompts may get \
          worse, and memory is reserved for nothing. It is not a failure. The opposite warning (smaller than trained \
          for) does not matter.",
    explains: &[],
    needs: &[Need::Logs],
    signs: &[TRAINED],
    check: Check::Service(has_too_much_context),
};

pub(super) const LLM_17: Rule = Rule {
    id: "LLM-17",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::App,
    severity: Severity::Warning,
    title: "the server is at most half as fast as in the baseline",
    why: "It generates less than half as many tokens per second as in the baseline, with the same model: it runs on \
          the CPU, the GPU is throttled, the machine swaps, or another process takes the cores. The finding lists what \
          has changed since the baseline. Without a baseline this rule does not apply.",
    explains: &[],
    needs: &[Need::Endpoint],
    signs: &[],
    check: Check::Service(is_slow),
};

pub(super) const LLM_20: Rule = Rule {
    id: "LLM-20",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::App,
    severity: Severity::Warning,
    title: "concurrent requests overflow the context that the slots share",
    why: "Without -np the slots share one context; concurrent long requests overflow it and all of them are aborted. \
          Every client gets a broken answer. A single prompt that is too long gets a different error.",
    explains: &[],
    needs: &[Need::Logs],
    signs: &[EXCEEDED[0], EXCEEDED[1], NEW_SLOT],
    check: Check::Service(overruns_its_context),
};

fn has_too_much_context(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_now(&[TRAINED, ") > n_ctx_train"])?;
    let trained = number_after(&line.text, TRAINED)? as u64;
    let given =
        ["n_ctx_seq (", "n_ctx_per_seq (", "n_ctx ("].iter().find_map(|name| number_after(&line.text, name))? as u64;
    let model = service.model.as_ref().and_then(Fact::known);
    let known = model.and_then(|model| Some((model, model.content.known()?.context?)));
    // The log of another model.
    if given <= trained || known.is_some_and(|(_, context)| context != trained) {
        return None;
    }
    let (place, changes) = service.place_of("-c");
    let old = service.argument(CONTEXT).map_or_else(|| "no `-c`".to_owned(), |context| format!("`-c {context}`"));
    let second = match known {
        Some((model, context)) => {
            Evidence::of_fact(&model.content, format!("{}: context_length {context}", model.path.display()))
        }
        None => Evidence::of_command(service)?,
    };
    let cause = format!("the context is {} tokens, but the model was trained for {}", grouped(given), grouped(trained));
    let step = Step::change(changes, format!("set `-c {trained}` in {place}"), format!("restore {old} in {place}"));
    Some(hit(Some(service), cause, vec![Evidence::of_line(line), second], step))
}

fn is_slow(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let endpoint = service.endpoint()?;
    let before = facts.counter(&counters::tokens_per_second(service.name())).filter(|speed| *speed > 0.0)?;
    let sample = endpoint.samples.last();
    let by_metrics = sample
        .and_then(|sample| Some((Evidence::of_fact(&sample.metrics, ""), sample.metrics.known()?.tokens_per_second?)));
    let by_token = endpoint.token_s.as_ref().and_then(|fact| {
        let time = *fact.known()?;
        (time > 0.0).then(|| (Evidence::of_fact(fact, ""), 1.0 / time))
    });
    let (shown, now) = by_metrics.filter(|(_, speed)| *speed > 0.0).or(by_token)?;
    let changes = facts.changes.as_ref()?;
    let own = |name: &Option<String>| name.as_deref().is_none_or(|name| name == service.name());
    let has_other_model = changes
        .changes
        .iter()
        .any(|change| change.service.as_deref() == Some(service.name()) && change.what.starts_with("model"));
    if now >= before / 2.0 || has_other_model {
        return None;
    }
    let changed: Vec<String> = changes
        .changes
        .iter()
        .filter(|change| own(&change.service))
        .map(|change| change.what.clone())
        .take(3)
        .collect();
    let since = match changed.is_empty() {
        true => "; nothing else has changed since the baseline".to_owned(),
        false => format!("; changed since: {}", changed.join(", ")),
    };
    let cause = format!("{now:.1} tokens/s, {before:.1} in the baseline{since}");
    let evidence = vec![
        Evidence { text: format!("{now:.1} tokens/s"), ..shown },
        Evidence::new("baseline", changes.baseline_taken, format!("{before:.1} tokens/s")),
    ];
    let step = Step::inspect("review what has changed since the baseline").command(&[
        "modelctl",
        "triage",
        "--baseline",
        "diff",
    ]);
    Some(hit(Some(service), cause, evidence, step))
}

fn overruns_its_context(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    // The words of a user can stand in a log too: the server's own lines have its level, its source or an error's form.
    let is_own = |text: &str| {
        EXCEEDED.iter().any(|sign| text.contains(sign))
            && ["error", " E ", " W ", "srv ", "slot ", "decode", "slot_"].iter().any(|mark| text.contains(mark))
    };
    let began = service.lives.last().and_then(|life| life.began);
    let is_new = |time: Option<crate::clock::Timestamp>| time.or(began).is_none_or(|time| time >= facts.since);
    let lines = service.lines_now();
    let line = lines.iter().rev().find(|line| is_own(&line.text))?;
    let times = lines.iter().filter(|other| is_own(&other.text)).count();
    let slots = service.endpoint().and_then(|endpoint| endpoint.samples.last()).and_then(|sample| sample.slots.known());
    let slot_line = service.line_now(&[NEW_SLOT]);
    let each = slot_line.and_then(|line| number_after(&line.text, NEW_SLOT)).map(|context| context as u64);
    let each = each.or_else(|| slots?.first()?.context);
    let count = slots.map(Vec::len);
    // With `-np` each slot has a context of its own.
    if service.argument(PARALLEL).is_some() {
        return None;
    }
    let of_slots = match (count, each) {
        (Some(count), Some(each)) => format!(": {count} slots share {} tokens", grouped(each)),
        (None, Some(each)) => format!(": its slots share {} tokens", grouped(each)),
        _ => String::new(),
    };
    let cause = format!("concurrent requests overflowed the shared context{of_slots} ({times} times)");
    let (place, changes) = service.place_of("-np");
    let slots = count.filter(|count| *count > 1).unwrap_or(4);
    let text = format!(
        "set `-np {slots}` in {place}, so that each slot has its own context, or a larger `-c` if memory allows"
    );
    let step = Step::change(changes, text, format!("remove `-np` from {place}"));
    let mut evidence = vec![Evidence::of_line(line)];
    evidence.extend(slot_line.map(Evidence::of_line));
    evidence.extend(Evidence::of_command(service));
    let severity = (!is_new(line.time) && service.trouble().is_none()).then_some(Severity::Info);
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(each.is_some())).severity(severity))
}
