//! One file per subcommand: its arguments, its recipe, its view. No other module prints, except `ui`, which owns the
//! terminal.

mod args;
mod batch;
mod completions;
mod ctx;
mod dedupe;
mod df;
mod doctor;
mod duplicates;
mod examples;
mod health;
mod help;
mod hidden;
mod history;
mod inference;
mod keep;
mod lifecycle;
mod list;
mod man;
mod output_file;
mod prompt;
mod prune;
mod rm;
mod run_once;
mod scan;
mod schema;
mod serve;
mod server;
mod set;
mod show;
mod task;
mod top;
mod trash;
mod triage;
mod tune;
mod usage;
mod verify;
mod version;

use ctx::{ConfigSource, Ctx};
use hidden::{complete, grammars, launch, measure, probe, render, worker};

use crate::clock;
use crate::config::{Color, Config, Env, Flags, ServeFlags};
use crate::db::Access;
use crate::failure::{CHANGED, Failure, Kind, OrFail, classify};
use crate::health::Style;
use crate::health::format::nagios_failure;
use crate::ops::Session;
use crate::ops::run_tasks::Stops;
use crate::supervise::{StopSignal, end_bounded, page};
use crate::ui::{Ui, UiOptions, is_broken_pipe};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Time for short-lived children to end before the program does.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// Find, check, clean up, run and serve the GGUF models on this machine
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
    /// Read this config file instead of the one in the usual places; see modelctl.toml(5)
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Use this model database (also: MODELCTL_DB)
    #[arg(long, global = true, value_name = "FILE")]
    db: Option<PathBuf>,
    /// When to use color
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
    /// Print nothing unless something is wrong or was changed; commands that show something still show it
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Show all columns of a table, whole, even if its lines are wider than the terminal
    #[arg(long, global = true)]
    wide: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(scan::ScanArgs),
    #[command(visible_alias = "ls")]
    List(list::ListArgs),
    #[command(visible_alias = "du")]
    Df(df::DfArgs),
    #[command(visible_aliases = ["info", "inspect"])]
    Show(show::ShowArgs),
    Set(set::SetArgs),
    Keep(keep::KeepArgs),
    Health(Box<health::HealthArgs>),
    Verify(verify::VerifyArgs),
    Duplicates(duplicates::DuplicatesArgs),
    Dedupe(dedupe::DedupeArgs),
    Doctor(doctor::DoctorArgs),
    Prune(Box<prune::PruneArgs>),
    Rm(rm::RmArgs),
    Trash(trash::TrashArgs),
    Tune(tune::TuneArgs),
    #[command(visible_alias = "run")]
    RunOnce(run_once::RunOnceArgs),
    Batch(batch::BatchArgs),
    Serve(serve::ServeArgs),
    Start(server::start::StartArgs),
    Stop(server::stop::StopArgs),
    Restart(server::start::RestartArgs),
    StartAll(server::start::StartAllArgs),
    StopAll(server::stop::StopAllArgs),
    Ps(server::ps::PsArgs),
    Top(top::TopArgs),
    Status(lifecycle::status::StatusArgs),
    Why(lifecycle::why::WhyArgs),
    Lifecycle(lifecycle::LifecycleArgs),
    Priority(lifecycle::priority::PriorityArgs),
    Offload(lifecycle::offload::OffloadArgs),
    Logs(server::logs::LogsArgs),
    Events(server::events::EventsArgs),
    Task(task::TaskArgs),
    Inference(inference::InferenceArgs),
    History(history::HistoryArgs),
    Triage(Box<triage::TriageArgs>),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Version(version::VersionArgs),
    Worker(worker::WorkerArgs),
    Probe(probe::ProbeArgs),
    Render(render::RenderArgs),
    Measure(measure::MeasureArgs),
    Forms(grammars::GrammarsArgs),
    Launch(launch::LaunchArgs),
    #[command(name = "__complete", hide = true)]
    Complete(complete::CompleteArgs),
}

/// Result of a command that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// The command gave an answer, and the answer is bad (exit 1).
    Bad,
    /// Something was changed or would be, and `--exit-code` was given (exit 10).
    Changed,
    /// The answer has an exit code of its own (`health --exit-style`).
    Code(u8),
}

impl Cli {
    /// Parses the command line. The error of a refusal, of `--help` and of `--version` holds the exit code.
    pub fn parse_args(args: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let args: Vec<OsString> = args.into_iter().collect();
        let matches = command().try_get_matches_from(&args);
        let cli = matches.and_then(|matches| {
            usage::check_formats(&matches)?;
            Cli::from_arg_matches(&matches)
        });
        cli.map_err(|refusal| usage::in_our_words(refusal, &command(), &args))
    }
}

/// Returns the whole command line, as the parser, the man pages and the completions see it.
pub fn command() -> clap::Command {
    help::complete(usage::with_formats(Cli::command()))
}

/// Turns SIGINT and SIGTERM into a request to stop, for commands that must clean up before they end. The other commands
/// are ended by the signal at once, which is right for them.
fn stop_on_signals() -> anyhow::Result<StopSignal> {
    StopSignal::on_signals().or_fail(|| Failure::new(Kind::Bug, "cannot listen for signals"))
}

/// Like [`stop_on_signals`], for work that is finished before the command ends: the first signal asks to finish, the
/// second to stop quickly, and the third ends the program at once.
fn graceful_stop_on_signals() -> anyhow::Result<Stops> {
    let signals = StopSignal::on_signals_twice().or_fail(|| Failure::new(Kind::Bug, "cannot listen for signals"))?;
    Ok(Stops { graceful: signals.0, forced: signals.1 })
}

/// Runs one command line and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>, env: Env) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let (style, json) = (health::style_of(&args), usage::wants_json(&args));
    let cli = match Cli::parse_args(args) {
        Ok(cli) => cli,
        Err(refusal) => return refused(&refusal, style, json),
    };
    if let Command::Launch(args) = &cli.command {
        return launch::run(args);
    }
    let serve = match &cli.command {
        Command::Serve(args) => args.flags(),
        _ => ServeFlags::default(),
    };
    let (mut config, mut database) = (cli.global.config.clone(), cli.global.db.clone());
    if let Command::Complete(args) = &cli.command {
        (config, database) = (args.value_of("--config"), args.value_of("--db"));
    }
    let flags = Flags { config, database, color: cli.global.color, serve };
    let config = Config::load(&flags, &env);
    let color = config.as_ref().map_or(Color::Never, |c| c.color);
    let mut ui = Ui::new(UiOptions {
        color: color != Color::Never,
        force_color: color == Color::Always,
        width: config.as_ref().ok().and_then(|c| c.columns),
        quiet: cli.global.quiet,
        progress: true,
        json_errors: json,
        wide: cli.global.wide,
    });
    if let Ok(config) = &config {
        ui.set_home(config.home.clone());
        // Without a keyboard nobody could close it.
        if !config.is_terminal_dumb && std::io::stdin().is_terminal() {
            let pager = config.pager.clone();
            ui.set_pager(Box::new(move |text| page(pager.as_deref(), text)));
        }
    }
    let outcome = match config {
        Ok(config) => {
            let source = ConfigSource { flags, env };
            let mut ctx = Ctx { ui, session: Session::new(config, clock::now()), source };
            let outcome = run(&mut ctx, &cli.command).and_then(|exit| {
                ctx.ui.flush()?;
                Ok(exit)
            });
            ctx.print_notices();
            ui = ctx.ui;
            outcome
        }
        Err(error) => Err(error),
    };
    // What a command left behind when it was interrupted, or out of time.
    end_bounded(LAST_WAIT);
    match outcome {
        Ok(Exit::Done) => 0,
        Ok(Exit::Bad) => Kind::Answer.code(),
        Ok(Exit::Changed) => CHANGED,
        Ok(Exit::Code(code)) => code,
        // The reader of our output has read what it wanted (`modelctl list | head -1`).
        Err(error) if is_broken_pipe(&error) => 0,
        Err(error) => failed(&mut ui, &error, style),
    }
}

/// Prints help, a version or what is wrong with a command line, and returns the exit code.
fn refused(refusal: &clap::Error, style: Style, json: bool) -> u8 {
    if style == Style::Nagios && refusal.use_stderr() {
        // Plugins say on stdout what is wrong. It may be a closed pipe; then there is no reader to report that to.
        let _ = write!(std::io::stdout(), "{}", nagios_failure(&refusal.to_string()));
    } else if json && refusal.use_stderr() {
        Ui::new(UiOptions { json_errors: true, ..UiOptions::default() }).report(&usage::report(refusal));
    } else {
        // As above.
        let _ = refusal.print();
    }
    match u8::try_from(refusal.exit_code()).unwrap_or(Kind::Usage.code()) {
        0 => style.help(),
        code => style.failure(code),
    }
}

/// Prints why a command failed, and returns the exit code.
fn failed(ui: &mut Ui, error: &anyhow::Error, style: Style) -> u8 {
    let code = classify(error).0.code();
    if style == Style::Nagios && code < Kind::Interrupted.code() {
        // As above.
        let _ = ui.raw(nagios_failure(&format!("{error:#}")).as_bytes()).and_then(|()| ui.flush());
    } else {
        ui.error(error);
    }
    style.failure(code)
}

fn run(ctx: &mut Ctx, command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::Scan(args) => scan::run(ctx, args),
        Command::List(args) => list::run(ctx, args),
        Command::Df(args) => df::run(ctx, args),
        Command::Show(args) => show::run(ctx, args),
        Command::Set(args) => set::run(ctx, args),
        Command::Keep(args) => keep::run(ctx, args),
        Command::Health(args) => health::run(ctx, args),
        Command::Verify(args) => verify::run(ctx, args),
        Command::Duplicates(args) => duplicates::run(ctx, args),
        Command::Dedupe(args) => dedupe::run(ctx, args),
        Command::Doctor(args) => doctor::run(ctx, args),
        Command::Prune(args) => prune::run(ctx, args),
        Command::Rm(args) => rm::run(ctx, args),
        Command::Trash(args) => trash::run(ctx, args),
        Command::Tune(args) => tune::run(ctx, args),
        Command::RunOnce(args) => run_once::run(ctx, args),
        Command::Batch(args) => batch::run(ctx, args),
        Command::Serve(args) => serve::run(ctx, args),
        Command::Start(args) => server::start::run(ctx, args),
        Command::Stop(args) => server::stop::run(ctx, args),
        Command::Restart(args) => server::start::restart(ctx, args),
        Command::StartAll(args) => server::start::run_all(ctx, args),
        Command::StopAll(args) => server::stop::run_all(ctx, args),
        Command::Ps(args) => server::ps::run(ctx, args),
        Command::Top(args) => top::run(ctx, args),
        Command::Status(args) => lifecycle::status::run(ctx, args),
        Command::Why(args) => lifecycle::why::run(ctx, args),
        Command::Lifecycle(args) => lifecycle::run(ctx, args),
        Command::Priority(args) => lifecycle::priority::run(ctx, args),
        Command::Offload(args) => lifecycle::offload::run(ctx, args),
        Command::Logs(args) => server::logs::run(ctx, args),
        Command::Events(args) => server::events::run(ctx, args),
        Command::Task(args) => task::run(ctx, args),
        Command::Inference(args) => inference::run(ctx, args),
        Command::History(args) => history::run(ctx, args),
        Command::Triage(args) => triage::run(ctx, args),
        Command::Schema(args) => schema::run(ctx, args),
        Command::Completions(args) => completions::run(ctx, args),
        Command::Man(args) => man::run(ctx, args),
        Command::Version(args) => version::run(ctx, args),
        Command::Worker(args) => worker::run(ctx, args),
        Command::Probe(args) => probe::run(ctx, args),
        Command::Render(args) => render::run(ctx, args),
        Command::Measure(args) => measure::run(ctx, args),
        Command::Forms(args) => grammars::run(ctx, args),
        Command::Complete(args) => complete::run(ctx, args),
        // `main` handles this command, before a context exists.
        Command::Launch(_) => Ok(Exit::Done),
    }
}

/// Returns the path, below the top of the repository, and the text of every file that is generated from the description
/// of the command line: manual pages and completion scripts. A test checks that they are up to date.
///
/// # Errors
/// None in practice: all is rendered in memory.
pub fn generated() -> std::io::Result<Vec<(String, Vec<u8>)>> {
    use completions::Shell;
    let mut files: Vec<_> = man::pages()?.into_iter().map(|(name, page)| (format!("man/{name}"), page)).collect();
    for (shell, name) in [
        (Shell::Bash, "modelctl.bash"),
        (Shell::Zsh, "_modelctl"),
        (Shell::Fish, "modelctl.fish"),
        (Shell::Elvish, "modelctl.elv"),
        (Shell::Nushell, "modelctl.nu"),
        (Shell::Powershell, "_modelctl.ps1"),
    ] {
        files.push((format!("completions/{name}"), completions::script(shell)));
    }
    Ok(files)
}
