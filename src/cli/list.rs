//! `modelctl list`: the models of the database, filtered, sorted, as a table or as JSON.

use super::{Access, Ctx, Exit, list_files, list_stores};
use crate::clock::Timestamp;
use crate::failure::{Failure, Kind as FailureKind, OrFail};
use crate::model::{Class, Kind, Listed, ModelRow, State, StoreKind, Tier, TierLimits};
use crate::ui::{Cell, Column, Table, Tone, text, units};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use globset::{GlobBuilder, GlobMatcher};
use std::cmp::{Ordering, Reverse};

/// List the models known on this machine
///
/// A filter that is given several times takes what fits any of its values; different filters must all fit.
#[derive(Debug, Default, Args)]
pub struct ListArgs {
    /// Only models whose name contains this, or matches it as a glob (`*-Q4_K_M`), or whose id starts with it
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// Only models in this kind of store
    #[arg(long, value_parser = named(StoreKind::ALL, StoreKind::name))]
    pub store: Vec<StoreKind>,
    /// Only models of this tier
    #[arg(long, value_parser = named(Tier::ALL, Tier::name))]
    pub tier: Vec<Tier>,
    /// Only models of this family (`llama`, `qwen*`)
    #[arg(long)]
    pub family: Vec<String>,
    /// Only models with this quantisation (`Q4_K_M`, `q4*`)
    #[arg(long)]
    pub quant: Vec<String>,
    /// Only models in this state
    #[arg(long, value_parser = named(State::ALL, State::name))]
    pub state: Vec<State>,
    /// Only files of this kind
    #[arg(long, value_parser = named(Kind::ALL, Kind::name))]
    pub kind: Vec<Kind>,
    /// What to sort by; sizes largest first, times latest first, unknown values last
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortKey,
    /// Turn the order round
    #[arg(long, short)]
    pub reverse: bool,
    /// Show the files that stores hold, each with its class and the reason, instead of models
    #[arg(long, conflicts_with_all = ["tier", "family", "quant", "state", "kind", "sort", "reverse", "all"])]
    pub files: bool,
    /// Only files of this class (with --files)
    #[arg(long, requires = "files", value_parser = named(Class::ALL, Class::name))]
    pub class: Vec<Class>,
    /// Show what each store takes, and how much of it is not referenced, instead of models
    #[arg(long, conflicts_with_all = ["patterns", "tier", "family", "quant", "state", "kind", "sort", "reverse", "all", "files"])]
    pub stores: bool,
    /// Also show models that are gone
    #[arg(long, short)]
    pub all: bool,
    /// Print a JSON array of objects
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

/// A value parser over the names of an enum of the house, so that help and completion show them.
pub(super) fn named<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(move |v| name(*v))).try_map(move |text| {
        all.iter().copied().find(|v| name(*v) == text).ok_or_else(|| Failure::new(FailureKind::Usage, "no such value"))
    })
}

pub fn run(ctx: &mut Ctx, args: &ListArgs) -> anyhow::Result<Exit> {
    if args.stores {
        return list_stores::run(ctx, args);
    }
    if args.files {
        return list_files::run(ctx, args);
    }
    let known = ctx.db(Access::ReadOnly)?.rows()?;
    let limits = ctx.config.tiers;
    let shown = select(&known, args, &limits)?;
    if args.json {
        let listed: Vec<Listed> = shown.iter().map(|row| Listed::of(row, &limits)).collect();
        ctx.ui.json(&listed)?;
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        let (note, hint) = nothing_shown(&known, args);
        ctx.ui.note(&note);
        ctx.ui.hint(hint);
        return Ok(Exit::Done);
    }
    ctx.ui.table(&table(&shown, &limits, ctx.now))?;
    if ctx.ui.out_is_terminal() {
        ctx.ui.note(&summary(&shown));
    }
    Ok(Exit::Done)
}

/// The rows that fit all filters, in the wanted order.
///
/// # Errors
/// A glob that cannot be read is a usage failure.
pub fn select<'a>(known: &'a [ModelRow], args: &ListArgs, limits: &TierLimits) -> anyhow::Result<Vec<&'a ModelRow>> {
    let names = patterns(&args.patterns)?;
    let families = patterns(&args.family)?;
    let quants = patterns(&args.quant)?;
    let want_gone = args.all || args.state.contains(&State::Gone);
    let fits = |row: &&ModelRow| {
        (want_gone || row.state != State::Gone)
            && any(&args.store, |s| *s == row.store)
            && any(&args.state, |s| *s == row.state)
            && any(&args.kind, |k| *k == row.kind)
            && any(&args.tier, |t| row.tier(limits) == Some(*t))
            && any(&families, |p| row.family.as_deref().is_some_and(|f| p.is(f)))
            && any(&quants, |p| row.quant.as_deref().is_some_and(|q| p.is(q)))
            && any(&names, |p| p.names(row))
    };
    let mut shown: Vec<&ModelRow> = known.iter().filter(fits).collect();
    sort(&mut shown, args, limits);
    Ok(shown)
}

fn any<T>(wanted: &[T], fits: impl Fn(&T) -> bool) -> bool {
    wanted.is_empty() || wanted.iter().any(fits)
}

/// A word of the command line: compared without regard to case, as a glob when it has the signs of one.
pub(super) struct Pattern {
    lower: String,
    glob: Option<GlobMatcher>,
}

pub(super) fn patterns(words: &[String]) -> anyhow::Result<Vec<Pattern>> {
    let read = |word: &String| -> anyhow::Result<Pattern> {
        let glob = word
            .contains(['*', '?', '[', '{'])
            .then(|| GlobBuilder::new(word).case_insensitive(true).build().map(|glob| glob.compile_matcher()))
            .transpose()
            .or_fail(|| {
                Failure::new(FailureKind::Usage, format!("`{}` is not a pattern that can be read", text::clean(word)))
            })?;
        Ok(Pattern { lower: word.to_lowercase(), glob })
    };
    words.iter().map(read).collect()
}

impl Pattern {
    fn is(&self, value: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(value),
            None => value.to_lowercase() == self.lower,
        }
    }

    /// Whether a text fits the glob, or holds the word.
    pub(super) fn finds(&self, value: &str) -> bool {
        match &self.glob {
            Some(glob) => glob.is_match(value),
            None => value.to_lowercase().contains(&self.lower),
        }
    }

    fn names(&self, row: &ModelRow) -> bool {
        let alias = row.alias.as_deref();
        match &self.glob {
            Some(glob) => glob.is_match(&row.name) || alias.is_some_and(|a| glob.is_match(a)),
            None => {
                row.name.to_lowercase().contains(&self.lower)
                    || alias.is_some_and(|a| a.to_lowercase().contains(&self.lower))
                    || row.id.as_str().starts_with(&self.lower)
            }
        }
    }
}

fn sort(rows: &mut [&ModelRow], args: &ListArgs, limits: &TierLimits) {
    let turn = |order: Ordering| if args.reverse { order.reverse() } else { order };
    // Names are folded once per row, not once per comparison.
    let folded: std::collections::HashMap<*const ModelRow, String> =
        rows.iter().map(|r| (std::ptr::from_ref(*r), r.name.to_lowercase())).collect();
    let name = |r: &ModelRow| folded.get(&std::ptr::from_ref(r)).map(String::as_str).unwrap_or_default();
    rows.sort_by(|a, b| {
        let order = match args.sort {
            SortKey::Name => turn(name(a).cmp(name(b))),
            SortKey::Size => turn(b.size.cmp(&a.size)),
            SortKey::Params => known_first(a.parameters.map(Reverse), b.parameters.map(Reverse), turn),
            SortKey::Used => known_first(a.last_used.map(Reverse), b.last_used.map(Reverse), turn),
            SortKey::Added => turn(b.first_seen.cmp(&a.first_seen)),
            SortKey::Tier => known_first(a.tier(limits), b.tier(limits), turn),
            SortKey::Context => known_first(a.context_length.map(Reverse), b.context_length.map(Reverse), turn),
            SortKey::State => turn(a.state.cmp(&b.state)),
            SortKey::Store => turn(a.store.cmp(&b.store)),
        };
        order.then_with(|| name(a).cmp(name(b))).then_with(|| a.id.cmp(&b.id))
    });
}

/// Unknown values come last in both directions.
fn known_first<T: Ord>(a: Option<T>, b: Option<T>, turn: impl Fn(Ordering) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => turn(a.cmp(&b)),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
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

/// The table of `list`. `now` is what ages are counted from.
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

/// Red for what is broken, yellow for what is not there now.
pub fn tone_of(state: State) -> Tone {
    match state {
        State::Ready => Tone::Plain,
        State::Incomplete | State::Truncated | State::Damaged => Tone::Bad,
        State::Unavailable | State::Gone => Tone::Warn,
    }
}

/// `12 models, 45.1 GiB; 2 damaged`.
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

/// What to say, and the next step, when no row is left.
fn nothing_shown(known: &[ModelRow], args: &ListArgs) -> (String, &'static str) {
    let present = known.iter().filter(|r| r.state != State::Gone).count();
    if known.is_empty() {
        ("no models known".into(), "`modelctl scan` looks for models, `modelctl scan PATH` in a folder of yours")
    } else if present == 0 && !args.all {
        (
            format!("no models here now; {} gone", known.len()),
            "`modelctl list --all` shows them, `modelctl scan` looks again",
        )
    } else {
        (format!("none of the {} fits", units::plural(known.len() as u64, "known model")), "`modelctl list` shows them")
    }
}
