use super::{Child, Ending};
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Duration;

/// A way for a child to show that it can be used: by lines that it writes, or by answering requests.
pub trait Readiness: Send + Debug {
    /// Waits for the next sign. Dropping the future loses none.
    fn sign(&mut self) -> Pin<Box<dyn Future<Output = Result<Sign, NotReady>> + Send + '_>>;
}

/// A sign from a child that starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sign {
    /// The start makes progress; from 0 to 1 where the child reports it.
    Starting(Option<f32>),
    Ready,
}

/// The reason why a child cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// The child has ended, or is about to: it has closed its end. `None` where its status is not known yet.
    #[error("it {}", .0.map_or_else(|| "has closed its output".to_owned(), |ending| ending.to_string()))]
    Ended(Option<Ending>),
    /// The child reported why it will not run.
    #[error("{0}")]
    Refused(String),
    /// The child sent something that cannot be parsed.
    #[error("{0}")]
    Protocol(String),
    #[error("it was not ready within {}", humantime::format_duration(*.0))]
    TimedOut(Duration),
    #[error("it did not respond for {} while starting", humantime::format_duration(*.0))]
    Silent(Duration),
    /// The child cannot be watched.
    #[error("{0}")]
    Unwatched(String),
}

/// Limits on the time of a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartLimits {
    /// Limit for the whole start.
    pub whole: Duration,
    /// Limit without a sign. A slow disk does not exceed it: a child that makes progress gives signs.
    pub silence: Duration,
}

/// Time that a child that has ended may take to give the reason, from what is still in its pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Waits until `child` can be used. A child that cannot be used is left as it is.
///
/// # Errors
/// See [`NotReady`].
pub async fn until_ready(
    child: &mut Child,
    readiness: &mut dyn Readiness,
    limits: StartLimits,
    on_progress: impl FnMut(f32),
) -> Result<(), NotReady> {
    let ready = until_sign_of_ready(child, readiness, limits.silence, on_progress);
    tokio::time::timeout(limits.whole, ready).await.unwrap_or(Err(NotReady::TimedOut(limits.whole)))
}

async fn until_sign_of_ready(
    child: &mut Child,
    readiness: &mut dyn Readiness,
    silence: Duration,
    mut on_progress: impl FnMut(f32),
) -> Result<(), NotReady> {
    loop {
        let sign = tokio::select! {
            biased;
            sign = tokio::time::timeout(silence, readiness.sign()) => sign.unwrap_or(Err(NotReady::Silent(silence))),
            ended = child.ended() => return Err(last_words(readiness, ended).await),
        };
        match sign? {
            Sign::Ready => return Ok(()),
            Sign::Starting(fraction) => fraction.into_iter().for_each(&mut on_progress),
        }
    }
}

/// Returns what a child reported that has ended since.
async fn last_words(readiness: &mut dyn Readiness, ended: io::Result<Ending>) -> NotReady {
    let ending = match ended {
        Ok(ending) => ending,
        Err(error) => return NotReady::Unwatched(error.to_string()),
    };
    let said = async {
        loop {
            match readiness.sign().await {
                Ok(_) => {}
                Err(why) => return why,
            }
        }
    };
    match tokio::time::timeout(LAST_WORDS, said).await {
        Ok(why @ (NotReady::Refused(_) | NotReady::Protocol(_))) => why,
        _ => NotReady::Ended(Some(ending)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::{SpawnSpec, spawn};
    use tokio::sync::mpsc::{Receiver, channel};

    const LONG: Duration = Duration::from_secs(20);
    const LIMITS: StartLimits = StartLimits { whole: LONG, silence: LONG };

    #[derive(Debug)]
    struct Told(Receiver<Result<Sign, NotReady>>);

    impl Readiness for Told {
        fn sign(&mut self) -> Pin<Box<dyn Future<Output = Result<Sign, NotReady>> + Send + '_>> {
            Box::pin(async {
                match self.0.recv().await {
                    Some(sign) => sign,
                    None => std::future::pending().await,
                }
            })
        }
    }

    async fn outcome(
        script: &str,
        signs: &[Result<Sign, NotReady>],
        limits: StartLimits,
    ) -> (Result<(), NotReady>, Vec<f32>) {
        let (sender, receiver) = channel(10);
        for sign in signs {
            sender.send(sign.clone()).await.unwrap();
        }
        let mut child = spawn(&SpawnSpec::new("/bin/sh", ["-c", script])).unwrap();
        let mut seen = Vec::new();
        let outcome = until_ready(&mut child, &mut Told(receiver), limits, |fraction| seen.push(fraction)).await;
        drop(sender);
        (outcome, seen)
    }

    #[tokio::test]
    async fn a_child_is_ready_when_it_shows_it() {
        let signs = [Ok(Sign::Starting(None)), Ok(Sign::Starting(Some(0.5))), Ok(Sign::Ready)];
        assert_eq!(outcome("read -r line", &signs, LIMITS).await, (Ok(()), vec![0.5]));
    }

    #[tokio::test]
    async fn an_end_a_refusal_and_silence_are_told_apart() {
        let (ended, _) = outcome("exit 3", &[], LIMITS).await;
        assert_eq!(ended, Err(NotReady::Ended(Some(Ending::Exited(3)))));
        let refusal = Err(NotReady::Refused("no memory".into()));
        let (refused, _) = outcome("exit 3", &[Ok(Sign::Starting(None)), refusal.clone()], LIMITS).await;
        assert_eq!(refused, refusal.map(|_| ()));
        let brief = Duration::from_millis(30);
        let (silent, _) = outcome("read -r line", &[], StartLimits { silence: brief, ..LIMITS }).await;
        assert_eq!(silent, Err(NotReady::Silent(brief)));
        let (late, _) =
            outcome("read -r line", &[Ok(Sign::Starting(None))], StartLimits { whole: brief, ..LIMITS }).await;
        assert_eq!(late, Err(NotReady::TimedOut(brief)));
    }
}
