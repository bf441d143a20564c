//! Storage that does not answer.

use super::super::step::{Step, hit, proven_if};
use super::super::text::between;
use super::super::{Check, Need, Rule};
use super::storage_symptoms;
use crate::node::log::LogLine;
use crate::node::{Fact, Outcome};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};
use std::collections::BTreeMap;

const STALE: &[&str] = &["Stale file handle", "ESTALE", "Errno 116"];

pub(super) const FS_05: Rule = Rule {
    id: "FS-05",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "an NFS server does not respond, or its file handles are stale",
    why: "The kernel logged that the server is not responding and has not logged OK since, or a service gets ESTALE \
          because a file it had open was replaced on the server. A server that responds again is not reported.",
    explains: storage_symptoms!["FS-06", "MDL-01", "MDL-02", "MDL-03", "LLM-10"],
    needs: &[Need::Kernel, Need::Disks],
    signs: &["not responding", "nfs: server", "Stale file handle", "ESTALE", "Errno 116"],
    check: Check::Node(nfs),
};

fn nfs(facts: &Facts) -> Vec<Hit> {
    let mut hits = silent_servers(facts);
    hits.extend(stale(facts));
    hits
}

fn silent_servers(facts: &Facts) -> Vec<Hit> {
    let lines = facts.kernel.known().map(|kernel| kernel.lines.as_slice()).unwrap_or_default();
    let mut silent: BTreeMap<&str, &LogLine> = BTreeMap::new();
    for line in lines {
        let Some((_, rest)) = line.text.split_once("nfs: server ") else { continue };
        let Some((server, what)) = rest.split_once(' ') else { continue };
        if what.starts_with("not responding") {
            silent.insert(server, line);
        } else if what.starts_with("OK") {
            silent.remove(server);
        }
    }
    let found = silent.into_iter().map(|(server, line)| {
        let of_server = facts
            .machine
            .disks
            .iter()
            .find(|fact| fact.known().is_some_and(|disk| disk.source.starts_with(&format!("{server}:"))));
        let silent_disk = || facts.machine.disks.iter().find(|fact| matches!(fact.outcome, Outcome::TimedOut { .. }));
        let disk = of_server.or_else(silent_disk);
        let mut evidence = vec![Evidence::of_line(line)];
        match disk {
            Some(fact) => evidence.push(Evidence::of_fact(
                fact,
                match fact.known() {
                    Some(disk) => format!(
                        "{} is mounted from {} and holds {}",
                        disk.mount_point.display(),
                        disk.source,
                        disk.holds.join(", ")
                    ),
                    None => fact.why().unwrap_or("no answer").to_owned(),
                },
            )),
            None => evidence.push(Evidence::of_fact(&facts.kernel, format!("no later line says that {server} is OK"))),
        }
        let mount = of_server.and_then(Fact::known).map(|disk| format!(" ({})", disk.mount_point.display()));
        let cause = format!(
            "the NFS server {server} is not responding and has not recovered since{}",
            mount.unwrap_or_default()
        );
        let step = Step::inspect(format!("check that {server} serves NFS and that the network to it works"))
            .command(&["rpcinfo", "-t", server, "nfs"]);
        // Of a server that holds nothing of ours it is a fact about the node, not about its services.
        let severity = disk.is_none().then_some(Severity::Warning);
        hit(None, cause, evidence, step).confidence(proven_if(disk.is_some())).severity(severity)
    });
    found.collect()
}

fn stale(facts: &Facts) -> Vec<Hit> {
    let found = facts.services.iter().filter_map(|service| {
        let line = service
            .lines_of_trouble()
            .into_iter()
            .rev()
            .find(|line| STALE.iter().any(|sign| line.text.contains(sign)))?;
        let network = || facts.machine.disks.iter().filter_map(Fact::known).filter(|disk| disk.is_network);
        let named = network().find(|disk| line.text.contains(&*disk.mount_point.to_string_lossy()));
        let disk = named.or_else(|| network().next());
        let path = between(&line.text, "'/", "'").map(|rest| format!("/{rest}"));
        let mount = disk.map(|disk| disk.mount_point.display().to_string());
        let what = path.or_else(|| mount.clone()).unwrap_or_else(|| "its files".to_owned());
        let step = match &mount {
            Some(mount) => Step::change(
                Changes::Host,
                format!("mount {mount} again with its services stopped: umount -l {mount} && mount {mount}"),
                format!("mount {mount}"),
            )
            .command(&["umount", "-l", mount]),
            None => Step::inspect("list the network mounts").command(&["findmnt", "-t", "nfs,nfs4,cifs,fuse"]),
        };
        let cause = format!("its handle for {what} is stale: the file server replaced a file that it had open");
        Some(hit(Some(service), cause, service.line_and_state(line), step).confidence(proven_if(disk.is_some())))
    });
    found.collect()
}

pub(super) const FS_06: Rule = Rule {
    id: "FS-06",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "a file system does not respond",
    why: "A read of the file system, made in a separate process, did not finish in time; that process cannot even be \
          killed while the kernel waits. Every process that touches the file system hangs in the same way. A slow \
          disk, by contrast, responds in the end.",
    explains: storage_symptoms!["MDL-01", "MDL-02", "MDL-03", "LLM-10"],
    needs: &[Need::Disks],
    signs: &["blocked for more than"],
    check: Check::Node(storage_hangs),
};

fn storage_hangs(facts: &Facts) -> Vec<Hit> {
    let silent = facts.machine.disks.iter().filter_map(|fact| match &fact.outcome {
        Outcome::TimedOut { why } => Some((fact, why)),
        _ => None,
    });
    let found = silent.map(|(fact, why)| {
        let place = &fact.source;
        let mut evidence = vec![Evidence::of_fact(fact, why.clone())];
        let kernel = facts.kernel.known().map(|kernel| kernel.lines.as_slice()).unwrap_or_default();
        evidence.extend(
            kernel.iter().rev().find(|line| line.text.contains("blocked for more than")).map(Evidence::of_line),
        );
        for service in &facts.services {
            let waits = service.all_processes().find(|process| process.state == 'D');
            evidence.extend(waits.map(|process| {
                let function = process.wchan.as_deref().unwrap_or("unknown");
                let text = format!("{} is waiting in the kernel (state D, {function})", service.name());
                Evidence::new(format!("/proc/{}/stat", process.pid), Some(facts.taken), text)
            }));
        }
        let is_seen = evidence.len() > 1;
        if let (false, Some(pressure)) = (is_seen, facts.machine.pressure.known()) {
            let text = format!("io full avg10={:.2}", f64::from(pressure.io_full.avg10) / 100.0);
            evidence.push(Evidence::of_fact(&facts.machine.pressure, text));
        }
        if evidence.len() < 2 {
            evidence.push(Evidence::new(place.clone(), Some(fact.time), "not read again: that would hang as well"));
        }
        let step = Step::inspect(format!("look up what {place} is mounted from, without touching it"))
            .command(&["cat", "/proc/self/mountinfo"]);
        hit(None, format!("{place} does not respond: {why}"), evidence, step)
            .confidence(proven_if(is_seen))
            .affects(waiting(facts))
    });
    found.collect()
}

/// Returns the services of which something could not be read in time, or that wait in the kernel.
fn waiting(facts: &Facts) -> Vec<String> {
    fn is_late<T>(fact: &Fact<T>) -> bool {
        matches!(fact.outcome, Outcome::TimedOut { .. })
    }
    let is_waiting = |service: &&ServiceFacts| {
        service.model.as_ref().is_some_and(is_late)
            || service.logs.iter().any(is_late)
            || service.files.iter().any(|(_, file)| is_late(file))
            || service.all_processes().any(|process| process.state == 'D')
    };
    facts.services.iter().filter(is_waiting).map(|service| service.name().to_owned()).collect()
}
