//! What scripts build on: every document against the schema that the program prints for it, errors as JSON, and silence
//! when it was asked for.

use crate::daemon::LIMIT;
use crate::gguf::fixture::small_model;
use crate::prune::{BOLD, old};
use crate::sandbox::{Run, Sandbox};
use crate::serving::Serving;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A home with two copies of a model, one that is 60 days old, a broken file, and a name that is not UTF-8.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("a/tiny-Q4_0.gguf", &small_model("tiny"));
    sandbox.write("b/tiny-Q4_0.gguf", &small_model("tiny"));
    let ancient = sandbox.write("ancient-Q8_0.gguf", &small_model("ancient"));
    old(&ancient, 60);
    sandbox.write("broken.gguf", b"this is no model at all, not even a header");
    fs::write(sandbox.models().join(OsStr::from_bytes(b"odd\xff.gguf")), small_model("odd")).unwrap();
    sandbox.run(["scan", "-q"]).ok();
    sandbox
}

/// The schema that the program prints for a command.
fn schema(sandbox: &Sandbox, command: &str) -> Value {
    sandbox.run(["schema"].into_iter().chain(command.split(' '))).ok().document()
}

/// Checks a document against the schema of its command.
#[track_caller]
fn check(sandbox: &Sandbox, command: &str, document: &Value) {
    let schema = schema(sandbox, command);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(wrong.is_empty(), "{command}: {wrong:#?}\n{document:#}");
    let name = &document["schema"];
    assert!(name == 1 || name.as_str().unwrap().starts_with("modelctl."), "{document:#}");
    only_described(command, document, &schema, &schema, "");
}

/// Every member is described: one that is not would be a surprise for a script and for whoever changes it.
#[track_caller]
fn only_described(command: &str, value: &Value, schema: &Value, root: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => &root["$defs"][reference.rsplit('/').next().unwrap()],
        None => schema,
    };
    let branches = ["anyOf", "oneOf", "allOf"].iter().filter_map(|key| schema[*key].as_array()).flatten();
    match value {
        Value::Object(members) => {
            if let Some(branch) = branches.clone().find(|branch| branch["$ref"].is_string()) {
                return only_described(command, value, branch, root, at);
            }
            let Some(properties) = schema["properties"].as_object() else { return };
            let is_open = schema["additionalProperties"].is_object() || schema["additionalProperties"] == json!(true);
            for (key, value) in members {
                assert!(properties.contains_key(key) || is_open, "{command}: `{at}/{key}` is in no schema");
                if let Some(schema) = properties.get(key) {
                    only_described(command, value, schema, root, &format!("{at}/{key}"));
                }
            }
        }
        Value::Array(items) => {
            items.iter().for_each(|item| only_described(command, item, &schema["items"], root, at));
        }
        _ => {}
    }
}

/// Whoever reads a document by its schema must find what the schema promises, of every command.
#[test]
fn every_document_is_what_its_schema_says() {
    let sandbox = sandbox();
    let run = |line: &str| sandbox.run(line.split(' '));
    let told = |command: &str, line: &str| {
        let run = run(line);
        assert!(matches!(run.code, Some(0 | 1)), "{line}: {run:#?}");
        check(&sandbox, command, &run.document());
        run
    };
    told("scan", "scan --json");
    told("list", "list --json");
    told("list", "list -o json");
    told("list --files", "list --files --json");
    told("list --stores", "list --stores --json");
    told("df", "df --json");
    told("show", "show ancient --json");
    told("show", "inspect broken --json");
    told("set", "set ancient --alias mine --context 4096 --idle-timeout 10m --json");
    told("show", "show mine --json");
    run("keep add tiny* nothing-like-it").ok();
    told("keep list", "keep list --json");
    run("keep rm tiny*").ok();
    told("verify", "verify --all --json");
    run("verify --all --hash").refuses(1, "");
    told("duplicates", "duplicates --json");
    told("task add", "task add --key one --json Hello");
    told("task add", "task add --key one --json Hello");
    told("task list", "task list --json");
    told("task show", "task show one --json");
    told("task cancel", "task cancel one --json");
    told("task retry", "task retry one --json");
    run("task cancel one").ok();
    told("task wait", "task wait one --json");
    told("task stats", "task stats --json");
    fs::write(
        sandbox.path("in.jsonl"),
        r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"model":"any","messages":[{"role":"user","content":"x"}]}}"#,
    )
    .unwrap();
    told("task import", "task import in.jsonl --any-model --batch b --json");
    run("task cancel --batch b").ok();
    told("task export", "task export --batch b -o out.jsonl --json");
    let followed = run("task follow one --json");
    followed.out.lines().for_each(|line| check(&sandbox, "task follow", &serde_json::from_str(line).unwrap()));
    assert!(followed.out.lines().count() > 0, "{followed:?}");
    told("inference", "inference off --json");
    told("inference", "inference status --json");
    told("run-once", "run-once --json");
    told("inference", "inference on --json");
    let prune = |more: &str| format!("prune --older-than 30d {} --json{more}", BOLD.join(" "));
    told("prune", &prune(""));
    told("prune", &prune(" --confirm --allow-large"));
    told("trash list", "trash list --json");
    told("trash empty", "trash empty --json");
    let id = run("trash list --json").ok().json()[0]["id"].as_str().unwrap().to_owned();
    told("trash restore", &format!("trash restore {id} --json"));
    run(&prune(" --confirm --allow-large")).ok();
    told("trash empty", "trash empty --json -y");
    let history = told("history", "history --json --limit 0");
    assert!(history.json().as_array().unwrap().len() > 3, "{history:?}");
    told("schema", "schema --json");
    told("tune list", "tune list --json");
    told("top", "top --json");
    // What this machine is like decides their exit codes.
    for (command, more) in [("health", ""), ("triage", ""), ("triage --checklist", " --watch 1s")] {
        let run = run(&format!("{command} --json{more}"));
        check(&sandbox, command, &serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{command}: {e}: {run:?}")));
    }
}

/// The same for what a daemon is asked.
#[test]
fn the_documents_of_a_daemon_are_what_their_schemas_say() {
    let sandbox = Sandbox::new();
    sandbox.write("tiny.gguf", &small_model("tiny"));
    sandbox.run(["scan", "-q"]).ok();
    let _daemon = Serving::ready(&mut sandbox.command(["serve", "--no-executor"]), LIMIT);
    for (command, line) in [
        ("lifecycle pause", "lifecycle pause --json"),
        ("lifecycle resume", "lifecycle resume --json"),
        ("lifecycle status", "lifecycle status --json"),
        ("status", "status --json"),
        ("why", "why tiny --json"),
        ("priority", "priority tiny active --json"),
        ("ps", "ps --json"),
        ("events", "events --json"),
        ("stop", "stop tiny --json"),
        ("stop-all", "stop-all --json"),
        ("top", "top --json"),
    ] {
        let run = sandbox.run(line.split(' '));
        assert!(matches!(run.code, Some(0 | 1)), "{line}: {run:#?}");
        check(&sandbox, command, &run.document());
    }
}

/// A script cannot act on a sentence.
#[test]
fn an_error_is_json_when_json_was_asked_for() {
    let sandbox = sandbox();
    let error = |line: &str, code: i32| {
        let run = sandbox.run(line.split(' '));
        assert_eq!((run.code, run.out.as_str()), (Some(code), ""), "{line}: {run:#?}");
        check(&sandbox, "error", &serde_json::from_str(run.err.lines().last().unwrap()).unwrap());
        let error = run.error();
        assert_eq!(error["exit"], code, "{line}");
        error
    };
    assert_eq!(error("show nope-nothing --json", 3)["code"], "not_found");
    let similar = error("show ancien-Q8_0x -o json", 3);
    let names = similar["candidates"].as_array().unwrap().iter().map(|candidate| &candidate["name"]);
    assert!(names.clone().any(|name| name == "ancient-Q8_0"), "{similar:#}");
    let ambiguous = error("show Q --json", 3);
    assert_eq!(ambiguous["code"], "ambiguous");
    let candidates = ambiguous["candidates"].as_array().unwrap();
    assert!(candidates.len() > 1 && candidates.iter().all(|c| c["id"].is_string() && c["path"].is_string()));
    assert_eq!(error("task show 99 --json", 3)["code"], "not_found");
    assert_eq!(error("list --sort nothing --json", 2)["code"], "usage");
    let pull = error("pull qwen --json", 2);
    assert!(pull["hint"].as_str().unwrap().contains("hf download"), "{pull:#}");
    assert_eq!(error("--config /nonexistent.toml list --json", 3)["code"], "bad_config");
    // Without it errors are for people.
    assert!(sandbox.run(["show", "nope-nothing"]).refuses(3, "error: no model").out.is_empty());
}

/// The sums of a plan would count what stays.
#[test]
fn sums_over_rows_are_the_sums_of_the_document() {
    let sandbox = sandbox();
    let line = ["prune", "--older-than", "30d", "--allow-large", "--json"];
    let plan = sandbox.run(line.iter().chain(&BOLD)).ok().document();
    let rows = plan["rows"].as_array().unwrap();
    let sum: u64 = rows.iter().map(|row| row["freed_bytes"].as_u64().unwrap()).sum();
    assert_eq!(sum, plan["freed_bytes"].as_u64().unwrap());
    assert!(rows.iter().filter(|row| row["verdict"] == "keep").all(|row| row["freed_bytes"] == 0) && rows.len() > 1);
    let list = sandbox.run(["list", "--json"]).ok().json();
    let stores = sandbox.run(["df", "--json"]).ok().json();
    let models: u64 = stores.as_array().unwrap().iter().map(|store| store["models"].as_u64().unwrap()).sum();
    assert_eq!(list.as_array().unwrap().len() as u64, models);
}

/// U+FFFD in place of a byte opens no file.
#[test]
fn a_name_that_is_not_utf8_can_be_used() {
    let sandbox = sandbox();
    let bytes = |hex: &Value| -> Vec<u8> {
        let hex = hex.as_str().unwrap();
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
    };
    let list = sandbox.run(["list", "--json"]).ok().json();
    let odd: Vec<&Value> =
        list.as_array().unwrap().iter().filter(|model| model["path_bytes_hex"].is_string()).collect();
    assert_eq!(odd.len(), 1, "{list:#}");
    let path = bytes(&odd[0]["path_bytes_hex"]);
    assert!(Path::new(OsStr::from_bytes(&path)).is_file());
    let id = odd[0]["id"].as_str().unwrap();
    let plan = sandbox.run(["prune", "--model", id, "--allow-large", "--json"].iter().chain(&BOLD)).ok().document();
    let row = plan["rows"].as_array().unwrap().iter().find(|row| row["id"] == id).unwrap();
    assert_eq!(bytes(&row["paths_bytes_hex"][0]), path);
    let files = sandbox.run(["list", "--files", "--json"]).ok().json();
    let file = files.as_array().unwrap().iter().find(|file| file["path_bytes_hex"].is_string()).unwrap();
    assert_eq!(bytes(&file["entries_bytes_hex"][0]), path);
}

/// Cron sends a mail for every line.
#[test]
fn quiet_means_that_there_is_nothing_to_say() {
    let sandbox = Sandbox::new();
    sandbox.write("tiny.gguf", &small_model("tiny"));
    let silent = |run: Run| assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (Some(0), "", ""), "{run:#?}");
    for line in ["scan -q", "verify --all -q", "prune --unused-for 30d -q", "trash empty -q", "run-once -q"] {
        silent(sandbox.run(line.split(' ')));
    }
    // What was done is said, and what is wrong.
    assert!(sandbox.run(["set", "tiny", "--pin", "-q"]).ok().err.contains("pinned"));
    assert!(sandbox.run(["set", "tiny", "--alias", "mine", "-q"]).ok().err.contains("alias mine"));
    assert!(!sandbox.run(["set", "mine", "--no-alias"]).ok().err.contains("alias"));
    assert!(sandbox.run(["keep", "add", "tiny", "-q"]).ok().err.contains("tiny"));
    silent(sandbox.run(["keep", "add", "tiny", "-q"]));
    // A model that was away for a while is back: no news for the night.
    let (file, aside) = (sandbox.models().join("tiny.gguf"), sandbox.path("tiny.gguf"));
    sandbox.write("other.gguf", &small_model("other"));
    fs::rename(&file, &aside).unwrap();
    assert!(sandbox.run(["scan", "-q"]).ok().out.contains("gone"));
    fs::rename(&aside, &file).unwrap();
    silent(sandbox.run(["scan", "-q"]));
    fs::write(&file, b"GGUF").unwrap();
    assert!(sandbox.run(["scan", "-q"]).ok().out.contains("tiny"));
    let verify = sandbox.run(["verify", "--all", "-q"]);
    assert!(verify.code == Some(1) && verify.out.contains("tiny"), "{verify:?}");
    fs::rename(sandbox.models(), sandbox.path("away")).unwrap();
    assert!(sandbox.run(["scan", "-q"]).ok().err.contains("unavailable"));
}

/// Whoever comes from other programs types their short names.
#[test]
fn short_names_and_flags_of_other_programs_work() {
    let sandbox = sandbox();
    assert!(sandbox.run(["version"]).ok().out.starts_with("modelctl "));
    assert_eq!(sandbox.run(["du", "--json"]).ok().document(), sandbox.run(["df", "-o", "json"]).ok().document());
    let first = |command: &str| sandbox.run([command, "ancient"]).ok().out.lines().next().unwrap().to_owned();
    assert_eq!((first("info"), first("inspect")), (first("show"), first("show")));
    let line = ["prune", "--older-than", "30d", "--allow-large"];
    sandbox.run(line.iter().chain(&["-n"]).chain(&BOLD)).ok();
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json(), json!([]));
    sandbox.run(line.iter().chain(&["--yes"]).chain(&BOLD)).ok();
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json().as_array().unwrap().len(), 1);
    sandbox.run(["trash", "empty", "-n"]).ok();
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json().as_array().unwrap().len(), 1);
    sandbox.run(["trash", "empty", "-y"]).ok();
    assert_eq!(sandbox.run(["trash", "list", "--json"]).ok().json(), json!([]));
    assert_eq!(sandbox.run(["list", "--stores", "-o", "json"]).ok().json(), sandbox.run(["df", "--json"]).ok().json());
    sandbox.run(["list", "--stores", "-o", "csv"]).refuses(2, "table and json");
    // Of two words the first is the model; a model alone is no prompt.
    sandbox.run(["run", "nothing-like-it", "Hello"]).refuses(3, "no model matches `nothing-like-it`");
    sandbox.run(["run", "broken"]).refuses(2, "no prompt is given");
    sandbox.run(["rm", "b*"]).refuses(3, "not a pattern");
    sandbox.run(["show", "/no/such.gguf"]).refuses(3, "there is no such file");
    let missing = [("MODELCTL_DB", sandbox.path("none.db"))];
    crate::sandbox::finish(sandbox.command(["run-once"]).envs(missing).output().unwrap()).refuses(3, "no database at");
    sandbox.run(["task", "add", "-p", "Hello", "-m", "nothing-like-it"]).refuses(3, "no model matches");
    sandbox.run(["run", "-m", "nothing-like-it", "Hello"]).refuses(3, "no model matches");
    assert_eq!(sandbox.run(["run", "-p", "Hello", "again"]).code, Some(2));
}
