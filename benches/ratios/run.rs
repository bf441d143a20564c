//! One offloaded prompt on a real model against a plain loop over llama-cpp-2, quiet and with a busy neighbour.

use crate::header::text;
use crate::measure::{BusyNeighbour, first_byte, in_turns, output, wall};
use crate::real_models::{self, SMOLLM2};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use std::path::Path;

const PROMPT: &str = "Tell a long story about a lighthouse keeper who finds a letter in a bottle.";
const TOKENS: &str = "128";

pub fn measure(stage: &Stage, table: &mut Table) {
    if !cfg!(feature = "llama") {
        table.missing("run-once", "built without llama.cpp");
        return;
    }
    let db = stage.db("run");
    stage.forget(&db);
    wall(&mut stage.modelctl(&db, &["scan", text(&real_models::folder())]));
    let path = SMOLLM2.path();
    let rates = |rounds| in_turns(rounds, || ours(stage, &db), || plain(stage, &path));

    table.compare("run-once, quiet machine", Unit::TokensPerSecond, rates(5), "plain llama-cpp-2 loop", Goal::None);
    {
        let _busy = BusyNeighbour::on_every_core(stage);
        let what = "run-once, a busy process on each core";
        table.compare(what, Unit::TokensPerSecond, rates(3), "plain llama-cpp-2 loop", Goal::None);
    }

    let few = "4";
    let times = in_turns(
        7,
        || {
            let args = ["run-once", "--model", SMOLLM2.short, "--max-tokens", few, "--prompt", PROMPT];
            first_byte(&mut stage.modelctl(&db, &args)).as_secs_f64()
        },
        || first_byte(&mut stage.role(&["plain-loop", text(&path), PROMPT, few])).as_secs_f64(),
    );
    table.compare("start of the program to first token", Unit::Seconds, times, "plain llama-cpp-2 loop", Goal::None);
}

/// Tokens per second while generating, prompt and load apart, as `run-once` itself reports them.
fn ours(stage: &Stage, db: &Path) -> f64 {
    let args = ["run-once", "--json", "--model", SMOLLM2.short, "--max-tokens", TOKENS, "--prompt", PROMPT];
    let answer = output(&mut stage.modelctl(db, &args));
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("run-once --json prints JSON");
    find(&answer, "predicted_per_second").unwrap_or_else(|| panic!("no rate in {answer}"))
}

fn plain(stage: &Stage, model: &Path) -> f64 {
    let text = output(&mut stage.role(&["plain-loop", text(model), PROMPT, TOKENS]));
    let last = text.lines().last().unwrap_or_default();
    last.strip_prefix("rate ").and_then(|r| r.parse().ok()).unwrap_or_else(|| panic!("no rate in {text}"))
}

/// The number under that key, however deep.
fn find(value: &serde_json::Value, key: &str) -> Option<f64> {
    match value {
        serde_json::Value::Object(map) => {
            map.get(key).and_then(serde_json::Value::as_f64).or_else(|| map.values().find_map(|v| find(v, key)))
        }
        serde_json::Value::Array(list) => list.iter().find_map(|v| find(v, key)),
        _ => None,
    }
}
