use super::constraint::Constraint;
use super::keys;
use super::member::member;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The names of the limit of tokens. A request with several gets the smallest, which respects each.
const LIMITS: [&str; 3] = ["max_tokens", "max_completion_tokens", "n_predict"];

/// Members that are whole numbers. Clients whose language has one kind of number write `5.0`.
const WHOLE: [&str; 10] = [
    "max_tokens",
    "top_k",
    "min_keep",
    "seed",
    "timeout_ms",
    "n",
    "mirostat",
    "repeat_last_n",
    "dry_allowed_length",
    "dry_penalty_last_n",
];

/// Every other member of [`Options`].
const OTHERS: [&str; 25] = [
    "temperature",
    "dynatemp_range",
    "dynatemp_exponent",
    "top_p",
    "min_p",
    "typical_p",
    "top_n_sigma",
    "xtc_probability",
    "xtc_threshold",
    "mirostat_tau",
    "mirostat_eta",
    "repeat_penalty",
    "frequency_penalty",
    "presence_penalty",
    "dry_multiplier",
    "dry_base",
    "dry_sequence_breakers",
    "logit_bias",
    "ignore_eos",
    "stop",
    "stream",
    "stream_options",
    "grammar",
    "json_schema",
    "response_format",
];

/// The largest number of texts at which a repetition ends: each is searched for in the whole vocabulary.
const MAX_BREAKERS: usize = 16;

/// The largest number of stop texts, and of their bytes in total: each is searched for at each token. OpenAI takes
/// four.
const MAX_STOPS: usize = 256;
const MAX_STOP_BYTES: usize = 64 << 10;

/// Settings of both kinds of request, by llama-server's names. `None` means the server's default.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// The largest number of tokens; a negative number is llama-server's "as many as fit".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<i64>,
    /// The temperature; 0 always takes the likeliest token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynatemp_range: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynatemp_exponent: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typical_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_n_sigma: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xtc_probability: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xtc_threshold: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_keep: Option<u32>,
    /// 0 is off; 1 or 2 is the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirostat: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirostat_tau: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mirostat_eta: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat_last_n: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_multiplier: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_base: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_allowed_length: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_penalty_last_n: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_sequence_breakers: Option<Vec<String>>,
    /// OpenAI's object of token numbers, or llama-server's array of pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logit_bias: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_eos: Option<bool>,
    /// The seed; a negative number draws one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stops>,
    /// modelctl's own addition: milliseconds that the generation may take, from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// A GBNF grammar, by llama-server's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grammar: Option<String>,
    /// A JSON schema, by llama-server's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
    /// `text`, `json_object` or `json_schema`, by OpenAI's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
    /// The number of answers per request: only 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Stops {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether a stream ends with the usage; null is false.
    #[serde(default)]
    pub include_usage: Option<bool>,
}

impl Options {
    /// Reads the options of a body that can be answered.
    ///
    /// # Errors
    /// The reason why it cannot be answered, with the name of the key.
    pub fn read(body: &Map<String, Value>) -> Result<Options, String> {
        keys::check(body, keys::OPTIONS)?;
        let mut own = Map::new();
        for key in WHOLE.into_iter().chain(OTHERS) {
            if let Some(value) = body.get(key).filter(|value| !value.is_null()) {
                own.insert(key.to_owned(), if WHOLE.contains(&key) { whole(key, value) } else { value.clone() });
            }
        }
        match smallest_limit(body)? {
            Some(limit) => own.insert("max_tokens".to_owned(), limit.into()),
            None => own.shift_remove("max_tokens"),
        };
        let options = Options::deserialize(&own).or_else(|_| {
            let again = serde_path_to_error::deserialize(&own);
            again.map_err(|error| format!("`{}`: {}", error.path(), error.inner()))
        })?;
        options.check()?;
        Ok(options)
    }

    pub fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    pub fn include_usage(&self) -> bool {
        self.stream_options.and_then(|options| options.include_usage).unwrap_or(false)
    }

    /// Checks for options that are not supported, before any work is done.
    ///
    /// # Errors
    /// The reason, with the name of the key.
    pub fn check(&self) -> Result<(), String> {
        if self.n.is_some_and(|n| n != 1) {
            return Err("`n` must be 1".into());
        }
        if self.max_tokens == Some(0) {
            return Err("`max_tokens` must be at least 1".into());
        }
        let (stops, stop_bytes) = match &self.stop {
            None => (0, 0),
            Some(Stops::One(stop)) => (1, stop.len()),
            Some(Stops::Many(stops)) => (stops.len(), stops.iter().map(String::len).sum()),
        };
        if stops > MAX_STOPS {
            return Err(format!("`stop` has {stops} texts; the maximum is {MAX_STOPS}"));
        }
        if stop_bytes > MAX_STOP_BYTES {
            return Err(format!("`stop` has {stop_bytes} bytes; the maximum is {MAX_STOP_BYTES}"));
        }
        match self.constraint()? {
            Some(Constraint::Grammar(text)) if !text.contains("root") => {
                return Err("the grammar has no rule `root`".into());
            }
            // `true` admits any value. `false` admits none, which is reported with other reasons why no answer can fit.
            Some(Constraint::Schema(text)) if !text.starts_with('{') && !["true", "false"].contains(&text.as_str()) => {
                return Err("the JSON schema is not an object".into());
            }
            _ => {}
        }
        self.check_sampling()
    }

    fn check_sampling(&self) -> Result<(), String> {
        let from_zero = [
            ("temperature", self.temperature),
            ("top_p", self.top_p),
            ("min_p", self.min_p),
            ("typical_p", self.typical_p),
            ("dynatemp_range", self.dynatemp_range),
            ("dynatemp_exponent", self.dynatemp_exponent),
            ("xtc_probability", self.xtc_probability),
            ("xtc_threshold", self.xtc_threshold),
            ("mirostat_tau", self.mirostat_tau),
            ("mirostat_eta", self.mirostat_eta),
            ("dry_multiplier", self.dry_multiplier),
            ("dry_base", self.dry_base),
        ];
        let finite = [
            ("top_n_sigma", self.top_n_sigma),
            ("frequency_penalty", self.frequency_penalty),
            ("presence_penalty", self.presence_penalty),
        ];
        let is_bad = |value: Option<f32>, least: f32| value.is_some_and(|value| !value.is_finite() || value < least);
        if let Some((name, _)) = from_zero.iter().find(|(_, value)| is_bad(*value, 0.0)) {
            return Err(format!("`{name}` must be a number from 0"));
        }
        if let Some((name, _)) = finite.iter().find(|(_, value)| is_bad(*value, f32::MIN)) {
            return Err(format!("`{name}` must be a number"));
        }
        if self.repeat_penalty.is_some_and(|value| !value.is_finite() || value <= 0.0) {
            return Err("`repeat_penalty` must be a number above 0".into());
        }
        if self.mirostat.is_some_and(|version| version > 2) {
            return Err("`mirostat` must be 0, 1 or 2".into());
        }
        if let Some(breakers) = &self.dry_sequence_breakers {
            if breakers.is_empty() || breakers.len() > MAX_BREAKERS {
                return Err(format!("`dry_sequence_breakers` must be 1 to {MAX_BREAKERS} texts"));
            }
            if breakers.iter().any(|text| text.contains('\0')) {
                return Err("a text in `dry_sequence_breakers` has a NUL character".into());
            }
        }
        self.bias().map(drop)
    }

    /// Returns the tokens of `logit_bias`: `{"50256": -100}`, or `[[50256, -100], [7, false]]` where false bans a
    /// token.
    ///
    /// # Errors
    /// The value has neither form.
    pub fn bias(&self) -> Result<Vec<(i32, f32)>, String> {
        let wrong =
            || "`logit_bias` must be an object or array of token numbers, each with a number or false".to_owned();
        let amount = |value: &Value| match value {
            Value::Bool(false) => Some(f32::NEG_INFINITY),
            value => value.as_f64().map(|n| n as f32).filter(|n| n.is_finite()),
        };
        let token = |value: &Value| value.as_i64().and_then(|n| i32::try_from(n).ok()).filter(|n| *n >= 0);
        match &self.logit_bias {
            None => Ok(Vec::new()),
            Some(Value::Object(members)) => {
                let pair =
                    |(key, value): (&String, &Value)| Some((key.parse().ok().filter(|n| *n >= 0)?, amount(value)?));
                members.iter().map(pair).collect::<Option<_>>().ok_or_else(wrong)
            }
            Some(Value::Array(items)) => {
                let pair = |item: &Value| match item.as_array()?.as_slice() {
                    [key, value] => Some((token(key)?, amount(value)?)),
                    _ => None,
                };
                items.iter().map(pair).collect::<Option<_>>().ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// Returns the constraint on the answer, by any of its three names.
    ///
    /// # Errors
    /// There are two of them, or the value is no constraint.
    pub fn constraint(&self) -> Result<Option<Constraint>, String> {
        let grammar = self.grammar.as_ref().filter(|g| !g.trim().is_empty()).map(|g| Constraint::Grammar(g.clone()));
        let schema = self.json_schema.as_ref().filter(|s| !s.is_null()).map(|s| Constraint::Schema(s.to_string()));
        let format = match self.response_format.as_ref().filter(|f| !f.is_null()) {
            None => None,
            Some(format) => match format.get("type").and_then(Value::as_str) {
                Some("text") => None,
                // llama-server accepts a schema here as well.
                Some("json_object") => {
                    let schema =
                        format.get("schema").map_or_else(|| r#"{"type":"object"}"#.into(), ToString::to_string);
                    Some(Constraint::Schema(schema))
                }
                Some("json_schema") => match format.get("json_schema").and_then(|s| s.get("schema")) {
                    Some(schema) => Some(Constraint::Schema(schema.to_string())),
                    None => return Err("`response_format` of type `json_schema` lacks `json_schema.schema`".into()),
                },
                _ => return Err("`response_format.type` must be `text`, `json_object` or `json_schema`".into()),
            },
        };
        let mut all = [grammar, schema, format].into_iter().flatten();
        match (all.next(), all.next()) {
            (_, Some(_)) => Err("give only one of `grammar`, `json_schema` and `response_format`".into()),
            (constraint, None) => Ok(constraint),
        }
    }
}

/// Returns the smallest limit of tokens that a body sets by any of its names; `None` for no limit, or as many as fit.
fn smallest_limit(body: &Map<String, Value>) -> Result<Option<i64>, String> {
    let mut smallest = None;
    for key in LIMITS {
        let mut own = Map::new();
        if let Some(value) = body.get(key) {
            own.insert(key.to_owned(), whole(key, value));
        }
        match member::<i64>(&own, key)? {
            Some(0) => return Err(format!("`{key}` must be at least 1")),
            Some(limit) if limit > 0 => smallest = Some(smallest.map_or(limit, |least: i64| least.min(limit))),
            Some(_) | None => {}
        }
    }
    Ok(smallest)
}

/// Converts `5.0` to 5. A number beyond 64 bits with sign is cut to the range of its key; all other values stay as they
/// are.
fn whole(key: &str, value: &Value) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if value.is_i64() {
        return value.clone();
    }
    match (value.as_u64(), value.as_f64()) {
        (Some(n), _) if key == "seed" => (n & 0x7fff_ffff).into(),
        (Some(_), _) => i64::MAX.into(),
        (None, Some(n)) if n.fract() == 0.0 && n.abs() <= EXACT => (n as i64).into(),
        _ => value.clone(),
    }
}
