//! Numbers of a schema as the token grammar reads them: as doubles.

use serde_json::Number;

/// Returns whether a double holds a number exactly, as far as its digits show. The token grammar would write another
/// number.
pub fn is_exact(number: &Number) -> bool {
    match (number.as_i64(), number.as_u64()) {
        (Some(n), _) => n.unsigned_abs() <= 1 << 53,
        (None, Some(_)) => false,
        // For a float only the double is known.
        (None, None) => number.as_f64().is_some_and(|n| n == 0.0 || (1e-9..1e15).contains(&n.abs())),
    }
}

/// Returns a count, which may be written `2.0`.
pub fn count(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && (0.0..1e15).contains(&float)).then_some(float as u64)
    })
}
