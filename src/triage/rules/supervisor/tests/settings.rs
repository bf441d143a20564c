use super::*;

#[test]
fn sup_18_names_what_the_file_says_otherwise() {
    let mut facts = healthy_facts();
    let mut program = facts.services[0].program().unwrap().clone();
    let mut file = program.settings.clone().unwrap();
    file.start_seconds = 10;
    program.file_settings = Some(file);
    let Outcome::Ok { value } = &mut facts.supervisords[0].answer.outcome else { panic!() };
    value.programs = vec![program];
    assert_eq!(hits("SUP-18", &facts), [], "the file is older than the start");
    let Outcome::Ok { value } = &mut facts.supervisords[0].answer.outcome else { panic!() };
    value.config_changed = Some(ago(60));
    let found = hit("SUP-18", &facts);
    says_all(&found, &["startsecs=1, in the file 10", "reread", "update"]);
    assert_eq!((found.service.as_deref(), found.changes), (Some("llama"), Changes::Nothing));
    let Outcome::Ok { value } = &mut facts.supervisords[0].answer.outcome else { panic!() };
    value.programs[0].file_settings = None;
    assert_eq!(hits("SUP-18", &facts), [], "a newer file that says the same");
    facts.supervisords[0].search.configured.push("worker".into());
    says_all(&hit("SUP-18", &facts), &["it does not know worker"]);
}

#[test]
fn sup_20_a_log_that_takes_nothing() {
    let text = "CRIT uncaptured python exception, closing channel <POutputDispatcher at 1 for <Subprocess at 2 with \
                name llama in state RUNNING> (stdout)> (<class 'OSError'>:[Errno 29] Illegal seek [/x|y|1])";
    let mut facts = healthy_facts();
    main_log_says(&mut facts, text);
    with_program(&mut facts.services[0], |program| program.stdout_log = Some("/dev/stdout".into()));
    let found = hit("SUP-20", &facts);
    says_all(&found, &["/dev/stdout has not been written since", "stdout_logfile_maxbytes=0", PLACE, "remove"]);
    with_program(&mut facts.services[0], |program| program.start = Some(ago(1)));
    assert_eq!(hits("SUP-20", &facts), [], "the current process ends");
    assert_eq!(hits("SUP-20", &healthy_facts()), []);
}
