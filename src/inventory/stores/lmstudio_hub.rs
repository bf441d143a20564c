//! The virtual models of LM Studio: separate names for files in the repositories of other publishers.
//!
//! ```text
//! <home>/hub/models/<owner>/<name>/model.yaml
//!     model: qwen/qwen3-8b
//!     base:                                  or the name of another virtual model
//!       - key: lmstudio-community/qwen3-8b-gguf
//!         sources: [{type: huggingface, user: lmstudio-community, repo: Qwen3-8B-GGUF}]
//! ```
//!
//! The format is described at lmstudio.ai/docs/app/modelyaml.

use super::hf::open_quietly;
use crate::inventory::collector::StoreCollector;
use crate::inventory::inode::vanished;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use walkdir::WalkDir;

/// The largest size of a model.yaml in bytes. One with a long template stays far below.
const MOST_BYTES: u64 = 1 << 20;

/// The virtual models that need each repository (`publisher/repository`, lower-case), by name.
pub(crate) type Needs = BTreeMap<String, Vec<String>>;

/// Returns the virtual models without a scan. None when any of them cannot be read: then the list would be incomplete.
pub(crate) fn virtual_models(models: &Path) -> Option<Needs> {
    // The callers only mention virtual models. A scan reports those that cannot be read.
    super::part::quietly(models, |collector| needs(models, collector)).ok()
}

/// Reads the virtual models of the home that `models` is in. What cannot be parsed is reported to `collector`.
pub(super) fn needs(models: &Path, collector: &mut StoreCollector<'_>) -> anyhow::Result<Needs> {
    let mut needs = Needs::new();
    let Some(hub) = models.parent().map(|home| home.join("hub/models")) else { return Ok(needs) };
    if !hub.is_dir() {
        return Ok(needs);
    }
    for entry in WalkDir::new(&hub).follow_root_links(false).min_depth(3).max_depth(3) {
        collector.progress.entry()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                if !e.io_error().is_some_and(vanished) {
                    collector.skip(e.path().unwrap_or(&hub), "cannot be read: the models it needs are unknown");
                }
                continue;
            }
        };
        if entry.file_name() != "model.yaml" || !entry.file_type().is_file() {
            continue;
        }
        let inside = entry.path().parent().and_then(|p| p.strip_prefix(&hub).ok()); // the entry is below it
        let name = inside.unwrap_or(entry.path()).to_string_lossy().into_owned();
        let Some(repositories) = read(entry.path()) else {
            collector.skip(entry.path(), "not a known kind of virtual model: the models it needs are unknown");
            continue;
        };
        for repository in repositories {
            needs.entry(repository).or_default().push(name.clone());
        }
    }
    needs.values_mut().for_each(|names| {
        names.sort();
        names.dedup();
    });
    Ok(needs)
}

fn read(path: &Path) -> Option<Vec<String>> {
    let file = open_quietly(path)?;
    let mut text = String::new();
    // A file that is too long or no text is no virtual model; the caller reports it.
    let read = file.take(MOST_BYTES + 1).read_to_string(&mut text).ok()?;
    if read as u64 > MOST_BYTES { None } else { repositories(&text) }
}

/// Returns the repositories that a virtual model resolves to. Empty when it only builds on another one; None when the
/// text cannot be parsed.
fn repositories(yaml: &str) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Virtual {
        base: Base,
    }
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Base {
        Other(#[expect(dead_code, reason = "needs nothing by itself")] String),
        Concrete(Vec<Concrete>),
    }
    #[derive(serde::Deserialize)]
    struct Concrete {
        #[serde(default)]
        sources: Vec<Source>,
    }
    #[derive(serde::Deserialize)]
    struct Source {
        user: Option<String>,
        repo: Option<String>,
    }
    // The parse error is a position in a foreign file, which helps no user.
    let parsed: Virtual = serde_saphyr::from_str(yaml).ok()?;
    let Base::Concrete(bases) = parsed.base else { return Some(Vec::new()) };
    let sources = bases.into_iter().flat_map(|b| b.sources);
    Some(sources.filter_map(|s| Some(format!("{}/{}", s.user?, s.repo?).to_lowercase())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_model_says_which_repositories_it_stands_for() {
        let yaml = "# drafted\nmodel: qwen/qwen3-8b\nbase:\n  - key: a/q-gguf\n    sources:\n      - type: huggingface\n        \
                    user: lmstudio-community\n        repo: Qwen3-8B-GGUF\n  - key: b\n    sources: [{type: huggingface, \
                    user: b, repo: c}, {type: url}]\nmetadataOverrides:\n  vision: false\n";
        assert_eq!(repositories(yaml).unwrap(), ["lmstudio-community/qwen3-8b-gguf", "b/c"]);
        assert_eq!(repositories("model: a/b\nbase: qwen/qwen3-8b\n"), Some(vec![]));
        for odd in ["", "model: a/b\n", "base: {a: 3}", "base: &a [*a]\n", "\u{0}", "base:\n  - sources: 3\n"] {
            assert_eq!(repositories(odd), None, "{odd}");
        }
    }

    #[test]
    fn aliases_that_multiply_and_lists_without_end_are_refused_at_once() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for i in 1..12 {
            let before = vec![format!("*a{}", i - 1); 10].join(", ");
            bomb.push_str(&format!("a{i}: &a{i} [{before}]\n"));
        }
        bomb.push_str("base: *a11\n");
        assert_eq!(repositories(&bomb), None);
        assert_eq!(repositories(&format!("base: {}", "[".repeat(100_000))), None);
    }
}
