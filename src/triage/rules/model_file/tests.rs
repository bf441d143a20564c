use crate::node::log::LifeEnd;
use crate::node::model_file::{Content, FileView, ModelFile, Refusing, Stability};
use crate::triage::facts::{Facts, ServiceFacts};
use crate::triage::finding::{Changes, Confidence, Severity};
use crate::triage::rules::samples::*;
use crate::triage::testing::*;

const END: LifeEnd = LifeEnd::Exited { code: 1, expected: false };
const RULES: &[&str] = &[
    "MDL-01", "MDL-02", "MDL-03", "MDL-04", "MDL-05", "MDL-06", "MDL-07", "MDL-08", "MDL-09", "MDL-10", "MDL-11",
    "MDL-12", "MDL-13", "MDL-14", "MDL-15",
];
const LOAD_FAILED: &str = "E load_model: failed to load model";

/// A service that was given up, with these lines of its log.
fn failing(lines: &[&str], change: impl FnOnce(&mut ServiceFacts)) -> Facts {
    node(|service| {
        fails(service, END, lines);
        change(service);
    })
}

fn content(change: impl FnOnce(&mut Content)) -> impl FnOnce(&mut ServiceFacts) {
    |service| {
        with_model(service, |model| {
            let mut value = model.content.known().cloned().unwrap_or_default();
            change(&mut value);
            model.content = known(PATH, value);
        });
    }
}

fn file(change: impl Fn(&mut FileView)) -> impl FnOnce(&mut ServiceFacts) {
    move |service| {
        with_model(service, |model| {
            for fact in [&mut model.service, &mut model.ours] {
                let mut value = view(SIZE);
                change(&mut value);
                *fact = known(PATH, value);
            }
        });
    }
}

fn vanish(model: &mut ModelFile) {
    model.service = absent("/proc/100/root/srv/models/a.gguf");
    model.ours = absent(PATH);
    model.nearest = Some(("/srv/models".into(), vec!["A.gguf".into()]));
}

fn missing(service: &mut ServiceFacts) {
    with_model(service, vanish);
}

#[track_caller]
fn only(facts: &Facts, ids: &[&str]) {
    let found: Vec<&str> = RULES.iter().copied().filter(|id| !hits(id, facts).is_empty()).collect();
    assert_eq!(found, ids);
}

#[test]
fn a_healthy_model_is_no_finding_even_with_old_errors_in_the_log() {
    // Somebody would fetch a whole model again, because its log once held the line or a user wrote it.
    let facts = node(|service| {
        says(
            service,
            &[
                "E gguf_init_from_file: failed to open GGUF file '/srv/models/a.gguf' (No such file or directory)",
                "user: what does `unknown model architecture: 'x'` mean?",
                "tensor 'x' data is not within the file bounds, model is corrupted or incomplete",
                "invalid split file idx",
            ],
        );
    });
    only(&facts, &[]);
    // The same for a service that fails for another reason: the file is fine.
    only(&failing(&["error: invalid argument: --x", LOAD_FAILED], |_| {}), &[]);
}

#[test]
fn a_missing_file_is_named_with_its_neighbour() {
    let facts = failing(&["E failed to open GGUF file '/srv/models/a.gguf' (No such file or directory)"], missing);
    only(&facts, &["MDL-01"]);
    let found = hit("MDL-01", &facts);
    says_all(
        &found,
        &[PATH, "does not exist", "A.gguf", "/etc/supervisor/conf.d/llama.conf:1", "`-m /srv/models/A.gguf`"],
    );
    assert_eq!(found.severity, None);
    // Removed while its model is loaded: not down yet.
    let facts = node(missing);
    assert_eq!(hit("MDL-01", &facts).severity, Some(Severity::Warning));
}

#[test]
fn a_file_that_only_the_service_does_not_see_names_both_mounts() {
    let facts = failing(&[], |service| {
        with_model(service, |model| {
            model.service = absent("/proc/100/root/srv/models/a.gguf");
            model.service_folder = known(
                "/proc/100/root/srv/models",
                FileView {
                    kind: "folder".into(),
                    mount: Some(("tmpfs".into(), "/srv/models".into(), "tmpfs".into())),
                    ..view(40)
                },
            );
        });
    });
    only(&facts, &["MDL-02"]);
    says_all(&hit("MDL-02", &facts), &["does not see", "tmpfs", "/dev/vda1", "93.8 MiB"]);
}

#[test]
fn a_tool_that_says_the_file_is_there_is_held_against_the_folder() {
    let facts = failing(&["sync: a.gguf: File exists"], |service| {
        with_model(service, |model| {
            vanish(model);
            let mount = Some(("tmpfs".into(), "/srv/models".into(), "tmpfs".into()));
            model.our_folder = known("/srv/models", FileView { kind: "folder".into(), mount, ..view(40) });
        });
    });
    let found = hit("MDL-03", &facts);
    says_all(&found, &["a log says that it does", "mounted over", "tmpfs"]);
    assert_eq!(found.confidence, Confidence::Proven);
    assert!(rule("MDL-03").explains.contains(&"MDL-01"));
    // Another file's line says nothing.
    only(&failing(&["sync: b.gguf: File exists"], missing), &["MDL-01"]);
}

#[test]
fn the_component_that_refuses_is_named_with_its_undo() {
    let refuse = |service: &mut ServiceFacts| {
        with_model(service, |model| {
            model.service = denied("/proc/100/root/srv/models/a.gguf");
            model.refusing =
                Some(Refusing { path: "/srv/models".into(), mode: 0o700, uid: 0, gid: 0, what: "enter".into() });
        });
    };
    let facts = failing(&["E failed to open GGUF file '/srv/models/a.gguf' (Permission denied)"], refuse);
    only(&facts, &["MDL-04"]);
    let found = hit("MDL-04", &facts);
    says_all(&found, &["cannot enter /srv/models", "0700", "chmod 0700 /srv/models", "o+x"]);
    assert_eq!(found.changes, Changes::File("/srv/models".into()));
    assert_eq!(found.confidence, Confidence::Proven);
    // The line alone, while the file can be read now: another one's history.
    only(&failing(&["E failed to open GGUF file '/x' (Permission denied)"], |_| {}), &[]);
}

#[test]
fn a_link_that_leads_nowhere_shows_its_target() {
    let facts = failing(&[], |service| {
        with_model(service, |model| {
            model.service = absent("x");
            model.ours = absent("x");
            model.dangling = Some("../blobs/abc".into());
        });
    });
    only(&facts, &["MDL-05"]);
    says_all(&hit("MDL-05", &facts), &["../blobs/abc", "namei"]);
}

#[test]
fn an_empty_file_and_a_folder_are_no_model() {
    let facts = failing(&["E failed to read magic"], file(|view| (view.size, view.allocated) = (0, 0)));
    only(&facts, &["MDL-06"]);
    says_all(&hit("MDL-06", &facts), &["is empty", "0 bytes"]);
    let facts = failing(&["E failed to read magic"], file(|view| view.kind = "folder".into()));
    says_all(&hit("MDL-06", &facts), &["is a folder", "a.gguf"]);
}

#[test]
fn another_format_is_named_with_what_to_do() {
    for (format, words) in [
        ("html", ["web page", "login"]),
        ("git-lfs pointer", ["a git LFS pointer", "lfs"]),
        ("zip", ["zip archive", "unzip"]),
        ("safetensors", ["safetensors", "convert"]),
        ("other", ["not a GGUF", "download"]),
    ] {
        let facts = failing(
            &["E invalid magic characters: '<!DO'"],
            content(|content| {
                content.format = format.into();
                content.needed = None;
            }),
        );
        only(&facts, &["MDL-07"]);
        says_all(&hit("MDL-07", &facts), &words);
    }
}

#[test]
fn a_cut_file_says_how_many_bytes_it_has() {
    let facts = failing(
        &["E tensor 'x' data is not within the file bounds, model is corrupted or incomplete", LOAD_FAILED],
        file(|view| (view.size, view.allocated) = (40_000_000, 40_000_000)),
    );
    only(&facts, &["MDL-08"]);
    let found = hit("MDL-08", &facts);
    assert_eq!(found.cause, "/srv/models/a.gguf is truncated: it has 40,000,000 of 98,362,432 bytes");
    assert!(rule("MDL-08").explains.contains(&"SUP-17"));
    // A header that cannot be read to its end.
    let facts = failing(
        &[],
        content(|content| {
            content.needed = None;
            content.damage = Some("the header ends within its keys".into());
        }),
    );
    says_all(&hit("MDL-08", &facts), &["damaged", "ends within its keys"]);
    // The log says cut, and the file was completed since: start it again.
    let facts = failing(&["E failed to read tensor info"], file(|view| view.modified = Some(ago(1))));
    says_all(&hit("MDL-08", &facts), &["intact now", "restart", "llama"]);
    // The log says cut and the file has not changed since: the line is of another file.
    only(&failing(&["E failed to read tensor info"], |_| {}), &[]);
    // The file may not be read: what the log says is likely.
    let facts =
        failing(&["E failed to read tensor info"], |service| with_model(service, |model| model.content = denied(PATH)));
    assert_eq!(hit("MDL-08", &facts).confidence, Confidence::Likely);
}

#[test]
fn a_file_that_is_still_written_is_waited_for() {
    let grows = |service: &mut ServiceFacts| {
        with_model(service, |model| {
            model.stable = Some(Stability { seconds: 3.0, sizes: (40_000_000, 42_000_000), is_stable: false });
            model.writer = Some((17, "wget".into()));
        });
    };
    let facts = failing(&[], grows);
    only(&facts, &["MDL-09"]);
    says_all(&hit("MDL-09", &facts), &["wget (pid 17)", "40,000,000 to 42,000,000", "wait"]);
    assert!(rule("MDL-09").explains.contains(&"MDL-08"));
    // Held open, whole and in use: worth a word only.
    let facts = node(|service| with_model(service, |model| model.writer = Some((17, "rsync".into()))));
    assert_eq!(hit("MDL-09", &facts).severity, Some(Severity::Info));
}

#[test]
fn holes_count_only_where_blocks_say_something() {
    let facts = failing(&[], file(|view| view.allocated = 4096));
    let found = hit("MDL-10", &facts);
    says_all(&found, &["holes", "4,096 of its 98,362,432"]);
    assert_eq!(found.confidence, Confidence::Likely);
    let on = |kind: &'static str| {
        file(move |view| {
            view.allocated = 4096;
            view.mount = Some(("x".into(), "/srv".into(), kind.into()));
        })
    };
    only(&failing(&[], on("btrfs")), &[]);
    only(&failing(&[], on("nfs4")), &[]);
    // A few blocks less are metadata and rounding.
    only(&failing(&[], file(|view| view.allocated = SIZE / 100 * 95)), &[]);
}

#[test]
fn an_unknown_architecture_shows_both_versions() {
    let lines = ["build: 6700 (abc) with cc", "E error loading model: unknown model architecture: 'new9'", LOAD_FAILED];
    let facts = failing(&lines, content(|content| content.architecture = Some("new9".into())));
    only(&facts, &["MDL-11"]);
    let found = hit("MDL-11", &facts);
    says_all(&found, &["`new9`", "build 6700", "GGUF v3", "/opt/llama/llama-server"]);
    assert_eq!(found.confidence, Confidence::Proven);
    // The file is another one now.
    only(&failing(&lines, |_| {}), &[]);
}

#[test]
fn versions_of_gguf_that_are_not_read() {
    for (version, word) in [(1, "no longer reads"), (9, "reads at most v3")] {
        let facts = failing(
            &[],
            content(|content| {
                content.version = Some(version);
                content.damage = Some("unknown version".into());
            }),
        );
        only(&facts, &["MDL-12"]);
        says_all(&hit("MDL-12", &facts), &[word]);
    }
    let facts = failing(&[], content(|content| content.is_big_endian = true));
    says_all(&hit("MDL-12", &facts), &["byte order"]);
}

#[test]
fn missing_parts_are_named() {
    let facts = failing(&[], content(|content| content.shards = Some((1, 3, vec!["a-00002-of-00003.gguf".into()]))));
    only(&facts, &["MDL-13"]);
    says_all(&hit("MDL-13", &facts), &["1 of 3 parts", "a-00002-of-00003.gguf"]);
    let second = |service: &mut ServiceFacts| content(|content| content.shards = Some((2, 3, Vec::new())))(service);
    says_all(&hit("MDL-13", &failing(&["E invalid split file idx: 1"], second)), &["part 2 of 3", "first"]);
    only(&node(content(|content| content.shards = Some((1, 3, Vec::new())))), &[]);
}

#[test]
fn a_projector_is_no_model() {
    let projector = |content: &mut Content| {
        content.kind = Some("projector".into());
        content.has_token_embeddings = Some(false);
    };
    let facts = failing(&["E check_tensor_dims: tensor 'token_embd.weight' not found"], content(projector));
    only(&facts, &["MDL-14"]);
    says_all(&hit("MDL-14", &facts), &["projector", "--mmproj"]);
    // A server that has loaded it needs no tensor of that name.
    only(&node(content(projector)), &[]);
}

#[test]
fn a_file_from_the_future_is_a_warning() {
    let facts = node(file(|view| view.modified = Some(ago(-86_400))));
    only(&facts, &["MDL-15"]);
    says_all(&hit("MDL-15", &facts), &["in the future", "24.0 h"]);
    only(&node(file(|view| view.modified = Some(ago(-60)))), &[]);
}
