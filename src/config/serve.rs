//! Settings of the daemon's listeners: `[serve]`, `MODELCTL_LISTEN`, and the flags of `serve`.

use super::read::{bytes, duration};
use super::{Env, Flags, PortRange};
use crate::failure::Failure;
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An address where the daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// The word in place of a list of addresses that leaves only the command line's socket.
const NONE: &str = "none";

/// Flags of `serve`; they take precedence over environment and file, also when the config is read again.
#[derive(Debug, Clone, Default)]
pub struct ServeFlags {
    pub listen: Vec<String>,
    pub socket: Option<PathBuf>,
    pub api_key_file: Option<PathBuf>,
    /// The program that gets events.
    pub exec: Option<PathBuf>,
}

/// Settings of the daemon's listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeConfig {
    /// The addresses besides [`ServeConfig::socket`].
    pub listen: Vec<ListenAddress>,
    /// The Unix socket that the command line uses.
    pub socket: PathBuf,
    pub api_key_file: Option<PathBuf>,
    /// Whether requests over a loopback address need a key as well, where there is a file of keys.
    pub key_on_loopback: bool,
    /// Names and addresses besides our own that a `Host` header may have.
    pub hosts: Vec<String>,
    /// Origins besides our own whose pages may send requests: `https://chat.example.com`.
    pub allow_origins: Vec<String>,
    /// Whether pages of applications may send requests: `app://`, `file://`, `tauri://`, `vscode-webview://`.
    pub allow_apps: bool,
    /// The ports that models get; `None` where they get none.
    pub ports: Option<PortRange>,
    pub limits: ServeLimits,
}

/// What one client can take from the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeLimits {
    /// Bytes of a request line with its headers.
    pub header_bytes: usize,
    /// Time from the first byte of a request to the end of its headers.
    pub header_timeout: Duration,
    /// Bytes of the body of a request.
    pub body_bytes: u64,
    /// Time for the whole body of a request to arrive.
    pub body_timeout: Duration,
    /// Open connections of all listeners together.
    pub connections: usize,
    /// Time that a connection may be idle.
    pub keep_alive: Duration,
    /// Time after which an answer ends whose client reads nothing of it.
    pub write_timeout: Duration,
    /// Bytes of an answer that are buffered for a client that does not read.
    pub write_bytes: usize,
    /// Nesting of arrays and objects in a JSON body.
    pub json_depth: usize,
    /// Bytes of the name of a model.
    pub name_bytes: usize,
}

impl Default for ServeLimits {
    fn default() -> Self {
        ServeLimits {
            header_bytes: 32 << 10,
            header_timeout: Duration::from_secs(10),
            body_bytes: 32 << 20,
            body_timeout: Duration::from_secs(60),
            connections: 12_000,
            keep_alive: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            write_bytes: 1 << 20,
            json_depth: 128,
            name_bytes: 512,
        }
    }
}

impl ListenAddress {
    /// Parses `127.0.0.1:4848`, `[::1]:4848`, `localhost:4848`, a port, or a path with a slash.
    ///
    /// # Errors
    /// A sentence without a full stop.
    pub fn parse(text: &str) -> Result<ListenAddress, String> {
        if text.contains('/') {
            return Ok(ListenAddress::Unix(text.into()));
        }
        let local = |port: u16| ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], port)));
        let port = text.strip_prefix("localhost:").unwrap_or(text);
        if let Ok(port) = port.parse() {
            return Ok(local(port));
        }
        text.parse().map(ListenAddress::Tcp).map_err(|_| {
            format!(
                "`{}` is not an address: give 127.0.0.1:4848, [::1]:4848 or the path of a socket",
                text.escape_debug()
            )
        })
    }

    /// Returns whether only this machine reaches it.
    pub fn is_local(&self) -> bool {
        match self {
            ListenAddress::Tcp(address) => address.ip().to_canonical().is_loopback(),
            ListenAddress::Unix(_) => true,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Tcp(address) => write!(f, "http://{address}"),
            ListenAddress::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Parses a list of addresses; the word `none` alone means no address.
fn addresses<T: AsRef<str>>(texts: &[T]) -> Result<Vec<ListenAddress>, String> {
    let mut parsed = Vec::new();
    for text in texts.iter().map(|text| text.as_ref().trim()).filter(|text| !(*text == NONE && texts.len() == 1)) {
        let address = ListenAddress::parse(text)?;
        if !parsed.contains(&address) {
            parsed.push(address);
        }
    }
    Ok(parsed)
}

/// `[serve]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Serve {
    #[serde(deserialize_with = "listen")]
    listen: Option<Vec<ListenAddress>>,
    socket: Option<PathBuf>,
    api_key_file: Option<PathBuf>,
    key_on_loopback: Option<bool>,
    hosts: Vec<String>,
    #[serde(deserialize_with = "origins")]
    allow_origins: Vec<String>,
    allow_apps: Option<bool>,
    ports: Option<bool>,
    #[serde(deserialize_with = "port")]
    port_range_start: Option<u16>,
    #[serde(deserialize_with = "port")]
    port_range_end: Option<u16>,
    #[serde(deserialize_with = "header_bytes")]
    header_bytes: Option<u64>,
    #[serde(deserialize_with = "limit")]
    header_timeout: Option<Duration>,
    #[serde(deserialize_with = "body_bytes")]
    body_bytes: Option<u64>,
    #[serde(deserialize_with = "limit")]
    body_timeout: Option<Duration>,
    #[serde(deserialize_with = "connections")]
    connections: Option<u64>,
    #[serde(deserialize_with = "limit")]
    keep_alive: Option<Duration>,
    #[serde(deserialize_with = "limit")]
    write_timeout: Option<Duration>,
    #[serde(deserialize_with = "write_bytes")]
    write_bytes: Option<u64>,
    #[serde(deserialize_with = "json_depth")]
    json_depth: Option<u64>,
    #[serde(deserialize_with = "name_bytes")]
    name_bytes: Option<u64>,
}

fn listen<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Vec<ListenAddress>>, D::Error> {
    addresses(&Vec::<String>::deserialize(d)?).map(Some).map_err(de::Error::custom)
}

/// Reads origins as browsers write them: a scheme and an authority, without a path.
fn origins<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    let origins = Vec::<String>::deserialize(d)?;
    for origin in &origins {
        let is_origin = origin
            .split_once("://")
            .is_some_and(|(scheme, authority)| !scheme.is_empty() && !authority.is_empty() && !authority.contains('/'));
        if !is_origin || origin.contains(['*', ' ']) {
            let told = origin.escape_debug();
            return Err(de::Error::custom(format!("`{told}` is not an origin: give https://chat.example.com")));
        }
    }
    Ok(origins)
}

fn between<E: de::Error>(value: Option<u64>, least: u64, most: u64) -> Result<Option<u64>, E> {
    match value {
        Some(n) if !(least..=most).contains(&n) => Err(E::custom(format!("{n} is not between {least} and {most}"))),
        value => Ok(value),
    }
}

fn port<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u16>, D::Error> {
    let port = between(Some(u64::deserialize(d)?), 1, u64::from(u16::MAX))?;
    Ok(port.and_then(|port| u16::try_from(port).ok())) // within its range
}

fn header_bytes<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    between(bytes(d)?, 1 << 10, 1 << 20)
}

fn body_bytes<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    between(bytes(d)?, 1 << 10, 4 << 30)
}

fn write_bytes<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    between(bytes(d)?, 16 << 10, 1 << 30)
}

fn connections<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    between(Some(u64::deserialize(d)?), 1, 1_000_000)
}

fn json_depth<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    // serde_json itself refuses more.
    between(Some(u64::deserialize(d)?), 1, 128)
}

fn name_bytes<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    between(Some(u64::deserialize(d)?), 1, 64 << 10)
}

fn limit<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    const MOST: Duration = Duration::from_secs(86_400);
    match duration(d)? {
        Some(time) if time < Duration::from_millis(10) || time > MOST => {
            let time = humantime::format_duration(time);
            Err(de::Error::custom(format!("{time} is not between 10 milliseconds and 1 day")))
        }
        time => Ok(time),
    }
}

impl ServeConfig {
    /// Loads the settings. `from_file` resolves a path of the config file.
    ///
    /// # Errors
    /// `CannotMeet` for an address that is none.
    pub(super) fn load(
        (flags, env): (&Flags, &Env),
        file: &Serve,
        from_file: impl Fn(&Path) -> PathBuf,
    ) -> anyhow::Result<ServeConfig> {
        let refused = |source: &'static str| move |why: String| Failure::cannot_meet(format!("{source}: {why}"));
        let flags = &flags.serve;
        let listen = if !flags.listen.is_empty() {
            addresses(&flags.listen).map_err(refused("--listen"))?
        } else if env.is_set("MODELCTL_LISTEN") {
            addresses(&env.list("MODELCTL_LISTEN")).map_err(refused("MODELCTL_LISTEN"))?
        } else {
            let default = || vec![ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], ServeConfig::PORT)))];
            let resolved = |address: &ListenAddress| match address {
                ListenAddress::Unix(path) => ListenAddress::Unix(from_file(path)),
                other => other.clone(),
            };
            file.listen.as_ref().map_or_else(default, |listen| listen.iter().map(resolved).collect())
        };
        let path =
            |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.as_deref().map(&from_file));
        let range = PortRange::load(env, (file.port_range_start, file.port_range_end))?;
        Ok(ServeConfig {
            listen,
            socket: path(&flags.socket, &file.socket).unwrap_or_else(|| env.runtime_dir().join("serve.sock")),
            api_key_file: path(&flags.api_key_file, &file.api_key_file),
            key_on_loopback: file.key_on_loopback.unwrap_or(false),
            hosts: file.hosts.clone(),
            allow_origins: file.allow_origins.clone(),
            allow_apps: file.allow_apps.unwrap_or(false),
            ports: file.ports.unwrap_or(true).then_some(range),
            limits: file.limits(),
        })
    }

    /// The port of the default address.
    pub const PORT: u16 = 4848;
}

impl Serve {
    fn limits(&self) -> ServeLimits {
        let default = ServeLimits::default();
        let count = |n: Option<u64>, default: usize| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(default); // within its range
        ServeLimits {
            header_bytes: count(self.header_bytes, default.header_bytes),
            header_timeout: self.header_timeout.unwrap_or(default.header_timeout),
            body_bytes: self.body_bytes.unwrap_or(default.body_bytes),
            body_timeout: self.body_timeout.unwrap_or(default.body_timeout),
            connections: count(self.connections, default.connections),
            keep_alive: self.keep_alive.unwrap_or(default.keep_alive),
            write_timeout: self.write_timeout.unwrap_or(default.write_timeout),
            write_bytes: count(self.write_bytes, default.write_bytes),
            json_depth: count(self.json_depth, default.json_depth),
            name_bytes: count(self.name_bytes, default.name_bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn load(flags: ServeFlags, env: &[(&str, &str)], toml: &str) -> anyhow::Result<ServeConfig> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml).unwrap();
        let flags = Flags { config: Some(path), serve: flags, ..Flags::default() };
        Config::load(&flags, &Env::from_pairs(env)).map(|config| config.serve)
    }

    fn at(texts: &[&str]) -> Vec<ListenAddress> {
        texts.iter().map(|text| ListenAddress::parse(text).unwrap()).collect()
    }

    #[test]
    fn the_daemon_listens_where_the_last_word_says() {
        let file = "[serve]\nlisten = [\"127.0.0.1:1\", \"/run/x.sock\"]\n";
        let listen = |flags: &[&str], env: &str, toml: &str| {
            let flags = ServeFlags { listen: flags.iter().map(|&f| f.to_owned()).collect(), ..ServeFlags::default() };
            load(flags, &[("MODELCTL_LISTEN", env)], toml).unwrap().listen
        };
        assert_eq!(listen(&[], "", ""), at(&["127.0.0.1:4848"]));
        assert_eq!(listen(&[], "", file), at(&["127.0.0.1:1", "/run/x.sock"]));
        assert_eq!(listen(&[], "localhost:2,[::1]:2", file), at(&["127.0.0.1:2", "[::1]:2"]));
        assert_eq!(listen(&[], "none", file), at(&[]));
        assert_eq!(listen(&["3", "3"], "none", file), at(&["127.0.0.1:3"]));
        assert_eq!(listen(&["none"], "2", file), at(&[]));
    }

    #[test]
    fn an_address_that_others_reach_is_known_as_one() {
        for (text, is_local) in [
            ("127.0.0.1:1", true),
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("/run/x", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("10.0.0.1:1", false),
        ] {
            assert_eq!(ListenAddress::parse(text).unwrap().is_local(), is_local, "{text}");
        }
        for text in ["", "box:1", "127.0.0.1", "1.2.3.4:99999", "-1"] {
            assert!(ListenAddress::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn limits_are_set_in_the_file_and_a_wrong_one_is_refused_with_its_line_and_key() {
        let toml = "[serve]\nheader_timeout = \"1s\"\nbody_bytes = \"1MiB\"\nconnections = 20\n";
        let limits = load(ServeFlags::default(), &[], toml).unwrap().limits;
        let expected = ServeLimits {
            header_timeout: Duration::from_secs(1),
            body_bytes: 1 << 20,
            connections: 20,
            ..ServeLimits::default()
        };
        assert_eq!(limits, expected);
        for (line, why) in [
            ("connections = 0", "`serve.connections`: 0 is not between"),
            ("keep_alive = \"0s\"", "is not between 10 milliseconds and 1 day"),
            ("json_depth = 129", "129 is not between 1 and 128"),
            ("allow_origins = [\"*\"]", "`*` is not an origin"),
            ("allow_origins = [\"https://a.b/\"]", "is not an origin"),
            ("listen = [\"box\"]", "`box` is not an address"),
            ("listn = []", "unknown field `listn`"),
        ] {
            let error = load(ServeFlags::default(), &[], &format!("[serve]\n{line}\n")).unwrap_err().to_string();
            assert!(error.contains("config.toml:2: ") && error.contains(why), "{error}");
        }
    }
}
