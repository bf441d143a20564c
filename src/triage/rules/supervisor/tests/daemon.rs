use super::*;

fn refused(refusal: Refusal, change: impl FnOnce(&mut SupervisordFacts)) -> Facts {
    let mut facts = healthy_facts();
    facts.services.clear();
    let one = &mut facts.supervisords[0];
    one.search.refusal = Some(refusal);
    one.search.processes.clear();
    one.answer = absent("supervisord at /run/supervisor.sock");
    change(one);
    facts
}

#[test]
fn sup_01_supervisord_does_not_run() {
    let found = hit("SUP-01", &refused(Refusal::NoSocket, |_| ()));
    says_all(&found, &["/run/supervisor.sock does not exist", "supervisord -c", "shutdown"]);
    assert_eq!((found.service, found.changes), (None, Changes::Host));
    // Where nothing says that it should run, its absence is no finding.
    assert_eq!(hits("SUP-01", &refused(Refusal::NoSocket, |one| one.is_expected = false)), []);
    assert_eq!(hits("SUP-01", &healthy_facts()), []);
}

#[test]
fn sup_01_tells_a_removed_socket_from_a_supervisord_that_is_gone() {
    let found = hit(
        "SUP-01",
        &refused(Refusal::NoSocket, |one| {
            one.search.processes = vec![(10, vec!["/usr/bin/supervisord".into()])];
        }),
    );
    says_all(&found, &["pid 10", "its socket /run/supervisor.sock is gone", "kill -HUP 10"]);
}

#[test]
fn sup_02_supervisord_left_its_socket() {
    says_all(&hit("SUP-02", &refused(Refusal::NobodyServes, |_| ())), &["left its socket", "supervisord -c"]);
    assert_eq!(hits("SUP-02", &healthy_facts()), []);
}

#[test]
fn sup_03_says_the_right_that_is_missing_and_is_unknown() {
    let mut facts = refused(Refusal::NoPermission, |one| one.answer = denied("supervisord at /run/supervisor.sock"));
    facts.machine.uid = 1000;
    let found = hit("SUP-03", &facts);
    says_all(&found, &["user 1000 cannot use /run/supervisor.sock", "mode 0700, owner 0", "sudo"]);
    assert_eq!(found.changes, Changes::Nothing);
    assert_eq!(crate::triage::testing::rule("SUP-03").severity, crate::triage::finding::Severity::Unknown);
    says_all(&hit("SUP-03", &refused(Refusal::WrongPassword, |_| ())), &["rejects the password", CONFIG]);
    assert_eq!(hits("SUP-03", &healthy_facts()), []);
}

#[test]
fn sup_19_a_supervisord_that_may_not_write_its_log() {
    let text = "PermissionError: [Errno 13] Permission denied: '/var/log/supervisor/supervisord.log'";
    let mut facts = refused(Refusal::NoSocket, |_| ());
    facts.machine.uid = 1000;
    main_log_says(&mut facts, text);
    let found = hit("SUP-19", &facts);
    says_all(
        &found,
        &[
            "cannot write its own log /var/log/supervisor/supervisord.log",
            "mode 0755, owner 0",
            "chown",
            "1000",
            "chown 0 ",
        ],
    );
    assert!(crate::triage::testing::rule("SUP-19").explains.contains(&"SUP-01"));
    let mut facts = healthy_facts();
    main_log_says(&mut facts, text);
    assert_eq!(hits("SUP-19", &facts), [], "an earlier start");
}

#[test]
fn sup_21_names_the_supervisord_that_holds_the_socket() {
    let text = "Error: Another program is already listening on a port that one of our HTTP servers is configured to \
                use.  Shut this program down first before starting supervisord.";
    let mut facts = healthy_facts();
    main_log_says(&mut facts, text);
    let Outcome::Ok { value } = &mut facts.supervisords[0].logs[0].outcome else { panic!() };
    value.marked[0].time = None;
    assert_eq!(hits("SUP-21", &facts), [], "started twice by mistake");
    facts.supervisords[0].search.configured = vec!["api".into()];
    let found = hit("SUP-21", &facts);
    says_all(
        &found,
        &[CONFIG, "pid 10", "already serves /run/supervisor.sock", "kill", "start it again: /usr/bin/python3"],
    );
}

// `supervisorctl` without -c would ask another supervisord than the one that was looked at.
#[test]
fn a_command_names_the_config_of_its_supervisord() {
    let mut facts = healthy_facts();
    facts.supervisords[0].search.config_file = Some(PathBuf::from("/srv/own.conf"));
    let service = healthy_service("llama", Role::Llama);
    assert_eq!(service.manage(&facts, "restart").unwrap().join(" "), "supervisorctl -c /srv/own.conf restart llama");
}
