//! What a log shows line by line: times, starts of the program, errors.

use super::keep::{Entry, Keep};
use super::level;
use super::main_log;
use super::time::{self, Stamp};
use super::traceback::{Part, Tracebacks};
use super::types::{Clue, Clues, LogKind, LogLine};
use crate::clock::Timestamp;
use jiff::tz::TimeZone;
use std::collections::VecDeque;
use std::rc::Rc;

/// A time since the start that falls back by as many milliseconds, or to less than half, is of another process; lines
/// of threads may be a little out of order.
const FALL_BACK: u64 = 1_000;
const SMALL: u64 = 2;

/// A line before it is known whether it is kept.
#[derive(Debug, Clone)]
struct Seen {
    source: Rc<str>,
    text: String,
    number: Option<u64>,
    stamp: Option<Stamp>,
    error: bool,
}

/// Follows the lines of one log.
pub(super) struct Follower<'a> {
    pub kind: LogKind,
    pub zone: TimeZone,
    pub now: Timestamp,
    pub is_known: &'a dyn Fn(&str) -> bool,
    /// How many of the last lines are kept.
    pub most_last: usize,
    pub keep: Keep,
    pub lines_read: u64,
    last: VecDeque<Seen>,
    time: Option<Stamp>,
    since_start: Option<u64>,
    clues: Clues,
    /// Whether a process that starts others said so: their starts are none of the program.
    has_parent: bool,
    /// The first line of the file, without its numbers; None where it was not read from its beginning.
    banner: Option<String>,
    frame: Option<Seen>,
    tracebacks: Tracebacks,
    /// Whether the line before said where a panic was.
    has_panicked: bool,
}

impl<'a> Follower<'a> {
    pub fn new(
        kind: LogKind,
        zone: TimeZone,
        now: Timestamp,
        is_known: &'a dyn Fn(&str) -> bool,
        most: (usize, usize),
    ) -> Follower<'a> {
        Follower {
            kind,
            zone,
            now,
            is_known,
            most_last: most.1,
            keep: Keep::new(most.0),
            lines_read: 0,
            last: VecDeque::new(),
            time: None,
            since_start: None,
            clues: Clues::default(),
            has_parent: false,
            banner: None,
            frame: None,
            tracebacks: Tracebacks::default(),
            has_panicked: false,
        }
    }

    /// Follows a line. `is_first` says that the file begins with it.
    pub fn line(&mut self, source: &Rc<str>, text: String, number: Option<u64>, is_first: bool) {
        self.lines_read += 1;
        let parsed = time::parse(&text);
        let stamp = parsed.map(|(stamp, _)| stamp);
        let rest = parsed.map_or(text.as_str(), |(_, rest)| rest.strip_prefix(' ').unwrap_or(rest));
        match stamp {
            Some(Stamp::SinceStart(millis)) => self.relative(millis),
            Some(stamp) => self.time = Some(stamp),
            None => {}
        }
        self.find_start(rest);
        self.find_banner(rest, is_first);
        let part = self.tracebacks.next(rest);
        let is_panic = rest.starts_with("thread '") && rest.contains(" panicked at ");
        if is_panic {
            self.tracebacks.expect_detail();
        }
        self.clues.blocks += u32::from(part == Part::Head || is_panic);
        // What a panic says stands in the line behind the one that says where it was.
        let is_place = is_panic && rest.trim_end().ends_with(':');
        let is_said = std::mem::replace(&mut self.has_panicked, is_place);
        let error = match part {
            Part::Diagnosis => true,
            Part::Detail if is_said => true,
            Part::Nothing if is_place => false,
            Part::Nothing => level::is_error_after(&text, parsed),
            Part::Head | Part::Frame | Part::Detail | Part::Inner => false,
        };
        // Of a line in supervisord's own log: the program that it speaks of; empty for supervisord itself.
        let event = (self.kind == LogKind::Main).then(|| main_log::event(&text)).flatten();
        let program = event.map(|event| event.program().unwrap_or_default().to_owned());
        let is_marked = error || is_place || program.is_some() || part == Part::Detail || (self.is_known)(&text);
        let seen = Seen { source: Rc::clone(source), text, number, stamp, error };
        if is_marked {
            let clue = self.clue();
            if let Some(frame) = self.frame.take().filter(|_| part == Part::Diagnosis) {
                self.keep.add(Entry { line: self.show(&frame), clue });
            }
            let entry = Entry { line: self.show(&seen), clue };
            match program {
                None => self.keep.add(entry),
                Some(program) => self.keep.add_of_program(&program, entry),
            }
        }
        if part == Part::Frame {
            self.frame = Some(seen.clone());
        }
        self.last.push_back(seen);
        if self.last.len() > self.most_last {
            self.last.pop_front();
        }
    }

    /// Returns the lines that are kept, the last ones, and the clues.
    pub fn finish(self) -> (Vec<LogLine>, Vec<LogLine>, Clues) {
        let last = self.last.iter().map(|seen| self.show(seen)).collect();
        let (marked, lines) = self.keep.finish().into_iter().map(|entry| (entry.line, entry.clue)).unzip();
        (marked, last, Clues { lines, ..self.clues })
    }

    fn show(&self, seen: &Seen) -> LogLine {
        LogLine {
            source: seen.source.to_string(),
            line: seen.number,
            time: seen.stamp.and_then(|stamp| stamp.resolve(&self.zone, self.now)),
            text: seen.text.clone(),
            life: None,
            error: seen.error,
        }
    }

    fn clue(&self) -> Clue {
        Clue {
            time: self.time.and_then(|stamp| stamp.resolve(&self.zone, self.now)),
            starts: u32::try_from(self.clues.starts.len()).unwrap_or(u32::MAX),
            blocks: self.clues.blocks,
            banners: self.clues.banners,
        }
    }

    fn relative(&mut self, millis: u64) {
        let is_new = self.since_start.is_none_or(|before| {
            let fall = before.saturating_sub(millis);
            fall > FALL_BACK || (fall > SMALL && millis < before / 2)
        });
        if is_new {
            self.clues.starts.push(None);
            self.clues.starts_are_first = true;
        }
        self.since_start = Some(millis);
    }

    /// Looks for a line by which a server says that it starts.
    fn find_start(&mut self, text: &str) {
        // Most lines are none of these; this is asked of each.
        if self.clues.starts_are_first || !(text.contains("Start") || text.starts_with("build: ")) {
            return;
        }
        let pid = |mark: &str| {
            let (_, rest) = text.split_once(mark)?;
            rest.split(']').next()?.trim().parse::<u32>().ok() // no number
        };
        if let Some(pid) = pid("Started parent process [") {
            self.has_parent = true;
            self.clues.starts.push(Some(pid));
        } else if text.contains("[INFO] Starting gunicorn ") {
            self.has_parent = true;
            self.clues.starts.push(pid("["));
        } else if let Some(pid) = pid("Started server process [") {
            if !self.has_parent {
                self.clues.starts.push(Some(pid));
            }
        } else if text.starts_with("build: ") && text.contains(" with ") {
            self.clues.starts.push(None);
        }
    }

    fn find_banner(&mut self, text: &str, is_first: bool) {
        let plain = || text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        if is_first {
            self.banner = Some(plain());
            self.clues.banners = 1;
        } else if let Some(banner) = &self.banner
            // Most lines differ in the beginning: no copy of them is made.
            && banner.chars().take(8).eq(text.chars().filter(|c| !c.is_ascii_digit()).take(8))
            && *banner == plain()
        {
            self.clues.banners = self.clues.banners.saturating_add(1);
        }
    }
}
