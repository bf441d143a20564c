//! Logs that are far larger than memory.

use super::{config, ours};
use crate::sandbox::{Sandbox, finish};
use std::fs::File;
use std::io::Write;
use std::process::Stdio;

/// Most memory of its own that a process may have, in KiB. The pages of the program itself, which are shared, do not count.
const MOST_KIB: u64 = 60 << 10;

/// Returns the memory of their own that our processes have together, in KiB.
fn own_memory(sandbox: &Sandbox) -> u64 {
    let of = |pid: u32| {
        // One that has ended has none.
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("0 kB");
            line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
        };
        field("RssAnon:") + field("RssShmem:")
    };
    ours(sandbox).into_iter().map(of).sum()
}

/// A triage that takes the memory of the node is the next incident.
#[test]
fn logs_of_ten_gigabytes_and_of_one_line_are_read_with_little_memory() {
    let sandbox = Sandbox::new();
    let log = |name: &str| File::create(sandbox.path(name)).unwrap();
    let mut sparse = log("sparse.log");
    sparse.set_len(10 << 30).unwrap();
    std::io::Seek::seek(&mut sparse, std::io::SeekFrom::End(0)).unwrap();
    sparse.write_all(b"\nERROR at the end of ten gigabytes\n").unwrap();
    let nothing = log("nul.log");
    nothing.set_len(1 << 30).unwrap();
    let mut long = log("long.log");
    for _ in 0..200 {
        long.write_all(&[b'x'; 1 << 20]).unwrap();
    }
    long.write_all(b"\nERROR after a long line\n").unwrap();
    let mut last = log("last.log");
    last.write_all(b"ERROR before a long line\n").unwrap();
    for _ in 0..30 {
        last.write_all(&[b'E'; 1 << 20]).unwrap();
    }
    let paths: Vec<String> = ["sparse", "nul", "long", "last"]
        .iter()
        .map(|name| format!("{:?}", sandbox.path(&format!("{name}.log"))))
        .collect();
    let config =
        config(&sandbox, &format!("[[services]]\nname = \"api\"\nmanager = \"none\"\nlogs = [{}]\n", paths.join(", ")));
    let mut command = sandbox.command(["--config", config.as_str(), "triage", "--look"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(own_memory(&sandbox));
    }
    let run = finish(child.wait_with_output().unwrap());
    assert!(run.code == Some(0) && run.out.contains("at the end of ten gigabytes"), "{run:?}");
    assert!(run.out.contains("after a long line"), "{}", run.out);
    assert!(run.out.len() < 1 << 20, "{} bytes of output", run.out.len());
    assert!(most < MOST_KIB, "{most} KiB");
}
