//! The journal of systemd, by its own protocol: a message with fields that `journalctl` can filter by.

use super::Severity;
use crate::serve::control::Numbered;
use serde_json::Value;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

const SOCKET: &str = "/run/systemd/journal/socket";

/// The most bytes of a message: larger ones need a file that is passed along.
const MOST: usize = 64 << 10;

/// Members of an event that become fields of their own.
const FIELDS: &[(&str, &str)] = &[
    ("model", "MODELCTL_MODEL"),
    ("service", "MODELCTL_SERVICE"),
    ("model_id", "MODELCTL_MODEL_ID"),
    ("reason", "MODELCTL_REASON"),
    ("exit_code", "MODELCTL_EXIT_CODE"),
];

/// A way to the journal.
#[derive(Debug)]
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Journal {
    /// Returns the journal, if standard error is connected to it. `stream` is `JOURNAL_STREAM`: the device and the inode
    /// that systemd gave us. A terminal that was started by a service inherits the variable, and is not the journal.
    pub fn of(stream: Option<&str>) -> Option<Journal> {
        let stat = rustix::fs::fstat(rustix::stdio::stderr()).ok()?; // a closed stream is no journal
        is_stream(stream?, stat.st_dev, stat.st_ino).then(|| Journal::at(SOCKET.into()))?
    }

    fn at(path: PathBuf) -> Option<Journal> {
        let socket = UnixDatagram::unbound().ok()?; // the log takes what the journal does not
        // An event that the journal cannot take now is written to the log; nothing waits.
        socket.set_nonblocking(true).ok()?; // as above
        Some(Journal { socket, path })
    }

    /// Sends an event.
    ///
    /// # Errors
    /// The journal does not take it now.
    pub fn send(&self, severity: Severity, line: &str, event: &Numbered) -> io::Result<()> {
        let message = message(severity, line, event);
        if message.len() > MOST {
            return Err(io::Error::other("too large"));
        }
        self.socket.send_to(&message, &self.path).map(drop)
    }
}

fn is_stream(stream: &str, dev: u64, ino: u64) -> bool {
    let Some((of_dev, of_ino)) = stream.trim().split_once(':') else { return false };
    of_dev.parse() == Ok(dev) && of_ino.parse() == Ok(ino)
}

fn message(severity: Severity, line: &str, event: &Numbered) -> Vec<u8> {
    let mut message = Vec::with_capacity(256);
    field(&mut message, "MESSAGE", line);
    field(&mut message, "PRIORITY", &(severity as u8).to_string());
    field(&mut message, "SYSLOG_IDENTIFIER", "modelctl");
    field(&mut message, "MODELCTL_EVENT", event.happening.event);
    for (member, name) in FIELDS {
        match event.happening.fields.get(*member) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => field(&mut message, name, text),
            Some(other) => field(&mut message, name, &other.to_string()),
        }
    }
    message
}

/// Appends a field. A value with a line end is given with its length, so that it cannot begin another field.
fn field(message: &mut Vec<u8>, name: &str, value: &str) {
    message.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        message.push(b'\n');
        message.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        message.push(b'=');
    }
    message.extend_from_slice(value.as_bytes());
    message.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::serve::control::Happening;
    use serde_json::json;

    fn event(fields: Value) -> Numbered {
        Numbered { id: 1, at: Timestamp(0), happening: Happening::new("model.crash", fields) }
    }

    /// An operator filters the journal by model; a name with a line end must not make a field of its own.
    #[test]
    fn the_journal_gets_the_event_with_its_fields_and_a_name_cannot_forge_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let journal = Journal::at(path).unwrap();
        let told = event(json!({"model": "a\nPRIORITY=0", "exit_code": 137, "reason": null}));
        journal.send(Severity::Warning, "model.crash", &told).unwrap();
        let mut bytes = [0; 4_096];
        let len = receiver.recv(&mut bytes).unwrap();
        let mut expected =
            b"MESSAGE=model.crash\nPRIORITY=4\nSYSLOG_IDENTIFIER=modelctl\nMODELCTL_EVENT=model.crash\n".to_vec();
        expected.extend_from_slice(b"MODELCTL_MODEL\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\nMODELCTL_EXIT_CODE=137\n");
        assert_eq!(bytes[..len], expected);
    }

    #[test]
    fn a_terminal_that_inherits_the_variable_is_not_the_journal() {
        assert!(is_stream("9:77\n", 9, 77));
        for other in ["9:78", "9", "", "a:b"] {
            assert!(!is_stream(other, 9, 77), "{other}");
        }
        assert!(Journal::of(None).is_none());
    }

    #[test]
    fn a_journal_that_is_gone_is_an_error_and_not_a_wait() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::at(dir.path().join("none")).unwrap();
        assert!(journal.send(Severity::Info, "x", &event(json!({}))).is_err());
    }
}
