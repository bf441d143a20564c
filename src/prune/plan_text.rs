//! Times and lengths of time in a saved plan, as a person reads and edits them.

use crate::clock::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de};
use std::time::Duration;

/// A time in UTC: `2026-11-21T06:00:00.123Z`.
pub(super) mod time {
    use super::*;

    pub fn serialize<S: Serializer>(time: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
        match jiff::Timestamp::from_millisecond(time.millis()) {
            Ok(time) => s.collect_str(&time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")),
            // A time that the calendar cannot represent.
            Err(_) => s.serialize_i64(time.millis()),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Timestamp, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a time such as 2026-11-21T06:00:00Z")]
        enum Given {
            Text(String),
            Millis(i64),
        }
        match Given::deserialize(d)? {
            Given::Millis(millis) => Ok(Timestamp(millis)),
            Given::Text(text) => match text.parse::<jiff::Timestamp>() {
                Ok(time) => Ok(Timestamp(time.as_millisecond())),
                Err(_) => Err(de::Error::custom(format!("`{text}` is not a time such as 2026-11-21T06:00:00Z"))),
            },
        }
    }
}

/// A length of time: `30days`, `1h`.
pub(super) mod length {
    use super::*;

    pub fn serialize<S: Serializer>(length: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&humantime::format_duration(*length))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(d)?;
        humantime::parse_duration(&text)
            .map_err(|_| de::Error::custom(format!("`{text}` is not a length of time such as 30days or 1h")))
    }
}

/// A length of time, or none.
pub(super) mod some_length {
    use super::*;

    #[expect(clippy::ref_option, reason = "serde calls it with a reference")]
    pub fn serialize<S: Serializer>(length: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        match length {
            Some(length) => super::length::serialize(length, s),
            None => s.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Length(#[serde(with = "super::length")] Duration);
        Ok(Option::<Length>::deserialize(d)?.map(|length| length.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Serialize;
    use serde_json::json;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Saved {
        #[serde(with = "time")]
        at: Timestamp,
        #[serde(with = "length")]
        grace: Duration,
        #[serde(with = "some_length")]
        unused_for: Option<Duration>,
    }

    /// A plan that reads other times than it was saved with removes other models.
    #[test]
    fn times_are_read_as_they_were_saved() {
        let saved = Saved {
            at: Timestamp(1_795_867_200_123),
            grace: Duration::from_secs(3_600),
            unused_for: Some(Duration::from_millis(92 * 86_400_000 + 7)),
        };
        let value = serde_json::to_value(&saved).unwrap();
        assert_eq!((&value["at"], &value["grace"]), (&json!("2026-11-28T12:00:00.123Z"), &json!("1h")));
        assert_eq!(serde_json::from_value::<Saved>(value).unwrap(), saved);
        for at in [i64::MIN, -1, 0, i64::MAX] {
            let saved = Saved { at: Timestamp(at), grace: Duration::ZERO, unused_for: None };
            let value = serde_json::to_value(&saved).unwrap();
            assert_eq!(serde_json::from_value::<Saved>(value).unwrap(), saved);
        }
        let wrong = json!({"at": "yesterday", "grace": "1h", "unused_for": null});
        assert!(serde_json::from_value::<Saved>(wrong).unwrap_err().to_string().contains("`yesterday` is not a time"));
    }
}
