//! Accepting connections, and serving each of them.

use super::Bound;
use super::body::Held;
use super::connections::{Connections, Stage};
use super::keys::Keys;
use super::wire::{Patience, Wire};
use crate::config::{Config, ServeConfig};
use crate::serve::Phase;
use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// How a client reaches us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Unix socket that only this user can open.
    LocalSocket,
    /// A listener that only this machine reaches.
    Loopback,
    /// Any other listener.
    Network,
}

/// What a gate needs to know.
#[derive(Clone)]
pub struct Setup {
    pub config: watch::Receiver<Arc<Config>>,
    pub keys: watch::Receiver<Arc<Keys>>,
    pub phase: watch::Receiver<Phase>,
    /// Gets a line for each request, on the thread that serves clients.
    pub log: Arc<dyn Fn(String) + Send + Sync>,
}

/// Where requests come in: serves listeners with the checks and limits of the daemon.
#[derive(Clone)]
pub struct Gate {
    pub(super) setup: Setup,
    pub(super) host_name: Arc<str>,
    pub(super) held: Held,
    /// Requests that are being answered.
    pub(super) running: Arc<watch::Sender<usize>>,
    connections: Connections,
    requests: Arc<AtomicU64>,
    /// Distinguishes the requests of this run of the daemon from those of another.
    run: Arc<str>,
}

/// One connection, as far as a request needs to know it.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub kind: Kind,
    /// Our address.
    pub local: Option<SocketAddr>,
    /// The client's address.
    pub remote: Option<SocketAddr>,
    pub connection: Arc<super::connections::Connection>,
}

/// The rest after a failed accept, which mostly means that no descriptors are left.
const REST: Duration = Duration::from_millis(100);

impl Gate {
    pub fn new(setup: Setup) -> Gate {
        let name = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
        let run = format!("{:x}", crate::clock::now().millis());
        Gate {
            setup,
            host_name: name.into(),
            held: Held::default(),
            running: Arc::new(watch::Sender::new(0)),
            connections: Connections::default(),
            requests: Arc::default(),
            run: run.into(),
        }
    }

    /// Waits until no request is being answered.
    pub async fn idle(&self) {
        // The sender is in `self`.
        let _ = self.running.subscribe().wait_for(|running| *running == 0).await;
    }

    /// Serves a listener until the returned future is dropped.
    pub async fn serve(self, bound: Bound, router: Router) {
        match bound {
            Bound::Tcp(listener) => {
                let is_local = listener.local_addr().is_ok_and(|address| address.ip().to_canonical().is_loopback());
                let kind = if is_local { Kind::Loopback } else { Kind::Network };
                loop {
                    match listener.accept().await {
                        Ok((stream, remote)) => {
                            // A token is a small packet. Without this option it is only slower.
                            let _ = stream.set_nodelay(true);
                            // Without our address the names of this machine remain.
                            let local = stream.local_addr().ok();
                            self.admit(stream, (kind, local, Some(remote)), &router);
                        }
                        Err(_) => tokio::time::sleep(REST).await,
                    }
                }
            }
            Bound::Unix(socket) => loop {
                match socket.listener.accept().await {
                    Ok((stream, _)) => self.admit(stream, (Kind::LocalSocket, None, None), &router),
                    Err(_) => tokio::time::sleep(REST).await,
                }
            },
        }
    }

    /// Returns the settings as they were last read.
    pub(super) fn settings(&self) -> Arc<Config> {
        Arc::clone(&self.setup.config.borrow())
    }

    /// Returns a new number for a request.
    pub(super) fn next_id(&self) -> String {
        format!("{}-{:x}", self.run, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    fn admit<S>(&self, stream: S, (kind, local, remote): (Kind, Option<SocketAddr>, Option<SocketAddr>), to: &Router)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = self.settings();
        let ServeConfig { limits, .. } = &config.serve;
        // Where all connections are busy this one is closed: its client may try again.
        let Some(connection) = self.connections.admit(limits.connections, limits.header_bytes) else { return };
        let connection = Arc::new(connection);
        let patience = Patience { idle: limits.keep_alive, head: limits.header_timeout, write: limits.write_timeout };
        let gate = self.clone();
        let wire = Wire::new(stream, Arc::clone(&connection), patience, Box::new(move || gate.next_id()));
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            // The wire has limits of its own.
            .header_read_timeout(None)
            .max_header_size(limits.header_bytes)
            .max_buf_size(limits.write_bytes.max(limits.header_bytes).max(8192));
        let peer = Peer { kind, local, remote, connection: Arc::clone(&connection) };
        let (gate, router) = (self.clone(), to.clone());
        let service = service_fn(move |request| {
            let (gate, router, peer) = (gate.clone(), router.clone(), peer.clone());
            async move { Ok::<_, std::convert::Infallible>(gate.answer(request, router, peer).await) }
        });
        let mut phase = self.setup.phase.clone();
        tokio::spawn(async move {
            let mut served = std::pin::pin!(builder.serve_connection(TokioIo::new(wire), service));
            let mut is_ending = false;
            loop {
                tokio::select! {
                    // A client that breaks off is no event.
                    _ = served.as_mut() => return,
                    () = connection.give_way.notified() => {
                        if connection.stage().0 != Stage::Busy {
                            return;
                        }
                    }
                    // An error means that the daemon has ended.
                    _ = phase.wait_for(|phase| *phase == Phase::Stopping), if !is_ending => {
                        is_ending = true;
                        // Whoever asks from now on is answered too: with a refusal, after which the connection ends.
                        if connection.stage().0 == Stage::Busy {
                            served.as_mut().graceful_shutdown();
                        }
                    }
                }
            }
        });
    }
}
