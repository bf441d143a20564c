//! Settings of programs: not started, changed and not read, a log that takes nothing.

use super::super::manage::supervisorctl;
use super::super::step::{Step, hit, proven_if};
use super::super::{Check, Need, Rule};
use super::lives::start;
use crate::node::Fact;
use crate::node::log::{LogFacts, LogLine};
use crate::node::supervisord::{Program, ProgramSettings, ProgramState};
use crate::triage::facts::{Facts, ServiceFacts, SupervisordFacts};
use crate::triage::finding::{Changes, Evidence, Hit, Layer, Playbook, Severity};

pub(super) const SUP_16: Rule = Rule {
    id: "SUP-16",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Warning,
    title: "a program was never started",
    why: "STOPPED without a start time: autostart=false, and it has not been started since supervisord began. A \
          program that an operator stopped has a start time and is not reported.",
    explains: &["WRK-01", "LLM-11"],
    needs: &[Need::Supervisor],
    signs: &[],
    check: Check::Service(never_started),
};

fn never_started(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let program = service.program()?;
    if program.state != ProgramState::Stopped || program.start.is_some() || !service.lives.is_empty() {
        return None;
    }
    let why = match &program.settings {
        Some(settings) if !settings.autostart => format!(": autostart=false in {}", service.settings_place()),
        _ => String::new(),
    };
    let mut evidence = vec![service.reported_state()];
    match &program.settings {
        Some(settings) => evidence.push(service.settings_evidence(format!("autostart={}", settings.autostart))),
        None => evidence.push(Evidence::new("lives", Some(facts.taken), "no start in the main log")),
    }
    let cause = format!("has not been started since supervisord began{why}");
    Some(hit(Some(service), cause, evidence, start(facts, service)))
}

pub(super) const SUP_18: Rule = Rule {
    id: "SUP-18",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Warning,
    title: "the config file was changed but not reloaded",
    why: "The config file is newer than the start of supervisord and differs from the settings that supervisord uses: \
          without reread and update the change has no effect. A newer file with the same settings is not reported.",
    explains: &[],
    needs: &[Need::Supervisor],
    signs: &[],
    check: Check::Node(|facts| facts.supervisords.iter().flat_map(not_read).collect()),
};

fn not_read(one: &SupervisordFacts) -> Vec<Hit> {
    let Some(answer) = one.answer.known() else { return Vec::new() };
    let (Some(changed), Some(started)) = (answer.config_changed, answer.started) else { return Vec::new() };
    if changed <= started {
        return Vec::new();
    }
    let config = answer.config_file.as_ref().or(one.search.config_file.as_ref());
    let file = config.map_or_else(|| "the config file".to_owned(), |file| file.display().to_string());
    let times = Evidence::of_fact(
        &one.answer,
        format!(
            "{file} was changed at {}; supervisord has been running since {}",
            changed.rfc3339(),
            started.rfc3339()
        ),
    );
    let words = |verb: &str| {
        let mut words = supervisorctl(config.map(std::path::PathBuf::as_path));
        words.push(verb.to_owned());
        words
    };
    let step = || {
        let update = words("update").join(" ");
        Step::inspect(format!("see what would change (this changes nothing yet); if it is intended: {update}"))
            .command(&words("reread"))
    };
    let mut hits = Vec::new();
    for program in &answer.programs {
        let (Some(own), Some(other)) = (&program.settings, &program.file_settings) else { continue };
        let differences = differences(own, other);
        if differences.is_empty() {
            continue;
        }
        let place = other.place.as_ref().or(own.place.as_ref());
        let source = place.map_or_else(|| file.clone(), |(path, _)| path.display().to_string());
        let shown = Evidence {
            line: place.map(|(_, line)| u64::from(*line)),
            ..Evidence::new(source, Some(one.answer.time), differences.join("; "))
        };
        let cause =
            format!("its settings were changed but supervisord has not reloaded them: {}", differences.join("; "));
        let mut found = hit(None, cause, vec![times.clone(), shown], step());
        found.service = Some(program.full_name());
        hits.push(found);
    }
    let has = |name: &&String| {
        answer
            .programs
            .iter()
            .any(|program| program.name == **name || program.group == **name || program.full_name() == **name)
    };
    let new: Vec<&str> = one.search.configured.iter().filter(|name| !has(name)).map(String::as_str).collect();
    if !new.is_empty() {
        let text = format!("programs that supervisord does not know: {}", new.join(", "));
        let shown = Evidence::new(file.clone(), Some(one.answer.time), text);
        let cause = format!("supervisord has not reloaded its changed config: it does not know {}", new.join(", "));
        hits.push(hit(None, cause, vec![times, shown], step()));
    }
    hits
}

/// Returns what the file says otherwise: `startsecs=1, the file says 10`.
fn differences(own: &ProgramSettings, file: &ProgramSettings) -> Vec<String> {
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map_or_else(|| "none".to_owned(), |path| path.display().to_string())
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let pairs = [
        ("command", own.command.clone(), file.command.clone()),
        ("directory", path(&own.directory), path(&file.directory)),
        ("user", text(&own.user), text(&file.user)),
        ("autostart", own.autostart.to_string(), file.autostart.to_string()),
        (
            "autorestart",
            format!("{:?}", own.autorestart).to_lowercase(),
            format!("{:?}", file.autorestart).to_lowercase(),
        ),
        ("startsecs", own.start_seconds.to_string(), file.start_seconds.to_string()),
        ("startretries", own.start_retries.to_string(), file.start_retries.to_string()),
        ("exitcodes", format!("{:?}", own.exit_codes), format!("{:?}", file.exit_codes)),
        ("stopwaitsecs", own.stop_wait_seconds.to_string(), file.stop_wait_seconds.to_string()),
        ("stdout_logfile", path(&own.stdout_log), path(&file.stdout_log)),
        ("stderr_logfile", path(&own.stderr_log), path(&file.stderr_log)),
        ("redirect_stderr", own.redirect_stderr.to_string(), file.redirect_stderr.to_string()),
    ];
    let changed = pairs.into_iter().filter(|(_, own, file)| own != file);
    changed.map(|(key, own, file)| format!("{key}={own}, in the file {file}")).collect()
}

const CLOSED: &str = "uncaptured python exception, closing channel <POutputDispatcher";

pub(super) const SUP_20: Rule = Rule {
    id: "SUP-20",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Warning,
    title: "a log is no longer written although its program runs",
    why: "supervisord writes to a pipe or a terminal (stdout_logfile=/dev/stdout) and tries to rotate it at \
          stdout_logfile_maxbytes: that fails (Illegal seek), and supervisord closes the channel. From then on nothing \
          is written, and the program gets EPIPE or blocks. This is about the log only; the program may be fine.",
    explains: &[],
    needs: &[Need::Supervisor, Need::Logs],
    signs: &[CLOSED],
    check: Check::Service(blind_log),
};

fn blind_log(facts: &Facts, service: &ServiceFacts) -> Option<Hit> {
    let program = service.program().filter(|program| program.state == ProgramState::Running)?;
    let closed = facts.supervisord_of(service).and_then(|one| closing_line(one, program));
    let logs: Vec<(&Fact<LogFacts>, &LogFacts)> =
        service.logs.iter().filter_map(|fact| Some((fact, fact.known()?))).collect();
    let blind = logs.iter().find(|(_, log)| log.blind.is_some());
    if closed.is_none() && blind.is_none() {
        return None;
    }
    let is_stderr = match (closed, blind) {
        (Some(line), _) => line.text.contains("(stderr)"),
        (None, Some((_, log))) => log.kind == crate::node::log::LogKind::Stderr,
        (None, None) => false,
    };
    let key = if is_stderr { "stderr_logfile" } else { "stdout_logfile" };
    let settings = program.settings.as_ref();
    let target = if is_stderr { &program.stderr_log } else { &program.stdout_log };
    let target = target.as_ref().map_or_else(|| key.to_owned(), |path| path.display().to_string());
    let max =
        settings.and_then(|settings| if is_stderr { settings.stderr_max_bytes } else { settings.stdout_max_bytes });
    let mut evidence = Vec::new();
    evidence.extend(closed.map(Evidence::of_line));
    let mut since = closed.and_then(|line| line.time);
    let mut why = None;
    if let Some((fact, log)) = blind
        && let Some((from, reason)) = &log.blind
    {
        since = since.or(*from);
        why = Some(reason.as_str());
        evidence.push(Evidence::of_fact(fact, format!("{}: {reason}", log.path.display())));
    }
    if settings.is_some() {
        let max = max.map_or_else(|| "unknown".to_owned(), |max| max.to_string());
        evidence.push(service.settings_evidence(format!("{key}={target} {key}_maxbytes={max}")));
    }
    if evidence.len() < 2 {
        evidence.push(service.reported_state());
    }
    let since = since.map_or_else(String::new, |time| format!(" since {}", time.rfc3339()));
    let place = service.settings_place();
    if closed.is_none() && max == Some(0) {
        let cause = format!("its log {target} has not been written{since}: {}", why.unwrap_or("reason unknown"));
        let step = Step::change(
            Changes::Service(service.name().to_owned()),
            "restart it, which reopens the log",
            "none: the current process ends",
        )
        .maybe_command(service.manage(facts, "restart"));
        return Some(hit(Some(service), cause, evidence, step).confidence(proven_if(false)));
    }
    let cause = format!(
        "its log {target} has not been written{since}: supervisord failed to rotate it and closed it; the program is \
         running"
    );
    let text = format!("set {key}_maxbytes=0 in {place}, then reread and update");
    let undo = format!("remove {key}_maxbytes=0 from {place}, then update");
    let step = Step::change(service.settings_change(), text, undo).maybe_command(service.update(facts));
    Some(hit(Some(service), cause, evidence, step).confidence(proven_if(closed.is_some())))
}

/// Returns the line by which supervisord said that it closed a log of the process that runs now.
fn closing_line<'a>(one: &'a SupervisordFacts, program: &Program) -> Option<&'a LogLine> {
    let name = format!("with name {} in state", program.name);
    let lines = one.logs.iter().filter_map(Fact::known).flat_map(|log| &log.marked);
    let is_now = |line: &&LogLine| match (line.time, program.start) {
        (Some(time), Some(start)) => time.0 + 1000 >= start.0,
        _ => true,
    };
    lines.rev().find(|line| line.text.contains(CLOSED) && line.text.contains(&name) && is_now(line))
}
