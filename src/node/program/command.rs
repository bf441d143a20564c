//! The command of a service as its words, and what of them is the program.

use std::path::Path;

/// Programs that only start another one with its own arguments, and how many words of theirs follow before it.
const WRAPPERS: &[&str] =
    &["env", "nice", "ionice", "timeout", "stdbuf", "setsid", "nohup", "numactl", "taskset", "exec"];

/// Splits a command as a shell would split it; without a closing quote, at blanks.
pub fn words(command: &str) -> Vec<String> {
    shlex::split(command).unwrap_or_else(|| command.split_whitespace().map(str::to_owned).collect())
}

/// Returns the words from the program that does the work on: wrappers like `env A=b` and `timeout 60` are passed over,
/// and so is `sh -c '…'` when its script is one plain command.
pub fn beyond_wrappers(words: &[String]) -> Vec<String> {
    let mut rest = words.to_vec();
    // A command that wraps itself deeper than this is none that a person wrote.
    for _ in 0..4 {
        let Some(first) = rest.first().map(|word| file_name(word).to_owned()) else { return rest };
        if matches!(first.as_str(), "sh" | "bash" | "dash") {
            match rest.get(1).zip(rest.get(2)) {
                Some((flag, script)) if flag.starts_with('-') && flag.ends_with('c') && is_plain(script) => {
                    rest = self::words(script);
                    continue;
                }
                _ => return rest,
            }
        }
        if !WRAPPERS.contains(&first.as_str()) {
            return rest;
        }
        let takes_time = first == "timeout";
        let mut inner: Vec<String> = rest.iter().skip(1).cloned().collect();
        while let Some(word) = inner.first().cloned() {
            let is_option = word.starts_with('-');
            let is_variable = first == "env" && word.contains('=');
            if !(is_option || is_variable) {
                break;
            }
            inner.remove(0);
            // `timeout -k 5 60`, `nice -n 5`, `taskset -c 0-3`: the next word belongs to the option.
            if is_option
                && matches!(word.as_str(), "-k" | "-s" | "-n" | "-c" | "-u" | "-p" | "-N" | "-m")
                && !inner.is_empty()
            {
                inner.remove(0);
            }
        }
        if takes_time && !inner.is_empty() {
            inner.remove(0);
        }
        // `nice -n 5 x`: the number belongs to the option.
        if matches!(first.as_str(), "nice" | "ionice" | "taskset")
            && inner.first().is_some_and(|w| w.parse::<i64>().is_ok())
        {
            inner.remove(0);
        }
        if inner.is_empty() {
            return rest;
        }
        rest = inner;
    }
    rest
}

/// Returns whether a script is one command without anything that only a shell does.
fn is_plain(script: &str) -> bool {
    !script.contains(['|', ';', '&', '<', '>', '`', '$', '\n', '(', '{'])
}

/// Returns the last part of a path.
pub fn file_name(word: &str) -> &str {
    Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or(word)
}

/// Returns the module and attribute that a server of Python applications was given: `app.main:app`.
pub fn application(words: &[String]) -> Option<String> {
    let names = words.iter().map(|word| file_name(word));
    names.clone().find(|name| matches!(*name, "uvicorn" | "gunicorn" | "hypercorn" | "daphne" | "granian"))?;
    let is_name = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let is_application = |word: &&String| {
        word.split_once(':').is_some_and(|(module, attribute)| {
            is_name(module) && is_name(attribute.trim_end_matches("()")) && module.parse::<u32>().is_err()
        })
    };
    // An address (`--bind 0.0.0.0:80`) has a number where an application has a name.
    let is_address = |word: &&String| word.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok());
    words.iter().skip(1).find(|word| is_application(word) && !is_address(word)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_that_does_the_work_is_found_behind_wrappers() {
        let inner = |command: &str| beyond_wrappers(&words(command)).join(" ");
        assert_eq!(inner("/opt/llama-server -m 'a b.gguf'"), "/opt/llama-server -m a b.gguf");
        assert_eq!(inner("env A=1 timeout -k 5 60s nice -n 5 ./x -y"), "./x -y");
        assert_eq!(inner("bash -lc 'exec /opt/x --port 1'"), "/opt/x --port 1");
        assert_eq!(inner("sh -c 'sleep 2; exit 7'"), "sh -c sleep 2; exit 7");
        assert_eq!(inner("/opt/start.sh"), "/opt/start.sh");
        assert_eq!(inner("x 'unclosed"), "x 'unclosed");
        assert_eq!(inner(""), "");
    }

    #[test]
    fn an_application_is_no_address() {
        let of = |command: &str| application(&words(command));
        assert_eq!(of("python -m uvicorn --host 0.0.0.0 app.main:app --port 80"), Some("app.main:app".to_owned()));
        assert_eq!(of("/v/bin/gunicorn --bind 0.0.0.0:80 'wsgi:make()'"), Some("wsgi:make()".to_owned()));
        assert_eq!(of("uvicorn --uds x"), None);
        assert_eq!(of("python x.py a:b"), None);
    }
}
