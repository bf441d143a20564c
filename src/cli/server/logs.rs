use super::super::{Ctx, Exit, stop_on_signals};
use super::{daemon, named};
use crate::ops::daemon::{Follow, LogRow, Logs};
use clap::Args;

/// Show the log of a model server or a service
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl logs qwen3-8b\n  modelctl logs -f qwen3-8b\n  modelctl logs -n 20 --json qwen3-8b"
)]
pub struct LogsArgs {
    /// Id (or its first digits), alias, name or path; or the name of a service
    #[arg(value_name = "MODEL")]
    model: String,
    /// Follow new lines until interrupted
    #[arg(long, short)]
    follow: bool,
    /// Number of past lines; the daemon keeps 200
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    lines: usize,
    /// Print JSON: one document, or one object per line with --follow
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &LogsArgs) -> anyhow::Result<Exit> {
    let daemon = daemon(ctx)?;
    let row = named(ctx, &args.model)?;
    let path = format!("/api/models/servers/{}/logs?n={}&follow={}", row.id, args.lines, args.follow);
    if args.follow {
        let stop = stop_on_signals()?;
        daemon.follow(&path, &stop, |line: LogRow| {
            match args.json {
                true => ctx.ui.document_line(&line)?,
                false => ctx.ui.line(&line.text)?,
            }
            ctx.ui.flush()?;
            Ok(Follow::Continue(()))
        })?;
        return Ok(Exit::Done);
    }
    let logs: Logs = daemon.get(&path)?;
    if args.json {
        ctx.ui.json(&logs)?;
        return Ok(Exit::Done);
    }
    if logs.lines.is_empty() {
        ctx.ui.note("its server has logged nothing since the daemon started");
    }
    logs.lines.iter().try_for_each(|line| ctx.ui.line(&line.text))?;
    Ok(Exit::Done)
}
