//! Facts for tests of rules: a healthy node with one service, `llama`, to be broken.

use super::facts::{DatabaseFacts, FACTS_SCHEMA, Facts, ServiceFacts, SupervisordFacts};
use super::finding::{Changes, Hit};
use super::rules::{self, Check, Rule};
use crate::clock::Timestamp;
use crate::model::service::{FoundBy, Manager, Role, Service};
use crate::node::endpoint::{Answer, Endpoint, Owner};
use crate::node::gpu::{Gpus, Nvml};
use crate::node::kernel::KernelLog;
use crate::node::log::{Life, LifeEnd, LogFacts, LogKind, LogLine};
use crate::node::machine::{ClockState, Disk, Machine, Memory, Pressure};
use crate::node::process::Process;
use crate::node::supervisord::{
    AutoRestart, Program, ProgramSettings, ProgramState, Reached, Supervisord, SupervisordSearch,
};
use crate::node::{Fact, Outcome};
use std::path::PathBuf;

/// The time of every fact.
pub const NOW: Timestamp = Timestamp(1_780_000_000_000);

/// Returns the time `seconds` before [`NOW`].
pub fn ago(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 - seconds * 1000)
}

/// Creates a fact that was read.
pub fn known<T>(source: &str, value: T) -> Fact<T> {
    Fact::ok(source, NOW, value)
}

/// Creates a fact of something that does not exist.
pub fn absent<T>(source: &str) -> Fact<T> {
    Fact::absent(source, NOW, "No such file or directory (os error 2)")
}

/// Creates a fact that may not be read.
pub fn denied<T>(source: &str) -> Fact<T> {
    Fact::new(
        source,
        NOW,
        Outcome::Denied { why: "Permission denied (os error 13)".into(), right: "root".into(), command: None },
    )
}

/// Creates a line of `/var/log/llama.err`.
pub fn line(text: &str) -> LogLine {
    line_of("/var/log/llama.err", text)
}

pub fn line_of(source: &str, text: &str) -> LogLine {
    LogLine { source: source.into(), line: Some(7), time: Some(ago(60)), text: text.into(), life: None, error: true }
}

/// Creates a healthy node: one supervisord with one service, `llama`, that has run for an hour and answers.
pub fn healthy_facts() -> Facts {
    let service = healthy_service("llama", Role::Llama);
    let search = SupervisordSearch {
        config_file: Some("/etc/supervisor/supervisord.conf".into()),
        socket: Some("/run/supervisor.sock".into()),
        http: None,
        main_log: Some("/var/log/supervisor/supervisord.log".into()),
        pid_file: Some("/run/supervisord.pid".into()),
        refusal: None,
        socket_access: Some((0o700, 0, 0)),
        main_log_folder: Some((0o755, 0, 0)),
        config_error: None,
        processes: vec![(10, vec!["/usr/bin/python3".into(), "/usr/bin/supervisord".into()])],
        process_state: Some(('S', None)),
        configured: vec!["llama".into()],
    };
    let answer = Supervisord {
        reached: Reached::Socket("/run/supervisor.sock".into()),
        version: Some("4.3.0".into()),
        state: Some("RUNNING".into()),
        pid: Some(10),
        started: Some(ago(7200)),
        config_file: search.config_file.clone(),
        config_changed: Some(ago(90_000)),
        main_log: search.main_log.clone(),
        programs: service.program().cloned().into_iter().collect(),
    };
    Facts {
        schema: FACTS_SCHEMA,
        modelctl: "0.0.0".into(),
        taken: NOW,
        since: ago(3600),
        machine: healthy_machine(),
        kernel: known("kernel log", KernelLog::default()),
        gpus: known(
            "/dev and /proc/driver/nvidia",
            Gpus {
                module_version: None,
                library_version: None,
                nodes: Vec::new(),
                has_nouveau: false,
                nvml: known("NVML", Nvml { code: 12, ..Nvml::default() }),
                stuck: None,
                amd: Vec::new(),
            },
        ),
        supervisords: vec![SupervisordFacts {
            search,
            answer: known("supervisord at /run/supervisor.sock", answer),
            logs: vec![known("/var/log/supervisor/supervisord.log", log("supervisord.log", LogKind::Main))],
            is_expected: true,
        }],
        services: vec![service],
        database: known("modelctl.db", DatabaseFacts::default()),
        must_not_run: Vec::new(),
        changes: None,
        collectors: Vec::new(),
    }
}

fn healthy_machine() -> Machine {
    let disk = |mount: &str, holds: &str| Disk {
        mount_point: mount.into(),
        source: "/dev/vda1".into(),
        kind: "ext4".into(),
        holds: vec![holds.into()],
        total: 100 << 30,
        available: 50 << 30,
        inodes: 1_000_000,
        inodes_available: 900_000,
        is_read_only: false,
        is_super_read_only: false,
        is_network: false,
        largest: Vec::new(),
        crowded: None,
        deleted_open: Vec::new(),
    };
    Machine {
        host: "node1".into(),
        kernel: "6.18.0".into(),
        container: None,
        uid: 0,
        cpus: Some(2),
        cpu_flags: known("/proc/cpuinfo", vec!["avx".into(), "avx2".into()]),
        memory: known(
            "/proc/meminfo",
            Memory { total: 64 << 30, available: 40 << 30, swapped_in: Some(0), ..Memory::default() },
        ),
        pressure: known("/proc/pressure", Pressure::default()),
        disks: vec![known("/", disk("/", "logs of llama")), known("/srv/models", disk("/srv/models", "models"))],
        clock: known(
            "adjtimex",
            ClockState { is_synchronised: Some(true), booted: Some(ago(90_000)), ..ClockState::default() },
        ),
        listeners: known("/proc/net/tcp", Vec::new()),
        addresses: vec!["127.0.0.1".into(), "10.0.0.5".into()],
    }
}

/// Creates a service of supervisord that has run for an hour and answers: `/opt/NAME/NAME-server` on port 8081.
pub fn healthy_service(name: &str, role: Role) -> ServiceFacts {
    let command = format!("/opt/{name}/{name}-server --port 8081 -m /srv/models/a.gguf");
    let mut service = Service::new(name, role, Manager::Supervisor(name.into()), FoundBy::Supervisor);
    service.endpoint = Some("http://127.0.0.1:8081/health".into());
    let settings = ProgramSettings {
        place: Some((format!("/etc/supervisor/conf.d/{name}.conf").into(), 1)),
        command: command.clone(),
        directory: None,
        user: None,
        autostart: true,
        autorestart: AutoRestart::Unexpected,
        start_seconds: 1,
        start_retries: 3,
        exit_codes: vec![0],
        stop_wait_seconds: 10,
        stdout_log: Some(format!("/var/log/{name}.log").into()),
        stderr_log: Some(format!("/var/log/{name}.err").into()),
        stdout_max_bytes: Some(50 << 20),
        stderr_max_bytes: Some(50 << 20),
        redirect_stderr: false,
        environment: Vec::new(),
    };
    let program = Program {
        name: name.into(),
        group: name.into(),
        state: ProgramState::Running,
        pid: Some(100),
        start: Some(ago(3500)),
        stop: None,
        exit_status: Some(0),
        spawn_error: None,
        description: "pid 100, uptime 0:58:20".into(),
        stdout_log: settings.stdout_log.clone(),
        stderr_log: settings.stderr_log.clone(),
        settings: Some(settings),
        file_settings: None,
    };
    let argv: Vec<String> = command.split(' ').map(str::to_owned).collect();
    let endpoint = Endpoint {
        url: "http://127.0.0.1:8081/health".into(),
        port: Some(8081),
        owner: known(
            "/proc/net/tcp",
            Some(Owner { pid: 100, name: format!("{name}-server"), argv: argv.clone(), is_service: true }),
        ),
        health: Answer::Http { code: 200, body: "{\"status\":\"ok\"}".into(), seconds: 0.001 },
        models: known("/v1/models", vec![("a".into(), Some("llamacpp".into()))]),
        samples: Vec::new(),
        token_s: None,
        date_skew_s: None,
    };
    ServiceFacts {
        program: Some(known("supervisord at /run/supervisor.sock", program)),
        processes: vec![known("/proc/100", process(100, argv))],
        lives: vec![running_life(3500)],
        logs: vec![
            known(&format!("/var/log/{name}.log"), log(&format!("{name}.log"), LogKind::Stdout)),
            known(&format!("/var/log/{name}.err"), log(&format!("{name}.err"), LogKind::Stderr)),
        ],
        endpoint: Some(known("http://127.0.0.1:8081/health", endpoint)),
        ..ServiceFacts::new(service)
    }
}

/// Creates a process that sleeps, with the limits and maps of a quiet one.
pub fn process(pid: u32, argv: Vec<String>) -> Process {
    let exe = argv.first().map(PathBuf::from);
    let name = exe.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    Process {
        pid,
        parent: 10,
        name: name.unwrap_or_default(),
        started: Some(ago(3500)),
        argv,
        exe,
        cwd: Some("/".into()),
        uid: Some(0),
        groups: vec![0],
        state: 'S',
        wchan: None,
        environment: known("/proc/100/environ", Default::default()),
        libraries: known("/proc/100/maps", Vec::new()),
        models: known("/proc/100/maps", Vec::new()),
        open_files: known("/proc/100/fd", 20),
        open_files_limit: Some(1024),
        rss: Some(1 << 30),
        swap: Some(0),
        read_bytes: Some(0),
        cgroup: None,
        other_mounts: Some(false),
        gpu_nodes: Vec::new(),
    }
}

/// Creates an empty log `/var/log/FILE`.
pub fn log(file: &str, kind: LogKind) -> LogFacts {
    LogFacts {
        clues: Default::default(),
        path: PathBuf::from("/var/log").join(file),
        kind,
        size: 0,
        modified: Some(ago(1)),
        lines_read: 0,
        is_cut: false,
        blind: None,
        marked: Vec::new(),
        last: Vec::new(),
    }
}

fn running_life(seconds: i64) -> Life {
    Life {
        began: Some(ago(seconds)),
        lasted_s: Some(seconds as f64),
        end: LifeEnd::Running,
        pid: Some(100),
        started_well: true,
        first_error: None,
        end_line: None,
    }
}

/// Adds lines to the standard error of a service, as written by the life that runs now: words of users, or errors that
/// did no harm.
pub fn says(service: &mut ServiceFacts, lines: &[&str]) {
    let life = service.lives.len().checked_sub(1);
    for text in lines {
        push(service, text, life, ago(60));
    }
}

fn push(service: &mut ServiceFacts, text: &str, life: Option<usize>, time: Timestamp) {
    let source = format!("/var/log/{}.err", service.service.name);
    let Some(log) = service.logs.last_mut() else { return };
    if let Outcome::Ok { value } = &mut log.outcome {
        let line = Some(value.marked.len() as u64 + 1);
        value.marked.push(LogLine { life, line, time: Some(time), ..line_of(&source, text) });
        value.lines_read += 1;
    }
}

/// Changes the program of a service.
pub fn with_program(service: &mut ServiceFacts, change: impl FnOnce(&mut Program)) {
    if let Some(Fact { outcome: Outcome::Ok { value }, .. }) = &mut service.program {
        change(value);
    }
}

/// Changes the settings that a service runs with.
pub fn with_settings(service: &mut ServiceFacts, change: impl FnOnce(&mut ProgramSettings)) {
    with_program(service, |program| {
        if let Some(settings) = &mut program.settings {
            change(settings);
        }
    });
}

/// Changes the endpoint of a service.
pub fn with_endpoint(service: &mut ServiceFacts, change: impl FnOnce(&mut Endpoint)) {
    if let Some(Fact { outcome: Outcome::Ok { value }, .. }) = &mut service.endpoint {
        change(value);
    }
}

/// Lets a service end as `end` in four short starts, with `lines` in each of them, and be given up (FATAL).
pub fn fails(service: &mut ServiceFacts, end: LifeEnd, lines: &[&str]) {
    ends(service, end, &[0.2, 0.2, 0.2, 0.2], lines);
    for life in &mut service.lives {
        life.started_well = false;
    }
    service.processes.clear();
    with_program(service, |program| {
        program.state = ProgramState::Fatal;
        program.pid = None;
        program.spawn_error = Some("Exited too quickly (process log may have details)".into());
        program.description = "Exited too quickly (process log may have details)".into();
    });
    with_endpoint(service, |endpoint| {
        endpoint.health = Answer::Refused;
        endpoint.owner = known("/proc/net/tcp", None);
    });
}

/// Lets a service live for `lasted` seconds each, end as `end`, write `lines` each time, and be started again 1 s ago.
pub fn flaps(service: &mut ServiceFacts, end: LifeEnd, lasted: &[f64], lines: &[&str]) {
    ends(service, end, lasted, lines);
    service.lives.push(running_life(1));
    with_program(service, |program| {
        program.start = Some(ago(1));
        program.description = "pid 100, uptime 0:00:01".into();
    });
    with_endpoint(service, |endpoint| endpoint.health = Answer::Refused);
}

/// Lets a service have lived for `lasted` seconds each and have ended as `end`; its state is left as it is.
pub fn ends_badly(service: &mut ServiceFacts, end: LifeEnd, lasted: &[f64]) {
    ends(service, end, lasted, &[]);
}

fn ends(service: &mut ServiceFacts, end: LifeEnd, lasted: &[f64], lines: &[&str]) {
    service.lives.clear();
    let mut left: f64 = lasted.iter().map(|seconds| seconds + 1.0).sum();
    for (index, seconds) in lasted.iter().enumerate() {
        let began = ago(left.ceil() as i64);
        left -= seconds + 1.0;
        let how = match &end {
            LifeEnd::Exited { code, expected: true } => format!("exit status {code}; expected"),
            LifeEnd::Exited { code, .. } => format!("exit status {code}; not expected"),
            LifeEnd::Killed { signal } => format!("terminated by {signal}; not expected"),
            other => format!("{other:?}"),
        };
        let text = format!("WARN exited: {} ({how})", service.service.name);
        service.lives.push(Life {
            began: Some(began),
            lasted_s: Some(*seconds),
            end: end.clone(),
            pid: Some(50 + index as u32),
            started_well: true,
            first_error: lines.first().map(|text| LogLine { time: Some(began), ..line(text) }),
            end_line: Some(line_of("/var/log/supervisor/supervisord.log", &text)),
        });
        for text in lines {
            push(service, text, Some(index), began);
        }
    }
}

/// Returns the rule with this id.
pub fn rule(id: &str) -> &'static Rule {
    rules::all().find(|rule| rule.id == id).unwrap_or_else(|| panic!("no rule {id}"))
}

/// Returns what a rule finds; every hit is checked for what each finding must have.
pub fn hits(id: &str, facts: &Facts) -> Vec<Hit> {
    let hits: Vec<Hit> = match rule(id).check {
        Check::Service(check) => facts.services.iter().filter_map(|service| check(facts, service)).collect(),
        Check::Node(check) => check(facts),
    };
    for hit in &hits {
        assert!(hit.evidence.len() >= 2, "{id}: evidence {:?}", hit.evidence);
        assert!(!hit.cause.is_empty() && !hit.cause.ends_with('.'), "{id}: cause {:?}", hit.cause);
        assert!(!hit.step.is_empty() && !hit.step.ends_with('.'), "{id}: step {:?}", hit.step);
        assert!(hit.changes == Changes::Nothing || !hit.undo.is_empty(), "{id}: no undo for {:?}", hit.step);
    }
    hits
}

/// Returns the one hit of a rule.
#[track_caller]
pub fn hit(id: &str, facts: &Facts) -> Hit {
    let mut hits = hits(id, facts);
    assert_eq!(hits.len(), 1, "{id}: {hits:?}");
    hits.remove(0)
}

/// Asserts that the cause and the step of a hit contain these words.
#[track_caller]
pub fn says_all(hit: &Hit, words: &[&str]) {
    let joined = hit.command.as_ref().map(|words| words.join(" ")).unwrap_or_default();
    let text = format!("{}\n{}\n{}\n{:?}\n{joined}", hit.cause, hit.step, hit.undo, hit.command);
    for word in words {
        assert!(text.contains(word), "{word:?} is not in:\n{text}");
    }
}
