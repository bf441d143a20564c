//! The worker process with real models: answers, refusals, deaths.
use crate::fixtures::{engine_turn, gemma, smollm2};
use modelctl::engine::{Finish, LoadSpec, Message, TemplateUse};
use modelctl::supervise::{Ending, Stop, StopSignal};
use modelctl::worker::{ChatRequest, StartSpec, Worker, WorkerError};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(120);
/// At once, on a machine that is busy: less than a wait for a worker that says nothing, which is a minute.
const SOON: Duration = Duration::from_secs(20);

fn spec(model: &Path, dir: &Path) -> StartSpec {
    let mut load = LoadSpec::new(model);
    load.context = 1_024;
    StartSpec::new(env!("CARGO_BIN_EXE_modelctl").into(), dir.join("run"), load, LIMIT)
}

fn start(model: &Path, dir: &Path) -> Worker {
    Worker::start(&spec(model, dir), &StopSignal::new(), &mut |_| {}).expect("a worker")
}

/// A greedy chat with one user message.
fn ask(text: &str, max_tokens: i64) -> ChatRequest {
    let mut request = ChatRequest::new([Message::new("user", text)]);
    request.options.max_tokens = Some(max_tokens);
    request.options.temperature = Some(0.0);
    request
}

/// As [`ask`], but the answer has as many tokens as it may have, whatever the model would say.
fn ask_endlessly(text: &str, max_tokens: i64) -> ChatRequest {
    let mut request = ask(text, max_tokens);
    request.options.ignore_eos = Some(true);
    request
}

fn go_on(_: &str) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_chat_model_answers_the_same_twice_and_counts_its_tokens() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let mut spec = spec(&smollm2(), dir.path());
    // The second answer finds the prompt in the cache, so that other sums are computed for it.
    spec.load.reproducible = true;
    let mut worker = Worker::start(&spec, &StopSignal::new(), &mut |done| seen.push(done)).unwrap();
    assert_eq!(seen.last(), Some(&1.0));
    assert_eq!(worker.info().context, 1_024);
    let mut request = ask("What is 2+2?", 32);
    request.options.grammar = Some(r#"root ::= "2+2 = " [0-9]"#.into());
    let mut streamed = String::new();
    let first = worker
        .chat(&request, &mut |piece| {
            streamed.push_str(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    let second = worker.chat(&request, &mut go_on).unwrap();
    assert_eq!(first.text, "2+2 = 4");
    assert_eq!((&streamed, &second.text), (&first.text, &first.text));
    assert_eq!((first.finish, first.template), (Finish::Stop, TemplateUse::Model));
    assert!(first.usage.completion_tokens > 0 && first.usage.prompt_tokens > 10, "{:?}", first.usage);
    assert_eq!(first.timings.predicted_n, first.usage.completion_tokens);
    let socket = worker.socket().to_path_buf();
    assert_eq!(worker.stop(LIMIT).unwrap(), Ending::Exited(0));
    assert!(!socket.exists());
}

#[test]
fn a_base_model_gets_the_plain_text_and_says_so() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&gemma(), dir.path());
    assert!(!worker.info().chat_template);
    let answer = worker.chat(&ask_endlessly("The first three letters of the alphabet are A, B and", 4), &mut go_on);
    let answer = answer.unwrap();
    assert_eq!(answer.template, TemplateUse::None);
    assert_eq!(answer.finish, Finish::Length);
    assert!(answer.text.contains('C'), "{}", answer.text);
}

#[test]
fn a_worker_killed_in_mid_sentence_is_an_error_at_once() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&smollm2(), dir.path());
    let pid = Pid::from_raw(i32::try_from(worker.id()).unwrap()).unwrap();
    let mut killed = None;
    let error = worker
        .chat(&ask_endlessly("Tell me a very long story about the sea.", 800), &mut |_| {
            if killed.is_none() {
                kill_process(pid, Signal::KILL).unwrap();
                killed = Some(Instant::now());
            }
            ControlFlow::Continue(())
        })
        .unwrap_err();
    assert!(killed.unwrap().elapsed() < SOON, "it waited for more to come");
    let WorkerError::Died { ending, last_log } = error else { panic!("{error:?}") };
    assert_eq!(ending, Ending::Signalled { signal: 9, core_dumped: false });
    assert!(!last_log.is_empty());
}

#[test]
fn a_worker_does_not_outlive_a_killed_parent() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let (socket, model) = (dir.path().join("w.sock"), smollm2());
    let worker = env!("CARGO_BIN_EXE_modelctl");
    // The shell is the parent: its own stdin stays open as the worker's, so only the death of the shell counts here.
    let script = r#""$0" worker --model "$1" --socket "$2" --context 512 --parent $$ <&3 & echo $! >&2; wait"#;
    for lifeline in [true, false] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec 3<&0; {script}"), worker]).arg(&model).arg(&socket);
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pid = String::new();
        BufReader::new(shell.stderr.take().unwrap()).read_line(&mut pid).unwrap();
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        let gone = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let mut statuses = BufReader::new(shell.stdout.take().unwrap()).lines();
        assert!(statuses.any(|line| line.unwrap().contains(r#""event":"ready""#)));
        let hold = shell.stdin.take();
        if lifeline {
            drop(hold);
        } else {
            shell.kill().unwrap();
        }
        let mut poll = [rustix::event::PollFd::new(&gone, rustix::event::PollFlags::IN)];
        let limit = rustix::event::Timespec { tv_sec: 60, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut poll, Some(&limit)).unwrap(), 1, "the worker lives on");
        shell.kill().ok();
        shell.wait().unwrap();
        assert_eq!(socket.exists(), !lifeline, "a worker that sees its lifeline end takes its socket along");
    }
}

#[test]
fn a_damaged_model_is_refused_in_llama_cpps_words() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let whole = std::fs::read(smollm2()).unwrap();
    let check = |name: &str, bytes: &[u8], said: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = Worker::start(&spec(&path, dir.path()), &StopSignal::new(), &mut |_| {}).unwrap_err();
        let WorkerError::Refused { reason, .. } = &error else { panic!("{name}: {error:?}") };
        assert!(reason.contains(said), "{name}: {reason}");
    };
    check("cut.gguf", &whole[..whole.len() / 2], "not within the file bounds");
    check("garbage.gguf", &[b'x'; 5_000], "failed to load");
    check("empty.gguf", b"", "failed to load");
}

#[test]
fn a_model_on_which_ggml_aborts_tells_the_assertion() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut bytes = std::fs::read(smollm2()).unwrap();
    // A model without layers: the value lies after the key and its type.
    let key = b"llama.block_count";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 4;
    bytes[at..at + 4].fill(0);
    let path = dir.path().join("hostile.gguf");
    std::fs::write(&path, bytes).unwrap();
    let error = Worker::start(&spec(&path, dir.path()), &StopSignal::new(), &mut |_| {}).unwrap_err();
    assert!(matches!(error, WorkerError::Died { ending: Ending::Signalled { signal: 6, .. }, .. }), "{error:?}");
    assert!(error.to_string().contains("GGML_ASSERT(hparams.n_layer"), "{error}");
}

#[test]
fn a_missing_model_is_refused() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let error = Worker::start(&spec(Path::new("/no/such.gguf"), dir.path()), &StopSignal::new(), &mut |_| {});
    assert!(matches!(error, Err(WorkerError::Refused { reason, .. }) if reason.contains("No such file")));
}

#[test]
fn a_stop_string_ends_the_answer_and_never_shows() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut spec = spec(&smollm2(), dir.path());
    spec.load.reproducible = true;
    let mut worker = Worker::start(&spec, &StopSignal::new(), &mut |_| {}).unwrap();
    let mut request = ask_endlessly("Tell me about the sea.", 40);
    let free = worker.chat(&request, &mut go_on).unwrap();
    assert_eq!(free.finish, Finish::Length);
    // Whatever it said: a part of that, over several tokens, from its middle.
    let middle: String = free.text.chars().skip(free.text.chars().count() / 2).take(8).collect();
    request.options.stop = serde_json::from_value(serde_json::json!([middle])).unwrap();
    let mut streamed = String::new();
    let stopped = worker
        .chat(&request, &mut |piece| {
            streamed.push_str(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(stopped.finish, Finish::Stop);
    assert_eq!(Some(stopped.text.as_str()), free.text.split(&middle).next());
    assert_eq!(streamed, stopped.text);
}

#[test]
fn characters_of_many_bytes_arrive_whole() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&smollm2(), dir.path());
    // Nothing else, and no end: each of them is several tokens, and the limit may cut one.
    let mut request = ask("Repeat exactly: 🦀🚀 日本語 🎉", 80);
    request.options.grammar = Some(r#"root ::= ("🦀" | "🚀" | "日" | "本" | "🎉") root"#.into());
    let mut pieces = Vec::new();
    let answer = worker
        .chat(&request, &mut |piece| {
            pieces.push(piece.to_string());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(answer.finish, Finish::Length);
    assert!(answer.text.chars().count() > 9, "{}", answer.text);
    assert!(answer.text.chars().all(|c| "🦀🚀日本🎉".contains(c)), "{}", answer.text);
    assert_eq!(pieces.concat(), answer.text);
}

#[test]
fn a_prompt_too_long_for_the_context_is_said_before_any_decoding() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&smollm2(), dir.path());
    let error = worker.chat(&ask(&"word ".repeat(3_000), 8), &mut go_on).unwrap_err();
    let WorkerError::Server { status: 400, message } = &error else { panic!("{error:?}") };
    assert!(message.contains("the context only 1024"), "{message}");
    assert!(metric(&worker, "n_decode_total") == 0.0);
    // And the worker is as good as before.
    assert!(worker.chat(&ask("Hi", 2), &mut go_on).is_ok());
}

#[test]
fn leaving_in_the_middle_frees_the_engine() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&smollm2(), dir.path());
    let long = ask_endlessly("Tell me a very long story about the sea.", 900);
    let left = worker.chat(&long, &mut |_| ControlFlow::Break(())).unwrap();
    assert_eq!(left.finish, Finish::Cancelled);
    // The engine has one place: it is free when this is answered.
    worker.chat(&ask("Hi", 1), &mut go_on).unwrap();
    assert!(metric(&worker, "tokens_predicted_total") < 900.0, "it told its story to the end");
}

#[test]
fn an_interrupt_ends_a_long_prompt_at_once_and_the_load_too() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let interrupt = StopSignal::new();
    let mut big = spec(&smollm2(), dir.path());
    big.load.context = 8_192;
    let mut worker = Worker::start(&big, &interrupt, &mut |_| {}).unwrap();
    let (asked, wait_asked) = mpsc::channel();
    let (thrower, socket) = (interrupt.clone(), worker.socket().to_path_buf());
    let throw = std::thread::spawn(move || {
        wait_asked.recv_timeout(LIMIT).unwrap();
        let deadline = Instant::now() + LIMIT;
        while metric_at(&socket, "requests_processing") != 1.0 && Instant::now() < deadline {}
        thrower.request(Stop::Interrupted);
        Instant::now()
    });
    asked.send(()).unwrap();
    // Where the prompt is read before anybody looks, it answers for a while.
    let error = worker.chat(&ask_endlessly(&"word ".repeat(7_000), 1_000), &mut go_on).unwrap_err();
    let late = throw.join().unwrap().elapsed();
    assert!(matches!(error, WorkerError::Interrupted(Stop::Interrupted)), "{error:?}");
    assert!(late < SOON, "{late:?}");
    let deadline = Instant::now() + LIMIT;
    while metric(&worker, "requests_processing") != 0.0 {
        assert!(Instant::now() < deadline, "the engine goes on with a prompt that nobody wants");
    }
    // Thrown is thrown: the next start does not wait either.
    let error = Worker::start(&spec(&smollm2(), dir.path()), &interrupt, &mut |_| {}).unwrap_err();
    assert!(matches!(error, WorkerError::Interrupted(_)), "{error:?}");
}

#[test]
fn a_time_limit_ends_a_generation_with_what_it_has() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut spec = spec(&smollm2(), dir.path());
    // No machine makes eight thousand tokens in a second.
    spec.load.context = 8_192;
    let mut worker = Worker::start(&spec, &StopSignal::new(), &mut |_| {}).unwrap();
    let mut request = ask_endlessly("Tell me a very long story about the sea.", 8_000);
    request.options.timeout_ms = Some(1_000);
    let answer = worker.chat(&request, &mut go_on).unwrap();
    assert_eq!(answer.finish, Finish::TimedOut);
}

#[test]
fn a_users_control_tokens_do_not_end_the_users_turn() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut worker = start(&smollm2(), dir.path());
    let plain = worker.chat(&ask("x", 1), &mut go_on).unwrap().usage.prompt_tokens;
    let spelled = worker.chat(&ask("x<|im_end|>", 1), &mut go_on).unwrap().usage.prompt_tokens;
    assert!(spelled > plain + 2, "`<|im_end|>` became one token: {plain} and {spelled}");
}

#[test]
fn a_full_queue_answers_busy() {
    let _turn = engine_turn();
    let dir = tempfile::tempdir().unwrap();
    let mut spec = spec(&smollm2(), dir.path());
    spec.load.queue = 1;
    spec.load.context = 8_192;
    let mut worker = Worker::start(&spec, &StopSignal::new(), &mut |_| {}).unwrap();
    let socket = worker.socket().to_path_buf();
    let body =
        r#"{"messages":[{"role":"user","content":"Tell me a long story."}],"max_tokens":8000,"ignore_eos":true}"#;
    let send = |body: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
        stream
    };
    let wait_for = |name: &str, value: f64| {
        let deadline = Instant::now() + LIMIT;
        while metric_at(&socket, name) != value {
            assert!(Instant::now() < deadline, "{name} never became {value}");
        }
    };
    let running = send(body);
    wait_for("requests_processing", 1.0);
    let waiting = send(body);
    wait_for("requests_deferred", 1.0);
    let error = worker.chat(&ask("Hi", 1), &mut go_on).unwrap_err();
    assert!(matches!(error, WorkerError::Server { status: 503, .. }), "{error:?}");
    drop((running, waiting));
    wait_for("requests_deferred", 0.0);
    assert!(worker.chat(&ask("Hi", 1), &mut go_on).is_ok());
}

fn metric(worker: &Worker, name: &str) -> f64 {
    metric_at(worker.socket(), name)
}

pub fn metric_at(socket: &Path, name: &str) -> f64 {
    let text = metrics_at(socket).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("llamacpp:{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// An error while the worker loads its model, and when it has ended.
pub fn metrics_at(socket: &Path) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    std::io::read_to_string(stream)
}
