use super::super::program::command::{beyond_wrappers, file_name};

/// A program that is none of the known model servers.
pub const OTHER: &str = "other";

/// Words of a command line that may name its program: `python -m vllm.entrypoints.openai.api_server`.
const FIRST: usize = 4;

/// Returns which model server a command line starts. None for every other program, and for those that serve no model
/// themselves: `ollama serve` starts runners.
pub fn program(argv: &[String]) -> Option<&'static str> {
    let words = beyond_wrappers(argv);
    // Processes of vLLM give themselves a name with a colon: `VLLM::EngineCore`.
    if words.first().is_some_and(|word| word.starts_with("VLLM::")) {
        return Some("vllm");
    }
    let first = words.first().map(|word| file_name(word))?;
    let second = words.get(1).map(String::as_str);
    match first {
        "llama-server" | "server.cuda" => return Some("llama-server"),
        "ollama_llama_server" => return Some("ollama"),
        "ollama" => return (second == Some("runner")).then_some("ollama"),
        "vllm" => return Some("vllm"),
        // A worker of another daemon, which starts it as its own file.
        "modelctl" | "exe" => return (second == Some("worker")).then_some("modelctl"),
        _ => {}
    }
    let is_python = first.starts_with("python");
    let names_vllm = |word: &String| file_name(word) == "vllm" || word.starts_with("vllm.entrypoints");
    (is_python && words.iter().skip(1).take(FIRST).any(names_vllm)).then_some("vllm")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::program::command::words;

    /// A server of somebody else would be overlooked, or an editor with its log counted as one.
    #[test]
    fn model_servers_are_told_from_programs_that_only_name_them() {
        for (line, expected) in [
            ("/opt/llama.cpp/build/bin/llama-server -m /m/a.gguf", Some("llama-server")),
            ("timeout 60 ./llama-server -m x", Some("llama-server")),
            ("/usr/bin/ollama runner --model /b/sha256-1 --port 40000", Some("ollama")),
            ("/tmp/ollama_llama_server --model x", Some("ollama")),
            ("ollama serve", None),
            ("ollama run qwen", None),
            ("vllm serve org/name", Some("vllm")),
            ("/usr/bin/modelctl worker --model /m/a.gguf --socket /run/x", Some("modelctl")),
            ("/proc/self/exe worker --model /m/a.gguf", Some("modelctl")),
            ("modelctl serve", None),
            ("/v/bin/python3 /v/bin/vllm serve org/name", Some("vllm")),
            ("python -m vllm.entrypoints.openai.api_server --model x", Some("vllm")),
            ("VLLM::EngineCore", Some("vllm")),
            ("vim llama-server.log", None),
            ("tail -f /var/log/vllm", None),
            ("", None),
        ] {
            assert_eq!(program(&words(line)), expected, "{line}");
        }
    }
}
