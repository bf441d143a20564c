//! What two models share: the cores while both answer, and the memory one after the other; and what they cost while
//! nobody asks.

use crate::daemon::{Daemon, LIMIT, MODELS, run_async, with_models, workers};
use crate::fixtures;
use crate::swaps::budget_for_one;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The threads that each model has now, by its alias.
async fn threads(daemon: &Daemon) -> Vec<(String, Option<u64>)> {
    let status = daemon.get("/api/lifecycle").await.body;
    let models = status["models"].as_array().unwrap().iter();
    models.map(|model| (model["name"].as_str().unwrap().to_owned(), model["threads"].as_u64())).collect()
}

/// Two models with all cores each wait for each other's threads at every layer, and both are many times slower.
#[test]
fn two_models_that_answer_at_once_share_the_cores_and_one_alone_has_them_all() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    let cores = u64::from(modelctl::engine::default_threads());
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        for model in MODELS {
            assert_eq!(daemon.complete(model, 2).await.status, 200);
        }
        let long = daemon.stream("small", 2_000).await;
        let short = daemon.stream("base", 64).await;
        let shared = threads(&daemon).await;
        let sum: u64 = shared.iter().filter_map(|(_, threads)| *threads).sum();
        assert!(shared.iter().all(|(_, threads)| threads.is_some()), "{shared:?}");
        assert!(sum <= cores.max(2), "{shared:?} of {cores}");
        short.rest().await.is_whole();
        // The one that goes on has what the other one has given up, from its next step on.
        let end = Instant::now() + LIMIT;
        let of = |all: Vec<(String, Option<u64>)>| all.into_iter().find(|(name, _)| name == "small").unwrap().1;
        while of(threads(&daemon).await) != Some(cores) {
            assert!(Instant::now() < end, "{:?} of {cores}", threads(&daemon).await);
            tokio::task::yield_now().await;
        }
        drop(long);
        for model in MODELS {
            assert_eq!(daemon.complete(model, 8).await.status, 200);
            let log = sandbox.run(["logs", model]).ok().out;
            assert!(!log.contains("threads: "), "the worker refused a number of threads: {log}");
        }
        assert_eq!(daemon.events("model.crash").await, Vec::<Value>::new());
    });
}

/// What a person chose for a model would be forgotten as soon as another one answers beside it.
#[test]
fn threads_that_a_person_chose_are_the_most_that_a_model_gets() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    sandbox.run(["set", "small", "--threads", "1"]).ok();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        let first = daemon.stream("small", 500).await;
        daemon.stream("base", 8).await.rest().await.is_whole();
        first.rest().await.is_whole();
        let worker = daemon.server("small").await["pid"].as_u64().unwrap();
        let line = std::fs::read_to_string(format!("/proc/{worker}/cmdline")).unwrap();
        assert!(line.contains("--threads\u{0}1\u{0}"), "{line:?}");
        assert_eq!(daemon.complete("small", 4).await.status, 200);
        let log = sandbox.run(["logs", "small"]).ok().out;
        assert!(!log.contains("threads: "), "{log}");
    });
}

/// The main model of a machine would be away for good after forty requests for another one.
#[test]
fn a_model_that_forty_streams_pushed_out_comes_back_by_itself() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let budget = budget_for_one(&sandbox).await;
        let daemon = Daemon::start_within(&sandbox, budget);
        assert_eq!(daemon.complete("small", 2).await.status, 200);
        let mut streams = Vec::new();
        for n in 0..40 {
            streams.push(daemon.begin(MODELS[usize::from(n >= 20)], 24).await);
        }
        for stream in streams {
            stream.rest().await.is_whole();
        }
        let loads = async |model: &str| {
            let loaded = daemon.events("model.loaded").await;
            loaded.iter().filter(|event| event["model"] == model).count()
        };
        let swapped = daemon.events("model.swapped").await;
        assert_eq!((&swapped[0]["loaded"], &swapped[0]["evicted"][0]["model"]), (&json!("base"), &json!("small")));
        let before = loads("small").await;
        // A person says what ten idle minutes would.
        sandbox.run(["priority", "base", "evictable"]).ok();
        let end = Instant::now() + LIMIT + Duration::from_secs(60);
        while loads("small").await == before {
            assert!(Instant::now() < end, "{:#}", daemon.get("/api/lifecycle").await.body);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let status = daemon.get("/api/lifecycle").await.body;
        assert!(status["decisions"].as_array().unwrap().iter().any(|one| one["what"] == "restore"), "{status:#}");
        assert_eq!(daemon.events("model.crash").await, Vec::<Value>::new());
        assert_eq!(daemon.complete("small", 2).await.status, 200);
    });
}

/// Seconds of processor time that a process and its ended children have used.
fn used(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Hundredths of a second (proc(5)).
    fields[11..15].iter().map(|field| field.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// A machine that does nothing would be warm, and a laptop's battery empty.
#[test]
#[ignore = "takes ten minutes on a machine that does nothing else: `cargo test --release --test it ten_idle -- --ignored`"]
fn ten_idle_minutes_with_four_loaded_servers_cost_less_than_three_thousandths_of_a_core() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start_with(&sandbox, |command| {
            command.env("MODELCTL_IDLE_TIMEOUT", "1h");
        });
        for model in MODELS {
            assert_eq!(daemon.complete(model, 2).await.status, 200);
            let vectors = daemon.post("/v1/embeddings", json!({"model": model, "input": "a"})).await;
            assert_eq!(vectors.status, 200, "{vectors:?}");
        }
        let pids: Vec<u32> = workers(&sandbox).iter().map(|worker| worker.pid).chain([daemon.pid()]).collect();
        assert_eq!(pids.len(), 5);
        // What follows a load: measurements, hints, the list of models.
        tokio::time::sleep(Duration::from_secs(60)).await;
        let sum = || pids.iter().map(|pid| used(*pid)).collect::<Vec<f64>>();
        let (before, began) = (sum(), Instant::now());
        tokio::time::sleep(Duration::from_secs(600)).await;
        let spent: Vec<f64> = sum().iter().zip(&before).map(|(after, before)| after - before).collect();
        let share = spent.iter().sum::<f64>() / began.elapsed().as_secs_f64();
        eprintln!("{:.3} % of a core; seconds of each worker and of the daemon: {spent:.2?}", share * 100.0);
        assert!(share < 0.003, "{share}: {spent:?}");
    });
}
