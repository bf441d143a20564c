//! Words that look random: keys and passwords that nothing names.

use std::ops::Range;

/// Shortest run of letters and digits that is judged.
const SHORTEST: usize = 20;

/// Returns the places of random words. Paths, hashes that say that they are one, commits, ids with dashes and the names of
/// model files are none.
pub fn random_words(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split(is_boundary) {
        let (start, end) = (at, at + word.len());
        at = end + text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        if word.len() < SHORTEST || is_path(word) || is_named_hash(word) || word.starts_with("_Z") || has_file_end(word)
        {
            continue;
        }
        if is_random(&word.chars().filter(char::is_ascii_alphanumeric).collect::<String>()) && has_long_run(word) {
            found.push(start..end);
            continue;
        }
        let mut run_at = start;
        for run in word.split(|c: char| !is_of_run(c)) {
            if run.len() >= SHORTEST && is_random(run) {
                found.push(run_at..run_at + run.len());
            }
            run_at += run.len()
                + text.get(run_at + run.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        }
    }
    found
}

fn is_boundary(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '`' | ',' | ';' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '=' | '|' | '\\')
}

fn is_of_run(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '+'
}

/// Returns whether one part between dashes, dots and slashes is long enough to be random by itself.
fn has_long_run(word: &str) -> bool {
    let is_short = |part: &str| part.len() < 12;
    let mut parts = word.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    // A key in base64 has few signs among its letters; a name of a model has many.
    !parts.all(is_short)
}

fn is_path(word: &str) -> bool {
    let word = word.trim_start_matches(['@', '(', ':']);
    word.starts_with('/')
        || word.starts_with("./")
        || word.starts_with("~/")
        || word.starts_with("../")
        || word.contains("://")
}

/// Returns whether a word says that it is a digest: `sha256:…`, `sha256-…`, `name@sha256:…`.
fn is_named_hash(word: &str) -> bool {
    ["sha256", "sha1", "sha512", "md5", "GPU-", "MIG-", "blake"].iter().any(|name| word.contains(name))
}

fn has_file_end(word: &str) -> bool {
    let word = word.trim_end_matches([':', '.']);
    let end = word.rsplit_once('.').map(|(_, end)| end.split(':').next().unwrap_or(end));
    end.is_some_and(|end| {
        matches!(
            end,
            "gguf"
                | "safetensors"
                | "bin"
                | "py"
                | "so"
                | "log"
                | "err"
                | "json"
                | "toml"
                | "conf"
                | "sh"
                | "service"
                | "scope"
                | "slice"
                | "cpp"
                | "cu"
                | "c"
                | "h"
                | "txt"
                | "pt"
                | "pth"
                | "onnx"
                | "yaml"
                | "yml"
                | "rs"
                | "go"
                | "js"
        )
    })
}

/// Returns whether letters and digits change as they do by chance: about every second place in base62, less often in names
/// in camel case and in mangled symbols.
fn is_random(run: &str) -> bool {
    let class = |b: u8| match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let bytes = run.as_bytes();
    if bytes.len() < SHORTEST || !bytes.iter().any(u8::is_ascii_digit) || bytes.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // The length of a commit: such a word names a version far more often than a secret.
    if bytes.len() == 40 && bytes.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let changes = bytes.iter().zip(bytes.iter().skip(1)).filter(|(a, b)| class(**a) != class(**b)).count();
    let mut seen = [false; 256];
    bytes.iter().for_each(|b| {
        if let Some(seen) = seen.get_mut(usize::from(*b)) {
            *seen = true;
        }
    });
    let different = seen.iter().filter(|seen| **seen).count();
    changes * 100 >= (bytes.len() - 1) * 30 && different >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        random_words(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn keys_that_nothing_names_are_found() {
        for key in [
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY9",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "dGhpc0lzQTFTZWNyZXQ5UGFzczR3b3Jk",
            "q8Zr2Lk0Vb7Xn4Ty6Hs1",
            "5f4dcc3b5aa765d61d8327deb882cf99",
        ] {
            assert_eq!(words(&format!("rejected: {key}, retrying")), [key], "{key}");
        }
    }

    #[test]
    fn what_rules_and_people_need_stays() {
        for text in [
            "/models/blobs/sha256-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "Qwen3-30B-A3B-Instruct-2507-UD-Q4_K_XL.gguf Qwen3-30B-A3B-Instruct-2507-UD-Q4_K_XL",
            "GPU-5a3f1c2e-7b1d-4e6f-9a8b-1c2d3e4f5a6b",
            "build 3f2a9c1 (3f2a9c1d4e5b6a7f8091a2b3c4d5e6f708192a3b)",
            "undefined symbol: _ZN5torch3jit17parseSchemaOrNameERKNSt7__cxx1112basic_stringIcE",
            "2026-11-29T12:00:00.123456Z 0.00.004.036 E gguf_init_from_file: failed to read magic",
            "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 12345.67 MiB on device 0",
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,oom_memcg=/lab2,task=llama-server,pid=29992",
            "c0ffee00-dead-beef-cafe-0123456789ab",
            "meta-llama/Llama-3.1-8B-Instruct TheBloke/Mistral-7B-Instruct-v0.2-GGUF",
        ] {
            assert_eq!(words(text), [""; 0], "{text}");
        }
    }
}
