//! What happened to servers, kept for whoever follows.

use crate::clock::{self, Timestamp};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The number of events that are kept.
const KEPT: usize = 1_000;

/// Something that happened: `model.loaded`, `model.crash`, `scan.progress`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Happening {
    pub event: &'static str,
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

impl Happening {
    /// Creates an event with the members of a JSON object; anything else adds none.
    pub fn new(event: &'static str, fields: Value) -> Happening {
        let mut fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        // A client could not read an object with a member twice.
        for member in ["id", "at", "event"] {
            let is_own = fields.remove(member).is_some();
            debug_assert!(!is_own, "{event} has a member `{member}` of its own");
        }
        Happening { event, fields }
    }
}

/// An event with its number and time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Numbered {
    /// Counts from 1 in this run of the daemon, without gaps.
    pub id: u64,
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    #[serde(flatten)]
    pub happening: Happening,
}

/// Writes a time as all documents of the API have it.
fn rfc3339<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&at.rfc3339())
}

/// The last 1,000 events.
#[derive(Debug, Clone)]
pub struct EventLog {
    kept: Arc<Mutex<Kept>>,
    newest: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct Kept {
    events: VecDeque<Arc<Numbered>>,
    last: u64,
}

impl Default for EventLog {
    fn default() -> Self {
        EventLog { kept: Arc::default(), newest: Arc::new(watch::Sender::new(0)) }
    }
}

impl EventLog {
    pub fn add(&self, happening: Happening) {
        let id = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.last = kept.last.saturating_add(1);
            let event = Numbered { id: kept.last, at: clock::now(), happening };
            kept.events.push_back(Arc::new(event));
            if kept.events.len() > KEPT {
                kept.events.pop_front();
            }
            kept.last
        };
        self.newest.send_replace(id);
    }

    /// Returns the last `limit` events, oldest first.
    pub fn last(&self, limit: usize) -> Vec<Arc<Numbered>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = kept.events.len().saturating_sub(limit);
        kept.events.iter().skip(skip).cloned().collect()
    }

    /// Follows the events after the one with this number; `None` means only those to come.
    pub fn follow(&self, after: Option<u64>) -> EventReader {
        let newest = self.newest.subscribe();
        let seen = after.unwrap_or(*newest.borrow());
        EventReader { log: self.clone(), newest, seen }
    }
}

/// Reads events as they come.
#[derive(Debug)]
pub struct EventReader {
    log: EventLog,
    newest: watch::Receiver<u64>,
    seen: u64,
}

impl EventReader {
    /// Returns the next event. Those that were dropped before they were read are left out: their numbers are missing.
    pub async fn next(&mut self) -> Arc<Numbered> {
        loop {
            {
                let kept = self.log.kept.lock().unwrap_or_else(PoisonError::into_inner);
                // A number of an earlier run of the daemon is larger than all of this one.
                let after = if self.seen > kept.last { 0 } else { self.seen };
                let at = kept.events.partition_point(|event| event.id <= after);
                if let Some(event) = kept.events.get(at) {
                    self.seen = event.id;
                    return Arc::clone(event);
                }
            }
            // The log that holds the sender lives as long as this reader.
            let _ = self.newest.changed().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(n: u64) -> Happening {
        Happening::new("model.loaded", json!({"n": n}))
    }

    #[tokio::test]
    async fn a_client_that_comes_back_gets_what_it_missed_and_no_event_twice() {
        let log = EventLog::default();
        (1..=3).for_each(|n| log.add(event(n)));
        let mut reader = log.follow(Some(1));
        assert_eq!((reader.next().await.id, reader.next().await.id), (2, 3));
        let mut new_only = log.follow(None);
        log.add(event(4));
        assert_eq!((reader.next().await.id, new_only.next().await.id), (4, 4));
        assert_eq!(log.last(2).iter().map(|e| e.id).collect::<Vec<_>>(), [3, 4]);
    }

    #[tokio::test]
    async fn of_many_events_the_last_thousand_are_kept_and_an_id_of_an_earlier_run_starts_over() {
        let log = EventLog::default();
        (1..=1_500).for_each(|n| log.add(event(n)));
        assert_eq!(log.last(9_999).len(), KEPT);
        assert_eq!(log.follow(Some(3)).next().await.id, 501);
        assert_eq!(log.follow(Some(80_000)).next().await.id, 501);
    }
}
