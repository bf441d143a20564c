//! What prune asks again at the moment of acting: a plan may be hours old, and there is no undo for what a server deletes.

use crate::gguf::fixture;
use crate::prune::{names, old, ollama_tag, prune, with_models};
use crate::sandbox::{Run, Sandbox, finish};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

/// A server that notes what it was asked: the first line and the body.
struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// `answer` gives status and body.
    fn answering(answer: impl Fn(&str, &str) -> (u16, String) + Send + 'static) -> Fake {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let notes = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = request(&mut stream);
                let (first, body) = request.split_once('\n').unwrap();
                notes.lock().unwrap().push(format!("{first} {body}"));
                let (status, body) = answer(first, body);
                let head =
                    format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                // Who asked may have gone.
                let _ = stream.write_all((head + &body).as_bytes());
            }
        });
        Fake { address, asked }
    }

    fn was_asked(&self, start: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|line| line.starts_with(start)).count()
    }
}

/// Method and path, a line feed, the body.
fn request(stream: &mut std::net::TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut more = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                let first: Vec<&str> = head.split(' ').take(2).collect();
                return format!("{}\n{body}", first.join(" "));
            }
        }
        match stream.read(&mut more).unwrap() {
            0 => return "\n".to_owned(),
            n => bytes.extend_from_slice(&more[..n]),
        }
    }
}

fn open(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

/// A sandbox that another user runs the program in. None, said, where this one may not become another.
fn of_nobody() -> Option<Sandbox> {
    if !rustix::process::geteuid().is_root() || !Path::new("/usr/bin/setpriv").exists() {
        crate::sandbox::skip("only root can run as another user");
        return None;
    }
    let sandbox = Sandbox::new();
    [sandbox.path(""), sandbox.path("home"), sandbox.path("run")].iter().for_each(|path| open(path, 0o777));
    Some(sandbox)
}

fn as_nobody(sandbox: &Sandbox, variables: &[(&str, &str)], args: &[&str]) -> Run {
    let own = sandbox.command(args);
    let mut command = Command::new("/usr/bin/setpriv");
    command
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(sandbox.program_for_others())
        .args(args);
    command.env_clear().envs(own.get_envs().filter_map(|(k, v)| Some((k, v?)))).envs(variables.iter().copied());
    finish(command.current_dir(sandbox.path("")).output().unwrap())
}

/// An Ollama store of which `alpha` has two names, and what deleting any of them through `fake` does.
struct Foreign {
    sandbox: Sandbox,
    root: PathBuf,
    fake: Fake,
}

impl Foreign {
    /// `refused`: the end of a name that the server does not delete.
    fn new(refused: &'static str) -> Option<Foreign> {
        let sandbox = of_nobody()?;
        let root = sandbox.models().join("ollama");
        for tag in ["8b", "latest"] {
            ollama_tag(&root, "alpha", tag, &fixture::small_model("one"));
        }
        ollama_tag(&root, "beta", "latest", &fixture::small_model("two"));
        let top = root.clone();
        let fake = Fake::answering(move |first, body| {
            if !first.starts_with("DELETE") {
                return (200, json!({"models": []}).to_string());
            }
            let body: Value = serde_json::from_str(body).unwrap();
            let name = body["model"].as_str().unwrap();
            if !refused.is_empty() && name.ends_with(refused) {
                return (500, "no".to_owned());
            }
            fs::remove_file(top.join("manifests").join(name.replace(':', "/"))).unwrap();
            (200, String::new())
        });
        let foreign = Foreign { sandbox, root, fake };
        foreign.run(&["scan"]).ok();
        Some(foreign)
    }

    fn run(&self, args: &[&str]) -> Run {
        as_nobody(&self.sandbox, &[("OLLAMA_HOST", &self.fake.address)], args)
    }

    fn prune(&self, args: &[&str]) -> Run {
        let all = ["prune", "--model", "alpha:8b", "--grace", "0", "--assume-unused"];
        self.run(&all.iter().chain(args).copied().collect::<Vec<_>>())
    }

    fn plan(&self) -> String {
        let plan = self.sandbox.path("plan.json").to_str().unwrap().to_owned();
        self.prune(&["--purge", "--plan", &plan]).ok();
        plan
    }
}

#[test]
fn a_name_that_was_pulled_again_after_the_plan_is_not_deleted() {
    let Some(store) = Foreign::new("") else { return };
    let plan = store.plan();
    ollama_tag(&store.root, "alpha", "latest", &fixture::small_model("quite another"));
    let run = store.run(&["prune", "--apply", &plan, "--confirm", "--purge", "--allow-large"]);
    run.refuses(1, "left alone");
    assert_eq!(store.fake.was_asked("DELETE"), 0);
    assert!(store.root.join("manifests/registry.ollama.ai/library/alpha/latest").exists());
}

#[test]
fn a_plan_that_names_more_than_a_model_has_deletes_nothing_more() {
    let Some(store) = Foreign::new("") else { return };
    let plan = store.plan();
    let mut edited: Value = serde_json::from_slice(&fs::read(&plan).unwrap()).unwrap();
    let row = edited["rows"].as_array_mut().unwrap().iter_mut().find(|row| row["goes"] == true).unwrap();
    let mut step = row["steps"][0].clone();
    step["move"]["path"] = "manifests/registry.ollama.ai/library/beta/latest".into();
    row["steps"].as_array_mut().unwrap().insert(0, step);
    fs::write(&plan, edited.to_string()).unwrap();
    store.run(&["prune", "--apply", &plan, "--confirm", "--purge", "--allow-large"]).refuses(1, "left alone");
    assert_eq!(store.fake.was_asked("DELETE"), 0);
}

#[test]
fn what_a_server_deleted_by_half_is_told_and_in_the_history() {
    let Some(store) = Foreign::new(":latest") else { return };
    let run = store.prune(&["--confirm", "--purge", "--allow-large"]).refuses(1, "was deleted, the rest was not");
    assert!(run.err.contains("did not delete"), "{run:?}");
    assert!(!store.root.join("manifests/registry.ollama.ai/library/alpha/8b").exists());
    let history = store.run(&["history", "--json"]).ok().json();
    let told: Vec<_> = history.as_array().unwrap().iter().filter(|e| e["action"] == "purge").collect();
    assert_eq!(told.len(), 1, "{history:#}");
    assert_eq!(told[0]["detail"]["deleted"], json!(["registry.ollama.ai/library/alpha:8b"]), "{told:#?}");
    assert_eq!(told[0]["freed_bytes"], 0);
    let listed = store.run(&["list", "--json"]).ok().json();
    assert_eq!(listed.as_array().unwrap().len(), 2, "what is left of it is still known: {listed:#}");
}

#[test]
fn a_model_that_a_server_has_loaded_since_the_plan_stays() {
    let sandbox = with_models();
    let path = sandbox.models().join("ancient-Q4_0.gguf");
    let of_container = "/models/ancient-Q4_0.gguf";
    let is_loaded = Arc::new(Mutex::new(false));
    let state = is_loaded.clone();
    let server = Fake::answering(move |_, _| match *state.lock().unwrap() {
        true => (200, json!({"model_path": of_container, "data": []}).to_string()),
        // It has no model yet.
        false => (404, String::new()),
    });
    let run = |args: &[&str]| {
        let all = args.iter().chain(&["--assume-unused"]);
        finish(sandbox.command(all).env("MODELCTL_ENDPOINTS", &server.address).output().unwrap())
    };
    let plan = sandbox.path("plan.json");
    let plan = plan.to_str().unwrap();
    run(&["prune", "--model", "ancient-Q4_0", "--grace", "0", "--plan", plan]).ok();
    *is_loaded.lock().unwrap() = true;
    run(&["prune", "--apply", plan, "--confirm", "--allow-large"]).refuses(1, "has it loaded");
    assert!(path.exists());
    *is_loaded.lock().unwrap() = false;
    run(&["prune", "--apply", plan, "--confirm", "--allow-large"]).ok();
    assert!(!path.exists());
}

#[test]
fn the_server_that_is_to_delete_a_model_is_asked_right_before() {
    let Some(store) = Foreign::new("") else { return };
    let plan = store.plan();
    let before = store.fake.was_asked("GET /api/ps");
    // The blob is left by this server: it is told, and is no matter here.
    store.run(&["prune", "--apply", &plan, "--confirm", "--purge", "--allow-large"]);
    assert_eq!(store.fake.was_asked("DELETE"), 2);
    assert!(store.fake.was_asked("GET /api/ps") >= before + 2, "at the beginning, and before it deletes");
    let asked = store.fake.asked.lock().unwrap();
    let delete = asked.iter().position(|line| line.starts_with("DELETE")).unwrap();
    assert!(asked[delete - 1].starts_with("GET /api/ps"), "{asked:#?}");
}

#[test]
fn more_than_half_of_what_is_there_now_needs_a_word_more() {
    let sandbox = with_models();
    let plan = sandbox.path("plan.json");
    let plan = plan.to_str().unwrap();
    prune(&sandbox, &["--unused-for", "30d", "--keep", "older-*", "--plan", plan]).ok();
    for name in ["older-Q8_0", "fresh-Q4_0"] {
        fs::remove_file(sandbox.models().join(format!("{name}.gguf"))).unwrap();
    }
    sandbox.run(["scan"]).ok();
    sandbox.run(["prune", "--apply", plan, "--confirm"]).refuses(3, "more than half");
    assert_eq!(names(&sandbox), ["ancient-Q4_0"]);
    assert!(!sandbox.path(".model_trash").exists(), "nothing was made");
    // What a file says is permitted is not.
    let text = fs::read_to_string(plan).unwrap();
    fs::write(plan, text.replace(r#""allow_large": false"#, r#""allow_large": true"#)).unwrap();
    sandbox.run(["prune", "--apply", plan, "--confirm"]).refuses(3, "--allow-large");
    sandbox.run(["prune", "--apply", plan, "--confirm", "--allow-large"]).ok();
    assert!(names(&sandbox).is_empty());
}

#[test]
fn what_a_link_that_is_kept_by_now_leads_to_stays() {
    let sandbox = with_models();
    // After the models in the order of the plan.
    let links = sandbox.path("yonder");
    fs::create_dir(&links).unwrap();
    let path = sandbox.models().join("ancient-Q4_0.gguf");
    std::os::unix::fs::symlink(&path, links.join("zlink.gguf")).unwrap();
    let roots = format!("{}:{}", sandbox.models().display(), links.display());
    let run = |args: &[&str]| finish(sandbox.command(args).env("MODEL_SCAN_PATH", &roots).output().unwrap());
    run(&["scan"]).ok();
    let plan = sandbox.path("plan.json");
    let plan = plan.to_str().unwrap();
    let rule = ["prune", "--older-than", "30d", "--grace", "0", "--assume-unused", "--plan", plan];
    run(&rule).ok();
    run(&["keep", "add", links.join("zlink.gguf").to_str().unwrap()]).ok();
    run(&["prune", "--apply", plan, "--confirm", "--allow-large"]).refuses(1, "keep rule");
    assert!(path.exists() && links.join("zlink.gguf").exists());
    assert!(!sandbox.models().join("older-Q8_0.gguf").exists(), "what nothing keeps goes");
}

#[test]
fn so_many_models_as_are_configured_by_now_stay() {
    let sandbox = with_models();
    let plan = sandbox.path("plan.json");
    let plan = plan.to_str().unwrap();
    prune(&sandbox, &["--model", "ancient-Q4_0", "--plan", plan]).ok();
    let apply = |least: &str| {
        let mut command = sandbox.command(["prune", "--apply", plan, "--confirm", "--allow-large"]);
        finish(command.env("AUTO_PRUNE_MIN_KEEP", least).output().unwrap())
    };
    apply("3").refuses(1, "one of the last 3");
    assert_eq!(names(&sandbox).len(), 3);
    apply("2").ok();
    assert_eq!(names(&sandbox).len(), 2);
}

#[test]
fn a_store_that_cannot_be_written_keeps_nothing_else_from_going() {
    let Some(sandbox) = of_nobody() else { return };
    let theirs = sandbox.path("theirs");
    let store = theirs.join("store");
    fs::create_dir_all(&store).unwrap();
    for path in [&theirs, &store] {
        std::os::unix::fs::chown(path, Some(0), Some(0)).unwrap();
    }
    std::os::unix::fs::chown(sandbox.models(), Some(65_534), Some(65_534)).unwrap();
    for path in [sandbox.write("own.gguf", &fixture::small_model("own")), store.join("their.gguf")] {
        fs::write(&path, fixture::small_model(path.file_stem().unwrap().to_str().unwrap())).unwrap();
        old(&path, 60);
    }
    let roots = format!("{}:{}", sandbox.models().display(), store.display());
    let run = |args: &[&str]| as_nobody(&sandbox, &[("MODEL_SCAN_PATH", &roots)], args);
    run(&["scan"]).ok();
    let both = ["prune", "--model", "own", "--model", "their", "--grace", "0", "--assume-unused", "--allow-large"];
    let with = |more: &[&str]| run(&both.iter().chain(more).copied().collect::<Vec<_>>());
    let plan = with(&["--json"]).refuses(3, "their was kept: its store is not writable").json();
    let rows = plan["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["name"] == "their").unwrap();
    assert_eq!((&row["verdict"], &row["rule"]), (&"keep".into(), &"store".into()), "{row:#}");
    assert_eq!(row["why"], "its store is not writable");

    // A plan from when it could be written.
    for path in [&theirs, &store] {
        open(path, 0o777);
    }
    let saved = sandbox.path("plan.json");
    let saved = saved.to_str().unwrap();
    with(&["--plan", saved]).ok();
    for path in [&theirs, &store] {
        open(path, 0o755);
    }
    let applied = run(&["prune", "--apply", saved, "--confirm", "--allow-large"]).refuses(1, "their: ");
    assert!(applied.out.contains("moved 1 model") && !applied.err.contains("bug"), "{applied:?}");
    assert!(store.join("their.gguf").exists() && !sandbox.models().join("own.gguf").exists());
    // Where nothing else can go, it is the whole answer.
    run(&["prune", "--apply", saved, "--confirm", "--allow-large"]).refuses(1, "left alone");
}
