//! Which columns of a table are shown on a terminal, and how wide they are.

use super::column::{Alike, Cell, Column, Cut, GAP};
use super::cut::{SHORT_ID, below_home};
use super::text;
use std::collections::HashSet;

/// Width from which a cut column counts as wide enough for further columns to be shown.
const ENOUGH: usize = 60;

/// The columns to show.
pub struct Layout<'h> {
    /// Index and width of each, in the order of the header.
    pub columns: Vec<(usize, usize)>,
    /// Titles of the others, with the value that all cells have: `KIND`, `STATE=ready`.
    pub hidden: Vec<String>,
    pub home: Option<&'h str>,
}

impl<'h> Layout<'h> {
    /// Returns all columns, whole.
    pub fn whole(columns: &[Column], rows: &[Vec<Cell<'_>>]) -> Layout<'h> {
        Layout { columns: widths(columns, rows).into_iter().enumerate().collect(), hidden: Vec::new(), home: None }
    }

    /// Chooses the columns for a terminal. The most important ones come first, as narrow as they can be; what is left
    /// over widens those that are cut; and only then further columns come.
    pub fn fit((columns, rows): (&[Column], &[Vec<Cell<'_>>]), room: usize, home: Option<&'h str>) -> Layout<'h> {
        let natural = natural(columns, rows, home);
        let rank = |i: &usize| columns.get(*i).map_or(0, |c| c.rank);
        let is_extra = |i: &usize| columns.get(*i).is_some_and(|c| c.is_extra);
        let silent: Vec<Option<&str>> = columns.iter().enumerate().map(|(i, column)| silent(column, rows, i)).collect();
        let speaks = |i: &usize| silent.get(*i).is_some_and(Option::is_none);
        let mut widths: Vec<usize> =
            natural.iter().zip(columns).map(|(w, c)| c.min.map_or(*w, |min| min.min(*w))).collect();
        let mut kept: Vec<usize> = (0..columns.len()).filter(|i| speaks(i) && !is_extra(i)).collect();
        while total(&kept, &widths) > room {
            match kept.iter().copied().filter(|i| rank(i) > 0).max_by_key(rank) {
                Some(victim) => kept.retain(|i| *i != victim),
                None => break,
            }
        }
        widen(&kept, columns, &natural, &mut widths, room);
        let mut extras: Vec<usize> = (0..columns.len()).filter(|i| speaks(i) && is_extra(i)).collect();
        extras.sort_by_key(rank);
        let enough: Vec<usize> = natural.iter().map(|width| (*width).min(ENOUGH)).collect();
        let is_whole = kept.len() == (0..columns.len()).filter(|i| speaks(i) && !is_extra(i)).count()
            && kept.iter().all(|i| widths.get(*i) >= enough.get(*i));
        for extra in extras.into_iter().filter(|_| is_whole) {
            // A very long cell gives way to further columns, which come whole or not at all.
            let tried: Vec<usize> = (0..columns.len())
                .map(|i| if is_extra(&i) { &natural } else { &enough }.get(i).copied().unwrap_or(0))
                .collect();
            let with: Vec<usize> = kept.iter().copied().chain([extra]).collect();
            if total(&with, &tried) <= room {
                (kept, widths) = (with, tried);
            }
        }
        widen(&kept, columns, &natural, &mut widths, room);
        // The columns that are never left out are wider than the terminal: shorten the first one that may be shortened.
        let over = total(&kept, &widths).saturating_sub(room);
        if over > 0
            && let Some(i) = kept.iter().copied().find(|i| columns.get(*i).is_some_and(|c| c.min.is_some()))
            && let Some(width) = widths.get_mut(i)
        {
            *width = width.saturating_sub(over).max(1);
        }
        kept.sort_unstable();
        let hidden = columns.iter().zip(&silent).enumerate().filter(|(i, _)| !kept.contains(i));
        let hidden = hidden.filter_map(|(_, (column, value))| match value {
            None => Some(column.title.to_owned()),
            // Nothing is lost with it.
            Some("-") => None,
            Some(value) => Some(format!("{}={}", column.title, text::shorten(value, 24))),
        });
        let hidden = hidden.collect();
        Layout { columns: kept.into_iter().filter_map(|i| Some((i, *widths.get(i)?))).collect(), hidden, home }
    }
}

/// Returns the width that the columns take together.
fn total(kept: &[usize], widths: &[usize]) -> usize {
    let cells: usize = kept.iter().filter_map(|i| widths.get(*i)).sum();
    cells.saturating_add(GAP.saturating_mul(kept.len().saturating_sub(1)))
}

/// Gives what is left of the room to the columns that are cut: the most important ones first, and those of one rank
/// alike.
fn widen(kept: &[usize], columns: &[Column], natural: &[usize], widths: &mut [usize], room: usize) {
    let mut spare = room.saturating_sub(total(kept, widths));
    let rank = |i: &usize| columns.get(*i).map(|c| c.rank);
    let mut by_rank = kept.to_vec();
    by_rank.sort_by_key(rank);
    for equals in by_rank.chunk_by(|a, b| rank(a) == rank(b)) {
        loop {
            let is_cut = |i: &&usize| widths.get(**i) < natural.get(**i);
            let cut: Vec<usize> = equals.iter().filter(is_cut).copied().collect();
            if cut.is_empty() || spare == 0 {
                break;
            }
            let share = spare.checked_div(cut.len()).unwrap_or(0).max(1);
            for i in cut {
                if let (Some(width), Some(natural)) = (widths.get_mut(i), natural.get(i)) {
                    let more = share.min(spare).min(natural.saturating_sub(*width));
                    *width = width.saturating_add(more);
                    spare = spare.saturating_sub(more);
                }
            }
        }
    }
}

/// Returns the width of each column with its cells whole.
pub fn widths(columns: &[Column], rows: &[Vec<Cell<'_>>]) -> Vec<usize> {
    let mut widths: Vec<usize> = columns.iter().map(|c| text::width(c.title)).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(text::width(cell.text()));
        }
    }
    widths
}

/// Returns the value that all cells of a column have, when the column is left out for that.
fn silent<'t>(column: &Column, rows: &'t [Vec<Cell<'_>>], at: usize) -> Option<&'t str> {
    if column.rank == 0 {
        return None;
    }
    let mut cells = rows.iter().filter_map(|row| row.get(at)).map(Cell::text);
    let first = cells.next()?;
    let is_left_out = match column.alike {
        _ if first == "-" => true,
        Alike::Show => false,
        // One row has no others to be like.
        Alike::LeaveOut => rows.len() > 1,
        Alike::LeaveOutIf(text) => first == text,
    };
    (is_left_out && cells.all(|cell| cell == first)).then_some(first)
}

/// Returns the width of each column with its cells as they are shown when they are not cut.
fn natural(columns: &[Column], rows: &[Vec<Cell<'_>>], home: Option<&str>) -> Vec<usize> {
    let mut widths = widths(columns, rows);
    for (i, (column, width)) in columns.iter().zip(&mut widths).enumerate() {
        let cells = || rows.iter().filter_map(|row| row.get(i)).map(Cell::text);
        let shown = match column.cut {
            Cut::Middle | Cut::Name => continue,
            Cut::Path => cells().map(|cell| text::width(&below_home(cell, home))).max(),
            Cut::Id => Some(id_width(&cells().collect::<HashSet<_>>())),
        };
        *width = shown.unwrap_or(0).max(text::width(column.title));
    }
    widths
}

/// Returns the number of characters that tell the ids apart.
fn id_width(ids: &HashSet<&str>) -> usize {
    let longest = ids.iter().map(|id| text::width(id)).max().unwrap_or(0);
    let is_enough = |n: &usize| {
        let starts: HashSet<&str> = ids.iter().map(|id| text::head_within(id, *n)).collect();
        starts.len() == ids.len()
    };
    (SHORT_ID..longest).find(is_enough).unwrap_or(longest)
}
