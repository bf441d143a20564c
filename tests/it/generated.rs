//! The completions and manual pages in the repository are those of this version. Where a file is stale the test
//! writes the new one and fails once: commit it.

use modelctl::cli::generated;
use std::fs;
use std::path::Path;

#[test]
fn completions_and_manual_pages_are_up_to_date() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut stale = Vec::new();
    for (name, text) in generated().unwrap() {
        let path = top.join(&name);
        if fs::read(&path).ok().as_deref() != Some(&text) {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "these were stale and are written anew, commit them: {stale:?}");
}

/// A person who is offered `modelctl launch` by the shell finds a command that is none for people.
#[test]
fn no_completion_offers_a_hidden_command() {
    let whole = modelctl::cli::command();
    let hidden: Vec<&str> = whole.get_subcommands().filter(|sub| sub.is_hide_set()).map(|sub| sub.get_name()).collect();
    assert!(hidden.contains(&"launch"), "{hidden:?}");
    for (name, text) in generated().unwrap().iter().filter(|(name, _)| name.starts_with("completions/")) {
        let text = String::from_utf8_lossy(text);
        for command in &hidden {
            let written = ["modelctl ", "modelctl__", "modelctl;", "-f -a \"", "subcommand "];
            let found = written.into_iter().find(|before| {
                let offer = format!("{before}{command}");
                text.split(&offer)
                    .skip(1)
                    .any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
            });
            assert_eq!(found, None, "{name} has {command}");
        }
    }
}
