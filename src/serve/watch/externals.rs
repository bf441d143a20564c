//! External servers: which there are, what they hold, and which of them answer for us.

use super::source::Source;
use super::takeover::Takeovers;
use super::verdict::{Case, verdict};
use crate::config::{Config, ExternalConfig, Takeover};
use crate::db::Access;
use crate::host::gpu::Gpu;
use crate::host::{actor, liveness, own_memory};
use crate::http::Endpoint;
use crate::lifecycle::ServerKey;
use crate::model::lifecycle::External;
use crate::model::{DeviceBytes, ModelId, Reading};
use crate::node::Place;
use crate::node::model_server::{ModelFiles, ModelServer, OTHER, Scanner};
use crate::serve::catalog::{Catalog, Catalogs, Resolved};
use crate::serve::control::{Attach, Control, Seen, Sessions, info_of_other};
use crate::serve::external::{Probed, probe};
use futures_util::future::join_all;
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The time that the search through all processes may take.
const LIMIT: Duration = Duration::from_secs(2);
/// Servers that are asked in one look.
const MOST: usize = 32;
/// Looks for which a server stays attached that does not answer in time: it may be busy.
const PATIENCE: u32 = 2;

/// What is kept between two looks.
pub(super) struct Externals {
    source: Source<Vec<ModelServer>>,
    scanner: Arc<Mutex<Scanner>>,
    files: Option<(Arc<Catalog>, Arc<ModelFiles>)>,
    users: HashMap<u32, Option<String>>,
    /// What servers said that they serve when they were attached first, by their names in the config.
    remembered: HashMap<String, String>,
    /// Looks since which a server has not answered in time, by its endpoint.
    late: HashMap<Endpoint, u32>,
    takeovers: Takeovers,
}

/// What a look found.
#[derive(Default)]
pub(super) struct Looked {
    /// The servers that answer for us; `None`: it is not known.
    pub attached: Option<Vec<Attach>>,
    /// What is to be started in place of one that has gone.
    pub due: Vec<ServerKey>,
}

/// A server with what it was found by.
struct Found {
    external: External,
    endpoint: Option<Endpoint>,
    config: Option<ExternalConfig>,
    probed: Option<Probed>,
}

impl Externals {
    pub fn new() -> Externals {
        Externals {
            source: Source::new("the processes", LIMIT),
            scanner: Arc::new(Mutex::new(Scanner::new(Place::default()))),
            files: None,
            users: HashMap::new(),
            remembered: HashMap::new(),
            late: HashMap::new(),
            takeovers: Takeovers::default(),
        }
    }

    /// Looks for servers of others and tells the deciding task. Without a list of processes nothing is told: what was seen
    /// before stays.
    pub async fn look(
        &mut self,
        (config, sessions, control): (&Config, &Sessions, &Control),
        catalogs: &Catalogs,
        gpus: &Reading<Vec<Gpu>>,
    ) -> Looked {
        let catalog = catalogs.current();
        let Some((files, ours)) = self.known(sessions, &catalog).await else { return Looked::default() };
        let (scanner, vram, searched) = (Arc::clone(&self.scanner), vram(gpus), Arc::clone(&files));
        let servers = self.source.read(move || {
            let mut scanner = scanner.lock().unwrap_or_else(PoisonError::into_inner);
            match scanner.search(&searched, &vram, &ours) {
                Ok(servers) => Reading::Known(servers),
                Err(error) => Reading::Unavailable(format!("/proc cannot be read: {error}")),
            }
        });
        let Reading::Known(servers) = servers.await else { return Looked::default() };
        let mut found = self.found(servers, &config.lifecycle.externals);
        let before = control.attached();
        let is_found = |attach: &&Attach| found.iter().any(|one| one.endpoint.as_ref() == Some(&attach.endpoint));
        // The process of another user may not show where it listens.
        let unseen: Vec<Found> =
            before.iter().filter(|attach| !attach.is_named && !is_found(attach)).map(of_attached).collect();
        found.extend(unseen);
        ask(&mut found, &before).await;
        let mut attached = Vec::new();
        for one in &mut found {
            attached.extend(self.judge(one, (&catalog, &files), &before));
        }
        self.late.retain(|endpoint, _| found.iter().any(|one| one.endpoint.as_ref() == Some(endpoint)));
        let due = self.takeovers(&found, &config.lifecycle.externals, &catalog);
        let all = found.into_iter().map(|one| one.external).collect();
        // Without the deciding task the daemon is ending.
        let _ = control.see(Seen::Externals { all, attached: attached.clone() });
        Looked { attached: Some(attached), due }
    }

    /// Returns whether a second look is due soon, to see whether a server that was missed is back.
    pub fn is_waiting(&self) -> bool {
        self.takeovers.is_waiting()
    }

    /// Returns the files of all models, and the processes that are ours or counted in the ledger.
    async fn known(&mut self, sessions: &Sessions, catalog: &Arc<Catalog>) -> Option<(Arc<ModelFiles>, Vec<u32>)> {
        let known = self.files.as_ref().filter(|(of, _)| Arc::ptr_eq(of, catalog)).map(|(_, files)| Arc::clone(files));
        let is_known = known.is_some();
        // A database that cannot be read now is read at the next look.
        let (files, mut ours) = sessions
            .run(move |session| {
                let db = session.db(Access::ReadOnly)?;
                let files = if is_known { None } else { Some(ModelFiles::of(db.placed_files()?)) };
                let here = liveness::place();
                let rows = db.ledger()?.into_iter().filter(|row| row.place == here);
                Ok((files, rows.filter_map(|row| row.worker).map(|worker| worker.pid).collect::<Vec<u32>>()))
            })
            .await
            .ok()?;
        ours.push(std::process::id());
        let files = known.or_else(|| files.map(Arc::new))?;
        if !is_known {
            own_memory::trim_heap();
        }
        self.files = Some((Arc::clone(catalog), Arc::clone(&files)));
        Some((files, ours))
    }

    /// Puts the processes and the servers of the config together: those of the config first.
    fn found(&mut self, servers: Vec<ModelServer>, configs: &[ExternalConfig]) -> Vec<Found> {
        let mut all: Vec<Found> = configs.iter().map(of_config).collect();
        for server in servers {
            let user =
                server.uid.and_then(|uid| self.users.entry(uid).or_insert_with(|| actor::user_name(uid)).clone());
            let one = of_process(server, user);
            let is_it = |config: &Found| {
                let is_here = config.config.as_ref().is_some_and(|config| is_here(&config.url.host));
                is_here && config.external.port == one.external.port && config.external.pid.is_none()
            };
            match all.iter_mut().find(|config| one.external.port.is_some() && is_it(config)) {
                Some(config) => {
                    let External { id, url, .. } = config.external.clone();
                    config.external = External { id, url, ..one.external };
                    config.external.known_by.push("config".to_owned());
                }
                None => all.push(one),
            }
        }
        all
    }

    /// Completes what is told of a server, and returns how it is attached, if it is.
    fn judge(
        &mut self,
        one: &mut Found,
        (catalog, files): (&Catalog, &ModelFiles),
        before: &[Attach],
    ) -> Option<Attach> {
        let endpoint = one.endpoint.clone()?;
        let Probed { healthy, serves } = one.probed.clone()?;
        one.external.healthy = healthy.clone();
        let was = before.iter().find(|attach| attach.endpoint == endpoint);
        if matches!(healthy, Reading::Unavailable(_)) {
            let looks = self.late.entry(endpoint.clone()).or_default();
            *looks = looks.saturating_add(1);
            // Late is not gone.
            let is_wanted = |was: &&Attach| !was.is_named || one.config.as_ref().is_some_and(|config| config.attach);
            return was.filter(|was| *looks < PATIENCE && is_wanted(was)).map(|was| {
                one.external.attached = true;
                was.clone()
            });
        }
        self.late.remove(&endpoint);
        let serves = serves.filter(|_| healthy == Reading::Known(true))?;
        let by_path = serves.path.as_deref().and_then(|path| files.by_path(path)).cloned();
        one.external.model_name =
            serves.name.clone().or_else(|| Some(serves.identity())).or(one.external.model_name.take());
        one.external.model = by_path.or(one.external.model.take());
        let model = match &one.config {
            Some(config) => {
                let named = config.model.as_deref().and_then(|name| named(catalog, name));
                let by_path = one.external.model.clone();
                one.external.model = by_path.clone().or_else(|| named.clone());
                if !config.attach {
                    return None;
                }
                let case = Case {
                    named: named.as_ref(),
                    file_name: named.as_ref().and_then(|id| file_name(catalog, id)),
                    by_path: by_path.as_ref(),
                    serves: &serves,
                    remembered: self.remembered.get(&config.name).map(String::as_str),
                };
                let is_same = |one: &ModelId, other: &ModelId| is_one_content(catalog, one, other);
                // It is shown as not attached, with the model that it has.
                let model = verdict(&case, is_same).ok()?;
                self.remembered.entry(config.name.clone()).or_insert_with(|| serves.identity());
                model
            }
            // It was found on the port of a model that was to be started.
            None => {
                was.filter(|was| !was.is_named && was.identity == serves.identity()).map(|was| was.model.clone())?
            }
        };
        one.external.attached = true;
        one.external.model = Some(model.clone());
        Some(Attach {
            id: one.external.id.clone(),
            model,
            endpoint,
            info: info_of_other(one.external.pid, serves.context, serves.slots),
            identity: serves.identity(),
            required_name: serves.required_name,
            is_named: one.config.is_some(),
        })
    }

    fn takeovers(&mut self, found: &[Found], configs: &[ExternalConfig], catalog: &Catalog) -> Vec<ServerKey> {
        let wanted: BTreeSet<String> =
            configs.iter().filter(|one| one.takeover == Takeover::Start).map(|one| one.name.clone()).collect();
        let is_attached = |one: &&Found| one.external.attached;
        let attached: BTreeSet<String> = found
            .iter()
            .filter(is_attached)
            .filter_map(|one| Some(one.config.as_ref()?.name.clone()))
            .filter(|name| wanted.contains(name))
            .collect();
        let due = self.takeovers.look(&wanted, &attached);
        let config = |name: String| configs.iter().find(|config| config.name == name);
        let models = due.into_iter().filter_map(config).filter_map(|config| config.model.as_deref());
        models.filter_map(|name| named(catalog, name)).map(ServerKey::main).collect()
    }
}

/// Asks all servers that have a URL, side by side: those of the config and those that are attached first.
async fn ask(found: &mut [Found], attached: &[Attach]) {
    let mut asked: Vec<&mut Found> = found
        .iter_mut()
        .filter(|one| {
            let is_attached = attached.iter().any(|attach| Some(&attach.endpoint) == one.endpoint.as_ref());
            // A program that is no known server may take a question for anything.
            one.endpoint.is_some() && (one.config.is_some() || is_attached || one.external.program != OTHER)
        })
        .collect();
    asked.sort_by_key(|one| one.config.is_none());
    let probes = asked.iter().take(MOST).map(|one| {
        let endpoint = one.endpoint.clone();
        async move {
            match endpoint {
                Some(endpoint) => Some(probe(&endpoint).await),
                None => None,
            }
        }
    });
    let probed = join_all(probes).await;
    for (one, probed) in asked.into_iter().zip(probed) {
        one.probed = probed;
    }
}

/// Returns what processes hold of GPUs; nothing where the driver does not answer.
fn vram(gpus: &Reading<Vec<Gpu>>) -> HashMap<u32, Vec<DeviceBytes>> {
    let mut all: HashMap<u32, Vec<DeviceBytes>> = HashMap::new();
    for gpu in gpus.known().into_iter().flatten() {
        for process in &gpu.processes {
            let bytes = DeviceBytes { device: format!("CUDA{}", gpu.index), bytes: process.used };
            all.entry(process.pid).or_default().push(bytes);
        }
    }
    all
}

fn of_config(config: &ExternalConfig) -> Found {
    let external = External {
        id: config.name.clone(),
        program: OTHER.to_owned(),
        pid: None,
        user: None,
        port: Some(config.url.port),
        url: Some(config.url.to_string()),
        model: None,
        model_name: config.model.clone(),
        known_by: vec!["config".to_owned()],
        bytes: Vec::new(),
        healthy: Reading::Unavailable("it was not asked".to_owned()),
        attached: false,
    };
    let endpoint = Endpoint::Tcp { host: config.url.host.clone(), port: config.url.port };
    Found { external, endpoint: Some(endpoint), config: Some(config.clone()), probed: None }
}

fn of_attached(attach: &Attach) -> Found {
    let port = match &attach.endpoint {
        Endpoint::Tcp { port, .. } => Some(*port),
        Endpoint::Unix(_) => None,
    };
    let external = External {
        id: attach.id.clone(),
        program: OTHER.to_owned(),
        pid: None,
        user: None,
        port,
        url: Some(attach.endpoint.to_string()),
        model: Some(attach.model.clone()),
        model_name: None,
        known_by: vec!["listener".to_owned()],
        bytes: Vec::new(),
        healthy: Reading::Unavailable("it was not asked".to_owned()),
        attached: false,
    };
    Found { external, endpoint: Some(attach.endpoint.clone()), config: None, probed: None }
}

fn of_process(server: ModelServer, user: Option<String>) -> Found {
    let port = server.address.map(|address| address.port()).or(server.named_port);
    let host = server.address.map_or_else(|| "127.0.0.1".to_owned(), host);
    let endpoint = port.filter(|_| server.is_reachable).map(|port| Endpoint::Tcp { host, port });
    let external = External {
        id: format!("pid:{}:{}", server.pid, server.start),
        program: server.program.to_owned(),
        pid: Some(server.pid),
        user: user.or_else(|| server.uid.map(|uid| uid.to_string())),
        port,
        url: endpoint.as_ref().map(Endpoint::to_string),
        model: server.model,
        model_name: server.model_name,
        known_by: server.known_by.into_iter().map(str::to_owned).collect(),
        bytes: server.bytes,
        healthy: Reading::Unavailable("it was not asked".to_owned()),
        attached: false,
    };
    Found { external, endpoint, config: None, probed: None }
}

/// Returns the address by which this machine reaches a listener.
fn host(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() && ip.is_ipv4() => "127.0.0.1".to_owned(),
        ip if ip.is_unspecified() => "::1".to_owned(),
        ip => ip.to_string(),
    }
}

fn is_here(host: &str) -> bool {
    let ip: Option<std::net::IpAddr> = host.parse().ok(); // a name
    host.eq_ignore_ascii_case("localhost") || ip.is_some_and(|ip| ip.is_loopback())
}

fn named(catalog: &Catalog, name: &str) -> Option<ModelId> {
    match catalog.resolve(name) {
        Resolved::One(entry) => Some(entry.row.id.clone()),
        // A name of several models, or of none that is served, names nothing to answer for.
        Resolved::Many(_) | Resolved::NotServed(..) | Resolved::None => None,
    }
}

fn file_name<'c>(catalog: &'c Catalog, id: &ModelId) -> Option<&'c str> {
    catalog.by_id(id)?.row.path.file_name()?.to_str()
}

fn is_one_content(catalog: &Catalog, one: &ModelId, other: &ModelId) -> bool {
    let content = |id| catalog.by_id(id).and_then(|entry| entry.row.content.as_deref());
    content(one).is_some() && content(one) == content(other)
}
