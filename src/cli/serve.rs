//! `modelctl serve`: the daemon that runs queued tasks as they come.

use super::{Ctx, Exit, graceful_stop_on_signals};
use crate::ops::OpEvent;
use crate::ops::run_tasks::in_words;
use crate::queue::executor::Summary;
use crate::serve::serve;
use crate::supervise::Stop;
use crate::ui::{Ui, is_broken_pipe};
use clap::Args;

/// Run queued tasks as they come, until stopped
///
/// The executor of `run-once` as a daemon: it begins when a task is added, when one that waits for its time is due, when
/// another executor is killed with tasks in its hands, and looks every OFFLOAD_POLL_S (30) seconds in any case. A model is in
/// memory only while tasks are due that it may serve. `run-once` and `batch` may run beside it: whoever has the model takes
/// everybody's tasks, the others wait. SIGTERM finishes what is running within a minute and gives the rest back; a second
/// one hurries. One daemon serves a database; a second one ends with exit code 4.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Print a JSON object for each run that did something, one a line
    #[arg(long)]
    json: bool,
}

pub fn run(ctx: &mut Ctx, args: &ServeArgs) -> anyhow::Result<Exit> {
    let stops = graceful_stop_on_signals()?;
    let mut closed = None;
    let mut watch = |ui: &mut Ui, event: &OpEvent| {
        let OpEvent::RunEnded(summary) = event else { return };
        match print(ui, summary, args.json) {
            Ok(()) => {}
            Err(error) if is_broken_pipe(&error) => {
                // The reader of the results is gone.
                stops.graceful.request(Stop::Interrupted);
                closed = Some(error);
            }
            Err(error) => ui.error(&error),
        }
    };
    let served = ctx.run_watching(&mut watch, |session, on| serve(session, &stops, on));
    match closed {
        Some(error) => Err(error),
        None => served.map(|()| Exit::Done),
    }
}

fn print(ui: &mut Ui, summary: &Summary, json: bool) -> anyhow::Result<()> {
    if json {
        let mut line = serde_json::to_vec(summary)?;
        line.push(b'\n');
        ui.raw(&line)?;
    } else if let Some(line) = in_words(summary) {
        ui.line(&line)?;
    }
    ui.flush()
}
