mod formats;
mod resources;

use super::check::number;
use super::format::{health_json, nagios, nagios_failure, prometheus};
use super::*;
use crate::clock::Timestamp;
use crate::model::health::{Level, Thresholds};
use crate::model::service::{FoundBy, Manager, QueueCheck, Role, Service};
use crate::node::endpoint::{Answer, Counters, Endpoint, Owner, Sample, Slot};
use crate::node::gpu::{Device, Gpus, Nvml};
use crate::node::machine::Disk;
use crate::node::model_file::{Content, FileView, ModelFile, Stability};
use crate::node::program::{Poller, QueueAnswer};
use crate::node::{Fact, Outcome};

const NOW: Timestamp = Timestamp(1_000_000_000);

fn fact<T>(value: T) -> Fact<T> {
    Fact::ok("test", NOW, value)
}

fn denied<T>() -> Fact<T> {
    let outcome = Outcome::Denied { why: "no permission".into(), right: "root".into(), command: None };
    Fact::new("/proc/7/fd", NOW, outcome)
}

fn llama() -> Service {
    let service = Service::new("llama", Role::Llama, Manager::Supervisor("llama".into()), FoundBy::Config);
    Service { endpoint: Some("http://127.0.0.1:1/health".into()), model_id: Some("x".into()), ..service }
}

fn answering(code: u16, body: &str) -> Endpoint {
    let owner = Owner { pid: 7, name: "llama-server".into(), argv: vec![], is_service: true };
    Endpoint {
        url: "http://127.0.0.1:1/health".into(),
        port: Some(1),
        owner: fact(Some(owner)),
        health: Answer::Http { code, body: body.into(), seconds: 0.004 },
        models: fact(vec![("x".into(), None)]),
        samples: vec![],
        token_s: None,
        date_skew_s: None,
    }
}

fn judged(endpoint: Endpoint, level: Level, age_s: i64) -> Check {
    let load = Load { size: Some(1_000_000_000), read: None, since: Some(Timestamp(NOW.0 - age_s * 1_000)) };
    let (service, endpoint) = (llama(), fact(endpoint));
    let asked = Asked { service: &service, endpoint: &endpoint, level, knows_processes: true, load, now: NOW };
    super::endpoint(&asked, &Limits::default())
}

/// The worst wins, unknown is never hidden by a warning and never hides what is critical.
#[test]
fn checks_are_merged_by_the_worst() {
    let name = CheckName::Disk;
    let merged = |checks: &[Check]| Report::new(Level::Ready, NOW, 1, checks.to_vec()).status;
    let ok = Check::ok(name, "a", "");
    let warning = Check::warning(name, "a", "", "");
    let unknown = Check::unknown(name, "a", "", "");
    let critical = Check::critical(name, "a", "", "");
    assert_eq!(merged(&[ok.clone(), warning.clone()]), Status::Warning);
    assert_eq!(merged(&[warning.clone(), unknown.clone(), ok.clone()]), Status::Unknown);
    assert_eq!(merged(&[critical, unknown, warning]), Status::Critical);
    assert_eq!(merged(&[ok]), Status::Ok);
    assert_eq!(merged(&[]), Status::Unknown);
}

/// A range can make a check worse and never better.
#[test]
fn ranges_judge_values_and_the_critical_one_wins() {
    let mut limits = Limits { warning: "disk_free=10%:".parse().unwrap(), critical: Thresholds::default() };
    limits.critical.extend(&"/srv_disk_free=50:".parse().unwrap());
    let measured = |target: &str, value| Check::ok(CheckName::Disk, target, "x").measured("disk_free", value, &limits);
    assert_eq!(measured("/", 11.0).status, Status::Ok);
    assert_eq!(measured("/", 9.0).status, Status::Warning);
    assert_eq!(measured("/", 1.0).status, Status::Critical, "the default");
    assert_eq!(measured("/srv", 49.0).status, Status::Critical);
    assert!(measured("/", 9.0).reason.unwrap().contains("disk_free is 9% (threshold 10:)"));
    let worse = Check::critical(CheckName::Disk, "/", "read-only", "the kernel").measured("disk_free", 9.0, &limits);
    assert_eq!((worse.status, worse.reason.as_deref()), (Status::Critical, Some("the kernel")));
}

/// What a supervisor restarts, and what it must leave alone.
#[test]
fn an_endpoint_is_sick_only_when_it_is() {
    let is = |endpoint: Endpoint, level, age| {
        let check = judged(endpoint, level, age);
        (check.status, check.reason.unwrap_or_default())
    };
    let status = |endpoint, level, age| is(endpoint, level, age).0;
    let loading = r#"{"error":{"message":"Loading model","code":503}}"#;
    let busy = r#"{"error":{"message":"no slot available","code":503}}"#;
    assert_eq!(status(answering(200, ""), Level::Ready, 1), Status::Ok);
    assert_eq!(status(answering(500, ""), Level::Alive, 99_999), Status::Ok, "any answer is alive");
    assert_eq!(status(answering(503, busy), Level::Ready, 99_999), Status::Ok, "busy is not sick");
    assert_eq!(status(answering(429, ""), Level::Ready, 99_999), Status::Ok);
    assert_eq!(status(answering(503, loading), Level::Ready, 29), Status::Warning, "loading is not sick");
    assert_eq!(status(answering(503, loading), Level::Ready, 31), Status::Critical, "1 GB in 31 s: 30 s is the limit");
    assert_eq!(status(answering(500, ""), Level::Ready, 1), Status::Critical);
    assert_eq!(status(answering(404, ""), Level::Ready, 1), Status::Critical);
    assert_eq!(status(answering(401, ""), Level::Ready, 1), Status::Unknown);
    assert_eq!(status(answering(302, ""), Level::Ready, 1), Status::Unknown);
    let with = |health| Endpoint { health, ..answering(200, "") };
    assert_eq!(status(with(Answer::Refused), Level::Alive, 1), Status::Warning, "it loads before it listens");
    assert_eq!(status(with(Answer::Refused), Level::Alive, 99_999), Status::Critical);
    assert_eq!(status(with(Answer::Silent { seconds: 2.0 }), Level::Alive, 1), Status::Critical);
    assert_eq!(status(with(Answer::Tls), Level::Ready, 1), Status::Unknown);
    assert_eq!(status(with(Answer::Garbage { why: "x".into() }), Level::Ready, 1), Status::Critical);

    let other = Owner { pid: 9, name: "nginx".into(), argv: vec![], is_service: false };
    let (found, reason) = is(Endpoint { owner: fact(Some(other)), ..answering(200, "") }, Level::Ready, 1);
    assert!(found == Status::Critical && reason.contains("nginx (process 9)"), "{reason}");
    let unseen = judged(Endpoint { owner: denied(), ..answering(200, "") }, Level::Ready, 1);
    assert_eq!((unseen.status, unseen.right.as_deref()), (Status::Unknown, Some("root")));
    let router = Endpoint { models: fact(vec![]), ..answering(200, "") };
    assert!(is(router, Level::Ready, 1).1.contains("it lists no models; expected `x`"));
}

fn sample(at_s: f64, slots: &[(bool, u64)], counters: Option<Counters>) -> Sample {
    let slot = |(id, (is_processing, decoded)): (usize, &(bool, u64))| Slot {
        id: id as i64,
        is_processing: *is_processing,
        decoded: Some(*decoded),
        context: None,
    };
    Sample {
        time: NOW,
        at_s,
        slots: fact(slots.iter().enumerate().map(slot).collect()),
        metrics: counters.map_or_else(|| Fact::absent("GET /metrics", NOW, "501"), fact),
    }
}

/// A server that is busy for hours must not be restarted, and one that is wedged must be seen.
#[test]
fn work_between_two_samples_is_progress_and_no_work_too() {
    let decoded = |decoded: f64| Some(Counters { decoded: Some(decoded), ..Counters::default() });
    let status = |samples: Vec<Sample>| {
        progress(&llama(), &Endpoint { samples, ..answering(200, "") }).map(|check| check.status)
    };
    let two = |a: (&[(bool, u64)], Option<Counters>), b: (&[(bool, u64)], Option<Counters>)| {
        status(vec![sample(0.0, a.0, a.1), sample(2.0, b.0, b.1)])
    };
    let (idle, at_5, at_6, prompt) = (&[(false, 0)][..], &[(true, 5)][..], &[(true, 6)][..], &[(true, 0)][..]);
    assert_eq!(two((idle, None), (idle, None)), Some(Status::Ok));
    assert_eq!(two((at_5, None), (at_6, None)), Some(Status::Ok));
    assert_eq!(two((at_5, decoded(1.0)), (at_5, decoded(2.0))), Some(Status::Ok));
    assert_eq!(two((prompt, decoded(1.0)), (prompt, decoded(1.0))), Some(Status::Ok), "a long prompt");
    assert_eq!(two((at_5, None), (at_5, None)), Some(Status::Warning));
    assert_eq!(two((at_5, decoded(1.0)), (at_5, decoded(1.0))), Some(Status::Critical));
    assert_eq!(status(vec![sample(0.0, at_5, None)]), Some(Status::Unknown), "no time for a second sample");
    assert_eq!(status(vec![]), Some(Status::Unknown));
    let waits = Some(Counters { deferred: Some(3.0), ..Counters::default() });
    assert_eq!(two((idle, waits.clone()), (idle, waits)), Some(Status::Critical));
    let slow = |n| Some(Counters { decoded: Some(n), tokens_per_second: Some(0.2), ..Counters::default() });
    assert_eq!(two((at_5, slow(1.0)), (at_5, slow(1.0))), Some(Status::Ok), "a token in five seconds");
    let api = Service::new("api", Role::Api, Manager::None, FoundBy::Config);
    assert_eq!(progress(&api, &answering(200, "")), None, "nothing to sample, and nothing expected");
}

#[test]
fn a_token_says_whether_it_generates() {
    let status = |outcome| token(&llama(), &Fact::new("POST", NOW, outcome), &Limits::default()).status;
    assert_eq!(status(Outcome::Ok { value: 0.1 }), Status::Ok);
    assert_eq!(status(Outcome::Absent { why: "no slot is free".into() }), Status::Ok);
    assert_eq!(status(Outcome::Absent { why: "it lists 2 models".into() }), Status::Unknown);
    assert_eq!(status(Outcome::TimedOut { why: "late".into() }), Status::Critical);
}

fn view(size: u64) -> FileView {
    FileView {
        resolved: "/m/x.gguf".into(),
        device: 1,
        inode: 1,
        kind: "file".into(),
        size,
        allocated: size,
        mode: 0o644,
        uid: 0,
        gid: 0,
        modified: None,
        mount: None,
    }
}

fn model_file(size: u64) -> ModelFile {
    let content = Content { format: "gguf".into(), magic: "GGUF".into(), needed: Some(1_000), ..Content::default() };
    ModelFile {
        path: "/m/x.gguf".into(),
        service: fact(view(size)),
        ours: fact(view(size)),
        service_folder: fact(view(0)),
        our_folder: fact(view(0)),
        refusing: None,
        dangling: None,
        nearest: None,
        neighbours: vec![],
        stable: Some(Stability { seconds: 0.3, sizes: (size, size), is_stable: true }),
        writer: None,
        content: fact(content),
    }
}

/// A file that a server would fail on is seen before the server is restarted.
#[test]
fn a_model_file_must_be_there_whole_and_still() {
    let is = |file: ModelFile| {
        let check = model("llama", Role::Llama, &fact(file));
        (check.status, check.reason.unwrap_or_default())
    };
    assert_eq!(is(model_file(1_000)).0, Status::Ok);
    let refused = [
        (model_file(999), "it is truncated: it has 999 of 1000 bytes"),
        (model_file(0), "it is empty"),
        (ModelFile { writer: Some((9, "wget".into())), ..model_file(1_000) }, "wget (process 9) has it open"),
        (
            ModelFile {
                stable: Some(Stability { seconds: 0.3, sizes: (1_000, 1_001), is_stable: false }),
                ..model_file(1_000)
            },
            "its size changed from 1000 to 1001",
        ),
        (ModelFile { service: fact(FileView { kind: "fifo".into(), ..view(1) }), ..model_file(1) }, "it is a fifo"),
        (
            ModelFile {
                service: Fact::absent("x", NOW, "ENOENT"),
                nearest: Some(("/m".into(), vec!["y.gguf".into()])),
                ..model_file(1)
            },
            "it does not exist; `/m` has y.gguf",
        ),
        (
            ModelFile {
                content: fact(Content { format: "html".into(), magic: "<!DO".into(), ..Content::default() }),
                ..model_file(9)
            },
            "not a GGUF file but html",
        ),
    ];
    for (file, why) in refused {
        let (status, reason) = is(file);
        assert!(status == Status::Critical && reason.contains(why), "{reason}");
    }
    let unseen = model("llama", Role::Llama, &fact(ModelFile { service: denied(), ..model_file(1) }));
    assert_eq!((unseen.status, unseen.right.as_deref()), (Status::Unknown, Some("root")));
    // Other servers have other formats.
    let other = ModelFile { path: "/m/whisper.bin".into(), ..model_file(5) };
    assert_eq!(model("w", Role::Whisper, &fact(other)).status, Status::Ok);
}

#[test]
fn a_service_runs_or_it_does_not() {
    let running = Running {
        state: RunState::Running,
        word: "RUNNING".into(),
        pids: vec![7],
        process_state: Some('S'),
        since: None,
        read_bytes: None,
        has_gpu: None,
        model: None,
        detail: None,
    };
    let status = |service: Service, running: Fact<Running>| {
        super::service(&Seen { service, running }).map(|check| (check.status, check.right))
    };
    let is = |state, process_state| {
        let running = Running { state, process_state, ..running.clone() };
        status(llama(), fact(running)).map(|(status, _)| status)
    };
    assert_eq!(is(RunState::Running, Some('S')), Some(Status::Ok));
    assert_eq!(is(RunState::Running, Some('T')), Some(Status::Critical), "SIGSTOP");
    assert_eq!(is(RunState::Starting, None), Some(Status::Warning));
    assert_eq!(is(RunState::Finished, None), Some(Status::Ok));
    assert_eq!(is(RunState::Stopped, None), Some(Status::Critical));
    assert_eq!(is(RunState::Failed, None), Some(Status::Critical));
    assert_eq!(status(llama(), denied()), Some((Status::Unknown, Some("root".into()))));
    assert_eq!(status(llama(), Fact::absent("x", NOW, "gone")).unwrap().0, Status::Critical);
    let bare = Service::new("a", Role::Other, Manager::None, FoundBy::Config);
    assert_eq!(status(bare.clone(), Fact::absent("x", NOW, "")).unwrap().0, Status::Unknown);
    let asked = Service { endpoint: Some("http://h/".into()), ..bare };
    assert_eq!(status(asked, Fact::absent("x", NOW, "")), None);
}

#[test]
fn the_right_worker_polls_the_right_queue() {
    let check = QueueCheck { name: "jobs@gpu".into(), identity: Some("@gpu".into()), check: vec!["/x".into()] };
    let poller = |identity: &str, seen| Poller { identity: Some(identity.into()), last_seen_s: Some(seen) };
    let status = |answer: QueueAnswer| queue("w", &check, &fact(answer), &Limits::default())[0].status;
    let answer = |pollers| QueueAnswer { pollers: Some(pollers), ..QueueAnswer::default() };
    assert_eq!(status(answer(vec![poller("1@gpu", 3.0)])), Status::Ok);
    assert_eq!(status(answer(vec![poller("1@cpu", 3.0)])), Status::Critical);
    assert_eq!(status(answer(vec![poller("1@gpu", 9_000.0)])), Status::Critical);
    assert_eq!(status(answer(vec![])), Status::Critical);
    assert_eq!(status(QueueAnswer::default()), Status::Unknown);
    assert_eq!(status(QueueAnswer { queue: Some("jobs".into()), ..answer(vec![]) }), Status::Unknown);
    assert_eq!(queue("w", &check, &denied(), &Limits::default())[0].right.as_deref(), Some("root"));
}
