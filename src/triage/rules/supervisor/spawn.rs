//! Programs that supervisord cannot start at all.

use super::super::manage::symptoms;
use super::super::step::{Step, hit, proven_if};
use super::super::text::between;
use super::super::{Check, Need, Rule};
use crate::node::Fact;
use crate::node::log::LifeEnd;
use crate::node::model_file::FileView;
use crate::node::supervisord::ProgramState;
use crate::triage::facts::{Facts, Launcher, ServiceFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};

pub(super) const SUP_04: Rule = Rule {
    id: "SUP-04",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the program in a command does not exist",
    why: "supervisord reports that it cannot find the command; it retries and gives up. The path is wrong, or the \
          program is missing from the image or mount. A program that exists but cannot be executed is SUP-05.",
    explains: symptoms!["SUP-16", "MDL-01", "LLM-14"],
    needs: &[Need::Supervisor, Need::Launcher],
    signs: &[],
    check: Check::Service(command_is_missing),
};

fn command_is_missing(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let error = spawn_error(service).filter(|error| error.contains("can't find command"))?;
    let launcher = service.launcher.as_ref();
    let path = between(error, "command '", "'").map(str::to_owned).or_else(|| program_of(service))?;
    let mut evidence = vec![service.reported_state(), command_evidence(service)];
    if launcher.is_some_and(|launcher| launcher.file.known().is_some()) {
        let text = format!("start it again: {path} exists now");
        let step = Step::change(Changes::Service(service.name().to_owned()), text, undo_of_a_start(facts, service))
            .maybe_command(service.manage(facts, "start"));
        evidence.extend(launcher.map(|launcher| Evidence::of_fact(&launcher.file, format!("{path} exists now"))));
        let cause = format!("{path} did not exist when supervisord started it, and exists now");
        return Some(hit(Some(service), cause, evidence, step));
    }
    let is_absent =
        launcher.is_some_and(|launcher| matches!(launcher.file.outcome, crate::node::Outcome::Absent { .. }));
    if let Some(launcher) = launcher {
        evidence
            .push(Evidence::of_fact(&launcher.file, format!("{path}: {}", launcher.file.why().unwrap_or("unknown"))));
    }
    let nearest = launcher.and_then(|launcher| launcher.nearest.as_ref());
    let exists = match nearest {
        Some(nearest) => format!(" ({} exists)", nearest.display()),
        None if !path.contains('/') => " (it is not in any directory of PATH)".to_owned(),
        None => String::new(),
    };
    let step = correct(facts, service, "command=", &exists);
    let cause = format!("{path} does not exist; it is the command of {}", service.section());
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(is_absent)))
}

pub(super) const SUP_05: Rule = Rule {
    id: "SUP-05",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the program in a command cannot be executed",
    why: "supervisord found the program but cannot execute it: it lacks the x bit, it is a directory, or its file \
          system is mounted noexec. The mode and the mount tell which. A missing file is SUP-04.",
    explains: symptoms!["SUP-16"],
    needs: &[Need::Supervisor, Need::Launcher],
    signs: &[],
    check: Check::Service(command_may_not_run),
};

fn command_may_not_run(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    const ERRORS: &[&str] = &["is not executable", "no permission to run", "is a directory"];
    let error = spawn_error(service).filter(|error| ERRORS.iter().any(|part| error.contains(part)))?;
    let launcher = service.launcher.as_ref();
    let path = between(error, "command '", "'").map(str::to_owned).or_else(|| program_of(service))?;
    let file = launcher.and_then(|launcher| launcher.file.known());
    let mut evidence = vec![service.reported_state(), command_evidence(service)];
    if let (Some(launcher), Some(file)) = (launcher, file) {
        let text = format!("{path}: {}, mode {:04o}, owner {}{}", file.kind, file.mode, file.uid, mount_text(file));
        evidence.push(Evidence::of_fact(&launcher.file, text));
    }
    if launcher.is_some_and(|launcher| launcher.is_noexec == Some(true)) {
        let mount = file.and_then(|file| file.mount.as_ref()).map(|(_, mount, _)| mount.display().to_string());
        let cause = match &mount {
            Some(mount) => format!("{path} cannot be executed: its file system {mount} is mounted noexec"),
            None => format!("{path} cannot be executed: its file system is mounted noexec"),
        };
        let step = match mount {
            Some(mount) => Step::change(
                Changes::Host,
                format!("remount {mount} with exec, or move the program to another file system"),
                format!("mount -o remount,noexec {mount}"),
            )
            .command(&["mount", "-o", "remount,exec", &mount]),
            None => correct(facts, service, "command=", " (the program must be on a file system without noexec)"),
        };
        return Some(hit(Some(service), cause, evidence, step));
    }
    if error.contains("is a directory") || file.is_some_and(|file| file.kind == "folder") {
        let step = correct(facts, service, "command=", &format!(" ({path} is a directory)"));
        return Some(hit(Some(service), format!("{path} is a directory, not a program"), evidence, step));
    }
    let mode = file.map(|file| file.mode);
    let shown = mode.map_or_else(String::new, |mode| format!(" (mode {mode:04o})"));
    if launcher.and_then(|launcher| launcher.format.as_deref()) == Some("no format") {
        let more = format!(", or, only if it is meant to be executed, run chmod +x {path}");
        let step = correct(facts, service, "command=", &more);
        let cause = format!("{path} is not executable{shown}, and not a program");
        return Some(hit(Some(service), cause, evidence, step));
    }
    let undo = match mode {
        Some(mode) => format!("chmod {mode:o} {path}"),
        None => format!("chmod -x {path}"),
    };
    let step = Step::change(Changes::File(path.clone()), format!("make it executable: chmod +x {path}"), undo)
        .command(&["chmod", "+x", &path]);
    let cause = format!("{path} is not executable{shown}");
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(file.is_some())))
}

pub(super) const SUP_07: Rule = Rule {
    id: "SUP-07",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the directory of directory= cannot be entered",
    why: "The child process writes \"couldn't chdir\" to the program's own log and exits with status 127 before the \
          program runs. The directory is missing, is not a directory, or its user cannot enter it. Status 127 alone \
          can also mean a missing library (SUP-06).",
    explains: symptoms!["SUP-16", "PY-05"],
    needs: &[Need::Supervisor, Need::Logs, Need::Launcher],
    signs: &["couldn't chdir to"],
    check: Check::Service(folder_is_missing),
};

fn folder_is_missing(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_of_trouble(&["couldn't chdir to "])?;
    let (_, rest) = line.text.split_once("couldn't chdir to ")?;
    let (folder, reason) = rest.rsplit_once(": ").unwrap_or((rest, ""));
    let seen = service.launcher.as_ref().and_then(|launcher| launcher.directory.as_ref());
    let mut evidence = service.line_and_state(line);
    let setting = service.settings().and_then(|settings| settings.directory.as_ref());
    if let Some(setting) = setting {
        evidence.push(service.settings_evidence(format!("directory={}", setting.display())));
    }
    if let Some((path, fact)) = seen {
        let text = match fact.known() {
            Some(view) => format!("{}: {}, mode {:04o}, owner {}", path.display(), view.kind, view.mode, view.uid),
            None => format!("{}: {}", path.display(), fact.why().unwrap_or("unknown")),
        };
        evidence.push(Evidence::of_fact(fact, text));
    }
    let view = seen.and_then(|(_, fact)| fact.known());
    if reason.contains("EACCES") || reason.contains("EPERM") {
        let user = service.settings().and_then(|settings| settings.user.clone());
        let user = user.unwrap_or_else(|| "its user".to_owned());
        let undo = match view {
            Some(view) => format!("chmod {:o} {folder}", view.mode),
            None => format!("chmod o-x {folder}"),
        };
        let step = Step::change(Changes::File(folder.to_owned()), format!("let {user} enter {folder}"), undo)
            .command(&["chmod", "o+x", folder]);
        let cause = format!("{user} cannot enter {folder}, the directory= of {}", service.section());
        return Some(hit(Some(service), cause, evidence, step));
    }
    if view.is_some_and(|view| view.kind == "folder") {
        let step = Step::change(
            Changes::Service(service.name().to_owned()),
            format!("start it again: {folder} exists now"),
            undo_of_a_start(facts, service),
        )
        .maybe_command(service.manage(facts, "start"));
        let cause = format!("the directory {folder} did not exist when it was started, and exists now");
        return Some(hit(Some(service), cause, evidence, step));
    }
    let what = if reason.contains("ENOTDIR") { "is not a directory" } else { "does not exist" };
    let step = correct(facts, service, "directory=", &format!(", or create the directory {folder}"));
    let cause = format!("the directory {folder} {what}; it is the directory= of {}", service.section());
    let is_seen = seen.is_some_and(|(_, fact)| fact.known().is_none() && !fact.is_unknown());
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(is_seen)))
}

pub(super) const SUP_08: Rule = Rule {
    id: "SUP-08",
    version: 1,
    playbook: Playbook::Api,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "the kernel cannot execute the program",
    why: "The file exists and is executable, but the kernel rejects it: it is built for another architecture, it is \
          truncated (ENOEXEC), or the interpreter in its first line or header does not exist (ENOENT, although the \
          file itself exists). A missing file is SUP-04.",
    explains: symptoms!["SUP-16"],
    needs: &[Need::Supervisor, Need::Logs, Need::Launcher],
    signs: &["couldn't exec "],
    check: Check::Service(kernel_refuses),
};

fn kernel_refuses(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let line = service.line_of_trouble(&["couldn't exec "])?;
    let (_, rest) = line.text.split_once("couldn't exec ")?;
    let (program, reason) = rest.rsplit_once(": ").unwrap_or((rest, "error unknown"));
    let launcher = service.launcher.as_ref();
    let format = launcher.and_then(|launcher| launcher.format.as_deref());
    let mut evidence = service.line_and_state(line);
    if let Some(launcher) = launcher {
        evidence.push(Evidence::of_fact(&launcher.file, file_text(launcher)));
    }
    let missing = launcher.and_then(|launcher| launcher.interpreter.as_ref()).filter(|(_, exists)| !exists);
    let replace = |what: &str| {
        let text = format!("put {what} at {program}");
        let undo = format!("keep the current file as {program}.old and restore it");
        let start =
            format!(", then: {}", service.manage(facts, "start").map_or_else(String::new, |words| words.join(" ")));
        Step::change(Changes::File(program.to_owned()), text + &start, undo).command(&["file", program])
    };
    if let Some((interpreter, _)) = missing {
        let interpreter = interpreter.display();
        let text = format!("install {interpreter}, or correct the first line of {program}");
        let step =
            Step::change(Changes::File(program.to_owned()), text, format!("restore the old first line of {program}"));
        let cause = format!("{program} cannot be executed: its interpreter {interpreter} does not exist");
        return Some(hit(Some(service), cause, evidence, step));
    }
    let (cause, step) = match format {
        Some(format) if format.starts_with("truncated") => (
            format!("{program} is truncated: the kernel cannot execute it ({reason}, {format})"),
            replace("a complete copy"),
        ),
        Some("no format") => (
            format!("{program} is not a program: it has neither an ELF header nor a #! line ({reason})"),
            replace("the program, or a script with a #! line,"),
        ),
        Some(format) if format.starts_with("elf") && reason.contains("ENOEXEC") => {
            let built = format.trim_start_matches("elf").trim();
            (
                format!("{program} is built for another architecture ({built}, {reason})"),
                replace("a build for this architecture"),
            )
        }
        _ => (
            format!("the kernel cannot execute {program} ({reason})"),
            Step::inspect(format!("check what kind of file {program} is")).command(&["file", program]),
        ),
    };
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(format.is_some())))
}

/// Returns why the program could not be started, of one that does not run for it.
fn spawn_error(service: &ServiceFacts) -> Option<&str> {
    let program = service.program()?;
    let is_down = matches!(program.state, ProgramState::Fatal | ProgramState::Backoff | ProgramState::Starting);
    let reported = program.spawn_error.as_deref().filter(|error| !error.is_empty());
    let of_life = || match &service.last_end()?.end {
        LifeEnd::NotSpawned { why } => Some(why.as_str()),
        _ => None,
    };
    // The text of supervisorctl has it as the description.
    reported.or_else(of_life).or(Some(program.description.as_str())).filter(|_| is_down)
}

fn program_of(service: &ServiceFacts) -> Option<String> {
    let of_command = || service.settings()?.command.split_whitespace().next().map(str::to_owned);
    service.launcher.as_ref().map(|launcher| launcher.program.display().to_string()).or_else(of_command)
}

fn command_evidence(service: &ServiceFacts) -> Evidence {
    match service.settings() {
        Some(settings) => service.settings_evidence(format!("command={}", settings.command)),
        None => Evidence::of_state(service),
    }
}

fn mount_text(file: &FileView) -> String {
    match &file.mount {
        Some((_, mount, kind)) => format!(", on {} ({kind})", mount.display()),
        None => String::new(),
    }
}

fn file_text(launcher: &Launcher) -> String {
    let format = launcher.format.as_deref().unwrap_or("format unknown");
    let interpreter = match &launcher.interpreter {
        Some((path, true)) => format!(", interpreter {}", path.display()),
        Some((path, false)) => format!(", interpreter {} does not exist", path.display()),
        None => String::new(),
    };
    match &launcher.file {
        Fact { outcome: crate::node::Outcome::Ok { value }, .. } => {
            format!(
                "{}: {format}, {} bytes, mode {:04o}{interpreter}",
                launcher.program.display(),
                value.size,
                value.mode
            )
        }
        other => format!("{}: {}{interpreter}", launcher.program.display(), other.why().unwrap_or("unknown")),
    }
}

/// Returns the step that corrects one setting and lets supervisord read it.
pub(super) fn correct(facts: &Facts, service: &ServiceFacts, key: &str, more: &str) -> Step {
    let place = service.settings_place();
    let text = format!("correct {key} in {place}{more}, then reread and update");
    let undo = match service.settings() {
        Some(settings) if key == "command=" => format!("restore command={} in {place}, then update", settings.command),
        _ => format!("restore the old {key} in {place}, then update"),
    };
    Step::change(service.settings_change(), text, undo).maybe_command(service.update(facts))
}

/// Returns how to go back from a start.
pub(super) fn undo_of_a_start(facts: &Facts, service: &ServiceFacts) -> String {
    match service.manage(facts, "stop") {
        Some(words) => words.join(" "),
        None => format!("stop {}", service.name()),
    }
}
