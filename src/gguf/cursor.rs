//! A bounded walk over the bytes of a header.

use super::GgufError;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that can be read by position.
pub(crate) trait Source {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
    fn len(&self) -> u64;
}

/// A file with the length it had when it was opened: the checks of a file that grows meanwhile use that length.
pub(crate) struct Opened<'a> {
    pub file: &'a File,
    pub len: u64,
}

impl Source for Opened<'_> {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.file.read_at(buffer, at)
    }
    fn len(&self) -> u64 {
        self.len
    }
}

impl Source for &[u8] {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or(&[]);
        let n = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..n), rest.get(..n)) {
            to.copy_from_slice(from);
        }
        Ok(n)
    }
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }
}

/// The size of the buffer: large enough that a vocabulary takes few reads, small enough for the cache of a core.
const BUFFER: usize = 128 * 1024;
/// Bytes of the largest header that is read. Real ones are below 32 MiB; without a limit, reading a file of zeros with
/// a few crafted lengths could take hours.
const HEADER: u64 = 256 << 20;

pub(crate) struct Cursor<'s, S> {
    source: &'s S,
    len: u64,
    buffer: Vec<u8>,
    /// The start of the unread part of the buffer.
    start: usize,
    end: usize,
    /// Position in the file of `buffer[start]`.
    at: u64,
    pub big_endian: bool,
}

macro_rules! number {
    ($name:ident, $type:ty) => {
        pub fn $name(&mut self) -> Result<$type, GgufError> {
            let bytes = self.take()?;
            Ok(if self.big_endian { <$type>::from_be_bytes(bytes) } else { <$type>::from_le_bytes(bytes) })
        }
    };
}

impl<'s, S: Source> Cursor<'s, S> {
    pub fn new(source: &'s S) -> Self {
        let len = source.len();
        let size = usize::try_from(len).unwrap_or(BUFFER).min(BUFFER);
        Cursor { source, len, buffer: vec![0; size], start: 0, end: 0, at: 0, big_endian: false }
    }

    pub fn position(&self) -> u64 {
        self.at
    }

    /// Returns the bytes that the rest of the header can have.
    pub fn left(&self) -> u64 {
        self.len.min(HEADER).saturating_sub(self.at)
    }

    number!(u16, u16);
    number!(u32, u32);
    number!(u64, u64);

    /// Makes at least `need` bytes (at most the buffer) available, or as many as the file has.
    fn fill(&mut self, need: usize) -> Result<(), GgufError> {
        let have = self.end.saturating_sub(self.start);
        if have >= need {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, have);
        while self.end < need {
            let from = self.at.saturating_add(self.end as u64);
            let room = usize::try_from(self.len.saturating_sub(from)).unwrap_or(usize::MAX);
            let stop = self.buffer.len().min(self.end.saturating_add(room));
            let Some(space) = self.buffer.get_mut(self.end..stop) else { break };
            if space.is_empty() {
                break;
            }
            match self.source.read_at(space, from) {
                Ok(0) => break,
                Ok(n) => self.end = self.end.saturating_add(n).min(stop),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(GgufError::Io(e)),
            }
        }
        Ok(())
    }

    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.fill(N)?;
        let stop = self.start.saturating_add(N);
        let bytes = self.buffer.get(self.start..stop.min(self.end)).and_then(|b| <[u8; N]>::try_from(b).ok());
        let bytes = bytes.filter(|_| N as u64 <= self.left()).ok_or_else(|| self.too_short(N as u64))?;
        self.start = stop;
        self.at = self.at.saturating_add(N as u64);
        Ok(bytes)
    }

    /// Returns the error for `wanted` more bytes than the file, or any header, has.
    pub fn too_short(&self, wanted: u64) -> GgufError {
        if self.at.checked_add(wanted).is_some_and(|end| end > HEADER && end <= self.len) {
            return GgufError::Unsupported(format!("a header longer than {} MiB", HEADER >> 20));
        }
        GgufError::TruncatedHeader { at: self.at, wanted, len: self.len }
    }

    /// Skips `count` bytes without reading those beyond the buffer.
    pub fn skip(&mut self, count: u64) -> Result<(), GgufError> {
        if count > self.left() {
            return Err(self.too_short(count));
        }
        let have = self.end.saturating_sub(self.start);
        self.at = self.at.saturating_add(count);
        match usize::try_from(count) {
            Ok(n) if n <= have => self.start = self.start.saturating_add(n),
            _ => (self.start, self.end) = (0, 0),
        }
        Ok(())
    }

    /// Skips `count` strings. A vocabulary has hundreds of thousands: strings that are whole in the buffer are skipped
    /// without updating the cursor, and the one at the end of the buffer is skipped by the general path.
    pub fn skip_strings(&mut self, mut count: u64, limit: u64) -> Result<(), GgufError> {
        while count > 0 {
            self.fill(8)?;
            let window = self.buffer.get(self.start..self.end).unwrap_or(&[]);
            let mut hopped = 0usize;
            while count > 0 {
                let Some(word) = window.get(hopped..).and_then(|rest| rest.first_chunk::<8>()) else { break };
                let length = if self.big_endian { u64::from_be_bytes(*word) } else { u64::from_le_bytes(*word) };
                let next = usize::try_from(length).ok().and_then(|n| hopped.checked_add(8)?.checked_add(n));
                let Some(next) = next.filter(|next| length <= limit && *next <= window.len()) else { break };
                hopped = next;
                count = count.saturating_sub(1);
            }
            self.start = self.start.saturating_add(hopped);
            self.at = self.at.saturating_add(hopped as u64);
            if count > 0 {
                self.skip_string(limit)?;
                count = count.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Skips a string: its length and as many bytes.
    pub fn skip_string(&mut self, limit: u64) -> Result<(), GgufError> {
        let length = self.length(limit)?;
        self.skip(length)
    }

    /// Reads the length of the string that follows.
    pub fn length(&mut self, limit: u64) -> Result<u64, GgufError> {
        let length = self.u64()?;
        if length > self.left() {
            return Err(self.too_short(length));
        }
        if length > limit {
            let most = crate::model::digits(limit);
            let text = crate::model::digits(length);
            return Err(GgufError::Unsupported(format!(
                "a text of {text} bytes in the header (up to {most} are read)"
            )));
        }
        Ok(length)
    }

    /// Reads the next `count` bytes, which the caller has bounded.
    pub fn bytes(&mut self, count: u64) -> Result<Vec<u8>, GgufError> {
        if count > self.left() {
            return Err(self.too_short(count));
        }
        let mut left = usize::try_from(count).map_err(|_| self.too_short(count))?;
        let mut out = Vec::with_capacity(left);
        while left > 0 {
            self.fill(left.min(self.buffer.len()))?;
            let n = left.min(self.end.saturating_sub(self.start));
            let Some(part) = self.buffer.get(self.start..self.start.saturating_add(n)).filter(|p| !p.is_empty()) else {
                return Err(self.too_short(left as u64));
            };
            out.extend_from_slice(part);
            self.start = self.start.saturating_add(n);
            self.at = self.at.saturating_add(n as u64);
            left = left.saturating_sub(n);
        }
        Ok(out)
    }
}
