//! Workers that are killed, stopped by a signal, or deaf, and what their clients hear of it.

use crate::daemon::{Daemon, LIMIT, run_async, with_models, workers};
use crate::fixtures;
use crate::processes;
use modelctl::db::{Access, Db};
use modelctl::http::{Endpoint, Request, fetch};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// When a client has to know of the death of its server, and when of one that is only stopped.
const TOLD: Duration = Duration::from_secs(5);
const TOLD_OF_A_STOP: Duration = Duration::from_secs(90);
/// An answer that no test waits for the end of.
const ENDLESS: u32 = 4_000;

async fn pid(daemon: &Daemon, model: &str) -> u32 {
    let server = daemon.server(model).await;
    server["pid"].as_u64().unwrap_or_else(|| panic!("no process: {server}")).try_into().unwrap()
}

fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// A client would wait for ever for the rest of its answer, or take half of it for the whole.
#[test]
fn a_worker_that_is_killed_costs_its_clients_an_error_at_once_and_others_nothing() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        let other = daemon.stream("base", 200).await;
        let stream = daemon.stream("small", ENDLESS).await;
        let began = Instant::now();
        processes::kill(pid(&daemon, "small").await);
        let cut = stream.rest().await;
        assert!(began.elapsed() < TOLD, "told after {:?}", began.elapsed());
        assert_eq!(cut.is_cut()["code"], "model_died", "{cut:?}");

        let server = daemon.until("small", "in backoff", |server| server["state"] == "backoff").await;
        let left = server["retry_in_seconds"].as_f64().unwrap();
        assert!(left > 0.0 && left < 10.0, "{server}");
        assert!(server["last_error"].as_str().unwrap().contains("SIGKILL"), "{server}");
        let crash = daemon.event("model.crash", |_| true).await;
        for (field, value) in [("crash_type", json!("disappeared")), ("crash_count", json!(1))] {
            assert_eq!(crash[field], value, "{crash}");
        }
        assert!(crash["will_restart"] == true && crash["model"] == "small", "{crash}");

        // It says when to come again, and is there then.
        let end = Instant::now() + LIMIT;
        let mut refusals = 0;
        loop {
            let answer = daemon.complete("small", 2).await;
            if answer.status == 200 {
                break;
            }
            assert!(answer.status == 503 && Instant::now() < end, "{answer:?}");
            assert!((1..=10).contains(&answer.retry_after.unwrap()), "{answer:?}");
            refusals += 1;
            // A client of the daemon sees the end of the backoff only by asking.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(refusals > 0, "it was started again at once");
        let told = daemon.server("small").await;
        assert_eq!((&told["state"], daemon.events("model.restarted").await.len()), (&json!("ready"), 1), "{told}");
        other.rest().await.is_whole();
        assert_eq!(daemon.events("model.crash").await.len(), 1);
    });
}

/// A list of servers would say for ever that a start is five seconds away.
#[test]
fn a_worker_that_is_killed_while_idle_is_shown_as_gone_and_started_at_once_for_a_person() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        assert_eq!(daemon.complete("small", 2).await.status, 200);
        let before = pid(&daemon, "small").await;
        processes::kill(before);
        let backoff = |server: &Value| server["state"] == "backoff";
        let left = |server: &Value| server["retry_in_seconds"].as_f64();
        let first = left(&daemon.until("small", "in backoff", backoff).await).unwrap();
        daemon.until("small", "nearer to its start", |server| left(server).is_none_or(|now| now < first - 0.5)).await;
        let started = daemon.post("/api/models/servers/small/start", Value::Null).await;
        assert_eq!((started.status, &started.body["status"]), (200, &json!("started")), "{started:?}");
        assert_ne!(pid(&daemon, "small").await, before);
        assert_eq!(daemon.complete("small", 2).await.status, 200);
    });
}

/// `/health` of such a worker stays silent or green while its clients wait: a debugger, a container that was paused.
#[test]
fn a_worker_that_is_stopped_by_a_signal_is_replaced_and_its_client_told() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        let other = daemon.stream("base", 100).await;
        let stream = daemon.stream("small", ENDLESS).await;
        let before = pid(&daemon, "small").await;
        let began = Instant::now();
        signal(before, Signal::STOP);
        let cut = stream.rest().await;
        assert!(began.elapsed() < TOLD_OF_A_STOP, "told after {:?}", began.elapsed());
        assert!(cut.is_cut()["message"].as_str().unwrap().contains("stopped"), "{cut:?}");
        daemon.until("small", "gone", |server| server["pid"] != before).await;
        other.rest().await.is_whole();
        let crash = daemon.event("model.crash", |_| true).await;
        assert_eq!((&crash["crash_type"], &crash["will_restart"]), (&json!("wedged"), &json!(true)), "{crash}");
        daemon.post("/api/models/servers/small/start", Value::Null).await;
        assert_eq!(daemon.complete("small", 2).await.status, 200);
        eprintln!("told of a SIGSTOP after {:.1?}", began.elapsed());
    });
}

/// A stop would never return, and the memory would never come back.
#[test]
fn a_worker_that_is_deaf_to_sigterm_is_killed_after_ten_seconds() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        assert_eq!(daemon.complete("small", 2).await.status, 200);
        let deaf = pid(&daemon, "small").await;
        signal(deaf, Signal::STOP);
        let began = Instant::now();
        let stopped = daemon.post("/api/models/servers/small/stop", Value::Null).await;
        assert_eq!((stopped.status, &stopped.body["status"]), (200, &json!("stopped")), "{stopped:?}");
        let took = began.elapsed();
        assert!(took > Duration::from_secs(9) && took < Duration::from_secs(30), "it took {took:?}");
        assert!(workers(&sandbox).is_empty());
        assert_eq!(daemon.events("model.crash").await, Vec::<Value>::new(), "it was asked to stop");
        assert_eq!(daemon.complete("small", 2).await.status, 200);
    });
}

/// Models would stay in memory without anybody to answer for, and the next daemon would find no room.
#[test]
fn a_daemon_that_is_killed_leaves_no_process_and_no_memory_in_the_ledger() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let mut daemon = Daemon::start(&sandbox);
        let streams = [daemon.stream("small", ENDLESS).await, daemon.stream("base", ENDLESS).await];
        let left = workers(&sandbox);
        assert_eq!(left.len(), 2);
        // Not even one that cannot hear of it.
        signal(pid(&daemon, "base").await, Signal::STOP);
        daemon.kill();
        let began = Instant::now();
        while left.iter().any(|worker| worker.lives()) {
            assert!(began.elapsed() < TOLD, "{left:?} run on");
            // They are no children of ours, so there is no event for their end.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(streams);
        let daemon = Daemon::start(&sandbox);
        let db = Db::open(&sandbox.db(), Access::ReadOnly).unwrap();
        assert_eq!(db.ledger().unwrap(), []);
        assert_eq!(daemon.servers().await, Vec::<Value>::new());
        assert_eq!(daemon.complete("small", 2).await.status, 200);
        // A second one on the same database.
        let elsewhere = sandbox.path("second.sock");
        let second = sandbox.run(["serve", "--no-executor", "--socket", elsewhere.to_str().unwrap()]);
        second.refuses(4, &format!("modelctl serve (process {}", daemon.pid()));
    });
}

/// The number of requests in progress, as the worker itself counts them.
async fn processing(pid: u32) -> u64 {
    let line = String::from_utf8(std::fs::read(format!("/proc/{pid}/cmdline")).unwrap()).unwrap();
    let socket = line.split('\0').skip_while(|arg| *arg != "--socket").nth(1).unwrap();
    let endpoint = Endpoint::Unix(PathBuf::from(socket));
    let metrics = fetch(Request::get(endpoint, "/metrics"), LIMIT).await.unwrap();
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix("llamacpp:requests_processing "));
    value.unwrap().parse::<f64>().unwrap() as u64
}

/// Clients that give up at the wrong moment would fill the slots one by one, until the model answers nobody any more.
#[test]
fn clients_that_leave_at_any_moment_leave_nothing_behind() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    sandbox.run(["set", "small", "--parallel", "2"]).ok();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        for n in 0..150_u64 {
            // From before the load to the middle of an answer.
            let patience = Duration::from_millis(n * n % 293);
            let model = if n.is_multiple_of(7) { "base" } else { "small" };
            let left = tokio::time::timeout(patience, daemon.complete(model, ENDLESS)).await;
            assert!(left.is_err(), "{left:?}");
        }
        for model in ["small", "base"] {
            let is_free = |server: &Value| server["in_flight"] == 0 && server["queued"] == 0;
            daemon.until(model, "free", |server| server.is_null() || is_free(server)).await;
            assert_eq!(daemon.complete(model, 2).await.status, 200);
            let worker = pid(&daemon, model).await;
            assert_eq!(processing(worker).await, 0);
            let stopped = daemon.post(&format!("/api/models/servers/{model}/stop"), Value::Null).await;
            assert!(stopped.body["shutdown_time_seconds"].as_f64().unwrap() < 10.0, "{stopped:?}");
        }
        assert_eq!(daemon.events("model.crash").await, Vec::<Value>::new());
    });
}

/// One closed tab would hold the only slot for minutes, and everybody behind it would wait for an answer to nobody.
#[test]
fn a_client_that_leaves_ends_its_answer_and_leaves_the_queue() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    sandbox.run(["set", "small", "--parallel", "1"]).ok();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        let stream = daemon.stream("small", ENDLESS).await;
        let worker = pid(&daemon, "small").await;
        assert_eq!(processing(worker).await, 1);
        let waits = |count: u32| move |server: &Value| server["queued"] == count;
        let mut waiting = Box::pin(daemon.complete("small", 2));
        tokio::select! {
            answer = &mut waiting => panic!("answered beside an answer in the only slot: {answer:?}"),
            _ = daemon.until("small", "with a queue", waits(1)) => {}
        }
        let left = Instant::now();
        drop(waiting);
        daemon.until("small", "without a queue", waits(0)).await;
        let took = left.elapsed();
        assert!(took < TOLD, "it left the queue after {took:?}");
        assert_eq!(daemon.server("small").await["in_flight"], 1);

        let left = Instant::now();
        drop(stream);
        while processing(worker).await > 0 {
            assert!(left.elapsed() < TOLD, "it is still generated");
            // The worker reports no event.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        eprintln!("out of the queue after {took:.1?}, generation ended after {:.1?}", left.elapsed());
        assert_eq!(daemon.complete("small", 2).await.status, 200);
    });
}
