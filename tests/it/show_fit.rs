//! `show --fit`: the memory of a model by formula and by llama.cpp.

use crate::fixtures;
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::path::Path;

/// The id of a model that was scanned.
fn scanned(home: &Sandbox, file: &Path) -> String {
    home.run(["scan"]).ok();
    let shown: Value = home.run(["show".as_ref(), file.as_os_str(), "--json".as_ref()]).ok().json();
    shown["id"].as_str().unwrap().to_owned()
}

#[cfg(not(feature = "llama"))]
#[test]
fn a_build_without_llama_says_so_and_shows_the_formula() {
    let home = Sandbox::new();
    let file = home.place(&fixtures::smollm2(), "m.gguf");
    let id = scanned(&home, &file);
    let shown: Value = home.run(["show", &id, "--fit", "--json"]).ok().json();
    assert!(shown["memory"]["weights_bytes"].is_u64(), "{shown}");
    let why = shown["exact"]["devices_unknown"].as_str().unwrap();
    assert!(why.contains("engine") || why.contains("llama"), "{why}");
}

#[cfg(feature = "llama")]
mod real {
    use super::*;

    #[test]
    fn the_formula_agrees_with_llama_and_the_answer_is_kept() {
        for (path, k) in [(fixtures::smollm2(), "f16"), (fixtures::gemma(), "q8_0")] {
            let home = Sandbox::new();
            let file = home.place(&path, "m.gguf");
            let id = scanned(&home, &file);
            for (ctx, parallel) in [("512", "1"), ("5000", "1"), ("8192", "3")] {
                let line = ["show", &id, "--ctx", ctx, "--parallel", parallel, "--cache-type-k", k, "--json"];
                assert!(home.run(line).ok().json()["exact"].is_null(), "nobody asked yet");
                let shown = home.run(line.iter().chain(&["--fit"])).ok().json();
                let difference = &shown["exact"]["difference"];
                assert_eq!(difference["weights_bytes"], 0, "{shown}");
                assert_eq!(difference["kv_cache_bytes"], 0, "{shown}");
                let formula = shown["memory"]["compute_bytes"].as_f64().unwrap();
                assert!(difference["compute_bytes"].as_f64().unwrap().abs() / formula < 0.06, "{shown}");
                // Without the flag no child is ever started, so that this one comes from the database.
                assert_eq!(home.run(line).ok().json()["exact"], shown["exact"]);
            }
            // A file that is not the one of the scan has no figure.
            std::fs::remove_file(&file).unwrap();
            let again = ["show", &id, "--ctx", "512", "--cache-type-k", k, "--json", "--fit"];
            let gone = home.run(again).ok().json();
            assert!(gone["exact"]["devices_unknown"].as_str().unwrap().contains("scan"), "{gone}");
        }
    }

    #[test]
    fn a_file_that_llama_refuses_costs_a_reason_and_not_the_command() {
        // A whole header by our rules, and no model by llama.cpp's: an output matrix and nothing else.
        let mut gguf = b"GGUF".to_vec();
        gguf.extend(3u32.to_le_bytes());
        gguf.extend(1u64.to_le_bytes());
        gguf.extend(1u64.to_le_bytes());
        let text = |s: &str| [&(s.len() as u64).to_le_bytes()[..], s.as_bytes()].concat();
        gguf.extend([text("general.architecture"), 8u32.to_le_bytes().to_vec(), text("llama")].concat());
        gguf.extend([text("output.weight"), 1u32.to_le_bytes().to_vec(), 8u64.to_le_bytes().to_vec()].concat());
        gguf.extend([0u32.to_le_bytes().to_vec(), 0u64.to_le_bytes().to_vec()].concat());
        gguf.resize(gguf.len().next_multiple_of(32) + 32, 0);
        let home = Sandbox::new();
        let file = home.write("bad.gguf", &gguf);
        let id = scanned(&home, &file);
        let shown = home.run(["show", &id, "--fit", "--json"]).ok().json();
        assert!(shown["memory"].is_object(), "{shown}");
        assert!(!shown["exact"]["devices_unknown"].as_str().unwrap().is_empty(), "{shown}");
        let person = home.run(["show", &id, "--fit"]).ok();
        assert!(person.out.contains("unknown: "), "{person:?}");
    }
}
