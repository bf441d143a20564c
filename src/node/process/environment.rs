//! The environment of a process: all names, and the values that are no secret by their name.

use super::super::{Fact, Place, proc_file};
use crate::clock::Timestamp;
use std::collections::BTreeMap;
use std::path::Path;

/// Variables whose values are read. A `*` at the end stands for any rest.
pub const ALLOWED: &[&str] = &[
    "CONDA_PREFIX",
    "CT2_*",
    "CUBLAS_*",
    "CUDA_*",
    "GGML_*",
    "GOMP_*",
    "GPU_DEVICE_ORDINAL",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_DISABLE_XET",
    "HF_HUB_ENABLE_HF_TRANSFER",
    "HF_HUB_OFFLINE",
    "HIP_*",
    "HOME",
    "HSA_*",
    "HUGGINGFACE_HUB_CACHE",
    "INVOCATION_ID",
    "KMP_*",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LLAMA_ARG_*",
    "LLAMA_CACHE",
    "LLAMA_LOG_*",
    "LLAMA_OFFLINE",
    "LOGNAME",
    "MALLOC_ARENA_MAX",
    "MKL_*",
    "NCCL_*",
    "NVIDIA_*",
    "OLLAMA_CONTEXT_LENGTH",
    "OLLAMA_DEBUG",
    "OLLAMA_FLASH_ATTENTION",
    "OLLAMA_GPU_OVERHEAD",
    "OLLAMA_HOST",
    "OLLAMA_INTEL_GPU",
    "OLLAMA_KEEP_ALIVE",
    "OLLAMA_KV_CACHE_TYPE",
    "OLLAMA_LIBRARY_PATH",
    "OLLAMA_LLM_LIBRARY",
    "OLLAMA_LOAD_TIMEOUT",
    "OLLAMA_MAX_LOADED_MODELS",
    "OLLAMA_MAX_QUEUE",
    "OLLAMA_MAX_VRAM",
    "OLLAMA_MODELS",
    "OLLAMA_MULTIUSER_CACHE",
    "OLLAMA_NEW_ENGINE",
    "OLLAMA_NOHISTORY",
    "OLLAMA_NOPRUNE",
    "OLLAMA_NUM_GPU",
    "OLLAMA_NUM_PARALLEL",
    "OLLAMA_NUM_THREADS",
    "OLLAMA_RUNNERS_DIR",
    "OLLAMA_SCHED_SPREAD",
    "OLLAMA_TMPDIR",
    "OLLAMA_VULKAN",
    "OMP_*",
    "OPENBLAS_*",
    "PATH",
    "PORT",
    "PWD",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTORCH_*",
    "ROCM_PATH",
    "ROCR_*",
    "SHELL",
    "SUPERVISOR_ENABLED",
    "SUPERVISOR_GROUP_NAME",
    "SUPERVISOR_PROCESS_NAME",
    "TMPDIR",
    "TORCH_CUDA_ARCH_LIST",
    "TRANSFORMERS_CACHE",
    "TRANSFORMERS_OFFLINE",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "VLLM_USE_V1",
    "VLLM_WORKER_MULTIPROC_METHOD",
    "WEB_CONCURRENCY",
    "XDG_CACHE_HOME",
];

/// Parts of names whose values are never read, whatever the list says.
const NEVER: &[&str] = &["KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CRED", "URL"];
/// Parts of names whose values are read where they are a number or a span of time.
const SPANS: &[&str] = &["WAIT", "TIMEOUT"];

/// Why a process that has ended, and that nobody has waited for, has nothing.
pub(super) const ENDED: &str = "the process has ended and nobody has waited for it yet";
/// Bytes of an environment, variables, and characters of one value that are kept.
const MOST_BYTES: u64 = 4 << 20;
const MOST_VARIABLES: usize = 4000;
const LONGEST: usize = 4096;

/// Returns whether the value of this variable may be kept.
pub fn is_allowed(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if NEVER.iter().any(|part| upper.contains(part)) || has_credentials(value) {
        return false;
    }
    let is_listed = ALLOWED.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    });
    is_listed || (SPANS.iter().any(|part| upper.contains(part)) && is_span(value))
}

/// Returns the variables of a process whose names are wanted; none where they may not be read.
pub fn variables(place: &Place, pid: u32, is_wanted: fn(&str) -> bool) -> Vec<(String, String)> {
    let bytes = proc_file::bytes(&place.at(format!("/proc/{pid}/environ")), MOST_BYTES).unwrap_or_default();
    let pairs = bytes.split(|byte| *byte == 0).filter_map(|pair| {
        let text = String::from_utf8_lossy(pair);
        text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    pairs.filter(|(name, _)| is_wanted(name)).take(MOST_VARIABLES).collect()
}

/// `scheme://user:password@host`
fn has_credentials(value: &str) -> bool {
    value.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// `120`, `0.5`, `2m`
fn is_span(value: &str) -> bool {
    let value = value.trim();
    value.len() <= 24 && (value.parse::<f64>().is_ok() || humantime::parse_duration(value).is_ok())
}

pub(super) fn read(
    folder: &Path,
    source: &str,
    now: Timestamp,
    has_ended: bool,
) -> Fact<BTreeMap<String, Option<String>>> {
    let source = format!("{source}/environ");
    if has_ended {
        return Fact::absent(source, now, ENDED);
    }
    match proc_file::bytes(&folder.join("environ"), MOST_BYTES) {
        Ok(bytes) => Fact::ok(source, now, parse(&bytes)),
        Err(error) => Fact::io_error(source, now, &error, proc_file::OWNER),
    }
}

/// Parses `NAME=VALUE`, each with a NUL at its end. Text without a `=` is left out; of two values the first counts, as
/// for getenv(3).
pub(super) fn parse(bytes: &[u8]) -> BTreeMap<String, Option<String>> {
    let mut all = BTreeMap::new();
    for entry in bytes.split(|byte| *byte == 0) {
        let entry = String::from_utf8_lossy(entry);
        let Some((name, value)) = entry.split_once('=').filter(|(name, _)| !name.is_empty()) else { continue };
        if all.len() >= MOST_VARIABLES {
            break;
        }
        let name: String = name.chars().filter(|c| !c.is_control()).take(256).collect();
        let kept = is_allowed(&name, value).then(|| value.chars().take(LONGEST).collect());
        all.entry(name).or_insert(kept);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_is_kept_by_its_name_alone_and_a_secret_never() {
        let kept = [
            ("CUDA_VISIBLE_DEVICES", ""),
            ("LLAMA_ARG_CTX_SIZE", "4096"),
            ("LLAMA_WAIT_SECONDS", "120"),
            ("START_TIMEOUT", "2m"),
            ("LD_LIBRARY_PATH", "/opt/cuda"),
            ("OLLAMA_KEEP_ALIVE", "-1"),
        ];
        let dropped = [
            ("LLAMA_ARG_API_KEY", "x"),
            ("NVIDIA_API_KEY", "x"),
            ("CUDA_TOKEN", "x"),
            ("HF_TOKEN", "x"),
            ("MY_VARIABLE", "x"),
            ("WEBHOOK_URL", "x"),
            ("AUTH_HASH", "x"),
            ("cuda_password", "x"),
            ("WAIT_FOR", "hunter2"),
            ("KEY_TIMEOUT", "5"),
            ("OLLAMA_HOST", "http://me:hunter2@host"),
        ];
        for (name, value) in kept {
            assert!(is_allowed(name, value), "{name}");
        }
        for (name, value) in dropped {
            assert!(!is_allowed(name, value), "{name}");
        }
    }

    #[test]
    fn every_name_is_there_and_the_first_of_two_values_counts() {
        let all = parse(b"HOME=/root\0PATH=/a\0PATH=/b\0DB_PASSWORD=hunter2\0no equals\0=x\0EMPTY=\0\xff=1\0");
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(names, ["DB_PASSWORD", "EMPTY", "HOME", "PATH", "\u{fffd}"]);
        assert_eq!((all["PATH"].as_deref(), &all["DB_PASSWORD"]), (Some("/a"), &None));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            parse(&bytes);
        }
    }
}
