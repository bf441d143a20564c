//! What scripts and people rely on whatever the command: exit codes, streams, the places of config and database.

use crate::sandbox::{Sandbox, finish};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn help_prints_the_exit_codes_and_every_command() {
    let run = Sandbox::new().run(["--help"]).ok();
    for word in ["Exit codes:", " 70  a bug in modelctl", "scan", "list", "show", "run-once", "set", "keep"] {
        assert!(run.out.contains(word), "{word} is not in {}", run.out);
    }
    assert!(!run.out.contains("\n  worker"), "hidden commands stay hidden");
    assert_eq!(run.err, "");
}

#[test]
fn help_fits_a_terminal_of_80_columns() {
    let sandbox = Sandbox::new();
    for command in ["scan", "list", "show", "run-once", "set", "keep", "history"] {
        let run = finish(sandbox.command([command, "--help"]).env("COLUMNS", "80").output().unwrap());
        let long: Vec<&str> = run.out.lines().filter(|l| l.chars().count() > 100).collect();
        assert!(run.code == Some(0) && long.is_empty(), "{command}: {long:?}");
    }
}

#[test]
fn a_senseless_command_line_is_usage() {
    let sandbox = Sandbox::new();
    for args in
        [&["frobnicate"][..], &["list", "--sort", "colour"], &["show"], &["set", "x"], &["run-once", "--prompt"], &[]]
    {
        assert_eq!(sandbox.run(args).code, Some(2), "{args:?}");
    }
}

#[test]
fn a_mistake_in_the_config_names_file_line_and_key() {
    let sandbox = Sandbox::new();
    let config = sandbox.path("home/.config/modelctl");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("config.toml"), "keep = []\n[scan]\npath = \"/srv\"\n").unwrap();
    let run = sandbox.run(["list"]).refuses(3, "config.toml:3:");
    assert!(run.err.contains("`path`"), "{run:?}");
    fs::write(config.join("config.toml"), "[worker]\nthreads = \"all\"\n").unwrap();
    sandbox.run(["list"]).refuses(3, "`worker.threads`");
    fs::remove_file(config.join("config.toml")).unwrap();
    fs::create_dir(config.join("config.toml")).unwrap();
    sandbox.run(["list"]).refuses(3, "config.toml");
    sandbox.run(["--config", "/nonexistent.toml", "list"]).refuses(3, "/nonexistent.toml");
}

#[test]
fn an_empty_inventory_says_what_to_do_and_is_valid_json() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(["list"]).ok();
    assert!(run.out.is_empty() && run.err.contains("modelctl scan"), "{run:?}");
    assert_eq!(sandbox.run(["list", "--json"]).ok().json(), serde_json::json!([]));
    assert!(!sandbox.db().exists(), "reading must not create a database");
    sandbox.run(["show", "anything"]).refuses(3, "modelctl scan");
}

#[test]
fn a_database_newer_than_the_program_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    sandbox.run(["scan"]).ok();
    let db = rusqlite::Connection::open(sandbox.db()).unwrap();
    db.pragma_update(None, "user_version", 9999).unwrap();
    db.pragma_query(None, "wal_checkpoint", |_| Ok(())).unwrap();
    drop(db);
    let before = fs::read(sandbox.db()).unwrap();
    for args in [&["list"][..], &["scan"], &["show", "x"]] {
        sandbox.run(args).refuses(3, "9999");
    }
    assert_eq!(fs::read(sandbox.db()).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let sandbox = Sandbox::new();
    let precious = b"this is my diary, not a database, whatever MODELCTL_DB says\n".repeat(100);
    fs::write(sandbox.db(), &precious).unwrap();
    for args in [&["list"][..], &["scan"]] {
        sandbox.run(args).refuses(3, "modelctl.db");
    }
    assert_eq!(fs::read(sandbox.db()).unwrap(), precious);
}

#[test]
fn a_database_where_nothing_can_be_written_is_a_clear_error() {
    let sandbox = Sandbox::new();
    // procfs takes no files from anyone, root included.
    let run = finish(sandbox.command(["scan"]).env("MODELCTL_DB", "/proc/modelctl/modelctl.db").output().unwrap());
    run.refuses(3, "/proc/modelctl");
}

#[test]
fn a_locked_database_is_busy_and_nothing_is_lost() {
    let sandbox = Sandbox::new();
    sandbox.run(["scan"]).ok();
    let db = rusqlite::Connection::open(sandbox.db()).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    sandbox.run(["scan"]).refuses(4, "modelctl.db");
    db.execute_batch("ROLLBACK").unwrap();
    sandbox.run(["scan"]).ok();
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let sandbox = Sandbox::new();
    for i in 0..500 {
        sandbox.write(&format!("m{i}.gguf"), &crate::gguf::fixture::small_model(&format!("m{i}")));
    }
    sandbox.run(["scan", "--quiet"]).ok();
    let mut list = sandbox.command(["list", "--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(list.stdout.take());
    let run = finish(list.wait_with_output().unwrap()).ok();
    assert_eq!(run.err, "");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let sandbox = Sandbox::new();
    sandbox.write("broken.gguf", b"this is no model at all, not even a header");
    sandbox.run(["scan"]).ok();
    assert!(!sandbox.run(["list"]).ok().out.contains('\u{1b}'), "a pipe gets no colour");
    assert!(sandbox.run(["--color", "always", "list"]).ok().out.contains('\u{1b}'));
    // A terminal of its own, from util-linux's script(1).
    let on_terminal = |no_color: bool| {
        let mut command = Command::new("script");
        let list = sandbox.command(["list"]);
        command.args(["-qec", &format!("{} list", list.get_program().to_string_lossy()), "/dev/null"]).env_clear();
        command
            .envs(list.get_envs().filter_map(|(k, v)| Some((k, v?))))
            .env("TERM", "xterm-256color")
            .stdin(Stdio::null());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        finish(command.output().unwrap()).ok().out
    };
    assert!(on_terminal(false).contains("\u{1b}["));
    assert!(!on_terminal(true).contains("\u{1b}["));
}

/// The answer of a model that took minutes would be lost, and the script told that all is well.
#[test]
fn a_closed_standard_output_is_an_error_and_one_that_is_thrown_away_is_not() {
    let sandbox = Sandbox::new();
    for (redirection, code) in [(">&-", 3), (">/dev/null", 0), ("1<>/dev/null", 0)] {
        let mut shell = std::process::Command::new("sh");
        let modelctl = sandbox.command(["history"]);
        shell.args(["-c", &format!("exec \"$0\" list --json {redirection}")]).arg(modelctl.get_program());
        shell.env_clear().envs(modelctl.get_envs().filter_map(|(key, value)| Some((key, value?))));
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{redirection}: {said}");
        assert_eq!(said.contains("cannot write to standard output"), code == 3, "{said}");
    }
}

/// Plans name models and paths, exports hold prompts and answers.
#[test]
fn whatever_the_umask_files_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.db().parent().unwrap()).unwrap();
    let modelctl = sandbox.command(["list"]);
    for line in [
        "task add --prompt secret --key one",
        "task export -o answers.jsonl",
        "prune --older-than 30d --plan plan.json",
    ] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask 0; exec \"$0\" {line}")]).arg(modelctl.get_program());
        shell.env_clear().envs(modelctl.get_envs().filter_map(|(key, value)| Some((key, value?))));
        finish(shell.current_dir(sandbox.path("")).output().unwrap()).ok();
    }
    for file in [sandbox.db(), sandbox.path("answers.jsonl"), sandbox.path("plan.json")] {
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
}
