//! Reading every byte of 4 GB in 8 files, page cache warm, against `sha256sum` over the same files.

use crate::gguf::fixture::Gguf;
use crate::header::text;
use crate::measure::{in_turns, output, peak, wall};
use crate::stage::Stage;
use crate::table::{Goal, Table, Unit};
use modelctl::gguf::read_bytes;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const FILES: usize = 8;
/// Bytes of tensor data in each.
const DATA: u64 = 512 << 20;
/// Changes when the generated files do.
const STAMP: &str = "8 models of 512 MiB, 1\n";
/// Times; with more cores it is more.
const GOAL_ON_TWO_CORES: f64 = 1.9;

pub fn measure(stage: &Stage, table: &mut Table) {
    let files = large_files(stage);
    let folder = stage.bench.join("large");
    let db = stage.db("large");
    stage.forget(&db);
    wall(&mut stage.modelctl(&db, &["scan", text(&folder)]));
    // Into the page cache, so that no disk is measured.
    for file in &files {
        let mut file = File::open(file).expect("it was just made");
        io::copy(&mut file, &mut io::sink()).expect("it can be read");
    }
    let names: Vec<&str> = files.iter().map(|f| text(f)).collect();
    let verify = || stage.modelctl(&db, &["verify", "--all", "--hash", "--again"]);
    let ours = || wall(&mut verify()).as_secs_f64();
    let theirs = || wall(&mut stage.program("sha256sum", &names)).as_secs_f64();
    let goal = if crate::measure::cores() >= 2 { Goal::TimesLess(GOAL_ON_TWO_CORES) } else { Goal::None };
    let times = in_turns(3, ours, theirs);
    table.compare("verify of 4 GB in 8 files", Unit::Seconds, times, "sha256sum", goal);
    table.alone("verify of 4 GB in 8 files, peak memory", Unit::Bytes, peak(stage, &verify()), Goal::AtMost(64e6));
    assert_same_hashes(stage, &db, &files);
}

/// A verification that hashed something else would be fast for nothing.
fn assert_same_hashes(stage: &Stage, db: &Path, files: &[PathBuf]) {
    let report = output(&mut stage.modelctl(db, &["verify", "--all", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&report).expect("verify prints JSON");
    let models = report["models"].as_array().expect("a list of models");
    assert_eq!(models.len(), files.len(), "every file is a model");
    let names: Vec<&str> = files.iter().map(|f| text(f)).collect();
    let sums = output(&mut stage.program("sha256sum", &names));
    for model in models {
        let file = &model["files"][0];
        let (hash, path) = (file["sha256"].as_str().unwrap_or("none"), file["path"].as_str().unwrap_or("none"));
        assert!(sums.lines().any(|line| line == format!("{hash}  {path}")), "{path} has another hash than {hash}");
    }
}

fn large_files(stage: &Stage) -> Vec<PathBuf> {
    let folder = stage.bench.join("large");
    let files: Vec<PathBuf> = (0..FILES).map(|no| folder.join(format!("large-{no}.gguf"))).collect();
    let stamp = stage.bench.join("large.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|s| s == STAMP) {
        return files;
    }
    eprintln!("  writing {FILES} models of {} MiB …", DATA >> 20);
    fs::create_dir_all(&folder).expect("the target folder takes folders");
    for (no, path) in files.iter().enumerate() {
        let name = format!("large-{no}");
        let mut bytes =
            Gguf::new("llama").name(&name).tensor("token_embd.weight", &[1 << 18, DATA >> 20], "F32").build();
        // The generator leaves data of that size out.
        let offset = usize::try_from(read_bytes(&bytes).expect("a header").data_offset).expect("a small header");
        bytes.resize(offset + usize::try_from(DATA).expect("an address"), 0);
        noise(no as u64, &mut bytes[offset..]);
        fs::write(path, bytes).expect("the target folder takes files");
    }
    // What was written must be on disk, or writing it back would disturb what is measured.
    File::open(&folder).and_then(|folder| rustix::fs::syncfs(&folder).map_err(Into::into)).expect("it can be synced");
    fs::write(&stamp, STAMP).expect("the target folder takes files");
    files
}

/// Marsaglia's xorshift64: as good as weights for a hash, and the same on every machine.
fn noise(seed: u64, bytes: &mut [u8]) {
    let mut state = 0x9e37_79b9_7f4a_7c15 ^ seed;
    let mut tail = bytes.chunks_exact_mut(8);
    for word in &mut tail {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        word.copy_from_slice(&state.to_le_bytes());
    }
    let last = state.to_le_bytes();
    let rest = tail.into_remainder();
    let length = rest.len();
    rest.copy_from_slice(&last[..length]);
}
