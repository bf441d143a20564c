//! What the rules of models, servers, GPUs and workers ask of the facts.

use super::manage::argv;
use crate::clock::Timestamp;
use crate::model::service::Manager;
use crate::node::Fact;
use crate::node::endpoint::Answer;
use crate::node::gpu::{Gpus, Nvml};
use crate::node::log::{LifeEnd, LogLine};
use crate::node::process::Process;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Severity};

/// Arguments of llama-server for the layers on GPUs.
pub(super) const GPU_LAYERS: &[&str] = &["-ngl", "--gpu-layers", "--n-gpu-layers"];
pub(super) const CONTEXT: &[&str] = &["-c", "--ctx-size"];
pub(super) const PARALLEL: &[&str] = &["-np", "--parallel"];
/// Arguments that name a model, or a place of models for the router mode.
pub(super) const MODEL: &[&str] = &["-m", "--model", "-hf", "-hfr", "--hf-repo", "-mu", "--model-url"];

impl ServiceFacts {
    /// Returns the process that is the server itself: that of [`ServiceFacts::argv`].
    pub(super) fn server(&self) -> Option<&Process> {
        let argv = self.argv();
        self.all_processes().find(|process| process.argv == argv).or_else(|| self.process())
    }

    /// Returns whether it says that it loads its model.
    pub(super) fn is_loading(&self) -> bool {
        matches!(self.endpoint().map(|endpoint| &endpoint.health),
            Some(Answer::Http { code: 503, body, .. }) if body.to_ascii_lowercase().contains("loading"))
    }

    /// Returns whether it runs as it should: no trouble, and not on the way to it.
    pub(super) fn is_well(&self) -> bool {
        self.trouble().is_none() && !self.is_loading() && self.process().is_some()
    }

    /// Returns the severity of a fault in something that a start needs: the rule's while the service fails or loads, a
    /// warning while it still runs with what it once loaded, information for a service that is not to run.
    pub(super) fn severity_of_a_start(&self) -> Option<Severity> {
        match (self.trouble(), self.is_loading(), self.process()) {
            (Some(_), ..) | (_, true, _) => None,
            (None, false, Some(_)) => Some(Severity::Warning),
            (None, false, None) if self.service.manager == Manager::None => None,
            (None, false, None) => Some(Severity::Info),
        }
    }

    /// Returns the lines of the present trouble; without trouble those of the life that runs.
    pub(super) fn lines_now(&self) -> Vec<&LogLine> {
        if self.trouble().is_some() { self.lines_of_trouble() } else { self.lines_of_this_life() }
    }

    /// Returns the last line of [`ServiceFacts::lines_now`] that contains all of `parts`.
    pub(super) fn line_now(&self, parts: &[&str]) -> Option<&LogLine> {
        self.lines_now().into_iter().rev().find(|line| parts.iter().all(|part| line.text.contains(part)))
    }

    /// Returns the last line of [`ServiceFacts::lines_now`] that contains one of `signs`.
    pub(super) fn sign_now(&self, signs: &[&str]) -> Option<&LogLine> {
        self.lines_now().into_iter().rev().find(|line| signs.iter().any(|sign| line.text.contains(sign)))
    }

    /// Returns the last line of the present trouble that contains one of `signs`.
    pub(super) fn sign_of_trouble(&self, signs: &[&str]) -> Option<&LogLine> {
        self.lines_of_trouble().into_iter().rev().find(|line| signs.iter().any(|sign| line.text.contains(sign)))
    }

    /// Returns whether the last life that ended without a wish ended by SIGKILL, as an OOM kill ends it.
    pub(super) fn was_killed(&self) -> bool {
        self.unwanted_ends().next_back().is_some_and(|life| match &life.end {
            LifeEnd::Killed { signal } => signal.ends_with("KILL"),
            LifeEnd::Exited { code, .. } => *code == 137,
            _ => false,
        })
    }

    /// Returns the layers that it is to put on GPUs, `u64::MAX` for all; None where it chooses itself.
    pub(super) fn gpu_layers(&self) -> Option<u64> {
        let value = self.argument(GPU_LAYERS).or_else(|| self.variable("LLAMA_ARG_N_GPU_LAYERS").map(str::to_owned))?;
        if value == "all" { Some(u64::MAX) } else { value.parse().ok() } // `auto` and -1: it chooses itself
    }

    /// Returns whether it should use a GPU: as the configuration says, else as its own arguments and environment say.
    pub(super) fn wants_gpu(&self) -> bool {
        if let Some(wanted) = self.service.gpu {
            return wanted;
        }
        let device = self.argument(&["--device"]).or_else(|| {
            ["DEVICE", "WHISPER_DEVICE", "WHISPER__INFERENCE_DEVICE"]
                .iter()
                .find_map(|name| self.variable(name).map(str::to_owned))
        });
        let names_gpu = device.is_some_and(|device| device.to_ascii_lowercase().starts_with("cuda"));
        names_gpu || self.gpu_layers().is_some_and(|layers| layers > 0)
    }

    /// Returns whether a process of it has a GPU open or the driver's library mapped; None: its processes cannot be
    /// read.
    pub(super) fn uses_gpu(&self) -> Option<bool> {
        const DRIVERS: &[&str] = &["libcuda.so", "libamdhip64.so", "libhsa-runtime64.so", "libze_loader.so"];
        let is_driver = |path: &std::path::PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| DRIVERS.iter().any(|driver| name.starts_with(driver)))
        };
        let mut is_known = false;
        for process in self.all_processes() {
            if !process.gpu_nodes.is_empty() {
                return Some(true);
            }
            if let Some(libraries) = process.libraries.known() {
                is_known = true;
                if libraries.iter().any(is_driver) {
                    return Some(true);
                }
            }
        }
        is_known.then_some(false)
    }

    /// Returns the seconds since the server process was started.
    pub(super) fn age_s(&self, now: Timestamp) -> Option<f64> {
        Some(self.server()?.started?.age(now).as_secs_f64())
    }

    /// Returns where a word of its command line stands, for a step that changes it.
    pub(super) fn place_of(&self, word: &str) -> (String, Changes) {
        let settings = self.settings();
        let in_settings = settings.is_some_and(|settings| settings.command.split_whitespace().any(|own| own == word));
        let script = self.launcher.as_ref().filter(|launcher| launcher.interpreter.is_some());
        let place = settings.and_then(|settings| settings.place.as_ref());
        if let (Some(launcher), false) = (script, in_settings) {
            let path = launcher.program.display().to_string();
            return (path.clone(), Changes::File(path));
        }
        if let Some((path, line)) = place {
            return (format!("{}:{line}", path.display()), Changes::File(path.display().to_string()));
        }
        match self.unit.as_ref().and_then(Fact::known).and_then(|unit| unit.path.clone()) {
            Some(path) => (path.clone(), Changes::File(path)),
            None => (format!("the command of {}", self.name()), Changes::Service(self.name().to_owned())),
        }
    }

    /// Returns where a variable of its environment is set, for a step that changes it.
    pub(super) fn place_of_variable(&self, name: &str) -> (String, Changes) {
        let settings = self.settings();
        let is_set = settings.is_some_and(|settings| settings.environment.iter().any(|(own, _)| own == name));
        match (settings.and_then(|settings| settings.place.as_ref()), is_set) {
            (Some((path, line)), true) => {
                let place = format!("environment= of {}:{line}", path.display());
                (place, Changes::File(path.display().to_string()))
            }
            _ => {
                let (place, changes) = self.place_of(name);
                (format!("the environment set by {place}"), changes)
            }
        }
    }

    /// Returns the command that restarts it, by its manager.
    pub(super) fn restart(&self, facts: &Facts) -> Option<Vec<String>> {
        let words = match &self.service.manager {
            Manager::Supervisor(name) => {
                let mut words = facts.supervisorctl(self);
                words.extend(["restart".to_owned(), name.clone()]);
                words
            }
            Manager::Systemd(unit) => argv(&["systemctl", "restart", unit.as_str()]),
            Manager::Pid(_) | Manager::Process(_) | Manager::None => return None,
        };
        Some(words)
    }
}

impl Facts {
    pub(super) fn known_gpus(&self) -> Option<&Gpus> {
        self.gpus.known()
    }

    pub(super) fn nvml(&self) -> Option<&Nvml> {
        self.gpus.known()?.nvml.known()
    }

    /// Returns the services that should use a GPU.
    pub(super) fn gpu_services(&self) -> impl Iterator<Item = &ServiceFacts> {
        self.services.iter().filter(|service| service.wants_gpu())
    }

    /// Returns whether a line is of the time in question; a line without a time counts as such.
    pub(super) fn is_recent(&self, line: &LogLine) -> bool {
        line.time.is_none_or(|time| time >= self.since)
    }

    /// Returns who a process is, as a person would name it: its service, or its name where it is among the largest.
    pub(super) fn who(&self, pid: u32) -> String {
        let of_service = self.services.iter().find(|service| service.all_processes().any(|own| own.pid == pid));
        if let Some(service) = of_service {
            return format!("{} (pid {pid})", service.name());
        }
        let largest = self.machine.memory.known().map(|memory| memory.largest.as_slice()).unwrap_or_default();
        match largest.iter().find(|(own, ..)| *own == pid) {
            Some((_, name, _)) => format!("{name} (pid {pid})"),
            None => format!("pid {pid}"),
        }
    }

    /// Returns a value of the baseline, by its name in [`crate::triage::counters`].
    pub(super) fn counter(&self, key: &str) -> Option<f64> {
        let changes = self.changes.as_ref()?;
        changes.counters.get(key).copied()
    }
}
