/// Families by the start of their architectures' names, since variants of one family have several. `general.name`
/// decides where many families share the architecture (`llama` is what most conversions of Llama-like models say).
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
    ("gptoss", "gpt-oss"),
    ("kimi", "kimi"),
    ("nemotron", "nemotron"),
    ("minicpm", "minicpm"),
    ("minimax", "minimax"),
    ("olmo", "olmo"),
    ("exaone", "exaone"),
    ("internlm", "internlm"),
    ("ernie", "ernie"),
    ("hunyuan", "hunyuan"),
    ("lfm", "lfm"),
];

/// Families whose models have another family's architecture: the architecture, the start of a word of the name, the
/// family.
const NAMED: &[(&str, &str, &str)] = &[
    ("llama", "smollm", "smollm"),
    ("llama", "mixtral", "mixtral"),
    ("llama", "mistral", "mistral"),
    ("llama", "ministral", "mistral"),
    ("llama", "devstral", "mistral"),
    ("llama", "codestral", "mistral"),
    ("llama", "magistral", "mistral"),
    ("llama", "mathstral", "mistral"),
    ("llama", "pixtral", "mistral"),
    ("llama", "voxtral", "mistral"),
    ("llama", "tinyllama", "tinyllama"),
    ("llama", "yi", "yi"),
    ("llama", "hermes", "hermes"),
    ("llama", "vicuna", "vicuna"),
    ("llama", "zephyr", "zephyr"),
    ("llama", "stablelm", "stablelm"),
    ("deci", "nemotron", "nemotron"),
    ("deepseek2", "kimi", "kimi"),
    ("deepseek2", "moonlight", "kimi"),
    ("deepseek2", "glm", "glm"),
    ("deepseek2", "mistral", "mistral"),
    ("deepseek2", "gigachat", "gigachat"),
];

/// Returns the family that a person would filter by: `gemma3` and `gemma2` are both `gemma`.
pub fn family(architecture: &str, name: Option<&str>) -> String {
    let architecture = architecture.to_ascii_lowercase();
    if let Some(name) = name {
        let name = name.to_ascii_lowercase();
        let has = |word: &str| name.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(word));
        if let Some((_, _, line)) = NAMED.iter().find(|(of, word, _)| *of == architecture && has(word)) {
            return (*line).to_owned();
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
        assert_eq!((family("gptoss", None), family("gpt-oss", None)), ("gpt-oss".into(), "gpt-oss".into()));
        assert_eq!(family("deepseek2", Some("Kimi K2 Instruct")), "kimi");
        assert_eq!(family("deepseek2", Some("DeepSeek V3")), "deepseek");
        assert_eq!(family("deci", Some("Llama 3_1 Nemotron Ultra 253B")), "nemotron");
        assert_eq!(family("nemotron_h_moe", None), "nemotron");
        assert_eq!(family("llama", Some("Devstral Small 2505")), "mistral");
        assert_eq!(family("llama", Some("Codestral 22B v0.1")), "mistral");
    }
}
