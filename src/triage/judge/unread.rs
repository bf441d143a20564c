//! What could not be looked at, and which rules stay unknown for that reason.

use super::JudgeOptions;
use super::services::answer_in_words;
use crate::clock::Timestamp;
use crate::model::service::FoundBy;
use crate::node::{Fact, Outcome};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::Evidence;
use crate::triage::report::Unknown;
use crate::triage::rules::{Need, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// Needs that the configuration asks for when it names a service.
const ASKED: &[Need] =
    &[Need::Supervisor, Need::Systemd, Need::Logs, Need::Process, Need::Endpoint, Need::ModelFile, Need::Queue];

/// Collects what rules could not read: one entry for each fact.
pub struct Unreads<'a> {
    facts: &'a Facts,
    selected: Vec<&'a ServiceFacts>,
    options: &'a JudgeOptions,
    entries: BTreeMap<String, Entry>,
}

#[derive(Default)]
struct Entry {
    why: String,
    right: Option<String>,
    command: Option<Vec<String>>,
    rules: BTreeSet<&'static str>,
    services: BTreeSet<String>,
    asked: bool,
}

impl<'a> Unreads<'a> {
    pub fn new(facts: &'a Facts, selected: &[&'a ServiceFacts], options: &'a JudgeOptions) -> Unreads<'a> {
        let mut unreads = Unreads { facts, selected: selected.to_vec(), options, entries: BTreeMap::new() };
        unreads.add_asked();
        unreads
    }

    /// Adds what the configuration and flags ask for, whether or not a rule needs it.
    fn add_asked(&mut self) {
        for supervisord in self.facts.supervisords.iter().filter(|supervisord| supervisord.is_expected) {
            let mut list = List::default();
            list.add(None, &supervisord.answer);
            self.insert(list, None, true);
        }
        for service in self.selected.clone() {
            let is_named = self.options.services.iter().any(|name| name == service.name());
            if service.service.found != FoundBy::Config && !is_named {
                continue;
            }
            let wants_gpu = service.service.gpu == Some(true);
            for need in ASKED.iter().copied().chain(wants_gpu.then_some(Need::Gpu)) {
                let mut list = List::default();
                match need {
                    // Its models are asked for only where the config says which one it should have.
                    Need::Endpoint if service.service.model_id.is_none() => {
                        list.add_all(Some(service.name()), &service.endpoint);
                    }
                    need => list.add_need(need, self.facts, Some(service)),
                }
                self.insert(list, None, true);
            }
        }
        for name in &self.options.services {
            if self.facts.services.iter().any(|service| service.name() == name) {
                continue;
            }
            let known: Vec<&str> = self.facts.services.iter().map(ServiceFacts::name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let why = format!("no such service (services: {known})");
            let services = BTreeSet::from([name.clone()]);
            let entry = Entry { why, services, asked: true, ..Entry::default() };
            self.entries.insert(format!("service {name}"), entry);
        }
    }

    /// Notes that a rule found nothing; where a need of it could not be read, that is not the same as nothing.
    pub fn blocks(&mut self, rule: &'static Rule, service: Option<&'a ServiceFacts>) {
        let asked = self.options.names_rule(rule.id);
        for need in rule.needs {
            let mut list = List::default();
            list.add_need(*need, self.facts, service);
            if service.is_none() {
                for service in &self.selected {
                    list.add_of_service(*need, service);
                }
            }
            self.insert(list, Some(rule.id), asked);
        }
    }

    fn insert(&mut self, list: List, rule: Option<&'static str>, asked: bool) {
        for (what, service, reason) in list.0 {
            let entry = self.entries.entry(what).or_default();
            if entry.why.is_empty() {
                (entry.why, entry.right, entry.command) = reason;
            }
            entry.rules.extend(rule);
            entry.services.extend(service);
            entry.asked |= asked;
        }
    }

    /// Returns the rules that could not be judged.
    pub fn rules(&self) -> BTreeSet<&'static str> {
        self.entries.values().flat_map(|entry| entry.rules.iter().copied()).collect()
    }

    pub fn listed(self) -> Vec<Unknown> {
        let mut listed: Vec<Unknown> = self.entries.into_iter().map(|(what, entry)| entry.listed(what)).collect();
        let logs = self.selected.iter().flat_map(|service| service.logs.iter().map(move |log| (service, log)));
        for (service, log) in logs {
            let Some((log, (since, why))) = log.known().and_then(|log| Some((log, log.blind.as_ref()?))) else {
                continue;
            };
            let since = since.map(|since: Timestamp| format!(" since {}", since.rfc3339())).unwrap_or_default();
            listed.push(Unknown {
                what: format!("what {} logged{since} to {}", service.name(), log.path.display()),
                why: why.clone(),
                right: None,
                command: None,
                rules: Vec::new(),
                services: vec![service.name().to_owned()],
                asked: false,
            });
        }
        listed.sort_by_key(|unknown| !unknown.asked);
        listed
    }
}

impl Entry {
    fn listed(self, what: String) -> Unknown {
        Unknown {
            what,
            why: self.why,
            right: self.right,
            command: self.command,
            rules: self.rules.into_iter().map(str::to_owned).collect(),
            services: self.services.into_iter().collect(),
            asked: self.asked,
        }
    }
}

type Reason = (String, Option<String>, Option<Vec<String>>);

/// Facts that may exist and were not read: what, of which service, why.
#[derive(Default)]
struct List(Vec<(String, Option<String>, Reason)>);

impl List {
    fn add<T>(&mut self, service: Option<&str>, fact: &Fact<T>) {
        let reason = match &fact.outcome {
            Outcome::Ok { .. } | Outcome::Absent { .. } => return,
            Outcome::Denied { why, right, command } => (why.clone(), Some(right.clone()), command.clone()),
            Outcome::TimedOut { why } => (format!("timed out: {why}"), None, None),
            Outcome::Failed { why } => (why.clone(), None, None),
        };
        self.0.push((fact.source.clone(), service.map(str::to_owned), reason));
    }

    fn add_all<'f, T: 'f>(&mut self, service: Option<&str>, facts: impl IntoIterator<Item = &'f Fact<T>>) {
        facts.into_iter().for_each(|fact| self.add(service, fact));
    }

    fn add_need(&mut self, need: Need, facts: &Facts, service: Option<&ServiceFacts>) {
        let machine = &facts.machine;
        match need {
            Need::Kernel => self.add(None, &facts.kernel),
            Need::Memory => {
                self.add(None, &machine.memory);
                self.add(None, &machine.pressure);
            }
            Need::Disks => self.add_all(None, &machine.disks),
            Need::Clock => self.add(None, &machine.clock),
            Need::Listeners => self.add(None, &machine.listeners),
            Need::Database => self.add(None, &facts.database),
            Need::Gpu => {
                self.add(None, &facts.gpus);
                self.add_all(None, facts.gpus.known().map(|gpus| &gpus.nvml));
            }
            Need::Supervisor if service.is_none() => {
                self.add_all(None, facts.supervisords.iter().map(|supervisord| &supervisord.answer));
            }
            Need::Logs if service.is_none() => {
                self.add_all(None, facts.supervisords.iter().flat_map(|supervisord| &supervisord.logs));
            }
            _ => {}
        }
        if let Some(service) = service {
            self.add_of_service(need, service);
        }
    }

    fn add_of_service(&mut self, need: Need, service: &ServiceFacts) {
        let name = Some(service.name());
        let processes = || service.processes.iter().filter_map(Fact::known);
        match need {
            Need::Supervisor => self.add_all(name, &service.program),
            Need::Systemd => self.add_all(name, &service.unit),
            Need::Logs => self.add_all(name, &service.logs),
            Need::Process => self.add_all(name, &service.processes),
            Need::Environment => self.add_all(name, processes().map(|process| &process.environment)),
            Need::Libraries => {
                self.add_all(name, processes().map(|process| &process.libraries));
                self.add_all(name, &service.libraries);
            }
            Need::ControlGroup => self.add_all(name, &service.cgroups),
            Need::Disks => self.add_all(name, &service.shared_memory),
            Need::Endpoint => {
                self.add_all(name, &service.endpoint);
                self.add_all(name, service.endpoint().map(|endpoint| &endpoint.models));
            }
            Need::Listeners => self.add_all(name, service.endpoint().map(|endpoint| &endpoint.owner)),
            Need::ModelFile => {
                self.add_all(name, &service.model);
                let model = service.model.as_ref().and_then(Fact::known);
                self.add_all(name, model.map(|model| &model.service));
                self.add_all(name, model.map(|model| &model.content));
            }
            Need::Launcher => self.add_all(name, service.launcher.as_ref().map(|launcher| &launcher.file)),
            Need::Queue => self.add_all(name, &service.queue),
            Need::Python => self.add_all(name, &service.python),
            Need::Kernel | Need::Memory | Need::Gpu | Need::Clock | Need::Database => {}
        }
    }
}

/// Returns a line about a fact that was read, as further evidence for a hit that has too little.
pub fn witness(need: Need, facts: &Facts, service: Option<&ServiceFacts>) -> Option<Evidence> {
    let of = |source: &str, time: Timestamp, text: String| Some(Evidence::new(source, Some(time), text));
    match need {
        Need::Process | Need::Environment | Need::Libraries => {
            let fact = service?.processes.first()?;
            let process = fact.known()?;
            of(&fact.source, fact.time, format!("pid {}: {}", process.pid, process.argv.join(" ")))
        }
        Need::Logs => {
            let fact = service?.logs.iter().find(|log| log.known().is_some())?;
            let log = fact.known()?;
            of(&fact.source, fact.time, format!("{} lines read, {} bytes", log.lines_read, log.size))
        }
        Need::Endpoint => {
            let fact = service?.endpoint.as_ref()?;
            of(&fact.source, fact.time, answer_in_words(fact.known()?))
        }
        Need::ModelFile => {
            let fact = service?.model.as_ref()?;
            let view = fact.known()?.service.known()?;
            of(&fact.source, fact.time, format!("{}, {} bytes", view.kind, view.size))
        }
        Need::Memory => {
            let memory = facts.machine.memory.known()?;
            let text = format!("{} bytes available of {}", memory.available, memory.total);
            of(&facts.machine.memory.source, facts.machine.memory.time, text)
        }
        Need::Gpu => {
            let gpus = facts.gpus.known()?;
            let nvml = gpus.nvml.known()?;
            let text = format!("NVML code {}, {} devices", nvml.code, nvml.devices.len());
            of(&gpus.nvml.source, gpus.nvml.time, text)
        }
        Need::Kernel => {
            let kernel = facts.kernel.known()?;
            let text = format!("{} OOM kills, {} Xids", kernel.ooms.len(), kernel.xids.len());
            of(&facts.kernel.source, facts.kernel.time, text)
        }
        _ => None,
    }
}
