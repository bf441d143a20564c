//! `modelctl top` in a terminal, with a daemon. No engine is needed: where one would be, starting a model fails, which has to
//! be shown as well.

pub mod terminal;

use crate::gguf::fixture::small_model;
use crate::sandbox::{Sandbox, finish};
use crate::serve_http::Daemon;
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal};
use serde_json::json;
use terminal::Terminal;

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("tiny.gguf", &small_model("tiny"));
    sandbox.write("other.gguf", &small_model("other"));
    sandbox.run(["scan", "-q"]).ok();
    sandbox
}

fn top(sandbox: &Sandbox) -> Terminal {
    Terminal::start(sandbox, &["top"], (80, 24))
}

/// Whoever looks finds the models, asks why, and gets the terminal back.
#[test]
fn it_shows_models_says_why_and_gives_the_terminal_back() {
    let sandbox = sandbox();
    let _daemon = Daemon::start(&sandbox, "", &[]);
    let mut top = top(&sandbox);
    top.shows("tiny");
    top.shows("● live");
    assert!(top.is_alternate() && !top.is_as_before(), "keys are read as they come");
    top.press("/tiny\r");
    top.until("the filter", |top| !top.text().contains("other"));
    top.press("\r");
    top.shows("not loaded: no requests since the daemon started");
    top.press("q");
    top.press("\t\t\t\t");
    top.shows("its server has logged nothing");
    top.resize(60, 20);
    // A key that comes with the change of the size counts as well.
    top.press("q");
    assert_eq!(top.ends(), 0);
    top.is_whole();
}

/// An operator does something by a key, and reads how it ended in the words of the API.
#[test]
fn a_model_is_pinned_unpinned_after_a_question_and_a_start_that_fails_says_why() {
    let sandbox = sandbox();
    let _daemon = Daemon::start(&sandbox, "", &[]);
    let mut top = top(&sandbox);
    top.shows("● live");
    top.press("/tiny\r");
    top.until("the filter", |top| !top.text().contains("other"));
    top.press("p");
    top.shows("tiny is pinned");
    top.shows("⚑");
    top.press("p");
    top.shows("[y/N]");
    top.press("\r");
    top.shows("nothing was changed");
    top.press("py");
    top.shows("tiny is no longer pinned");
    if !cfg!(feature = "llama") {
        top.press("s");
        top.shows("Failed to start server");
        top.shows("failed");
        top.press("\u{1b}");
        top.until("the message gone", |top| !top.text().contains("Failed to start server"));
    }
    top.press("\u{3}");
    assert_eq!(top.ends(), 0, "Ctrl-C");
    top.is_whole();
}

#[test]
fn a_signal_ends_it_with_the_terminal_whole() {
    let sandbox = sandbox();
    for signal in [Signal::TERM, Signal::INT] {
        let mut top = top(&sandbox);
        top.shows("no daemon is running for this database");
        top.signal(signal);
        assert_eq!(top.ends(), 0);
        top.is_whole();
    }
}

/// A shell that cannot be typed into any more is worse than the bug.
#[test]
fn a_panic_gives_the_terminal_back_before_its_message() {
    let sandbox = sandbox();
    let mut itself = CommandBuilder::new(std::env::current_exe().unwrap());
    itself.args(["--exact", "top::panics_on_the_screen", "--ignored", "--nocapture"]);
    let mut terminal = Terminal::open(&sandbox, itself, (80, 24));
    assert_ne!(terminal.ends(), 0);
    let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
    let (taken, left) = (raw.find("\u{1b}[?1049h").unwrap(), raw.find("\u{1b}[?1049l").unwrap());
    let said = raw.find("panicked at").unwrap();
    assert!(taken < left && left < said, "{raw}");
    assert_eq!(raw.matches("\u{1b}[?1049l").count(), 1, "the cursor stays behind the message: {raw}");
    terminal.is_whole();
}

/// Not a test: what the test above looks at.
#[test]
#[ignore = "panics on purpose"]
fn panics_on_the_screen() {
    let mut screen = modelctl::ui::Screen::open().unwrap();
    screen.draw(|frame| frame.render_widget("all is well", frame.area())).unwrap();
    panic!("on purpose");
}

/// Ctrl-Z gives the shell a terminal that it can use, and `fg` goes on where it was.
#[test]
fn it_is_suspended_and_goes_on() {
    let sandbox = sandbox();
    let _daemon = Daemon::start(&sandbox, "", &[]);
    let program = sandbox.command(["top"]).get_program().to_str().unwrap().to_owned();
    let mut shell = CommandBuilder::new("sh");
    shell.arg("-i");
    let mut terminal = Terminal::open(&sandbox, shell, (200, 40));
    terminal.press("stty -g | tr -c '0-9a-f:\\n' x; echo one\r");
    terminal.shows("\none");
    let modes = |terminal: &Terminal| -> Vec<String> {
        let is_modes = |line: &&str| line.matches(':').count() > 10;
        let text = terminal.text();
        // The prompt may stand before them.
        let words = text.lines().filter_map(|line| line.split_whitespace().last());
        words.filter(is_modes).map(str::to_owned).collect()
    };
    assert_eq!(modes(&terminal).len(), 1, "{}", terminal.text());
    terminal.press(&format!("{program} top\r"));
    terminal.shows("● live");
    terminal.press("\u{1a}");
    terminal.until("the shell", |terminal| !terminal.is_alternate() && terminal.text().contains("Stopped"));
    terminal.press("stty -g | tr -c '0-9a-f:\\n' x; echo two\r");
    terminal.shows("\ntwo");
    let seen = modes(&terminal);
    assert!(seen.len() == 2 && seen[0] == seen[1], "{seen:?}\n{}", terminal.text());
    terminal.press("fg\r");
    terminal.until("the screen", |terminal| terminal.is_alternate() && terminal.text().contains("● live"));
    // Another program stops it: the shell has to be as usable.
    let shell = terminal.pid().as_raw_nonzero().get().cast_unsigned();
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    let child = children.split_whitespace().last().unwrap().parse().unwrap();
    rustix::process::kill_process(Pid::from_raw(child).unwrap(), Signal::TSTP).unwrap();
    // What is typed before the shell says so could be read by the program that is being stopped.
    let is_stopped_again = |terminal: &Terminal| terminal.text().matches("Stopped").count() == 2;
    terminal.until("the shell", |terminal| !terminal.is_alternate() && is_stopped_again(terminal));
    terminal.press("stty -g | tr -c '0-9a-f:\\n' x; echo three\r");
    terminal.shows("\nthree");
    assert_eq!(modes(&terminal).last(), seen.first(), "{}", terminal.text());
    terminal.press("fg\r");
    terminal.until("the screen", |terminal| terminal.is_alternate() && terminal.text().contains("● live"));
    terminal.press("q");
    let is_prompt = |terminal: &Terminal| terminal.text().trim_end().ends_with('$');
    terminal.until("the shell again", |terminal| !terminal.is_alternate() && is_prompt(terminal));
    terminal.press("exit\r");
    terminal.ends();
}

/// A figure that is not of now must never look as if it were.
#[test]
fn a_daemon_that_is_killed_is_said_and_the_next_one_is_shown() {
    let sandbox = sandbox();
    let daemon = Daemon::start(&sandbox, "", &[]);
    let mut top = top(&sandbox);
    top.shows("● live");
    drop(daemon);
    top.shows("disconnected since");
    top.shows("all figures are from");
    top.shows("tiny");
    top.press("s");
    top.shows("models cannot be started");
    top.press("\u{1b}");
    let _daemon = Daemon::start(&sandbox, "", &[]);
    top.shows("● live");
    top.until("no word of before", |top| !top.text().contains("not connected"));
    top.press("q");
    assert_eq!(top.ends(), 0);
    top.is_whole();
}

#[test]
fn without_a_daemon_it_shows_the_database_and_finds_one_that_starts() {
    let sandbox = sandbox();
    let mut top = top(&sandbox);
    top.shows("no daemon is running for this database");
    top.shows("tiny");
    top.shows("stopped");
    let _daemon = Daemon::start(&sandbox, "", &[]);
    top.shows("● live");
    top.press("q");
    assert_eq!(top.ends(), 0);
}

/// Names come from files of strangers; a terminal must not be driven by them, nor one that has neither colours nor UTF-8 get any.
#[test]
fn hostile_names_are_text_and_a_poor_terminal_gets_what_it_can_show() {
    let sandbox = Sandbox::new();
    for name in ["a\u{1b}[31mred\u{7}", "right\u{202e}left", "模型"] {
        sandbox.write(&format!("{name}.gguf"), &small_model(name));
    }
    sandbox.run(["scan", "-q"]).ok();
    for (args, locale) in [(&["top", "--ascii", "--color", "never"][..], "C.UTF-8"), (&["top"], "C")] {
        let mut command = CommandBuilder::new(sandbox.command(["top"]).get_program());
        command.args(args);
        command.env("LC_ALL", locale);
        command.env("NO_COLOR", "1");
        let mut top = Terminal::open(&sandbox, command, (200, 30));
        top.shows("\\x1b[31mred\\x07");
        top.shows("right\\u{202e}left");
        top.shows("\\u{6a21}\\u{578b}");
        top.press("q");
        assert_eq!(top.ends(), 0);
        assert!(top.raw.is_ascii(), "{}", String::from_utf8_lossy(&top.raw));
        let raw = String::from_utf8_lossy(&top.raw).into_owned();
        // Colours are 30 to 37, 38, 40 to 47, 48 and the bright ones.
        let colors = raw.split("\u{1b}[").skip(1).filter_map(|rest| rest.split_once('m').map(|(codes, _)| codes));
        let colored = colors.filter(|codes| codes.bytes().all(|b| b.is_ascii_digit() || b == b';'));
        let wrong: Vec<&str> = colored
            .filter(|codes| codes.split(';').any(|code| matches!(code.parse(), Ok(30..=38 | 40..=48 | 90..=107))))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

/// Scripts read it, and `watch` and cron show it.
#[test]
fn a_pipe_and_once_get_one_table_and_json_one_document() {
    let sandbox = sandbox();
    let daemon = Daemon::start(&sandbox, "", &[]);
    for args in [&["top"][..], &["top", "--once"]] {
        let run = sandbox.run(args).ok();
        let lines: Vec<&str> = run.out.lines().collect();
        assert!(lines.len() == 3 && lines[0].starts_with("NAME") && run.err.is_empty(), "{run:?}");
        assert!(lines[1].starts_with("other") && lines[1].contains("stopped"), "{run:?}");
        assert!(!run.out.contains('\u{1b}'));
    }
    let seen = sandbox.run(["top", "--json"]).ok().json();
    assert_eq!((&seen["schema"], &seen["source"]), (&json!("modelctl.top/1"), &json!("daemon")));
    assert_eq!((&seen["models"][1]["name"], &seen["models"][1]["state"]), (&json!("tiny"), &json!("stopped")));
    assert!(seen["devices"].is_array() && seen["pressures"].is_array(), "{seen}");
    assert_eq!((&seen["no_daemon"], &seen["daemon"]["paused"]), (&json!(null), &json!(false)));
    let mut dumb = Terminal::open(
        &sandbox,
        {
            let mut command = CommandBuilder::new(sandbox.command(["top"]).get_program());
            command.args(["top"]);
            command.env("TERM", "dumb");
            command
        },
        (80, 24),
    );
    assert_eq!(dumb.ends(), 0);
    assert!(dumb.text().contains("NAME") && !dumb.raw.contains(&0x1b), "{}", dumb.text());
    drop(daemon);
    let run = sandbox.run(["top", "--once"]).ok();
    assert!(run.out.contains("tiny") && run.err.contains("no daemon is running for this database"), "{run:?}");
    let seen = sandbox.run(["top", "--json"]).ok().json();
    assert_eq!((&seen["source"], &seen["devices"], &seen["daemon"]), (&json!("database"), &json!(null), &json!(null)));
    assert_eq!(seen["models"].as_array().unwrap().len(), 2);
    let empty = Sandbox::new();
    let run = finish(empty.command(["top", "--once"]).output().unwrap()).ok();
    assert!(run.out.is_empty() && run.err.contains("modelctl scan"), "{run:?}");
}
