//! What `--help` shows below the options: examples, exit codes, and the global options in one line.

use super::examples::{EXAMPLES, EXITS, row};
use crate::failure::EXIT_CODES;
use clap::{Arg, Command};

const GLOBAL: &str = "Global options: --config FILE, --db FILE, --color WHEN, --wide, -q/--quiet (see modelctl --help)";

/// The commands by what they are for, as the help of modelctl lists them.
const GROUPS: &[(&str, &[&str])] = &[
    ("Find and check models", &["scan", "list", "show", "df", "verify", "duplicates", "set", "keep"]),
    ("Free space, and undo it", &["prune", "rm", "trash", "dedupe", "history"]),
    ("Run prompts and tasks", &["run-once", "task", "batch", "inference"]),
    ("Serve models", &["serve", "start", "stop", "restart", "start-all", "stop-all", "ps", "top", "logs", "events"]),
    ("Decide what stays in memory", &["why", "priority", "offload", "lifecycle", "tune"]),
    ("See what is wrong", &["status", "doctor", "health", "triage"]),
    ("Other", &["schema", "completions", "man", "version", "help"]),
];

/// Returns the list of commands in groups, each with its first sentence.
fn commands(command: &Command) -> String {
    let about = |name: &str| -> Option<String> {
        if name == "help" {
            return Some("Print this message or the help of a command".to_owned());
        }
        let sub = command.find_subcommand(name)?;
        let aliases: Vec<&str> = sub.get_visible_aliases().collect();
        let aliases = if aliases.is_empty() { String::new() } else { format!(" [also: {}]", aliases.join(", ")) };
        Some(format!("{}{aliases}", sub.get_about().map(ToString::to_string).unwrap_or_default()))
    };
    let group = |(title, names): &(&str, &[&str])| {
        let line = |name: &&str| Some(format!("  {name:<11} {}\n", about(name)?));
        format!("{title}:\n{}\n", names.iter().filter_map(line).collect::<String>())
    };
    GROUPS.iter().map(group).collect()
}

/// Adds the ends of all help texts, and hides the global options in the help of commands.
pub(super) fn complete(command: Command) -> Command {
    let global: Vec<Arg> = command.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    let table: String = EXIT_CODES.iter().map(|(code, meaning)| format!("\n  {code:>3}  {meaning}")).collect();
    let examples = listed(examples("", &command));
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}Global options:\n{{options}}{{after-help}}\n",
        commands(&command)
    );
    let whole = command.after_help(format!("{examples}Exit codes:{table}")).help_template(template);
    below(whole, "", &global)
}

fn below(command: Command, path: &str, global: &[Arg]) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.iter().fold(command, |command, name| {
        let path = format!("{path} {name}").trim_start().to_owned();
        command.mut_subcommand(name, |sub| {
            if sub.is_hide_set() {
                return sub;
            }
            let end = end(&path, &sub);
            let taken: Vec<&str> = sub.get_arguments().map(|arg| arg.get_id().as_str()).collect();
            let hidden: Vec<Arg> =
                global.iter().filter(|arg| !taken.contains(&arg.get_id().as_str())).cloned().collect();
            let sub = sub.args(hidden.into_iter().map(|arg| arg.hide(true))).after_help(end);
            below(sub, &path, global)
        })
    })
}

/// Returns the text below the options of a command.
fn end(path: &str, command: &Command) -> String {
    let codes = row(EXITS, path).map_or_else(String::new, |codes| {
        let table: String = codes.iter().map(|(code, meaning)| format!("\n  {code:>3}  {meaning}")).collect();
        format!("Exit codes:{table}\n\n")
    });
    format!("{}{}{codes}{GLOBAL}", listed(examples(path, command)), notes(command))
}

/// Returns what a command says below its options in addition to examples.
fn notes(command: &Command) -> String {
    let own = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let notes = own.split("\n\n").filter(|part| !part.is_empty() && !part.starts_with("Examples:"));
    notes.map(|part| format!("{part}\n\n")).collect()
}

/// Returns the examples of a command, one a line.
pub(super) fn examples(path: &str, command: &Command) -> Vec<String> {
    if let Some(lines) = row(EXAMPLES, path) {
        return lines.iter().map(|line| (*line).to_owned()).collect();
    }
    let own = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (_, rest) = own.split_once("Examples:\n").unwrap_or_default();
    let lines = rest.split("\n\n").next().unwrap_or_default();
    lines.lines().map(|line| line.strip_prefix("  ").unwrap_or(line).to_owned()).collect()
}

fn listed(lines: Vec<String>) -> String {
    match lines.is_empty() {
        true => String::new(),
        false => format!("Examples:\n{}\n", lines.into_iter().map(|line| format!("  {line}\n")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::command;
    use super::*;

    fn walk(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
            let path = format!("{path} {}", sub.get_name()).trim_start().to_owned();
            walk(sub, &path, found);
            found.push((path, sub.clone()));
        }
    }

    /// A command that the help does not list is not found.
    #[test]
    fn the_help_lists_every_command_once() {
        let whole = command();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        listed.retain(|name| *name != "help");
        listed.sort_unstable();
        let shown = whole.get_subcommands().filter(|sub| !sub.is_hide_set()).map(Command::get_name);
        let mut shown: Vec<&str> = shown.filter(|name| *name != "help").collect();
        shown.sort_unstable();
        assert_eq!(listed, shown);
    }

    /// Somebody who opens the help of a command gets something to copy.
    #[test]
    fn every_command_has_examples_that_parse() {
        let whole = command();
        let mut all = vec![(String::new(), whole.clone())];
        walk(&whole, "", &mut all);
        assert!(all.len() > 50, "{}", all.len());
        for (path, sub) in all {
            let lines = examples(&path, &sub);
            assert!(!lines.is_empty(), "`modelctl {path}` has no examples: add them to src/cli/examples.rs");
            for line in lines {
                assert!(line.len() <= 110, "{line}");
                // The first command of a pipeline or a list; words in quotes have no spaces that matter here.
                let first = line.split([';', '>', '|']).map(str::trim).find(|part| part.starts_with("modelctl "));
                let Some(first) = first else { continue };
                let first = first.split(" && ").next().unwrap_or_default();
                let words: Vec<String> = quoted(first);
                if let Err(error) = command().try_get_matches_from(words) {
                    panic!("`{line}` does not parse: {error}");
                }
            }
        }
    }

    /// Splits a command line at spaces outside of single quotes.
    fn quoted(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        let mut is_quoted = false;
        for c in line.chars() {
            match c {
                '\'' => is_quoted = !is_quoted,
                ' ' if !is_quoted => words.push(String::new()),
                _ => words.last_mut().unwrap().push(c),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// A global option works before and after the command, although the help of the command does not list it.
    #[test]
    fn global_options_work_where_they_are_hidden() {
        for line in ["modelctl list --config /a --color never -q", "modelctl --config /a --color never -q list"] {
            let matches = command().try_get_matches_from(line.split(' ')).unwrap();
            assert_eq!(matches.get_one::<std::path::PathBuf>("config"), Some(&"/a".into()), "{line}");
            assert!(matches.get_flag("quiet"), "{line}");
        }
        let list = command().find_subcommand_mut("list").unwrap().render_long_help().to_string();
        assert!(!list.contains("--config <FILE>") && list.contains("Global options: --config FILE"), "{list}");
        let health = command().find_subcommand_mut("health").unwrap().render_long_help().to_string();
        assert!(health.contains("Values for -w and -c") && health.contains("Exit codes:"), "{health}");
    }
}
