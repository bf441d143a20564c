//! Binding addresses, with words for what is taken.

use super::unix::UnixSocket;
use crate::config::ListenAddress;
use crate::failure::{Failure, OrFail};
use crate::host::port_holder::port_holder;
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted. The kernel caps it (net.core.somaxconn).
const BACKLOG: u32 = 1024;

/// A bound listener.
#[derive(Debug)]
pub enum Bound {
    Tcp(TcpListener),
    Unix(UnixSocket),
}

impl Bound {
    /// Returns the address that was bound: for port 0 the one that the kernel chose.
    pub fn address(&self) -> io::Result<ListenAddress> {
        match self {
            Bound::Tcp(listener) => listener.local_addr().map(ListenAddress::Tcp),
            Bound::Unix(socket) => Ok(ListenAddress::Unix(socket.path().to_owned())),
        }
    }
}

/// Binds an address. Must run inside of the runtime. `who` names this process to others.
///
/// # Errors
/// Busy (4) where another process listens; cannot be met (3) for every other reason.
pub fn bind(address: &ListenAddress, who: &str) -> anyhow::Result<Bound> {
    match address {
        ListenAddress::Tcp(address) => match bind_tcp(*address) {
            Ok(listener) => Ok(Bound::Tcp(listener)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(taken(*address).into()),
            Err(error) => Err(error).or_fail(|| Failure::cannot_meet(format!("cannot listen on {address}"))),
        },
        ListenAddress::Unix(path) => UnixSocket::bind(path, who).map(Bound::Unix),
    }
}

/// Binds an address of TCP.
///
/// # Errors
/// `AddrInUse` where another process listens.
pub fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // On Linux this allows no second listener; it only ignores connections that ended a short time ago.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The default port of Ollama.
const OLLAMA_PORT: u16 = 11434;

fn taken(address: SocketAddr) -> Failure {
    let holder = port_holder(address.port());
    let is_ollama = match &holder {
        Some(holder) => holder.name.starts_with("ollama"),
        None => address.port() == OLLAMA_PORT,
    };
    if is_ollama {
        let who = holder.map_or_else(|| "probably Ollama".to_owned(), |holder| holder.to_string());
        return Failure::busy(format!("cannot listen on {address}: the port is in use by {who}"))
            .hint("stop Ollama (`systemctl stop ollama`), or leave out this address");
    }
    let who = holder.map_or_else(|| "a process of another user".to_owned(), |holder| holder.to_string());
    Failure::busy(format!("cannot listen on {address}: the port is in use by {who}"))
        .hint("choose another port with --listen")
}
