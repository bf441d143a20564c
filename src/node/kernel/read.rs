//! The kernel log from `/dev/kmsg`, or from a file with its text.

use super::super::{Fact, Outcome, Place, proc_file};
use super::collect::{Frame, collect};
use super::record::{self, Record};
use super::types::KernelLog;
use crate::clock::Timestamp;
use rustix::io::Errno;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

const DEVICE: &str = "/dev/kmsg";
/// Bytes of the longest record: the kernel refuses to give one to a smaller buffer.
const LONGEST: usize = 8192;
/// Records, and bytes of a file, that are read.
const MOST_RECORDS: usize = 500_000;
const MOST_BYTES: u64 = 32 << 20;

/// Reads the kernel log, or the file `kmsg`: records as of `/dev/kmsg`, or what dmesg printed. Kills, crashes and single
/// I/O errors count from `since` on; what may hold until the next boot counts from the boot on: faults of GPUs, drivers
/// that do not fit, file systems that were remounted, servers that do not answer.
pub fn read(place: &Place, kmsg: Option<&Path>, since: Timestamp, now: Timestamp) -> Fact<KernelLog> {
    let (path, shown) = match kmsg {
        Some(path) => (path.to_owned(), path.display().to_string()),
        None => (place.at(DEVICE), DEVICE.to_owned()),
    };
    let source = if kmsg.is_some() { shown.clone() } else { "kernel log".to_owned() };
    match records(&path) {
        Ok(records) => {
            let frame = Frame { source, booted: proc_file::booted(place, now), since, now };
            Fact::ok(shown, now, collect(records, &frame))
        }
        Err(error) => Fact::new(shown, now, refused(&error, kmsg.is_none() && place.is_machine())),
    }
}

/// Says why there is no log.
fn refused(error: &io::Error, is_device: bool) -> Outcome<KernelLog> {
    let command = || is_device.then(|| ["sudo", "dmesg"].map(str::to_owned).to_vec());
    match error.kind() {
        io::ErrorKind::PermissionDenied => Outcome::Denied {
            why: format!("the kernel log cannot be read: {error}"),
            right: if is_device { "CAP_SYSLOG" } else { "a user who can read the file, or root" }.to_owned(),
            command: command(),
        },
        // The log exists, and is not in this container.
        io::ErrorKind::NotFound if is_device => Outcome::Denied {
            why: format!("there is no {DEVICE} here: the kernel log is on the host"),
            right: "access to the host".to_owned(),
            command: command(),
        },
        io::ErrorKind::NotFound => Outcome::Absent { why: error.to_string() },
        _ => Outcome::Failed { why: error.to_string() },
    }
}

fn records(path: &Path) -> io::Result<Vec<Record>> {
    let file = proc_file::open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_char_device() {
        return device(file);
    }
    if !kind.is_file() {
        return Err(io::Error::other("it is neither a file nor the kernel log device"));
    }
    let mut bytes = Vec::new();
    file.take(MOST_BYTES).read_to_end(&mut bytes)?;
    Ok(record::text(&bytes))
}

/// Reads what the kernel has, a record with each read, without waiting for more.
pub(super) fn device(mut from: impl Read) -> io::Result<Vec<Record>> {
    let mut buffer = vec![0; LONGEST];
    let mut all = Vec::new();
    // A kernel that writes faster than we read has no end.
    for _ in 0..MOST_RECORDS {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => all.extend(buffer.get(..read).and_then(record::kmsg)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // The record was overwritten before it was read; the next read gives the oldest that is left.
            Err(error) if error.raw_os_error() == Some(Errno::PIPE.raw_os_error()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // The record does not fit, and stays the next one.
            Err(error) if error.raw_os_error() == Some(Errno::INVAL.raw_os_error()) && buffer.len() < LONGEST << 4 => {
                buffer.resize(buffer.len().saturating_mul(2), 0);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}
