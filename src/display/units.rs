//! Sizes, counts and ages for a person. JSON contains the plain numbers instead.

use bytesize::ByteSize;
use std::time::Duration;

/// Formats bytes in binary units with one decimal: `93.8 MiB`.
pub fn bytes(n: u64) -> String {
    ByteSize::b(n).display().iec().to_string()
}

/// Formats a count in decimal units with three digits or one decimal: `999`, `134.5M`, `8.0B`, `1.2T`. `B` is a
/// billion, as in the names of models.
pub fn count(n: u64) -> String {
    let mut value = n as f64;
    if n < 1000 {
        return n.to_string();
    }
    for unit in ["K", "M", "B", "T", "Q"] {
        value /= 1000.0;
        // 999.95 would be printed as 1000.0.
        if value < 999.95 {
            return format!("{value:.1}{unit}");
        }
    }
    format!("{value:.0}Q")
}

/// Formats a context length in tokens: `512`, `8K`, `128K`, `1M` where it is a whole multiple of 1024, else the number.
pub fn tokens(n: u64) -> String {
    const K: u64 = 1024;
    match n {
        0 => "0".to_owned(),
        n if n % (K * K) == 0 => format!("{}M", n / (K * K)),
        n if n % K == 0 => format!("{}K", n / K),
        n => n.to_string(),
    }
}

/// Formats an age or a wait in its largest fitting unit, rounded down: `12s`, `5m`, `30h`, `45d`, `14mo`, `3y`.
pub fn ago(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match () {
        () if seconds < 60 => format!("{seconds}s"),
        () if minutes < 60 => format!("{minutes}m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 60 => format!("{days}d"),
        () if days < 730 => format!("{}mo", days / 30),
        () => format!("{}y", days / 365),
    }
}

/// Formats a duration: `380ms`, `2s 100ms`, `3m 12s`; milliseconds only below ten seconds.
pub fn took(duration: Duration) -> String {
    let rounded = if duration < Duration::from_millis(1) {
        Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    } else if duration < Duration::from_secs(10) {
        Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    } else {
        Duration::from_secs(duration.as_secs())
    };
    humantime::format_duration(rounded).to_string()
}

/// Formats the speed of generation; `-` when the time is 0.
pub fn tokens_per_second(tokens: u64, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds <= 0.0 {
        return "-".to_owned();
    }
    format!("{:.1} tokens/s", tokens as f64 / seconds)
}

/// Formats a count with its noun: `1 model`, `12 models`.
pub fn plural(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_a_person_writes_them() {
        assert_eq!(bytes(98_362_432), "93.8 MiB");
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(u64::MAX), "16.0 EiB");
        assert_eq!(count(134_515_008), "134.5M");
        assert_eq!(count(999), "999");
        assert_eq!(count(999_999), "1.0M");
        assert_eq!(count(8_030_261_248), "8.0B");
        assert_eq!(count(u64::MAX), "18447Q");
        assert_eq!([tokens(131_072), tokens(512), tokens(4097), tokens(1 << 20)], ["128K", "512", "4097", "1M"]);
    }

    #[test]
    fn ages_keep_one_unit() {
        let text = |s| ago(Duration::from_secs(s));
        assert_eq!([text(0), text(61), text(7_200), text(3 * 86_400)], ["0s", "1m", "2h", "3d"]);
        assert_eq!([text(400 * 86_400), text(900 * 86_400), text(47 * 3600)], ["13mo", "2y", "47h"]);
        assert_eq!(took(Duration::from_micros(380_400)), "380ms");
        assert_eq!(took(Duration::from_millis(192_300)), "3m 12s");
        assert_eq!(tokens_per_second(125, Duration::from_secs(2)), "62.5 tokens/s");
        assert_eq!(tokens_per_second(1, Duration::ZERO), "-");
    }
}
