use super::super::program::command::{beyond_wrappers, file_name};
use crate::model::service::Role;

/// Returns the role of a command, by its program and then by its words: llama-server and Ollama serve models, uvicorn
/// and its like an API; a name with `whisper`, `worker` or `sync` in it says what it is.
pub fn of_command(words: &[String]) -> Role {
    let words = beyond_wrappers(words);
    let names: Vec<String> = words.iter().take(6).map(|word| file_name(word).to_lowercase()).collect();
    // What stands after an option is its value, not a program: `--model whisper.gguf` makes no Whisper of a server.
    let programs = names.iter().enumerate().filter(|(at, name)| {
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        !name.starts_with('-') && before.is_none_or(|before| !before.starts_with('-') || before == "-m")
    });
    let programs: Vec<&str> = programs.map(|(_, name)| name.as_str()).collect();
    let is_any = |wanted: &[&str]| programs.iter().any(|name| wanted.contains(name));
    let has_any = |part: &str| programs.iter().any(|name| name.contains(part));
    if is_any(&["llama-server", "llama-swap", "ollama", "modelctl", "server.cuda"]) {
        Role::Llama
    } else if is_any(&["uvicorn", "gunicorn", "hypercorn"]) {
        Role::Api
    } else if has_any("whisper") {
        Role::Whisper
    } else if has_any("worker") {
        Role::Worker
    } else if has_any("llama") {
        Role::Llama
    } else if has_any("sync") && !has_any("async") {
        Role::Sync
    } else {
        Role::Other
    }
}

/// Returns whether a process serves models by itself: those are services even where nothing manages them.
pub fn serves_models(argv: &[String]) -> bool {
    let words = beyond_wrappers(argv);
    let program = words.first().map(|word| file_name(word));
    let second = words.get(1).map(String::as_str);
    match program {
        Some("llama-server") => true,
        Some("ollama") => second == Some("serve"),
        Some("modelctl") => subcommand(&words) == Some("serve"),
        _ => false,
    }
}

/// Returns the subcommand of a command line of modelctl: the first word after its global options.
fn subcommand(words: &[String]) -> Option<&str> {
    let mut words = words.iter().skip(1).map(String::as_str);
    loop {
        match words.next()? {
            // These take the next word.
            "--config" | "--db" | "--color" => drop(words.next()),
            option if option.starts_with('-') => {}
            word => return Some(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::program::command::words;

    #[test]
    fn the_role_comes_from_the_program_and_not_from_its_arguments() {
        let role = |command: &str| of_command(&words(command));
        assert_eq!(role("/opt/bin/llama-server -m /models/whisper-worker.gguf"), Role::Llama);
        assert_eq!(role("python -m uvicorn app:app"), Role::Api);
        assert_eq!(role("/v/bin/gunicorn whisper:app"), Role::Api);
        assert_eq!(role("python /srv/whisper_server.py"), Role::Whisper);
        assert_eq!(role("python3 -m transcribe.worker --queue x"), Role::Worker);
        assert_eq!(role("/opt/start-llama.sh"), Role::Llama);
        assert_eq!(role("/opt/model-sync --all"), Role::Sync);
        assert_eq!(role("timeout 60 ollama serve"), Role::Llama);
        assert_eq!(role("nginx -g 'daemon off;'"), Role::Other);
        assert_eq!(role(""), Role::Other);
    }

    #[test]
    fn a_client_of_ollama_serves_nothing() {
        let serves = |command: &str| serves_models(&words(command));
        assert!(serves("/usr/bin/ollama serve") && serves("llama-server -m x") && serves("modelctl serve"));
        assert!(serves("modelctl --config /etc/m.toml -q serve") && serves("modelctl --db=/x serve --port 1"));
        assert!(!serves("modelctl --config serve list") && !serves("modelctl --db serve"));
        assert!(!serves("ollama run x") && !serves("modelctl health") && !serves("vim llama-server.log"));
    }
}
