//! Derives the state of a model, and a sentence that explains it, from headers.

use crate::model::{Artifact, Facts, Fault, Nature, State, fault_of};

/// Returns the state of one file and, if it is not ready, the reason.
pub(crate) fn file_state(header: &Result<Facts, Fault>) -> (State, Option<String>) {
    let (cut_off, fault) = match header {
        Err(fault) => (State::Damaged, Some(fault.clone())),
        Ok(facts) => (State::Truncated, fault_of(&facts.integrity, &facts.unsupported)),
    };
    let Some(Fault { nature, why }) = fault else { return (State::Ready, None) };
    let state = match nature {
        Nature::Damaged => cut_off,
        Nature::Unsupported => State::Unsupported,
        Nature::Unreadable => State::Unreadable,
    };
    (state, Some(clean(&why)))
}

/// Returns the state of a model from its files and from the faults of its set. The worst decides; the first four
/// reasons are joined.
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
        State::Unsupported => 1,
        State::Truncated => 2,
        State::Incomplete => 3,
        State::Damaged => 4,
        // Nothing is known of an unreadable file: a set with such a part is not damaged as a whole.
        State::Unreadable => 5,
    }
}

/// Replaces control characters: reasons are displayed, and those of a file must not reach the terminal.
pub(crate) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_in_a_reason_is_disarmed() {
        let (state, reason) = file_state(&Err(Fault::damaged("bad \u{1b}[31m\nkey")));
        assert_eq!((state, reason.as_deref()), (State::Damaged, Some("bad \u{fffd}[31m\u{fffd}key")));
    }

    #[test]
    fn what_cannot_be_read_or_is_not_known_is_no_damage() {
        for (nature, expected) in [
            (Nature::Damaged, State::Damaged),
            (Nature::Unsupported, State::Unsupported),
            (Nature::Unreadable, State::Unreadable),
        ] {
            let header = Err(Fault { nature, why: "why".to_owned() });
            assert_eq!(file_state(&header), (expected, Some("why".to_owned())));
        }
    }
}
