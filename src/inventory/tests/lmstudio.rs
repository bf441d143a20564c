//! Stores as LM Studio writes them.

use super::trees::{Shelf, Tree, held_at, skipped};
use crate::model::{Class, State, StoreKind};
use std::os::unix::fs::PermissionsExt;

const MODELS: &str = ".lmstudio/models";

fn virtual_model(tree: &Tree, name: &str, user: &str, repo: &str) {
    let text = format!(
        "model: {name}\nbase:\n  - key: {user}/{repo}\n    sources:\n      - type: huggingface\n        user: {user}\n        \
         repo: {repo}\nmetadataOverrides:\n  domain: llm\n"
    );
    tree.text(format!(".lmstudio/hub/models/{name}/model.yaml"), &text);
}

#[test]
fn models_are_named_by_repository_and_every_file_says_who_would_miss_it() {
    let tree = Tree::new();
    let small = tree.gguf(format!("{MODELS}/lms/Q-GGUF/Q-Q4_K_M.gguf"), "x=1 quant=Q4_K_M width=8");
    let large = tree.gguf(format!("{MODELS}/lms/Q-GGUF/Q-Q8_0.gguf"), "x=2 quant=Q8_0 width=8");
    let eye = tree.gguf(format!("{MODELS}/lms/Q-GGUF/mmproj-F16.gguf"), "kind=mmproj out=8");
    let deep = tree.gguf(format!("{MODELS}/lms/Q-GGUF/sub/deep.gguf"), "x=3");
    let high = tree.gguf(format!("{MODELS}/high.gguf"), "x=4");
    let partial = tree.text(format!("{MODELS}/lms/Q-GGUF/downloading_Q-F16.gguf.part"), "half");
    let odd_partial = tree.text(format!("{MODELS}/mlx/Q-MLX/downloading_weights.part"), "half");
    tree.text(format!("{MODELS}/mlx/Q-MLX/model.safetensors"), "weights");
    tree.text(format!("{MODELS}/mlx/Q-MLX/config.json"), "{}");
    virtual_model(&tree, "qwen/q", "LMS", "q-gguf");
    let broken = tree.text(".lmstudio/hub/models/a/b/model.yaml", "base: [\u{1b}");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("")]);
    assert_eq!(shelf.names(), ["deep", "high", "lms/Q-GGUF:Q4_K_M", "lms/Q-GGUF:Q8_0"]);
    let model = shelf.named("lms/Q-GGUF:Q4_K_M");
    assert_eq!((model.store, &model.root), (StoreKind::LmStudio, &tree.path(MODELS)));
    assert_eq!(model.repo.as_deref(), Some("lms/Q-GGUF"));
    for name in ["lms/Q-GGUF:Q4_K_M", "lms/Q-GGUF:Q8_0"] {
        assert_eq!(shelf.named(name).mmproj().map(|a| &a.path), Some(&eye), "{name}");
    }
    for path in [&small, &large, &eye] {
        let (class, why) = held_at(&report, path);
        assert_eq!(class, Class::Referenced);
        assert_eq!(why, "LM Studio shows it in lms/Q-GGUF; the virtual model qwen/q refers to that repository");
    }
    let hidden =
        |n: &str| format!("LM Studio does not show it: it is {n}, and only <publisher>/<repository>/<file> counts");
    assert_eq!(held_at(&report, &deep), (Class::Referenced, hidden("3 folders deep").as_str()));
    assert_eq!(held_at(&report, &high), (Class::Referenced, hidden("not in a folder of its own").as_str()));
    assert_eq!(held_at(&report, &partial).0, Class::Partial);
    assert_eq!(held_at(&report, &odd_partial).0, Class::Partial);
    let holdings = &report.outcome.surveys[0].holdings;
    let others = holdings.iter().find(|h| h.path == tree.path(format!("{MODELS}/mlx/Q-MLX"))).unwrap();
    assert_eq!((others.files, others.size, others.owner.as_deref()), (2, 9, Some("mlx/Q-MLX")));
    assert_eq!(holdings.len(), 8);
    assert!(skipped(&report, &broken).starts_with("not a known kind of virtual model"));

    let again = shelf.scan(&[&tree.path("")]);
    assert_eq!((again.outcome.counts.unchanged, again.changes.len(), shelf.opened()), (4, 0, 0));
    // From within it is the same store.
    let again = shelf.scan(&[&tree.path(format!("{MODELS}/lms"))]);
    assert_eq!((again.outcome.counts.unchanged, again.changes.len(), shelf.opened()), (4, 0, 0));
}

#[test]
fn files_that_would_share_a_tag_go_by_their_names_and_a_set_is_one_model() {
    let tree = Tree::new();
    tree.gguf(format!("{MODELS}/p/r/A-Q4_0.gguf"), "x=1");
    tree.gguf(format!("{MODELS}/p/r/B-Q4_0.gguf"), "x=2");
    for no in [1, 2] {
        tree.gguf(format!("{MODELS}/p/r/C-Q8_0-0000{no}-of-00002.gguf"), &format!("split={}/2", no - 1));
    }
    tree.gguf(format!("{MODELS}/p/r/plain.gguf"), "x=4");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path(MODELS)]);
    assert_eq!(shelf.names(), ["p/r:A-Q4_0", "p/r:B-Q4_0", "p/r:Q8_0", "p/r:plain"]);
    assert_eq!(shelf.named("p/r:Q8_0").artifacts.len(), 2);
}

#[test]
fn links_that_an_import_left_hold_no_bytes_of_the_store() {
    let tree = Tree::new();
    let mine = tree.gguf("downloads/mine.gguf", "x=1");
    let link = tree.link(&format!("{MODELS}/imported/mine/mine-Q4_0.gguf"), &mine);
    let other = tree.gguf("downloads/other.gguf", "x=2");
    let hard = tree.path(format!("{MODELS}/imported/mine/other-Q8_0.gguf"));
    std::fs::hard_link(&other, &hard).unwrap();
    let twice = tree.path(format!("{MODELS}/imported/mine/other-again.gguf"));
    std::fs::hard_link(&other, &twice).unwrap();
    let fifo = tree.fifo(&format!("{MODELS}/imported/mine/pipe.gguf"));
    let dangling = tree.link(&format!("{MODELS}/imported/mine/gone.gguf"), "/nowhere/x.gguf");
    let folder = tree.link(&format!("{MODELS}/imported/mine/all"), "/usr");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(MODELS)]);
    assert_eq!(shelf.names(), ["imported/mine:Q4_0", "imported/mine:Q8_0"]);
    let imported = &shelf.named("imported/mine:Q4_0").artifacts[0];
    assert_eq!((&imported.path, imported.target.as_ref()), (&link, Some(&mine)));
    assert_eq!(shelf.named("imported/mine:Q8_0").artifacts[0].also, [twice]);
    let holdings = &report.outcome.surveys[0].holdings;
    assert_eq!(holdings.len(), 2, "{holdings:?}");
    assert_eq!((&holdings[0].path, holdings[0].allocated), (&link, 0));
    assert!(held_at(&report, &link).1.ends_with(&format!("leaves: the bytes are {}", mine.display())));
    assert_eq!((&holdings[1].path, holdings[1].links), (&hard, 3));
    assert_eq!(skipped(&report, &fifo), "a FIFO, not a file");
    assert_eq!(skipped(&report, &dangling), "a link to a missing file");
    assert_eq!(skipped(&report, &folder), "a link that leaves the root: scan it with `modelctl scan /usr`");
}

#[test]
fn a_folder_that_is_only_called_models_is_nobodys() {
    let tree = Tree::new();
    tree.gguf("home/models/p/r/A-Q4_0.gguf", "x=1");
    tree.gguf("moved/models/p/r/A-Q4_0.gguf", "x=2");
    tree.dir("moved/.internal");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("")]);
    assert_eq!(shelf.named("A-Q4_0").store, StoreKind::Dir);
    assert_eq!(shelf.named("p/r:Q4_0").store, StoreKind::LmStudio);
    // The same folder, claimed by name.
    let mut shelf = Shelf::default();
    let report = shelf.claim(&tree.path("home/models"), StoreKind::LmStudio);
    assert_eq!((shelf.named("p/r:Q4_0").store, report.roots[0].store), (StoreKind::LmStudio, StoreKind::LmStudio));
}

#[test]
fn a_hub_that_cannot_be_read_and_names_that_are_odd_stop_nothing() {
    let tree = Tree::new();
    tree.gguf(format!("{MODELS}/p\u{1b}[31m/r/\u{7}-Q4_0.gguf"), "x=1");
    virtual_model(&tree, "a/b", "p", "r");
    let hub = tree.path(".lmstudio/hub/models/a");
    let long = tree.text(".lmstudio/hub/models/c/d/model.yaml", &"#".repeat(2 << 20));
    std::fs::set_permissions(&hub, std::fs::Permissions::from_mode(0o000)).unwrap();
    let _ordinary = crate::testing::OrdinaryRights::new();
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path(MODELS)]);
    std::fs::set_permissions(&hub, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(shelf.models[0].state, State::Ready);
    assert_eq!(shelf.names(), ["p\u{1b}[31m/r:Q4_0"]); // whoever prints it disarms it
    assert_eq!(skipped(&report, &hub), "cannot be read: the models it needs are unknown");
    assert!(skipped(&report, &long).starts_with("not a known kind"));
}
