use super::processes;
use super::types::{Program, ProgramState, SupervisordSearch};
use crate::clock::Timestamp;
use crate::node::Place;
use crate::node::log::{End, Event, Life, LifeEnd, LogLine, event};
use std::collections::BTreeSet;

/// The events of supervisord's own log: read once, for all of its programs.
#[derive(Debug, Clone, Default)]
pub struct Events<'a>(Vec<(&'a LogLine, Event<'a>)>);

impl<'a> Events<'a> {
    pub fn of(main_log: &'a [LogLine]) -> Events<'a> {
        Events(main_log.iter().filter_map(|line| Some((line, event(&line.text)?))).collect())
    }

    /// Returns the lives of a program, in order. `program` is `NAME` or `GROUP:NAME`; the log does not name groups, so that
    /// processes of one name in two groups look like one.
    pub fn lives(&self, program: &str, now: Timestamp) -> Vec<Life> {
        let name = program.rsplit_once(':').map_or(program, |(_, name)| name);
        let not_spawned = self.spawn_errors(name);
        let mut lives: Vec<Life> = Vec::new();
        let mut is_shutting_down = false;
        for (line, event) in &self.0 {
            match event {
                Event::Began => {
                    is_shutting_down = false;
                    // The supervisord before this one is gone, and nobody saw how its processes ended.
                    end_last(&mut lives, LifeEnd::Unknown, None);
                    continue;
                }
                Event::ShutDown => {
                    is_shutting_down = true;
                    continue;
                }
                Event::SpawnError { why } if event.program() == Some(name) || not_spawned.contains(why) => {
                    let end = LifeEnd::NotSpawned { why: (*why).to_owned() };
                    let end_line = Some((*line).clone());
                    lives.push(Life { end, lasted_s: Some(0.0), end_line, ..begun(line, None) });
                    continue;
                }
                _ => {}
            }
            if event.program() != Some(name) {
                continue;
            }
            match event {
                Event::Spawned { pid, .. } => {
                    end_last(&mut lives, LifeEnd::Unknown, None);
                    lives.push(begun(line, *pid));
                }
                Event::Success { .. } => {
                    if let Some(life) = lives.last_mut().filter(|life| life.end == LifeEnd::Running) {
                        life.started_well = true;
                    }
                }
                Event::Exited { end, expected, .. } => {
                    let end = match end {
                        _ if is_shutting_down => LifeEnd::Stopped,
                        End::Code(code) => LifeEnd::Exited { code: *code, expected: *expected },
                        End::Signal(signal) => LifeEnd::Killed { signal: (*signal).to_owned() },
                        End::Unknown => LifeEnd::Unknown,
                    };
                    end_or_add(&mut lives, end, line);
                }
                Event::Stopped { .. } => end_or_add(&mut lives, LifeEnd::Stopped, line),
                Event::GaveUp { .. } | Event::SpawnError { .. } | Event::Began | Event::ShutDown => {}
            }
        }
        if let Some(last) = lives.last_mut().filter(|life| life.end == LifeEnd::Running) {
            match is_shutting_down {
                true => last.end = LifeEnd::Stopped,
                false => last.lasted_s = last.began.and_then(|began| seconds(began, now)),
            }
        }
        lives
    }

    /// Returns the words of spawn errors that are those of this program. The log does not name the program, but it says
    /// which one is given up right after the last of them.
    fn spawn_errors(&self, name: &str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut last: Option<&str> = None;
        for (_, event) in &self.0 {
            match event {
                Event::SpawnError { why } => last = Some(*why),
                Event::GaveUp { program } => {
                    if let Some(why) = last.take().filter(|_| *program == name) {
                        found.insert(why);
                    }
                }
                // It had a process, so that an earlier error was not its own, or is over.
                Event::Exited { program, .. } if *program == name => last = None,
                _ => {}
            }
        }
        found
    }
}

/// Completes the programs of a supervisord that gives no answer by what its log says of them: the last process that it
/// has started, where that one still runs below it. The state of the others stays unknown.
pub fn by_log(
    place: &Place,
    programs: Vec<Program>,
    main_log: &[LogLine],
    search: &SupervisordSearch,
    now: Timestamp,
) -> Vec<Program> {
    let is_below = |pid: u32| {
        processes::parent(place, pid).is_some_and(|parent| search.processes.iter().any(|(pid, _)| *pid == parent))
    };
    let events = Events::of(main_log);
    let complete = |mut program: Program| {
        let all = events.lives(&program.full_name(), now);
        let life = all.last().filter(|life| life.end == LifeEnd::Running);
        if let Some((life, pid)) = life.and_then(|life| Some((life, life.pid.filter(|pid| is_below(*pid))?))) {
            program.state = if life.started_well { ProgramState::Running } else { ProgramState::Starting };
            program.pid = Some(pid);
            program.start = life.began;
        }
        program
    };
    programs.into_iter().map(complete).collect()
}

fn begun(line: &LogLine, pid: Option<u32>) -> Life {
    Life {
        began: line.time,
        lasted_s: None,
        end: LifeEnd::Running,
        pid,
        started_well: false,
        first_error: None,
        end_line: None,
    }
}

/// Ends the life that runs, if one does.
fn end_last(lives: &mut [Life], end: LifeEnd, line: Option<&LogLine>) -> bool {
    let Some(life) = lives.last_mut().filter(|life| life.end == LifeEnd::Running) else { return false };
    life.end = end;
    life.lasted_s = life.began.zip(line.and_then(|line| line.time)).and_then(|(began, ended)| seconds(began, ended));
    life.end_line = line.cloned();
    true
}

/// Ends the life that runs; without one, the log begins in the middle of a life.
fn end_or_add(lives: &mut Vec<Life>, end: LifeEnd, line: &LogLine) {
    if !end_last(lives, end.clone(), Some(line)) {
        lives.push(Life { began: None, end, end_line: Some(line.clone()), ..begun(line, None) });
    }
}

/// Returns the seconds between two times; None where the clock was set back.
fn seconds(from: Timestamp, to: Timestamp) -> Option<f64> {
    let millis = to.0.checked_sub(from.0).filter(|millis| *millis >= 0)?;
    Some(std::time::Duration::from_millis(u64::try_from(millis).ok()?).as_secs_f64()) // is not negative
}
