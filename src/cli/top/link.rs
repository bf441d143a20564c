//! The way to the daemon, in threads of their own: one follows its stream, one asks what the stream does not tell, and each
//! order has one until it is carried out.

use super::super::server::{start, stop as stopping};
use super::local_clock;
use super::state::{Event, Order, Query, What};
use crate::clock;
use crate::config::Config;
use crate::failure::ErrorReport;
use crate::model::lifecycle::Status;
use crate::model::{ModelRow, State, Tier, TierLimits};
use crate::ops::Session;
use crate::ops::daemon::{Daemon, Follow, LiveModel, LiveNews, Logs, OffloadReply, about, sentences};
use crate::ops::list::{Filter, known};
use crate::supervise::StopSignal;
use crate::ui::ScreenEvent;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// Times between two tries to connect: asking a socket of this machine costs nothing.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Lines of a log; the daemon keeps as many.
const LINES: usize = 200;

/// What wakes the loop.
#[derive(Debug)]
pub enum Input {
    Event(Event),
    Screen(ScreenEvent),
    Stop,
}

/// The threads that ask the daemon.
#[derive(Debug)]
pub struct Link {
    config: Config,
    inbox: Sender<Input>,
    asked: Sender<Query>,
    stop: StopSignal,
}

impl Link {
    /// Starts to follow the daemon. What it says arrives in `inbox`.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(config: &Config, inbox: &Sender<Input>, stop: &StopSignal) -> io::Result<Link> {
        let (asked, queries) = channel();
        let link = Link { config: config.clone(), inbox: inbox.clone(), asked, stop: stop.clone() };
        let (config, inbox, stop) = (config.clone(), inbox.clone(), stop.clone());
        let asker = Asker { config: config.clone(), inbox: inbox.clone(), daemon: None };
        std::thread::Builder::new().name("stream".into()).spawn(move || follow(&config, &inbox, &stop))?;
        std::thread::Builder::new().name("asker".into()).spawn(move || asker.answer(&queries))?;
        Ok(link)
    }

    /// Has something asked.
    pub fn ask(&self, query: Query) {
        // The thread that answers ends with this value.
        drop(self.asked.send(query));
    }

    /// Has something done.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn carry_out(&self, order: Order) -> io::Result<()> {
        let (config, inbox, stop) = (self.config.clone(), self.inbox.clone(), self.stop.clone());
        let work = move || {
            let outcome = carry_out(&config, &order, &stop).map_err(|error| lines(&error));
            // The loop has ended when nobody takes it.
            drop(inbox.send(Input::Event(Event::Ended(order.key, outcome))));
        };
        std::thread::Builder::new().name("order".into()).spawn(work).map(drop)
    }
}

/// Returns an error as a person reads it.
pub fn lines(error: &anyhow::Error) -> Vec<String> {
    let report = ErrorReport::of(error);
    let causes = report.causes.iter().map(|cause| format!("  caused by: {cause}"));
    let hint = report.hint.iter().map(|hint| format!("hint: {hint}"));
    report.message.lines().map(str::to_owned).chain(causes).chain(hint).collect()
}

/// Reads what the daemon knows at this moment.
///
/// # Errors
/// There is no daemon, or it cannot be read.
pub fn snapshot(config: &Config) -> anyhow::Result<Option<LiveNews>> {
    let mut taken = None;
    Daemon::connect(config)?.watch(&StopSignal::new(), |news| {
        taken = Some(news);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(taken)
}

fn follow(config: &Config, inbox: &Sender<Input>, stop: &StopSignal) {
    let mut wait = FIRST_WAIT;
    while stop.reason().is_none() {
        let mut is_first = true;
        let ended = Daemon::connect(config).and_then(|daemon| {
            daemon.watch(stop, |news| {
                // Without what was there before, a change would say too little.
                let news = LiveNews { is_snapshot: news.is_snapshot || is_first, ..news };
                is_first = false;
                wait = FIRST_WAIT;
                Ok(match inbox.send(Input::Event(Event::Live(news))) {
                    Ok(()) => Follow::Continue(()),
                    Err(_) => Follow::Break(()),
                })
            })
        });
        let why = match ended {
            Ok(_) => vec!["the daemon closed the connection".to_owned()],
            Err(error) => lines(&error),
        };
        if inbox.send(Input::Event(Event::Lost(why))).is_err() || stop.wait_timeout(wait).is_some() {
            return;
        }
        wait = wait.saturating_mul(2).min(LONGEST_WAIT);
    }
}

/// Asks what the stream does not tell.
struct Asker {
    config: Config,
    inbox: Sender<Input>,
    daemon: Option<Daemon>,
}

impl Asker {
    fn answer(mut self, queries: &Receiver<Query>) {
        while let Ok(query) = queries.recv() {
            let event = match query {
                Query::Database => Event::Database(said(models(&self.config))),
                Query::Hour => Event::Hour(said(self.get("/api/history"))),
                Query::Queue => Event::Queue(said(self.get("/api/tasks"))),
                Query::Log(id) => {
                    let path = format!("/api/models/servers/{id}/logs?n={LINES}&follow=false");
                    let logs = self.get(&path).map(|logs: Logs| logs.lines);
                    Event::Log(id, said(logs))
                }
                Query::About(id) => {
                    let told = self.about(&id);
                    Event::About(id, said(told))
                }
            };
            if self.inbox.send(Input::Event(event)).is_err() {
                return;
            }
        }
    }

    fn get<T: DeserializeOwned>(&mut self, path: &str) -> anyhow::Result<T> {
        let daemon = match self.daemon.take() {
            Some(daemon) => daemon,
            None => Daemon::connect(&self.config)?,
        };
        // After an error it may be another daemon, of another database.
        let got = daemon.get(path)?;
        self.daemon = Some(daemon);
        Ok(got)
    }

    /// Returns the sentences of `modelctl why`.
    fn about(&mut self, id: &str) -> anyhow::Result<Vec<String>> {
        let status: Status = self.get("/api/lifecycle")?;
        let mut session = Session::new(self.config.clone(), clock::now());
        Ok(sentences(&about(&mut session, &status, id)?, &local_clock()))
    }
}

fn said<T>(outcome: anyhow::Result<T>) -> Result<T, String> {
    outcome.map_err(|error| lines(&error).join("; "))
}

/// Reads the models of the database.
///
/// # Errors
/// The database cannot be read.
pub fn models(config: &Config) -> anyhow::Result<Vec<LiveModel>> {
    let mut session = Session::new(config.clone(), clock::now());
    let rows = known(&mut session, &Filter::default())?;
    let there = rows.iter().filter(|row| row.state != State::Gone);
    Ok(there.map(|row| of_row(row, &config.tiers)).collect())
}

fn of_row(row: &ModelRow, limits: &TierLimits) -> LiveModel {
    LiveModel {
        id: row.id.to_string(),
        name: row.name.clone(),
        alias: row.alias.clone(),
        store: row.store.name().to_owned(),
        family: row.family.clone(),
        quant: row.quant.clone(),
        tier: row.tier(limits).map(Tier::name).map(str::to_owned),
        size_bytes: row.size,
        state: row.state.name().to_owned(),
        reason: row.reason.clone(),
        enabled: row.enabled,
        pinned: row.pinned,
        served: row.not_served().is_none(),
        last_used: row.last_used.map(|at| at.rfc3339()),
    }
}

/// Has the daemon do something, and waits for its end. Returns what was done, in a sentence.
fn carry_out(config: &Config, order: &Order, stop: &StopSignal) -> anyhow::Result<String> {
    let daemon = Daemon::connect(config)?;
    let Order { id, name, what, .. } = order;
    let done = match what {
        What::Start => daemon.start_server(id, stop, None)?.map(|reply| start::sentence(&reply)),
        What::Stop => daemon.stop_server(id, false, stop)?.map(|reply| stopping::sentence(&reply)),
        What::Restart => daemon.restart_server(id, false, stop, None)?.map(|reply| start::sentence(&reply)),
        What::Pin(pinned) => {
            let body = json!({ "pinned": pinned });
            let changed = daemon.patch_json::<Value>(&format!("/api/models/{id}"), &body, stop)?;
            let words = if *pinned { "is pinned" } else { "is no longer pinned" };
            changed.map(|_| format!("{name} {words}"))
        }
        What::Offload => {
            let body = json!({ "to": null });
            let reply = daemon.post_json::<OffloadReply>(&format!("/api/models/{id}/offload"), &body, stop)?;
            reply.map(|reply| super::super::lifecycle::offload::sentence(&reply, None))
        }
    };
    // It goes on in the daemon when this program ends.
    Ok(done.unwrap_or_else(|| format!("{name}: interrupted")))
}
