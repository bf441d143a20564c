//! Units of systemd.

mod results;
#[cfg(test)]
mod tests;

use super::manage::symptoms;
use super::step::{Step, hit, proven_if};
use super::text::between;
use super::{Check, Need, Rule};
use crate::model::service::Manager;
use crate::node::Fact;
use crate::node::log::{LifeEnd, LogKind, LogLine};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};

pub const RULES: &[Rule] =
    &[SYS_01, results::SYS_02, results::SYS_03, results::SYS_04, SYS_05, results::SYS_06, SYS_07];

/// Exit statuses of systemd itself (systemd.exec(5), "Process Exit Codes"): number, name, the key of the unit.
const STATUSES: &[(i32, &str, &str)] = &[
    (203, "EXEC", "ExecStart="),
    (200, "CHDIR", "WorkingDirectory="),
    (217, "USER", "User="),
    (216, "GROUP", "Group="),
    (205, "LIMITS", "Limit…="),
    (226, "NAMESPACE", "the paths of ProtectSystem=, BindPaths= and ReadWritePaths="),
    (243, "CREDENTIALS", "LoadCredential="),
];

const SYS_01: Rule = Rule {
    id: "SYS-01",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "systemd cannot set up the process of a unit",
    why: "Exit statuses from 200 on are systemd's own: the program in ExecStart= (203), the directory in \
          WorkingDirectory= (200) or the user in User= (217) does not exist or cannot be used. The program itself \
          never ran, so its log says nothing.",
    explains: symptoms!["SYS-05"],
    needs: &[Need::Systemd, Need::Logs],
    signs: &[
        "Failed at step ",
        "Failed to locate executable",
        "requested working directory",
        "determine user credentials",
        "=exited, status=203/EXEC",
        "=exited, status=200/CHDIR",
        "=exited, status=217/USER",
        "=exited, status=216/GROUP",
        "=exited, status=205/LIMITS",
        "=exited, status=226/NAMESPACE",
        "=exited, status=243/CREDENTIALS",
    ],
    check: Check::Service(set_up),
};

fn set_up(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let unit_name = unit_of(service)?;
    service.trouble()?;
    let unit = service.known_unit();
    let of_life = service.last_end().and_then(|life| match life.end {
        LifeEnd::Exited { code, .. } => Some(code),
        _ => None,
    });
    let status_line =
        |status: &(i32, &str, &str)| service.line_of_trouble(&[&format!("status={}/{}", status.0, status.1)]);
    let of_unit = unit.and_then(|unit| unit.exit_status);
    let status = STATUSES.iter().find(|one| {
        of_life == Some(one.0)
            || (of_life.is_none() && of_unit == Some(one.0))
            || (of_life.is_none() && status_line(one).is_some())
    })?;
    let (number, name, key) = *status;
    let detail = SYS_01.signs.iter().take(4).find_map(|sign| service.line_of_trouble(&[sign]));
    let mut evidence: Vec<Evidence> =
        detail.or_else(|| status_line(status)).map(Evidence::of_line).into_iter().collect();
    evidence.push(service.reported_state());
    let line = service.last_end().and_then(|life| life.end_line.as_ref()).or_else(|| status_line(status));
    evidence
        .extend(line.map(Evidence::of_line).filter(|line| !evidence.contains(line)).into_iter().collect::<Vec<_>>());
    let value = match number {
        203 => unit.and_then(|unit| unit.command.first().cloned()),
        200 => unit.and_then(|unit| unit.directory.clone()),
        217 => unit.and_then(|unit| unit.user.clone()),
        _ => None,
    };
    if let (Some(value), Some(fact)) = (&value, &service.unit) {
        evidence.push(Evidence::of_fact(fact, format!("{key}{value}")));
    }
    let value = value.or_else(|| detail.and_then(|line| path_in(&line.text)));
    let reason = detail.and_then(|line| line.text.rsplit_once(": ")).map(|(_, reason)| format!(" ({})", reason.trim()));
    let reason = reason.unwrap_or_default();
    let what = match (number, &value) {
        (203, Some(value)) => format!("cannot run {value}{reason}"),
        (200, Some(value)) => format!("cannot enter the directory {value}{reason}"),
        (217, Some(value)) => format!("does not know the user {value}{reason}"),
        _ => format!("cannot set up the process: {name}{reason}"),
    };
    let place = place_of(service, &unit_name);
    let text = format!("correct {key} in {place}, then run: systemctl restart {unit_name}");
    let step = edit(&unit_name, &place, text, &["systemctl", "edit", "--full", &unit_name]);
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    Some(hit(Some(service), format!("systemd {what}, status {number}/{name}"), evidence, step))
}

const FATAL: &[&str] = &["fatal error, unit will not be started", "bad unit file setting", "bad-setting"];

const SYS_05: Rule = Rule {
    id: "SYS-05",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the unit file has an error",
    why: "systemd refuses to start a unit whose file is invalid: an unbalanced quote, no ExecStart=, a relative path. \
          The log line before it names file and line. A warning about an unknown key alone does not prevent a start.",
    explains: symptoms![],
    needs: &[Need::Systemd, Need::Logs],
    signs: &[
        "fatal error, unit will not be started",
        "bad unit file setting",
        "Unbalanced quoting",
        "lacks both ExecStart=",
        "Neither a valid executable name",
        "path is not absolute",
        "Executable path",
    ],
    check: Check::Service(bad_unit_file),
};

fn bad_unit_file(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let unit_name = unit_of(service)?;
    let unit = service.known_unit();
    if unit.is_some_and(|unit| unit.active.as_deref() == Some("active")) || service.process().is_some() {
        return None;
    }
    // Such a unit has no lives and no trouble: it was never started.
    let lines: Vec<&LogLine> = service
        .logs
        .iter()
        .filter_map(Fact::known)
        .filter(|log| log.kind == LogKind::Journal)
        .flat_map(|log| &log.marked)
        .collect();
    let at = lines.iter().rposition(|line| FATAL.iter().any(|sign| line.text.contains(sign)))?;
    let fatal = lines.get(at)?;
    let began = service.lives.iter().rev().find_map(|life| life.began);
    if matches!((fatal.time, began), (Some(time), Some(began)) if began > time) {
        return None; // it was started since
    }
    let place = place_of(service, &unit_name);
    let before = lines.iter().take(at).rev().find(|line| {
        let at_line = line
            .text
            .split_once(&format!("{unit_name}:"))
            .is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
        at_line || SYS_05.signs.iter().skip(2).any(|sign| line.text.contains(sign))
    });
    let mut evidence: Vec<Evidence> = before.map(|line| Evidence::of_line(line)).into_iter().collect();
    evidence.push(Evidence::of_line(fatal));
    if service.unit.is_some() {
        evidence.push(service.reported_state());
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::of_state(service));
    }
    let what = before.unwrap_or(fatal).text.trim().to_owned();
    let step = Step::inspect(format!("check {place} and correct the reported line")).command(&[
        "systemd-analyze",
        "verify",
        unit.and_then(|unit| unit.path.as_deref()).unwrap_or(&unit_name),
    ]);
    Some(hit(Some(service), format!("its unit file is invalid: {what}"), evidence, step))
}

const REFUSED: &[&str] = &["permission denied", "Permission denied", "Read-only file system", "read-only file system"];

const SYS_07: Rule = Rule {
    id: "SYS-07",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "a service cannot enter the directory of its models",
    why: "The service is denied access although its user owns the directory: a parent directory lacks the x bit for \
          that user, or the unit hides it (ProtectHome=, ProtectSystem=). Changing the owner of the directory again \
          does not help. An unreadable file is MDL-04.",
    explains: symptoms!["MDL-01", "MDL-02", "MDL-04"],
    needs: &[Need::Systemd, Need::Logs],
    signs: REFUSED,
    check: Check::Service(may_not_enter),
};

fn may_not_enter(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let unit_name = unit_of(service)?;
    let unit = service.known_unit();
    let line = service
        .lines_of_trouble()
        .into_iter()
        .rev()
        .find(|line| REFUSED.iter().any(|sign| line.text.contains(sign)))?;
    let path = path_in(&line.text)?;
    let mut evidence = service.line_and_state(line);
    let model = service.model.as_ref();
    let refusing = model.and_then(Fact::known).and_then(|model| model.refusing.as_ref());
    if let Some(refusing) = refusing.filter(|one| std::path::Path::new(&path).starts_with(&one.path)) {
        let folder = refusing.path.display().to_string();
        let shown = format!("{folder}: mode {:04o}, owner {}, group {}", refusing.mode, refusing.uid, refusing.gid);
        evidence
            .extend(model.map(|model| Evidence::of_fact(model, format!("{shown} does not let it {}", refusing.what))));
        let user = unit.and_then(|unit| unit.user.clone()).unwrap_or_else(|| "its user".to_owned());
        let text = format!("let {user} enter {folder}: chmod o+x {folder}");
        let step = Step::change(Changes::File(folder.clone()), text, format!("chmod {:o} {folder}", refusing.mode))
            .command(&["chmod", "o+x", &folder]);
        let cause = format!("{user} cannot use {path}: its parent {folder} has mode {:04o}", refusing.mode);
        return Some(hit(Some(service), cause, evidence, step));
    }
    let is_below = |folders: &[&str]| folders.iter().any(|folder| std::path::Path::new(&path).starts_with(folder));
    let set = |value: Option<&String>| value.filter(|value| !matches!(value.as_str(), "no" | "false" | "")).cloned();
    let home =
        set(unit.and_then(|unit| unit.protect_home.as_ref())).filter(|_| is_below(&["/home", "/root", "/run/user"]));
    let system = set(unit.and_then(|unit| unit.protect_system.as_ref())).filter(|value| match value.as_str() {
        "strict" => !is_below(&["/dev", "/proc", "/sys"]),
        "full" => is_below(&["/usr", "/boot", "/efi", "/etc"]),
        _ => is_below(&["/usr", "/boot", "/efi"]),
    });
    let place = place_of(service, &unit_name);
    let (key, value, step) = match (home, system) {
        (Some(value), _) => {
            let text = format!(
                "set ProtectHome=no in {unit_name}, or move {path} out of the home directories, then restart it"
            );
            ("ProtectHome", value, text)
        }
        (None, Some(value)) => {
            let text = format!("add ReadWritePaths={path} to {unit_name}, then restart it");
            ("ProtectSystem", value, text)
        }
        (None, None) => {
            let text =
                format!("find the first parent directory of {path} that denies access to the user of {unit_name}");
            let step = Step::inspect(text).command(&["namei", "-l", &path]);
            let cause = format!("it cannot use {path}; which directory denies access is unknown");
            return Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Possible));
        }
    };
    evidence.extend(service.unit.as_ref().map(|fact| Evidence::of_fact(fact, format!("{key}={value}"))));
    let step = edit(&unit_name, &place, step, &["systemctl", "edit", &unit_name]);
    let cause = format!("it cannot use {path}: its unit has {key}={value}");
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(true)))
}

/// Returns the unit of a service that systemd manages.
fn unit_of(service: &ServiceFacts) -> Option<String> {
    match &service.service.manager {
        Manager::Systemd(unit) => Some(unit.clone()),
        _ => None,
    }
}

fn place_of(service: &ServiceFacts, unit: &str) -> String {
    service.known_unit().and_then(|known| known.path.clone()).unwrap_or_else(|| unit.to_owned())
}

/// Creates a step that edits a unit; systemctl reads it again by itself.
fn edit(unit: &str, place: &str, text: String, command: &[&str]) -> Step {
    let undo = if command.contains(&"--full") {
        format!("restore the old line the same way; keep a copy of {place} first")
    } else {
        format!("systemctl revert {unit}")
    };
    Step::change(Changes::File(place.to_owned()), text, undo).command(command)
}

/// Returns the first absolute path in a line, with quotes or without.
fn path_in(text: &str) -> Option<String> {
    let quoted = between(text, "'/", "'").or_else(|| between(text, "\"/", "\"")).map(|rest| format!("/{rest}"));
    let word = || {
        let mut words = text.split([' ', '=', '(', ')']).map(|word| word.trim_matches([':', ',', ';', '"', '\'']));
        words.find(|word| word.starts_with('/') && word.len() > 1).map(str::to_owned)
    };
    quoted.or_else(word)
}
