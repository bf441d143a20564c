use super::trees::{Shelf, Tree, held_at, not_utf8, skipped};
use crate::failure::{Kind as FailureKind, classify};
use crate::inventory::RootSource;
use crate::model::{Class, Kind, State, StoreKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

#[test]
fn every_gguf_of_a_tree_is_found_once_and_a_rescan_opens_none() {
    let tree = Tree::new();
    tree.gguf("m/a.gguf", "quant=Q4_0");
    tree.gguf("m/deep/er/B.GGUF", "quant=Q8_0");
    tree.gguf(Path::new("m").join(not_utf8(b"\xff\x1b[31m.gguf")), "x=1");
    tree.gguf("m/notes.txt", "x=2");
    tree.gguf("m/.gguf", "x=3");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!(report.outcome.counts.added, 3);
    assert_eq!(shelf.names(), ["B", "a", "\u{fffd}\u{1b}[31m"]);
    assert_eq!(shelf.named("a").store, StoreKind::Dir);
    assert_eq!(shelf.named("a").root, tree.path("m"));

    let again = shelf.scan(&[&tree.path("m")]);
    assert_eq!((again.outcome.counts.unchanged, shelf.opened(), shelf.loads), (3, 0, 0));
    assert!(again.outcome.write.is_empty() && again.changes.is_empty());
}

#[test]
fn links_and_hard_links_are_further_names_of_one_file() {
    let tree = Tree::new();
    let real = tree.gguf("m/z.gguf", "x=1");
    let link = tree.link("m/a.gguf", "z.gguf");
    std::fs::hard_link(&real, tree.path("m/zz.gguf")).unwrap();
    let outside = tree.gguf("elsewhere/o.gguf", "x=2");
    let pointer = tree.link("m/pointer.gguf", "../elsewhere/o.gguf");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.names(), ["pointer", "z"]);
    let z = &shelf.named("z").artifacts[0];
    assert_eq!((&z.path, &z.also), (&real, &vec![link, tree.path("m/zz.gguf")]));
    let pointed = &shelf.named("pointer").artifacts[0];
    assert_eq!((&pointed.path, pointed.target.as_ref()), (&pointer, Some(&outside)));
    let again = shelf.scan(&[&tree.path("m")]);
    assert_eq!((again.outcome.counts.unchanged, again.changes.len(), shelf.opened()), (2, 0, 0));
}

#[test]
fn what_only_looks_like_a_model_is_listed_with_the_reason_and_never_opened() {
    let tree = Tree::new();
    tree.dir("m/sub");
    tree.dir("out");
    let fifo = tree.fifo("m/pipe.gguf");
    let folder = tree.dir("m/folder.gguf");
    tree.gguf("m/folder.gguf/inside.gguf", "x=1");
    let dangling = tree.link("m/dangling.gguf", "nowhere");
    let itself = tree.link("m/self.gguf", "self.gguf");
    let piped = tree.link("m/piped.gguf", "pipe.gguf");
    let leaving = tree.link("m/leaving", "../out");
    tree.link("m/sub/loop", "..");
    tree.link("m/device.gguf", "/dev/zero");
    let partial = tree.text("m/big.gguf.part", "half");
    let socket = tree.path("m/socket.gguf");
    let _held = std::os::unix::net::UnixListener::bind(&socket).unwrap(); // lives as long as the test
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.names(), ["inside"]);
    assert_eq!(shelf.opened(), 1);
    assert_eq!(skipped(&report, &fifo), "a FIFO, not a file");
    assert_eq!(skipped(&report, &folder), "a directory");
    assert_eq!(skipped(&report, &dangling), "a link to a missing file");
    assert_eq!(skipped(&report, &itself), "a link that points to itself");
    assert_eq!(skipped(&report, &piped), "a link to a FIFO, not a file");
    let out = tree.path("out");
    let hint = format!("a link that leaves the root: scan it with `modelctl scan {}`", out.display());
    assert_eq!(skipped(&report, &leaving), hint);
    assert_eq!(skipped(&report, &tree.path("m/device.gguf")), "a link to a device, not a file");
    let held: Vec<_> = report.outcome.surveys[0].holdings.iter().map(|h| (h.class, &h.path)).collect();
    assert_eq!(held, [(Class::Partial, &partial)]);
    assert_eq!(skipped(&report, &socket), "a socket, not a file");
    assert_eq!(report.outcome.counts.skipped, 8);
}

#[test]
fn a_damaged_file_is_a_row_with_its_reason_and_stops_nothing() {
    let tree = Tree::new();
    tree.text("m/bad.gguf", "vers\u{1b}ion https://git-lfs");
    tree.gguf("m/cut.gguf", "need=98362432 have=91750400");
    tree.gguf("m/good.gguf", "x=1");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    let bad = shelf.named("bad");
    assert_eq!((bad.kind, bad.state, bad.content.as_ref()), (Kind::Unknown, State::Damaged, None));
    assert_eq!(bad.reason.as_deref(), Some("not a GGUF file"));
    let cut = shelf.named("cut");
    assert_eq!(cut.state, State::Truncated);
    assert_eq!(
        cut.reason.as_deref(),
        Some("truncated: 87.5 MiB of 93.8 MiB (93%); first missing tensor blk.1.ffn_up.weight")
    );
    assert_eq!(shelf.named("good").state, State::Ready);
    assert_eq!(shelf.scan(&[&tree.path("m")]).outcome.counts.unchanged, 3);
    assert_eq!(shelf.opened(), 0);
}

#[test]
fn a_root_that_is_not_there_is_an_error_only_when_a_person_named_it() {
    let tree = Tree::new();
    let missing = tree.path("missing");
    let file = tree.gguf("a.gguf", "x=1");
    let mut shelf = Shelf::default();
    let error = shelf.try_scan(&[&missing], RootSource::Argument).unwrap_err();
    assert_eq!(classify(&error).0, FailureKind::CannotMeet);
    assert!(error.to_string().contains(&missing.display().to_string()), "{error}");
    let of_file = shelf.try_scan(&[&file], RootSource::Argument).unwrap();
    assert_eq!(of_file.roots.len(), 1, "a file stands for its folder");
    let quiet = shelf.try_scan(&[&missing], RootSource::Default).unwrap();
    assert!(quiet.skipped.is_empty() && quiet.roots.is_empty());
    let told = shelf.try_scan(&[&missing], RootSource::ConfigFile).unwrap();
    assert_eq!(skipped(&told, &missing), "the root cannot be read: it does not exist");
}

#[test]
fn nothing_under_a_folder_that_cannot_be_read_is_gone() {
    let tree = Tree::new();
    let shut = tree.dir("m/shut");
    tree.gguf("m/shut/a.gguf", "x=1");
    tree.gguf("m/open/b.gguf", "x=2");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o000)).unwrap();
    let _ordinary = crate::testing::OrdinaryRights::new();
    let report = shelf.scan(&[&tree.path("m")]);
    std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(skipped(&report, &shut).starts_with("cannot be read"));
    let counts = report.outcome.counts;
    assert_eq!((counts.gone, counts.unavailable, counts.unchanged), (0, 1, 1));
    assert_eq!(shelf.named("a").state, State::Unavailable);
    shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.named("a").state, State::Ready);
    assert_eq!(shelf.opened(), 0);
}

#[test]
fn a_link_that_leads_elsewhere_is_noticed_though_the_bytes_are_the_same() {
    let tree = Tree::new();
    tree.gguf("one/o.gguf", "x=1");
    let pointer = tree.link("m/pointer.gguf", "../one/o.gguf");
    let mut shelf = Shelf::default();
    shelf.scan(&[&tree.path("m")]);
    std::fs::rename(tree.path("one"), tree.path("two")).unwrap();
    std::fs::remove_file(pointer).unwrap();
    tree.link("m/pointer.gguf", "../two/o.gguf");
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!((report.outcome.counts.changed, shelf.opened()), (1, 0));
    assert_eq!(shelf.named("pointer").artifacts[0].target, Some(tree.path("two/o.gguf")));
}

#[test]
fn a_download_of_gpt4all_is_no_model_yet_and_the_same_name_elsewhere_is_one() {
    let tree = Tree::new();
    let partial = tree.gguf("nomic.ai/GPT4All/incomplete-a.gguf", "x=1");
    tree.gguf("nomic.ai/GPT4All/b.gguf", "x=2");
    tree.gguf("mine/incomplete-c.gguf", "x=3");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("")]);
    assert_eq!(shelf.names(), ["b", "incomplete-c"]);
    assert_eq!(held_at(&report, &partial).0, Class::Partial);
}

#[test]
fn what_is_not_a_whole_model_is_held_with_its_size_and_is_no_model() {
    let tree = Tree::new();
    tree.gguf("m/whole.gguf", "x=1");
    let names = [
        "a.gguf.tmp",
        "b.gguf.download",
        "c.gguf.downloading",
        "d.gguf.!qB",
        "e.Q8_0.gguf.part1of2",
        "e.Q8_0.gguf.part2of2",
        "f.gguf-split-a",
        "g.gguf.part01.rar",
        "h.gguf.1",
        "i.gguf~",
    ];
    let partials: Vec<_> = names.iter().map(|name| tree.text(format!("m/{name}"), "half")).collect();
    let safari = tree.gguf("m/j.gguf.download/j.gguf", "x=2");
    let spare = tree.gguf("m/k.gguf.bak", "x=3");
    tree.text("m/whole.gguf.json", "{}");
    // aria2 gives the file its whole size at once, and a name to load it by.
    let payload = tree.gguf("m/l.gguf", "x=4");
    let control = tree.text("m/l.gguf.aria2", "..");
    let lone = tree.text("m/gone.gguf.aria2", "..");
    // A browser holds the name with an empty file.
    let placeholder = tree.text("m/n.gguf", "");
    tree.text("m/n.gguf.part", "half");
    // A newer download beside a whole file takes nothing from it.
    tree.gguf("m/o.gguf", "x=5");
    tree.text("m/o.gguf.part", "half");
    let mut shelf = Shelf::default();
    let report = shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.names(), ["o", "whole"]);
    for path in partials.iter().chain([&safari, &payload, &lone, &placeholder]) {
        assert_eq!(held_at(&report, path).0, Class::Partial, "{}", path.display());
    }
    assert!(held_at(&report, &payload).1.ends_with("`l.gguf.aria2` tracks its progress"));
    assert!(super::trees::held(&report).iter().all(|h| h.path != control), "it goes with what it is about");
    assert_eq!(held_at(&report, &spare), (Class::Referenced, "a model under a name that no program loads"));
    let again = shelf.scan(&[&tree.path("m")]);
    assert_eq!((again.outcome.counts.unchanged, again.changes.len()), (2, 0));
    // The download ends.
    std::fs::remove_file(control).unwrap();
    shelf.scan(&[&tree.path("m")]);
    assert_eq!(shelf.names(), ["l", "o", "whole"]);
}
