//! Addresses and ports: who holds the port, and where the server really listens.

use crate::model::service::Role;
use crate::node::process::Listener;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::text::between;
use crate::triage::rules::{Check, Need, Rule};
use std::net::IpAddr;

const NO_BIND: &str = "couldn't bind HTTP server socket";
const PORT: &[&str] = &["--port"];
/// Programs that hold a port for another one, on purpose.
const FORWARDERS: &[&str] =
    &["docker-proxy", "rootlessport", "slirp4netns", "pasta", "conmon", "systemd", "kube-proxy", "init"];

pub(super) const LLM_02: Rule = Rule {
    id: "LLM-02",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Network,
    severity: Severity::Critical,
    title: "the port of llama-server is in use",
    why: "llama-server could not bind, and another process is listening on the port, often an older instance of the \
          same server. The same log line appears for an address that this machine does not have (LLM-03).",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-04", "LLM-21", "TOOL-02"],
    needs: &[Need::Logs, Need::Listeners],
    signs: &[NO_BIND],
    check: Check::Service(is_port_taken),
};

pub(super) const LLM_03: Rule = Rule {
    id: "LLM-03",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Network,
    severity: Severity::Critical,
    title: "llama-server's --host is not an address of this machine",
    why: "llama-server could not bind, no process is listening on the port, and --host is not an address of any \
          interface here. The log line is the same as for a port in use.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "TOOL-02"],
    needs: &[Need::Logs, Need::Listeners],
    signs: &[NO_BIND],
    check: Check::Service(is_address_foreign),
};

pub(super) const LLM_05: Rule = Rule {
    id: "LLM-05",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Network,
    severity: Severity::Critical,
    title: "the server listens on a different port than configured or checked",
    why: "The sockets of the process do not match its --port or the configured endpoint. A port above 65535 is \
          accepted, logged as given and truncated to 16 bits. The server itself is fine.",
    explains: &["LLM-04", "LLM-21"],
    needs: &[Need::Listeners, Need::Process],
    signs: &[],
    check: Check::Service(listens_elsewhere),
};

pub(super) const LLM_21: Rule = Rule {
    id: "LLM-21",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Network,
    severity: Severity::Critical,
    title: "another program answers on the port of the service",
    why: "A 200 response proves only that some process answers. The socket belongs to a process outside the service: \
          the real server failed to bind or listens elsewhere, and a health check that looks only at the status code \
          passes. A proxy that lists the expected model is informational.",
    explains: &["LLM-04", "LLM-18", "SUP-17"],
    needs: &[Need::Listeners, Need::Endpoint],
    signs: &[],
    check: Check::Service(is_somebody_else),
};

fn listeners(facts: &Facts) -> &[Listener] {
    facts.machine.listeners.known().map(Vec::as_slice).unwrap_or_default()
}

fn show(facts: &Facts, listener: &Listener) -> Evidence {
    let who = match (listener.pid, &listener.name) {
        (Some(pid), Some(name)) => format!("{name} (pid {pid})"),
        (Some(pid), None) => format!("pid {pid}"),
        (None, _) => "a process that is not visible to this user".to_owned(),
    };
    Evidence::of_fact(&facts.machine.listeners, format!("{} is used by {who}", listener.address))
}

/// Returns host and port of a failed bind, as the line gives them.
fn bind(text: &str) -> Option<(String, u16)> {
    let host = between(text, "hostname: ", ",")?.trim().to_owned();
    let port = text.split_once("port: ")?.1;
    let digits: String = port.trim_start().chars().take_while(char::is_ascii_digit).collect();
    Some((host, digits.parse().ok()?)) // a number that is no port: the line is not known
}

fn is_port_taken(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_of_trouble(&[NO_BIND])?;
    let (host, port) = bind(&line.text)?;
    let own = |pid: u32| service.all_processes().any(|process| process.pid == pid);
    let holder = listeners(facts).iter().find(|listener| listener.port == port && !listener.pid.is_some_and(own));
    let Some(holder) = holder else {
        return is_port_refused(facts, service, &host, port);
    };
    let program = service.argv().first().and_then(|word| word.rsplit('/').next().map(str::to_owned));
    let other = holder
        .pid
        .and_then(|pid| facts.services.iter().find(|other| other.all_processes().any(|process| process.pid == pid)));
    let is_older = other.is_none()
        && holder.name.as_deref().zip(program.as_deref()).is_some_and(|(name, program)| program.starts_with(name));
    let who = match (holder.pid, &holder.name, other) {
        (Some(pid), _, Some(other)) => format!("the service {} (pid {pid})", other.name()),
        (Some(pid), Some(name), None) if is_older => format!("an older instance of {name} (pid {pid})"),
        (Some(pid), Some(name), None) => format!("{name} (pid {pid})"),
        (Some(pid), None, None) => format!("pid {pid}"),
        (None, ..) => "a process of another user or container".to_owned(),
    };
    let cause = format!("port {port} is in use by {who}");
    let step = match holder.pid {
        Some(pid) if other.is_none() => Step::change(
            Changes::Host,
            format!("stop pid {pid} if it is not needed; otherwise move {} to another port", service.name()),
            format!("start {} again with the same command", holder.name.as_deref().unwrap_or("it")),
        )
        .command(&["kill", &pid.to_string()]),
        Some(_) => {
            let (place, changes) = service.place_of("--port");
            Step::change(
                changes,
                format!("set a different --port for {} in {place}", service.name()),
                format!("restore --port {port} in {place}"),
            )
        }
        None => Step::inspect(format!("as root, find out which process uses port {port}")).command(&[
            "ss",
            "-ltnp",
            &format!("sport = :{port}"),
        ]),
    };
    let evidence = vec![Evidence::of_line(line), show(facts, holder)];
    Some(hit(Some(service), cause, evidence, step))
}

/// Nobody holds the port now, and the address is ours: no right to bind it, or it was held when the server started.
fn is_port_refused(facts: &Facts, service: &ServiceFacts, host: &str, port: u16) -> Option<Hit> {
    let line = service.line_of_trouble(&[NO_BIND])?;
    if facts.machine.listeners.known().is_none() || is_foreign(facts, host) {
        return None;
    }
    let user = service.settings().and_then(|settings| settings.user.clone());
    let (place, changes) = service.place_of("--port");
    let nobody = Evidence::of_fact(&facts.machine.listeners, format!("no process listens on port {port} now"));
    if port < 1_024 && user.as_deref().is_some_and(|user| user != "root") {
        let who = user.unwrap_or_default();
        let cause = format!("{who} is not allowed to bind port {port}: ports below 1024 need CAP_NET_BIND_SERVICE");
        let step = Step::change(
            changes,
            format!("set a --port above 1023 in {place}"),
            format!("restore --port {port} in {place}"),
        );
        let evidence = vec![Evidence::of_line(line), nobody];
        return Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely));
    }
    let cause = format!("port {port} was in use when it started, and is free now");
    let step = Step::change(
        Changes::Service(service.name().to_owned()),
        format!("start {} again", service.name()),
        format!("stop {} again", service.name()),
    )
    .maybe_command(service.restart(facts));
    let evidence = vec![Evidence::of_line(line), nobody];
    Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Possible))
}

/// Returns whether an address is none of this machine; a name that is no address counts as ours.
fn is_foreign(facts: &Facts, host: &str) -> bool {
    let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
    // A mask follows in some forms.
    let bare = |own: &String| own.split('/').next().and_then(|own| own.parse::<IpAddr>().ok());
    !facts.machine.addresses.is_empty()
        && !address.is_unspecified()
        && !address.is_loopback()
        && !facts.machine.addresses.iter().filter_map(bare).any(|own| own == address)
}

fn is_address_foreign(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_of_trouble(&[NO_BIND])?;
    let (host, port) = bind(&line.text)?;
    if !is_foreign(facts, &host)
        || listeners(facts).iter().any(|listener| {
            listener.port == port && (listener.address.starts_with(&host) || listener.address.starts_with("0.0.0.0"))
        })
    {
        return None;
    }
    let addresses = facts.machine.addresses.join(", ");
    let (place, changes) = service.place_of("--host");
    let cause = format!("--host {host} is not an address of this machine ({addresses})");
    let step = Step::change(
        changes,
        format!("set --host to an address of this machine, or 127.0.0.1, in {place}"),
        format!("restore --host {host} in {place}"),
    );
    let evidence = vec![Evidence::of_line(line), Evidence::new("interface addresses", Some(facts.taken), addresses)];
    Some(hit(Some(service), cause, evidence, step))
}

fn listens_elsewhere(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let pids: Vec<u32> = service.all_processes().map(|process| process.pid).collect();
    let own: Vec<&Listener> =
        listeners(facts).iter().filter(|listener| listener.pid.is_some_and(|pid| pids.contains(&pid))).collect();
    let first = own.first()?;
    let is_on = |port: u64| own.iter().any(|listener| u64::from(listener.port) == port);
    // No number: the server refuses it itself.
    let wanted_port = service.argument(PORT).and_then(|port| port.parse::<u64>().ok());
    let asked = service.endpoint().and_then(|endpoint| endpoint.port).map(u64::from);
    let place_of_endpoint = "the service's endpoint in the config";
    let (cause, second, place, changes, wanted) = match (wanted_port, asked) {
        (Some(wanted_port), _) if !is_on(wanted_port) && service.service.role == Role::Llama => {
            let cut = wanted_port > u64::from(u16::MAX) && is_on(wanted_port % 65_536);
            let why = if cut {
                format!(": the highest port is 65535, and {wanted_port} is truncated to {}", wanted_port % 65_536)
            } else {
                String::new()
            };
            let (place, changes) = service.place_of("--port");
            let cause = format!("listens on port {} instead of {wanted_port}{why}", first.port);
            (cause, Evidence::of_command(service)?, format!("--port in {place}"), changes, wanted_port)
        }
        (_, Some(asked)) if !is_on(asked) && service.trouble().is_some() => {
            let cause = format!("listens on port {}, but its endpoint is configured as port {asked}", first.port);
            let changes = Changes::File("modelctl's config file".to_owned());
            (cause, Evidence::of_health(service)?, place_of_endpoint.to_owned(), changes, asked)
        }
        _ => return None,
    };
    let text = if wanted > u64::from(u16::MAX) {
        format!("set {place} to a port of at most 65535")
    } else {
        format!("make {place} match port {}", first.port)
    };
    let step = Step::change(changes, text, format!("set {place} back to {wanted}"));
    Some(hit(Some(service), cause, vec![show(facts, first), second], step))
}

fn is_somebody_else(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let endpoint = service.endpoint()?;
    let owner = endpoint.owner.known()?.as_ref().filter(|owner| !owner.is_service && owner.pid != 1)?;
    if FORWARDERS.iter().any(|forwarder| owner.name.starts_with(forwarder)) {
        return None;
    }
    // Without a process of the service nobody can say whose the socket should be, unless a manager says that it failed.
    if service.process().is_none() && service.program.is_none() && service.unit.is_none() {
        return None;
    }
    let models = endpoint.models.known();
    let expected = service.service.model_id.as_deref();
    let has_model = expected.is_some_and(|id| models.is_some_and(|models| models.iter().any(|(own, _)| own == id)));
    let port = endpoint.port.map_or_else(|| endpoint.url.clone(), |port| format!("port {port}"));
    let other = facts.services.iter().find(|other| other.all_processes().any(|process| process.pid == owner.pid));
    let who = match other {
        Some(other) => format!("the service {} (pid {})", other.name(), owner.pid),
        None => format!("{} (pid {})", owner.name, owner.pid),
    };
    let cause = format!("{port} belongs to {who}, not to {}", service.name());
    let mut evidence =
        vec![Evidence::of_fact(&endpoint.owner, format!("{port}: pid {}: {}", owner.pid, owner.argv.join(" ")))];
    evidence.extend(Evidence::of_health(service));
    let is_llama = models
        .is_some_and(|models| models.iter().any(|(_, by)| by.as_deref().is_some_and(|by| by.starts_with("llamacpp"))));
    if let Some(models) = models.filter(|_| !has_model) {
        let ids: Vec<&str> = models.iter().map(|(id, _)| id.as_str()).collect();
        let listed = if ids.is_empty() { "no model".to_owned() } else { ids.join(", ") };
        evidence.push(Evidence::of_fact(&endpoint.models, format!("lists {listed}")));
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    let (place, changes) = service.place_of("--port");
    let step = Step::change(
        changes,
        format!("give {} its own port in {place}, or move {} to another one", service.name(), owner.name),
        format!("restore the old port in {place}"),
    );
    // A proxy in front that has the model: worth a word, not an alarm.
    let severity = has_model.then_some(Severity::Info);
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(!is_llama)).severity(severity))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_bind_is_read_with_and_without_brackets() {
        let text = "E srv start: couldn't bind HTTP server socket, hostname: 10.9.9.9, port: 8080";
        assert_eq!(bind(text), Some(("10.9.9.9".to_owned(), 8080)));
        assert_eq!(bind("couldn't bind HTTP server socket"), None);
        assert_eq!(bind("couldn't bind HTTP server socket, hostname: x, port: 99999"), None);
    }
}
