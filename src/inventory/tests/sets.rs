use super::trees::{Shelf, Tree};
use crate::inventory::pairing;
use crate::model::{Kind, Role, State};

fn part(tree: &Tree, name: &str, no: u32, count: u32, about: &str) {
    tree.gguf(format!("m/{name}-{no:05}-of-{count:05}.gguf"), &format!("split={}/{count} {about}", no - 1));
}

#[test]
fn a_split_set_is_one_model_and_keeps_its_id_while_it_arrives() {
    let tree = Tree::new();
    let mut shelf = Shelf::default();
    part(&tree, "big-Q8_0", 2, 3, "promised=3");
    shelf.scan(&[&tree.path("m")]);
    let model = shelf.named("big-Q8_0").clone();
    assert_eq!((model.state, model.shards_expected), (State::Incomplete, 3));
    assert_eq!(model.reason.as_deref(), Some("parts 1, 3 of 3 are missing"));
    part(&tree, "big-Q8_0", 3, 3, "promised=3");
    part(&tree, "big-Q8_0", 1, 3, "promised=3");
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!((report.outcome.counts.changed, shelf.opened()), (1, 2));
    let whole = shelf.named("big-Q8_0");
    assert_eq!((&whole.id, whole.state, whole.reason.as_deref()), (&model.id, State::Ready, None));
    assert_eq!(
        whole.artifacts.iter().map(|a| (a.role, a.shard_no)).collect::<Vec<_>>(),
        [(Role::Shard, Some(1)), (Role::Shard, Some(2)), (Role::Shard, Some(3))]
    );
}

#[test]
fn parts_that_do_not_belong_together_are_not_ready() {
    let tree = Tree::new();
    let check = |name: &str, reason: &str| {
        let mut shelf = Shelf::default();
        shelf.scan(&[&tree.path("m")]);
        let model = shelf.named(name);
        assert_eq!((model.state, model.reason.as_deref()), (State::Incomplete, Some(reason)));
    };
    part(&tree, "a", 1, 2, "promised=4 tensors=2");
    part(&tree, "a", 2, 2, "promised=9 tensors=2");
    check("a", "parts 1 and 2 do not belong together: they declare different numbers of tensors");
    part(&tree, "b", 1, 2, "promised=4 tensors=2");
    part(&tree, "b", 2, 2, "promised=4 tensors=3");
    check("b", "the parts have 5 tensors together, the set declares 4");
    tree.gguf("m/c-00001-of-00002.gguf", "split=1/2");
    tree.gguf("m/c-00002-of-00002.gguf", "split=1/2");
    check("c", "part 1 is part 2 by its header");
    tree.gguf("m/d-00001-of-00002.gguf", "split=0/3");
    tree.gguf("m/d-00002-of-00002.gguf", "x=1");
    check("d", "part 1 belongs to a set of 3; part 2 does not say that it belongs to a set");
    tree.gguf("m/e-00001-of-00001.gguf", "x=2");
    tree.gguf("m/f-00003-of-00002.gguf", "split=2/2");
    check("f", "parts 1, 2 of 2 are missing; has a part 3, but the set has 2");
    part(&tree, "g", 1, 2, "");
    part(&tree, "g", 2, 2, "");
    tree.gguf("m/g-00002-of-00002.GGUF", "split=1/2 x=3");
    check("g", "has part 2 twice");
    part(&tree, "h", 1, 2, "norm=4096");
    part(&tree, "h", 2, 2, "norm=5120");
    check("h", "part 2 is of another model than part 1: its layers are 5120 wide, not 4096");
    part(&tree, "i", 1, 2, "name=One");
    part(&tree, "i", 2, 2, "name=Other");
    check("i", "part 2 is of another model than part 1: name `Other` and `One`");
    tree.gguf("m/renamed.gguf", "split=1/3");
    check("renamed", "is part 2 of 3 by its header, but its name does not say so");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.named("e").state, State::Ready);
    assert_eq!(shelf.named("e").artifacts[0].role, Role::Main);
}

#[test]
fn a_projector_without_a_name_goes_with_a_model_that_may_take_it_and_with_no_other() {
    let tree = Tree::new();
    for (folder, arch) in [("seeing", "gemma3"), ("reading", "qwen3")] {
        tree.gguf(format!("{folder}/{folder}-Q4_K_M.gguf"), &format!("width=8 arch={arch}"));
        tree.gguf(format!("{folder}/{folder}-Q5_K_M.gguf"), &format!("width=8 arch={arch} bits=5"));
        tree.gguf(format!("{folder}/mmproj-F16.gguf"), &format!("kind=mmproj out=8 x={folder}"));
    }
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("seeing"), &tree.path("reading")]);
    let seeing = shelf.named("seeing-Q4_K_M");
    assert!(seeing.mmproj().is_some() && shelf.named("seeing-Q5_K_M").mmproj().is_some());
    let said = pairing(seeing, &[]).unwrap();
    assert!(said.ends_with("no name confirms the match"), "{said}");
    let reading = [shelf.named("reading-Q4_K_M"), shelf.named("reading-Q5_K_M")];
    assert!(reading.iter().all(|m| m.mmproj().is_none()));
    let alone = shelf.named("mmproj-F16");
    let said = pairing(alone, &reading).unwrap();
    assert!(said.contains("2 models next to it have its width (8)"), "{said}");
    let said = pairing(alone, &reading[..1]).unwrap();
    assert!(said.starts_with("cannot be paired: one model next to it has its width"), "{said}");
    assert_eq!(pairing(alone, &[]).as_deref(), Some("not paired with a model: there is none next to it"));
}

#[test]
fn a_damaged_part_names_itself() {
    let tree = Tree::new();
    part(&tree, "a", 1, 2, "");
    tree.text("m/a-00002-of-00002.gguf", "<html>404</html>");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    let a = shelf.named("a");
    assert_eq!((a.state, a.reason.as_deref()), (State::Damaged, Some("part 2 not a GGUF file")));
}

#[test]
fn a_projector_goes_with_every_quantisation_of_its_model_and_with_no_other() {
    let tree = Tree::new();
    tree.gguf("m/llava-7b-Q4_K_M.gguf", "width=4096 bits=5 quant=Q4_K_M");
    tree.gguf("m/llava-7b-F16.gguf", "width=4096 bits=16 quant=F16");
    tree.gguf("m/mistral-7b-Q4_K_M.gguf", "width=4096 bits=5");
    tree.gguf("m/other-Q4_K_M.gguf", "width=2048");
    tree.gguf("m/mmproj-llava-7b-F16.gguf", "kind=mmproj out=4096 bits=16 quant=F16");
    tree.gguf("m/mmproj-llava-7b-Q8_0.gguf", "kind=mmproj out=4096 bits=9 quant=Q8_0");
    tree.gguf("lone/mmproj-model-F16.gguf", "kind=mmproj out=1024");
    tree.gguf("lone/wide.gguf", "width=9999");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m"), &tree.path("lone")]);
    let projector = |name: &str| shelf.named(name).mmproj().map(|a| a.path.clone());
    assert_eq!(projector("llava-7b-F16"), Some(tree.path("m/mmproj-llava-7b-F16.gguf")));
    assert_eq!(projector("llava-7b-Q4_K_M"), Some(tree.path("m/mmproj-llava-7b-Q8_0.gguf")));
    assert_eq!(projector("mistral-7b-Q4_K_M"), None);
    assert_eq!(projector("other-Q4_K_M"), None);
    assert_eq!(projector("wide"), None);
    assert_eq!(shelf.named("mmproj-model-F16").kind, Kind::Mmproj);
    assert_eq!(shelf.models.len(), 6);
    let roots = [tree.path("m"), tree.path("lone")];
    let again = shelf.scan(&roots.each_ref().map(|p| p.as_path()));
    assert_eq!((again.outcome.counts.unchanged, shelf.loads), (6, 0));
}

#[test]
fn a_nameless_projector_serves_all_quantisations_of_the_only_model_beside_it() {
    for (one, other, is_one_model) in [
        ("see-7b-Q4_K_M", "see-7b-Q8_0", true),
        ("see-7b-Q5_1", "see-7b-Q8_0", true),
        ("see-7b_Q4_0_4_8", "see-7b_f16", true),
        ("see-1-7b-Q8_0", "see-0-7b-Q8_0", false),
        ("see_7b_1_Q8_0", "see_7b_2_Q8_0", false),
    ] {
        let tree = Tree::new();
        tree.gguf(format!("m/{one}.gguf"), "width=8 bits=5");
        tree.gguf(format!("m/{other}.gguf"), "width=8 bits=9");
        tree.gguf("m/mmproj-F16.gguf", "kind=mmproj out=8");
        let mut shelf = Shelf::default();
        shelf.scan(&[&tree.path("m")]);
        let with = shelf.models.iter().filter(|m| m.kind != Kind::Mmproj && m.mmproj().is_some()).count();
        assert_eq!(with, if is_one_model { 2 } else { 0 }, "{one}, {other}");
    }
}

#[test]
fn a_nameless_projector_serves_its_repository_but_not_a_mixed_folder() {
    let tree = Tree::new();
    let commit = super::trees::commit('a');
    tree.snapshot("hub/models--o--r", &commit, "gemma-it-Q4_0.gguf", "1", "width=64");
    tree.snapshot("hub/models--o--r", &commit, "sub/gemma-it-Q8_0.gguf", "2", "width=64");
    tree.snapshot("hub/models--o--r", &commit, "mmproj-F16.gguf", "3", "kind=mmproj out=64");
    tree.gguf("mixed/a.gguf", "width=64");
    tree.gguf("mixed/b.gguf", "width=64");
    tree.gguf("mixed/mmproj-F16.gguf", "kind=mmproj out=64");
    tree.gguf("one/a-Q4_0.gguf", "width=64");
    tree.gguf("one/mmproj-F16.gguf", "kind=mmproj out=64");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("hub"), &tree.path("mixed"), &tree.path("one")]);
    let with: Vec<&str> = shelf.models.iter().filter(|m| m.mmproj().is_some()).map(|m| m.name.as_str()).collect();
    assert_eq!(with.len(), 3, "{with:?}");
    assert!(shelf.named("a-Q4_0").mmproj().is_some() && shelf.named("a").mmproj().is_none());
}

#[test]
fn side_files_are_rows_of_their_own_kind() {
    let tree = Tree::new();
    for kind in ["adapter", "imatrix", "control", "vocab", "embedding"] {
        tree.gguf(format!("m/{kind}.gguf"), &format!("kind={kind}"));
    }
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    for kind in ["adapter", "imatrix", "control", "vocab", "embedding"] {
        assert_eq!(shelf.named(kind).kind.name(), kind);
    }
}
