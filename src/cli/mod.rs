//! One file per subcommand: its arguments, its recipe, its view. Nothing else prints (the terminal itself is `ui`'s).

mod batch;
mod completions;
mod duplicates;
mod exact;
mod fit;
mod forms;
mod history;
mod history_view;
mod inference;
mod keep;
mod list;
mod list_files;
mod list_stores;
#[cfg(test)]
mod list_tests;
mod man;
mod measure;
mod offload;
mod probe;
mod prune;
mod prune_again;
mod prune_file;
mod prune_view;
mod run_once;
#[cfg(test)]
mod sample;
mod scan;
mod scan_report;
mod select;
mod serve;
mod set;
mod show;
mod show_json;
#[cfg(test)]
mod show_tests;
mod show_view;
mod task;
mod tell_history;
mod trash;
mod trash_empty;
mod trash_settle;
mod trash_view;
mod turn;
mod verify;
mod verify_report;
mod worker;

#[cfg(test)]
pub(crate) use sample::sample_row;

use crate::clock::{self, Timestamp};
use crate::config::{Color, Config, Env, Flags};
use crate::db::{Access, Db};
use crate::failure::{CHANGED, EXIT_CODES, Failure, Kind, OrFail, classify};
use crate::supervise::Interrupt;
use crate::ui::{Ui, UiOptions, is_broken_pipe};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Find, inspect, run and look after the GGUF models on this machine
#[derive(Debug, Parser)]
#[command(name = "modelctl", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct Global {
    /// Read this config file instead of the one in the usual places
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use this model database (also: MODELCTL_DB)
    #[arg(long, global = true, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Print results, warnings and errors only
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(scan::ScanArgs),
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    Show(show::ShowArgs),
    Set(set::SetArgs),
    Keep(keep::KeepArgs),
    Verify(verify::VerifyArgs),
    Duplicates(duplicates::DuplicatesArgs),
    Prune(prune::PruneArgs),
    Trash(trash::TrashArgs),
    RunOnce(run_once::RunOnceArgs),
    Batch(batch::BatchArgs),
    Serve(serve::ServeArgs),
    Task(task::TaskArgs),
    Inference(inference::InferenceArgs),
    History(history::HistoryArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Worker(worker::WorkerArgs),
    Probe(probe::ProbeArgs),
    Measure(measure::MeasureArgs),
    Forms(forms::FormsArgs),
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// The answer was given and is bad (exit 1).
    Bad,
    /// Something was changed or would be, where that was asked for (exit 10).
    Changed,
}

impl Cli {
    /// Parses the command line; the exit code of a refusal, of `--help` and of `--version` is in the error.
    pub fn parse_args(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        command().try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches))
    }
}

/// The whole command line, as the parser, the man pages and the completions see it.
pub fn command() -> clap::Command {
    let table: String = EXIT_CODES.iter().map(|(code, meaning)| format!("\n  {code:>3}  {meaning}")).collect();
    Cli::command().after_help(format!("Exit codes:{table}"))
}

/// What every command is handed.
pub struct Ctx {
    pub ui: Ui,
    pub config: Config,
    /// When the command began; the time of everything it records.
    pub now: Timestamp,
    db: Option<(Access, Db)>,
}

impl Ctx {
    /// The model database, opened on first use.
    pub fn db(&mut self, access: Access) -> anyhow::Result<&mut Db> {
        let fits = matches!((&self.db, access), (Some((Access::ReadWrite, _)), _) | (Some(_), Access::ReadOnly));
        if !fits {
            // Close a read-only handle before the file is opened for writing.
            self.db = None;
        }
        let db = match self.db.take() {
            Some(open) => open,
            None => (access, Db::open(&self.config.database, access)?),
        };
        Ok(&mut self.db.insert(db).1)
    }

    /// Closes the model database; whoever needs it opens it anew.
    fn close_db(&mut self) {
        self.db = None;
    }
}

/// Turns SIGINT and SIGTERM into a switch, for commands that have something to put in order before they end. The others
/// die of the signal at once, which is right for them.
fn listen() -> anyhow::Result<Interrupt> {
    Interrupt::on_signals().or_fail(|| Failure::new(Kind::Bug, "cannot listen for signals"))
}

/// Runs one command line to its exit code.
pub fn main(parsed: Result<Cli, clap::Error>, env: Env) -> u8 {
    let cli = match parsed {
        Ok(cli) => cli,
        Err(refusal) => {
            // Help goes to stdout and may meet a closed pipe; there is nobody left to tell.
            let _ = refusal.print();
            return u8::try_from(refusal.exit_code()).unwrap_or(Kind::Usage.code());
        }
    };
    let flags = Flags { config: cli.global.config.clone(), database: cli.global.db.clone(), color: cli.global.color };
    let config = Config::load(&flags, &env);
    let color = config.as_ref().map_or(Color::Never, |c| c.color);
    let mut ui = Ui::new(UiOptions {
        color: color != Color::Never,
        force_color: color == Color::Always,
        width: config.as_ref().ok().and_then(|c| c.columns),
        quiet: cli.global.quiet,
        progress: true,
    });
    let outcome = match config {
        Ok(config) => {
            let mut ctx = Ctx { ui, config, now: clock::now(), db: None };
            let outcome = run(&mut ctx, &cli.command).and_then(|exit| {
                ctx.ui.flush()?;
                Ok(exit)
            });
            ui = ctx.ui;
            outcome
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(Exit::Done) => 0,
        Ok(Exit::Bad) => Kind::Answer.code(),
        Ok(Exit::Changed) => CHANGED,
        // The reader of our output has what it wanted (`modelctl list | head -1`).
        Err(error) if is_broken_pipe(&error) => 0,
        Err(error) => {
            ui.error(&error);
            classify(&error).0.code()
        }
    }
}

fn run(ctx: &mut Ctx, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Scan(args) => scan::run(ctx, args),
        Command::List(args) => list::run(ctx, args),
        Command::Show(args) => show::run(ctx, args),
        Command::Set(args) => set::run(ctx, args),
        Command::Keep(args) => keep::run(ctx, args),
        Command::Verify(args) => verify::run(ctx, args),
        Command::Duplicates(args) => duplicates::run(ctx, args),
        Command::Prune(args) => prune::run(ctx, args),
        Command::Trash(args) => trash::run(ctx, args),
        Command::RunOnce(args) => run_once::run(ctx, args),
        Command::Batch(args) => batch::run(ctx, args),
        Command::Serve(args) => serve::run(ctx, args),
        Command::Task(args) => task::run(ctx, args),
        Command::Inference(args) => inference::run(ctx, args),
        Command::History(args) => history::run(ctx, args),
        Command::Completions(args) => completions::run(ctx, args),
        Command::Man(args) => man::run(ctx, args),
        Command::Worker(args) => worker::run(ctx, args),
        Command::Probe(args) => probe::run(ctx, args),
        Command::Measure(args) => measure::run(ctx, args),
        Command::Forms(args) => forms::run(ctx, args),
    }
}

/// Path below the top of the repository and text of every file that is generated from the command line's own
/// description: manual pages and completion scripts. A test keeps them fresh.
///
/// # Errors
/// None in practice: all is rendered in memory.
pub fn generated() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    use clap_complete::Shell;
    let mut files: Vec<_> = man::pages()?.into_iter().map(|(name, page)| (format!("man/{name}"), page)).collect();
    for (shell, name) in [
        (Shell::Bash, "modelctl.bash"),
        (Shell::Zsh, "_modelctl"),
        (Shell::Fish, "modelctl.fish"),
        (Shell::Elvish, "modelctl.elv"),
    ] {
        files.push((format!("completions/{name}"), completions::script(shell)));
    }
    Ok(files)
}
