//! The real models that `make fixtures` fetches.

use std::path::PathBuf;

fn fixture(name: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache"));
    let path = cache.join("modelctl/fixtures").join(name);
    assert!(path.exists(), "{} is missing: run `make fixtures`", path.display());
    path
}

/// SmolLM2-135M-Instruct, Q4_1, with a chat template.
pub fn smollm2() -> PathBuf {
    fixture("SmolLM2-135M-Instruct.Q4_1.gguf")
}

/// Gemma 3 270M, Q4_K_M, a base model without a chat template.
pub fn gemma() -> PathBuf {
    fixture("gemma-3-270m-q4_k_m.gguf")
}

/// The folder with huggingface_hub and what it needs, for `PYTHONPATH`.
pub fn huggingface_hub() -> PathBuf {
    fixture("python/huggingface_hub-2.4.0")
}

/// The right to run an engine: held by one test at a time over all processes, since engines that share two cores take
/// minutes for what one does in seconds, and limits that tell a hang from work would have to grow with them.
#[cfg(feature = "llama")]
pub fn engine_turn() -> std::fs::File {
    let turn = std::fs::File::create(std::env::temp_dir().join("modelctl-test-engine.lock")).unwrap();
    turn.lock().unwrap();
    turn
}
