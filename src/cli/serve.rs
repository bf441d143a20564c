//! `modelctl serve`: the daemon that runs queued tasks as they come.

use super::{Access, Ctx, Exit, offload, prune};
use crate::clock;
use crate::queue::executor::{Bounds, Summary, lock_dir, pause};
use crate::serve::{Came, Pacer, sole, wait};
use crate::supervise::Interrupt;
use crate::ui::text;
use clap::Args;
use sd_notify::NotifyState;
use std::time::{Duration, Instant};

/// The least time between two looks at what AUTO_PRUNE_DAYS lets go; the first is after the first run.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

const COMMAND: &str = "modelctl serve";

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
    let (stop, hurry) = offload::listen()?;
    // What is wrong from the start is said and ends it; what goes wrong later does not.
    ctx.db(Access::ReadWrite)?;
    let _sole = sole(&lock_dir(&ctx.config.database), &offload::who(COMMAND, ctx.now))?;
    tell_systemd(ctx, &[NotifyState::Ready]);
    ctx.ui.note(&format!("serving the queue of {}", text::path(&ctx.config.database)));
    let mut daemon = Daemon {
        args,
        pacer: Pacer::new(ctx.config.offload.poll),
        trouble: None,
        pruned: None,
        is_off: false,
        switches: (stop.clone(), hurry),
    };
    while stop.thrown().is_none() {
        let (came, seen) = match daemon.turn(ctx) {
            Ok(turn) => {
                daemon.trouble(ctx, None);
                turn
            }
            Err(error) if crate::ui::is_broken_pipe(&error) => return Err(error),
            Err(error) => {
                daemon.trouble(ctx, Some(format!("{error:#}")));
                (Came::Stuck, None)
            }
        };
        if let Err(error) = daemon.rest(ctx, came, seen) {
            daemon.trouble(ctx, Some(format!("{error:#}")));
            // Without a database there is nothing to wait at but the clock.
            ctx.close_db();
            let rest = daemon.pacer.rest(Came::Stuck, None, clock::now());
            pause(rest.at_least, &stop)?;
        }
    }
    tell_systemd(ctx, &[NotifyState::Stopping]);
    Ok(Exit::Done)
}

struct Daemon<'a> {
    args: &'a ServeArgs,
    pacer: Pacer,
    /// What was last told to be wrong: said once, not every half minute.
    trouble: Option<String>,
    pruned: Option<Instant>,
    /// Inference is off: that a task is due is no reason to look.
    is_off: bool,
    switches: (Interrupt, Interrupt),
}

type Seen = Option<crate::db::Version>;

impl Daemon<'_> {
    /// One run. The version is that of before it, so that nothing which came meanwhile is missed.
    fn turn(&mut self, ctx: &mut Ctx) -> anyhow::Result<(Came, Seen)> {
        if ctx.db(Access::ReadWrite)?.is_replaced() {
            ctx.ui.warn("the model database was replaced by another file, which is used from now on");
            ctx.close_db();
        }
        let seen = ctx.db(Access::ReadWrite)?.version()?;
        ctx.now = clock::now();
        let (stop, hurry) = (&self.switches.0, &self.switches.1);
        let summary = offload::work_until(ctx, COMMAND, &Bounds::default(), (stop, hurry), &mut |_| {})?;
        self.say(ctx, &summary)?;
        self.is_off = summary.off;
        if summary.busy.is_some() {
            return Ok((Came::Busy, Some(seen)));
        }
        self.prune(ctx);
        let is_idle = offload::line(&summary).is_none();
        let db = ctx.db(Access::ReadWrite)?;
        let is_stuck = is_idle && !summary.off && db.any_task_due(None, clock::now())? && db.inference()?.on;
        Ok((if is_stuck { Came::Stuck } else { Came::Through }, Some(seen)))
    }

    fn say(&self, ctx: &mut Ctx, summary: &Summary) -> anyhow::Result<()> {
        let Some(line) = offload::line(summary) else { return Ok(()) };
        if self.args.json {
            let mut line = serde_json::to_vec(summary)?;
            line.push(b'\n');
            ctx.ui.raw(&line)?;
        } else {
            ctx.ui.line(&line)?;
        }
        ctx.ui.flush()
    }

    fn prune(&mut self, ctx: &mut Ctx) {
        let is_due = self.pruned.is_none_or(|at| clock::instant().duration_since(at) >= PRUNE_EVERY);
        if !is_due || self.switches.0.thrown().is_some() {
            return;
        }
        self.pruned = Some(clock::instant());
        if let Err(error) = prune::auto(ctx, &self.switches.0) {
            // The tasks are done, whatever becomes of this.
            ctx.ui.warn(&format!("prune: {error:#}"));
        }
    }

    fn rest(&mut self, ctx: &mut Ctx, came: Came, seen: Seen) -> anyhow::Result<()> {
        let db = ctx.db(Access::ReadWrite)?;
        let due = db.next_task_due()?.filter(|_| !self.is_off);
        let seen = match seen {
            Some(seen) => seen,
            None => db.version()?,
        };
        wait(db, seen, self.pacer.rest(came, due, clock::now()), &self.switches.0)
    }

    fn trouble(&mut self, ctx: &mut Ctx, now: Option<String>) {
        if self.trouble == now {
            return;
        }
        match &now {
            Some(why) => ctx.ui.warn(&text::clean(why)),
            None => ctx.ui.note("that is over: tasks are run again"),
        }
        self.trouble = now;
    }
}

/// Where systemd started us it is told; elsewhere nothing happens.
fn tell_systemd(ctx: &mut Ctx, states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        ctx.ui.warn(&format!("systemd cannot be told: {error}"));
    }
}
