//! `modelctl health [TARGET…]`: checks that what this node serves is served, for people, probes and monitoring systems.

mod output;
mod view;

use super::args::{limit, named};
use super::{Ctx, Exit};
use crate::health::{CheckName, Limits, Style};
use crate::model::health::{Level, Thresholds};
use crate::ops::health::{Request, health};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use view::Format;

/// Check the health of the services on this node
///
/// Without a config, it checks what it finds: supervisord programs, systemd units and processes that are llama-server,
/// Ollama or modelctl, and modelctl's database, the disks that hold models and logs, memory, GPUs and the clock.
/// `[[services]]` in the config file lists services and what is expected of them.
///
/// Levels, each including those before it: `alive`: the process exists and its endpoint returns any HTTP response.
/// `ready`: its health path returns 200, its own process owns the socket, its model is listed, and its model file is
/// intact and not changing. `serving`: there is progress between two samples 2 s apart, or nothing to do. `deep`: it
/// generates one token, if a slot is free.
///
/// A busy server is ok. A server that is loading its model is a warning, for up to three times as long as the size of
/// the model explains. What cannot be checked is unknown, with the missing permission, and never ok.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modelctl health
  modelctl health llama --level serving
  modelctl health http://127.0.0.1:8080/health --wait 2m
  modelctl health --check disk,memory -w disk_free=10%: -c disk_free=5%:
  modelctl health --format nagios --exit-style nagios
  modelctl health --format prometheus --output modelctl.prom

Values for -w and -c: time and token_time (s), disk_free, inodes_free, memory_available and
gpu_memory_free (%), gpu_temperature, clock_skew (s), queue_pollers, queue_backlog, tasks_due,
tasks_failed; TARGET_VALUE for one target. Ranges: 10 alerts below 0 and above 10, 10: below 10,
~:10 above 10, 10:20 outside, @10:20 inside.")]
pub struct HealthArgs {
    /// Service names, http:// URLs or paths of model files (default: all services, and the machine)
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
    /// How thoroughly to check services (default: `health.level` in the config, or ready)
    #[arg(long, value_name = "LEVEL", value_parser = named(Level::ALL, Level::name))]
    level: Option<Level>,
    /// Run only these checks, separated by commas
    #[arg(long = "check", value_name = "NAME", value_delimiter = ',', value_parser = named(CheckName::ALL, CheckName::name))]
    checks: Vec<CheckName>,
    /// Fail unless there is a working GPU
    #[arg(long)]
    require_gpu: bool,
    /// Time limit for all checks together (default: `health.timeout` in the config, or 5s)
    #[arg(long, value_name = "TIME", value_parser = limit)]
    timeout: Option<Duration>,
    /// Check again until everything is ok, for at most this long
    #[arg(long, value_name = "TIME", value_parser = limit)]
    wait: Option<Duration>,
    /// Exit with 1 on a warning as well
    #[arg(long)]
    strict: bool,
    /// Warn if a value violates a range, such as `disk_free=10%:`
    #[arg(short, long, value_name = "NAME=RANGE", value_parser = thresholds)]
    warning: Vec<Thresholds>,
    /// Fail if a value violates a range
    #[arg(short, long, value_name = "NAME=RANGE", value_parser = thresholds)]
    critical: Vec<Thresholds>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = named(Format::ALL, Format::name))]
    format: Format,
    /// Same as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to this file instead of standard output, replacing it atomically
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Exit code convention; docker and kubernetes also limit the output to 4,096 bytes
    #[arg(long, value_name = "STYLE", default_value = "plain", value_parser = named(Style::ALL, Style::name))]
    exit_style: Style,
}

fn thresholds(text: &str) -> Result<Thresholds, String> {
    text.parse()
}

impl HealthArgs {
    fn request(&self, config: &crate::config::HealthConfig) -> Request {
        let mut limits = Limits { warning: config.warning.clone(), critical: config.critical.clone() };
        self.warning.iter().for_each(|one| limits.warning.extend(one));
        self.critical.iter().for_each(|one| limits.critical.extend(one));
        Request {
            targets: self.targets.clone(),
            level: self.level.unwrap_or(config.level),
            checks: self.checks.clone(),
            needs_gpu: self.require_gpu,
            timeout: self.timeout.unwrap_or(config.timeout),
            wait: self.wait,
            limits,
        }
    }
}

pub fn run(ctx: &mut Ctx, args: &HealthArgs) -> anyhow::Result<Exit> {
    let stop = super::stop_on_signals()?;
    let request = args.request(&ctx.session.config.health);
    let report = ctx.run(|session, _| health(session, &request, &stop))?;
    let format = if args.json { Format::Json } else { args.format };
    let most = args.exit_style.most_output();
    match &args.output {
        Some(file) => output::replace(file, &view::bytes(&report, format, most)?)?,
        None => view::print(&mut ctx.ui, &report, format, most)?,
    }
    Ok(Exit::Code(args.exit_style.code(report.status, args.strict)))
}

/// Returns the exit style that a command line asks for, before it is parsed: a line that cannot be parsed has one too.
pub fn style_of(args: &[OsString]) -> Style {
    let words: Vec<&str> =
        args.iter().skip(1).take_while(|word| *word != "--").filter_map(|word| word.to_str()).collect();
    if !words.contains(&"health") {
        return Style::Plain;
    }
    let after =
        words.iter().zip(words.iter().skip(1)).filter(|(word, _)| **word == "--exit-style").map(|(_, value)| *value);
    let joined = words.iter().filter_map(|word| word.strip_prefix("--exit-style="));
    after.chain(joined).find_map(Style::named).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A probe that is misspelt must fail in the words of its caller.
    #[test]
    fn the_exit_style_is_known_before_the_line_is_parsed() {
        let style = |line: &str| style_of(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(style("modelctl health --exit-style nagios --bogus"), Style::Nagios);
        assert_eq!(style("modelctl --config x health --exit-style=docker"), Style::Docker);
        assert_eq!(style("modelctl health --exit-style"), Style::Plain);
        assert_eq!(style("modelctl health -- --exit-style=nagios"), Style::Plain);
        assert_eq!(style("modelctl list --exit-style nagios"), Style::Plain);
    }
}
