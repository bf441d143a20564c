/// Architectures that are variants of one line, by their beginning. `general.name` decides where many lines share the
/// architecture (`llama` is what most conversions of Llama-like models say).
const LINES: &[(&str, &str)] = &[
    ("llama", "llama"),
    ("gemma", "gemma"),
    ("qwen", "qwen"),
    ("phi", "phi"),
    ("mistral", "mistral"),
    ("deepseek", "deepseek"),
    ("granite", "granite"),
    ("glm", "glm"),
    ("chatglm", "glm"),
    ("command-r", "command-r"),
    ("cohere", "command-r"),
    ("smollm", "smollm"),
    ("falcon", "falcon"),
    ("nomic-bert", "nomic"),
    ("jina-bert", "jina"),
    ("bert", "bert"),
    ("mamba", "mamba"),
    ("rwkv", "rwkv"),
    ("gpt-oss", "gpt-oss"),
    ("olmo", "olmo"),
    ("exaone", "exaone"),
    ("internlm", "internlm"),
    ("ernie", "ernie"),
    ("hunyuan", "hunyuan"),
    ("lfm", "lfm"),
];

/// Lines whose models carry another line's architecture.
const NAMED: &[&str] = &["smollm", "mixtral", "mistral", "tinyllama", "yi", "hermes", "vicuna", "zephyr", "stablelm"];

/// The line of models that a person would filter by: `gemma3` and `gemma2` are both `gemma`.
pub fn family(architecture: &str, name: Option<&str>) -> String {
    let architecture = architecture.to_ascii_lowercase();
    if architecture == "llama"
        && let Some(name) = name
    {
        let name = name.to_ascii_lowercase();
        let word = |w: &&&str| name.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(**w));
        if let Some(named) = NAMED.iter().find(word) {
            return (*named).to_owned();
        }
    }
    let line = LINES.iter().find(|(start, _)| architecture.starts_with(start));
    line.map_or(architecture.clone(), |(_, line)| (*line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::family;

    #[test]
    fn generations_of_one_line_are_found_by_one_word() {
        assert_eq!(family("gemma3", None), "gemma");
        assert_eq!(family("qwen2moe", None), "qwen");
        assert_eq!(family("llama", Some("Smollm2 135M 8k Lc100K Mix1 Ep2")), "smollm");
        assert_eq!(family("llama", Some("Meta Llama 3")), "llama");
        assert_eq!(family("brand-new", None), "brand-new");
    }
}
