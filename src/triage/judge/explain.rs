use super::Found;
use crate::model::service::Manager;
use crate::node::Fact;
use crate::triage::facts::Facts;
use crate::triage::finding::Severity;

/// Returns, for each of `found` (in causal order), the index of the finding that explains it in the end; its own index
/// where none does.
///
/// In a circle of rules that explain each other the first in causal order is the cause.
pub fn roots(found: &[Found], facts: &Facts) -> Vec<usize> {
    let explains: Vec<Vec<bool>> =
        found.iter().map(|by| found.iter().map(|of| explains(by, of, facts)).collect()).collect();
    let reaches = closure(&explains);
    let get = |of: &[Vec<bool>], from: usize, to: usize| of.get(from).and_then(|row| row.get(to)) == Some(&true);
    // What is left of the arrows has no circle: one that is kept within a circle leads to a later finding.
    let parent = |of: usize| {
        (0..found.len()).find(|by| *by != of && get(&explains, *by, of) && (*by < of || !get(&reaches, of, *by)))
    };
    let parents: Vec<Option<usize>> = (0..found.len()).map(parent).collect();
    let root = |mut at: usize| {
        // Bounded by the number of findings, should there be a circle all the same.
        for _ in 0..found.len() {
            match parents.get(at).copied().flatten() {
                Some(parent) => at = parent,
                None => break,
            }
        }
        at
    };
    (0..found.len()).map(root).collect()
}

/// Returns whether one finding explains another: by its rule, for the same service or from the node down. What is of
/// unknown severity explains nothing.
fn explains(by: &Found, of: &Found, facts: &Facts) -> bool {
    if by.severity == Severity::Unknown {
        return false;
    }
    // A disk is the cause of what happens to the services that are on it.
    let reaches = |name: &String| by.hit.affects.as_ref().is_none_or(|services| services.contains(name));
    let is_near = match &by.hit.service {
        None => of.hit.service.as_ref().is_none_or(reaches),
        by => *by == of.hit.service,
    };
    let is_other = by.rule.id != of.rule.id || by.hit.service != of.hit.service;
    is_near && is_other && (by.rule.explains.contains(&of.rule.id) || hides(by, of, facts))
}

/// Returns whether nothing is known of a service because its supervisord has a finding itself.
fn hides(by: &Found, of: &Found, facts: &Facts) -> bool {
    if of.rule.id != super::own::NOT_KNOWN.id || by.hit.service.is_some() || !by.rule.id.starts_with("SUP-") {
        return false;
    }
    facts.services.iter().filter(|service| of.is_about(service.name())).any(|service| {
        matches!(service.service.manager, Manager::Supervisor(_))
            && service.program.as_ref().and_then(Fact::known).is_none()
    })
}

fn closure(direct: &[Vec<bool>]) -> Vec<Vec<bool>> {
    let mut reaches = direct.to_vec();
    for via in 0..direct.len() {
        let from_here = reaches.get(via).cloned().unwrap_or_default();
        for row in &mut reaches {
            if row.get(via) == Some(&true) {
                row.iter_mut().zip(&from_here).for_each(|(to, further)| *to |= further);
            }
        }
    }
    reaches
}
