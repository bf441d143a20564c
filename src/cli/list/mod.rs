//! `modelctl list`: the models of the database, filtered and sorted, as a table or as JSON.

mod files;
mod stores;
#[cfg(test)]
mod tests;

pub(super) use files::tone_of as tone_of_class;

use super::args::{named, store};
use super::{Ctx, Exit};
use crate::clock::Timestamp;
use crate::model::{Class, Kind, ModelRow, State, StoreKind, Tier, TierLimits};
use crate::ops::list::{Filter, Sort, known, report, select};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use clap::{Args, ValueEnum};

/// List the models known on this machine
///
/// A filter that is repeated matches any of its values; different filters must all match.
#[derive(Debug, Default, Args)]
pub struct ListArgs {
    /// Only models whose name contains this, or whose id starts with it; with `*`, `?`, `[` or `{` a glob in any case
    /// over the name, its part after the last `/`, the file name and the path (`qwen*`, `*-Q4_K_M`)
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Only models in this kind of store
    #[arg(long, value_parser = store())]
    pub store: Vec<StoreKind>,
    /// Only models of this tier
    #[arg(long, value_parser = named(Tier::ALL, Tier::name))]
    pub tier: Vec<Tier>,
    /// Only models of this family (`llama`, `qwen*`)
    #[arg(long)]
    pub family: Vec<String>,
    /// Only models with this quantization (`Q4_K_M`, `q4*`)
    #[arg(long)]
    pub quant: Vec<String>,
    /// Only models in this state
    #[arg(long, value_parser = named(State::ALL, State::name))]
    pub state: Vec<State>,
    /// Only files of this kind
    #[arg(long, value_parser = named(Kind::ALL, Kind::name))]
    pub kind: Vec<Kind>,
    /// Sort order; largest first, latest first, unknown values last
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortKey,
    /// Reverse the sort order
    #[arg(long, short)]
    pub reverse: bool,
    /// Show all files of the stores, with class and reason, instead of models
    #[arg(long, conflicts_with_all = ["tier", "family", "quant", "state", "kind", "sort", "reverse", "all"])]
    pub files: bool,
    /// Only files of this class (with --files)
    #[arg(long, requires = "files", value_parser = named(Class::ALL, Class::name))]
    pub class: Vec<Class>,
    /// Show the size of each store, and how much of it is reclaimable, instead of models
    #[arg(long, conflicts_with_all = ["patterns", "tier", "family", "quant", "state", "kind", "sort", "reverse", "all", "files"])]
    pub stores: bool,
    /// Also show models that no longer exist
    #[arg(long, short)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The orders of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SortKey {
    #[default]
    Name,
    /// Largest first
    Size,
    /// Most first
    Params,
    /// Last used first
    Used,
    /// Newest first
    Added,
    /// Fast first
    Tier,
    /// Longest first
    Context,
    /// Ready first
    State,
    Store,
}

impl ListArgs {
    fn filter(&self) -> Filter {
        Filter {
            names: self.patterns.clone(),
            stores: self.store.clone(),
            tiers: self.tier.clone(),
            families: self.family.clone(),
            quants: self.quant.clone(),
            states: self.state.clone(),
            kinds: self.kind.clone(),
            gone: self.all,
            sort: match self.sort {
                SortKey::Name => Sort::Name,
                SortKey::Size => Sort::Size,
                SortKey::Params => Sort::Params,
                SortKey::Used => Sort::Used,
                SortKey::Added => Sort::Added,
                SortKey::Tier => Sort::Tier,
                SortKey::Context => Sort::Context,
                SortKey::State => Sort::State,
                SortKey::Store => Sort::Store,
            },
            reverse: self.reverse,
        }
    }
}

pub fn run(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    if args.stores {
        return stores::run(ctx, args);
    }
    if args.files {
        return files::run(ctx, args);
    }
    let (filter, limits) = (args.filter(), ctx.session.config.tiers);
    let known = known(&mut ctx.session, &filter)?;
    let shown = select(&known, &filter, &limits)?;
    if args.json {
        ctx.ui.document(&report(&shown, &limits))?;
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        let (note, hint) = nothing_shown(&known, args);
        ctx.ui.note(&note);
        ctx.ui.hint(hint);
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&shown, &limits, ctx.session.now))?;
    if ctx.ui.out_is_terminal() {
        ctx.ui.note(&summary(&shown));
    }
    Ok(Exit::Done)
}

const COLUMNS: &[Column] = &[
    Column::left("NAME", 0).shrink_to(24),
    Column::right("SIZE", 1),
    Column::left("QUANT", 2),
    Column::right("PARAMS", 3),
    Column::right("CTX", 4),
    Column::left("TIER", 5),
    Column::left("STATE", 6),
    Column::left("STORE", 7),
    Column::right("USED", 8),
    Column::left("ID", 9),
    Column::left("FAMILY", 10),
    Column::left("KIND", 11),
    Column::left("PATH", 12).shrink_to(30),
];

/// Returns the table of `list`. Ages are counted up to `now`.
pub fn table<'a>(rows: &[&'a ModelRow], limits: &TierLimits, now: Timestamp) -> Table<'a> {
    let mut table = Table::new(COLUMNS);
    let word = |text: Option<&'a str>| text.map_or_else(Cell::none, Cell::new);
    let made = |text: Option<String>| text.map_or_else(Cell::none, Cell::new);
    for row in rows {
        table.row(vec![
            Cell::new(row.name.as_str()),
            Cell::new(units::bytes(row.size)),
            word(row.quant.as_deref()),
            made(row.parameters.map(units::count)),
            made(row.context_length.map(units::tokens)),
            word(row.tier(limits).map(Tier::name)),
            Cell::new(row.state.name()).tone(tone_of(row.state)),
            Cell::new(row.store.name()),
            made(row.last_used.map(|t| units::ago(t.age(now)))),
            Cell::new(row.id.as_str()),
            word(row.family.as_deref()),
            Cell::new(row.kind.name()),
            Cell::new(text::path(&row.path)).tone(Tone::Dim),
        ]);
    }
    table
}

/// Returns red for broken models, yellow for models that are absent, unreadable or unsupported.
pub fn tone_of(state: State) -> Tone {
    match state {
        State::Ready => Tone::Plain,
        State::Incomplete | State::Truncated | State::Damaged => Tone::Bad,
        State::Unsupported | State::Unreadable | State::Unavailable | State::Gone => Tone::Warn,
    }
}

/// Returns, for example, `12 models, 45.1 GiB; 2 damaged`.
pub fn summary(rows: &[&ModelRow]) -> String {
    let size = rows.iter().filter(|r| r.state != State::Gone).fold(0u64, |sum, r| sum.saturating_add(r.size));
    let mut text = format!("{}, {}", units::plural(rows.len() as u64, "model"), units::bytes(size));
    let mut separator = "; ";
    for state in State::ALL.iter().filter(|s| **s != State::Ready) {
        let count = rows.iter().filter(|r| r.state == *state).count();
        if count > 0 {
            text.push_str(&format!("{separator}{count} {}", state.name()));
            separator = ", ";
        }
    }
    text
}

/// Returns the note and the next step for a list without rows.
fn nothing_shown(known: &[ModelRow], args: &ListArgs) -> (String, &'static str) {
    let present = known.iter().filter(|r| r.state != State::Gone).count();
    if known.is_empty() {
        ("no models known".into(), "run `modelctl scan`, or `modelctl scan PATH` for a folder")
    } else if present == 0 && !args.all {
        (format!("no models; {} gone", known.len()), "`modelctl list --all` shows them, `modelctl scan` checks again")
    } else {
        (
            format!("no model matches ({})", units::plural(known.len() as u64, "known model")),
            "`modelctl list` shows them",
        )
    }
}
