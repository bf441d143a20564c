//! From what a header says to the state of a model and the sentence why.

use crate::model::{Artifact, Facts, State};

/// The state of one file and, when it is not ready, the reason.
pub(crate) fn file_state(header: &Result<Facts, String>) -> (State, Option<String>) {
    match header {
        Err(why) => (State::Damaged, Some(clean(why))),
        Ok(facts) => match facts.integrity.fault() {
            None => (State::Ready, None),
            Some(why) => (State::Truncated, Some(clean(&why))),
        },
    }
}

/// The state of a model from its files and from what is wrong with its set. The worst decides; every reason is told.
pub(crate) fn model_state(artifacts: &[Artifact], set_faults: &[String]) -> (State, Option<String>) {
    const MOST: usize = 4;
    let mut state = if set_faults.is_empty() { State::Ready } else { State::Incomplete };
    let mut reasons: Vec<String> = set_faults.iter().take(MOST).cloned().collect();
    for artifact in artifacts {
        let (own, reason) = file_state(&artifact.header);
        let Some(reason) = reason else { continue };
        if severity(own) > severity(state) {
            state = own;
        }
        if reasons.len() < MOST {
            reasons.push(match (artifact.role, artifact.shard_no) {
                (crate::model::Role::Mmproj, _) => format!("its projector {reason}"),
                (_, Some(no)) => format!("part {no} {reason}"),
                (_, None) => reason,
            });
        }
    }
    (state, (!reasons.is_empty()).then(|| reasons.join("; ")))
}

fn severity(state: State) -> u8 {
    match state {
        State::Ready | State::Unavailable | State::Gone => 0,
        State::Truncated => 1,
        State::Incomplete => 2,
        State::Damaged => 3,
    }
}

/// Reasons are sentences for people: a control character out of a file must not reach their terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_in_a_reason_is_disarmed() {
        let (state, reason) = file_state(&Err("bad \u{1b}[31m\nkey".to_owned()));
        assert_eq!((state, reason.as_deref()), (State::Damaged, Some("bad \u{fffd}[31m\u{fffd}key")));
    }
}
