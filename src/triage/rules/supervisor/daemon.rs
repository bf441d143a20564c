//! supervisord itself: does it run, may it be asked, why does it not start.

use super::super::manage::{argv, supervisorctl, symptoms, typed};
use super::super::step::{Step, hit, proven_if};
use super::super::text::between;
use super::super::{Check, Need, Rule};
use crate::node::Fact;
use crate::node::log::LogLine;
use crate::node::supervisord::Refusal;
use crate::triage::facts::{Facts, SupervisordFacts};
use crate::triage::finding::{Changes, Confidence, Evidence, Hit, Layer, Playbook, Severity};
use std::path::PathBuf;

pub(super) const SUP_01: Rule = Rule {
    id: "SUP-01",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "supervisord is not running",
    why: "The socket file named in its config does not exist. supervisord creates it at start and removes it on exit, \
          so none of its programs is running. If a supervisord process exists, only its socket was removed: its \
          programs keep running but cannot be controlled. Missing permissions are SUP-03, a stale socket file is \
          SUP-02.",
    explains: symptoms!["SUP-18"],
    needs: &[Need::Supervisor],
    signs: &[],
    check: Check::Node(|facts| each(facts, no_socket)),
};

fn no_socket(_: &Facts, one: &SupervisordFacts) -> Option<Hit> {
    if one.search.refusal != Some(Refusal::NoSocket) || !one.is_expected {
        return None;
    }
    let socket = socket_of(one);
    let mut evidence = vec![Evidence::of_fact(&one.answer, format!("{socket}: {}", why(&one.answer)))];
    evidence.extend(config_evidence(one));
    if let Some((pid, words)) = one.search.processes.first() {
        evidence.push(process_evidence(one, *pid, words));
        let text = format!(
            "restart it with SIGHUP, which recreates the socket and restarts all its programs: kill -HUP {pid}"
        );
        let undo = "none: the current processes end, and the programs start again with the same settings";
        let step = Step::change(Changes::Host, text, undo).command(&["kill", "-HUP", &pid.to_string()]);
        let cause = format!(
            "supervisord (pid {pid}) is running but its socket {socket} is gone, so its programs cannot be \
                     controlled"
        );
        return Some(hit(None, cause, evidence, step));
    }
    evidence.extend(no_process(one));
    evidence.extend(last_words(one));
    let cause = format!("supervisord is not running: its socket {socket} does not exist and there is no such process");
    Some(hit(None, cause, evidence, start(one)))
}

pub(super) const SUP_02: Rule = Rule {
    id: "SUP-02",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "supervisord died and left its socket behind",
    why: "The socket file exists but connections are refused: the supervisord that created it ended without removing \
          it, as after SIGKILL, an OOM kill or a container restart. Missing permissions are SUP-03.",
    explains: symptoms!["SUP-18"],
    needs: &[Need::Supervisor],
    signs: &[],
    check: Check::Node(|facts| each(facts, nobody_serves)),
};

fn nobody_serves(_: &Facts, one: &SupervisordFacts) -> Option<Hit> {
    if one.search.refusal != Some(Refusal::NobodyServes) {
        return None;
    }
    let socket = socket_of(one);
    let mut evidence = vec![Evidence::of_fact(&one.answer, format!("{socket}: {}", why(&one.answer)))];
    match one.search.processes.first() {
        Some((pid, words)) => evidence.push(process_evidence(one, *pid, words)),
        None => evidence.extend(no_process(one)),
    }
    evidence.extend(config_evidence(one));
    evidence.extend(last_words(one));
    let cause = match one.search.processes.first() {
        Some((pid, _)) => format!("the socket {socket} is stale; supervisord (pid {pid}) is running with another one"),
        None => format!("supervisord is not running and left its socket {socket} behind"),
    };
    let confidence = proven_if(one.search.processes.is_empty());
    Some(hit(None, cause, evidence, start(one)).confidence(confidence))
}

pub(super) const SUP_03: Rule = Rule {
    id: "SUP-03",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Unknown,
    title: "no permission to query supervisord",
    why: "The socket denies access to this user (EACCES), or supervisord rejects the password (401). The state of its \
          programs is unknown; they may be fine. This is not a fault of the node.",
    explains: &[],
    needs: &[Need::Supervisor],
    signs: &[],
    check: Check::Node(|facts| each(facts, no_permission)),
};

fn no_permission(facts: &Facts, one: &SupervisordFacts) -> Option<Hit> {
    let uid = facts.machine.uid;
    let socket = socket_of(one);
    let mut evidence = vec![Evidence::of_fact(&one.answer, format!("{socket}: {}", why(&one.answer)))];
    let (cause, step) = match one.search.refusal? {
        Refusal::NoPermission => {
            let owner = one.search.socket_access.map_or(0, |(_, owner, _)| owner);
            let access = match one.search.socket_access {
                Some((mode, owner, group)) => format!("mode {mode:04o}, owner {owner}, group {group}"),
                None => "mode and owner unknown".to_owned(),
            };
            evidence.push(Evidence::of_fact(&one.answer, format!("{socket}: {access}; this is user {uid}")));
            let text = format!("run triage as the owner of the socket (user {owner})");
            let step = match owner {
                0 => Step::inspect(text).command(&["sudo", "modelctl", "triage"]),
                owner => Step::inspect(text).command(&["sudo", "-u", &format!("#{owner}"), "modelctl", "triage"]),
            };
            (format!("no permission to query supervisord: user {uid} cannot use {socket} ({access})"), step)
        }
        Refusal::WrongPassword => {
            evidence.extend(config_evidence(one));
            let config = one.search.config_file.as_ref().map_or_else(String::new, |file| file.display().to_string());
            let text = format!(
                "compare username= and password= of [supervisorctl] in {config} with those supervisord was started \
                 with; a change takes effect only after a restart of supervisord"
            );
            (format!("no permission to query supervisord: it rejects the password in {config}"), Step::inspect(text))
        }
        _ => return None,
    };
    if evidence.len() < 2 {
        evidence.push(Evidence::of_fact(&one.answer, format!("this is user {uid}")));
    }
    Some(hit(None, cause, evidence, step))
}

pub(super) const SUP_19: Rule = Rule {
    id: "SUP-19",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Storage,
    severity: Severity::Critical,
    title: "supervisord cannot write its own log",
    why: "supervisord opens its log before anything else and exits if it cannot: the container restarts forever, and \
          no program has a log. The image or pod now runs as a different user than the owner of the log directory, or \
          the directory is missing. Starting it again (SUP-01) does not help. While supervisord responds, lines of \
          earlier starts are ignored.",
    explains: symptoms!["SUP-01", "SUP-02"],
    needs: &[Need::Supervisor, Need::Logs],
    signs: &["PermissionError: [Errno 13]", "The directory named as part of the path", "FileNotFoundError: [Errno 2]"],
    check: Check::Node(|facts| each(facts, own_log)),
};

fn own_log(facts: &Facts, one: &SupervisordFacts) -> Option<Hit> {
    if one.answer.known().is_some() {
        return None;
    }
    let log = one.search.main_log.as_ref();
    let line = lines(one).rev().find(|line| {
        let is_error = SUP_19.signs.iter().any(|sign| line.text.contains(sign));
        let names_log = log.is_some_and(|log| line.text.contains(&*log.to_string_lossy()));
        is_error && (names_log || line.text.contains("supervisord.log"))
    })?;
    let path = between(&line.text, "'", "'").map(PathBuf::from);
    let path = path.or_else(|| log.cloned())?;
    let folder = path.parent()?.display().to_string();
    let is_missing = !line.text.contains("PermissionError");
    let mut evidence = vec![Evidence::of_line(line)];
    evidence.push(Evidence::of_fact(&one.answer, format!("{}: {}", socket_of(one), why(&one.answer))));
    evidence.extend(config_evidence(one));
    let uid = facts.machine.uid;
    if is_missing {
        let step = Step::change(
            Changes::File(folder.clone()),
            format!("create the directory {folder}"),
            format!("rmdir {folder}"),
        )
        .command(&["mkdir", "-p", &folder]);
        let cause =
            format!("supervisord exits immediately: the directory of its log {} does not exist", path.display());
        return Some(hit(None, cause, evidence, step));
    }
    let (owner, access) = match one.search.main_log_folder {
        Some((mode, owner, group)) => (Some(owner), format!(" (mode {mode:04o}, owner {owner}, group {group})")),
        None => (None, String::new()),
    };
    if !access.is_empty() {
        evidence.push(Evidence::new(folder.clone(), Some(one.answer.time), format!("{folder}{access}")));
    }
    let text = format!(
        "make the user that runs supervisord the owner of {folder}{access}; the command assumes user \
                        {uid}"
    );
    let undo = match owner {
        Some(owner) => format!("chown {owner} {folder}"),
        None => format!("chown {folder} back to its current owner, as shown by: stat {folder}"),
    };
    let step = Step::change(Changes::File(folder.clone()), text, undo).command(&["chown", &uid.to_string(), &folder]);
    let cause = format!("supervisord exits immediately: it cannot write its own log {}", path.display());
    Some(hit(None, cause, evidence, step))
}

pub(super) const SUP_21: Rule = Rule {
    id: "SUP-21",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "another supervisord uses the socket",
    why: "supervisord refuses to start if another process serves its socket or port (the message says \"port\" for a \
          socket file too), usually a supervisord with a different config. If the one that responds uses this config \
          and has all its programs, it was merely started twice, which is not reported.",
    explains: symptoms!["SUP-01", "SUP-02", "SUP-18"],
    needs: &[Need::Supervisor, Need::Logs],
    signs: &["Another program is already listening on a port"],
    check: Check::Node(|facts| each(facts, second)),
};

fn second(_: &Facts, one: &SupervisordFacts) -> Option<Hit> {
    let line = lines(one).rev().find(|line| line.text.contains(SUP_21.signs.first().copied().unwrap_or_default()))?;
    let answer = one.answer.known();
    let has = |name: &String| {
        answer.is_some_and(|answer| {
            answer
                .programs
                .iter()
                .any(|program| [&program.name, &program.group].contains(&name) || program.full_name() == *name)
        })
    };
    let is_old = match (answer.and_then(|answer| answer.started), line.time) {
        (Some(started), Some(time)) => time < started,
        _ => false,
    };
    let missing: Vec<&str> = one.search.configured.iter().filter(|name| !has(name)).map(String::as_str).collect();
    let other = answer
        .and_then(|answer| answer.config_file.as_ref())
        .filter(|file| Some(*file) != one.search.config_file.as_ref());
    if is_old || (answer.is_some() && missing.is_empty() && other.is_none()) {
        return None;
    }
    let config =
        one.search.config_file.as_ref().map_or_else(|| "its config".to_owned(), |file| file.display().to_string());
    let pid = answer.and_then(|answer| answer.pid);
    let holder = one.search.processes.iter().find(|(own, _)| pid.is_none_or(|pid| pid == *own));
    let mut evidence = vec![Evidence::of_line(line)];
    let socket = socket_of(one);
    let (who, step) = match holder {
        Some((pid, words)) => {
            evidence.push(process_evidence(one, *pid, words));
            let again = typed(words);
            let text = format!("stop the one that should not be running; if that is pid {pid} ({again}): kill {pid}");
            let step = Step::change(Changes::Host, text, format!("start it again: {again}"));
            (format!("pid {pid} ({again})"), step.command(&["kill", &pid.to_string()]))
        }
        None => {
            let text = format!("find out which process serves {socket}");
            ("another program".to_owned(), Step::inspect(text).command(&["ss", "-lxp"]))
        }
    };
    if !missing.is_empty() {
        let text = format!("programs in {config} that it does not have: {}", missing.join(", "));
        evidence.push(Evidence::of_fact(&one.answer, text));
    }
    if evidence.len() < 2 {
        evidence.push(Evidence::of_fact(&one.answer, format!("{socket}: {}", why(&one.answer))));
    }
    let cause = format!("supervisord cannot start with {config}: {who} already serves {socket}");
    let confidence = if holder.is_some() { Confidence::Proven } else { Confidence::Likely };
    Some(hit(None, cause, evidence, step).confidence(confidence))
}

fn each(facts: &Facts, check: fn(&Facts, &SupervisordFacts) -> Option<Hit>) -> Vec<Hit> {
    facts.supervisords.iter().filter_map(|one| check(facts, one)).collect()
}

fn lines(one: &SupervisordFacts) -> impl DoubleEndedIterator<Item = &LogLine> {
    one.logs.iter().filter_map(Fact::known).flat_map(|log| &log.marked)
}

fn socket_of(one: &SupervisordFacts) -> String {
    match (&one.search.socket, &one.search.http) {
        (Some(socket), _) => socket.display().to_string(),
        (None, Some(http)) => http.clone(),
        (None, None) => one.answer.source.clone(),
    }
}

fn why<T>(fact: &Fact<T>) -> &str {
    fact.why().unwrap_or("it answers")
}

fn process_evidence(one: &SupervisordFacts, pid: u32, words: &[String]) -> Evidence {
    Evidence::new(format!("/proc/{pid}/cmdline"), Some(one.answer.time), typed(words))
}

fn no_process(one: &SupervisordFacts) -> Option<Evidence> {
    one.search.processes.is_empty().then(|| Evidence::new("/proc", Some(one.answer.time), "no supervisord process"))
}

fn config_evidence(one: &SupervisordFacts) -> Option<Evidence> {
    let file = one.search.config_file.as_ref()?;
    let programs = match one.search.configured.as_slice() {
        [] => "no programs".to_owned(),
        names => format!("programs {}", names.join(", ")),
    };
    let text = format!("names the socket {} and {programs}", socket_of(one));
    Some(Evidence::new(file.display().to_string(), Some(one.answer.time), text))
}

/// Returns the last error of its own log, else its last line: what it said before it ended.
fn last_words(one: &SupervisordFacts) -> Option<Evidence> {
    let log = one.logs.iter().find_map(Fact::known)?;
    log.marked.iter().rev().find(|line| line.error).or_else(|| log.last.last()).map(Evidence::of_line)
}

fn start(one: &SupervisordFacts) -> Step {
    let config = one.search.config_file.as_deref();
    let mut words = argv(&["supervisord"]);
    if let Some(config) = config {
        words.extend(["-c".to_owned(), config.display().to_string()]);
    }
    let text = match &one.search.main_log {
        Some(log) => format!("start it the way this node usually does, and read {} if it exits again", log.display()),
        None => "start it the way this node usually does".to_owned(),
    };
    let mut stop = supervisorctl(config);
    stop.push("shutdown".to_owned());
    Step::change(Changes::Host, text, typed(&stop)).maybe_command(Some(words))
}
