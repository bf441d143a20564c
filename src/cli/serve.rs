//! `modelctl serve`: the daemon that serves models and runs queued tasks as they come.

use super::{Ctx, Exit, graceful_stop_on_signals};
use crate::config::ServeFlags;
use crate::failure::{Failure, Kind, OrFail};
use crate::ops::OpEvent;
use crate::ops::run_tasks::in_words;
use crate::queue::executor::Summary;
use crate::serve::{Options, serve};
use crate::supervise::{Stop, on_hangup};
use crate::ui::{Ui, is_broken_pipe};
use clap::Args;
use std::path::PathBuf;

/// Serve models to clients and run queued tasks, until stopped
///
/// Clients of OpenAI's API find every model at http://127.0.0.1:4848/v1. A request starts the server of its model;
/// servers stay until they are idle or another model needs the memory. Queued tasks run on the same servers, after the
/// requests of clients: when a task is added or due, when another executor dies with tasks in progress, and at least
/// every OFFLOAD_POLL_S (30) seconds. SIGTERM finishes running work within a minute and returns the rest to the queue;
/// a second one stops at once. SIGHUP reloads the config. One daemon serves a database; a second one ends with exit
/// code 4.
///
/// Clients on this machine need no key unless `key_on_loopback = true` is set in `[serve]` of the config file.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Listen on this address: 127.0.0.1:4848 (the default), [::1]:4848, or the path of a Unix socket; may be repeated,
    /// and `none` leaves only --socket (also: MODELCTL_LISTEN, separated by commas)
    #[arg(long, value_name = "ADDRESS")]
    listen: Vec<String>,
    /// Unix socket for the command line, accessible to this user only [default: $XDG_RUNTIME_DIR/modelctl/serve.sock]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// File of the keys of clients on other machines, one `name:key:class` per line (class: interactive, normal or
    /// batch; optional), mode 0600; required for addresses that they can reach
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// Run this program for every event, with the event as JSON on its standard input, for at most 10 seconds (also:
    /// `[hooks] exec`)
    #[arg(long, value_name = "PROGRAM")]
    exec: Option<PathBuf>,
    /// Do not run queued tasks
    #[arg(long)]
    no_executor: bool,
    /// Print a JSON object per line for each run that did something
    #[arg(long)]
    json: bool,
}

impl ServeArgs {
    /// Returns the flags that are settings, which hold again when the config is read again.
    pub fn flags(&self) -> ServeFlags {
        ServeFlags {
            listen: self.listen.clone(),
            socket: self.socket.clone(),
            api_key_file: self.api_key_file.clone(),
            exec: self.exec.clone(),
        }
    }
}

pub fn run(ctx: &mut Ctx, args: &ServeArgs) -> anyhow::Result<Exit> {
    let stops = graceful_stop_on_signals()?;
    let hangups = on_hangup().or_fail(|| Failure::new(Kind::Bug, "cannot listen for signals"))?;
    let source = ctx.source.clone();
    let options = Options { runs_tasks: !args.no_executor, reload: Box::new(move || source.load()), hangups };
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
    let served = ctx.run_watching(&mut watch, |session, on| serve(session, options, &stops, on));
    match closed {
        Some(error) => Err(error),
        None => served.map(|()| Exit::Done),
    }
}

fn print(ui: &mut Ui, summary: &Summary, json: bool) -> anyhow::Result<()> {
    if json {
        ui.document_line(summary)?;
    } else if let Some(line) = in_words(summary) {
        ui.line(&line)?;
    }
    ui.flush()
}
