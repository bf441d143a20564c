//! The items of the trash, for a person.

use super::super::Ctx;
use crate::clock;
use crate::prune::trash::{Order, State, Trashed};
use crate::ui::{Cell, Column, Table, Tone, units};

/// Prints a table; nothing when there are no items.
pub fn show(ctx: &mut Ctx, all: &[Trashed]) -> anyhow::Result<()> {
    const COLUMNS: &[Column] = &[
        Column::left("ID", 0),
        Column::name("NAME", 0, 16),
        Column::right("SIZE", 1),
        Column::right("AGE", 2),
        Column::left("STATE", 3).unless("whole"),
        Column::left("WHY", 4).shrink_to(20),
        Column::left("BY", 6).extra(),
        Column::left("RUN", 7).extra(),
        Column::path("FROM", 5, 16),
    ];
    if all.is_empty() {
        return Ok(());
    }
    let now = clock::now();
    let mut table = Table::new(COLUMNS);
    for item in all {
        let order = item.order.as_ref();
        let (state, tone) = match &item.state {
            State::Complete => ("whole", Tone::Plain),
            State::Partly => ("partly", Tone::Warn),
            State::Moving | State::Restoring | State::Purging => ("unfinished", Tone::Warn),
            State::Damaged(_) => ("damaged", Tone::Bad),
        };
        let text = |of: fn(&Order) -> &str| order.map_or_else(Cell::none, |o| Cell::new(of(o)));
        table.row(vec![
            Cell::new(item.id.as_str()),
            text(|o| &o.name),
            Cell::new(units::bytes(item.bytes)),
            order.map_or_else(Cell::none, |o| Cell::new(units::ago(o.at.age(now)))),
            Cell::new(state).tone(tone),
            text(|o| o.why.first().map_or("", String::as_str)),
            text(|o| &o.who),
            order.map_or_else(Cell::none, |o| Cell::new(o.run())),
            order.map_or_else(Cell::none, |o| Cell::path(&o.root).tone(Tone::Dim)),
        ]);
    }
    ctx.ui.table(&table)
}
