//! Screens as a person sees them, compared with those in `screens/`. Where one differs, the new one is written and the test
//! fails once: look at it, and commit it.

use super::super::state::tests::{live, press, state};
use super::super::state::{Event, State};
use super::{Theme, draw};
use crate::clock::Timestamp;
use crate::ops::daemon::{Hour, LogRow, Queue};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use serde_json::json;
use std::fs;
use std::path::Path;

const PLAIN: Theme = Theme { is_ascii: false, is_colored: false };
const ASCII: Theme = Theme { is_ascii: true, is_colored: false };

fn terminal(state: &State, theme: Theme, (width, height): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, theme)).unwrap();
    terminal
}

fn screen(state: &State, theme: Theme, size: (u16, u16)) -> String {
    let terminal = terminal(state, theme, size);
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for y in 0..size.1 {
        let (mut line, mut x) = (String::new(), 0);
        while x < size.0 {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // A wide character takes the cell after its own.
            x += u16::try_from(crate::ui::text::width(symbol)).unwrap().max(1);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The screens that differ from those of before.
#[derive(Default)]
struct Screens(Vec<String>);

impl Screens {
    fn look(&mut self, name: &str, state: &State, theme: Theme, size: (u16, u16)) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/cli/top/draw/screens/{name}.txt"));
        let seen = screen(state, theme, size);
        if fs::read_to_string(&path).ok().as_deref() != Some(&seen) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &seen).unwrap();
            self.0.push(format!("{name}:\n{seen}"));
        }
        let wide = seen.lines().find(|line| crate::ui::text::width(line) > usize::from(size.0));
        assert_eq!(wide, None);
    }

    #[track_caller]
    fn are_as_before(self) {
        assert!(self.0.is_empty(), "these look otherwise, and are written anew:\n{}", self.0.join("\n"));
    }
}

fn hour() -> Hour {
    serde_json::from_value(json!({
        "step_seconds": 5, "first": 0, "next": 720, "end": 1_795_961_100_i64, "tokens_per_second": [], "queued": [],
        "lanes": [
            {"id": "aaaaaaaaaaaa", "name": "llama", "kind": "model", "runs": [[100, 130, "starting"], [130, 400, "ready"], [400, 720, "busy"]]},
            {"id": "999999999999", "name": "evil\u{1b}[2J\u{202e}name", "kind": "model", "runs": [[0, 10, "starting"], [10, 684, "ready"]]},
            {"id": "dddddddddddd", "name": "phi-4-mini", "kind": "model", "runs": [[500, 700, "ready"], [700, 720, "backoff"]]},
        ],
    }))
    .unwrap()
}

fn queue() -> Queue {
    serde_json::from_value(json!({
        "schema": "modelctl.queue/1", "inference": {"on": false, "since": "2026-11-29T13:05:00Z"},
        "counts": {"queued": 2, "running": 1, "done": 0}, "is_full": false,
        "tasks": [
            {"id": 7, "state": "running", "priority": 0, "wants_model": null, "wants_tier": "fast", "model": "llama",
             "created": "2026-11-29T14:00:00Z", "due": null, "waits_for": null},
            {"id": 8, "state": "queued", "priority": -5, "wants_model": "gemma", "wants_tier": null, "model": null,
             "created": "2026-11-29T12:00:00Z", "due": null, "waits_for": "inference is off"},
        ],
    }))
    .unwrap()
}

fn busy_hour() -> State {
    let mut state = live();
    for seconds in 0..12 {
        state.apply(Event::Tick(Timestamp(state.clock.now.millis() + if seconds == 0 { 0 } else { 5_000 })));
        let speed = f64::from(seconds % 6) * 10.0 + 1.5;
        let rate = json!({"rate/aaaaaaaaaaaa": {"tokens_per_s": speed, "first_p50_ms": 210.0}});
        super::super::state::tests::change(&mut state, rate);
    }
    state.apply(Event::Hour(Ok(hour())));
    state
}

/// An operator looks, and within two seconds sees what runs, what it costs, and why.
#[test]
fn all_is_in_sight_at_60_80_and_200_columns() {
    let mut screens = Screens::default();
    for (width, height) in [(60, 24), (80, 30), (200, 50)] {
        screens.look(&format!("live-{width}"), &busy_hour(), PLAIN, (width, height));
    }
    screens.look("ascii-80", &busy_hour(), ASCII, (80, 30));
    screens.are_as_before();
}

#[test]
fn each_pane_shows_its_rows() {
    let mut screens = Screens::default();
    let mut state = busy_hour();
    press(&mut state, "\t");
    state.apply(Event::Queue(Ok(queue())));
    screens.look("queue-60", &state, PLAIN, (60, 24));
    screens.look("queue-80", &state, PLAIN, (80, 30));
    press(&mut state, "\t");
    screens.look("requests-60", &state, PLAIN, (60, 24));
    screens.look("requests-200", &state, PLAIN, (200, 50));
    press(&mut state, "\t");
    screens.look("events-60", &state, PLAIN, (60, 24));
    press(&mut state, "\t");
    state.wants();
    let line = |text: &str| LogRow { at: None, text: text.into() };
    let lines =
        vec![line("srv  load_model: loading"), line(&format!("bad \u{1b}[2J\u{7}\u{202e}{}", "y".repeat(10_000)))];
    state.apply(Event::Log("aaaaaaaaaaaa".into(), Ok(lines)));
    screens.look("log-80", &state, PLAIN, (80, 30));
    screens.are_as_before();
}

#[test]
fn keys_detail_and_questions_lie_over_the_rest() {
    let mut screens = Screens::default();
    let mut state = busy_hour();
    press(&mut state, "?");
    screens.look("help-60", &state, PLAIN, (60, 24));
    press(&mut state, "qjj\n");
    state.wants();
    let said = ["loaded on CUDA0 (cpu_offload, 20 layers on the GPU, context 8192)", "pinned: never evicted"];
    state.apply(Event::About("bbbbbbbbbbbb".into(), Ok(said.map(str::to_owned).to_vec())));
    screens.look("detail-60", &state, PLAIN, (60, 24));
    screens.look("detail-200", &state, PLAIN, (200, 50));
    press(&mut state, "qgs");
    screens.look("question-60", &state, PLAIN, (60, 24));
    press(&mut state, "n/gem");
    screens.look("filter-80", &state, PLAIN, (80, 30));
    let error =
        ["Failed to start server: it does not fit", "  gemma (pinned)", "hint: `modelctl ps` shows what is loaded"];
    state.apply(Event::Ended("x".into(), Err(error.map(str::to_owned).to_vec())));
    press(&mut state, "\n");
    screens.look("error-80", &state, PLAIN, (80, 30));
    screens.are_as_before();
}

#[test]
fn figures_of_before_and_of_the_database_say_so() {
    let mut screens = Screens::default();
    let mut lost = busy_hour();
    lost.apply(Event::Tick(Timestamp(lost.clock.now.millis() + 20_000)));
    lost.apply(Event::Lost(vec!["the daemon at /run/modelctl.sock does not listen".into()]));
    screens.look("lost-60", &lost, PLAIN, (60, 24));
    let mut without = state();
    screens.look("connecting-60", &without, PLAIN, (60, 24));
    let hint = "hint: start one with `modelctl serve`; nothing listens on /run/modelctl.sock";
    without.apply(Event::Lost(vec!["no daemon is running for this database: /srv/modelctl.db".into(), hint.into()]));
    without.apply(Event::Database(Ok(Vec::new())));
    screens.look("empty-60", &without, PLAIN, (60, 24));
    screens.are_as_before();
}

/// Whoever shrinks a window to nothing must not lose the program.
#[test]
fn any_size_is_drawn() {
    let mut state = busy_hour();
    for keys in ["", "?", "q\n", "q\t", "\t", "\t", "\t", "/x"] {
        press(&mut state, keys);
        for width in [1, 7, 40, 60, 80, 110, 300] {
            for height in [1, 2, 3, 8, 24, 60] {
                for theme in [PLAIN, ASCII] {
                    terminal(&state, theme, (width, height));
                }
            }
        }
    }
}

#[test]
fn ascii_is_ascii_and_no_colour_is_none() {
    let mut state = busy_hour();
    for keys in ["", "?", "q\n", "q\t", "\t", "\t", "\t"] {
        press(&mut state, keys);
        let drawn = screen(&state, ASCII, (120, 40));
        assert!(drawn.is_ascii(), "{drawn}");
        let terminal = terminal(&state, PLAIN, (120, 40));
        let colored =
            terminal.backend().buffer().content().iter().any(|cell| (cell.fg, cell.bg) != (Color::Reset, Color::Reset));
        assert!(!colored);
    }
    let colored = terminal(&state, Theme { is_colored: true, ..PLAIN }, (120, 40));
    assert!(colored.backend().buffer().content().iter().any(|cell| cell.fg == Color::Green));
}
