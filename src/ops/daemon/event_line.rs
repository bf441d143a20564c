use serde_json::{Map, Value};

/// Returns an event as one line: `model.crash model=… exit_code=1`. Foreign names in it are not cleaned.
pub fn event_line(event: &str, fields: &Map<String, Value>) -> String {
    let mut line = event.to_owned();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let value = match value {
            Value::String(text) if !text.is_empty() && !text.contains(char::is_whitespace) => text.clone(),
            other => other.to_string(),
        };
        line.push_str(&format!(" {name}={value}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_with_spaces_are_quoted_and_what_is_not_known_is_left_out() {
        let Value::Object(fields) = json!({"model": "a", "reason": "it was killed", "exit_code": null, "n": 1}) else {
            panic!("an object");
        };
        assert_eq!(event_line("model.crash", &fields), "model.crash model=a reason=\"it was killed\" n=1");
    }
}
