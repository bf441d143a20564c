use super::*;
use crate::clock;
use crate::node::log::LifeEnd;
use crate::triage::bundle::{self, Contents, Target};
use crate::triage::show::{Layout, show};
use crate::triage::testing::{fails, healthy_facts, line, says, with_settings};
use crate::triage::{JudgeOptions, judge};
use std::time::Duration;

fn patterns() -> Patterns {
    Patterns::new().unwrap()
}

/// Redacts one text by itself.
fn redacted(text: &str) -> String {
    let mut redactor = Redactor::new(patterns());
    let mut value = Value::from(text);
    redactor.walk(&mut value, Mode::Learn);
    redactor.know().unwrap();
    redactor.walk(&mut value, Mode::Replace);
    value.as_str().unwrap().to_owned()
}

#[test]
fn secrets_are_found_by_name_and_by_form() {
    for (text, secret) in [
        ("llama-server --api-key hunter2hunter2 --port 80", "hunter2hunter2"),
        ("llama-server --api-key=hunter2hunter2", "hunter2hunter2"),
        ("curl -H \"Authorization: Bearer tiny-one\" http://x", "tiny-one"),
        ("curl -H 'X-Api-Key: tiny-one' http://x", "tiny-one"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("got Bearer abcdef1234567", "abcdef1234567"),
        ("Cookie: a=1; session=verysecret", "verysecret"),
        ("postgres://ann:p4ssw0rd@db:5432/x failed", "p4ssw0rd"),
        ("GET /v1/models?api_key=s3cr3tkey HTTP/1.1", "s3cr3tkey"),
        ("https://x/y?sig=abc%2Bdef&X-Amz-Signature=0011aabb", "0011aabb"),
        ("password=correct", "correct"),
        ("PASSWORD: \"correct horse battery\"", "correct horse battery"),
        ("{\"apiKey\":\"plain-value\"}", "plain-value"),
        (r#"{"m":"{\"apiKey\":\"plain-value\"}"}"#, "plain-value"),
        (r#"{"m":"{\"n\":\"{\\\"apiKey\\\":\\\"plain-value\\\"}\"}"}"#, "plain-value"),
        ("OPENAI_API_KEY=plain-value", "plain-value"),
        ("MY_SALT=plain-value", "plain-value"),
        ("token hf_abcdefghijklmnop", "hf_abcdefghijklmnop"),
        ("key sk-proj-abc123def456", "sk-proj-abc123def456"),
        ("ghp_0123456789abcdefghij", "ghp_0123456789abcdefghij"),
        ("xoxb-1234567890-abcdef", "xoxb-1234567890-abcdef"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("https://hooks.slack.com/services/T00/B00/xyz12345", "xyz12345"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0"),
        ("-----BEGIN PRIVATE KEY-----\\nMIIB\\n-----END PRIVATE KEY-----", "MIIB"),
        ("rejected wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY9", "K7MDENG"),
        ("slot 0: prompt: 'my diagnosis is bad'", "diagnosis"),
        (r#"request: {"messages":[{"role":"user","content":"my diagnosis"}]}"#, "diagnosis"),
        ("{\\\"content\\\":\\\"my diagnosis\\\"}", "diagnosis"),
        ("tokens = [ 1, 15043, 29892, 590, 1024, 338, 319, 484, 29889, 306, 505, 263, 4892 ]", "29892"),
        ("[00:00.000 --> 00:04.000]  my diagnosis is bad", "diagnosis"),
        ("input_value='my diagnosis', input_type=str", "diagnosis"),
        ("login with token tiny4you2 failed", "tiny4you2"),
        ("the password is `c0rrect-Horse9`.", "c0rrect-Horse9"),
        ("invalid api key Zx81spectrum: 401", "Zx81spectrum"),
    ] {
        let safe = redacted(text);
        assert!(!safe.contains(secret), "{text}\n{safe}");
        assert!(safe.contains("[redacted "), "{text}\n{safe}");
        assert_eq!(redacted(&safe), safe, "a second time changes nothing");
    }
}

/// Without it the redactor takes away what rules and people read.
#[test]
fn what_rules_read_stays() {
    for text in [
        "error: invalid argument: --no-mmap",
        "0.00.004.036 E gguf_init_from_file: failed to read magic",
        "invalid magic characters: '<!DO', expected 'GGUF'",
        "tensor 'blk.0.attn_q.weight' data is not within the file bounds, model is corrupted or incomplete",
        "couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 8081",
        "KeyError: 'HF_TOKEN'",
        "unexpected token identifier; password authentication failed for user; key not found: llama3.context_length2",
        "the key general.file_type2 is missing; token 128009 of tokenizer-v3-2024; secret key /run/keys/x12345",
        "KeyError: 'OPENAI_API_KEY'",
        "print_info: BOS token        = 1 '<s>'",
        "print_info: EOG token        = 128009 '<|eot_id|>'",
        "slot update_slots: id 0 | task 1 | prompt done, n_past = 12, n_tokens = 12",
        "prompt eval time =     123.45 ms /    20 tokens (    6.17 ms per token,   162.00 tokens per second)",
        "llama-server -m /srv/models/a.gguf --ctx-size 4096 --max-tokens 512 --api-key-file /run/secrets/llama",
        "error while loading shared libraries: libcudnn_ops.so.9: cannot open shared object file",
        "{\"error\":{\"message\":\"Loading model\",\"type\":\"unavailable_error\",\"code\":503}}",
        "{\"detail\":\"Method Not Allowed\"}",
        "CUDA error: no kernel image is available for execution on the device",
        "NVRM: Xid (PCI:0000:01:00): 79, pid=1234, name=llama-server, GPU has fallen off the bus.",
        "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),oom_memcg=/lab2,task=llama-server,pid=29992,uid=0",
        "exited: llama (exit status 127; not expected)",
        "/srv/models/models--org--name/snapshots/3f2a9c1d4e5b6a7f8091a2b3c4d5e6f708192a3b/model.gguf",
        "HF_HUB_OFFLINE=1 CUDA_VISIBLE_DEVICES=0,1 HF_HOME=/data/hf_cache",
        "Basic authentication is required; the Bearer token is missing",
        "http://127.0.0.1:8081/health",
        "CUDA : ARCHS = 500,610,700,750,800,860,890 | USE_GRAPHS = 1",
        "RuntimeError: Library libcublas.so.12 is not found or cannot be loaded",
        "GPU-5a3f1c2e-7b1d-4e6f-9a8b-1c2d3e4f5a6b",
    ] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn a_replacement_names_the_length_and_is_the_same_for_the_same_value() {
    let mut value = serde_json::json!(["a password=correct1", "b password=correct1", "c password=another1"]);
    let mut redactor = Redactor::new(patterns());
    redactor.walk(&mut value, Mode::Learn);
    redactor.know().unwrap();
    redactor.walk(&mut value, Mode::Replace);
    let tag = |at: usize| value[at].as_str().unwrap().split_once('=').unwrap().1.to_owned();
    assert!(tag(0).starts_with("[redacted 8 chars #") && tag(0).ends_with(']'), "{}", tag(0));
    assert_eq!(tag(0), tag(1));
    assert_ne!(tag(0), tag(2));
}

#[test]
fn what_was_found_once_is_replaced_wherever_it_occurs_and_words_tear_no_path_apart() {
    let facts = {
        let mut facts = healthy_facts();
        with_settings(&mut facts.services[0], |settings| {
            settings.environment = vec![
                ("APP_CODE".into(), "zq-81-canary".into()),
                ("OTHER".into(), "llama".into()),
                ("SITE_PASSWORD".into(), "gardening".into()),
                ("LOG_LEVEL".into(), "everything".into()),
                ("CUDA_VISIBLE_DEVICES".into(), "0".into()),
            ];
        });
        says(
            &mut facts.services[0],
            &[
                "rejected zq-81-canary",
                "%7A: zq%2D81%2Dcanary",
                "no gardening here, and everything else",
                "at /srv/gardening/a.gguf",
            ],
        );
        facts
    };
    let (redacted, _) = redact(facts.clone()).unwrap();
    let text = serde_json::to_string(&redacted).unwrap();
    assert!(!text.contains("81-canary") && !text.contains("81%2Dcanary"));
    let service = &redacted.services[0];
    assert_eq!(service.process(), facts.services[0].process(), "paths and arguments are untouched");
    assert_eq!(service.settings().unwrap().environment[4].1, "0");
    let lines: Vec<&str> = service.lines_of_this_life().into_iter().map(|line| line.text.as_str()).collect();
    assert!(
        lines[2].starts_with("no [redacted 9 chars") && lines[2].ends_with(" here, and everything else"),
        "{lines:?}"
    );
    assert_eq!(lines[3], "at /srv/gardening/a.gguf");
}

#[test]
fn a_healthy_node_is_not_changed() {
    let facts = healthy_facts();
    let (same, redactions) = redact(facts.clone()).unwrap();
    assert_eq!(same, facts);
    assert_eq!(redactions, Redactions::default());
}

#[test]
fn a_private_key_over_several_lines_is_gone_and_the_lines_after_it_are_not() {
    let mut facts = healthy_facts();
    let lines = [
        "before",
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIEabcd",
        "c2hvcnQ=",
        "-----END RSA PRIVATE KEY-----",
        "E after it all",
    ];
    says(&mut facts.services[0], &lines);
    let (facts, _) = redact(facts).unwrap();
    let text = serde_json::to_string(&facts).unwrap();
    assert!(!text.contains("MIIEabcd") && !text.contains("c2hvcnQ"), "{text}");
    assert!(text.contains("before") && text.contains("E after it all"));
}

/// Twenty secrets of different kinds, in every place where facts come from: no byte of one may be in anything that
/// leaves.
#[test]
fn no_canary_is_in_the_report_in_json_or_in_a_bundle() {
    const CANARIES: [&str; 20] = [
        "canary-argv-01",
        "canary-flag-02",
        "canary03header",
        "canary-env-04",
        "canary-url-05",
        "canary06query",
        "hf_canary07abcdefgh",
        "sk-canary08abcdef12",
        "ghp_canary09abcdefgh12",
        "xoxb-canary10-abcdef",
        "AKIACANARY11ABCDEFGH",
        "canary-json-12",
        "canary-json-13",
        "canary-json-14",
        "canary pass 15",
        "canary16",
        "Y2FuYXJ5MTdhYmNkZWZnaGlqa2xtbm9w",
        "canary-prompt-18",
        "canary-error-19",
        "canary-config-20",
    ];
    let [
        argv,
        flag,
        header,
        env,
        url,
        query,
        hf,
        sk,
        ghp,
        slack,
        aws,
        json,
        json2,
        json3,
        quoted,
        bare,
        random,
        prompt,
        error,
        config,
    ] = CANARIES;
    let mut facts = healthy_facts();
    let service = &mut facts.services[0];
    with_settings(service, |settings| {
        settings.command = format!("/opt/llama/llama-server --api-key {argv} --hf-token={flag}");
        settings.environment =
            vec![("DATABASE_LOGIN".into(), config.into()), ("WEBHOOK_URL".into(), format!("https://x/{env}"))];
    });
    if let Some(crate::node::Fact { outcome: crate::node::Outcome::Ok { value }, .. }) = service.processes.first_mut() {
        value.argv = [
            "llama-server",
            "--api-key",
            argv,
            "-H",
            &format!("Authorization: Bearer {header}"),
            "--hook",
            &format!("http://u:{url}@h/"),
        ]
        .map(str::to_owned)
        .to_vec();
        let variables = std::collections::BTreeMap::from([("APP_TOKEN".to_owned(), Some(env.to_owned()))]);
        value.environment = crate::triage::testing::known("/proc/100/environ", variables);
    }
    let lines = [
        format!("E started with {argv} and {flag}, header {header}"),
        format!("E cannot reach http://user:{url}@10.0.0.1:8080/x?token={query}&a=1"),
        format!("E env {env} and {config} were refused"),
        format!("E {hf} {sk} {ghp} {slack} {aws}"),
        format!("E body {{\"apiKey\":\"{json}\"}}"),
        format!(r#"E body {{"m":"{{\"client_secret\":\"{json2}\"}}"}}"#),
        format!(r#"E body {{"m":"{{\"n\":\"{{\\\"access_token\\\":\\\"{json3}\\\"}}\"}}"}}"#),
        format!("E password: \"{quoted}\" PASSWORD={bare}"),
        format!("E unnamed {random}"),
        format!("E request {{\"prompt\":\"{prompt}\"}}"),
        format!("E psycopg2.OperationalError: connection to \"postgresql://app:{error}@db/x\" failed"),
        "E the moon is full".to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let processes = service.processes.clone();
    fails(service, LifeEnd::Exited { code: 1, expected: false }, &lines);
    service.processes = processes;
    service.lives[0].first_error = Some(line(lines[7]));
    service.lives.last_mut().unwrap().first_error = Some(line(lines[10]));
    facts.supervisords[0].search.http = Some(format!("http://admin:{config}@127.0.0.1:9001"));
    facts.database = crate::node::Fact::new(
        "modelctl.db",
        facts.taken,
        crate::node::Outcome::Failed { why: format!("login failed: password={bare}") },
    );

    let (facts, redactions) = redact(facts).unwrap();
    assert!(redactions.count >= 20, "{redactions:?}");
    let options = JudgeOptions::default();
    let mut report = judge(&facts, &options);
    report.redacted = redactions.count;
    let text: String =
        show(&report, Layout { width: 80, all: true }).into_iter().map(|line| line.text + "\n").collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar");
    Target::new(&path)
        .unwrap()
        .write(&Contents { facts: &facts, report: &report, options: &options, text: &text })
        .unwrap();
    let json = serde_json::to_string(&report).unwrap();
    let archive = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
    let packed = folder.path().join("x.tar.zst");
    Target::new(&packed)
        .unwrap()
        .write(&Contents { facts: &facts, report: &report, options: &options, text: &text })
        .unwrap();
    assert_eq!(bundle::read(&packed).unwrap().facts, facts);
    for canary in CANARIES {
        for (what, bytes) in [("text", &text), ("JSON", &json), ("bundle", &archive)] {
            assert!(!bytes.contains(canary), "{canary} is in the {what}");
        }
    }
    assert!(text.contains("psycopg2.OperationalError"), "the message itself stays:\n{text}");
}

/// Facts of a node with long logs must not make a person wait.
#[test]
fn ten_thousand_lines_take_little_time() {
    let mut facts = healthy_facts();
    let line = "0.00.004.036 I slot update_slots: id 0 | task 17 | prompt processing, n_past = 2048, progress = 0.73, token key=1";
    let lines: Vec<&str> = std::iter::repeat_n(line, 10_000).collect();
    says(&mut facts.services[0], &lines);
    let started = clock::instant();
    redact(facts).unwrap();
    // A debug build on a busy machine; a release build needs a small part of it.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn names_say_what_is_secret() {
    for name in ["OPENAI_API_KEY", "DB_PASSWORD", "token", "WEBHOOK_URL", "AUTH_HASH", "SENTRY_DSN", "HF_TOKEN"] {
        assert!(is_secret_name(name) && !is_allowed(name, "x"), "{name}");
    }
    for name in
        ["CUDA_VISIBLE_DEVICES", "LLAMA_WAIT_SECONDS", "PATH", "TOKENIZERS_PARALLELISM", "OLLAMA_MODELS", "MAX_TOKENS"]
    {
        assert!(!is_secret_name(name), "{name}");
    }
    for flag in ["--api-key", "--api_key", "--hf-token", "--password", "--key"] {
        assert!(is_secret_flag(flag), "{flag}");
    }
    for flag in ["--api-key-file", "--max-tokens", "--tokenizer", "--public-key", "key", "--api-key=x"] {
        assert!(!is_secret_flag(flag), "{flag}");
    }
}

/// A baseline compares hashes of files, and counters of one boot: a hash that is another one each time says that
/// everything has changed.
#[test]
fn hashes_of_files_and_the_boot_are_no_secrets() {
    let mut facts = healthy_facts();
    let sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned();
    let boot_id = "2f1c8a3e-6b0d-4e57-9c41-d0a7be91f3c6".to_owned();
    facts.services[0].map.push(crate::triage::facts::Mapped {
        what: "launcher".to_owned(),
        path: "/opt/start.sh".into(),
        line: None,
        size: Some(10),
        modified: None,
        why: None,
        sha256: Some(sha256.clone()),
    });
    let crate::node::Outcome::Ok { value: clock } = &mut facts.machine.clock.outcome else { panic!("it was read") };
    clock.boot_id = Some(boot_id.clone());
    let (safe, redactions) = redact(facts).unwrap();
    assert_eq!(safe.services[0].map.last().unwrap().sha256, Some(sha256));
    assert_eq!(safe.machine.clock.known().unwrap().boot_id, Some(boot_id));
    assert_eq!(redactions.count, 0, "a clean node has nothing to hide");
}
