use super::ask::complete;
use super::config::Config;
use super::expand::Names;
use super::programs::programs;
use super::*;
use super::{rpc, types};
use crate::clock::{self, Timestamp};
use crate::node::log::{self, Life, LifeEnd, LogFacts, LogKind};
use crate::node::{Fact, Outcome, Place};
use crate::testing::OrdinaryRights;
use proptest::prelude::*;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Recorded from supervisor 4.3.0 with the config file beside them.
const PROCESSES: &str = include_str!("../../../fixtures/triage/supervisord/getAllProcessInfo.xml");
const SETTINGS: &str = include_str!("../../../fixtures/triage/supervisord/getAllConfigInfo.xml");
const STATE: &str = include_str!("../../../fixtures/triage/supervisord/getState.xml");
const VERSION: &str = include_str!("../../../fixtures/triage/supervisord/getSupervisorVersion.xml");
const PID: &str = include_str!("../../../fixtures/triage/supervisord/getPID.xml");
const FAULT: &str = include_str!("../../../fixtures/triage/supervisord/fault.xml");
const NOW: Timestamp = Timestamp(1_795_954_504_000);
const CONFIG: &str = "/srv/node/supervisord.conf";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/triage/supervisord")
}

/// A node with the recorded config file.
fn node() -> (tempfile::TempDir, Place) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("srv/node");
    std::fs::create_dir_all(folder.join("conf.d")).unwrap();
    for name in ["supervisord.conf", "conf.d/web.conf"] {
        std::fs::copy(fixtures().join(name), folder.join(name)).unwrap();
    }
    let place = Place::new(root.path());
    (root, place)
}

fn main_log(name: &str) -> LogFacts {
    let known = |_: &str| false;
    let fact = log::read(&Place::default(), &fixtures().join(name), LogKind::Main, &known, log::Limits::default(), NOW);
    fact.known().unwrap().clone()
}

fn recorded() -> Vec<types::Program> {
    rpc::processes(&rpc::answer(PROCESSES.as_bytes()).unwrap()).unwrap()
}

/// Without its own states and settings nothing of supervisord can be judged.
#[test]
fn the_answers_of_a_real_supervisord_are_read() {
    let programs = recorded();
    assert_eq!(programs.len(), 13);
    let of = |name: &str| programs.iter().find(|program| program.full_name() == name).unwrap();
    assert_eq!((of("api").state, of("api").pid), (ProgramState::Running, Some(18945)));
    assert_eq!(of("api").start, Some(Timestamp(1_795_954_490_000)));
    assert_eq!(of("fatal").spawn_error.as_deref(), Some("can't find command '/no/such'"));
    assert_eq!((of("never").state, of("never").start, of("never").pid), (ProgramState::Stopped, None, None));
    assert_eq!(of("w:w_01").state, ProgramState::Running);
    assert_eq!(of("backoff").state, ProgramState::Backoff);
    let settings = rpc::settings(&rpc::answer(SETTINGS.as_bytes()).unwrap());
    let api = &settings.iter().find(|(_, name, _)| name == "api").unwrap().2;
    assert_eq!((api.command.as_str(), &*api.exit_codes), ("/bin/sleep\n1000", &[0, 2][..]));
    assert_eq!(api.stdout_max_bytes, Some(1 << 20));
    let fault = rpc::answer(FAULT.as_bytes()).unwrap_err();
    assert_eq!(fault, rpc::NoValue::Fault { code: 1, words: "UNKNOWN_METHOD".into() });
}

/// "The file was edited and not loaded" must be said of the program that it is true of, and of no other.
#[test]
fn settings_of_the_file_are_reported_where_they_differ() {
    let (_root, place) = node();
    let settings = || rpc::settings(&rpc::answer(SETTINGS.as_bytes()).unwrap());
    let completed = |place: &Place| {
        let file = programs(&Config::read(place, Path::new(CONFIG), Names::new()));
        complete(recorded(), settings(), &file)
    };
    let same = completed(&place);
    let differing: Vec<String> = same.iter().filter(|p| p.file_settings.is_some()).map(|p| p.full_name()).collect();
    assert_eq!(differing, Vec::<String>::new());
    let api = same.iter().find(|program| program.name == "api").unwrap().settings.clone().unwrap();
    assert_eq!(api.place, Some(("/srv/node/conf.d/web.conf".into(), 1)));
    assert_eq!((api.autorestart, api.user.as_deref()), (AutoRestart::Always, Some("root")));
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    let environment = [pair("GLOBAL", "1"), pair("A", "b c"), pair("SECRET_URL", "http://u:p@h/"), pair("PORT", "80")];
    assert_eq!(api.environment, environment);
    let path = place.at("/srv/node/conf.d/web.conf");
    let edited = std::fs::read_to_string(&path).unwrap().replace("  1000  ", "  2000  ");
    std::fs::write(&path, edited).unwrap();
    let edited = completed(&place);
    let differing: Vec<_> = edited.iter().filter(|program| program.file_settings.is_some()).collect();
    assert_eq!(differing.iter().map(|program| program.full_name()).collect::<Vec<_>>(), ["api"]);
    assert_eq!(differing[0].file_settings.as_ref().unwrap().command, "/bin/sleep\n2000");
}

/// A node where supervisord does not run still has programs, logs and a socket to speak about.
#[test]
fn a_config_file_says_what_should_run() {
    let (_root, place) = node();
    let searches = find(&place, Some(Path::new(CONFIG)));
    let [search] = &searches[..] else { panic!("{searches:?}") };
    assert_eq!(search.socket.as_deref(), Some(Path::new("/srv/node/s.sock")));
    assert_eq!(search.http.as_deref(), Some("http://127.0.0.1:19001"));
    assert_eq!(search.main_log.as_deref(), Some(Path::new("/srv/node/main.log")));
    assert_eq!(search.pid_file.as_deref(), Some(Path::new("/srv/node/supervisord.pid")));
    assert_eq!((search.configured.len(), &search.config_error, search.processes.len()), (13, &None, 0));
    assert!(search.configured.contains(&"g:stoppable".to_owned()) && search.configured.contains(&"w:w_01".to_owned()));
    let programs = configured(&place, search, NOW);
    assert!(programs.known().unwrap().iter().all(|program| program.state == ProgramState::Unknown));
    assert!(!format!("{searches:?} {programs:?}").contains("s3cret"));
    assert!(!serde_json::to_string(&searches).unwrap().contains("s3cret"));
    let credentials = credentials(&place, search).unwrap();
    assert_eq!(credentials, Credentials::new("admin", "s3cret"));
    assert!(!format!("{credentials:?}").contains("s3cret"));
    let absent = find(&place, Some(Path::new("/etc/nosuch.conf")));
    assert!(absent[0].config_error.as_ref().unwrap().contains("No such file"));
    assert_eq!(find(&place, None), []);
}

/// Two supervisords on one node are two answers, not one that is mixed of both.
#[test]
fn each_running_supervisord_is_found_with_its_own_config() {
    let (_root, place) = node();
    let process = |pid: u32, argv: &[&str], parent: u32| {
        let folder = place.at(format!("/proc/{pid}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("cmdline"), argv.join("\0") + "\0").unwrap();
        std::fs::write(
            folder.join("stat"),
            format!("{pid} (supervisord) S {parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 500 0 0"),
        )
        .unwrap();
        std::fs::write(folder.join("environ"), "X=1\0").unwrap();
        std::os::unix::fs::symlink("/srv/node", folder.join("cwd")).unwrap();
    };
    process(17, &["/usr/bin/python3", "/usr/bin/supervisord", "-n", "-c", "supervisord.conf"], 1);
    process(18, &["/usr/bin/python3", "/usr/bin/supervisord", "-n", "-c", "supervisord.conf"], 17);
    process(30, &["/usr/bin/python3", "/opt/bin/supervisord", "-c", "/etc/other.conf", "-l", "o.log"], 1);
    process(31, &["vi", "supervisord"], 1);
    std::fs::create_dir_all(place.at("/etc")).unwrap();
    std::fs::write(place.at("/etc/other.conf"), "[supervisord]\n[unix_http_server]\nfile=/run/%(ENV_X)s.sock\n")
        .unwrap();
    let searches = find(&place, None);
    let configs: Vec<_> = searches.iter().map(|search| search.config_file.clone().unwrap()).collect();
    assert_eq!(configs, [Path::new(CONFIG), Path::new("/etc/other.conf")]);
    assert_eq!(searches[1].socket.as_deref(), Some(Path::new("/run/1.sock")));
    assert_eq!(searches[1].main_log.as_deref(), Some(Path::new("/srv/node/o.log")));
    assert_eq!(searches[1].processes.iter().map(|(pid, _)| *pid).collect::<Vec<_>>(), [30, 17]);
    // The one that is named counts alone.
    assert_eq!(find(&place, Some(Path::new(CONFIG))).len(), 1);
}

/// How a stand-in for supervisord answers one request.
type Answer = fn(&str, &mut UnixStream);

fn reply(stream: &mut UnixStream, status: &str, body: &str) {
    // The client may be gone.
    let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
}

fn supervisord(request: &str, stream: &mut UnixStream) {
    let body = match request {
        _ if request.contains("getAllProcessInfo") => PROCESSES,
        _ if request.contains("getAllConfigInfo") => SETTINGS,
        _ if request.contains("getSupervisorVersion") => VERSION,
        _ if request.contains("getPID") => PID,
        _ => STATE,
    };
    reply(stream, "200 OK", body);
}

/// Asks a stand-in that listens in the node.
fn asked(answer: Answer, limit: Duration) -> (Fact<Supervisord>, Option<Refusal>) {
    let (_root, place) = node();
    let listener = UnixListener::bind(place.at("/srv/node/s.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                while !String::from_utf8_lossy(&request).contains("</methodCall>") {
                    match stream.read(&mut buffer) {
                        Ok(0) | Err(_) => break,
                        Ok(read) => request.extend(&buffer[..read]),
                    }
                }
                answer(&String::from_utf8_lossy(&request), &mut stream);
            });
        }
    });
    let mut search = find(&place, Some(Path::new(CONFIG))).remove(0);
    search.http = None;
    let credentials = credentials(&place, &search);
    let fact = ask(&place, &mut search, credentials.as_ref(), Asking { limit, is_brief: false }, NOW);
    (fact, search.refusal)
}

const LIMIT: Duration = Duration::from_secs(20);

/// The whole way over a socket, with the password in the request.
#[test]
fn a_supervisord_is_asked_over_its_socket() {
    let (fact, refusal) = asked(
        |request, stream| match request.to_ascii_lowercase().contains("authorization: basic ywrtaw46cznjcmv0") {
            true => supervisord(request, stream),
            false => reply(stream, "401 Unauthorized", ""),
        },
        LIMIT,
    );
    let answer = fact.known().unwrap_or_else(|| panic!("{fact:?}"));
    assert_eq!((answer.version.as_deref(), answer.state.as_deref()), (Some("4.3.0"), Some("RUNNING")));
    assert_eq!((answer.programs.len(), refusal), (13, None));
    assert!(answer.config_changed.is_some() && answer.started.is_none());
}

/// Each reason why it does not answer has another next step.
#[test]
fn refusals_are_distinguished() {
    let (wrong, refusal) = asked(|_, stream| reply(stream, "401 Unauthorized", ""), LIMIT);
    assert!(matches!(wrong.outcome, Outcome::Denied { .. }) && refusal == Some(Refusal::WrongPassword), "{wrong:?}");
    let (garbage, refusal) = asked(|_, stream| reply(stream, "200 OK", "<html></html>"), LIMIT);
    assert!(matches!(garbage.outcome, Outcome::Failed { .. }) && refusal == Some(Refusal::Garbage), "{garbage:?}");
    let (redirect, refusal) = asked(|_, stream| reply(stream, "302 Found", ""), LIMIT);
    assert!(redirect.known().is_none() && refusal == Some(Refusal::Garbage));
    let (fault, refusal) = asked(|_, stream| reply(stream, "200 OK", FAULT), LIMIT);
    assert!(fault.why().unwrap().contains("UNKNOWN_METHOD") && refusal.is_none());
    let (endless, refusal) = asked(
        |_, stream| {
            // Until the client closes.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while stream.write_all(&[b'x'; 65536]).is_ok() {}
        },
        LIMIT,
    );
    assert!(endless.known().is_none() && refusal == Some(Refusal::Garbage), "{endless:?}");
    let began = clock::instant();
    let (silent, refusal) = asked(
        |_, stream| {
            // Until the client closes.
            let _ = stream.read(&mut [0; 1]);
        },
        Duration::from_millis(300),
    );
    assert!(matches!(silent.outcome, Outcome::TimedOut { .. }) && refusal == Some(Refusal::TimedOut), "{silent:?}");
    assert!(clock::instant().duration_since(began) < Duration::from_secs(10));
}

#[test]
fn a_socket_that_is_missing_stale_or_closed_to_us_is_distinguished() {
    let (_root, place) = node();
    let mut search = find(&place, Some(Path::new(CONFIG))).remove(0);
    search.http = None;
    let mut refusal = || {
        let fact = ask(&place, &mut search, None, Asking { limit: LIMIT, is_brief: false }, NOW);
        (search.refusal, fact.is_unknown())
    };
    assert_eq!(refusal(), (Some(Refusal::NoSocket), false));
    let socket = place.at("/srv/node/s.sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert_eq!(refusal(), (Some(Refusal::NobodyServes), false));
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o000)).unwrap();
    let _rights = OrdinaryRights::new();
    assert_eq!(refusal(), (Some(Refusal::NoPermission), true));
}

/// Where only the command may be used, logs and settings come from the file.
#[test]
fn the_text_of_the_command_is_completed_from_the_file() {
    let (_root, place) = node();
    let search = find(&place, Some(Path::new(CONFIG))).remove(0);
    let text = include_str!("../../../fixtures/triage/supervisord/status.txt");
    let fact = of_status(&place, &search, text, NOW);
    let answer = fact.known().unwrap();
    let api = answer.programs.iter().find(|program| program.name == "api").unwrap();
    assert_eq!(api.stderr_log.as_deref(), Some(Path::new("/srv/node/api.err")));
    assert!(api.settings.is_some() && answer.reached == Reached::Status);
    assert!(of_status(&place, &search, "error: <class 'PermissionError'>", NOW).why().unwrap().contains("Permission"));
}

fn lives(main_log: &[log::LogLine], program: &str, now: Timestamp) -> Vec<Life> {
    Events::of(main_log).lives(program, now)
}

fn ends(lives: &[Life]) -> Vec<&LifeEnd> {
    lives.iter().map(|life| &life.end).collect()
}

/// The exit code that RPC hides, the flaps that the status hides, and the stops that are nobody's fault.
#[test]
fn lives_come_from_the_main_log() {
    let main = main_log("main.log").marked;
    let of = |program: &str| lives(&main, program, NOW);
    let flap = of("flap");
    assert!(flap.len() > 10 && flap[..flap.len() - 1].iter().all(|life| life.started_well));
    assert!(flap[..flap.len() - 1].iter().all(|life| life.end == LifeEnd::Exited { code: 7, expected: false }));
    assert!(flap.iter().all(|life| life.pid.is_some() && (1.0..4.0).contains(&life.lasted_s.unwrap())));
    // It ended while supervisord was shutting down.
    assert_eq!(flap.last().unwrap().end, LifeEnd::Stopped);
    assert_eq!(of("killed")[0].end, LifeEnd::Killed { signal: "SIGKILL".into() });
    assert_eq!(ends(&of("done")), [&LifeEnd::Exited { code: 0, expected: true }]);
    assert_eq!(ends(&of("g:stoppable")), [&LifeEnd::Stopped]);
    let why = "can't find command '/no/such'".to_owned();
    assert_eq!(ends(&of("fatal")), [&LifeEnd::NotSpawned { why: why.clone() }, &LifeEnd::NotSpawned { why }]);
    assert!(ends(&of("chdir")).iter().all(|end| **end == LifeEnd::Exited { code: 127, expected: false }));
    assert_eq!(of("crash").len(), 4);
    assert_eq!(of("nosuch"), []);
    assert!(of("crash")[0].end_line.as_ref().unwrap().text.contains("exited: crash"));
}

/// A program that runs must not be called silent, nor be judged by a log that has stood still.
#[test]
fn a_log_that_supervisord_closed_is_blind() {
    let main = main_log("blind.log").marked;
    let (since, why) = log::blind(&main, "api").unwrap();
    assert!(since.is_some() && why.contains("Illegal seek"), "{why}");
    assert_eq!(log::blind(&main, "other"), None);
    let life = &lives(&main, "api", Timestamp(i64::MAX))[0];
    assert_eq!((&life.end, life.pid), (&LifeEnd::Running, Some(19474)));
}

/// Supervisord that died leaves lives without an end, and a clock that was set back no negative times.
#[test]
fn what_nobody_saw_is_unknown() {
    let line = |millis: i64, text: &str| log::LogLine {
        source: "main".into(),
        line: None,
        time: Some(Timestamp(millis)),
        text: format!("2026-11-21 03:59:12,123 {text}"),
        life: None,
        error: false,
    };
    let main = [
        line(900, "WARN exited: a (terminated by SIGSEGV (core dumped); not expected)"),
        line(1000, "INFO spawned: 'a' with pid 1"),
        line(2000, "INFO supervisord started with pid 9"),
        line(3000, "INFO spawned: 'a' with pid 2"),
        line(2500, "WARN exited: a (exit status 3; not expected)"),
    ];
    let lives = lives(&main, "a", NOW);
    let segv = LifeEnd::Killed { signal: "SIGSEGV".into() };
    assert_eq!(ends(&lives), [&segv, &LifeEnd::Unknown, &LifeEnd::Exited { code: 3, expected: false }]);
    assert_eq!(lives.iter().map(|life| life.lasted_s).collect::<Vec<_>>(), [None, None, None]);
}

/// Two hundred programs are one answer of half a megabyte.
#[test]
fn two_hundred_programs_are_read() {
    let (head, rest) = SETTINGS.split_once("<value><struct>").unwrap();
    let (one, _) = rest.split_once("</struct></value>").unwrap();
    let many: String = (0..200)
        .map(|n| format!("<value><struct>{}</struct></value>", one.replace(">api<", &format!(">api{n}<"))))
        .collect();
    let text = format!("{head}{many}</data></array></value></param></params></methodResponse>");
    assert_eq!(rpc::settings(&rpc::answer(text.as_bytes()).unwrap()).len(), 200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_config_file_is_read_without_a_panic(
        bytes: Vec<u8>,
        lines in prop::collection::vec("((command|environment|numprocs|process_name|stdout_logfile|exitcodes|files|file|port) ?= ?[%()a-z0-9\"',=;*/\\[é]{0,20}|\\[(program:x|supervisord|include|unix_http_server|group:g)\\])", 0..20),
    ) {
        let (_root, place) = node();
        for text in [bytes, lines.join("\n").into_bytes()] {
            std::fs::write(place.at(CONFIG), text).unwrap();
            for search in find(&place, Some(Path::new(CONFIG))) {
                configured(&place, &search, NOW);
                credentials(&place, &search);
            }
        }
    }

    #[test]
    fn any_main_log_is_read_without_a_panic(texts in prop::collection::vec("(20[0-9-]{8} [0-9:,]{8} )?(INFO|WARN) (spawned|exited|stopped|gave up|success|spawnerr|received SIGTERM)(: '?a'?)?[ -~]{0,20}", 0..20)) {
        let lines: Vec<_> = texts.into_iter().map(|text| log::LogLine {
            source: String::new(), line: None, time: Some(Timestamp(0)), text, life: None, error: false,
        }).collect();
        lives(&lines, "a", NOW);
        log::blind(&lines, "a");
    }
}
