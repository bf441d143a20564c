//! `[services.NAME]`: what the daemon runs, and what is looked at.

use super::program::find_program;
use super::watched::{QueueFile, ServiceFile};
use super::watched::{endpoint, gates, manager, text};
use crate::config::read::{bytes, duration};
use crate::model::service::{Gate, Manager, PORT, Role, ServiceKind, ServiceSpec};
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use toml::Spanned;

/// The longest name of a service: it is part of paths and of names of metrics.
const NAME_BYTES: usize = 64;
const START_TIMEOUT: Duration = Duration::from_secs(120);
const PARALLEL: u32 = 8;

/// An entry that was checked by itself.
#[derive(Debug)]
pub(in crate::config) struct Entry {
    file: EntryFile,
    run: Option<Run>,
}

/// The parts of a service that need a look into their texts.
#[derive(Debug)]
struct Run {
    program: String,
    args: Vec<String>,
    port: Option<u16>,
    health: String,
    unload: Option<(String, String)>,
    routes: Vec<String>,
}

/// The keys of a service that is run, and those of one that is looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EntryFile {
    role: Option<Role>,
    #[serde(deserialize_with = "manager")]
    manager: Option<Manager>,
    logs: Vec<PathBuf>,
    #[serde(deserialize_with = "endpoint")]
    endpoint: Option<String>,
    key_file: Option<PathBuf>,
    #[serde(deserialize_with = "text")]
    model: Option<String>,
    #[serde(deserialize_with = "text")]
    model_id: Option<String>,
    gpu: Option<bool>,
    files: Vec<PathBuf>,
    #[serde(deserialize_with = "gates")]
    gates: Vec<Gate>,
    queue: Option<QueueFile>,

    command: Option<Vec<String>>,
    port: Option<u16>,
    health: Option<String>,
    kind: Option<ServiceKind>,
    memory: Option<MemoryFile>,
    cpu_args: Option<Vec<String>>,
    unload_url: Option<String>,
    unload_body: Option<String>,
    #[serde(deserialize_with = "duration")]
    idle_timeout: Option<Duration>,
    pinned: Option<bool>,
    pressure_evict_only: Option<bool>,
    essential: Option<bool>,
    routes: Option<Vec<String>>,
    capabilities: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
    user: Option<String>,
    #[serde(deserialize_with = "duration")]
    start_timeout: Option<Duration>,
    parallel: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MemoryFile {
    #[serde(deserialize_with = "bytes")]
    vram: Option<u64>,
    #[serde(deserialize_with = "bytes")]
    ram: Option<u64>,
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Entry, D::Error> {
        let file = EntryFile::deserialize(d)?;
        let run = file.run().map_err(de::Error::custom)?;
        Ok(Entry { file, run })
    }
}

impl Entry {
    pub fn is_run(&self) -> bool {
        self.run.is_some()
    }

    pub fn check_name(&self, name: &str) -> Result<(), String> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let is_fine = match self.is_run() {
            true => {
                !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(is_plain) && !name.starts_with('.')
            }
            false => !name.trim().is_empty() && !name.contains(char::is_control),
        };
        match is_fine {
            true => Ok(()),
            false => Err(format!(
                "`{}` is not a service name: use letters, digits, `.`, `_` and `-`, at most {NAME_BYTES}",
                name.escape_debug()
            )),
        }
    }

    /// Returns the entry as one of `[[services]]`.
    pub fn watched(&self, name: &str) -> ServiceFile {
        let EntryFile { role, manager, logs, endpoint, key_file, model, model_id, gpu, files, gates, queue, .. } =
            &self.file;
        ServiceFile {
            name: Spanned::new(0..0, name.to_owned()),
            role: *role,
            manager: manager.clone(),
            logs: logs.clone(),
            endpoint: endpoint.clone(),
            key_file: key_file.clone(),
            model: model.clone(),
            model_id: model_id.clone(),
            gpu: *gpu,
            files: files.clone(),
            gates: gates.clone(),
            queue: queue.clone(),
        }
    }

    /// Returns what the daemon runs; `None` for a service without a command. `path` is where programs are looked for.
    pub fn spec(&self, name: &str, path: &[PathBuf]) -> Option<ServiceSpec> {
        let (run, file) = (self.run.as_ref()?, &self.file);
        let memory = file.memory.as_ref();
        let kind = file.kind.unwrap_or_default();
        Some(ServiceSpec {
            name: name.to_owned(),
            kind,
            program: find_program(&run.program, path),
            args: run.args.clone(),
            cpu_args: file.cpu_args.clone(),
            port: run.port,
            health: run.health.clone(),
            vram: memory.and_then(|memory| memory.vram).unwrap_or(0),
            ram: memory.and_then(|memory| memory.ram).unwrap_or(0),
            unload: run.unload.clone(),
            idle_timeout: file.idle_timeout,
            pinned: file.pinned.unwrap_or(false),
            pressure_evict_only: file.pressure_evict_only.unwrap_or(false),
            essential: file.essential.unwrap_or(false),
            routes: run.routes.clone(),
            capabilities: file.capabilities.clone().unwrap_or_default(),
            env: file.env.clone().unwrap_or_default(),
            user: file.user.clone(),
            start_timeout: file.start_timeout.unwrap_or(START_TIMEOUT),
            parallel: file.parallel.unwrap_or(PARALLEL),
        })
    }
}

impl EntryFile {
    fn run(&self) -> Result<Option<Run>, String> {
        let Some(command) = &self.command else {
            return match self.key_of_a_command() {
                Some(key) => Err(format!("`{key}` is only for a service with a `command`")),
                None => Ok(None),
            };
        };
        let [program, args @ ..] = command.as_slice() else { return Err("`command` is empty".to_owned()) };
        let is_place = program.starts_with('/') || (!program.contains('/') && !program.is_empty());
        if !is_place {
            let told = program.escape_debug();
            return Err(format!("`command`: `{told}` is neither an absolute path nor a name in PATH"));
        }
        let texts = command.iter().chain(self.cpu_args.iter().flatten());
        let of_env = self.env.iter().flatten().flat_map(|(name, value)| [name, value]);
        if texts.clone().chain(of_env).any(|text| text.contains('\0')) {
            return Err("a value contains a NUL byte".to_owned());
        }
        if let Some(name) = self.env.iter().flat_map(BTreeMap::keys).find(|name| !is_variable(name)) {
            return Err(format!("`env`: `{}` is not a variable name", name.escape_debug()));
        }
        let health = self.health.as_deref().ok_or("`health` is missing: a path such as /health")?;
        let (by_url, health) = address(health).map_err(|why| format!("`health`: {why}"))?;
        let port = match (self.port, by_url) {
            (Some(0), _) => return Err("`port`: 0 is not a port".to_owned()),
            (Some(port), Some(other)) if port != other => {
                return Err(format!("`health` has the port {other}, and `port` is {port}"));
            }
            (port, by_url) => port.or(by_url),
        };
        let has_port = texts.chain(self.env.iter().flat_map(BTreeMap::values)).any(|text| text.contains(PORT));
        if port.is_none() && !has_port {
            return Err(format!("`command` has no {PORT}, and there is no `port`: give one of them"));
        }
        let unload = self.unload_url.as_deref().map(|url| self.unload(url, port)).transpose()?;
        if unload.is_none() && self.unload_body.is_some() {
            return Err("`unload_body` is only for `unload_url`".to_owned());
        }
        let memory = self.memory.as_ref().and_then(|memory| memory.vram.or(memory.ram));
        if memory.is_none() {
            return Err("`memory` is missing: memory = { vram = \"4GiB\", ram = \"1GiB\" }".to_owned());
        }
        self.check_rest()?;
        let by_kind = || self.kind.unwrap_or_default().routes().iter().map(|route| (*route).to_owned()).collect();
        let routes: Vec<String> = self.routes.clone().unwrap_or_else(by_kind);
        routes.iter().try_for_each(|route| check_route(route).map_err(|why| format!("`routes`: {why}")))?;
        Ok(Some(Run { program: program.clone(), args: args.to_vec(), port, health, unload, routes }))
    }

    fn unload(&self, url: &str, port: Option<u16>) -> Result<(String, String), String> {
        let (by_url, path) = address(url).map_err(|why| format!("`unload_url`: {why}"))?;
        if by_url.is_some() && by_url != port {
            return Err("`unload_url` has another port than the service".to_owned());
        }
        Ok((path, self.unload_body.clone().unwrap_or_default()))
    }

    fn check_rest(&self) -> Result<(), String> {
        const MOST: Duration = Duration::from_secs(86_400);
        for (key, time) in [("idle_timeout", self.idle_timeout), ("start_timeout", self.start_timeout)] {
            if time.is_some_and(|time| time.is_zero() || time > MOST) {
                return Err(format!("`{key}` is not between 1 second and 1 day"));
            }
        }
        if self.parallel.is_some_and(|n| !(1..=1_024).contains(&n)) {
            return Err("`parallel` is not between 1 and 1024".to_owned());
        }
        let is_odd = |user: &String| user.is_empty() || user.contains([':', '\n', '\0']);
        if self.user.as_ref().is_some_and(is_odd) {
            return Err("`user` is not a user name".to_owned());
        }
        Ok(())
    }

    /// Returns a key that is set and means nothing without a command.
    fn key_of_a_command(&self) -> Option<&'static str> {
        let keys = [
            ("port", self.port.is_some()),
            ("health", self.health.is_some()),
            ("kind", self.kind.is_some()),
            ("memory", self.memory.is_some()),
            ("cpu_args", self.cpu_args.is_some()),
            ("unload_url", self.unload_url.is_some()),
            ("unload_body", self.unload_body.is_some()),
            ("idle_timeout", self.idle_timeout.is_some()),
            ("pinned", self.pinned.is_some()),
            ("pressure_evict_only", self.pressure_evict_only.is_some()),
            ("essential", self.essential.is_some()),
            ("routes", self.routes.is_some()),
            ("capabilities", self.capabilities.is_some()),
            ("env", self.env.is_some()),
            ("user", self.user.is_some()),
            ("start_timeout", self.start_timeout.is_some()),
            ("parallel", self.parallel.is_some()),
        ];
        keys.into_iter().find(|(_, is_set)| *is_set).map(|(key, _)| key)
    }
}

fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Splits a path, or a URL of this machine, into the port and the path.
fn address(text: &str) -> Result<(Option<u16>, String), String> {
    let told = text.escape_debug();
    let give = "give a path such as /health, or http://127.0.0.1:{port}/health";
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '#') {
        return Err(format!("`{told}` has blanks or control characters"));
    }
    if text.starts_with('/') {
        return Ok((None, text.to_owned()));
    }
    let Some(rest) = text.strip_prefix("http://") else { return Err(format!("`{told}` is not a path: {give}")) };
    let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
    let (host, port) = authority.rsplit_once(':').ok_or_else(|| format!("`{told}` has no port: {give}"))?;
    if !matches!(host, "127.0.0.1" | "localhost") {
        return Err(format!("`{told}` is not on this machine: {give}"));
    }
    let port = match port {
        PORT => None,
        port => match port.parse() {
            Ok(0) | Err(_) => return Err(format!("`{}` is not a port", port.escape_debug())),
            Ok(port) => Some(port),
        },
    };
    Ok((port, path.to_owned()))
}

/// Beginnings of paths that the daemon answers itself.
const OURS: &[&str] = &[
    "/api",
    "/chat",
    "/completions",
    "/embeddings",
    "/health",
    "/metrics",
    "/models",
    "/props",
    "/running",
    "/slots",
    "/unload",
    "/upstream",
    "/v1/chat",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/health",
    "/v1/models",
];

fn check_route(route: &str) -> Result<(), String> {
    let told = route.escape_debug();
    let is_plain = |part: &str| {
        !matches!(part, "" | "." | "..") && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    let is_path = route.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_plain));
    if !is_path {
        return Err(format!("`{told}` is not a path such as /v1/audio/speech"));
    }
    let is_below = |below: &str, above: &str| {
        below.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match OURS.iter().find(|ours| is_below(route, ours) || is_below(ours, route)) {
        Some(ours) => Err(format!("`{told}` conflicts with {ours}, which the daemon answers itself")),
        None => Ok(()),
    }
}
