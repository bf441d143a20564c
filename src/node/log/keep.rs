//! Which lines of a log are kept: of each life the first errors, and the last lines of all.

use super::types::{Clue, LogLine};
use crate::clock::Timestamp;
use std::collections::{BTreeMap, VecDeque};

/// The first errors of a life that are always kept.
const FIRST_ERRORS: usize = 5;
/// The first other lines of a life that are kept if there is room.
const FIRST_OTHERS: usize = 15;
/// Lives whose first lines are kept: the last ones.
const GROUPS: usize = 60;
/// The last lines, whatever they are, that go before the first others.
const LAST: usize = 100;
/// Without a sign of a restart, lines that are as many milliseconds apart are taken as of two lives.
const APART: i64 = 60_000;
/// Lines about each program in supervisord's own log, and about all.
const OF_PROGRAM: usize = 400;
const OF_PROGRAMS: usize = 8_000;

/// A line that may be kept.
#[derive(Debug)]
pub(super) struct Entry {
    pub line: LogLine,
    pub clue: Clue,
}

type Numbered = (u64, Entry);

#[derive(Debug, Default)]
struct Group {
    /// The count of starts, or of banners in a log that shows no starts.
    life: u32,
    began: Option<Timestamp>,
    errors: Vec<Numbered>,
    others: Vec<Numbered>,
}

#[derive(Debug)]
pub(super) struct Keep {
    most: usize,
    next: u64,
    groups: VecDeque<Group>,
    last: VecDeque<Numbered>,
    programs: BTreeMap<String, VecDeque<Numbered>>,
    of_programs: usize,
}

impl Keep {
    pub fn new(most: usize) -> Keep {
        let (groups, last, programs) = (VecDeque::new(), VecDeque::new(), BTreeMap::new());
        Keep { most, next: 0, groups, last, programs, of_programs: 0 }
    }

    pub fn add(&mut self, entry: Entry) {
        let life = if entry.clue.starts == 0 { entry.clue.banners } else { entry.clue.starts };
        let is_apart = |began: Option<Timestamp>| {
            began.zip(entry.clue.time).is_some_and(|(began, time)| time.0.saturating_sub(began.0) > APART)
        };
        if self.groups.back().is_none_or(|group| group.life != life || is_apart(group.began)) {
            self.groups.push_back(Group { life, began: entry.clue.time, ..Group::default() });
            if self.groups.len() > GROUPS {
                let oldest = self.groups.pop_front().into_iter().flat_map(|group| group.errors.into_iter().rev());
                for error in oldest.take(self.most.saturating_sub(self.last.len())) {
                    self.last.push_front(error);
                }
            }
        }
        self.next += 1;
        let numbered = (self.next, entry);
        let Some(group) = self.groups.back_mut() else { return };
        let (kept, room) = match numbered.1.line.error {
            true => (&mut group.errors, FIRST_ERRORS),
            false => (&mut group.others, FIRST_OTHERS),
        };
        if kept.len() < room {
            kept.push(numbered);
        } else {
            self.last.push_back(numbered);
            if self.last.len() > self.most {
                self.last.pop_front();
            }
        }
    }

    /// Adds a line of supervisord's own log that speaks of a program.
    pub fn add_of_program(&mut self, program: &str, entry: Entry) {
        self.next += 1;
        let lines = self.programs.entry(program.to_owned()).or_default();
        lines.push_back((self.next, entry));
        if lines.len() > OF_PROGRAM {
            lines.pop_front();
        } else {
            self.of_programs += 1;
        }
        if self.of_programs > OF_PROGRAMS
            && let Some(most) = self.programs.values_mut().max_by_key(|lines| lines.len())
        {
            most.pop_front();
            self.of_programs -= 1;
        }
    }

    /// Returns the lines that are kept, in order.
    pub fn finish(self) -> Vec<Entry> {
        let mut room = self.most;
        let mut kept: Vec<Numbered> = Vec::new();
        let mut take = |lines: &mut dyn Iterator<Item = Numbered>, most: usize| {
            let before = kept.len();
            kept.extend(lines.take(most.min(room)));
            room -= kept.len() - before;
        };
        let mut last = self.last.into_iter().rev();
        let (errors, others): (Vec<_>, Vec<_>) = self.groups.into_iter().rev().map(|g| (g.errors, g.others)).unzip();
        take(&mut errors.into_iter().flatten(), usize::MAX);
        take(&mut last, LAST);
        take(&mut others.into_iter().flatten(), usize::MAX);
        take(&mut last, usize::MAX);
        kept.extend(self.programs.into_values().flatten());
        kept.sort_by_key(|(number, _)| *number);
        kept.into_iter().map(|(_, entry)| entry).collect()
    }
}
