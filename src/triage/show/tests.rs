use super::*;
use crate::display::text::width;
use crate::node::log::LifeEnd;
use crate::triage::testing::{fails, flaps, healthy_facts};
use crate::triage::{JudgeOptions, judge};

fn text(lines: &[Line]) -> String {
    lines.iter().map(|line| line.text.clone() + "\n").collect()
}

fn shown(facts: &crate::triage::facts::Facts, width: usize) -> Vec<Line> {
    show(&judge(facts, &JudgeOptions::default()), Layout { width, all: false })
}

/// The first screen of an incident: what is wrong, what proves it, what to do.
#[test]
fn the_first_line_names_service_verb_and_cause() {
    let mut facts = healthy_facts();
    flaps(
        &mut facts.services[0],
        LifeEnd::Exited { code: 7, expected: false },
        &[2.0; 6],
        &["E a message that is quite long and has to be broken at eighty columns, because it goes on and on"],
    );
    let lines = shown(&facts, 80);
    assert!(lines[0].text.starts_with("llama is flapping: started 7 times within"), "{}", text(&lines));
    assert_eq!(lines[0].tone, Tone::Bad);
    let all = text(&lines);
    for words in ["  proof\n", "/var/log/llama.err:7", "  step ", "tail -8000 llama stderr", "SUP-10, critical, proven"]
    {
        assert!(all.contains(words), "{words:?} is not in\n{all}");
    }
    // A command is never broken.
    for line in lines.iter().filter(|line| !line.text.trim_start().starts_with("$ ")) {
        assert!(width(&line.text) <= 80, "{}: {}", width(&line.text), line.text);
    }
}

#[test]
fn several_causes_are_numbered() {
    let mut facts = healthy_facts();
    facts.services.push(crate::triage::testing::healthy_service("web", crate::model::service::Role::Api));
    for service in &mut facts.services {
        fails(service, LifeEnd::Exited { code: 1, expected: false }, &["E no"]);
    }
    let all = text(&shown(&facts, 80));
    assert!(all.starts_with("2 causes, in causal order\n\n1. llama is down: "), "{all}");
    assert!(all.contains("\n2. web is down: "), "{all}");
}

#[test]
fn a_healthy_node_is_a_few_lines() {
    let lines = shown(&healthy_facts(), 80);
    let all = text(&lines);
    assert!(all.starts_with("healthy: 1 service, no problem since "), "{all}");
    assert!(all.contains("  llama RUNNING, pid 100, since "), "{all}");
    assert!(lines.len() < 10, "{all}");
}

/// A log line can hold what a terminal acts on.
#[test]
fn nothing_of_a_log_reaches_a_terminal_unescaped() {
    let mut facts = healthy_facts();
    fails(&mut facts.services[0], LifeEnd::Exited { code: 1, expected: false }, &["E \x1b[2J\u{202e}evil\nnext"]);
    let all = text(&shown(&facts, 80));
    assert!(!all.contains('\x1b') && !all.contains('\u{202e}') && all.contains("\\x1b[2J"), "{all}");
}

#[test]
fn a_path_is_never_broken() {
    let mut lines = Lines::new(40);
    lines.wrapped(Tone::Plain, "  ", "at /a/very/long/path/that/has/more/than/forty/columns/in/it.gguf it ends");
    let lines: Vec<String> = lines.into_vec().into_iter().map(|line| line.text).collect();
    assert_eq!(lines, ["  at", "  /a/very/long/path/that/has/more/than/forty/columns/in/it.gguf", "  it ends"]);
}

#[test]
fn a_command_can_be_pasted() {
    let words = ["sh", "-c", "echo it's", "", "/a/b"].map(str::to_owned);
    assert_eq!(shell(&words), r"sh -c 'echo it'\''s' '' /a/b");
}
