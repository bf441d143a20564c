//! A llama-server as the process of a model.

use super::llama_log::{Diagnosis, diagnose};
use super::start_plan::{Ended, StartPlan, contexts, of_ending, unwatched};
use crate::http::Endpoint;
use crate::lifecycle::EndClass;
use crate::ops::needs;
use crate::supervise::{
    Child, CrashClass, Ending, Evidence, HttpHealth, LogRing, NotReady, OomKills, Output, SpawnSpec, StartLimits,
    spawn_async, until_ready,
};
use crate::worker::{Socket, new_socket};
use std::ffi::OsString;
use std::time::Duration;

/// Time that the last lines of an ended server's log may take to arrive.
const LOG_LIMIT: Duration = Duration::from_millis(500);
/// llama-server's own number of slots where nobody chose one.
const PARALLEL: u32 = 4;

/// A running llama-server. Dropping it kills it.
#[derive(Debug)]
pub struct LlamaServer {
    child: Child,
    log: LogRing,
    /// The number of its first line in the log, which may have others of earlier servers.
    log_from: u64,
    endpoint: Endpoint,
    /// Removed after the child has ended: fields are dropped in this order.
    _socket: Socket,
    oom_kills: OomKills,
    size: (u32, u32),
}

impl LlamaServer {
    /// Starts a llama-server and waits until its `/health` says that it is ready.
    ///
    /// # Errors
    /// Why it did not start; the process has ended.
    pub async fn start(
        plan: &StartPlan,
        kills: &OomKills,
        on_started: impl FnOnce(u32) + Send,
        on_progress: impl FnMut(f32) + Send,
    ) -> Result<LlamaServer, Ended> {
        let not_spawned = |reason: String| Ended { class: EndClass::Spawn, reason, last_log: None, exit_code: None };
        let dir = plan.runtime_dir.clone();
        // This call scans for abandoned sockets, which can block.
        let socket = tokio::task::spawn_blocking(move || new_socket(&dir)).await;
        let socket = socket.map_err(|error| not_spawned(error.to_string()))?;
        let socket = socket.map_err(|error| not_spawned(error.to_string()))?;
        let endpoint = Endpoint::Unix(socket.path().to_owned());
        let parallel = plan.settings.parallel.unwrap_or(PARALLEL);
        let spec = SpawnSpec {
            env: plan
                .settings
                .env
                .iter()
                .map(|(name, value)| (name.into(), value.into()))
                .chain([("GGML_NO_BACKTRACE".into(), "1".into())])
                .collect(),
            nice: plan.nice,
            dies_with_us: true,
            output: Output::Log(plan.log.clone()),
            launcher: plan.program.clone(),
            ..SpawnSpec::new(&plan.llama_server, command_line(plan, parallel, socket.path().into()))
        };
        let log_from = plan.log.next();
        let mut child = spawn_async(&spec)
            .await
            .map_err(|error| not_spawned(format!("cannot run `{}`: {error}", plan.llama_server.display())))?;
        on_started(child.id());
        let mut health = HttpHealth::new(endpoint.clone(), "/health", Some(&plan.log));
        let limits = StartLimits { whole: plan.load_limit, silence: plan.silence() };
        let why = match until_ready(&mut child, &mut health, limits, on_progress).await {
            Ok(()) => {
                let size = (plan.settings.context, parallel);
                let (log, oom_kills) = (plan.log.clone(), kills.clone());
                return Ok(LlamaServer { child, log, log_from, endpoint, _socket: socket, oom_kills, size });
            }
            Err(why) => why,
        };
        let class = match &why {
            NotReady::Ended(_) => None,
            NotReady::Refused(_) => Some(EndClass::Refused),
            NotReady::TimedOut(_) | NotReady::Silent(_) => Some(EndClass::Unready),
            NotReady::Protocol(_) => Some(EndClass::Crash),
            NotReady::Unwatched(_) => Some(EndClass::Spawn),
        };
        let ending = match class {
            // It has ended, or is about to.
            None => tokio::time::timeout(Duration::from_secs(2), child.ended()).await.ok(), // it runs on: killed below
            Some(_) => None,
        };
        plan.log.until_end(LOG_LIMIT).await;
        let Diagnosis { class: by_log, line } = diagnose(&plan.log.lines_from(log_from));
        if let Some(Ok(ending)) = ending {
            let evidence = Evidence { ending: Some(ending), oom_kills: kills.count(), ..Evidence::default() };
            let (crash, lines) = (CrashClass::of(evidence), line.into_iter().collect());
            let ended = of_ending(ending, crash, lines);
            let class = match (crash, ending) {
                // The program is not there, or cannot be run: nothing was said of the file.
                (CrashClass::Refused, _) => EndClass::Spawn,
                (CrashClass::Crash, Ending::Exited(_)) => by_log.unwrap_or(EndClass::Crash),
                _ => ended.class,
            };
            return Err(Ended { class, ..ended });
        }
        let killed = child.kill_async().await;
        let stuck = killed.err().map(|error| format!("; {error}")).unwrap_or_default();
        let class = class.unwrap_or(EndClass::Crash);
        Err(Ended { class, reason: format!("{why}{stuck}"), last_log: line, exit_code: None })
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn size(&self) -> (u32, u32) {
        self.size
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
        of_ending(ending, CrashClass::of(evidence), self.log.lines_from(self.log_from))
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

/// Returns the arguments: what modelctl decides first, then those of the person.
fn command_line(plan: &StartPlan, parallel: u32, socket: OsString) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let mut option = |name: &str, value: OsString| args.extend([OsString::from(name), value]);
    option("--model", plan.model.clone().into());
    option("--host", socket);
    option("--ctx-size", plan.settings.context.saturating_mul(contexts(parallel)).to_string().into());
    option("--parallel", parallel.to_string().into());
    option("--n-gpu-layers", plan.settings.gpu_layers.unwrap_or(ALL_LAYERS).to_string().into());
    option("--alias", plan.name.clone().into());
    if let Some(mmproj) = &plan.mmproj {
        option("--mmproj", mmproj.clone().into());
    }
    if let Some(threads) = plan.settings.threads {
        option("--threads", threads.to_string().into());
    }
    if plan.gives_vectors {
        // The vector of a text is computed in one piece.
        let most = needs::text_tokens(&plan.settings, plan.purpose).min(plan.settings.context).to_string();
        args.extend(["--embeddings", "--batch-size", &most, "--ubatch-size", &most].map(OsString::from));
        if plan.purpose == crate::lifecycle::Purpose::Vectors {
            args.extend(["--pooling".into(), "mean".into()]);
        }
    }
    // All slots share the cells, so that one request may use a whole context.
    args.extend(["--kv-unified", "--metrics", "--no-webui"].map(OsString::from));
    args.extend(plan.settings.args.iter().map(OsString::from));
    args
}

/// More layers than any model has: all of them go to the GPU where there is one.
const ALL_LAYERS: u32 = 999;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lifecycle::Purpose;
    use crate::model::server::{Defaults, Engine, ServerSettings};

    #[test]
    fn context_and_layers_are_explicit_and_what_a_person_adds_comes_last() {
        let defaults = Defaults { engine: Engine::LlamaServer, ..Defaults::default() };
        let mut settings = ServerSettings::of(&defaults, [], Some(8_192));
        settings.args = vec!["--jinja".into()];
        let plan = StartPlan {
            model: "/m/x.gguf".into(),
            mmproj: Some("/m/p.gguf".into()),
            name: "x".into(),
            purpose: Purpose::Main,
            gives_vectors: false,
            settings,
            program: "modelctl".into(),
            llama_server: "llama-server".into(),
            runtime_dir: "/run".into(),
            nice: 0,
            reproducible: false,
            load_limit: Duration::from_secs(600),
            bytes: 3 << 30,
            log: LogRing::new(),
        };
        let line: Vec<String> =
            command_line(&plan, 4, "/s".into()).into_iter().map(|arg| arg.into_string().unwrap()).collect();
        let line = line.join(" ");
        assert_eq!(
            line,
            "--model /m/x.gguf --host /s --ctx-size 32768 --parallel 4 --n-gpu-layers 999 --alias x --mmproj /m/p.gguf \
             --kv-unified --metrics --no-webui --jinja"
        );
        assert_eq!(plan.silence(), Duration::from_secs(120));
    }
}
