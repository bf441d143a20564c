//! What the fuzzer begins with: every file that the tests know how to make, the hostile ones included.

#[path = "gguf.rs"]
mod gguf;

use gguf::fixture::{embedding, hostile, imatrix, lora, mmproj, shard, small_model};
use std::path::Path;

/// Longer ones are hostile by their size alone, which the tests cover; as seeds they would make every turn slow.
const LONGEST: usize = 64 << 10;

/// Writes them into the folder that `SEEDS` names, if it is set. Called before the fuzzer looks into its folders.
pub fn write() {
    let Some(folder) = std::env::var_os("SEEDS") else { return };
    let mut seeds = vec![
        ("small model".to_owned(), small_model("seed")),
        ("shard".to_owned(), shard("seed", 1, 3)),
        ("projector".to_owned(), mmproj(64)),
        ("adapter".to_owned(), lora()),
        ("imatrix".to_owned(), imatrix()),
        ("embedding".to_owned(), embedding("seed")),
    ];
    seeds.extend(hostile().into_iter().map(|(name, bytes)| (format!("hostile {name}"), bytes)));
    for (name, bytes) in seeds.into_iter().filter(|(_, bytes)| bytes.len() <= LONGEST) {
        let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let path = Path::new(&folder).join(name);
        std::fs::write(&path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
}
