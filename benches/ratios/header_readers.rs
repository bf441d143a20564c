//! The two header readers that run in this process. Each answers how many tensors it found, so that nobody can skip
//! the work.

use std::path::Path;

pub fn ours(path: &Path) -> u64 {
    modelctl::gguf::read_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).facts.n_tensors
}

#[cfg(feature = "llama")]
pub fn ggml(path: &Path) -> u64 {
    let header = llama_cpp_2::gguf::GgufContext::from_file(path).unwrap_or_else(|| panic!("{}", path.display()));
    u64::try_from(header.n_tensors()).expect("a count")
}
