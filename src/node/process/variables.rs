//! Names of variables: whose values may be read and shown, and whose are secret.

/// Variables whose values may be read and shown. A `*` stands for any text.
const ALLOWED: &[&str] = &[
    "*_CONCURRENCY",
    "*_DEVICE",
    "*_DIR",
    "*_FILE",
    "*_HOST",
    "*_MODE",
    "*_PATH",
    "*_PORT",
    "*_QUEUE",
    "*_QUEUE_NAME",
    "*_SUFFIX",
    "*_THREADS",
    "*_WORKERS",
    "CONDA_PREFIX",
    "CT2_*",
    "CUBLAS_*",
    "CUDA_*",
    "DEVICE",
    "GGML_*",
    "GOMP_*",
    "GPU",
    "GPU_DEVICE_ORDINAL",
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_HUB_DISABLE_XET",
    "HF_HUB_ENABLE_HF_TRANSFER",
    "HF_HUB_OFFLINE",
    "HIP_*",
    "HOME",
    "HOST",
    "HOSTNAME",
    "HSA_*",
    "HUGGINGFACE_HUB_CACHE",
    "INVOCATION_ID",
    "KMP_*",
    "LANG",
    "LC_*",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "LLAMA_ARG_*",
    "LLAMA_CACHE",
    "LLAMA_LOG_*",
    "LLAMA_OFFLINE",
    "LOGNAME",
    "MALLOC_ARENA_MAX",
    "MKL_*",
    "MODEL",
    "MODEL_ID",
    "MODEL_NAME",
    "NCCL_*",
    "NVIDIA_*",
    "OLLAMA_CONTEXT_LENGTH",
    "OLLAMA_DEBUG",
    "OLLAMA_FLASH_ATTENTION",
    "OLLAMA_GPU_OVERHEAD",
    "OLLAMA_INTEL_GPU",
    "OLLAMA_KEEP_ALIVE",
    "OLLAMA_KV_CACHE_TYPE",
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
    "QUEUE",
    "QUEUE_NAME",
    "ROCM_*",
    "ROCR_*",
    "SHELL",
    "SUPERVISOR_ENABLED",
    "SUPERVISOR_GROUP_NAME",
    "SUPERVISOR_PROCESS_NAME",
    "TERM",
    "TMPDIR",
    "TORCH_*",
    "TRANSFORMERS_CACHE",
    "TRANSFORMERS_OFFLINE",
    "TZ",
    "USER",
    "UVICORN_*",
    "VIRTUAL_ENV",
    "VLLM_*",
    "WEB_CONCURRENCY",
    "WHISPER_*",
    "XDG_*",
];

/// Parts of names whose values are never read, whatever the list says.
const NEVER: &[&str] = &["KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CRED", "URL"];
/// Parts of names whose values are read where they are a number or a span of time.
const SPANS: &[&str] = &["WAIT", "TIMEOUT", "SECONDS"];

/// Returns whether the value of this variable may be kept.
pub fn is_allowed(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if NEVER.iter().any(|part| upper.contains(part)) || is_secret_name(&upper) || has_credentials(value) {
        return false;
    }
    let is_listed = ALLOWED.iter().any(|pattern| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(start), _) => name.starts_with(start),
        (None, Some(end)) => name.ends_with(end),
        (None, None) => name == *pattern,
    });
    is_listed || (SPANS.iter().any(|part| upper.contains(part)) && is_span(value))
}

/// Returns whether the value of a variable with this name is secret.
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "CREDENTIAL",
        "WEBHOOK",
        "COOKIE",
        "AUTHORIZATION",
    ];
    const ENDS: &[&str] = &[
        "_KEY", "_PASS", "_PW", "_PWD", "_PAT", "_CREDS", "_SALT", "_SID", "_SEED", "_PIN", "_HASH", "_DSN", "_AUTH",
        "_CONN",
    ];
    // Limits and paths speak of tokens too.
    const HARMLESS: &[&str] = &["TOKENS", "TOKENIZER", "TOKENIZERS_PARALLELISM", "_FILE", "_PATH", "_DIR"];
    let upper = name.to_ascii_uppercase();
    if HARMLESS.iter().any(|harmless| upper.contains(harmless)) {
        return false;
    }
    PARTS.iter().any(|part| upper.contains(part))
        || ENDS.iter().any(|end| upper.ends_with(end))
        || ["KEY", "PASS", "PWD", "PIN", "AUTH"].contains(&upper.as_str())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_by_its_name_alone_and_a_secret_never() {
        let kept = [
            ("CUDA_VISIBLE_DEVICES", ""),
            ("LLAMA_ARG_CTX_SIZE", "4096"),
            ("LLAMA_WAIT_SECONDS", "120"),
            ("START_TIMEOUT", "2m"),
            ("LD_LIBRARY_PATH", "/opt/cuda"),
            ("OLLAMA_KEEP_ALIVE", "-1"),
            ("TASK_QUEUE", "transcribe@gpu"),
            ("WHISPER__INFERENCE_DEVICE", "cuda"),
            ("MODEL_DIR", "/srv/models"),
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
            ("WHISPER_SALT", "x"),
            ("DB_PASSWORD_FILE", "/run/secrets/db"),
            ("CUSTOMER_NAME", "x"),
            ("OLLAMA_HOST", "http://me:hunter2@host"),
        ];
        for (name, value) in kept {
            assert!(is_allowed(name, value), "{name}");
        }
        for (name, value) in dropped {
            assert!(!is_allowed(name, value), "{name}");
        }
    }
}
