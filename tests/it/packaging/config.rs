//! The commented config file that packages install.

use super::packaged;
use modelctl::config::{Config, Env, Flags};
use std::collections::BTreeMap;
use std::fs;

/// Where a key has no default, the file says so.
const NO_DEFAULT: &str = "(none)";

fn load(toml: &str) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, toml).unwrap();
    let flags = Flags { config: Some(path), ..Flags::default() };
    let config =
        Config::load(&flags, &Env::from_pairs(&[("HOME", "/home/u")])).map_err(|error| format!("{error:#}"))?;
    Ok(Config { source: None, ..config })
}

fn file() -> String {
    fs::read_to_string(packaged("config.toml")).unwrap()
}

/// The line without the `#` of a commented key or table.
fn uncommented(line: &str) -> &str {
    let is_key = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase()) && rest.contains(" = ");
    line.strip_prefix('#').filter(|rest| is_key(rest) || rest.starts_with('[')).unwrap_or(line)
}

/// An installation must not change what anybody's commands do, and a value that is shown as the default must be it.
#[test]
fn the_packaged_config_says_the_defaults() {
    let nothing = format!("{:?}", load("").unwrap());
    assert_eq!(format!("{:?}", load(&file()).unwrap()), nothing);
    let defaults: Vec<String> = file()
        .lines()
        .filter(|line| !line.contains(NO_DEFAULT) && !line.starts_with("#["))
        .map(|line| uncommented(line).to_owned())
        .collect();
    assert!(defaults.iter().filter(|line| line.contains(" = ")).count() > 50, "{defaults:#?}");
    assert_eq!(format!("{:?}", load(&defaults.join("\n")).unwrap()), nothing);
}

/// An operator who removes the `#` of a line must not end with a config that is refused.
#[test]
fn every_line_of_the_packaged_config_can_be_used() {
    let all: Vec<String> = file().lines().map(|line| uncommented(line).to_owned()).collect();
    load(&all.join("\n")).unwrap();
}

/// A key that is not in the file is one that an operator never finds.
#[test]
fn the_packaged_config_has_every_key() {
    let mut shown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut table = String::new();
    for line in file().lines().map(|line| uncommented(line).to_owned()) {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_matches(['[', ']']).to_owned();
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            shown.entry(table.clone()).or_default().push(key.to_owned());
        }
    }
    let services: Vec<String> = [&shown["services.whisper"][..], &shown["services.llama"]].concat();
    shown.insert("services.x".to_owned(), services);
    for (name, keys) in &shown {
        let toml = match name.as_str() {
            "" => "nonsense_key = 1\n".to_owned(),
            "external" => "[[external]]\nnonsense_key = 1\n".to_owned(),
            "services.whisper" | "services.llama" => continue,
            name => format!("[{name}]\nnonsense_key = 1\n"),
        };
        let refusal = load(&toml).unwrap_err();
        let (_, expected) = refusal.split_once("expected ").unwrap_or_else(|| panic!("{refusal}"));
        let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        assert!(!known.is_empty(), "{refusal}");
        let tables: Vec<&str> = shown.keys().map(|table| table.split('.').next().unwrap()).collect();
        for key in known {
            let is_table = name.is_empty() && tables.contains(&key) || shown.contains_key(&format!("{name}.{key}"));
            let is_alias = (name.as_str(), key) == ("ollama", "ollama_version");
            assert!(is_table || is_alias || keys.iter().any(|shown| shown == key), "[{name}] lacks {key}: {keys:?}");
        }
    }
}
