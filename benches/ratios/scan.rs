//! Scanning 10,000 small models, new and known, against `find` over the same tree.

use crate::header::text;
use crate::measure::{in_turns, output, peak, wall};
use crate::stage::{Stage, TREE_FILES};
use crate::table::{Goal, Table, Unit};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes.
const MEMORY: Goal = Goal::AtMost(64e6);

pub fn measure(stage: &Stage, table: &mut Table) {
    let tree = stage.tree();
    let db = stage.db("tree");
    let find = || wall(&mut find(stage, &tree)).as_secs_f64();
    let scan = || stage.modelctl(&db, &["scan", text(&tree)]);

    let cold = || {
        stage.forget(&db);
        wall(&mut scan()).as_secs_f64()
    };
    table.compare("scan of 10,000 models, new", Unit::Seconds, in_turns(5, cold, find), "find -printf", Goal::None);
    stage.forget(&db);
    table.alone("scan of 10,000 models, new, peak memory", Unit::Bytes, peak(stage, &scan()), MEMORY);
    assert_all_there(stage, &db);

    let unchanged = || wall(&mut scan()).as_secs_f64();
    let times = in_turns(15, unchanged, find);
    table.compare("scan of 10,000 models, unchanged", Unit::Seconds, times, "find -printf", Goal::TimesAsMuch(3.0));
    table.alone("scan of 10,000 models, unchanged, peak memory", Unit::Bytes, peak(stage, &scan()), MEMORY);
    assert_all_there(stage, &db);
}

/// The database of a scan over the tree, made when it is not there.
pub fn scanned(stage: &Stage) -> PathBuf {
    let db = stage.db("tree");
    let tree = stage.tree();
    wall(&mut stage.modelctl(&db, &["scan", text(&tree)]));
    assert_all_there(stage, &db);
    db
}

fn find(stage: &Stage, tree: &Path) -> Command {
    stage.program("find", &[text(tree), "-type", "f", "-printf", "%s %T@ %p\\n"])
}

/// A scan that skipped something would be fast for nothing.
fn assert_all_there(stage: &Stage, db: &Path) {
    let list = output(&mut stage.modelctl(db, &["list", "--json"]));
    let list: serde_json::Value = serde_json::from_str(&list).expect("list prints JSON");
    let models = list["models"].as_array().expect("a list of models");
    let ready = models.iter().filter(|m| m["state"] == "ready").count();
    assert_eq!(ready, TREE_FILES, "every small model is known and ready");
}
