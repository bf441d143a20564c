//! Whether a worker polls the queue that it should.

use crate::model::service::QueueCheck;
use crate::triage::facts::{Facts, Poller, QueueAnswer, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::{grouped, word_after};
use crate::triage::rules::{Check, Need, Rule};

/// A poller that was last seen so many seconds ago is gone.
const GONE_S: f64 = 120.0;
/// A worker that was just started is given so many seconds to attach.
const START_S: f64 = 30.0;
const QUEUE_ARGUMENTS: &[&str] = &["--queue", "-Q", "--queues", "--task-queue", "--queue-name"];
const POLLS: &[&str] = &["task queue ", "task_queue=", "taskQueue: ", "olling queue ", "istening on queue ", "queue="];

pub(super) const WRK_01: Rule = Rule {
    id: "WRK-01",
    version: 1,
    playbook: Playbook::Worker,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "no worker polls the queue",
    why: "The worker's process is running, but the queue it should poll has no poller with its identity. The worker \
          itself cannot notice that it polls another queue or none. That there is no poller is certain at once, while \
          missing progress would only be a guess.",
    explains: &[],
    needs: &[Need::Queue, Need::Process],
    signs: &[],
    check: Check::Service(is_not_polled),
};

pub(super) const WRK_02: Rule = Rule {
    id: "WRK-02",
    version: 1,
    playbook: Playbook::Worker,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the worker polls a queue with a different suffix",
    why: "The queue that the worker polls differs from the expected one only in its suffix (`transcribe@cpu` instead \
          of `transcribe@gpu`): a variable is wrong or missing. The worker is healthy and waits for work that is sent \
          elsewhere.",
    explains: &["WRK-01"],
    needs: &[Need::Environment],
    signs: POLLS,
    check: Check::Service(polls_another_suffix),
};

fn answer(service: &ServiceFacts) -> Option<(&QueueCheck, &QueueAnswer)> {
    Some((service.service.queue.as_ref()?, service.queue.as_ref()?.known()?))
}

fn is_alive(poller: &Poller) -> bool {
    poller.last_seen_s.is_none_or(|seconds| seconds <= GONE_S)
}

/// The setting of the queue: the source, the name of the variable or argument, and the queue.
struct Setting {
    source: String,
    name: String,
    queue: String,
    is_line: bool,
}

fn setting(service: &ServiceFacts) -> Option<Setting> {
    let pid = service.server().map(|process| process.pid);
    let of_variable = || {
        let environment = service.server()?.environment.known()?;
        let (name, value) = environment.iter().find_map(|(name, value)| {
            let value = value.as_deref().filter(|value| !value.is_empty() && !value.contains("://"))?;
            (name.ends_with("QUEUE") || name.ends_with("QUEUE_NAME")).then_some((name, value))
        })?;
        let source = format!("/proc/{}/environ", pid.unwrap_or(0));
        Some(Setting { source, name: name.clone(), queue: value.to_owned(), is_line: false })
    };
    let of_argument = || {
        let name = QUEUE_ARGUMENTS.iter().find(|name| service.argument(&[name]).is_some())?;
        let queue = service.argument(&[name])?;
        let source = pid.map_or_else(|| "the configured command".to_owned(), |pid| format!("/proc/{pid}/cmdline"));
        Some(Setting { source, name: (*name).to_owned(), queue, is_line: false })
    };
    let of_line = || {
        let line = service.sign_now(POLLS)?;
        let sign = POLLS.iter().find(|sign| line.text.contains(**sign))?;
        let queue = word_after(&line.text, sign)?.trim_matches(|c: char| !(c.is_alphanumeric() || c == '@'));
        let source = line.source.clone();
        (!queue.is_empty()).then(|| Setting {
            source,
            name: "its log".to_owned(),
            queue: queue.to_owned(),
            is_line: true,
        })
    };
    of_argument().or_else(of_variable).or_else(of_line)
}

fn show(setting: &Setting, service: &ServiceFacts) -> Evidence {
    let time = service.processes.first().map(|fact| fact.time);
    Evidence::new(setting.source.clone(), time, format!("{}={}", setting.name, setting.queue))
}

fn is_not_polled(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (check, answer) = answer(service)?;
    let pollers = answer.pollers.as_ref()?;
    let process = service.process()?;
    let identity = check.identity.as_deref();
    let is_ours = |poller: &&Poller| {
        identity.is_none_or(|part| poller.identity.as_deref().is_some_and(|identity| identity.contains(part)))
    };
    let is_of_another = answer.queue.as_ref().is_some_and(|queue| *queue != check.name);
    if is_of_another
        || pollers.iter().filter(is_ours).any(is_alive)
        || service.age_s(facts.taken).is_some_and(|age| age < START_S)
    {
        return None;
    }
    let with = identity.map_or_else(String::new, |identity| format!(" with `{identity}` in its identity"));
    let others = match pollers.len() {
        0 => "none at all".to_owned(),
        n => format!("{n} others, or gone"),
    };
    let waits = answer.backlog.filter(|backlog| *backlog > 0);
    let waits = waits.map_or_else(String::new, |backlog| format!("; {} tasks are waiting", grouped(backlog)));
    let setting = setting(service);
    let polls =
        setting.as_ref().map_or_else(String::new, |setting| format!("; it is configured for `{}`", setting.queue));
    let cause = format!("is running, but the queue `{}` has no poller{with} ({others}){waits}{polls}", check.name);
    let mut evidence = vec![
        Evidence::of_fact(
            service.queue.as_ref()?,
            format!("{}: {} pollers: {}", check.name, pollers.len(), names(pollers)),
        ),
        Evidence::of_process(service, process, format!("pid {} ({}) is running", process.pid, process.name)),
    ];
    evidence.extend(setting.as_ref().map(|setting| show(setting, service)));
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!(
            "check the end of its log, then restart only {} and verify that it polls `{}`",
            service.name(),
            check.name
        ),
        "none: a restart starts the same worker again",
    )
    .maybe_command(service.restart(facts));
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Proven))
}

fn names(pollers: &[Poller]) -> String {
    let names: Vec<String> = pollers
        .iter()
        .take(5)
        .map(|poller| {
            let name = poller.identity.as_deref().unwrap_or("no identity");
            poller.last_seen_s.map_or_else(|| name.to_owned(), |seconds| format!("{name} ({seconds:.0} s ago)"))
        })
        .collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Returns what both names begin with, where they differ in a suffix alone.
fn common_base<'a>(expected: &'a str, actual: &str) -> Option<&'a str> {
    const SEPARATORS: &[char] = &['@', ':', '-', '_', '.', '/', '#'];
    let base = |name: &'a str| name.rsplit_once(SEPARATORS).map_or(name, |(base, _)| base);
    let base_expected = base(expected);
    let of_actual = actual.rsplit_once(SEPARATORS).map_or(actual, |(base, _)| base);
    let same = base_expected == of_actual || base_expected == actual || expected == of_actual;
    (same && expected != actual && !base_expected.is_empty()).then_some(base_expected)
}

fn polls_another_suffix(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let check = service.service.queue.as_ref()?;
    let process = service.process()?;
    let by_answer = answer(service).and_then(|(_, answer)| answer.queue.clone());
    let setting = setting(service).or_else(|| {
        let queue = by_answer.clone()?;
        let source = service.queue.as_ref()?.source.clone();
        Some(Setting { source, name: "queue".to_owned(), queue, is_line: false })
    })?;
    let base = common_base(&check.name, &setting.queue)?;
    let wanted = check.name.get(base.len()..).unwrap_or_default();
    let cause = format!("polls `{}` instead of `{}`: only the suffix differs", setting.queue, check.name);
    let is_variable = setting.name.ends_with("QUEUE") || setting.name.ends_with("QUEUE_NAME");
    let (place, changes) =
        if is_variable { service.place_of_variable(&setting.name) } else { service.place_of(&setting.name) };
    let text = match setting.is_line || setting.name == "queue" {
        true => format!("set the suffix `{wanted}` of its queue in {place}, then restart {}", service.name()),
        false => format!("set {} to `{}` in {place}, then restart {}", setting.name, check.name, service.name()),
    };
    let step = Step::change(changes, text, format!("set it back to `{}`", setting.queue));
    let pollers = answer(service).and_then(|(_, answer)| answer.pollers.as_ref()).zip(service.queue.as_ref());
    let second = match pollers {
        Some((pollers, fact)) => {
            Evidence::of_fact(fact, format!("{}: {} pollers: {}", check.name, pollers.len(), names(pollers)))
        }
        None => {
            Evidence::of_process(service, process, format!("pid {} is running; expected `{}`", process.pid, check.name))
        }
    };
    let is_empty = pollers.is_some_and(|(pollers, _)| !pollers.iter().any(is_alive));
    let evidence = vec![show(&setting, service), second];
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(is_empty || !setting.is_line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_differ_by_a_suffix_or_altogether() {
        assert_eq!(common_base("transcribe@gpu", "transcribe@cpu"), Some("transcribe"));
        assert_eq!(common_base("transcribe@gpu", "transcribe"), Some("transcribe"));
        assert_eq!(common_base("transcribe", "transcribe-gpu"), Some("transcribe"));
        assert_eq!(common_base("transcribe@gpu", "transcribe@gpu"), None);
        assert_eq!(common_base("transcribe@gpu", "mail"), None);
        assert_eq!(common_base("@gpu", "@cpu"), None);
    }
}
