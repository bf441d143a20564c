//! What the README and the guides in docs/ promise is what the program does.

use modelctl::failure::EXIT_CODES;
use std::fs;
use std::path::Path;

fn document(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn readme() -> String {
    document("README.md")
}

/// The text between a heading of the README and the next one.
fn section(heading: &str) -> String {
    let text = readme();
    let (_, rest) = text.split_once(&format!("# {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    rest.split("\n## ").next().unwrap_or_default().to_owned()
}

/// Somebody who decides whether to use it reads one page, and the rest in guides.
#[test]
fn the_readme_is_short_and_begins_with_the_two_commands() {
    let text = readme();
    assert!(text.lines().count() <= 150, "{} lines", text.lines().count());
    let commands: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    ")).take(2).collect();
    assert!(commands[0].starts_with("make demo ") && commands[1].starts_with("make test "), "{commands:?}");
}

/// A link that leads nowhere ends the search of a reader.
#[test]
fn every_file_that_the_documents_link_is_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guides = fs::read_dir(top.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let guides = guides.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let pages = ["README.md", "BENCHMARKS.md", "CONTRIBUTING.md"].map(|name| top.join(name));
    let mut count = 0;
    for page in pages.into_iter().chain(guides) {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            if file.contains(':') {
                continue;
            }
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(path.exists(), "{} links {target}, which does not exist", page.display());
            if !anchor.is_empty() {
                let anchors = fs::read_to_string(&path).unwrap();
                let of =
                    |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-").replace(',', "");
                let is_there = anchors.lines().any(|line| line.starts_with('#') && of(line) == anchor);
                assert!(is_there, "{} links {target}, a heading that does not exist", page.display());
            }
            count += 1;
        }
    }
    assert!(count > 15, "only {count} links were found");
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
fn the_config_in_the_guide_is_a_config() {
    use modelctl::config::{Config, Env, Flags};
    let guide = document("docs/config.md");
    let toml = guide.split("```toml\n").nth(1).and_then(|t| t.split("```").next()).unwrap();
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
    let text = readme() + &document("CONTRIBUTING.md");
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
    let lines =
        text.lines().filter_map(|line| line.strip_prefix("    modelctl ").or_else(|| line.strip_prefix("$ modelctl ")));
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
    let whole = modelctl::cli::command();
    let files = [
        ("README.md", 25),
        ("docs/serve.md", 50),
        ("docs/prune.md", 8),
        ("docs/queue.md", 8),
        ("docs/stores.md", 5),
        ("docs/config.md", 1),
        ("docs/health.md", 5),
        ("docs/triage.md", 15),
    ];
    for (file, least) in files {
        let text = document(file);
        let named: Vec<String> = commands(&text).into_iter().filter(|word| !word.starts_with('-')).collect();
        assert!(named.len() >= least, "{file} names {} commands", named.len());
        for name in named {
            assert!(whole.find_subcommand(&name).is_some(), "{file} names `modelctl {name}`, which there is not");
        }
    }
}
