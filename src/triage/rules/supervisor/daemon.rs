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
    title: "supervisord does not run",
    why: "The socket file of its config does not exist. supervisord makes it when it starts and removes it when it \
          ends, so that none of its programs runs. It is not this when only this user may not ask (SUP-03), or when a \
          socket file was left behind (SUP-02). Where a supervisord runs, only its socket was removed: its programs go \
          on, and nobody can ask for them.",
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
            "restart it by SIGHUP, which makes the socket again and restarts each of its programs: kill -HUP {pid}"
        );
        let undo = "there is no way back to the processes that run now; the programs are started again with the same \
                    settings";
        let step = Step::change(Changes::Host, text, undo).command(&["kill", "-HUP", &pid.to_string()]);
        let cause =
            format!("supervisord (pid {pid}) runs, but its socket {socket} is gone: nobody can ask for its programs");
        return Some(hit(None, cause, evidence, step));
    }
    evidence.extend(no_process(one));
    evidence.extend(last_words(one));
    let cause = format!("supervisord does not run: its socket {socket} does not exist and it has no process");
    Some(hit(None, cause, evidence, start(one)))
}

pub(super) const SUP_02: Rule = Rule {
    id: "SUP-02",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "supervisord died and left its socket",
    why: "The socket file exists and a connection to it is refused: whoever made it is gone without removing it, as \
          after SIGKILL, an OOM kill or a restart of the container. It is not a lack of permission, which is another \
          error (SUP-03).",
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
        Some((pid, _)) => format!("nobody serves the socket {socket}; supervisord (pid {pid}) runs with another one"),
        None => format!("supervisord is gone and left its socket {socket}, which nobody serves"),
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
    title: "supervisord may not be asked",
    why: "The socket refuses this user (EACCES), or supervisord refuses the password (401). Its programs may be fine: \
          nothing is known of them. It is no fault of the node.",
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
            let text = format!("ask as the owner of the socket (user {owner})");
            let step = match owner {
                0 => Step::inspect(text).command(&["sudo", "modelctl", "triage"]),
                owner => Step::inspect(text).command(&["sudo", "-u", &format!("#{owner}"), "modelctl", "triage"]),
            };
            (format!("supervisord may not be asked: user {uid} has no permission for {socket} ({access})"), step)
        }
        Refusal::WrongPassword => {
            evidence.extend(config_evidence(one));
            let config = one.search.config_file.as_ref().map_or_else(String::new, |file| file.display().to_string());
            let text = format!(
                "compare username= and password= of [supervisorctl] in {config} with those that it runs \
                                with; a change needs a restart of supervisord"
            );
            (format!("supervisord may not be asked: it refuses the password of {config}"), Step::inspect(text))
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
    title: "supervisord may not write its own log",
    why: "supervisord opens its log before anything else and ends when it cannot: the container restarts for ever, no \
          program has a log. The image or the pod now runs as another user than the owner of the log's folder, or the \
          folder is missing. Starting it again (SUP-01) does not help. A line of an earlier start is no finding while \
          supervisord answers.",
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
        let step =
            Step::change(Changes::File(folder.clone()), format!("make the folder {folder}"), format!("rmdir {folder}"))
                .command(&["mkdir", "-p", &folder]);
        let cause = format!("supervisord ends at once: the folder of its log {} does not exist", path.display());
        return Some(hit(None, cause, evidence, step));
    }
    let (owner, access) = match one.search.main_log_folder {
        Some((mode, owner, group)) => (Some(owner), format!(" (mode {mode:04o}, owner {owner}, group {group})")),
        None => (None, String::new()),
    };
    if !access.is_empty() {
        evidence.push(Evidence::new(folder.clone(), Some(one.answer.time), format!("{folder}{access}")));
    }
    let text = format!("give {folder}{access} to the user that runs supervisord; user {uid} if that is this one");
    let undo = match owner {
        Some(owner) => format!("chown {owner} {folder}"),
        None => format!("give {folder} back to its present owner: stat {folder} shows it"),
    };
    let step = Step::change(Changes::File(folder.clone()), text, undo).command(&["chown", &uid.to_string(), &folder]);
    let cause = format!("supervisord ends at once: it may not write its own log {}", path.display());
    Some(hit(None, cause, evidence, step))
}

pub(super) const SUP_21: Rule = Rule {
    id: "SUP-21",
    version: 1,
    playbook: Playbook::Node,
    layer: Layer::Service,
    severity: Severity::Critical,
    title: "another supervisord holds the socket",
    why: "supervisord refuses to start when somebody serves its socket or port; the message says \"port\" for a socket \
          file too. Mostly it is a supervisord with another config. It is no finding when the one that answers runs \
          with this config and has all of its programs: then somebody started it twice and nothing is amiss.",
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
            let text = format!("stop the one that should not run; if it is pid {pid} ({again}): kill {pid}");
            let step = Step::change(Changes::Host, text, format!("start it again: {again}"));
            (format!("pid {pid} ({again})"), step.command(&["kill", &pid.to_string()]))
        }
        None => {
            let text = format!("find out who holds {socket}");
            ("another program".to_owned(), Step::inspect(text).command(&["ss", "-lxp"]))
        }
    };
    if !missing.is_empty() {
        let text = format!("programs of {config} that it does not have: {}", missing.join(", "));
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
    one.search
        .processes
        .is_empty()
        .then(|| Evidence::new("/proc", Some(one.answer.time), "no process is a supervisord"))
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
        Some(log) => format!("start it as this node always does, and read {} if it ends again", log.display()),
        None => "start it as this node always does".to_owned(),
    };
    let mut stop = supervisorctl(config);
    stop.push("shutdown".to_owned());
    Step::change(Changes::Host, text, typed(&stop)).maybe_command(Some(words))
}
