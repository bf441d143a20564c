//! Reading a stream of server-sent events, bytes in, `data` payloads out.

/// More than this in one event is not our server talking, bytes.
const EVENT_BYTES: usize = 1 << 20;

/// Cuts a byte stream into events. Only the `data:` lines matter here.
#[derive(Debug, Default)]
pub struct SseReader {
    buffer: Vec<u8>,
    data: String,
}

/// The stream is not one of events.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is too long")]
pub struct TooLong;

impl SseReader {
    /// The payloads of the events that `bytes` completes.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            } else if line.is_empty() && !self.data.is_empty() {
                events.push(std::mem::take(&mut self.data));
            }
        }
        if self.buffer.len().saturating_add(self.data.len()) > EVENT_BYTES { Err(TooLong) } else { Ok(events) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_however_the_bytes_are_cut() {
        let stream = "data: {\"a\":\"é\"}\n\n: a comment\nevent: x\r\ndata: b\r\n\r\ndata: [DONE]\n\n".as_bytes();
        for cut in 1..stream.len() {
            let mut reader = SseReader::default();
            let events: Vec<String> = stream.chunks(cut).flat_map(|bytes| reader.push(bytes).unwrap()).collect();
            assert_eq!(events, ["{\"a\":\"é\"}", "b", "[DONE]"]);
        }
    }

    #[test]
    fn a_stream_without_end_is_refused() {
        assert_eq!(SseReader::default().push(&vec![b'x'; EVENT_BYTES + 1]), Err(TooLong));
    }
}
