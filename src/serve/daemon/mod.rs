//! The daemon: listeners, handlers and the queue loop around the deciding task, from start to stop.

mod reload;
mod routes;
mod systemd;

use super::announce::{self, Hooks, Journal, Severity};
use super::api::{Api, Metrics};
use super::catalog::{self, Catalogs};
use super::control::{self, Control, EventLog, Sessions};
use super::gateway::{Gateway, Records};
use super::hints::Hints;
use super::listen::{Bound, Gate, Keys, Setup, bind, raise_open_files};
use super::ollama::Ollama;
use super::ports::Ports;
use super::task_servers::TaskServers;
use super::use_journal::UseJournal;
use super::watch::Watch;
use super::{Phase, capacity, instance_lock, queue_loop, read_headers};
use crate::clock;
use crate::config::{Config, ListenAddress, ServeConfig};
use crate::db::Access;
use crate::display::text;
use crate::failure::{Failure, Kind, OrFail};
use crate::host::daemon;
use crate::lifecycle::ServerKey;
use crate::model::Reading;
use crate::ops::run_tasks::Stops;
use crate::ops::{OpEvent, Session, Sink};
use crate::queue::executor::SharedServers;
use reload::Reload;
use sd_notify::NotifyState;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

const COMMAND: &str = "modelctl serve";

/// The most threads of the runtime. The daemon passes bytes on; what computes are the servers.
const THREADS: usize = 2;
/// The cores from which on a second thread pays: on fewer it costs every request more switches than it saves.
const CORES: usize = 4;

/// Events that wait to be printed. Lines of a log beyond them are dropped; whatever else has to be printed waits.
const EVENTS: usize = 1024;

/// Time that running requests have to finish after a stop is requested: below the 90 s of the unit.
const GRACE: Duration = Duration::from_secs(60);

/// Time that the last bytes of requests and answers may take.
const LAST_BYTES: Duration = Duration::from_secs(10);

/// Time that the servers of a daemon that was killed may take to end: they end with it.
const RECONCILE_LIMIT: Duration = Duration::from_secs(10);
const LEFT_BEHIND: &str = "a server of an earlier daemon is still running: its memory stays reserved until it ends";

/// What the daemon gets from its command line.
pub struct Options {
    /// Whether queued tasks are run.
    pub runs_tasks: bool,
    /// Reads the config again.
    pub reload: Box<dyn Fn() -> anyhow::Result<Config> + Send + Sync>,
    /// Changes with every request to read the config again.
    pub hangups: watch::Receiver<u64>,
}

/// Serves models and the queue until a stop is requested. [`OpEvent::RunEnded`] reports the result of each run of tasks.
///
/// # Errors
/// Errors at the start: the database cannot be used, an address is taken or may not be used, or (4) another daemon
/// serves the database. Later errors of the queue are reported once and the work is tried again.
pub fn serve(session: &mut Session, options: Options, stops: &Stops, on: &mut Sink<'_>) -> anyhow::Result<()> {
    session.db(Access::ReadWrite)?;
    let who = session.who(COMMAND);
    let _instance = instance_lock(&session.config.lock_dir, &who)?;
    session.take_notices().into_iter().for_each(&mut *on);
    if let Some(warning) = keys_without_use(&session.config.serve) {
        on(OpEvent::warning(warning));
    }
    // Everything from here on opens handles of its own.
    session.close_db();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(if cores < CORES { 1 } else { THREADS })
        .thread_name("serve")
        .enable_all()
        .build()
        .or_fail(|| Failure::new(Kind::Bug, "cannot start the threads of the daemon"))?;
    check_exposure(&session.config.serve)?;
    let keys = reload::keys(&session.config)?;
    if let Some(enough_for) = raise_open_files().filter(|files| *files < session.config.serve.limits.connections) {
        let wanted = session.config.serve.limits.connections;
        session.config.serve.limits.connections = enough_for;
        on(OpEvent::warning(format!(
            "the limit of open files is enough for {enough_for} connections, not for {wanted} (ulimit -n)"
        )));
    }
    let bound = {
        let _inside = runtime.enter();
        bind_all(&session.config.serve, &who)?
    };
    let config = Arc::new(session.config.clone());
    let (events, mut received) = mpsc::channel(EVENTS);
    let keys = watch::Sender::new(Arc::new(keys));
    let daemon = Daemon { config: watch::Sender::new(config), keys, events, stops: stops.clone(), options, who };
    let outcome = runtime.block_on(async {
        let mut work = std::pin::pin!(daemon.run(bound));
        loop {
            tokio::select! {
                Some(event) = received.recv() => on(event),
                outcome = &mut work => break outcome,
            }
        }
    });
    while let Ok(event) = received.try_recv() {
        on(event);
    }
    // What still runs are answers that nobody may wait for any longer.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

/// Refuses addresses that other machines reach when there is no file of keys.
fn check_exposure(serve: &ServeConfig) -> anyhow::Result<()> {
    match serve.listen.iter().find(|address| !address.is_local()) {
        Some(address) if serve.api_key_file.is_none() => {
            let message = format!("other machines can reach {address}, but there are no keys");
            Err(Failure::cannot_meet(message).hint("give a file of keys with --api-key-file").into())
        }
        _ => Ok(()),
    }
}

/// Returns the warning that a file of keys protects nothing: only clients that need no key reach these addresses.
fn keys_without_use(serve: &ServeConfig) -> Option<&'static str> {
    let is_local = serve.listen.iter().all(ListenAddress::is_local);
    (serve.api_key_file.is_some() && is_local && !serve.key_on_loopback)
        .then_some("clients on this machine need no key: `key_on_loopback = true` in [serve] demands one")
}

/// Binds all addresses, or none.
fn bind_all(serve: &ServeConfig, who: &str) -> anyhow::Result<Vec<(ListenAddress, Bound)>> {
    let socket = ListenAddress::Unix(serve.socket.clone());
    let rest = serve.listen.iter().filter(|address| **address != socket);
    let addresses = std::iter::once(&socket).chain(rest);
    addresses.map(|address| Ok((address.clone(), bind(address, who)?))).collect()
}

/// Has the settings of models read again whenever the catalog has changed: a pin counts at once.
fn follow_settings(control: Control, catalogs: Catalogs) {
    let mut changes = catalogs.watch();
    drop(tokio::spawn(async move {
        while changes.changed().await.is_ok() {
            control.refresh();
        }
    }));
}

struct Daemon {
    config: watch::Sender<Arc<Config>>,
    keys: watch::Sender<Arc<Keys>>,
    events: mpsc::Sender<OpEvent>,
    stops: Stops,
    options: Options,
    /// This process, for people.
    who: String,
}

impl Daemon {
    async fn run(mut self, bound: Vec<(ListenAddress, Bound)>) -> anyhow::Result<()> {
        let phase = watch::Sender::new(Phase::Starting);
        let sessions = Sessions::new(self.config.subscribe());
        let deciding = control::start(sessions.clone(), EventLog::default(), systemd::watchdog());
        let (config, keys) = (self.config.subscribe(), self.keys.subscribe());
        let gate = Gate::new(Setup { config, keys, phase: phase.subscribe(), log: self.log() });
        let journal = UseJournal::begin(sessions.clone(), self.warnings());
        let gateway = Arc::new(self.gateway(deciding.control.clone(), journal.clone())?);
        let Gateway { control, catalogs, config, records } = Gateway::clone(&gateway);
        let hints = Hints { control: control.clone(), sessions: sessions.clone(), report: Arc::new(self.warnings()) };
        let watch =
            Watch { sessions: sessions.clone(), catalogs: catalogs.clone(), control: control.clone(), log: self.log() };
        follow_settings(control.clone(), catalogs.clone());
        let ports = Ports::of_gateway(gate.clone(), &gateway);
        drop(tokio::spawn(ports.clone().follow(self.log())));
        let api = Arc::new(Api::new(control.clone(), catalogs.clone(), config, (records, ports.clone())));
        drop(tokio::spawn(Arc::clone(api.metrics()).follow(control.events().follow(Some(0)))));
        drop(tokio::spawn(api.keep_history()));
        let ollama = Arc::new(Ollama::new(Arc::clone(&gateway), sessions.clone()));
        let metrics = Arc::clone(api.metrics());
        let routes = routes::all(&gateway, Arc::clone(&api), (ollama, ports));
        let mut listening = Vec::new();
        for (address, bound) in bound {
            if matches!(address, ListenAddress::Tcp(_)) {
                let address = bound.address().unwrap_or(address);
                self.say(OpEvent::note(format!("listening on {address}"))).await;
            }
            listening.push(tokio::spawn(gate.clone().serve(bound, routes.clone())));
        }

        self.announce_events(&control);
        self.check_services().await;
        self.reconcile(&sessions).await;
        let last = hints.read().await;
        phase.send_replace(Phase::Serving);
        self.notify(NotifyState::Ready).await;
        drop(tokio::spawn(hints.clone().keep(control.events().follow(None))));
        drop(tokio::spawn({
            let (hints, names) = (hints.clone(), self.config.borrow().lifecycle.preload.clone());
            async move { hints.preload(&names, &last, &catalogs).await }
        }));
        let announced = self.announce().await;
        let database = self.config.borrow().database.clone();
        if !self.options.runs_tasks {
            self.say(OpEvent::note(format!("serving the models of {}", text::path(&database)))).await;
        }
        drop(tokio::spawn(watch.run()));
        drop(tokio::spawn(read_headers::follow(gateway.catalogs.clone(), sessions.clone())));
        self.tell_capacity(sessions.clone(), gateway.catalogs.clone());
        let mut queue = self.start_queue(Arc::new(TaskServers(control.clone())), metrics)?;
        let mut queue_ended = None;
        loop {
            tokio::select! {
                _ = self.stops.graceful.wait() => break,
                ended = &mut queue => {
                    queue_ended = Some(ended);
                    break;
                }
                Ok(()) = self.options.hangups.changed() => {
                    let report = Reload { config: &self.config, keys: &self.keys, load: &self.options.reload }.run();
                    deciding.control.refresh();
                    self.say(report).await;
                    self.check_services().await;
                }
            }
        }
        drop(announced);
        phase.send_replace(Phase::Stopping);
        self.notify(NotifyState::Stopping).await;
        let over = async {
            let (_, ended) = tokio::join!(deciding.shut_down(GRACE), async {
                match queue_ended {
                    Some(ended) => ended,
                    None => queue.await,
                }
            });
            // Every answer of a model has ended or was cut; what is left is the writing of it, and what the API answers.
            api.end_streams();
            // What takes longer is cut, as the rest of a stop is.
            let _ = tokio::time::timeout(LAST_BYTES, gate.idle()).await;
            tokio::join!(hints.save(), journal.flush());
            ended
        };
        let forced = async {
            self.stops.forced.wait().await;
            deciding.hurry(Duration::ZERO);
            std::future::pending().await
        };
        let ended = tokio::select! {
            ended = over => ended,
            never = forced => never,
        };
        listening.iter().for_each(tokio::task::JoinHandle::abort);
        for listener in listening {
            // Cancelled a line above; waited for so that the sockets are removed.
            let _ = listener.await;
        }
        ended.unwrap_or_else(|_| Err(Failure::new(Kind::Bug, "the queue loop ended unexpectedly").into()))
    }

    /// Says where models do not fit on this machine together, and keeps what each needs known, beside everything else.
    fn tell_capacity(&self, sessions: Sessions, catalogs: Catalogs) {
        let (events, warn) = (self.events.clone(), self.warnings());
        drop(tokio::spawn(async move {
            match capacity::check(&sessions, &catalogs).await {
                Ok(Some(told)) => {
                    // As a line of the log.
                    let _ = events.try_send(told);
                }
                Ok(None) => {}
                Err(error) => warn(format!("the memory needed by all models together is unknown: {error:#}")),
            }
            capacity::follow(sessions, catalogs).await;
        }));
    }

    /// Warns of services that cannot be started: the first request for one would be the first to tell.
    async fn check_services(&self) {
        let config = Arc::clone(&self.config.borrow());
        for service in &config.run_services {
            if let Reading::Unavailable(why) = &service.program {
                let warning = format!("the service {} cannot be started: {why}", service.name);
                self.say(OpEvent::warning(text::clean(&warning))).await;
            }
        }
    }

    /// Gives back the memory of servers of an earlier daemon that was killed, once their processes have ended.
    async fn reconcile(&self, sessions: &Sessions) {
        let deadline = clock::instant().checked_add(RECONCILE_LIMIT);
        loop {
            match sessions.run(control::reconcile).await {
                Ok(true) if deadline.is_some_and(|at| clock::instant() < at) => {}
                Ok(true) => return self.say(OpEvent::warning(LEFT_BEHIND)).await,
                Ok(false) => return,
                Err(error) => return self.say(OpEvent::warning(text::clean(&format!("{error:#}")))).await,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Names this process to other commands on the same database.
    async fn announce(&self) -> Option<daemon::Announced> {
        let config = Arc::clone(&self.config.borrow());
        let announced = daemon::announce(&config.lock_dir, &config.serve.socket, self.options.runs_tasks, &self.who);
        match announced {
            Ok(announced) => Some(announced),
            Err(error) => {
                self.say(OpEvent::warning(format!("other commands cannot find this daemon: {error}"))).await;
                None
            }
        }
    }

    /// Has every event written to the journal or the log, and given to the program of the config.
    fn announce_events(&self, control: &Control) {
        let journal = Journal::of(self.config.borrow().journal_stream.as_deref());
        let events = self.events.clone();
        let log = move |severity, line: String| {
            let line = text::clean(&line).into_owned();
            // As a line of the log, below.
            let _ = events.try_send(match severity {
                Severity::Error | Severity::Warning => OpEvent::warning(line),
                Severity::Notice | Severity::Info => OpEvent::note(line),
            });
        };
        drop(tokio::spawn(announce::follow(control.events().follow(Some(0)), journal, log)));
        let hooks = Hooks { config: self.config.subscribe(), report: Arc::new(self.warnings()) };
        drop(tokio::spawn(hooks.follow(control.events().follow(Some(0)))));
    }

    /// Returns what writes a line of the log.
    fn log(&self) -> Arc<dyn Fn(String) + Send + Sync> {
        let events = self.events.clone();
        Arc::new(move |line| {
            // A log that nobody reads fast enough loses lines; no request waits for it.
            let _ = events.try_send(OpEvent::note(text::clean(&line)));
        })
    }

    /// Returns what prints a warning. It waits for nobody.
    fn warnings(&self) -> impl Fn(String) + Send + Sync + 'static {
        let events = self.events.clone();
        move |line| {
            // As a line of the log.
            let _ = events.try_send(OpEvent::warning(text::clean(&line)));
        }
    }

    fn gateway(&self, control: Control, journal: UseJournal) -> anyhow::Result<Gateway> {
        let log = self.log();
        let of_records = control.clone();
        let records = Records::new(move |record| {
            log(record.to_string());
            journal.add(record);
            if let Some((id, tokens)) = record.used() {
                of_records.used(ServerKey::main(id.clone()), tokens);
            }
        });
        let reports = self.events.clone();
        let database = self.config.borrow().database.clone();
        let catalogs = catalog::follow(database, self.stops.graceful.clone(), move |report| {
            // Without a receiver the daemon has ended.
            let _ = reports.blocking_send(OpEvent::warning(text::clean(&report)));
        })?;
        Ok(Gateway { control, catalogs, config: self.config.subscribe(), records })
    }

    /// Runs the queue on a thread of its own. The receiver gets its end.
    fn start_queue(
        &self,
        servers: Arc<dyn SharedServers>,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<oneshot::Receiver<anyhow::Result<()>>> {
        let (ended, end) = oneshot::channel();
        let stops = self.stops.clone();
        if !self.options.runs_tasks {
            tokio::spawn(async move {
                stops.graceful.wait().await;
                // The receiver waits for it, unless the daemon has ended.
                let _ = ended.send(Ok(()));
            });
            return Ok(end);
        }
        let (config, events) = (self.config.subscribe(), self.events.clone());
        let work = move || {
            let first = config.borrow().as_ref().clone();
            let mut session = Session::new(first, clock::now());
            let done = queue_loop::run(&mut session, config, (&stops, &servers), &mut |event| {
                metrics.task(&event);
                // Without a receiver the daemon has ended.
                let _ = events.blocking_send(event);
            });
            // As above.
            let _ = ended.send(done);
        };
        let thread = std::thread::Builder::new().name("queue".into()).spawn(work);
        thread.or_fail(|| Failure::new(Kind::Bug, "cannot start the thread of the queue"))?;
        Ok(end)
    }

    async fn say(&self, event: OpEvent) {
        // The receiver is on the stack above.
        let _ = self.events.send(event).await;
    }

    /// Notifies systemd if it started this process; otherwise does nothing.
    async fn notify(&self, state: NotifyState<'_>) {
        if let Err(error) = sd_notify::notify(&[state]) {
            self.say(OpEvent::warning(format!("systemd cannot be notified: {error}"))).await;
        }
    }
}
