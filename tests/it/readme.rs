//! What the README promises is what the program does.

use modelctl::failure::EXIT_CODES;
use std::fs;
use std::path::Path;

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The text between a heading of the second level and the next one.
fn section(heading: &str) -> String {
    let text = readme();
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n## ").next().unwrap_or_default().to_owned()
}

#[test]
fn a_script_writer_can_trust_the_table_of_exit_codes() {
    let section = section("Exit codes");
    let rows: Vec<(u8, String)> = section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
            Some((cells.next()?.parse().ok()?, cells.next()?.to_owned()))
        })
        .collect();
    let promised: Vec<(u8, String)> = EXIT_CODES.iter().map(|(code, meaning)| (*code, (*meaning).to_owned())).collect();
    assert_eq!(rows, promised);
}

#[test]
fn the_config_in_the_readme_is_a_config() {
    use modelctl::config::{Config, Env, Flags};
    let section = section("Configuration");
    let toml = section.split("```toml\n").nth(1).and_then(|t| t.split("```").next()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, toml).unwrap();
    let flags = Flags { config: Some(path), ..Flags::default() };
    let config = Config::load(&flags, &Env::from_pairs(&[("HOME", "/home/u")])).unwrap();
    assert_eq!(config.keep.file, ["small", "*-Q4_K_M"]);
    assert_eq!(config.tiers, modelctl::model::TierLimits::default(), "the tiers shown are the defaults");
}

#[test]
fn every_make_target_that_the_readme_names_is_there() {
    let makefile = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Makefile")).unwrap();
    let text = readme();
    // Named as code: at the start of an indented line or between backticks.
    let named = text.lines().filter_map(|l| l.strip_prefix("    make ")).chain(text.split("`make ").skip(1));
    let mut count = 0;
    for rest in named {
        let target: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
        assert!(makefile.contains(&format!("\n{target}:")), "`make {target}` is in the README and not in the Makefile");
        count += 1;
    }
    assert!(count > 5, "only {count} targets were found in the README");
}

/// The commands that a text names as code: in an indented or fenced line, or between backticks.
fn commands(text: &str) -> Vec<String> {
    let spans = text.split("`modelctl ").skip(1).filter_map(|rest| rest.split('`').next());
    let lines = text.lines().filter_map(|line| line.strip_prefix("    modelctl "));
    let admin = text.split("modelctl-admin ").skip(1).filter_map(|rest| rest.lines().next());
    let words = spans.chain(lines).chain(admin).filter_map(|rest| rest.split([' ', '`', ',', '.']).next());
    words
        .filter(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        .map(str::to_owned)
        .collect()
}

/// Somebody who comes from another tool types what the tables say.
#[test]
fn every_command_that_the_documents_name_is_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let whole = modelctl::cli::command();
    for (file, least) in [("README.md", 60), ("docs/serve.md", 10)] {
        let text = fs::read_to_string(top.join(file)).unwrap();
        let named: Vec<String> = commands(&text).into_iter().filter(|word| !word.starts_with('-')).collect();
        assert!(named.len() >= least, "{file} names {} commands", named.len());
        for name in named {
            assert!(whole.find_subcommand(&name).is_some(), "{file} names `modelctl {name}`, which there is not");
        }
    }
}
