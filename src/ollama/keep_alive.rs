use jiff::SignedDuration;
use serde_json::Value;
use std::time::Duration;

/// How long a client wishes that a model stays loaded after its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// Zero: it is unloaded after the request.
    For(Duration),
    Forever,
}

/// The units of Go's durations.
const UNITS: [&str; 8] = ["h", "m", "s", "ms", "us", "\u{b5}s", "\u{3bc}s", "ns"];

impl KeepAlive {
    /// Reads a number of seconds or a duration as Go writes it (`5m`, `1h30m`, `300ms`). Clients also send a number of
    /// seconds as a text. A negative value is for ever; null is absent.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(value: Option<&Value>) -> Result<Option<KeepAlive>, String> {
        let read = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => number.as_f64().and_then(of_seconds),
            Some(Value::String(text)) => of_text(text.trim()),
            Some(_) => None,
        };
        let shown = value.map(|value| value.to_string().chars().take(60).collect::<String>()).unwrap_or_default();
        let wrong = || {
            format!(
                "`keep_alive` must be a number of seconds, or a duration with the units h, m, s, ms, us and ns such as \
                 \"5m\" or \"1h30m\" (0: unload at once, negative: keep), and is {shown}"
            )
        };
        read.map(Some).ok_or_else(wrong)
    }

    /// Returns the time that is granted.
    pub fn at_most(self, most: Duration) -> Duration {
        match self {
            KeepAlive::For(time) => time.min(most),
            KeepAlive::Forever => most,
        }
    }

    pub fn is_zero(self) -> bool {
        self == KeepAlive::For(Duration::ZERO)
    }
}

fn of_seconds(seconds: f64) -> Option<KeepAlive> {
    match seconds {
        n if n.is_nan() => None,
        n if n < 0.0 => Some(KeepAlive::Forever),
        // More than can be counted is for ever as well.
        n => Some(Duration::try_from_secs_f64(n).map_or(KeepAlive::Forever, KeepAlive::For)),
    }
}

fn of_text(text: &str) -> Option<KeepAlive> {
    if let Ok(seconds) = text.parse::<f64>() {
        // `inf` and `nan` are words of Rust, not of Go.
        return seconds.is_finite().then_some(seconds).and_then(of_seconds);
    }
    // Words and forms of other kinds of durations are none of Go's.
    let parts = text.split(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-'));
    if !parts.filter(|part| !part.is_empty()).all(|unit| UNITS.contains(&unit)) {
        return None;
    }
    let time: SignedDuration = text.parse().ok()?; // the caller says what a duration is
    Some(Duration::try_from(time).map_or(KeepAlive::Forever, KeepAlive::For)) // only a negative one fails
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(value: Value) -> Result<Option<KeepAlive>, String> {
        KeepAlive::read(Some(&value))
    }

    #[test]
    fn every_way_in_which_clients_write_a_time_is_read() {
        let time = |ms: u64| Ok(Some(KeepAlive::For(Duration::from_millis(ms))));
        for (value, expected) in [
            (json!(300), time(300_000)),
            (json!(0.5), time(500)),
            (json!(0), time(0)),
            (json!("0"), time(0)),
            (json!("0s"), time(0)),
            (json!("5m"), time(300_000)),
            (json!("1h30m"), time(5_400_000)),
            (json!("1h0m1.5s"), time(3_601_500)),
            (json!("1.5h"), time(5_400_000)),
            (json!("300ms"), time(300)),
            (json!("300"), time(300_000)),
            (json!(" 24h "), time(86_400_000)),
        ] {
            assert_eq!(read(value.clone()), expected, "{value}");
        }
        for value in [json!(-1), json!("-1"), json!("-1s"), json!("-5m"), json!(-0.5), json!(1e300)] {
            assert_eq!(read(value.clone()), Ok(Some(KeepAlive::Forever)), "{value}");
        }
        assert_eq!((read(Value::Null), KeepAlive::read(None)), (Ok(None), Ok(None)));
    }

    #[test]
    fn what_is_no_time_is_refused_with_an_example() {
        for value in [
            json!("5min"),
            json!("5 m"),
            json!("PT5M"),
            json!("01:30:00"),
            json!("soon"),
            json!(""),
            json!("5x"),
            json!("inf"),
            json!("nan"),
            json!(true),
            json!([1]),
            json!({}),
        ] {
            let why = read(value.clone()).unwrap_err();
            assert!(why.contains("`keep_alive`") && why.contains("h, m, s, ms"), "{value}: {why}");
        }
    }

    #[test]
    fn a_wish_is_granted_up_to_a_limit() {
        let most = Duration::from_secs(1_800);
        assert_eq!(KeepAlive::Forever.at_most(most), most);
        assert_eq!(KeepAlive::For(Duration::from_secs(9_999)).at_most(most), most);
        assert_eq!(KeepAlive::For(Duration::ZERO).at_most(most), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,20}") {
            let _ = read(json!(text));
        }
    }
}
