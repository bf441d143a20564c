use super::{Api, ApiError};
use crate::display::{Document, Named};
use crate::model::server;
use crate::model::{Listed, ModelRow, Selector, Tier};
use crate::ops::list::{Filter, ListReport, known, select};
use crate::ops::memory_fit::Wanted;
use crate::ops::model_header::capabilities_of_kind;
use crate::ops::settings::{Change, TierChoice, change_settings};
use crate::ops::show;
use crate::serve::catalog::Catalogs;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET /api/models`: the documents of `list --json`.
pub(super) async fn list(State(api): State<Arc<Api>>) -> Result<Json<Value>, ApiError> {
    let catalogs = api.catalogs.clone();
    let listed = api
        .recipe(move |session| {
            let (filter, limits) = (Filter::default(), session.config.tiers);
            let rows = known(session, &filter)?;
            let shown = select(&rows, &filter, &limits)?;
            let models: Vec<_> = shown
                .iter()
                .map(|row| Capable { capabilities: capabilities(&catalogs, row), of: Listed::of(row, &limits) })
                .collect();
            Ok(json!({ "schema": ListReport::SCHEMA, "models": models }))
        })
        .await?;
    Ok(Json(listed))
}

/// A document about a model, with what the model can do.
#[derive(Serialize)]
struct Capable<T> {
    capabilities: Vec<&'static str>,
    #[serde(flatten)]
    of: T,
}

fn capabilities(catalogs: &Catalogs, row: &ModelRow) -> Vec<&'static str> {
    match catalogs.current().by_id(&row.id) {
        Some(entry) => catalogs.capabilities().of(entry),
        // It was added in this moment.
        None => capabilities_of_kind(row.kind),
    }
}

/// `GET /api/models/{id}`: the document of `show --json`.
pub(super) async fn show(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Result<Json<Value>, ApiError> {
    let row = api.model(&name).await?;
    let capabilities = capabilities(&api.catalogs, &row);
    let of = api.recipe(move |session| document(session, Selector(row.id.to_string()))).await?;
    let shown = serde_json::to_value(Capable { capabilities, of });
    shown.map(Json).map_err(|error| ApiError::internal(error.to_string()))
}

fn document(session: &mut crate::ops::Session, model: Selector) -> anyhow::Result<Value> {
    let limits = session.config.tiers;
    let shown = show::show(session, &show::Request { model, memory: Wanted::new(None, 1), measure: false })?;
    Ok(serde_json::to_value(Named::new(&show::report(&shown, &limits)))?)
}

/// What a PATCH may change. `null` takes a setting away.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct Patch {
    enabled: Option<bool>,
    pinned: Option<bool>,
    #[serde(deserialize_with = "given")]
    alias: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    note: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    tier: Option<Option<String>>,
}

const KEYS: [&str; 5] = ["enabled", "pinned", "alias", "note", "tier"];

fn given<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(d).map(Some)
}

/// Splits the body of a PATCH into the settings of the model and those of its server.
fn change_of(body: &[u8]) -> Result<Change, String> {
    let Value::Object(members) = serde_json::from_slice(body).map_err(|e| e.to_string())? else {
        return Err("give an object".to_owned());
    };
    let (own, server): (serde_json::Map<_, _>, serde_json::Map<_, _>) =
        members.into_iter().partition(|(key, _)| KEYS.contains(&key.as_str()));
    let patch: Patch = serde_json::from_value(Value::Object(own)).map_err(|e| e.to_string())?;
    let server: server::Change = serde_json::from_value(Value::Object(server)).map_err(|e| e.to_string())?;
    let tier = match patch.tier {
        None => None,
        Some(None) => Some(TierChoice::Auto),
        Some(Some(name)) if name == "auto" => Some(TierChoice::Auto),
        Some(Some(name)) => match Tier::from_name(&name) {
            Some(tier) => Some(TierChoice::Fixed(tier)),
            None => return Err("`tier`: give one of fast, balanced, powerful, auto".to_owned()),
        },
    };
    Ok(Change {
        pinned: patch.pinned,
        enabled: patch.enabled,
        tier,
        alias: patch.alias.map(Option::unwrap_or_default),
        note: patch.note.map(Option::unwrap_or_default),
        server,
    })
}

/// `PATCH /api/models/{id}`
pub(super) async fn change(
    State(api): State<Arc<Api>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let row = api.model(&name).await?;
    let change = change_of(&body).map_err(|why| ApiError::bad_request("Settings cannot be changed", why))?;
    let (database, catalogs) = (api.config().database.clone(), api.catalogs.clone());
    let shown = api
        .recipe(move |session| {
            let model = Selector(row.id.to_string());
            change_settings(session, &model, &change)?;
            // The next request already uses the new names.
            catalogs.refresh(&database)?;
            document(session, model)
        })
        .await?;
    // A pin counts at once.
    api.control.refresh();
    Ok(Json(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_a_typing_error_changes_nothing() {
        let change =
            change_of(br#"{"enabled":false,"alias":null,"tier":"fast","context":8192,"engine":null}"#).unwrap();
        assert_eq!((change.enabled, change.pinned, change.alias.as_deref()), (Some(false), None, Some("")));
        assert_eq!((change.server.context, change.server.engine), (Some(Some(8192)), Some(None)));
        for bad in ["[]", "{", r#"{"enable":true}"#, r#"{"tier":"big"}"#, r#"{"context":"many"}"#] {
            assert!(change_of(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
