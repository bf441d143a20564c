use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What the gateway reads of the `prompt` of a completion: how many there are. A list of numbers is one prompt, in tokens;
/// what is no prompt at all is the server's to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prompts(pub usize);

impl Default for Prompts {
    fn default() -> Self {
        Prompts(1)
    }
}

impl<'de> Deserialize<'de> for Prompts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Prompts, D::Error> {
        deserializer.deserialize_any(Whole).map(|value| Prompts(value.prompts.unwrap_or(1).max(1)))
    }
}

/// A value, as far as it matters.
struct Value {
    is_number: bool,
    /// Of a list without numbers: its length.
    prompts: Option<usize>,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Whole)
    }
}

const OTHER: Value = Value { is_number: false, prompts: None };
const NUMBER: Value = Value { is_number: true, prompts: None };

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a prompt")
    }
    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(OTHER)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(NUMBER)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(NUMBER)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(NUMBER)
    }
    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(OTHER)
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(OTHER)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let (mut count, mut has_number) = (0_usize, false);
        while let Some(item) = items.next_element::<Value>()? {
            count = count.saturating_add(1);
            has_number |= item.is_number;
        }
        Ok(Value { is_number: false, prompts: (!has_number).then_some(count) })
    }
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(OTHER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_texts_is_several_prompts_and_a_list_of_tokens_is_one() {
        for (prompt, count) in [
            (r#""a""#, 1),
            (r#"["a"]"#, 1),
            (r#"["a","b"]"#, 2),
            ("[1,2,3]", 1),
            (r#"[1,"a"]"#, 1),
            ("[[1,2],[3]]", 2),
            ("[]", 1),
            ("null", 1),
            (r#"{"prompt_string":"a"}"#, 1),
            (r#"[{"prompt_string":"a"},"b"]"#, 2),
        ] {
            assert_eq!(serde_json::from_str::<Prompts>(prompt).unwrap(), Prompts(count), "{prompt}");
        }
    }
}
