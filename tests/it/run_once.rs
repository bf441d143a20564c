//! `run-once` with the real models in a real worker process: answers, refusals, crashes, interruptions.

use crate::fixtures;
use crate::gguf::fixture;
use crate::sandbox::{Run, Sandbox, finish};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::os::fd::OwnedFd;

use std::process::Child;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(60);
/// At once, on a machine that is busy.
const SOON: Duration = Duration::from_secs(30);
/// Answered with the city at any temperature, and so with any kernels.
const FRANCE: &str = "What is the capital of France? Answer in one sentence.";
const LONG_STORY: &str = "Tell me a very long story about a dragon, a knight and the sea.";

const SMOLLM2: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// A sandbox that knows SmolLM2, and the turn to run it.
fn with_smollm2() -> (Sandbox, File) {
    let turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::smollm2(), SMOLLM2);
    sandbox.run(["scan"]).ok();
    (sandbox, turn)
}

/// The same with a SmolLM2 that never ends an answer by itself.
fn with_endless() -> (Sandbox, File) {
    let turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place_endless(SMOLLM2);
    sandbox.run(["scan"]).ok();
    (sandbox, turn)
}

/// An answer of 16 tokens or more, whatever it says.
#[track_caller]
fn assert_answered(run: &Run) {
    assert!(run.out.len() > 9, "{run:?}");
}

/// The worker of a running command: its child whose command line says so.
fn worker_of(parent: u32) -> Pid {
    let deadline = Instant::now() + DEADLINE;
    loop {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
            let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            let ppid = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse::<u32>().ok());
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            if ppid == Some(parent) && line.split(|b| *b == 0).any(|word| word == b"worker") {
                return Pid::from_raw(pid).unwrap();
            }
        }
        assert!(Instant::now() < deadline, "no worker appeared");
        std::thread::yield_now();
    }
}

/// Becomes readable when the process has ended.
fn watch(pid: Pid) -> OwnedFd {
    pidfd_open(pid, PidfdFlags::empty()).unwrap()
}

fn ended_within(fd: &OwnedFd, limit: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec::try_from(limit).unwrap();
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&limit)).unwrap() == 1
}

/// Starts a long answer and waits until its first text is on stdout.
fn in_mid_sentence(sandbox: &Sandbox) -> (Child, Pid) {
    let mut child = sandbox.start(["run-once", "--prompt", LONG_STORY, "--temperature", "0"]);
    let mut first = [0u8; 8];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let worker = worker_of(child.id());
    (child, worker)
}

#[test]
fn a_prompt_is_answered_and_the_use_is_on_record() {
    let (sandbox, _turn) = with_smollm2();
    let run = sandbox.run(["run-once", "--prompt", FRANCE, "--max-tokens", "32", "--temperature", "0"]).ok();
    assert!(run.out.contains("Paris") && run.out.ends_with('\n'), "{run:?}");
    assert!(run.err.contains("tokens/s") && run.err.contains("tier fast"), "{run:?}");
    let show = sandbox.run(["show", "smollm2", "--json"]).ok().json();
    assert_eq!(show["use_count"], 1, "{show:#}");
    assert!(show["last_used"].is_string());
    assert!(sandbox.run(["show", "smollm2"]).ok().out.contains("run-once"));
    assert_eq!(fs::read_dir(sandbox.path("run/modelctl")).unwrap().count(), 0, "a socket was left behind");
}

#[test]
fn the_same_seed_gives_the_same_text_and_json_holds_all_of_it() {
    let (sandbox, _turn) = with_endless();
    let args = ["run-once", "--prompt", "Name a fruit.", "--max-tokens", "24", "--seed", "7", "--json"];
    // Otherwise the number of threads, which follows the speed of the machine, moves the last bits of some sums.
    let run = || finish(sandbox.command(args).env("MODELCTL_REPRODUCIBLE", "1").output().unwrap()).ok().json();
    let (one, two) = (run(), run());
    assert_eq!(one["text"], two["text"]);
    assert!(one["timings"]["predicted_per_second"].as_f64().unwrap() > 0.0, "{one:#}");
    assert_eq!(one["template"], "model");
}

#[test]
fn a_prompt_comes_from_standard_input_too() {
    let (sandbox, _turn) = with_smollm2();
    let args = ["run-once", "--prompt", "-", "--max-tokens", "24", "--temperature", "0"];
    let run = sandbox.run_with_input(args, FRANCE.as_bytes()).ok();
    assert!(run.out.contains("Paris"), "{run:?}");
    sandbox.run_with_input(args, b" \n").refuses(2, "empty");
    sandbox.run_with_input(args, b"\xff\xfe").refuses(3, "UTF-8");
}

#[test]
fn a_base_model_gets_the_plain_text_and_says_so() {
    let _turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    sandbox.place(&fixtures::gemma(), "gemma.gguf");
    sandbox.run(["scan"]).ok();
    let run =
        sandbox.run(["run-once", "--prompt", "One, two, three, four,", "--max-tokens", "8", "--temperature", "0"]).ok();
    assert!(run.out.contains("five"), "{run:?}");
    assert!(run.err.contains("no chat template"), "{run:?}");
}

#[test]
fn keep_hints_choose_before_tiers_do() {
    let (sandbox, _turn) = with_endless();
    sandbox.place(&fixtures::gemma(), "gemma.gguf");
    sandbox.run(["scan"]).ok();
    let mut command = sandbox.command(["run-once", "--prompt", "One, two,", "--max-tokens", "2", "--json"]);
    let run = finish(command.env("KEEP_LOCAL_MODELS", "nothing-like-it,gemm*").output().unwrap()).ok();
    assert_eq!(run.json()["model"]["name"], "gemma");
    sandbox.run(["set", "smollm2", "--disable"]).ok();
    let run = sandbox.run(["run-once", "--prompt", "One, two,", "--max-tokens", "2", "--json"]).ok();
    assert_eq!(run.json()["model"]["name"], "gemma");
    sandbox.run(["run-once", "--prompt", "x", "--model", "smollm2"]).refuses(3, "disabled");
}

#[test]
fn what_cannot_be_met_is_said_before_anything_starts() {
    let sandbox = Sandbox::new();
    sandbox.run(["run-once", "--prompt", "x"]).refuses(3, "modelctl scan");
    let whole = fixture::small_model("cut");
    sandbox.write("cut.gguf", &whole[..whole.len() - 1000]);
    sandbox.write("words.gguf", &fixture::embedding("words"));
    sandbox.run(["scan"]).ok();
    sandbox.run(["run-once", "--prompt", "x", "--model", "cut"]).refuses(3, "first missing tensor");
    sandbox.run(["run-once", "--prompt", "x", "--model", "words"]).refuses(3, "embedding");
    sandbox.run(["run-once", "--prompt", "x", "--model", "nobody"]).refuses(3, "nobody");
    sandbox.run(["run-once", "--prompt", "x"]).refuses(3, "no usable model");
}

#[test]
fn a_model_that_llama_cpp_refuses_gives_its_reason() {
    let _turn = fixtures::engine_turn();
    let sandbox = Sandbox::new();
    // A sound header of an architecture that lacks nearly everything.
    sandbox.write("hollow.gguf", &fixture::small_model("hollow"));
    sandbox.run(["scan"]).ok();
    let run = sandbox.run(["run-once", "--prompt", "x", "--model", "hollow"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.err.contains("the engine refused the model: "), "{run:?}");
    let show = sandbox.run(["show", "hollow", "--json"]).ok().json();
    assert_eq!(show["use_count"], 1, "a failed use is a use: {show:#}");
}

#[test]
fn a_prompt_longer_than_the_context_is_refused_before_decoding() {
    let (sandbox, _turn) = with_endless();
    let run = sandbox.run_with_input(["run-once", "--prompt", "-"], "word ".repeat(6000).as_bytes());
    run.refuses(3, "tokens, and the context only");
}

#[test]
fn a_worker_killed_in_mid_sentence_is_an_engine_failure_at_once() {
    let (sandbox, _turn) = with_endless();
    let (child, worker) = in_mid_sentence(&sandbox);
    let killed = Instant::now();
    kill_process(worker, Signal::KILL).unwrap();
    let run = finish(child.wait_with_output().unwrap());
    assert!(killed.elapsed() < SOON, "{:?}", killed.elapsed());
    assert!(!run.out.is_empty());
    run.refuses(5, "SIGKILL");
}

#[test]
fn a_worker_that_aborts_leaves_its_reason() {
    let (sandbox, _turn) = with_endless();
    let (child, worker) = in_mid_sentence(&sandbox);
    kill_process(worker, Signal::ABORT).unwrap();
    finish(child.wait_with_output().unwrap()).refuses(5, "SIGABRT");
}

#[test]
fn a_killed_program_leaves_no_worker_behind() {
    let (sandbox, _turn) = with_endless();
    let (mut child, worker) = in_mid_sentence(&sandbox);
    let end = watch(worker);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ended_within(&end, DEADLINE), "the worker lives on");
    // And what it left is swept by the next run.
    sandbox.run(["run-once", "--prompt", "Hi", "--max-tokens", "1"]).ok();
    assert_eq!(fs::read_dir(sandbox.path("run/modelctl")).unwrap().count(), 0);
}

#[test]
fn an_interrupted_run_ends_at_once_and_says_how() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (sandbox, _turn) = with_endless();
        let (child, worker) = in_mid_sentence(&sandbox);
        let end = watch(worker);
        let start = Instant::now();
        kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
        let run = finish(child.wait_with_output().unwrap());
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        assert!(ended_within(&end, DEADLINE));
    }
}

#[test]
fn a_reader_that_has_heard_enough_stops_the_worker() {
    let (sandbox, _turn) = with_endless();
    let (mut child, worker) = in_mid_sentence(&sandbox);
    let end = watch(worker);
    drop(child.stdout.take());
    let run = finish(child.wait_with_output().unwrap()).ok();
    assert_eq!(run.err.lines().filter(|l| l.starts_with("error")).count(), 0, "{run:?}");
    assert!(ended_within(&end, DEADLINE));
}

#[test]
fn an_answer_is_given_although_its_use_cannot_be_recorded() {
    let (sandbox, _turn) = with_endless();
    let db = rusqlite::Connection::open(sandbox.db()).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let run = sandbox.run(["run-once", "--prompt", FRANCE, "--max-tokens", "16", "--temperature", "0"]).ok();
    assert_answered(&run);
    assert!(run.err.contains("not recorded"), "{run:?}");
}

/// The lock that whoever has a model in memory holds, held by this test.
fn device_held(sandbox: &Sandbox, who: &str) -> File {
    let dir = sandbox.path("modelctl.db-run");
    fs::create_dir_all(&dir).unwrap();
    let mut lock = File::create(dir.join("device.lock")).unwrap();
    lock.lock().unwrap();
    lock.write_all(who.as_bytes()).unwrap();
    lock
}

#[test]
fn a_prompt_does_not_wait_for_ever_and_says_for_whom_it_waited() {
    let (sandbox, _turn) = with_endless();
    let held = device_held(&sandbox, "modelctl serve (process 7, since 2026)");
    let run = sandbox.run(["run-once", "--prompt", FRANCE, "--timeout", "3s"]);
    assert!(run.err.contains("waiting for modelctl serve (process 7"), "{run:?}");
    run.refuses(4, "modelctl serve (process 7, since 2026) has a model in memory");
    // What can never run is said at once.
    let start = Instant::now();
    sandbox.run(["run-once", "--prompt", "x", "--model", "nobody"]).refuses(3, "nobody");
    assert!(start.elapsed() < SOON, "it waited");
    // A wait can be interrupted.
    let child = sandbox.start(["run-once", "--prompt", FRANCE]);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let deadline = Instant::now() + DEADLINE;
    while !fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap().contains("Threads:\t2") {
        assert!(Instant::now() < deadline, "it does not listen for signals");
    }
    kill_process(pid, Signal::INT).unwrap();
    assert_eq!(finish(child.wait_with_output().unwrap()).code, Some(130));
    drop(held);
    let run = sandbox.run(["run-once", "--prompt", FRANCE, "--max-tokens", "16", "--temperature", "0"]).ok();
    assert_answered(&run);
    assert!(!run.err.contains("waiting"), "{run:?}");
}

#[test]
fn a_prompt_waits_until_the_executor_has_done_its_tasks() {
    let (sandbox, _turn) = with_endless();
    sandbox.run(["task", "add", LONG_STORY, "--max-tokens", "200", "--temperature", "0"]).ok();
    let executor = sandbox.start(["run-once"]);
    worker_of(executor.id());
    let run = sandbox.run(["run-once", "--prompt", FRANCE, "--max-tokens", "16", "--temperature", "0"]).ok();
    assert_answered(&run);
    let stats = sandbox.run(["task", "stats", "--json"]).ok().json();
    assert_eq!(stats["tasks"]["done"], 1, "it did not wait: {stats:#}");
    assert_eq!(finish(executor.wait_with_output().unwrap()).ok().out, "1 done\n");
}

#[test]
fn two_at_once_answer_one_after_the_other() {
    let (sandbox, _turn) = with_endless();
    let args = ["run-once", "--prompt", LONG_STORY, "--max-tokens", "400", "--temperature", "0"];
    let mut first = sandbox.start(args);
    let mut one = [0u8; 8];
    first.stdout.as_mut().unwrap().read_exact(&mut one).unwrap();
    let model = watch(worker_of(first.id()));
    let second = sandbox.run(["run-once", "--prompt", FRANCE, "--max-tokens", "16", "--temperature", "0"]).ok();
    assert!(ended_within(&model, Duration::ZERO), "the second did not wait for the first");
    assert_answered(&second);
    finish(first.wait_with_output().unwrap()).ok();
}

#[test]
fn a_folder_that_cannot_be_written_to_stops_no_prompt() {
    let (sandbox, _turn) = with_endless();
    // A file where the folder of the locks would be: root may write anywhere else.
    fs::remove_dir_all(sandbox.path("modelctl.db-run")).ok();
    fs::write(sandbox.path("modelctl.db-run"), "").unwrap();
    let run = sandbox.run(["run-once", "--prompt", FRANCE, "--max-tokens", "16", "--temperature", "0"]).ok();
    assert_answered(&run);
}

#[test]
fn two_at_once_both_answer() {
    let (sandbox, _turn) = with_endless();
    let ask = || sandbox.start(["run-once", "--prompt", FRANCE, "--max-tokens", "16", "--temperature", "0"]);
    for child in [ask(), ask()] {
        assert_answered(&finish(child.wait_with_output().unwrap()).ok());
    }
    let show = sandbox.run(["show", "smollm2", "--json"]).ok().json();
    assert_eq!(show["use_count"], 2);
}

#[test]
fn a_model_that_is_gone_from_the_disk_is_no_crash() {
    let (sandbox, _turn) = with_endless();
    fs::remove_file(sandbox.models().join(SMOLLM2)).unwrap();
    let run = sandbox.run(["run-once", "--prompt", "x", "--model", "smollm2"]);
    assert!(matches!(run.code, Some(3 | 5)), "{run:?}");
    assert!(run.err.contains(SMOLLM2) && !run.err.contains("panicked"), "{run:?}");
}

#[test]
fn text_is_never_cut_inside_a_character() {
    let (sandbox, _turn) = with_endless();
    let mut child = sandbox.start([
        "run-once",
        "--prompt",
        "Repeat exactly: 🐉 🌊 é ü 漢字 🐉 🌊",
        "--max-tokens",
        "48",
        "--temperature",
        "0",
    ]);
    let mut bytes = Vec::new();
    BufReader::new(child.stdout.take().unwrap()).read_to_end(&mut bytes).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    String::from_utf8(bytes).unwrap();
}
