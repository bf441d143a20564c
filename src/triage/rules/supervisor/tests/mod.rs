//! Every rule with its cause, and with a healthy node that has the same words in its logs.

mod daemon;
mod lives;
mod settings;
mod spawn;

use crate::model::service::Role;
use crate::node::kernel::{KernelLog, OomKill};
use crate::node::log::LifeEnd;
use crate::node::model_file::FileView;
use crate::node::supervisord::{AutoRestart, ProgramState, Refusal};
use crate::node::{Fact, Outcome};
use crate::triage::facts::{Facts, GateFound, Launcher, Library, SupervisordFacts};
use crate::triage::finding::{Changes, Confidence};
use crate::triage::testing::{
    absent, ago, denied, ends_badly, fails, flaps, healthy_facts, healthy_service, hit, hits, known, line_of, says,
    says_all, with_endpoint, with_program, with_settings,
};
use std::path::PathBuf;

const CONFIG: &str = "/etc/supervisor/supervisord.conf";
const PLACE: &str = "/etc/supervisor/conf.d/llama.conf:1";

fn exit(code: i32) -> LifeEnd {
    LifeEnd::Exited { code, expected: false }
}

fn killed(signal: &str) -> LifeEnd {
    LifeEnd::Killed { signal: signal.into() }
}

/// Creates a node whose service fails at each start and writes these lines.
fn failing(end: LifeEnd, lines: &[&str]) -> Facts {
    let mut facts = healthy_facts();
    fails(&mut facts.services[0], end, lines);
    facts
}

/// Asserts that a rule finds nothing in a service that is well and has written these lines.
#[track_caller]
fn is_history(id: &str, lines: &[&str]) {
    let mut facts = healthy_facts();
    says(&mut facts.services[0], lines);
    assert_eq!(hits(id, &facts), [], "{id}");
}

fn main_log_says(facts: &mut Facts, text: &str) {
    let Outcome::Ok { value } = &mut facts.supervisords[0].logs[0].outcome else { panic!() };
    value.marked.push(line_of("/var/log/supervisor/supervisord.log", text));
}
