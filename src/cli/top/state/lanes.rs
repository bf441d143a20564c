//! The last hour of one server as a row of cells, each the state that counts most in its time.

use crate::model::lifecycle::Decision;
use crate::ops::daemon::{EventRow, Hour, Lane, LiveRows};

/// Seconds that a row shows.
const SPAN: i64 = 3_600;

/// What a server did, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Did {
    Nothing,
    Ready,
    Stopping,
    Queued,
    Starting,
    Busy,
    Backoff,
    Failed,
}

impl Did {
    fn of(state: &str) -> Did {
        match state {
            "ready" => Did::Ready,
            "busy" => Did::Busy,
            "queued" => Did::Queued,
            "starting" => Did::Starting,
            "stopping" => Did::Stopping,
            "backoff" => Did::Backoff,
            "failed" => Did::Failed,
            _ => Did::Nothing,
        }
    }
}

/// What happened at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    Evicted,
    Crashed,
    Downgraded,
    Upgraded,
    Restored,
}

/// One cell: the state, and what happened in its time.
type Cell = (Did, Option<Mark>);

/// Returns the cells of a lane, the oldest first.
pub fn cells(hour: &Hour, lane: &Lane, rows: &LiveRows, width: usize) -> Vec<Cell> {
    let mut cells = vec![(Did::Nothing, None); width];
    let step = i64::try_from(hour.step_seconds).unwrap_or(5);
    let began = |number: u64| {
        let ago = i64::try_from(hour.next.saturating_sub(number)).unwrap_or(i64::MAX).saturating_mul(step);
        hour.end.saturating_sub(ago)
    };
    let columns = i64::try_from(width).unwrap_or(i64::MAX);
    let column = |at: i64| at.saturating_sub(hour.end.saturating_sub(SPAN)).saturating_mul(columns).div_euclid(SPAN);
    let place = |column: i64| usize::try_from(column.clamp(0, columns)).unwrap_or(0);
    for run in &lane.runs {
        let did = Did::of(&run.2);
        let (from, to) = (began(run.0), began(run.1));
        if column(to) < 0 {
            continue;
        }
        // What lasted for less than a cell is seen all the same.
        let end = place(column(to.saturating_sub(1)).saturating_add(1));
        for cell in cells.iter_mut().take(end).skip(place(column(from))) {
            cell.0 = cell.0.max(did);
        }
    }
    for (at, mark) in marks(&lane.id, rows) {
        let column = column(at);
        let cell = usize::try_from(column).ok().and_then(|column| cells.get_mut(column)); // before the hour
        if let Some(cell) = cell {
            cell.1 = Some(mark);
        }
    }
    cells
}

fn marks(id: &str, rows: &LiveRows) -> Vec<(i64, Mark)> {
    let decided = rows.decisions.values().filter(|decision| decision.id.as_deref() == Some(id));
    let decided = decided.filter_map(|decision| Some((seconds(&decision.time)?, of_decision(decision)?)));
    let is_of = |event: &&EventRow| {
        ["model_id", "id", "service"].iter().any(|field| event.fields.get(*field).is_some_and(|of| of == id))
    };
    let crashed = rows.events.values().filter(|event| event.event.ends_with(".crash")).filter(is_of);
    let crashed = crashed.filter_map(|event| Some((seconds(&event.at)?, Mark::Crashed)));
    decided.chain(crashed).collect()
}

fn of_decision(decision: &Decision) -> Option<Mark> {
    match decision.what.as_str() {
        "evict" => Some(Mark::Evicted),
        "give_up" => Some(Mark::Crashed),
        "downgrade" => Some(Mark::Downgraded),
        "upgrade" => Some(Mark::Upgraded),
        "restore" => Some(Mark::Restored),
        _ => None,
    }
}

fn seconds(rfc3339: &str) -> Option<i64> {
    rfc3339.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second) // a time that is none has no place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::daemon::Run;

    /// A crash that lasted for five seconds is what an operator looks for in the hour.
    #[test]
    fn states_and_marks_are_where_they_were_and_short_ones_are_seen() {
        let runs = vec![
            Run(0, 10, "ready".into()),
            Run(360, 361, "failed".into()),
            Run(361, 540, "ready".into()),
            Run(540, 720, "busy".into()),
        ];
        let lane = Lane { id: "a".into(), name: "a".into(), runs };
        let mut rows = LiveRows::default();
        let decision = |number, time: &str, what: &str| Decision {
            number,
            time: time.into(),
            id: Some("a".into()),
            name: None,
            what: what.into(),
            reason: String::new(),
        };
        rows.decisions.insert("1".into(), decision(1, "1970-01-01T02:00:00Z", "evict"));
        rows.decisions.insert("2".into(), decision(2, "1970-01-01T00:00:00Z", "evict"));
        let hour = Hour {
            step_seconds: 5,
            first: 0,
            next: 720,
            end: 3 * 3_600 - 1_800,
            tokens_per_second: Vec::new(),
            queued: Vec::new(),
            lanes: Vec::new(),
        };
        let cells = cells(&hour, &lane, &rows, 12);
        let did: Vec<Did> = cells.iter().map(|cell| cell.0).collect();
        use Did::{Busy, Failed, Nothing, Ready};
        let expected = [Ready, Nothing, Nothing, Nothing, Nothing, Nothing, Failed, Ready, Ready, Busy, Busy, Busy];
        assert_eq!(did, expected);
        let marked: Vec<usize> = (0..12).filter(|at| cells[*at].1 == Some(Mark::Evicted)).collect();
        assert_eq!(marked, [6]);
    }
}
