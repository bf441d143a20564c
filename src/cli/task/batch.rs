use super::super::args::named as one_of;
use super::super::output_file::{Target, distinct};
use super::{Ctx, Exit};
use crate::db::Access;
use crate::failure::{Failure, OrFail};
use crate::model::Tier;
use crate::ops::batch::{self, Exported};
use crate::ops::wish::Asked;
use crate::queue::Queue;
use crate::queue::batch::MAX_BYTES;
use crate::ui::{text, units};
use clap::Args;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

/// Queue the requests of a file in OpenAI's Batch format (JSONL)
///
/// The whole file is checked before anything is queued. Each `custom_id` is a key within the batch: importing the same
/// file again, for the same models, returns the same tasks.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The file; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the batch [default: the file name and the first digits of a sha256 over the file and its models]
    #[arg(long, value_name = "NAME", value_parser = batch_name)]
    batch: Option<String>,
    /// Use this model for all requests, overriding the file
    #[arg(long, short, value_name = "MODEL", conflicts_with_all = ["tier", "any_model"])]
    model: Option<String>,
    /// Use models of this tier for all requests, overriding the file
    #[arg(long, value_parser = one_of(Tier::ALL, Tier::name), conflicts_with = "any_model")]
    tier: Option<Tier>,
    /// Use any available model for all requests, overriding the file
    #[arg(long)]
    any_model: bool,
    /// Let another model answer if the named one fails or cannot run [default: OFFLOAD_FALLBACK]
    #[arg(long)]
    fallback: bool,
    /// Higher runs first; may be negative
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// Maximum number of attempts per request [default: OFFLOAD_MAX_ATTEMPTS, else 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    max_attempts: Option<u32>,
    /// Run finished ones again
    #[arg(long)]
    replace_finished: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// Write the answers of finished tasks in OpenAI's Batch format (JSONL)
///
/// Can be repeated at any time: missing answers are not finished yet. The answers stay in the database.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Only tasks of this batch
    #[arg(long, value_name = "BATCH")]
    batch: Option<String>,
    /// Write to this file, atomically, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write failed requests to this file instead
    #[arg(long, value_name = "FILE")]
    errors: Option<PathBuf>,
    /// Print a JSON object with the counts; needs --output
    #[arg(long, requires = "output")]
    json: bool,
}

fn batch_name(name: &str) -> Result<String, String> {
    match name {
        "" => Err("a batch must have a name".into()),
        name if name.contains('\0') => Err("the name of a batch cannot hold a NUL character".into()),
        name if name.contains('/') => Err("a batch cannot have a slash in its name".into()),
        name if name.len() > 128 => Err("the name of a batch can have at most 128 bytes".into()),
        name => Ok(name.to_owned()),
    }
}

impl ImportArgs {
    fn request(&self) -> batch::Request {
        batch::Request {
            file: self.file.clone(),
            batch: self.batch.clone(),
            wish: Asked::of(self.model.as_deref(), self.tier, self.any_model),
            fallback: self.fallback,
            priority: self.priority,
            max_attempts: self.max_attempts,
            replace_finished: self.replace_finished,
        }
    }
}

pub fn import(ctx: &mut Ctx, args: &ImportArgs) -> anyhow::Result<Exit> {
    let (mut file, request) = (open(&args.file)?, args.request());
    let imported = ctx.run(|session, on| batch::import(session, &mut file, &request, on))?;
    if imported.existing_differs > 0 {
        ctx.ui.hint("use another --batch, or --replace-finished to run finished ones again");
    }
    if args.json {
        ctx.ui.document(&imported)?;
    } else {
        let mut words = vec![format!("{} new", imported.new)];
        words.extend((imported.existing > 0).then(|| format!("{} existing", imported.existing)));
        words.extend((imported.replaced > 0).then(|| format!("{} to run again", imported.replaced)));
        let label = &imported.batch;
        ctx.ui.note(&format!("batch {label}: {}, {}", units::plural(imported.lines, "line"), words.join(", ")));
        ctx.ui.line(label)?;
    }
    Ok(Exit::Done)
}

pub fn export(ctx: &mut Ctx, args: &ExportArgs) -> anyhow::Result<Exit> {
    let (output, errors) = (args.output.as_deref(), args.errors.as_deref());
    distinct(&[("--output", output), ("--errors", errors)])?;
    let queue = ctx.session.queue(Access::ReadOnly)?;
    let ui = &mut ctx.ui;
    let exported = write(queue, args.batch.as_deref(), (output, errors), &mut |line| ui.raw(line))?;
    report(ctx, &exported, args.json)?;
    Ok(Exit::Done)
}

/// Writes the answers of a batch, or of all tasks, to their files; without an `output`, `raw` gets them.
pub fn write(
    queue: &dyn Queue,
    batch: Option<&str>,
    (output, errors): (Option<&Path>, Option<&Path>),
    raw: &mut dyn FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<Exported> {
    batch::check_exists(queue, batch)?;
    let mut errors = errors.map(Target::new).transpose()?;
    let mut output = output.map(Target::new).transpose()?;
    let exported = batch::export(queue, batch, &mut |line, is_error| match (&mut errors, &mut output) {
        (Some(errors), _) if is_error => errors.write(line),
        (_, Some(output)) => output.write(line),
        (_, None) => raw(line),
    })?;
    for written in [output, errors].into_iter().flatten() {
        written.keep()?;
    }
    Ok(exported)
}

/// Prints the number of the answers that were written.
pub fn report(ctx: &mut Ctx, exported: &Exported, json: bool) -> anyhow::Result<()> {
    if json {
        return ctx.ui.document(exported);
    }
    let pending = if exported.pending > 0 { format!(", {} pending", exported.pending) } else { String::new() };
    let (answers, errors) = (units::plural(exported.answers, "answer"), units::plural(exported.errors, "error"));
    ctx.ui.note(&format!("{answers}, {errors}{pending}"));
    Ok(())
}

/// Opens the file. Copies standard input to a temporary file without a name, since the input is read twice.
pub fn open(path: &Path) -> anyhow::Result<File> {
    if path == Path::new("-") {
        let spooled = || -> std::io::Result<File> {
            let mut file = tempfile::tempfile()?;
            // One byte more than allowed is enough to refuse the input.
            std::io::copy(&mut std::io::stdin().lock().take(MAX_BYTES.saturating_add(1)), &mut file)?;
            file.rewind()?;
            Ok(file)
        };
        return spooled().or_fail(|| Failure::cannot_meet("cannot read standard input"));
    }
    let failure = || Failure::cannot_meet(format!("cannot open `{}`", text::path(path)));
    let file = File::open(path).or_fail(failure)?;
    if !file.metadata().or_fail(failure)?.is_file() {
        return Err(Failure::cannot_meet(format!("`{}` is not a regular file", text::path(path)))
            .hint("use `-` to read from a pipe")
            .into());
    }
    Ok(file)
}
