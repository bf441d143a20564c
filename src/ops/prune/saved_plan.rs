//! A plan in a file: saves it, reads it, and checks which rows of it would still be removed. A person names the file,
//! and may name any file.

use super::gather::uses;
use crate::display::{text, units};
use crate::failure::{Failure, Kind, OrFail, json_fault};
use crate::model::ModelId;
use crate::ops::Session;
use crate::prune::apply::{Acting, Doer, Fate, check, places};
use crate::prune::candidate::Candidate;
use crate::prune::decide::{Rule, Verdict};
use crate::prune::in_use::Use;
use crate::prune::plan::{FORMAT, Plan, Row};
use crate::prune::policy::Policy;
use crate::prune::target::{self, Space};
use crate::prune::trash;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Largest plan that is written or read, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// Returns the bytes of a saved plan.
///
/// # Errors
/// Cannot be met (3) for a plan that is too large to be read again.
pub fn encode(plan: &Plan) -> anyhow::Result<Vec<u8>> {
    let cannot = || Failure::new(Kind::Bug, "cannot write the plan as JSON");
    let mut bytes = serde_json::to_vec_pretty(plan).or_fail(cannot)?;
    if bytes.len() as u64 >= MOST_BYTES {
        bytes = serde_json::to_vec(plan).or_fail(cannot)?;
    }
    bytes.push(b'\n');
    if bytes.len() as u64 > MOST_BYTES {
        let large = format!("the plan is larger than {} and cannot be saved", units::bytes(MOST_BYTES));
        return Err(Failure::cannot_meet(large)
            .hint("narrow it down, for example with --model or --unused-for")
            .into());
    }
    Ok(bytes)
}

/// Saves the plan. A file appears whole or not at all, and replaces only an earlier plan. Links are followed; a path
/// that is not a regular file is written to.
///
/// # Errors
/// Cannot be met (3) where the file is something else, or cannot be written.
pub fn save(plan: &Plan, file: &Path) -> anyhow::Result<()> {
    let cannot = || Failure::cannot_meet(format!("cannot write the plan to `{}`", text::path(file)));
    let refuse = |why: &str| {
        Failure::cannot_meet(format!("`{}` {why}: nothing was written to it", text::path(file)))
            .hint("choose another file, or remove that one")
    };
    let bytes = encode(plan)?;
    let meta = match std::fs::metadata(file) {
        Ok(meta) => Some(meta),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(e).or_fail(cannot),
    };
    // Paths in these places are open files of a process, whatever they refer to.
    let is_open_file = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"].iter().any(|top| file.starts_with(top));
    match meta {
        Some(meta) if meta.is_dir() => return Err(refuse("is a folder").into()),
        Some(meta) if meta.file_type().is_block_device() => return Err(refuse("is a disk").into()),
        Some(meta) if !meta.is_file() || is_open_file => {
            let mut to = File::options().append(true).open(file).or_fail(cannot)?;
            return to.write_all(&bytes).or_fail(cannot);
        }
        None if file.is_symlink() => return Err(refuse("is a dangling link").into()),
        Some(_) if !is_ours(file).or_fail(cannot)? => return Err(refuse("exists and is not a plan").into()),
        _ => {}
    }
    let there = meta.map(|_| file.canonicalize()).transpose().or_fail(cannot)?;
    let place = there.as_deref().unwrap_or(file);
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // An error of the temporary file would name that.
    std::fs::metadata(folder).or_fail(cannot)?;
    let mut new = tempfile::NamedTempFile::new_in(folder).or_fail(cannot)?;
    new.write_all(&bytes).or_fail(cannot)?;
    new.as_file().sync_all().or_fail(cannot)?;
    match there {
        Some(there) => new.persist(there).or_fail(cannot)?,
        None => new.persist_noclobber(place).or_fail(cannot)?,
    };
    Ok(())
}

/// Returns whether the file is empty or a plan, of any format version.
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

/// Reads a file. None when it is larger than any plan.
fn bounded(file: &Path) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let from = File::open(file)?;
    let is_known = from.metadata().is_ok_and(|meta| meta.is_file() && meta.len() > MOST_BYTES);
    if !is_known {
        from.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    }
    Ok((!is_known && bytes.len() as u64 <= MOST_BYTES).then_some(bytes))
}

/// Reads a saved plan.
///
/// # Errors
/// Cannot be met (3) for a file that is not a plan of a known format.
pub fn read(file: &Path) -> anyhow::Result<Plan> {
    let name = text::path(file);
    let bytes = bounded(file).or_fail(|| Failure::cannot_meet(format!("cannot read the plan `{name}`")))?;
    let no_plan = || {
        Failure::cannot_meet(format!("`{name}` is not a valid plan file"))
            .hint("`modelctl prune … --plan FILE` saves one")
    };
    let too_large =
        || Failure::cannot_meet(format!("`{name}` is larger than {}, so it is not a plan", units::bytes(MOST_BYTES)));
    let bytes = bytes.ok_or_else(too_large)?;
    let plan: Plan = serde_json::from_slice(&bytes).map_err(|error| {
        let Failure { message, hint, .. } = no_plan();
        Failure { hint, ..Failure::cannot_meet(format!("{message}: {}", json_fault(&error))) }
    })?;
    if plan.format != FORMAT {
        let known = format!("`{name}` is a plan in format {}; expected {FORMAT}", plan.format);
        return Err(Failure::cannot_meet(known).into());
    }
    let (mut ids, mut paths) = (HashSet::new(), HashSet::new());
    let is_once = plan.rows.iter().all(|row| match &row.id {
        Some(id) => ids.insert(id),
        None => paths.insert((&row.root, &row.path)),
    });
    if !is_once {
        let twice = Failure::cannot_meet(format!("`{name}` is not a valid plan file: duplicate row"));
        return Err(twice.hint("`modelctl prune … --plan FILE` saves one").into());
    }
    Ok(plan)
}

/// Returns the plan without rows that would be skipped now; those stay in it with the reason.
pub fn revalidate(session: &Session, plan: Plan, found: &[Candidate], notes: &mut Vec<String>) -> anyhow::Result<Plan> {
    let named: HashSet<&ModelId> = plan.going().filter_map(|row| row.id.as_ref()).collect();
    let bytes: HashSet<&Path> = plan.going().map(|row| row.path.as_path()).collect();
    let is_meant = |c: &&Candidate| c.id.as_ref().map_or(bytes.contains(c.path.as_path()), |id| named.contains(id));
    let about: Vec<&Candidate> = found.iter().filter(is_meant).collect();
    let uses = uses(&session.config.prune, &about, notes);
    let uses: HashMap<*const Candidate, Use> = about.iter().map(|c| std::ptr::from_ref(*c)).zip(uses).collect();
    let used = |c: &Candidate| {
        let known = uses.get(&std::ptr::from_ref(c)).cloned();
        known.unwrap_or_else(|| Use::Unknown("use was not checked".to_owned()))
    };
    let doer = Doer { who: String::new(), command: String::new(), actor: None, now: session.now };
    let mut acting = Acting {
        candidates: found,
        doer: &doer,
        purge: false,
        ollama: &session.config.prune.ollama,
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

/// Returns a saved plan without the rows that its target no longer needs.
pub fn without_needless(mut plan: Plan, found: &[Candidate], room: &Space, notes: &mut Vec<String>) -> Plan {
    if !plan.policy.has_target() {
        return plan;
    }
    let places = places(&plan, found);
    let going: HashSet<usize> = places.iter().copied().flatten().collect();
    let verdict = |at: usize| match going.contains(&at) {
        true => Verdict::goes(Rule::Space, ""),
        false => Verdict::stays(Rule::NotSelected, ""),
    };
    let mut verdicts: Vec<Verdict> = (0..found.len()).map(verdict).collect();
    let policy = Policy { min_keep: 0, ..plan.policy.clone() };
    let limited = target::limit(&policy, found, &mut verdicts, room);
    (plan.targets, plan.total) = (limited.targets, limited.total);
    let mut places = places.into_iter();
    let mut left_out = 0u64;
    let mut why = |row: &Row| {
        // Rows that the database no longer knows are reported when the plan is acted on.
        let at = if row.goes { places.next().flatten()? } else { return None };
        let kept = verdicts.get(at).filter(|verdict| !verdict.goes)?;
        left_out += 1;
        Some(kept.why.clone())
    };
    let whys: Vec<Option<String>> = plan.rows.iter().map(&mut why).collect();
    if left_out > 0 {
        notes.push(format!("skipped {left_out} of the plan: the target is reached without them"));
    }
    plan.without(&whys)
}
