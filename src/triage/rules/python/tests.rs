//! Every rule with its cause, and with a healthy node that has the same words in its logs.

use crate::model::service::Role;
use crate::node::log::{LifeEnd, LogLine};
use crate::node::process::Listener;
use crate::node::{Fact, Outcome};
use crate::triage::facts::{Facts, Launcher, PythonFacts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence};
use crate::triage::testing::{
    absent, ends_badly, fails, healthy_facts, healthy_service, hit, hits, known, line, says, says_all, with_program,
    with_settings,
};

const PLACE: &str = "/etc/supervisor/conf.d/api.conf:1";

fn api() -> Facts {
    let mut facts = healthy_facts();
    let mut service = healthy_service("api", Role::Api);
    with_settings(&mut service, |settings| {
        settings.command = "/opt/venv/bin/uvicorn main:app --port 8000".into();
        settings.directory = Some("/srv/app".into());
    });
    facts.services = vec![service];
    facts
}

fn failing(code: i32, lines: &[&str]) -> Facts {
    let mut facts = api();
    fails(&mut facts.services[0], LifeEnd::Exited { code, expected: false }, lines);
    facts
}

fn launcher(file: Option<&str>) -> Launcher {
    Launcher {
        program: "/opt/venv/bin/uvicorn".into(),
        file: absent("/opt/venv/bin/uvicorn"),
        format: None,
        interpreter: None,
        nearest: None,
        is_noexec: None,
        directory: None,
        application: Some(("main:app".into(), file.map(Into::into))),
    }
}

#[track_caller]
fn is_history(id: &str, lines: &[&str]) {
    let mut facts = api();
    says(&mut facts.services[0], lines);
    assert_eq!(hits(id, &facts), [], "{id}");
    // Nor is it the cause of a trouble that has another one.
    let mut facts = api();
    fails(&mut facts.services[0], LifeEnd::Killed { signal: "SIGKILL".into() }, &[]);
    let user: Vec<String> = lines.iter().map(|line| format!("user asks: {line} what is it?")).collect();
    says(&mut facts.services[0], &user.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(hits(id, &facts), [], "{id}");
}

fn of_environment(service: &mut ServiceFacts, name: &str) {
    with_settings(service, |settings| settings.environment.push((name.into(), "x".into())));
}

#[test]
fn py_01_names_the_module_and_the_interpreter() {
    let text = "ModuleNotFoundError: No module named 'orjson.core'";
    let mut facts = failing(1, &["Traceback (most recent call last):", text]);
    let found = hit("PY-01", &facts);
    says_all(&found, &["orjson.core is not installed for /opt/venv/bin/python", "pip", "show", "\"orjson\""]);
    assert_eq!(found.changes, Changes::Nothing);
    facts.services[0].python = Some(known(
        "/srv/venv",
        PythonFacts { interpreter: "/srv/venv/bin/python3.12".into(), ..PythonFacts::default() },
    ));
    says_all(&hit("PY-01", &facts), &["/srv/venv/bin/python3.12"]);
    is_history("PY-01", &[text]);
}

#[test]
fn py_02_names_the_variable_and_where_to_set_it() {
    let mut facts = failing(1, &["    key = os.environ[\"MODEL_DIR\"]", "KeyError: 'MODEL_DIR'"]);
    let found = hit("PY-02", &facts);
    says_all(
        &found,
        &["the environment variable MODEL_DIR is not set", PLACE, "environment=", "remove MODEL_DIR", "update"],
    );
    assert_eq!(found.confidence, Confidence::Proven);
    of_environment(&mut facts.services[0], "MODEL_DIR");
    assert_eq!(hits("PY-02", &facts), [], "it is set: another KeyError");
    assert_eq!(hits("PY-02", &failing(1, &["KeyError: 'user'"])), [], "a key of a dictionary");
    is_history("PY-02", &["KeyError: 'MODEL_DIR'"]);
}

#[test]
fn py_02_reads_the_field_that_settings_require() {
    let text = "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings";
    let mut facts = failing(1, &[text]);
    let Some(Fact { outcome: Outcome::Ok { value }, .. }) = facts.services[0].logs.last_mut() else { panic!() };
    value.last = vec![
        line(text),
        line("database_url"),
        line("  Field required [type=missing, input_value={}, input_type=dict]"),
    ];
    says_all(&hit("PY-02", &facts), &["the environment variable DATABASE_URL is not set"]);
    says_all(&hit("PY-02", &failing(1, &["RuntimeError: environment variable HF_HOME is not set"])), &["HF_HOME"]);
}

#[test]
fn py_03_shows_the_exception_above_the_line() {
    let lines = ["RuntimeError: no database at db:5432", "ERROR:    Application startup failed. Exiting."];
    let found = hit("PY-03", &failing(3, &lines));
    says_all(&found, &["its startup code failed: RuntimeError: no database at db:5432", "tail"]);
    assert!(found.evidence[1].text.contains("Application startup failed"));
    is_history("PY-03", &lines);
}

#[test]
fn py_04_names_the_holder_of_the_port() {
    let text =
        "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use";
    let mut facts = failing(3, &[text]);
    says_all(&hit("PY-04", &facts), &["port 8000 was in use", "ss"]);
    let listener =
        Listener { address: "127.0.0.1:8000".into(), port: 8000, pid: Some(77), name: Some("python3".into()) };
    facts.machine.listeners = known("/proc/net/tcp", vec![listener]);
    let found = hit("PY-04", &facts);
    says_all(&found, &["port 8000 is in use: 127.0.0.1:8000 is used by python3, pid 77", "\"77\""]);
    is_history("PY-04", &[text]);
}

#[test]
fn py_05_tells_a_missing_module_from_a_missing_attribute() {
    let text = "ERROR:    Error loading ASGI app. Could not import module \"main\".";
    let mut facts = failing(3, &[text]);
    facts.services[0].launcher = Some(launcher(None));
    let found = hit("PY-05", &facts);
    says_all(&found, &["the module main is not below /srv/app", PLACE, "directory=", "restore command=/opt/venv"]);
    assert_eq!(found.confidence, Confidence::Proven);
    let text = "ERROR:    Error loading ASGI app. Attribute \"app\" not found in module \"main\".";
    let mut facts = failing(3, &[text]);
    facts.services[0].launcher = Some(launcher(Some("/srv/app/main.py")));
    says_all(&hit("PY-05", &facts), &["the module main has no attribute `app`"]);
    is_history("PY-05", &[text]);
    // gunicorn imports the module itself: the exception is of the application, not of a package.
    let mut facts = failing(3, &["ModuleNotFoundError: No module named 'main'"]);
    facts.services[0].launcher = Some(launcher(None));
    hit("PY-05", &facts);
    assert_eq!(hits("PY-01", &facts), []);
}

#[test]
fn py_06_the_same_failure_each_time() {
    let found = hit("PY-06", &failing(1, &["ValueError: bad shard 12 of 40"]));
    says_all(&found, &["ended each of its last 4 runs: ValueError: bad shard 12 of 40", "release"]);
    assert_eq!(hits("PY-07", &failing(1, &["ValueError: bad shard 12 of 40"])), []);
    is_history("PY-06", &["ValueError: bad"]);
}

#[test]
fn py_07_another_failure_each_time() {
    let mut facts = api();
    let service = &mut facts.services[0];
    ends_badly(service, LifeEnd::Exited { code: 1, expected: false }, &[5.0, 9.0, 4.0]);
    with_program(service, |program| program.state = crate::node::supervisord::ProgramState::Fatal);
    let texts = ["OSError: [Errno 5] Input/output error", "TimeoutError: timed out", "MemoryError"];
    let Some(Fact { outcome: Outcome::Ok { value }, .. }) = service.logs.last_mut() else { panic!() };
    for (index, text) in texts.iter().enumerate() {
        value.marked.push(LogLine { life: Some(index), ..line(text) });
    }
    let found = hit("PY-07", &facts);
    says_all(&found, &["3 different exceptions ended its last 3 runs", "--look", "api"]);
    assert_eq!(hits("PY-06", &facts), []);
    is_history("PY-07", &texts);
}
