//! Rows by name, each with the version in which it changed last: what a client has not seen is what is newer.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The number of rows that are gone of which a client is told that comes back.
const GONE: usize = 1_000;

/// The rows of all groups. The name of a row is that of its group, or `group/key`.
#[derive(Debug, Default)]
pub struct Board {
    groups: BTreeMap<&'static str, BTreeMap<String, Row>>,
    version: u64,
    /// Up to which version rows that are gone are not known any more.
    forgotten: u64,
    gone: usize,
}

#[derive(Debug)]
struct Row {
    version: u64,
    /// `None`: it is gone.
    json: Option<String>,
}

/// What becomes of rows that are not among those of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    Gone,
    /// They are the oldest of a log, of which clients keep as many as they like.
    Old,
}

/// What a client has not seen.
#[derive(Debug, PartialEq, Eq)]
pub struct News {
    pub version: u64,
    /// Whether it is all that there is.
    pub is_snapshot: bool,
    /// The members `"set":{…},"gone":[…]`.
    pub json: String,
}

impl News {
    /// Nothing has changed after this version.
    pub fn none(version: u64) -> News {
        News { version, is_snapshot: false, json: r#""set":{},"gone":[]"#.to_owned() }
    }
}

impl Board {
    /// Takes all rows of a group as they are now, by their key; the key of an only row is empty.
    pub fn take(&mut self, group: &'static str, now: BTreeMap<String, String>, missing: Missing) {
        let next = self.version.saturating_add(1);
        let rows = self.groups.entry(group).or_default();
        let mut is_changed = false;
        match missing {
            Missing::Old => rows.retain(|key, _| now.contains_key(key)),
            Missing::Gone => {
                for (_, row) in rows.iter_mut().filter(|(key, row)| row.json.is_some() && !now.contains_key(*key)) {
                    *row = Row { version: next, json: None };
                    self.gone = self.gone.saturating_add(1);
                    is_changed = true;
                }
            }
        }
        for (key, json) in now {
            match rows.get(&key) {
                Some(row) if row.json.as_deref() == Some(&json) => {}
                old => {
                    if old.is_some_and(|row| row.json.is_none()) {
                        self.gone = self.gone.saturating_sub(1);
                    }
                    rows.insert(key, Row { version: next, json: Some(json) });
                    is_changed = true;
                }
            }
        }
        if is_changed {
            self.version = next;
        }
        if self.gone > GONE {
            self.forget();
        }
    }

    fn forget(&mut self) {
        for rows in self.groups.values_mut() {
            rows.retain(|_, row| row.json.is_some());
        }
        (self.gone, self.forgotten) = (0, self.version);
    }

    /// Returns what has changed after a version; `None`: nothing. Without a version, and for one that is too old or not
    /// of this run, that is everything.
    pub fn after(&self, seen: Option<u64>) -> Option<News> {
        let seen = seen.filter(|seen| *seen >= self.forgotten && *seen <= self.version);
        if seen == Some(self.version) {
            return None;
        }
        let (mut set, mut gone) = (String::new(), String::new());
        for (group, rows) in &self.groups {
            for (key, row) in rows.iter().filter(|(_, row)| seen.is_none_or(|seen| row.version > seen)) {
                let name = if key.is_empty() { (*group).to_owned() } else { format!("{group}/{key}") };
                let name = serde_json::Value::String(name);
                let (into, json) = match &row.json {
                    Some(json) => (&mut set, format!("{name}:{json}")),
                    None if seen.is_some() => (&mut gone, name.to_string()),
                    None => continue,
                };
                let comma = if into.is_empty() { "" } else { "," };
                // Writing to a String cannot fail.
                write!(into, "{comma}{json}").unwrap_or(());
            }
        }
        let json = format!(r#""set":{{{set}}},"gone":[{gone}]"#);
        Some(News { version: self.version, is_snapshot: seen.is_none(), json })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(list: &[(&str, &str)]) -> BTreeMap<String, String> {
        list.iter().map(|(key, json)| ((*key).to_owned(), (*json).to_owned())).collect()
    }

    fn json(board: &Board, seen: Option<u64>) -> Option<String> {
        board.after(seen).map(|news| news.json)
    }

    /// A page that was away for a moment would otherwise show a server that has stopped, or miss one that started.
    #[test]
    fn a_client_gets_what_changed_after_what_it_has_seen() {
        let mut board = Board::default();
        board.take("machine", rows(&[("", "1")]), Missing::Gone);
        board.take("server", rows(&[("a", "1"), ("b/c", "2")]), Missing::Gone);
        let all = board.after(None).unwrap();
        assert_eq!((all.version, all.is_snapshot), (2, true));
        assert_eq!(all.json, r#""set":{"machine":1,"server/a":1,"server/b/c":2},"gone":[]"#);
        assert_eq!(board.after(Some(2)), None);
        board.take("server", rows(&[("a", "1"), ("b/c", "2")]), Missing::Gone);
        assert_eq!(board.after(Some(2)), None, "nothing has changed");
        board.take("server", rows(&[("a", "3")]), Missing::Gone);
        assert_eq!(json(&board, Some(2)).unwrap(), r#""set":{"server/a":3},"gone":["server/b/c"]"#);
        assert!(!board.after(Some(2)).unwrap().is_snapshot);
        assert_eq!(json(&board, None).unwrap(), r#""set":{"machine":1,"server/a":3},"gone":[]"#);
        board.take("server", rows(&[("a", "3"), ("b/c", "2")]), Missing::Gone);
        assert_eq!(json(&board, Some(3)).unwrap(), r#""set":{"server/b/c":2},"gone":[]"#);
        assert!(board.after(Some(99)).unwrap().is_snapshot, "a version of another run");
    }

    #[test]
    fn the_oldest_of_a_log_leave_in_silence_and_too_many_that_are_gone_are_forgotten() {
        let mut board = Board::default();
        board.take("event", rows(&[("1", "1"), ("2", "2")]), Missing::Old);
        board.take("event", rows(&[("2", "2"), ("3", "3")]), Missing::Old);
        assert_eq!(json(&board, Some(1)).unwrap(), r#""set":{"event/3":3},"gone":[]"#);
        let many: Vec<String> = (0..=GONE).map(|n| n.to_string()).collect();
        board.take("server", many.iter().map(|n| (n.clone(), n.clone())).collect(), Missing::Gone);
        let seen = board.version;
        board.take("server", BTreeMap::new(), Missing::Gone);
        assert!(board.after(Some(seen)).unwrap().is_snapshot, "it cannot be told what is gone");
        assert_eq!(json(&board, Some(board.version)), None);
    }
}
