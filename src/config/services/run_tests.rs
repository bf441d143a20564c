use crate::config::{Config, Env, Flags};
use crate::model::Reading;
use crate::model::service::{FoundBy, Manager, Role, Service, ServiceKind, service_for};
use std::path::PathBuf;
use std::time::Duration;

const ENV: &[(&str, &str)] = &[("HOME", "/home/u"), ("PATH", "relative:/usr/bin:/bin")];

fn load(toml: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, toml).unwrap();
    let flags = Flags { config: Some(path), ..Flags::default() };
    Config::load(&flags, &Env::from_pairs(ENV)).map_err(|error| format!("{error:#}"))
}

/// The least that a service needs, with further lines.
fn service(name: &str, more: &str) -> String {
    format!(
        "[services.{name}]\ncommand = [\"sh\", \"{{port}}\"]\nhealth = \"/health\"\nmemory = {{ ram = \"1GiB\" }}\n{more}\n"
    )
}

/// Every key of the documented example must reach the daemon.
#[test]
fn a_service_that_is_run_has_what_the_file_says_of_it() {
    let toml = r#"
        [services.whisper]
        command = ["/bin/sh", "-c", "serve --port {port}"]
        health = "http://localhost:{port}/health?x=1"
        kind = "stt"
        memory = { vram = "4GiB", ram = "1GiB" }
        cpu_args = ["--device", "cpu"]
        unload_url = "/unload"
        unload_body = '{"free_memory":true}'
        idle_timeout = "10m"
        pinned = true
        pressure_evict_only = true
        essential = true
        routes = ["/v1/audio/transcriptions", "/asr"]
        capabilities = ["audio"]
        env = { HF_HOME = "/m", PORT = "{port}" }
        user = "www-data"
        start_timeout = "3m"
        parallel = 2
        role = "whisper"
    "#;
    let [whisper] = load(toml).unwrap().run_services.try_into().unwrap();
    assert_eq!(whisper.program, Reading::Known(PathBuf::from("/bin/sh")));
    assert_eq!(whisper.args, ["-c", "serve --port {port}"]);
    assert_eq!((whisper.port, whisper.health.as_str()), (None, "/health?x=1"));
    assert_eq!((whisper.kind, whisper.vram, whisper.ram), (ServiceKind::Stt, 4 << 30, 1 << 30));
    assert_eq!(whisper.cpu_args.as_deref(), Some(&["--device".to_owned(), "cpu".to_owned()][..]));
    assert_eq!(whisper.unload, Some(("/unload".to_owned(), r#"{"free_memory":true}"#.to_owned())));
    assert_eq!(
        (whisper.idle_timeout, whisper.start_timeout),
        (Some(Duration::from_secs(600)), Duration::from_secs(180))
    );
    assert!(whisper.pinned && whisper.pressure_evict_only && whisper.essential);
    assert_eq!((whisper.routes.len(), whisper.capabilities.len(), whisper.env.len()), (2, 1, 2));
    assert_eq!((whisper.user.as_deref(), whisper.parallel), (Some("www-data"), 2));
    let [plain] = load(&service("a", "")).unwrap().run_services.try_into().unwrap();
    let found = plain.program.known().unwrap();
    assert!(found.is_absolute() && found.ends_with("sh"), "it is looked for in PATH: {found:?}");
    assert_eq!((plain.routes, plain.idle_timeout), (Vec::<String>::new(), None));
}

/// Both forms of one key must say the same to `health` and `triage`, and what the daemon runs must not hide what others
/// run.
#[test]
fn an_entry_without_a_command_is_looked_at_as_one_of_the_list() {
    let config = load("[services.llama]\nrole = \"llama\"\nendpoint = \"http://127.0.0.1:8081/health\"\n").unwrap();
    let expected = Service {
        endpoint: Some("http://127.0.0.1:8081/health".to_owned()),
        ..Service::new("llama", Role::Llama, Manager::None, FoundBy::Config)
    };
    assert_eq!((config.services, config.run_services), (Some(vec![expected]), Vec::new()));
    let both = load(&format!("{}[services.b]\nrole = \"api\"\n", service("a", ""))).unwrap();
    assert_eq!(both.services.unwrap().iter().map(|s| s.name.clone()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(both.run_services.len(), 1);
    assert_eq!(load(&service("a", "")).unwrap().services, None, "others are found as before");
}

/// A request must reach the service with the closest route, and a path that only begins alike must reach none.
#[test]
fn the_longest_route_by_whole_parts_answers() {
    let toml = service("a", "routes = [\"/x\"]\n")
        + &service("b", "routes = [\"/x/y\"]\n")
        + &service("c", "kind = \"tts\"\n");
    let services = load(&toml).unwrap().run_services;
    let of = |path: &str| service_for(&services, path).map(|service| service.name.clone());
    assert_eq!(of("/x/z").as_deref(), Some("a"));
    assert_eq!(of("/x/y/z").as_deref(), Some("b"));
    assert_eq!(of("/v1/audio/speech").as_deref(), Some("c"), "by its kind");
    assert_eq!((of("/xy"), of("/v1/audio/speeches"), of("/")), (None, None, None));
}

/// A mistake would otherwise show only when the service is needed.
#[test]
fn a_mistake_is_refused_with_its_line_and_key() {
    for (line, why) in [
        ("comand = []", "unknown field `comand`"),
        ("port = 0", "0 is not a port"),
        ("port = 70000", "invalid value"),
        ("kind = \"asr\"", "unknown variant `asr`"),
        ("memory.cpu = \"1GiB\"", "unknown field `cpu`"),
        ("memory.vram = 4", "needs a unit"),
        ("env = { \"A B\" = \"x\" }", "not a variable name"),
        ("env = { A = \"\\u0000\" }", "contains a NUL byte"),
        ("idle_timeout = \"0s\"", "between 1 second and 1 day"),
        ("parallel = 0", "between 1 and 1024"),
        ("user = \"a:b\"", "not a user name"),
        ("unload_url = \"http://example.com:{port}/\"", "is not on this machine"),
        ("unload_body = \"{}\"", "only for `unload_url`"),
        ("routes = [\"v1/x\"]", "is not a path"),
        ("routes = [\"/v1/../x\"]", "is not a path"),
        ("routes = [\"/\"]", "is not a path"),
        ("routes = [\"/v1/chat/completions\"]", "conflicts with /v1/chat"),
        ("routes = [\"/v1\"]", "conflicts with /v1/chat"),
        ("routes = [\"/api/x\"]", "conflicts with /api"),
    ] {
        let toml = service("a", line).replace("memory = { ram = \"1GiB\" }", "memory.ram = \"1GiB\"");
        let text = load(&toml).unwrap_err();
        assert!(text.contains("config.toml:") && text.contains("services.a") && text.contains(why), "{line}: {text}");
    }
    for (toml, why) in [
        ("[services.a]\ncommand = []\n", "`command` is empty"),
        ("[services.a]\ncommand = [\"./x\"]\n", "neither an absolute path"),
        ("[services.a]\ncommand = [\"x\", \"{port}\"]\n", "`health` is missing"),
        ("[services.a]\ncommand = [\"x\"]\nhealth = \"/h\"\n", "has no {port}"),
        ("[services.a]\ncommand = [\"x\"]\nhealth = \"http://10.0.0.1:1/h\"\n", "is not on this machine"),
        ("[services.a]\ncommand = [\"x\"]\nhealth = \"http://localhost:1/h\"\nport = 2\n", "has the port 1"),
        ("[services.a]\ncommand = [\"x\", \"{port}\"]\nhealth = \"/h\"\n", "`memory` is missing"),
        ("[services.a]\npinned = true\n", "`pinned` is only for a service with a `command`"),
        (
            "[services.\"a/b\"]\ncommand = [\"x\", \"{port}\"]\nhealth = \"/h\"\nmemory.ram = \"1MB\"\n",
            "is not a service name",
        ),
    ] {
        let text = load(toml).unwrap_err();
        assert!(text.contains(why), "{toml}: {text}");
    }
}

/// Two services on one port or path would hide each other, and one on a port of a model would keep that from starting.
#[test]
fn what_two_services_would_share_is_refused_by_their_names() {
    let refused = |toml: String, why: &str| {
        let text = load(&toml).unwrap_err();
        assert!(text.contains(why), "{text}");
    };
    let two = |more: &str| service("a", more) + &service("b", more);
    refused(two("port = 7000"), "`services.b`: the port 7000 is also that of the service `a`");
    refused(two("kind = \"tts\""), "the service `a` answers `/v1/audio/speech` too");
    refused(two("routes = [\"/x\"]"), "the service `a` answers `/x` too");
    refused(service("a", "port = 8085"), "is one of the ports of models, 8080-8099");
    refused(service("a", "port = 4848"), "is that of the daemon itself");
    assert_eq!(load(&two("kind = \"tts\"\nroutes = []")).unwrap().run_services.len(), 2);
}

/// Whoever can change the program of a service could run anything as the daemon.
#[test]
fn a_program_that_is_missing_or_open_to_all_is_told_and_not_used() {
    let why = |program: &str| {
        let toml = service("a", "").replace("\"sh\"", &format!("\"{program}\""));
        match load(&toml).unwrap().run_services.remove(0).program {
            Reading::Known(program) => panic!("{program:?} is used"),
            Reading::Unavailable(why) => why,
        }
    };
    assert!(why("no-such-program").contains("is not in PATH"));
    assert!(why("/nowhere/x").contains("/nowhere/x cannot be used"));
    assert!(why("/etc/passwd").contains("is not executable"));
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("x");
    std::fs::write(&program, "").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o757)).unwrap();
    assert!(why(program.to_str().unwrap()).contains("is writable by everyone"));
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    assert!(why(program.to_str().unwrap()).contains("the folder of the program"));
}
