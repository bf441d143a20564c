//! The words that could follow on a command line: started by the completion scripts of shells.

use super::super::{Ctx, Exit};
use crate::db::Access;
use crate::model::StoreKind;
use crate::ops::known_roots::roots;
use crate::ops::trash::everything;
use clap::{Arg, Args, Command};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;

/// Prints the names that could be the last of these words: started by completion scripts, hidden from people.
#[derive(Debug, Args)]
#[command(name = "__complete", hide = true)]
pub struct CompleteArgs {
    /// The words after the name of the program; the last one is not finished
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// What a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Model,
    Item,
    Run,
    /// A run of `dedupe` that can be undone.
    Shared,
    Task,
    Batch,
    Store,
    StorePath,
    Hint,
    Root,
}

pub fn run(ctx: &mut Ctx, args: &CompleteArgs) -> anyhow::Result<Exit> {
    let words: Vec<String> = args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let Some(named) = named(&super::super::command(), &words) else { return Ok(Exit::Done) };
    // A shell shows nothing of an error, and a person is in the middle of a line.
    let names = names(ctx, named).unwrap_or_default();
    let typed = words.last().map(String::as_str).unwrap_or_default();
    let mut offered = beginning_with(&names, typed);
    let ids = match named {
        // An id is typed where no name begins so.
        Named::Model if offered.is_empty() && !typed.is_empty() => {
            ctx.session.db(Access::Observe).and_then(|db| db.model_ids()).unwrap_or_default() // as above
        }
        _ => Vec::new(),
    };
    offered.extend(beginning_with(&ids, typed));
    for name in offered {
        ctx.ui.line(name)?;
    }
    Ok(Exit::Done)
}

impl CompleteArgs {
    /// Returns the value of a global option on the line that is being completed, such as `--db`.
    pub fn value_of(&self, option: &str) -> Option<PathBuf> {
        let before = self.words.split_last().map_or(&[][..], |(_, before)| before);
        let is_apart = |pair: &[OsString]| pair.first().is_some_and(|word| word == option);
        let apart = before.windows(2).find(|pair| is_apart(pair)).and_then(|pair| pair.last());
        let joined = before.iter().find_map(|word| word.to_str()?.strip_prefix(option)?.strip_prefix('='));
        apart.map(PathBuf::from).or_else(|| joined.map(PathBuf::from))
    }
}

/// Returns the names that begin so, whole or from their last part on: few people know the publisher of a model.
fn beginning_with<'n>(names: &'n [String], typed: &str) -> BTreeSet<&'n str> {
    let names = || names.iter().map(String::as_str).filter(|name| !name.chars().any(char::is_control));
    let last = |name: &'n str| name.rsplit_once('/').map(|(_, last)| last).filter(|_| !typed.is_empty());
    names().chain(names().filter_map(last)).filter(|name| name.starts_with(typed)).collect()
}

/// Returns what the last of the words names, by the description of the command line.
fn named(top: &Command, words: &[String]) -> Option<Named> {
    let (typed, before) = words.split_last()?;
    let (mut command, mut path) = (top, Vec::new());
    let (mut value_of, mut positionals) = (None, 0usize);
    for word in before {
        if value_of.take().is_some() {
            continue;
        }
        if let Some(option) = option(top, command, word) {
            value_of = Some(option).filter(|option| takes_value(option) && !word.contains('='));
        } else if let Some(inner) = command.find_subcommand(word).filter(|_| !word.starts_with('-') && positionals == 0)
        {
            (command, positionals) = (inner, 0);
            path.push(inner.get_name());
        } else if !word.starts_with('-') {
            positionals = positionals.saturating_add(1);
        }
    }
    let arg = match value_of {
        Some(option) => option,
        None if typed.starts_with('-') => return None,
        None => {
            let all: Vec<&Arg> = command.get_positionals().collect();
            // The last one may be repeated.
            let last = all.last().filter(|arg| arg.get_num_args().is_some_and(|n| n.max_values() > 1)).copied();
            all.get(positionals).copied().or(last)?
        }
    };
    what(&path, arg)
}

/// Returns the option that a word is, of the command or of all.
fn option<'c>(top: &'c Command, command: &'c Command, word: &str) -> Option<&'c Arg> {
    let long = word.strip_prefix("--").map(|name| name.split('=').next().unwrap_or(name));
    let short = word.strip_prefix('-').and_then(|rest| rest.chars().next_back());
    let is_it = |arg: &&Arg| match long {
        Some(name) => arg.get_long() == Some(name) || arg.get_all_aliases().is_some_and(|all| all.contains(&name)),
        None => short.is_some() && arg.get_short() == short,
    };
    word.starts_with('-').then(|| command.get_arguments().chain(top.get_arguments()).find(is_it)).flatten()
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

fn what(path: &[&str], arg: &Arg) -> Option<Named> {
    let value = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    let id = arg.get_id().as_str();
    Some(match (path, value) {
        (["trash", ..], "ID") => Named::Item,
        (["keep", "rm"], "HINT") => Named::Hint,
        (["keep", _], "HINT") => Named::Model,
        (["scan"], "PATH") if id == "forget" => Named::Root,
        (["list" | "history"], "PATTERN") => Named::Model,
        (["dedupe"], "RUN") => Named::Shared,
        (_, "RUN") => Named::Run,
        (_, "TASK") => Named::Task,
        (_, "BATCH") => Named::Batch,
        (_, "STORE") => Named::Store,
        (_, "NAME=PATH") => Named::StorePath,
        (_, "MODEL" | "[MODEL] PROMPT") => Named::Model,
        _ if matches!(id, "model" | "models") && arg.is_positional() => Named::Model,
        _ => return None,
    })
}

fn names(ctx: &mut Ctx, named: Named) -> anyhow::Result<Vec<String>> {
    let session = &mut ctx.session;
    session.may_lack_database = true;
    let lossy = |text: std::borrow::Cow<'_, str>| text.into_owned();
    Ok(match named {
        Named::Model => session.db(Access::Observe)?.model_names()?,
        Named::Task => session.db(Access::Observe)?.task_names()?,
        Named::Batch => session.db(Access::Observe)?.batch_names()?,
        Named::Hint => session.db(Access::Observe)?.keep_hints()?,
        Named::Shared => session.db(Access::Observe)?.shares()?.into_iter().map(|share| share.run).collect(),
        Named::Root => roots(session)?.iter().map(|(_, root)| lossy(root.to_string_lossy())).collect(),
        Named::Store => StoreKind::ALL.iter().map(|store| store.name().to_owned()).collect(),
        Named::StorePath => StoreKind::ALL.iter().map(|store| format!("{}=", store.name())).collect(),
        Named::Item | Named::Run => {
            session.db(Access::Observe)?;
            // A trash that cannot be read offers nothing.
            let (items, _) = everything(session, &[], &mut |_| {})?;
            let orders = items.iter().filter_map(|item| Some((&item.id, item.order.as_ref()?)));
            let texts: BTreeSet<String> = match named {
                Named::Run => orders.map(|(_, order)| order.run()).collect(),
                _ => orders.flat_map(|(id, order)| [id.clone(), order.name.clone()]).collect(),
            };
            texts.into_iter().collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `modelctl rm Qwen<TAB>` would offer nothing where the name begins with its publisher.
    #[test]
    fn the_last_part_of_a_name_is_completed_too() {
        let names = ["hub/Qwen3-4B:Q4_K_M", "qwen2.5:7b", "evil\x1b/Qwen"].map(str::to_owned);
        let of = |typed| beginning_with(&names, typed).into_iter().collect::<Vec<_>>();
        assert_eq!(of("Qwen"), ["Qwen3-4B:Q4_K_M"]);
        assert_eq!(of("hub"), ["hub/Qwen3-4B:Q4_K_M"]);
        assert_eq!(of("q"), ["qwen2.5:7b"]);
        assert_eq!(of(""), ["hub/Qwen3-4B:Q4_K_M", "qwen2.5:7b"]);
    }

    #[test]
    fn the_database_on_the_line_is_the_one_that_is_asked() {
        let of = |line: &str| CompleteArgs { words: line.split(' ').map(OsString::from).collect() }.value_of("--db");
        assert_eq!(of("--db x.db show "), Some("x.db".into()));
        assert_eq!(of("show --db=x.db "), Some("x.db".into()));
        assert_eq!(of("show a --db"), None);
        assert_eq!(of("show --db x.db"), None, "it is not finished");
    }

    /// Where a name is wanted, a shell would offer the files of the folder.
    #[test]
    fn what_the_last_word_names_is_known_from_the_description_of_the_command_line() {
        let command = crate::cli::command();
        let of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            named(&command, &words)
        };
        for (line, expected) in [
            ("show sm", Some(Named::Model)),
            ("show --ctx 4096 ", Some(Named::Model)),
            ("--db x.db -q show ", Some(Named::Model)),
            ("rm a b ", Some(Named::Model)),
            ("set qw", Some(Named::Model)),
            ("list qw", Some(Named::Model)),
            ("prune --model ", Some(Named::Model)),
            ("prune --prefer ol", Some(Named::Store)),
            ("run-once --model ", Some(Named::Model)),
            ("run sm", Some(Named::Model)),
            ("trash restore ", Some(Named::Item)),
            ("trash restore --run ", Some(Named::Run)),
            ("trash empty 1a", Some(Named::Item)),
            ("task show ", Some(Named::Task)),
            ("task list --batch ", Some(Named::Batch)),
            ("keep rm ", Some(Named::Hint)),
            ("keep add ", Some(Named::Model)),
            ("scan --store ol", Some(Named::StorePath)),
            ("scan --forget ", Some(Named::Root)),
            ("dedupe --undo ", Some(Named::Shared)),
            ("scan ", None),
            ("show --ct", None),
            ("", None),
            ("trash ", None),
        ] {
            assert_eq!(of(line), expected, "{line}");
        }
    }
}
