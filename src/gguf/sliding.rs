//! The layers that attend to a sliding window only: by the file's own pattern, otherwise by the one that llama.cpp has
//! built in for the architecture (`load_swa_pattern` in its `src/models`).

use super::header::Value;

/// The built-in pattern of one architecture.
struct BuiltIn {
    name: &'static str,
    /// The size of a group of layers, of which one sees everything.
    every: u64,
    /// Whether the full layer is the first of each group, not the last.
    dense_first: bool,
    /// The window where the file has none; None where the model then has no sliding layers.
    window: Option<u64>,
}

const BUILT_IN: &[BuiltIn] = &[
    last("gemma2", 2, Some(4096)),
    last("gemma3", 6, None),
    last("gemma3n", 5, None),
    last("gemma-embedding", 6, None),
    last("gpt-oss", 2, None),
    last("cohere2", 4, None),
    first("cohere2moe", 4),
    last("exaone4", 4, None),
    last("exaone-moe", 4, Some(128)),
    last("olmo2", 4, None),
    last("plamo3", 8, None),
    last("llama4", 4, Some(8192)),
    last("afmoe", 4, None),
    last("mellum", 4, None),
    first("smallthinker", 4),
    first("laguna", 4),
    first("modern-bert", 3),
];

const fn last(name: &'static str, every: u64, window: Option<u64>) -> BuiltIn {
    BuiltIn { name, every, dense_first: false, window }
}

const fn first(name: &'static str, every: u64) -> BuiltIn {
    BuiltIn { name, every, dense_first: true, window: None }
}

/// Returns the window in tokens, and for each layer whether it uses it (empty when none does).
///
/// A window without a pattern has no sliding layers unless the architecture has a built-in pattern: llama.cpp gives
/// such models (Phi-3, Mistral) a full cache.
pub(super) fn window(
    architecture: &str,
    window: Option<u64>,
    pattern: Option<&Value>,
    layers: u64,
) -> (Option<u64>, Vec<bool>) {
    let built_in = BUILT_IN.iter().find(|b| b.name == architecture);
    let Some(window) = window.or(built_in.and_then(|b| b.window)).filter(|w| *w > 0) else {
        return (None, Vec::new());
    };
    let slides: Vec<bool> = match pattern {
        Some(Value::Bools(all)) => all.clone(),
        Some(Value::Numbers(all)) => all.iter().map(|n| *n != 0).collect(),
        _ => {
            let Some(built_in) = built_in else { return (Some(window), Vec::new()) };
            let every = match pattern {
                Some(Value::Unsigned(n)) => *n,
                _ => built_in.every,
            };
            (0..layers.min(4096)).map(|layer| built_in.slides(layer, every)).collect()
        }
    };
    if slides.contains(&true) { (Some(window), slides) } else { (Some(window), Vec::new()) }
}

impl BuiltIn {
    /// Returns whether a layer slides, as `llama_hparams::set_swa_pattern`; with 0 every layer does.
    fn slides(&self, layer: u64, every: u64) -> bool {
        match layer.checked_rem(every) {
            None => true,
            Some(at) if self.dense_first => at != 0,
            Some(at) => at != every.saturating_sub(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(architecture: &str, width: Option<u64>, pattern: Option<Value>, expected: &str) {
        let (_, slides) = window(architecture, width, pattern.as_ref(), 6);
        let shown: String = slides.iter().map(|s| if *s { 's' } else { 'F' }).collect();
        assert_eq!(shown, expected, "{architecture}");
    }

    #[test]
    fn the_layers_with_a_window_are_those_of_the_runtime() {
        check("gemma3", Some(512), None, "sssssF");
        check("gemma2", None, None, "sFsFsF");
        check("gemma3n", Some(512), None, "ssssFs");
        check("gpt-oss", Some(128), None, "sFsFsF");
        check("modern-bert", Some(128), None, "FssFss");
        check("phi3", Some(2047), None, "");
        check("llama", Some(4096), None, "");
        check("gemma3", None, None, "");
        check("gemma3", Some(0), None, "");
    }

    #[test]
    fn the_pattern_of_the_file_comes_first() {
        check("gemma3", Some(512), Some(Value::Unsigned(3)), "ssFssF");
        check("gemma3", Some(512), Some(Value::Unsigned(1)), "");
        check("gemma3", Some(512), Some(Value::Unsigned(0)), "ssssss");
        check("new", Some(512), Some(Value::Bools(vec![true, false])), "sF");
        check("new", Some(512), Some(Value::Numbers(vec![0, 1, 1])), "Fss");
        check("new", Some(512), Some(Value::Unsigned(2)), "");
    }
}
