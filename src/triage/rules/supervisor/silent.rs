//! A supervisord that runs and gives no answer.

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
    title: "supervisord runs and gives no answer",
    why: "Its socket takes connections and nothing comes back, while its process is there. State T: a signal stopped it; D: \
          it waits in the kernel, mostly for the disk of its log. Its programs go on, and nobody starts those again that \
          end. One that is only busy, since programs of it end and start all the time, is a warning: those programs are \
          the cause.",
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
        Evidence::of_fact(&one.answer, one.answer.why().unwrap_or("no answer")),
        Evidence::new(at("stat"), Some(facts.taken), format!("pid {pid}: state {state}{place}: {}", typed(words))),
    ];
    let last = one.logs.iter().find_map(|log| log.known()).and_then(|log| log.last.last());
    evidence.extend(last.map(Evidence::of_line));
    let pid = pid.to_string();
    match state {
        'T' | 't' => {
            let cause = format!(
                "supervisord (pid {pid}) is stopped by a signal (state {state}): nobody starts programs again that end"
            );
            let step = Step::change(Changes::Host, "let it go on", format!("kill -STOP {pid}"));
            Some(hit(None, cause, evidence, step.command(&["kill", "-CONT", &pid])))
        }
        'D' => {
            let cause = format!("supervisord (pid {pid}) hangs in the kernel (state D{place}) and gives no answer");
            let step = Step::inspect("see what it waits for; mostly it is the disk of its log");
            Some(hit(None, cause, evidence, step.command(&["cat", &at("stack")])))
        }
        _ => {
            let cause = format!(
                "supervisord (pid {pid}) runs and is too slow to be asked: {}",
                one.answer.why().unwrap_or("it gave no answer")
            );
            let step = Step::inspect("see what it does: programs that end and start all the time keep it busy");
            let step = step.command(&["ps", "-o", "pid,stat,pcpu,wchan:20,args", "-p", &pid]);
            Some(hit(None, cause, evidence, step).confidence(proven_if(false)).severity(Some(Severity::Warning)))
        }
    }
}
