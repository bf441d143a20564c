//! The real models that `make fixtures` fetches.

#[cfg(feature = "llama")]
use std::os::unix::fs::FileExt;
#[cfg(feature = "llama")]
use std::path::Path;
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

/// Changes a copy of SmolLM2 so that it never ends an answer by itself, whatever it is asked, at any temperature and with
/// any kernels: what must still run when something happens to it then runs. It goes on as well as before.
///
/// The tokens that end an answer are among the control tokens, the first of the vocabulary. Their rows of the embedding,
/// which are their output weights too, become zeros, and with them their logits: some word always has a greater one.
#[cfg(feature = "llama")]
pub fn make_endless(copy: &Path) {
    const CONTROL_TOKENS: u64 = 17;
    let facts = modelctl::gguf::read_path(copy).unwrap().facts;
    assert!(facts.tied_output, "its output has weights of its own");
    let row = facts.token_embd_bytes / facts.vocab_size.unwrap();
    let zeros = vec![0; usize::try_from(CONTROL_TOKENS * row).unwrap()];
    // In this file the embedding is the first tensor.
    std::fs::File::options().write(true).open(copy).unwrap().write_all_at(&zeros, facts.data_offset).unwrap();
}

/// Gemma 3 270M, Q4_K_M, a base model without a chat template.
pub fn gemma() -> PathBuf {
    fixture("gemma-3-270m-q4_k_m.gguf")
}

/// The folder with huggingface_hub and what it needs, for `PYTHONPATH`.
pub fn huggingface_hub() -> PathBuf {
    fixture("python/huggingface_hub-2.4.0")
}

/// The folder with OpenAI's package and what it needs, for `PYTHONPATH`.
#[cfg(feature = "llama")]
pub fn openai() -> PathBuf {
    fixture("python/openai-3.57.0")
}

/// The folder with Ollama's package and what it needs, for `PYTHONPATH`.
#[cfg(feature = "llama")]
pub fn ollama() -> PathBuf {
    fixture("python/ollama-0.6.3")
}

/// The right to run an engine: held by one test at a time over all processes, since engines that share two cores take
/// minutes for what one does in seconds, and limits that tell a hang from work would have to grow with them.
#[cfg(feature = "llama")]
pub fn engine_turn() -> std::fs::File {
    let turn = std::fs::File::create(std::env::temp_dir().join("modelctl-test-engine.lock")).unwrap();
    turn.lock().unwrap();
    turn
}

/// The folder with supervisord, for `PYTHONPATH`.
pub fn supervisor() -> PathBuf {
    fixture("python/supervisor-4.3.0")
}

/// The rules of axe-core, as a script for a browser.
pub fn axe() -> PathBuf {
    fixture("python/axe-playwright-python-0.1.8/axe_playwright_python/axe.min.js")
}
