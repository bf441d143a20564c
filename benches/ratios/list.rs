//! Listing 10,000 models against the same rows printed by SQLite's own shell.

use crate::header::text;
use crate::measure::{in_turns, peak, wall};
use crate::scan::scanned;
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};

/// What a list is made of, in its default order.
const ROWS: &str = "SELECT m.id, m.name, m.store, m.root, m.repo, m.kind, m.state, m.reason, m.path, m.content, \
    m.architecture, m.family, m.quant, m.bits_per_weight, m.parameters, m.context_length, m.size, m.allocated, \
    m.weights, m.shards, m.mmproj, m.first_seen, s.enabled, s.pinned, s.tier, s.alias, u.last_used, u.use_count \
    FROM model AS m LEFT JOIN setting AS s ON s.subject = m.subject LEFT JOIN use_total AS u ON u.subject = m.subject \
    WHERE m.state <> 'gone' ORDER BY m.name COLLATE NOCASE";

pub fn measure(stage: &Stage, table: &mut Table) {
    let db = scanned(stage);
    if stage.program("sqlite3", &["--version"]).status().is_err() {
        table.missing("list of 10,000 models", "the sqlite3 shell is not installed");
        return;
    }
    let shell =
        |mode: &'static str| wall(&mut stage.program("sqlite3", &["-readonly", mode, text(&db), ROWS])).as_secs_f64();
    let list = |args: &[&str]| wall(&mut stage.modelctl(&db, args)).as_secs_f64();
    let goal = Goal::TimesAsMuch(4.0);
    let plain = in_turns(15, || list(&["list"]), || shell("-list"));
    table.compare("list of 10,000 models, table", Unit::Seconds, plain, "sqlite3 -list", goal);
    let json = in_turns(15, || list(&["list", "--json"]), || shell("-json"));
    table.compare("list of 10,000 models, JSON", Unit::Seconds, json, "sqlite3 -json", goal);
    table.alone(
        "list of 10,000 models, peak memory",
        Unit::Bytes,
        peak(stage, &stage.modelctl(&db, &["list"])),
        Goal::None,
    );
}
