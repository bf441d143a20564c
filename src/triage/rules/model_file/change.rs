//! Whether the file stands still.

use super::{model_of, view};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit};
use crate::triage::rules::text::{grouped, seconds};
use crate::triage::rules::{Check, Need, Rule};

/// Clocks of a file server and ours may differ by so much, in milliseconds, before a time counts as in the future.
const FUTURE_MS: i64 = 5 * 60 * 1_000;

pub(super) const MDL_09: Rule = Rule {
    id: "MDL-09",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Warning,
    title: "the model file is still being written",
    why: "Its size or modification time differs between two reads, or a process has it open for writing. A server \
          started too early finds a truncated file. It is not damaged; wait.",
    explains: &["MDL-06", "MDL-07", "MDL-08", "MDL-10", "SUP-10", "SUP-17", "SYS-03", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: &[],
    check: Check::Service(is_being_written),
};

pub(super) const MDL_15: Rule = Rule {
    id: "MDL-15",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Warning,
    title: "the modification time of the model file is in the future",
    why: "Its modification time is later than now: the clock of this machine, or of the one that wrote it, is wrong. \
          Until that is fixed, do not trust the ages of logs and files. The content may be fine.",
    explains: &[],
    needs: &[Need::ModelFile],
    signs: &[],
    check: Check::Service(is_from_the_future),
};

fn is_being_written(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let (fact, file) = view(model)?;
    let changed = model.stable.as_ref().filter(|stable| !stable.is_stable);
    let writer = model.writer.as_ref();
    if changed.is_none() && writer.is_none() {
        return None;
    }
    let path = model.path.display();
    let who = writer.map_or_else(String::new, |(pid, name)| format!(" by {name} (pid {pid})"));
    let grows = changed.map_or_else(String::new, |stable| {
        let (before, after) = stable.sizes;
        match before == after {
            true => format!(": it changed within {}", seconds(stable.seconds)),
            false => format!(": {} to {} bytes in {}", grouped(before), grouped(after), seconds(stable.seconds)),
        }
    });
    let mut evidence = Vec::new();
    if let Some(stable) = changed {
        let (before, after) = stable.sizes;
        evidence.push(Evidence::of_fact(fact, format!("size {before}, {:.1} s later {after}", stable.seconds)));
    }
    if let Some((pid, name)) = writer {
        evidence.push(Evidence::new(
            format!("/proc/{pid}/fd"),
            Some(fact.time),
            format!("{name} has {path} open for writing"),
        ));
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::of_fact(fact, format!("{path}: {} bytes, {} allocated", file.size, file.allocated)));
    }
    let step =
        Step::inspect(format!("wait until the size of {path} no longer changes, then restart {}", service.name()))
            .command(&["stat", "--format=%s %y", &path.to_string()]);
    // A model that is loaded, whole and still is only held open.
    let is_whole = model
        .content
        .known()
        .is_some_and(|content| content.damage.is_none() && content.needed.is_some_and(|needed| needed <= file.size));
    let is_only_held = changed.is_none() && is_whole && service.is_well();
    let cause = format!("{path} is still being written{who}{grows}");
    Some(hit(Some(service), cause, evidence, step).severity(is_only_held.then_some(Severity::Info)))
}

fn is_from_the_future(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let (fact, file) = view(model)?;
    let modified = file.modified?;
    let ahead = modified.millis().checked_sub(facts.taken.millis())?;
    if ahead < FUTURE_MS {
        return None;
    }
    let path = model.path.display();
    let cause = format!(
        "{path} was modified in the future: {}, {} from now",
        modified.rfc3339(),
        seconds(ahead as f64 / 1_000.0)
    );
    let clock = match facts.machine.clock.known().and_then(|clock| clock.is_synchronised) {
        Some(true) => "the clock is synchronized",
        Some(false) => "the clock is not synchronized",
        None => "whether the clock is synchronized is unknown",
    };
    let evidence = vec![
        Evidence::of_fact(fact, format!("{path}: modified {}", modified.rfc3339())),
        Evidence::of_fact(&facts.machine.clock, format!("now {}; {clock}", facts.taken.rfc3339())),
    ];
    let step = Step::inspect("compare this machine's clock with that of the machine that wrote the file")
        .command(&["date", "-u"]);
    Some(hit(Some(service), cause, evidence, step))
}
