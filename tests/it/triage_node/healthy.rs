//! A healthy node is said to be healthy, whatever its services answer to questions that are not theirs.

use super::{config, problems, timed};
use crate::health::serve;
use crate::sandbox::Sandbox;
use crate::supervised::Supervisord;

/// An API that wants a login for every path, one that answers every path with its page, and a llama-server with a key: a
/// triage in cron that ends with 1 on such a node is switched off.
#[test]
fn answers_to_other_questions_are_no_trouble() {
    let sandbox = Sandbox::new();
    let programs =
        [("login", "command=/bin/sleep 600"), ("page", "command=/bin/sleep 600"), ("llama", "command=/bin/sleep 600")];
    let supervisord = Supervisord::start(&sandbox, &programs);
    for (name, _) in programs {
        supervisord.log_has(&sandbox, &format!("success: {name} entered RUNNING"));
    }
    let login = serve(&[
        ("/health", 200, "ok"),
        ("/v1/models", 401, "log in"),
        ("/slots", 401, "log in"),
        ("/v1/completions", 401, "log in"),
    ]);
    let page = serve(&[
        ("/", 200, "<html>"),
        ("/v1/models", 200, "<html>"),
        ("/slots", 200, "<html>"),
        ("/metrics", 200, "<html>"),
        ("/v1/completions", 500, "no"),
    ]);
    let llama = serve(&[("/health", 200, r#"{"status":"ok"}"#), ("/v1/models", 401, "key"), ("/slots", 401, "key")]);
    // Without its name those of other tests, which come and go, would be on this node too.
    config(
        &sandbox,
        &format!(
            "[supervisor]\nconfig = \"{}\"\n\
             [[services]]\nname = \"login\"\nrole = \"api\"\nmanager = \"none\"\nendpoint = \"{login}/health\"\n\
             [[services]]\nname = \"page\"\nrole = \"api\"\nmanager = \"none\"\nendpoint = \"{page}/\"\n\
             [[services]]\nname = \"llama\"\nrole = \"llama\"\nmanager = \"none\"\nendpoint = \"{llama}/health\"\n",
            supervisord.config.display()
        ),
    );
    for args in [&["triage", "--json"][..], &["triage", "--deep", "--json"]] {
        let (run, _) = timed(&sandbox, args);
        let report = run.json();
        assert_eq!((run.code, problems(&report)), (Some(0), Vec::new()), "{report:#}");
    }
    let (run, _) = timed(&sandbox, &["health", "--level", "deep", "--check", "endpoints", "login", "page", "--json"]);
    assert_eq!((run.code, run.json()["status"].as_str()), (Some(0), Some("ok")), "{run:?}");
}

/// Two supervisords may have a program of one name: the state and the logs of the one must not be told of the other.
#[test]
fn programs_of_one_name_are_two_services() {
    let (broken, sound) = (Sandbox::new(), Sandbox::new());
    let fails = "command=sh -c \"echo 'ERROR: the twin is broken' >&2; exit 7\"\nstartretries=1";
    let first = Supervisord::start(&broken, &[("twin", fails)]);
    let second = Supervisord::start(&sound, &[("twin", "command=/bin/sleep 600")]);
    first.log_has(&broken, "gave up: twin ");
    second.log_has(&sound, "success: twin entered RUNNING");
    // Both are found by their processes.
    config(&sound, "");
    let (run, _) = timed(&sound, &["triage", "--json"]);
    let report = run.json();
    let twins: Vec<&serde_json::Value> =
        report["services"].as_array().unwrap().iter().filter(|one| one["manager"] == "supervisor:twin").collect();
    let mut states: Vec<&str> = twins.iter().map(|twin| twin["state"].as_str().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["FATAL", "RUNNING"], "{report:#}");
    let well = twins.iter().find(|twin| twin["state"] == "RUNNING").unwrap()["name"].as_str().unwrap();
    assert!(!problems(&report).iter().any(|(_, service)| service.as_deref() == Some(well)), "{report:#}");
    let config_of_first = first.config.to_str().unwrap();
    let finding = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["cause"].as_str().unwrap().contains("the twin is broken"))
        .unwrap();
    assert!(
        !finding["command"].to_string().contains("supervisorctl")
            || finding["command"].to_string().contains(config_of_first),
        "{finding:#}"
    );
}
