//! `modelctl doctor`: what keeps models from being found, used or kept, and what to do about it.

use super::{Ctx, Exit};
use crate::ops::doctor::{Check, Diagnosis, diagnose};
use crate::ui::{Tone, text, units};
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
    print(ctx, &diagnosis)?;
    ctx.ui.note(&units::plural(diagnosis.findings.len() as u64, "problem"));
    Ok(exit)
}

/// Prints a problem, and below it what to do: commands are copied, so nothing is cut.
fn print(ctx: &mut Ctx, diagnosis: &Diagnosis) -> anyhow::Result<()> {
    let width = diagnosis.findings.iter().map(|finding| finding.check.name().len()).max().unwrap_or(0);
    for finding in &diagnosis.findings {
        let (check, subject) = (finding.check.name(), text::clean(&finding.subject));
        let problem = text::clean(&finding.problem);
        // The clock has no name but that of its check.
        let what = if subject == check { problem.into_owned() } else { format!("{subject}: {problem}") };
        ctx.ui.painted_line(&format!("{check:width$}  {what}"), Tone::Warn)?;
        ctx.ui.line(&format!("{:width$}  {}", "", text::clean(&finding.fix)))?;
    }
    Ok(())
}
