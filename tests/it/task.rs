//! The queue from the command line.

use crate::sandbox::{Sandbox, finish};
use modelctl::clock::Timestamp;
use modelctl::db::{Access, Db};
use modelctl::model::ModelId;
use modelctl::model::task::machine::End;
use modelctl::model::task::order::{ClaimAsk, Claimed};
use modelctl::model::task::{ErrorKind, Hold, Moment, OwnerId, Policy, Queue, Task, TaskError, TaskId, TaskResult};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

/// A moment that is later than whatever the program does meanwhile: all that was added is due.
fn soon() -> Moment {
    let policy = Policy {
        lease_ms: 60_000,
        backoff_ms: 1,
        backoff_cap_ms: 1,
        max_crashes: 2,
        max_interruptions: 2,
        patience_ms: 1,
    };
    Moment { now: Timestamp(modelctl::clock::now().0 + 600_000), policy }
}

fn open(sandbox: &Sandbox) -> Db {
    Db::open(&sandbox.db(), Access::ReadWrite).unwrap()
}

/// Stands in for the executor: answers what is due, each by `end`.
fn work(sandbox: &Sandbox, end: impl Fn(&Task) -> End) {
    let mut db = open(sandbox);
    let ask = ClaimAsk::new(OwnerId::new(1, 2, 3), 1000);
    while let Claimed::Tasks(tasks) = db.claim(&ask, soon()).unwrap() {
        let ends = tasks.iter().map(|task| (Hold::from(&task.ticket), end(task))).collect();
        assert!(db.finish(ends, soon()).unwrap().iter().all(Result::is_ok));
    }
}

fn answer(task: &Task) -> End {
    End::Done(TaskResult {
        text: format!("answer to {}", task.ticket.key.as_deref().unwrap_or("-")),
        finish_reason: "stop".into(),
        prompt_tokens: 5,
        completion_tokens: 7,
        prompt_ms: 10,
        generate_ms: 100,
        model: ModelId("aaaaaaaaaaaa".into()),
        model_name: "smol".into(),
    })
}

fn line(key: &str, more: &str) -> String {
    format!(
        r#"{{"custom_id":"{key}","method":"POST","url":"/v1/chat/completions","body":{{{more}"messages":[{{"role":"user","content":"{key}?"}}]}}}}"#
    )
}

#[test]
fn a_task_is_added_once_for_its_key_and_shown_with_all_it_asks_for() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("schema.json"), r#"{"type": "object"}"#).unwrap();
    let args = ["task", "add", "Is it?", "--system", "Be brief.", "--key", "k", "--max-tokens", "9", "--temperature"];
    let more =
        ["0.1", "--seed", "7", "--stop", "--", "--priority", "-3", "--timeout", "90s", "--json-schema", "schema.json"];
    let all = || args.iter().chain(&more).copied();
    assert_eq!(sandbox.run(all()).ok().out, "1\n");
    let again = sandbox.run(all()).ok();
    assert_eq!(again.out, "1\n");
    assert!(again.err.contains("task 1"), "{again:?}");
    let shown = sandbox.run(["task", "show", "k", "--json"]).ok().json();
    assert_eq!(shown["request"]["messages"][0], json!({ "role": "system", "content": "Be brief." }));
    assert_eq!(shown["request"]["temperature"], json!(0.1));
    assert_eq!(shown["request"]["stop"], json!(["--"]));
    assert_eq!(shown["request"]["response_format"]["json_schema"]["schema"], json!({ "type": "object" }));
    assert_eq!((&shown["priority"], &shown["timeout_ms"], &shown["ahead"]), (&json!(-3), &json!(90_000), &json!(0)));
    let other = sandbox.run(["task", "add", "Another?", "--key", "k"]).ok();
    assert!(other.err.contains("another request"), "{other:?}");
    work(&sandbox, answer);
    assert_eq!(sandbox.run(["task", "show", "k", "--text"]).ok().out, "answer to k");
    let replaced = sandbox.run(["task", "add", "Another?", "--key", "k", "--replace-finished", "--json"]).ok().json();
    assert_eq!(
        (&replaced["how"], &replaced["id"], &replaced["state"]),
        (&json!("replaced"), &json!(1), &json!("queued"))
    );
}

#[test]
fn a_key_whose_task_was_asked_for_otherwise_says_so() {
    let sandbox = Sandbox::new();
    let add = |more: &[&str]| sandbox.run(["task", "add", "Is it?", "--key", "k"].iter().chain(more)).ok();
    add(&[]);
    for (option, value, said) in [
        ("--tier", "fast", "is queued, with another model (any)\n"),
        ("--priority", "5", "another priority (0)"),
        ("--timeout", "1h", "another time limit (none)"),
        ("--not-before", "1h", "another time not to start before (none)"),
    ] {
        let again = add(&[option, value]);
        assert_eq!(again.out, "1\n");
        assert!(again.err.contains(said) && again.err.contains("--replace-finished"), "{again:?}");
    }
    work(&sandbox, answer);
    add(&["--not-before", "1h", "--replace-finished"]);
    let again = add(&["--not-before", "2h"]);
    assert!(!again.err.contains("another"), "later than now is what both ask for: {again:?}");
}

#[test]
fn a_file_for_another_model_is_another_batch() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("in.jsonl"), line("a", "") + "\n" + &line("b", "\"model\":\"gone\",")).unwrap();
    let import = |more: &[&str]| {
        let told = sandbox.run(["task", "import", "in.jsonl", "--json"].iter().chain(more)).ok();
        let new = told.json()["new"].as_u64().unwrap();
        (told.json()["batch"].as_str().unwrap().to_owned(), new, told.err)
    };
    let (any, new, _) = import(&["--any-model"]);
    assert_eq!(new, 2);
    let (fast, new, _) = import(&["--tier", "fast"]);
    assert_eq!(new, 2, "the answers of any model are none of a fast one");
    assert_ne!(any, fast);
    assert_eq!(import(&["--tier", "fast"]), (fast, 0, String::new()));
    let (_, new, told) = import(&["--tier", "powerful", "--batch", &any]);
    assert_eq!(new, 0);
    assert!(told.contains("other requests, models or priorities"), "{told}");
}

#[test]
fn a_prompt_comes_from_the_command_line_a_file_or_standard_input() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("prompt.txt"), "from a file\n").unwrap();
    sandbox.run(["task", "add", "--file", "prompt.txt", "--raw"]).ok();
    let mut child = sandbox.command(["task", "add", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    finish(child.wait_with_output().unwrap()).ok();
    sandbox.run(["task", "add", "--prompt", "--dashes"]).ok();
    let list = sandbox.run(["task", "list"]).ok().out;
    for text in ["from a file", "from a pipe", "--dashes"] {
        assert!(list.contains(text), "{list}");
    }
    assert_eq!(sandbox.run(["task", "show", "1", "--json"]).ok().json()["url"], "/v1/completions");
    for args in [
        &["task", "add"][..],
        &["task", "add", "x", "--prompt", "y"],
        &["task", "add", ""],
        &["task", "add", "x", "--key", "12"],
        &["task", "add", "x", "--stop", ""],
        &["task", "add", "x", "--timeout", "0s"],
        &["run-once", "--prompt", "x", "--timeout", "0s"],
    ] {
        sandbox.run(args).refuses(2, "");
    }
    sandbox.run(["task", "add", "x", "--model", "nothing-here"]).refuses(3, "no model matches");
    sandbox.run(["task", "add", "--file", "missing.txt"]).refuses(3, "missing.txt");
    sandbox.run(["task", "show", "99"]).refuses(3, "no task `99`");
}

#[test]
fn cancel_retry_and_wait_say_by_their_exit_codes_how_it_went() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(["task", "list"]).ok().err, "no tasks\n");
    assert!(!sandbox.db().exists(), "looking makes no database");
    for prompt in ["a", "b", "c"] {
        sandbox.run(["task", "add", prompt]).ok();
    }
    sandbox.run(["task", "wait", "1", "--timeout", "50ms"]).refuses(4, "not finished within 50ms");
    sandbox.run(["task", "cancel", "1"]).ok();
    assert!(sandbox.run(["task", "cancel", "1"]).refuses(1, "already cancelled").err.contains("0 tasks"));
    assert_eq!(sandbox.run(["task", "wait", "1"]).code, Some(1));
    sandbox.run(["task", "retry", "2"]).refuses(1, "nothing to retry");
    sandbox.run(["task", "retry", "1"]).ok();
    let error = || TaskError::new(ErrorKind::Request, "the prompt is too long");
    work(&sandbox, |task| if task.ticket.id == TaskId(2) { End::FailedForGood(error()) } else { answer(task) });
    let waited = sandbox.run(["task", "wait", "1", "2", "3", "--json"]);
    assert_eq!(waited.code, Some(1));
    let states: Vec<Value> = waited.json().as_array().unwrap().iter().map(|t| t["state"].clone()).collect();
    assert_eq!(states, ["done", "failed", "done"]);
    assert!(sandbox.run(["task", "show", "2"]).ok().out.contains("the prompt is too long (request)"));
    sandbox.run(["task", "wait", "1", "3"]).ok();
    let retried = sandbox.run(["task", "retry", "--failed", "--json"]).ok().json();
    assert_eq!(retried["changed"], json!([2]));
    let cancelled = sandbox.run(["task", "cancel", "--all"]).ok();
    assert!(cancelled.err.contains("1 task cancelled"), "{cancelled:?}");
    let stats = sandbox.run(["task", "stats", "--json"]).ok().json();
    assert_eq!((&stats["tasks"]["done"], &stats["tasks"]["cancelled"]), (&json!(2), &json!(1)));
    assert_eq!(stats["models"][0]["completion_tokens"], json!(14));
}

#[test]
fn waiting_and_following_end_with_the_task_and_not_before() {
    let sandbox = Sandbox::new();
    sandbox.run(["task", "add", "a", "--key", "k"]).ok();
    let wait = sandbox.start(["task", "wait", "k"]);
    let follow = sandbox.start(["task", "follow", "k", "--json"]);
    // Both see the switch as well as the task; neither order matters.
    work(&sandbox, answer);
    let waited = finish(wait.wait_with_output().unwrap()).ok();
    assert!(waited.err.ends_with("1 done\n"), "{waited:?}");
    let followed = finish(follow.wait_with_output().unwrap()).ok();
    let last: Value = serde_json::from_str(followed.out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["state"], &last["key"]), (&json!("done"), &json!("k")));
}

#[test]
fn a_whole_batch_can_be_followed_and_waited_for() {
    let sandbox = Sandbox::new();
    sandbox.run(["task", "follow"]).refuses(3, "the queue is empty");
    fs::write(sandbox.path("in.jsonl"), (0..30).map(|i| line(&format!("r{i}"), "") + "\n").collect::<String>())
        .unwrap();
    sandbox.run(["task", "import", "in.jsonl", "--batch", "b"]).ok();
    sandbox.run(["task", "add", "another", "--key", "outside"]).ok();
    let follow = sandbox.start(["task", "follow", "--batch", "b"]);
    let mut wait = sandbox.start(["task", "wait", "--batch", "b", "--timeout", "1m"]);
    // No model is here, and whoever waits is told so.
    let mut told = BufReader::new(wait.stderr.take().unwrap());
    let mut first = String::new();
    told.read_line(&mut first).unwrap();
    assert!(first.starts_with("task 1 waits: "), "{first}");
    work(&sandbox, answer);
    let followed = finish(follow.wait_with_output().unwrap()).ok();
    for i in 0..30 {
        assert!(followed.out.contains(&format!("`r{i}` is done")), "{followed:?}");
    }
    assert!(!followed.out.contains("outside"), "{followed:?}");
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert!(wait.wait().unwrap().success() && rest.ends_with("30 done\n"), "{rest}");
}

#[test]
fn what_is_dead_is_not_called_running() {
    let sandbox = Sandbox::new();
    for key in ["of-the-dead", "of-the-living"] {
        sandbox.run(["task", "add", "a", "--key", key]).ok();
    }
    let at = Moment { now: modelctl::clock::now(), policy: Policy::default() };
    let mut db = open(&sandbox);
    for random in [1, 2] {
        let owner = OwnerId::new(1, 1, random);
        let ask = ClaimAsk::new(owner, 1);
        assert!(matches!(db.claim(&ask, at).unwrap(), Claimed::Tasks(tasks) if tasks.len() == 1));
    }
    // What a killed executor leaves: the file of its lock, which nobody holds.
    let locks = sandbox.path("modelctl.db-run");
    fs::create_dir(&locks).unwrap();
    let file = |random: u64| locks.join(format!("executor-{}.lock", OwnerId::new(1, 1, random)));
    fs::write(file(1), "").unwrap();
    fs::write(file(2), "").unwrap();
    let living = fs::File::open(file(2)).unwrap();
    living.lock().unwrap();
    let show = |key: &str| sandbox.run(["task", "show", key, "--json"]).ok().json();
    let dead = show("of-the-dead");
    assert_eq!((&dead["state"], &dead["interruptions"]), (&json!("queued"), &json!(1)), "{dead:#}");
    assert_eq!(dead["history"][0]["end"], "interrupted", "{dead:#}");
    assert_eq!(show("of-the-living")["state"], "running");
    let listed = |state: &str| {
        let list = sandbox.run(["task", "list", "--state", state, "--json"]).ok().json();
        list.as_array().unwrap().iter().map(|task| task["key"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (listed("running"), listed("queued")),
        (vec!["of-the-living".to_owned()], vec!["of-the-dead".to_owned()])
    );
    let stats = sandbox.run(["task", "stats", "--json"]).ok().json();
    assert_eq!((&stats["tasks"]["running"], &stats["tasks"]["queued"]), (&json!(1), &json!(1)));
    let status = sandbox.run(["inference", "status", "--json"]).ok().json();
    assert_eq!((&status["running"], &status["waiting"]), (&json!(1), &json!(1)));
    // Nothing was changed by looking.
    assert_eq!(open(&sandbox).running().unwrap().len(), 2);
}

#[test]
fn a_nul_in_a_custom_id_is_refused_with_its_line() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("in.jsonl"), line("good", "") + "\n" + &line("a\\u0000b", "")).unwrap();
    sandbox.run(["task", "import", "in.jsonl"]).refuses(3, "line 2: has a custom_id with a NUL character");
}

#[test]
fn inference_stays_off_until_it_is_switched_on() {
    let sandbox = Sandbox::new();
    assert!(sandbox.run(["inference", "status"]).ok().out.starts_with("inference is on"));
    sandbox.run(["inference", "off"]).ok();
    let added = sandbox.run(["task", "add", "a"]).ok();
    assert!(added.err.contains("inference is off"), "{added:?}");
    let status = sandbox.run(["inference", "status", "--json"]).ok().json();
    assert_eq!((&status["inference"]["on"], &status["waiting"]), (&json!(false), &json!(1)));
    let ask = ClaimAsk::new(OwnerId::new(1, 2, 3), 1);
    assert_eq!(open(&sandbox).claim(&ask, soon()).unwrap(), Claimed::Off);
    sandbox.run(["inference", "on"]).ok();
    assert!(matches!(open(&sandbox).claim(&ask, soon()).unwrap(), Claimed::Tasks(_)));
}

#[test]
fn a_batch_goes_in_once_and_comes_out_again_whenever_it_is_asked_for() {
    let sandbox = Sandbox::new();
    let text: String = (0..500).map(|i| line(&format!("request-{i}"), "") + "\n").collect();
    fs::write(sandbox.path("in.jsonl"), &text).unwrap();
    let told = sandbox.run(["task", "import", "in.jsonl", "--json"]).ok().json();
    assert_eq!((&told["new"], &told["existing"]), (&json!(500), &json!(0)));
    let batch = told["batch"].as_str().unwrap().to_owned();
    assert!(batch.starts_with("in-"), "{batch}");
    let again = sandbox.run(["task", "import", "in.jsonl"]).ok();
    assert_eq!(again.out, format!("{batch}\n"));
    assert!(again.err.contains("500 lines, 0 new, 500 existing"), "{again:?}");
    // The same keys in another file are other tasks.
    fs::write(sandbox.path("other.jsonl"), line("request-0", "\"seed\":1,")).unwrap();
    assert_eq!(sandbox.run(["task", "import", "other.jsonl", "--json"]).ok().json()["new"], json!(1));
    let mixed = sandbox.run(["task", "import", "other.jsonl", "--batch", &batch]).ok();
    assert!(
        mixed.err.contains("1 task unchanged: added before with other requests, models or priorities"),
        "{mixed:?}"
    );

    let early = sandbox.run(["task", "export", "--batch", &batch]).ok();
    assert_eq!(early.out, "");
    assert!(early.err.contains("500 pending"), "{early:?}");
    let error = || TaskError::new(ErrorKind::Model, "empty answer");
    work(&sandbox, |task| {
        if task.ticket.key.as_deref() == Some("request-7") { End::FailedForGood(error()) } else { answer(task) }
    });
    let to_files = ["task", "export", "--batch", &batch, "-o", "out.jsonl", "--errors", "err.jsonl", "--json"];
    let told = sandbox.run(to_files).ok().json();
    let expected = json!({ "schema": "modelctl.task-export/1", "answers": 499, "errors": 1, "pending": 0 });
    assert_eq!(told, expected);
    let out = fs::read_to_string(sandbox.path("out.jsonl")).unwrap();
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(first["custom_id"], "request-0");
    assert_eq!(first["response"]["body"]["choices"][0]["message"]["content"], "answer to request-0");
    let errors: Value = serde_json::from_str(&fs::read_to_string(sandbox.path("err.jsonl")).unwrap()).unwrap();
    assert_eq!((&errors["custom_id"], &errors["error"]["code"]), (&json!("request-7"), &json!("model")));
    sandbox.run(to_files).ok();
    assert_eq!(fs::read_to_string(sandbox.path("out.jsonl")).unwrap(), out, "made again, byte for byte");
    assert_eq!(sandbox.run(["task", "show", &format!("{batch}/request-3"), "--text"]).ok().out, "answer to request-3");
    assert_eq!(sandbox.run(["task", "wait", "--batch", &batch]).code, Some(1));
    sandbox.run(["task", "export", "--batch", "nothing"]).refuses(3, "has no tasks");
    sandbox.run(["task", "export", "-o", "/dev/full"]).refuses(3, "not a regular file");
}

#[test]
fn a_bad_batch_file_is_refused_whole_with_its_lines() {
    let sandbox = Sandbox::new();
    let text = [line("a", ""), String::new(), line("a", ""), line("b", "").replace("POST", "GET"), line("c", "")];
    fs::write(sandbox.path("bad.jsonl"), text.join("\n")).unwrap();
    let run = sandbox.run(["task", "import", "bad.jsonl"]).refuses(3, "`bad.jsonl` has 2 problems");
    for text in ["line 3: the custom_id `a` is used before", "line 4: must have the method"] {
        assert!(run.err.contains(text), "{run:?}");
    }
    assert!(!sandbox.db().exists());
    fs::write(sandbox.path("gpt.jsonl"), line("a", "\"model\":\"gpt-4o-mini\",")).unwrap();
    sandbox.run(["task", "import", "gpt.jsonl"]).refuses(3, "`gpt-4o-mini`, which does not exist here");
    sandbox.run(["task", "import", "gpt.jsonl", "--any-model"]).ok();
    sandbox.run(["task", "import", "missing.jsonl"]).refuses(3, "missing.jsonl");
    sandbox.run(["task", "import", "."]).refuses(3, "not a regular file");
}

#[test]
fn a_batch_never_writes_over_its_input_nor_one_output_over_the_other() {
    let sandbox = Sandbox::new();
    let text = line("a", "");
    fs::write(sandbox.path("in.jsonl"), &text).unwrap();
    std::os::unix::fs::symlink("in.jsonl", sandbox.path("link.jsonl")).unwrap();
    fs::hard_link(sandbox.path("in.jsonl"), sandbox.path("hard.jsonl")).unwrap();
    for output in ["in.jsonl", "link.jsonl", "hard.jsonl", "home/../in.jsonl"] {
        sandbox.run(["batch", "in.jsonl", "-o", output]).refuses(2, "IN and --output name the same file");
    }
    let errors = ["batch", "in.jsonl", "-o", "out.jsonl", "--errors"];
    sandbox.run(errors.iter().chain(&["link.jsonl"])).refuses(2, "IN and --errors name");
    sandbox.run(errors.iter().chain(&["home/../out.jsonl"])).refuses(2, "--output and --errors name");
    let stdin = fs::File::open(sandbox.path("in.jsonl")).unwrap();
    let piped = sandbox.command(["batch", "-", "-o", "in.jsonl"]).stdin(stdin).output().unwrap();
    finish(piped).refuses(2, "IN and --output");
    assert!(!sandbox.db().exists(), "nothing was queued");

    sandbox.run(["task", "import", "in.jsonl", "--batch", "b"]).ok();
    work(&sandbox, answer);
    let export = ["task", "export", "--batch", "b", "-o", "out.jsonl", "--errors"];
    sandbox.run(export.iter().chain(&["out.jsonl"])).refuses(2, "--output and --errors name the same file");
    assert!(!sandbox.path("out.jsonl").exists());
    sandbox.run(export.iter().chain(&["err.jsonl"])).ok();
    assert_eq!(fs::read_to_string(sandbox.path("in.jsonl")).unwrap(), text);
}

#[test]
fn a_batch_whose_output_cannot_be_written_says_so_before_the_work() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("in.jsonl"), line("a", "")).unwrap();
    for (bad, why) in [("nowhere/x", "cannot write"), ("home", "not a regular file"), ("/dev/full", "not a regular")] {
        sandbox.run(["batch", "in.jsonl", "-o", bad]).refuses(3, why);
        sandbox.run(["batch", "in.jsonl", "-o", "out.jsonl", "--errors", bad]).refuses(3, why);
    }
    assert!(!sandbox.db().exists(), "nothing was queued");
    let left: Vec<_> = fs::read_dir(sandbox.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("modelctl-export")), "{left:?}");
}

#[test]
fn a_batch_with_failed_and_cancelled_lines_says_how_they_are_run_again() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("my in.jsonl"), ["a", "b", "c"].map(|key| line(key, "") + "\n").concat()).unwrap();
    let batch = sandbox.run(["task", "import", "my in.jsonl"]).ok().out.trim().to_owned();
    sandbox.run(["task", "cancel", &format!("{batch}/b")]).ok();
    let error = || TaskError::new(ErrorKind::Model, "empty answer");
    work(
        &sandbox,
        |task| {
            if task.ticket.key.as_deref() == Some("c") { End::FailedForGood(error()) } else { answer(task) }
        },
    );
    let run = sandbox.run(["batch", "my in.jsonl", "-o", "out.jsonl"]).refuses(1, "2 requests failed or canceled");
    assert!(run.err.contains(&format!("`modelctl task retry --batch '{batch}'`")), "{run:?}");
    let retried = sandbox.run(["task", "retry", "--batch", &batch, "--json"]).ok().json();
    assert_eq!(retried["changed"], json!([2, 3]));
}

#[test]
fn what_no_worker_would_answer_is_refused_when_it_is_handed_in() {
    let sandbox = Sandbox::new();
    let good = line("a", r#""json_schema":{"type":"object"},"#);
    let bad = [line("b", r#""n":2,"#), line("c", r#""logprobs":true,"#), line("d", r#""json_schema":7,"#)];
    fs::write(sandbox.path("bad.jsonl"), [&good, &bad[0], &bad[1], &bad[2]].map(|line| format!("{line}\n")).concat())
        .unwrap();
    let run = sandbox.run(["task", "import", "bad.jsonl"]).refuses(3, "has 3 problems");
    for text in ["line 2: `n` must be 1", "line 3: `logprobs` is not served", "line 4: the JSON schema is"] {
        assert!(run.err.contains(text), "{run:?}");
    }
    fs::write(sandbox.path("rule.gbnf"), "rot ::= \"a\"\n").unwrap();
    fs::write(sandbox.path("empty.gbnf"), "\n").unwrap();
    sandbox.run(["task", "add", "x", "--grammar", "rule.gbnf"]).refuses(3, "no rule `root`");
    sandbox.run(["task", "add", "x", "--grammar", "empty.gbnf"]).refuses(3, "is empty");
    assert!(!sandbox.db().exists());
    fs::write(sandbox.path("good.jsonl"), good).unwrap();
    sandbox.run(["task", "import", "good.jsonl"]).ok();
}

#[test]
#[cfg(feature = "llama")]
fn a_schema_or_grammar_that_llama_cpp_cannot_read_is_refused_when_it_is_handed_in() {
    let sandbox = Sandbox::new();
    let lines = [
        line("a", r#""json_schema":{"type":"object"},"#),
        line("b", r#""json_schema":{"type":"nonsense"},"#),
        line("c", r#""grammar":"root ::= nothing-by-that-name","#),
        line("d", r#""json_schema":{"type":"nonsense"},"#),
    ];
    fs::write(sandbox.path("bad.jsonl"), lines.join("\n")).unwrap();
    let run = sandbox.run(["batch", "bad.jsonl", "-o", "out.jsonl"]).refuses(3, "has 3 problems");
    for text in ["lines 2 and 4: the JSON schema cannot", "line 3: the grammar cannot"] {
        assert!(run.err.contains(text), "{run:?}");
    }
    fs::write(sandbox.path("bad.json"), r#"{"type": "nonsense"}"#).unwrap();
    sandbox.run(["task", "add", "x", "--json-schema", "bad.json"]).refuses(3, "the JSON schema cannot be used");
    assert!(!sandbox.db().exists());
}
