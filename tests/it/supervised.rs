//! `triage` and `health` beside a real supervisord with programs that really fail: the cause that an operator is shown
//! first is the right one, and the same without the node.

use crate::fixtures;
use crate::sandbox::{Run, Sandbox};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

/// A real supervisord, ended with its programs.
pub struct Supervisord {
    pub child: Child,
    pub config: PathBuf,
}

impl Supervisord {
    /// Starts supervisord with these programs, each a name and the lines of its section, and waits until it answers.
    pub fn start(sandbox: &Sandbox, programs: &[(&str, &str)]) -> Supervisord {
        Supervisord::start_with(sandbox, "", programs)
    }

    /// Starts it with further lines for the section of its socket.
    pub fn start_with(sandbox: &Sandbox, socket: &str, programs: &[(&str, &str)]) -> Supervisord {
        let config = sandbox.path("supervisord.conf");
        let folder = sandbox.path("");
        let folder = folder.display();
        let mut text = format!(
            "[supervisord]\nlogfile={folder}/supervisord.log\npidfile={folder}/supervisord.pid\nchildlogdir={folder}\n\n\
             [unix_http_server]\nfile={folder}/supervisor.sock\n{socket}\n\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n\n"
        );
        for (name, lines) in programs {
            text.push_str(&format!(
                "[program:{name}]\n{lines}\nstdout_logfile={folder}/{name}.out\nstderr_logfile={folder}/{name}.err\n\n"
            ));
        }
        std::fs::write(&config, text).unwrap();
        let child = Command::new("python3")
            .args(["-m", "supervisor.supervisord", "-n", "-c"])
            .arg(&config)
            .env("PYTHONPATH", fixtures::supervisor())
            .current_dir(sandbox.path(""))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Supervisord { child, config };
        started.log_has(sandbox, "supervisord started");
        std::fs::write(
            sandbox.path("config.toml"),
            format!("[supervisor]\nconfig = \"{}\"\n", started.config.display()),
        )
        .unwrap();
        started
    }

    /// Waits until the main log has a text.
    pub fn log_has(&self, sandbox: &Sandbox, text: &str) {
        until(&format!("`{text}` in the log of supervisord"), || {
            std::fs::read_to_string(sandbox.path("supervisord.log")).is_ok_and(|log| log.contains(text))
        });
    }
}

impl Drop for Supervisord {
    fn drop(&mut self) {
        // SIGTERM ends its programs too; SIGKILL would leave them behind.
        let pid = rustix::process::Pid::from_child(&self.child);
        // It may have ended by itself, or be stopped.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::CONT);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        drop(self.child.wait());
    }
}

pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "no {what} within {LONG:?}");
        std::thread::yield_now();
    }
}

pub fn triage(sandbox: &Sandbox, args: &[&str]) -> Run {
    let config = sandbox.path("config.toml");
    let mut all = vec!["triage", "--config", config.to_str().unwrap()];
    all.extend_from_slice(args);
    sandbox.run(all)
}

/// The rules of the findings about a service, the first one first.
pub fn rules(report: &Value, service: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let of = findings.iter().filter(|finding| finding["service"] == service);
    of.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

pub fn script(sandbox: &Sandbox, name: &str, text: &str) -> PathBuf {
    let path = sandbox.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Every program of one node fails for another reason, and each reason is found by itself: an operator with one broken
/// program among many is shown that one.
#[test]
fn each_failing_program_has_its_own_cause() {
    let sandbox = Sandbox::new();
    let cut = sandbox.path("models/cut.gguf");
    let whole = std::fs::read(fixtures::smollm2()).unwrap();
    std::fs::write(&cut, &whole[..40_000_000]).unwrap();
    // llama-server itself takes eight minutes to build: this one only prints what the real one prints.
    let fake = script(
        &sandbox,
        "fake/llama-server",
        "#!/bin/sh\n\
         echo \"0.00.004.036 E gguf_init_from_file: failed to load\" >&2\n\
         echo \"0.00.005.100 E llama_model_load: error loading model: tensor 'blk.9.ffn_up.weight' data is not within the file bounds, model is corrupted or incomplete\" >&2\n\
         echo \"0.00.005.200 E common_init_: failed to load model '$2'\" >&2\n\
         echo \"0.00.005.300 E exiting due to model loading error\" >&2\nexit 1\n",
    );
    let elf = sandbox.path("cut-program");
    std::fs::write(&elf, b"\x7fELF").unwrap();
    std::fs::set_permissions(&elf, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = |path: &PathBuf| path.display().to_string();
    let quick = "startsecs=1\nstartretries=1";
    let programs = [
        ("absent", format!("command=/no/such/program\n{quick}")),
        ("forbidden", format!("command=/etc/passwd\n{quick}")),
        ("homeless", format!("command=/bin/sleep 600\ndirectory=/no/such/folder\n{quick}")),
        ("halved", format!("command={}\n{quick}", path(&elf))),
        ("importer", format!("command=python3 -c \"import nosuchmodule\"\n{quick}")),
        ("keyless", format!("command=python3 -c \"import os; os.environ['DATABASE_HOST']\"\n{quick}")),
        ("llama", format!("command={} -m {}\n{quick}", path(&fake), path(&cut))),
        ("lost", format!("command={} -m /no/such/model.gguf\n{quick}", path(&fake))),
        ("killed", format!("command=sh -c \"kill -9 $$\"\n{quick}")),
        ("finished", "command=sh -c \"sleep 1.3\"\nstartsecs=1\nautorestart=unexpected".to_owned()),
        ("idle", "command=/bin/sleep 600\nautostart=false".to_owned()),
        ("flapping", "command=sh -c \"sleep 0.2; exit 7\"\nstartsecs=0\nautorestart=true".to_owned()),
        ("strange", format!("command=sh -c \"echo 'ERROR: the moon is full' >&2; exit 9\"\n{quick}")),
        ("well", "command=/bin/sleep 600".to_owned()),
    ];
    let sections: Vec<(&str, &str)> = programs.iter().map(|(name, lines)| (*name, lines.as_str())).collect();
    let supervisord = Supervisord::start(&sandbox, &sections);
    for name in
        ["absent", "forbidden", "homeless", "halved", "importer", "keyless", "llama", "lost", "killed", "strange"]
    {
        supervisord.log_has(&sandbox, &format!("gave up: {name} "));
    }
    supervisord.log_has(&sandbox, "exited: finished ");
    until("six lives of the flapping program", || {
        let log = std::fs::read_to_string(sandbox.path("supervisord.log")).unwrap();
        log.matches("exited: flapping ").count() >= 6
    });
    let bundle = sandbox.path("node.tar.zst");
    let run = triage(&sandbox, &["--json", "--bundle", bundle.to_str().unwrap()]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    let report = run.json();
    let expected = [
        ("absent", "SUP-04"),
        ("forbidden", "SUP-05"),
        ("homeless", "SUP-07"),
        ("halved", "SUP-08"),
        ("importer", "PY-01"),
        ("keyless", "PY-02"),
        ("llama", "MDL-08"),
        ("lost", "MDL-01"),
        ("killed", "SUP-13"),
        ("finished", "SUP-12"),
        ("idle", "SUP-16"),
        ("flapping", "SUP-10"),
        ("strange", "TOOL-02"),
    ];
    let mut wrong = Vec::new();
    for (service, rule) in expected {
        let found = rules(&report, service);
        if found.first().map(String::as_str) != Some(rule) {
            wrong.push(format!("{service}: {rule} is expected, and there is {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{report:#}", wrong.join("\n"));
    assert_eq!(rules(&report, "well"), Vec::<String>::new(), "{report:#}");
    for finding in report["findings"].as_array().unwrap() {
        assert!(finding["evidence"].as_array().unwrap().len() >= 2, "{finding:#}");
        assert!(finding["changes"] == "nothing" || finding["undo"] != "", "{finding:#}");
    }

    // Without the node, from the bundle alone, the answer is the same.
    drop(supervisord);
    let replayed = sandbox.run(["triage", "--json", "--from", bundle.to_str().unwrap()]).json();
    assert_eq!(replayed["findings"], report["findings"]);
    assert_eq!(replayed["verdict"], report["verdict"]);
}

/// A node that works, with old errors and words of users in its logs, is healthy: an alarm that is always on is no
/// alarm.
#[test]
fn a_healthy_node_with_old_errors_in_its_logs_is_healthy() {
    let sandbox = Sandbox::new();
    let old = "2026-01-02 03:04:05,678 ERROR connection lost\nTraceback (most recent call last):\n  File \"x.py\", line 1, in <module>\n\
               ModuleNotFoundError: No module named 'torch'\ncudaMalloc failed: out of memory\n\
               user: my server says \"failed to read magic\", what now?\n";
    std::fs::write(sandbox.path("api.err"), old.repeat(40)).unwrap();
    let supervisord =
        Supervisord::start(&sandbox, &[("api", "command=/bin/sleep 600"), ("worker", "command=/bin/sleep 600")]);
    supervisord.log_has(&sandbox, "success: api entered RUNNING");
    supervisord.log_has(&sandbox, "success: worker entered RUNNING");
    let run = triage(&sandbox, &["--json"]);
    let report = run.json();
    let problems: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| {
            // Other tests run servers of theirs on this machine, and break them.
            let is_ours = finding["service"] == "api" || finding["service"] == "worker";
            matches!(finding["severity"].as_str(), Some("critical" | "warning")) && is_ours
        })
        .collect();
    assert!(problems.is_empty(), "{problems:#?}");
}

/// supervisord is gone and its socket is left behind: the operator is sent to supervisord, not to its programs.
#[test]
fn a_dead_supervisord_is_named_before_its_programs() {
    let sandbox = Sandbox::new();
    let mut supervisord = Supervisord::start(&sandbox, &[("api", "command=/bin/sleep 600")]);
    supervisord.log_has(&sandbox, "spawned: 'api'");
    let log = std::fs::read_to_string(sandbox.path("supervisord.log")).unwrap();
    let api: i32 =
        log.split("spawned: 'api' with pid ").nth(1).unwrap().lines().next().unwrap().trim().parse().unwrap();
    supervisord.child.kill().unwrap();
    supervisord.child.wait().unwrap();
    let api = rustix::process::Pid::from_raw(api).unwrap();
    rustix::process::kill_process(api, rustix::process::Signal::KILL).unwrap();
    let report = triage(&sandbox, &["--json"]).json();
    let findings = report["findings"].as_array().unwrap();
    let daemon = findings.iter().find(|finding| finding["rule"] == "SUP-02");
    assert!(daemon.is_some_and(|finding| finding["service"].is_null()), "{report:#}");
    assert_eq!(rules(&report, "api"), Vec::<String>::new(), "{report:#}");
}
