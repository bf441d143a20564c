use super::*;
use crate::model::service::{FoundBy, Manager};
use crate::node::Fact;
use crate::node::log::LifeEnd;
use crate::node::supervisord::ProgramState;
use crate::triage::facts::{Change, CollectorReport, CollectorStatus};
use crate::triage::finding::Changes;
use crate::triage::rules::Need;
use crate::triage::testing::{absent, denied, fails, flaps, healthy_facts, healthy_service, known, with_program};

fn rule(
    id: &'static str,
    layer: Layer,
    severity: Severity,
    explains: &'static [&'static str],
    check: Check,
) -> &'static Rule {
    Box::leak(Box::new(Rule {
        id,
        version: 1,
        playbook: Playbook::Llama,
        layer,
        severity,
        title: "",
        why: "",
        explains,
        needs: &[],
        signs: &[],
        check,
    }))
}

fn needing(rule: &'static Rule, needs: &'static [Need]) -> &'static Rule {
    Box::leak(Box::new(Rule { needs, ..*rule }))
}

fn hit(service: Option<&str>, cause: &str) -> Hit {
    Hit {
        service: service.map(str::to_owned),
        affects: None,
        cause: cause.to_owned(),
        confidence: Confidence::Proven,
        severity: None,
        evidence: vec![Evidence::new("a", None, "one"), Evidence::new("b", None, "two")],
        step: "look".to_owned(),
        command: None,
        changes: Changes::Nothing,
        undo: String::new(),
    }
}

fn of_service(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
    Some(hit(Some(service.name()), "a cause"))
}

fn of_node(_: &Facts) -> Vec<Hit> {
    vec![hit(None, "a cause of the node")]
}

fn none_of_service(_: &Facts, _: &ServiceFacts) -> Option<Hit> {
    None
}

fn none_of_node(_: &Facts) -> Vec<Hit> {
    Vec::new()
}

fn judged(rules: &[&'static Rule], facts: &Facts) -> Report {
    judged_with(rules, facts, &JudgeOptions::default())
}

fn judged_with(rules: &[&'static Rule], facts: &Facts, options: &JudgeOptions) -> Report {
    judge_by(rules.iter().copied(), facts, options)
}

fn ids(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.rule.as_str()).collect()
}

/// Without it a healthy node pages somebody.
#[test]
fn a_healthy_node_has_no_finding_and_is_ok() {
    let report =
        judged(&[rule("A", Layer::App, Severity::Critical, &[], Check::Service(none_of_service))], &healthy_facts());
    assert_eq!((report.verdict, report.is_bad()), (Verdict::Healthy, false));
    assert_eq!((report.findings.len(), report.explained.len(), report.unknown.len()), (0, 0, 0));
    let service = &report.services[0];
    assert_eq!((service.state.as_str(), service.pid, service.flapping), ("RUNNING", Some(100), false));
    assert_eq!(service.manager, "supervisor:llama");
}

/// Without it the first screen shows ten consequences and the cause among them.
#[test]
fn a_cause_is_listed_once_and_what_it_explains_is_under_it() {
    let rules = [
        rule("APP", Layer::App, Severity::Critical, &[], Check::Service(of_service)),
        rule("SERVICE", Layer::Service, Severity::Critical, &["APP"], Check::Service(of_service)),
        rule("DISK", Layer::Storage, Severity::Critical, &["SERVICE"], Check::Node(of_node)),
    ];
    let mut facts = healthy_facts();
    facts.services.push(healthy_service("other", Role::Llama));
    let report = judged(&rules, &facts);
    assert_eq!(ids(&report), ["DISK"]);
    assert_eq!(report.findings[0].explains, ["APP", "SERVICE"]);
    assert_eq!(report.explained.len(), 4, "both rules for both services");
    assert!(report.explained.iter().all(|explained| explained.by == "DISK"), "the chain ends at its beginning");
}

#[test]
fn a_finding_of_one_service_explains_nothing_of_another_and_nothing_of_the_node() {
    fn of_llama(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
        (service.name() == "llama").then(|| hit(Some("llama"), "a cause"))
    }
    let rules = [
        rule("A", Layer::Service, Severity::Critical, &["B", "N"], Check::Service(of_llama)),
        rule("B", Layer::App, Severity::Critical, &[], Check::Service(of_service)),
        rule("N", Layer::App, Severity::Critical, &[], Check::Node(of_node)),
    ];
    let mut facts = healthy_facts();
    facts.services.push(healthy_service("other", Role::Llama));
    let report = judged(&rules, &facts);
    let listed: Vec<_> = report.findings.iter().map(|f| (f.rule.as_str(), f.service.as_deref())).collect();
    assert_eq!(listed, [("A", Some("llama")), ("N", None), ("B", Some("other"))]);
}

/// Without it two rules that name each other would both vanish, and the node would look healthy.
#[test]
fn a_circle_of_rules_keeps_the_first_in_causal_order() {
    let rules = [
        rule("C", Layer::App, Severity::Critical, &["A"], Check::Service(of_service)),
        rule("A", Layer::Memory, Severity::Critical, &["B"], Check::Service(of_service)),
        rule("B", Layer::Service, Severity::Critical, &["C", "B"], Check::Service(of_service)),
    ];
    let report = judged(&rules, &healthy_facts());
    assert_eq!(ids(&report), ["A"]);
    assert_eq!(report.findings[0].explains, ["B", "C"]);
}

#[test]
fn what_is_of_unknown_severity_explains_nothing() {
    let rules = [
        rule("U", Layer::Host, Severity::Unknown, &["B"], Check::Node(of_node)),
        rule("B", Layer::App, Severity::Critical, &[], Check::Service(of_service)),
    ];
    assert_eq!(ids(&judged(&rules, &healthy_facts())), ["B", "U"]);
}

#[test]
fn findings_are_in_causal_order_and_an_unrelated_warning_is_no_first_cause() {
    let rules = [
        rule("APP", Layer::App, Severity::Critical, &[], Check::Service(of_service)),
        rule("NET", Layer::Network, Severity::Critical, &[], Check::Service(of_service)),
        rule("CLOCK", Layer::Host, Severity::Warning, &[], Check::Node(of_node)),
        rule("HINT", Layer::Host, Severity::Info, &[], Check::Node(of_node)),
    ];
    assert_eq!(ids(&judged(&rules, &healthy_facts())), ["NET", "APP", "CLOCK", "HINT"]);
    let rules = [
        rule("APP", Layer::App, Severity::Critical, &[], Check::Service(of_service)),
        rule("NET", Layer::Network, Severity::Critical, &[], Check::Service(of_service)),
        rule("DISK", Layer::Storage, Severity::Warning, &["APP"], Check::Node(of_node)),
    ];
    assert_eq!(ids(&judged(&rules, &healthy_facts())), ["DISK", "NET"]);
}

#[test]
fn hints_alone_are_healthy_and_a_warning_is_not() {
    let hint = rule("HINT", Layer::Host, Severity::Info, &[], Check::Node(of_node));
    assert_eq!(judged(&[hint], &healthy_facts()).verdict, Verdict::Healthy);
    let warning = rule("WARN", Layer::Host, Severity::Warning, &[], Check::Node(of_node));
    assert_eq!(judged(&[warning], &healthy_facts()).verdict, Verdict::Sick);
}

/// Without it a cause is called proven by one line.
#[test]
fn a_hit_with_too_little_evidence_is_only_possible_and_gets_a_second_line() {
    fn thin(_: &Facts, service: &ServiceFacts) -> Option<Hit> {
        Some(Hit { evidence: Vec::new(), ..hit(Some(service.name()), "a cause") })
    }
    let rule = needing(rule("A", Layer::App, Severity::Critical, &[], Check::Service(thin)), &[Need::Process]);
    let report = judged(&[rule], &healthy_facts());
    assert_eq!(report.findings[0].confidence, Confidence::Possible);
    assert_eq!(report.findings[0].evidence.len(), 2);
    assert!(report.findings[0].evidence[0].text.contains("pid 100"), "{:?}", report.findings[0].evidence);
}

/// Without it "could not look" reads as "nothing there".
#[test]
fn a_rule_that_could_not_read_its_facts_is_unknown_once_for_each_fact() {
    let mut facts = healthy_facts();
    facts.kernel = denied("kernel log (/dev/kmsg)");
    let rules = [
        needing(rule("MEM", Layer::Memory, Severity::Critical, &[], Check::Service(none_of_service)), &[Need::Kernel]),
        needing(rule("XID", Layer::Driver, Severity::Critical, &[], Check::Node(none_of_node)), &[Need::Kernel]),
    ];
    let report = judged(&rules, &facts);
    assert_eq!(report.unknown.len(), 1);
    let unknown = &report.unknown[0];
    assert_eq!((unknown.what.as_str(), unknown.right.as_deref()), ("kernel log (/dev/kmsg)", Some("root")));
    assert_eq!(unknown.rules, ["MEM", "XID"]);
    assert_eq!((report.verdict, report.findings.len()), (Verdict::Healthy, 0), "the kernel log alone is no finding");
    let hit = needing(rule("MEM", Layer::Memory, Severity::Critical, &[], Check::Service(of_service)), &[Need::Kernel]);
    assert!(judged(&[hit], &facts).unknown.is_empty(), "a rule that hit is not unknown");
    facts.kernel = absent("kernel log (/dev/kmsg)");
    assert!(judged(&rules, &facts).unknown.is_empty(), "absent is an answer");
}

#[test]
fn what_configuration_or_flags_ask_for_and_cannot_be_read_is_no_success() {
    let mut facts = healthy_facts();
    facts.services[0].endpoint = Some(denied("http://127.0.0.1:8081/health"));
    assert_eq!(judged(&[], &facts).verdict, Verdict::Healthy, "nobody asked for it");
    facts.services[0].service.found = FoundBy::Config;
    let report = judged(&[], &facts);
    assert_eq!((report.verdict, report.is_bad()), (Verdict::Unknown, true));
    assert!(report.unknown[0].asked);
    let options = JudgeOptions { services: vec!["nope".into()], ..JudgeOptions::default() };
    let report = judged_with(&[], &healthy_facts(), &options);
    assert!(report.is_bad());
    assert!(report.unknown[0].why.contains("services: llama"), "{:?}", report.unknown);
    let kernel =
        needing(rule("MEM", Layer::Memory, Severity::Critical, &[], Check::Node(none_of_node)), &[Need::Kernel]);
    let facts = Facts { kernel: denied("kernel log"), ..healthy_facts() };
    let only = JudgeOptions { only: vec!["mem".into()], ..JudgeOptions::default() };
    assert!(judged_with(&[kernel], &facts, &only).is_bad(), "a flag asks for the rule");
}

/// Without it a failure that is in no list is silent, or a wrong cause.
#[test]
fn a_service_in_trouble_without_a_rule_is_not_known_and_shows_how_it_ends() {
    let mut facts = healthy_facts();
    flaps(
        &mut facts.services[0],
        LifeEnd::Exited { code: 7, expected: false },
        &[2.0, 2.0, 2.1, 2.0],
        &["E the moon is full"],
    );
    let report = judged(&[], &facts);
    assert_eq!(ids(&report), ["TOOL-02"]);
    let finding = &report.findings[0];
    assert_eq!((finding.severity, finding.confidence), (Severity::Critical, Confidence::Possible));
    for word in
        ["not known", "exit 7", "ended 4 times unexpectedly", "started every 3 s", "runs of 2 s", "E the moon is full"]
    {
        assert!(finding.cause.contains(word), "{word} is not in {}", finding.cause);
    }
    assert_eq!(finding.command.as_deref().unwrap()[0], "tail");
    assert_eq!((finding.changes.as_str(), finding.evidence.len() >= 2), ("nothing", true));
    assert!(report.services[0].flapping);
    assert_eq!(report.services[0].cadence_s, Some(3.0));
    assert_eq!(report.services[0].lives[0].end, "exit 7");
    let known = rule("A", Layer::App, Severity::Warning, &[], Check::Service(of_service));
    assert_eq!(ids(&judged(&[known], &facts)), ["A"], "a finding about it is enough");
    let hint = rule("A", Layer::App, Severity::Info, &[], Check::Service(of_service));
    assert_eq!(ids(&judged(&[hint], &facts)), ["TOOL-02", "A"], "a hint is not");
    let skip = JudgeOptions { skip: vec!["A".into()], ..JudgeOptions::default() };
    assert!(judged_with(&[known], &facts, &skip).findings.is_empty(), "what is skipped on purpose is known");
}

/// Without it every program of a dead supervisord is a finding of its own.
#[test]
fn a_supervisord_that_does_not_answer_explains_services_of_which_nothing_is_known() {
    let mut facts = healthy_facts();
    let service = &mut facts.services[0];
    fails(service, LifeEnd::Exited { code: 1, expected: false }, &["E something"]);
    service.program = Some(absent("supervisord at /run/supervisor.sock"));
    service.service.found = FoundBy::Config;
    service.processes = vec![absent("/proc")];
    let dead = rule("SUP-01", Layer::Service, Severity::Critical, &[], Check::Node(of_node));
    let report = judged(&[dead], &facts);
    assert_eq!(ids(&report), ["SUP-01"]);
    assert_eq!(report.findings[0].explains, ["TOOL-02"]);
}

#[test]
fn collectors_that_gave_nothing_are_one_finding_that_is_no_problem() {
    let mut facts = healthy_facts();
    let collector = |name: &str, status| CollectorReport {
        name: name.into(),
        status,
        ms: 5000,
        bytes: 0,
        why: Some("did not answer".into()),
        right: None,
        command: None,
    };
    facts.collectors = vec![
        collector("nvml", CollectorStatus::TimedOut),
        collector("kernel log", CollectorStatus::Denied),
        collector("disks", CollectorStatus::Ok),
    ];
    let report = judged(&[], &facts);
    assert_eq!(ids(&report), ["TOOL-01"]);
    assert!(report.findings[0].cause.ends_with("nothing could be read from nvml"), "{}", report.findings[0].cause);
    assert_eq!(report.verdict, Verdict::Healthy);
    facts.collectors.remove(0);
    assert!(judged(&[], &facts).findings.is_empty(), "the kernel log alone");
}

#[test]
fn playbook_and_names_select_services_and_the_node_is_always_judged() {
    let mut facts = healthy_facts();
    facts.services.push(healthy_service("web", Role::Api));
    let rules = [
        rule("S", Layer::App, Severity::Critical, &[], Check::Service(of_service)),
        rule("N", Layer::Host, Severity::Critical, &[], Check::Node(of_node)),
    ];
    let names = |options: &JudgeOptions| {
        let report = judged_with(&rules, &facts, options);
        report.findings.iter().map(|f| f.service.clone().unwrap_or("node".into())).collect::<Vec<_>>()
    };
    assert_eq!(names(&JudgeOptions { playbook: Some(Playbook::Api), ..JudgeOptions::default() }), ["node", "web"]);
    assert_eq!(names(&JudgeOptions { services: vec!["llama".into()], ..JudgeOptions::default() }), ["node", "llama"]);
    assert_eq!(names(&JudgeOptions { only: vec!["n".into()], ..JudgeOptions::default() }), ["node"]);
    assert_eq!(names(&JudgeOptions { skip: vec!["N".into()], ..JudgeOptions::default() }), ["llama", "web"]);
}

#[test]
fn the_same_findings_as_last_time_are_said_to_be_the_same() {
    let warning = rule("WARN", Layer::Host, Severity::Warning, &[], Check::Node(of_node));
    let options = |last: &str| JudgeOptions { last: Some(vec![(last.into(), None)]), ..JudgeOptions::default() };
    assert_eq!(ids(&judged_with(&[warning], &healthy_facts(), &options("WARN"))), ["WARN", "TOOL-03"]);
    assert_eq!(ids(&judged_with(&[warning], &healthy_facts(), &options("OTHER"))), ["WARN"]);
}

#[test]
fn a_finding_says_what_has_changed_since_the_baseline_for_its_service_and_the_node() {
    let mut facts = healthy_facts();
    let change = |service: Option<&str>, what: &str| Change {
        service: service.map(str::to_owned),
        what: what.into(),
        was: Some("1".into()),
        is: None,
        undo: None,
    };
    facts.changes = Some(crate::triage::facts::Changes {
        changes: vec![change(Some("llama"), "command line"), change(None, "driver"), change(Some("web"), "port")],
        ..Default::default()
    });
    let report = judged(&[rule("A", Layer::App, Severity::Critical, &[], Check::Service(of_service))], &facts);
    assert_eq!(report.findings[0].changed, ["command line: 1 → none", "driver: 1 → none"]);
}

/// Keys of the document are what scripts are built on.
#[test]
fn the_document_has_the_promised_keys() {
    let mut facts = healthy_facts();
    fails(&mut facts.services[0], LifeEnd::Exited { code: 1, expected: false }, &["E no"]);
    facts.kernel = denied("kernel log");
    facts.collectors = vec![CollectorReport {
        name: "kernel log".into(),
        status: CollectorStatus::Denied,
        ms: 1,
        bytes: 0,
        why: None,
        right: None,
        command: None,
    }];
    let kernel = needing(rule("K", Layer::Memory, Severity::Critical, &[], Check::Node(none_of_node)), &[Need::Kernel]);
    let explained = rule("B", Layer::App, Severity::Info, &[], Check::Service(of_service));
    let cause = rule("A", Layer::Storage, Severity::Critical, &["B"], Check::Service(of_service));
    let document = serde_json::to_value(judged(&[kernel, explained, cause], &facts)).unwrap();
    let has = |value: &serde_json::Value, keys: &[&str]| {
        for key in keys {
            assert!(value.get(key).is_some(), "{key} is missing in {value}");
        }
    };
    has(
        &document,
        &[
            "schema",
            "verdict",
            "time",
            "since",
            "took_ms",
            "services",
            "findings",
            "explained",
            "unknown",
            "collectors",
            "redacted",
        ],
    );
    let service =
        ["name", "role", "manager", "state", "pid", "since", "starts", "flapping", "cadence_s", "endpoint", "lives"];
    has(&document["services"][0], &service);
    has(&document["services"][0]["lives"][0], &["began", "lasted_s", "end", "first_error"]);
    let finding = [
        "rule",
        "version",
        "severity",
        "confidence",
        "playbook",
        "service",
        "cause",
        "evidence",
        "step",
        "command",
        "changes",
        "undo",
        "explains",
    ];
    has(&document["findings"][0], &finding);
    has(&document["findings"][0]["evidence"][0], &["source", "line", "time", "text"]);
    has(&document["explained"][0], &["rule", "by", "cause"]);
    has(&document["unknown"][0], &["what", "why", "right", "command"]);
    has(&document["collectors"][0], &["name", "status", "ms", "bytes"]);
    assert_eq!(document["verdict"], "sick");
    assert_eq!(document["collectors"][0]["status"], "denied");
    assert_eq!(document["findings"][0]["severity"], "critical");
    assert!(document["time"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_log_that_is_blind_is_listed_as_unknown() {
    let mut facts = healthy_facts();
    if let Some(Fact { outcome: crate::node::Outcome::Ok { value }, .. }) = facts.services[0].logs.first_mut() {
        value.blind = Some((None, "its channel was closed".into()));
    }
    let report = judged(&[], &facts);
    assert!(report.unknown[0].what.contains("what llama logged"), "{:?}", report.unknown);
    assert!(!report.is_bad());
}

#[test]
fn every_rule_has_an_id_of_its_own() {
    let all = catalog();
    let ids: BTreeSet<&str> = all.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), all.len());
    assert!(ids.contains("TOOL-02"));
}

#[test]
fn states_are_those_of_the_manager() {
    let mut service = healthy_service("llama", Role::Llama);
    with_program(&mut service, |program| program.state = ProgramState::Fatal);
    assert_eq!(services::state(&service), "FATAL");
    service.program = None;
    service.service.manager = Manager::None;
    assert_eq!(services::state(&service), "running");
    service.processes = vec![known("/proc", crate::triage::testing::process(1, vec![]))];
    assert_eq!(services::state(&service), "running");
    service.processes = vec![absent("/proc")];
    assert_eq!(services::state(&service), "absent");
    service.processes = vec![denied("/proc")];
    assert_eq!(services::state(&service), "unknown");
}
