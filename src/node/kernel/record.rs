//! Records of the kernel log, as `/dev/kmsg` gives them (`Documentation/ABI/testing/dev-kmsg` of the kernel) and as
//! dmesg(1) prints them.

use std::time::Duration;

/// Characters of a text that are kept.
const LONGEST: usize = 2000;
/// Lines that one record may go on for.
const MOST_LINES: usize = 12;

/// A message of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// Since the boot. None where the text has no such time.
    pub time: Option<Duration>,
    /// Its lines in one, without control characters.
    pub text: String,
    /// From 1, where it was read from a file.
    pub line: Option<u64>,
}

/// Parses one record of `/dev/kmsg`: `prefix,sequence,microseconds,flags[,…];text`, lines ` KEY=value` after it. None for
/// what is no such record, or not written by the kernel itself: a program may write there too, with another facility.
pub(super) fn kmsg(bytes: &[u8]) -> Option<Record> {
    let text = String::from_utf8_lossy(bytes);
    let (head, rest) = text.split_once(';')?;
    let mut fields = head.split(',');
    let prefix: u32 = fields.next()?.trim().parse().ok()?; // not a record
    let micros = fields.nth(1)?.parse().ok()?; // as above
    if prefix >> 3 != 0 {
        return None;
    }
    // Lines behind the first are properties of the record.
    let message = rest.lines().next().unwrap_or_default();
    Some(Record {
        time: Some(Duration::from_micros(micros)),
        text: joined(&message.replace("\\x0a", "\n")),
        line: None,
    })
}

/// Parses a whole text: records of `/dev/kmsg`, or what dmesg printed, a line each. A line without a time that is
/// indented goes on with the one before.
pub(super) fn text(bytes: &[u8]) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    let mut continued = 0usize;
    for (number, line) in (1u64..).zip(bytes.split(|byte| *byte == b'\n')) {
        if is_property(line) {
            continue;
        }
        let head = line.first().is_some_and(u8::is_ascii_digit).then(|| line.split(|byte| *byte == b';').next());
        let is_kmsg = head.flatten().is_some_and(|head| head.iter().filter(|byte| **byte == b',').count() >= 3);
        let record = if is_kmsg { kmsg(line) } else { dmesg(&String::from_utf8_lossy(line)) };
        match record {
            Some(record) => {
                continued = 0;
                all.push(Record { line: Some(number), ..record });
            }
            None if !is_kmsg && line.starts_with(b" ") => {
                continued = continued.saturating_add(1);
                if let Some(last) = all.last_mut().filter(|_| continued < MOST_LINES) {
                    let more = String::from_utf8_lossy(line);
                    last.text = joined(&format!("{}\n{}", last.text, more.trim_start()));
                }
            }
            None => {}
        }
    }
    all
}

/// Returns whether a line is a property of the record before: ` SUBSYSTEM=pci`.
fn is_property(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b" ") else { return false };
    let name = rest.split(|byte| *byte == b'=').next().unwrap_or_default();
    rest.contains(&b'=') && !name.is_empty() && name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
}

/// Parses a line of dmesg: `[   12.345678] text`, with `kern  :err   : ` or `<3>` before it, or `[ T1234]` behind it; or
/// `… kernel: text` of a log that syslog wrote. None for a line of a program, and for one that goes on with another.
fn dmesg(line: &str) -> Option<Record> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() || line.starts_with("   ") {
        return None;
    }
    let line = line.strip_prefix('<').and_then(|rest| rest.split_once('>')).map_or(Some(line), |(prefix, rest)| {
        let prefix: u32 = prefix.parse().ok()?; // no prefix of a priority
        (prefix >> 3 == 0).then_some(rest)
    })?;
    let line = match line.split_once(':') {
        Some((facility, rest)) if is_facility(facility) => {
            let (_level, rest) = rest.split_once(':')?;
            facility.trim_end().eq("kern").then(|| rest.trim_start())?
        }
        _ => line,
    };
    let of_syslog = line.split_once(" kernel: ").filter(|_| !line.starts_with('['));
    let line = of_syslog.map_or(line, |(_, rest)| rest);
    let Some((time, text)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
        return Some(Record { time: None, text: joined(line), line: None });
    };
    // Another form of time, that of `dmesg -T`, is local and says nothing certain.
    let seconds: Option<f64> = time.trim().parse().ok();
    let text = text.strip_prefix(' ').unwrap_or(text);
    // The thread or processor that wrote it.
    let writer = text.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    let is_writer = |name: &str| name.trim_start().starts_with(['T', 'C']) && name.trim().len() < 12;
    let text = writer.filter(|(name, _)| is_writer(name)).map_or(text, |(_, rest)| rest);
    // Nor does a time that no clock has.
    let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Some(Record { time, text: joined(text), line: None })
}

fn is_facility(word: &str) -> bool {
    let names = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"];
    let name = word.trim_end();
    names.contains(&name) || (name.len() == 6 && name.starts_with("local"))
}

/// Puts several lines into one, with the `NVRM:` of the first alone, and leaves out what is no text.
fn joined(text: &str) -> String {
    let mut lines = text.lines().map(str::trim_end);
    let mut all = lines.next().unwrap_or_default().to_owned();
    for line in lines.take(MOST_LINES) {
        let line = line.trim_start();
        all.push(' ');
        all.push_str(line.strip_prefix("NVRM:").unwrap_or(line).trim_start());
    }
    all.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Appends a record that goes on with this one.
pub(super) fn append(record: &mut Record, more: &str) {
    record.text = joined(&format!("{}\n{more}", record.text));
}
