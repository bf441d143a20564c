//! Every rule with its cause, and with a healthy node that has the same words in its logs.

use crate::model::service::Role;
use crate::node::kernel::{KernelLog, OomKill};
use crate::node::log::LifeEnd;
use crate::node::model_file::FileView;
use crate::node::supervisord::{AutoRestart, ProgramState, Refusal};
use crate::node::{Fact, Outcome};
use crate::triage::facts::{Facts, GateFound, Launcher, Library, SupervisordFacts};
use crate::triage::finding::{Changes, Confidence};
use crate::triage::testing::{
    absent, ago, denied, ends_badly, fails, flaps, healthy_facts, healthy_service, hit, hits, known, line_of, says,
    says_all, with_endpoint, with_program, with_settings,
};
use std::path::PathBuf;

const CONFIG: &str = "/etc/supervisor/supervisord.conf";
const PLACE: &str = "/etc/supervisor/conf.d/llama.conf:1";

fn exit(code: i32) -> LifeEnd {
    LifeEnd::Exited { code, expected: false }
}

fn killed(signal: &str) -> LifeEnd {
    LifeEnd::Killed { signal: signal.into() }
}

/// Creates a node whose service fails at each start and writes these lines.
fn failing(end: LifeEnd, lines: &[&str]) -> Facts {
    let mut facts = healthy_facts();
    fails(&mut facts.services[0], end, lines);
    facts
}

/// Asserts that a rule finds nothing in a service that is well and has written these lines.
#[track_caller]
fn is_history(id: &str, lines: &[&str]) {
    let mut facts = healthy_facts();
    says(&mut facts.services[0], lines);
    assert_eq!(hits(id, &facts), [], "{id}");
}

fn refused(refusal: Refusal, change: impl FnOnce(&mut SupervisordFacts)) -> Facts {
    let mut facts = healthy_facts();
    facts.services.clear();
    let one = &mut facts.supervisords[0];
    one.search.refusal = Some(refusal);
    one.search.processes.clear();
    one.answer = absent("supervisord at /run/supervisor.sock");
    change(one);
    facts
}

fn main_log_says(facts: &mut Facts, text: &str) {
    let Outcome::Ok { value } = &mut facts.supervisords[0].logs[0].outcome else { panic!() };
    value.marked.push(line_of("/var/log/supervisor/supervisord.log", text));
}

fn view(kind: &str, mode: u32) -> FileView {
    FileView {
        resolved: "/opt/llama/llama-server".into(),
        device: 1,
        inode: 2,
        kind: kind.into(),
        size: 4,
        allocated: 4096,
        mode,
        uid: 0,
        gid: 0,
        modified: Some(ago(100)),
        mount: Some(("/dev/vdb".into(), "/data".into(), "ext4".into())),
    }
}

fn launcher(file: Fact<FileView>) -> Launcher {
    Launcher {
        program: "/opt/llama/llama-server".into(),
        file,
        format: None,
        interpreter: None,
        nearest: Some("/opt".into()),
        is_noexec: Some(false),
        directory: None,
        application: None,
    }
}

fn with_spawn_error(error: &str, launcher: Launcher) -> Facts {
    let mut facts = failing(LifeEnd::NotSpawned { why: error.into() }, &[]);
    with_program(&mut facts.services[0], |program| program.spawn_error = Some(error.into()));
    facts.services[0].launcher = Some(launcher);
    facts
}

#[test]
fn sup_01_supervisord_does_not_run() {
    let found = hit("SUP-01", &refused(Refusal::NoSocket, |_| ()));
    says_all(&found, &["/run/supervisor.sock does not exist", "supervisord -c", "shutdown"]);
    assert_eq!((found.service, found.changes), (None, Changes::Host));
    // Where nothing says that it should run, its absence is no finding.
    assert_eq!(hits("SUP-01", &refused(Refusal::NoSocket, |one| one.is_expected = false)), []);
    assert_eq!(hits("SUP-01", &healthy_facts()), []);
}

#[test]
fn sup_01_tells_a_removed_socket_from_a_supervisord_that_is_gone() {
    let found = hit(
        "SUP-01",
        &refused(Refusal::NoSocket, |one| {
            one.search.processes = vec![(10, vec!["/usr/bin/supervisord".into()])];
        }),
    );
    says_all(&found, &["pid 10", "its socket /run/supervisor.sock is gone", "kill -HUP 10"]);
}

#[test]
fn sup_02_supervisord_left_its_socket() {
    says_all(&hit("SUP-02", &refused(Refusal::NobodyServes, |_| ())), &["left its socket", "supervisord -c"]);
    assert_eq!(hits("SUP-02", &healthy_facts()), []);
}

#[test]
fn sup_03_says_the_right_that_is_missing_and_is_unknown() {
    let mut facts = refused(Refusal::NoPermission, |one| one.answer = denied("supervisord at /run/supervisor.sock"));
    facts.machine.uid = 1000;
    let found = hit("SUP-03", &facts);
    says_all(&found, &["user 1000 cannot use /run/supervisor.sock", "mode 0700, owner 0", "sudo"]);
    assert_eq!(found.changes, Changes::Nothing);
    assert_eq!(crate::triage::testing::rule("SUP-03").severity, crate::triage::finding::Severity::Unknown);
    says_all(&hit("SUP-03", &refused(Refusal::WrongPassword, |_| ())), &["rejects the password", CONFIG]);
    assert_eq!(hits("SUP-03", &healthy_facts()), []);
}

#[test]
fn sup_04_names_the_missing_program_and_its_section() {
    let facts =
        with_spawn_error("can't find command '/opt/llama/llama-server'", launcher(absent("/opt/llama/llama-server")));
    let found = hit("SUP-04", &facts);
    let cause = "/opt/llama/llama-server does not exist; it is the command of [program:llama]";
    says_all(&found, &[cause, PLACE, "/opt exists", "update", "restore command=/opt/llama/llama-server"]);
    assert_eq!(found.changes, Changes::File("/etc/supervisor/conf.d/llama.conf".into()));
    // A program that is there now only has to be started.
    let facts =
        with_spawn_error("can't find command '/opt/llama/llama-server'", launcher(known("/opt", view("file", 0o755))));
    says_all(&hit("SUP-04", &facts), &["exists now", "start", "stop llama"]);
    is_history("SUP-04", &["can't find command '/opt/llama/llama-server'"]);
}

#[test]
fn sup_05_tells_a_mode_from_a_mount() {
    let error = "command at '/opt/llama/llama-server' is not executable";
    let found = hit("SUP-05", &with_spawn_error(error, launcher(known("/opt", view("file", 0o644)))));
    says_all(&found, &["is not executable (mode 0644)", "chmod +x", "chmod 644 /opt/llama/llama-server"]);
    let mut noexec = launcher(known("/opt", view("file", 0o755)));
    noexec.is_noexec = Some(true);
    let found = hit("SUP-05", &with_spawn_error("no permission to run command '/opt/llama/llama-server'", noexec));
    says_all(&found, &["/data is mounted noexec", "remount,exec", "remount,noexec /data"]);
    is_history("SUP-05", &[error]);
}

#[test]
fn sup_06_names_the_library_and_where_it_is() {
    let text = "/opt/llama/llama-server: error while loading shared libraries: libggml.so.0: cannot open shared object \
                file: No such file or directory";
    let mut facts = failing(exit(127), &[text]);
    facts.services[0].libraries = Some(known(
        "ELF of /opt/llama/llama-server",
        vec![Library {
            name: "libggml.so.0".into(),
            found: None,
            by: None,
            elsewhere: Some("/opt/llama/lib/libggml.so.0".into()),
            wants_executable_stack: false,
        }],
    ));
    let found = hit("SUP-06", &facts);
    says_all(
        &found,
        &["needs libggml.so.0", "/opt/llama/lib/libggml.so.0", "LD_LIBRARY_PATH=\"/opt/llama/lib\"", PLACE],
    );
    assert_eq!(found.confidence, Confidence::Proven);
    facts.services[0].logs.clear();
    says_all(&hit("SUP-06", &facts), &["needs libggml.so.0"]);
    is_history("SUP-06", &[text]);
}

#[test]
fn sup_07_names_the_folder_of_directory() {
    let text = "supervisor: couldn't chdir to /srv/app: ENOENT";
    let mut facts = failing(exit(127), &[text, "supervisor: child process was not spawned"]);
    with_settings(&mut facts.services[0], |settings| settings.directory = Some("/srv/app".into()));
    let mut started = launcher(known("/opt", view("file", 0o755)));
    started.directory = Some(("/srv/app".into(), absent("/srv/app")));
    facts.services[0].launcher = Some(started);
    let found = hit("SUP-07", &facts);
    says_all(
        &found,
        &["the directory /srv/app does not exist; it is the directory= of [program:llama]", PLACE, "update"],
    );
    assert_eq!(found.confidence, Confidence::Proven);
    is_history("SUP-07", &[text]);
}

#[test]
fn sup_08_tells_a_cut_program_from_a_missing_interpreter() {
    let text = "supervisor: couldn't exec /opt/llama/llama-server: ENOEXEC";
    let mut facts = failing(exit(127), &[text]);
    let mut cut = launcher(known("/opt", view("file", 0o755)));
    cut.format = Some("truncated elf".into());
    facts.services[0].launcher = Some(cut.clone());
    says_all(&hit("SUP-08", &facts), &["is truncated", "a complete copy", "file", ".old"]);
    cut.format = Some("elf aarch64".into());
    facts.services[0].launcher = Some(cut.clone());
    says_all(&hit("SUP-08", &facts), &["built for another architecture (aarch64, ENOEXEC)"]);
    cut.format = Some("script /opt/py/bin/python".into());
    cut.interpreter = Some(("/opt/py/bin/python".into(), false));
    facts.services[0].launcher = Some(cut);
    says_all(&hit("SUP-08", &facts), &["its interpreter /opt/py/bin/python does not exist"]);
    is_history("SUP-08", &[text]);
}

#[test]
fn sup_09_names_the_symbol_or_the_version() {
    let text = "/opt/llama/llama-server: symbol lookup error: /opt/llama/libllama.so: undefined symbol: llama_new";
    let found = hit("SUP-09", &failing(exit(127), &[text]));
    says_all(
        &found,
        &["/opt/llama/libllama.so lacks the required symbol llama_new", "from the same release", "restore it"],
    );
    let glibc = "/opt/llama/llama-server: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.38' not found (required by \
                 /opt/llama/llama-server)";
    says_all(&hit("SUP-09", &failing(exit(1), &[glibc])), &["needs GLIBC_2.38", "newer system", "for this system"]);
    is_history("SUP-09", &[text, glibc]);
}

#[test]
fn sup_10_finds_a_flap_that_supervisord_calls_running() {
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(7), &[2.0, 2.1, 2.0, 2.2, 2.1], &["E cannot read the weights"]);
    let found = hit("SUP-10", &facts);
    says_all(&found, &["started 6 times", "runs of about 2.1 s", "exit status 7", "E cannot read the weights", "tail"]);
    assert_eq!(found.changes, Changes::Nothing);
    // Four starts are not yet a flap, and an operator's restarts never are.
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(7), &[2.0, 2.1, 2.0], &[]);
    assert_eq!(hits("SUP-10", &facts), []);
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], LifeEnd::Stopped, &[2.0; 9], &[]);
    assert_eq!(hits("SUP-10", &facts), []);
}

#[test]
fn sup_10_is_over_when_a_life_has_got_over_it() {
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(7), &[2.0; 6], &[]);
    with_endpoint(&mut facts.services[0], |endpoint| {
        endpoint.health = crate::node::endpoint::Answer::Http { code: 200, body: String::new(), seconds: 0.1 };
    });
    facts.services[0].lives.last_mut().unwrap().lasted_s = Some(900.0);
    assert_eq!(hits("SUP-10", &facts), []);
}

#[test]
fn sup_10_counts_a_server_that_ends_with_status_0_and_is_started_again() {
    let mut facts = healthy_facts();
    with_settings(&mut facts.services[0], |settings| settings.autorestart = AutoRestart::Always);
    flaps(&mut facts.services[0], LifeEnd::Exited { code: 0, expected: true }, &[2.0; 6], &[]);
    says_all(&hit("SUP-10", &facts), &["exit status 0"]);
    // A job that is run again and again is meant so.
    facts.services[0].service.role = Role::Sync;
    assert_eq!(hits("SUP-10", &facts), []);
}

fn gate(seconds: f64) -> GateFound {
    GateFound { name: "LLAMA_WAIT_SECONDS".into(), seconds, place: "/opt/llama/start.sh:12".into() }
}

#[test]
fn sup_11_names_the_gate_its_place_and_its_new_value() {
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(1), &[120.3, 120.4, 120.3], &[]);
    facts.services[0].gates = vec![gate(30.0), gate(120.0)];
    facts.services[0].expected_load_s = Some(140.0);
    let found = hit("SUP-11", &facts);
    says_all(
        &found,
        &[
            "LLAMA_WAIT_SECONDS = 120 s at /opt/llama/start.sh:12",
            "not by a crash",
            "from 120 to 420",
            "back to 120",
            "restart",
        ],
    );
    assert_eq!(found.changes, Changes::File("/opt/llama/start.sh".into()));
}

#[test]
fn sup_11_is_not_said_of_lives_that_do_not_keep_time() {
    for (end, lasted, seconds) in [
        (exit(1), [60.0, 120.0, 180.0], 120.0),
        (exit(1), [100.0, 100.0, 100.0], 120.0),
        (killed("SIGSEGV"), [120.0, 120.1, 120.0], 120.0),
    ] {
        let mut facts = healthy_facts();
        flaps(&mut facts.services[0], end, &lasted, &[]);
        facts.services[0].gates = vec![gate(seconds)];
        assert_eq!(hits("SUP-11", &facts), [], "{lasted:?}");
    }
    let mut facts = healthy_facts();
    facts.services[0].gates = vec![gate(3500.0)];
    assert_eq!(hits("SUP-11", &facts), [], "a healthy service");
}

#[test]
fn sup_12_a_program_that_has_ended_and_stays_away() {
    let mut facts = healthy_facts();
    let service = &mut facts.services[0];
    ends_badly(service, LifeEnd::Exited { code: 0, expected: true }, &[30.0]);
    with_program(service, |program| program.state = ProgramState::Exited);
    let found = hit("SUP-12", &facts);
    says_all(&found, &["status 0", "autorestart=unexpected", "autorestart=true", PLACE]);
    with_settings(&mut facts.services[0], |settings| settings.autorestart = AutoRestart::Never);
    assert_eq!(hits("SUP-12", &facts), [], "meant to run once");
    assert_eq!(hits("SUP-12", &healthy_facts()), []);
}

#[test]
fn sup_13_tells_an_oom_kill_from_somebody_who_kills() {
    let mut facts = failing(killed("SIGKILL"), &[]);
    let found = hit("SUP-13", &facts);
    says_all(&found, &["SIGKILL", "no OOM kill of it", "start", "stop llama"]);
    assert_eq!(found.confidence, Confidence::Proven);
    let oom = OomKill {
        line: line_of("kernel log", "Memory cgroup out of memory: Killed process 53 (llama-server)"),
        constraint: "CONSTRAINT_MEMCG".into(),
        oom_memcg: None,
        task_memcg: None,
        task: "llama-server".into(),
        pid: 53,
        uid: Some(0),
        anon_rss: None,
    };
    facts.kernel = known("kernel log", KernelLog { ooms: vec![oom], ..KernelLog::default() });
    says_all(&hit("SUP-13", &facts), &["has an OOM kill of it"]);
    facts.kernel = denied("/dev/kmsg");
    let found = hit("SUP-13", &facts);
    says_all(&found, &["could not be read", "dmesg"]);
    assert_eq!(found.confidence, Confidence::Likely);
    // One kill, long ago, of a service that runs well since.
    let mut facts = healthy_facts();
    let good = facts.services[0].lives[0].clone();
    ends_badly(&mut facts.services[0], killed("SIGKILL"), &[50.0]);
    facts.services[0].lives.push(good);
    assert_eq!(hits("SUP-13", &facts), []);
}

#[test]
fn sup_14_says_what_the_cpu_lacks() {
    let found = hit("SUP-14", &failing(killed("SIGILL"), &[]));
    says_all(&found, &["SIGILL", "avx512f", "generic build", "restore it"]);
    hit("SUP-14", &failing(exit(132), &["Illegal instruction (core dumped)"]));
    is_history("SUP-14", &["Illegal instruction"]);
}

#[test]
fn sup_15_a_crash_without_a_reason() {
    let found = hit("SUP-15", &failing(killed("SIGSEGV"), &["E slot 0"]));
    says_all(&found, &["crashed with SIGSEGV", "E slot 0", "core_pattern"]);
    hit("SUP-15", &failing(exit(134), &[]));
    assert_eq!(hits("SUP-15", &failing(exit(134), &["ggml.c:1644: GGML_ASSERT(x) failed"])), [], "LLM-12");
    is_history("SUP-15", &["Segmentation fault"]);
}

#[test]
fn sup_16_a_program_that_nobody_started() {
    let mut facts = healthy_facts();
    let service = &mut facts.services[0];
    service.lives.clear();
    with_settings(service, |settings| settings.autostart = false);
    with_program(service, |program| {
        program.state = ProgramState::Stopped;
        program.start = None;
        program.description = "Not started".into();
    });
    let found = hit("SUP-16", &facts);
    says_all(&found, &["autostart=false", PLACE, "start", "stop llama"]);
    with_program(&mut facts.services[0], |program| program.start = Some(ago(100)));
    assert_eq!(hits("SUP-16", &facts), [], "somebody stopped it");
}

#[test]
fn sup_17_says_the_real_status_of_a_program_in_backoff() {
    let mut facts = failing(exit(3), &["E no such device"]);
    with_program(&mut facts.services[0], |program| program.state = ProgramState::Backoff);
    let found = hit("SUP-17", &facts);
    says_all(&found, &["within startsecs=1", "exit status 3", "E no such device", "tail -8000 llama stderr"]);
    assert_eq!(hits("SUP-17", &healthy_facts()), []);
}

#[test]
fn sup_18_names_what_the_file_says_otherwise() {
    let mut facts = healthy_facts();
    let mut program = facts.services[0].program().unwrap().clone();
    let mut file = program.settings.clone().unwrap();
    file.start_seconds = 10;
    program.file_settings = Some(file);
    let Outcome::Ok { value } = &mut facts.supervisords[0].answer.outcome else { panic!() };
    value.programs = vec![program];
    assert_eq!(hits("SUP-18", &facts), [], "the file is older than the start");
    let Outcome::Ok { value } = &mut facts.supervisords[0].answer.outcome else { panic!() };
    value.config_changed = Some(ago(60));
    let found = hit("SUP-18", &facts);
    says_all(&found, &["startsecs=1, in the file 10", "reread", "update"]);
    assert_eq!((found.service.as_deref(), found.changes), (Some("llama"), Changes::Nothing));
    let Outcome::Ok { value } = &mut facts.supervisords[0].answer.outcome else { panic!() };
    value.programs[0].file_settings = None;
    assert_eq!(hits("SUP-18", &facts), [], "a newer file that says the same");
    facts.supervisords[0].search.configured.push("worker".into());
    says_all(&hit("SUP-18", &facts), &["it does not know worker"]);
}

#[test]
fn sup_19_a_supervisord_that_may_not_write_its_log() {
    let text = "PermissionError: [Errno 13] Permission denied: '/var/log/supervisor/supervisord.log'";
    let mut facts = refused(Refusal::NoSocket, |_| ());
    facts.machine.uid = 1000;
    main_log_says(&mut facts, text);
    let found = hit("SUP-19", &facts);
    says_all(
        &found,
        &[
            "cannot write its own log /var/log/supervisor/supervisord.log",
            "mode 0755, owner 0",
            "chown",
            "1000",
            "chown 0 ",
        ],
    );
    assert!(crate::triage::testing::rule("SUP-19").explains.contains(&"SUP-01"));
    let mut facts = healthy_facts();
    main_log_says(&mut facts, text);
    assert_eq!(hits("SUP-19", &facts), [], "an earlier start");
}

#[test]
fn sup_20_a_log_that_takes_nothing() {
    let text = "CRIT uncaptured python exception, closing channel <POutputDispatcher at 1 for <Subprocess at 2 with \
                name llama in state RUNNING> (stdout)> (<class 'OSError'>:[Errno 29] Illegal seek [/x|y|1])";
    let mut facts = healthy_facts();
    main_log_says(&mut facts, text);
    with_program(&mut facts.services[0], |program| program.stdout_log = Some("/dev/stdout".into()));
    let found = hit("SUP-20", &facts);
    says_all(&found, &["/dev/stdout has not been written since", "stdout_logfile_maxbytes=0", PLACE, "remove"]);
    with_program(&mut facts.services[0], |program| program.start = Some(ago(1)));
    assert_eq!(hits("SUP-20", &facts), [], "the current process ends");
    assert_eq!(hits("SUP-20", &healthy_facts()), []);
}

#[test]
fn sup_21_names_the_supervisord_that_holds_the_socket() {
    let text = "Error: Another program is already listening on a port that one of our HTTP servers is configured to \
                use.  Shut this program down first before starting supervisord.";
    let mut facts = healthy_facts();
    main_log_says(&mut facts, text);
    let Outcome::Ok { value } = &mut facts.supervisords[0].logs[0].outcome else { panic!() };
    value.marked[0].time = None;
    assert_eq!(hits("SUP-21", &facts), [], "started twice by mistake");
    facts.supervisords[0].search.configured = vec!["api".into()];
    let found = hit("SUP-21", &facts);
    says_all(
        &found,
        &[CONFIG, "pid 10", "already serves /run/supervisor.sock", "kill", "start it again: /usr/bin/python3"],
    );
}

// `supervisorctl` without -c would ask another supervisord than the one that was looked at.
#[test]
fn a_command_names_the_config_of_its_supervisord() {
    let mut facts = healthy_facts();
    facts.supervisords[0].search.config_file = Some(PathBuf::from("/srv/own.conf"));
    let service = healthy_service("llama", Role::Llama);
    assert_eq!(service.manage(&facts, "restart").unwrap().join(" "), "supervisorctl -c /srv/own.conf restart llama");
}
