//! A supervisord that runs and does not respond.

use super::super::manage::typed;
use super::super::step::{Step, hit, proven_if};
use super::super::{Check, Need, Rule};
use crate::node::supervisord::Refusal;
use crate::triage::facts::{Facts, SupervisordFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};

pub(super) const SUP_22: Rule = Rule {
    id: "SUP-22",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "supervisord runs and does not respond",
    why: "Its process exists and its socket accepts connections, but no answer comes. State T: a signal stopped it; D: it \
          waits in the kernel, usually for the disk with its log. Its programs keep running, and none that ends is \
          restarted. A supervisord that is only slow because its programs keep restarting is a warning: those programs \
          are the cause.",
    explains: &[],
    needs: &[Need::Supervisor],
    signs: &[],
    check: Check::Node(|facts| facts.supervisords.iter().filter_map(|one| silent(facts, one)).collect()),
};

fn silent(facts: &Facts, one: &SupervisordFacts) -> Option<Hit> {
    if one.search.refusal != Some(Refusal::TimedOut) || !one.answer.is_unknown() {
        return None;
    }
    let (state, wchan) = one.search.process_state.as_ref()?;
    let (pid, words) = one.search.processes.first()?;
    let place = wchan.as_ref().map_or_else(String::new, |wchan| format!(", in {wchan}"));
    let at = |file: &str| format!("/proc/{pid}/{file}");
    let mut evidence = vec![
        Evidence::of_fact(&one.answer, one.answer.why().unwrap_or("no response")),
        Evidence::new(at("stat"), Some(facts.taken), format!("pid {pid}: state {state}{place}: {}", typed(words))),
    ];
    let last = one.logs.iter().find_map(|log| log.known()).and_then(|log| log.last.last());
    evidence.extend(last.map(Evidence::of_line));
    let pid = pid.to_string();
    match state {
        'T' | 't' => {
            let cause = format!(
                "supervisord (pid {pid}) is stopped by a signal (state {state}): programs that end are not restarted"
            );
            let step = Step::change(Changes::Host, "let supervisord continue", format!("kill -STOP {pid}"));
            Some(hit(None, cause, evidence, step.command(&["kill", "-CONT", &pid])))
        }
        'D' => {
            let cause = format!("supervisord (pid {pid}) hangs in the kernel (state D{place}) and does not respond");
            let step = Step::inspect("see what it waits for; usually it is the disk with its log");
            Some(hit(None, cause, evidence, step.command(&["cat", &at("stack")])))
        }
        _ => {
            let cause =
                format!("supervisord (pid {pid}) runs and is too slow: {}", one.answer.why().unwrap_or("no response"));
            let step = Step::inspect("see what keeps it busy; usually programs that restart all the time");
            let step = step.command(&["ps", "-o", "pid,stat,pcpu,wchan:20,args", "-p", &pid]);
            Some(hit(None, cause, evidence, step).confidence(proven_if(false)).severity(Some(Severity::Warning)))
        }
    }
}
