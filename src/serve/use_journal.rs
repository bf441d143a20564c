//! The uses of models by clients of the gateway, in the journal that `show`, `list` and the popularity of models read.

use super::control::Sessions;
use super::gateway::Record;
use crate::clock::{self, Timestamp};
use crate::db::{Access, UseEvent};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// The time for which uses are collected: every change of the database has its readers read it again.
const COLLECT: Duration = Duration::from_secs(10);
/// The most uses that wait while the database cannot be written. Later ones are not recorded.
const MOST: usize = 10_000;

/// Takes uses.
#[derive(Debug, Clone)]
pub struct UseJournal(mpsc::UnboundedSender<News>);

#[derive(Debug)]
enum News {
    Use(Box<UseEvent>),
    /// Write what there is now.
    Flush(oneshot::Sender<()>),
}

impl UseJournal {
    /// Starts the task that writes. `report` gets an error once, until a write succeeds again.
    pub fn begin(sessions: Sessions, report: impl Fn(String) + Send + Sync + 'static) -> UseJournal {
        let (uses, received) = mpsc::unbounded_channel();
        drop(tokio::spawn(write(sessions, received, report)));
        UseJournal(uses)
    }

    /// Records a request that a server has answered, or begun to.
    pub fn add(&self, record: &Record) {
        if let Some(event) = use_of(record, clock::now()) {
            // Without the task the daemon is ending.
            let _ = self.0.send(News::Use(Box::new(event)));
        }
    }

    /// Writes what was collected, and waits for that.
    pub async fn flush(&self) {
        let (written, done) = oneshot::channel();
        if self.0.send(News::Flush(written)).is_ok() {
            let _ = done.await; // as above
        }
    }
}

/// Returns the use that a request was; `None` where no server took it, or whoever asked records it.
fn use_of(record: &Record, at: Timestamp) -> Option<UseEvent> {
    if !record.is_granted || record.is_recorded || record.finish == "load" {
        return None;
    }
    let outcome = match record.finish.as_str() {
        "client left" => "cancelled",
        error if record.status >= 400 || error.starts_with("error") => "failed",
        finish => finish,
    };
    Some(UseEvent {
        model: record.model_id.clone()?,
        at,
        source: "serve".to_owned(),
        prompt_tokens: record.prompt_tokens.unwrap_or(0),
        completion_tokens: record.completion_tokens.unwrap_or(0),
        duration_ms: record.took_ms.saturating_sub(record.waited_ms),
        outcome: outcome.to_owned(),
    })
}

async fn write(sessions: Sessions, mut news: mpsc::UnboundedReceiver<News>, report: impl Fn(String)) {
    let (mut collected, mut is_reported) = (Vec::new(), false);
    let mut flushed = Vec::new();
    while let Some(first) = news.recv().await {
        take(first, &mut collected, &mut flushed);
        let until = tokio::time::sleep(COLLECT);
        tokio::pin!(until);
        let mut is_over = false;
        while flushed.is_empty() && !is_over {
            tokio::select! {
                () = &mut until => is_over = true,
                more = news.recv() => match more {
                    Some(more) => take(more, &mut collected, &mut flushed),
                    None => is_over = true,
                },
            }
        }
        let uses = std::mem::take(&mut collected);
        let written = sessions
            .run(move |session| match session.db(Access::ReadWrite).and_then(|db| db.record_uses(&uses)) {
                Ok(()) => Ok(Ok(())),
                Err(error) => Ok(Err((format!("{error:#}"), uses))),
            })
            .await;
        match written {
            Ok(Ok(())) => is_reported = false,
            Ok(Err((error, uses))) => {
                collected = uses;
                if !std::mem::replace(&mut is_reported, true) {
                    report(format!("the uses of models are not recorded: {error}"));
                }
            }
            Err(error) => report(format!("the uses of models are not recorded: {error:#}")),
        }
        for done in flushed.drain(..) {
            let _ = done.send(()); // whoever waited may have gone
        }
    }
}

fn take(news: News, collected: &mut Vec<UseEvent>, flushed: &mut Vec<oneshot::Sender<()>>) {
    match news {
        News::Use(event) if collected.len() < MOST => collected.push(*event),
        News::Use(_) => {}
        News::Flush(done) => flushed.push(done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Class;
    use crate::model::ModelId;
    use crate::serve::gateway::Endpoint;

    fn record() -> Record {
        Record {
            endpoint: Endpoint::Chat,
            model: "small".into(),
            model_id: Some(ModelId("aaaaaaaaaaaa".into())),
            is_granted: true,
            is_recorded: false,
            class: Class::default(),
            id: "1".into(),
            client: "127.0.0.1".into(),
            status: 200,
            waited_ms: 40,
            first_token_ms: Some(10),
            took_ms: 100,
            prompt_tokens: Some(3),
            completion_tokens: None,
            tokens_per_second: None,
            finish: "length".into(),
        }
    }

    /// `prune` would otherwise call a model unused that is asked every day, and popularity would not see it.
    #[test]
    fn a_request_that_a_server_took_is_a_use_and_one_that_was_refused_is_none() {
        let used = use_of(&record(), Timestamp(7)).unwrap();
        assert_eq!((used.duration_ms, used.prompt_tokens, used.outcome.as_str()), (60, 3, "length"));
        let left = Record { finish: "client left".into(), ..record() };
        assert_eq!(use_of(&left, Timestamp(7)).unwrap().outcome, "cancelled");
        let failed = Record { status: 502, finish: "error: it died".into(), ..record() };
        assert_eq!(use_of(&failed, Timestamp(7)).unwrap().outcome, "failed");
        for none in [
            Record { is_granted: false, ..record() },
            Record { is_recorded: true, ..record() },
            Record { finish: "load".into(), ..record() },
            Record { model_id: None, ..record() },
        ] {
            assert_eq!(use_of(&none, Timestamp(7)), None, "{none:?}");
        }
    }
}
