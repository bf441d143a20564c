use crate::clock::Timestamp;

/// Formats a time as RFC 3339 with an offset in digits: parsers of ISO 8601 that are older than 2022 refuse `Z`.
pub fn with_offset(time: Timestamp) -> String {
    // What the calendar cannot represent comes from a broken file time.
    let time = jiff::Timestamp::from_millisecond(time.millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_an_offset_that_every_client_can_read() {
        assert_eq!(with_offset(Timestamp(1_700_000_000_120)), "2023-11-14T22:13:20.120+00:00");
        assert_eq!(with_offset(Timestamp(i64::MAX)), "1970-01-01T00:00:00.000+00:00");
    }
}
