use super::status::{FailedKind, Status};
use crate::engine::Info;
use crate::supervise::{NotReady, Readiness, Sign};
use std::future::Future;
use std::io::{self, BufRead, BufReader, Read};
use std::pin::Pin;
use std::process::ChildStdout;
use tokio::sync::mpsc::{Receiver, channel};

/// The largest number of bytes of a status line.
const STATUS_BYTES: u64 = 1 << 20;

/// Readiness of a worker of ours, which writes a line for each [`Status`].
#[derive(Debug)]
pub struct StatusLines {
    lines: Receiver<Result<Status, String>>,
    /// The port on which the worker listens, where it listens on one.
    pub port: Option<u16>,
    /// The facts about the loaded model, once the worker is ready.
    pub info: Option<Info>,
    /// The kind of the refusal, once the worker has refused.
    pub failed: Option<FailedKind>,
}

impl StatusLines {
    /// Reads lines on a thread of its own. The thread continues to read when this is dropped, so that the pipe never
    /// fills.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn read(stdout: ChildStdout) -> io::Result<StatusLines> {
        let (sender, lines) = channel(64);
        std::thread::Builder::new().name("worker-status".into()).spawn(move || {
            let mut reader = BufReader::new(stdout);
            loop {
                let mut line = String::new();
                match (&mut reader).take(STATUS_BYTES).read_line(&mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                let status =
                    serde_json::from_str(&line).map_err(|error| format!("status {:?}: {error}", line.trim_end()));
                // Nothing receives the status after `ready`.
                let _ = sender.blocking_send(status);
            }
        })?;
        Ok(StatusLines { lines, port: None, info: None, failed: None })
    }

    async fn next(&mut self) -> Result<Sign, NotReady> {
        match self.lines.recv().await {
            // The worker closed its stdout without a status.
            None => Err(NotReady::Ended(None)),
            Some(Err(odd)) => Err(NotReady::Protocol(odd)),
            Some(Ok(Status::Listening { port })) => {
                self.port = port;
                Ok(Sign::Starting(None))
            }
            Some(Ok(Status::Loading { fraction })) => Ok(Sign::Starting(Some(fraction))),
            Some(Ok(Status::Ready(info))) => {
                self.info = Some(info);
                Ok(Sign::Ready)
            }
            Some(Ok(Status::Failed { kind, reason })) => {
                self.failed = Some(kind);
                Err(NotReady::Refused(reason))
            }
        }
    }
}

impl Readiness for StatusLines {
    fn sign(&mut self) -> Pin<Box<dyn Future<Output = Result<Sign, NotReady>> + Send + '_>> {
        Box::pin(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::{Child, Ending, SpawnSpec, StartLimits, spawn, until_ready};
    use std::time::Duration;

    const LIMIT: Duration = Duration::from_secs(20);

    /// Starts a child that writes these lines, then waits for its stdin to end or ends itself.
    async fn started(script: &str) -> (Result<(), NotReady>, StatusLines, Vec<f32>, Child) {
        let mut child = spawn(&SpawnSpec::new("/bin/sh", ["-c", script])).unwrap();
        let mut lines = StatusLines::read(child.take_stdout().unwrap()).unwrap();
        let mut seen = Vec::new();
        let limits = StartLimits { whole: LIMIT, silence: LIMIT };
        let outcome = until_ready(&mut child, &mut lines, limits, |fraction| seen.push(fraction)).await;
        (outcome, lines, seen, child)
    }

    #[tokio::test]
    async fn a_worker_is_ready_by_its_lines_and_has_told_its_port() {
        let info = r#"{"event":"ready","name":"x","context":1,"context_trained":2,"parameters":3,"bytes":4,"vocabulary":5,"chat_template":true,"slots":4}"#;
        let script = format!(
            "echo '{{\"event\":\"listening\",\"port\":7}}'; echo '{{\"event\":\"loading\",\"fraction\":0.5}}'; echo '{info}'; read -r l"
        );
        let (outcome, lines, seen, _child) = started(&script).await;
        assert_eq!((outcome, lines.port, seen), (Ok(()), Some(7), vec![0.5]));
        assert_eq!(lines.info.unwrap().slots, 4);
    }

    #[tokio::test]
    async fn a_refusal_is_heard_of_a_worker_that_has_ended_and_a_crash_is_its_end() {
        let failed = r#"{"event":"failed","kind":"load","reason":"bad magic"}"#;
        let (outcome, lines, ..) = started(&format!("echo '{failed}'; exit 5")).await;
        assert_eq!((outcome, lines.failed), (Err(NotReady::Refused("bad magic".into())), Some(FailedKind::Load)));
        let (outcome, ..) = started("kill -ABRT $$").await;
        let aborted = Some(Ending::Signalled { signal: 6, core_dumped: false });
        assert!(
            matches!(outcome, Err(NotReady::Ended(None | Some(Ending::Signalled { signal: 6, .. })))),
            "{outcome:?} is not {aborted:?}"
        );
        let (outcome, ..) = started("echo nonsense; read -r l").await;
        assert!(matches!(outcome, Err(NotReady::Protocol(_))), "{outcome:?}");
    }
}
