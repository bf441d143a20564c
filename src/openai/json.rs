//! Documents of clients. `serde_json` by itself refuses the 128th level already, and only in members that are read.

use serde::de::DeserializeOwned;

/// Levels of arrays and objects that a document may have.
pub const DEPTH: usize = 128;

/// Reads a document of at most [`DEPTH`] levels.
///
/// # Errors
/// The reason, with the place.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    read_within(json, DEPTH)
}

/// Reads a document of at most `most` levels, which the stack has to bear.
///
/// # Errors
/// As [`read`].
pub fn read_within<T: DeserializeOwned>(json: &[u8], most: usize) -> Result<T, String> {
    if is_deeper(json, most) {
        return Err(format!("it is nested more than {most} levels deep"));
    }
    let mut reader = serde_json::Deserializer::from_slice(json);
    reader.disable_recursion_limit();
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| error.to_string())?;
    reader.end().map_err(|error| error.to_string())?;
    Ok(value)
}

/// Returns whether arrays and objects are nested deeper than `most`. Right for JSON; anything else is refused by its
/// parser.
pub fn is_deeper(json: &[u8], most: usize) -> bool {
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            _ if is_text => {}
            b'[' | b'{' => {
                depth = depth.saturating_add(1);
                if depth > most {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn depth_is_that_of_arrays_and_objects_and_not_of_texts() {
        let deeper = |json: &str| is_deeper(json.as_bytes(), 2);
        assert!(!deeper(r#"[{"a": "[[[[", "b\"[[[": 1}, {}, {}]"#));
        assert!(!deeper(r#"{"a": "\\", "b": []}"#));
        assert!(deeper(r#"[{"a": []}]"#) && deeper("[[[") && deeper(r#"{"a": "\\", "b": [{}]}"#));
    }

    #[test]
    fn the_deepest_document_that_is_allowed_is_read_and_the_next_one_is_not() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let is_read = |levels: usize| read::<Value>(nested(levels).as_bytes()).is_ok();
        assert_eq!([127, DEPTH, 129, 1_000_000].map(is_read), [true, true, false, false]);
        assert!(read::<Value>(nested(129).as_bytes()).unwrap_err().contains("more than 128 levels"));
        assert!(read::<Value>(b"{} x").unwrap_err().contains("trailing"));
    }

    proptest! {
        /// What is no JSON must not get past the limit either: the parser would take all of the stack.
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(prop_oneof![Just(b'['), Just(b'{'), Just(b'"'), Just(b'\\'), any::<u8>()], 0..600)) {
            drop(read::<Value>(&bytes));
        }
    }
}
