//! Figures against what really happened: counters against the log, hints against requests, and the cost of doing nothing.

use super::{ask, configure, until_served};
use crate::daemon::{Daemon, LIMIT, run_async};
use crate::gguf::fixture::small_model;
use crate::sandbox::Sandbox;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use modelctl::http::{Limits, Request, fetch, forward};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

/// The samples of `/metrics` with this name: labels and value.
async fn samples(daemon: &Daemon, name: &str) -> BTreeMap<String, u64> {
    let answer = fetch(Request::get(daemon.endpoint.clone(), "/metrics"), LIMIT).await.unwrap();
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(text.lines().filter(|line| !line.starts_with('#')).count() <= 2_000, "too many series");
    let of = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let is_it = labels.is_empty() || labels.starts_with('{');
        is_it.then(|| (labels.to_owned(), value.parse::<f64>().unwrap() as u64))
    };
    text.lines().filter_map(of).filter(|(_, value)| *value > 0).collect()
}

/// The value of `name=` in a line of the log of requests.
fn field<'l>(line: &'l str, name: &str) -> &'l str {
    let (_, rest) = line.split_once(&format!(" {name}=")).unwrap_or_else(|| panic!("no {name} in {line}"));
    rest.split(' ').next().unwrap().trim_matches('"')
}

fn counted<K: Ord>(of: impl IntoIterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    of.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
    counts
}

/// A dashboard would show another machine than the one that the log tells of.
#[test]
fn counters_agree_with_the_log_and_the_events_line_by_line() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("a", 150, ""), ("b", 150, ""), ("c", 1, "parallel = 2\n"), ("d", 1, "")]);
    sandbox.write("tiny.gguf", &small_model("tiny"));
    sandbox.run(["scan", "-q"]).ok();
    let daemon = Daemon::start_within(&sandbox, 250 << 20);
    run_async(async {
        let post = async |path: &str| ask(&daemon, path).await.0;
        // What a day has, in a minute: services that swap, streams side by side, names that nobody has, a crash.
        for round in 0..6 {
            // A pair that changes places more often waits.
            for name in ["a", "b"].into_iter().filter(|_| round < 2) {
                assert_eq!(post(&format!("/upstream/{name}/{round}")).await, 200);
            }
            let side_by_side = (0..20).map(|n| {
                let class = ["interactive", "normal", "batch"][n % 3];
                let request = hyper::Request::post(format!("/upstream/c/{round}/{n}"));
                let request = request.header("content-type", "application/json").header("x-modelctl-priority", class);
                let request = request.body(Full::new(Bytes::from("x"))).unwrap();
                let endpoint = daemon.endpoint.clone();
                async move {
                    let answer = forward(&endpoint, request, Limits::UNTIMED).await.unwrap();
                    let status = answer.status().as_u16();
                    answer.into_body().collect().await.unwrap();
                    status
                }
            });
            let all: Vec<u16> = futures_all(side_by_side).await;
            assert_eq!(all, [200; 20]);
            assert_eq!(post("/upstream/nobody/x").await, 404);
            assert_eq!(post("/v1/audio/speech").await, 404);
        }
        assert_eq!(post("/upstream/d/x").await, 200);
        assert_eq!(post("/upstream/d/die").await, 502);
        assert_eq!(post("/upstream/d/x").await, 503);
        until_served(&daemon, "/upstream/d/x").await;
        for body in [json!({"model": "nobody", "prompt": "x"}), json!({"model": "tiny", "prompt": "x"}), json!({})] {
            let answer = daemon.post("/v1/completions", body).await;
            assert_ne!(answer.status, 200, "{answer:?}");
        }
        ask(&daemon, "/api/models/servers/c/stop").await;

        // Counters follow events; both are at rest when they agree twice.
        let end = Instant::now() + LIMIT;
        loop {
            let events = daemon.get("/api/events?follow=false&limit=1000").await.body["events"].clone();
            let events = events.as_array().unwrap().clone();
            let of = |names: &[&str]| {
                events.iter().filter(|one| names.contains(&one["event"].as_str().unwrap())).count() as u64
            };
            let sum = async |name: &str| samples(&daemon, name).await.values().sum::<u64>();
            let unloaded = events.iter().filter(|one| one["event"] == "service.unloaded");
            let unloaded = counted(unloaded.map(|one| one["reason"].as_str().unwrap().to_owned()));
            let status = daemon.get("/api/lifecycle").await.body;
            let decided: BTreeMap<String, u64> = serde_json::from_value(status["decision_counts"].clone()).unwrap();
            let pairs = [
                ("loads", sum("modelctl_model_loads_total").await, of(&["service.loaded"]) + failed_starts(&events)),
                ("decisions", sum("modelctl_decisions_total").await, decided.values().sum()),
                ("swaps", sum("modelctl_swaps_total").await, of(&["service.swapped", "model.swapped"])),
                ("restarts", sum("modelctl_restarts_total").await, of(&["service.restarted", "model.restarted"])),
                ("evictions", sum("modelctl_evictions_total").await, unloaded.get("evicted").copied().unwrap_or(0)),
            ];
            if pairs.iter().all(|(_, counter, told)| counter == told) {
                assert!(pairs.iter().all(|(_, counter, _)| *counter > 0), "{pairs:?}");
                break;
            }
            assert!(Instant::now() < end, "{pairs:?}: {events:#?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let lines = daemon.logged();
        let requests: Vec<&String> = lines.iter().filter(|line| line.contains(" waited_ms=")).collect();
        let endpoint = |line: &str| {
            ["upstream", "chat", "completions", "embeddings"]
                .into_iter()
                .find(|name| line.contains(&format!("{name} model=")))
        };
        let logged = counted(requests.iter().map(|line| {
            let (model, endpoint) = (field(line, "model"), endpoint(line).unwrap());
            format!("{{model=\"{model}\",endpoint=\"{endpoint}\",status=\"{}\"}}", field(line, "status"))
        }));
        let told = samples(&daemon, "modelctl_requests_total").await;
        assert_eq!(told, logged, "{lines:#?}");
        let by_class = counted(requests.iter().map(|line| format!("{{class=\"{}\"}}", field(line, "class"))));
        assert_eq!(samples(&daemon, "modelctl_request_waiting_seconds_count").await, by_class);
        assert_eq!(requests.len() as u64, told.values().sum::<u64>());
        assert!(requests.len() > 6 * 22, "{}", requests.len());
        let waiting = samples(&daemon, "modelctl_queue_depth").await;
        assert_eq!(waiting, BTreeMap::new(), "no request is waiting");
    });
}

/// Crashes of servers that were not ready.
fn failed_starts(events: &[Value]) -> u64 {
    let mut ready = std::collections::BTreeSet::new();
    let mut failed = 0;
    for one in events {
        let of = (
            one["service"].as_str().or(one["model"].as_str()).unwrap_or_default().to_owned(),
            one["purpose"].to_string(),
        );
        match one["event"].as_str().unwrap() {
            "service.loaded" | "model.loaded" => drop(ready.insert(of)),
            "service.unloaded" | "model.unloaded" => drop(ready.remove(&of)),
            "service.crash" | "model.crash" if !ready.remove(&of) => failed += 1,
            _ => {}
        }
    }
    failed
}

async fn futures_all<T: Send + 'static>(all: impl Iterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let tasks: Vec<_> = all.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

/// How often a service was used by what the database knows.
fn known(sandbox: &Sandbox) -> (i64, u64) {
    let db = rusqlite::Connection::open(sandbox.db()).unwrap();
    db.busy_timeout(LIMIT).unwrap();
    let sql = "SELECT count(*), coalesce(sum(access_count), 0) FROM server_hint";
    db.query_row(sql, [], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.try_into().unwrap()))).unwrap()
}

/// A power cut, or a kill for memory, would cost all that was known of the servers, or invent uses that never were.
#[test]
fn fifty_kills_lose_no_hint_that_was_saved_and_invent_none() {
    let sandbox = Sandbox::new();
    configure(&sandbox, &[("x", 1, "")]);
    // What is known and saved, at least; and what really happened since, at most.
    let (mut least, mut most) = (0, 0);
    for round in 0..50_u64 {
        let mut daemon = Daemon::start(&sandbox);
        run_async(async {
            for n in 0..=round % 3 {
                assert_eq!(ask(&daemon, &format!("/upstream/x/{n}")).await.0, 200);
                most += 1;
            }
            if round.is_multiple_of(2) {
                // Every stop saves: what is saved then is never lost.
                assert_eq!(ask(&daemon, "/api/models/servers/x/stop").await.0, 200);
                let end = Instant::now() + LIMIT;
                while known(&sandbox).1 != most {
                    assert!(Instant::now() < end, "round {round}: {:?} instead of {most}", known(&sandbox));
                    tokio::task::yield_now().await;
                }
                least = most;
            } else {
                // In the middle of a save, or just before it.
                let stop = daemon.post("/api/models/servers/x/stop", Value::Null);
                drop(tokio::time::timeout(Duration::from_millis(round % 7 * 3), stop).await);
            }
        });
        daemon.kill();
        let (rows, uses) = known(&sandbox);
        assert!(
            rows == 1 && (least..=most).contains(&uses),
            "round {round}: {uses} uses in {rows} rows, not {least} to {most}"
        );
        (least, most) = (uses, uses);
    }
    let daemon = Daemon::start(&sandbox);
    run_async(async {
        assert_eq!(ask(&daemon, "/upstream/x/y").await.0, 200);
        let status = daemon.get("/api/lifecycle").await.body;
        assert_eq!(status["models"][0]["access_count"], most + 1, "counts go on");
    });
}

/// Milliseconds of processor time that a process has used.
fn used(pid: u64) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // In hundredths of a second (proc(5)), and its ended children with it: readings are made in children.
    fields[11..15].iter().map(|field| field.parse::<u64>().unwrap()).sum::<u64>() * 10
}

/// A machine that does nothing would be warm, and a laptop's battery empty.
#[test]
fn a_tick_with_four_loaded_servers_costs_less_than_a_three_thousandth_of_its_time() {
    let sandbox = Sandbox::new();
    let names = ["a", "b", "c", "d"];
    configure(&sandbox, &names.map(|name| (name, 1, "")));
    let daemon = Daemon::start_with(&sandbox, |command| {
        command.env("MODELCTL_LIFECYCLE_INTERVAL", "1");
    });
    run_async(async {
        for name in names {
            until_served(&daemon, &format!("/upstream/{name}/x")).await;
        }
        daemon.event("service.loaded", |loaded| loaded["service"] == "d").await;
        let ticks = async || daemon.get("/api/lifecycle").await.body["tick_count"].as_u64().unwrap();
        let (began, before, from) = (Instant::now(), used(daemon.pid().into()), ticks().await);
        tokio::time::sleep(Duration::from_secs(20)).await;
        let (spent, count) = (used(daemon.pid().into()) - before, ticks().await - from);
        let each = spent as f64 / began.elapsed().as_secs_f64();
        eprintln!(
            "{spent} ms of a core in {:.1?} and {count} steps of time; {each:.1} ms for each tick",
            began.elapsed()
        );
        // 0.3 % of a core with a tick in 15 s is 45 ms for each. A build for debugging is slower by far.
        assert!(cfg!(debug_assertions) || each < 45.0, "{each} ms of a core for each tick");
    });
}
