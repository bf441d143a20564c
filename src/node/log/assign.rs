use super::types::{Clue, Clues, Life, LifeEnd, LogFacts, LogKind, LogLine};
use crate::clock::Timestamp;
use crate::node::Fact;

/// Milliseconds by which a time to the second may lie outside of the life that it belongs to, and a finer one.
const COARSE: i64 = 1_000;
const FINE: i64 = 60;

/// Says of each marked line which life wrote it, and of each life which error came first.
///
/// By its time; else by the process that the log names; else by the order of the starts that the log shows, from its
/// end backwards: the last start is that of the last life. A line for which nothing of that holds belongs to no life.
pub fn assign(lives: &mut [Life], logs: &mut [Fact<LogFacts>]) {
    for log in logs.iter_mut().filter_map(known_mut) {
        let clues = std::mem::take(&mut log.clues);
        if log.kind == LogKind::Main {
            continue;
        }
        let order = Order::new(lives, &clues);
        for (line, clue) in log.marked.iter_mut().zip(&clues.lines) {
            line.life = life_of(lives, &order, line.time, clue);
        }
    }
    for (at, life) in lives.iter_mut().enumerate() {
        life.first_error = first_error(logs, at);
    }
}

fn known_mut(fact: &mut Fact<LogFacts>) -> Option<&mut LogFacts> {
    match &mut fact.outcome {
        crate::node::Outcome::Ok { value } => Some(value),
        _ => None,
    }
}

fn life_of(lives: &[Life], order: &Order, own_time: Option<Timestamp>, clue: &Clue) -> Option<usize> {
    if let Some(time) = own_time.or(clue.time) {
        // The time of a line before it says only that it is not earlier.
        match by_time(lives, time) {
            Span::In(life) => return Some(life),
            Span::Before if own_time.is_some() => return None,
            Span::Before | Span::Outside => {}
        }
    }
    order.life(clue)
}

enum Span {
    In(usize),
    /// Before the first life whose start is known.
    Before,
    Outside,
}

fn by_time(lives: &[Life], time: Timestamp) -> Span {
    let slack = if time.0 % 1000 == 0 { COARSE } else { FINE };
    let span = |(at, life): (usize, &Life)| {
        let began = life.began?.0;
        let ended = match (&life.end, life.lasted_s) {
            (LifeEnd::Running, _) => i64::MAX,
            #[expect(clippy::cast_possible_truncation, reason = "the float saturates")]
            (_, Some(lasted)) => began.saturating_add((lasted * 1000.0) as i64),
            // Nobody saw its end: at the latest when the next one began.
            (_, None) => lives.iter().skip(at + 1).find_map(|next| next.began).map_or(i64::MAX, |next| next.0),
        };
        Some((began, ended))
    };
    let within = |slack: i64| {
        let is_in =
            |(began, ended): (i64, i64)| time.0 >= began.saturating_sub(slack) && time.0 <= ended.saturating_add(slack);
        lives.iter().enumerate().position(|life| span(life).is_some_and(is_in))
    };
    // Exactly first: neighbours of a life that flaps are closer than the slack.
    if let Some(life) = within(0).or_else(|| within(slack)) {
        return Span::In(life);
    }
    let first = lives.iter().find_map(|life| life.began);
    match first {
        Some(first) if time.0 < first.0.saturating_sub(slack) => Span::Before,
        _ => Span::Outside,
    }
}

/// The lives in the order in which a log shows them.
struct Order<'a> {
    /// Lives that had a process, as indices: the others wrote nothing.
    lives: Vec<usize>,
    clues: &'a Clues,
    /// For each start that the log shows, its place in `lives`.
    starts: Vec<Option<usize>>,
}

impl Order<'_> {
    fn new<'a>(lives: &[Life], clues: &'a Clues) -> Order<'a> {
        let had_process = |life: &Life| !matches!(life.end, LifeEnd::NotSpawned { .. });
        let of_process: Vec<usize> =
            lives.iter().enumerate().filter(|(_, life)| had_process(life)).map(|(at, _)| at).collect();
        let mut next = of_process.len();
        let mut starts: Vec<Option<usize>> = clues
            .starts
            .iter()
            .rev()
            .map(|pid| {
                let pid_of = |at: usize| of_process.get(at).and_then(|life| lives.get(*life)).and_then(|life| life.pid);
                let by_pid = pid.and_then(|pid| (0..next).rev().find(|at| pid_of(*at) == Some(pid)));
                let place = by_pid.or_else(|| next.checked_sub(1));
                next = place.unwrap_or(0);
                place
            })
            .collect();
        starts.reverse();
        Order { lives: of_process, clues, starts }
    }

    fn life(&self, clue: &Clue) -> Option<usize> {
        let place = if self.clues.starts.is_empty() && self.clues.blocks == 0 {
            self.by_banner(clue)
        } else {
            self.by_start(clue)
        };
        self.lives.get(place?).copied()
    }

    /// The first line of the file comes again at each start, unless it comes more often than there were starts.
    fn by_banner(&self, clue: &Clue) -> Option<usize> {
        let total = usize::try_from(self.clues.banners).ok().filter(|total| (2..=self.lives.len()).contains(total))?;
        let later = total.checked_sub(usize::try_from(clue.banners).ok()?)?; // more than fit into memory
        self.lives.len().checked_sub(1)?.checked_sub(later)
    }

    fn by_start(&self, clue: &Clue) -> Option<usize> {
        let shown = usize::try_from(clue.starts).ok()?; // more than fit into memory
        let this = shown.checked_sub(1).and_then(|at| self.starts.get(at).copied().flatten());
        let next = match self.starts.get(shown) {
            Some(next) => (*next)?,
            None => self.lives.len(),
        };
        if self.clues.starts_are_first {
            return if shown == 0 { next.checked_sub(1) } else { this };
        }
        if clue.blocks == 0 {
            return this;
        }
        // Lives that failed before they could show their start left a block each, behind those of the last one that did.
        let later = usize::try_from(self.blocks_until(shown).saturating_sub(clue.blocks)).ok()?; // as above
        let place = next.checked_sub(1)?.checked_sub(later);
        match (place, this) {
            (Some(place), Some(this)) => Some(place.max(this)),
            (place, this) => place.or(this),
        }
    }

    /// Returns the count of blocks with which the part of the log behind a start ends, as the kept lines show it.
    fn blocks_until(&self, shown: usize) -> u32 {
        let is_before = |clue: &&Clue| usize::try_from(clue.starts).is_ok_and(|starts| starts <= shown);
        self.clues.lines.iter().rev().find(is_before).map_or(0, |clue| clue.blocks)
    }
}

/// Returns the first error-like line of a life: the earliest, and of those without a time that of standard error.
fn first_error(logs: &[Fact<LogFacts>], life: usize) -> Option<LogLine> {
    let rank = |kind: LogKind| match kind {
        LogKind::Stderr => 0,
        LogKind::Journal => 1,
        LogKind::Extra => 2,
        LogKind::Stdout => 3,
        LogKind::Main => 4,
    };
    let of_log = |log: &&LogFacts| {
        let line = log.marked.iter().find(|line| line.life == Some(life) && line.error)?;
        Some((line.clone(), rank(log.kind)))
    };
    let mut firsts: Vec<(LogLine, u8)> = logs
        .iter()
        .filter_map(Fact::known)
        .filter(|log| log.kind != LogKind::Main)
        .filter_map(|log| of_log(&log))
        .collect();
    let have_times = firsts.iter().all(|(line, _)| line.time.is_some());
    firsts.sort_by_key(|(line, rank)| (line.time.filter(|_| have_times), *rank));
    firsts.into_iter().next().map(|(line, _)| line)
}
