//! Keep hints as an operator adds, lists and removes them.

use crate::gguf::fixture;
use crate::sandbox::{Sandbox, finish};
use serde_json::{Value, json};
use std::fs;

fn with_models() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["alpha-Q4_0", "beta-Q4_0", "gamma-Q8_0"] {
        sandbox.write(&format!("{name}.gguf"), &fixture::small_model(name));
    }
    sandbox.run(["scan"]).ok();
    sandbox
}

/// (hint, source, names of the models meant) of every hint.
fn listed(list: &Value) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let names = |models: &Value| models.as_array().unwrap().iter().map(|m| text(&m["name"])).collect();
    list.as_array().unwrap().iter().map(|e| (text(&e["hint"]), text(&e["source"]), names(&e["models"]))).collect()
}

fn entry(hint: &str, source: &str, models: &[&str]) -> (String, String, Vec<String>) {
    (hint.to_owned(), source.to_owned(), models.iter().map(|m| (*m).to_owned()).collect())
}

#[test]
fn hints_are_kept_with_where_they_come_from_and_what_they_mean() {
    let sandbox = with_models();
    let config = sandbox.path("home/.config/modelctl");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "keep = [\"beta-Q4_0\"]\n").unwrap();
    let gamma = sandbox.models().join("gamma-Q8_0.gguf");
    sandbox.run(["keep", "add", "*-q4_0", "nothing-like-it"]).ok();
    sandbox.run([std::path::Path::new("keep"), "add".as_ref(), &gamma]).ok();
    let again = sandbox.run(["keep", "add", "*-q4_0"]).ok();
    assert!(again.err.contains("was already added"), "{again:?}");

    let list = || sandbox.command(["keep", "list", "--json"]).env("KEEP_LOCAL_MODELS", "alpha-Q4_0, *-q4_0").output();
    let list = finish(list().unwrap()).ok().json();
    let expected = [
        entry("alpha-Q4_0", "environment", &["alpha-Q4_0"]),
        entry("*-q4_0", "environment", &["alpha-Q4_0", "beta-Q4_0"]),
        entry("*-q4_0", "database", &["alpha-Q4_0", "beta-Q4_0"]),
        entry("nothing-like-it", "database", &[]),
        entry(gamma.to_str().unwrap(), "database", &["gamma-Q8_0"]),
        entry("beta-Q4_0", "file", &["beta-Q4_0"]),
    ];
    assert_eq!(listed(&list), expected, "{list:#}");
    assert_eq!(list[5]["file"], config.join("config.toml").to_str().unwrap());
    let table = sandbox.run(["keep", "list"]).ok();
    let dead = table.out.lines().find(|line| line.starts_with("nothing-like-it")).unwrap();
    assert!(dead.contains("no model at the moment"), "{table:?}");
}

#[test]
fn removing_a_hint_says_where_it_still_comes_from() {
    let sandbox = with_models();
    let config = sandbox.path("home/.config/modelctl");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "keep = [\"beta-Q4_0\"]\n").unwrap();
    sandbox.run(["keep", "add", "alpha*", "gamma*"]).ok();
    sandbox.run(["keep", "rm", "beta-Q4_0"]).refuses(3, "config.toml");
    let of_the_run =
        |args: &[&str]| finish(sandbox.command(args).env("KEEP_LOCAL_MODELS", "alpha*,x").output().unwrap());
    of_the_run(&["keep", "rm", "x"]).refuses(3, "KEEP_LOCAL_MODELS");
    // One that cannot be removed leaves all of them.
    let run = sandbox.run(["keep", "rm", "gamma*", "never-added"]).refuses(3, "never-added");
    assert!(run.err.contains("modelctl keep list"), "{run:?}");
    let run = of_the_run(&["keep", "rm", "alpha*"]).ok();
    assert!(run.err.contains("still comes from the environment"), "{run:?}");
    let left = sandbox.run(["keep", "list", "--json"]).ok().json();
    assert_eq!(
        listed(&left),
        [entry("gamma*", "database", &["gamma-Q8_0"]), entry("beta-Q4_0", "file", &["beta-Q4_0"])]
    );
}

#[test]
fn a_hint_that_could_drive_a_terminal_or_means_nothing_is_refused() {
    let sandbox = Sandbox::new();
    for hint in ["a\u{1b}[31m", "a\nb", "", "  "] {
        let run = sandbox.run(["keep", "add", "fine", hint]).refuses(2, "is not a valid keep hint");
        assert!(!run.err.contains('\u{1b}'), "{run:?}");
    }
    sandbox.run(["keep", "add"]).refuses(2, "HINT");
    let list = sandbox.run(["keep", "list", "--json"]).ok();
    assert_eq!(list.json(), json!([]));
    assert!(!sandbox.db().exists(), "nothing was kept");
    // What comes from outside is shown harmless.
    let run = finish(sandbox.command(["keep", "list"]).env("KEEP_LOCAL_MODELS", "a\u{1b}[31m").output().unwrap()).ok();
    assert!(!run.out.contains('\u{1b}') && run.out.contains("[31m"), "{run:?}");
}

#[test]
fn a_relative_path_means_the_same_file_from_every_folder() {
    let sandbox = with_models();
    sandbox.run(["keep", "add", "./models/alpha-Q4_0.gguf"]).ok();
    let list = sandbox.run(["keep", "list", "--json"]).ok().json();
    assert_eq!(list[0]["models"][0]["name"], "alpha-Q4_0", "{list:#}");
    sandbox.run(["keep", "rm", "./models/alpha-Q4_0.gguf"]).ok();
}
