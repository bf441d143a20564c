use super::config::Config;
use super::credentials::Credentials;
use super::programs::{FileProgram, programs};
use super::rpc::{self, NoValue};
use super::status::parse_status;
use super::types::{Asking, Program, ProgramSettings, Reached, Refusal, Supervisord, SupervisordSearch};
use super::{find::full_name, processes};
use crate::clock::{self, Timestamp};
use crate::http::{Endpoint, HttpError, Request, Whole, fetch_all};
use crate::node::{Fact, Outcome, Place, local_zone};
use dxr::Value;
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::convert::Infallible;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// Why there is no answer: the refusal, where it is one, and the outcome of the fact.
struct NoAnswer {
    refusal: Option<Refusal>,
    outcome: Outcome<Infallible>,
}

/// Asks a supervisord over its socket, or over HTTP where the socket cannot be used. Takes no longer than the limit; not
/// for asynchronous code. What refused is kept in `search.refusal`. One that is stopped by a signal is not waited for.
pub fn ask(
    place: &Place,
    search: &mut SupervisordSearch,
    credentials: Option<&Credentials>,
    asking: Asking,
    now: Timestamp,
) -> Fact<Supervisord> {
    let limit = asking.limit;
    let deadline = clock::instant().checked_add(limit);
    let left = || deadline.map_or(limit, |at| at.saturating_duration_since(clock::instant()));
    search.refusal = None;
    if let (Some((state @ ('T' | 't'), _)), Some((pid, _))) = (&search.process_state, search.processes.first()) {
        search.refusal = Some(Refusal::TimedOut);
        let why = format!("its process {pid} is stopped (state {state})");
        let at = search.socket.as_ref().map(|socket| format!(" at {}", socket.display())).unwrap_or_default();
        return Fact::new(format!("supervisord{at}"), now, Outcome::TimedOut { why });
    }
    let mut refused: Option<(String, NoAnswer)> = None;
    for reached in ways(search) {
        let source = match &reached {
            Reached::Socket(path) => format!("supervisord at {}", path.display()),
            Reached::Http(url) => format!("supervisord at {url}"),
            Reached::Status => "supervisorctl".to_owned(),
        };
        match ask_one(place, &reached, credentials, &left, asking.is_brief) {
            Ok(answers) => {
                return Fact::ok(source, now, assemble(place, search, reached, answers, now));
            }
            // What answers, if only with a refusal, says more than what is not there.
            Err(no_answer)
                if refused.as_ref().is_none_or(|(_, before)| before.is_absent() && !no_answer.is_absent()) =>
            {
                refused = Some((source, no_answer));
            }
            Err(_) => {}
        }
    }
    match refused {
        Some((source, no_answer)) => {
            search.refusal = no_answer.refusal;
            Fact::new(source, now, no_answer.outcome).map(|never| match never {})
        }
        None if search.config_file.is_none() && !search.processes.is_empty() => {
            let why = "it is running, but the location of its config file is not visible".to_owned();
            let right = "the user that runs supervisord, or root".to_owned();
            Fact::new("supervisord", now, Outcome::Denied { why, right, command: None })
        }
        None => Fact::absent("supervisord", now, "its config has neither a socket nor an HTTP server"),
    }
}

fn ways(search: &SupervisordSearch) -> Vec<Reached> {
    let socket = search.socket.clone().map(Reached::Socket);
    socket.into_iter().chain(search.http.clone().map(Reached::Http)).collect()
}

/// What supervisord answered. Only the list of processes is indispensable.
struct Answers {
    programs: Vec<Program>,
    settings: Vec<(String, String, ProgramSettings)>,
    state: Option<String>,
    version: Option<String>,
    pid: Option<u32>,
}

fn ask_one(
    place: &Place,
    reached: &Reached,
    credentials: Option<&Credentials>,
    left: &dyn Fn() -> Duration,
    is_brief: bool,
) -> Result<Answers, NoAnswer> {
    let endpoint = match reached {
        Reached::Socket(path) => {
            let path = place.at(path);
            check_socket(&path)?;
            Endpoint::Unix(path)
        }
        Reached::Http(url) => endpoint(url)?,
        Reached::Status => return Err(NoAnswer::failed(None, "cannot be queried by XML-RPC")),
    };
    let requests = |methods: &[&str]| {
        let authorization = credentials.and_then(Credentials::authorization);
        let request = |method: &&str| {
            Request::post(endpoint.clone(), "/RPC2", rpc::call(method))
                .content_type("text/xml")
                .authorization(authorization.clone())
        };
        methods.iter().map(request).collect::<Vec<_>>()
    };
    if is_brief {
        let answer = fetch_all(requests(&["getAllProcessInfo"]), left()).into_iter().next();
        let programs = listed(&value(answer.ok_or_else(NoAnswer::nothing)?)?)?;
        return Ok(Answers { programs, settings: Vec::new(), state: None, version: None, pid: None });
    }
    // One question first: what answers that with a flood is not asked for more.
    let state = fetch_all(requests(&["getState"]), left()).into_iter().next().ok_or_else(NoAnswer::nothing)?;
    let state = value(state)?;
    let methods = ["getAllProcessInfo", "getAllConfigInfo", "getSupervisorVersion", "getPID"];
    let mut answers = fetch_all(requests(&methods), left()).into_iter().map(value);
    let mut next = || answers.next().unwrap_or_else(|| Err(NoAnswer::nothing()));
    let programs = listed(&next()?)?;
    // An older version may lack the others: their values are unknown then.
    let settings = next().map(|value| rpc::settings(&value)).unwrap_or_default();
    let version = next().ok().and_then(|value| match value {
        Value::String(text) => Some(text),
        _ => None,
    });
    let pid = next().ok().and_then(|value| match value {
        Value::Integer(pid) => u32::try_from(pid).ok(), // as above
        _ => None,
    });
    Ok(Answers { programs, settings, state: rpc::state_name(&state), version, pid })
}

fn listed(answer: &Value) -> Result<Vec<Program>, NoAnswer> {
    rpc::processes(answer).ok_or_else(|| NoAnswer::garbage("its list of processes is none"))
}

impl NoAnswer {
    fn failed(refusal: Option<Refusal>, why: impl Into<String>) -> NoAnswer {
        NoAnswer { refusal, outcome: Outcome::Failed { why: why.into() } }
    }

    fn garbage(why: impl Into<String>) -> NoAnswer {
        NoAnswer::failed(Some(Refusal::Garbage), why)
    }

    fn nothing() -> NoAnswer {
        NoAnswer::failed(None, "was not queried")
    }

    fn denied(refusal: Refusal, why: impl Into<String>, right: impl Into<String>) -> NoAnswer {
        let outcome = Outcome::Denied { why: why.into(), right: right.into(), command: None };
        NoAnswer { refusal: Some(refusal), outcome }
    }

    fn is_absent(&self) -> bool {
        matches!(self.outcome, Outcome::Absent { .. })
    }

    fn absent(refusal: Refusal, why: impl Into<String>) -> NoAnswer {
        NoAnswer { refusal: Some(refusal), outcome: Outcome::Absent { why: why.into() } }
    }
}

/// Says what a connection would only say as an error: that there is no socket, or that it may not be used.
fn check_socket(path: &Path) -> Result<(), NoAnswer> {
    let of_socket = "the user that runs supervisord, or root";
    match std::fs::metadata(path) {
        Ok(metadata) => {
            let access = accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS);
            if access.is_err_and(|error| io::Error::from(error).kind() == io::ErrorKind::PermissionDenied) {
                let (mode, uid) = (metadata.mode() & 0o7777, metadata.uid());
                let why = format!("its socket has mode {mode:04o} and belongs to user {uid}");
                return Err(NoAnswer::denied(Refusal::NoPermission, why, of_socket));
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(NoAnswer::absent(Refusal::NoSocket, "the socket file does not exist"))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(NoAnswer::denied(Refusal::NoPermission, "the directory of its socket cannot be entered", of_socket))
        }
        Err(error) => Err(NoAnswer::failed(None, error.to_string())),
    }
}

fn endpoint(url: &str) -> Result<Endpoint, NoAnswer> {
    let wrong = || NoAnswer::failed(None, format!("`{url}` is not of the form http://HOST:PORT"));
    let address = url.strip_prefix("http://").ok_or_else(wrong)?.split('/').next().unwrap_or_default();
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Ok(Endpoint::Tcp { host, port: port.parse().map_err(|_| wrong())? })
}

fn value(answer: Result<Whole, HttpError>) -> Result<Value, NoAnswer> {
    let whole = answer.map_err(|error| match error {
        HttpError::Refused => NoAnswer::absent(Refusal::NobodyServes, "connection refused"),
        HttpError::TimedOut(limit) => NoAnswer {
            refusal: Some(Refusal::TimedOut),
            outcome: Outcome::TimedOut { why: format!("did not respond within {:.1} s", limit.as_secs_f64()) },
        },
        HttpError::TooLarge(_) => NoAnswer::garbage(error.to_string()),
        HttpError::Broken(why) => NoAnswer::garbage(format!("the connection broke: {why}")),
    })?;
    match whole.status {
        200 => {}
        401 | 403 => {
            let right = "the user name and password of its config";
            return Err(NoAnswer::denied(Refusal::WrongPassword, format!("answered HTTP {}", whole.status), right));
        }
        404 => return Err(NoAnswer::garbage("returned HTTP 404: it does not serve XML-RPC")),
        status => return Err(NoAnswer::garbage(format!("returned HTTP {status}"))),
    }
    rpc::answer(&whole.body).map_err(|no_value| match no_value {
        NoValue::Garbage(why) => NoAnswer::garbage(format!("the response {why}")),
        NoValue::Fault { code: 6, .. } => NoAnswer::failed(None, "is shutting down"),
        NoValue::Fault { code, words } => {
            let words: String = words.chars().filter(|c| !c.is_control()).take(200).collect();
            NoAnswer::failed(None, format!("returned fault {code}: {words}"))
        }
    })
}

/// Reads the text of `supervisorctl status`, for a supervisord that only the command may ask, completed from the config
/// file.
pub fn of_status(place: &Place, search: &SupervisordSearch, text: &str, now: Timestamp) -> Fact<Supervisord> {
    match parse_status(text, now, &local_zone(place)) {
        Ok(programs) => {
            let answers = Answers { programs, settings: Vec::new(), state: None, version: None, pid: None };
            Fact::ok("supervisorctl status", now, assemble(place, search, Reached::Status, answers, now))
        }
        Err(why) => Fact::new("supervisorctl status", now, Outcome::Failed { why }),
    }
}

/// Completes what supervisord answered by its config file and its process.
fn assemble(
    place: &Place,
    search: &SupervisordSearch,
    reached: Reached,
    answers: Answers,
    now: Timestamp,
) -> Supervisord {
    let config = Config::of_search(place, search);
    let file = config.as_ref().map(programs).unwrap_or_default();
    let started = answers.pid.and_then(|pid| processes::started(place, pid));
    Supervisord {
        reached,
        version: answers.version,
        state: answers.state,
        pid: answers.pid,
        // A clock that was set back must not make it younger than now.
        started: started.filter(|started| *started <= now),
        config_file: search.config_file.clone(),
        config_changed: config.and_then(|config| config.changed),
        main_log: search.main_log.clone(),
        programs: complete(answers.programs, answers.settings, &file),
    }
}

/// Gives each program its settings: those that supervisord runs with, and those of the file where they differ.
pub(super) fn complete(
    programs: Vec<Program>,
    settings: Vec<(String, String, ProgramSettings)>,
    file: &[FileProgram],
) -> Vec<Program> {
    let of_file = |group: &str, name: &str| file.iter().find(|other| other.group == group && other.name == name);
    let mut by_name: std::collections::HashMap<String, ProgramSettings> =
        settings.into_iter().map(|(group, name, settings)| (full_name(&group, &name), settings)).collect();
    let complete = |mut program: Program| {
        let file = of_file(&program.group, &program.name);
        program.settings = by_name.remove(&full_name(&program.group, &program.name));
        match (&mut program.settings, file) {
            (Some(reported), Some(file)) => {
                file.complete(reported);
                program.file_settings = file.difference(reported);
            }
            (settings @ None, Some(file)) => {
                *settings = Some(file.settings.clone());
                // The text of the command names no logs.
                program.stdout_log = program.stdout_log.or_else(|| file.settings.stdout_log.clone());
                program.stderr_log = program.stderr_log.or_else(|| file.settings.stderr_log.clone());
            }
            (_, None) => {}
        }
        program
    };
    programs.into_iter().map(complete).collect()
}
