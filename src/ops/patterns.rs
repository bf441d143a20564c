use crate::display::text;
use crate::failure::{Failure, Kind};
use crate::model::Pattern;

/// Parses words as patterns.
///
/// # Errors
/// A glob that cannot be parsed is a usage failure.
pub fn patterns(words: &[String]) -> anyhow::Result<Vec<Pattern>> {
    let read = |word: &String| {
        let pattern = Pattern::new(word);
        match pattern.fault() {
            None => Ok(pattern),
            Some(fault) => {
                let what = format!("`{}` is not a valid pattern: {fault}", text::clean(word));
                Err(Failure::new(Kind::Usage, what).into())
            }
        }
    };
    words.iter().map(read).collect()
}
