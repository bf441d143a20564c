//! `modelctl list`: the models of the database, filtered and sorted, as a table or for a program.

mod columns;
mod files;
mod output;
mod stores;
#[cfg(test)]
mod tests;

pub(super) use files::tone_of as tone_of_class;

use super::args::{named, store};
use super::{Ctx, Exit};
use crate::failure::{Failure, Kind as FailureKind};
use crate::model::{Age, Class, Kind, ModelRow, State, StoreKind, Tier, age, size};
use crate::ops::list::{Filter, Sort, known, select};
use crate::ops::prune::last_uses;
use crate::ops::trash::Whereabouts;
use crate::ui::{Tone, text, units};
use clap::{Args, ValueEnum};
use columns::{Context, Shown};
use output::Format;

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
    /// Only models in this state; `damaged` includes truncated
    #[arg(long, value_parser = named(State::ALL, State::name))]
    pub state: Vec<State>,
    /// Only files of this kind
    #[arg(long, value_parser = named(Kind::ALL, Kind::name))]
    pub kind: Vec<Kind>,
    /// Only models of at least this size (`10GiB`)
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub larger: Option<u64>,
    /// Only models not used for this long (`90d`), by the evidence of `prune --unused-for`: see modelctl-prune(1)
    #[arg(long, value_name = "AGE", value_parser = age)]
    pub unused_for: Option<Age>,
    /// Sort order; largest first, latest first, unknown values last
    #[arg(long, value_enum, default_value_t)]
    pub sort: SortKey,
    /// Reverse the sort order
    #[arg(long, short)]
    pub reverse: bool,
    /// List the models of each store or family together, with their sum
    #[arg(long, value_name = "BY")]
    pub group: Option<Group>,
    /// Maximum number to show [default: all]
    #[arg(long, short = 'n', value_name = "N")]
    pub limit: Option<usize>,
    /// Show these columns, in this order
    #[arg(long, value_name = "COLUMN,…", value_enum, value_delimiter = ',')]
    pub columns: Vec<Shown>,
    /// Leave out the line with the titles of the columns
    #[arg(long)]
    pub no_header: bool,
    /// Show the files that stores hold, each with its class and the reason, instead of models
    #[arg(long, conflicts_with_all = [
        "tier", "family", "quant", "state", "kind", "larger", "unused_for", "sort", "reverse", "group", "limit", "columns",
        "no_header", "all",
    ])]
    pub files: bool,
    /// Only files of this class (with --files)
    #[arg(long, requires = "files", value_parser = named(Class::ALL, Class::name))]
    pub class: Vec<Class>,
    /// Show what each store takes, and how much of it is not referenced, instead of models
    #[arg(long, conflicts_with_all = ["patterns", "tier", "family", "quant", "state", "kind", "sort", "reverse", "all", "files", "larger", "unused_for", "group", "limit", "columns", "no_header"])]
    pub stores: bool,
    /// Also show models that no longer exist
    #[arg(long, short)]
    pub all: bool,
    /// Output format; json is the same as --json
    #[arg(long, short = 'o', value_name = "FORMAT", value_enum)]
    pub format: Option<Format>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What the models of a group have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    Store,
    Family,
}

impl Group {
    fn of(self, row: &ModelRow) -> &str {
        match self {
            Group::Store => row.store.name(),
            Group::Family => row.family.as_deref().unwrap_or("unknown"),
        }
    }
}

/// Models that are gone of which a list says where they went; `show` says it of each.
const EXPLAINED: usize = 5;

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
    /// Returns whether only some models were asked for.
    fn selects(&self) -> bool {
        let ListArgs { patterns, store, tier, family, quant, state, kind, larger, unused_for, .. } = self;
        let words = [patterns, family, quant].iter().any(|words| !words.is_empty());
        let kinds = !(store.is_empty() && tier.is_empty() && state.is_empty() && kind.is_empty());
        words || kinds || larger.is_some() || unused_for.is_some()
    }

    /// Returns the states that were asked for. A file that is too short is damaged, as `verify` and `prune` have it.
    fn states(&self) -> Vec<State> {
        let mut states = self.state.clone();
        if states.contains(&State::Damaged) && !states.contains(&State::Truncated) {
            states.push(State::Truncated);
        }
        states
    }

    fn filter(&self) -> Filter {
        Filter {
            names: self.patterns.clone(),
            stores: self.store.clone(),
            tiers: self.tier.clone(),
            families: self.family.clone(),
            quants: self.quant.clone(),
            states: self.states(),
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
    let format = if args.json { Format::Json } else { args.format.unwrap_or(Format::Table) };
    if args.stores || args.files {
        let what = if args.stores { "--stores" } else { "--files" };
        if !matches!(format, Format::Table | Format::Json) {
            return Err(Failure::new(FailureKind::Usage, format!("{what} has two formats: table and json"))
                .hint(format!("choose fields with jq: `modelctl list {what} --json | jq .`"))
                .into());
        }
        let is_json = format == Format::Json;
        return if args.stores { stores::run(ctx, args, is_json) } else { files::run(ctx, args, is_json) };
    }
    output::check(args, format)?;
    let (filter, limits) = (args.filter(), ctx.session.config.tiers);
    let known = known(&mut ctx.session, &filter)?;
    let mut shown = select(&known, &filter, &limits)?;
    let uses = args.unused_for.map(|_| last_uses(&mut ctx.session)).transpose()?;
    let context = Context { limits: &limits, now: ctx.session.now, uses: uses.as_ref() };
    shown.retain(|row| args.larger.is_none_or(|least| row.size >= least));
    if let Some(age) = args.unused_for {
        let since = age.before(context.now);
        shown.retain(|row| context.last_used(row).is_some_and(|at| at <= since));
    }
    let matching = shown.len();
    if let Some(group) = args.group {
        shown.sort_by(|a, b| group.of(a).cmp(group.of(b)));
    }
    shown.truncate(args.limit.unwrap_or(usize::MAX));
    if format != Format::Table {
        output::print(&mut ctx.ui, format, &args.columns, !args.no_header, (&shown, &context))?;
        return Ok(Exit::Done);
    }
    if shown.is_empty() {
        let (note, hint) = nothing_shown(&known, args);
        ctx.ui.note(&note);
        ctx.ui.hint(hint);
        return Ok(Exit::Done);
    }
    ctx.ui.table(&output::table(args, &shown, &context))?;
    let gone: Vec<_> = shown.iter().filter(|row| row.state == State::Gone).take(EXPLAINED).collect();
    if !gone.is_empty() {
        let places = ctx.run(Whereabouts::read)?;
        for (row, place) in gone.into_iter().filter_map(|row| Some((row, places.of(&row.path)?))) {
            ctx.ui.note(&format!("{}: {place}", text::clean(&row.name)));
        }
    }
    if ctx.ui.out_is_terminal() {
        ctx.ui.note(&summary(&shown));
        if shown.len() < matching {
            ctx.ui.note(&format!("{} of {matching} shown", shown.len()));
        }
        if !args.selects() {
            let sizes = output::reclaimable(ctx, &known)?;
            output::hint_of_reclaimable(&mut ctx.ui, &sizes);
        }
    }
    Ok(Exit::Done)
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
