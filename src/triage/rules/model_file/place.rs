//! Where the file is, and who may reach it.

use super::{log_agrees, model_of, second};
use crate::node::model_file::{FileView, ModelFile};
use crate::node::{Fact, Outcome};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use crate::triage::rules::ask::MODEL;
use crate::triage::rules::step::{Step, hit, proven_if};
use crate::triage::rules::{Check, Need, Rule};
use std::path::Path;

const OPEN_FAILED: &str = "failed to open GGUF file";
/// What a tool says that has written a file, or that does not write it because it is there.
const WRITTEN: &[&str] = &[
    "File exists",
    "already exists",
    "sync ok",
    "Sync ok",
    "sync complete",
    "Sync complete",
    "synced",
    "Synced",
    "ownload complete",
    "ownloaded",
];

pub(super) const MDL_01: Rule = Rule {
    id: "MDL-01",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the model file does not exist",
    why: "The path that the service was given does not exist, neither for the service nor for modelctl. Either the \
          path is wrong (the finding shows the longest part that exists and similar names) or the file was never \
          copied here. Missing permissions are MDL-04, a broken link is MDL-05, and a file that only the service \
          cannot see is MDL-02.",
    explains: &["SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: &[OPEN_FAILED],
    check: Check::Service(is_absent),
};

pub(super) const MDL_02: Rule = Rule {
    id: "MDL-02",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the model file exists, but the service does not see it",
    why: "The path exists for modelctl but not in the mount namespace of the service: a bind mount is missing, another \
          file system is mounted over the directory, or the service has a different root. The path is right; do not \
          move the file.",
    explains: &["MDL-01", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile, Need::Process],
    signs: &[OPEN_FAILED],
    check: Check::Service(is_hidden),
};

pub(super) const MDL_03: Rule = Rule {
    id: "MDL-03",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "a tool reports that the model file exists, but it does not",
    why: "A log says that the file was written or already exists, but its directory does not list it. The tool wrote \
          to another directory, a later mount covers the directory, or a network file system has cached that the name \
          does not exist. The tool did not necessarily fail: compare device and inode of the directory where it ran.",
    explains: &["MDL-01", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile, Need::Logs],
    signs: WRITTEN,
    check: Check::Service(is_said_to_exist),
};

pub(super) const MDL_04: Rule = Rule {
    id: "MDL-04",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the service is not allowed to read the model file",
    why: "A component of the path denies access to the user of the service: the file is not readable, or a directory \
          above it cannot be entered. The finding shows the first one that denies access. The file is not missing, and \
          its own owner is often already correct.",
    explains: &["MDL-01", "SUP-10", "SUP-17", "SYS-03", "SYS-07", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: &[OPEN_FAILED],
    check: Check::Service(is_refused),
};

pub(super) const MDL_05: Rule = Rule {
    id: "MDL-05",
    version: 1,
    playbook: Playbook::Llama,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "the model file is a broken symbolic link",
    why: "The name exists and is a symbolic link whose target does not exist, or the links form a loop. In a Hugging \
          Face cache, the blob was removed and the link was left. The configured path is right.",
    explains: &["MDL-01", "SUP-10", "SUP-17", "SYS-03", "LLM-04", "TOOL-02"],
    needs: &[Need::ModelFile],
    signs: &[OPEN_FAILED],
    check: Check::Service(is_dangling),
};

fn is_gone<T>(fact: &Fact<T>) -> bool {
    matches!(fact.outcome, Outcome::Absent { .. })
}

fn stat_failed(fact: &Fact<FileView>, path: &Path) -> Evidence {
    Evidence::of_fact(fact, format!("{}: {}", path.display(), fact.why().unwrap_or("is there")))
}

fn argument_of_model(service: &ServiceFacts) -> &'static str {
    let argv = service.argv();
    MODEL.iter().find(|name| argv.iter().any(|word| word == *name)).copied().unwrap_or("-m")
}

fn folder_of(path: &Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}

fn is_absent(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let is_other = model.dangling.is_some() || model.refusing.is_some() || model.ours.known().is_some();
    if !is_gone(&model.service) || is_other {
        return None;
    }
    let path = model.path.display();
    let severity = service.severity_of_a_start();
    let nearest = model.nearest.as_ref();
    let mut cause = if severity == Some(Severity::Warning) {
        format!("{path} was removed while the model is loaded: the next start will fail")
    } else {
        format!("{path} does not exist")
    };
    let mut names: &[String] = &[];
    if let Some((exists, near)) = nearest {
        names = near;
        cause.push_str(&format!("; {} does", exists.display()));
        if !near.is_empty() {
            cause.push_str(&format!(", with {}", near.join(", ")));
        }
    }
    let name = argument_of_model(service);
    let (place, changes) = service.place_of(name);
    let step = match (nearest, names) {
        (Some((exists, _)), [one]) => Step::change(
            changes,
            format!("set `{name} {}` in {place}, if that is the model", exists.join(one).display()),
            format!("restore `{name} {path}` in {place}"),
        ),
        _ => Step::inspect(format!("copy {path} here, or correct `{name}` in {place}")).command(&[
            "ls".to_owned(),
            "-la".to_owned(),
            nearest.map_or_else(|| folder_of(&model.path), |(exists, _)| exists.display().to_string()),
        ]),
    };
    let evidence = vec![stat_failed(&model.service, &model.path), second(service, &[OPEN_FAILED])];
    Some(hit(Some(service), cause, evidence, step).severity(severity))
}

fn mount_of(fact: &Fact<FileView>) -> String {
    match fact.known() {
        Some(FileView { mount: Some((source, point, kind)), .. }) => {
            format!("{} ({kind} {source})", point.display())
        }
        Some(folder) => format!("device {}", folder.device),
        None => fact.why().unwrap_or("unknown").to_owned(),
    }
}

fn show_folder(fact: &Fact<FileView>, whose: &str) -> Evidence {
    let text = match fact.known() {
        Some(folder) => format!(
            "{whose} {}: device {}, inode {}, mount {}",
            folder.resolved.display(),
            folder.device,
            folder.inode,
            mount_of(fact)
        ),
        None => format!("{whose} folder: {}", fact.why().unwrap_or("unknown")),
    };
    Evidence::of_fact(fact, text)
}

fn is_hidden(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let ours = model.ours.known()?;
    if !is_gone(&model.service) {
        return None;
    }
    let path = model.path.display();
    let folder = folder_of(&model.path);
    let cause = format!(
        "does not see {path}, which has {} here: its {folder} is on {}, modelctl's is on {}",
        crate::display::units::bytes(ours.size),
        mount_of(&model.service_folder),
        mount_of(&model.our_folder)
    );
    let text = format!("give the service the same mount at {folder} as here, then restart it");
    let step = match service.server() {
        Some(process) => Step::inspect(text).command(&["findmnt", "-N", &process.pid.to_string(), "-T", &folder]),
        None => Step::inspect(text).command(&["findmnt", "-T", &folder]),
    };
    let evidence = vec![
        stat_failed(&model.service, &model.path),
        show_folder(&model.service_folder, "of the service"),
        show_folder(&model.our_folder, "ours"),
    ];
    Some(hit(Some(service), cause, evidence, step).severity(service.severity_of_a_start()))
}

fn is_said_to_exist(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let is_other = model.dangling.is_some() || model.refusing.is_some() || model.ours.known().is_some();
    if !is_gone(&model.service) || is_other {
        return None;
    }
    let name = model.path.file_name()?.to_str()?;
    let logs = facts.services.iter().flat_map(|other| &other.logs).filter_map(Fact::known);
    let line = logs
        .flat_map(|log| &log.marked)
        .filter(|line| line.text.contains(name) && WRITTEN.iter().any(|sign| line.text.contains(sign)))
        .rfind(|line| facts.is_recent(line))?;
    let path = model.path.display();
    let folder = folder_of(&model.path);
    let is_network = matches!(model.our_folder.known(), Some(FileView { mount: Some((_, _, kind)), .. })
        if kind.starts_with("nfs") || kind.starts_with("cifs") || kind.starts_with("fuse"));
    let is_own_mount = matches!(model.our_folder.known(), Some(FileView { mount: Some((_, point, _)), .. })
        if *point == *model.path.parent().unwrap_or(&model.path));
    let guess = if is_network {
        "; a network file system may have cached that it was missing"
    } else if is_own_mount {
        "; something is mounted over the directory"
    } else {
        ""
    };
    let cause = format!(
        "{path} does not exist, but a log says that it does{guess}: {folder} is on {}",
        mount_of(&model.our_folder)
    );
    let step =
        Step::inspect(format!("compare device and inode of {folder} with those seen by the process that writes"))
            .command(&["stat", "--format=%d %i %n", &folder]);
    let evidence = vec![
        Evidence::of_line(line),
        stat_failed(&model.service, &model.path),
        show_folder(&model.our_folder, "the directory"),
    ];
    Some(
        hit(Some(service), cause, evidence, step)
            .confidence(proven_if(is_own_mount || is_network))
            .severity(service.severity_of_a_start()),
    )
}

fn is_refused(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    const SIGNS: &[&str] = &["(Permission denied)", "ermission denied"];
    let model = model_of(service)?;
    let path = model.path.display();
    let line = service
        .lines_of_trouble()
        .into_iter()
        .rev()
        .find(|line| line.text.contains(OPEN_FAILED) && line.text.contains("ermission denied"));
    let Some(refusing) = &model.refusing else {
        // The log alone: we may not read it, or the right was given since.
        let line = line?;
        if view_is_known(model) {
            return None;
        }
        let cause = format!("is not allowed to read {path}");
        let step = Step::inspect("find out which part of the path denies access to the user of the service")
            .command(&["namei", "-l", &model.path.display().to_string()]);
        let evidence = vec![Evidence::of_line(line), stat_failed(&model.ours, &model.path)];
        return Some(hit(Some(service), cause, evidence, step).confidence(Confidence::Likely));
    };
    let who = match service.server().and_then(|process| process.uid) {
        Some(uid) => format!("uid {uid}"),
        None => service.settings().and_then(|settings| settings.user.clone()).unwrap_or_else(|| "its user".to_owned()),
    };
    let refusing_path = refusing.path.display().to_string();
    let (verb, right) = if refusing.what == "enter" { ("enter", "o+x") } else { ("read", "o+r") };
    let cause = format!(
        "cannot {verb} {refusing_path}: mode {:04o}, owner {}:{}, and it runs as {who}",
        refusing.mode & 0o7777,
        refusing.uid,
        refusing.gid
    );
    let step = Step::change(
        Changes::File(refusing_path.clone()),
        format!("let others {verb} {refusing_path}"),
        format!("chmod {:04o} {refusing_path}", refusing.mode & 0o7777),
    )
    .command(&["chmod", right, &refusing_path]);
    let first = Evidence::of_fact(
        &model.ours,
        format!("{refusing_path}: mode {:04o}, uid {}, gid {}", refusing.mode & 0o7777, refusing.uid, refusing.gid),
    );
    let evidence = vec![first, line.map_or_else(|| second(service, SIGNS), Evidence::of_line)];
    Some(
        hit(Some(service), cause, evidence, step)
            .confidence(proven_if(line.is_some() || log_agrees(service, SIGNS)))
            .severity(service.severity_of_a_start()),
    )
}

fn view_is_known(model: &ModelFile) -> bool {
    model.service.known().is_some()
}

fn is_dangling(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let model = model_of(service)?;
    let target = model.dangling.as_deref()?;
    if model.service.known().is_some() {
        return None;
    }
    let path = model.path.display();
    let cause = if target == "loop" {
        format!("{path} is part of a loop of symbolic links")
    } else {
        format!("{path} is a symbolic link to {target}, which does not exist")
    };
    let what = if target == "loop" { "point the link at the file" } else { "restore the target of the link" };
    let step = Step::inspect(format!("{what}, or use another model")).command(&[
        "namei",
        "-l",
        &model.path.display().to_string(),
    ]);
    let evidence = vec![Evidence::of_fact(&model.ours, format!("{path} -> {target}")), second(service, &[OPEN_FAILED])];
    Some(hit(Some(service), cause, evidence, step).severity(service.severity_of_a_start()))
}
