//! A hub that is asked on the network although the model is here, or that cannot be asked although it is not.

use crate::model::service::Role;
use crate::node::endpoint::Answer;
use crate::triage::facts::{Facts, HubFacts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::Trouble;
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};

const NOT_HERE: &[&str] = &[
    "LocalEntryNotFoundError",
    "Cannot find an appropriate cached snapshot folder",
    "couldn't connect to 'https://huggingface.co'",
    "failed to get manifest",
];
const NO_NETWORK: &[&str] = &[
    "Couldn't resolve host name",
    "Could not resolve host",
    "Temporary failure in name resolution",
    "Name or service not known",
    "Max retries exceeded with url",
    "Network is unreachable",
];
/// A start that asks a hub that nobody answers stalls for about so long, in seconds.
const STALL_S: std::ops::Range<f64> = 20.0..400.0;

pub(super) const WHS_06: Rule = Rule {
    id: "WHS-06",
    version: 1,
    playbook: Playbook::Whisper,
    layer: Layer::Network,
    severity: Severity::Critical,
    title: "the model is requested from a hub that cannot be reached",
    why: "Without internet access, a service that names its model by repository fails if the cache has no snapshot of \
          it, and stalls for minutes at every start if it has one, since the revision is requested first. The finding \
          tells which, by the content of the cache. A slow disk is LLM-07.",
    explains: &["LLM-06", "LLM-07", "SUP-10", "SUP-11", "SUP-17", "SYS-02", "SYS-03", "PY-06", "TOOL-02"],
    needs: &[Need::Logs],
    signs: &[
        NOT_HERE[0],
        NOT_HERE[1],
        NOT_HERE[2],
        NOT_HERE[3],
        NO_NETWORK[0],
        NO_NETWORK[1],
        NO_NETWORK[2],
        NO_NETWORK[3],
        NO_NETWORK[4],
        NO_NETWORK[5],
    ],
    check: Check::Service(asks_the_hub),
};

fn show(service: &ServiceFacts, hub: &HubFacts) -> Evidence {
    let present = if hub.is_present { "has a snapshot" } else { "has no snapshot" };
    let offline = if hub.is_offline_set { "HF_HUB_OFFLINE is set" } else { "HF_HUB_OFFLINE is not set" };
    let time = service.processes.first().map(|fact| fact.time);
    Evidence::new("hub cache", time, format!("{}: the cache {present}; {offline}", hub.repository))
}

fn asks_the_hub(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let hub = service.hub.as_ref()?;
    let here = service.sign_now(NOT_HERE);
    let network = service.sign_now(NO_NETWORK).filter(|line| {
        line.text.contains("hugging")
            || line.text.contains("hf.co")
            || line.text.contains(&hub.repository)
            || here.is_some()
    });
    let line = here.or(network);
    let is_sick = service.trouble().is_some();
    let mut evidence: Vec<Evidence> = line.map(Evidence::of_line).into_iter().collect();
    evidence.extend(network.filter(|_| here.is_some()).filter(|network| Some(*network) != here).map(Evidence::of_line));
    evidence.push(show(service, hub));
    if !hub.is_present {
        line.filter(|_| is_sick)?;
        let cause = format!("{} is not in any cache on this node, and the hub cannot be reached", hub.repository);
        let undo = format!("remove the folder of {} from the cache", hub.repository);
        let tool = match service.service.role {
            Role::Llama => String::new(),
            _ => format!(" (`hf download {}`)", hub.repository),
        };
        let step = Step::change(
            Changes::File("the service's hub cache".to_owned()),
            format!(
                "download {} on a machine with internet access{tool}, and copy its cache directory here",
                hub.repository
            ),
            undo,
        );
        return Some(hit(Some(service), cause, evidence, step));
    }
    if hub.is_offline_set {
        return None;
    }
    // No line at all is the other shape: the start stands still, nothing listens yet.
    let stalls = || {
        let age = service.age_s(facts.taken)?;
        let is_quiet = service.lines_now().iter().all(|line| !line.error);
        let refuses = matches!(service.endpoint()?.health, Answer::Refused);
        (is_quiet && refuses && STALL_S.contains(&age) && service.trouble() == Some(Trouble::NotAnswering))
            .then_some(age)
    };
    let stalled = if line.is_none() { Some(stalls()?) } else { None };
    let (what, confidence) = match stalled {
        Some(age) => (format!("has been stuck for {age:.0} s at start, most likely"), Confidence::Possible),
        None => ("queries the hub".to_owned(), proven_if(network.is_some() || is_sick)),
    };
    let cause = match stalled {
        Some(_) => format!("{what} to query the hub for {}, which is in the cache", hub.repository),
        None => format!("{what} for {}, which is in the cache; the hub cannot be reached", hub.repository),
    };
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    let (place, changes) = service.place_of_variable("HF_HUB_OFFLINE");
    let step = Step::change(
        changes,
        format!("set HF_HUB_OFFLINE=1 in {place}"),
        format!("remove HF_HUB_OFFLINE from {place}"),
    );
    let severity = (!is_sick || stalled.is_some()).then_some(Severity::Warning);
    Some(hit(Some(service), cause, evidence, step).confidence(confidence).severity(severity))
}
