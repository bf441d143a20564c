//! The lives of a unit, by what its manager says.

use super::entry::{Entry, Notice};
use crate::clock::Timestamp;
use crate::node::log::{Life, LifeEnd, LogLine};
use std::time::Duration;

/// The time from which on a start counts as good: supervisord's own default. systemd counts a plain start at once.
const WELL: Duration = Duration::from_secs(1);

/// Follows the entries of a unit in their order, and says which life each belongs to.
#[derive(Debug, Default)]
pub struct Lives {
    lives: Vec<Life>,
    open: Option<Open>,
}

/// The life that runs now.
#[derive(Debug)]
struct Open {
    life: Life,
    is_started: bool,
    /// Somebody asked for its end.
    is_stopping: bool,
    ended: Option<Timestamp>,
    /// Why its program could not be run.
    not_spawned: Option<String>,
}

impl Lives {
    /// Takes a line of an entry. Returns the index of the life that it belongs to. Only the first line of an entry has
    /// the meaning of its notice.
    pub fn note(&mut self, entry: &Entry, line: &LogLine, is_first: bool) -> Option<usize> {
        let Some(notice) = entry.notice.filter(|_| is_first) else {
            if entry.is_of_manager {
                self.note_error(line);
                return self.index();
            }
            // Output without a start: the life began before what was read.
            let open = self.open.get_or_insert_with(|| Open::new(None));
            open.life.pid = open.life.pid.or(entry.pid);
            self.note_error(line);
            return self.index();
        };
        match notice {
            Notice::Starting => {
                self.close();
                self.open = Some(Open::new(Some(entry.time)));
            }
            Notice::Started => {
                if self.open.as_ref().is_none_or(|open| open.is_started || open.ended.is_some()) {
                    self.close();
                    self.open = Some(Open::new(Some(entry.time)));
                }
                if let Some(open) = &mut self.open {
                    open.is_started = true;
                }
            }
            Notice::Stopping => self.open.get_or_insert_with(|| Open::new(None)).is_stopping = true,
            Notice::ProcessExit if entry.message.contains("Control process") => {}
            Notice::ProcessExit => self.end(entry, line, how(entry)),
            // An exit with a status of systemd's own follows, unless nothing was begun.
            Notice::SpawnFailed => {
                self.note_error(line);
                if let Some(open) = &mut self.open {
                    open.not_spawned = Some(line.text.clone());
                }
            }
            Notice::Succeeded => self.end(entry, line, LifeEnd::Exited { code: 0, expected: true }),
            Notice::Failed | Notice::StartFailed => {
                // A unit that was not even begun, as after too many starts, has no life that could end.
                if let Some(open) = &self.open {
                    let why = open.not_spawned.clone();
                    self.end(entry, line, why.map_or(LifeEnd::Unknown, |why| LifeEnd::NotSpawned { why }));
                }
            }
            Notice::Stopped => {
                if self.open.is_some() {
                    self.end(entry, line, LifeEnd::Stopped);
                    let at = self.index();
                    self.close();
                    return at;
                }
            }
            Notice::RestartScheduled => {
                let at = self.index();
                self.close();
                return at;
            }
        }
        self.index()
    }

    /// Returns all lives in order; the last one runs unless it ended.
    pub fn finish(mut self, now: Timestamp) -> Vec<Life> {
        if let Some(open) = self.open.as_mut().filter(|open| open.ended.is_none()) {
            open.life.lasted_s = open.life.began.map(|began| began.age(now).as_secs_f64());
            open.life.end = LifeEnd::Running;
        }
        self.close();
        self.lives
    }

    /// Notes the first error of the open life, as long as it has not ended.
    fn note_error(&mut self, line: &LogLine) {
        let open = self.open.as_mut().filter(|open| open.ended.is_none() && line.error);
        if let Some(life) = open.map(|open| &mut open.life).filter(|life| life.first_error.is_none()) {
            life.first_error = Some(line.clone());
        }
    }

    /// Returns the index of the open life, else of the last one.
    fn index(&self) -> Option<usize> {
        if self.open.is_some() { Some(self.lives.len()) } else { self.lives.len().checked_sub(1) }
    }

    /// Notes how the open life ended. The first word counts: what follows repeats it in other words.
    fn end(&mut self, entry: &Entry, line: &LogLine, end: LifeEnd) {
        let open = self.open.get_or_insert_with(|| Open::new(None));
        if open.ended.is_some() {
            return;
        }
        open.ended = Some(entry.time);
        open.life.lasted_s = open.life.began.map(|began| began.age(entry.time).as_secs_f64());
        open.life.end = if open.is_stopping { LifeEnd::Stopped } else { end };
        open.life.end_line = Some(line.clone());
    }

    fn close(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        let lasted = open.life.lasted_s.unwrap_or(0.0);
        open.life.started_well = open.is_started && (open.life.began.is_none() || lasted >= WELL.as_secs_f64());
        self.lives.push(open.life);
    }
}

impl Open {
    fn new(began: Option<Timestamp>) -> Open {
        let life = Life {
            began,
            lasted_s: None,
            end: LifeEnd::Unknown,
            pid: None,
            started_well: false,
            first_error: None,
            end_line: None,
        };
        // A life whose start is not known was started at some time.
        Open { life, is_started: began.is_none(), is_stopping: false, ended: None, not_spawned: None }
    }
}

/// Returns how a process ended (systemd.journal-fields(7)).
fn how(entry: &Entry) -> LifeEnd {
    let status = entry.exit_status.as_deref().unwrap_or_default();
    match (entry.exit_code.as_deref(), status.parse::<i32>()) {
        (Some("exited"), Ok(code)) => LifeEnd::Exited { code, expected: code == 0 },
        (Some("killed" | "dumped"), Ok(signal)) => {
            let name = signal_hook::low_level::signal_name(signal);
            LifeEnd::Killed { signal: name.map_or_else(|| format!("signal {signal}"), str::to_owned) }
        }
        (Some("killed" | "dumped"), Err(_)) if !status.is_empty() => {
            let name = status.strip_prefix("SIG").unwrap_or(status);
            LifeEnd::Killed { signal: format!("SIG{name}") }
        }
        _ => LifeEnd::Unknown,
    }
}
