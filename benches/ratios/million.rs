//! What a scan takes of memory in a folder with a million files that are no models.

use crate::header::text;
use crate::measure::{in_turns, output, peak, wall};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use std::fs::{self, File};
use std::path::PathBuf;

const FOLDERS: usize = 1000;
const FILES: usize = 1000;
/// Changes when the generated files do.
const STAMP: &str = "a million files and a model, 1\n";
/// Bytes.
const MEMORY: Goal = Goal::AtMost(64e6);

pub fn measure(stage: &Stage, table: &mut Table) {
    let root = root(stage);
    let db = stage.db("million");
    let scan = || stage.modelctl(&db, &["scan", text(&root)]);
    stage.forget(&db);
    table.alone("scan of a million other files, new, peak memory", Unit::Bytes, peak(stage, &scan()), MEMORY);
    table.alone("scan of a million other files, unchanged, peak memory", Unit::Bytes, peak(stage, &scan()), MEMORY);
    let find = || wall(&mut stage.program("find", &[text(&root), "-name", "*.gguf"])).as_secs_f64();
    let times = in_turns(3, || wall(&mut scan()).as_secs_f64(), find);
    table.compare("scan of a million other files", Unit::Seconds, times, "find -name", Goal::None);
    let list = output(&mut stage.modelctl(&db, &["list", "--json"]));
    let list: serde_json::Value = serde_json::from_str(&list).expect("list prints JSON");
    let models = list["models"].as_array().expect("a list of models");
    assert_eq!(models.len(), 1, "the model in the haystack is found");
}

fn root(stage: &Stage) -> PathBuf {
    let root = stage.bench.join("million");
    let stamp = stage.bench.join("million.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|s| s == STAMP) {
        return root;
    }
    eprintln!("  writing a million empty files …");
    for folder in 0..FOLDERS {
        let folder = root.join(format!("folder-{folder:03}"));
        fs::create_dir_all(&folder).expect("the target folder takes folders");
        for file in 0..FILES {
            File::create(folder.join(format!("file-{file:03}.bin"))).expect("the target folder takes files");
        }
    }
    let needle = crate::gguf::fixture::small_model("needle");
    fs::write(root.join("folder-500/needle-Q4_0.gguf"), needle).expect("the target folder takes files");
    fs::write(&stamp, STAMP).expect("the target folder takes files");
    root
}
