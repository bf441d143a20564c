//! What the endpoint answers: nothing, another model, a wish for a key.

use crate::model::service::Role;
use crate::node::Outcome;
use crate::node::endpoint::Answer;
use crate::node::process::Process;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::ask::MODEL;
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::seconds;
use crate::triage::rules::{Check, Need, Rule};

/// Arguments of the router mode, in which a server without a model is meant.
const ROUTER: &[&str] =
    &["--models-dir", "--models-preset", "--models-max", "--models-autoload", "--no-models-autoload"];

pub(super) const LLM_04: Rule = Rule {
    id: "LLM-04",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the server responds but does not have the expected model",
    why: "/health returns 200 but /v1/models does not list the expected id. Without -m, llama-server runs in router \
          mode, healthy but empty; or it was started with another model. It is not a failed load, which would end the \
          server.",
    explains: &[],
    needs: &[Need::Endpoint],
    signs: &[],
    check: Check::Service(lacks_the_model),
};

pub(super) const LLM_11: Rule = Rule {
    id: "LLM-11",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the process is stopped, or accepts connections and does not answer",
    why: "The kernel keeps accepting connections for a process that is not running. State T: it was stopped by a \
          signal; D: it is waiting in the kernel for a disk or a driver; R or S: it is deadlocked or far too busy to \
          serve its own endpoint. It did not crash.",
    explains: &["LLM-10", "SUP-17", "WRK-01"],
    needs: &[Need::Process],
    signs: &[],
    check: Check::Service(is_stopped_or_silent),
};

pub(super) const LLM_18: Rule = Rule {
    id: "LLM-18",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::App,
    severity: Severity::Unknown,
    title: "the server requires an API key",
    why: "A 401 or 403 response proves that the server is alive, not that it is ready: what it serves cannot be seen \
          without a key. The service itself is not at fault.",
    explains: &[],
    needs: &[Need::Endpoint],
    signs: &[],
    check: Check::Service(wants_a_key),
};

fn lacks_the_model(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let endpoint = service.endpoint()?;
    if !matches!(endpoint.health, Answer::Http { code: 200, .. }) {
        return None;
    }
    let models = endpoint.models.known()?;
    let argv = service.argv();
    let has = |names: &[&str]| {
        argv.iter().any(|word| names.contains(&word.split_once('=').map_or(word.as_str(), |(name, _)| name)))
    };
    let given = service.argument(MODEL);
    let cause = match &service.service.model_id {
        Some(id) if models.iter().any(|(own, _)| own == id) => return None,
        Some(id) if models.is_empty() => format!("responds but has no model at all; expected `{id}`"),
        Some(id) => {
            let ids: Vec<&str> = models.iter().map(|(own, _)| own.as_str()).take(3).collect();
            format!("responds but serves {} instead of `{id}`", ids.join(", "))
        }
        None => {
            let is_llama = service.service.role == Role::Llama
                && argv
                    .first()
                    .is_some_and(|program| program.ends_with("llama-server") || program.ends_with("/server"));
            if !models.is_empty() || !is_llama || given.is_some() || has(ROUTER) {
                return None;
            }
            "responds but has no model: it was started without `-m` and runs in router mode".to_owned()
        }
    };
    let (place, changes) = service.place_of("-m");
    let listed: Vec<&str> = models.iter().map(|(id, _)| id.as_str()).collect();
    let (text, undo) = match &given {
        Some(model) => {
            (format!("correct `-m {model}` in {place}, then restart it"), format!("restore `-m {model}` in {place}"))
        }
        None => (format!("set the model with `-m` in {place}, then restart it"), format!("remove `-m` from {place}")),
    };
    let mut evidence = vec![Evidence::of_fact(&endpoint.models, format!("models: [{}]", listed.join(", ")))];
    evidence.extend(Evidence::of_command(service));
    evidence.extend(Evidence::of_health(service));
    Some(hit(Some(service), cause, evidence, Step::change(changes, text, undo)))
}

fn show(service: &ServiceFacts, process: &Process) -> Evidence {
    let place = process.wchan.as_ref().map_or_else(String::new, |wchan| format!(", in {wchan}"));
    Evidence::of_process(
        service,
        process,
        format!("pid {} ({}): state {}{place}", process.pid, process.name, process.state),
    )
}

fn is_stopped_or_silent(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let server = service.server();
    let stopped = server
        .filter(|process| matches!(process.state, 'T' | 't'))
        .or_else(|| service.process().filter(|process| matches!(process.state, 'T' | 't')));
    if let Some(process) = stopped {
        let pid = process.pid.to_string();
        let second = Evidence::of_health(service).unwrap_or_else(|| Evidence::of_state(service));
        let evidence = vec![show(service, process), second];
        if process.state == 't' {
            let cause = format!("process {pid} ({}) is held by a debugger (state t)", process.name);
            let step = Step::inspect("end the debugger or tracer that is attached to it").command(&[
                "grep",
                "TracerPid",
                &format!("/proc/{pid}/status"),
            ]);
            return Some(hit(Some(service), cause, evidence, step));
        }
        let cause = format!("process {pid} ({}) is stopped by a signal (state T)", process.name);
        let step = Step::change(
            Changes::Service(service.name().to_owned()),
            format!("let process {pid} continue"),
            format!("kill -STOP {pid}"),
        )
        .command(&["kill", "-CONT", &pid]);
        return Some(hit(Some(service), cause, evidence, step));
    }
    let process = server?;
    let endpoint = service.endpoint()?;
    let Answer::Silent { seconds: waited } = endpoint.health else { return None };
    let is_ours = endpoint.owner.known().is_none_or(|owner| owner.as_ref().is_none_or(|owner| owner.is_service));
    if !is_ours {
        return None;
    }
    let pid = process.pid.to_string();
    let at = process.wchan.as_ref().map_or_else(String::new, |wchan| format!(" in {wchan}"));
    let answer = format!("accepts connections but does not answer within {}", seconds(waited));
    let evidence = vec![Evidence::of_health(service)?, show(service, process)];
    if process.state == 'D' {
        let cause = format!("{answer}: process {pid} is waiting in the kernel{at} (state D)");
        let step = Step::inspect("find out what it is waiting for: a disk, a network mount or a driver")
            .command(&["cat", &format!("/proc/{pid}/stack")]);
        return Some(hit(Some(service), cause, evidence, step));
    }
    let cause = format!("{answer}: process {pid} is in state {}{at}", process.state);
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("save /proc/{pid}/stack and wchan for a bug report, then restart only {}", service.name()),
        "none: a restart loads the same model again; requests in flight are lost",
    )
    .maybe_command(service.restart(facts));
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(false)))
}

fn wants_a_key(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let endpoint = service.endpoint()?;
    let (shown, what) = match (&endpoint.health, &endpoint.models.outcome) {
        (Answer::Http { code: code @ (401 | 403), .. }, _) => {
            (Evidence::of_health(service)?, format!("returns {code}"))
        }
        (Answer::Http { code: 200, .. }, Outcome::Denied { why, .. }) if service.service.model_id.is_some() => {
            (Evidence::of_fact(&endpoint.models, why.clone()), "does not list its models without a key".to_owned())
        }
        _ => return None,
    };
    let file = service.service.key_file.as_ref();
    let (cause, text, key) = match file {
        Some(file) => (
            format!("{what}: the key in {} is rejected", file.display()),
            format!("put the server's key into {}", file.display()),
            format!("key_file = {}", file.display()),
        ),
        None => (
            format!("{what}: it is alive but requires a key, and the config names none"),
            format!("set `key_file` for {} in [[services]]", service.name()),
            "no key_file is configured".to_owned(),
        ),
    };
    let changes = Changes::File("modelctl's config file".to_owned());
    let step = Step::change(changes, text, "remove key_file, or restore the old key");
    let evidence = vec![shown, Evidence::new("configuration", None, format!("{}: {key}", service.name()))];
    Some(hit(Some(service), cause, evidence, step))
}
