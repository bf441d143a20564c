use super::*;

#[test]
fn sup_10_finds_a_flap_that_supervisord_calls_running() {
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(7), &[2.0, 2.1, 2.0, 2.2, 2.1], &["E cannot read the weights"]);
    let found = hit("SUP-10", &facts);
    says_all(&found, &["started 6 times", "runs of about 2.1 s", "exit status 7", "E cannot read the weights", "tail"]);
    assert_eq!(found.changes, Changes::Nothing);
    // Four starts are not yet a flap, and an operator's restarts never are.
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(7), &[2.0, 2.1, 2.0], &[]);
    assert_eq!(hits("SUP-10", &facts), []);
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], LifeEnd::Stopped, &[2.0; 9], &[]);
    assert_eq!(hits("SUP-10", &facts), []);
}

#[test]
fn sup_10_is_over_when_a_life_has_got_over_it() {
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(7), &[2.0; 6], &[]);
    with_endpoint(&mut facts.services[0], |endpoint| {
        endpoint.health = crate::node::endpoint::Answer::Http { code: 200, body: String::new(), seconds: 0.1 };
    });
    facts.services[0].lives.last_mut().unwrap().lasted_s = Some(900.0);
    assert_eq!(hits("SUP-10", &facts), []);
}

#[test]
fn sup_10_counts_a_server_that_ends_with_status_0_and_is_started_again() {
    let mut facts = healthy_facts();
    with_settings(&mut facts.services[0], |settings| settings.autorestart = AutoRestart::Always);
    flaps(&mut facts.services[0], LifeEnd::Exited { code: 0, expected: true }, &[2.0; 6], &[]);
    says_all(&hit("SUP-10", &facts), &["exit status 0"]);
    // A job that is run again and again is meant so.
    facts.services[0].service.role = Role::Sync;
    assert_eq!(hits("SUP-10", &facts), []);
}

fn gate(seconds: f64) -> GateFound {
    GateFound { name: "LLAMA_WAIT_SECONDS".into(), seconds, place: "/opt/llama/start.sh:12".into() }
}

#[test]
fn sup_11_names_the_gate_its_place_and_its_new_value() {
    let mut facts = healthy_facts();
    flaps(&mut facts.services[0], exit(1), &[120.3, 120.4, 120.3], &[]);
    facts.services[0].gates = vec![gate(30.0), gate(120.0)];
    facts.services[0].expected_load_s = Some(140.0);
    let found = hit("SUP-11", &facts);
    says_all(
        &found,
        &[
            "LLAMA_WAIT_SECONDS = 120 s at /opt/llama/start.sh:12",
            "not by a crash",
            "from 120 to 420",
            "back to 120",
            "restart",
        ],
    );
    assert_eq!(found.changes, Changes::File("/opt/llama/start.sh".into()));
}

#[test]
fn sup_11_is_not_said_of_lives_that_do_not_keep_time() {
    for (end, lasted, seconds) in [
        (exit(1), [60.0, 120.0, 180.0], 120.0),
        (exit(1), [100.0, 100.0, 100.0], 120.0),
        (killed("SIGSEGV"), [120.0, 120.1, 120.0], 120.0),
    ] {
        let mut facts = healthy_facts();
        flaps(&mut facts.services[0], end, &lasted, &[]);
        facts.services[0].gates = vec![gate(seconds)];
        assert_eq!(hits("SUP-11", &facts), [], "{lasted:?}");
    }
    let mut facts = healthy_facts();
    facts.services[0].gates = vec![gate(3500.0)];
    assert_eq!(hits("SUP-11", &facts), [], "a healthy service");
}

#[test]
fn sup_12_a_program_that_has_ended_and_stays_away() {
    let mut facts = healthy_facts();
    let service = &mut facts.services[0];
    ends_badly(service, LifeEnd::Exited { code: 0, expected: true }, &[30.0]);
    with_program(service, |program| program.state = ProgramState::Exited);
    let found = hit("SUP-12", &facts);
    says_all(&found, &["status 0", "autorestart=unexpected", "autorestart=true", PLACE]);
    with_settings(&mut facts.services[0], |settings| settings.autorestart = AutoRestart::Never);
    assert_eq!(hits("SUP-12", &facts), [], "meant to run once");
    assert_eq!(hits("SUP-12", &healthy_facts()), []);
}

#[test]
fn sup_13_tells_an_oom_kill_from_somebody_who_kills() {
    let mut facts = failing(killed("SIGKILL"), &[]);
    let found = hit("SUP-13", &facts);
    says_all(&found, &["SIGKILL", "no OOM kill of it", "start", "stop llama"]);
    assert_eq!(found.confidence, Confidence::Proven);
    let oom = OomKill {
        line: line_of("kernel log", "Memory cgroup out of memory: Killed process 53 (llama-server)"),
        constraint: "CONSTRAINT_MEMCG".into(),
        oom_memcg: None,
        task_memcg: None,
        task: "llama-server".into(),
        pid: 53,
        uid: Some(0),
        anon_rss: None,
    };
    facts.kernel = known("kernel log", KernelLog { ooms: vec![oom], ..KernelLog::default() });
    says_all(&hit("SUP-13", &facts), &["has an OOM kill of it"]);
    facts.kernel = denied("/dev/kmsg");
    let found = hit("SUP-13", &facts);
    says_all(&found, &["could not be read", "dmesg"]);
    assert_eq!(found.confidence, Confidence::Likely);
    // One kill, long ago, of a service that runs well since.
    let mut facts = healthy_facts();
    let good = facts.services[0].lives[0].clone();
    ends_badly(&mut facts.services[0], killed("SIGKILL"), &[50.0]);
    facts.services[0].lives.push(good);
    assert_eq!(hits("SUP-13", &facts), []);
}

#[test]
fn sup_14_says_what_the_cpu_lacks() {
    let found = hit("SUP-14", &failing(killed("SIGILL"), &[]));
    says_all(&found, &["SIGILL", "avx512f", "generic build", "restore it"]);
    hit("SUP-14", &failing(exit(132), &["Illegal instruction (core dumped)"]));
    is_history("SUP-14", &["Illegal instruction"]);
}

#[test]
fn sup_15_a_crash_without_a_reason() {
    let found = hit("SUP-15", &failing(killed("SIGSEGV"), &["E slot 0"]));
    says_all(&found, &["crashed with SIGSEGV", "E slot 0", "core_pattern"]);
    hit("SUP-15", &failing(exit(134), &[]));
    assert_eq!(hits("SUP-15", &failing(exit(134), &["ggml.c:1644: GGML_ASSERT(x) failed"])), [], "LLM-12");
    is_history("SUP-15", &["Segmentation fault"]);
}

#[test]
fn sup_16_a_program_that_nobody_started() {
    let mut facts = healthy_facts();
    let service = &mut facts.services[0];
    service.lives.clear();
    with_settings(service, |settings| settings.autostart = false);
    with_program(service, |program| {
        program.state = ProgramState::Stopped;
        program.start = None;
        program.description = "Not started".into();
    });
    let found = hit("SUP-16", &facts);
    says_all(&found, &["autostart=false", PLACE, "start", "stop llama"]);
    with_program(&mut facts.services[0], |program| program.start = Some(ago(100)));
    assert_eq!(hits("SUP-16", &facts), [], "somebody stopped it");
}

#[test]
fn sup_17_says_the_real_status_of_a_program_in_backoff() {
    let mut facts = failing(exit(3), &["E no such device"]);
    with_program(&mut facts.services[0], |program| program.state = ProgramState::Backoff);
    let found = hit("SUP-17", &facts);
    says_all(&found, &["within startsecs=1", "exit status 3", "E no such device", "tail -8000 llama stderr"]);
    assert_eq!(hits("SUP-17", &healthy_facts()), []);
}
