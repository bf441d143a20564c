//! The formula over the header against llama.cpp's own layout, for each way a model keeps what was said.

use crate::sandbox::Sandbox;
use modelctl::gguf::fixture::{LOADABLE, aborts, loadable};
use serde_json::Value;

/// How far the formula for compute may be off: it counts the largest node, and llama.cpp's allocator shares buffers.
const TOLERANCE: [(&str, f64); 9] = [
    ("llama", 9.0),
    ("gemma2", 9.0),
    ("qwen2moe", 9.0),
    ("deepseek2", 9.0),
    ("mamba", 9.0),
    ("mamba2", 9.0),
    ("jamba", 9.0),
    ("rwkv7", 9.0),
    ("lfm2", 9.0),
];

#[test]
fn weights_and_cache_are_those_of_llama_in_every_family() {
    let home = Sandbox::new();
    for family in LOADABLE {
        home.write(&format!("{family}.gguf"), &loadable(family));
    }
    home.run(["scan"]).ok();
    let mut wrong = Vec::new();
    for family in LOADABLE {
        let file = home.models().join(format!("{family}.gguf"));
        let tolerance = TOLERANCE.iter().find(|(name, _)| *name == family).map(|(_, t)| *t).unwrap();
        for (ctx, parallel, k, v) in [
            ("512", "1", "f16", "f16"),
            ("5000", "1", "q8_0", "q8_0"),
            ("8192", "3", "f32", "f16"),
            ("300", "4", "f16", "f16"),
        ] {
            let line =
                ["--ctx", ctx, "--parallel", parallel, "--cache-type-k", k, "--cache-type-v", v, "--fit", "--json"];
            let shown: Value =
                home.run(["show".as_ref(), file.as_os_str()].into_iter().chain(line.map(AsRef::as_ref))).ok().json();
            let difference = &shown["exact"]["difference"];
            let formula = &shown["memory"]["known"];
            let off = difference["compute"].as_f64().unwrap_or(f64::NAN) / formula["compute"].as_f64().unwrap();
            println!(
                "{family} ctx {ctx} x{parallel} {k}/{v}: formula {formula} difference {difference} compute {off:+.3}"
            );
            // NaN is neither: llama.cpp gave no figure.
            let close = off.abs() <= tolerance;
            if difference["weights"] != 0 || difference["kv_cache"] != 0 || !close {
                wrong.push(format!("{family} {ctx} {parallel}: {difference} {off} {}", shown["exact"]["devices"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_model_that_ends_the_process_of_llama_costs_a_reason_and_not_the_command() {
    let home = Sandbox::new();
    let file = home.write("aborts.gguf", &aborts());
    home.run(["scan"]).ok();
    let shown = home.run(["show".as_ref(), file.as_os_str(), "--fit".as_ref(), "--json".as_ref()]).ok().json();
    assert!(shown["memory"]["known"].is_object(), "{shown}");
    let why = shown["exact"]["devices"]["unavailable"].as_str().unwrap();
    assert!(why.contains("SIGABRT") || why.contains("signal 6"), "{why}");
}
