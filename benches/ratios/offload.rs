//! Many tasks at once: `modelctl batch` against llama-server with the same model, settings and requests, and the time
//! to the first token.
//!
//! Each round starts from nothing on both sides: a new database, a new server with an empty prompt cache.

use crate::chats::{OBJECT_TOKENS, TASKS, TOKENS, bodies, body, limited, long_system_prompt, objects, texts_as_json};
use crate::header::text;
use crate::llama_server::{self, Answer, Server};
use crate::measure::{cores, first_byte, in_turns, median, output, wall};
use crate::real_models::{self, SMOLLM2};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

/// Answers at once, on both sides: what the executor chooses for this model.
const SLOTS: usize = 16;
/// Tokens of context for each.
const CONTEXT: usize = 2048;
/// Rounds of each contender. None is for warming up: each starts a process, and the model lies in the page cache.
const ROUNDS: usize = 2;
const QUESTION: &str = "Tell me about a lighthouse keeper who finds a letter in a bottle.";

/// How one run of all tasks went.
struct Run {
    answers: Vec<Answer>,
    /// Seconds from the start of the process to the last answer.
    whole: f64,
    /// Of these, without start and load.
    loaded: f64,
}

pub fn measure(stage: &Stage, table: &mut Table) {
    if !cfg!(feature = "llama") {
        table.missing("offload", "built without llama.cpp");
        return;
    }
    let Some(program) = llama_server::program(stage) else {
        table.missing("offload", "llama-server is not in target/bench/llama-server");
        return;
    };
    table.remark(format!(
        "offload: llama.cpp of llama-cpp-2 {}; llama-server {}",
        modelctl::engine::build(),
        llama_server::version(stage, &program)
    ));
    let config = stage.bench.join("offload.toml");
    std::fs::write(&config, format!("[worker]\ncontext = {CONTEXT}\nthreads = {}\n", cores()))
        .expect("the target folder takes files");
    let model = SMOLLM2.path();
    // Once for both: the model is in the page cache from here on.
    std::fs::read(&model).expect("the model can be read");
    first_token(stage, table, &program, &model);

    let short = bodies(None);
    let served = |bodies: &[String], slots| served(stage, &program, &model, bodies, slots);
    let [ours, theirs] = rounds([&[TOKENS; TASKS]; 2], [&mut || batch(stage, &short), &mut || served(&short, SLOTS)]);
    compare(table, "short chats", "llama-server, 16 slots, 16 clients", (&ours, &theirs), 1.0);
    by_schema(stage, table, &served);

    let system = long_system_prompt();
    let shared = bodies(Some(&system));
    let [ours, many, single] = rounds(
        [&[TOKENS; TASKS]; 3],
        [&mut || batch(stage, &shared), &mut || served(&shared, SLOTS), &mut || served(&shared, 1)],
    );
    let what = "chats with a system prompt of 400 words";
    compare(table, what, "llama-server, 16 slots, 16 clients", (&ours, &many), 2.0);
    compare(table, what, "llama-server, one by one", (&ours, &single), 1.0);
    sequential(stage, table, &model, [("short chats", &short), (what, &shared)]);
}

/// Against what a script would do without any server.
fn sequential(stage: &Stage, table: &mut Table, model: &Path, kinds: [(&str, &Vec<String>); 2]) {
    if stage.llama_cpp_python(&[]).is_none() {
        table.missing("offload, one by one in a script", "llama-cpp-python is not in target/bench/python-llama-cpp");
        return;
    }
    for (what, bodies) in kinds {
        let [ours, theirs] =
            rounds([&[TOKENS; TASKS]; 2], [&mut || batch(stage, bodies), &mut || scripted(stage, model, bodies)]);
        compare(table, what, "llama-cpp-python, one by one", (&ours, &theirs), 1.0);
    }
}

fn scripted(stage: &Stage, model: &Path, bodies: &[String]) -> Run {
    let requests = stage.bench.join("offload-bodies.jsonl");
    std::fs::write(&requests, bodies.join("\n")).expect("the folder takes files");
    let (context, threads) = (CONTEXT.to_string(), cores().to_string());
    let args = [text(model), text(&requests), &context, &threads];
    let start = Instant::now();
    let said = output(&mut stage.llama_cpp_python(&args).expect("it was there just now"));
    let whole = start.elapsed().as_secs_f64();
    let said: serde_json::Value = serde_json::from_str(&said).expect("the script prints JSON");
    let answers = said["answers"].as_array().expect("the script prints answers");
    Run {
        answers: answers.iter().map(Answer::of).collect(),
        whole,
        loaded: said["loaded"].as_f64().expect("the script measures"),
    }
}

fn compare(table: &mut Table, what: &str, against: &'static str, (ours, theirs): (&[Run], &[Run]), goal: f64) {
    let goal = Goal::TimesTheRate(goal);
    let prompts = |runs: &[Run]| runs.iter().flat_map(|r| &r.answers).map(|a| a.prompt_tokens).sum::<u64>();
    assert_eq!(prompts(ours), prompts(theirs), "both sides were asked the same");
    let rate = |runs: &[Run], count: fn(&Run) -> f64, time: fn(&Run) -> f64| {
        median(runs.iter().map(|run| count(run) / time(run)).collect())
    };
    let tokens = |run: &Run| run.answers.iter().map(|a| a.tokens).sum::<u64>() as f64;
    let tasks = |_: &Run| TASKS as f64;
    for (how, time) in
        [("from the start of the process", (|r| r.whole) as fn(&Run) -> f64), ("model loaded", |r| r.loaded)]
    {
        let rates = (rate(ours, tasks, time), rate(theirs, tasks, time));
        table.compare(format!("{TASKS} {what}, {how}"), Unit::TasksPerSecond, rates, against, goal);
        let rates = (rate(ours, tokens, time), rate(theirs, tokens, time));
        table.compare(format!("{TASKS} {what}, {how}"), Unit::TokensPerSecond, rates, against, Goal::None);
    }
}

/// Answers by a schema: objects against llama-server, and texts against the same without a schema.
fn by_schema(stage: &Stage, table: &mut Table, served: &dyn Fn(&[String], usize) -> Run) {
    let asked = objects();
    let contenders: [&mut dyn FnMut() -> Run; 2] = [&mut || batch(stage, &asked), &mut || served(&asked, SLOTS)];
    let [ours, theirs] = rounds([&[OBJECT_TOKENS; TASKS]; 2], contenders);
    for answer in ours.iter().chain(&theirs).flat_map(|run| &run.answers) {
        let object: serde_json::Value = serde_json::from_str(&answer.text).expect("an answer by a schema is JSON");
        assert_eq!(object.as_object().map(serde_json::Map::len), Some(6), "{object}");
    }
    let what = "objects of six fields by a schema";
    compare(table, what, "llama-server, 16 slots, 16 clients, the same schema", (&ours, &theirs), 1.5);

    let with = texts_as_json();
    // As many tokens without a schema, so that prompts weigh the same.
    let lengths: Vec<u64> = batch(stage, &with).answers.into_iter().map(|answer| answer.tokens).collect();
    let without: Vec<String> = bodies(None).iter().zip(&lengths).map(|(body, tokens)| limited(body, *tokens)).collect();
    let contenders: [&mut dyn FnMut() -> Run; 2] = [&mut || batch(stage, &with), &mut || batch(stage, &without)];
    let [with, without] = rounds([&[TOKENS; TASKS], &lengths], contenders);
    let rate = |runs: &[Run]| {
        let tokens = |run: &Run| run.answers.iter().map(|a| a.tokens).sum::<u64>() as f64;
        median(runs.iter().map(|run| tokens(run) / run.loaded).collect())
    };
    let what = format!("{TASKS} chats under a schema, model loaded");
    table.compare(what, Unit::TokensPerSecond, (rate(&with), rate(&without)), "without one", Goal::TimesTheRate(0.9));
}

/// The contenders in turns. `most`: for each of them the tokens that each of its answers may have.
fn rounds<const N: usize>(most: [&[u64]; N], mut contenders: [&mut dyn FnMut() -> Run; N]) -> [Vec<Run>; N] {
    let mut runs = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        for ((contender, runs), most) in contenders.iter_mut().zip(&mut runs).zip(most) {
            let run = contender();
            assert_real(&run.answers, most);
            let tokens: u64 = run.answers.iter().map(|a| a.tokens).sum();
            eprintln!("    {:.1} s, {:.1} s loaded, {tokens} tokens", run.whole, run.loaded);
            runs.push(run);
        }
    }
    runs
}

/// Every answer has text, and as many tokens as its end says.
fn assert_real(answers: &[Answer], most: &[u64]) {
    assert_eq!((answers.len(), most.len()), (TASKS, TASKS), "every task has its answer");
    for (answer, most) in answers.iter().zip(most.iter().copied()) {
        assert!(!answer.text.trim().is_empty(), "an empty answer");
        assert!(answer.tokens > 0 && answer.tokens <= most, "{answer:?}");
        // The last token that is allowed can be the one that ends the answer.
        assert!(answer.finish != "length" || answer.tokens == most, "{answer:?}");
    }
}

fn served(stage: &Stage, program: &Path, model: &Path, bodies: &[String], slots: usize) -> Run {
    let server = Server::start(stage, program, model, (slots, CONTEXT));
    let (answers, loaded) = server.ask_all(bodies, slots);
    Run { answers, whole: server.load + loaded, loaded }
}

/// `modelctl batch` with a database that knows the model and has no task.
fn batch(stage: &Stage, bodies: &[String]) -> Run {
    let db = scanned(stage);
    let (input, output) = (stage.bench.join("offload-in.jsonl"), stage.bench.join("offload-out.jsonl"));
    let line = |(number, body): (usize, &String)| {
        format!(
            "{{\"custom_id\":\"chat-{number}\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{body}}}\n"
        )
    };
    std::fs::write(&input, bodies.iter().enumerate().map(line).collect::<String>()).expect("the folder takes files");
    let args = ["batch", text(&input), "-o", text(&output), "--model", SMOLLM2.short];
    let config = stage.bench.join("offload.toml");
    let start = Instant::now();
    let mut child = stage
        .modelctl(&db, &args)
        .env("MODELCTL_CONFIG", config)
        .stderr(Stdio::piped())
        .spawn()
        .expect("modelctl starts");
    let mut notes = BufReader::new(child.stderr.take().expect("stderr is piped"));
    let (mut loaded, mut line) = (None, String::new());
    while notes.read_line(&mut line).expect("stderr can be read") > 0 {
        if line.contains(" loaded in ") {
            loaded = Some(Instant::now());
        }
        line.clear();
    }
    let status = child.wait().expect("a child can be waited for");
    let end = Instant::now();
    assert!(status.success(), "modelctl batch: {status}");
    let loaded = loaded.expect("modelctl says when the model is loaded");
    Run { answers: read_answers(&output), whole: (end - start).as_secs_f64(), loaded: (end - loaded).as_secs_f64() }
}

/// The answers of a batch, in the order of their requests.
fn read_answers(output: &Path) -> Vec<Answer> {
    let lines = std::fs::read_to_string(output).expect("the batch has written its answers");
    let mut answers: Vec<(usize, Answer)> = lines
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
            let number = line["custom_id"].as_str().and_then(|id| id.strip_prefix("chat-")?.parse().ok());
            (number.expect("the id of a request"), Answer::of(&line["response"]["body"]))
        })
        .collect();
    answers.sort_by_key(|(number, _)| *number);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

fn scanned(stage: &Stage) -> std::path::PathBuf {
    let db = stage.db("offload");
    stage.forget(&db);
    wall(&mut stage.modelctl(&db, &["scan", text(&real_models::folder())]));
    db
}

fn first_token(stage: &Stage, table: &mut Table, program: &Path, model: &Path) {
    let db = scanned(stage);
    let config = stage.bench.join("offload.toml");
    let tokens = "4";
    let args =
        ["run-once", "--model", SMOLLM2.short, "--temperature", "0", "--max-tokens", tokens, "--prompt", QUESTION];
    let times = in_turns(
        5,
        || first_byte(stage.modelctl(&db, &args).env("MODELCTL_CONFIG", &config)).as_secs_f64(),
        || {
            let server = Server::start(stage, program, model, (1, CONTEXT));
            server.load + server.first_token(&body(None, QUESTION, true))
        },
    );
    let what = "start of the program to first token";
    table.compare(what, Unit::Seconds, times, "llama-server, one slot", Goal::TimesLess(1.0));
}
