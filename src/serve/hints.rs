//! What the daemon knows of its servers beyond its own life: read at its start, saved while it runs, and how popular
//! models are.

use super::catalog::{Catalogs, Entry, Resolved};
use super::control::{Control, EventReader, Known, Sessions};
use crate::clock::{self, Timestamp};
use crate::db::{Access, ServerHint};
use crate::lifecycle::{Event, Hint, ServerKey};
use crate::model::popularity::{REMEMBERED, popularity};
use crate::model::service::ID_PREFIX;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The time between two saves, and between two looks at the journal: no hint that is older is lost.
const EVERY: Duration = Duration::from_secs(55);
/// Milliseconds of an hour.
const HOUR: f64 = 3_600_000.0;

/// Words of `preload` that name no model.
const PINNED: &str = "pinned";
const LAST: &str = "last";

/// Where reports for a person go.
type Report = Arc<dyn Fn(String) + Send + Sync>;

/// Reads, saves and computes.
#[derive(Clone)]
pub struct Hints {
    pub control: Control,
    pub sessions: Sessions,
    pub report: Report,
}

impl Hints {
    /// Tells the deciding task what an earlier daemon knew. Returns the servers that were loaded when it was saved.
    pub async fn read(&self) -> Vec<ServerKey> {
        let hints = match self.sessions.run(|session| session.db(Access::ReadWrite)?.server_hints()).await {
            Ok(hints) => hints,
            Err(error) => {
                (self.report)(format!("cannot read the saved state of the servers: {error:#}"));
                return Vec::new();
            }
        };
        let now = clock::now();
        let loaded = hints.iter().filter(|hint| hint.is_loaded).map(key).collect();
        let hints: Vec<_> = hints.iter().map(|hint| (key(hint), read_back(hint, now))).collect();
        if !hints.is_empty() {
            self.control.news(Event::Hints(hints));
        }
        loaded
    }

    /// Has the models and services loaded that the config names, those that need the least memory first. `last`: those
    /// that were loaded before.
    pub async fn preload(&self, names: &[String], last: &[ServerKey], catalogs: &Catalogs) {
        let keys: Vec<ServerKey> = self.named(names, last, catalogs).into_iter().collect();
        if keys.is_empty() {
            return;
        }
        for denial in self.control.preload(keys).await {
            (self.report)(format!("not loaded at the start: {}", denial.message));
        }
    }

    fn named(&self, names: &[String], last: &[ServerKey], catalogs: &Catalogs) -> BTreeSet<ServerKey> {
        let catalog = catalogs.current();
        let of = |entry: &Arc<Entry>| ServerKey::main(entry.row.id.clone());
        let mut keys = BTreeSet::new();
        for name in names {
            match name.as_str() {
                PINNED => {
                    keys.extend(catalog.offered().map(|(_, entry)| entry).filter(|e| e.row.pinned).map(of));
                    let config = self.sessions.config();
                    let pinned = config.run_services.iter().filter(|service| service.pinned);
                    keys.extend(pinned.map(|service| ServerKey::service(&service.name)));
                }
                LAST => keys.extend(
                    last.iter()
                        .filter(|key| {
                            // One that is gone or disabled by now is no mistake of the config.
                            catalog.by_id(&key.model).is_none_or(|entry| entry.row.not_served().is_none())
                        })
                        .cloned(),
                ),
                name => match catalog.resolve(name) {
                    Resolved::One(entry) => drop(keys.insert(of(&entry))),
                    Resolved::Many(_) => (self.report)(format!("preload: `{name}` is ambiguous")),
                    Resolved::NotServed(_, why) => (self.report)(format!("preload: `{name}` {why}")),
                    Resolved::None => {
                        keys.extend([ServerKey::service(name.strip_prefix(ID_PREFIX).unwrap_or(name))]);
                    }
                },
            }
        }
        keys
    }

    /// Saves what has changed and computes popularity, now and then and whenever a server was unloaded, until the daemon
    /// ends.
    pub async fn keep(self, mut events: EventReader) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    self.save().await;
                    self.popularity().await;
                }
                event = events.next() => {
                    if matches!(event.happening.event, "model.unloaded" | "service.unloaded") {
                        self.save().await;
                    }
                }
            }
        }
    }

    /// Saves what has changed since the last time.
    pub async fn save(&self) {
        let Some(known) = self.control.changed_uses().await else { return };
        let now = clock::now();
        let hints: Vec<ServerHint> = known.into_iter().map(|known| saved(known, now)).collect();
        let saved = self.sessions.run(move |s| s.db(Access::ReadWrite)?.save_server_hints(&hints, now)).await;
        if let Err(error) = saved {
            self.control.uses_not_saved();
            (self.report)(format!("cannot save the state of the servers: {error:#}"));
        }
    }

    async fn popularity(&self) {
        let now = clock::now();
        let since = Timestamp(now.millis().saturating_sub(REMEMBERED.saturating_mul(HOUR as i64)));
        let uses = self.sessions.run(move |session| session.db(Access::ReadOnly)?.hourly_uses(since)).await;
        match uses {
            Ok(uses) => {
                let popular = popularity(&uses, now.millis() as f64 / HOUR);
                if !popular.is_empty() {
                    self.control.news(Event::Popularity(popular));
                }
            }
            Err(error) => (self.report)(format!("the uses of models cannot be read: {error:#}")),
        }
    }
}

fn key(hint: &ServerHint) -> ServerKey {
    ServerKey { model: hint.model.clone(), purpose: hint.purpose }
}

fn read_back(hint: &ServerHint, now: Timestamp) -> Hint {
    Hint {
        last_access: hint.last_access.map(|at| at.age(now)),
        access_count: hint.access_count,
        load_time: hint.load_time,
    }
}

fn saved(known: Known, now: Timestamp) -> ServerHint {
    let at = |idle: Duration| {
        let idle = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
        Timestamp(now.millis().saturating_sub(idle))
    };
    ServerHint {
        model: known.key.model,
        purpose: known.key.purpose,
        last_access: known.idle.map(at),
        access_count: known.access_count,
        load_time: known.load_time,
        is_loaded: known.is_loaded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::Purpose;

    /// After a kill a model would otherwise count as used later, or earlier, than it was.
    #[test]
    fn what_is_saved_is_read_back_as_it_was() {
        let known = Known {
            key: ServerKey { purpose: Purpose::Vectors, ..ServerKey::service("x") },
            idle: Some(Duration::from_secs(60)),
            access_count: 5,
            load_time: Some(Duration::from_secs(3)),
            is_loaded: true,
        };
        let hint = saved(known.clone(), Timestamp(1_000_000));
        assert_eq!(key(&hint), known.key);
        let expected = Hint {
            last_access: Some(Duration::from_secs(90)),
            access_count: 5,
            load_time: Some(Duration::from_secs(3)),
        };
        assert_eq!(read_back(&hint, Timestamp(1_030_000)), expected);
        let set_back = read_back(&hint, Timestamp(0));
        assert_eq!(set_back.last_access, Some(Duration::ZERO), "a clock that was set back invents no age");
    }
}
