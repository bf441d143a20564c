//! `modelctl schema [COMMAND]`: the JSON schema of what a command prints with `--json`.

use super::run_once::RunOnceReport;
use super::server::{ps, start, stop};
use super::triage::checklist_view;
use super::{Ctx, Exit, dedupe, inference, lifecycle, task, top, tune, version};
use crate::failure::Failure;
use crate::model::lifecycle::Status;
use crate::ops;
use crate::ops::daemon as server;
use crate::ops::{duplicates, history, keep_hints, list, prompt, prune, scan_report, settings, show, stored_files};
use crate::ops::{stores, tasks, trash, verify};
use crate::ui::{Cell, Column, Document, ErrorDocument, Table};
use crate::{health, triage};
use clap::Args;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// Print the JSON schema of what a command prints with --json
///
/// Without COMMAND lists the commands and the names of their documents. Each document has its name in `schema`; members may
/// be added to a document, and its version is increased when one is renamed or removed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  modelctl schema\n  modelctl schema list\n  modelctl schema task show | jq '.properties | keys'\n  modelctl schema error"
)]
pub struct SchemaArgs {
    /// A command (`list`, `task show`), an option of one (`list --stores`), or `error`
    #[arg(value_name = "COMMAND", allow_hyphen_values = true)]
    command: Vec<String>,
    /// List the commands and documents as JSON
    #[arg(long, conflicts_with = "command")]
    json: bool,
}

/// The documents of a command.
struct Entry {
    command: &'static str,
    name: &'static str,
    schema: fn(&'static str) -> Value,
}

/// A document that carries its name itself.
const fn named<D: JsonSchema>(command: &'static str, name: &'static str) -> Entry {
    Entry { command, name, schema: schema_of::<D> }
}

const fn of<D: Document>(command: &'static str) -> Entry {
    named::<D>(command, D::SCHEMA)
}

/// All commands with `--json`. The documents of `triage` and `health` have a number in place of a name.
const ENTRIES: &[Entry] = &[
    of::<ErrorDocument<'_>>("error"),
    of::<scan_report::Document<'_>>("scan"),
    of::<ops::forget::Forgotten>("scan --forget"),
    of::<list::ListReport<'_>>("list"),
    of::<stored_files::FilesReport<'_>>("list --files"),
    of::<stores::StoresReport<'_>>("list --stores"),
    of::<stores::StoresReport<'_>>("df"),
    of::<show::ShowReport<'_>>("show"),
    of::<settings::SetReport<'_>>("set"),
    of::<keep_hints::HintsReport<'_>>("keep list"),
    of::<keep_hints::AddReport>("keep add"),
    of::<keep_hints::RemoveReport>("keep rm"),
    of::<verify::Report<'_>>("verify"),
    of::<duplicates::DuplicatesReport<'_>>("duplicates"),
    named::<dedupe::Document<'_>>("dedupe", "modelctl.dedupe/1"),
    named::<dedupe::UndoDocument<'_>>("dedupe --undo", "modelctl.dedupe-undo/1"),
    named::<ops::doctor::Diagnosis>("doctor", "modelctl.doctor/1"),
    of::<prune::PruneReport<'_>>("prune"),
    of::<prune::PruneReport<'_>>("rm"),
    of::<trash::TrashReport<'_>>("trash list"),
    of::<trash::RestoreReport<'_>>("trash restore"),
    of::<trash::EmptyReport<'_>>("trash empty"),
    of::<RunOnceReport>("run-once"),
    of::<prompt::Report<'_>>("run-once --prompt"),
    of::<ops::batch::Exported>("batch"),
    of::<tasks::add::Added>("task add"),
    of::<tasks::TasksReport>("task list"),
    of::<tasks::show::ShownReport>("task show"),
    of::<tasks::Changed>("task cancel"),
    of::<tasks::Changed>("task retry"),
    of::<tasks::TasksReport>("task wait"),
    of::<tasks::TicketReport>("task follow"),
    of::<ops::batch::Imported>("task import"),
    of::<ops::batch::Exported>("task export"),
    of::<task::StatsReport<'_>>("task stats"),
    of::<inference::Shown>("inference"),
    of::<history::HistoryReport<'_>>("history"),
    of::<RunOnceReport>("serve"),
    of::<start::StartReport<'_>>("start"),
    of::<start::StartReport<'_>>("restart"),
    of::<stop::StopReport<'_>>("stop"),
    of::<server::StartAllReply>("start-all"),
    of::<server::StopAllReply>("stop-all"),
    of::<ps::PsReport>("ps"),
    named::<server::Logs>("logs", "modelctl.logs/1"),
    of::<server::LogRow>("logs --follow"),
    named::<server::Events>("events", "modelctl.events/1"),
    of::<server::EventRow>("events --follow"),
    of::<lifecycle::status::StatusReport<'_>>("status"),
    named::<Status>("lifecycle status", "modelctl.lifecycle/1"),
    named::<server::PauseReply>("lifecycle pause", "modelctl.pause/1"),
    named::<server::PauseReply>("lifecycle resume", "modelctl.pause/1"),
    named::<server::About>("why", "modelctl.why/1"),
    named::<server::PriorityReply>("priority", "modelctl.priority/1"),
    named::<server::OffloadReply>("offload", "modelctl.offload/1"),
    named::<top::TopReport<'_>>("top", "modelctl.top/1"),
    named::<tune::NextDocument<'_>>("tune next", "modelctl.tune-next/1"),
    named::<tune::ChangeDocument<'_>>("tune record", "modelctl.tune/1"),
    named::<tune::ChangeDocument<'_>>("tune done", "modelctl.tune/1"),
    named::<tune::ChangeDocument<'_>>("tune rollback", "modelctl.tune/1"),
    named::<tune::ListDocument<'_>>("tune list", "modelctl.tune-list/1"),
    named::<health::Report>("health", "1"),
    named::<triage::report::Report>("triage", "1"),
    named::<checklist_view::ListDocument<'_>>("triage --checklist", "modelctl.checklist/1"),
    named::<checklist_view::ChangesDocument<'_>>("triage --baseline diff", "modelctl.baseline-diff/1"),
    of::<SchemasReport>("schema"),
    of::<version::VersionReport>("version"),
];

/// The document of `schema --json`.
#[derive(Debug, serde::Serialize, JsonSchema)]
struct SchemasReport {
    documents: Vec<DocumentName>,
}

#[derive(Debug, serde::Serialize, JsonSchema)]
struct DocumentName {
    command: &'static str,
    schema: &'static str,
}

impl Document for SchemasReport {
    const SCHEMA: &'static str = "modelctl.schema/1";
}

pub fn run(ctx: &mut Ctx, args: &SchemaArgs) -> anyhow::Result<Exit> {
    if args.json {
        let name = |entry: &Entry| DocumentName { command: entry.command, schema: entry.name };
        ctx.ui.document(&SchemasReport { documents: ENTRIES.iter().map(name).collect() })?;
        return Ok(Exit::Done);
    }
    if args.command.is_empty() {
        ctx.ui.table(&table())?;
        return Ok(Exit::Done);
    }
    let words: Vec<&str> = args.command.iter().map(String::as_str).filter(|word| *word != "--json").collect();
    let wanted = words.join(" ");
    let fits = |entry: &&Entry| entry.command == wanted || entry.name == wanted;
    let Some(entry) = ENTRIES.iter().find(fits) else {
        return Err(Failure::not_found(format!("no document is described for `{wanted}`"))
            .hint("`modelctl schema` lists the commands that have one")
            .into());
    };
    ctx.ui.json(&(entry.schema)(entry.name))?;
    Ok(Exit::Done)
}

fn table() -> Table<'static> {
    let mut table = Table::new(&[Column::left("COMMAND", 0), Column::left("DOCUMENT", 0)]);
    for entry in ENTRIES {
        table.row(vec![Cell::new(entry.command), Cell::new(entry.name)]);
    }
    table
}

/// Returns the schema of `D` as it is printed: with the name of the document.
fn schema_of<D: JsonSchema>(name: &'static str) -> Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<D>().to_value();
    let Some(root) = schema.as_object_mut() else { return schema };
    // A number names no command.
    let number: Option<u32> = name.parse().ok(); // else a name
    if number.is_none() {
        root.insert("title".to_owned(), name.into());
    }
    let constant = number.map_or_else(|| name.into(), Value::from);
    let mut properties = Map::new();
    properties.insert("schema".to_owned(), json!({ "const": constant }));
    if let Some(Value::Object(own)) = root.get("properties") {
        properties
            .extend(own.iter().filter(|(key, _)| *key != "schema").map(|(key, value)| (key.clone(), value.clone())));
    }
    root.insert("properties".to_owned(), properties.into());
    let mut required = vec![Value::from("schema")];
    if let Some(Value::Array(own)) = root.get("required") {
        required.extend(own.iter().filter(|key| *key != "schema").cloned());
    }
    root.insert("required".to_owned(), required.into());
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn with_json(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path = format!("{path} {}", sub.get_name()).trim().to_owned();
            if sub.get_arguments().any(|arg| arg.get_long() == Some("json")) {
                found.push(path.clone());
            }
            with_json(sub, &path, found);
        }
    }

    /// A script writer would not find what a command prints.
    #[test]
    fn every_command_with_json_has_a_schema() {
        let mut commands = Vec::new();
        with_json(&crate::cli::command(), "", &mut commands);
        let described: BTreeSet<&str> = ENTRIES.iter().map(|entry| entry.command).collect();
        let missing: Vec<_> = commands.iter().filter(|command| !described.contains(command.as_str())).collect();
        assert!(missing.is_empty(), "no schema: {missing:?}");
    }

    /// Two shapes of one name: nobody could tell them apart.
    #[test]
    fn a_name_has_one_schema_which_is_valid_and_names_its_bytes() {
        let mut known: BTreeMap<&str, Value> = BTreeMap::new();
        for entry in ENTRIES {
            let schema = (entry.schema)(entry.name);
            assert!(jsonschema::meta::is_valid(&schema), "{}", entry.command);
            if entry.name == "1" {
                assert_eq!(schema["properties"]["schema"]["const"], 1);
                continue;
            }
            assert_eq!(schema["properties"]["schema"]["const"], entry.name);
            let first = known.entry(entry.name).or_insert_with(|| schema.clone());
            assert_eq!(*first, schema, "{}", entry.command);
            assert!(entry.name.starts_with("modelctl."), "{}", entry.name);
        }
    }
}
