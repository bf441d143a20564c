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

/// Find out why a service of this node fails: one cause, its proof, the smallest next step and how to undo it
///
/// Looks at supervisord and systemd, logs, the kernel log, processes, model files, GPUs, memory, disks and endpoints together.
/// It changes nothing and restarts nothing: steps are printed, not taken. Passwords, keys, prompts and answers are replaced
/// in everything that it prints or writes. What could not be looked at is listed as unknown, with the right that is missing.
/// Exits with 1 when there is a critical or warning finding, or when something that the configuration or an option asks for
/// could not be looked at.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("view").args(["look", "map", "checklist", "explain", "rules"]),
    after_help = "Examples:\n  modelctl triage\n  modelctl triage --service llama --since 4h\n  modelctl triage --bundle /tmp/node1.tar.zst\n  modelctl triage --from node1.tar.zst --all\n  modelctl triage --json | jq '.findings[0] | {service, cause, command}'"
)]
pub struct TriageArgs {
    /// Look back this far
    #[arg(long, value_name = "TIME", value_parser = limit, conflicts_with = "from")]
    pub since: Option<Duration>,
    /// Only services of this playbook, and the node
    #[arg(long, value_name = "NAME")]
    pub playbook: Option<Book>,
    /// Only this service, and the node; may be given several times
    #[arg(long, value_name = "NAME")]
    pub service: Vec<String>,
    /// Only this rule; may be given several times
    #[arg(long, value_name = "RULE")]
    pub only: Vec<String>,
    /// All rules but this one; may be given several times
    #[arg(long, value_name = "RULE")]
    pub skip: Vec<String>,
    /// Show everything: hints, every line of proof, what is explained, the time of each collector
    #[arg(long)]
    pub all: bool,
    /// Print a JSON object (with --look: the facts; with --map: the files)
    #[arg(long, conflicts_with = "explain")]
    pub json: bool,
    /// Also write facts and answer to this new file (.tar or .tar.zst, mode 0600, at most 64 MiB)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["explain", "rules", "checklist"])]
    pub bundle: Option<PathBuf>,
    /// Judge the facts of this bundle instead of those of this node
    #[arg(long, value_name = "FILE", conflicts_with_all = ["baseline", "deep", "checklist", "sysroot", "kmsg", "journal", "now"])]
    pub from: Option<PathBuf>,
    /// Save this state as the good one, or show what differs from it
    #[arg(long, value_name = "WHAT", conflicts_with = "view")]
    pub baseline: Option<Baseline>,
    /// Also ask a server that has a free slot for a token, and import torch in a child process
    #[arg(long)]
    pub deep: bool,
    /// Show for each service where its configuration, launcher, code, models and logs are
    #[arg(long)]
    pub map: bool,
    /// Show the facts without a verdict: states, the end of each log, GPU, memory, endpoints
    #[arg(long)]
    pub look: bool,
    /// After a fix: watch that programs, endpoints and model files stay as they are
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
    /// Take this folder for /
    #[arg(long, value_name = "DIR", hide = true)]
    pub sysroot: Option<PathBuf>,
    /// Read this file as the kernel log
    #[arg(long, value_name = "FILE", hide = true)]
    pub kmsg: Option<PathBuf>,
    /// Read this file as the journal
    #[arg(long, value_name = "FILE", hide = true)]
    pub journal: Option<PathBuf>,
    /// Take this time for now
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
