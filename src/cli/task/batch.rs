use super::super::forms;
use super::super::list::named as one_of;
use super::target::{Target, distinct};
use super::{Access, Ctx, Exit, wish};
use crate::db::{Db, TaskFilter};
use crate::failure::{Failure, OrFail};
use crate::model::task::{Accepted, Enqueued, NewTask, OnFinished, TaskId, TaskState, Wish};
use crate::model::{Tier, hex};
use crate::queue::batch::{self, Checked, Problems};
use crate::ui::{text, units};
use clap::Args;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// Tasks read and written in one step of an export.
const PAGE: u32 = 200;

/// Queue the requests of a file in OpenAI's Batch format (JSONL)
///
/// The file is checked whole before anything of it is queued. Each `custom_id` is a key within the batch: the same file
/// again, for the same models, gives the same tasks.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the batch [default: the name of the file and the beginning of a sha256 of it and the models it is for]
    #[arg(long, value_name = "NAME", value_parser = batch_name)]
    batch: Option<String>,
    /// Answer all with this model, whatever the lines say
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["tier", "any_model"])]
    model: Option<String>,
    /// Answer all with models of this tier, whatever the lines say
    #[arg(long, value_parser = one_of(Tier::ALL, Tier::name), conflicts_with = "any_model")]
    tier: Option<Tier>,
    /// Answer with whichever model is at hand, whatever the lines say
    #[arg(long)]
    any_model: bool,
    /// Higher runs first; may be negative
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// Attempts that may end in an error, each [default: OFFLOAD_MAX_ATTEMPTS, else 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    max_attempts: Option<u32>,
    /// Run those again that have ended
    #[arg(long)]
    replace_finished: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Write the answers of tasks that have ended, in OpenAI's Batch format (JSONL)
///
/// Can be done at any time and again: what is missing has not ended yet. The answers stay in the database.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only tasks of this batch
    #[arg(long, value_name = "BATCH")]
    batch: Option<String>,
    /// Write to this file, whole or not at all, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write those that failed to this file instead
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Print a JSON object with the figures; needs --output
    #[arg(long, requires = "output")]
    json: bool,
}

fn batch_name(name: &str) -> Result<String, String> {
    match name {
        "" => Err("a batch must have a name".into()),
        name if name.contains('/') => Err("a batch cannot have a slash in its name".into()),
        name if name.len() > 128 => Err("the name of a batch has 128 bytes at most".into()),
        name => Ok(name.to_owned()),
    }
}

#[derive(Debug, Default, Serialize)]
struct Imported {
    batch: String,
    lines: u64,
    new: u64,
    existing: u64,
    replaced: u64,
    /// Their key was there with another request, model or priority, which stay.
    existing_differs: u64,
}

impl ImportArgs {
    /// As `modelctl batch` queues its file.
    pub fn of(file: &Path, model: Option<String>, tier: Option<Tier>, any_model: bool) -> ImportArgs {
        ImportArgs {
            file: file.to_owned(),
            batch: None,
            model,
            tier,
            any_model,
            priority: 0,
            max_attempts: None,
            replace_finished: false,
            json: false,
        }
    }
}

impl ExportArgs {
    /// As `modelctl batch` writes its answers.
    pub fn of(batch: &str, output: &Path, errors: Option<&Path>, json: bool) -> ExportArgs {
        ExportArgs {
            batch: Some(batch.to_owned()),
            output: Some(output.to_owned()),
            errors: errors.map(Path::to_owned),
            json,
        }
    }
}

/// Queues a file and gives the name of its batch.
pub fn queue(ctx: &mut Ctx, args: &ImportArgs) -> anyhow::Result<String> {
    Ok(imported_from(ctx, args)?.batch)
}

pub fn import(ctx: &mut Ctx, args: &ImportArgs) -> anyhow::Result<Exit> {
    let told = imported_from(ctx, args)?;
    if told.existing_differs > 0 {
        ctx.ui.hint("name another --batch, or give --replace-finished for those that have ended");
    }
    if args.json {
        ctx.ui.json(&told)?;
    } else {
        let mut words = vec![format!("{} new", told.new)];
        words.extend((told.existing > 0).then(|| format!("{} existing", told.existing)));
        words.extend((told.replaced > 0).then(|| format!("{} to run again", told.replaced)));
        let label = &told.batch;
        ctx.ui.note(&format!("batch {label}: {}, {}", units::plural(told.lines, "line"), words.join(", ")));
        ctx.ui.line(label)?;
    }
    Ok(Exit::Done)
}

/// Checks the file whole, then hands it in.
fn imported_from(ctx: &mut Ctx, args: &ImportArgs) -> anyhow::Result<Imported> {
    let name = text::path(&args.file);
    let mut file = open(&args.file)?;
    let unreadable = || Failure::cannot_meet(format!("cannot read `{name}`"));
    let checked = batch::check(BufReader::with_capacity(1 << 16, &file))
        .or_fail(unreadable)?
        .map_err(|problems| problems.failure(&name))?;
    let refused = forms::refused(&checked.forms.keys().collect::<Vec<_>>());
    if refused.iter().any(Option::is_some) {
        return Err(Problems::of_forms(&checked, &refused).failure(&name).into());
    }
    let wishes = wishes(ctx, args, &checked)?;
    let label = match &args.batch {
        Some(batch) => batch.clone(),
        None => label(&args.file, &checked, &wishes),
    };
    file.rewind().or_fail(unreadable)?;
    let most = ctx.config.offload.max_attempts;
    let mut tasks = batch::read(BufReader::with_capacity(1 << 16, file), &checked).map(|line| {
        let line = line?;
        Ok(NewTask {
            batch: label.clone(),
            key: Some(line.key),
            priority: args.priority,
            wish: wishes.of(line.model.as_deref()),
            max_attempts: args.max_attempts.unwrap_or(most),
            ..NewTask::new(line.request)
        })
    });
    let finished = if args.replace_finished { OnFinished::Replace } else { OnFinished::Keep };
    let at = ctx.moment();
    let given = ctx.db(Access::ReadWrite)?.enqueue_tasks(&mut tasks, finished, at)?;
    let told = imported(&label, &given);
    if told.existing_differs > 0 {
        ctx.ui.warn(&format!(
            "{} had their keys with other requests, models or priorities, which stay",
            units::plural(told.existing_differs, "task")
        ));
    }
    Ok(told)
}

fn imported(batch: &str, given: &[Enqueued]) -> Imported {
    let mut told = Imported { batch: batch.to_owned(), lines: given.len() as u64, ..Imported::default() };
    for one in given {
        match one.how {
            Accepted::New => told.new += 1,
            Accepted::Existing => told.existing += 1,
            Accepted::Replaced => told.replaced += 1,
            Accepted::ExistingDiffers => told.existing_differs += 1,
        }
    }
    told
}

/// The file, or standard input laid into one that vanishes: it is read twice.
fn open(path: &Path) -> anyhow::Result<File> {
    if path == Path::new("-") {
        let spooled = || -> std::io::Result<File> {
            let mut file = tempfile::tempfile()?;
            // One byte more than allowed is enough to be refused for.
            std::io::copy(&mut std::io::stdin().lock().take(batch::MAX_BYTES.saturating_add(1)), &mut file)?;
            file.rewind()?;
            Ok(file)
        };
        return spooled().or_fail(|| Failure::cannot_meet("cannot read standard input"));
    }
    let failure = || Failure::cannot_meet(format!("cannot open `{}`", text::path(path)));
    let file = File::open(path).or_fail(failure)?;
    if !file.metadata().or_fail(failure)?.is_file() {
        return Err(Failure::cannot_meet(format!("`{}` is not a regular file", text::path(path)))
            .hint("a pipe is read with `-`")
            .into());
    }
    Ok(file)
}

/// From the models that lines name to those that are here.
struct Wishes {
    all: Option<Wish>,
    of_name: BTreeMap<String, Wish>,
}

impl Wishes {
    fn of(&self, model: Option<&str>) -> Wish {
        let own = || model.and_then(|name| self.of_name.get(name)).cloned();
        self.all.clone().or_else(own).unwrap_or(Wish::Any)
    }

    /// The sha256 of a file and what of it makes other answers: the models. Where any model will do, of the file alone.
    fn digits(&self, checked: &Checked) -> String {
        let named = self.of_name.iter().map(|(name, wish)| (name.as_str(), wish));
        let wishes: Vec<(&str, &Wish)> = self.all.iter().map(|wish| ("", wish)).chain(named).collect();
        if wishes.iter().all(|(_, wish)| **wish == Wish::Any) {
            return checked.sha256.clone();
        }
        let mut hash = Sha256::new();
        hash.update(&checked.sha256);
        for (name, wish) in wishes {
            let wish = match wish {
                Wish::Any => "any".to_owned(),
                Wish::Tier(tier) => format!("tier {tier}"),
                Wish::Model(model) => format!("model {model}"),
            };
            hash.update(format!("\0{name}\0{wish}"));
        }
        hex(&hash.finalize())
    }
}

fn wishes(ctx: &mut Ctx, args: &ImportArgs, checked: &Checked) -> anyhow::Result<Wishes> {
    let all = if args.any_model { Some(Wish::Any) } else { wish(ctx, args.model.as_deref(), args.tier)? };
    let mut of_name = BTreeMap::new();
    if all.is_none() {
        for name in &checked.models {
            let one = wish(ctx, Some(name), None).map_err(|error| {
                error.context(
                    Failure::cannot_meet(format!(
                        "the file asks for the model `{}`, which is not here",
                        text::clean(name)
                    ))
                    .hint("name one for all lines with --model, or give --tier or --any-model"),
                )
            })?;
            of_name.extend(one.map(|wish| (name.clone(), wish)));
        }
    }
    Ok(Wishes { all, of_name })
}

/// Two files of one name are two batches, and so is one file for two models. One file under two names is told by the
/// same digits.
fn label(path: &Path, checked: &Checked, wishes: &Wishes) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).filter(|s| s != "-");
    let stem: String =
        stem.unwrap_or_else(|| "stdin".to_owned()).chars().filter(|c| !c.is_control()).take(60).collect();
    let digits = wishes.digits(checked);
    format!("{stem}-{}", digits.get(..12).unwrap_or(&digits))
}

#[derive(Debug, Default, Serialize)]
struct Exported {
    answers: u64,
    errors: u64,
    /// Have not ended yet, and are in no file.
    pending: u64,
}

pub fn export(ctx: &mut Ctx, args: &ExportArgs) -> anyhow::Result<Exit> {
    distinct(&[("--output", args.output.as_deref()), ("--errors", args.errors.as_deref())])?;
    let filter = TaskFilter {
        states: vec![TaskState::Done, TaskState::Failed, TaskState::Cancelled],
        batch: args.batch.clone(),
    };
    let counts = ctx.db(Access::ReadOnly)?.count_tasks(args.batch.as_deref())?;
    if let Some(batch) = args.batch.as_ref().filter(|_| counts.is_empty()) {
        return Err(Failure::cannot_meet(format!("no task is in the batch `{}`", text::clean(batch))).into());
    }
    let mut told = Exported {
        pending: counts.iter().filter(|(state, _)| !state.is_finished()).map(|(_, n)| n).sum(),
        ..Exported::default()
    };
    let mut errors = args.errors.as_deref().map(Target::new).transpose()?;
    match &args.output {
        Some(path) => {
            let mut output = Target::new(path)?;
            write(ctx.db(Access::ReadOnly)?, &filter, &mut told, |line, is_error| match &mut errors {
                Some(errors) if is_error => errors.write(line),
                _ => output.write(line),
            })?;
            output.keep()?;
        }
        None => {
            let Ctx { ui, db, .. } = ctx;
            let Some((_, db)) = db else { anyhow::bail!("the database was closed") };
            write(db, &filter, &mut told, |line, is_error| match &mut errors {
                Some(errors) if is_error => errors.write(line),
                _ => ui.raw(line),
            })?;
        }
    }
    if let Some(errors) = errors {
        errors.keep()?;
    }
    if args.json {
        ctx.ui.json(&told)?;
    } else {
        let pending = if told.pending > 0 { format!(", {} pending", told.pending) } else { String::new() };
        ctx.ui.note(&format!(
            "{}, {}{pending}",
            units::plural(told.answers, "answer"),
            units::plural(told.errors, "error")
        ));
    }
    Ok(Exit::Done)
}

/// Page by page, so that no read of the database is long.
fn write(
    db: &Db,
    filter: &TaskFilter,
    told: &mut Exported,
    mut sink: impl FnMut(&[u8], bool) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut after = TaskId(0);
    loop {
        let page = db.next_tasks(filter, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.ticket.id;
        for line in page.iter().filter_map(batch::output_line) {
            let is_error = batch::is_error(&line);
            *(if is_error { &mut told.errors } else { &mut told.answers }) += 1;
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            sink(&text, is_error)?;
        }
    }
}
