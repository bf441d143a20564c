//! Which of the candidates go, and why each of them goes or stays. Pure.

use super::candidate::{Candidate, Evidence, Piece};
use super::in_use::Use;
use super::policy::Policy;
use super::trash::lossless;
use crate::clock::Timestamp;
use crate::model::{Class, State, StoreKind};
use crate::ui::units;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What decided. The name is part of the public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// It goes: not used for long enough.
    Unused,
    /// It goes: not written for long enough.
    Old,
    /// It goes: it was named.
    Named,
    /// It goes: bytes of this class were asked for.
    Superseded,
    Orphan,
    Partial,
    Damaged,
    Duplicate,
    /// It goes: room is wanted.
    Space,
    /// It stays: nothing selects it.
    NotSelected,
    Pinned,
    KeepHint,
    Task,
    Grace,
    /// A process, a server or a download has it open.
    InUse,
    /// It cannot be known whether one has.
    UseUnknown,
    MinKeep,
    /// What goes before it is enough.
    Enough,
    /// What was seen is not what is there.
    Changed,
    /// The rules of its store do not let it go.
    Store,
}

/// The outcome for one candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub goes: bool,
    pub rule: Rule,
    /// A sentence without a full stop.
    pub why: String,
}

impl Verdict {
    pub fn goes(rule: Rule, why: impl Into<String>) -> Verdict {
        Verdict { goes: true, rule, why: why.into() }
    }

    pub fn stays(rule: Rule, why: impl Into<String>) -> Verdict {
        Verdict { goes: false, rule, why: why.into() }
    }
}

/// Whether it is among those of which the rules that select speak: it is old enough.
///
/// # Errors
/// The verdict that it stays.
pub fn admit(policy: &Policy, c: &Candidate, now: Timestamp) -> Result<(), Verdict> {
    let none = |why: String| Err(Verdict::stays(Rule::NotSelected, why));
    let (unused, written) = (age(c.last_use.at, now), age(c.written, now));
    if let Some(limit) = policy.unused_for.filter(|limit| unused < *limit) {
        return none(format!("{}; the limit is {}", since(c, now), units::ago(limit)));
    }
    if let Some(limit) = policy.older_than.filter(|limit| written < *limit) {
        return none(format!("written {} ago; the limit is {}", units::ago(written), units::ago(limit)));
    }
    Ok(())
}

/// How long ago it was used, in words.
fn since(c: &Candidate, now: Timestamp) -> String {
    let ago = units::ago(age(c.last_use.at, now));
    match c.last_use.evidence {
        Evidence::Appeared => format!("appeared {ago} ago, no use is known"),
        evidence => format!("used {ago} ago {}", evidence.in_words()),
    }
}

/// Whether the rules that select take it, but for that on copies. Rules that keep have not been asked yet.
pub fn select(policy: &Policy, c: &Candidate, now: Timestamp) -> Verdict {
    // Names choose among models; what the kinds of bytes take is taken besides.
    let is_named = policy.models.as_ref().is_none_or(|named| c.id.as_ref().is_some_and(|id| named.contains(id)));
    let not_named = || Verdict::stays(Rule::NotSelected, "it was not named");
    if let Err(stays) = admit(policy, c, now) {
        return if is_named { stays } else { not_named() };
    }
    let is_broken = matches!(c.state, Some(State::Damaged | State::Truncated)) || c.class == Class::Damaged;
    let asked = [
        (policy.partials && (c.class == Class::Partial || c.state == Some(State::Incomplete)), Rule::Partial),
        (policy.damaged && is_broken, Rule::Damaged),
        (policy.orphans && c.class == Class::Orphan, Rule::Orphan),
        (policy.superseded && c.class == Class::Superseded, Rule::Superseded),
    ];
    if let Some((_, rule)) = asked.iter().find(|(asked, _)| *asked) {
        return Verdict::goes(*rule, c.why.clone());
    }
    if policy.is_target_alone() && (c.id.is_some() || c.is_waste()) {
        let why = if c.is_waste() { c.why.clone() } else { since(c, now) };
        return Verdict::goes(Rule::Space, why);
    }
    if !is_named {
        return not_named();
    }
    let is_model = c.id.is_some() && policy.selects_models();
    match (is_model, policy.models.is_some(), policy.unused_for.is_some()) {
        (true, _, true) => Verdict::goes(Rule::Unused, since(c, now)),
        (true, true, false) => Verdict::goes(Rule::Named, "it was named"),
        (true, false, false) => Verdict::goes(Rule::Old, format!("written {} ago", units::ago(age(c.written, now)))),
        (false, ..) => Verdict::stays(Rule::NotSelected, "no rule selects it"),
    }
}

/// A time in the future tells that a clock was wrong: no age can be had from it.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    at.age(now)
}

/// Whether a rule keeps it, those about its use aside: any single one is enough.
pub fn protect(policy: &Policy, c: &Candidate, now: Timestamp) -> Option<Verdict> {
    let stays = |rule, why: String| Some(Verdict::stays(rule, why));
    if let Some(why) = &c.stale {
        return stays(Rule::Changed, why.clone());
    }
    if c.pinned {
        return stays(Rule::Pinned, "it is pinned".to_owned());
    }
    if let Some(hint) = c.kept_by.first() {
        return stays(Rule::KeepHint, format!("the keep rule `{hint}` means it"));
    }
    if c.tasks > 0 {
        let why = if c.tasks == 1 {
            "a task that waits names it".to_owned()
        } else {
            format!("{} tasks that wait name it", c.tasks)
        };
        return stays(Rule::Task, why);
    }
    let latest = [(c.changed, "put in place"), (c.written, "written")];
    let used = (c.last_use.evidence == Evidence::Journal).then_some((c.last_use.at, "used"));
    // An access of late may be no more than somebody's look at it, and is all that tells of other programs.
    let accessed = (c.last_use.evidence == Evidence::AccessTime).then_some((c.last_use.at, "accessed"));
    let young = used.into_iter().chain(accessed).chain(latest).find(|(at, _)| age(*at, now) < policy.grace);
    if let Some((at, what)) = young {
        let grace = units::ago(policy.grace);
        return stays(Rule::Grace, format!("{what} {} ago, within the grace of {grace}", units::ago(age(at, now))));
    }
    None
}

/// Takes further copies of a content that stays. `verdicts` stand beside `candidates` and are those of all other rules:
/// a copy that goes by any of them is no reason to let another one go.
///
/// Of each content one stays whose bytes were read: rather one that a rule keeps, then what was used last. What its
/// store promises of a file may have become untrue, and the copy beside it is then the last good one.
pub fn copies(policy: &Policy, candidates: &[Candidate], verdicts: &mut [Verdict], now: Timestamp) {
    if !policy.duplicates {
        return;
    }
    let mut same: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, c) in candidates.iter().enumerate() {
        // What is not there as it was seen is no copy that one could rely on.
        let stays = c.stale.is_none() && verdicts.get(at).is_some_and(|v| !v.goes);
        if let Some(content) = c.content.as_deref().filter(|_| stays) {
            same.entry(content).or_default().push(at);
        }
    }
    let store_order = |store: StoreKind| StoreKind::ALL.iter().position(|s| *s == store);
    for mut group in same.into_values().filter(|group| group.len() > 1) {
        group.sort_by_key(|at| {
            candidates.get(*at).map(|c| {
                let is_kept = protect(policy, c, now).is_some();
                (!c.is_read, !is_kept, Reverse(c.last_use.at), Reverse(store_order(c.store)), &c.id)
            })
        });
        let Some(first) = group.first().and_then(|at| candidates.get(*at)) else { continue };
        let kept = first.inodes();
        for at in group.into_iter().skip(1) {
            let (Some(c), Some(verdict)) = (candidates.get(at), verdicts.get_mut(at)) else { continue };
            // The same inodes are no copy: nothing would come free.
            if c.inodes() == kept || verdict.rule != Rule::NotSelected || admit(policy, c, now).is_err() {
                continue;
            }
            let path = first.path.display();
            let outcome = if first.is_read {
                Verdict::goes(Rule::Duplicate, format!("`{path}` has the same content and stays"))
            } else {
                let why =
                    format!("`{path}` has the same content only as far as is promised: `modelctl verify` reads it");
                Verdict::stays(Rule::NotSelected, why)
            };
            *verdict = protect(policy, c, now).unwrap_or(outcome);
        }
    }
}

/// Whether its use keeps it.
pub fn protect_use(policy: &Policy, used: &Use) -> Option<Verdict> {
    match used {
        Use::Free => None,
        Use::Used(by) => Some(Verdict::stays(Rule::InUse, format!("in use: {}", by.join(", ")))),
        Use::Unknown(_) if policy.assume_unused => None,
        Use::Unknown(why) => Some(Verdict::stays(Rule::UseUnknown, format!("it may be in use: {why}"))),
    }
}

/// How much room there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free, by device.
    pub free: HashMap<u64, u64>,
}

/// Takes back what need not go because enough goes before it, or must not because too few models would stay. `verdicts`
/// stand beside `candidates`. Gives the order in which what goes is to go: waste first, then the least recently used.
pub fn limit(policy: &Policy, candidates: &[Candidate], verdicts: &mut [Verdict], space: &Space) -> Vec<usize> {
    let mut order: Vec<usize> = (0..candidates.len()).filter(|at| verdicts.get(*at).is_some_and(|v| v.goes)).collect();
    let key = |at: &usize| candidates.get(*at).map(|c| (!c.is_waste(), c.last_use.at, Reverse(c.size()), &c.path));
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut usable = candidates.iter().filter(|c| c.counts()).count() as u64;
    // What cannot be found where it was takes no room that anybody knows of, and is no reason to take other things.
    let mut held = Total::of(candidates.iter().filter(|c| c.id.is_some() && c.stale.is_none()));
    let mut freeing = Freeing::default();
    let mut names: HashMap<(u64, u64), u64> = HashMap::new();
    for piece in order.iter().filter_map(|at| candidates.get(*at)).flat_map(|c| &c.pieces) {
        let sum = names.entry(piece.inode()).or_default();
        *sum = sum.saturating_add(piece.own_links);
    }
    let mut free: HashMap<u64, u64> = space.free.clone();
    let mut going = Vec::new();
    for at in order {
        let (Some(c), Some(verdict)) = (candidates.get(at), verdicts.get_mut(at)) else { continue };
        if c.counts() && usable <= policy.min_keep {
            *verdict = Verdict::stays(Rule::MinKeep, format!("one of the last {} that stay at least", policy.min_keep));
            continue;
        }
        if policy.has_target() {
            let is_short = |p: &&Piece| {
                free.get(&p.identity.dev).is_some_and(|free| policy.free.is_some_and(|wanted| *free < wanted))
            };
            // Bytes that keep a name when all that is selected is gone make no room.
            let comes_free = |p: &Piece| names.get(&p.inode()).is_some_and(|own| *own >= p.links);
            let mut short = c.pieces.iter().filter(is_short).peekable();
            let is_short = short.peek().is_some();
            let is_too_much = policy.max_total.is_some_and(|most| held.bytes > most);
            // Bytes of no model are in no total. Those that were asked for go all the same.
            let lowers = match c.id {
                Some(_) => c.pieces.iter().any(comes_free),
                None => verdict.rule != Rule::Space,
            };
            if !(is_too_much && lowers || short.any(comes_free)) {
                let why = match (is_short, is_too_much, &c.id) {
                    (false, true, None) => "it is no model, and the total is that of models",
                    (false, false, _) => "what goes before it makes room enough",
                    _ => "its bytes have other names, and would not come free",
                };
                *verdict = Verdict::stays(Rule::Enough, why);
                continue;
            }
        }
        usable -= u64::from(c.counts());
        if c.id.is_some() {
            held.take(c);
        }
        for (dev, freed) in freeing.take(c) {
            let room = free.entry(dev).or_default();
            *room = room.saturating_add(freed);
        }
        going.push(at);
    }
    going
}

/// Bytes of disk that models have, each inode once and until the last of them that has it goes.
struct Total {
    holders: HashMap<(u64, u64), u64>,
    bytes: u64,
}

impl Total {
    fn of<'a>(models: impl Iterator<Item = &'a Candidate>) -> Total {
        let mut total = Total { holders: HashMap::new(), bytes: 0 };
        for piece in models.flat_map(|c| &c.pieces) {
            let holders = total.holders.entry(piece.inode()).or_default();
            if *holders == 0 {
                total.bytes = total.bytes.saturating_add(piece.allocated);
            }
            *holders = holders.saturating_add(1);
        }
        total
    }

    fn take(&mut self, c: &Candidate) {
        for piece in &c.pieces {
            let Some(holders) = self.holders.get_mut(&piece.inode()) else { continue };
            *holders = holders.saturating_sub(1);
            if *holders == 0 {
                self.bytes = self.bytes.saturating_sub(piece.allocated);
            }
        }
    }
}

/// Counts the entries of inodes that go: bytes come free with the last one.
#[derive(Debug, Default)]
pub struct Freeing {
    taken: HashMap<(u64, u64), u64>,
}

impl Freeing {
    /// What comes free on each device when this goes as well.
    pub fn take(&mut self, c: &Candidate) -> BTreeMap<u64, u64> {
        let mut freed: BTreeMap<u64, u64> = BTreeMap::new();
        for piece in &c.pieces {
            let taken = self.taken.entry(piece.inode()).or_default();
            let before = *taken;
            *taken = taken.saturating_add(piece.own_links);
            if before < piece.links && *taken >= piece.links {
                let sum = freed.entry(piece.identity.dev).or_default();
                *sum = sum.saturating_add(piece.allocated);
            }
        }
        freed
    }
}

/// A store of which more than half would go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Large {
    pub store: StoreKind,
    #[serde(with = "lossless")]
    pub root: PathBuf,
    /// Bytes of disk.
    pub going: u64,
    pub all: u64,
}

/// The stores of which more than half would go, by bytes of disk.
pub fn large(candidates: &[Candidate], going: &[usize]) -> Vec<Large> {
    let going: HashSet<usize> = going.iter().copied().collect();
    let mut roots: BTreeMap<(StoreKind, &Path), (u64, u64)> = BTreeMap::new();
    for (at, c) in candidates.iter().enumerate() {
        let (own, all) = roots.entry((c.store, c.root.as_path())).or_default();
        *all = all.saturating_add(c.allocated());
        if going.contains(&at) {
            *own = own.saturating_add(c.allocated());
        }
    }
    let is_large = |(going, all): (u64, u64)| going > 0 && going.saturating_mul(2) > all;
    let named = |((store, root), (going, all)): ((StoreKind, &Path), (u64, u64))| Large {
        store,
        root: root.to_owned(),
        going,
        all,
    };
    roots.into_iter().filter(|(_, sums)| is_large(*sums)).map(named).collect()
}
