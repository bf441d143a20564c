use super::super::{Ctx, Exit, stop_on_signals};
use super::{daemon, interrupted, resolved};
use crate::clock;
use crate::failure::{ErrorReport, Failure, Kind};
use crate::model::ModelId;
use crate::ops::daemon::{Daemon, OnServers, ServerRow, StartAllReply, StartReply};
use crate::supervise::StopSignal;
use crate::ui::{Document, Progress, Ui, text, units};
use clap::Args;
use serde::Serialize;

/// Start model servers and wait until they are ready
///
/// The daemon (`modelctl serve`) loads them. Idle servers of other models are stopped if the memory is needed; pinned
/// ones are not. Ctrl-C stops waiting, not loading.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl start qwen3-8b\n  modelctl start qwen3-8b gemma-3-4b\n  modelctl start smollm2 --json | jq '.servers[0].port'"
)]
pub struct StartArgs {
    /// Id (or its first digits), alias, name or path; or the name of a service
    #[arg(value_name = "MODEL", required = true)]
    models: Vec<String>,
    /// Print the servers as JSON
    #[arg(long)]
    json: bool,
}

/// Restart model servers, with their current settings
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl restart qwen3-8b\n  modelctl restart --now qwen3-8b\n  modelctl set qwen3-8b --context 16384 && modelctl restart qwen3-8b"
)]
pub struct RestartArgs {
    #[arg(
        value_name = "MODEL",
        required = true,
        help = "Id (or its first digits), alias, name or path; or the name of a service"
    )]
    models: Vec<String>,
    /// Cancel running answers instead of waiting for them
    #[arg(long)]
    now: bool,
    /// Print the servers as JSON
    #[arg(long)]
    json: bool,
}

/// Start the servers of all enabled models, smallest first
///
/// Models that do not fit together with the others are reported; nothing is stopped to make room for them.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl start-all\n  modelctl start-all --json | jq '.failed[]'\n  modelctl set big-model --disable && modelctl start-all"
)]
pub struct StartAllArgs {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// The document of `start --json` and `restart --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct StartReport<'a> {
    servers: &'a [StartReply],
    errors: &'a [Refused],
}

#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Refused {
    model_id: ModelId,
    #[serde(flatten)]
    error: ErrorReport,
}

impl Document for StartReport<'_> {
    const SCHEMA: &'static str = "modelctl.start/1";
}

pub fn run(ctx: &mut Ctx, args: &StartArgs) -> anyhow::Result<Exit> {
    let daemon = daemon(ctx)?;
    start(ctx, &daemon, &args.models, args.json, None)
}

pub fn restart(ctx: &mut Ctx, args: &RestartArgs) -> anyhow::Result<Exit> {
    let daemon = daemon(ctx)?;
    start(ctx, &daemon, &args.models, args.json, Some(args.now))
}

/// Starts models one after the other. `stop_first`: whether their answers are cut before.
fn start(
    ctx: &mut Ctx,
    daemon: &Daemon,
    models: &[String],
    json: bool,
    stop_first: Option<bool>,
) -> anyhow::Result<Exit> {
    let rows = resolved(ctx, models)?;
    let signal = stop_on_signals()?;
    let (mut started, mut refused, mut first) = (Vec::new(), Vec::new(), None);
    for row in &rows {
        match one(&ctx.ui, daemon, &row.id, stop_first, &signal) {
            Ok(Some(reply)) => {
                if !json {
                    ctx.ui.note(&sentence(&reply));
                }
                started.push(reply);
            }
            Ok(None) => {
                let goes_on = "the server is still starting: see `modelctl ps`, stop it with `modelctl stop`";
                return Err(interrupted(&signal, goes_on).into());
            }
            Err(error) => {
                refused.push(Refused { model_id: row.id.clone(), error: ErrorReport::of(&error) });
                match rows.len() {
                    1 => first = first.or(Some(error)),
                    _ => {
                        ctx.ui.error(&error);
                        first = first.or_else(|| Some(summary(&error, &text::clean(&row.name))));
                    }
                }
            }
        }
    }
    if json {
        ctx.ui.document(&StartReport { servers: &started, errors: &refused })?;
    }
    match first {
        Some(error) => Err(error),
        None => Ok(Exit::Done),
    }
}

/// Returns the last word on several models, one of which was refused.
fn summary(error: &anyhow::Error, name: &str) -> anyhow::Error {
    Failure::new(crate::failure::classify(error).0, format!("{name} was not started")).into()
}

fn one(
    ui: &Ui,
    daemon: &Daemon,
    id: &ModelId,
    stop_first: Option<bool>,
    signal: &StopSignal,
) -> anyhow::Result<Option<StartReply>> {
    let bar = Bar::new(ui);
    let mut watch = |servers: &[ServerRow]| bar.show(servers.iter().find(|server| server.model_id == *id));
    let on: Option<OnServers> = if ui.err_is_terminal() && !ui.is_quiet() { Some(&mut watch) } else { None };
    match stop_first {
        Some(now) => daemon.restart_server(id.as_str(), now, signal, on),
        None => daemon.start_server(id.as_str(), signal, on),
    }
}

/// The progress of a load, in percent.
struct Bar(Progress);

impl Bar {
    fn new(ui: &Ui) -> Bar {
        Bar(ui.progress("starting", Some(100)))
    }

    fn show(&self, server: Option<&ServerRow>) {
        let Some(server) = server else { return };
        let percent = server.progress.unwrap_or_default().clamp(0.0, 1.0) * 100.0;
        self.0.set_done(percent as u64);
        let waits = if server.state == "queued" { " (waits for memory)" } else { "" };
        self.0.about(&format!("{}{waits}", server.display_name));
    }
}

/// Returns how a start ended, as a sentence.
pub fn sentence(reply: &StartReply) -> String {
    let name = text::clean(&reply.display_name);
    let port = reply.port.map(|port| format!(" on port {port}")).unwrap_or_default();
    match reply.status.as_str() {
        "running" => format!("{name} is already running{port}"),
        _ => format!("{name} started in {:.1} s{port}", reply.startup_time_seconds),
    }
}

pub fn run_all(ctx: &mut Ctx, args: &StartAllArgs) -> anyhow::Result<Exit> {
    let daemon = daemon(ctx)?;
    let signal = stop_on_signals()?;
    let bar = ctx.ui.progress("starting", None);
    let began = clock::instant();
    let mut watch = |servers: &[ServerRow]| {
        let starting = servers.iter().filter(|server| server.status == "starting").count();
        bar.set_done(servers.iter().filter(|server| server.status == "running").count() as u64);
        bar.about(&format!("running, {starting} starting, {}", units::took(began.elapsed())));
    };
    let is_shown = ctx.ui.err_is_terminal() && !ctx.ui.is_quiet();
    let on: Option<OnServers> = if is_shown { Some(&mut watch) } else { None };
    let reply = daemon.post::<StartAllReply>("/api/models/servers/start-all", &signal, on);
    drop(bar);
    let Some(reply) = reply? else {
        return Err(interrupted(&signal, "the servers are still starting: stop them with `modelctl stop-all`").into());
    };
    if args.json {
        ctx.ui.document(&reply)?;
    } else {
        for failed in &reply.failed {
            ctx.ui.warn(&format!("{}: {}", text::clean(&failed.display_name), text::clean(&failed.detail)));
        }
        ctx.ui.note(&format!("{} in {:.1} s", reply.message, reply.startup_time_seconds));
    }
    match reply.failed.is_empty() {
        true => Ok(Exit::Done),
        false => Err(Failure::new(
            Kind::Answer,
            format!("{} not started", units::plural(reply.failed.len() as u64, "model")),
        )
        .into()),
    }
}
