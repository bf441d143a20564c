//! Addresses of other programs' servers, which report the models that they have loaded.

use super::env::Env;
use crate::failure::Failure;
use crate::model::Reading;
use std::fmt;

/// The address of a server that speaks plain HTTP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerAddress {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    /// Prefix of every path: empty, or `/…` without a slash at its end.
    pub base: String,
}

/// Sources that report to `prune` which models are in use, in addition to the processes of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneConfig {
    /// Ollama's server; unavailable when its setting cannot be used.
    pub ollama: Reading<ServerAddress>,
    /// Servers with the API of llama-server.
    pub endpoints: Vec<ServerAddress>,
}

impl Default for PruneConfig {
    fn default() -> Self {
        PruneConfig { ollama: ollama(""), endpoints: Vec::new() }
    }
}

/// The default port of llama-server.
const LLAMA_SERVER_PORT: u16 = 8080;
/// The default port of Ollama.
const OLLAMA_PORT: u16 = 11434;

impl PruneConfig {
    /// Loads the settings: those of the environment, then those of the file.
    ///
    /// # Errors
    /// `CannotMeet` for an endpoint of the environment that is invalid. Those of the file are parsed with the file.
    pub(super) fn settle(
        env: &Env,
        file_ollama: Option<&str>,
        file_endpoints: &[ServerAddress],
    ) -> anyhow::Result<PruneConfig> {
        let host = env.text("OLLAMA_HOST");
        let named = env.list("MODELCTL_ENDPOINTS");
        let parse = |text: &String| {
            let why =
                |why| Failure::cannot_meet(format!("MODELCTL_ENDPOINTS names `{}`: {why}", without_secrets(text)));
            ServerAddress::parse(text).map_err(|e| anyhow::Error::from(why(e)))
        };
        let endpoints = match named.as_slice() {
            [] => file_endpoints.to_vec(),
            named => named.iter().map(parse).collect::<anyhow::Result<_>>()?,
        };
        Ok(PruneConfig { ollama: ollama(host.as_deref().or(file_ollama).unwrap_or_default()), endpoints })
    }
}

/// Parses `OLLAMA_HOST` as Ollama's own client does: a scheme, a host, a port and a path, each of which may be missing.
/// A server that listens on all addresses is reached on the loopback address. An invalid port leaves the default.
fn ollama(text: &str) -> Reading<ServerAddress> {
    let text = text.trim().trim_matches(['"', '\'']).trim();
    let (default, rest) = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (80, rest),
        None if text != "ollama.com" => (OLLAMA_PORT, text),
        _ => return Reading::Unavailable(format!("Ollama's server at `{text}` does not speak plain HTTP")),
    };
    let (host, port, base) = parts(rest);
    let port = port.map_or(default, |port| port.parse().unwrap_or(default));
    let host = match host {
        "" | "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    Reading::Known(ServerAddress { host: host.to_owned(), port, base })
}

impl ServerAddress {
    /// Parses `host`, `host:port` or `http://host:port/base`.
    ///
    /// # Errors
    /// A sentence without a full stop.
    pub fn parse(text: &str) -> Result<ServerAddress, String> {
        let (default, rest) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (80, rest),
            Some(_) => return Err("only http:// can be asked".to_owned()),
            None => (LLAMA_SERVER_PORT, text),
        };
        let (host, port, base) = parts(rest);
        let is_odd = |c: char| c.is_whitespace() || c.is_control() || "@?#".contains(c);
        if host.is_empty() || rest.contains(is_odd) {
            return Err("expected http://host:port".to_owned());
        }
        let port = match port {
            Some(port) => port.parse().map_err(|_| format!("`{port}` is not a port"))?,
            None => default,
        };
        Ok(ServerAddress { host: host.to_owned(), port, base })
    }
}

/// Returns a URL for a message: without what may be a password or a key, which stands before an `@` or behind a `?`.
pub(super) fn without_secrets(url: &str) -> String {
    let (url, query) = url.split_once('?').map_or((url, ""), |(url, _)| (url, "?…"));
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, rest)| format!("…@{rest}"));
    format!("{}{separator}{}{query}", scheme.escape_debug(), rest.escape_debug())
}

/// Returns the host without its brackets, the port, and the prefix of every path.
fn parts(rest: &str) -> (&str, Option<&str>, String) {
    let (authority, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let base = base.trim_end_matches('/').to_owned();
    if let Some((host, port)) = authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        return (host, port.strip_prefix(':'), base);
    }
    match authority.rsplit_once(':') {
        // Several colons: an IPv6 address.
        Some((host, port)) if !host.contains(':') => (host, Some(port), base),
        _ => (authority, None, base),
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "http://[{}]:{}{}", self.host, self.port, self.base),
            false => write!(f, "http://{}:{}{}", self.host, self.port, self.base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A password in a config file would be in the log of every cron job that reads it.
    #[test]
    fn a_url_is_shown_without_its_password_and_key() {
        assert_eq!(without_secrets("http://user:pa@ss@h:1/health?key=s"), "http://…@h:1/health?…");
        assert_eq!(without_secrets("user:pass@h"), "…@h");
        assert_eq!(without_secrets("http://h:1/a\nb"), "http://h:1/a\\nb");
    }

    #[test]
    fn the_server_of_ollama_is_where_its_own_client_would_look() {
        let at = |text: &str| match ollama(text) {
            Reading::Known(address) => address.to_string(),
            Reading::Unavailable(why) => why,
        };
        for (text, expected) in [
            ("", "http://127.0.0.1:11434"),
            ("0.0.0.0", "http://127.0.0.1:11434"),
            (" \"0.0.0.0:8000\" ", "http://127.0.0.1:8000"),
            (":8000", "http://127.0.0.1:8000"),
            ("box", "http://box:11434"),
            ("box:1", "http://box:1"),
            ("box:none", "http://box:11434"),
            ("http://box", "http://box:80"),
            ("HTTP://box:11434/", "http://box:11434"),
            ("http://box:1/a/b/", "http://box:1/a/b"),
            ("::1", "http://[::1]:11434"),
            ("[::]:5", "http://[::1]:5"),
        ] {
            assert_eq!(at(text), expected, "{text}");
        }
        assert!(at("https://box").contains("does not speak plain HTTP"));
    }

    #[test]
    fn an_endpoint_that_cannot_be_asked_is_refused() {
        let at = |text: &str| ServerAddress::parse(text).map(|address| address.to_string());
        assert_eq!(at("http://127.0.0.1:8081"), Ok("http://127.0.0.1:8081".to_owned()));
        assert_eq!(at("gpu-box"), Ok("http://gpu-box:8080".to_owned()));
        assert_eq!(at("http://[::1]/llm/"), Ok("http://[::1]:80/llm".to_owned()));
        for odd in ["https://x", "", "http://", "x:y", "x:99999", "a b", "u@h", "h?x", "h\r\nx"] {
            assert!(at(odd).is_err(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,60}") {
            let _ = (ServerAddress::parse(&text), ollama(&text));
        }
    }
}
