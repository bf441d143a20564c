//! The page for a browser: files in the binary, under the hash of all of them. They know nothing by themselves; what they
//! show comes from the API, which asks for the key.
//!
//! Absent on purpose: what is shown.

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::routing::get;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// What has the hash of the files in [`INDEX`].
const ASSETS: &str = "{assets}";
const INDEX: &str = include_str!("assets/index.html");

/// A file with its name below `/page/HASH/`.
macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("assets/", $name)).as_slice())),+]
    };
}

const FILES: &[(&str, &[u8])] = files![
    "act.js",
    "api.js",
    "app.js",
    "decisions.js",
    "dom.js",
    "format.js",
    "hour.js",
    "icon.svg",
    "log.js",
    "machine.js",
    "models.js",
    "page.css",
    "queue.js",
    "requests.js",
    "servers.js",
    "state.js",
    "stream.js",
    "try.js",
    "uplot/LICENSE",
    "uplot/uPlot.iife.min.js",
    "uplot/uPlot.min.css",
];

/// The page asks nobody but this daemon, runs only its own files, and is part of no other page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file under this hash never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    hash.update(INDEX);
    for (name, bytes) in FILES {
        hash.update(name);
        hash.update(bytes);
    }
    crate::model::hex(&hash.finalize()).chars().take(16).collect()
});

static PAGE: LazyLock<String> = LazyLock::new(|| INDEX.replace(ASSETS, &HASH));

/// Returns what the files of this build are known by: a page of another build is not up to date.
pub fn hash() -> &'static str {
    &HASH
}

/// Returns the routes of the files. The page itself is at `/`, which Ollama's clients ask as well.
pub fn routes() -> Router {
    Router::new().route("/page/{hash}/{*file}", get(file))
}

/// Returns whether a request is for the page or its files, which need no key: a browser has none before it has the page.
pub fn is_public(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD) && (path == "/" || path.starts_with("/page/"))
}

/// Returns whether a client prefers HTML, as browsers do.
pub fn is_preferred(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default(); // no text names HTML
    let weight = |wanted: &str| {
        let mut ranges = accept.split(',').map(|range| range.split_once(';').unwrap_or((range, "")));
        let range = ranges.find(|(kind, _)| kind.trim().eq_ignore_ascii_case(wanted));
        range.map_or(0.0, |(_, parameters)| {
            let quality = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("q="));
            quality.and_then(|quality| quality.parse::<f32>().ok()).unwrap_or(1.0) // without a number it is wanted
        })
    };
    let html = weight("text/html");
    html > 0.0 && html >= weight("application/json") && html >= weight("text/plain")
}

/// Returns the page.
pub fn index() -> Response<Body> {
    let mut answer = Response::new(Body::from(PAGE.as_str()));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    protect(headers);
    answer
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

/// `GET /page/{hash}/{file}`
async fn file(Path((hash, name)): Path<(String, String)>) -> Response<Body> {
    let found = FILES.iter().find(|(file, _)| *file == name).filter(|_| hash == *HASH);
    let Some((name, bytes)) = found else {
        let mut answer = Response::new(Body::from("there is no such file in this version; reload the page\n"));
        *answer.status_mut() = StatusCode::NOT_FOUND;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        return answer;
    };
    let mut answer = Response::new(Body::from(*bytes));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    protect(headers);
    answer
}

fn kind(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests;
