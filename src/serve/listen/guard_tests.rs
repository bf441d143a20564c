use super::guard::{Admitted, Guard};
use super::{Keys, Kind, Refusal};
use crate::config::{Config, Env, Flags, ServeConfig};
use crate::model::server::Class;
use crate::serve::Phase;
use axum::http::Request;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

fn config(toml: &str) -> ServeConfig {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, format!("[serve]\n{toml}")).unwrap();
    let flags = Flags { config: Some(path), ..Flags::default() };
    Config::load(&flags, &Env::from_pairs(&[])).unwrap().serve
}

fn keys() -> Keys {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    file.write_all(b"cron:k3y:batch\n").unwrap();
    Keys::read(&path).unwrap()
}

struct World {
    config: ServeConfig,
    keys: Keys,
    phase: Phase,
    kind: Kind,
    local: &'static str,
}

impl World {
    fn new(toml: &str) -> World {
        let (keys, phase, kind) = (Keys::default(), Phase::Serving, Kind::Loopback);
        World { config: config(toml), keys, phase, kind, local: "127.0.0.1:4848" }
    }

    fn check(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Admitted, Refusal> {
        let mut request = Request::builder().method(method).uri(uri);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:4848");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let guard = Guard {
            config: &self.config,
            keys: &self.keys,
            phase: self.phase,
            kind: self.kind,
            local: Some(self.local.parse().unwrap()),
            address: "127.0.0.1",
            host_name: "box",
            has_both_lengths: false,
        };
        guard.check(&request.body(()).unwrap().into_parts().0).outcome
    }

    fn status(&self, method: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        self.check(method, uri, headers).map_or_else(|refusal| refusal.status.as_u16(), |_| 200)
    }
}

#[test]
fn the_name_of_a_stranger_is_refused_whatever_it_leads_to() {
    let mut world = World::new("hosts = [\"llm.lan\", \"nas:8080\"]\n");
    world.local = "192.168.1.5:4848";
    let host = |host: &str| world.status("GET", "/v1/models", &[("host", host)]);
    for ours in [
        "localhost",
        "LOCALHOST:1",
        "localhost.",
        "127.0.0.1",
        "[::1]:4848",
        "box",
        "Box:80",
        "llm.lan:443",
        "nas:8080",
        "192.168.1.5",
    ] {
        assert_eq!(host(ours), 200, "{ours}");
    }
    for foreign in ["evil.com", "localhost.evil.com", "127.0.0.1.nip.io", "192.168.1.6", "8.8.8.8:4848", "nas"] {
        assert_eq!(host(foreign), 403, "{foreign}");
    }
    assert_eq!(world.status("GET", "/", &[("host", "localhost"), ("host", "box")]), 400);
    assert_eq!(host(""), 400);
    assert_eq!(world.status("GET", "http://evil.com/v1/models", &[("host", "localhost")]), 400);
}

#[test]
fn a_page_of_another_site_is_refused_and_one_of_ours_or_an_allowed_one_is_not() {
    let world = World::new("allow_origins = [\"https://chat.example.com\"]\n");
    let origin =
        |origin: &str| world.status("GET", "/v1/models", &[("origin", origin), ("sec-fetch-site", "cross-site")]);
    assert_eq!(origin("https://chat.example.com"), 200);
    assert_eq!(origin("http://127.0.0.1:4848"), 200);
    for foreign in [
        "null",
        "http://localhost:3000",
        "https://evil.com",
        "https://chat.example.com.evil.com",
        "file://",
        "tauri://localhost",
    ] {
        assert_eq!(origin(foreign), 403, "{foreign}");
    }
    assert_eq!(world.status("GET", "/health", &[("sec-fetch-site", "cross-site")]), 403);
    // An image of a page on another port of this machine, and a link on it.
    let of_neighbour = |mode: &str| [("sec-fetch-site", "same-site".to_owned()), ("sec-fetch-mode", mode.to_owned())];
    let status = |mode: &str| {
        let headers = of_neighbour(mode);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.status("GET", "/unload", &headers)
    };
    assert_eq!((status("no-cors"), status("navigate") == 403), (403, false));
    assert_eq!(world.status("GET", "/health", &[("sec-fetch-site", "same-origin")]), 200);
    assert_eq!(World::new("allow_apps = true\n").status("GET", "/", &[("origin", "tauri://localhost")]), 200);
    let asks = [("origin", "https://chat.example.com"), ("access-control-request-method", "POST")];
    assert!(world.check("OPTIONS", "/v1/chat/completions", &asks).unwrap().is_preflight);
}

#[test]
fn a_form_of_a_browser_cannot_start_anything() {
    let world = World::new("");
    let own = ("origin", "http://127.0.0.1:4848");
    let length = ("content-length", "5");
    let post = |headers: &[(&str, &str)]| world.status("POST", "/v1/chat/completions", headers);
    assert_eq!(post(&[own, length, ("content-type", "text/plain")]), 415);
    assert_eq!(post(&[own, length, ("content-type", "application/json; charset=utf-8")]), 200);
    assert_eq!(post(&[length, ("sec-fetch-site", "same-origin")]), 415);
    assert_eq!(post(&[length, ("content-type", "text/plain")]), 200, "curl sends what it wants");
    assert_eq!(post(&[("content-length", "99999999999")]), 413);
}

#[test]
fn a_key_is_needed_where_others_reach_us_and_a_wrong_one_is_refused_everywhere() {
    let mut world = World::new("");
    let bearer =
        |world: &World, key: &str| world.status("GET", "/metrics", &[("authorization", &format!("Bearer {key}"))]);
    assert_eq!(bearer(&world, "anything"), 200, "without a file of keys nobody checks them");
    world.keys = keys();
    assert_eq!((world.status("GET", "/metrics", &[]), bearer(&world, ""), bearer(&world, "x")), (200, 200, 401));
    let caller = world.check("GET", "/metrics", &[("x-api-key", "k3y")]).unwrap().caller;
    assert_eq!((caller.name.as_str(), caller.class), ("cron", Some(Class::Batch)));
    world.kind = Kind::Network;
    assert_eq!((world.status("GET", "/metrics", &[]), bearer(&world, ""), bearer(&world, "k3y")), (401, 401, 200));
    assert_eq!((world.status("GET", "/health", &[]), world.status("HEAD", "/health", &[])), (200, 200));
    // A browser has no key before it has the page, which shows nothing without one.
    assert_eq!((world.status("GET", "/", &[]), world.status("HEAD", "/page/abc/app.js", &[])), (200, 200));
    let others = [("POST", "/"), ("POST", "/page/abc/app.js"), ("GET", "/api/stream"), ("GET", "/pages")];
    for (method, path) in others {
        assert_eq!(world.status(method, path, &[]), 401, "{method} {path}");
    }
    world.kind = Kind::LocalSocket;
    assert_eq!(world.status("GET", "/metrics", &[]), 200);
    (world.kind, world.config.key_on_loopback) = (Kind::Loopback, true);
    assert_eq!(world.status("GET", "/metrics", &[]), 401);
}

#[test]
fn a_path_that_means_something_else_elsewhere_is_malformed() {
    let world = World::new("");
    for path in
        ["/v1/../x", "/v1/..", "/%2e%2e/x", "/v1/chat%2Fcompletions", "/v1%2Fmodels/a", "/a%5cb", "/a/./b", "/a%00"]
    {
        assert_eq!(world.status("GET", path, &[]), 400, "{path}");
    }
    assert_eq!(world.status("GET", "/v1/models/org/repo-1.5..gguf", &[]), 200);
    // OpenAI's package writes the slash of a name like this.
    for path in ["/v1/models/org%2Fx", "/models/org%2fx", "/api/models/org%2Fx"] {
        assert_eq!(world.status("GET", path, &[]), 200, "{path}");
    }
    for path in
        ["/v1/models/..%2Fx", "/models/a%2F%2e%2e%2Fb", "/v1/models/a%2F.", "/api/models/a%5Cb", "/v1/models/%00"]
    {
        assert_eq!(world.status("GET", path, &[]), 400, "{path}");
    }
}

#[test]
fn nothing_is_answered_before_the_daemon_is_ready_and_after_it_was_asked_to_stop() {
    for phase in [Phase::Starting, Phase::Stopping] {
        let world = World { phase, ..World::new("") };
        assert_eq!(world.status("GET", "/health", &[]), 503);
    }
    let refusal = World { phase: Phase::Starting, ..World::new("") }.check("GET", "/health", &[]).unwrap_err();
    assert_eq!(refusal.message, "Server manager not initialized");
}
