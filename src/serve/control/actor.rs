//! The deciding task: takes commands and news in, steps the state, and has done what follows.

use super::EventLog;
use super::ask::{Ask, Command, Grant, Server, ServerInfo, Started, Stopped};
use super::attached::AttachedServers;
use super::elsewhere::running_elsewhere;
use super::info::Attach;
use super::ledger::{self, Asked};
use super::manage::{self, Waiting};
use super::parked::{Parked, Parking};
use super::prepare::{Grown, files_now, flags_now, prepare, refuse};
use super::prepared::{Flags, Prepared};
use super::reserving::Reservation;
use super::sessions::Sessions;
use super::task::{News, Order};
use super::uses::Uses;
use super::watched::Watched;
use crate::clock;
use crate::config::LifecycleConfig;
use crate::http::Endpoint;
use crate::lifecycle::{Denial, End, EndClass, Event, Generation, Profile, ServerKey, Standing, State, WaiterId, Why};
use crate::model::DeviceBytes;
use crate::model::backoff::Jitter;
use crate::model::ledger::LoadId;
use crate::supervise::LogRing;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// The deciding task and its surroundings.
pub(super) struct Actor {
    pub(super) state: State,
    pub(super) began: Instant,
    pub(super) sessions: Sessions,
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    /// For grants, which release themselves.
    pub(super) to_commands: mpsc::UnboundedSender<Command>,
    /// Reservations are made one after the other: the first one that asks gets the memory.
    pub(super) to_ledger: mpsc::UnboundedSender<Reservation>,
    pub(super) news: mpsc::UnboundedReceiver<Internal>,
    pub(super) to_news: mpsc::UnboundedSender<Internal>,
    pub(super) servers: BTreeMap<ServerKey, Acting>,
    pub(super) prepared: HashMap<ServerKey, Arc<Prepared>>,
    /// The least context that a model is loaded with because a prompt was longer than its settings admit.
    pub(super) grown: HashMap<ServerKey, u32>,
    /// Those who wait until a model is prepared.
    pub(super) preparing: HashMap<ServerKey, Vec<Wanted>>,
    /// Those who wait, by what they wait for.
    pub(super) slots: HashMap<WaiterId, oneshot::Sender<Result<Grant, Denial>>>,
    pub(super) starts: HashMap<WaiterId, (Instant, oneshot::Sender<Result<Started, Denial>>)>,
    pub(super) stops: HashMap<WaiterId, (Instant, oneshot::Sender<Stopped>)>,
    pub(super) groups: HashMap<WaiterId, Group>,
    pub(super) answers: HashMap<WaiterId, Waiting>,
    pub(super) uses: Uses,
    pub(super) watched: Watched,
    pub(super) next_waiter: WaiterId,
    pub(super) board: watch::Sender<Arc<Vec<Server>>>,
    /// External servers, and their list for readers.
    pub(super) attached: AttachedServers,
    pub(super) attached_board: watch::Sender<Arc<Vec<Attach>>>,
    pub(super) events: EventLog,
    pub(super) throttle: watch::Sender<f64>,
    pub(super) beat: Beat,
    pub(super) over: Option<oneshot::Sender<()>>,
    pub(super) parking: Parking,
}

/// What is done for one server.
#[derive(Debug, Default)]
pub(super) struct Acting {
    pub(super) log: LogRing,
    pub(super) load: Option<(Generation, LoadId)>,
    /// What the last reservation was asked for.
    pub(super) needs: Vec<DeviceBytes>,
    pub(super) margin_factor: u32,
    pub(super) launched: Option<Arc<Prepared>>,
    pub(super) parked: Option<Parked>,
    pub(super) orders: Option<(Generation, mpsc::UnboundedSender<Order>)>,
    pub(super) ready: Option<(Generation, Instant, Endpoint, Arc<ServerInfo>)>,
    pub(super) death: Option<(Generation, watch::Sender<Option<Denial>>)>,
}

/// News from tasks that the actor started.
pub(super) enum Internal {
    /// A model was prepared for those who wait for that.
    Prepared {
        key: ServerKey,
        prepared: Result<Arc<Prepared>, Denial>,
    },
    /// What was refused once is not refused for the same reason any more.
    Wanted {
        wanted: Wanted,
        key: ServerKey,
    },
    Reserved {
        key: ServerKey,
        generation: Generation,
        asked: anyhow::Result<Asked>,
    },
    Withdrawn {
        key: ServerKey,
        generation: Generation,
    },
    Server(News),
    Denied {
        waiter: WaiterId,
        denial: Denial,
    },
    Grown(Box<Grown>),
    Managed(manage::Prepared),
    /// A server of somebody else has a model loaded that was to be started.
    Attach(Attach),
    Flags {
        key: ServerKey,
        flags: Flags,
    },
    Shutdown {
        grace: Duration,
        over: Option<oneshot::Sender<()>>,
    },
}

/// What a prepared model is for.
pub(super) enum Wanted {
    Slot {
        waiter: WaiterId,
        ask: Ask,
    },
    Start {
        waiter: WaiterId,
        may_evict: bool,
    },
    /// One start of several that are decided in one go.
    Member {
        waiter: WaiterId,
        group: WaiterId,
    },
}

impl Wanted {
    fn waiter(&self) -> WaiterId {
        match self {
            Wanted::Slot { waiter, .. } | Wanted::Start { waiter, .. } | Wanted::Member { waiter, .. } => *waiter,
        }
    }
}

/// Starts that wait until all of them are prepared: only then is it known which one needs the least memory.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) missing: usize,
    pub(super) prepared: Vec<(ServerKey, WaiterId, Profile)>,
}

/// What the loop calls again and again while it works, as a sign that it does.
pub struct Beat {
    pub every: Duration,
    pub beat: Box<dyn Fn() + Send>,
}

impl Actor {
    pub(super) async fn run(mut self) {
        let mut beats = tokio::time::interval(self.beat.every);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let deadline = self.state.deadline().and_then(|at| self.began.checked_add(at));
            let until = async {
                match deadline {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(command) = self.commands.recv() => self.command(command),
                Some(news) = self.news.recv() => self.internal(news),
                () = until => self.step(Event::Tick),
                _ = beats.tick() => (self.beat.beat)(),
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Acquire { waiter, ask, answer } => {
                if let Err((ask, answer)) = self.to_attached(ask, answer) {
                    self.slots.insert(waiter, answer);
                    self.want(ask.key.clone(), Wanted::Slot { waiter, ask });
                }
            }
            Command::Start { key, may_evict, answer } => {
                let waiter = self.new_waiter();
                self.starts.insert(waiter, (clock::instant(), answer));
                self.want(key, Wanted::Start { waiter, may_evict });
            }
            Command::StartAll { starts } => self.start_all(starts),
            Command::Stop { key, now, answer } => {
                self.unpark(&key);
                let waiter = self.new_waiter();
                self.stops.insert(waiter, (clock::instant(), answer));
                self.step(Event::Stop { waiter, key, now });
            }
            Command::Keep { key, idle, done } => {
                self.step(Event::Keep { key, idle });
                // The client may have gone.
                let _ = done.send(());
            }
            Command::Context { key, grow, answer } => self.set_context(key, grow, answer),
            Command::Refresh => self.refresh(),
            Command::Manage(command) => self.manage(command),
            Command::Seen(seen) => self.seen(seen),
            Command::Lost { id } => self.lost(&id),
            Command::Used { key, tokens } => self.step(Event::Used { key, tokens }),
            Command::Leave { waiter } => {
                self.slots.remove(&waiter);
                self.step(Event::Leave { waiter });
            }
        }
    }

    /// Reads the settings of all known servers again: pins and flags count at once, everything else at the next start.
    /// Thresholds count from the next reading of the machine on.
    fn refresh(&mut self) {
        let LifecycleConfig { thresholds, interval, .. } = self.sessions.config().lifecycle.clone();
        self.watched.interval = interval;
        if self.state.thresholds() != thresholds {
            self.step(Event::Thresholds(thresholds));
        }
        for key in self.servers.keys().cloned() {
            let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
            drop(tokio::spawn(async move {
                let of = key.clone();
                if let Ok(Some(flags)) = sessions.run(move |session| flags_now(session, &of)).await {
                    // Without the actor there is nothing to be changed.
                    let _ = to_news.send(Internal::Flags { key, flags });
                }
            }));
        }
    }

    pub(super) fn new_waiter(&mut self) -> WaiterId {
        self.next_waiter = self.next_waiter.saturating_add(1);
        self.next_waiter
    }

    /// Refuses what stays refused, and has the model prepared for everything else.
    pub(super) fn want(&mut self, key: ServerKey, wanted: Wanted) {
        let Wanted::Slot { waiter, ask } = &wanted else { return self.prepare(key, wanted) };
        let waiter = *waiter;
        match self.state.standing_refusal(self.began.elapsed(), &key, ask.is_retry) {
            None => self.prepare(key, wanted),
            Some(Standing { denial, files: None }) => self.deny(waiter, denial),
            Some(Standing { denial, files: Some(refused) }) => {
                let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
                drop(tokio::spawn(async move {
                    let of = key.clone();
                    let files = sessions.run(move |session| files_now(session, &of)).await;
                    // Without the actor nobody waits any more.
                    let _ = to_news.send(match files {
                        Ok(Some(files)) if files == refused => Internal::Denied { waiter, denial },
                        // The preparation says what is wrong.
                        _ => Internal::Wanted { wanted, key },
                    });
                }));
            }
        }
    }

    /// Has a model prepared: its files checked, its settings read, its memory estimated. Whoever comes meanwhile waits
    /// for the same, and a server that is under way has been prepared: a request for a loaded model waits for no file.
    fn prepare(&mut self, key: ServerKey, wanted: Wanted) {
        if let Some(prepared) = self.prepared.get(&key).filter(|_| self.state.is_under_way(&key)) {
            let prepared = Arc::clone(prepared);
            return self.prepared(key, wanted, Ok(prepared));
        }
        if let Some(waiting) = self.preparing.get_mut(&key) {
            return waiting.push(wanted);
        }
        self.preparing.insert(key.clone(), vec![wanted]);
        let (sessions, to_news) = (self.sessions.clone(), self.to_news.clone());
        let least = self.grown.get(&key).copied();
        drop(tokio::spawn(async move {
            let of = key.clone();
            let prepared = match sessions.run(move |session| prepare(session, &of, least)).await {
                Ok(prepared) => prepared.map(Arc::new),
                Err(error) => Err(refuse(Why::Failed, format!("{error:#}"))),
            };
            // Somebody may have started a server of this model where ours would be.
            if let Ok(prepared) = &prepared
                && let Some(attach) = running_elsewhere(&sessions, &key, prepared).await
            {
                let _ = to_news.send(Internal::Attach(attach)); // as above
            }
            // As above.
            let _ = to_news.send(Internal::Prepared { key, prepared });
        }));
    }

    fn prepared(&mut self, key: ServerKey, wanted: Wanted, prepared: Result<Arc<Prepared>, Denial>) {
        let prepared = match prepared {
            Ok(prepared) => self.with_footprint(&key, prepared),
            Err(denial) => {
                self.deny(wanted.waiter(), denial);
                if let Wanted::Member { group, .. } = wanted {
                    self.member(group, None);
                }
                return;
            }
        };
        if self.attached.of(&key).is_some() {
            return self.attached_instead(&key, wanted, &prepared.profile.name);
        }
        let profile = prepared.profile.clone();
        // What a server was started with stays what it has; a change counts at the next start.
        let is_ready = self.servers.get(&key).is_some_and(|acting| acting.ready.is_some());
        if !(is_ready && self.state.is_under_way(&key)) {
            self.prepared.insert(key.clone(), prepared);
        }
        match wanted {
            // The client may have gone meanwhile.
            Wanted::Slot { waiter, ask } => {
                if self.slots.contains_key(&waiter) {
                    let Ask { class, is_retry, .. } = ask;
                    self.step(Event::Acquire { waiter, key, class, is_retry, profile });
                }
            }
            Wanted::Start { waiter, may_evict } => self.step(Event::Start { waiter, key, may_evict, profile }),
            Wanted::Member { waiter, group } => self.member(group, Some((key, waiter, profile))),
        }
    }

    fn internal(&mut self, news: Internal) {
        match news {
            Internal::Prepared { key, prepared } => {
                for wanted in self.preparing.remove(&key).unwrap_or_default() {
                    self.prepared(key.clone(), wanted, prepared.clone());
                }
            }
            Internal::Wanted { wanted, key } => self.prepare(key, wanted),
            Internal::Reserved { key, generation, asked } => self.reserved(key, generation, asked),
            Internal::Withdrawn { key, generation } => self.step(Event::Stopped { key, generation }),
            Internal::Denied { waiter, denial } => self.refuse(waiter, denial),
            Internal::Grown(grown) => self.grown(*grown),
            Internal::Managed(prepared) => self.managed(prepared),
            Internal::Attach(attach) => self.attach(attach),
            Internal::Server(News::Attach(attach)) => self.attach_instead(attach),
            Internal::Flags { key, flags } => {
                let Some(prepared) = self.prepared.get_mut(&key) else { return };
                let mut profile = prepared.profile.clone();
                if flags.apply(&mut profile) {
                    Arc::make_mut(prepared).profile = profile.clone();
                    self.step(Event::Changed { key, profile });
                }
            }
            Internal::Server(News::Event(event)) => {
                if let Event::Ended { key, generation, .. } | Event::Stopped { key, generation } = &event {
                    self.forget(&key.clone(), *generation);
                }
                self.step(event);
            }
            Internal::Server(News::Ready { key, generation, endpoint, info }) => {
                let slots = info.slots;
                if let Some(acting) = self.servers.get_mut(&key) {
                    acting.ready = Some((generation, clock::instant(), endpoint, info));
                    acting.death = Some((generation, watch::Sender::new(None)));
                }
                self.step(Event::Ready { key, generation, slots });
            }
            Internal::Server(News::Measured { key, is_on_cpu, held }) => self.note_footprint(key, is_on_cpu, &held),
            Internal::Server(News::Parked { key, generation, kept }) => self.park(&key, generation, kept),
            Internal::Server(News::Gone { key }) => self.gone(&key),
            Internal::Shutdown { grace, over } => {
                self.watched.is_ending = true;
                self.over = over.or(self.over.take());
                self.step(Event::Shutdown { grace });
            }
        }
    }

    fn reserved(&mut self, key: ServerKey, generation: Generation, asked: anyhow::Result<Asked>) {
        match asked {
            Ok(Asked::Reserved(load)) => {
                self.parking.refused.retain(|of, _| *of != key);
                self.servers.entry(key.clone()).or_default().load = Some((generation, load));
                self.step(Event::Admitted { key: key.clone(), generation });
                // The load was given up while its memory was being reserved.
                let acting = self.servers.get_mut(&key);
                let is_launched = |acting: &Acting| acting.orders.as_ref().is_some_and(|(of, _)| *of == generation);
                let unused = acting
                    .filter(|acting| !is_launched(acting))
                    .and_then(|acting| acting.load.take_if(|(of, _)| *of == generation));
                if let Some((_, load)) = unused {
                    let sessions = self.sessions.clone();
                    // As in `withdraw`.
                    drop(tokio::spawn(async move { drop(sessions.run(move |s| ledger::release(s, load)).await) }));
                }
            }
            Ok(Asked::Refused(refusal)) if self.reserve_without_parked(&key, generation, &refusal.short) => {}
            Ok(Asked::Refused(refusal)) => self.step(Event::Refused { key, generation, refusal }),
            Err(error) => {
                // Nothing is loaded without a reservation. The next request tries again.
                let reason = format!("its memory cannot be reserved: {error:#}");
                let (last_log, exit_code) = (None, None);
                let end = End { class: EndClass::Spawn, reason, last_log, exit_code, jitter: Jitter::default() };
                self.step(Event::Admitted { key: key.clone(), generation });
                self.step(Event::Ended { key, generation, end });
            }
        }
    }

    /// Forgets what belonged to a start that is over.
    fn forget(&mut self, key: &ServerKey, generation: Generation) {
        let Some(acting) = self.servers.get_mut(key) else { return };
        acting.ready.take_if(|(of, ..)| *of == generation);
        acting.orders.take_if(|(of, _)| *of == generation);
        acting.load.take_if(|(of, _)| *of == generation);
    }

    pub(super) fn step(&mut self, event: Event) {
        let began = clock::instant();
        let effects = self.state.step(self.began.elapsed(), event);
        for effect in effects {
            self.act(effect);
        }
        self.throttle.send_replace(self.state.throttle_factor());
        self.show();
        self.turned(began);
    }
}
