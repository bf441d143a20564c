//! Ollama's own rules, worked out from the files of random stores with nothing of the reader, against its holdings.

use super::registries::{LIBRARY, Ollama, adds_up, holdings, image, sha256};
use super::trees::Shelf;
use crate::model::Class;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Debug, Clone)]
struct Named {
    model: u8,
    tag: u8,
    is_v2: bool,
    layers: Vec<u8>,
    is_torn: bool,
}

fn names() -> impl Strategy<Value = Vec<Named>> {
    let named = (0u8..3, 0u8..2, any::<bool>(), prop::collection::vec(0u8..8, 0..4), prop::bool::weighted(0.05));
    let named = named.prop_map(|(model, tag, is_v2, layers, is_torn)| Named { model, tag, is_v2, layers, is_torn });
    prop::collection::vec(named, 0..6)
}

/// Contents 0 to 3 are models, the others are not.
fn content(n: u8) -> String {
    if n < 4 { format!("GGUF x={n}") } else { format!("text {n}").repeat(n.into()) }
}

fn build(names: &[Named], absent: &BTreeSet<u8>, extra: &BTreeSet<u8>) -> Ollama {
    let store = Ollama::new();
    let config = store.config("gguf");
    let mut written = extra.clone();
    for named in names {
        written.extend(&named.layers);
        let contents: Vec<String> = named.layers.iter().map(|n| content(*n)).collect();
        let kind = |n: &u8| if *n < 4 { "model" } else { "params" };
        let layers: Vec<(&str, &str)> =
            named.layers.iter().map(kind).zip(contents.iter().map(String::as_str)).collect();
        let text = image(&config, &layers).to_string();
        let text = if named.is_torn { &text[..text.len() / 2] } else { &text };
        let (folder, library) =
            if named.is_v2 { ("manifests-v2", "ollama.com/library") } else { ("manifests", LIBRARY) };
        store.tree.text(format!("models/{folder}/{library}/m{}/t{}", named.model, named.tag), text);
    }
    for n in written.difference(absent) {
        store.blob(&content(*n));
    }
    store
}

/// What the server sees.
#[derive(Default)]
struct Server {
    /// What `ollama list` calls SIZE.
    sizes: BTreeMap<String, u64>,
    retained: BTreeSet<String>,
    /// It prunes nothing at its start when one of them does not parse.
    any_torn: bool,
}

fn server(root: &Path) -> Server {
    let mut server = Server::default();
    let mut seen = BTreeSet::new();
    for folder in ["manifests-v2/ollama.com/library", "manifests/registry.ollama.ai/library"] {
        let Ok(models) = std::fs::read_dir(root.join(folder)) else { continue };
        for model in models.map(|e| e.unwrap().path()) {
            for tag in std::fs::read_dir(&model).unwrap().map(|e| e.unwrap().path()) {
                let part = |p: &Path| p.file_name().unwrap().to_str().unwrap().to_owned();
                let name = format!("{}:{}", part(&model), part(&tag));
                let document: Option<Value> = serde_json::from_slice(&std::fs::read(&tag).unwrap()).ok();
                server.any_torn |= document.is_none();
                let Some(document) = document.filter(|_| seen.insert(name.clone())) else {
                    seen.insert(name);
                    continue;
                };
                let layers = document["layers"].as_array().unwrap().iter().chain([&document["config"]]);
                for layer in layers {
                    *server.sizes.entry(name.clone()).or_default() += layer["size"].as_u64().unwrap();
                    server.retained.insert(layer["digest"].as_str().unwrap().replace("sha256:", ""));
                }
            }
        }
    }
    server
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn holdings_agree_with_what_the_server_retains_prunes_and_lists(
        names in names(),
        absent in prop::collection::btree_set(0u8..8, 0..3),
        extra in prop::collection::btree_set(0u8..8, 0..3),
    ) {
        let store = build(&names, &absent, &extra);
        let server = server(&store.root());
        let on_disk: BTreeSet<String> = std::fs::read_dir(store.root().join("blobs"))
            .unwrap()
            .map(|e| e.unwrap().file_name().to_str().unwrap().replace("sha256-", ""))
            .collect();
        if names.is_empty() && on_disk.is_empty() {
            return Ok(());
        }
        let mut shelf = Shelf::default();
        let report = shelf.scan(&[&store.root()]);
        adds_up(&report, &store.root());
        let of = |classes: &[Class]| -> BTreeSet<String> {
            let held = holdings(&report).iter().filter(|h| classes.contains(&h.class));
            held.filter_map(|h| h.expected_sha256.clone()).collect()
        };
        let needed: BTreeSet<String> = server.retained.intersection(&on_disk).cloned().collect();
        let waste: BTreeSet<String> = on_disk.difference(&server.retained).cloned().collect();
        if server.any_torn {
            prop_assert_eq!(of(&[Class::Referenced]), on_disk.clone());
            prop_assert!(of(&[Class::Orphan, Class::Superseded]).is_empty());
        } else {
            prop_assert_eq!(of(&[Class::Referenced]), needed);
            prop_assert_eq!(of(&[Class::Orphan, Class::Superseded]), waste);
        }
        let missing: BTreeSet<String> = server.retained.difference(&on_disk).cloned().collect();
        prop_assert!(of(&[Class::Missing]).is_superset(&missing));
        for held in holdings(&report).iter().filter(|h| h.class == Class::Referenced && h.why.contains(" takes ")) {
            let takes = held.why.split(" takes ").nth(1).unwrap().split(' ').next().unwrap();
            prop_assert_eq!(takes.parse().ok(), server.sizes.get(held.owner.as_deref().unwrap()).copied());
        }
        // Every model that is here and that the server runs has a row.
        for n in (0..4).filter(|n| needed_model(&server, &on_disk, *n)) {
            let path = store.path_of(&content(n));
            prop_assert!(shelf.models.iter().any(|m| m.artifacts[0].path == path), "{}", path.display());
        }
        let count = shelf.models.len() as u64;
        prop_assert_eq!(shelf.scan(&[&store.root()]).outcome.counts.unchanged, count);
    }
}

fn needed_model(server: &Server, on_disk: &BTreeSet<String>, n: u8) -> bool {
    let digest = sha256(content(n));
    server.retained.contains(&digest) && on_disk.contains(&digest)
}
