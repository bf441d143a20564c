//! Requests and answers of XML-RPC, and what supervisor puts into them. Answers are HTTP 200 even for faults.

use super::types::{AutoRestart, Program, ProgramSettings, ProgramState};
use crate::clock::Timestamp;
use dxr::{FaultResponse, MethodCall, MethodResponse, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The deepest nesting of tags that is read. Supervisor's answers have 12.
const DEPTH: usize = 40;

/// Why an answer has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoValue {
    /// supervisord refused: the code and its words.
    Fault { code: i32, words: String },
    /// It is no XML-RPC.
    Garbage(String),
}

/// Returns the body of a call without arguments.
pub(super) fn call(method: &str) -> String {
    let call = MethodCall { name: format!("supervisor.{method}").into(), params: Vec::new() };
    // A name can always be written; the server says what is wrong with an empty body.
    let xml = call.to_xml().unwrap_or_default();
    format!("<?xml version='1.0'?>{xml}")
}

/// Reads an answer.
pub(super) fn answer(body: &[u8]) -> Result<Value, NoValue> {
    let garbage = |why: &str| NoValue::Garbage(why.to_owned());
    let text = std::str::from_utf8(body).map_err(|_| garbage("is not UTF-8"))?;
    if text.contains("<!") {
        return Err(garbage("has a DOCTYPE declaration"));
    }
    if !is_shallow(text) {
        return Err(garbage("is nested too deeply or truncated"));
    }
    match MethodResponse::from_xml(text) {
        Ok(response) => Ok(response.value),
        Err(_) => match FaultResponse::from_xml(text) {
            Ok(response) => {
                Err(NoValue::Fault { code: response.fault.code(), words: response.fault.string().to_owned() })
            }
            Err(_) => Err(garbage("is not XML-RPC")),
        },
    }
}

/// Returns whether the tags are balanced and not nested too deeply for a parser that calls itself.
fn is_shallow(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((tag, after)) = after.split_once('>') else { return false };
        rest = after;
        if tag.starts_with('?') || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else {
            depth += 1;
        }
        if depth > DEPTH {
            return false;
        }
    }
    depth == 0
}

/// A struct of an answer. A member that is missing or of another type is None: older versions have fewer.
struct Members<'a>(&'a BTreeMap<String, Value>);

impl Members<'_> {
    fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    /// A text that is not one of the words for nothing.
    fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).filter(|text| !matches!(text.as_str(), "none" | "auto")).map(PathBuf::from)
    }

    fn number(&self, name: &str) -> Option<i64> {
        match self.0.get(name)? {
            Value::Integer(number) => Some(i64::from(*number)),
            _ => None,
        }
    }

    fn unsigned<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        T::try_from(self.number(name)?).ok() // negative or too large: as if it were not there
    }

    fn switch(&self, name: &str) -> Option<bool> {
        match self.0.get(name)? {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// Seconds since the epoch; 0 is never.
    fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds = self.number(name).filter(|seconds| *seconds > 0)?;
        Some(Timestamp(seconds.saturating_mul(1000)))
    }
}

fn structs(value: &Value) -> Vec<Members<'_>> {
    let Value::Array(values) = value else { return Vec::new() };
    let members = values.iter().filter_map(|value| match value {
        Value::Struct(members) => Some(Members(members)),
        _ => None,
    });
    members.collect()
}

/// Reads `getAllProcessInfo`. None: it is no list.
pub(super) fn processes(value: &Value) -> Option<Vec<Program>> {
    matches!(value, Value::Array(_)).then(|| structs(value).iter().filter_map(process).collect())
}

fn process(members: &Members) -> Option<Program> {
    let name = members.text("name")?;
    Some(Program {
        group: members.text("group").unwrap_or_else(|| name.clone()),
        name,
        state: members.number("state").map_or(ProgramState::Unknown, state),
        pid: members.unsigned("pid").filter(|pid| *pid > 0),
        start: members.time("start"),
        stop: members.time("stop"),
        exit_status: members.unsigned("exitstatus"),
        spawn_error: members.text("spawnerr"),
        description: members.text("description").unwrap_or_default(),
        stdout_log: members.path("stdout_logfile"),
        stderr_log: members.path("stderr_logfile"),
        settings: None,
        file_settings: None,
    })
}

/// Names a state by its code (`supervisor.states.ProcessStates`).
fn state(code: i64) -> ProgramState {
    match code {
        0 => ProgramState::Stopped,
        10 => ProgramState::Starting,
        20 => ProgramState::Running,
        30 => ProgramState::Backoff,
        40 => ProgramState::Stopping,
        100 => ProgramState::Exited,
        200 => ProgramState::Fatal,
        _ => ProgramState::Unknown,
    }
}

/// Reads `getAllConfigInfo`: group, name and settings. Restart, environment and place are not in it.
pub(super) fn settings(value: &Value) -> Vec<(String, String, ProgramSettings)> {
    structs(value).iter().filter_map(one_setting).collect()
}

fn one_setting(members: &Members) -> Option<(String, String, ProgramSettings)> {
    let name = members.text("name")?;
    let exit_codes = match members.0.get("exitcodes") {
        Some(Value::Array(codes)) => codes
            .iter()
            .filter_map(|code| match code {
                Value::Integer(code) => Some(*code),
                _ => None,
            })
            .collect(),
        _ => vec![0],
    };
    let autorestart = match (members.text("autorestart").as_deref(), members.switch("autorestart")) {
        (_, Some(true)) => AutoRestart::Always,
        (_, Some(false)) => AutoRestart::Never,
        _ => AutoRestart::Unexpected,
    };
    let settings = ProgramSettings {
        place: None,
        command: members.text("command")?,
        directory: members.path("directory"),
        user: members.number("uid").map(|uid| uid.to_string()),
        autostart: members.switch("autostart").unwrap_or(true),
        autorestart,
        start_seconds: members.unsigned("startsecs").unwrap_or(1),
        start_retries: members.unsigned("startretries").unwrap_or(3),
        exit_codes,
        stop_wait_seconds: members.unsigned("stopwaitsecs").unwrap_or(10),
        stdout_log: members.path("stdout_logfile"),
        stderr_log: members.path("stderr_logfile"),
        stdout_max_bytes: members.unsigned("stdout_logfile_maxbytes"),
        stderr_max_bytes: members.unsigned("stderr_logfile_maxbytes"),
        redirect_stderr: members.switch("redirect_stderr").unwrap_or(false),
        environment: Vec::new(),
    };
    Some((members.text("group").unwrap_or_else(|| name.clone()), name, settings))
}

/// Reads `getState`: its name.
pub(super) fn state_name(value: &Value) -> Option<String> {
    match value {
        Value::Struct(members) => Members(members).text("statename"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A server that answers with a bomb would end the program, or fill the memory.
    #[test]
    fn bombs_are_refused() {
        let entities = "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>\
            <methodResponse><params><param><value><string>&b;</string></value></param></params></methodResponse>";
        assert_eq!(answer(entities.as_bytes()), Err(NoValue::Garbage("has a DOCTYPE declaration".into())));
        let unknown =
            "<methodResponse><params><param><value><string>&b;</string></value></param></params></methodResponse>";
        assert!(matches!(answer(unknown.as_bytes()), Err(NoValue::Garbage(_))));
        let deep = "<value><array><data>".repeat(100_000);
        let nested = format!("<methodResponse><params><param>{deep}");
        assert!(matches!(answer(nested.as_bytes()), Err(NoValue::Garbage(_))));
        assert!(matches!(answer(b"<html><body>502</body></html>"), Err(NoValue::Garbage(_))));
        assert!(matches!(answer(b"\xff\xfe"), Err(NoValue::Garbage(_))));
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_a_panic(text in "(<(/?(methodResponse|params|param|value|array|data|struct|member|name|int|i4|string|fault))>|[a-z0-9&;< \
                                                       ]){0,40}") {
            if let Ok(value) = answer(text.as_bytes()) {
                processes(&value);
                settings(&value);
                state_name(&value);
            }
        }
    }
}
