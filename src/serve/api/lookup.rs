//! The models that requests name, and what the file of one is before its server is started.

use super::{Api, ApiError};
use crate::display::text;
use crate::model::{ModelRow, State};
use crate::ops::file_problem::file_problem;
use crate::serve::catalog::Resolved;
use axum::http::StatusCode;

/// The longest name that is looked up, in bytes.
const NAME_BYTES: usize = 512;

impl Api {
    /// Finds the model that a client names, whether or not it may be started. A name is looked up, never used as a path.
    pub(super) async fn model(&self, name: &str) -> Result<ModelRow, ApiError> {
        if name.len() > NAME_BYTES {
            return Err(ApiError::bad_request("Name too long", format!("a name has at most {NAME_BYTES} bytes")));
        }
        let (catalog, found) = self.catalogs.resolve(name).await;
        match found {
            Resolved::One(entry) | Resolved::NotServed(entry, _) => Ok(entry.row.clone()),
            Resolved::None => match catalog.gone(name) {
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
        match row.not_served() {
            Some(why) => Err(ApiError::not_started(format!("{} {why}", text::clean(&row.name)))),
            None => Ok(()),
        }
    }
}
