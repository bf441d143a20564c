//! A plan in a file: saving it, reading it, and what of it would still be done. A person names the file, and may name
//! anything.

use super::Ctx;
use super::prune::uses;
use crate::failure::{Failure, OrFail};
use crate::model::ModelId;
use crate::prune::apply::{Acting, Doer, Fate, check};
use crate::prune::candidate::Candidate;
use crate::prune::in_use::Use;
use crate::prune::plan::{FORMAT, Plan, Row};
use crate::prune::trash;
use crate::ui::{Ui, text, units};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// A plan of a million rows is smaller.
const MOST_BYTES: u64 = 1 << 30;

/// Saves the plan: a file appears whole or not at all, and takes the place of an earlier plan alone. Links are
/// followed; what is no file is written to. `-` is standard output.
pub(super) fn save(ui: &mut Ui, plan: &Plan, file: &Path) -> anyhow::Result<()> {
    let cannot = || Failure::cannot_meet(format!("cannot write the plan to `{}`", text::path(file)));
    let refuse = |why: &str| {
        Failure::cannot_meet(format!("`{}` {why}: nothing was written to it", text::path(file)))
            .hint("name another file, or take that one away")
    };
    let mut bytes = serde_json::to_vec_pretty(plan).or_fail(cannot)?;
    bytes.push(b'\n');
    if file.as_os_str() == "-" {
        return ui.raw(&bytes);
    }
    let meta = match std::fs::metadata(file) {
        Ok(meta) => Some(meta),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(e).or_fail(cannot),
    };
    // What the system keeps there is somebody's open file, whatever stands behind it.
    let is_open_file = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|top| file.starts_with(top));
    match meta {
        Some(meta) if meta.is_dir() => return Err(refuse("is a folder").into()),
        Some(meta) if meta.file_type().is_block_device() => return Err(refuse("is a disk").into()),
        Some(meta) if !meta.is_file() || is_open_file => {
            let mut to = File::options().append(true).open(file).or_fail(cannot)?;
            return to.write_all(&bytes).or_fail(cannot);
        }
        None if file.is_symlink() => return Err(refuse("is a link that leads nowhere").into()),
        Some(_) if !is_ours(file).or_fail(cannot)? => return Err(refuse("is there, and is no plan").into()),
        _ => {}
    }
    let there = meta.map(|_| file.canonicalize()).transpose().or_fail(cannot)?;
    let place = there.as_deref().unwrap_or(file);
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::NamedTempFile::new_in(folder).or_fail(cannot)?;
    new.write_all(&bytes).or_fail(cannot)?;
    new.as_file().sync_all().or_fail(cannot)?;
    match there {
        Some(there) => new.persist(there).or_fail(cannot)?,
        None => new.persist_noclobber(place).or_fail(cannot)?,
    };
    Ok(())
}

/// Whether it is empty or a plan, of whatever format.
fn is_ours(file: &Path) -> std::io::Result<bool> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "format")]
        _format: u32,
        #[serde(rename = "policy")]
        _policy: IgnoredAny,
        #[serde(rename = "rows")]
        _rows: Vec<IgnoredAny>,
    }
    let bytes = bounded(file)?;
    Ok(bytes.is_some_and(|bytes| bytes.is_empty() || serde_json::from_slice::<Head>(&bytes).is_ok()))
}

/// None when it is larger than any plan.
fn bounded(file: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let from = File::open(file)?;
    let is_known = from.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > MOST_BYTES);
    if !is_known {
        from.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    }
    Ok((!is_known && bytes.len() as u64 <= MOST_BYTES).then_some(bytes))
}

pub(super) fn read(file: &Path) -> anyhow::Result<Plan> {
    let name = text::path(file);
    let bytes = bounded(file).or_fail(|| Failure::cannot_meet(format!("cannot read the plan `{name}`")))?;
    let no_plan = || {
        Failure::cannot_meet(format!("`{name}` is no plan that can be applied"))
            .hint("`modelctl prune … --plan FILE` saves one")
    };
    let too_large =
        || Failure::cannot_meet(format!("`{name}` is larger than {}, and no plan is", units::bytes(MOST_BYTES)));
    let plan: Plan = serde_json::from_slice(&bytes.ok_or_else(too_large)?).or_fail(no_plan)?;
    if plan.format != FORMAT {
        let known = format!("`{name}` is a plan of format {}; known is {FORMAT}", plan.format);
        return Err(Failure::cannot_meet(known).into());
    }
    Ok(plan)
}

/// The plan without what would be left alone by now, which stays with the reason.
pub(super) fn looked_through(
    ctx: &mut Ctx,
    plan: Plan,
    found: &[Candidate],
    notes: &mut Vec<String>,
) -> anyhow::Result<Plan> {
    let named: HashSet<&ModelId> = plan.going().filter_map(|row| row.id.as_ref()).collect();
    let bytes: HashSet<&Path> = plan.going().map(|row| row.path.as_path()).collect();
    let is_meant = |c: &&Candidate| c.id.as_ref().map_or(bytes.contains(c.path.as_path()), |id| named.contains(id));
    let about: Vec<&Candidate> = found.iter().filter(is_meant).collect();
    let uses = uses(&ctx.config.prune, &about, notes);
    let used = |c: &Candidate| {
        let at = about.iter().position(|other| std::ptr::eq(*other, c));
        at.and_then(|at| uses.get(at)).cloned().unwrap_or_else(|| Use::Unknown("nobody was asked".to_owned()))
    };
    let doer = Doer { who: String::new(), command: String::new(), actor: None, now: ctx.now };
    let mut acting = Acting {
        candidates: found,
        doer: &doer,
        purge: false,
        ollama: &ctx.config.prune.ollama,
        in_use: &mut |c| used(c),
        is_kept: &mut |_| Ok(None),
        tell: &mut |_| Ok(()),
        stop: &|| false,
        hook: &mut trash::go_on,
    };
    let done = check(&plan, &mut acting)?;
    let stays = done.into_iter().filter_map(|done| match done.fate {
        Fate::Skipped { why } => Some((std::ptr::from_ref(done.row), why)),
        _ => None,
    });
    let stays: HashMap<*const Row, String> = stays.collect();
    let why: Vec<Option<String>> = plan.rows.iter().map(|row| stays.get(&std::ptr::from_ref(row)).cloned()).collect();
    Ok(plan.without(&why))
}
