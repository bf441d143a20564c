//! The model that a command line names.

use std::path::{Path, PathBuf};

/// Programs whose `-m` and `--model` are a file with a model.
const SERVERS: &[&str] = &["llama", "ollama", "modelctl", "koboldcpp", "rpc-server"];

/// Returns the model file of a command line: `-m FILE`, `--model FILE`, `--model=FILE`; of several the last, as
/// llama-server does. A relative one is below `cwd`. With a program that is no known server a file counts that looks like
/// a model: `python -m uvicorn` names none.
pub fn model_path(argv: &[String], cwd: Option<&Path>) -> Option<PathBuf> {
    let mut found = None;
    let mut is_server = false;
    let mut words = argv.iter().map(String::as_str).peekable();
    while let Some(word) = words.next() {
        let value = match word {
            "-m" | "--model" => words.peek().copied(),
            _ => word.strip_prefix("--model=").or_else(|| word.strip_prefix("-m=")),
        };
        match value {
            Some(value) if !value.is_empty() && (is_server || looks_like_model(Path::new(value))) => {
                found = Some(value);
            }
            Some(_) => {}
            // `timeout 120 llama-server -m x`: the server is not always the first word.
            None => is_server |= !word.starts_with('-') && is_known_server(word),
        }
    }
    let path = Path::new(found?);
    Some(cwd.filter(|_| path.is_relative()).map_or_else(|| path.to_owned(), |cwd| cwd.join(path)))
}

fn is_known_server(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    !name.contains('.') && SERVERS.iter().any(|server| name.starts_with(server))
}

/// Returns whether a path is that of a model: a GGUF file, or a blob of Ollama or of a Hugging Face cache.
pub(super) fn looks_like_model(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_gguf = name.len() > 5 && name.to_ascii_lowercase().ends_with(".gguf");
    let is_in_blobs = path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "blobs");
    let is_hex = |text: &str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_gguf || (is_in_blobs && (is_hex(&name) || name.strip_prefix("sha256-").is_some_and(is_hex)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_of_every_server_is_found_and_a_python_module_is_none() {
        let of = |line: &str| {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            model_path(&argv, Some(Path::new("/srv"))).map(|path| path.display().to_string())
        };
        let blob = format!("/root/.ollama/models/blobs/sha256-{}", "0a".repeat(32));
        assert_eq!(of("/opt/llama-server -m /m/a.gguf --port 1").as_deref(), Some("/m/a.gguf"));
        assert_eq!(of("llama-server --model=a -c 4").as_deref(), Some("/srv/a"));
        assert_eq!(of("llama-server -m a.gguf --model b.gguf").as_deref(), Some("/srv/b.gguf"));
        assert_eq!(of("timeout 120 ./llama-server -m x").as_deref(), Some("/srv/x"));
        assert_eq!(of(&format!("/usr/bin/ollama runner --model {blob} --port 3")), Some(blob.clone()));
        assert_eq!(of("modelctl worker --model /m/a.gguf --socket /s").as_deref(), Some("/m/a.gguf"));
        assert_eq!(of("python3 -m llama_cpp.server --model m.gguf").as_deref(), Some("/srv/m.gguf"));
        for none in [
            "python3 -m uvicorn main:app",
            "vllm serve --model org/name",
            "llama-server",
            "llama-server -m",
            "llama-server --model= -c 4",
            "python3 -m llama_cpp.server",
            "llama-server -mm x.gguf",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(model_path(&[], None), None);
    }
}
