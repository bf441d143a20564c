//! The conversion of token bytes to text: whole characters only, and never a part of a stop string.

/// Collects the bytes of one generation.
#[derive(Debug)]
pub struct TextStream {
    /// The bytes of a character that is not complete yet.
    bytes: Vec<u8>,
    /// Text that may be the start of a stop string.
    held: String,
    stops: Vec<String>,
}

/// Text that may be sent, and whether a stop string has come.
#[derive(Debug, PartialEq, Eq)]
pub struct Flow {
    pub text: String,
    pub stopped: bool,
}

impl TextStream {
    /// Creates a stream. Empty stop strings are left out: they would stop everything.
    pub fn new(stops: Vec<String>) -> TextStream {
        let stops = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        TextStream { bytes: Vec::new(), held: String::new(), stops }
    }

    /// Takes the bytes of one token. After `stopped` nothing more may be pushed.
    pub fn push(&mut self, bytes: &[u8]) -> Flow {
        self.bytes.extend_from_slice(bytes);
        self.decode();
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop)).min() {
            self.held.truncate(at);
            self.bytes.clear();
            return Flow { text: std::mem::take(&mut self.held), stopped: true };
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len().saturating_sub(keep));
        Flow { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }

    /// Returns the text that was held back, when no more bytes follow. The first bytes of a character whose end is
    /// missing are left out: they are no part of any text.
    pub fn finish(&mut self) -> String {
        self.decode();
        self.bytes.clear();
        std::mem::take(&mut self.held)
    }

    /// Moves whole characters from `bytes` to `held`; a byte that can never become one is U+FFFD.
    fn decode(&mut self) {
        let mut used = 0_usize;
        for chunk in self.bytes.utf8_chunks() {
            self.held.push_str(chunk.valid());
            used = used.saturating_add(chunk.valid().len());
            let invalid = chunk.invalid();
            if invalid.is_empty() {
                continue;
            }
            let last = used.saturating_add(invalid.len()) == self.bytes.len();
            let incomplete = std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none());
            if last && incomplete {
                break;
            }
            self.held.push(char::REPLACEMENT_CHARACTER);
            used = used.saturating_add(invalid.len());
        }
        self.bytes.drain(..used);
    }
}

/// Returns the length in bytes of the longest end of `text` with which `stop` begins.
fn overlap(text: &str, stop: &str) -> usize {
    stop.char_indices()
        .map(|(at, _)| at)
        .take_while(|&at| at <= text.len())
        .filter(|&at| stop.get(..at).is_some_and(|head| text.ends_with(head)))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(stops: &[&str], tokens: &[&[u8]]) -> (String, bool) {
        let mut stream = TextStream::new(stops.iter().map(|stop| stop.to_string()).collect());
        let mut text = String::new();
        for token in tokens {
            let flow = stream.push(token);
            text.push_str(&flow.text);
            if flow.stopped {
                return (text, true);
            }
        }
        text.push_str(&stream.finish());
        (text, false)
    }

    #[test]
    fn a_stop_string_over_several_tokens_never_shows() {
        assert_eq!(run(&["END"], &[b"a E", b"N", b"D b"]), ("a ".into(), true));
        assert_eq!(run(&["END"], &[b"a E", b"N", b"d"]), ("a ENd".into(), false));
        assert_eq!(run(&["\n\n", "x"], &[b"a\n", b"\nx"]), ("a".into(), true));
        assert_eq!(run(&["aab"], &[b"a", b"a", b"a", b"b"]), ("a".into(), true));
    }

    #[test]
    fn a_character_over_several_tokens_is_not_split() {
        let crab = "🦀".as_bytes();
        let mut stream = TextStream::new(vec![]);
        assert_eq!(stream.push(&crab[..2]).text, "");
        assert_eq!(stream.push(&crab[2..3]).text, "");
        assert_eq!(stream.push(&crab[3..]).text, "🦀");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(run(&[], &[b"a\xff", b"b"]).0, "a\u{fffd}b");
        assert_eq!(run(&[], &[b"\xf0\x9f", b"b"]).0, "\u{fffd}b");
    }

    #[test]
    fn a_character_that_the_limit_of_tokens_cuts_is_left_out() {
        let globe = "🌍".as_bytes();
        assert_eq!(run(&[], &[globe, &globe[..3]]).0, "🌍");
        assert_eq!(run(&["END"], &[b"E", &globe[..1]]).0, "E");
    }

    #[test]
    fn an_empty_stop_string_stops_nothing() {
        assert_eq!(run(&[""], &[b"abc"]), ("abc".into(), false));
    }

    proptest! {
        #[test]
        fn splitting_changes_nothing(text in "[abé🦀]{0,12}", stop in "[abé🦀]{1,3}", cut in 1_usize..5) {
            let tokens: Vec<&[u8]> = text.as_bytes().chunks(cut).collect();
            let whole = text.split(&stop).next().unwrap_or("").to_string();
            prop_assert_eq!(run(&[&stop], &tokens), (whole.clone(), whole.len() < text.len()));
        }
    }
}
