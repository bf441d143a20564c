//! Faults that the NVIDIA driver reports: `NVRM: Xid (PCI:0000:01:00): 79, pid=…, name=…, text`, with the MIG instance
//! behind the device.

use regex::Regex;
use std::sync::LazyLock;

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub number: u32,
    /// `PCI:0000:01:00`, `PCI:0000:01:00 GPU-I:05`
    pub device: String,
    pub pid: Option<u32>,
    pub process: Option<String>,
    pub caused_by: Option<u32>,
}

#[allow(clippy::unwrap_used, reason = "the expressions are constants, and each is compiled in a test")]
fn expression(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

static XID: LazyLock<Regex> = LazyLock::new(|| {
    expression(r"NVRM: Xid \(((?:PCI:)?[0-9A-Fa-f:.]+(?: GPU-I:\d+)?(?: GPU-CI:\d+)?)\): (\d+)(?:,\s*(.*))?$")
});
static PID: LazyLock<Regex> = LazyLock::new(|| expression(r#"\bpid='?"?(\d+)"#));
static NAME: LazyLock<Regex> = LazyLock::new(|| expression(r"\bname=([^,]+)"));
static CAUSE: LazyLock<Regex> = LazyLock::new(|| expression(r"caused by previous Xid (\d+)"));

/// Returns the fault of a line; None for every other line.
pub(super) fn parse(text: &str) -> Option<Fault> {
    let found = XID.captures(text)?;
    let rest = found.get(3).map_or("", |part| part.as_str());
    // A number that is too large for one is none.
    let of = |by: &Regex| by.captures(rest).and_then(|found| Some(found.get(1)?.as_str().to_owned()));
    Some(Fault {
        number: found.get(2)?.as_str().parse().ok()?, // more digits than any of them has
        device: found.get(1)?.as_str().to_owned(),
        pid: of(&PID).and_then(|pid| pid.parse().ok()),
        // The driver writes `<unknown>` for a process that has ended.
        process: of(&NAME).filter(|name| !name.contains("unknown")),
        caused_by: of(&CAUSE).and_then(|number| number.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_of_the_line_is_read() {
        let of = |text: &str| parse(text).unwrap_or_else(|| panic!("{text}"));
        let plain = of("NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.");
        assert_eq!((plain.number, plain.device.as_str(), plain.pid), (79, "PCI:0000:01:00", None));
        let named = of("NVRM: Xid (PCI:0000:3b:00): 13, pid=1234, name=llama-server, Graphics SM Warp Exception");
        assert_eq!((named.pid, named.process.as_deref()), (Some(1234), Some("llama-server")));
        let mig = of("NVRM: Xid (PCI:0000:01:00 GPU-I:05 GPU-CI:00): 43, pid=7, name=python, Ch 00000008");
        assert_eq!((mig.number, mig.device.as_str()), (43, "PCI:0000:01:00 GPU-I:05 GPU-CI:00"));
        assert_eq!(of("NVRM: Xid (PCI:0000:01:00 GPU-I:05): 94").number, 94);
        let second =
            of("NVRM: Xid (PCI:0000:01:00): 45, pid='<unknown>', name=<unknown>, Ch 2, caused by previous Xid 31");
        assert_eq!((second.caused_by, second.pid, second.process), (Some(31), None, None));
        assert_eq!(of("NVRM: Xid (0000:03:00): 31, Ch 00000010").device, "0000:03:00");
    }

    #[test]
    fn what_is_no_fault_is_none() {
        for text in ["", "NVRM: Xid", "NVRM: Xid (x y): 3", "NVRM: Xid (PCI:0000:01:00): 99999999999999999999"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,80}") {
            parse(&format!("NVRM: Xid (PCI:0000:01:00): 1, {text}"));
            parse(&text);
        }
    }
}
