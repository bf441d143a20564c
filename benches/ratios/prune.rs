//! What a plan costs in which all of 10,000 models go, against listing them: processor time, which several threads do
//! not hide.

use crate::measure::{cpu, in_turns, output};
use crate::scan::scanned;
use crate::stage::{Stage, TREE_FILES};
use crate::table::{Goal, Table, Unit};

/// Whatever may go, goes; nothing is done. The check of who uses what is in it, over the processes that there are.
const PLAN: [&str; 5] = ["prune", "--unused-for", "0", "--grace", "0"];
/// Seconds on top of the list.
const GOAL: f64 = 0.2;

pub fn measure(stage: &Stage, table: &mut Table) {
    let db = scanned(stage);
    assert_all_go(&output(stage.modelctl(&db, &PLAN).arg("--json")));
    let plan = || cpu(&mut stage.modelctl(&db, &PLAN));
    let list = || cpu(&mut stage.modelctl(&db, &["list"]));
    let (plan, list) = in_turns(15, plan, list);
    let what = "plan in which 10,000 models go, CPU";
    table.compare(what, Unit::Seconds, (plan, list), "modelctl list", Goal::None);
    table.alone(format!("{what} on top of list"), Unit::Seconds, plan - list, Goal::AtMost(GOAL));
    table.remark(format!("a plan of 10,000 models takes {:.0} ms of CPU, their list {:.0} ms", plan * 1e3, list * 1e3));
}

/// A plan that keeps what it should not would be fast for nothing.
fn assert_all_go(plan: &str) {
    let plan: serde_json::Value = serde_json::from_str(plan).expect("prune prints JSON");
    let rows = plan["rows"].as_array().expect("it has rows");
    let going = rows.iter().filter(|row| row["verdict"] == "remove").count();
    assert_eq!(going, TREE_FILES, "every small model goes");
}
