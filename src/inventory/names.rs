//! The names of models. In a repository: `org/name:Q4_K_M`, as llama.cpp writes it; elsewhere the file name without
//! `.gguf` and without the number of a shard. Names keep the characters on the disk; the code that prints them makes
//! them safe.

use super::found::Repo;

use super::paths::gguf_stem;
use super::shards::shard_name;
use crate::model::{Kind, Model};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Returns the name of a model outside a repository.
pub(crate) fn plain_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    match (shard_name(name), gguf_stem(name)) {
        (Some(shard), _) if !shard.prefix.is_empty() => shard.prefix.to_string_lossy().into_owned(),
        (_, Some(stem)) => String::from_utf8_lossy(stem).into_owned(),
        (_, None) => name.to_string_lossy().into_owned(),
    }
}

/// Returns the names of the models of one repository, from the paths of their main files. A tag that would mean two
/// different files is replaced by the file names; a file of another snapshot than the current one is marked with its
/// snapshot.
pub(crate) fn repo_names(repo: &Repo, models: &[&Model]) -> Vec<String> {
    let places: Vec<Place> = models.iter().map(|m| Place::of(repo, m)).collect();
    let mut files_of_tag: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for place in &places {
        if let Some(tag) = &place.tag {
            files_of_tag.entry(tag).or_default().insert(&place.file);
        }
    }
    let mut names = Vec::with_capacity(places.len());
    for place in &places {
        let label = match &place.tag {
            Some(tag) if files_of_tag.get(tag.as_str()).is_some_and(|files| files.len() == 1) => tag,
            _ => &place.file,
        };
        let revision = match (&repo.current, &place.snapshot) {
            (Some(current), Some(own)) if current.to_string_lossy() != *own => {
                format!("@{}", own.chars().take(7).collect::<String>())
            }
            _ => String::new(),
        };
        names.push(format!("{}:{label}{revision}", repo.name));
    }
    names
}

struct Place {
    snapshot: Option<String>,
    /// The path inside the snapshot, without suffixes.
    file: String,
    tag: Option<String>,
}

impl Place {
    fn of(repo: &Repo, model: &Model) -> Place {
        let path = model.main().map(|a| a.path.as_path()).unwrap_or(&model.root);
        let stem = plain_name(path);
        let mut inside = path.strip_prefix(repo.folder.join("snapshots")).unwrap_or(path).components();
        let snapshot = inside.next().map(|c| c.as_os_str().to_string_lossy().into_owned());
        let dir: PathBuf = inside.as_path().parent().map(Path::to_owned).unwrap_or_default();
        // Kinds of which a repository has one file for each quantization, if any.
        let is_tagged = match model.kind {
            Kind::Unknown => model.facts().is_some(),
            kind => kind.is_served() || matches!(kind, Kind::Speech | Kind::Diffusion | Kind::Encoder),
        };
        let tag = is_tagged.then(|| {
            let label = model.facts().map(|f| f.quant.label.clone()).filter(|l| l != "unknown");
            tag_of(&stem).or(label)
        });
        Place { snapshot, file: dir.join(&stem).to_string_lossy().into_owned(), tag: tag.flatten() }
    }
}

/// Returns the quantization at the end of a file name, in upper case: `Q4_K_M`, `UD-IQ2_XXS`, `BF16`.
pub(crate) fn tag_of(stem: &str) -> Option<String> {
    let upper = stem.to_uppercase();
    let mut segments = upper.rsplit(['-', '.']);
    let last = segments.next()?;
    let numbered = ["IQ", "TQ", "Q", "MXFP", "NVFP"]
        .iter()
        .any(|p| last.strip_prefix(p).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    let plain = matches!(last, "F16" | "F32" | "BF16" | "FP16" | "FP32");
    let clean = last.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !clean || !(numbered || plain) {
        return None;
    }
    Some(if segments.next() == Some("UD") { format!("UD-{last}") } else { last.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_what_llama_cpp_would_take() {
        for (stem, tag) in [
            ("Llama-3.2-1B-Instruct-Q4_K_M", Some("Q4_K_M")),
            ("smollm2-135m.q8_0", Some("Q8_0")),
            ("Qwen3-4B-UD-IQ2_XXS", Some("UD-IQ2_XXS")),
            ("gpt-oss-20b-mxfp4", Some("MXFP4")),
            ("x-BF16", Some("BF16")),
            ("Llama-3.2-1B-Instruct", None),
            ("qwen", None),
            ("a-Q", None),
        ] {
            assert_eq!(tag_of(stem).as_deref(), tag, "{stem}");
        }
    }

    #[test]
    fn a_set_is_named_without_its_numbers() {
        assert_eq!(plain_name(Path::new("/m/big-Q8_0-00001-of-00003.gguf")), "big-Q8_0");
        assert_eq!(plain_name(Path::new("/m/x.Q4_1.GGUF")), "x.Q4_1");
        assert_eq!(plain_name(Path::new("/m/odd-name")), "odd-name");
    }
}
