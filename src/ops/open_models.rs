//! Models that a process has open or in memory, whichever program started it: what a prune would leave alone.

use super::prune::candidates;
use super::{OpEvent, Session, Sink};
use crate::clock::Timestamp;
use crate::host::actor::user_name;
use crate::host::open_files::Held;
use crate::node::{self, Place};
use crate::prune::in_use::{Asked, Holder, InUse, Settings};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// A model that is used now.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct OpenModel {
    /// Null for a file that is no model of the database, such as an unfinished download.
    pub model_id: Option<String>,
    pub name: String,
    pub store: &'static str,
    /// At least one.
    pub users: Vec<ModelUser>,
}

/// Whoever uses a model.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelUser {
    /// The program, or the server that says that it has the model loaded.
    pub program: String,
    /// Null for a server that was asked by its address.
    pub pid: Option<u32>,
    pub user: Option<String>,
    /// When the process was started.
    pub since: Option<String>,
    #[serde(skip)]
    pub started: Option<Timestamp>,
    /// `mapped` (in memory), `open` (being read or written), `loaded` (a server says so), `downloading`.
    pub how: &'static str,
    /// Bytes in main memory of the process, with all that it holds.
    pub memory_bytes: Option<u64>,
}

/// Returns the models that are used now, by name. Warns about what could not be asked.
///
/// # Errors
/// The database cannot be read.
pub fn open_models(session: &mut Session, on: &mut Sink<'_>) -> anyhow::Result<Vec<OpenModel>> {
    let found = candidates(session)?;
    let files: Vec<Asked<'_>> = found.iter().flat_map(|candidate| candidate.asked()).collect();
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let in_use = InUse::look(&Settings::new(&session.config.prune), &files);
    in_use.notes().into_iter().for_each(|note| on(OpEvent::note(note)));
    let mut processes = BTreeMap::new();
    let mut used = |holder: Holder| match holder {
        Holder::Process(user) => {
            let process = processes.entry(user.pid).or_insert_with(|| {
                // A process that ended meanwhile has the name that it had.
                node::process::read(&Place::default(), user.pid, session.now).known().cloned()
            });
            let process = process.as_ref();
            ModelUser {
                program: user.command,
                pid: Some(user.pid),
                user: process
                    .and_then(|process| process.uid)
                    .map(|uid| user_name(uid).unwrap_or_else(|| uid.to_string())),
                since: process.and_then(|process| process.started).map(Timestamp::rfc3339),
                started: process.and_then(|process| process.started),
                how: if user.how == Held::Open { "open" } else { "mapped" },
                memory_bytes: process.and_then(|process| process.rss),
            }
        }
        Holder::Server { server, .. } => of_server(server, "loaded"),
        Holder::Download(by) => of_server(by, "downloading"),
    };
    let mut open = Vec::new();
    for candidate in &found {
        let mut users: Vec<ModelUser> = Vec::new();
        for user in candidate.asked().flat_map(|file| in_use.holders(&file)).map(&mut used) {
            if !users.iter().any(|known| (known.pid, &known.program) == (user.pid, &user.program)) {
                users.push(user);
            }
        }
        if !users.is_empty() {
            let model_id = candidate.id.as_ref().map(ToString::to_string);
            open.push(OpenModel { model_id, name: candidate.name.clone(), store: candidate.store.name(), users });
        }
    }
    open.sort_by(|a, b| (&a.name, &a.model_id).cmp(&(&b.name, &b.model_id)));
    Ok(open)
}

fn of_server(program: String, how: &'static str) -> ModelUser {
    ModelUser { program, pid: None, user: None, since: None, started: None, how, memory_bytes: None }
}
