//! What keys mean.

use super::{Action, Focus, Kind, Link, Order, Pane, Sort, State, Status, What};
use crate::ui::{Key, units};

/// Rows that a page key goes over.
const PAGE: usize = 10;
/// Characters of a filter.
const FILTER: usize = 200;

impl State {
    /// Takes a key. Returns what the program has to do.
    pub fn key(&mut self, key: Key) -> Option<Action> {
        match key {
            Key::Ctrl('c') => return Some(Action::Quit),
            Key::Ctrl('z') => return Some(Action::Suspend),
            Key::Ctrl('l') => return Some(Action::Redraw),
            _ => {}
        }
        match std::mem::take(&mut self.focus) {
            Focus::Table => self.in_table(key),
            Focus::Filter => {
                self.in_filter(key);
                None
            }
            Focus::Help => {
                if !matches!(key, Key::Esc | Key::Enter | Key::Char('q' | '?')) {
                    self.focus = Focus::Help;
                }
                None
            }
            Focus::Detail(scroll) => self.in_detail(key, scroll),
            Focus::Sure(_, order) => match key {
                Key::Char('y' | 'Y') => Some(self.order(order)),
                _ => {
                    self.say("nothing was changed");
                    None
                }
            },
        }
    }

    fn in_table(&mut self, key: Key) -> Option<Action> {
        let last = self.entries.len().saturating_sub(1);
        let at = self.at().unwrap_or(0);
        match key {
            Key::Char('q') => return Some(Action::Quit),
            Key::Char('j') | Key::Down => self.select(at.saturating_add(1).min(last)),
            Key::Char('k') | Key::Up => self.select(at.saturating_sub(1)),
            Key::Char('g') | Key::Home => self.select(0),
            Key::Char('G') | Key::End => self.select(last),
            Key::Tab => self.go_to(1),
            Key::BackTab => self.go_to(Pane::ALL.len().saturating_sub(1)),
            Key::PageUp => self.scroll_by(true),
            Key::PageDown => self.scroll_by(false),
            Key::Enter if self.entry().is_some() => self.focus = Focus::Detail(0),
            Key::Char('/') => self.focus = Focus::Filter,
            Key::Char('?' | 'h') => self.focus = Focus::Help,
            Key::Char('S') => {
                self.sort = self.sort.next();
                self.arrange();
                self.select(0);
            }
            Key::Char('f') => self.follow(!self.follows),
            Key::Esc if self.notice.is_some() => self.notice = None,
            Key::Esc => self.set_filter(String::new()),
            Key::Char(letter) => return self.act(letter),
            _ => {}
        }
        None
    }

    fn in_filter(&mut self, key: Key) {
        self.focus = Focus::Filter;
        match key {
            Key::Enter => self.focus = Focus::Table,
            Key::Esc => {
                self.focus = Focus::Table;
                self.set_filter(String::new());
            }
            Key::Backspace => {
                let mut filter = std::mem::take(&mut self.filter);
                filter.pop();
                self.set_filter(filter);
            }
            Key::Char(letter) if self.filter.len() < FILTER => {
                let mut filter = std::mem::take(&mut self.filter);
                filter.push(letter);
                self.set_filter(filter);
            }
            _ => {}
        }
    }

    fn in_detail(&mut self, key: Key, scroll: usize) -> Option<Action> {
        self.focus = Focus::Detail(match key {
            Key::Esc | Key::Enter | Key::Char('q') => {
                self.focus = Focus::Table;
                return None;
            }
            Key::Char('j') | Key::Down => scroll.saturating_add(1),
            Key::Char('k') | Key::Up => scroll.saturating_sub(1),
            Key::PageDown => scroll.saturating_add(PAGE),
            Key::PageUp => scroll.saturating_sub(PAGE),
            _ => scroll,
        });
        if let Focus::Detail(scroll) = &mut self.focus {
            // How sentences are broken into lines is known where they are drawn: so many they are at most.
            let sentences = self.about.value.as_ref().and_then(|about| about.as_ref().ok()).map_or(1, Vec::len);
            *scroll = (*scroll).min(sentences.saturating_mul(PAGE));
        }
        match key {
            Key::Char(letter @ ('s' | 'r' | 'p' | 'o')) => self.act(letter),
            _ => None,
        }
    }

    fn set_filter(&mut self, filter: String) {
        self.filter = filter;
        self.arrange();
    }

    fn go_to(&mut self, by: usize) {
        let at = Pane::ALL.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        let next = at.saturating_add(by).checked_rem(Pane::ALL.len()).unwrap_or(0);
        self.pane = Pane::ALL.get(next).copied().unwrap_or_default();
        (self.scroll, self.held, self.follows) = (0, None, true);
    }

    fn scroll_by(&mut self, is_up: bool) {
        // Lists have the newest first, logs last: up is always to what was before in what is shown.
        let is_log = matches!(self.pane, Pane::Events | Pane::Log);
        self.scroll = match is_up == is_log {
            true => self.scroll.saturating_add(PAGE).min(self.length().saturating_sub(1)),
            false => self.scroll.saturating_sub(PAGE),
        };
        if is_log && is_up && self.follows {
            self.follow(false);
        }
    }

    /// Returns the rows that the pane has.
    fn length(&self) -> usize {
        let known = |length: Option<usize>| length.unwrap_or(0);
        match self.pane {
            Pane::Hour => known(self.hour.value.as_ref().and_then(|hour| hour.as_ref().ok()).map(|h| h.lanes.len())),
            Pane::Queue => {
                known(self.queue.value.as_ref().and_then(|queue| queue.as_ref().ok()).map(|q| q.tasks.len()))
            }
            Pane::Requests => self.rows.requests.len(),
            Pane::Events => self.rows.events.len(),
            Pane::Log => known(self.log.value.as_ref().and_then(|log| log.as_ref().ok()).map(Vec::len)),
        }
    }

    fn follow(&mut self, follows: bool) {
        self.follows = follows;
        if follows {
            (self.scroll, self.held) = (0, None);
        } else {
            self.held = self.rows.events.last_key_value().map(|(key, _)| key.clone());
        }
    }

    /// Does with the selected row what a letter stands for, or asks first.
    fn act(&mut self, letter: char) -> Option<Action> {
        if !matches!(letter, 's' | 'r' | 'p' | 'o') {
            return None;
        }
        let entry = self.entry()?.clone();
        if self.link != Link::Live {
            self.refuse(vec!["not connected to a daemon: models cannot be started, stopped or changed".to_owned()]);
            return None;
        }
        let name = crate::ui::text::clean(&entry.name).into_owned();
        if let Some(doing) = self.pending.get(&entry.key) {
            let doing = format!("{name}: still {doing}");
            self.say(doing);
            return None;
        }
        let refused = match (entry.kind, letter) {
            (Kind::External, _) => Some(format!("{name} was started by another program and cannot be changed here")),
            (Kind::Reserved, _) => Some(format!("{name} is memory reserved for another program, which releases it")),
            (Kind::Vectors, _) => Some(format!("{name} belongs to its model: select the model")),
            (Kind::Service, 'p') => Some(format!("{name} is a service: the config says whether it is pinned")),
            _ => None,
        };
        if let Some(refused) = refused {
            self.refuse(vec![refused]);
            return None;
        }
        let status = entry.status;
        let order = |what| Order { key: entry.key.clone(), id: entry.id.clone(), name: name.clone(), what };
        let requests = units::plural(entry.in_flight.into(), "request");
        let busy = |verb: &str| format!("{verb} {name}? It is answering {requests}, which have 30 s to finish.");
        let (order, question) = match letter {
            's' if status == Status::Stopping => return self.refused(format!("{name} is already stopping")),
            's' if status.runs() && entry.in_flight > 0 => (order(What::Stop), Some(busy("Stop"))),
            's' if status.runs() => (order(What::Stop), None),
            's' if status == Status::Disabled => {
                return self
                    .refused(format!("{name} is disabled: enable it with `modelctl set {} --enable`", entry.id));
            }
            's' if status == Status::Unusable => {
                let why = entry.reason.as_deref().or(entry.state.as_deref()).unwrap_or("it is not ready");
                return self.refused(format!("{name} cannot be started: {why}"));
            }
            's' => (order(What::Start), None),
            'r' if !status.is_ready() => return self.refused(format!("{name} is not loaded: `s` starts it")),
            'r' if entry.in_flight > 0 => (order(What::Restart), Some(busy("Restart"))),
            'r' => (order(What::Restart), None),
            'o' if !status.is_ready() => return self.refused(format!("{name} is not loaded")),
            'o' => (order(What::Offload), None),
            _ if entry.pinned => {
                let question = format!("Unpin {name}? It can then be stopped when its memory is needed.");
                (order(What::Pin(false)), Some(question))
            }
            _ => (order(What::Pin(true)), None),
        };
        match question {
            None => Some(self.order(order)),
            Some(question) => {
                self.focus = Focus::Sure(question, order);
                None
            }
        }
    }

    fn refused(&mut self, why: String) -> Option<Action> {
        self.refuse(vec![why]);
        None
    }

    fn order(&mut self, order: Order) -> Action {
        let doing = match order.what {
            What::Start => "starting",
            What::Stop => "stopping",
            What::Restart => "restarting",
            What::Pin(_) => "saving",
            What::Offload => "offloading",
        };
        self.notice = None;
        self.pending.insert(order.key.clone(), doing);
        Action::Do(order)
    }
}

impl Sort {
    /// Returns the title of the column that it sorts by.
    pub fn column(self) -> &'static str {
        match self {
            Sort::State => "STATE",
            Sort::Name => "NAME",
            Sort::Memory => "MEMORY",
            Sort::Speed => "TOK/S",
            Sort::Waiting => "REQ",
            Sort::Used => "",
        }
    }
}
