//! The models that requests name, and what the file of one is before its server is started.

use super::{Api, ApiError};
use crate::display::text;
use crate::model::{ModelRow, State};
use crate::serve::catalog::Resolved;
use axum::http::StatusCode;
use std::io::ErrorKind;

/// The longest name that is looked up, in bytes.
const NAME_BYTES: usize = 512;

impl Api {
    /// Finds the model that a client names, whether or not it may be started. A name is looked up, never used as a path.
    pub(super) fn model(&self, name: &str) -> Result<ModelRow, ApiError> {
        if name.len() > NAME_BYTES {
            return Err(ApiError::bad_request("Name too long", format!("a name has at most {NAME_BYTES} bytes")));
        }
        let catalog = self.catalogs.current();
        match catalog.resolve(name) {
            Resolved::One(entry) | Resolved::NotServed(entry, _) => Ok(entry.row.clone()),
            // The names of a model that is gone may be those of its successor: they count where there is none.
            Resolved::None => match catalog.all().iter().find(|entry| is_gone_and_named(&entry.row, name)) {
                Some(entry) => Ok(entry.row.clone()),
                None => Err(ApiError::no_model(name)),
            },
            Resolved::Many(entries) => {
                let error = format!("Ambiguous model: {}", name.escape_debug());
                let detail = "The name fits several models; use an id";
                let mut error = ApiError::new(StatusCode::BAD_REQUEST, error, detail);
                error.body.candidates =
                    entries.iter().take(20).map(|entry| format!("{}  {}", entry.row.id, entry.row.name)).collect();
                Err(error)
            }
        }
    }

    /// Returns why the server of a model cannot be started: a setting, or its file.
    pub(super) async fn startable(&self, row: &ModelRow) -> Result<(), ApiError> {
        let path = row.path.clone();
        let is_gone = matches!(row.state, State::Gone | State::Unavailable);
        let file = move || file_problem(&path, is_gone);
        let problem = tokio::task::spawn_blocking(file).await.unwrap_or_default();
        if let Some(problem) = problem {
            return Err(ApiError::not_started(problem));
        }
        match crate::serve::catalog::not_served(row) {
            Some(why) => Err(ApiError::not_started(format!("{} {why}", text::clean(&row.name)))),
            None => Ok(()),
        }
    }
}

fn is_gone_and_named(row: &ModelRow, name: &str) -> bool {
    row.state == State::Gone && (row.id.as_str() == name || row.alias.as_deref() == Some(name) || row.name == name)
}

/// Returns whether the file is missing, unreadable or not in any scanned place, as a sentence.
pub(super) fn file_problem(path: &std::path::Path, is_gone: bool) -> Option<String> {
    let shown = text::path(path);
    match std::fs::File::open(path) {
        Ok(_) if is_gone => Some(format!(
            "the model file is not in any scanned place: {shown} exists, but no root of a scan contains it; `modelctl \
             scan` finds it again"
        )),
        Ok(_) => None,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Some(format!("the model file is missing: {shown}"))
        }
        Err(error) => Some(format!("the model file cannot be read: {shown}: {error}")),
    }
}
