//! Which requests are let in, decided by their head alone.

use super::keys::{self, Keys};
use super::{Caller, Kind, Refusal};
use crate::config::ServeConfig;
use crate::serve::Phase;
use crate::serve::page;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use std::net::{IpAddr, SocketAddr};

/// What a check knows besides the request.
pub(super) struct Guard<'a> {
    pub config: &'a ServeConfig,
    pub keys: &'a Keys,
    pub phase: Phase,
    pub kind: Kind,
    /// Our address of this connection; `None` for a Unix socket.
    pub local: Option<SocketAddr>,
    /// The client's address, for people.
    pub address: &'a str,
    /// The name of this machine, in lower case.
    pub host_name: &'a str,
    /// Whether the head has both Content-Length and Transfer-Encoding.
    pub has_both_lengths: bool,
}

/// What the checks found.
#[derive(Debug)]
pub(super) struct Checked {
    /// The origin of the page that sent the request, where that is not ours and is allowed: it may read why its request
    /// was refused.
    pub foreign_origin: Option<String>,
    /// The request that is let in, or the reason for refusing it.
    pub outcome: Result<Admitted, Refusal>,
}

/// A request that is let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admitted {
    pub caller: Caller,
    /// Whether it only asks for permission (CORS preflight).
    pub is_preflight: bool,
}

impl Guard<'_> {
    /// Checks the head of a request.
    pub fn check(&self, request: &Parts) -> Checked {
        let form = self.check_form(request);
        let origin = self.check_host(request).and_then(|host| self.check_origin(&request.headers, &host));
        let foreign_origin = origin.as_ref().ok().cloned().flatten(); // a refusal is in the outcome
        let outcome = form.and(origin).and_then(|origin| self.admit(request, origin.is_some()));
        Checked { foreign_origin, outcome }
    }

    fn admit(&self, request: &Parts, is_foreign: bool) -> Result<Admitted, Refusal> {
        let is_preflight = request.method == Method::OPTIONS
            && is_foreign
            && request.headers.contains_key("access-control-request-method");
        match self.phase {
            Phase::Starting => {
                let message = "Server manager not initialized";
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "starting", message));
            }
            Phase::Stopping => {
                return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the daemon is stopping"));
            }
            Phase::Serving => {}
        }
        // A browser sends no key with a preflight.
        let caller = if is_preflight { self.caller() } else { self.check_key(request)? };
        self.check_body(request)?;
        Ok(Admitted { caller, is_preflight })
    }

    fn check_form(&self, request: &Parts) -> Result<(), Refusal> {
        if self.has_both_lengths {
            return Err(Refusal::malformed("the request has both Content-Length and Transfer-Encoding"));
        }
        if request.headers.get_all(HOST).iter().count() > 1 {
            return Err(Refusal::malformed("the request has more than one Host"));
        }
        if request.method == Method::CONNECT {
            return Err(Refusal::malformed("this is not a proxy"));
        }
        let path = request.uri.path();
        let mut lower = path.to_ascii_lowercase();
        if HAVE_NAMES.iter().any(|beginning| path.starts_with(beginning)) {
            lower = lower.replace("%2f", "/");
        }
        if ["%2f", "%5c", "%00"].iter().any(|encoded| lower.contains(encoded)) || path.contains(['\\', '\0']) {
            return Err(Refusal::malformed("the path has an encoded slash, a backslash or a NUL"));
        }
        let plain = lower.replace("%2e", ".");
        if plain.split('/').any(|part| part == ".." || part == ".") {
            return Err(Refusal::malformed("the path has `.` or `..` as a part"));
        }
        Ok(())
    }

    /// Returns the `Host` of the request, with its port.
    fn check_host(&self, request: &Parts) -> Result<String, Refusal> {
        let host = request.headers.get(HOST).map(|host| host.to_str().map(str::trim));
        let host = match (host, request.uri.authority()) {
            (Some(Ok(host)), Some(named)) if !named.as_str().eq_ignore_ascii_case(host) => {
                return Err(Refusal::malformed("the Host is not that of the address asked for"));
            }
            (Some(Ok(host)), _) if !host.is_empty() => host,
            (None, Some(named)) => named.as_str(),
            _ => return Err(Refusal::malformed("the request has no Host")),
        };
        if self.is_ours(host) {
            return Ok(host.to_ascii_lowercase());
        }
        let message = format!("`{}` is not a name of this server; add it to `hosts` in [serve]", host.escape_debug());
        Err(Refusal::forbidden(message))
    }

    /// Returns whether a `Host` is one of ours: by DNS rebinding the page of a stranger could otherwise reach us under
    /// its own name. The port may differ, as it does behind a forwarded port.
    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = address.to_canonical();
            let is_listened_on = self.local.is_some_and(|local| local.ip().to_canonical() == address);
            return address.is_loopback() || is_listened_on || self.is_configured(&name, host);
        }
        name == "localhost" || (!name.is_empty() && name == self.host_name) || self.is_configured(&name, host)
    }

    fn is_configured(&self, name: &str, host: &str) -> bool {
        let ours = |of: &String| {
            let of = of.trim_end_matches('.');
            of.eq_ignore_ascii_case(name) || of.eq_ignore_ascii_case(host)
        };
        self.config.hosts.iter().any(ours)
    }

    /// Returns the origin, if it is not ours and is allowed.
    fn check_origin(&self, headers: &HeaderMap, host: &str) -> Result<Option<String>, Refusal> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let Some(origin) = origins.next() else {
            let says = |name: &str, word: &[u8]| {
                headers.get_all(name).iter().any(|value| value.as_bytes().eq_ignore_ascii_case(word))
            };
            // A page on another port of this machine is of the same site: what it embeds (an image) has no Origin either.
            let is_embedded = says("sec-fetch-site", b"same-site") && !says("sec-fetch-mode", b"navigate");
            return match says("sec-fetch-site", b"cross-site") || is_embedded {
                true => Err(Refusal::forbidden("requests from pages of other sites are not allowed")),
                false => Ok(None),
            };
        };
        let origin = origin.to_str().unwrap_or_default().trim();
        if origins.next().is_some() {
            return Err(Refusal::malformed("the request has more than one Origin"));
        }
        let (scheme, authority) = origin.split_once("://").unwrap_or(("", ""));
        let is_own = matches!(scheme, "http" | "https") && authority.eq_ignore_ascii_case(host);
        if is_own {
            return Ok(None);
        }
        let is_app = self.config.allow_apps && APP_SCHEMES.contains(&scheme);
        if is_app || self.config.allow_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
            return Ok(Some(origin.to_owned()));
        }
        let message = format!("the origin `{}` is not allowed; see `allow_origins` in [serve]", origin.escape_debug());
        Err(Refusal::forbidden(message))
    }

    fn caller(&self) -> Caller {
        Caller { name: self.address.to_owned(), class: None, is_local_socket: self.kind == Kind::LocalSocket }
    }

    fn check_key(&self, request: &Parts) -> Result<Caller, Refusal> {
        let caller = self.caller();
        let path = request.uri.path();
        let is_health =
            matches!(request.method, Method::GET | Method::HEAD) && matches!(path, "/health" | "/v1/health");
        let is_open = is_health || page::is_public(&request.method, path);
        let refuse = |message: &str| Err(Refusal::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message));
        if self.keys.is_empty() || is_open {
            return match self.kind {
                // Such a listener does not start without keys.
                Kind::Network if !is_open => refuse("this server has no keys"),
                _ => Ok(caller),
            };
        }
        match keys::sent(&request.headers) {
            Some(sent) => match self.keys.find(&sent) {
                Some(key) => Ok(Caller { name: key.name.clone(), class: key.class, ..caller }),
                None => refuse("the API key is not valid"),
            },
            None => match self.kind {
                Kind::LocalSocket => Ok(caller),
                Kind::Loopback if !self.config.key_on_loopback => Ok(caller),
                Kind::Loopback | Kind::Network => refuse("an API key is required: `Authorization: Bearer KEY`"),
            },
        }
    }

    fn check_body(&self, request: &Parts) -> Result<(), Refusal> {
        let headers = &request.headers;
        let length = headers.get(CONTENT_LENGTH).and_then(|n| n.to_str().ok()).and_then(|n| n.parse::<u64>().ok());
        if length.is_some_and(|length| length > self.config.limits.body_bytes) {
            return Err(too_large(self.config.limits.body_bytes));
        }
        let has_body = length.is_some_and(|length| length > 0) || headers.contains_key(TRANSFER_ENCODING);
        let changes = matches!(request.method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE) && has_body;
        let is_browser =
            headers.contains_key(ORIGIN) || headers.keys().any(|name| name.as_str().starts_with("sec-fetch-"));
        if changes && is_browser && !is_json(headers) {
            let message = "the body of a request from a browser must have the type application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_content_type", message));
        }
        Ok(())
    }
}

/// Beginnings of paths that have the name of a model: there some clients write a slash as `%2F`, and it means the
/// same as a slash.
const HAVE_NAMES: &[&str] = &["/v1/models/", "/models/", "/api/models/", "/upstream/"];

/// Schemes of the pages of applications, as Ollama lists them.
const APP_SCHEMES: &[&str] = &["app", "file", "tauri", "vscode-webview", "vscode-file"];

/// Returns the refusal of a body that is larger than `limit` bytes (413).
pub(super) fn too_large(limit: u64) -> Refusal {
    let message = format!("the body is larger than {limit} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()) else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// Returns the host of an authority; brackets stay.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}
