//! From records to what concerns the node. Pure.

use super::super::log::LogLine;
use super::oom::{self, Said};
use super::record::{Record, append};
use super::sign::{self, Sign};
use super::types::{KernelLog, OomKill, Xid};
use super::xid;
use crate::clock::Timestamp;
use std::collections::VecDeque;

/// Entries of each kind that are kept, the newest.
const MOST: usize = 200;
/// Records that one message of the driver goes on for.
const MOST_PIECES: usize = 5;
/// Kills of one group that is killed as a whole come this close together.
const TOGETHER_MS: i64 = 2000;
/// A record may have a time this far in the future, by the difference of the clocks.
const FUTURE_MS: i64 = 60_000;

/// The frame in which records are read.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// `kernel log`, or a file.
    pub source: String,
    /// None: times of records cannot be told.
    pub booted: Option<Timestamp>,
    /// Events from before it are left out.
    pub since: Timestamp,
    pub now: Timestamp,
}

/// Collects what the records say.
pub(super) fn collect(records: impl IntoIterator<Item = Record>, frame: &Frame) -> KernelLog {
    let mut all = Collected::default();
    let mut records = records.into_iter().peekable();
    while let Some(mut record) = records.next() {
        // The driver prints some messages in several pieces.
        for _ in 0..MOST_PIECES {
            if !sign::goes_on(&record.text) {
                break;
            }
            match records.next_if(|next| sign::is_piece(&next.text)) {
                Some(next) => append(&mut record, &next.text),
                None => break,
            }
        }
        all.add(&record, frame);
    }
    all.done()
}

#[derive(Debug, Default)]
struct Collected {
    ooms: VecDeque<OomKill>,
    xids: VecDeque<Xid>,
    lines: VecDeque<LogLine>,
    /// Groups of the process and of the limit, which older kernels name in the line before the kill.
    limit: Option<(String, String)>,
    /// Whether the last of `ooms` waits for its `Killed process`.
    is_open: bool,
}

impl Collected {
    fn add(&mut self, record: &Record, frame: &Frame) {
        let time = time_of(record, frame);
        let is_old = time.is_some_and(|time| time < frame.since);
        let line = LogLine {
            source: frame.source.clone(),
            line: record.line,
            time,
            text: record.text.clone(),
            life: None,
            error: true,
        };
        if let Some(fault) = xid::parse(&record.text) {
            // A GPU that fell off the bus before that time is still gone.
            let xid::Fault { number, device, pid, process, caused_by } = fault;
            keep(&mut self.xids, Xid { line, number, device, pid, process, caused_by });
            return;
        }
        if is_old {
            if sign::of(&record.text) == Some(Sign::Condition) {
                keep(&mut self.lines, line);
            }
            return;
        }
        match oom::parse(&record.text) {
            Some(said) => self.oom(said, line),
            None if sign::of(&record.text).is_some() => keep(&mut self.lines, line),
            None => {}
        }
    }

    fn oom(&mut self, said: Said, line: LogLine) {
        match said {
            Said::Chosen(chosen) => {
                self.is_open = true;
                let oom::Chosen { constraint, oom_memcg, task_memcg, task, pid, uid } = chosen;
                keep(
                    &mut self.ooms,
                    OomKill { line, constraint, oom_memcg, task_memcg, task, pid, uid, anon_rss: None },
                );
            }
            Said::Limit { task_memcg, oom_memcg } => {
                self.limit = Some((task_memcg, oom_memcg));
                keep(&mut self.lines, line);
            }
            Said::Announced { is_memcg, pid, task } => {
                self.is_open = true;
                let (task_memcg, oom_memcg) = self.limit.take().filter(|_| is_memcg).unzip();
                let constraint = constraint(is_memcg || oom_memcg.is_some());
                keep(
                    &mut self.ooms,
                    OomKill { line, constraint, oom_memcg, task_memcg, task, pid, uid: None, anon_rss: None },
                );
            }
            Said::Killed { is_memcg, pid, task, uid, anon_rss } => {
                // The second line of a kill is evidence of its own.
                keep(&mut self.lines, line.clone());
                let is_open = std::mem::take(&mut self.is_open);
                // Older kernels kill a child in the place of the process that they named; newer ones do as they said.
                let is_same = |kill: &OomKill| kill.pid == pid || is_memcg.is_none();
                match self.ooms.back_mut().filter(|kill| is_open && is_same(kill)) {
                    Some(kill) => {
                        kill.pid = pid;
                        kill.task = task;
                        kill.uid = kill.uid.or(uid);
                        kill.anon_rss = anon_rss;
                    }
                    None => {
                        // One of a group that is killed as a whole, or the line before is lost.
                        let is_together = |kill: &&OomKill| {
                            let between =
                                kill.line.time.zip(line.time).map(|(a, b)| b.millis().saturating_sub(a.millis()));
                            between.is_some_and(|ms| ms <= TOGETHER_MS) && is_memcg == Some(true)
                        };
                        let of_group = self.ooms.back().filter(is_together);
                        let (oom_memcg, task_memcg) =
                            of_group.map(|kill| (kill.oom_memcg.clone(), kill.task_memcg.clone())).unwrap_or_default();
                        let constraint = constraint(is_memcg == Some(true));
                        let kill = OomKill { line, constraint, oom_memcg, task_memcg, task, pid, uid, anon_rss };
                        keep(&mut self.ooms, kill);
                    }
                }
            }
        }
    }

    fn done(self) -> KernelLog {
        KernelLog { ooms: self.ooms.into(), xids: self.xids.into(), lines: self.lines.into() }
    }
}

fn constraint(is_memcg: bool) -> String {
    if is_memcg { "CONSTRAINT_MEMCG" } else { "CONSTRAINT_NONE" }.to_owned()
}

/// Returns the time of a record. One that lies in the future is of another boot, or of another machine.
fn time_of(record: &Record, frame: &Frame) -> Option<Timestamp> {
    let after_boot = i64::try_from(record.time?.as_millis()).ok()?; // more than the calendar has
    let time = frame.booted?.millis().checked_add(after_boot)?;
    (time <= frame.now.millis().saturating_add(FUTURE_MS)).then_some(Timestamp(time))
}

/// Appends, and drops the oldest where there are too many.
fn keep<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() >= MOST {
        all.pop_front();
    }
    all.push_back(one);
}
