//! Server-sent events (the HTML standard, 9.2.6): bytes in, events and comments out.

/// One item of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SseEvent {
    /// The `data` lines of an event, joined by line ends.
    Data(String),
    /// A line that readers skip; servers send comments to show that they are alive.
    Comment(String),
}

/// Splits a byte stream into events. Names and numbers of events are skipped: no server of models uses them.
#[derive(Debug, Default)]
pub struct SseReader {
    /// A line that is not complete yet.
    line: Vec<u8>,
    data: Option<String>,
}

/// The stream is not one of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is too long")]
pub struct TooLong;

impl SseReader {
    /// Bytes of the longest event that is accepted; no server of this kind sends a longer one.
    pub const EVENT_BYTES: usize = 1 << 20;

    /// Returns the events and comments that `bytes` complete.
    ///
    /// # Errors
    /// An event is longer than [`SseReader::EVENT_BYTES`]; the reader cannot be used any more.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                events.extend(self.end_line(line.trim_end_matches(['\r', '\n'])));
            }
            let pending = self.data.as_ref().map_or(0, String::len);
            if self.line.len().saturating_add(pending) > SseReader::EVENT_BYTES {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self, line: &str) -> Option<SseEvent> {
        let value = |text: &str| text.strip_prefix(' ').unwrap_or(text).to_owned();
        if let Some(comment) = line.strip_prefix(':') {
            return Some(SseEvent::Comment(value(comment)));
        }
        if line.is_empty() {
            return self.data.take().filter(|data| !data.is_empty()).map(SseEvent::Data);
        }
        if let Some(data) = line.strip_prefix("data:") {
            match &mut self.data {
                Some(before) => {
                    before.push('\n');
                    before.push_str(&value(data));
                }
                None => self.data = Some(value(data)),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_come_whole_however_the_bytes_are_cut() {
        let stream =
            "data: {\"a\":\"é\"}\n\n: a comment\nevent: x\r\ndata: b\r\ndata: c\r\n\r\ndata: [DONE]\n\n".as_bytes();
        let data = |text: &str| SseEvent::Data(text.to_owned());
        for cut in 1..stream.len() {
            let mut reader = SseReader::default();
            let events: Vec<SseEvent> = stream.chunks(cut).flat_map(|bytes| reader.push(bytes).unwrap()).collect();
            let comment = SseEvent::Comment("a comment".to_owned());
            assert_eq!(events, [data("{\"a\":\"é\"}"), comment, data("b\nc"), data("[DONE]")]);
        }
    }

    #[test]
    fn a_stream_without_end_is_refused() {
        let most = SseReader::EVENT_BYTES;
        assert_eq!(SseReader::default().push(&vec![b'x'; most + 1]), Err(TooLong));
        let mut reader = SseReader::default();
        let endless = (0..most).find_map(|_| reader.push(b"data: 0123456789\n").err());
        assert_eq!(endless, Some(TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic_and_alike_however_they_are_cut(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            cut in 1_usize..50,
        ) {
            let whole = SseReader::default().push(&bytes).unwrap();
            let mut reader = SseReader::default();
            let cut: Vec<SseEvent> = bytes.chunks(cut).flat_map(|part| reader.push(part).unwrap()).collect();
            prop_assert_eq!(whole, cut);
        }
    }
}
