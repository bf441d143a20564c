//! Values of the config file that are written as texts with a unit.

use crate::model::size;
use serde::{Deserialize, Deserializer, de};
use std::time::Duration;

pub(super) fn bytes<'de, D: Deserializer<'de>>(d: D) -> Result<Option<u64>, D::Error> {
    let text = typed(d)?;
    size(&text).map(Some).map_err(de::Error::custom)
}

/// Reads a text or a bare number. The parser of the text then reports that a bare number lacks a unit.
pub(super) fn typed<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a string with a unit")]
    enum Typed {
        Text(String),
        Number(u64),
    }
    Ok(match Typed::deserialize(d)? {
        Typed::Text(text) => text,
        Typed::Number(number) => number.to_string(),
    })
}

pub(super) fn duration<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(d)?;
    let wrong = |_| de::Error::custom(format!("`{text}` is not a time such as 90s, 10m or 2h"));
    humantime::parse_duration(&text).map(Some).map_err(wrong)
}
