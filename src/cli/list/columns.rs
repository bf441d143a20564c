//! The columns of `list`: what a person sees of a model, and what a program reads of it.

use super::tone_of;
use crate::clock::Timestamp;
use crate::model::{ModelId, ModelRow, Tier, TierLimits};
use crate::ui::{Cell, Column, Table, Tone, units};
use clap::ValueEnum;
use std::collections::HashMap;

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
pub enum Shown {
    Id,
    Name,
    Size,
    /// Whether a model is pinned, disabled, or has an alias
    Flags,
    Alias,
    Quant,
    Params,
    Ctx,
    Store,
    Used,
    State,
    Tier,
    Family,
    Kind,
    Repo,
    Path,
}

/// The columns of a table, unless others are named.
pub const DEFAULT: &[Shown] = &[
    Shown::Id,
    Shown::Name,
    Shown::Size,
    Shown::Quant,
    Shown::Params,
    Shown::Ctx,
    Shown::Store,
    Shown::Used,
    Shown::State,
    Shown::Flags,
    Shown::Tier,
    Shown::Family,
    Shown::Kind,
    Shown::Path,
];

/// What the cells of a row are made from, besides the row.
pub struct Context<'a> {
    pub limits: &'a TierLimits,
    pub now: Timestamp,
    /// The last uses by all evidence, where they were asked for; the journal of uses counts otherwise.
    pub uses: Option<&'a HashMap<ModelId, Timestamp>>,
}

impl Context<'_> {
    pub fn last_used(&self, row: &ModelRow) -> Option<Timestamp> {
        match self.uses {
            Some(uses) => uses.get(&row.id).copied(),
            None => row.last_used,
        }
    }
}

impl Shown {
    fn column(self) -> Column {
        match self {
            Shown::Id => Column::id("ID", 0),
            Shown::Name => Column::name("NAME", 0, 24),
            Shown::Size => Column::right("SIZE", 1),
            Shown::State => Column::left("STATE", 2).unless("ready"),
            Shown::Store => Column::left("STORE", 3).unless_alike(),
            Shown::Flags => Column::left("FLAGS", 4).shrink_to(8),
            Shown::Alias => Column::left("ALIAS", 5),
            Shown::Quant => Column::left("QUANT", 6).unless_alike(),
            Shown::Used => Column::right("USED", 7),
            Shown::Params => Column::right("PARAMS", 8).extra(),
            Shown::Ctx => Column::right("CTX", 9).extra(),
            Shown::Tier => Column::left("TIER", 10).unless_alike().extra(),
            Shown::Family => Column::left("FAMILY", 11).unless_alike().extra(),
            Shown::Kind => Column::left("KIND", 12).unless_alike().extra(),
            Shown::Repo => Column::left("REPO", 13).extra(),
            Shown::Path => Column::path("PATH", 14, 30).extra(),
        }
    }

    fn cell<'a>(self, row: &'a ModelRow, context: &Context<'_>) -> Cell<'a> {
        match self {
            Shown::Id => Cell::new(row.id.as_str()),
            Shown::Name => Cell::new(row.name.as_str()),
            Shown::Size => Cell::new(units::bytes(row.size)),
            Shown::State => Cell::new(row.state.name()).tone(tone_of(row.state)),
            Shown::Store => Cell::new(row.store.name()),
            Shown::Flags => Cell::new(marks(row)).tone(if row.enabled { Tone::Plain } else { Tone::Warn }),
            Shown::Alias => Cell::or_none(row.alias.as_deref()),
            Shown::Quant => Cell::or_none(row.quant.as_deref()),
            Shown::Used => Cell::or_none(context.last_used(row).map(|at| units::ago(at.age(context.now)))),
            Shown::Params => Cell::or_none(row.parameters.map(units::count)),
            Shown::Ctx => Cell::or_none(row.context_length.map(units::tokens)),
            Shown::Tier => Cell::or_none(row.tier(context.limits).map(Tier::name)),
            Shown::Family => Cell::or_none(row.family.as_deref()),
            Shown::Kind => Cell::new(row.kind.name()),
            Shown::Repo => Cell::or_none(row.repo.as_deref()),
            Shown::Path => Cell::path(&row.path).tone(Tone::Dim),
        }
    }

    /// Returns the name of the field in CSV, which is the key in JSON where there is one.
    pub fn field(self) -> &'static str {
        match self {
            Shown::Id => "id",
            Shown::Name => "name",
            Shown::Size => "size_bytes",
            Shown::State => "state",
            Shown::Store => "store",
            Shown::Flags => "flags",
            Shown::Alias => "alias",
            Shown::Quant => "quant",
            Shown::Used => "last_used",
            Shown::Params => "parameters",
            Shown::Ctx => "context_length",
            Shown::Tier => "tier",
            Shown::Family => "family",
            Shown::Kind => "kind",
            Shown::Repo => "repo",
            Shown::Path => "path",
        }
    }

    /// Returns the value for a program: plain numbers, whole times, empty for what is not known.
    pub fn value(self, row: &ModelRow, context: &Context<'_>) -> String {
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let word = |text: Option<&str>| text.unwrap_or_default().to_owned();
        match self {
            Shown::Id => row.id.as_str().to_owned(),
            Shown::Name => row.name.clone(),
            Shown::Size => row.size.to_string(),
            Shown::State => row.state.name().to_owned(),
            Shown::Store => row.store.name().to_owned(),
            Shown::Flags => flags(row),
            Shown::Alias => word(row.alias.as_deref()),
            Shown::Quant => word(row.quant.as_deref()),
            Shown::Used => context.last_used(row).map(Timestamp::rfc3339).unwrap_or_default(),
            Shown::Params => number(row.parameters),
            Shown::Ctx => number(row.context_length),
            Shown::Tier => word(row.tier(context.limits).map(Tier::name)),
            Shown::Family => word(row.family.as_deref()),
            Shown::Kind => row.kind.name().to_owned(),
            Shown::Repo => word(row.repo.as_deref()),
            Shown::Path => row.path.to_string_lossy().into_owned(),
        }
    }
}

/// Returns `pinned`, `disabled` or both; empty for most models.
fn flags(row: &ModelRow) -> String {
    let flags = [(row.pinned, "pinned"), (!row.enabled, "disabled")];
    flags.iter().filter(|(is_set, _)| *is_set).map(|(_, word)| *word).collect::<Vec<_>>().join(",")
}

/// Returns what a person set for a model: `pinned alias=small`.
fn marks(row: &ModelRow) -> String {
    let alias = row.alias.as_ref().map(|alias| format!("alias={alias}"));
    let flags = Some(flags(row).replace(',', " ")).filter(|flags| !flags.is_empty());
    flags.into_iter().chain(alias).collect::<Vec<_>>().join(" ")
}

/// Returns an empty table. Columns that a person named are all shown; of the default ones, those that fit.
pub fn table<'a>(named: &[Shown]) -> Table<'a> {
    let columns: Vec<Column> = match named {
        [] => DEFAULT.iter().map(|shown| shown.column()).collect(),
        named => {
            let all = named.iter().map(|shown| Column { rank: 0, is_extra: false, ..shown.column() });
            all.collect()
        }
    };
    Table::new(&columns)
}

/// Returns the cells of one row.
pub fn cells<'a>(named: &[Shown], row: &'a ModelRow, context: &Context<'_>) -> Vec<Cell<'a>> {
    let shown = if named.is_empty() { DEFAULT } else { named };
    shown.iter().map(|shown| shown.cell(row, context)).collect()
}
