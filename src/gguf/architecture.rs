//! The purpose of the models of each architecture, and whether the engine of this program can answer with them.
//!
//! From `LLM_ARCH_NAMES`, `llm_arch_is_diffusion` (`src/llama-arch.cpp`), `llama_model_mapping` and
//! `llama_model_has_encoder` (`src/llama-model.cpp`) of the llama.cpp that llama-cpp-sys-2 0.1.160 brings. A test
//! compares the lists with that source where the machine has it. Names that are in none of the lists are unknown, and
//! an unknown architecture does not count as a model that answers.

use crate::model::Kind;

/// Architectures with which the engine answers prompts.
#[rustfmt::skip]
pub(crate) const GENERATIVE: &[&str] = &[
    "llama", "llama4", "deci", "falcon", "grok", "gpt2", "gptneox", "mpt", "baichuan", "starcoder", "refact",
    "bloom", "stablelm", "qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen3moe", "qwen3next", "qwen3vl",
    "qwen3vlmoe", "qwen35", "qwen35moe", "qwen4exp", "phi2", "phi3", "phimoe", "plamo", "plamo2", "plamo3",
    "codeshell", "orion", "internlm2", "minicpm", "minicpm3", "gemma", "gemma2", "gemma3", "gemma3n", "gemma4",
    "starcoder2", "mamba", "mamba2", "maple", "jamba", "falcon-h1", "xverse", "command-r", "cohere2", "cohere2moe",
    "dbrx", "olmo", "olmo2", "olmoe", "muse-glimmer", "openelm", "arctic", "deepseek", "deepseek2", "deepseek2-ocr",
    "deepseek32", "deepseek4", "chatglm", "glm4", "glm4moe", "glm-dsa", "bitnet", "jais", "jais2", "nemotron",
    "nemotron_h", "nemotron_h_moe", "exaone", "exaone4", "exaone-moe", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7",
    "granite", "granitemoe", "granitehybrid", "graniteswitch", "granite_swa", "chameleon", "plm", "bailingmoe",
    "bailingmoe2", "bailingmoe3", "dots1", "dots3note", "arcee", "afmoe", "laguna", "ernie4_5", "ernie4_5-moe",
    "hunyuan-moe", "hunyuan-dense", "hunyuan_vl", "hy_v3", "hy_v4", "smollm3", "gpt-oss", "lfm2", "lfm2moe",
    "smallthinker", "seed_oss", "grovemoe", "apertus", "minimax-01", "hrm_text", "minimax-m2", "minimax-m3",
    "cogvlm", "pangu-embedded", "mistral3", "mistral4", "paddleocr", "mimo2", "step35", "spark2_5", "maincoder",
    "kimi-linear", "kimi-k3", "glm5-next", "talkie", "mellum", "nanbeige",
];

/// Architectures that give vectors of texts.
pub(crate) const EMBEDDING: &[&str] = &[
    "bert",
    "eurobert",
    "gemma-embedding",
    "jina-bert-v2",
    "jina-bert-v3",
    "llama-embed",
    "modern-bert",
    "neo-bert",
    "nomic-bert",
    "nomic-bert-moe",
];

/// Architectures that llama.cpp knows by name and this program's engine does not answer with.
pub(crate) const OTHERS: &[(&str, Kind)] = &[
    ("clip", Kind::Mmproj),
    // One score for each token.
    ("clef", Kind::Reranker),
    // Denoise a whole text at once; this engine samples token by token.
    ("dream", Kind::Diffusion),
    ("llada", Kind::Diffusion),
    ("llada-moe", Kind::Diffusion),
    ("rnd1", Kind::Diffusion),
    // Guess tokens for the model that they were made for.
    ("dflash", Kind::Draft),
    ("eagle3", Kind::Draft),
    ("gemma4-assistant", Kind::Draft),
    ("pockettts", Kind::Speech),
    ("qwen3tts", Kind::Speech),
    ("wavtokenizer-dec", Kind::Speech),
    ("t5encoder", Kind::Encoder),
    // An encoder must run first, which this engine does not do.
    ("t5", Kind::Generative),
    // Known by name, but no code loads it any more.
    ("gptj", Kind::Generative),
];

/// Architecture names that other programs use: Ollama, ComfyUI-GGUF and stable-diffusion.cpp, whisper.cpp, TTS.cpp.
pub(crate) const FOREIGN: &[(&str, Kind)] = &[
    ("aura", Kind::Diffusion),
    ("chroma", Kind::Diffusion),
    ("cosmos", Kind::Diffusion),
    ("flux", Kind::Diffusion),
    ("flux2", Kind::Diffusion),
    ("hidream", Kind::Diffusion),
    ("hunyuan_video", Kind::Diffusion),
    ("hyvid", Kind::Diffusion),
    ("kandinsky5", Kind::Diffusion),
    ("ltx2", Kind::Diffusion),
    ("ltxv", Kind::Diffusion),
    ("lumina2", Kind::Diffusion),
    ("omnigen2", Kind::Diffusion),
    ("pig", Kind::Diffusion),
    ("qwen_image", Kind::Diffusion),
    ("sd1", Kind::Diffusion),
    ("sd2", Kind::Diffusion),
    ("sd3", Kind::Diffusion),
    ("sdxl", Kind::Diffusion),
    ("wan", Kind::Diffusion),
    ("z_image", Kind::Diffusion),
    ("clip_g", Kind::Encoder),
    ("clip_l", Kind::Encoder),
    ("umt5", Kind::Encoder),
    ("vae", Kind::Encoder),
    ("dac", Kind::Speech),
    ("dia", Kind::Speech),
    ("kokoro", Kind::Speech),
    ("moonshine", Kind::Speech),
    ("orpheus", Kind::Speech),
    ("parakeet", Kind::Speech),
    ("parler-tts", Kind::Speech),
    ("sense_voice", Kind::Speech),
    ("snac", Kind::Speech),
    ("whisper", Kind::Speech),
    ("bitnet-25", Kind::Generative),
    ("bitnet-b1.58", Kind::Generative),
    ("deepseekocr", Kind::Generative),
    ("glmocr", Kind::Generative),
    ("gptoss", Kind::Generative),
    ("mllama", Kind::Generative),
    ("persimmon", Kind::Generative),
    ("qwen25vl", Kind::Generative),
];

/// Returns the kind of the models of this architecture; [`Kind::Unknown`] for one that is in no list.
pub fn kind_of(architecture: &str) -> Kind {
    if GENERATIVE.contains(&architecture) {
        return Kind::Generative;
    }
    if EMBEDDING.contains(&architecture) {
        return Kind::Embedding;
    }
    let named = OTHERS.iter().chain(FOREIGN).find(|(name, _)| *name == architecture);
    named.map_or(Kind::Unknown, |(_, kind)| *kind)
}

/// Returns the reason why the engine cannot answer prompts with a generative model of this architecture; None when it
/// can.
pub fn unanswered(architecture: Option<&str>) -> Option<String> {
    match architecture {
        Some(known) if GENERATIVE.contains(&known) => None,
        Some("t5") => Some("its architecture `t5` needs an encoder to run first, which is not supported".to_owned()),
        Some(other) => Some(format!("its architecture `{other}` is not one that the llama.cpp in this program loads")),
        None => Some("its file names no architecture".to_owned()),
    }
}

/// Returns the reason why a whole file with this architecture is of no known kind.
pub fn of_no_kind(architecture: Option<&str>) -> String {
    match architecture {
        Some(known) if kind_of(known) != Kind::Unknown => {
            format!("it holds nothing of a model of its architecture `{known}`")
        }
        Some(name) => format!("the llama.cpp in this program does not know its architecture `{name}`"),
        None => "its file names no architecture".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The sources of the llama.cpp that is linked, where cargo has them.
    fn vendored(file: &str) -> Option<String> {
        let home = option_env!("CARGO_HOME").map(std::path::PathBuf::from);
        let home = home.or_else(|| Some(std::path::Path::new(option_env!("HOME")?).join(".cargo")))?;
        let registries = std::fs::read_dir(home.join("registry/src")).ok()?;
        let of = |dir: std::fs::DirEntry| dir.path().join("llama-cpp-sys-2-0.1.160/llama.cpp/src").join(file);
        registries.flatten().find_map(|dir| std::fs::read_to_string(of(dir)).ok())
    }

    #[test]
    fn every_architecture_of_the_engine_is_in_one_list_and_none_is_made_up() {
        let Some(source) = vendored("llama-arch.cpp") else {
            crate::testing::skip("the sources of llama.cpp are not on this machine");
            return;
        };
        let names: BTreeSet<&str> = source
            .lines()
            .filter(|line| line.trim_start().starts_with("{ LLM_ARCH_"))
            .filter_map(|line| line.split('"').nth(1))
            .filter(|name| *name != "(unknown)")
            .collect();
        assert!(names.len() > 100, "the table was not found");
        let listed = GENERATIVE.iter().chain(EMBEDDING).copied().chain(OTHERS.iter().map(|(name, _)| *name));
        let mut once = BTreeSet::new();
        for name in listed {
            assert!(once.insert(name), "{name} is in two lists");
        }
        assert_eq!(once, names);
        let diffusion = source.split("bool llm_arch_is_diffusion").nth(1).unwrap().split("default:").next().unwrap();
        let count = diffusion.matches("case LLM_ARCH_").count();
        let ours = OTHERS.iter().filter(|(_, kind)| *kind == Kind::Diffusion).count();
        assert_eq!(ours, count, "llama.cpp counts other architectures among the diffusion models");
    }

    #[test]
    fn what_is_in_no_list_is_unknown_and_what_the_engine_lacks_says_so() {
        assert_eq!(kind_of("llama"), Kind::Generative);
        assert_eq!(kind_of("brand-new"), Kind::Unknown);
        assert_eq!(kind_of(""), Kind::Unknown);
        assert_eq!((kind_of("gptoss"), unanswered(Some("gptoss")).is_some()), (Kind::Generative, true));
        assert_eq!(unanswered(Some("gpt-oss")), None);
    }
}
