//! The requests that run now and the last ones that have ended, without texts, and the sums of the last seconds.

use super::record::Record;
use crate::clock::{self, Timestamp};
use crate::model::ModelId;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The requests that are kept after their end, and those that run of which a list tells.
const KEPT: usize = 100;
/// Times until a first token that are kept of one model until somebody takes them.
const TIMES: usize = 1_000;
/// The models of which sums are kept until somebody takes them.
const MODELS: usize = 1_000;

/// What is known of requests.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    last: u64,
    version: u64,
    running: BTreeMap<u64, Running>,
    ended: VecDeque<(u64, Timestamp, Record)>,
    sums: BTreeMap<ModelId, Sums>,
}

#[derive(Debug)]
struct Running {
    began: Timestamp,
    record: Record,
    cancel: watch::Sender<bool>,
}

/// A request as people see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestRow {
    /// Counts from 1 in this run of the daemon.
    pub number: u64,
    pub began: String,
    /// `waiting` for a server, `answering`, `ended`.
    pub state: &'static str,
    pub model_id: Option<ModelId>,
    #[serde(flatten)]
    pub record: Record,
}

/// What was generated for one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    pub tokens: u64,
    pub first_token_ms: Vec<u64>,
}

impl Recent {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a new request. Returns its number, and what becomes true when a person cancels it.
    pub fn begin(&self, record: &Record) -> (u64, watch::Receiver<bool>) {
        let mut inner = self.lock();
        inner.last = inner.last.saturating_add(1);
        inner.version = inner.version.saturating_add(1);
        let (number, cancel) = (inner.last, watch::Sender::new(false));
        let cancelled = cancel.subscribe();
        inner.running.insert(number, Running { began: clock::now(), record: record.clone(), cancel });
        (number, cancelled)
    }

    /// Notes what has become known of a request.
    pub fn update(&self, number: u64, record: &Record) {
        let mut inner = self.lock();
        if let Some(running) = inner.running.get_mut(&number) {
            running.record.clone_from(record);
            inner.version = inner.version.saturating_add(1);
        }
    }

    /// Notes the end of a request.
    pub fn end(&self, number: u64, record: &Record) {
        let mut inner = self.lock();
        let Some(running) = inner.running.remove(&number) else { return };
        inner.version = inner.version.saturating_add(1);
        inner.ended.push_back((number, running.began, record.clone()));
        if inner.ended.len() > KEPT {
            inner.ended.pop_front();
        }
    }

    /// Cancels a request. Returns whether it ran.
    pub fn cancel(&self, number: u64) -> bool {
        self.lock().running.get(&number).is_some_and(|running| !running.cancel.send_replace(true))
    }

    /// Adds tokens of a model, and the time until a first one.
    pub fn add(&self, model: &ModelId, tokens: u64, first_token_ms: Option<u64>) {
        let mut inner = self.lock();
        if inner.sums.len() >= MODELS && !inner.sums.contains_key(model) {
            return;
        }
        let sums = inner.sums.entry(model.clone()).or_default();
        sums.tokens = sums.tokens.saturating_add(tokens);
        sums.first_token_ms.extend(first_token_ms.filter(|_| sums.first_token_ms.len() < TIMES));
    }

    /// Returns the sums since they were taken the last time.
    pub fn take_sums(&self) -> BTreeMap<ModelId, Sums> {
        std::mem::take(&mut self.lock().sums)
    }

    /// Returns a number that changes with every request.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Returns the requests that run, those that began first, and the last ones that ended.
    pub fn rows(&self) -> Vec<RequestRow> {
        let inner = self.lock();
        let running = inner.running.iter().take(KEPT).map(|(number, running)| {
            let state = if running.record.is_granted { "answering" } else { "waiting" };
            (*number, running.began, state, &running.record)
        });
        let ended = inner.ended.iter().map(|(number, began, record)| (*number, *began, "ended", record));
        let row = |(number, began, state, record): (u64, Timestamp, _, &Record)| RequestRow {
            number,
            began: began.rfc3339(),
            state,
            model_id: record.model_id.clone(),
            record: record.clone(),
        };
        running.chain(ended).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::meter::{Meter, Records};
    use super::super::record::Endpoint;
    use super::*;

    /// An operator sees what is being answered, for whom, and what was answered; and can end one of them.
    #[tokio::test]
    async fn a_request_is_listed_from_its_beginning_to_its_end_and_can_be_cancelled() {
        let records = Records::new(|_| {});
        let small = ModelId("aaaaaaaaaaaa".into());
        let mut meter = Meter::new(records.clone(), Endpoint::Chat, ("7".into(), "open-webui".into()));
        meter.model("small", &small);
        let recent = records.recent();
        let row = |at: usize| recent.rows()[at].clone();
        assert_eq!((row(0).state, row(0).number, row(0).model_id), ("waiting", 1, Some(small.clone())));
        meter.granted();
        let seen = recent.version();
        meter.bytes(b"data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n");
        meter.bytes(b"data: {\"x\":1}\n\ndata: {\"x\":2}\n\n");
        assert_eq!((row(0).state, row(0).record.client.as_str()), ("answering", "open-webui"));
        assert!(recent.version() > seen, "the time until the first token is told");
        assert!(recent.cancel(1) && !recent.cancel(1) && !recent.cancel(2));
        meter.cancelled().await;
        drop(meter);
        assert_eq!((row(0).state, row(0).record.finish.as_str()), ("ended", "client left"));
        let sums = recent.take_sums();
        assert_eq!((sums[&small].tokens, sums[&small].first_token_ms.len()), (3, 1));
        assert!(recent.take_sums().is_empty());
        for _ in 0..KEPT + 5 {
            drop(Meter::new(records.clone(), Endpoint::Chat, ("7".into(), "x".into())));
        }
        assert_eq!((recent.rows().len(), row(0).number), (KEPT, 7));
    }

    #[test]
    fn an_answer_that_is_no_stream_counts_by_its_figures() {
        let records = Records::new(|_| {});
        let mut meter = Meter::new(records.clone(), Endpoint::Chat, ("7".into(), "x".into()));
        meter.model("small", &ModelId("aaaaaaaaaaaa".into()));
        meter.granted();
        meter.bytes(br#"{"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":9}}"#);
        meter.end();
        drop(meter);
        assert_eq!(records.recent().take_sums().values().next().unwrap().tokens, 9);
    }
}
