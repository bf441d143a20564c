//! The known models, filtered and sorted.

use super::Session;
use super::patterns::patterns;
use crate::db::Access;
use crate::display::Document;
use crate::host::file_system::is_missing;
use crate::host::in_time;
use crate::inventory;
use crate::model::{Kind, Listed, ModelRow, Reading, State, StoreKind, Tier, TierLimits};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Filters and order of a list. A filter matches any of its values, and everything when it has none.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Parts of names, beginnings of ids, globs over names and paths.
    pub names: Vec<String>,
    pub stores: Vec<StoreKind>,
    pub tiers: Vec<Tier>,
    pub families: Vec<String>,
    pub quants: Vec<String>,
    pub states: Vec<State>,
    pub kinds: Vec<Kind>,
    /// Whether models that are gone are listed too.
    pub gone: bool,
    pub sort: Sort,
    pub reverse: bool,
}

/// Orders of a list: sizes largest first, times latest first, unknown values last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    Name,
    Size,
    Params,
    Used,
    Added,
    Tier,
    Context,
    State,
    Store,
}

/// The document of `list --json`. Keys are added, never renamed or dropped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListReport<'a> {
    pub models: Vec<Listed<'a>>,
}

impl Document for ListReport<'_> {
    const SCHEMA: &'static str = "modelctl.list/1";
}

/// Returns the rows for a client.
pub fn report<'a>(rows: &[&'a ModelRow], limits: &TierLimits) -> ListReport<'a> {
    ListReport { models: rows.iter().map(|row| Listed::of(row, limits)).collect() }
}

/// Returns all known models, with all names that `filter` can find them by.
///
/// # Errors
/// The database cannot be read.
pub fn known(session: &mut Session, filter: &Filter) -> anyhow::Result<Vec<ModelRow>> {
    let mut known = session.db(Access::ReadOnly)?.rows()?;
    mark_unreachable(&mut known);
    if !filter.names.is_empty() {
        // Names that only the store has are valid for keeping or removing a model, so they find it here too.
        inventory::name_all(&mut known);
    }
    Ok(known)
}

/// Marks the models whose root is not there any more: a folder that was removed, a volume that is not mounted. A place
/// that does not answer in time leaves its models as the last scan found them.
fn mark_unreachable(rows: &mut [ModelRow]) {
    let missing = missing_roots(rows);
    for row in rows.iter_mut().filter(|row| row.state != State::Gone && missing.contains(&row.root)) {
        row.state = State::Unavailable;
        row.reason = Some("its folder is not there".to_owned());
    }
}

/// Returns the roots of these models that are not there now. Empty where they do not answer in time.
pub fn missing_roots(rows: &[ModelRow]) -> BTreeSet<PathBuf> {
    const LIMIT: Duration = Duration::from_millis(300);
    let is_here = |row: &&ModelRow| !matches!(row.state, State::Gone | State::Unavailable);
    let roots: BTreeSet<PathBuf> = rows.iter().filter(is_here).map(|row| row.root.clone()).collect();
    let read = move |_| Ok(roots.into_iter().filter(|root| is_missing(root)).collect::<BTreeSet<PathBuf>>());
    match in_time::start(LIMIT, "the roots", read).wait() {
        Reading::Known(missing) => missing,
        Reading::Unavailable(_) => BTreeSet::new(),
    }
}

/// Returns the rows that match all filters, in the chosen order.
///
/// # Errors
/// A glob that cannot be parsed is a usage failure.
pub fn select<'a>(known: &'a [ModelRow], filter: &Filter, limits: &TierLimits) -> anyhow::Result<Vec<&'a ModelRow>> {
    let names = patterns(&filter.names)?;
    let families = patterns(&filter.families)?;
    let quants = patterns(&filter.quants)?;
    let want_gone = filter.gone || filter.states.contains(&State::Gone);
    let fits = |row: &&ModelRow| {
        (want_gone || row.state != State::Gone)
            && any(&filter.stores, |s| *s == row.store)
            && any(&filter.states, |s| *s == row.state)
            && any(&filter.kinds, |k| *k == row.kind)
            && any(&filter.tiers, |t| row.tier(limits) == Some(*t))
            && any(&families, |p| row.family.as_deref().is_some_and(|f| p.is_name(f)))
            && any(&quants, |p| row.quant.as_deref().is_some_and(|q| p.is_name(q)))
            && any(&names, |p| p.finds_model(row))
    };
    let mut shown: Vec<&ModelRow> = known.iter().filter(fits).collect();
    sort(&mut shown, filter, limits);
    Ok(shown)
}

fn any<T>(wanted: &[T], fits: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(fits)
}

fn sort(rows: &mut [&ModelRow], filter: &Filter, limits: &TierLimits) {
    let directed = |order: Ordering| if filter.reverse { order.reverse() } else { order };
    // Names are folded once per row, not once per comparison.
    let folded: std::collections::HashMap<*const ModelRow, String> =
        rows.iter().map(|r| (std::ptr::from_ref(*r), r.name.to_lowercase())).collect();
    let name = |r: &ModelRow| folded.get(&std::ptr::from_ref(r)).map(String::as_str).unwrap_or_default();
    rows.sort_by(|a, b| {
        let order = match filter.sort {
            Sort::Name => directed(name(a).cmp(name(b))),
            Sort::Size => directed(b.size.cmp(&a.size)),
            Sort::Params => known_first(a.parameters.map(Reverse), b.parameters.map(Reverse), directed),
            Sort::Used => known_first(a.last_used.map(Reverse), b.last_used.map(Reverse), directed),
            Sort::Added => directed(b.first_seen.cmp(&a.first_seen)),
            Sort::Tier => known_first(a.tier(limits), b.tier(limits), directed),
            Sort::Context => known_first(a.context_length.map(Reverse), b.context_length.map(Reverse), directed),
            Sort::State => directed(a.state.cmp(&b.state)),
            Sort::Store => directed(a.store.cmp(&b.store)),
        };
        order.then_with(|| name(a).cmp(name(b))).then_with(|| a.id.cmp(&b.id))
    });
}

/// Compares two values; unknown values come last in both directions.
fn known_first<T: Ord>(a: Option<T>, b: Option<T>, directed: impl Fn(Ordering) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => directed(a.cmp(&b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}
