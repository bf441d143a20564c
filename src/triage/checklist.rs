//! What must hold after a fix, by two looks at the node and its baseline (pure).

use super::baseline::Baseline;
use super::facts::{Change, Facts, ServiceFacts};
use crate::node::endpoint::Answer;
use crate::node::supervisord::ProgramState;
use serde::Serialize;

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Item {
    /// None: the node.
    pub service: Option<String>,
    /// What must hold: `RUNNING with the same process`.
    pub what: String,
    pub holds: bool,
    /// What was seen.
    pub seen: String,
}

/// The list, and what has changed since the baseline.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Checklist {
    pub items: Vec<Item>,
    pub changes: Vec<Change>,
}

impl Checklist {
    /// Returns whether everything holds.
    pub fn holds(&self) -> bool {
        self.items.iter().all(|item| item.holds)
    }
}

/// Compares two looks, the second one later, and both with the baseline where there is one.
pub fn check(first: &Facts, second: &Facts, baseline: Option<&Baseline>) -> Checklist {
    let mut list = List { items: Vec::new() };
    for service in &first.services {
        match second.services.iter().find(|later| later.name() == service.name()) {
            Some(later) => list.service(service, later, second),
            None => list.add(Some(service), "is there", false, "gone".to_owned()),
        }
    }
    list.kills(first, second);
    let unwanted: Vec<String> =
        second.must_not_run.iter().map(|(name, pid, _)| format!("{name} (process {pid})")).collect();
    list.add(None, "nothing in must_not_run is running", unwanted.is_empty(), or_none(unwanted));
    let changes = baseline.map(|baseline| baseline.changes(second).changes).unwrap_or_default();
    if baseline.is_some() {
        let new = |start: &str| -> Vec<String> {
            let new = changes.iter().filter(|change| change.was.is_none() && change.what.starts_with(start));
            new.map(|change| match &change.service {
                Some(service) => service.clone(),
                None => change.what.trim_start_matches("listener ").to_owned(),
            })
            .collect()
        };
        let (listeners, services) = (new("listener"), new("service"));
        list.add(None, "no new listener since the baseline", listeners.is_empty(), or_none(listeners));
        list.add(None, "no new program since the baseline", services.is_empty(), or_none(services));
    }
    Checklist { items: list.items, changes }
}

fn or_none(found: Vec<String>) -> String {
    if found.is_empty() { "none".to_owned() } else { found.join(", ") }
}

struct List {
    items: Vec<Item>,
}

impl List {
    fn add(&mut self, service: Option<&ServiceFacts>, what: &str, holds: bool, seen: String) {
        let service = service.map(|service| service.name().to_owned());
        self.items.push(Item { service, what: what.to_owned(), holds, seen });
    }

    fn service(&mut self, first: &ServiceFacts, later: &ServiceFacts, second: &Facts) {
        if let (Some(was), Some(is)) = (first.program(), later.program()) {
            let is_running = |state| state == ProgramState::Running;
            let holds = is_running(was.state) && is_running(is.state) && was.pid == is.pid && is.pid.is_some();
            let pid = |pid: Option<u32>| pid.map_or("no process".to_owned(), |pid| format!("process {pid}"));
            let seen = match was.pid == is.pid {
                true => format!("{:?}, {}", is.state, pid(is.pid)).to_uppercase().replace("PROCESS", "process"),
                false => format!("{} became {}", pid(was.pid), pid(is.pid)),
            };
            self.add(Some(later), "RUNNING with the same process", holds, seen);
        } else if let Some(process) = first.process() {
            let same = later.process().is_some_and(|now| now.pid == process.pid && now.started == process.started);
            let seen = later.process().map_or("no process".to_owned(), |now| format!("process {}", now.pid));
            self.add(Some(later), "the same process is running", same, seen);
        }
        if let (Some(was), Some(is)) = (first.endpoint(), later.endpoint()) {
            let (before, now) = (answered(&was.health), answered(&is.health));
            self.add(Some(later), "its endpoint responds", before.0 && now.0, now.1);
        }
        if let (Some(was), Some(is)) = (first.model.as_ref(), later.model.as_ref()) {
            let view = |model: &crate::node::Fact<crate::node::model_file::ModelFile>| {
                let model = model.known()?;
                let view = model.service.known()?;
                Some((view.inode, view.size, model.stable.as_ref().is_none_or(|stable| stable.is_stable)))
            };
            let (before, now) = (view(was), view(is));
            let holds = now.is_some_and(|now| now.2 && before == Some(now));
            let seen = now.map_or("not visible".to_owned(), |now| format!("{} bytes", now.1));
            self.add(Some(later), "its model file does not change", holds, seen);
        }
        if let Some(check) = &later.service.queue {
            let answer = later.queue.as_ref().and_then(|queue| queue.known());
            let identity = check.identity.as_deref().unwrap_or_default();
            let pollers = answer.and_then(|answer| answer.pollers.as_ref());
            let polls = pollers.is_some_and(|pollers| {
                pollers.iter().any(|poller| poller.identity.as_deref().unwrap_or_default().contains(identity))
            });
            let seen = pollers.map_or("unknown".to_owned(), |pollers| format!("{} pollers", pollers.len()));
            self.add(Some(later), &format!("polls {}", check.name), polls, seen);
            let done = |facts: &ServiceFacts| facts.queue.as_ref()?.known()?.done;
            if let (Some(before), Some(now)) = (done(first), done(later)) {
                let idle = answer.and_then(|answer| answer.backlog) == Some(0);
                let holds = now > before || (idle && now == before);
                let seen = format!("{} done in between", now.saturating_sub(before));
                self.add(Some(later), "tasks get done, or none are waiting", holds, seen);
            }
        }
        let since = first_look(second, first);
        let restarts = later.lives.iter().filter(|life| life.began.is_some_and(|began| began > since)).count();
        self.add(Some(later), "no restart", restarts == 0, restarts.to_string());
    }

    /// A kill for lack of memory between the two looks.
    fn kills(&mut self, first: &Facts, second: &Facts) {
        let Some(log) = second.kernel.known() else {
            let why = second.kernel.why().unwrap_or("not read").to_owned();
            return self.add(None, "no OOM kill", false, format!("unknown: {why}"));
        };
        let kills = log.ooms.iter().filter(|kill| kill.line.time.is_some_and(|at| at > first.taken));
        let kills: Vec<String> = kills.map(|kill| format!("{} (process {})", kill.task, kill.pid)).collect();
        self.add(None, "no OOM kill", kills.is_empty(), or_none(kills));
    }
}

fn first_look(second: &Facts, service: &ServiceFacts) -> crate::clock::Timestamp {
    // The facts of a process carry the time of its look.
    service.processes.first().map_or(second.since, |process| process.time)
}

fn answered(answer: &Answer) -> (bool, String) {
    match answer {
        Answer::Http { code, .. } => ((200..300).contains(code), format!("HTTP {code}")),
        Answer::Refused => (false, "connection refused".to_owned()),
        Answer::Silent { .. } => (false, "no response".to_owned()),
        Answer::Unreachable { why } | Answer::Garbage { why } => (false, why.clone()),
        Answer::Tls => (false, "TLS is not supported".to_owned()),
        Answer::NotAsked => (false, "not checked".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::triage::testing::healthy_facts;

    fn open(list: &Checklist) -> Vec<&str> {
        list.items.iter().filter(|item| !item.holds).map(|item| item.what.as_str()).collect()
    }

    #[test]
    fn a_node_that_stays_as_it_is_passes() {
        let first = healthy_facts();
        let baseline = Baseline::of(&first);
        let list = check(&first, &first, Some(&baseline));
        assert!(list.holds(), "{:?}", open(&list));
        assert!(!list.items.is_empty() && list.changes.is_empty());
    }

    #[test]
    fn a_program_that_was_started_again_meanwhile_does_not_pass() {
        let first = healthy_facts();
        let mut second = first.clone();
        second.taken = Timestamp(first.taken.millis() + 60_000);
        if let Some(crate::node::Fact { outcome: crate::node::Outcome::Ok { value }, .. }) =
            second.services[0].program.as_mut()
        {
            value.pid = Some(4242);
        }
        second.must_not_run = vec![("scheduler".to_owned(), 7, vec!["scheduler".to_owned()])];
        let list = check(&first, &second, None);
        assert_eq!(open(&list), ["RUNNING with the same process", "nothing in must_not_run is running"]);
    }
}
