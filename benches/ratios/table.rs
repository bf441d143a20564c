//! What was measured, as a table for people and as JSON.

use serde_json::{Value, json};

#[derive(Default)]
pub struct Table {
    /// The group being measured; set before its lines come.
    pub group: &'static str,
    lines: Vec<Line>,
    remarks: Vec<String>,
}

struct Line {
    group: &'static str,
    what: String,
    unit: Unit,
    ours: Option<f64>,
    theirs: Option<(&'static str, f64)>,
    goal: Goal,
    note: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    Seconds,
    Bytes,
    TokensPerSecond,
    TasksPerSecond,
}

/// What the comparison shall come to.
#[derive(Clone, Copy, PartialEq)]
pub enum Goal {
    /// Their time (or memory) divided by ours, at least.
    TimesLess(f64),
    /// Our rate divided by theirs, at least.
    TimesTheRate(f64),
    /// Our time divided by theirs, at most.
    TimesAsMuch(f64),
    /// Ours alone, at most.
    AtMost(f64),
    /// Only shown.
    None,
}

impl Table {
    pub fn compare(
        &mut self,
        what: impl Into<String>,
        unit: Unit,
        (ours, theirs): (f64, f64),
        against: &'static str,
        goal: Goal,
    ) {
        self.push(what.into(), unit, Some(ours), Some((against, theirs)), goal, None);
    }

    pub fn alone(&mut self, what: impl Into<String>, unit: Unit, ours: f64, goal: Goal) {
        self.push(what.into(), unit, Some(ours), None, goal, None);
    }

    /// A line that could not be measured, with the reason: left out would look like not wanted.
    pub fn missing(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.push(what.into(), Unit::Seconds, None, None, Goal::None, Some(why.into()));
    }

    /// What a reader of the figures should know.
    pub fn remark(&mut self, remark: String) {
        eprintln!("  {remark}");
        self.remarks.push(remark);
    }

    fn push(
        &mut self,
        what: String,
        unit: Unit,
        ours: Option<f64>,
        theirs: Option<(&'static str, f64)>,
        goal: Goal,
        note: Option<String>,
    ) {
        let line = Line { group: self.group, what, unit, ours, theirs, goal, note };
        eprintln!("  {}", line.cells().join("  "));
        self.lines.push(line);
    }

    pub fn print(&self) {
        let heads = ["what", "ours", "theirs", "against", "ratio", "goal", "met"].map(str::to_owned);
        let rows: Vec<[String; 7]> = std::iter::once(heads).chain(self.lines.iter().map(Line::cells)).collect();
        let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..7).map(width).collect();
        println!();
        for row in &rows {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
            println!("{}", cells.join("  ").trim_end());
        }
        for remark in &self.remarks {
            println!("{remark}");
        }
    }

    pub fn json(&self) -> String {
        let lines: Vec<Value> = self.lines.iter().map(Line::json).collect();
        let document = json!({ "cores": crate::measure::cores(), "lines": lines, "remarks": self.remarks });
        format!("{document:#}\n")
    }
}

impl Line {
    /// Ours divided by theirs.
    fn ratio(&self) -> Option<f64> {
        Some(self.ours? / self.theirs?.1)
    }

    /// The ratio in words, turned round where that reads better: a figure below 1 is hard to compare.
    fn ratio_text(&self) -> Option<String> {
        let ratio = self.ratio()?;
        Some(match self.unit {
            Unit::TokensPerSecond | Unit::TasksPerSecond => format!("{ratio:.2} times the rate"),
            _ if ratio < 1.0 => format!("{:.1} times less", 1.0 / ratio),
            _ => format!("{ratio:.2} times"),
        })
    }

    fn met(&self) -> Option<bool> {
        match self.goal {
            Goal::TimesLess(least) => Some(1.0 / self.ratio()? >= least),
            Goal::TimesTheRate(least) => Some(self.ratio()? >= least),
            Goal::TimesAsMuch(most) => Some(self.ratio()? <= most),
            Goal::AtMost(most) => Some(self.ours? <= most),
            Goal::None => None,
        }
    }

    fn cells(&self) -> [String; 7] {
        let dash = || "-".to_owned();
        let goal = match self.goal {
            Goal::TimesLess(n) => format!("{n} times less"),
            Goal::TimesTheRate(n) => format!("{n} times the rate"),
            Goal::TimesAsMuch(n) => format!("at most {n} times"),
            Goal::AtMost(n) => format!("at most {}", self.unit.show(n)),
            Goal::None => dash(),
        };
        [
            self.what.clone(),
            self.ours.map_or_else(
                || self.note.clone().map_or_else(dash, |n| format!("not measured: {n}")),
                |v| self.unit.show(v),
            ),
            self.theirs.map_or_else(dash, |(_, v)| self.unit.show(v)),
            self.theirs.map_or_else(dash, |(name, _)| name.to_owned()),
            self.ratio_text().unwrap_or_else(dash),
            goal,
            self.met().map_or_else(dash, |met| if met { "yes" } else { "NO" }.to_owned()),
        ]
    }

    fn json(&self) -> Value {
        let unit = match self.unit {
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::TokensPerSecond => "tokens per second",
            Unit::TasksPerSecond => "tasks per second",
        };
        let [_, _, _, _, _, goal, _] = self.cells();
        json!({
            "group": self.group, "what": self.what, "unit": unit, "ours": self.ours,
            "theirs": self.theirs.map(|(_, v)| v), "against": self.theirs.map(|(name, _)| name),
            "ours_by_theirs": self.ratio(), "goal": goal, "met": self.met(), "not_measured": self.note,
        })
    }
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Seconds if value < 1e-3 => format!("{:.0} µs", value * 1e6),
            Unit::Seconds if value < 1.0 => format!("{:.1} ms", value * 1e3),
            Unit::Seconds => format!("{value:.2} s"),
            Unit::Bytes => format!("{:.1} MB", value / 1e6),
            Unit::TokensPerSecond => format!("{value:.1} t/s"),
            Unit::TasksPerSecond if value < 100.0 => format!("{value:.2} tasks/s"),
            Unit::TasksPerSecond => format!("{value:.0} tasks/s"),
        }
    }
}
