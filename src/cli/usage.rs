//! What is wrong with a command line, in our own words: tips for what people type from habit, and numbers.

use crate::failure::{ErrorReport, Kind};
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, Error};
use std::error::Error as _;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};

/// Commands of other programs, and what to use instead.
const INSTEAD: &[(&[&str], &str)] = &[
    (
        &["pull", "download", "get", "fetch", "install"],
        "modelctl does not download: use `hf download REPO FILE` or `ollama pull NAME`, then `modelctl scan`",
    ),
    (
        &["gc", "clean", "cleanup", "purge"],
        "`modelctl prune --superseded --orphans --partials` shows the leftovers that it would remove, \
         `modelctl prune --unused-for 90d` the models",
    ),
    (&["search", "find"], "`modelctl list PATTERN` finds models on this machine"),
    (&["log"], "`modelctl history` shows what was done, `modelctl logs MODEL` what a server printed"),
    (&["config"], "the config file is described in the manual page modelctl.toml(5); --config FILE uses another one"),
    (&["models", "tags"], "`modelctl list` shows the models"),
    (&["chat", "generate", "prompt"], "`modelctl run-once --model MODEL PROMPT` answers one prompt"),
    (&["queue", "tasks", "jobs"], "`modelctl task list` shows the queue"),
    (&["unload"], "`modelctl stop MODEL` stops the server of a model"),
    (&["load"], "`modelctl start MODEL` starts the server of a model"),
    (&["delete", "remove", "uninstall", "del"], "`modelctl rm MODEL` moves a model to the trash"),
];

/// Options of other programs, the command they were given to, and what to use instead.
const OPTIONS_INSTEAD: &[(&[&str], &[&str], &str)] = &[
    (
        &["prune", "trash"],
        &["--force", "-f"],
        "--confirm applies it; `prune --allow-large` allows rules to remove more than half of a store",
    ),
    (&["prune", "trash"], &["--older", "--age"], "--older-than AGE, such as 90d"),
];

/// Returns whether a command line asks for JSON, before it is parsed or where it cannot be.
pub fn wants_json(args: &[OsString]) -> bool {
    let words: Vec<&str> =
        args.iter().skip(1).take_while(|word| *word != "--").filter_map(|word| word.to_str()).collect();
    let is_json = |word: &&str| matches!(*word, "--json" | "--format=json" | "-ojson" | "-o=json");
    let pair = |(word, value): (&&str, &&str)| matches!(*word, "--format" | "-o") && *value == "json";
    words.iter().any(is_json) || words.iter().zip(words.iter().skip(1)).any(pair)
}

/// Adds `-o`, `--format` to every command with `--json` that has no format of its own.
pub fn with_formats(command: Command) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = names.into_iter().fold(command, |command, name| command.mut_subcommand(name, with_formats));
    let is_taken = command.get_arguments().any(|arg| arg.get_id() == "format" || arg.get_short() == Some('o'));
    let json = command.get_arguments().find(|arg| arg.get_id() == "json");
    if is_taken || json.is_none_or(|json| json.is_hide_set()) || command.is_hide_set() {
        return command;
    }
    let format = clap::Arg::new("format")
        .long("format")
        .short('o')
        .value_name("FORMAT")
        .value_parser(["text", "json"])
        .help("Print text or json; `-o json` is --json");
    command.arg(format).mut_arg("json", |json| json.default_value_if("format", "json", Some("true")))
}

/// Refuses `--json` together with another format; with `--format json` it says the same twice.
pub fn check_formats(matches: &ArgMatches) -> Result<(), Error> {
    if let Some((_, matches)) = matches.subcommand() {
        return check_formats(matches);
    }
    let is_given =
        |id: &str| matches.try_contains_id(id).is_ok() && matches.value_source(id) == Some(ValueSource::CommandLine);
    let format = matches.try_get_raw("format").ok().flatten().and_then(|mut given| given.next());
    let is_both = is_given("json") && is_given("format");
    match format.filter(|format| is_both && *format != "json") {
        Some(format) => {
            let message = format!("the argument '--json' cannot be used with '--format {}'", format.display());
            Err(Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n\nFor more information, try '--help'.\n")))
        }
        None => Ok(()),
    }
}

/// Returns the refusal of a command line with tips of ours, and without those that name hidden commands.
pub fn in_our_words(mut refusal: Error, command: &Command, args: &[OsString]) -> Error {
    match refusal.kind() {
        ErrorKind::InvalidSubcommand => {
            let typed = text(refusal.get(ContextKind::InvalidSubcommand));
            if let Some(tip) = instead_of(&typed) {
                // What clap proposes is like it in letters alone.
                refusal.remove(ContextKind::SuggestedSubcommand);
                refusal.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
            } else {
                suggest_one(&mut refusal, command, &typed);
            }
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            if let Some(ContextValue::Strings(names)) = refusal.remove(ContextKind::ValidSubcommand) {
                let shown = names.into_iter().filter(|name| is_shown(command, name)).collect();
                refusal.insert(ContextKind::ValidSubcommand, ContextValue::Strings(shown));
            }
        }
        ErrorKind::UnknownArgument => {
            let typed = text(refusal.get(ContextKind::InvalidArg));
            if let Some(tip) = option_instead_of(&typed, args) {
                refusal.remove(ContextKind::SuggestedArg);
                refusal.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
            }
        }
        ErrorKind::ValueValidation => {
            if let Some(why) = refusal.source().and_then(number_in_words) {
                let [arg, value] =
                    [ContextKind::InvalidArg, ContextKind::InvalidValue].map(|kind| text(refusal.get(kind)));
                let message =
                    format!("invalid value '{value}' for '{arg}': {why}\n\nFor more information, try '--help'.\n");
                return Error::raw(ErrorKind::ValueValidation, message);
            }
        }
        _ => {}
    }
    refusal
}

fn instead_of(typed: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|(names, _)| names.contains(&typed)).map(|(_, tip)| *tip)
}

fn option_instead_of(typed: &str, args: &[OsString]) -> Option<&'static str> {
    let typed = typed.split(['=', ' ']).next().unwrap_or_default();
    let is_of = |commands: &[&str]| args.iter().any(|arg| commands.iter().any(|command| arg == command));
    let found = OPTIONS_INSTEAD.iter().find(|(commands, options, _)| options.contains(&typed) && is_of(commands));
    found.map(|(_, _, tip)| *tip)
}

/// Leaves of the suggestions the one that is most like what was typed and no hidden command.
fn suggest_one(refusal: &mut Error, command: &Command, typed: &str) {
    let names = match refusal.remove(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(names)) => names,
        Some(ContextValue::String(name)) => vec![name],
        _ => return,
    };
    // clap's order is not by likeness: it has `trash` before `status` for `stauts`.
    let likeness = |name: &String| strsim::damerau_levenshtein(name, typed);
    if let Some(most_like) = names.into_iter().filter(|name| is_shown(command, name)).min_by_key(likeness) {
        refusal.insert(ContextKind::SuggestedSubcommand, ContextValue::String(most_like));
    }
}

/// Returns whether a command is for people.
fn is_shown(command: &Command, name: &str) -> bool {
    !command.find_subcommand(name).is_some_and(Command::is_hide_set)
}

fn text(value: Option<&ContextValue>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// Returns what is wrong with a number.
fn number_in_words(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = error.downcast_ref::<ParseIntError>() {
        let why = match error.kind() {
            IntErrorKind::PosOverflow => "the number is too large",
            IntErrorKind::NegOverflow => "the number is too small",
            _ => "not a whole number",
        };
        return Some(why.to_owned());
    }
    // clap's own range in Rust's notation: `0 is not in 1..=256`.
    let text = error.to_string();
    let (typed, range) = text.split_once(" is not in ")?;
    let (least, most) = range.split_once("..")?;
    let most = most.trim_start_matches('=');
    let number = |text: &str| text.parse::<i128>().unwrap_or_default();
    Some(match most {
        "" => format!("give a number of at least {least}"),
        // The end of the type, which means nothing to who typed it.
        most if most.len() > 8 && number(typed) > number(most) => "the number is too large".to_owned(),
        most if most.len() > 8 => format!("give a number of at least {least}"),
        most => format!("give a number from {least} to {most}"),
    })
}

/// Returns the refusal of a command line as other errors are reported.
pub fn report(refusal: &Error) -> ErrorReport {
    let text = refusal.render().to_string();
    let message = text.split("\n\n").next().unwrap_or_default();
    let tips: Vec<&str> = text.lines().filter_map(|line| line.trim_start().strip_prefix("tip: ")).collect();
    let help = || "`modelctl --help` shows the commands, `modelctl COMMAND --help` the options of one".to_owned();
    ErrorReport {
        code: Kind::Usage.name(),
        exit_code: Kind::Usage.code(),
        message: message.trim_start_matches("error: ").trim().to_owned(),
        causes: Vec::new(),
        hint: Some(if tips.is_empty() { help() } else { tips.join("; ") }),
        candidates: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let Err(error) = crate::cli::Cli::parse_args(args) else { panic!("{line}: taken") };
        error.render().to_string()
    }

    /// Whoever comes from another program must be told the word of this one, not a word that is like theirs in letters.
    #[test]
    fn commands_of_other_programs_are_answered_with_ours() {
        for (line, tip) in [
            ("modelctl pull qwen", "tip: modelctl does not download"),
            ("modelctl gc", "tip: `modelctl prune"),
            ("modelctl delete x", "modelctl rm MODEL"),
            ("modelctl prune --unused-for 30d --force", "tip: --confirm applies it"),
            ("modelctl lst", "'ls'"),
            ("modelctl stauts", "a similar subcommand exists: 'status'"),
        ] {
            let text = refused(line);
            assert!(text.contains(tip), "{line}: {text}");
        }
    }

    #[test]
    fn hidden_commands_are_in_no_tip() {
        for line in
            ["modelctl prob", "modelctl measur", "modelctl form", "modelctl worke", "modelctl laun", "modelctl rende"]
        {
            let text = refused(line);
            for sub in crate::cli::command().get_subcommands().filter(|sub| sub.is_hide_set()) {
                assert!(!text.contains(&format!("'{}'", sub.get_name())), "{line}: {text}");
            }
        }
    }

    #[test]
    fn hidden_commands_are_not_listed_where_one_is_missing() {
        let text = refused("modelctl --config x.toml");
        assert!(text.contains("scan") && !text.contains("__complete") && !text.contains("probe"), "{text}");
    }

    /// `invalid digit found in string` is the text of a library.
    #[test]
    fn a_number_that_is_none_is_told_in_our_words() {
        for (line, why) in [
            ("modelctl history --limit many", "'many' for '--limit <N>': not a whole number"),
            ("modelctl history --limit 99999999999", "the number is too large"),
            ("modelctl show x --parallel 0", "give a number from 1 to 256"),
            ("modelctl show x --ctx 0", "give a number of at least 1"),
            ("modelctl show x --ctx x", "not a whole number"),
            ("modelctl verify --all --max-rate fast", "is not a size such as"),
            ("modelctl run-once --timeout soon x", "is not a time such as"),
            ("modelctl task wait 1 --timeout 5", "needs a unit"),
        ] {
            let text = refused(line);
            assert!(text.contains(why) && text.starts_with("error: "), "{line}: {text}");
            assert!(!text.contains("digit") && !text.contains("expected"), "{line}: {text}");
        }
    }

    #[test]
    fn json_is_taken_twice_and_not_beside_another_format() {
        for (line, is_taken) in [
            ("modelctl list --json -o json", true),
            ("modelctl show x --json --format json", true),
            ("modelctl list --json -o csv", false),
            ("modelctl task list --format text --json", false),
        ] {
            let args = line.split(' ').map(OsString::from);
            assert_eq!(crate::cli::Cli::parse_args(args).is_ok(), is_taken, "{line}");
        }
    }

    #[test]
    fn json_is_asked_for_in_several_ways() {
        let wants = |line: &str| wants_json(&line.split(' ').map(OsString::from).collect::<Vec<_>>());
        for line in
            ["modelctl list --json", "modelctl list -o json", "modelctl list --format=json", "modelctl x -ojson"]
        {
            assert!(wants(line), "{line}");
        }
        for line in ["modelctl list", "modelctl list -o text", "modelctl task add -- --json", "modelctl list json"] {
            assert!(!wants(line), "{line}");
        }
        assert!(crate::cli::Cli::parse_args(["modelctl", "list", "-o", "json"].map(OsString::from)).is_ok());
        assert!(refused("modelctl list -o yaml").contains("json, jsonl"));
    }

    #[test]
    fn a_refusal_as_json_has_its_tip_as_the_hint() {
        let args = ["modelctl", "pull", "x", "--json"].map(OsString::from);
        let Err(error) = crate::cli::Cli::parse_args(args) else { panic!("taken") };
        let report = report(&error);
        assert_eq!((report.code, report.exit_code), ("usage", 2));
        assert_eq!(report.message, "unrecognized subcommand 'pull'");
        assert!(report.hint.unwrap().starts_with("modelctl does not download"));
    }
}
