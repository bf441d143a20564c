use crate::db::Access;
use crate::display::{Document, text, units};
use crate::failure::{Failure, OrFail};
use crate::model::task::{Accepted, Enqueued, NewTask, OnFinished, Wish};
use crate::model::{Selector, hex};
use crate::ops::wish::{Asked, wish};
use crate::ops::{OpEvent, Session, Sink, check_grammars, resolve_model, runnable};
use crate::queue::batch::{self, Checked, Problems};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

/// A file of requests, and options for queuing them.
#[derive(Debug, Clone)]
pub struct Request {
    /// The name of the file, from which the name of the batch is made when `batch` is None.
    pub file: PathBuf,
    pub batch: Option<String>,
    /// The model or tier that answers all requests; overrides the lines of the file.
    pub wish: Option<Asked>,
    /// Whether another model may answer where the named one fails or cannot be run.
    pub fallback: bool,
    pub priority: i32,
    /// Attempts that may end in an error; None uses the configured number.
    pub max_attempts: Option<u32>,
    /// Whether tasks that have ended run again.
    pub replace_finished: bool,
}

/// Counts of the lines of a file by how they were queued.
#[derive(Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Imported {
    pub batch: String,
    pub lines: u64,
    pub new: u64,
    pub existing: u64,
    pub replaced: u64,
    /// Tasks whose key exists with another request, model or priority; the existing ones stay.
    pub existing_differs: u64,
}

impl Document for Imported {
    const SCHEMA: &'static str = "modelctl.task-import/1";
}

/// Checks the whole file, then queues its requests in one transaction.
///
/// # Errors
/// Cannot be met (3) for a file that cannot be read, lines that are not requests, constraints that no model can follow,
/// and models that are not here; nothing is queued then.
pub fn import(
    session: &mut Session,
    file: &mut File,
    request: &Request,
    on: &mut Sink<'_>,
) -> anyhow::Result<Imported> {
    let name = text::path(&request.file);
    let unreadable = || Failure::cannot_meet(format!("cannot read `{name}`"));
    let checked = batch::check(BufReader::with_capacity(1 << 16, &mut *file))
        .or_fail(unreadable)?
        .map_err(|problems| problems.failure(&name))?;
    let refused = check_grammars::refused(&checked.forms.keys().collect::<Vec<_>>());
    if refused.iter().any(Option::is_some) {
        return Err(Problems::of_forms(&checked, &refused).failure(&name).into());
    }
    let wishes = wishes(session, request, &checked, on)?;
    let label = match &request.batch {
        Some(batch) => batch.clone(),
        None => label(&request.file, &checked, &wishes),
    };
    file.rewind().or_fail(unreadable)?;
    let most = session.config.offload.max_attempts;
    let fallback = request.fallback || session.config.offload.fallback;
    let mut tasks = batch::read(BufReader::with_capacity(1 << 16, file), &checked).map(|line| {
        let line = line?;
        let wish = wishes.of(line.model.as_deref());
        Ok(NewTask {
            fallback: fallback && wish.model().is_some(),
            batch: label.clone(),
            key: Some(line.key),
            priority: request.priority,
            wish,
            max_attempts: request.max_attempts.unwrap_or(most),
            ..NewTask::new(line.request)
        })
    });
    let finished = if request.replace_finished { OnFinished::Replace } else { OnFinished::Keep };
    let at = session.moment(Access::ReadWrite)?;
    let given = session.queue(Access::ReadWrite)?.enqueue(&mut tasks, finished, at)?;
    let imported = imported(&label, &given);
    if imported.existing_differs > 0 {
        on(OpEvent::warning(format!(
            "{} unchanged: added before with other requests, models or priorities",
            units::plural(imported.existing_differs, "task")
        )));
    }
    Ok(imported)
}

fn imported(batch: &str, given: &[Enqueued]) -> Imported {
    let mut sum = Imported { batch: batch.to_owned(), lines: given.len() as u64, ..Imported::default() };
    for one in given {
        match one.how {
            Accepted::New => sum.new += 1,
            Accepted::Existing => sum.existing += 1,
            Accepted::Replaced => sum.replaced += 1,
            Accepted::ExistingDiffers => sum.existing_differs += 1,
        }
    }
    sum
}

/// Wishes by the model names of the lines.
struct Wishes {
    all: Option<Wish>,
    of_name: BTreeMap<String, Wish>,
}

impl Wishes {
    fn of(&self, model: Option<&str>) -> Wish {
        let own = || model.and_then(|name| self.of_name.get(name)).cloned();
        self.all.clone().or_else(own).unwrap_or(Wish::Any)
    }

    /// Returns the sha256 of the file and of the models that change its answers. Where any model will do, the sha256 of
    /// the file alone.
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

fn wishes(session: &mut Session, request: &Request, checked: &Checked, on: &mut Sink<'_>) -> anyhow::Result<Wishes> {
    let all = match &request.wish {
        Some(asked) => Some(wish(session, asked, request.fallback, on)?),
        None => None,
    };
    let fallback = request.fallback || session.config.offload.fallback;
    let mut of_name = BTreeMap::new();
    if all.is_none() {
        for name in &checked.models {
            let row = resolve_model::resolve(session, &Selector(name.clone())).map_err(|error| {
                let name = text::clean(name);
                let failure =
                    Failure::cannot_meet(format!("the file requests the model `{name}`, which does not exist here"));
                error.context(failure.hint("choose one for all lines with --model, --tier or --any-model"))
            })?;
            runnable::check_for_task(session, &row, fallback, on)?;
            of_name.insert(name.clone(), Wish::Model(row.id.0));
        }
    }
    Ok(Wishes { all, of_name })
}

/// Returns the default name of a batch. Two files with one name are two batches, and so is one file for two models. One
/// file under two names has the same digits in both names.
fn label(path: &Path, checked: &Checked, wishes: &Wishes) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).filter(|s| s != "-");
    let stem: String =
        stem.unwrap_or_else(|| "stdin".to_owned()).chars().filter(|c| !c.is_control()).take(60).collect();
    let digits = wishes.digits(checked);
    format!("{stem}-{}", digits.get(..12).unwrap_or(&digits))
}
