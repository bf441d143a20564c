//! Reading the header of the two real models: ours, ggml's, PyPI's.

use crate::measure::{in_turns, peak, wall};
use crate::real_models::{self, RealModel};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use std::path::Path;

const MEMORY: Goal = Goal::AtMost(16e6);

pub fn measure(stage: &Stage, table: &mut Table) {
    for model in real_models::ALL {
        in_process(stage, table, &model);
        whole_process(stage, table, &model);
    }
    let folder = real_models::folder();
    let db = stage.db("header");
    stage.forget(&db);
    let scan = stage.modelctl(&db, &["scan", text(&folder)]);
    table.alone("scan of the two real models, peak memory", Unit::Bytes, peak(stage, &scan), MEMORY);
}

/// What criterion measured just before, in `benches/header.rs`.
fn in_process(stage: &Stage, table: &mut Table, model: &RealModel) {
    let what = format!("header of {}", model.short);
    let seconds = |reader: &str| -> Option<f64> {
        let path = stage.criterion.join("header").join(reader).join(model.short).join("new/estimates.json");
        let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        Some(estimates["median"]["point_estimate"].as_f64()? / 1e9)
    };
    match (seconds("ours"), seconds("ggml")) {
        (Some(ours), Some(ggml)) => {
            table.compare(what, Unit::Seconds, (ours, ggml), "ggml's reader", Goal::TimesLess(10.0));
        }
        _ => table.missing(what, "run `cargo bench --bench header` with the engine first"),
    }
}

fn whole_process(stage: &Stage, table: &mut Table, model: &RealModel) {
    let path = model.path();
    let (ours, ggml) = (["header-ours", text(&path)], ["header-ggml", text(&path)]);
    let own_peak = peak(stage, &stage.role(&ours));
    let memory = format!("header of {}, peak memory", model.short);
    if cfg!(feature = "llama") {
        let theirs = peak(stage, &stage.role(&ggml));
        table.compare(&memory, Unit::Bytes, (own_peak, theirs), "ggml's reader", MEMORY);
    } else {
        table.missing(&memory, "built without llama.cpp");
    }
    let what = format!("header of {}, whole process", model.short);
    match stage.python_reader(&path) {
        Some(python) => {
            let again = || stage.python_reader(&path).expect("it was there just now");
            let times = in_turns(3, || wall(&mut stage.role(&ours)).as_secs_f64(), || wall(&mut again()).as_secs_f64());
            table.compare(what, Unit::Seconds, times, "PyPI gguf", Goal::None);
            table.compare(memory, Unit::Bytes, (own_peak, peak(stage, &python)), "PyPI gguf", MEMORY);
        }
        None => table.missing(what, "PyPI's gguf is not in target/bench/python"),
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("the path of the benchmark is UTF-8")
}
