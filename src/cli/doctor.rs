//! `modelctl doctor`: what keeps models from being found, used or kept, and what to do about it.

use super::{Ctx, Exit};
use crate::ops::doctor::{Check, Diagnosis, diagnose};
use crate::ui::{Cell, Column, Table, Tone, units};
use clap::Args;

/// Look for problems: unreadable folders, missing places, damaged files, the database, the clock
///
/// Changes nothing. Each problem comes with the next step. Exits with 1 when something was found.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modelctl doctor
  modelctl doctor --json | jq -r '.findings[].fix'
  sudo modelctl doctor")]
pub struct DoctorArgs {
    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

pub fn run(ctx: &mut Ctx, args: &DoctorArgs) -> anyhow::Result<Exit> {
    let stop = super::stop_on_signals()?;
    let diagnosis = diagnose(&mut ctx.session, &stop)?;
    let exit = if diagnosis.ok { Exit::Done } else { Exit::Bad };
    if args.json {
        ctx.ui.json(&diagnosis)?;
        return Ok(exit);
    }
    let checks: Vec<&str> = Check::ALL.iter().map(|check| check.name()).collect();
    if diagnosis.ok {
        ctx.ui.note(&format!("no problems found ({})", checks.join(", ")));
        return Ok(exit);
    }
    ctx.ui.table(&table(&diagnosis))?;
    ctx.ui.note(&units::plural(diagnosis.findings.len() as u64, "problem"));
    Ok(exit)
}

const COLUMNS: &[Column] = &[
    Column::left("CHECK", 1),
    Column::left("WHAT", 0).shrink_to(16),
    Column::left("PROBLEM", 0).shrink_to(24),
    Column::left("NEXT STEP", 0).shrink_to(24),
];

fn table(diagnosis: &Diagnosis) -> Table<'_> {
    let mut table = Table::new(COLUMNS);
    for finding in &diagnosis.findings {
        table.row(vec![
            Cell::new(finding.check.name()).tone(Tone::Dim),
            Cell::new(finding.subject.as_str()),
            Cell::new(finding.problem.as_str()).tone(Tone::Warn),
            Cell::new(finding.fix.as_str()),
        ]);
    }
    table
}
