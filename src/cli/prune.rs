//! `modelctl prune`: what may go and why, and on request into the trash or away for good.

use super::prune_again as again;
use super::prune_file::{looked_through, read, save};
use super::prune_view as view;
use super::trash_settle::settle;
use super::{Access, Ctx, Exit, scan, select};
use crate::clock;
use crate::config::PruneConfig;
use crate::failure::{Failure, Kind, classify};
use crate::inventory;
use crate::model::{Action, Event, HintSource, KeepHint, ModelId, Selector, StoreKind, Subject};
use crate::prune::apply::{Acting, Doer, Done, Fate, Trashes, apply};
use crate::prune::candidate::Candidate;
use crate::prune::gather::{Known, candidates, space};
use crate::prune::in_use::{Asked, InUse, Settings, Use};
use crate::prune::plan::{Plan, plan};
use crate::prune::policy::Policy;
use crate::prune::trash;
use crate::supervise::Interrupt;
use crate::ui::{text, units};
use bytesize::ByteSize;
use clap::Args;
use serde_json::json;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Take away models and files that nobody needs
///
/// Without --confirm nothing is changed: the plan is shown, with a reason for every row. With it, what goes is moved to
/// the trash, from where `modelctl trash restore` brings it back; --purge deletes at once.
///
/// Models are selected by --unused-for, --older-than and --model; one must fit all of those that are given. --superseded,
/// --orphans, --partials, --damaged and --duplicates select what stores hold besides, also where --model names others; the two ages apply to it as well. --free and --max-total
/// end when there is room enough, and select everything when nothing else does. Without any of these nothing goes.
///
/// Whatever selects: pinned models, keep hints, --keep, --min-keep, what is in use or may be, what was used or put in place within the
/// grace, and what a waiting task names stays.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Models that nobody has used for so long (`30d`, `12h`)
    #[arg(long, value_name = "AGE", value_parser = age, help_heading = "What goes")]
    unused_for: Option<Duration>,
    /// The same in days
    #[arg(long, value_name = "DAYS", conflicts_with = "unused_for", help_heading = "What goes")]
    prune_days: Option<u32>,
    /// Models of which no file was written for so long
    #[arg(long, value_name = "AGE", value_parser = age, help_heading = "What goes")]
    older_than: Option<Duration>,
    /// These models: an id, a name, an alias or a path
    #[arg(long = "model", value_name = "MODEL", help_heading = "What goes")]
    models: Vec<String>,
    /// Until so much is free on the file system (`50GiB`); the least recently used goes first
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "What goes")]
    free: Option<u64>,
    /// Until all models together take no more than this (`200GiB`)
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "What goes")]
    max_total: Option<u64>,
    /// Files that only an older revision leads to
    #[arg(long, help_heading = "What goes")]
    superseded: bool,
    /// Files that nothing leads to
    #[arg(long, help_heading = "What goes")]
    orphans: bool,
    /// Downloads that were not finished, and split models with parts missing
    #[arg(long, help_heading = "What goes")]
    partials: bool,
    /// What cannot be used as it lies there
    #[arg(long, help_heading = "What goes")]
    damaged: bool,
    /// Further copies of the same content (by sha256); one stays, of which `modelctl verify --hash` read the bytes
    #[arg(long, help_heading = "What goes")]
    duplicates: bool,
    /// Keep what this name, id, path or glob means (`*-Q8_0`)
    #[arg(long, value_name = "GLOB", help_heading = "What stays")]
    keep: Vec<String>,
    /// Keep at least so many usable models, over all stores (also: AUTO_PRUNE_MIN_KEEP)
    #[arg(long, value_name = "N", help_heading = "What stays")]
    min_keep: Option<u64>,
    /// Keep what was used, written or put in place within this time
    #[arg(long, value_name = "AGE", value_parser = age, default_value = "1h", help_heading = "What stays")]
    grace: Duration,
    /// Take what cannot be known to be in use (processes of other users) for not in use
    #[arg(long, help_heading = "What stays")]
    assume_unused: bool,
    /// Show what would be done and change nothing; this is the default
    #[arg(long, conflicts_with = "confirm")]
    dry_run: bool,
    /// Do it
    #[arg(long)]
    confirm: bool,
    /// Delete for good instead of keeping in the trash: there is no undo
    #[arg(long)]
    purge: bool,
    /// Allow more than half of a store to go
    #[arg(long)]
    allow_large: bool,
    /// Save the plan to this file, to be looked at and then applied (`-`: standard output)
    #[arg(long, value_name = "FILE", conflicts_with = "confirm")]
    plan: Option<PathBuf>,
    /// Take the plan from this file instead of making one; what has changed since is left alone
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "unused_for", "prune_days", "older_than", "models", "free", "max_total", "superseded", "orphans", "partials",
        "damaged", "duplicates", "keep", "min_keep", "grace", "plan",
    ])]
    apply: Option<PathBuf>,
    /// Exit with 10 when something was removed or would be, with 0 when there is nothing to do
    #[arg(long)]
    exit_code: bool,
    /// Print the plan, and what became of it, as a JSON object
    #[arg(long)]
    json: bool,
}

/// A time span; `0` needs no unit.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text).map_err(|why| format!("not a time span such as 30d or 12h: {why}"))
}

fn size(text: &str) -> Result<u64, String> {
    text.parse::<ByteSize>().map(|size| size.as_u64()).map_err(|why| format!("not a size such as 50GiB: {why}"))
}

pub fn run(ctx: &mut Ctx, args: &PruneArgs) -> anyhow::Result<Exit> {
    let interrupt = super::listen()?;
    if args.confirm {
        settle(ctx)?;
    }
    let mut saved = args.apply.as_deref().map(read).transpose()?;
    if let Some(plan) = &mut saved {
        // What is configured by now holds as well.
        plan.policy.min_keep = plan.policy.min_keep.max(ctx.config.auto_prune.min_keep);
    }
    let globs = saved.as_ref().map_or_else(|| args.keep.clone(), |plan| plan.keep.clone());
    let found = gather(ctx, &globs)?;
    for glob in args.keep.iter().filter(|glob| !keeps_something(&found, glob)) {
        ctx.ui.warn(&format!("--keep {}: it means nothing that is here", text::clean(glob)));
    }
    let mut notes = Vec::new();
    let plan = match saved {
        Some(saved) if args.confirm => saved,
        Some(saved) => {
            notes.push(format!("the plan was made {} ago", units::ago(saved.made.age(ctx.now))));
            looked_through(ctx, saved, &found, &mut notes)?
        }
        None => {
            let policy = policy(ctx, args)?;
            if policy.is_empty() && !args.json {
                ctx.ui.note("nothing goes: no rule was given that selects anything");
                ctx.ui.hint("`modelctl prune --unused-for 30d` shows models that nobody has used for 30 days");
            }
            let room = space(&found);
            let servers = ctx.config.prune.clone();
            plan(&policy, &args.keep, &found, &room, ctx.now, &mut |asked| uses(&servers, asked, &mut notes))
        }
    };
    if let Some(file) = &args.plan {
        save(&mut ctx.ui, &plan, file)?;
        if file.as_os_str() == "-" {
            return Ok(verdict(args, plan.going().next().is_some()));
        }
    }
    if !args.confirm {
        view::show(&mut ctx.ui, &plan, args.json, args.purge, &notes, ctx.now)?;
        return Ok(verdict(args, plan.going().next().is_some()));
    }
    if let Some(large) = plan.large.first().filter(|_| !args.allow_large && args.apply.is_none()) {
        return Err(too_large(large).into());
    }
    let manner = Manner { purge: args.purge, allow_large: args.allow_large };
    let done = act(ctx, manner, &plan, &interrupt)?;
    let count = done.iter().filter(|d| matches!(d.fate, Fate::Trashed { .. } | Fate::Purged { .. })).count();
    let skipped = done.iter().filter(|d| matches!(d.fate, Fate::Skipped { .. })).count();
    // A plan that a person has read is done as it stands or was not; of a fresh one that something came in use
    // meanwhile is everyday life, as long as it was not all of it.
    let is_bad = done.iter().any(|d| matches!(d.fate, Fate::Failed { .. } | Fate::Partly { .. }))
        || skipped > 0 && (count == 0 || args.apply.is_some());
    view::told(&mut ctx.ui, &plan, &done, args.json, &notes)?;
    if let Some(why) = interrupt.thrown() {
        let left = plan.going().count().saturating_sub(done.len());
        let what = units::plural(left as u64, "row");
        return Err(Failure::new(why.kind(), format!("interrupted: {what} of the plan left alone")).into());
    }
    if is_bad {
        return Ok(Exit::Bad);
    }
    Ok(verdict(args, count > 0))
}

fn verdict(args: &PruneArgs, something: bool) -> Exit {
    if args.exit_code && something { Exit::Changed } else { Exit::Done }
}

fn policy(ctx: &mut Ctx, args: &PruneArgs) -> anyhow::Result<Policy> {
    let mut models = Vec::new();
    for selector in &args.models {
        models.push(select::resolve(ctx, &Selector(selector.clone()))?.id);
    }
    let days = args.prune_days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
    Ok(Policy {
        unused_for: args.unused_for.or(days),
        older_than: args.older_than,
        free: args.free,
        max_total: args.max_total,
        superseded: args.superseded,
        orphans: args.orphans,
        partials: args.partials,
        damaged: args.damaged,
        duplicates: args.duplicates,
        models: (!models.is_empty()).then_some(models),
        min_keep: args.min_keep.unwrap_or(ctx.config.auto_prune.min_keep),
        grace: args.grace,
        assume_unused: args.assume_unused,
        allow_large: args.allow_large,
    })
}

/// Everything that could go.
pub(super) fn gather(ctx: &mut Ctx, globs: &[String]) -> anyhow::Result<Vec<Candidate>> {
    let (mut sources, mut hints): (Vec<Option<HintSource>>, Vec<KeepHint>) =
        super::keep::hints(ctx)?.into_iter().map(|(source, hint)| (Some(source), hint)).unzip();
    hints.extend(globs.iter().map(|glob| KeepHint::new(glob)));
    sources.resize(hints.len(), None);
    let now = ctx.now;
    let mut known = Known::read(ctx.db(Access::ReadOnly)?)?;
    if !hints.is_empty() || !known.tasks.is_empty() {
        inventory::name_all(&mut known.rows);
    }
    let found = candidates(&known, &hints, now);
    for (source, hint) in sources.into_iter().zip(&hints) {
        if let Some(fault) = hint.fault().filter(|_| !keeps_something(&found, &hint.text)) {
            return Err(super::keep::no_glob(source, hint, fault).into());
        }
    }
    Ok(found)
}

fn keeps_something(found: &[Candidate], text: &str) -> bool {
    found.iter().any(|c| c.kept_by.iter().any(|by| by == text))
}

pub(super) fn uses(servers: &PruneConfig, asked: &[&Candidate], notes: &mut Vec<String>) -> Vec<Use> {
    let files: Vec<Asked<'_>> = asked.iter().flat_map(|c| c.asked()).collect();
    let in_use = InUse::look(&Settings::new(servers), &files);
    let uses: Vec<Use> = asked.iter().map(|c| c.used(&in_use)).collect();
    if uses.iter().any(|used| matches!(used, Use::Unknown(_))) {
        notes.extend(in_use.notes());
    }
    uses
}

/// The roots that the database knows, and those that are configured: the trash outlives the database.
pub(super) fn roots(ctx: &mut Ctx) -> anyhow::Result<Vec<(StoreKind, PathBuf)>> {
    let mut roots: Vec<(StoreKind, PathBuf)> =
        ctx.db(Access::ReadOnly)?.roots()?.into_iter().map(|root| (root.store, root.path)).collect();
    for root in &ctx.config.roots.paths {
        if !roots.iter().any(|(_, known)| *known == root.path) {
            roots.push((root.store.unwrap_or(StoreKind::Dir), root.path.clone()));
        }
    }
    Ok(roots)
}

/// Looks again at what was changed. That it cannot be done is no failure of what was done.
pub(super) fn rescan(ctx: &mut Ctx, touched: BTreeSet<(StoreKind, PathBuf)>) -> anyhow::Result<()> {
    let known = roots(ctx)?;
    // A root that was reached through a link is known by that name.
    let named = |path: &Path| {
        let same = |root: &&(StoreKind, PathBuf)| root.1.canonicalize().is_ok_and(|real| real == path);
        known.iter().find(|root| root.1 == path).or_else(|| known.iter().find(same)).cloned()
    };
    let roots: Vec<_> = touched.iter().map(|(store, path)| named(path).unwrap_or((*store, path.clone()))).collect();
    if let Err(error) = scan::again(ctx, &roots) {
        ctx.ui.warn(&format!("the database does not know of it yet, `modelctl scan` tells it: {error:#}"));
    }
    Ok(())
}

fn too_large(large: &crate::prune::decide::Large) -> Failure {
    let (going, all) = (units::bytes(large.going), units::bytes(large.all));
    let what = format!("{going} of {all} in `{}` would go, which is more than half", text::path(&large.root));
    Failure::cannot_meet(format!("nothing was removed: {what}")).hint("--allow-large permits it")
}

/// What a run of offloaded tasks ends with: models that nobody has used for `AUTO_PRUNE_DAYS` days go to the trash, or it
/// is said which would. Everything is said on standard error. The switch is the caller's: a handler of our own would
/// take its second signal from it.
pub(super) fn auto(ctx: &mut Ctx, stop: &Interrupt) -> anyhow::Result<()> {
    let auto = ctx.config.auto_prune;
    if auto.days == 0 {
        return Ok(());
    }
    if auto.confirm {
        settle(ctx)?;
    }
    let found = gather(ctx, &[])?;
    let policy = Policy {
        unused_for: Some(Duration::from_secs(auto.days.saturating_mul(86_400))),
        min_keep: auto.min_keep,
        ..Policy::default()
    };
    let servers = ctx.config.prune.clone();
    let plan = plan(&policy, &[], &found, &space(&found), ctx.now, &mut |asked| uses(&servers, asked, &mut Vec::new()));
    let names: Vec<_> = plan.going().map(|row| text::clean(&row.name).into_owned()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let (models, days) = (units::plural(names.len() as u64, "model"), units::plural(auto.days, "day"));
    let unused = format!("{models} unused for {days} ({})", names.join(", "));
    if !auto.confirm {
        ctx.ui.note(&format!("prune would move {unused} to the trash"));
        ctx.ui.hint("AUTO_PRUNE_CONFIRM=1 does it; `modelctl prune` shows the reasons");
        return Ok(());
    }
    if let Some(large) = plan.large.first() {
        ctx.ui.warn(&too_large(large).message);
        return Ok(());
    }
    let done = act(ctx, Manner { purge: false, allow_large: false }, &plan, stop)?;
    view::told_aside(&mut ctx.ui, &done);
    Ok(())
}

/// How a plan is acted on.
#[derive(Debug, Clone, Copy)]
struct Manner {
    purge: bool,
    /// More than half of a store may go.
    allow_large: bool,
}

/// The trashes that there are. One that somebody has is a reason to wait with everything, one that cannot be used only
/// with what would go there.
fn hold(plan: &Plan, purge: bool) -> anyhow::Result<Trashes> {
    let (trashes, mut unheld) = Trashes::hold(plan, clock::now());
    // To delete at once takes no room, and makes some.
    unheld.retain(|base, _| !(purge && trashes.is_full(base)));
    let busy = unheld.iter().find(|(_, error)| classify(error).0 == Kind::Busy).map(|(base, _)| base.clone());
    let is_all = plan.going().all(|row| row.base.as_ref().is_some_and(|base| unheld.contains_key(&base.path)));
    let first = busy.or_else(|| unheld.keys().min().cloned().filter(|_| is_all));
    match first.and_then(|base| unheld.remove(&base)) {
        Some(error) => Err(error),
        None => Ok(trashes.without(unheld)),
    }
}

fn act<'p>(
    ctx: &mut Ctx,
    manner: Manner,
    plan: &'p Plan,
    interrupt: &crate::supervise::Interrupt,
) -> anyhow::Result<Vec<Done<'p>>> {
    if plan.going().next().is_none() {
        return Ok(Vec::new());
    }
    let trashes = hold(plan, manner.purge)?;
    // What was known before the locks were had may be old by now.
    let found = gather(ctx, &plan.keep)?;
    if let Some(large) = again::large(plan, &found).filter(|_| !manner.allow_large) {
        return Err(too_large(&large).into());
    }
    let event = ctx.event(if manner.purge { Action::Purge } else { Action::Prune });
    let actor = &event.actor;
    let doer = Doer {
        who: actor.user.clone().unwrap_or_else(|| actor.uid.to_string()),
        command: actor.command.clone().unwrap_or_default(),
        actor: Some(actor.clone()),
        now: ctx.now,
    };
    let progress = ctx.ui.progress(if manner.purge { "deleting" } else { "moving" }, Some(plan.going().count() as u64));
    let mut touched: BTreeSet<(StoreKind, PathBuf)> = BTreeSet::new();
    let servers = ctx.config.prune.clone();
    let done = {
        let ctx = RefCell::new(&mut *ctx);
        let uses = again::Uses::ask(&servers, plan, &found);
        let mut in_use = |c: &Candidate| uses.of(c);
        let mut is_kept = |c: &Candidate| {
            let mut ctx = ctx.borrow_mut();
            // To open it for writing takes room, which a full disk has only when this has gone.
            let db = ctx.db(Access::ReadOnly)?;
            let is_pinned = c.id.as_ref().map(|id| db.settings(id)).transpose()?.is_some_and(|s| s.pinned);
            Ok(is_pinned.then(|| "it was pinned meanwhile".to_owned()))
        };
        let mut tell = |done: &Done<'_>| {
            progress.step();
            if !matches!(done.fate, Fate::Skipped { .. } | Fate::Failed { .. }) {
                touched.insert((done.row.store, done.row.root.clone()));
                let is_partly = matches!(done.fate, Fate::Partly { .. });
                let gone = if is_partly { &[][..] } else { done.row.id.as_slice() };
                record(&mut ctx.borrow_mut(), event_of(&event, done), gone);
            }
            Ok(())
        };
        apply(
            plan,
            &trashes,
            &mut Acting {
                candidates: &found,
                doer: &doer,
                purge: manner.purge,
                ollama: &servers.ollama,
                in_use: &mut in_use,
                is_kept: &mut is_kept,
                tell: &mut tell,
                stop: &|| interrupt.thrown().is_some(),
                hook: &mut trash::go_on,
            },
        )
    };
    drop(progress);
    drop(trashes);
    rescan(ctx, touched)?;
    done
}

/// Tells the database of what is done and cannot be taken back for want of a line about it.
pub(super) fn record(ctx: &mut Ctx, event: Event, gone: &[ModelId]) {
    let recorded = ctx.db(Access::ReadWrite).and_then(|db| {
        db.record_history(&event)?;
        db.mark_gone(gone)
    });
    if let Err(error) = recorded {
        ctx.ui.warn(&format!("the history does not know of it: {error:#}"));
    }
}

fn event_of(event: &Event, done: &Done<'_>) -> Event {
    let row = done.row;
    let (freed, detail) = match &done.fate {
        Fate::Trashed { id } => (0, json!({ "trash": id, "freed_when_emptied": row.freed_bytes, "rule": row.rule })),
        Fate::Purged { freed, left, .. } if left.is_empty() => (*freed, json!({ "rule": row.rule, "left": 0 })),
        Fate::Purged { freed, left, id } => (*freed, json!({ "trash": id, "rule": row.rule, "left": left.len() })),
        Fate::Partly { deleted, error } => {
            (0, json!({ "rule": row.rule, "deleted": deleted, "failed": format!("{error:#}") }))
        }
        Fate::Ready | Fate::Skipped { .. } | Fate::Failed { .. } => (0, serde_json::Value::Null),
    };
    Event {
        at: clock::now(),
        subject: Some(Subject { id: row.id.clone(), name: row.name.clone(), path: Some(row.path.clone()) }),
        reason: Some(row.why.clone()),
        apparent: Some(row.apparent_bytes),
        allocated: Some(row.allocated_bytes),
        freed: Some(freed),
        detail,
        ..event.clone()
    }
}
