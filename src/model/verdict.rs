//! Findings from reading the content of files, and their effect on the state of a model. Pure.

use super::{Damage, Role, State, other_hash};

/// A finding about exactly the bytes that a file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The sha256 differs from the one that the store promises; lower-case hex.
    OtherHash { promised: String, found: String },
    /// The sha256 differs from the recorded one, although the file was not written to since; lower-case hex.
    NotAsRecorded { recorded: String, found: String },
    /// The file could not be read to its end; a sentence.
    Unreadable(String),
    /// The file is no longer as the scan saw it; a sentence.
    Changed(String),
}

/// A finding about one file of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVerdict {
    pub role: Role,
    /// The number of the shard, from 1.
    pub shard_no: Option<u32>,
    pub found: Found,
}

impl FileVerdict {
    fn sentence(&self) -> String {
        let what = match &self.found {
            Found::OtherHash { promised, found } => other_hash(promised, found),
            Found::NotAsRecorded { recorded, found } => {
                format!("its sha256 is {found}, but was {recorded} before, although nothing wrote to it")
            }
            Found::Unreadable(why) | Found::Changed(why) => why.clone(),
        };
        match (self.role, self.shard_no) {
            (Role::Mmproj, _) => format!("of its projector: {what}"),
            (_, Some(no)) => format!("of part {no}: {what}"),
            (_, None) => what,
        }
    }
}

/// Applies findings to the state and reason of a model. Returns the proof of damage: structure for a state that the
/// scan already found, hash for a finding. A model that is gone or unavailable stays so.
pub fn apply_verdicts(verdicts: &[FileVerdict], state: &mut State, reason: &mut Option<String>) -> Option<Damage> {
    if matches!(state, State::Gone | State::Unavailable) {
        return None;
    }
    let mut proof = matches!(state, State::Damaged | State::Truncated).then_some(Damage::Structure);
    for verdict in verdicts {
        match verdict.found {
            Found::OtherHash { .. } | Found::NotAsRecorded { .. } => {
                *state = State::Damaged;
                proof = Some(Damage::Hash);
            }
            Found::Unreadable(_) if proof.is_none() => *state = State::Unreadable,
            Found::Unreadable(_) => {}
            // The scan and earlier readings described another file.
            Found::Changed(_) => {
                *state = State::Unavailable;
                *reason = Some(verdict.sentence());
                return None;
            }
        }
        let sentence = verdict.sentence();
        *reason = Some(match reason.take() {
            Some(before) => format!("{sentence}; {before}"),
            None => sentence,
        });
    }
    proof
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(state: State, found: Option<Found>) -> (State, Option<Damage>, Option<String>) {
        let found: Vec<_> =
            found.into_iter().map(|found| FileVerdict { role: Role::Main, shard_no: None, found }).collect();
        let (mut state, mut reason) = (state, None);
        let proof = apply_verdicts(&found, &mut state, &mut reason);
        (state, proof, reason)
    }

    #[test]
    fn what_was_read_outweighs_what_the_header_says() {
        let other = || Some(Found::OtherHash { promised: "aa".into(), found: "bb".into() });
        let unreadable = || Some(Found::Unreadable("the disk cannot be read".into()));
        let said = "its sha256 is bb, but its store declares aa".to_owned();
        assert_eq!(after(State::Ready, other()), (State::Damaged, Some(Damage::Hash), Some(said)));
        assert_eq!(after(State::Unsupported, other()).0, State::Damaged);
        assert_eq!(after(State::Truncated, None), (State::Truncated, Some(Damage::Structure), None));
        assert_eq!(after(State::Ready, unreadable()).0, State::Unreadable);
        assert_eq!(after(State::Unsupported, None), (State::Unsupported, None, None));
        let gone = after(State::Truncated, Some(Found::Changed("is not there".into())));
        assert_eq!(gone, (State::Unavailable, None, Some("is not there".into())));
        // Nothing is known of what is not there now.
        assert_eq!(after(State::Unavailable, other()), (State::Unavailable, None, None));
    }
}
