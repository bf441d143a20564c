//! Reads that may hang: each has a limit, and none is started again while an earlier one has not ended.

use crate::clock;
use crate::model::Reading;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// The first pause after a read that was too slow, and the longest: each may have left a process or a thread that hangs.
const FIRST_REST: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(600);

/// Something that is read again and again on a thread that may block.
#[derive(Debug)]
pub(super) struct Source<T> {
    what: &'static str,
    /// The time that an answer may take.
    limit: Duration,
    /// The time from which on an answer counts as that of something that hangs.
    slow: Duration,
    running: Option<JoinHandle<Reading<T>>>,
    rest: Option<Rest>,
}

/// A pause because the last read was too slow.
#[derive(Debug)]
struct Rest {
    until: Option<Instant>,
    length: Duration,
    why: String,
}

impl<T: Send + 'static> Source<T> {
    pub fn new(what: &'static str, limit: Duration) -> Source<T> {
        Source { what, limit, slow: limit, running: None, rest: None }
    }

    /// Creates a source whose reads end by themselves shortly after `slow`, with a child that may hang on.
    pub fn with_child(what: &'static str, slow: Duration) -> Source<T> {
        Source { slow, ..Source::new(what, slow.saturating_add(Duration::from_secs(2))) }
    }

    /// Reads. Unavailable after the limit, while an earlier read hangs, and for a while after a read that was too slow.
    pub async fn read(&mut self, read: impl FnOnce() -> Reading<T> + Send + 'static) -> Reading<T> {
        let now = clock::instant();
        if let Some(rest) = self.rest.as_ref().filter(|rest| rest.until.is_some_and(|until| now < until)) {
            return Reading::Unavailable(rest.why.clone());
        }
        // What an earlier read has found meanwhile is of the past.
        if self.running.take_if(|running| running.is_finished()).is_none() && self.running.is_some() {
            return Reading::Unavailable(format!("{}: an earlier read has not ended", self.what));
        }
        let mut running = tokio::task::spawn_blocking(read);
        let answer = match tokio::time::timeout(self.limit, &mut running).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Reading::Unavailable(format!("{}: the reader failed", self.what)),
            Err(_) => {
                self.running = Some(running);
                let limit = humantime::format_duration(self.limit);
                Reading::Unavailable(format!("{}: no answer within {limit}", self.what))
            }
        };
        self.note(now, &answer);
        answer
    }

    /// Notes how long a read took.
    fn note(&mut self, began: Instant, answer: &Reading<T>) {
        self.rest = match answer {
            Reading::Unavailable(why) if began.elapsed() >= self.slow => {
                let length = self.rest.as_ref().map_or(FIRST_REST, |rest| rest.length.saturating_mul(2));
                let length = length.min(LONGEST_REST);
                Some(Rest { until: clock::instant().checked_add(length), length, why: why.clone() })
            }
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc::sync_channel;

    /// A disk or a driver that hangs would otherwise leave one more thread or process with every look, for ever.
    #[tokio::test]
    async fn a_read_that_hangs_is_unknown_and_is_not_started_again() {
        let mut source: Source<u32> = Source::new("the disk", Duration::from_millis(20));
        let (stop, stopped) = sync_channel::<()>(0);
        let hung = source.read(move || {
            // The sender is dropped at the end of the test.
            let _ = stopped.recv();
            Reading::Known(1)
        });
        assert_eq!(hung.await, Reading::Unavailable("the disk: no answer within 20ms".to_owned()));
        let count = Arc::new(AtomicU32::new(0));
        for _ in 0..3 {
            let count = Arc::clone(&count);
            let again = source.read(move || Reading::Known(count.fetch_add(1, Ordering::Relaxed)));
            assert!(matches!(again.await, Reading::Unavailable(why) if why.contains("no answer within 20ms")));
        }
        source.rest = None;
        let again = source.read(|| Reading::Known(2)).await;
        assert_eq!(again, Reading::Unavailable("the disk: an earlier read has not ended".to_owned()));
        assert_eq!(count.load(Ordering::Relaxed), 0);
        drop(stop);
    }

    #[tokio::test]
    async fn an_answer_in_time_counts_and_a_panic_is_only_unknown() {
        let mut source: Source<u32> = Source::new("the disk", Duration::from_secs(20));
        assert_eq!(source.read(|| Reading::Known(1)).await, Reading::Known(1));
        let broken = source.read(|| panic!("on purpose")).await;
        assert_eq!(broken, Reading::Unavailable("the disk: the reader failed".to_owned()));
        assert_eq!(source.read(|| Reading::Known(2)).await, Reading::Known(2));
        let refused = source.read(|| Reading::Unavailable("no driver".to_owned())).await;
        assert_eq!(refused, Reading::Unavailable("no driver".to_owned()));
        assert!(source.rest.is_none(), "an answer that came at once is no reason to rest");
    }
}
