//! The model that a service asks the hub of Hugging Face for, and whether it is here already.

use super::super::Place;
use super::types::HubFacts;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Returns the repository that the words of a command ask the hub for: `-hf org/name[:tag]`, `--hf-repo org/name`.
pub fn repository(argv: &[String]) -> Option<String> {
    let named = argv.iter().enumerate().find_map(|(at, word)| match word.split_once('=') {
        Some(("--hf-repo" | "-hf" | "-hfr", value)) => Some(value.to_owned()),
        _ if matches!(word.as_str(), "-hf" | "-hfr" | "--hf-repo") => argv.get(at.checked_add(1)?).cloned(),
        _ => None,
    })?;
    let repository = named.split(':').next().unwrap_or_default();
    repository.contains('/').then(|| repository.to_owned())
}

/// Looks for a repository in the hub cache of the service, by its variables and its home.
pub fn look(place: &Place, repository: &str, environment: &BTreeMap<String, Option<String>>) -> HubFacts {
    let variable = |name: &str| environment.get(name).cloned().flatten();
    let home = |rest: &str| variable("HOME").map(|home| Path::new(&home).join(rest));
    let cache = variable("HF_HUB_CACHE").map(PathBuf::from);
    let cache = cache.or_else(|| variable("HF_HOME").map(|home| Path::new(&home).join("hub")));
    let cache = cache.or_else(|| home(".cache/huggingface/hub"));
    let folder = format!("models--{}", repository.replace('/', "--"));
    let has_entries =
        |path: PathBuf| std::fs::read_dir(place.at(path)).is_ok_and(|mut entries| entries.next().is_some());
    let is_present = cache.is_some_and(|cache| has_entries(cache.join(&folder).join("snapshots")))
        // llama.cpp's own cache, of before it used the hub's.
        || home(".cache/llama.cpp").is_some_and(|cache| has_file_of(place, &cache, repository));
    let says_yes =
        |name: &str| variable(name).is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false" | "no"));
    HubFacts {
        repository: repository.to_owned(),
        is_present,
        is_offline_set: says_yes("HF_HUB_OFFLINE") || says_yes("TRANSFORMERS_OFFLINE"),
    }
}

fn has_file_of(place: &Place, cache: &Path, repository: &str) -> bool {
    let start = repository.replace('/', "_");
    let Ok(entries) = std::fs::read_dir(place.at(cache)) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(&start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_in_the_cache_of_the_service_is_found() {
        let root = tempfile::tempdir().unwrap();
        let argv = ["llama-server", "-hf", "org/name:Q4_K_M"].map(str::to_owned);
        let repository = repository(&argv).unwrap();
        assert_eq!(repository, "org/name");
        let environment = BTreeMap::from([
            ("HOME".to_owned(), Some("/home/u".to_owned())),
            ("HF_HUB_OFFLINE".to_owned(), Some("1".to_owned())),
        ]);
        let place = Place::new(root.path());
        assert!(!look(&place, &repository, &environment).is_present);
        std::fs::create_dir_all(root.path().join("home/u/.cache/huggingface/hub/models--org--name/snapshots/abc"))
            .unwrap();
        let found = look(&place, &repository, &environment);
        assert!(found.is_present && found.is_offline_set);
    }
}
