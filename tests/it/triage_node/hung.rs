//! Everything hangs at once, each in its own way.

use super::silent_files::SilentFiles;
use super::{config, finding, signal, timed, within};
use crate::node_children::fake_nvml;
use crate::sandbox::{Sandbox, finish};
use crate::supervised::{Supervisord, script, until};
use rustix::process::Signal;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A server that takes connections and never answers.
const SERVER: &str = "import os, socket, sys\n\
    server = socket.socket()\nserver.bind(('127.0.0.1', 0))\nserver.listen(50)\n\
    open(sys.argv[1] + '.new', 'w').write(str(server.getsockname()[1]))\n\
    os.rename(sys.argv[1] + '.new', sys.argv[1])\nkept = []\nwhile True: kept.append(server.accept())\n";

/// What is unknown, with its reason.
fn unknown(report: &Value) -> String {
    let all = report["unknown"].as_array().unwrap().iter();
    all.map(|one| format!("{}: {}\n", one["what"].as_str().unwrap(), one["why"].as_str().unwrap())).collect()
}

/// A node on which supervisord is stopped, a file system, NVML and two endpoints hang, and the check of a queue does
/// nothing: an operator still gets a verdict, and a probe its answer, in time.
#[test]
fn five_hung_parts_cost_no_more_than_their_limits_and_are_named() {
    let sandbox = Sandbox::new();
    let Some(files) = SilentFiles::mount(sandbox.path("mnt")) else { return };
    let Some(nvml) = fake_nvml() else { return };
    let server = script(&sandbox, "server.py", SERVER);
    let port_file = |name: &str| sandbox.path(&format!("{name}.port"));
    let command = |name: &str| format!("command=python3 {} {}", server.display(), port_file(name).display());
    let programs = [("llama", &*command("llama")), ("api", &*command("api"))];
    let supervisord = Supervisord::start(&sandbox, &programs);
    supervisord.log_has(&sandbox, "success: llama entered RUNNING");
    supervisord.log_has(&sandbox, "success: api entered RUNNING");
    let check = script(&sandbox, "bin/pollers", "#!/bin/sh\nsleep 600\n");
    let url = |name: &str| {
        until("the port of a server", || port_file(name).exists());
        format!("http://127.0.0.1:{}/health", std::fs::read_to_string(port_file(name)).unwrap())
    };
    let (llama, api) = (url("llama"), url("api"));
    let toml = format!(
        "[supervisor]\nconfig = {:?}\n\
         [[services]]\nname = \"llama\"\nrole = \"llama\"\nmanager = \"supervisor:llama\"\nendpoint = {llama:?}\nmodel = {:?}\n\
         logs = [{:?}]\nqueue = {{ name = \"q\", check = [{check:?}] }}\n\
         [[services]]\nname = \"api\"\nrole = \"api\"\nmanager = \"supervisor:api\"\nendpoint = {api:?}\n",
        supervisord.config,
        files.path("models/x.gguf"),
        files.path("llama.log"),
    );
    let config = config(&sandbox, &toml);
    signal(supervisord.child.id(), Signal::STOP);
    let stat = format!("/proc/{}/stat", supervisord.child.id());
    within(Duration::from_secs(20), "a stopped supervisord", || {
        std::fs::read_to_string(&stat).unwrap().contains(" T ")
    });
    let run = |args: &[&str]| {
        let began = Instant::now();
        let mut command = sandbox.command(["--config", config.as_str()].iter().chain(args));
        command.env("LD_LIBRARY_PATH", nvml).env("FAKE_NVML_HANG", "init");
        (finish(command.output().unwrap()), began.elapsed())
    };

    let (health, took) = run(&["health", "--timeout", "1s", "--require-gpu", "--json"]);
    assert_eq!(health.code, Some(1), "{health:?}");
    let report = health.json();
    assert!(report["took_ms"].as_u64().unwrap() <= 1_500, "{report:#}");
    // The start of the program and its end are not in that time.
    assert!(took < Duration::from_secs(4), "{took:?}");
    let of = |name: &str, target: &str| {
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|one| one["name"] == name && one["target"] == target);
        check.unwrap_or_else(|| panic!("no {name} of {target} in {report:#}"))["status"].as_str().unwrap().to_owned()
    };
    // Its process runs: that is known without supervisord.
    assert_eq!(of("services", "llama"), "warning");
    assert_eq!((of("endpoints", "llama"), of("endpoints", "api")), ("critical".to_owned(), "critical".to_owned()));
    assert_eq!((of("models", "llama"), of("queue", "llama")), ("unknown".to_owned(), "unknown".to_owned()));

    let (triage, took) = run(&["triage", "--json"]);
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert_eq!(triage.code, Some(1), "{triage:?}");
    let report = triage.json();
    let first = &report["findings"][0];
    assert!(first["rule"] == "FS-06" || first["rule"].as_str().unwrap().starts_with("GPU-"), "{report:#}");
    let stopped = finding(&report, "SUP-22");
    assert_eq!(stopped["command"], serde_json::json!(["kill", "-CONT", supervisord.child.id().to_string()]));
    let silent = finding(&report, "FS-06");
    assert!(silent["cause"].as_str().unwrap().contains(sandbox.path("mnt").to_str().unwrap()), "{silent:#}");
    for rule in ["LLM-11", "FS-06", "SUP-22"] {
        let everything = format!("{}{}", report["findings"], report["explained"]);
        assert!(everything.contains(rule), "{rule} is not in {report:#}");
    }
    // Nobody else has taken its port: its processes are known from the log of supervisord.
    assert!(!triage.out.contains("LLM-21"), "{report:#}");
    let unknown = unknown(&report);
    for what in ["models/x.gguf", "llama.log", "queue.check of q", "NVML", "supervisord at"] {
        assert!(unknown.contains(what), "{what} is not in\n{unknown}");
    }
}

/// A mount that hangs below the folder of an application hides none of its logs: the first error is still found.
#[test]
fn a_mount_that_hangs_hides_nothing_beside_it() {
    let sandbox = Sandbox::new();
    let app = sandbox.path("app");
    let Some(_files) = SilentFiles::mount(app.join("models")) else { return };
    let lines = format!(
        "command=sh -c \"echo 'ERROR: the moon is full' >&2; exit 9\"\ndirectory={}\nstartsecs=1\nstartretries=1",
        app.display()
    );
    let supervisord = Supervisord::start(&sandbox, &[("api", &lines)]);
    supervisord.log_has(&sandbox, "gave up: api ");
    let (run, took) = timed(&sandbox, &["triage", "--json"]);
    assert!(took < Duration::from_secs(30), "{took:?}");
    let report = run.json();
    assert!(finding(&report, "TOOL-02")["cause"].as_str().unwrap().contains("the moon is full"), "{report:#}");
    let files = report["collectors"].as_array().unwrap().iter().find(|one| one["name"] == "files of api").unwrap();
    assert_eq!(files["status"], "ok", "{report:#}");
}
