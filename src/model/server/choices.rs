use super::{Class, Engine, check_tuning_args};
use crate::model::lifecycle::{Degrade, NodeTier};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

/// The variables that a person may set for a server: which devices it uses, and how its threads behave. None of them
/// names a library or a file to load.
pub const ENV_NAMES: &[&str] = &[
    "CUDA_DEVICE_ORDER",
    "CUDA_VISIBLE_DEVICES",
    "GGML_CUDA_ENABLE_UNIFIED_MEMORY",
    "GGML_CUDA_FORCE_CUBLAS",
    "GGML_CUDA_FORCE_MMQ",
    "GGML_CUDA_NO_PINNED",
    "GGML_VK_VISIBLE_DEVICES",
    "GOMP_CPU_AFFINITY",
    "GPU_DEVICE_ORDINAL",
    "HIP_VISIBLE_DEVICES",
    "HSA_OVERRIDE_GFX_VERSION",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "ONEAPI_DEVICE_SELECTOR",
    "ROCR_VISIBLE_DEVICES",
];

const CONTEXT: RangeInclusive<u32> = 64..=1 << 24;
const PARALLEL: RangeInclusive<u32> = 1..=256;
const GPU_LAYERS: RangeInclusive<u32> = 0..=10_000;
const THREADS: RangeInclusive<u32> = 1..=512;
const IDLE_SECONDS: RangeInclusive<u64> = 1..=365 * 86_400;
const ENV_BYTES: usize = 1_024;

/// What a person chose for the server of a model; None leaves it to the layer below.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Choices {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
    /// Tokens of context of one request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// Requests answered at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_layers: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Further arguments for llama-server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// Variables for the process of the server, of [`ENV_NAMES`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
    /// The time without a request after which the server is stopped.
    #[serde(skip_serializing_if = "Option::is_none", with = "duration")]
    #[schemars(with = "Option<String>")]
    pub idle_timeout: Option<Duration>,
    /// The class of requests that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Class>,
    /// Whether a model that generates text may get a second worker for vectors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<bool>,
    /// What may become less when memory runs out, in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degrade: Option<Vec<Degrade>>,
    /// Nothing becomes less: where memory runs out the model fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_degrade: Option<bool>,
    /// Its server is stopped only when bytes are needed, never because it is idle and never for the CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressure_evict_only: Option<bool>,
    /// Its server is restarted after every crash, without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub essential: Option<bool>,
    /// The least node on which it is started without a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_tier: Option<NodeTier>,
}

/// A value that cannot be used: the key, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {why}")]
pub struct ChoiceError {
    pub key: &'static str,
    pub why: String,
}

/// A change of [`Choices`]: for each, None leaves it as it is, `Some(None)` removes it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    #[serde(deserialize_with = "given")]
    pub engine: Option<Option<Engine>>,
    #[serde(deserialize_with = "given")]
    pub context: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    pub parallel: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    pub gpu_layers: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    pub threads: Option<Option<u32>>,
    #[serde(deserialize_with = "given")]
    pub args: Option<Option<Vec<String>>>,
    #[serde(deserialize_with = "given")]
    pub env: Option<Option<BTreeMap<String, String>>>,
    #[serde(deserialize_with = "given_duration")]
    pub idle_timeout: Option<Option<Duration>>,
    #[serde(deserialize_with = "given")]
    pub priority: Option<Option<Class>>,
    #[serde(deserialize_with = "given")]
    pub embeddings: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub degrade: Option<Option<Vec<Degrade>>>,
    #[serde(deserialize_with = "given")]
    pub no_degrade: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub pressure_evict_only: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub essential: Option<Option<bool>>,
    #[serde(deserialize_with = "given")]
    pub min_tier: Option<Option<NodeTier>>,
}

impl Choices {
    pub fn is_empty(&self) -> bool {
        *self == Choices::default()
    }

    /// Returns these choices where they are made, and those of `below` for the rest.
    #[must_use]
    pub fn over(&self, below: &Choices) -> Choices {
        let (top, below) = (self.clone(), below.clone());
        Choices {
            engine: top.engine.or(below.engine),
            context: top.context.or(below.context),
            parallel: top.parallel.or(below.parallel),
            gpu_layers: top.gpu_layers.or(below.gpu_layers),
            threads: top.threads.or(below.threads),
            args: top.args.or(below.args),
            env: top.env.or(below.env),
            idle_timeout: top.idle_timeout.or(below.idle_timeout),
            priority: top.priority.or(below.priority),
            embeddings: top.embeddings.or(below.embeddings),
            degrade: top.degrade.or(below.degrade),
            no_degrade: top.no_degrade.or(below.no_degrade),
            pressure_evict_only: top.pressure_evict_only.or(below.pressure_evict_only),
            essential: top.essential.or(below.essential),
            min_tier: top.min_tier.or(below.min_tier),
        }
    }

    /// Checks the ranges of numbers and the names of variables. Arguments are checked by whoever knows their source.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn check(&self) -> Result<(), ChoiceError> {
        within("context", self.context, &CONTEXT)?;
        within("parallel", self.parallel, &PARALLEL)?;
        within("gpu_layers", self.gpu_layers, &GPU_LAYERS)?;
        within("threads", self.threads, &THREADS)?;
        within("idle_timeout", self.idle_timeout.map(|time| time.as_secs()), &IDLE_SECONDS)?;
        let steps = self.degrade.as_deref().unwrap_or_default();
        if steps.iter().enumerate().any(|(at, step)| steps.iter().take(at).any(|before| before == step)) {
            return Err(ChoiceError { key: "degrade", why: "one step is listed twice".to_owned() });
        }
        if self.no_degrade == Some(true) && !steps.is_empty() {
            let why = "it contradicts `degrade`, which lists what may be reduced".to_owned();
            return Err(ChoiceError { key: "no_degrade", why });
        }
        for (name, value) in self.env.iter().flatten() {
            let refuse = |why| Err(ChoiceError { key: "env", why });
            if !ENV_NAMES.contains(&name.as_str()) {
                let names = ENV_NAMES.join(", ");
                return refuse(format!("`{}` cannot be set for a server; these can: {names}", name.escape_debug()));
            }
            if value.len() > ENV_BYTES || value.contains('\0') {
                return refuse(format!("the value of {name} is too long or contains a NUL byte"));
            }
        }
        Ok(())
    }

    /// Applies a change that came through the API or `modelctl set`.
    ///
    /// # Errors
    /// The first value that cannot be used; nothing is then changed.
    pub fn changed(&self, change: &Change) -> Result<Choices, ChoiceError> {
        fn put<T: Clone>(old: &mut Option<T>, new: Option<&Option<T>>) {
            if let Some(new) = new {
                old.clone_from(new);
            }
        }
        let mut after = self.clone();
        put(&mut after.engine, change.engine.as_ref());
        put(&mut after.context, change.context.as_ref());
        put(&mut after.parallel, change.parallel.as_ref());
        put(&mut after.gpu_layers, change.gpu_layers.as_ref());
        put(&mut after.threads, change.threads.as_ref());
        put(&mut after.args, change.args.as_ref());
        put(&mut after.env, change.env.as_ref());
        put(&mut after.idle_timeout, change.idle_timeout.as_ref());
        put(&mut after.priority, change.priority.as_ref());
        put(&mut after.embeddings, change.embeddings.as_ref());
        put(&mut after.degrade, change.degrade.as_ref());
        put(&mut after.no_degrade, change.no_degrade.as_ref());
        put(&mut after.pressure_evict_only, change.pressure_evict_only.as_ref());
        put(&mut after.essential, change.essential.as_ref());
        put(&mut after.min_tier, change.min_tier.as_ref());
        after.check()?;
        let args = after.args.as_deref().unwrap_or_default();
        check_tuning_args(args).map_err(|why| ChoiceError { key: "args", why })?;
        Ok(after)
    }
}

impl Change {
    pub fn is_empty(&self) -> bool {
        *self == Change::default()
    }
}

fn within<T: PartialOrd + std::fmt::Display>(
    key: &'static str,
    value: Option<T>,
    range: &RangeInclusive<T>,
) -> Result<(), ChoiceError> {
    match value {
        Some(value) if !range.contains(&value) => {
            let why = format!("{value} is not between {} and {}", range.start(), range.end());
            Err(ChoiceError { key, why })
        }
        _ => Ok(()),
    }
}

/// Reads a member that is there; `null` becomes `Some(None)`.
fn given<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(d).map(Some)
}

fn given_duration<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<Duration>>, D::Error> {
    duration::deserialize(d).map(Some)
}

/// A duration as a text (`10m`); whole seconds are read as well.
mod duration {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::time::Duration;

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a duration such as \"10m\", or seconds")]
    enum Given {
        Text(String),
        Seconds(u64),
    }

    #[expect(clippy::ref_option, reason = "serde calls it with a reference")]
    pub(super) fn serialize<S: Serializer>(time: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => s.collect_str(&humantime::format_duration(*time)),
            None => s.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        match Option::<Given>::deserialize(d)? {
            None => Ok(None),
            Some(Given::Seconds(seconds)) => Ok(Some(Duration::from_secs(seconds))),
            Some(Given::Text(text)) => humantime::parse_duration(&text)
                .map(Some)
                .map_err(|e| de::Error::custom(format!("`{}` is not a duration: {e}", text.escape_debug()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_set_is_read_back_and_null_removes_it() {
        let change: Change = serde_json::from_value(json!({
            "engine": "llama-server", "context": 8192, "idle_timeout": "10m", "priority": "interactive",
            "env": {"CUDA_VISIBLE_DEVICES": "1"}, "args": ["-fa", "on"],
            "essential": true, "pressure_evict_only": false, "min_tier": "compute_host", "degrade": ["layers"],
        }))
        .unwrap();
        let set = Choices::default().changed(&change).unwrap();
        assert_eq!(set.engine, Some(Engine::LlamaServer));
        assert_eq!(set.idle_timeout, Some(Duration::from_secs(600)));
        assert_eq!((set.essential, set.pressure_evict_only), (Some(true), Some(false)));
        assert_eq!((set.min_tier, set.degrade.as_deref()), (Some(NodeTier::ComputeHost), Some(&[Degrade::Layers][..])));
        let stored = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<Choices>(&stored).unwrap(), set);
        let back: Change = serde_json::from_value(json!({"context": null})).unwrap();
        let less = set.changed(&back).unwrap();
        assert_eq!((less.context, less.engine), (None, set.engine));
        assert!(serde_json::from_value::<Change>(json!({"contxt": 1})).is_err(), "a typing error is no setting");
    }

    #[test]
    fn a_value_that_no_server_could_use_is_refused_with_its_key() {
        for (bad, key) in [
            (json!({"context": 1}), "context"),
            (json!({"parallel": 0}), "parallel"),
            (json!({"threads": 513}), "threads"),
            (json!({"idle_timeout": 0}), "idle_timeout"),
            (json!({"env": {"LD_PRELOAD": "/tmp/x.so"}}), "env"),
            (json!({"env": {"GGML_BACKEND_PATH": "/tmp/x.so"}}), "env"),
            (json!({"args": ["--host", "0.0.0.0"]}), "args"),
            (json!({"degrade": ["context", "context"]}), "degrade"),
            (json!({"degrade": ["layers"], "no_degrade": true}), "no_degrade"),
        ] {
            let change: Change = serde_json::from_value(bad).unwrap();
            assert_eq!(Choices::default().changed(&change).unwrap_err().key, key);
        }
    }

    #[test]
    fn a_choice_in_the_database_wins_over_the_config_file() {
        let file = Choices { context: Some(4_096), threads: Some(2), ..Choices::default() };
        let database = Choices { context: Some(8_192), ..Choices::default() };
        let both = database.over(&file);
        assert_eq!((both.context, both.threads), (Some(8_192), Some(2)));
    }
}
