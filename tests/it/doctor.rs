//! What keeps models from being found, and the completion of names.

use crate::gguf::fixture;
use crate::prune::{prune, with_models};
use crate::sandbox::{Sandbox, finish};
use std::fs;
use std::process::Command;

/// A person whose models are missing asks one command, and gets the next step for each reason.
#[test]
fn each_problem_comes_with_the_next_step() {
    let sandbox = with_models();
    let doctor = |sandbox: &Sandbox| {
        let run = finish(
            sandbox.command(["doctor", "--json"]).env("OLLAMA_MODELS", sandbox.path("no-ollama")).output().unwrap(),
        );
        run.json()
    };
    let healthy = sandbox.run(["doctor", "--json"]).json();
    assert_eq!(healthy["schema"], "modelctl.doctor/1");
    let ours = |document: &serde_json::Value| -> Vec<String> {
        let all = document["findings"].as_array().unwrap().iter();
        // Whether a clock is kept right is a matter of this machine.
        let ours = all.filter(|f| f["check"] != "clock");
        ours.map(|f| {
            format!(
                "{} {} {} {}",
                f["check"].as_str().unwrap(),
                f["subject"].as_str().unwrap(),
                f["problem"].as_str().unwrap(),
                f["fix"].as_str().unwrap()
            )
        })
        .collect()
    };
    assert_eq!(ours(&healthy), [""; 0], "{healthy:#}");

    fs::create_dir(sandbox.path("extra")).unwrap();
    fs::write(sandbox.path("extra/x.gguf"), fixture::small_model("x")).unwrap();
    sandbox.run(["scan", "extra"]).ok();
    fs::remove_dir_all(sandbox.path("extra")).unwrap();
    sandbox.write("cut.gguf", &fixture::small_model("cut")[..60]);
    std::os::unix::fs::symlink("nowhere", sandbox.models().join("dangling.gguf")).unwrap();
    // Variables count where the known places are searched.
    let of_home = |sandbox: &Sandbox| {
        let mut command = sandbox.command(["doctor", "--json"]);
        command.env_remove("MODEL_SCAN_PATH").env("LLAMA_CACHE", sandbox.path("no-cache"));
        finish(command.output().unwrap()).json()
    };
    let (found, by_variable) = (ours(&doctor(&sandbox)).join("\n"), ours(&of_home(&sandbox)).join("\n"));
    for part in ["scan --forget", "extra", "dangling.gguf"] {
        assert!(found.contains(part), "`{part}`: {found}");
    }
    assert!(by_variable.contains("LLAMA_CACHE names"), "{by_variable}");
    let run = sandbox.run(["doctor"]);
    assert_eq!(run.code, Some(1), "{run:?}");

    fs::write(sandbox.db(), b"not a database".repeat(1000)).unwrap();
    assert!(ours(&doctor(&sandbox)).join("\n").contains("database"));
}

fn names(sandbox: &Sandbox, words: &[&str]) -> Vec<String> {
    let run = sandbox.run(["__complete", "--"].iter().chain(words)).ok();
    run.out.lines().map(str::to_owned).collect()
}

/// A shell that offers the files of the folder where a model is wanted is of no use.
#[test]
fn a_shell_is_offered_names_where_a_name_is_wanted() {
    let sandbox = with_models();
    assert_eq!(names(&sandbox, &["show", ""]), ["ancient-Q4_0", "fresh-Q4_0", "older-Q8_0"]);
    assert_eq!(names(&sandbox, &["rm", "fresh-Q4_0", "old"]), ["older-Q8_0"]);
    sandbox.run(["set", "fresh-Q4_0", "--alias", "mine"]).ok();
    assert_eq!(names(&sandbox, &["run-once", "--model", "m"]), ["mine"]);
    prune(&sandbox, &["--model", "older-Q8_0", "--confirm"]).ok();
    let items = names(&sandbox, &["trash", "restore", ""]);
    assert!(items.len() == 2 && items.contains(&"older-Q8_0".to_owned()), "{items:?}");
    sandbox.run(["task", "add", "hello", "--key", "a-key"]).ok();
    assert_eq!(names(&sandbox, &["task", "show", "a"]), ["a-key"]);
    assert_eq!(names(&sandbox, &["scan", "--store", "oll"]), ["ollama="]);
    assert_eq!(names(&sandbox, &["list", "--st"]), [""; 0]);
    assert_eq!(names(&Sandbox::new(), &["show", ""]), [""; 0]);
}

/// The scripts themselves, in the shell that is everywhere.
#[test]
fn bash_completes_a_name_with_a_colon() {
    let sandbox = Sandbox::new();
    sandbox.write("x.gguf", &fixture::small_model("x"));
    sandbox.run(["scan"]).ok();
    sandbox.run(["set", "x", "--alias", "llama3.2:3b"]).ok();
    let bin = sandbox.path("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(sandbox.command(["x"]).get_program(), bin.join("modelctl")).unwrap();
    let script = format!(
        "source {}/completions/modelctl.bash; COMP_WORDBREAKS=' :'; COMP_LINE='modelctl show llama3.2:3'; COMP_POINT=${{#COMP_LINE}}; \
         COMP_WORDS=(modelctl show llama3.2 : 3); COMP_CWORD=4; _modelctl_names modelctl 3 :; echo \"${{COMPREPLY[@]}}\"",
        env!("CARGO_MANIFEST_DIR")
    );
    let plain = sandbox.command(["x"]);
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", &script]).env_clear();
    bash.envs(plain.get_envs().filter_map(|(key, value)| Some((key, value?))));
    bash.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    let run = finish(bash.output().unwrap());
    assert_eq!(run.out.trim(), "3b", "{run:?}");
}
