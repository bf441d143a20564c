//! What `top` knows and shows: it changes by events and keys, and touches nothing.

mod entry;
mod keys;
mod lanes;
#[cfg(test)]
pub(super) mod tests;

pub use entry::{Entry, Kind, Sort, Status};
pub use lanes::{Did, Mark, cells};

use crate::clock::Timestamp;
use crate::ops::daemon::{Hour, LiveModel, LiveNews, LiveRows, LocalClock, LogRow, Queue};
use std::collections::{BTreeMap, VecDeque};

/// Figures of speed that are kept of each model, one for every five seconds.
const SPEEDS: usize = 60;
const SPEED_STEP: i64 = 5_000;
/// The time for which what was done is shown, and the times between two looks at what the stream does not tell.
/// Milliseconds.
const NOTICE: i64 = 6_000;
const HOUR_STEP: i64 = 10_000;
const QUEUE_STEP: i64 = 2_000;
const LOG_STEP: i64 = 1_000;
const ABOUT_STEP: i64 = 2_000;
const DATABASE_STEP: i64 = 10_000;

/// Groups of the stream that the table is not made of: with 2,000 models it is not made anew for each reading.
const BESIDE: [&str; 4] = ["daemon", "machine", "event/", "request/"];

/// Something that the daemon, the clock or the terminal tells.
#[derive(Debug)]
pub enum Event {
    Tick(Timestamp),
    Live(LiveNews),
    /// There is no connection, and why, with the next step.
    Lost(Vec<String>),
    Database(Result<Vec<LiveModel>, String>),
    Hour(Result<Hour, String>),
    Queue(Result<Queue, String>),
    Log(String, Result<Vec<LogRow>, String>),
    About(String, Result<Vec<String>, String>),
    Ended(String, Result<String, Vec<String>>),
}

/// What has to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    Database,
    Hour,
    Queue,
    Log(String),
    About(String),
}

/// What a key has the program do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Quit,
    Suspend,
    Redraw,
    Do(Order),
}

/// Something that the daemon is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub key: String,
    pub id: String,
    pub name: String,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Start,
    Stop,
    Restart,
    Pin(bool),
    Offload,
}

/// Whether what is shown is of now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    Connecting,
    Live,
    /// There never was a connection: the database is shown.
    Without(Vec<String>),
    /// There was one until then.
    Lost {
        since: Timestamp,
        why: Vec<String>,
    },
}

/// What is below the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pane {
    #[default]
    Hour,
    Queue,
    Requests,
    Events,
    Log,
}

impl Pane {
    pub const ALL: [Pane; 5] = [Pane::Hour, Pane::Queue, Pane::Requests, Pane::Events, Pane::Log];

    pub fn name(self) -> &'static str {
        match self {
            Pane::Hour => "Hour",
            Pane::Queue => "Queue",
            Pane::Requests => "Requests",
            Pane::Events => "Events",
            Pane::Log => "Log",
        }
    }
}

/// What the keys mean at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Focus {
    #[default]
    Table,
    /// A filter is typed.
    Filter,
    /// All about one row, scrolled by so many lines.
    Detail(usize),
    Help,
    /// A question, and what is done after `y`.
    Sure(String, Order),
}

/// An answer, and when it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<T> {
    at: Option<Timestamp>,
    is_waiting: bool,
    pub value: Option<Result<T, String>>,
}

impl<T> Default for Asked<T> {
    fn default() -> Self {
        Asked { at: None, is_waiting: false, value: None }
    }
}

impl<T> Asked<T> {
    /// Returns whether it is time to ask, and notes that it is asked.
    fn is_due(&mut self, now: Timestamp, every: i64) -> bool {
        let is_old = self.at.is_none_or(|at| now.millis().saturating_sub(at.millis()) >= every || now < at);
        let is_due = is_old && !self.is_waiting;
        if is_due {
            (self.at, self.is_waiting) = (Some(now), true);
        }
        is_due
    }

    fn take(&mut self, value: Result<T, String>) {
        (self.is_waiting, self.value) = (false, Some(value));
    }
}

/// What was done, or why it was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub lines: Vec<String>,
    pub is_error: bool,
    at: Timestamp,
}

#[derive(Debug)]
pub struct State {
    pub clock: LocalClock,
    pub link: Link,
    /// When the daemon said something last.
    pub heard: Option<Timestamp>,
    pub rows: LiveRows,
    /// The rows that pass the filter, in order.
    pub entries: Vec<Entry>,
    /// All rows, those that are models, and servers that run.
    pub total: usize,
    pub models: usize,
    pub running: usize,
    /// The key of the row that keys act on.
    selected: Option<String>,
    pub sort: Sort,
    pub filter: String,
    pub focus: Focus,
    pub pane: Pane,
    /// Rows of the pane that are scrolled past.
    pub scroll: usize,
    /// The last event or line that is shown while the pane does not follow.
    pub held: Option<String>,
    pub follows: bool,
    pub hour: Asked<Hour>,
    pub queue: Asked<Queue>,
    pub log: Asked<Vec<LogRow>>,
    pub about: Asked<Vec<String>>,
    /// What `log` and `about` are of.
    log_of: Option<String>,
    about_of: Option<String>,
    database: Asked<()>,
    pub speeds: BTreeMap<String, VecDeque<u64>>,
    sampled: Option<Timestamp>,
    /// What is under way, by the row.
    pub pending: BTreeMap<String, &'static str>,
    pub notice: Option<Notice>,
}

impl State {
    pub fn new(clock: LocalClock) -> State {
        State {
            clock,
            link: Link::Connecting,
            heard: None,
            rows: LiveRows::default(),
            entries: Vec::new(),
            total: 0,
            models: 0,
            running: 0,
            selected: None,
            sort: Sort::default(),
            filter: String::new(),
            focus: Focus::default(),
            pane: Pane::default(),
            scroll: 0,
            held: None,
            follows: true,
            hour: Asked::default(),
            queue: Asked::default(),
            log: Asked::default(),
            about: Asked::default(),
            log_of: None,
            about_of: None,
            database: Asked::default(),
            speeds: BTreeMap::new(),
            sampled: None,
            pending: BTreeMap::new(),
            notice: None,
        }
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: Event) {
        match event {
            Event::Tick(now) => self.tick(now),
            Event::Live(news) => {
                if self.link != Link::Live {
                    // What was asked of the daemon before is of another one.
                    (self.hour, self.queue) = (Asked::default(), Asked::default());
                }
                let is_of_rows = |name: &String| !BESIDE.iter().any(|group| name.starts_with(group));
                let is_other = news.is_snapshot || news.set.keys().chain(&news.gone).any(is_of_rows);
                (self.link, self.heard) = (Link::Live, Some(self.clock.now));
                self.rows.take(news);
                if is_other {
                    self.arrange();
                }
            }
            Event::Lost(why) => self.lose(why),
            Event::Database(models) => self.take_database(models),
            Event::Hour(hour) => self.hour.take(hour),
            Event::Queue(queue) => self.queue.take(queue),
            Event::Log(of, lines) if self.log_of.as_ref() == Some(&of) => self.log.take(lines),
            Event::About(of, said) if self.about_of.as_ref() == Some(&of) => self.about.take(said),
            // Another row was selected meanwhile.
            Event::Log(..) | Event::About(..) => {}
            Event::Ended(key, outcome) => {
                self.pending.remove(&key);
                match outcome {
                    Ok(said) => self.say(said),
                    Err(lines) => self.refuse(lines),
                }
            }
        }
    }

    fn tick(&mut self, now: Timestamp) {
        self.clock.now = now;
        let is_over = |notice: &Notice| !notice.is_error && now.millis().saturating_sub(notice.at.millis()) > NOTICE;
        if self.notice.as_ref().is_some_and(is_over) {
            self.notice = None;
        }
        let is_step = self.sampled.is_none_or(|at| now.millis().saturating_sub(at.millis()) >= SPEED_STEP || now < at);
        if self.link == Link::Live && is_step {
            self.sampled = Some(now);
            self.sample();
        }
    }

    /// Notes how fast each model answers.
    fn sample(&mut self) {
        let rates = &self.rows.rates;
        for (id, speeds) in &mut self.speeds {
            let tokens = rates.get(id).map_or(0.0, |rate| rate.tokens_per_s);
            // A bar has eight heights: a tenth of a token is more than enough.
            speeds.push_back((tokens.max(0.0) * 10.0) as u64);
            if speeds.len() > SPEEDS {
                speeds.pop_front();
            }
        }
        self.speeds.retain(|_, speeds| speeds.iter().any(|speed| *speed > 0));
        for (id, rate) in rates.iter().filter(|(_, rate)| rate.tokens_per_s > 0.0) {
            self.speeds
                .entry(id.clone())
                .or_insert_with(|| VecDeque::from([(rate.tokens_per_s.max(0.0) * 10.0) as u64]));
        }
    }

    fn lose(&mut self, why: Vec<String>) {
        self.link = match std::mem::replace(&mut self.link, Link::Connecting) {
            Link::Live => Link::Lost { since: self.clock.now, why },
            Link::Lost { since, .. } => Link::Lost { since, why },
            Link::Connecting | Link::Without(_) => Link::Without(why),
        };
        if let Focus::Sure(..) = self.focus {
            self.focus = Focus::Table;
        }
    }

    fn take_database(&mut self, models: Result<Vec<LiveModel>, String>) {
        // Only where there is nothing better.
        if matches!(self.link, Link::Without(_)) {
            match &models {
                Ok(models) => {
                    self.rows.models = models.iter().map(|model| (model.id.clone(), model.clone())).collect();
                    self.arrange();
                }
                Err(why) => self.refuse(vec![why.clone()]),
            }
        }
        self.database.take(models.map(drop));
    }

    /// Makes the rows of the table anew.
    fn arrange(&mut self) {
        let at = self.at();
        let all = entry::entries(&self.rows, &self.clock);
        self.total = all.len();
        self.models = all.iter().filter(|entry| entry.kind == Kind::Model).count();
        let is_ours = |entry: &&Entry| entry.status.runs() && entry.kind != Kind::Reserved;
        self.running = all.iter().filter(is_ours).count();
        self.entries = entry::select(all, &self.filter, self.sort);
        let is_there = |key: &String| self.entries.iter().any(|entry| entry.key == *key);
        if !self.selected.as_ref().is_some_and(is_there) {
            let near = at.unwrap_or(0).min(self.entries.len().saturating_sub(1));
            self.select(near);
        }
    }

    /// Returns the place of the selected row.
    pub fn at(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.entries.iter().position(|entry| entry.key == *selected)
    }

    pub fn entry(&self) -> Option<&Entry> {
        self.entries.get(self.at()?)
    }

    fn select(&mut self, at: usize) {
        self.selected = self.entries.get(at).map(|entry| entry.key.clone());
    }

    /// Returns what has to be asked for now, and takes it as asked.
    pub fn wants(&mut self) -> Vec<Query> {
        let (now, mut wanted) = (self.clock.now, Vec::new());
        match self.link {
            Link::Without(_) if self.database.is_due(now, DATABASE_STEP) => wanted.push(Query::Database),
            Link::Live => {}
            _ => return wanted,
        }
        if self.link != Link::Live {
            return wanted;
        }
        let shown = self.entry().filter(|entry| entry.kind != Kind::External);
        let (log, about) = (shown.filter(|entry| entry.kind != Kind::Reserved), shown);
        let (log, about) = (log.map(|entry| entry.id.clone()), about.map(|entry| entry.id.clone()));
        match self.pane {
            Pane::Hour if self.hour.is_due(now, HOUR_STEP) => wanted.push(Query::Hour),
            Pane::Queue if self.queue.is_due(now, QUEUE_STEP) => wanted.push(Query::Queue),
            Pane::Log => {
                if self.log_of != log {
                    (self.log_of, self.log) = (log.clone(), Asked::default());
                }
                let is_asked = self.follows || self.log.value.is_none();
                if let Some(id) = log.filter(|_| is_asked && self.log.is_due(now, LOG_STEP)) {
                    wanted.push(Query::Log(id));
                }
            }
            _ => {}
        }
        if matches!(self.focus, Focus::Detail(_)) {
            if self.about_of != about {
                (self.about_of, self.about) = (about.clone(), Asked::default());
            }
            if let Some(id) = about.filter(|_| self.about.is_due(now, ABOUT_STEP)) {
                wanted.push(Query::About(id));
            }
        }
        wanted
    }

    fn say(&mut self, text: impl Into<String>) {
        self.notice = Some(Notice { lines: vec![text.into()], is_error: false, at: self.clock.now });
    }

    fn refuse(&mut self, lines: Vec<String>) {
        self.notice = Some(Notice { lines, is_error: true, at: self.clock.now });
    }

    /// Returns the time from now to a time of the daemon; `None` where it is past, or no time.
    pub fn left(&self, rfc3339: &str) -> Option<u64> {
        let at = rfc3339.parse::<jiff::Timestamp>().ok()?; // what is no time has none left
        u64::try_from(at.as_millisecond().saturating_sub(self.clock.now.millis())).ok().map(|millis| millis / 1_000)
    }
}
