//! Models that programs other than the daemon have.

use crate::gguf::fixture::small_model;
use crate::sandbox::Sandbox;
use serde_json::{Value, json};
use std::fs::File;

/// Whoever wonders why a prune leaves a model alone, or what fills the memory, sees which process has it: without a daemon
/// too.
#[test]
fn a_model_that_another_program_has_open_is_listed_with_its_process() {
    let sandbox = Sandbox::new();
    let model = sandbox.write("held.gguf", &small_model("held"));
    sandbox.write("free.gguf", &small_model("free"));
    sandbox.run(["scan"]).ok();
    let idle = sandbox.run(["ps"]).ok();
    assert!(idle.out.is_empty() && idle.err.contains("no model is loaded or open"), "{idle:?}");
    assert!(idle.err.contains("`modelctl serve` starts one"), "{idle:?}");

    let held = File::open(&model).unwrap();
    let found = sandbox.run(["ps", "--json"]).ok().document();
    assert_eq!((&found["schema"], &found["daemon"]), (&json!("modelctl.ps/1"), &json!(false)));
    let names: Vec<&Value> = found["models"].as_array().unwrap().iter().map(|model| &model["name"]).collect();
    assert_eq!(names, [&json!("held")], "{found}");
    let user = &found["models"][0]["users"][0];
    assert_eq!((&user["pid"], &user["how"]), (&json!(std::process::id()), &json!("open")), "{found}");
    assert!(user["since"].as_str().unwrap().starts_with("20") && user["memory_bytes"].as_u64().unwrap() > 0, "{found}");
    let table = sandbox.run(["ps"]).ok().out;
    assert!(table.starts_with("MODEL") && table.contains(&std::process::id().to_string()), "{table}");

    drop(held);
    assert_eq!(sandbox.run(["ps", "--json"]).ok().document()["models"], json!([]));
}
