//! What a page shows, as one stream: a snapshot of rows, then those that change. It is looked at only while somebody
//! reads the stream, for all readers together, and at most four times a second.
//!
//! Absent on purpose: what is decided; rows are made of what the deciding task and the catalog publish.

mod board;
mod rows;

use super::{Api, servers, stream};
use crate::clock::{self, Timestamp};
use crate::config::Config;
use crate::model::lifecycle::Status;
use crate::serve::catalog::{Catalog, Entry};
use crate::serve::control::{Server, ServerInfo};
use crate::serve::page;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use board::{Board, Missing, News};
use rows::Measured;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The time between two changes of a stream.
const STEP: Duration = Duration::from_millis(250);
/// The time after which the status is asked for again although no server has changed, and that the deciding task has for it.
const STATUS: Duration = Duration::from_secs(1);
/// The time between two measurements of the memory of processes.
const MEASURE: Duration = Duration::from_secs(5);
/// The events that a page gets.
const EVENTS: usize = 300;

/// What the streams share.
#[derive(Debug)]
pub(super) struct Live {
    /// Tells the versions of this run of the daemon from those of another.
    run: String,
    began: Timestamp,
    host: String,
    seen: Mutex<Seen>,
    measured: Arc<StdMutex<Measured>>,
}

/// What was seen at the last look.
#[derive(Debug, Default)]
struct Seen {
    board: Board,
    at: Option<Instant>,
    asked: Option<Instant>,
    measured: Option<Instant>,
    catalog: Option<(Arc<Catalog>, Arc<Config>)>,
    servers: Option<Arc<Vec<Server>>>,
    last_event: u64,
    requests: Option<u64>,
    needs: u64,
}

impl Live {
    pub fn new() -> Live {
        let began = clock::now();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let run = format!("{:x}", began.millis());
        Live { run, began, host, seen: Mutex::default(), measured: Arc::default() }
    }

    /// Reads the id of an event of this run.
    fn version(&self, id: &str) -> Option<u64> {
        let (run, version) = id.trim().split_once('-')?;
        version.parse().ok().filter(|_| run == self.run) // an id of another run is none of ours
    }

    fn event(&self, news: &News) -> String {
        let event = if news.is_snapshot { "snapshot" } else { "change" };
        let (run, version, now) = (&self.run, news.version, clock::now().rfc3339());
        format!("id: {run}-{version}\nevent: {event}\ndata: {{\"now\":\"{now}\",{}}}\n\n", news.json)
    }
}

/// `GET /api/stream`: all rows, or those that changed after `Last-Event-ID`; then what changes.
pub(super) async fn stream(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    let id = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let seen = id.and_then(|id| api.live.version(id));
    let next = |(api, mut seen, mut is_first): (Arc<Api>, Option<u64>, bool)| async move {
        loop {
            if !is_first {
                tokio::time::sleep(STEP).await;
            }
            let news = api.news(seen).await;
            // One who comes back is told at once that what it has seen still holds.
            let news = news.or_else(|| seen.filter(|_| is_first).map(News::none));
            is_first = false;
            if let Some(news) = news {
                seen = Some(news.version);
                return Some((api.live.event(&news), (api, seen, false)));
            }
        }
    };
    let events = futures_util::stream::unfold((Arc::clone(&api), seen, true), next);
    stream::response(&api, events)
}

impl Api {
    /// Looks at what there is, unless somebody has just done so, and returns what has changed after a version.
    async fn news(&self, version: Option<u64>) -> Option<News> {
        let mut seen = self.live.seen.lock().await;
        let now = clock::instant();
        if seen.at.is_none_or(|at| now.saturating_duration_since(at) >= STEP / 2) {
            seen.at = Some(now);
            self.look(&mut seen, now).await;
        }
        seen.board.after(version)
    }

    async fn look(&self, seen: &mut Seen, now: Instant) {
        let (catalog, config) = (self.catalogs.current(), self.config());
        let is_known =
            seen.catalog.as_ref().is_some_and(|(old, of)| Arc::ptr_eq(old, &catalog) && Arc::ptr_eq(of, &config));
        let needs = self.catalogs.needs().version();
        if !is_known || seen.needs != needs {
            let need = |entry: &Entry| self.catalogs.needs().of(entry, &config.recorded_settings(&entry.row));
            let models = catalog.all().iter().map(|entry| (&entry.row, need(entry)));
            seen.board.take("model", rows::models(models, &config.tiers), Missing::Gone);
            seen.needs = needs;
            seen.catalog = Some((catalog, Arc::clone(&config)));
        }
        let events = self.control.events().last(EVENTS);
        let last = events.last().map_or(0, |event| event.id);
        if last != seen.last_event {
            seen.last_event = last;
            seen.board.take("event", rows::events(events.iter().map(|event| &**event)), Missing::Old);
        }
        let recent = self.metrics.records().recent();
        if seen.requests != Some(recent.version()) {
            seen.requests = Some(recent.version());
            seen.board.take("request", rows::requests(&recent.rows()), Missing::Old);
        }
        let servers = self.control.servers();
        let is_old = seen.asked.is_none_or(|at| now.saturating_duration_since(at) >= STATUS);
        let is_other = seen.servers.as_ref().is_none_or(|old| !Arc::ptr_eq(old, &servers));
        if !is_old && !is_other {
            return;
        }
        seen.asked = Some(now);
        self.measure(seen, &servers, now);
        // Without an answer the rows stay what they were: the deciding task is busy, or the daemon is stopping.
        let Ok(Ok(status)) = tokio::time::timeout(STATUS, self.control.status()).await else { return };
        let measured = self.live.measured.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of_servers = rows::servers(&status, &servers, &measured, |model| self.ports.of(model));
        seen.board.take("daemon", rows::only(&self.daemon_row(&status, &config)), Missing::Gone);
        seen.board.take("machine", rows::machine(&status), Missing::Gone);
        seen.board.take("server", of_servers, Missing::Gone);
        seen.board.take("rate", rows::rates(&self.history.rates()), Missing::Gone);
        seen.board.take("external", rows::externals(&status), Missing::Gone);
        seen.board.take("decision", rows::decisions(&status), Missing::Old);
        seen.servers = Some(servers);
    }

    fn daemon_row(&self, status: &Status, config: &Config) -> Value {
        json!({
            "host": self.live.host,
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "started_at": self.live.began.rfc3339(),
            "page": page::hash(),
            "node_tier": status.node_tier,
            "ram_budget": config.memory.ram,
            "vram_budget": config.memory.vram,
        })
    }

    /// Has the memory of the processes measured, apart: a driver that hangs holds up no stream.
    fn measure(&self, seen: &mut Seen, servers: &[Server], now: Instant) {
        if seen.measured.is_some_and(|at| now.saturating_duration_since(at) < MEASURE) {
            return;
        }
        // The last measurement still runs.
        if Arc::strong_count(&self.live.measured) > 1 {
            return;
        }
        seen.measured = Some(now);
        let infos: Vec<Arc<ServerInfo>> = servers.iter().filter_map(|server| server.info.clone()).collect();
        let measured = Arc::clone(&self.live.measured);
        drop(tokio::task::spawn_blocking(move || {
            let all = infos.iter().filter_map(|info| Some((info.pid, servers::memory_of(info)?))).collect();
            *measured.lock().unwrap_or_else(PoisonError::into_inner) = all;
        }));
    }
}
