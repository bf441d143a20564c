//! All names of the models in their stores. A scan records one of them, and the user may write any of them.

use super::oci::with_latest;
use super::ollama_parts;
use super::ramalama;
use crate::model::{Kind, ModelRow, State, StoreKind};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

/// Sets `also_named`: further tags, and their spellings, as they are on disk now.
///
/// A store that cannot be read adds none. Nothing can be removed from such a store either.
pub fn name_all(rows: &mut [ModelRow]) {
    let mut ollama: HashMap<PathBuf, HashMap<String, Vec<String>>> = HashMap::new();
    for row in rows.iter_mut().filter(|row| row.state != State::Gone) {
        let names = match row.store {
            // In Ollama the projector or adapter of a model has the same name, but the name means the model.
            StoreKind::Ollama if !matches!(row.kind, Kind::Mmproj | Kind::Adapter) => {
                let of = ollama.entry(row.root.clone()).or_insert_with_key(|root| ollama_parts::names(root));
                let digest = row.path.file_name().and_then(|n| n.to_str()).and_then(ollama_parts::digest);
                digest.and_then(|digest| of.get(&digest)).cloned().unwrap_or_default()
            }
            StoreKind::Docker => docker(&row.name),
            StoreKind::RamaLama => ramalama::tags(row),
            _ => Vec::new(),
        };
        let names: BTreeSet<String> = names.into_iter().filter(|name| *name != row.name).collect();
        row.also_named = names.into_iter().collect();
    }
}

/// Returns the spellings of the tags that the name of a model consists of.
fn docker(name: &str) -> Vec<String> {
    let tags = name.split(", ").filter(|tag| !tag.starts_with("sha256:"));
    tags.flat_map(|tag| [tag.to_owned(), format!("docker.io/{tag}")]).flat_map(|tag| with_latest(&tag)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_of_ramalama_is_known_by_every_tag_of_its_snapshot() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("store/ollama/library/smollm");
        std::fs::create_dir_all(folder.join("refs")).unwrap();
        std::fs::create_dir_all(folder.join("snapshots/sha256-ab")).unwrap();
        for (tag, hash) in [("latest", "ab"), ("135m", "ab"), ("360m", "cd")] {
            let reference = format!(r#"{{"hash": "sha256:{hash}", "path": "", "version": "v1.0.1", "files": []}}"#);
            std::fs::write(folder.join(format!("refs/{tag}.json")), reference).unwrap();
        }
        let row = |name: &str| ModelRow {
            store: StoreKind::RamaLama,
            root: root.path().to_owned(),
            path: folder.join("snapshots/sha256-ab/x.gguf"),
            ..crate::testing::sample_row(name)
        };
        let mut rows = [row("ollama://library/smollm:latest"), row("x")];
        name_all(&mut rows);
        assert_eq!(rows[0].also_named, ["ollama://library/smollm", "ollama://library/smollm:135m"]);
        assert!(rows[1].also_named.is_empty(), "one of several files of its tag");
    }

    #[test]
    fn a_model_of_docker_is_known_by_each_of_its_tags() {
        let all = docker("ai/a:latest, ai/b:1");
        assert_eq!(
            all,
            ["ai/a:latest", "ai/a", "docker.io/ai/a:latest", "docker.io/ai/a", "ai/b:1", "docker.io/ai/b:1"]
        );
        assert!(docker("sha256:0011").is_empty());
    }
}
