//! Every rule with its cause, and with a healthy node that has the same words in its journal.

use crate::model::service::{FoundBy, Manager, Role, Service};
use crate::node::Fact;
use crate::node::log::{Life, LifeEnd, LogKind, LogLine};
use crate::node::model_file::{ModelFile, Refusing};
use crate::node::systemd::Unit;
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::Changes;
use crate::triage::testing::{
    absent, ago, denied, healthy_facts, healthy_service, hit, hits, known, line_of, log, says_all,
};

const UNIT: &str = "ollama.service";
const PATH: &str = "/etc/systemd/system/ollama.service";

/// Creates a node with one unit that failed, whose journal has these lines.
fn failed(change: impl FnOnce(&mut Unit), code: i32, lines: &[&str]) -> Facts {
    let mut facts = healthy();
    let service = &mut facts.services[0];
    let mut unit = unit();
    unit.active = Some("failed".into());
    unit.sub = Some("failed".into());
    unit.result = Some("exit-code".into());
    unit.exit_status = Some(code);
    change(&mut unit);
    service.unit = Some(known("systemctl show", unit));
    service.processes.clear();
    service.endpoint = None;
    service.lives = vec![Life {
        began: Some(ago(60)),
        lasted_s: Some(1.0),
        end: LifeEnd::Exited { code, expected: false },
        pid: Some(50),
        started_well: false,
        first_error: None,
        end_line: Some(line_of("journal", &format!("{UNIT}: Main process exited, code=exited, status={code}/n/a"))),
    }];
    journal(service, lines, Some(0));
    facts
}

fn unit() -> Unit {
    Unit {
        name: UNIT.into(),
        active: Some("active".into()),
        sub: Some("running".into()),
        result: Some("success".into()),
        restarts: Some(0),
        path: Some(PATH.into()),
        command: vec!["/usr/local/bin/ollama".into(), "serve".into()],
        directory: Some("/srv/ollama".into()),
        user: Some("ollama".into()),
        start_timeout_s: Some(90.0),
        ..Unit::default()
    }
}

fn healthy() -> Facts {
    let mut facts = healthy_facts();
    let mut service = healthy_service("ollama", Role::Llama);
    service.service = Service::new("ollama", Role::Llama, Manager::Systemd(UNIT.into()), FoundBy::Systemd);
    service.program = None;
    service.unit = Some(known("systemctl show", unit()));
    facts.services = vec![service];
    facts.supervisords.clear();
    facts
}

fn journal(service: &mut ServiceFacts, lines: &[&str], life: Option<usize>) {
    let mut log = log("journal", LogKind::Journal);
    log.marked = lines.iter().map(|text| LogLine { life, ..line_of("journal", text) }).collect();
    service.logs = vec![known("journal", log)];
}

#[track_caller]
fn is_history(id: &str, lines: &[&str]) {
    let mut facts = healthy();
    journal(&mut facts.services[0], lines, Some(0));
    assert_eq!(hits(id, &facts), [], "{id}");
}

#[test]
fn sys_01_names_the_program_the_folder_or_the_user() {
    let text = "ollama.service: Failed to locate executable /usr/local/bin/ollama: No such file or directory";
    let found = hit("SYS-01", &failed(|_| (), 203, &[text]));
    says_all(&found, &["cannot run /usr/local/bin/ollama (No such file or directory)", "203/EXEC", "ExecStart=", PATH]);
    assert_eq!(found.changes, Changes::File(PATH.into()));
    let text = "ollama.service: Changing to the requested working directory failed: No such file or directory";
    says_all(
        &hit("SYS-01", &failed(|_| (), 200, &[text])),
        &["cannot enter the directory /srv/ollama", "WorkingDirectory="],
    );
    let text = "ollama.service: Failed to determine user credentials: No such process";
    says_all(&hit("SYS-01", &failed(|_| (), 217, &[text])), &["does not know the user ollama", "User="]);
    is_history("SYS-01", &[text, "ollama.service: Main process exited, code=exited, status=203/EXEC"]);
}

// Where systemctl does not answer, the journal alone must do.
#[test]
fn sys_01_needs_no_answer_of_systemctl() {
    let mut facts = failed(|_| (), 203, &["ollama.service: Main process exited, code=exited, status=203/EXEC"]);
    facts.services[0].unit = Some(denied("systemctl show"));
    says_all(&hit("SYS-01", &facts), &["203/EXEC", UNIT]);
}

#[test]
fn sys_02_names_the_limit_and_its_new_value() {
    let text = "ollama.service: start operation timed out. Terminating.";
    let mut facts = failed(|unit| unit.result = Some("timeout".into()), 15, &[text]);
    facts.services[0].expected_load_s = Some(200.0);
    let found = hit("SYS-02", &facts);
    says_all(
        &found,
        &["TimeoutStartSec=90", "TimeoutStartSec=600", "3 min", "edit", "systemctl revert ollama.service"],
    );
    is_history("SYS-02", &[text]);
    let stop = "ollama.service: State 'stop-sigterm' timed out. Killing.";
    assert_eq!(hits("SYS-02", &failed(|unit| unit.result = Some("timeout".into()), 15, &[stop])), [], "a slow stop");
}

#[test]
fn sys_03_is_a_consequence_and_says_the_status() {
    let text = "ollama.service: Start request repeated too quickly.";
    let found = hit("SYS-03", &failed(|_| (), 7, &[text]));
    says_all(&found, &["exit status 7", "reset-failed", "ollama.service", "none needed"]);
    assert!(crate::triage::testing::rule("SYS-01").explains.contains(&"SYS-03"));
    is_history("SYS-03", &[text]);
}

#[test]
fn sys_04_the_kernel_killed_it() {
    let text = "ollama.service: Failed with result 'oom-kill'.";
    let found = hit("SYS-04", &failed(|unit| unit.result = Some("oom-kill".into()), 137, &[text]));
    says_all(&found, &["result oom-kill", "systemctl", "MemoryMax"]);
    assert_eq!(found.changes, Changes::Nothing);
    is_history("SYS-04", &[text]);
}

#[test]
fn sys_05_shows_the_line_of_the_unit_file() {
    let lines = [
        "/etc/systemd/system/ollama.service:7: Unbalanced quoting, ignoring: \"/usr/bin/a 'b\"",
        "ollama.service: Unit configuration has fatal error, unit will not be started.",
    ];
    let mut facts = failed(|unit| unit.active = Some("inactive".into()), 0, &lines);
    facts.services[0].lives.clear();
    let found = hit("SYS-05", &facts);
    says_all(&found, &["/etc/systemd/system/ollama.service:7: Unbalanced quoting", "systemd-analyze", "verify"]);
    is_history("SYS-05", &lines);
}

#[test]
fn sys_06_the_watchdog_ended_it() {
    let lines = ["ollama.service: Watchdog timeout (limit 30s)!", "ollama.service: Failed with result 'watchdog'."];
    let found = hit("SYS-06", &failed(|unit| unit.result = Some("watchdog".into()), 134, &lines));
    says_all(&found, &["no keep-alive within 30s", "journalctl"]);
    is_history("SYS-06", &lines);
}

fn model(refusing: Option<Refusing>) -> Fact<ModelFile> {
    let none = || absent("/mnt/raid/ollama");
    known(
        "/mnt/raid/ollama",
        ModelFile {
            path: "/mnt/raid/ollama/a.gguf".into(),
            service: absent("/mnt/raid/ollama/a.gguf"),
            ours: absent("/mnt/raid/ollama/a.gguf"),
            service_folder: none(),
            our_folder: none(),
            refusing,
            dangling: None,
            nearest: None,
            neighbours: Vec::new(),
            stable: None,
            writer: None,
            content: absent("/mnt/raid/ollama/a.gguf"),
        },
    )
}

#[test]
fn sys_07_names_the_folder_above_that_refuses() {
    let text = "Error: mkdir /mnt/raid/ollama: permission denied";
    let mut facts = failed(|_| (), 1, &[text]);
    let refusing = Refusing { path: "/mnt/raid".into(), mode: 0o700, uid: 1000, gid: 1000, what: "enter".into() };
    facts.services[0].model = Some(model(Some(refusing)));
    let found = hit("SYS-07", &facts);
    says_all(
        &found,
        &["ollama cannot use /mnt/raid/ollama: its parent /mnt/raid has mode 0700", "o+x", "chmod 700 /mnt/raid"],
    );
    assert_eq!(found.changes, Changes::File("/mnt/raid".into()));
    is_history("SYS-07", &[text]);
}

#[test]
fn sys_07_names_the_line_of_the_unit_that_hides_a_folder() {
    let text = "Error: mkdir /home/me/models: permission denied";
    let facts = failed(|unit| unit.protect_home = Some("yes".into()), 1, &[text]);
    says_all(&hit("SYS-07", &facts), &["ProtectHome=yes", "ProtectHome=no", "systemctl revert ollama.service"]);
    let text = "Error: mkdir /usr/share/ollama: Read-only file system";
    let facts = failed(|unit| unit.protect_system = Some("full".into()), 1, &[text]);
    says_all(&hit("SYS-07", &facts), &["ProtectSystem=full", "ReadWritePaths=/usr/share/ollama"]);
}

// A unit that runs well again after one kill would stay red.
#[test]
fn a_unit_that_runs_has_no_old_result() {
    let mut facts =
        failed(|unit| unit.result = Some("oom-kill".into()), 137, &["ollama.service: Failed with result 'oom-kill'."]);
    facts.services[0].unit = Some(known("systemctl show", unit()));
    facts.services[0].lives.push(Life {
        began: Some(ago(30)),
        lasted_s: Some(30.0),
        end: LifeEnd::Running,
        pid: Some(51),
        started_well: true,
        first_error: None,
        end_line: None,
    });
    assert_eq!(hits("SYS-04", &facts), []);
}
