//! Measures requests: one line for the log, counts for the metrics, and a list for people who look.

use super::problem::Problem;
use super::recent::Recent;
use super::record::{Endpoint, Record};
use crate::clock;
use crate::lifecycle::Class;
use crate::model::ModelId;
use crate::openai;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The number of requests that had one outcome, for `modelctl_requests_total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCount {
    pub model: String,
    pub endpoint: Endpoint,
    pub status: u16,
    pub count: u64,
}

/// Where records are sent.
#[derive(Clone)]
pub struct Records(Arc<Inner>);

type Observer = Box<dyn Fn(&Record) + Send + Sync>;

struct Inner {
    log: Observer,
    observer: OnceLock<Observer>,
    counts: Mutex<BTreeMap<(String, Endpoint, u16), u64>>,
    recent: Recent,
}

impl Records {
    /// Creates an empty count; `log` gets every record, on the thread that serves clients.
    pub fn new(log: impl Fn(&Record) + Send + Sync + 'static) -> Records {
        let (observer, counts, recent) = (OnceLock::new(), Mutex::default(), Recent::default());
        Records(Arc::new(Inner { log: Box::new(log), observer, counts, recent }))
    }

    /// Returns the requests that run, and the last ones that have ended.
    pub fn recent(&self) -> &Recent {
        &self.0.recent
    }

    /// Gives every record to `observer` as well, on the thread that serves clients. Only the first one counts.
    pub fn observe(&self, observer: impl Fn(&Record) + Send + Sync + 'static) {
        drop(self.0.observer.set(Box::new(observer)));
    }

    /// Returns the counts since the daemon began, sorted.
    pub fn counts(&self) -> Vec<RequestCount> {
        let counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |((model, endpoint, status), count): (&(String, Endpoint, u16), &u64)| RequestCount {
            model: model.clone(),
            endpoint: *endpoint,
            status: *status,
            count: *count,
        };
        counts.iter().map(count).collect()
    }

    fn add(&self, record: &Record) {
        (self.0.log)(record);
        if let Some(observer) = self.0.observer.get() {
            observer(record);
        }
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry((record.model.clone(), record.endpoint, record.status)).or_default();
        *count = count.saturating_add(1);
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Records")
    }
}

/// Measures one request, and records it when it is dropped.
#[derive(Debug)]
pub struct Meter {
    records: Records,
    record: Record,
    began: Instant,
    granted: Option<Instant>,
    tail: Tail,
    number: u64,
    cancelled: watch::Receiver<bool>,
    /// Whether the answer comes in events, each of which is about one token.
    is_stream: bool,
}

impl Meter {
    pub fn new(records: Records, endpoint: Endpoint, (id, client): (String, String)) -> Meter {
        let record = Record {
            endpoint,
            model: String::new(),
            model_id: None,
            is_granted: false,
            is_recorded: false,
            class: Class::default(),
            id,
            client,
            status: 200,
            waited_ms: 0,
            first_token_ms: None,
            took_ms: 0,
            prompt_tokens: None,
            completion_tokens: None,
            tokens_per_second: None,
            finish: String::new(),
        };
        let (number, cancelled) = records.recent().begin(&record);
        let (began, tail) = (clock::instant(), Tail::default());
        Meter { records, record, began, granted: None, tail, number, cancelled, is_stream: false }
    }

    /// Waits until a person cancels the request.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut cancelled = self.cancelled.clone();
        async move {
            // Without the sender the request has ended, and nobody cancels it any more.
            if cancelled.wait_for(|is_so| *is_so).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Has the list of requests show what is known now.
    fn show(&self) {
        self.records.recent().update(self.number, &self.record);
    }

    /// Sets the endpoint of a server that answers, where it follows from the body of the request.
    pub fn endpoint(&mut self, endpoint: Endpoint) {
        self.record.endpoint = endpoint;
    }

    pub fn model(&mut self, listed: &str, id: &ModelId) {
        self.record.model = listed.to_owned();
        self.record.model_id = Some(id.clone());
        self.show();
    }

    /// Notes that whoever asked records the request as a use of the model.
    pub fn recorded(&mut self) {
        self.record.is_recorded = true;
    }

    pub fn class(&mut self, class: Class) {
        self.record.class = class;
        self.show();
    }

    pub fn granted(&mut self) {
        self.granted = Some(clock::instant());
        self.record.is_granted = true;
        self.record.waited_ms = millis(self.began.elapsed());
        self.show();
    }

    /// Reads bytes of the answer.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let is_opening = self.record.first_token_ms.is_none() && openai::is_opening(bytes);
        let is_first = self.record.first_token_ms.is_none() && !is_opening;
        if is_first {
            self.record.first_token_ms = Some(millis(self.granted.unwrap_or(self.began).elapsed()));
            self.show();
        }
        let events = if is_opening { 0 } else { events(bytes) };
        self.is_stream = self.is_stream || events > 0;
        self.sum(events, self.record.first_token_ms.filter(|_| is_first));
        self.tail.push(bytes);
    }

    fn sum(&self, tokens: u64, first_token_ms: Option<u64>) {
        if let Some(model) = self.record.model_id.as_ref().filter(|_| tokens > 0 || first_token_ms.is_some()) {
            self.records.recent().add(model, tokens, first_token_ms);
        }
    }

    /// Notes the status of an answer that is passed on.
    pub fn status(&mut self, status: u16) {
        self.record.status = status;
    }

    pub fn fail(&mut self, problem: &Problem) {
        self.record.status = problem.status.as_u16();
        self.record.finish = format!("error: {}", problem.message);
    }

    /// Returns how long the request waited for a server.
    pub fn waited(&self) -> Duration {
        Duration::from_millis(self.record.waited_ms)
    }

    /// Notes the end of a request that generates nothing.
    pub fn finish(&mut self, how: &str) {
        self.record.finish = how.to_owned();
    }

    /// Notes that the answer is whole.
    pub fn end(&mut self) {
        let figures = self.tail.figures();
        self.record.prompt_tokens = figures.prompt_tokens;
        self.record.completion_tokens = figures.completion_tokens;
        self.record.tokens_per_second = figures.tokens_per_second;
        self.record.finish = figures.finish.unwrap_or_else(|| "stop".to_owned());
        if !self.is_stream {
            self.sum(self.record.completion_tokens.unwrap_or(0), None);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.granted.is_none() {
            self.record.waited_ms = millis(self.began.elapsed());
        }
        self.record.took_ms = millis(self.began.elapsed());
        if self.record.finish.is_empty() {
            self.record.finish = "client left".to_owned();
        }
        self.records.recent().end(self.number, &self.record);
        self.records.add(&self.record);
    }
}

/// Returns the number of events with data among bytes.
fn events(bytes: &[u8]) -> u64 {
    const DATA: &[u8] = b"data: {";
    let count = bytes.windows(DATA.len()).filter(|window| *window == DATA).count();
    u64::try_from(count).unwrap_or(u64::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The last bytes of an answer: they have its figures, which are read once, at its end.
#[derive(Debug, Default)]
struct Tail(Vec<u8>);

/// More than the last chunks of a stream together have.
const TAIL_BYTES: usize = 4 << 10;

#[derive(Debug, Default, PartialEq)]
struct Figures {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    tokens_per_second: Option<f64>,
    finish: Option<String>,
}

#[derive(Default, Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Timings {
    prompt_n: Option<u64>,
    cache_n: Option<u64>,
    predicted_n: Option<u64>,
    predicted_per_second: Option<f64>,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        let keep = bytes.len().saturating_sub(TAIL_BYTES);
        self.0.extend_from_slice(bytes.get(keep..).unwrap_or_default());
        // Cut only now and then, since it moves what is kept.
        if self.0.len() > 4 * TAIL_BYTES {
            self.0.drain(..self.0.len().saturating_sub(TAIL_BYTES));
        }
    }

    fn figures(&self) -> Figures {
        let text = String::from_utf8_lossy(&self.0);
        let usage: Usage = last(&text, "\"usage\":").unwrap_or_default();
        let timings: Timings = last(&text, "\"timings\":").unwrap_or_default();
        let computed = timings.prompt_n.map(|n| n.saturating_add(timings.cache_n.unwrap_or(0)));
        Figures {
            prompt_tokens: usage.prompt_tokens.or(computed),
            completion_tokens: usage.completion_tokens.or(timings.predicted_n),
            tokens_per_second: timings.predicted_per_second.filter(|rate| rate.is_finite()),
            finish: text.rfind("data: {\"error\":").map(|_| "error".to_owned()).or_else(|| reason(&text)),
        }
    }
}

fn reason(text: &str) -> Option<String> {
    text.rmatch_indices("\"finish_reason\":")
        .find_map(|(at, key)| read::<Option<String>>(text.get(at.saturating_add(key.len())..)?).flatten())
}

/// Reads the value after the last place of `key`.
fn last<T: for<'de> Deserialize<'de>>(text: &str, key: &str) -> Option<T> {
    text.rmatch_indices(key).find_map(|(at, _)| read(text.get(at.saturating_add(key.len())..)?))
}

/// Reads the value that a text begins with; `None` where it is no such value: it may be part of an answer's text.
fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Option<T> {
    T::deserialize(&mut serde_json::Deserializer::from_str(text)).ok() // as above
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_an_answer_are_read_from_its_end() {
        let mut tail = Tail::default();
        tail.push(&vec![b'x'; 100_000]);
        assert_eq!(tail.figures(), Figures::default());
        assert!(tail.0.len() <= 4 * TAIL_BYTES);
        tail.push(b"data: {\"choices\":[{\"finish_reason\":null,\"delta\":{\"content\":\"\\\"usage\\\":\"}}]}\n\n");
        tail.push(b"data: {\"choices\":[{\"finish_reason\":\"length\",\"delta\":{}}],\"timings\":{\"prompt_n\":3,\"cache_n\":2,");
        tail.push(b"\"predicted_n\":7,\"predicted_per_second\":12.5}}\n\ndata: [DONE]\n\n");
        let figures = tail.figures();
        assert_eq!((figures.prompt_tokens, figures.completion_tokens), (Some(5), Some(7)));
        assert_eq!((figures.tokens_per_second, figures.finish.as_deref()), (Some(12.5), Some("length")));
        tail.push(b"{\"data\":[],\"usage\":{\"prompt_tokens\":9,\"total_tokens\":9}}");
        assert_eq!(tail.figures().prompt_tokens, Some(9));
    }

    #[test]
    fn a_client_that_leaves_is_recorded_too_and_no_text_is() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let sender = Mutex::new(sender);
        let records = Records::new(move |record| sender.lock().unwrap().send(record.to_string()).unwrap());
        let mut meter = Meter::new(records.clone(), Endpoint::Chat, ("7".into(), "127.0.0.1".into()));
        meter.model("small", &ModelId("aaaaaaaaaaaa".into()));
        drop(meter);
        let line = receiver.recv().unwrap();
        assert!(
            line.starts_with("chat model=\"small\" class=normal status=200") && line.contains("client left"),
            "{line}"
        );
        let count = RequestCount { model: "small".into(), endpoint: Endpoint::Chat, status: 200, count: 1 };
        assert_eq!(records.counts(), [count]);
    }
}
