use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A range of the Monitoring Plugins guideline: the values that do not alert, `[@][start:]end`.
///
/// `10` alerts below 0 and above 10; `10:` below 10; `~:10` above 10; `10:20` outside, `@10:20` inside, ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The lower end; negative infinity for `~`.
    start: f64,
    /// The upper end; infinity where none is given.
    end: f64,
    /// `@`: the values inside alert.
    is_inverted: bool,
    /// What was written after the numbers, `%` for instance; empty without.
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    None,
    Percent,
    Seconds,
}

impl Unit {
    fn text(self) -> &'static str {
        match self {
            Unit::None => "",
            Unit::Percent => "%",
            Unit::Seconds => "s",
        }
    }
}

impl Range {
    /// Creates the range that alerts below `least`.
    pub const fn at_least(least: f64) -> Range {
        Range { start: least, end: f64::INFINITY, is_inverted: false, unit: Unit::None }
    }

    /// Creates the range that alerts above `most`.
    pub const fn at_most(most: f64) -> Range {
        Range { start: f64::NEG_INFINITY, end: most, is_inverted: false, unit: Unit::None }
    }

    /// Creates the range that alerts outside of `start` to `end`.
    pub const fn between(start: f64, end: f64) -> Range {
        Range { start, end, is_inverted: false, unit: Unit::None }
    }

    /// Returns whether a value alerts. One that is not a number does.
    pub fn alerts(&self, value: f64) -> bool {
        let is_inside = self.start <= value && value <= self.end;
        is_inside == self.is_inverted || value.is_nan()
    }

    /// Returns the unit that its numbers were written with; empty without.
    pub(super) fn unit(&self) -> &'static str {
        self.unit.text()
    }
}

/// Writes the range without units, as performance data have it.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.is_inverted { "@" } else { "" };
        let Range { start, end, .. } = *self;
        // Display of f64 never has an exponent.
        match (start.is_finite(), end.is_finite()) {
            (false, false) => write!(f, "{at}~:"),
            (false, true) => write!(f, "{at}~:{end}"),
            (true, false) => write!(f, "{at}{start}:"),
            (true, true) if start == 0.0 => write!(f, "{at}{end}"),
            (true, true) => write!(f, "{at}{start}:{end}"),
        }
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Range, String> {
        let wrong = |why: &str| format!("`{}` is not a range: {why}", text.escape_debug());
        let (is_inverted, rest) = text.strip_prefix('@').map_or((false, text), |rest| (true, rest));
        let (start, end) = rest.split_once(':').unwrap_or(("", rest));
        if start.is_empty() && end.is_empty() {
            return Err(wrong("give 10, 10:, ~:10, 10:20 or @10:20"));
        }
        let mut unit = Unit::None;
        let mut number = |text: &str, missing: f64| {
            if text.is_empty() {
                return Ok(missing);
            }
            let (digits, its) = [Unit::Percent, Unit::Seconds]
                .into_iter()
                .find_map(|unit| text.strip_suffix(unit.text()).map(|digits| (digits, unit)))
                .unwrap_or((text, Unit::None));
            if its != Unit::None {
                if unit != Unit::None && unit != its {
                    return Err(wrong("its ends have different units"));
                }
                unit = its;
            }
            // Rust also reads `inf`, `nan` and exponents.
            let is_plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
            match digits.parse::<f64>() {
                Ok(value) if is_plain && value.is_finite() => Ok(value),
                _ => Err(wrong(&format!("`{}` is not a number", digits.escape_debug()))),
            }
        };
        let start = if start == "~" { f64::NEG_INFINITY } else { number(start, 0.0)? };
        let end = number(end, f64::INFINITY)?;
        if start > end {
            return Err(wrong("it ends before it starts"));
        }
        Ok(Range { start, end, is_inverted, unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the guideline, with the values on and beside each end. A range that is read the other way round
    /// never alerts, or always.
    #[test]
    fn a_range_alerts_as_the_guideline_says() {
        for (text, alerts, silent) in [
            ("10", &[-1.0, -0.001, 10.001, 11.0][..], &[0.0, 5.0, 10.0][..]),
            ("10:", &[-100.0, 0.0, 9.999], &[10.0, 1e12]),
            ("~:10", &[10.001, 1e12], &[-1e12, 0.0, 10.0]),
            ("10:20", &[9.999, 20.001, -15.0], &[10.0, 15.0, 20.0]),
            ("@10:20", &[10.0, 15.0, 20.0], &[9.999, 20.001]),
            (":10", &[-1.0, 11.0], &[0.0, 10.0]),
            ("-5:5", &[-5.1, 5.1], &[-5.0, 0.0, 5.0]),
            ("@~:0", &[-1.0, 0.0], &[0.1]),
            ("~:", &[], &[-1e12, 0.0, 1e12]),
            ("0.5:1.5", &[0.4, 1.6], &[0.5, 1.0, 1.5]),
        ] {
            let range: Range = text.parse().unwrap();
            assert!(alerts.iter().all(|value| range.alerts(*value)), "{text}");
            assert!(!silent.iter().any(|value| range.alerts(*value)), "{text}");
            assert!(range.alerts(f64::NAN), "{text}");
        }
    }

    /// A threshold that is misread silently would never alert.
    #[test]
    fn what_is_not_a_range_is_refused() {
        for text in
            ["", "@", ":", "@:", "20:10", "a", "10:b", "inf", "nan", "1e3", "~", "1:2:3", "10,5", "--1", "1%:2s"]
        {
            assert!(text.parse::<Range>().is_err(), "{text}");
        }
    }

    /// Performance data and the table show the range that was given; monitoring systems draw it.
    #[test]
    fn a_range_is_written_as_it_is_read() {
        for (text, written) in [
            ("10", "10"),
            ("0:10", "10"),
            ("10:", "10:"),
            ("~:10", "~:10"),
            ("@10:20", "@10:20"),
            ("10%:", "10:"),
            ("@0.25:1.5", "@0.25:1.5"),
            ("~:123456789012345678", "~:123456789012345680"),
        ] {
            assert_eq!(text.parse::<Range>().unwrap().to_string(), written);
        }
    }
}
