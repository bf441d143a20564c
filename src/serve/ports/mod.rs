//! The ports of models: each model server has one of its own on 127.0.0.1, and whoever asks there is answered as by the
//! gateway, with this model whatever the request names.
//!
//! The daemon binds the ports itself, so that a server that ends, crashes or is unloaded does not lose its port: a
//! request starts it again. A port is given back when a person stops the model; one that nobody asked for or used is
//! given back when the model is unloaded. The next port of a model is the one that it had, if that is free.

mod live;
mod no_port;
mod routes;
mod table;
#[cfg(test)]
mod tests;

pub use no_port::{Held, HeldBy, NoPort};

use super::control::{Control, Server};
use super::gateway::Gateway;
use super::listen::{Bound, Gate, bind_tcp};
use crate::config::Config;
use crate::model::ModelId;
use live::Live;
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use table::Table;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

/// The ports of all models.
#[derive(Clone)]
pub struct Ports(Arc<Shared>);

struct Shared {
    config: watch::Receiver<Arc<Config>>,
    control: Control,
    serve: Serve,
    given: Mutex<Given>,
    /// A copy for readers.
    known: RwLock<BTreeMap<ModelId, u16>>,
}

/// Serves a port of a model until the task is aborted.
type Serve = Box<dyn Fn(TcpListener, &ModelId, Arc<Lease>) -> JoinHandle<()> + Send + Sync>;

#[derive(Default)]
struct Given {
    table: Table,
    listeners: HashMap<u16, (Arc<Lease>, JoinHandle<()>)>,
}

/// The time for which a model has a port.
#[derive(Debug, Default)]
pub struct Lease {
    is_over: AtomicBool,
    /// Whether a person started the model, or a request came in by the port.
    is_wanted: AtomicBool,
}

impl Lease {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    fn mark_wanted(&self) {
        self.is_wanted.store(true, Ordering::Relaxed);
    }
}

/// The port of a model that is about to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// `None` where models have no ports.
    pub port: Option<u16>,
    /// Whether it had none before.
    pub is_new: bool,
}

impl Ports {
    /// Creates the ports of a gateway, which are served with the checks and limits of the gate.
    pub fn of_gateway(gate: Gate, gateway: &Arc<Gateway>) -> Ports {
        let (config, control) = (gateway.config.clone(), gateway.control.clone());
        let gateway = Arc::clone(gateway);
        Ports::new(config, control, move |listener, model, lease| {
            let routes = routes::routes(&gateway, model, lease);
            tokio::spawn(gate.clone().serve(Bound::Tcp(listener), routes))
        })
    }

    pub fn new(
        config: watch::Receiver<Arc<Config>>,
        control: Control,
        serve: impl Fn(TcpListener, &ModelId, Arc<Lease>) -> JoinHandle<()> + Send + Sync + 'static,
    ) -> Ports {
        let (serve, given, known) = (Box::new(serve), Mutex::default(), RwLock::default());
        Ports(Arc::new(Shared { config, control, serve, given, known }))
    }

    /// Returns the port of a model.
    pub fn of(&self, model: &ModelId) -> Option<u16> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(model).copied()
    }

    /// Gives a model that a person starts its port, and binds it. One that has a port keeps it.
    ///
    /// # Errors
    /// All ports of the range are in use.
    pub async fn take(&self, model: &ModelId) -> Result<Taken, NoPort> {
        self.give(model, true).await
    }

    /// Takes the port of a model away: nobody listens there any more.
    pub async fn release(&self, model: &ModelId) {
        let mut given = self.0.given.lock().await;
        self.close(&mut given, model).await;
    }

    /// Takes the ports of all models away.
    pub async fn release_all(&self) {
        let mut given = self.0.given.lock().await;
        let models: Vec<ModelId> = given.table.models().cloned().collect();
        for model in models {
            self.close(&mut given, &model).await;
        }
    }

    /// Gives every model that is loaded for a request a port as well, and takes those away again that nobody used.
    /// `log` gets a line where there is none left. Ends with the deciding task.
    pub async fn follow(self, log: Arc<dyn Fn(String) + Send + Sync>) {
        let mut servers = self.0.control.watch();
        let mut live = Live::default();
        while servers.changed().await.is_ok() {
            let now: Arc<Vec<Server>> = Arc::clone(&servers.borrow_and_update());
            let changes = live.update(&now);
            for model in changes.stopped {
                let mut given = self.0.given.lock().await;
                let is_unwanted = given
                    .table
                    .port_of(&model)
                    .and_then(|port| given.listeners.get(&port))
                    .is_some_and(|(lease, _)| !lease.is_wanted.load(Ordering::Relaxed));
                if is_unwanted {
                    self.close(&mut given, &model).await;
                }
            }
            for model in changes.started {
                // It is served without a port of its own too.
                if let Err(error) = self.give(&model, false).await {
                    log(format!("the model {} has no port of its own: {error}", self.name(&model)));
                }
            }
        }
    }

    async fn give(&self, model: &ModelId, is_wanted: bool) -> Result<Taken, NoPort> {
        let mut given = self.0.given.lock().await;
        let port = given.table.port_of(model);
        if let Some((lease, _)) = port.and_then(|port| given.listeners.get(&port)) {
            if is_wanted {
                lease.mark_wanted();
            }
            return Ok(Taken { port, is_new: false });
        }
        let Some(range) = self.0.config.borrow().serve.ports else { return Ok(Taken { port: None, is_new: false }) };
        // A server of somebody else may not be up yet.
        let config = Arc::clone(&self.0.config.borrow());
        let is_named = |port: &u16| config.lifecycle.externals.iter().any(|external| external.url.port == *port);
        let mut errors: HashMap<u16, String> = HashMap::new();
        for port in given.table.candidates(model, range).into_iter().filter(|port| !is_named(port)) {
            match bind_tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
                Ok(listener) => {
                    self.open(&mut given, model, (port, listener), is_wanted);
                    return Ok(Taken { port: Some(port), is_new: true });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => drop(errors.insert(port, error.to_string())),
            }
        }
        let models: HashMap<u16, String> =
            range.ports().filter_map(|port| Some((port, self.name(given.table.holder(port)?)))).collect();
        drop(given);
        let found = tokio::task::spawn_blocking(move || {
            NoPort::find(range, |port| models.get(&port).cloned(), |port| errors.get(&port).cloned())
        });
        // Without the holders it is as refused.
        Err(found.await.unwrap_or(NoPort { range, held: Vec::new() }))
    }

    fn open(&self, given: &mut Given, model: &ModelId, (port, listener): (u16, TcpListener), is_wanted: bool) {
        let lease = Arc::new(Lease { is_wanted: AtomicBool::new(is_wanted), ..Lease::default() });
        let task = (self.0.serve)(listener, model, Arc::clone(&lease));
        given.table.give(model, port);
        given.listeners.insert(port, (lease, task));
        self.0.known.write().unwrap_or_else(PoisonError::into_inner).insert(model.clone(), port);
    }

    async fn close(&self, given: &mut Given, model: &ModelId) {
        let Some(port) = given.table.release(model) else { return };
        self.0.known.write().unwrap_or_else(PoisonError::into_inner).remove(model);
        let Some((lease, task)) = given.listeners.remove(&port) else { return };
        lease.is_over.store(true, Ordering::Release);
        task.abort();
        // Cancelled a line above; waited for so that the port is free from here on.
        let _ = task.await;
    }

    fn name(&self, model: &ModelId) -> String {
        let servers = self.0.control.servers();
        let server = servers.iter().find(|server| server.view.key.model == *model);
        server.map_or_else(|| model.to_string(), |server| server.view.name.clone())
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ports").field(&self.0.known).finish()
    }
}
