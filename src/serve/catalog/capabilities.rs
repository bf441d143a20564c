//! What models can do, as the headers of their files say.

use super::Entry;
use crate::clock::Timestamp;
use crate::model::{Kind, ModelId};
use crate::ops::model_header::capabilities_of_kind;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What changes with the files of a model.
pub(super) type Files = (Kind, Option<String>, Timestamp, u64, bool);

/// What was read of the files of models.
#[derive(Debug, Default)]
pub struct Capabilities(Mutex<HashMap<ModelId, (Files, Vec<&'static str>)>>);

impl Capabilities {
    /// Returns what a model can do; by its kind alone as long as its files are not read.
    pub fn of(&self, entry: &Entry) -> Vec<&'static str> {
        self.read(entry).unwrap_or_else(|| {
            let mut all = capabilities_of_kind(entry.row.kind);
            if entry.row.kind == Kind::Generative && entry.row.mmproj {
                all.push("vision");
            }
            all
        })
    }

    /// Returns what the files of a model say, if they were read as they are.
    pub fn read(&self, entry: &Entry) -> Option<Vec<&'static str>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&entry.row.id).filter(|(files, _)| *files == files_of(entry)).map(|(_, read)| read.clone())
    }

    /// Keeps what the files of a model say.
    pub fn keep(&self, entry: &Entry, read: Vec<&'static str>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(entry.row.id.clone(), (files_of(entry), read));
    }
}

pub(super) fn files_of(entry: &Entry) -> Files {
    let row = &entry.row;
    (row.kind, row.content.clone(), entry.written, row.size, row.mmproj)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sample_row;

    /// A client would go on sending pictures to a model whose projector is gone.
    #[test]
    fn what_was_read_counts_until_the_files_change() {
        let entry = |mmproj: bool| {
            let mut row = sample_row("a");
            row.mmproj = mmproj;
            Entry { row, written: Timestamp(1), listed: None }
        };
        let all = Capabilities::default();
        assert_eq!((all.of(&entry(false)), all.of(&entry(true))), (vec!["completion"], vec!["completion", "vision"]));
        all.keep(&entry(true), vec!["completion", "tools", "vision"]);
        assert_eq!(all.of(&entry(true)), ["completion", "tools", "vision"]);
        assert_eq!(all.read(&entry(false)), None);
        assert_eq!(all.of(&Entry { written: Timestamp(2), ..entry(true) }), ["completion", "vision"]);
    }
}
