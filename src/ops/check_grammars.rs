//! Finds JSON schemas and grammars that llama.cpp cannot compile. Uses a child process: a bad one may end its process,
//! and parsing one may never end.

use crate::clock;
use crate::host::self_child::{self, NoAnswer, OURSELVES};
use crate::openai::Constraint;
use crate::supervise::Ending;
use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Time limit for many constraints together; a thousand large schemas take a few seconds.
const LIMIT: Duration = Duration::from_secs(20);
/// Time limit for one constraint.
const EACH: Duration = Duration::from_secs(5);
/// Time limit for all constraints, with the search for the bad ones.
const ALL: Duration = Duration::from_secs(60);

/// Returns, for each constraint, the reason why no model can follow it, as far as that can be known without a model. A
/// constraint that ends the process that reads it, or is not checked in time, is refused: it would do the same to the
/// worker, and to all tasks that run with it.
pub fn refused(forms: &[&Constraint]) -> Vec<Option<String>> {
    let mut refused = vec![None; forms.len()];
    let Some(deadline) = clock::instant().checked_add(ALL) else { return refused };
    // Parts of the list; the first part is at the end.
    let mut waiting = vec![(0_usize, forms)];
    while let Some((first, some)) = waiting.pop() {
        if some.is_empty() {
            continue;
        }
        let left = deadline.saturating_duration_since(clock::instant());
        let limit = if some.len() == 1 { EACH } else { LIMIT };
        let answer = if left.is_zero() { Answer::Late } else { ask(some, limit.min(left)) };
        let why = match answer {
            Answer::Given(whys) => {
                for (at, why) in whys.into_iter().enumerate() {
                    if let Some(place) = refused.get_mut(first.saturating_add(at)) {
                        *place = why;
                    }
                }
                continue;
            }
            // Not known: the worker finds out, task by task, as it does for constraints that depend on the model.
            Answer::Nobody => continue,
            Answer::Ended => "it crashes the process that reads it",
            Answer::Late => "checking it takes too long",
        };
        let (before, behind) = some.split_at(some.len() / 2);
        if before.is_empty() || left.is_zero() {
            for (at, form) in some.iter().enumerate() {
                if let Some(place) = refused.get_mut(first.saturating_add(at)) {
                    *place = Some(format!("the {} cannot be used: {why}", form.name()));
                }
            }
        } else {
            // One of them is bad; find it by bisection.
            waiting.push((first.saturating_add(before.len()), behind));
            waiting.push((first, before));
        }
    }
    refused
}

/// The result of a child for some constraints.
enum Answer {
    Given(Vec<Option<String>>),
    /// The child could not be run, or gave no usable answer.
    Nobody,
    /// A signal ended the child before it answered.
    Ended,
    /// The child did not answer in time.
    Late,
}

fn ask(forms: &[&Constraint], limit: Duration) -> Answer {
    let Ok(file) = written(forms) else { return Answer::Nobody };
    let args = [OsStr::new("forms"), file.path().as_os_str()];
    match self_child::ask(Path::new(OURSELVES), args, limit) {
        Ok(Whys(whys)) if whys.len() == forms.len() => Answer::Given(whys),
        Err(NoAnswer::Ended(Ending::Signalled { .. })) => Answer::Ended,
        Err(NoAnswer::TimedOut { .. } | NoAnswer::Hung { .. }) => Answer::Late,
        Ok(_) | Err(NoAnswer::Ended(_) | NoAnswer::Unreadable { .. } | NoAnswer::NotStarted { .. }) => Answer::Nobody,
    }
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Whys(Vec<Option<String>>);

fn written(forms: &[&Constraint]) -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(&serde_json::to_vec(forms)?)?;
    Ok(file)
}
