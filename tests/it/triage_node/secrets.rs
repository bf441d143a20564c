//! What a node keeps to itself, and that it is left as it was.

use super::timed;
use crate::sandbox::Sandbox;
use crate::supervised::{Supervisord, script};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// The beginning of every planted secret, which is nowhere else.
const MARK: &str = "plantedS3cret";

/// A server that logs, and answers with, what no server should.
const SERVER: &str = r#"
import http.server, json, sys
S = lambda name: 'plantedS3cret' + name
say = lambda text: print(text, file=sys.stderr, flush=True)
say('ERROR cannot log in: password=' + S('05') + ' rejected')
say(json.dumps({'level': 'error', 'api_key': S('06'), 'body': json.dumps({'authorization': 'Bearer ' + S('07'), 'prompt': S('08') + ' in private'})}))
say('ERROR connect to postgres://app:' + S('09') + '@db:5432/x failed')
say('ERROR GET http://hub/x?token=' + S('10') + '&a=1 -> 403')
say('ERROR Authorization: Basic ' + S('11'))
say('Traceback (most recent call last):\n  File "/a.py", line 3, in <module>\nValueError: invalid key sk-' + S('12'))
say('export HF_TOKEN=hf_' + S('13'))
say('ERROR login with token ' + S('14') + ' failed')
say('ERROR AWS_SECRET_ACCESS_KEY=' + S('15'))
say('ERROR Cookie: session=' + S('16'))
say('ERROR the key in use is ' + open(sys.argv[1]).read().strip())
say('ERROR supervisord refuses ' + S('01') + 'Pw')
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({'error': {'message': 'bad key ' + str(self.headers.get('Authorization')) + ' secret=' + S('17')}}).encode()
        self.send_response(500)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Set-Cookie', 'sid=' + S('18'))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
open(sys.argv[2] + '.new', 'w').write(str(server.server_port))
import os; os.rename(sys.argv[2] + '.new', sys.argv[2])
server.serve_forever()
"#;

/// Starts supervisord with a server and a program that dies, and writes the config file.
fn node(sandbox: &Sandbox) -> Supervisord {
    let secret = |name: &str| format!("{MARK}{name}");
    let key = sandbox.path("key");
    std::fs::write(&key, secret("19Key")).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let server = script(sandbox, "server.py", SERVER);
    let port = sandbox.path("port");
    let api = format!(
        "command=python3 {} {} {} --api-key {} --hf-token={}\nenvironment=OPENAI_API_KEY=\"{}\",DB_URL=\"mysql://u:{}@h/x\"",
        server.display(),
        key.display(),
        port.display(),
        secret("02Arg"),
        secret("03Arg"),
        secret("04Env"),
        secret("20Env"),
    );
    let dies = format!(
        "command=sh -c \"echo ERROR no access for $MYSQL_PWD and with password {} >&2; exit 4\"\n\
         environment=MYSQL_PWD=\"{}\"\nstartsecs=1\nstartretries=1",
        secret("21Said"),
        secret("22Env"),
    );
    let socket = format!("username=admin\npassword={}Pw", secret("01"));
    let supervisord = Supervisord::start_with(sandbox, &socket, &[("api", &api), ("dies", &dies)]);
    supervisord.log_has(sandbox, "gave up: dies ");
    crate::supervised::until("the port of the server", || port.exists());
    let port = std::fs::read_to_string(port).unwrap();
    let check = format!("#!/bin/sh\necho no JSON {}\necho {} >&2\nexit 3\n", secret("23Out"), secret("24Err"));
    let check = script(sandbox, "bin/pollers", &check);
    let toml = format!(
        "[supervisor]\nconfig = {:?}\n\
         [[services]]\nname = \"api\"\nrole = \"api\"\nmanager = \"supervisor:api\"\nkey_file = {key:?}\n\
         endpoint = \"http://127.0.0.1:{port}/health?token={}&key={}\"\n\
         [[services]]\nname = \"dies\"\nrole = \"worker\"\nmanager = \"supervisor:dies\"\n\
         queue = {{ name = \"q\", check = [{check:?}, \"--password\", \"{}\"] }}\n",
        supervisord.config,
        secret("25Url"),
        secret("26Url"),
        secret("27Arg"),
    );
    std::fs::write(sandbox.path("config.toml"), toml).unwrap();
    supervisord
}

fn baseline(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.path("modelctl.db.baseline.json")
}

/// A bundle is mailed to strangers: one secret in it, in whatever form a log has it, is one too many.
#[test]
fn planted_secrets_are_in_no_output() {
    let sandbox = Sandbox::new();
    let _node = node(&sandbox);
    let bundle = sandbox.path("node.tar");
    let bundle = bundle.to_str().unwrap();
    let runs: &[&[&str]] = &[
        &["triage", "--all"],
        &["triage", "--json", "--bundle", bundle],
        &["triage", "--look"],
        &["triage", "--look", "--json"],
        &["triage", "--map"],
        &["triage", "--map", "--json"],
        &["triage", "--baseline", "save"],
        &["triage", "--baseline", "diff"],
        &["triage", "--from", bundle, "--all"],
        &["triage", "--explain", "SUP-10"],
        &["triage", "--checklist", "--watch", "1s", "--json"],
        &["health", "--level", "deep"],
        &["health", "--level", "deep", "--json"],
        &["health", "--level", "deep", "--format", "nagios"],
        &["health", "--level", "deep", "--format", "prometheus"],
        &["health", "--level", "deep", "--format", "health+json"],
        &["tune", "next", "--json"],
        &["tune", "record", "--workers", "--service", "api", "--from", "1", "--to", "2", "--why", "x", "--json"],
    ];
    let mut leaks = Vec::new();
    let mut look = |what: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let places = text.match_indices(MARK).take(3).map(|(at, _)| {
            let (from, to) = (text.floor_char_boundary(at.saturating_sub(60)), text.ceil_char_boundary(at + 30));
            format!("{what}: …{}…", text[from..to.min(text.len())].replace('\n', "⏎"))
        });
        leaks.extend(places);
    };
    for args in runs {
        let (run, _) = timed(&sandbox, args);
        assert!(matches!(run.code, Some(0 | 1)), "{args:?}: {run:?}");
        look(&args.join(" "), run.out.as_bytes());
        look(&args.join(" "), run.err.as_bytes());
        // The reason is shown, without the secret in it.
        if args.contains(&"--bundle") {
            assert!(run.out.contains("no access for [redacted"), "{}", run.out);
        }
    }
    look("the bundle", &std::fs::read(bundle).unwrap());
    look("the baseline", &std::fs::read(baseline(&sandbox)).unwrap());
    look("the database", &std::fs::read(sandbox.db()).unwrap());
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    for file in [Path::new(bundle), &baseline(&sandbox)] {
        assert_eq!(std::fs::metadata(file).unwrap().mode() & 0o777, 0o600, "{}", file.display());
    }
}

/// Every file below a folder: mode, owner, time of the last change of it, and what is in it.
fn files(folder: &Path, but: &[&Path]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap) {
        if but.contains(&entry.path()) || !entry.file_type().is_file() && !entry.file_type().is_dir() {
            continue;
        }
        let meta = entry.metadata().unwrap();
        let hash = match meta.is_file() {
            true => modelctl::model::hex(&Sha256::digest(std::fs::read(entry.path()).unwrap())),
            false => String::new(),
        };
        let times = if meta.is_file() { format!("{}.{}", meta.mtime(), meta.ctime()) } else { String::new() };
        let text = format!("{:o} {} {times} {hash}", meta.mode(), meta.uid());
        found.insert(entry.path().display().to_string(), text);
    }
    found
}

/// The programs of supervisord: their processes, with the time of their start.
fn programs(supervisord: &Supervisord) -> Vec<String> {
    let children = format!("/proc/{0}/task/{0}/children", supervisord.child.id());
    let pids = std::fs::read_to_string(children).unwrap();
    let start = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(19).unwrap().to_owned()
    };
    pids.split_whitespace().map(|pid| format!("{pid} {}", start(pid))).collect()
}

/// Triage is run on production nodes, by people who are told that it changes nothing.
#[test]
fn nothing_on_the_node_is_changed_and_no_program_is_restarted() {
    let sandbox = Sandbox::new();
    let supervisord = node(&sandbox);
    // A database that others may read stays as it is, too.
    timed(&sandbox, &["tune", "list"]).0.ok();
    timed(&sandbox, &["tune", "record", "K", "--from", "1", "--to", "2", "--why", "x"]).0.ok();
    std::fs::set_permissions(sandbox.db(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let (bundle, baseline) = (sandbox.path("node.tar.zst"), baseline(&sandbox));
    let folder = sandbox.path("");
    let seen = || files(&folder, &[&bundle, &baseline]);
    let before = (seen(), programs(&supervisord));
    for args in [
        &["triage"][..],
        &["triage", "--look"],
        &["triage", "--map"],
        &["triage", "--bundle", bundle.to_str().unwrap()],
        &["triage", "--baseline", "save"],
        &["triage", "--baseline", "diff"],
        &["triage", "--checklist", "--watch", "1s"],
        &["health"],
        &["health", "--level", "deep", "--format", "prometheus"],
        &["tune", "next"],
        &["tune", "list"],
    ] {
        let (run, _) = timed(&sandbox, args);
        assert!(matches!(run.code, Some(0 | 1)), "{args:?}: {run:?}");
        let after = (seen(), programs(&supervisord));
        let changed: Vec<_> = after.0.iter().filter(|(path, text)| before.0.get(*path) != Some(text)).collect();
        assert!(changed.is_empty() && before.0.len() == after.0.len(), "{args:?}: {changed:#?}");
        assert_eq!(before.1, after.1, "{args:?}");
    }
}
