//! `/dev/shm`.

use super::super::manage::{bytes, symptoms};
use super::super::step::{Step, hit, proven_if};
use super::super::{Check, Need, Rule};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};

/// Words of those who could not get shared memory.
const WORDS: &[&str] = &["posix_fallocate failed", "shared memory segment", "/dev/shm", "Bus error", "shm_open"];

/// The size that container runtimes give by default.
const DEFAULT: u64 = 64 << 20;

pub(super) const FS_07: Rule = Rule {
    id: "FS-07",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "/dev/shm is too small",
    why: "NCCL, PyTorch and others share memory through /dev/shm, which has 64 MiB in a container by default: they \
          fail with ENOSPC, or with SIGBUS and no log line at all. It is not a full disk (FS-01), although the error \
          is the same.",
    explains: symptoms!["FS-01", "PY-03", "SUP-14"],
    needs: &[Need::Logs, Need::Process],
    signs: WORDS,
    check: Check::Service(too_small),
};

fn too_small(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    service.trouble()?;
    let fact = service.shared_memory.as_ref()?;
    let (total, available) = *fact.known()?;
    let line = WORDS.iter().find_map(|word| service.line_of_trouble(&[word]));
    let is_bus_error = service.ended_with(135, Some("SIGBUS"));
    let is_small = total <= DEFAULT || available < total / 10;
    if !is_small || (line.is_none() && !is_bus_error) {
        return None;
    }
    let mut evidence = match line {
        Some(line) => service.line_and_state(line),
        None => vec![Evidence::of_state(service)],
    };
    let text = format!("/dev/shm: {} of {} available", bytes(available), bytes(total));
    evidence.insert(1, Evidence::of_fact(fact, text));
    let wanted = facts.machine.memory.known().map_or(8, |memory| (memory.total >> 30) / 2).clamp(1, 8);
    let step = match &facts.machine.container {
        Some(_) => Step::change(
            Changes::Host,
            format!("recreate the container with --shm-size={wanted}g (or --ipc=host)"),
            "recreate it without that option",
        ),
        None => Step::change(
            Changes::Host,
            format!("enlarge /dev/shm to {wanted} GiB"),
            format!("mount -o remount,size={total} /dev/shm"),
        )
        .command(&["mount", "-o", &format!("remount,size={wanted}g"), "/dev/shm"]),
    };
    let how = match line {
        Some(line) => line.text.trim().to_owned(),
        None => "SIGBUS without a log line".to_owned(),
    };
    let cause = format!("/dev/shm is too small: {} of {} available; {how}", bytes(available), bytes(total));
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(line.is_some())))
}
