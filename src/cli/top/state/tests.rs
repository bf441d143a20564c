//! What keys and events do to the state, and the state that screens are drawn of.

use super::*;
use crate::ui::Key;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

fn at(rfc3339: &str) -> Timestamp {
    Timestamp(rfc3339.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

pub fn state() -> State {
    State::new(LocalClock { zone: TimeZone::UTC, now: at("2026-11-29T14:05:00Z") })
}

fn news(is_snapshot: bool, set: Value, gone: &[&str]) -> LiveNews {
    let Value::Object(set) = set else { panic!("an object") };
    let gone = gone.iter().map(|name| (*name).to_owned()).collect();
    LiveNews { is_snapshot, now: "2026-11-29T14:05:00Z".into(), set, gone }
}

pub fn change(state: &mut State, set: Value) {
    state.apply(Event::Live(news(false, set, &[])));
}

fn model(id: &str, name: &str) -> Value {
    json!({
        "id": id, "name": name, "alias": null, "store": "hf", "family": "llama", "quant": "Q4_K_M", "tier": "fast",
        "size_bytes": 98_000_000, "state": "ready", "reason": null, "enabled": true, "pinned": false, "served": true,
        "last_used": "2026-11-28T14:00:00Z",
    })
}

fn with(mut row: Value, more: Value) -> Value {
    let (Value::Object(row_), Value::Object(more)) = (&mut row, more) else { panic!("objects") };
    row_.extend(more);
    row
}

fn server(id: &str, name: &str) -> Value {
    json!({
        "key": id, "model_id": id, "purpose": "main", "kind": "model", "name": name, "state": "ready", "progress": null,
        "ready_at": "2026-11-29T13:00:00Z", "retry_at": null, "expires_at": "2026-11-29T14:08:12Z", "pid": 4711, "port": 9001,
        "engine": "worker", "device": "CUDA0", "mode": "gpu", "gpu_layers": null, "mode_reason": null, "downgraded": false,
        "context": 8192, "slots": 4, "in_flight": 0, "queued": 0, "bytes": [{"device": "CUDA0", "bytes": 5_476_083_302_u64}],
        "memory_used_bytes": null, "priority": "warm", "pinned": false, "healthy": true, "load_time": 3.2,
        "last_access": "2026-11-29T14:03:12Z", "crash_count": 0, "last_error": null, "last_log": null,
    })
}

/// All that a machine with two devices, some models, a service, a reservation and a server of somebody else has.
pub fn rows() -> Value {
    let busy = json!({"in_flight": 2, "queued": 5, "memory_used_bytes": 5_200_000_000_u64});
    let partly = json!({
        "mode": "cpu_offload", "gpu_layers": 20, "mode_reason": "CUDA0 ran out of memory at 14:00", "pinned": true,
        "bytes": [{"device": "CPU", "bytes": 2_147_483_648_u64}, {"device": "CUDA0", "bytes": 1_073_741_824}],
    });
    let starting = json!({"state": "starting", "progress": 0.456, "mode": "cpu_only", "device": "CPU", "bytes": []});
    let crashed = json!({
        "state": "backoff", "retry_at": "2026-11-29T14:05:12Z", "bytes": [], "device": null, "mode": null,
        "last_error": "killed by the kernel: out of memory", "last_log": "ggml_cuda_host_malloc: failed",
    });
    let service = json!({
        "key": "service:whisper", "model_id": "service:whisper", "kind": "service", "name": "whisper", "expires_at": null,
        "bytes": [{"device": "CUDA0", "bytes": 2_147_483_648_u64}], "mode": null,
    });
    let reserved = json!({
        "key": "headroom:comfy", "model_id": "headroom:comfy", "kind": "headroom", "name": "comfy", "mode": null,
        "expires_at": "2026-11-29T14:35:00Z", "bytes": [{"device": "CUDA0", "bytes": 1_073_741_824}],
    });
    json!({
        "daemon": {"host": "box", "version": "0.1.0", "pid": 99, "started_at": "2026-11-29T11:02:00Z", "node_tier": "full"},
        "machine": {
            "devices": [
                {"device": "CPU", "total": 33_500_000_000_u64, "free": 20_000_000_000_u64, "ours": 2_147_483_648_u64, "external": 0, "reserved": 0},
                {"device": "CUDA0", "total": 25_000_000_000_u64, "free": 9_000_000_000_u64, "ours": 8_697_308_774_u64,
                 "external": 3_000_000_000_u64, "reserved": 1_073_741_824},
            ],
            "pressures": [
                {"kind": "vram", "is_high": true, "value": 93.0, "threshold": 90.0, "message": "CUDA0 is 93 % full, the limit is 90 %"},
                {"kind": "ram", "is_high": false, "value": 40.0, "threshold": 90.0, "message": "40 %"},
            ],
            "throttle_factor": 0.5, "readings": null, "swap_queue": [], "restart_pending": [], "paused": false,
        },
        "model/aaaaaaaaaaaa": model("aaaaaaaaaaaa", "Meta-Llama-3.1-8B-Instruct-Q4_K_M"),
        "model/bbbbbbbbbbbb": with(model("bbbbbbbbbbbb", "gemma-3-27b-it"), json!({"alias": "gemma", "pinned": true})),
        "model/cccccccccccc": model("cccccccccccc", "qwen3-8b"),
        "model/dddddddddddd": model("dddddddddddd", "phi-4-mini"),
        "model/eeeeeeeeeeee": with(model("eeeeeeeeeeee", "disabled-one"), json!({"enabled": false})),
        "model/ffffffffffff": with(model("ffffffffffff", "broken"), json!({"state": "damaged", "reason": "it ends in the middle of a tensor"})),
        "model/999999999999": with(model("999999999999", "evil\u{1b}[2J\u{202e}name模"), json!({"alias": null})),
        "server/aaaaaaaaaaaa": with(server("aaaaaaaaaaaa", "llama"), busy),
        "server/bbbbbbbbbbbb": with(server("bbbbbbbbbbbb", "gemma"), partly),
        "server/cccccccccccc": with(server("cccccccccccc", "qwen3-8b"), starting),
        "server/dddddddddddd": with(server("dddddddddddd", "phi-4-mini"), crashed),
        "server/service:whisper": with(server("service:whisper", "whisper"), service),
        "server/headroom:comfy": with(server("headroom:comfy", "comfy"), reserved),
        "external/pid:77:1": {
            "id": "pid:77:1", "program": "llama-server", "pid": 77, "user": "ann", "port": 8080, "url": null, "model": null,
            "model_name": "mistral", "known_by": ["command"], "bytes": [{"device": "CUDA0", "bytes": 3_000_000_000_u64}],
            "healthy": {"known": true}, "attached": false,
        },
        "rate/aaaaaaaaaaaa": {"tokens_per_s": 41.5, "first_p50_ms": 210.0},
        "decision/000000000001": {
            "number": 1, "time": "2026-11-29T14:02:00Z", "id": "999999999999", "name": "evil", "what": "evict",
            "reason": "qwen3-8b needed 5.1 GiB on CUDA0, 2.3 GiB were free",
        },
        "event/000000000001": {"id": 1, "at": "2026-11-29T14:01:00.000Z", "event": "model.loaded", "model": "gemma", "model_id": "bbbbbbbbbbbb"},
        "event/000000000002": {
            "id": 2, "at": "2026-11-29T14:04:00.000Z", "event": "model.crash", "model": "phi-4-mini", "model_id": "dddddddddddd",
            "reason": "killed\u{1b}[31m by the kernel",
        },
        "request/000000000001": {
            "number": 1, "began": "2026-11-29T14:03:00Z", "state": "ended", "model_id": "aaaaaaaaaaaa", "endpoint": "chat",
            "model": "llama", "class": "interactive", "id": "x", "client": "open-webui", "status": 200, "waited_ms": 12,
            "first_token_ms": 210, "took_ms": 5_000, "prompt_tokens": 10, "completion_tokens": 120, "tokens_per_second": 41.5, "finish": "stop",
        },
        "request/000000000002": {
            "number": 2, "began": "2026-11-29T14:04:58Z", "state": "answering", "model_id": "aaaaaaaaaaaa", "endpoint": "chat",
            "model": "llama", "class": "interactive", "id": "y", "client": "127.0.0.1", "status": 0, "waited_ms": 1_500,
            "first_token_ms": null, "took_ms": 0, "prompt_tokens": null, "completion_tokens": null, "tokens_per_second": null, "finish": "",
        },
    })
}

/// A state that is connected and shows [`rows`].
pub fn live() -> State {
    let mut state = state();
    state.apply(Event::Live(news(true, rows(), &[])));
    state
}

pub fn press(state: &mut State, keys: &str) -> Option<Action> {
    let mut last = None;
    for key in keys.chars() {
        last = state.key(match key {
            '\n' => Key::Enter,
            '\t' => Key::Tab,
            '\u{1b}' => Key::Esc,
            letter => Key::Char(letter),
        });
    }
    last
}

fn select(state: &mut State, name: &str) {
    let at = state.entries.iter().position(|entry| entry.name == name).unwrap_or_else(|| panic!("no {name}"));
    state.select(at);
}

fn ordered(action: Option<Action>) -> (String, What) {
    match action {
        Some(Action::Do(order)) => (order.id, order.what),
        other => panic!("{other:?}"),
    }
}

fn names(state: &State) -> Vec<&str> {
    state.entries.iter().map(|entry| entry.name.as_str()).collect()
}

fn notice(state: &State) -> String {
    state.notice.as_ref().map(|notice| notice.lines.join("\n")).unwrap_or_default()
}

/// What needs a person is above what does not.
#[test]
fn rows_are_in_the_order_in_which_an_operator_looks() {
    let state = live();
    let seen: Vec<(&str, Status)> =
        state.entries.iter().map(|entry| (entry.name.split(['-', '\u{1b}']).next().unwrap(), entry.status)).collect();
    use Status::{Backoff, Busy, Disabled, External, Ready, Reserved, Starting, Stopped, Unusable};
    assert_eq!(
        seen,
        [
            ("llama", Busy),
            ("qwen3", Starting),
            ("gemma", Ready),
            ("whisper", Ready),
            ("phi", Backoff),
            ("mistral", External),
            ("comfy", Reserved),
            ("evil", Stopped),
            ("disabled", Disabled),
            ("broken", Unusable),
        ]
    );
    assert_eq!((state.total, state.models, state.running), (10, 7, 4));
}

/// "Why was that model unloaded?" is answered in the table.
#[test]
fn a_row_says_why_it_is_as_it_is() {
    let state = live();
    let reason = |name: &str| {
        let entry = state.entries.iter().find(|entry| entry.name.contains(name)).unwrap();
        entry.reason.clone().unwrap_or_default()
    };
    assert_eq!(reason("evil"), "evicted 14:02: qwen3-8b needed 5.1 GiB on CUDA0, 2.3 GiB were free");
    assert_eq!(reason("gemma"), "not loaded in full: CUDA0 ran out of memory at 14:00");
    assert_eq!(reason("phi"), "killed by the kernel: out of memory");
    assert_eq!(reason("broken"), "it ends in the middle of a tensor");
    assert_eq!(reason("mistral"), "started by another program: llama-server of ann, process 77");
    assert_eq!(reason("llama"), "");
}

#[test]
fn keys_move_filter_and_sort() {
    let mut state = live();
    assert_eq!(state.at(), Some(0));
    press(&mut state, "jjk");
    assert_eq!(state.at(), Some(1));
    press(&mut state, "G");
    assert_eq!(state.entry().map(|entry| entry.name.as_str()), Some("broken"));
    press(&mut state, "jgk");
    assert_eq!(state.at(), Some(0));
    press(&mut state, "/GEM Q4\n");
    assert_eq!((names(&state), state.filter.as_str()), (vec!["gemma"], "GEM Q4"));
    assert_eq!(state.entry().map(|entry| entry.name.as_str()), Some("gemma"));
    press(&mut state, "\u{1b}");
    assert_eq!((state.entries.len(), state.entry().map(|entry| entry.name.as_str())), (10, Some("gemma")));
    press(&mut state, "/zzz");
    assert_eq!((state.entries.len(), state.at()), (0, None));
    state.key(Key::Backspace);
    press(&mut state, "\u{1b}S");
    assert_eq!((state.sort, names(&state)[0]), (Sort::Name, "broken"));
    press(&mut state, "S");
    assert_eq!((state.sort, names(&state)[0]), (Sort::Memory, "llama"));
    press(&mut state, "SSSS");
    assert_eq!(state.sort, Sort::State);
    assert_eq!(press(&mut state, "q"), Some(Action::Quit));
    assert_eq!(state.key(Key::Ctrl('c')), Some(Action::Quit));
    assert_eq!(state.key(Key::Ctrl('z')), Some(Action::Suspend));
}

#[test]
fn a_row_is_started_stopped_restarted_pinned_and_offloaded() {
    let mut state = live();
    select(&mut state, "whisper");
    assert_eq!(ordered(press(&mut state, "s")), ("service:whisper".into(), What::Stop));
    assert_eq!(press(&mut state, "s"), None, "it is under way");
    assert_eq!(notice(&state), "whisper: still stopping");
    state.apply(Event::Ended("service:whisper".into(), Ok("whisper stopped in 0.1 s".into())));
    assert_eq!((notice(&state).as_str(), state.pending.len()), ("whisper stopped in 0.1 s", 0));
    select(&mut state, "gemma");
    assert_eq!(ordered(press(&mut state, "r")).1, What::Restart);
    state.pending.clear();
    assert_eq!(ordered(press(&mut state, "o")).1, What::Offload);
    state.pending.clear();
    select(&mut state, "phi-4-mini");
    assert_eq!(ordered(press(&mut state, "s")).1, What::Start);
    state.pending.clear();
    assert_eq!(ordered(press(&mut state, "p")), ("dddddddddddd".into(), What::Pin(true)));
    let error = vec!["Failed to start server: no memory".to_owned(), "hint: `modelctl ps`".to_owned()];
    state.apply(Event::Ended("dddddddddddd".into(), Err(error)));
    state.apply(Event::Tick(at("2026-11-29T15:00:00Z")));
    assert!(notice(&state).contains("no memory"), "an error stays until it is closed");
    press(&mut state, "\u{1b}");
    assert_eq!(state.notice, None);
}

/// A key that was pressed by mistake must not cut the answers of others.
#[test]
fn a_busy_server_and_a_pin_are_asked_about_once() {
    let mut state = live();
    assert_eq!(press(&mut state, "s"), None);
    assert!(matches!(&state.focus, Focus::Sure(question, _) if question.contains("2 requests")), "{:?}", state.focus);
    assert_eq!(press(&mut state, "\n"), None, "the default is no");
    assert_eq!((&state.focus, notice(&state).as_str()), (&Focus::Table, "nothing was changed"));
    press(&mut state, "s");
    assert_eq!(ordered(press(&mut state, "y")), ("aaaaaaaaaaaa".into(), What::Stop));
    select(&mut state, "gemma");
    assert_eq!(press(&mut state, "pn"), None);
    press(&mut state, "p");
    assert_eq!(ordered(press(&mut state, "Y")).1, What::Pin(false));
}

#[test]
fn what_cannot_be_done_says_why() {
    let mut state = live();
    for (name, key, said) in [
        ("mistral", "s", "started by another program"),
        ("comfy", "s", "another program"),
        ("whisper", "p", "the config"),
        ("disabled-one", "s", "`modelctl set eeeeeeeeeeee --enable`"),
        ("broken", "s", "it ends in the middle of a tensor"),
        ("phi-4-mini", "r", "is not loaded"),
        ("phi-4-mini", "o", "is not loaded"),
    ] {
        select(&mut state, name);
        assert_eq!(press(&mut state, key), None, "{name}");
        assert!(notice(&state).contains(said), "{name}: {}", notice(&state));
    }
}

/// A figure that is not of now must never look as if it were, and a key must not act on it.
#[test]
fn a_lost_connection_is_said_with_its_time_and_ends_with_the_next_news() {
    let mut state = live();
    press(&mut state, "s");
    state.apply(Event::Tick(at("2026-11-29T14:05:20Z")));
    state.apply(Event::Lost(vec!["the daemon closed the connection".into()]));
    let lost = Link::Lost { since: at("2026-11-29T14:05:20Z"), why: vec!["the daemon closed the connection".into()] };
    assert_eq!((&state.link, state.heard), (&lost, Some(at("2026-11-29T14:05:00Z"))));
    assert_eq!(state.focus, Focus::Table, "what was asked cannot be done any more");
    state.apply(Event::Tick(at("2026-11-29T14:06:00Z")));
    state.apply(Event::Lost(vec!["nothing listens".into()]));
    assert!(matches!(&state.link, Link::Lost { since, .. } if *since == at("2026-11-29T14:05:20Z")));
    assert_eq!((press(&mut state, "s"), state.entries.len()), (None, 10));
    assert!(notice(&state).starts_with("not connected"), "{}", notice(&state));
    assert!(state.wants().is_empty());
    state.apply(Event::Live(news(true, json!({}), &[])));
    assert_eq!((&state.link, state.entries.len()), (&Link::Live, 0));
}

#[test]
fn without_a_daemon_the_database_is_shown_until_there_is_one() {
    let mut state = state();
    assert!(state.wants().is_empty());
    state.apply(Event::Lost(vec!["no daemon is running for this database: /db".into()]));
    assert_eq!(state.wants(), [Query::Database]);
    let stored: LiveModel = serde_json::from_value(model("aaaaaaaaaaaa", "small")).unwrap();
    state.apply(Event::Database(Ok(vec![stored])));
    assert_eq!((names(&state), state.entries[0].status), (vec!["small"], Status::Stopped));
    assert_eq!((press(&mut state, "s"), state.wants()), (None, vec![]));
    state.apply(Event::Live(news(true, rows(), &[])));
    assert_eq!(state.entries.len(), 10);
}

#[test]
fn only_what_is_in_sight_is_asked_for_and_not_twice_at_once() {
    let mut state = live();
    assert_eq!(state.wants(), [Query::Hour]);
    assert_eq!(state.wants(), []);
    press(&mut state, "\t");
    assert_eq!(state.wants(), [Query::Queue]);
    press(&mut state, "\t\t\t");
    assert_eq!((state.pane, state.wants()), (Pane::Log, vec![Query::Log("aaaaaaaaaaaa".into())]));
    press(&mut state, "j");
    assert_eq!(state.wants(), [Query::Log("cccccccccccc".into())], "the log of another model");
    state.apply(Event::Log("aaaaaaaaaaaa".into(), Ok(Vec::new())));
    assert_eq!(state.log.value, None, "it is of the model before");
    state.apply(Event::Log("cccccccccccc".into(), Ok(Vec::new())));
    press(&mut state, "f");
    state.apply(Event::Tick(at("2026-11-29T14:06:00Z")));
    assert_eq!(state.wants(), [], "it is held");
    press(&mut state, "\n");
    assert_eq!(state.wants(), [Query::About("cccccccccccc".into())]);
    press(&mut state, "q");
    assert_eq!(state.focus, Focus::Table);
}

#[test]
fn events_are_held_while_nobody_follows() {
    let mut state = live();
    press(&mut state, "\t\t\t");
    state.key(Key::PageUp);
    assert_eq!((state.follows, state.held.as_deref(), state.scroll), (false, Some("000000000002"), 1));
    press(&mut state, "f");
    assert_eq!((state.follows, state.held.as_deref(), state.scroll), (true, None, 0));
}

#[test]
fn the_speed_of_a_model_is_sampled_and_forgotten_when_it_was_zero_for_long() {
    let mut state = live();
    let tick = |state: &mut State, seconds: i64| {
        state.apply(Event::Tick(Timestamp(at("2026-11-29T14:05:00Z").millis() + seconds * 1_000)));
    };
    tick(&mut state, 1);
    tick(&mut state, 2);
    tick(&mut state, 7);
    assert_eq!(state.speeds["aaaaaaaaaaaa"], [415, 415]);
    change(&mut state, json!({"rate/aaaaaaaaaaaa": {"tokens_per_s": 0.0, "first_p50_ms": null}}));
    for step in 2..70 {
        tick(&mut state, step * 5 + 2);
    }
    assert!(state.speeds.is_empty());
}

/// With 2,000 models and 50 events a second a key must still act at once.
#[test]
fn two_thousand_models_are_taken_in_and_only_those_that_are_seen_are_drawn() {
    let mut state = state();
    let models: serde_json::Map<String, Value> = (0..2_000)
        .map(|n| (format!("model/{n:012}"), model(&format!("{n:012}"), &format!("{}-{n}", "x".repeat(10_000)))))
        .collect();
    state.apply(Event::Live(news(true, Value::Object(models), &[])));
    press(&mut state, "Gkkk");
    assert_eq!((state.entries.len(), state.at()), (2_000, Some(1_996)));
}
