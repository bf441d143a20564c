//! What a plan costs in which all of 10,000 models go, against listing them: processor time, which several threads do
//! not hide. And that many rows take time in proportion to their number: to look through a saved plan, to carry it out, to
//! empty the trash.

use crate::measure::{cpu, in_turns, output, wall};
use crate::scan::scanned;
use crate::stage::{Stage, TREE_FILES};
use crate::table::{Goal, Table, Unit};
use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Whatever may go, goes; nothing is done. The check of who uses what is in it, over the processes that there are.
const PLAN: [&str; 5] = ["prune", "--unused-for", "1d", "--grace", "0"];
/// Seconds on top of the list.
const GOAL: f64 = 0.2;

pub fn measure(stage: &Stage, table: &mut Table) {
    age(&stage.tree());
    let db = scanned(stage);
    assert_all_go(&output(stage.modelctl(&db, &PLAN).arg("--json")));
    let plan = || cpu(&mut stage.modelctl(&db, &PLAN));
    let list = || cpu(&mut stage.modelctl(&db, &["list"]));
    let (plan, list) = in_turns(15, plan, list);
    let what = "plan in which 10,000 models go, CPU";
    table.compare(what, Unit::Seconds, (plan, list), "modelctl list", Goal::None);
    table.alone(format!("{what} on top of list"), Unit::Seconds, plan - list, Goal::AtMost(GOAL));
    many_rows(stage, table);
    table.remark(format!("a plan of 10,000 models takes {:.0} ms of CPU, their list {:.0} ms", plan * 1e3, list * 1e3));
}

/// A plan that keeps what it should not would be fast for nothing.
fn assert_all_go(plan: &str) {
    let plan: serde_json::Value = serde_json::from_str(plan).expect("prune prints JSON");
    let rows = plan["rows"].as_array().expect("it has rows");
    let going = rows.iter().filter(|row| row["verdict"] == "remove").count();
    assert_eq!(going, TREE_FILES, "every small model goes");
}

/// Rows of the plan that is looked through, and of the one that is carried out.
const LOOKED: usize = 50_000;
const MOVED: usize = 10_000;

fn many_rows(stage: &Stage, table: &mut Table) {
    let room = stage.bench.join("many-rows");
    let (db, plan) = (stage.db("many-rows"), stage.bench.join("many-rows.json"));
    let plan = plan.to_str().expect("the path of the target folder is UTF-8");
    let with = |more: &[&str]| stage.modelctl(&db, &[&PLAN[..], &["--allow-large"], more].concat());
    let seconds = |mut command: Command| wall(&mut command).as_secs_f64();
    let models = |count: usize| {
        stage.forget(&db);
        if room.exists() {
            fs::remove_dir_all(&room).expect("the old models can be removed");
        }
        let folder = room.join("models");
        fs::create_dir_all(&folder).expect("the target folder takes folders");
        for number in 0..count {
            let bytes = crate::gguf::fixture::small_model(&format!("model-{number:05}"));
            fs::write(folder.join(format!("model-{number:05}.gguf")), bytes).expect("the target folder takes files");
        }
        age(&folder);
        let folder = folder.to_str().expect("the path of the target folder is UTF-8");
        wall(&mut stage.modelctl(&db, &["scan", folder]));
    };
    models(LOOKED);
    let made = seconds(with(&["--plan", plan]));
    let looked = seconds(stage.modelctl(&db, &["prune", "--apply", plan]));
    let what = format!("{LOOKED} rows of a saved plan, looked through");
    table.compare(what, Unit::Seconds, (looked, made), "making and saving it", Goal::AtMost(5.0));
    models(MOVED);
    let moved = seconds(with(&["--confirm"]));
    table.alone(format!("{MOVED} models of one folder, moved to the trash"), Unit::Seconds, moved, Goal::AtMost(20.0));
    let emptied = seconds(stage.modelctl(&db, &["trash", "empty", "--confirm"]));
    table.alone(format!("{MOVED} items of the trash, emptied"), Unit::Seconds, emptied, Goal::AtMost(20.0));
    fs::remove_dir_all(&room).expect("the models can be removed");
    stage.forget(&db);
}

/// Makes every file below a folder a month old.
fn age(folder: &Path) {
    let then = SystemTime::now() - Duration::from_secs(30 * 86_400);
    let times = FileTimes::new().set_accessed(then).set_modified(then);
    for entry in fs::read_dir(folder).expect("the folder was just made") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            age(&path);
        } else {
            let file = File::options().write(true).open(&path).expect("the file was just made");
            file.set_times(times).expect("its owner may set its times");
        }
    }
}
