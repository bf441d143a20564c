//! One entry of the journal, as `journalctl --output=json` writes it.

use crate::clock::Timestamp;
use serde_json::{Map, Value};

/// What a field without a value stands for: journalctl leaves out what is longer than 4,096 bytes.
const TOO_LONG: &str = "(a line of more than 4,096 bytes)";

/// What the manager says of a unit, by the message ids of sd-messages.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Starting,
    Started,
    StartFailed,
    Stopping,
    Stopped,
    /// A process of the unit has ended; `EXIT_CODE` and `EXIT_STATUS` say how.
    ProcessExit,
    SpawnFailed,
    Failed,
    Succeeded,
    RestartScheduled,
}

impl Notice {
    fn of(message_id: &str) -> Option<Notice> {
        Some(match message_id {
            "7d4958e842da4a758f6c1cdc7b36dcc5" => Notice::Starting,
            "39f53479d3a045ac8e11786248231fbf" => Notice::Started,
            "be02cf6855d2428ba40df7e9d022f03d" => Notice::StartFailed,
            "de5b426a63be47a7b6ac3eaac82e2f6f" => Notice::Stopping,
            "9d1aaa27d60140bd96365438aad20286" => Notice::Stopped,
            "98e322203f7a4ed290d09fe03c09fe15" => Notice::ProcessExit,
            "641257651c1b4ec9a8624d7a40a9e1e7" => Notice::SpawnFailed,
            "d9b373ed55a64feb8242e02dbe79a49c" => Notice::Failed,
            "7ad2d189f7e94e70a38c781354912448" => Notice::Succeeded,
            "5eb03494b6584870a536b337290809b3" => Notice::RestartScheduled,
            _ => return None,
        })
    }
}

/// An entry that belongs to a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub time: Timestamp,
    pub message: String,
    /// 0 to 7, as syslog has them.
    pub priority: Option<u8>,
    /// Whether the manager says it of the unit; else the unit says it.
    pub is_of_manager: bool,
    pub notice: Option<Notice>,
    /// `exited`, `killed`, `dumped`.
    pub exit_code: Option<String>,
    /// The exit status, or the signal, as a number or a word.
    pub exit_status: Option<String>,
    /// The process that wrote it.
    pub pid: Option<u32>,
}

/// Reads one line of JSON. None where it is no entry, or is of another unit.
pub fn entry(line: &str, unit: &str) -> Option<Entry> {
    let fields: Map<String, Value> = serde_json::from_str(line).ok()?; // a line that is cut, or something else
    let field = |name: &str| fields.get(name).map(|value| text(value).unwrap_or_else(|| TOO_LONG.to_owned()));
    let is = |name: &str| field(name).is_some_and(|value| value == unit);
    // Any program may write the field; the journal itself adds the name of who did: the manager, or its child that has
    // not become the program yet.
    let is_manager = |name: String| name.starts_with("systemd") || name.starts_with('(');
    let is_of_manager = ["UNIT", "USER_UNIT"].into_iter().any(is) && field("_COMM").is_none_or(is_manager);
    if !is_of_manager && !["_SYSTEMD_UNIT", "_SYSTEMD_USER_UNIT"].into_iter().any(is) {
        return None;
    }
    let number = |name: &str| field(name).and_then(|value| value.parse::<u64>().ok());
    let micros = number("__REALTIME_TIMESTAMP")?;
    Some(Entry {
        time: Timestamp(i64::try_from(micros / 1_000).ok()?), // no time of this era
        message: field("MESSAGE").unwrap_or_default(),
        priority: number("PRIORITY").and_then(|priority| u8::try_from(priority).ok()), // as above
        is_of_manager,
        notice: field("MESSAGE_ID").and_then(|id| Notice::of(&id)).filter(|_| is_of_manager),
        exit_code: field("EXIT_CODE"),
        exit_status: field("EXIT_STATUS"),
        pid: number("_PID").and_then(|pid| u32::try_from(pid).ok()), // as above
    })
}

/// Reads a value: a text, an array of bytes where it is no UTF-8, an array of values where a field is there several
/// times (the first counts), null where it is too long.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => bytes(values).or_else(|| match values.first()? {
            Value::String(text) => Some(text.clone()),
            Value::Array(inner) => bytes(inner),
            _ => None,
        }),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    }
}

/// Reads an array that is nothing but bytes.
fn bytes(values: &[Value]) -> Option<String> {
    let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok()); // a larger number is no byte
    let bytes: Vec<u8> = values.iter().map(byte).collect::<Option<_>>()?;
    (!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const UNIT: &str = "x.service";

    fn message(value: &str) -> String {
        let line =
            format!(r#"{{"__REALTIME_TIMESTAMP":"1700000000123456","_SYSTEMD_UNIT":"x.service","MESSAGE":{value}}}"#);
        entry(&line, UNIT).unwrap().message
    }

    /// The JSON of the journal has four shapes for one field; a reader of one of them loses the line that matters.
    #[test]
    fn a_field_is_read_in_each_of_its_shapes() {
        assert_eq!(message(r#""plain""#), "plain");
        assert_eq!(message("[104,105,255]"), "hi\u{fffd}");
        assert_eq!(message(r#"["first","second"]"#), "first");
        assert_eq!(message("[[104,105],[1]]"), "hi");
        assert_eq!(message("null"), TOO_LONG);
        assert_eq!(message("[]"), TOO_LONG);
    }

    #[test]
    fn what_the_manager_says_is_told_from_what_the_unit_says() {
        let of_manager = r#"{"__REALTIME_TIMESTAMP":"1700000000000000","UNIT":"x.service","_SYSTEMD_UNIT":"init.scope","MESSAGE_ID":"98e322203f7a4ed290d09fe03c09fe15","EXIT_CODE":"exited","EXIT_STATUS":"203","PRIORITY":"5","MESSAGE":"m"}"#;
        let found = entry(of_manager, UNIT).unwrap();
        assert!(found.is_of_manager && found.notice == Some(Notice::ProcessExit));
        assert_eq!((found.exit_code.as_deref(), found.exit_status.as_deref()), (Some("exited"), Some("203")));
        assert_eq!(entry(of_manager, "y.service"), None);
        // A unit cannot speak for the manager.
        let pretends = of_manager.replace("init.scope", "x.service").replace("{", "{\"_COMM\":\"sh\",");
        assert_eq!(entry(&pretends, UNIT).unwrap().notice, None);
        assert_eq!(entry("{", UNIT), None);
        assert_eq!(entry(r#"{"UNIT":"x.service"}"#, UNIT), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,200}", number in any::<i64>()) {
            entry(&text, UNIT);
            let line = serde_json::json!({ "__REALTIME_TIMESTAMP": number, "UNIT": UNIT, "MESSAGE": text, "_PID": [[number], text] });
            entry(&line.to_string(), UNIT);
        }
    }
}
