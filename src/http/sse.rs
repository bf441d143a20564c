//! Server-sent events (the HTML standard, 9.2.6): bytes in, events and comments out.

/// One item of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SseEvent {
    /// The `data` lines of an event, joined by line ends.
    Data(String),
    /// A line that readers skip; servers send comments to show that they are alive.
    Comment(String),
}

/// An item of a stream, with the name of the event; empty where it has none. Numbers of events are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEvent {
    pub name: String,
    pub event: SseEvent,
}

/// Splits a byte stream into events.
#[derive(Debug)]
pub struct SseReader {
    /// A line that is not complete yet.
    line: Vec<u8>,
    name: String,
    data: Option<String>,
    /// Bytes of the longest event.
    most: usize,
}

impl Default for SseReader {
    fn default() -> Self {
        SseReader::up_to(SseReader::EVENT_BYTES)
    }
}

/// The stream is not one of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is too long")]
pub struct TooLong;

impl SseReader {
    /// Bytes of the longest event that is accepted by default; no server of models sends a longer one.
    pub const EVENT_BYTES: usize = 1 << 20;

    /// Creates a reader that accepts events of so many bytes.
    pub fn up_to(most: usize) -> SseReader {
        SseReader { line: Vec::new(), name: String::new(), data: None, most }
    }

    /// Returns the events and comments that `bytes` complete.
    ///
    /// # Errors
    /// An event is too long; the reader cannot be used any more.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        Ok(self.push_named(bytes)?.into_iter().map(|named| named.event).collect())
    }

    /// As [`SseReader::push`], with the names of the events.
    ///
    /// # Errors
    /// As [`SseReader::push`].
    pub fn push_named(&mut self, bytes: &[u8]) -> Result<Vec<NamedEvent>, TooLong> {
        let mut events = Vec::new();
        for part in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                events.extend(self.end_line(line.trim_end_matches(['\r', '\n'])));
            }
            let pending = self.data.as_ref().map_or(0, String::len);
            if self.line.len().saturating_add(pending) > self.most {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self, line: &str) -> Option<NamedEvent> {
        let value = |text: &str| text.strip_prefix(' ').unwrap_or(text).to_owned();
        if let Some(comment) = line.strip_prefix(':') {
            return Some(NamedEvent { name: String::new(), event: SseEvent::Comment(value(comment)) });
        }
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let data = self.data.take().filter(|data| !data.is_empty())?;
            return Some(NamedEvent { name, event: SseEvent::Data(data) });
        }
        if let Some(name) = line.strip_prefix("event:") {
            self.name = value(name);
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
    fn an_event_has_its_own_name_and_not_that_of_the_one_before() {
        let mut reader = SseReader::default();
        let events =
            reader.push_named(b"id: 1\nevent: snapshot\ndata: a\n\n:x\n\ndata: b\n\nevent: lost\n\ndata: c\n\n");
        let names: Vec<String> = events.unwrap().into_iter().map(|event| event.name).collect();
        assert_eq!(names, ["snapshot", "", "", ""]);
    }

    #[test]
    fn a_reader_that_expects_long_events_takes_them() {
        let mut reader = SseReader::up_to(4 << 20);
        let data = "x".repeat(3 << 20);
        assert_eq!(reader.push(format!("data: {data}\n\n").as_bytes()), Ok(vec![SseEvent::Data(data)]));
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
