use super::live::LiveNews;
use super::refused;
use super::reply::{DaemonInfo, ServerRow, Servers};
use crate::config::Config;
use crate::display::text;
use crate::failure::{Failure, Kind, OrFail};
use crate::host::named_lock::{INSTANCE_LOCK, NamedLock};
use crate::http::{Endpoint, HttpError, Limits, NamedEvent, Request, SseEvent, open};
use crate::model::ModelId;
use crate::supervise::StopSignal;
use bytes::Bytes;
use hyper::Method;
use serde::de::DeserializeOwned;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Runtime;

/// The time for a connection and for answers that do not wait for a server.
const LIMIT: Duration = Duration::from_secs(10);
/// The time between two checks for an interruption, and between two reports of progress.
const TICK: Duration = Duration::from_millis(100);
/// The time after which a stream that has said nothing counts as lost; the daemon says something every 15 seconds.
const SILENCE: Duration = Duration::from_secs(20);
/// Bytes of the longest change of the live stream: a snapshot has some KiB for each model.
const LIVE_BYTES: usize = 64 << 20;

/// The time for the news of settings that have changed.
const TOLD: Duration = Duration::from_secs(2);

/// Continues or ends the reading of a stream.
pub type Follow = ControlFlow<()>;

/// What is called with the servers as they are, while a command waits.
pub type OnServers<'a> = &'a mut dyn FnMut(&[ServerRow]);

/// The daemon of this database.
#[derive(Debug)]
pub struct Daemon {
    socket: PathBuf,
    runtime: Runtime,
    pub info: DaemonInfo,
}

impl Daemon {
    /// Connects to the daemon at the configured socket.
    ///
    /// # Errors
    /// Cannot be met (3) where no daemon serves the database of this configuration.
    pub fn connect(config: &Config) -> anyhow::Result<Daemon> {
        Daemon::find(config)?.ok_or_else(|| none(config).into())
    }

    /// As [`Daemon::connect`]; returns `None` where nobody listens at the socket.
    ///
    /// # Errors
    /// Whoever listens cannot be asked, or serves another database.
    pub fn find(config: &Config) -> anyhow::Result<Option<Daemon>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .or_fail(|| Failure::new(Kind::Bug, "cannot start the daemon client"))?;
        let socket = config.serve.socket.clone();
        let asked = runtime.block_on(fetch(&socket, Method::GET, "/api/daemon", Some(LIMIT)));
        let body = match asked {
            Ok(body) => body,
            Err(Failed::Http(HttpError::Refused)) => return Ok(None),
            Err(failed) => return Err(failed.into_failure(&socket).into()),
        };
        let info: DaemonInfo = parse(&body)?;
        let served = Path::new(&info.database);
        if !is_same_file(served, &config.database) {
            let message = format!("no daemon is running for this database: {}", text::path(&config.database));
            let other =
                format!("the daemon at {} (process {}) serves {}", text::path(&socket), info.pid, text::path(served));
            return Err(Failure::cannot_meet(message).hint(other).into());
        }
        Ok(Some(Daemon { socket, runtime, info }))
    }

    /// Asks for a document.
    ///
    /// # Errors
    /// The daemon cannot be asked, or refuses.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let body = self.runtime.block_on(fetch(&self.socket, Method::GET, path, Some(LIMIT)));
        parse(&body.map_err(|failed| failed.into_failure(&self.socket))?)
    }

    /// Sends a command that takes as long as it needs. `on` is called with the servers several times a second, unless
    /// it is `None`. The command goes on in the daemon after an interruption.
    ///
    /// # Errors
    /// As [`Daemon::get`]; `None` is returned after an interruption.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        stop: &StopSignal,
        on: Option<OnServers>,
    ) -> anyhow::Result<Option<T>> {
        self.command((Method::POST, path, Bytes::new()), stop, on)
    }

    /// As [`Daemon::post`], with a document.
    ///
    /// # Errors
    /// As [`Daemon::post`].
    pub fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
        stop: &StopSignal,
    ) -> anyhow::Result<Option<T>> {
        self.command((Method::POST, path, body.to_string().into()), stop, None)
    }

    /// Changes what a document names.
    ///
    /// # Errors
    /// As [`Daemon::post`].
    pub fn patch_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
        stop: &StopSignal,
    ) -> anyhow::Result<Option<T>> {
        self.command((Method::PATCH, path, body.to_string().into()), stop, None)
    }

    fn command<T: DeserializeOwned>(
        &self,
        (method, path, body): (Method, &str, Bytes),
        stop: &StopSignal,
        mut on: Option<OnServers>,
    ) -> anyhow::Result<Option<T>> {
        let done = self.runtime.block_on(async {
            let command = send(&self.socket, (method, path, body), None);
            tokio::pin!(command);
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    done = &mut command => return Some(done),
                    _ = ticks.tick() => {
                        if stop.reason().is_some() {
                            return None;
                        }
                        let Some(on) = &mut on else { continue };
                        // Progress that cannot be read is not shown; the command itself reports errors.
                        if let Ok(body) = fetch(&self.socket, Method::GET, "/api/models/servers", Some(LIMIT)).await
                            && let Ok(servers) = parse::<Servers>(&body)
                        {
                            on(&servers.servers);
                        }
                    }
                }
            }
        });
        match done {
            None => Ok(None),
            Some(body) => parse(&body.map_err(|failed| failed.into_failure(&self.socket))?).map(Some),
        }
    }

    /// Reads a stream of events until its end, an interruption, or a `Break`. Returns whether it was interrupted.
    ///
    /// # Errors
    /// As [`Daemon::get`], and the first error of `on`.
    pub fn follow<T: DeserializeOwned>(
        &self,
        path: &str,
        stop: &StopSignal,
        mut on: impl FnMut(T) -> anyhow::Result<Follow>,
    ) -> anyhow::Result<bool> {
        self.events((path, None), stop, |event| on(parse(event.1.as_bytes())?))
    }

    /// Reads all that the daemon knows, and then what changes, as [`Daemon::follow`] does. A daemon that says nothing for 20
    /// seconds counts as lost.
    ///
    /// # Errors
    /// As [`Daemon::follow`].
    pub fn watch(
        &self,
        stop: &StopSignal,
        mut on: impl FnMut(LiveNews) -> anyhow::Result<Follow>,
    ) -> anyhow::Result<bool> {
        self.events(("/api/stream", Some(SILENCE)), stop, |(name, data)| {
            on(LiveNews { is_snapshot: name == "snapshot", ..parse(data.as_bytes())? })
        })
    }

    fn events(
        &self,
        (path, idle): (&str, Option<Duration>),
        stop: &StopSignal,
        mut on: impl FnMut((String, String)) -> anyhow::Result<Follow>,
    ) -> anyhow::Result<bool> {
        self.runtime.block_on(async {
            let request = Request::get(Endpoint::Unix(self.socket.clone()), path);
            let limits = Limits { connect: Some(LIMIT), head: Some(LIMIT), idle, ..Limits::UNTIMED };
            let failed = |error| Failed::Http(error).into_failure(&self.socket);
            let mut stream = open(request, limits).await.map_err(failed)?.with_events_of(LIVE_BYTES);
            if !stream.status.is_success() {
                let body = stream.whole().await.map_err(failed)?;
                return Err(refused(stream.status.as_u16(), &body).into());
            }
            let mut ticks = tokio::time::interval(TICK);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    event = stream.named_event() => match event.map_err(failed)? {
                        None => return Ok(false),
                        Some(NamedEvent { event: SseEvent::Comment(_), .. }) => {}
                        Some(NamedEvent { name, event: SseEvent::Data(data) }) => {
                            if on((name, data))?.is_break() {
                                return Ok(false);
                            }
                        }
                    },
                    _ = ticks.tick() => {
                        if stop.reason().is_some() {
                            return Ok(true);
                        }
                    }
                }
            }
        })
    }
}

/// Has the daemon of this configuration, if one runs, use settings of a model that were just written. It finds them by
/// itself a second later, so nothing is said where it cannot be told.
pub fn settings_changed(config: &Config, model: &ModelId) {
    let socket = &config.serve.socket;
    if !socket.exists() {
        return;
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    // A change of nothing: what is there now is read.
    let path = format!("/api/models/{model}");
    let change = send(socket, (Method::PATCH, &path, Bytes::from_static(b"{}")), Some(TOLD));
    let told = async { tokio::time::timeout(TOLD, change).await };
    drop(runtime.block_on(told)); // as above
}

/// The reason why there is no document.
enum Failed {
    Http(HttpError),
    Refused(Failure),
}

impl Failed {
    fn into_failure(self, socket: &Path) -> Failure {
        match self {
            Failed::Refused(failure) => failure,
            Failed::Http(error) => {
                let hint = "start it with `modelctl serve`; its log says why it stopped";
                Failure::busy(format!("the daemon at {} {error}", text::path(socket))).hint(hint)
            }
        }
    }
}

async fn fetch(socket: &Path, method: Method, path: &str, limit: Option<Duration>) -> Result<Bytes, Failed> {
    send(socket, (method, path, Bytes::new()), limit).await
}

async fn send(
    socket: &Path,
    (method, path, body): (Method, &str, Bytes),
    limit: Option<Duration>,
) -> Result<Bytes, Failed> {
    let request = Request::new(Endpoint::Unix(socket.to_owned()), method, path, body);
    let limits = Limits { connect: Some(LIMIT), head: limit, idle: limit, ..Limits::UNTIMED };
    let mut response = open(request, limits).await.map_err(Failed::Http)?;
    let body = response.whole().await.map_err(Failed::Http)?;
    match response.status.is_success() {
        true => Ok(body),
        false => Err(Failed::Refused(refused(response.status.as_u16(), &body))),
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body).or_fail(|| Failure::engine("cannot read the daemon's answer: is it another version?"))
}

fn none(config: &Config) -> Failure {
    let database = text::path(&config.database);
    if let Some((message, hint)) = elsewhere(config) {
        return Failure::cannot_meet(message).hint(hint);
    }
    let hint = format!("start one with `modelctl serve`; nothing listens on {}", text::path(&config.serve.socket));
    Failure::cannot_meet(format!("no daemon is running for this database: {database}")).hint(hint)
}

/// Returns what to say, and what to do, where a daemon seems to serve the database at another socket: it was started
/// with another runtime folder, as by cron or sudo.
pub fn elsewhere(config: &Config) -> Option<(String, String)> {
    let who = NamedLock::last_holder(&config.lock_dir, INSTANCE_LOCK)?;
    let socket = text::path(&config.serve.socket);
    let message = format!("the daemon of this database does not listen on {socket}: {}", text::clean(&who));
    Some((message, "use the XDG_RUNTIME_DIR, or the `socket` in [serve], that it was started with".to_owned()))
}

/// Returns whether two paths lead to one file; paths that cannot be followed are compared as they are written.
fn is_same_file(a: &Path, b: &Path) -> bool {
    let followed =
        |path: &Path| std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or(path.into());
    followed(a) == followed(b)
}
