//! The figures of a node before and after a change of settings.

use super::facts::{Facts, ServiceFacts};
use crate::model::service::{Manager, Role};
use crate::model::tuning::{Applied, ServiceSnapshot, Snapshot};

/// Names of one option of llama-server.
const ALIASES: &[&[&str]] = &[
    &["-t", "--threads"],
    &["-tb", "--threads-batch"],
    &["-c", "--ctx-size"],
    &["-np", "--parallel"],
    &["-b", "--batch-size"],
    &["-ub", "--ubatch-size"],
    &["-m", "--model"],
    &["-ngl", "--gpu-layers", "--n-gpu-layers"],
];

impl Facts {
    /// Returns the figures that a change of settings is judged by.
    pub fn snapshot(&self) -> Snapshot {
        let services = self.services.iter().map(|service| {
            let counters = || service.endpoint()?.samples.iter().rev().find_map(|sample| sample.metrics.known());
            let resident: Vec<u64> = service.all_processes().filter_map(|process| process.rss).collect();
            ServiceSnapshot {
                name: service.name().to_owned(),
                is_well: service.trouble().is_none() && !is_unseen(service),
                tokens_per_second: counters().and_then(|counters| counters.tokens_per_second),
                deferred: counters().and_then(|counters| counters.deferred),
                resident_bytes: (!resident.is_empty()).then(|| resident.iter().sum()),
            }
        });
        let gpu = self.gpus.known().and_then(|gpus| gpus.nvml.known());
        let used: Vec<u64> =
            gpu.iter().flat_map(|nvml| &nvml.devices).filter_map(|device| device.memory_used).collect();
        Snapshot {
            taken: self.taken,
            services: services.collect(),
            memory_available_bytes: self.machine.memory.known().map(|memory| memory.available),
            gpu_used_bytes: (!used.is_empty()).then(|| used.iter().sum()),
        }
    }

    /// Returns whether the running services, or the one named, have a setting at this value, by their command lines and
    /// environments. For facts that are redacted.
    pub fn applied(&self, service: Option<&str>, knob: &str, value: &str) -> Applied {
        let is_meant = |one: &&ServiceFacts| service.is_none_or(|name| name == one.name());
        let mut unknown = None;
        let mut has_it = None;
        for one in self.services.iter().filter(is_meant) {
            match setting(one, knob) {
                Setting::Is(seen) if seen == value => has_it = Some(format!("{} runs with {knob} {value}", one.name())),
                Setting::Is(seen) => {
                    let reason = format!("{} runs with {knob} {seen}, not {value}", one.name());
                    return Applied { applied: Some(false), reason };
                }
                Setting::Unknown(why) => unknown = unknown.or(Some(format!("{} {why}", one.name()))),
            }
        }
        match (has_it, unknown) {
            (Some(reason), _) => Applied { applied: Some(true), reason },
            (None, Some(why)) => {
                Applied { applied: None, reason: format!("cannot tell whether {knob} is {value} now: {why}") }
            }
            (None, None) => Applied {
                applied: None,
                reason: format!("cannot tell whether {knob} is {value} now: no service was found"),
            },
        }
    }
}

/// Returns whether nothing of a service that is managed can be seen: neither a process nor what its manager says.
fn is_unseen(service: &ServiceFacts) -> bool {
    let is_known = service.program().is_some() || service.unit.as_ref().is_some_and(|unit| unit.known().is_some());
    service.service.manager != Manager::None && service.process().is_none() && !is_known
}

enum Setting {
    Is(String),
    /// What the service lacks.
    Unknown(String),
}

fn setting(service: &ServiceFacts, knob: &str) -> Setting {
    let Some(process) = service.process() else { return Setting::Unknown("does not run".to_owned()) };
    let seen = match knob.starts_with('-') {
        true => {
            let aliases = ALIASES.iter().filter(|_| service.service.role == Role::Llama);
            let names = aliases.copied().find(|names| names.contains(&knob)).unwrap_or(&[]);
            let names: Vec<&str> = names.iter().copied().chain([knob]).collect();
            service.argument(&names).ok_or_else(|| format!("has no {knob} on its command line"))
        }
        false => match process.environment.known().map(|all| all.get(knob)) {
            Some(Some(Some(value))) => Ok(value.clone()),
            Some(Some(None)) => Err(format!("has {knob} in its environment, whose value is not read")),
            Some(None) => Err(format!("has no {knob} in its environment")),
            None => Err("has an environment that cannot be read".to_owned()),
        },
    };
    match seen {
        Ok(value) if value.contains("[redacted ") => Setting::Unknown(format!("has {knob}, whose value is not shown")),
        Ok(value) => Setting::Is(value),
        Err(why) => Setting::Unknown(why),
    }
}

#[cfg(test)]
mod tests {
    use crate::triage::testing::healthy_facts;

    /// A change that was never made must not be praised or blamed for what the machine did meanwhile.
    #[test]
    fn a_setting_that_is_not_in_use_is_told() {
        let mut facts = healthy_facts();
        let crate::node::Outcome::Ok { value: process } = &mut facts.services[0].processes[0].outcome else {
            panic!("it runs")
        };
        process.argv = ["llama-server", "-t", "4", "--api-key=[redacted 9 chars #1a2b]"].map(str::to_owned).to_vec();
        let crate::node::Outcome::Ok { value: environment } = &mut process.environment.outcome else {
            panic!("it can be read")
        };
        environment.insert("OMP_NUM_THREADS".to_owned(), Some("8".to_owned()));
        environment.insert("MY_MODE".to_owned(), None);
        let applied = |knob: &str, value: &str| facts.applied(Some("llama"), knob, value).applied;
        assert_eq!((applied("--threads", "4"), applied("-t", "8")), (Some(true), Some(false)));
        assert_eq!((applied("OMP_NUM_THREADS", "8"), applied("OMP_NUM_THREADS", "4")), (Some(true), Some(false)));
        for knob in ["--api-key", "--parallel", "MY_MODE", "OTHER"] {
            assert_eq!(applied(knob, "4"), None, "{knob}");
        }
        let old = facts.applied(None, "--threads", "8");
        assert_eq!(old.reason, "llama runs with --threads 4, not 8");
        assert_eq!(facts.applied(Some("web"), "--threads", "8").applied, None);
    }
}
