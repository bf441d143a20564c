//! The process of a service.

use super::super::prepared::ServiceParts;
use super::super::start_plan::{Ended, last_words, of_ending, unwatched};
use crate::config::PortRange;
use crate::host::account::account;
use crate::host::port_holder::port_holder;
use crate::http::Endpoint;
use crate::lifecycle::EndClass;
use crate::model::Reading;
use crate::model::service::PORT;
use crate::supervise::{
    Child, CrashClass, Evidence, HttpHealth, LogRing, NotReady, OomKills, Output, RunAs, SpawnSpec, StartLimits,
    spawn_async, until_ready,
};
use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

/// Time that the last lines of the log of an ended service may take to arrive.
const LOG_LIMIT: Duration = Duration::from_millis(500);
/// Where programs look for others: nothing of our environment is passed on.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How often a free port is looked for that is none of those of models.
const TRIES: usize = 50;

/// What a start needs besides the service itself.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// This program.
    pub launcher: PathBuf,
    pub model_ports: Option<PortRange>,
    pub log: LogRing,
}

/// A running service. Dropping it kills it.
#[derive(Debug)]
pub struct ServiceProcess {
    child: Child,
    log: LogRing,
    /// The number of its first line in the log, which may have others of earlier processes.
    log_from: u64,
    pub port: u16,
    oom_kills: OomKills,
}

impl ServiceProcess {
    /// Starts the service and waits until its health check is good.
    ///
    /// # Errors
    /// Why it did not start; the process has ended.
    pub async fn start(
        parts: &ServiceParts,
        around: &Surroundings,
        on_started: impl FnOnce(u32) + Send,
        on_progress: impl FnMut(f32) + Send,
    ) -> Result<ServiceProcess, Ended> {
        let of = parts.clone();
        let (range, launcher, log) = (around.model_ports, around.launcher.clone(), around.log.clone());
        // Users and holders of ports are looked up in files.
        let planned = tokio::task::spawn_blocking(move || {
            let port = choose_port(of.spec.port, range)?;
            Ok((port, spawn_spec(&of, port, (launcher, log))?))
        });
        let planned = planned.await.unwrap_or_else(|error| Err(error.to_string()));
        let (port, spec) = planned.map_err(not_spawned)?;
        let (log, log_from, oom_kills) = (around.log.clone(), around.log.next(), OomKills::begin());
        let child = spawn_async(&spec).await;
        let child = child.map_err(|error| not_spawned(format!("cannot run `{}`: {error}", spec.program.display())))?;
        on_started(child.id());
        let mut process = ServiceProcess { child, log, log_from, port, oom_kills };
        let mut health = HttpHealth::new(process.endpoint(), &parts.spec.health, Some(&process.log));
        // A log line is a sign of life, silence is none of death: some load without a word.
        let limits = StartLimits { whole: parts.spec.start_timeout, silence: parts.spec.start_timeout };
        match until_ready(&mut process.child, &mut health, limits, on_progress).await {
            Ok(()) => Ok(process),
            Err(why) => Err(process.not_ready(why).await),
        }
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::port(self.port)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    async fn not_ready(mut self, why: NotReady) -> Ended {
        let class = match &why {
            NotReady::Ended(_) => None,
            NotReady::TimedOut(_) | NotReady::Silent(_) => Some(EndClass::Unready),
            NotReady::Refused(_) | NotReady::Protocol(_) => Some(EndClass::Crash),
            NotReady::Unwatched(_) => Some(EndClass::Spawn),
        };
        let Some(class) = class else {
            // It has ended, or is about to.
            let ended = tokio::time::timeout(Duration::from_secs(2), self.ended()).await;
            return ended.unwrap_or_else(|_| Ended {
                class: EndClass::Crash,
                reason: why.to_string(),
                last_log: None,
                exit_code: None,
            });
        };
        let stuck = self.child.kill_async().await.err().map(|error| format!("; {error}")).unwrap_or_default();
        self.log.until_end(LOG_LIMIT).await;
        let last_log = last_words(self.log.lines_from(self.log_from));
        Ended { class, reason: format!("{why}{stuck}"), last_log, exit_code: None }
    }

    /// Waits for the end of the process. The future may be dropped and the function called again.
    pub async fn ended(&mut self) -> Ended {
        let ending = match self.child.ended().await {
            Ok(ending) => ending,
            Err(error) => return unwatched(&error),
        };
        self.log.until_end(LOG_LIMIT).await;
        let is_wanted = self.child.is_unwanted();
        let evidence =
            Evidence { ending: Some(ending), is_wanted, oom_kills: self.oom_kills.count(), ..Evidence::default() };
        let ended = of_ending(ending, CrashClass::of(evidence), self.log.lines_from(self.log_from));
        let class = match ended.class {
            // The launcher could not run the program: nothing was said by the program itself.
            EndClass::Refused => EndClass::Spawn,
            class => class,
        };
        Ended { class, reason: ended.reason.replacen("the server", "the service", 1), ..ended }
    }

    /// Stops the process within `limit`, then kills its group.
    ///
    /// # Errors
    /// It hangs in the kernel.
    pub async fn stop(mut self, limit: Duration) -> Result<(), String> {
        let stopped = match limit.is_zero() {
            true => self.child.kill_async().await,
            false => self.child.stop_async(limit).await,
        };
        stopped.map(drop).map_err(|error| error.to_string())
    }
}

fn not_spawned(reason: String) -> Ended {
    Ended { class: EndClass::Spawn, reason, last_log: None, exit_code: None }
}

/// Returns the port of a start: the fixed one where nobody listens there, else a free one that no model gets.
fn choose_port(fixed: Option<u16>, model_ports: Option<PortRange>) -> Result<u16, String> {
    if let Some(port) = fixed {
        // What listens there is not ours, and its answers would be taken for those of the service.
        return match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => Ok(port),
            Err(error) => Err(match port_holder(port) {
                Some(holder) => format!("its port {port} is used by {holder}"),
                None => format!("its port {port} cannot be used: {error}"),
            }),
        };
    }
    // Kept until one was found, so that each try gives another port.
    let mut tried = Vec::new();
    for _ in 0..TRIES {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let listener = listener.map_err(|error| format!("there is no free port: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        if !model_ports.is_some_and(|range| range.has(port)) {
            return Ok(port);
        }
        tried.push(listener);
    }
    Err("there is no free port outside the port range of models".to_owned())
}

fn spawn_spec(parts: &ServiceParts, port: u16, (launcher, log): (PathBuf, LogRing)) -> Result<SpawnSpec, String> {
    let spec = &parts.spec;
    let Reading::Known(program) = &spec.program else { return Err("its program is not known".to_owned()) };
    let with_port = |text: &String| OsString::from(text.replace(PORT, &port.to_string()));
    let more = spec.cpu_args.iter().flatten().filter(|_| parts.is_on_cpu);
    let args: Vec<OsString> = spec.args.iter().chain(more).map(with_port).collect();
    let mut env: Vec<(OsString, OsString)> = vec![("PATH".into(), PATH.into()), ("LANG".into(), "C.UTF-8".into())];
    let user = run_as(spec.user.as_deref())?;
    if let (Some(name), Some(_)) = (&spec.user, &user) {
        env.extend(["USER", "LOGNAME"].map(|variable| (variable.into(), name.into())));
    }
    env.extend(spec.env.iter().map(|(name, value)| (name.into(), with_port(value))));
    Ok(SpawnSpec {
        env,
        is_env_alone: true,
        dir: Some("/".into()),
        dies_with_us: true,
        user,
        output: Output::Log(log),
        launcher,
        ..SpawnSpec::new(program, args)
    })
}

/// Returns the user of a service, where that is another one than ours.
fn run_as(name: Option<&str>) -> Result<Option<RunAs>, String> {
    let Some(name) = name else { return Ok(None) };
    let ours = rustix::process::geteuid();
    let user = account(name)?;
    if user.uid == ours.as_raw() {
        return Ok(None);
    }
    match ours.is_root() {
        true => Ok(Some(user)),
        false => Err(format!("only root can run it as the user `{}`", name.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service would answer on a port of a model, or a stranger's program would get its requests.
    #[test]
    fn a_port_is_free_and_none_of_those_of_models() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let why = choose_port(Some(port), None).unwrap_err();
        assert!(why.contains(&format!("its port {port} is used by")), "{why}");
        drop(taken);
        assert_eq!(choose_port(Some(port), None), Ok(port));
        let range = PortRange { first: 1, last: u16::MAX };
        assert!(choose_port(None, Some(range)).unwrap_err().contains("outside the port range of models"));
        assert!(choose_port(None, Some(PortRange::DEFAULT)).is_ok_and(|port| !PortRange::DEFAULT.has(port)));
    }
}
