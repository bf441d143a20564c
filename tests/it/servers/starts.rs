//! Servers started and stopped by a person, with a real model.

use crate::daemon::{Daemon, MODELS, run_async, with_models, workers};
use crate::fixtures;
use crate::sandbox::Sandbox;
use crate::swaps::budget_for_one;
use serde_json::{Value, json};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

const START: &str = "/api/models/servers/small/start";
const STOP: &str = "/api/models/servers/small/stop";

/// Two commands at once would load a model twice, and the second answer would be missing or an error.
#[test]
fn two_starts_at_once_make_one_process_and_two_answers() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        let (one, other) = tokio::join!(daemon.post(START, Value::Null), daemon.post(START, Value::Null));
        for answer in [&one, &other] {
            assert_eq!((answer.status, &answer.body["status"]), (200, &json!("started")), "{answer:?}");
            let id = answer.body["model_id"].as_str().unwrap();
            assert_eq!(answer.body["message"], format!("Server started for {id}"));
            assert!(answer.body["startup_time_seconds"].as_f64().unwrap() > 0.0, "{answer:?}");
        }
        let running = daemon.post(START, Value::Null).await;
        assert_eq!((running.status, &running.body["status"]), (200, &json!("running")), "{running:?}");
        assert_eq!(workers(&sandbox).len(), 1);
        assert_eq!(daemon.events("model.loaded").await.len(), 1);
        let server = daemon.server("small").await;
        assert_eq!((&server["status"], &server["pid"]), (&json!("running"), &json!(workers(&sandbox)[0].pid)));
    });
}

/// A stop would cut somebody's answer although nobody asked for that, or would never end because somebody reads slowly.
#[test]
fn a_stop_waits_for_a_running_answer_and_stop_now_cuts_it() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        let stream = daemon.stream("small", 60).await;
        let (stopped, rest) = tokio::join!(daemon.post(STOP, Value::Null), stream.rest());
        rest.is_whole();
        assert_eq!((stopped.status, &stopped.body["status"]), (200, &json!("stopped")), "{stopped:?}");
        assert_eq!(stopped.body["was_running"], true);
        assert!(workers(&sandbox).is_empty(), "the answer came before the end of the process");

        let again = daemon.post(STOP, Value::Null).await;
        let id = again.body["model_id"].as_str().unwrap().to_owned();
        for (answer, was_running) in [(&stopped, true), (&again, false)] {
            assert_eq!(answer.body["message"], format!("Server stopped for {id}"));
            assert!(answer.body["shutdown_time_seconds"].is_number(), "{answer:?}");
            assert_eq!((&answer.body["status"], &answer.body["was_running"]), (&json!("stopped"), &json!(was_running)));
        }

        let stream = daemon.stream("small", 4_000).await;
        let stop = format!("{STOP}?now=true");
        let (stopped, rest) = tokio::join!(daemon.post(&stop, Value::Null), stream.rest());
        assert_eq!(rest.is_cut()["code"], "model_unavailable");
        assert_eq!((stopped.status, &stopped.body["status"]), (200, &json!("stopped")), "{stopped:?}");
        assert!(workers(&sandbox).is_empty());
    });
}

/// Starting everything at boot would push out what a person uses, or fail as a whole for the one model that is too much.
#[test]
fn start_all_starts_what_fits_and_evicts_nothing_for_the_rest() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    // The memory counts: the model with the larger file needs less of it.
    sandbox.run(["set", "base", "--context", "512", "--parallel", "1"]).ok();
    run_async(async {
        let budget = budget_for_one(&sandbox).await;
        let daemon = Daemon::start_within(&sandbox, budget);
        for round in 1..=2 {
            let all = daemon.post("/api/models/servers/start-all", Value::Null).await;
            assert_eq!(all.status, 200);
            assert_eq!((&all.body["started"], &all.body["total"]), (&json!(1), &json!(2)), "round {round}: {all:?}");
            assert_eq!(all.body["message"], "Started 1/2 servers");
            let name = |list: &str| all.body[list][0]["display_name"].as_str().unwrap().to_owned();
            assert!(name("models").starts_with("base"), "the smaller one first: {all:?}");
            assert!(name("failed").starts_with("small"), "{all:?}");
            assert_eq!(all.body["failed"][0]["error"], "Failed to start server");
            assert!(all.body["failed"][0]["detail"].as_str().unwrap().contains("does not fit"), "{all:?}");
        }
        assert_eq!(daemon.events("model.unloaded").await, Vec::<Value>::new());
        let all = daemon.post("/api/models/servers/stop-all", Value::Null).await;
        assert_eq!((&all.body["stopped"], &all.body["message"]), (&json!(1), &json!("Stopped 1 server")));
        assert_eq!(daemon.post("/api/models/servers/stop-all", Value::Null).await.body["stopped"], 0);
    });
}

/// A model that was started once would hold its memory for ever, and requests for others would fail.
#[test]
fn a_model_that_a_person_started_gives_way_to_one_that_is_asked_for() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let budget = budget_for_one(&sandbox).await;
        let daemon = Daemon::start_within(&sandbox, budget);
        assert_eq!(daemon.post(START, Value::Null).await.status, 200);
        assert_eq!(daemon.complete("base", 2).await.status, 200);
        let unloaded = daemon.events("model.unloaded").await;
        assert_eq!((&unloaded[0]["reason"], &unloaded[0]["evicted_by"]), (&json!("evicted"), &json!("base")));
        assert_eq!(workers(&sandbox).len(), 1);
        // Pinned it stays, and the other one is told why. With a smaller context it might fit beside it.
        sandbox.run(["set", "base", "--no-degrade"]).ok();
        assert_eq!(daemon.post(START, Value::Null).await.status, 200);
        sandbox.run(["set", "small", "--pin"]).ok();
        daemon.until("small", "pinned", |server| server["pinned"] == true).await;
        let refused = daemon.complete("base", 2).await;
        assert_eq!((refused.status, &refused.body["error"]["code"]), (503, &json!("insufficient_memory")));
        assert!(refused.body["error"]["message"].as_str().unwrap().contains("small (pinned"), "{refused:?}");
    });
}

/// One model that never gets ready would take the others with it.
#[test]
fn a_load_that_hangs_holds_up_nobody_else() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    let program = sandbox.path("llama-server");
    fs::write(&program, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    sandbox.run(["set", "base", "--engine", "llama-server"]).ok();
    run_async(async {
        let daemon = Daemon::start_with(&sandbox, |command| {
            command.env("MODELCTL_LLAMA_SERVER", &program);
        });
        let mut hanging = Box::pin(daemon.complete("base", 2));
        tokio::select! {
            answer = &mut hanging => panic!("{answer:?}"),
            _ = daemon.until("base", "starting", |server| server["state"] == "starting") => {}
        }
        for _ in 0..3 {
            assert_eq!(daemon.complete("small", 2).await.status, 200);
            daemon.post(STOP, Value::Null).await;
        }
        assert_eq!(daemon.server("base").await["state"], "starting");
        let (stopped, answer) = tokio::join!(daemon.post("/api/models/servers/base/stop", Value::Null), hanging);
        assert_eq!((stopped.status, answer.status), (200, 503), "{answer:?}");
        assert_eq!(daemon.servers().await, Vec::<Value>::new());
    });
}

/// Somebody who set a context would get another one each time the model comes back.
#[test]
fn what_is_set_holds_at_every_load() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        sandbox.run(["set", "small", "--context", "1024", "--parallel", "2"]).ok();
        for load in 1..=3 {
            match load {
                3 => assert_eq!(daemon.complete("small", 2).await.status, 200),
                _ => drop(daemon.post(START, Value::Null).await),
            }
            let server = daemon.server("small").await;
            assert_eq!((&server["context"], &server["slots"]), (&json!(1024), &json!(2)), "load {load}: {server}");
            assert_eq!(daemon.post(STOP, Value::Null).await.status, 200);
        }
    });
}

/// Puts another thing in the place of a model file, and takes it away again.
struct Replaced {
    file: PathBuf,
    aside: PathBuf,
}

impl Replaced {
    fn new(sandbox: &Sandbox) -> Replaced {
        let file = sandbox.models().join("SmolLM2-135M-Instruct.Q4_1.gguf");
        let aside = sandbox.path("aside");
        fs::rename(&file, &aside).unwrap();
        Replaced { file, aside }
    }

    fn put_back(self) {
        // Nothing may be there.
        let _ = fs::remove_file(&self.file);
        fs::rename(&self.aside, &self.file).unwrap();
    }
}

/// A person would search for a reason that the program knows.
#[test]
fn a_start_says_whether_the_file_is_missing_unreadable_cut_or_in_no_scanned_place() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    run_async(async {
        let daemon = Daemon::start(&sandbox);
        let refused = async |text: &str| {
            let answer = daemon.post(START, Value::Null).await;
            assert_eq!((answer.status, &answer.body["error"]), (409, &json!("Failed to start server")), "{answer:?}");
            assert!(answer.body["detail"].as_str().unwrap().contains(text), "`{text}`: {answer:?}");
            let run = sandbox.run(["start", "small"]);
            assert!(run.code != Some(0) && run.err.contains(text), "`{text}`: {run:#?}");
            let answer = daemon.complete("small", 2).await;
            let message = answer.body["error"]["message"].as_str().unwrap();
            let names_it = message.contains("small") || message.contains("SmolLM2-135M");
            assert!([404, 503].contains(&answer.status) && names_it, "{answer:?}");
        };

        let model = Replaced::new(&sandbox);
        refused("the model file is missing").await;
        std::os::unix::fs::symlink(&model.file, &model.file).unwrap();
        refused("the model file cannot be read").await;
        model.put_back();

        let model = Replaced::new(&sandbox);
        let size = fs::copy(&model.aside, &model.file).unwrap();
        File::options().write(true).open(&model.file).unwrap().set_len(size / 2).unwrap();
        refused(&format!("has {} bytes and had {size}", size / 2)).await;
        model.put_back();

        let model = Replaced::new(&sandbox);
        sandbox.run(["scan"]).ok();
        model.put_back();
        daemon.until_listed("small", "gone").await;
        refused("is outside all scanned folders").await;

        sandbox.run(["scan"]).ok();
        daemon.until_listed("small", "ready").await;
        assert_eq!(daemon.complete("small", 2).await.status, 200, "it is whole again");
        // Used until it ends, whatever becomes of the file.
        let model = Replaced::new(&sandbox);
        assert_eq!(daemon.complete("small", 2).await.status, 200);
        assert_eq!(daemon.post(START, Value::Null).await.body["status"], "running");
        daemon.post(STOP, Value::Null).await;
        refused("the model file is missing").await;
        model.put_back();
        assert_eq!(daemon.complete(MODELS[0], 2).await.status, 200);
        assert_eq!(daemon.events("model.crash").await, Vec::<Value>::new());
    });
}

/// A client with a long prompt would be refused for ever, or one that sends another `num_ctx` each time would have its
/// model loaded each time.
#[test]
fn a_context_grows_once_for_a_prompt_that_does_not_fit_and_stays() {
    let _turn = fixtures::engine_turn();
    let sandbox = with_models();
    let config = sandbox.path("grow.toml");
    fs::write(&config, "[ollama]\nnum_ctx = \"grow\"\n").unwrap();
    sandbox.run(["set", "small", "--context", "512", "--parallel", "2"]).ok();
    run_async(async {
        let daemon = Daemon::start_with(&sandbox, |command| {
            command.env("MODELCTL_CONFIG", &config);
        });
        let ask = async |words: usize, context: u32| {
            let options = json!({"num_ctx": context, "num_predict": 2});
            let prompt = "word ".repeat(words);
            let body = json!({"model": "small", "prompt": prompt, "stream": false, "options": options});
            let answer = daemon.post("/api/generate", body).await;
            let server = daemon.server("small").await;
            (answer.status, server["context"].as_u64().unwrap(), server["pid"].as_u64().unwrap())
        };
        let (status, context, first) = ask(10, 4_096).await;
        assert_eq!((status, context), (200, 512), "a prompt that fits loads nothing again");
        assert_eq!(ask(1_000, 600).await, (400, 512, first), "nor does one that would not fit there");
        let (status, context, second) = ask(1_000, 2_048).await;
        assert_eq!((status, context), (200, 2_048));
        assert_ne!(first, second);
        assert_eq!(ask(1_000, 4_096).await, (200, 2_048, second));
        assert_eq!(ask(10, 256).await, (200, 2_048, second), "it never becomes smaller");
        daemon.post(STOP, Value::Null).await;
        assert_eq!(ask(10, 256).await.1, 2_048, "at a later load either");
    });
}
