use crate::clock::Timestamp;
use crate::config::TriageConfig;
use crate::ops::node::{CollectRequest, Where};
use crate::ops::triage::{Request, Source};
use crate::triage::JudgeOptions;
use crate::triage::finding::Playbook;
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::args::limit;

/// Find out why a service on this node fails: one cause, its proof, the smallest next step and its undo
///
/// Examines supervisord and systemd, logs, the kernel log, processes, model files, GPUs, memory, disks and endpoints
/// together. It changes and restarts nothing: steps are only printed. Passwords, keys, prompts and answers are redacted
/// in everything that it prints or writes. What could not be checked is listed as unknown, with the missing permission.
/// Exits with 1 if there is a critical or warning finding, or if something that the config or an option asks for could
/// not be checked.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("view").args(["look", "map", "checklist", "explain", "rules"]),
    after_help = "Examples:\n  modelctl triage\n  modelctl triage --service llama --since 4h\n  modelctl triage \
                  --bundle /tmp/node1.tar.zst\n  modelctl triage --from node1.tar.zst --all\n  modelctl triage --json \
                  | jq '.findings[0] | {service, cause, command}'"
)]
pub struct TriageArgs {
    /// How far back to look
    #[arg(long, value_name = "TIME", value_parser = limit, conflicts_with = "from")]
    pub since: Option<Duration>,
    /// Only services of this playbook, and the node
    #[arg(long, value_name = "NAME")]
    pub playbook: Option<Book>,
    /// Only this service, and the node (repeatable)
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// Apply only this rule (repeatable)
    #[arg(long, value_name = "RULE")]
    pub only: Vec<String>,
    /// Skip this rule (repeatable)
    #[arg(long, value_name = "RULE")]
    pub skip: Vec<String>,
    /// Show everything: hints, all lines of proof, explained findings, collector times
    #[arg(long)]
    pub all: bool,
    /// Print JSON (with --look: the facts; with --map: the files)
    #[arg(long, conflicts_with = "explain")]
    pub json: bool,
    /// Also write facts and report to this new file (.tar or .tar.zst, mode 0600, at most 64 MiB)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["explain", "rules", "checklist"])]
    pub bundle: Option<PathBuf>,
    /// Use the facts in this bundle instead of those of this node
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "deep", "checklist", "sysroot", "kmsg", "journal", "now"])]
    pub from: Option<PathBuf>,
    /// Save the current state as the baseline, or show what differs from it
    #[arg(long, value_name = "WHAT", conflicts_with = "view")]
    pub baseline: Option<Baseline>,
    /// Also request one token from servers with a free slot, and import torch in a child process
    #[arg(long)]
    pub deep: bool,
    /// Show where the config, launcher, code, models and logs of each service are
    #[arg(long)]
    pub map: bool,
    /// Show the facts without a verdict: states, log tails, GPUs, memory, endpoints
    #[arg(long)]
    pub look: bool,
    /// After a fix: check that programs, endpoints and model files stay stable
    #[arg(long)]
    pub checklist: bool,
    /// How long --checklist watches
    #[arg(long, value_name = "TIME", value_parser = limit, requires = "checklist", default_value = "60s")]
    pub watch: Duration,
    /// Show what a rule recognizes, and why
    #[arg(long, value_name = "RULE")]
    pub explain: Option<String>,
    /// List all rules
    #[arg(long)]
    pub rules: bool,
    /// Use this directory as /
    #[arg(long, value_name = "DIR", hide = true)]
    pub sysroot: Option<PathBuf>,
    /// Use this file as the kernel log
    #[arg(long, value_name = "FILE", hide = true)]
    pub kmsg: Option<PathBuf>,
    /// Use this file as the journal
    #[arg(long, value_name = "FILE", hide = true)]
    pub journal: Option<PathBuf>,
    /// Use this time as now
    #[arg(long, value_name = "TIME", value_parser = time, hide = true)]
    pub now: Option<Timestamp>,
}

/// A playbook as named on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Book {
    Api,
    Llama,
    Worker,
    Whisper,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Baseline {
    Save,
    Diff,
}

fn time(text: &str) -> Result<Timestamp, String> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed.map(|time| Timestamp(time.as_millisecond())).map_err(|error| error.to_string())
}

impl TriageArgs {
    /// Returns what the recipe is asked for. Flags win over the config.
    pub fn request(&self, config: &TriageConfig) -> Request {
        let root = self.sysroot.clone().unwrap_or_else(|| PathBuf::from("/"));
        let collect = CollectRequest {
            at: Where { root, ..Where::default() },
            since: self.since.unwrap_or(config.since),
            kmsg: self.kmsg.clone(),
            journal: self.journal.clone(),
            deep: self.deep,
            ..CollectRequest::default()
        };
        let playbook = self.playbook.map(|book| match book {
            Book::Api => Playbook::Api,
            Book::Llama => Playbook::Llama,
            Book::Worker => Playbook::Worker,
            Book::Whisper => Playbook::Whisper,
        });
        Request {
            source: self.from.clone().map_or(Source::Node(collect), Source::Bundle),
            options: JudgeOptions {
                only: self.only.clone(),
                skip: self.skip.iter().chain(&config.skip).cloned().collect(),
                services: self.service.clone(),
                playbook,
                last: None,
            },
            bundle: self.bundle.clone(),
        }
    }
}
