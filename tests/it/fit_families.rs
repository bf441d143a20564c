//! The formula over the header against llama.cpp's own layout, for each way a model keeps what was said.

use crate::gguf::fixture::{LOADABLE, aborts, loadable};
use crate::sandbox::Sandbox;
use serde_json::Value;

/// How far compute may be off, as a part of the formula's figure: these models are so small that the mask, which the
/// formula counts for every model and with 4 bytes a cell, outweighs the rest.
fn tolerance(family: &str) -> f64 {
    match family {
        "mamba" | "mamba2" | "rwkv7" => 0.90,
        _ => 0.50,
    }
}

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
        let tolerance = tolerance(family);
        for (ctx, parallel, k, v) in [
            ("512", "1", "f16", "f16"),
            ("5000", "1", "bf16", "bf16"),
            ("8192", "3", "f32", "f32"),
            ("300", "4", "f16", "f16"),
        ] {
            let line =
                ["--ctx", ctx, "--parallel", parallel, "--cache-type-k", k, "--cache-type-v", v, "--fit", "--json"];
            let shown: Value =
                home.run(["show".as_ref(), file.as_os_str()].into_iter().chain(line.map(AsRef::as_ref))).ok().json();
            let difference = &shown["exact"]["difference"];
            let formula = &shown["memory"];
            let off =
                difference["compute_bytes"].as_f64().unwrap_or(f64::NAN) / formula["compute_bytes"].as_f64().unwrap();
            println!(
                "{family} ctx {ctx} x{parallel} {k}/{v}: formula {formula} difference {difference} compute {off:+.3}"
            );
            // NaN is neither: llama.cpp gave no figure.
            let close = off.abs() <= tolerance;
            // The CPU buffer rounds each tensor up to 32 bytes; those of these models are small enough to show it.
            let padded = difference["weights_bytes"].as_u64().is_some_and(|n| n <= 256 && n % 32 == 0 || n == 0);
            if !padded || difference["kv_cache_bytes"] != 0 || !close {
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
    assert!(shown["memory"].is_object(), "{shown}");
    let why = shown["exact"]["devices_unknown"].as_str().unwrap();
    assert!(why.contains("SIGABRT") || why.contains("signal 6"), "{why}");
}
