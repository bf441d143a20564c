//! The real models that `make fixtures` fetches.

use std::path::PathBuf;

pub struct RealModel {
    /// How it is named in tables, and a pattern by which the command line finds it.
    pub short: &'static str,
    file: &'static str,
}

pub const SMOLLM2: RealModel = RealModel { short: "smollm2", file: "SmolLM2-135M-Instruct.Q4_1.gguf" };
pub const GEMMA: RealModel = RealModel { short: "gemma", file: "gemma-3-270m-q4_k_m.gguf" };
pub const ALL: [RealModel; 2] = [SMOLLM2, GEMMA];

impl RealModel {
    /// Its full name: HTTP APIs take no patterns.
    #[allow(dead_code, reason = "the benchmark of headers shares this file and asks no API")]
    pub fn name(&self) -> &'static str {
        self.file.strip_suffix(".gguf").expect("a GGUF file")
    }

    pub fn path(&self) -> PathBuf {
        let path = folder().join(self.file);
        assert!(path.is_file(), "{} is missing: run `make fixtures`", path.display());
        path
    }
}

pub fn folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache"));
    cache.join("modelctl/fixtures")
}
