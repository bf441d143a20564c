//! The services of a node that are looked at: `[supervisor]`, `[[services]]`.

use crate::config::ServerAddress;
use crate::config::servers::without_secrets;
use crate::model::service::{FoundBy, Gate, Manager, QueueCheck, Role, Service};
use serde::{Deserialize, Deserializer, de};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Where supervisord is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SupervisorConfig {
    /// Its config file; None: the one in the usual places.
    pub config: Option<PathBuf>,
    /// Logs of what started supervisord, a container's or an init's.
    pub logs: Vec<PathBuf>,
}

/// `[supervisor]` of the config file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct Supervisor {
    config: Option<PathBuf>,
    logs: Vec<PathBuf>,
}

impl Supervisor {
    pub fn settings(&self, from_file: impl Fn(&Path) -> PathBuf) -> SupervisorConfig {
        SupervisorConfig {
            config: self.config.as_deref().map(&from_file),
            logs: self.logs.iter().map(|log| from_file(log)).collect(),
        }
    }
}

/// One of `[[services]]` of the config file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct ServiceFile {
    #[serde(deserialize_with = "service_name")]
    pub(super) name: Spanned<String>,
    pub(super) role: Option<Role>,
    #[serde(default, deserialize_with = "manager")]
    pub(super) manager: Option<Manager>,
    #[serde(default)]
    pub(super) logs: Vec<PathBuf>,
    #[serde(default, deserialize_with = "endpoint")]
    pub(super) endpoint: Option<String>,
    pub(super) key_file: Option<PathBuf>,
    #[serde(default, deserialize_with = "text")]
    pub(super) model: Option<String>,
    #[serde(default, deserialize_with = "text")]
    pub(super) model_id: Option<String>,
    pub(super) gpu: Option<bool>,
    #[serde(default)]
    pub(super) files: Vec<PathBuf>,
    #[serde(default, deserialize_with = "gates")]
    pub(super) gates: Vec<Gate>,
    pub(super) queue: Option<QueueFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QueueFile {
    #[serde(deserialize_with = "filled")]
    name: String,
    #[serde(default, deserialize_with = "text")]
    identity: Option<String>,
    #[serde(deserialize_with = "queue_check")]
    check: Vec<String>,
}

/// Returns where in the text a name stands that an earlier service has already, and what is wrong with it.
pub(super) fn named_twice(services: &[ServiceFile]) -> Option<(usize, String)> {
    let mut seen = HashSet::new();
    for (at, service) in services.iter().enumerate() {
        let name = service.name.as_ref();
        if !seen.insert(name) {
            let name = name.escape_debug();
            let what = format!("key `services[{at}].name`: duplicate service `{name}`; names must be unique");
            return Some((service.name.span().start, what));
        }
    }
    None
}

impl ServiceFile {
    pub(super) fn settings(&self, from_file: impl Fn(&Path) -> PathBuf) -> Service {
        let paths = |paths: &[PathBuf]| paths.iter().map(|path| from_file(path)).collect();
        let manager = match &self.manager {
            Some(Manager::Pid(file)) => Manager::Pid(from_file(file)),
            Some(manager) => manager.clone(),
            None => Manager::None,
        };
        let model = |text: &String| {
            // Names of models have slashes too.
            let is_path = ["/", "./", "../", "~/"].iter().any(|start| text.starts_with(start));
            let resolved = || from_file(Path::new(text)).into_os_string().into_string().ok(); // a text in any case: both parts are
            is_path.then(resolved).flatten().unwrap_or_else(|| text.clone())
        };
        let queue = |queue: &QueueFile| QueueCheck {
            name: queue.name.clone(),
            identity: queue.identity.clone(),
            check: queue.check.clone(),
        };
        Service {
            logs: paths(&self.logs),
            endpoint: self.endpoint.clone(),
            key_file: self.key_file.as_deref().map(&from_file),
            model: self.model.as_ref().map(model),
            model_id: self.model_id.clone(),
            gpu: self.gpu,
            files: paths(&self.files),
            gates: self.gates.clone(),
            queue: self.queue.as_ref().map(queue),
            ..Service::new(self.name.as_ref(), self.role.unwrap_or(Role::Other), manager, FoundBy::Config)
        }
    }
}

fn refuse_blank<E: de::Error>(text: &str) -> Result<(), E> {
    match text.trim().is_empty() || text.contains(char::is_control) {
        true => Err(E::custom(format!("`{}` is empty or contains control characters", text.escape_debug()))),
        false => Ok(()),
    }
}

fn service_name<'de, D: Deserializer<'de>>(d: D) -> Result<Spanned<String>, D::Error> {
    let name = Spanned::<String>::deserialize(d)?;
    refuse_blank(name.as_ref())?;
    Ok(name)
}

fn filled<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let text = String::deserialize(d)?;
    refuse_blank(&text)?;
    Ok(text)
}

pub(super) fn text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    filled(d).map(Some)
}

pub(super) fn manager<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Manager>, D::Error> {
    parse_manager(&String::deserialize(d)?).map(Some).map_err(de::Error::custom)
}

fn parse_manager(text: &str) -> Result<Manager, String> {
    let wrong = || {
        let text = text.escape_debug();
        format!("`{text}` is not a manager; expected supervisor:[GROUP:]PROGRAM, systemd:UNIT, pid:FILE or none")
    };
    if text == "none" {
        return Ok(Manager::None);
    }
    let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
    let is_odd = |part: &str| part.is_empty() || part.contains(|c: char| c.is_whitespace() || c.is_control());
    match kind {
        "supervisor" if name.split(':').count() <= 2 && !name.split(':').any(is_odd) => {
            Ok(Manager::Supervisor(name.to_owned()))
        }
        "systemd" if !is_odd(name) && !name.contains('/') => {
            let has_suffix = name.rsplit_once('.').is_some_and(|(_, suffix)| UNIT_SUFFIXES.contains(&suffix));
            Ok(Manager::Systemd(if has_suffix { name.to_owned() } else { format!("{name}.service") }))
        }
        "pid" if !name.is_empty() => Ok(Manager::Pid(name.into())),
        _ => Err(wrong()),
    }
}

/// Types of units that have a process or hold those that do.
const UNIT_SUFFIXES: &[&str] = &["service", "scope", "slice", "socket", "timer", "target"];

pub(super) fn endpoint<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    let text = String::deserialize(d)?;
    let wrong = |why: &str| de::Error::custom(format!("`{}`: {why}", without_secrets(&text)));
    match text.split_once("://") {
        Some(("http", rest)) => {
            // A path may have a query, a server address has none.
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            ServerAddress::parse(&format!("http://{authority}")).map_err(|why| wrong(&why))?;
        }
        // It can be named, and is reported as unknown.
        Some(("https", rest)) if !rest.is_empty() => {}
        _ => return Err(wrong("expected http://HOST:PORT/PATH")),
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(wrong("contains spaces or control characters"));
    }
    Ok(Some(text))
}

pub(super) fn gates<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<Gate>, D::Error> {
    Vec::<String>::deserialize(d)?.iter().map(|text| gate(text).map_err(de::Error::custom)).collect()
}

fn gate(text: &str) -> Result<Gate, String> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return match humantime::parse_duration(text) {
            Ok(time) if !time.is_zero() => Ok(Gate::Time(time)),
            Ok(_) => Err("must be greater than 0".to_owned()),
            Err(error) => Err(format!("`{}` is not a valid duration: {error}", text.escape_debug())),
        };
    }
    match !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        true => Ok(Gate::Name(text.to_owned())),
        false => Err(format!("`{}` is neither a variable name nor a time such as 120s", text.escape_debug())),
    }
}

fn queue_check<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list of a program and its arguments, or a URL")]
    enum Check {
        Url(String),
        Command(Vec<String>),
    }
    let check = match Check::deserialize(d)? {
        Check::Url(url) => vec![url],
        Check::Command(words) => words,
    };
    let first = check.first().map(String::as_str).unwrap_or_default();
    let is_url = first.starts_with("http://") && check.len() == 1;
    if !is_url && !first.starts_with('/') {
        let why = "must begin with the absolute path of a program, or be a single http:// URL";
        return Err(de::Error::custom(format!("`{}` {why}", first.escape_debug())));
    }
    if check.iter().any(|word| word.contains('\0')) {
        return Err(de::Error::custom("an argument contains a NUL byte"));
    }
    Ok(check)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Env, Flags};
    use std::time::Duration;

    fn load(toml: &str) -> Result<(PathBuf, Config), String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, toml).unwrap();
        let flags = Flags { config: Some(path), ..Flags::default() };
        let config = Config::load(&flags, &Env::from_pairs(&[("HOME", "/home/u")]));
        config.map(|config| (dir.path().to_owned(), config)).map_err(|error| format!("{error:#}"))
    }

    /// Every key of the documented example must reach the checks.
    #[test]
    fn a_service_has_what_the_file_says_of_it() {
        let toml = r#"
            [supervisor]
            config = "/etc/supervisor/supervisord.conf"
            logs = ["/var/log/boot.log"]
            [[services]]
            name = "llama"
            role = "llama"
            manager = "supervisor:llama"
            logs = ["/var/log/llama.err", "~/l", "l"]
            endpoint = "http://127.0.0.1:8081/health?x=1"
            key_file = "key"
            model = "~/x.gguf"
            model_id = "x"
            gpu = true
            files = ["/workspace/src/api/main.py"]
            gates = ["LLAMA_WAIT_SECONDS", "120s"]
            queue = { name = "transcribe@gpu", identity = "@gpu", check = ["/usr/local/bin/pollers"] }
            [[services]]
            name = "b"
        "#;
        let (base, config) = load(toml).unwrap();
        let supervisor = SupervisorConfig {
            config: Some("/etc/supervisor/supervisord.conf".into()),
            logs: vec!["/var/log/boot.log".into()],
        };
        assert_eq!(config.supervisor, supervisor);
        let llama = Service {
            logs: vec!["/var/log/llama.err".into(), "/home/u/l".into(), base.join("l")],
            endpoint: Some("http://127.0.0.1:8081/health?x=1".to_owned()),
            key_file: Some(base.join("key")),
            model: Some("/home/u/x.gguf".to_owned()),
            model_id: Some("x".to_owned()),
            gpu: Some(true),
            files: vec!["/workspace/src/api/main.py".into()],
            gates: vec![Gate::Name("LLAMA_WAIT_SECONDS".to_owned()), Gate::Time(Duration::from_secs(120))],
            queue: Some(QueueCheck {
                name: "transcribe@gpu".to_owned(),
                identity: Some("@gpu".to_owned()),
                check: vec!["/usr/local/bin/pollers".to_owned()],
            }),
            ..Service::new("llama", Role::Llama, Manager::Supervisor("llama".to_owned()), FoundBy::Config)
        };
        let b = Service::new("b", Role::Other, Manager::None, FoundBy::Config);
        assert_eq!(config.services, Some(vec![llama, b]));
    }

    /// Without the key, services are found; a file that names none must not switch that off by accident.
    #[test]
    fn without_services_in_the_file_they_are_found() {
        let (_, config) = load("keep = []\n").unwrap();
        assert_eq!((config.services, config.supervisor), (None, SupervisorConfig::default()));
    }

    #[test]
    fn a_manager_is_a_program_a_unit_a_file_or_none() {
        for (text, manager) in [
            ("supervisor:llama", Manager::Supervisor("llama".to_owned())),
            ("supervisor:gpu:llama", Manager::Supervisor("gpu:llama".to_owned())),
            ("systemd:llama", Manager::Systemd("llama.service".to_owned())),
            ("systemd:llama@1.2", Manager::Systemd("llama@1.2.service".to_owned())),
            ("systemd:x.scope", Manager::Systemd("x.scope".to_owned())),
            ("pid:/run/x.pid", Manager::Pid("/run/x.pid".into())),
            ("none", Manager::None),
        ] {
            assert_eq!(parse_manager(text), Ok(manager), "{text}");
        }
        for text in ["", "llama", "supervisor:", "supervisor:a:b:c", "supervisor:a:", "systemd:a b", "pid:", "docker:x"]
        {
            assert!(parse_manager(text).unwrap_err().contains("supervisor:[GROUP:]PROGRAM"), "{text}");
        }
    }

    /// A name of a model with a slash is not a path of the config file's folder.
    #[test]
    fn a_model_is_a_path_or_a_name() {
        let model = |text: &str| {
            let (base, config) = load(&format!("[[services]]\nname = \"a\"\nmodel = \"{text}\"\n")).unwrap();
            let model = config.services.unwrap()[0].model.clone().unwrap();
            model.replace(base.to_str().unwrap(), "BASE")
        };
        assert_eq!(model("org/repo"), "org/repo");
        assert_eq!(model("./x.gguf"), "BASE/./x.gguf");
        assert_eq!(model("/m/x.gguf"), "/m/x.gguf");
    }

    #[test]
    fn a_mistake_is_refused_with_its_line_and_key() {
        for (line, key, why) in [
            ("manager = \"docker:x\"", "`services[0].manager`", "is not a manager"),
            ("role = \"web\"", "`services[0].role`", "unknown variant `web`"),
            ("port = 1", "`services[0].port`", "unknown field `port`"),
            ("endpoint = \"127.0.0.1:8081\"", "`services[0].endpoint`", "expected http://HOST:PORT/PATH"),
            ("endpoint = \"http://u@h/\"", "`services[0].endpoint`", "expected http://host:port"),
            ("endpoint = \"http://h:x/\"", "`services[0].endpoint`", "is not a port"),
            ("gates = [\"1 m x\"]", "`services[0].gates`", "is not a valid duration"),
            ("gates = [\"A B\"]", "`services[0].gates`", "neither a variable name"),
            ("gates = [\"0s\"]", "`services[0].gates`", "greater than 0"),
            ("model_id = \"\"", "`services[0].model_id`", "is empty"),
            ("gpu = \"yes\"", "`services[0].gpu`", "invalid type"),
            (
                "queue = { name = \"q\", check = [\"pollers\"] }",
                "`services[0].queue.check`",
                "absolute path of a program",
            ),
            ("queue = { name = \"q\", check = [] }", "`services[0].queue.check`", "absolute path of a program"),
            ("queue = { name = \"q\", check = \"https://x\" }", "`services[0].queue.check`", "a single http:// URL"),
            ("queue = { name = \"q\", chek = [] }", "`services[0].queue.chek`", "unknown field `chek`"),
        ] {
            let text = load(&format!("[[services]]\nname = \"a\"\n{line}\n")).unwrap_err();
            assert!(text.contains("config.toml:3: ") && text.contains(key) && text.contains(why), "{text}");
        }
        let text = load("[[services]]\nrole = \"api\"\n").unwrap_err();
        assert!(text.contains("config.toml:1: ") && text.contains("missing field `name`"), "{text}");
        let text = load("[supervisor]\nconf = 1\n").unwrap_err();
        assert!(text.contains("config.toml:2: ") && text.contains("`supervisor.conf`"), "{text}");
    }

    /// Two services of one name would hide each other in every answer.
    #[test]
    fn a_service_twice_is_refused_where_it_stands() {
        let toml =
            "[[services]]\nname = \"a\"\n[[services]]\nname = \"b\"\n[[services]]\nrole = \"api\"\nname = \"a\"\n";
        let text = load(toml).unwrap_err();
        assert!(text.contains("config.toml:7: key `services[2].name`: duplicate service `a`"), "{text}");
    }
}
