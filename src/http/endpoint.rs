use super::error::HttpError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// The address where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Endpoint {
    Unix(PathBuf),
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        port: u16,
    },
}

/// A connection of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Endpoint {
    /// Returns the endpoint of a port of this machine.
    pub fn port(port: u16) -> Endpoint {
        Endpoint::Tcp { host: "127.0.0.1".to_owned(), port }
    }

    /// Returns the value of the `Host` header.
    pub(super) fn authority(&self) -> String {
        match self {
            Endpoint::Unix(_) => "localhost".to_owned(),
            Endpoint::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            Endpoint::Tcp { host, port } => format!("{host}:{port}"),
        }
    }

    /// Connects to the server.
    ///
    /// # Errors
    /// [`HttpError::Refused`] where nothing listens, [`HttpError::Broken`] for every other reason.
    pub(super) async fn connect(&self) -> Result<Box<dyn Stream>, HttpError> {
        match self {
            Endpoint::Unix(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Box::new(stream)),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Err(HttpError::Refused),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(HttpError::Refused),
                Err(error) => Err(HttpError::broken(error)),
            },
            Endpoint::Tcp { host, port } => Ok(Box::new(connect_tcp(host, *port).await?)),
        }
    }
}

/// Connects to the first address of the host that accepts. Refused only when all of them refuse.
async fn connect_tcp(host: &str, port: u16) -> Result<TcpStream, HttpError> {
    let mut worst = None;
    for address in tokio::net::lookup_host((host, port)).await.map_err(HttpError::broken)? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A token is a small packet. Without this option it is only slower.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            // `AddrNotAvailable` means that this machine does not have that address, as `::1` where there is no IPv6.
            Err(e) if matches!(e.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::AddrNotAvailable) => {
                worst.get_or_insert(HttpError::Refused);
            }
            Err(e) => worst = Some(HttpError::broken(e)),
        }
    }
    Err(worst.unwrap_or_else(|| HttpError::Broken("its name has no address".to_owned())))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
            Endpoint::Tcp { .. } => write!(f, "http://{}", self.authority()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_newer_kind_is_written_in_brackets() {
        let at = |host: &str| Endpoint::Tcp { host: host.to_owned(), port: 80 }.to_string();
        assert_eq!(at("box"), "http://box:80");
        assert_eq!(at("::1"), "http://[::1]:80");
        assert_eq!(Endpoint::Unix("/run/x.sock".into()).to_string(), "unix:/run/x.sock");
    }
}
