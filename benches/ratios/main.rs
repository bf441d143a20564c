//! modelctl against the programs an operator would otherwise use, as ratios within one run.
//!
//! `make bench`, or `make bench ONLY=GROUP`: header, scan, hub, million, list, verify, inuse, prune, run, queue,
//! recovery, offload, gateway. Contenders run in turns, A B A B, and the medians are
//! compared: what disturbs the machine disturbs both. Nothing here fails for being slow; it fails when a contender
//! does not do its work. The table goes to stdout, the figures to `target/bench/results.json`.
//!
//! Some contenders are this program itself in another role (`--as ROLE …`), so that each is a process of its own.
#![allow(clippy::disallowed_methods, reason = "benchmarks stand outside the house")]

mod chats;
mod gateway;
mod gguf;
mod header;
mod header_readers;
mod hub;
mod inuse;
mod list;
mod llama_server;
mod measure;
mod million;
mod offload;
#[cfg(feature = "llama")]
mod plain_loop;
mod prune;
mod queue;
mod real_models;
mod recovery;
mod run;
mod scan;
mod stage;
mod table;
mod verify;

use stage::Stage;
use table::Table;

type Group = (&'static str, fn(&Stage, &mut Table));

const GROUPS: [Group; 13] = [
    ("header", header::measure),
    ("scan", scan::measure),
    ("hub", hub::measure),
    ("million", million::measure),
    ("list", list::measure),
    ("verify", verify::measure),
    ("inuse", inuse::measure),
    ("prune", prune::measure),
    ("run", run::measure),
    ("queue", queue::measure),
    ("recovery", recovery::measure),
    ("offload", offload::measure),
    ("gateway", gateway::measure),
];

fn main() {
    // cargo adds `--bench`.
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let Some(("--as", rest)) = args.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        play(rest);
        return;
    }
    if let Some(unknown) = args.iter().find(|a| GROUPS.iter().all(|(name, _)| name != a)) {
        let names: Vec<&str> = GROUPS.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no group {unknown}; there are {}", names.join(", "));
        std::process::exit(2);
    }
    let stage = Stage::set();
    let mut table = Table::default();
    for (name, measure) in GROUPS {
        if args.is_empty() || args.iter().any(|a| a == name) {
            eprintln!("measuring {name} …");
            table.group = name;
            measure(&stage, &mut table);
        }
    }
    table.print();
    let results = stage.bench.join("results.json");
    std::fs::write(&results, table.json()).expect("the bench folder takes a file");
    println!("\nfigures: {}", results.display());
}

/// The roles this program plays as a contender.
fn play(role: &[String]) {
    let words: Vec<&str> = role.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["peak", command @ ..] => measure::report_peak(command),
        ["spin"] => measure::spin(),
        ["header-ours", path] => println!("{}", header_readers::ours(path.as_ref())),
        #[cfg(feature = "llama")]
        ["header-ggml", path] => println!("{}", header_readers::ggml(path.as_ref())),
        #[cfg(feature = "llama")]
        ["plain-loop", model, prompt, tokens] => {
            plain_loop::generate(model.as_ref(), prompt, tokens.parse().expect("a number of tokens"));
        }
        _ => panic!("no such role: {words:?}"),
    }
}
