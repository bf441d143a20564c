//! Looks for everything that keeps this program from seeing or keeping models, and says what to do about each.

use super::trash::places;
use super::{Session, clock_check, scan};
use crate::db::{Access, KnownRoot};
use crate::display::{text, units};
use crate::failure::classify;
use crate::host::file_system::is_missing;
use crate::inventory::ScanReport;
use crate::model::{ModelRow, RootState, State};
use crate::prune::trash as trashes;
use crate::supervise::{StopSignal, clock_sync};
use rustix::fs::{AtFlags, CWD, accessat};
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Age of the last scan from which on its results are called old.
const OLD: Duration = Duration::from_secs(30 * 86_400);

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    Database,
    Home,
    Variables,
    Roots,
    Rights,
    Files,
    Models,
    Trash,
    Clock,
}

impl Check {
    pub const ALL: &'static [Check] = &[
        Check::Database,
        Check::Home,
        Check::Variables,
        Check::Roots,
        Check::Rights,
        Check::Files,
        Check::Models,
        Check::Trash,
        Check::Clock,
    ];

    /// Returns the name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Check::Database => "database",
            Check::Home => "home",
            Check::Variables => "variables",
            Check::Roots => "roots",
            Check::Rights => "rights",
            Check::Files => "files",
            Check::Models => "models",
            Check::Trash => "trash",
            Check::Clock => "clock",
        }
    }
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Finding {
    pub check: Check,
    /// What it is about: a path, a variable. Lossily decoded.
    pub subject: String,
    pub problem: String,
    /// The next step: a command, or a sentence.
    pub fix: String,
}

/// The document of `doctor --json`.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub struct Diagnosis {
    schema: &'static str,
    pub ok: bool,
    /// Everything that was looked at.
    pub checks: &'static [Check],
    pub findings: Vec<Finding>,
}

/// Looks at everything. Changes nothing.
///
/// # Errors
/// Interrupted (130) or terminated (143).
pub fn diagnose(session: &mut Session, stop: &StopSignal) -> anyhow::Result<Diagnosis> {
    let mut findings = Vec::new();
    home(session, &mut findings);
    let variables = session.config.roots.missing.clone();
    findings.extend(variables.iter().map(|(variable, path)| Finding {
        check: Check::Variables,
        subject: (*variable).to_owned(),
        problem: format!("names `{}`, which does not exist", text::path(path)),
        fix: format!("create the folder, or `unset {variable}`"),
    }));
    if database(session, &mut findings) {
        let roots = session.db(Access::ReadOnly)?.roots()?;
        self::roots(&roots, session, &mut findings);
        match scan::look(session, stop) {
            Ok(report) => files(&report, &mut findings),
            Err(error) if stop.reason().is_some() => return Err(error),
            Err(error) => findings.push(of_error(Check::Files, "scan", &error)),
        }
        let rows = session.db(Access::ReadOnly)?.rows()?;
        models(&rows, &mut findings);
        trash(session, &mut findings)?;
        clock(session, &mut findings)?;
    }
    findings.sort_by(|a, b| (a.check.name(), &a.subject, &a.problem).cmp(&(b.check.name(), &b.subject, &b.problem)));
    Ok(Diagnosis { schema: "modelctl.doctor/1", ok: findings.is_empty(), checks: Check::ALL, findings })
}

fn of_error(check: Check, subject: &str, error: &anyhow::Error) -> Finding {
    let fix = classify(error).1.unwrap_or("see the message").to_owned();
    Finding { check, subject: subject.to_owned(), problem: format!("{error:#}"), fix }
}

fn home(session: &Session, findings: &mut Vec<Finding>) {
    let config = &session.config;
    let database = text::path(&config.database);
    let mut add = |problem: String| {
        findings.push(Finding {
            check: Check::Home,
            subject: "HOME".to_owned(),
            problem,
            fix: "set HOME; --db and MODELCTL_DB name a database".to_owned(),
        });
    };
    if let Some(home) = &config.missing_home {
        add(format!("`{}` does not exist: no database is created there", text::path(home)));
    }
    if config.is_database_of_service {
        add(format!("is not set: the folders of a user are not searched, and the database is `{database}`"));
    }
}

/// Checks the database. Returns whether it can be read.
fn database(session: &mut Session, findings: &mut Vec<Finding>) -> bool {
    let path = text::path(&session.config.database);
    let read = session.db(Access::ReadOnly).and_then(|db| Ok((db.is_fresh(), db.faults()?, db.roots()?)));
    let (is_fresh, faults, roots) = match read {
        Ok(read) => read,
        Err(error) => {
            findings.push(of_error(Check::Database, &path, &error));
            return false;
        }
    };
    let mut add = |problem: String, fix: &str| {
        findings.push(Finding { check: Check::Database, subject: path.clone(), problem, fix: fix.to_owned() });
    };
    if is_fresh {
        add("there is none yet: nothing was scanned".to_owned(), "`modelctl scan`");
    }
    for fault in faults {
        let copy = "stop modelctl, copy the file, and restore it with `sqlite3 FILE .recover`";
        add(format!("SQLite reports damage: {}", text::clean(&fault)), copy);
    }
    let age = roots.iter().map(|root| root.last_scan).max().map(|at| at.age(session.now)).filter(|age| *age > OLD);
    if let Some(age) = age {
        add(format!("the last scan was {} ago", units::ago(age)), "`modelctl scan`");
    }
    !is_fresh
}

fn roots(roots: &[KnownRoot], session: &Session, findings: &mut Vec<Finding>) {
    use rustix::fs::Access as Rights;
    for root in roots {
        let path = &root.path;
        let subject = text::path(path);
        let mut add = |check: Check, problem: String, fix: String| {
            findings.push(Finding { check, subject: subject.clone(), problem, fix });
        };
        let seen = units::ago(root.last_scan.age(session.now));
        if is_missing(path) {
            let problem = format!("the folder is not there; it was last scanned {seen} ago");
            add(Check::Roots, problem, format!("mount it, or `modelctl scan --forget {}`", quoted(path)));
            continue;
        }
        if accessat(CWD, path, Rights::READ_OK | Rights::EXEC_OK, AtFlags::EACCESS).is_err() {
            let problem = "this user may not read it".to_owned();
            add(Check::Rights, problem, format!("run as its owner, or `chmod` it: `ls -ld {}`", quoted(path)));
        } else if let RootState::Unavailable { reason } = &root.state {
            add(
                Check::Roots,
                format!("the last scan could not read it: {}", text::clean(reason)),
                "`modelctl scan`".into(),
            );
        }
    }
}

/// Returns a path as a shell reads it.
fn quoted(path: &Path) -> String {
    let shown = text::path(path);
    // A NUL cannot be in a path.
    shlex::try_quote(&shown).map_or_else(|_| shown.clone(), |quoted| quoted.into_owned())
}

fn files(report: &ScanReport, findings: &mut Vec<Finding>) {
    for skipped in &report.skipped {
        let reason = text::clean(&skipped.reason).into_owned();
        let is_rights = reason.contains("ermission denied");
        findings.push(Finding {
            check: if is_rights { Check::Rights } else { Check::Files },
            subject: text::path(&skipped.path),
            problem: format!("skipped: {reason}"),
            fix: match is_rights {
                true => "run as its owner, or change its mode".to_owned(),
                false => format!("`ls -ld {}`; `modelctl scan --store NAME=PATH` names a store", quoted(&skipped.path)),
            },
        });
    }
}

fn models(rows: &[ModelRow], findings: &mut Vec<Finding>) {
    let states = [
        (State::Damaged, "damaged", "`modelctl prune --damaged` shows them"),
        (State::Truncated, "truncated", "`modelctl prune --damaged` shows them"),
        (State::Unreadable, "unreadable", "`modelctl list --state unreadable`"),
        (State::Incomplete, "incomplete", "`modelctl prune --partials` shows them"),
    ];
    for (state, word, fix) in states {
        let count = rows.iter().filter(|row| row.state == state).count() as u64;
        if count > 0 {
            findings.push(Finding {
                check: Check::Models,
                subject: units::plural(count, &format!("{word} model")),
                problem: "cannot be used".to_owned(),
                fix: fix.to_owned(),
            });
        }
    }
}

fn trash(session: &mut Session, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let (places, faults) = places(session, &[])?;
    let mut add = |subject: String, problem: String, fix: &str| {
        findings.push(Finding { check: Check::Trash, subject, problem, fix: fix.to_owned() });
    };
    for fault in faults {
        add("trash".to_owned(), text::clean(&fault).into_owned(), "see `modelctl trash list`");
    }
    for place in &places {
        let path = text::path(place.path());
        let items = match trashes::list([place]) {
            Ok(items) => items,
            Err(error) => {
                add(path, format!("cannot be read: {error:#}"), "see `modelctl trash list`");
                continue;
            }
        };
        for item in items {
            match &item.state {
                trashes::State::Complete | trashes::State::Partly => {}
                trashes::State::Damaged(why) => {
                    add(text::path(&item.folder), format!("not understood: {why}"), "look into the folder by hand");
                }
                _ => add(
                    text::path(&item.folder),
                    "a run was interrupted while it worked on this item".to_owned(),
                    "`modelctl prune --confirm` completes or undoes it",
                ),
            }
        }
    }
    Ok(())
}

fn clock(session: &mut Session, findings: &mut Vec<Finding>) -> anyhow::Result<()> {
    let mut add = |problem: String, fix: &str| {
        findings.push(Finding { check: Check::Clock, subject: "clock".to_owned(), problem, fix: fix.to_owned() });
    };
    if let Some(leap) = clock_check::leap(session)? {
        let problem = format!("it leapt ahead by {}: ages are not trusted", units::ago(leap.ahead));
        add(problem, "`modelctl prune --now-is-right`, if the time is right");
    }
    if clock_sync() == Some(false) {
        add("not synchronized with a time server".to_owned(), "`timedatectl set-ntp true`");
    }
    Ok(())
}
