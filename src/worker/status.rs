//! The states that a worker reports to its parent, one JSON line each on stdout.

use crate::engine::{EngineError, Info};
use serde::{Deserialize, Serialize};
use std::io::Write;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Status {
    /// The socket answers, `/health` with 503.
    Listening {
        /// The port that the system chose, where the worker listens on one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<u16>,
    },
    Loading {
        /// The progress, 0 to 1.
        fraction: f32,
    },
    Ready(Info),
    Failed {
        kind: FailedKind,
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailedKind {
    /// llama.cpp refused the file.
    Load,
    /// This CPU cannot run this build.
    Cpu,
    /// The settings contradict each other.
    Spec,
    /// The file of the model is missing, or cannot be opened.
    File,
    /// There is no engine in this program.
    Engine,
    /// The process that started the worker has lost the device.
    Device,
}

impl Status {
    pub fn failed(error: &EngineError) -> Status {
        let kind = match error {
            EngineError::Cpu(_) => FailedKind::Cpu,
            EngineError::NoEngine => FailedKind::Engine,
            EngineError::NoFile(_) => FailedKind::File,
            EngineError::BadSpec(_) => FailedKind::Spec,
            _ => FailedKind::Load,
        };
        Status::Failed { kind, reason: error.to_string() }
    }

    /// Writes the line to our stdout.
    pub fn tell(&self) {
        let Ok(mut line) = serde_json::to_vec(self) else { return };
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        // A parent that no longer reads has ended; the lifeline ends us then, not a failed line.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line_that_reads_back() {
        let info = Info {
            name: "x".into(),
            context: 1,
            context_trained: 2,
            parameters: 3,
            bytes: 4,
            vocabulary: 5,
            chat_template: true,
            slots: 4,
            pooling: None,
        };
        let failed = Status::failed(&EngineError::Refused("two\nlines".into()));
        for status in [Status::Listening { port: None }, Status::Loading { fraction: 0.5 }, Status::Ready(info), failed]
        {
            let line = serde_json::to_string(&status).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Status>(&line).unwrap(), status);
        }
        assert_eq!(serde_json::to_string(&Status::Listening { port: None }).unwrap(), r#"{"event":"listening"}"#);
    }
}
