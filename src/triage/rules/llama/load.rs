//! A server that loads its model: still within its time, or not.

use crate::display::units;
use crate::model::service::Role;
use crate::node::Fact;
use crate::node::machine::Pressure;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit};
use crate::triage::rules::text::seconds;
use crate::triage::rules::{Check, Need, Rule};

/// A load may take so many times its expected time before it counts as slow.
const GRACE: f64 = 3.0;
/// The least time that a load is given, and the expected time where nothing is known, in seconds.
const LEAST_S: f64 = 10.0;
const UNKNOWN_S: f64 = 200.0;
/// Share of time that all tasks wait for disks from which on storage is slow, in hundredths of a percent.
const SLOW_IO: u32 = 2_000;

pub(super) const LLM_06: Rule = Rule {
    id: "LLM-06",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::App,
    severity: Severity::Info,
    title: "the server is loading its model",
    why: "It returns 503 `Loading model` and has been running for less than three times as long as a load should take, \
          given the size of the file and the speed of its disk. This is not a fault; a restart would begin the load \
          again.",
    explains: &[],
    needs: &[Need::Endpoint],
    signs: &[],
    check: Check::Service(is_loading),
};

pub(super) const LLM_07: Rule = Rule {
    id: "LLM-07",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Warning,
    title: "loading the model takes far too long",
    why: "It still returns 503 `Loading model` after more than three times as long as a load should take: storage is \
          slow or stuck, or memory is low and pages are read again and again. The read rate tells which. It did not \
          crash.",
    explains: &["LLM-06"],
    needs: &[Need::Endpoint, Need::Process],
    signs: &[],
    check: Check::Service(loads_slowly),
};

/// Returns the age of a load, the time that it may take, and whether that is known.
fn load(facts: &Facts, service: &ServiceFacts) -> Option<(f64, f64, bool)> {
    if !service.is_loading() || !matches!(service.service.role, Role::Llama | Role::Whisper | Role::Other) {
        return None;
    }
    let age = service.age_s(facts.taken)?;
    let expected = service.expected_load_s;
    Some((age, (expected.unwrap_or(UNKNOWN_S) * GRACE).max(LEAST_S), expected.is_some()))
}

fn size(service: &ServiceFacts) -> Option<u64> {
    let model = service.model.as_ref()?.known()?;
    model.service.known().or(model.ours.known()).map(|file| file.size)
}

fn is_loading(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (age, limit, is_known) = load(facts, service)?;
    if age > limit {
        return None;
    }
    let process = service.server()?;
    let size = size(service).map_or_else(String::new, |size| format!(" ({})", units::bytes(size)));
    let cause = format!("has been loading its model{size} for {}, which is still normal", seconds(age));
    let until = if is_known { "by its size and the speed of its disk" } else { "its size is unknown" };
    let step = Step::inspect(format!("wait up to {} more ({until})", seconds((limit - age).max(1.0))));
    let evidence = vec![
        Evidence::of_health(service)?,
        Evidence::of_process(service, process, format!("pid {} was started {} ago", process.pid, seconds(age))),
    ];
    Some(hit(Some(service), cause, evidence, step))
}

fn loads_slowly(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let (age, limit, is_known) = load(facts, service)?;
    if age <= limit {
        return None;
    }
    let process = service.server()?;
    let pid = process.pid;
    let group = service.cgroups.iter().filter_map(Fact::known).find_map(|cgroup| cgroup.pressure);
    let pressure: Option<Pressure> = group.or(facts.machine.pressure.known().copied());
    let waits = pressure.is_some_and(|pressure| pressure.io_some.avg60 >= SLOW_IO);
    let rate = process.read_bytes.map(|read| (read, read as f64 / age.max(1.0)));
    let read = rate.map_or_else(String::new, |(read, rate)| {
        format!(": it has read {} at {}/s", units::bytes(read), units::bytes(rate as u64))
    });
    let why = match (process.state, waits) {
        ('D', _) => {
            let place = process.wchan.as_ref().map_or_else(String::new, |wchan| format!(" ({wchan})"));
            format!("; it is waiting in the kernel{place}")
        }
        (_, true) => "; tasks are waiting for disks".to_owned(),
        _ => String::new(),
    };
    let expected =
        if is_known { format!("expected: {}", seconds(limit / GRACE)) } else { "expected time unknown".to_owned() };
    let cause = format!("has been loading its model for {} ({expected}){read}{why}", seconds(age));
    let mut evidence = vec![
        Evidence::of_health(service)?,
        Evidence::of_process(
            service,
            process,
            format!(
                "pid {pid} was started {} ago; state {}; {} bytes read",
                seconds(age),
                process.state,
                process.read_bytes.unwrap_or(0)
            ),
        ),
    ];
    if let Some(pressure) = pressure {
        let share = f64::from(pressure.io_some.avg60) / 100.0;
        evidence.push(Evidence::new("/proc/pressure/io", Some(facts.taken), format!("some avg60={share:.2}")));
    }
    let step = Step::inspect("check twice whether it is still reading; if not, check the disk that holds its model")
        .command(&["cat", &format!("/proc/{pid}/io")]);
    let confidence = if is_known { Confidence::Proven } else { Confidence::Possible };
    Some(hit(Some(service), cause, evidence, step).confidence(confidence))
}
