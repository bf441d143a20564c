//! What holds for all rules.

use super::{Check, all};
use crate::triage::testing::{healthy_facts, healthy_service, hits, says};
use std::collections::BTreeSet;

// A node that is well would be called sick for what its users write and for errors that it got over.
#[test]
fn a_healthy_node_with_old_errors_and_words_of_users_has_no_finding() {
    let mut facts = healthy_facts();
    facts.services.push(healthy_service("api", crate::model::service::Role::Api));
    let mut lines: Vec<String> = all().flat_map(|rule| rule.signs).map(|sign| format!("E {sign}")).collect();
    lines.extend(all().flat_map(|rule| rule.signs).map(|sign| format!("user: why does it say {sign} '/x/y'?")));
    lines.extend((0..200).map(|n| format!("ERROR: request {n} failed: ModuleNotFoundError: No module named 'x{n}'")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert!(lines.len() >= 200);
    for service in &mut facts.services {
        says(service, &lines);
    }
    // Hints, such as that this machine has no GPU, are no alarm.
    let is_alarm = |rule: &super::Rule, hit: &crate::triage::finding::Hit| {
        hit.severity.unwrap_or(rule.severity) != crate::triage::finding::Severity::Info
    };
    let alarms = all().filter(|rule| hits(rule.id, &facts).iter().any(|hit| is_alarm(rule, hit)));
    assert_eq!(alarms.map(|rule| rule.id).collect::<Vec<_>>(), [""; 0]);
}

// A rule that is named twice, or explained by a rule that does not exist, would not be found by `--explain`.
#[test]
fn ids_are_unique_and_texts_are_there() {
    let mut ids = BTreeSet::new();
    for rule in all() {
        assert!(ids.insert(rule.id), "{} twice", rule.id);
        assert!(rule.version >= 1 && rule.title.len() > 10 && rule.why.len() > 80, "{}", rule.id);
        assert!(!rule.explains.contains(&rule.id), "{} explains itself", rule.id);
        assert!(!rule.title.ends_with('.') && rule.why.ends_with('.'), "{}", rule.id);
        assert!(!rule.why.contains("  "), "{}: two spaces", rule.id);
        // A rule that says what is unknown is asked when its facts are not there.
        let is_unknown = rule.severity == crate::triage::finding::Severity::Unknown;
        if matches!(rule.check, Check::Service(_)) && !is_unknown {
            assert!(!rule.needs.is_empty(), "{} needs nothing", rule.id);
        }
    }
}
