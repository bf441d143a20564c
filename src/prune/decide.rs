//! Decides which candidates are removed, and why each one is removed or stays. Pure.

use super::candidate::{Candidate, Evidence};
use super::in_use::Use;
use super::policy::Policy;
use crate::clock::Timestamp;
use crate::display::units;
use crate::model::{Class, Damage, State, StoreKind};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The rule that decided. The name is part of the public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Removed: not used for long enough.
    Unused,
    /// Removed: not written for long enough.
    Old,
    /// Removed: it was named.
    Named,
    /// Removed: bytes of this class were selected.
    Superseded,
    Orphan,
    Partial,
    Damaged,
    Duplicate,
    /// Removed: space is wanted.
    Space,
    /// Stays: nothing selects it.
    NotSelected,
    Pinned,
    KeepHint,
    Task,
    Grace,
    /// A process, a server or a download has it open.
    InUse,
    /// It is unknown whether a process, a server or a download has it open.
    UseUnknown,
    MinKeep,
    /// The target is reached without it.
    Enough,
    /// The disk differs from what was recorded.
    Changed,
    /// The rules of its store do not allow the removal.
    Store,
    /// The root is too wide to be pruned as a whole.
    WideRoot,
    /// Its file is that of another row, which is removed.
    SameFile,
}

/// The outcome for one candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub goes: bool,
    pub rule: Rule,
    /// The reason, a sentence without a full stop.
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

/// Checks that a candidate is old enough for the rules that select.
///
/// # Errors
/// The verdict that it stays.
pub fn admit(policy: &Policy, c: &Candidate, now: Timestamp) -> Result<(), Verdict> {
    let none = |why: String| Err(Verdict::stays(Rule::NotSelected, why));
    let (unused, written) = (age(c.last_use.at, now), age(c.written, now));
    if policy.unused_for.is_some_and(|limit| unused < limit) {
        return none(used(c, now));
    }
    if policy.older_than.is_some_and(|limit| written < limit) {
        return none(format!("written {} ago", units::ago(written)));
    }
    Ok(())
}

/// Returns the time without use, in words that fit into a column. The access time of a file is weak evidence.
fn since(c: &Candidate, now: Timestamp) -> String {
    let ago = units::ago(age(c.last_use.at, now));
    match c.last_use.evidence {
        Evidence::Appeared => format!("no known use, here for {ago}"),
        Evidence::AccessTime => format!("unused {ago} (atime)"),
        Evidence::Journal => format!("unused {ago}"),
    }
}

/// Returns the reason of a file that cannot be whole, which begins with what is wrong.
fn damaged(why: &str) -> String {
    if why.starts_with("truncated") { why.to_owned() } else { format!("damaged: {why}") }
}

/// Returns when it was used, for one that stays.
fn used(c: &Candidate, now: Timestamp) -> String {
    let ago = units::ago(age(c.last_use.at, now));
    match c.last_use.evidence {
        Evidence::Appeared => format!("no known use, here for {ago}"),
        Evidence::AccessTime => format!("used {ago} ago (atime)"),
        Evidence::Journal => format!("used {ago} ago"),
    }
}

/// Applies the rules that select, except the one on duplicates. The rules that keep are not applied yet.
pub fn select(policy: &Policy, c: &Candidate, now: Timestamp) -> Verdict {
    // Names select among models; classes of bytes are selected in addition.
    let is_named = policy.models.is_none() || policy.names(c);
    let not_named = || Verdict::stays(Rule::NotSelected, "not selected: other models were named");
    if let Err(stays) = admit(policy, c, now) {
        return if is_named { stays } else { not_named() };
    }
    let asked = [
        (policy.partials && (c.class == Class::Partial || c.state == Some(State::Incomplete)), Rule::Partial),
        (policy.damaged && c.damage.is_some(), Rule::Damaged),
        (policy.orphans && c.class == Class::Orphan, Rule::Orphan),
        (policy.superseded && c.class == Class::Superseded, Rule::Superseded),
    ];
    if let Some((_, rule)) = asked.iter().find(|(asked, _)| *asked) {
        return match c.damage.filter(|_| *rule == Rule::Damaged) {
            Some(Damage::Structure) => Verdict::goes(*rule, damaged(&c.why)),
            Some(Damage::Hash) => Verdict::goes(*rule, format!("wrong checksum: {}", c.why)),
            None => Verdict::goes(*rule, c.why.clone()),
        };
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
        (true, true, false) => Verdict::goes(Rule::Named, "named"),
        (true, false, false) => Verdict::goes(Rule::Old, format!("written {} ago", units::ago(age(c.written, now)))),
        (false, ..) => Verdict::stays(Rule::NotSelected, "not selected"),
    }
}

/// Returns the age of a time. Zero for a time in the future, which shows that a clock was wrong.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    at.age(now)
}

/// Returns the verdict of the first rule that keeps a candidate, except those about its use: a single one is enough.
pub fn protect(policy: &Policy, c: &Candidate, now: Timestamp) -> Option<Verdict> {
    let stays = |rule, why: String| Some(Verdict::stays(rule, why));
    if let Some(why) = &c.stale {
        return stays(Rule::Changed, why.clone());
    }
    // A person who names a model means that one, wherever it is.
    if let Some(why) = c.barred.as_ref().filter(|_| !policy.names(c)) {
        return stays(Rule::WideRoot, why.clone());
    }
    if c.pinned {
        return stays(Rule::Pinned, "pinned".to_owned());
    }
    if let Some(hint) = c.kept_by.first() {
        return stays(Rule::KeepHint, format!("matches keep rule `{hint}`"));
    }
    if c.tasks > 0 {
        return stays(Rule::Task, format!("needed by {}", units::plural(c.tasks, "waiting task")));
    }
    let latest = [(c.changed, "put in place"), (c.written, "written")];
    let used = (c.last_use.evidence == Evidence::Journal).then_some((c.last_use.at, "used"));
    // A recent access may be no more than a read by some program, but it is the only evidence of other programs.
    let accessed = (c.last_use.evidence == Evidence::AccessTime).then_some((c.last_use.at, "accessed"));
    let young = used.into_iter().chain(accessed).chain(latest).find(|(at, _)| age(*at, now) < policy.grace);
    if let Some((at, what)) = young {
        let grace = units::ago(policy.grace);
        return stays(
            Rule::Grace,
            format!("{what} {} ago, within the grace period of {grace}", units::ago(age(at, now))),
        );
    }
    let newest = c.download.as_ref().and_then(|download| download.newest.as_ref());
    if let Some((at, path)) = newest.filter(|(at, _)| age(*at, now) < policy.grace) {
        let (name, ago) = (path.file_name().unwrap_or_default().to_string_lossy(), units::ago(age(*at, now)));
        let grace = units::ago(policy.grace);
        let why =
            format!("it may be part of a download: `{name}` was written {ago} ago, within the grace period of {grace}");
        return stays(Rule::Grace, why);
    }
    None
}

/// Selects further copies of a content that stays. `verdicts` are parallel to `candidates` and are those of all other
/// rules: a copy that is removed by any of them is no reason to remove another one.
///
/// Copies are searched within one store, as each store serves a program of its own; with `across_stores` in all of
/// them. Of each content one copy whose bytes were read stays: preferably one in the preferred store, then one that a
/// rule keeps, then the one used last, then the oldest. The promise of a store about a file may have become untrue, and the next copy is
/// then the last good one.
pub fn copies(policy: &Policy, candidates: &[Candidate], verdicts: &mut [Verdict], now: Timestamp) {
    if !policy.duplicates {
        return;
    }
    /// One store, or None for all of them.
    type Within<'a> = Option<(StoreKind, &'a Path)>;
    let mut same: BTreeMap<(&str, Within<'_>), Vec<usize>> = BTreeMap::new();
    for (at, c) in candidates.iter().enumerate() {
        // A copy that has changed since the scan cannot be relied on.
        let stays = c.stale.is_none() && verdicts.get(at).is_some_and(|v| !v.goes);
        if let Some(content) = c.content.as_deref().filter(|_| stays) {
            let store = (!policy.across_stores).then_some((c.store, c.root.as_path()));
            same.entry((content, store)).or_default().push(at);
        }
    }
    let store_order = |store: StoreKind| StoreKind::ALL.iter().position(|s| *s == store);
    for mut group in same.into_values().filter(|group| group.len() > 1) {
        group.sort_by_key(|at| {
            candidates.get(*at).map(|c| {
                let is_kept = protect(policy, c, now).is_some();
                let is_other = policy.prefer.is_some_and(|store| c.store != store);
                let store = Reverse(store_order(c.store));
                // The oldest file is the original, as a rule.
                (is_other, !c.is_read, !is_kept, Reverse(c.last_use.at), store, c.written, &c.id)
            })
        });
        let Some(first) = group.first().and_then(|at| candidates.get(*at)) else { continue };
        let kept = first.files();
        for at in group.into_iter().skip(1) {
            let (Some(c), Some(verdict)) = (candidates.get(at), verdicts.get_mut(at)) else { continue };
            // The same files are no copy, whatever mounts show them: no space would be freed, and nothing would stay.
            if c.files() == kept || verdict.rule != Rule::NotSelected || admit(policy, c, now).is_err() {
                continue;
            }
            let path = match first.store {
                // Names of a store say more than its blobs do.
                store if c.root != first.root && store != StoreKind::Dir => {
                    format!("`{}` in {}", first.name, store.title())
                }
                _ => format!("`{}`", first.path.display()),
            };
            let outcome = if first.is_read {
                let missing = if c.root == first.root { String::new() } else { format!("; {}", missing(c)) };
                Verdict::goes(Rule::Duplicate, format!("copy of {path}{missing}"))
            } else {
                let why = format!("{path} should have the same content: check it with `modelctl verify --hash`");
                Verdict::stays(Rule::NotSelected, why)
            };
            *verdict = protect(policy, c, now).unwrap_or(outcome);
        }
    }
}

/// Returns, in words, which store will no longer have a model that has a copy in another store.
fn missing(c: &Candidate) -> String {
    let store = match c.store {
        StoreKind::Dir => format!("`{}`", c.root.display()),
        store => store.title().to_owned(),
    };
    let mut names: Vec<&str> = vec![&c.name];
    names.extend(c.also_named.iter().map(String::as_str).filter(|name| *name != c.name));
    format!("{store} will no longer have {}", names.join(", "))
}

/// Returns the verdict that keeps a candidate because of its use, None when its use allows the removal.
pub fn protect_use(policy: &Policy, used: &Use) -> Option<Verdict> {
    match used {
        Use::Free => None,
        Use::Used(by) => Some(Verdict::stays(Rule::InUse, format!("in use: {}", by.join(", ")))),
        Use::Unknown(_) if policy.assume_unused => None,
        Use::Unknown(why) => Some(Verdict::stays(Rule::UseUnknown, format!("may be in use: {why}"))),
    }
}
