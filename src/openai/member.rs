use serde::Deserialize;
use serde_json::{Map, Value};

/// Reads one member of a body; `None` when it is absent or null.
pub(super) fn member<'a, T: Deserialize<'a>>(body: &'a Map<String, Value>, key: &str) -> Result<Option<T>, String> {
    let Some(value) = body.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    if let Ok(read) = T::deserialize(value) {
        return Ok(Some(read));
    }
    // Finding the path to an error is slow, so only a failed read pays for it.
    let again = serde_path_to_error::deserialize(value);
    again.map(Some).map_err(|error| match error.path().iter().next() {
        None => format!("`{key}`: {}", error.inner()),
        Some(_) => format!("`{key}`, at {}: {}", error.path(), error.inner()),
    })
}
