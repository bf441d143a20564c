//! Two real models that do not fit into memory together, behind one gateway, under many clients.

use crate::daemon::{Daemon, MODELS, run_async, with_models};
use crate::fixtures;
use crate::sandbox::Sandbox;
use modelctl::db::{Access, Db};
use modelctl::http::{Endpoint, Limits, Request, SseEvent, fetch, open};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

const LIMIT: Duration = Duration::from_secs(300);

/// Returns a budget that admits either model and not both, by what the ledger reserves for them.
pub async fn budget_for_one(sandbox: &Sandbox) -> u64 {
    let daemon = Daemon::start(sandbox);
    for model in MODELS {
        let (_, text) = stream(daemon.endpoint.clone(), model, 2).await.unwrap();
        assert!(text > 0);
    }
    let rows = Db::open(&sandbox.db(), Access::ReadOnly).unwrap().ledger().unwrap();
    let mut held: Vec<u64> = rows.iter().map(|row| row.bytes.iter().map(|bytes| bytes.held()).sum()).collect();
    held.sort_unstable();
    assert_eq!(held.len(), 2, "{rows:#?}");
    held[1] + held[0] / 2
}

/// Asks for a stream of so many tokens. Returns its finish reason and the number of its events, or what cut it off.
async fn stream(endpoint: Endpoint, model: &str, tokens: u32) -> Result<(String, usize), String> {
    let body = json!({
        "model": model, "prompt": "Once upon a time", "max_tokens": tokens, "ignore_eos": true, "stream": true,
    });
    let request = Request::post(endpoint, "/v1/completions", body.to_string());
    let mut response = open(request, Limits::UNTIMED).await.map_err(|error| error.to_string())?;
    if response.status != 200 {
        return Err(String::from_utf8_lossy(&response.whole().await.unwrap()).into_owned());
    }
    let (mut finish, mut events) = (None, 0);
    while let Some(event) = response.event().await.map_err(|error| error.to_string())? {
        let SseEvent::Data(data) = event else { continue };
        if data == "[DONE]" {
            return finish.map(|finish| (finish, events)).ok_or_else(|| "no finish reason".to_owned());
        }
        let chunk: Value = serde_json::from_str(&data).unwrap();
        if let Some(error) = chunk.get("error") {
            return Err(error.to_string());
        }
        assert_eq!(chunk["model"], model, "answers carry the name that was asked for");
        events += 1;
        finish = finish.or_else(|| chunk["choices"][0]["finish_reason"].as_str().map(str::to_owned));
    }
    Err("the stream ended without [DONE]".to_owned())
}

async fn loads(daemon: &Daemon) -> u64 {
    let metrics = fetch(Request::get(daemon.endpoint.clone(), "/metrics"), LIMIT).await.unwrap();
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let values = text.lines().filter(|line| line.starts_with("modelctl_model_loads_total"));
    values.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap() as u64).sum()
}

/// Nothing cuts a running answer, everybody is served, and requests of one model are gathered: ABAB is two loads.
#[test]
fn streams_of_two_models_that_do_not_fit_together_are_all_whole_with_few_swaps() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let budget = budget_for_one(&sandbox).await;
        let daemon = Daemon::start_within(&sandbox, budget);
        for round in 1..=3 {
            let before = loads(&daemon).await;
            let mut streams = JoinSet::new();
            for n in 0..40 {
                let (endpoint, model) = (daemon.endpoint.clone(), MODELS[n % 2]);
                streams.spawn(async move { stream(endpoint, model, 24).await });
            }
            for outcome in streams.join_all().await {
                let (finish, events) = outcome.unwrap();
                assert!(finish == "length" && events >= 2, "{finish}, {events} events");
            }
            let loads = loads(&daemon).await - before;
            assert!(loads <= 3, "round {round}: {loads} loads");
        }
    });
}

/// What the figure of the issue asks for: 200 streams at once for a minute. Run by hand: it keeps the machine busy.
#[test]
#[ignore = "takes over a minute of all cores"]
fn two_hundred_streams_at_once_for_a_minute() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let budget = budget_for_one(&sandbox).await;
        let daemon = Daemon::start_within(&sandbox, budget);
        let (began, mut rounds, mut worst, mut whole) = (Instant::now(), 0, 0, 0);
        while began.elapsed() < Duration::from_secs(60) {
            let before = loads(&daemon).await;
            let mut streams = JoinSet::new();
            for n in 0..200 {
                let (endpoint, model) = (daemon.endpoint.clone(), MODELS[n % 2]);
                streams.spawn(async move { stream(endpoint, model, 24).await });
            }
            for outcome in streams.join_all().await {
                outcome.unwrap();
                whole += 1;
            }
            rounds += 1;
            worst = worst.max(loads(&daemon).await - before);
        }
        println!("{whole} streams in {rounds} rounds within {:?}, at most {worst} loads a round", began.elapsed());
        assert!(worst <= 3);
    });
}
