use super::output::Format;
use super::*;
use crate::clock::Timestamp;
use crate::model::{Kind, Listed, ModelId, ModelRow, State, StoreKind, Tier, TierLimits};
use crate::testing::sample_row;
use crate::ui::{Ui, UiOptions, text};
use clap::Parser;

const NOW: Timestamp = Timestamp(1_700_000_000_000 + 3 * 86_400_000);

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    list: ListArgs,
}

fn args(line: &str) -> ListArgs {
    Line::try_parse_from(std::iter::once("list").chain(line.split_whitespace())).unwrap().list
}

fn rows() -> Vec<ModelRow> {
    let mut smol = sample_row("SmolLM2-135M-Instruct-Q4_1");
    smol.id = ModelId("3f2a1b4c5d6e".into());
    smol.last_used = Some(Timestamp(NOW.0 - 2 * 3_600_000));
    let mut llama = sample_row("Meta-Llama-3.1-70B-Instruct-Q4_K_M");
    llama.id = ModelId("0123456789ab".into());
    llama.store = StoreKind::Hf;
    llama.path = "/home/ann/.cache/huggingface/hub/models--bartowski--Llama/snapshots/abc/Meta-Llama-3.1.gguf".into();
    (llama.parameters, llama.weights, llama.size) = (Some(70_553_706_496), 42_520_395_776, 42_520_398_432);
    (llama.quant, llama.context_length) = (Some("Q4_K_M".into()), Some(131_072));
    let mut broken = sample_row("broken");
    broken.id = ModelId("b0b0b0b0b0b0".into());
    (broken.state, broken.kind, broken.reason) = (State::Damaged, Kind::Unknown, Some("no GGUF magic".into()));
    (broken.parameters, broken.context_length, broken.quant, broken.family, broken.weights, broken.size) =
        (None, None, None, None, 0, 12);
    let mut gone = sample_row("old-model");
    (gone.state, gone.family) = (State::Gone, Some("qwen2".into()));
    vec![smol, llama, broken, gone]
}

fn names(line: &str) -> Vec<String> {
    let rows = rows();
    select(&rows, &args(line).filter(), &TierLimits::default()).unwrap().iter().map(|r| r.name.clone()).collect()
}

fn printed(rows: &[ModelRow], width: Option<usize>) -> String {
    let shown = select(rows, &args("").filter(), &TierLimits::default()).unwrap();
    let (mut ui, out, _) = Ui::for_test(UiOptions { width, ..UiOptions::default() }, width.is_some());
    let context = Context { limits: &TierLimits::default(), now: NOW, uses: None };
    ui.table(&output::table(&args(""), &shown, &context)).unwrap();
    out.text()
}

#[test]
fn eighty_columns_show_what_matters_most() {
    assert_eq!(
        printed(&rows(), Some(80)),
        "\
ID        NAME                                SIZE  QUANT   STORE  USED  STATE
b0b0b0b0  broken                              12 B  -       dir       -  damaged
01234567  Meta-Llama-3.1-…nstruct-Q4_K_M  39.6 GiB  Q4_K_M  hf        -  ready
3f2a1b4c  SmolLM2-135M-Instruct-Q4_1      93.8 MiB  Q4_1    dir      2h  ready
"
    );
}

/// A wider terminal would show more columns of a model whose name nobody can read.
#[test]
fn a_name_is_whole_before_another_column_comes() {
    let header = |width| printed(&rows(), Some(width)).lines().next().unwrap().to_owned();
    for width in 81..200 {
        let text = printed(&rows(), Some(width));
        let is_whole = text.contains("Meta-Llama-3.1-70B-Instruct-Q4_K_M");
        assert!(is_whole || !header(width).contains("PARAMS"), "{width}: {text}");
    }
    assert!(header(110).contains("PARAMS   CTX"), "{}", header(110));
}

/// In a list of one store, all ready and of one tier, three columns would say the same on every line.
#[test]
fn what_all_rows_have_in_common_is_left_out() {
    let mut rows = rows();
    rows.retain(|row| row.store == StoreKind::Dir && row.state == State::Ready);
    rows.push(ModelRow { id: ModelId("123".into()), quant: Some("Q8_0".into()), pinned: true, ..rows[0].clone() });
    let shown = select(&rows, &args("").filter(), &TierLimits::default()).unwrap();
    let (mut ui, out, err) = Ui::for_test(UiOptions { width: Some(80), ..UiOptions::default() }, true);
    let context = Context { limits: &TierLimits::default(), now: NOW, uses: None };
    ui.table(&output::table(&args(""), &shown, &context)).unwrap();
    assert!(out.text().starts_with("ID        NAME") && !out.text().contains("ready"), "{}", out.text());
    assert!(out.text().contains("FLAGS") && out.text().contains("pinned"), "{}", out.text());
    assert!(err.text().starts_with("hidden: ") && err.text().contains("STORE=dir"), "{}", err.text());
    assert!(err.text().ends_with(" (--wide)\n"), "{}", err.text());
}

#[test]
fn a_pipe_gets_one_whole_line_per_model() {
    let text = printed(&rows(), None);
    let header = "ID            NAME                                    SIZE  QUANT   PARAMS   CTX  STORE  USED  STATE    FLAGS  TIER      FAMILY  KIND        PATH";
    assert_eq!(text.lines().next(), Some(header));
    assert_eq!(text.lines().count(), 4);
    assert!(text.contains("/models--bartowski--Llama/snapshots/abc/Meta-Llama-3.1.gguf\n"), "{text}");
}

#[test]
fn programs_get_plain_numbers_ids_or_the_columns_they_name() {
    let (rows, limits) = (rows(), TierLimits::default());
    let shown = select(&rows, &args("").filter(), &limits).unwrap();
    let context = Context { limits: &limits, now: NOW, uses: None };
    let printed = |format, line: &str| {
        let (mut ui, out, _) = Ui::for_test(UiOptions::default(), false);
        let args = args(line);
        output::print(&mut ui, format, &args.columns, !args.no_header, (&shown, &context)).unwrap();
        out.text()
    };
    assert_eq!(printed(Format::Ids, ""), "b0b0b0b0b0b0\n0123456789ab\n3f2a1b4c5d6e\n");
    assert_eq!(
        printed(Format::Csv, "--columns name,size,used --no-header"),
        "broken,12,\nMeta-Llama-3.1-70B-Instruct-Q4_K_M,42520398432,\n\
         SmolLM2-135M-Instruct-Q4_1,98362432,2023-11-17T20:13:20Z\n"
    );
    let csv = printed(Format::Csv, "");
    assert!(csv.starts_with("id,name,size_bytes,quant,parameters,"), "{csv}");
    let lines = printed(Format::Jsonl, "");
    assert!(lines.lines().count() == 3 && lines.lines().all(|l| l.starts_with("{\"id\":\"")), "{lines}");
    for line in ["--columns name -o json", "--no-header -o ids"] {
        let args = args(line);
        assert!(output::check(&args, args.format.unwrap()).is_err(), "{line}");
    }
}

#[test]
fn a_group_has_its_sum_above_it() {
    let rows = rows();
    let args = args("--group store --columns name");
    let mut shown = select(&rows, &args.filter(), &TierLimits::default()).unwrap();
    shown.sort_by(|a, b| a.store.name().cmp(b.store.name()));
    let (mut ui, out, _) = Ui::for_test(UiOptions { width: Some(80), ..UiOptions::default() }, true);
    let context = Context { limits: &TierLimits::default(), now: NOW, uses: None };
    ui.table(&output::table(&args, &shown, &context)).unwrap();
    assert_eq!(
        out.text(),
        "NAME\ndir: 2 models, 93.8 MiB\nbroken\nSmolLM2-135M-Instruct-Q4_1\nhf: 1 model, 39.6 GiB\n\
         Meta-Llama-3.1-70B-Instruct-Q4_K_M\n"
    );
}

#[test]
fn hostile_names_stay_on_their_line_and_in_their_column() {
    let mut rows = vec![sample_row("ok")];
    for name in
        ["\x1b[31mred\nnext", "a\u{202e}b", "模型模型模型模型模型模型模型模型模型", "👩‍🔬👩‍🔬", &"long-".repeat(1000)]
    {
        rows.push(sample_row(name));
    }
    for width in [Some(40), Some(80), Some(200), None] {
        let text = printed(&rows, width);
        assert_eq!(text.lines().count(), rows.len() + 1);
        assert!(!text.contains(['\x1b', '\u{202e}', '\r']));
        if let Some(width) = width {
            assert!(text.lines().all(|l| text::width(l) <= width), "{text}");
        }
    }
    let text = printed(&rows, Some(80));
    let columns: Vec<usize> = text
        .lines()
        .map(|l| text::width(l.split("93.8 MiB").next().filter(|_| l.contains("93.8 MiB")).unwrap_or("")))
        .filter(|w| *w > 0)
        .collect();
    assert_eq!(columns.len(), rows.len());
    assert!(columns.windows(2).all(|w| w[0] == w[1]), "{text}");
}

#[test]
fn filters_narrow_and_values_of_one_filter_widen() {
    assert_eq!(names("--tier fast"), ["SmolLM2-135M-Instruct-Q4_1"]);
    assert_eq!(names("--tier fast --tier powerful").len(), 2);
    assert_eq!(names("--tier fast --store hf"), [""; 0]);
    assert_eq!(names("--quant q4_k*"), ["Meta-Llama-3.1-70B-Instruct-Q4_K_M"]);
    assert_eq!(names("--quant q4"), [""; 0]);
    assert_eq!(names("--state damaged --kind unknown"), ["broken"]);
    assert_eq!(names("--family LLAMA").len(), 2);
    assert_eq!(names("llama 3f2a"), ["Meta-Llama-3.1-70B-Instruct-Q4_K_M", "SmolLM2-135M-Instruct-Q4_1"]);
    assert_eq!(names("*Q4_1"), ["SmolLM2-135M-Instruct-Q4_1"]);
}

#[test]
fn gone_models_are_shown_only_when_asked_for() {
    assert!(!names("").contains(&"old-model".to_owned()));
    assert!(names("--all").contains(&"old-model".to_owned()));
    assert_eq!(names("--state gone"), ["old-model"]);
}

#[test]
fn unknown_values_sort_last_in_both_directions() {
    let first_and_last = |line: &str| {
        let names = names(line);
        (names[0].clone(), names[2].clone())
    };
    assert_eq!(first_and_last("--sort size"), ("Meta-Llama-3.1-70B-Instruct-Q4_K_M".into(), "broken".into()));
    assert_eq!(first_and_last("--sort params"), ("Meta-Llama-3.1-70B-Instruct-Q4_K_M".into(), "broken".into()));
    assert_eq!(first_and_last("--sort params --reverse"), ("SmolLM2-135M-Instruct-Q4_1".into(), "broken".into()));
    assert_eq!(first_and_last("--sort used").0, "SmolLM2-135M-Instruct-Q4_1");
    assert_eq!(first_and_last("--sort tier").0, "SmolLM2-135M-Instruct-Q4_1");
    assert_eq!(first_and_last("--sort state").1, "broken");
    assert_eq!(first_and_last("--reverse").0, "SmolLM2-135M-Instruct-Q4_1");
}

#[test]
fn a_wrong_filter_value_is_refused_with_the_possible_ones() {
    let Err(error) = Line::try_parse_from(["list", "--tier", "huge"]) else { panic!("refused") };
    assert!(error.to_string().contains("fast, balanced, powerful"));
    let rows = rows();
    let error = select(&rows, &args("a[b").filter(), &TierLimits::default()).unwrap_err();
    assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::Usage);
}

#[test]
fn the_footer_counts_what_is_wrong() {
    let rows = rows();
    let shown = select(&rows, &args("--all").filter(), &TierLimits::default()).unwrap();
    assert_eq!(summary(&shown), "4 models, 39.7 GiB; 1 damaged, 1 gone");
}

#[test]
fn the_json_of_a_model_keeps_its_shape() {
    let mut row = rows().remove(0);
    row.tier_override = Some(Tier::Powerful);
    row.path = std::path::PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"/m/\xff.gguf"));
    let (mut ui, out, _) = Ui::for_test(UiOptions::default(), false);
    ui.json(&[Listed::of(&row, &TierLimits::default())]).unwrap();
    assert_eq!(
        out.text(),
        r#"[
  {
    "id": "3f2a1b4c5d6e",
    "name": "SmolLM2-135M-Instruct-Q4_1",
    "alias": null,
    "store": "dir",
    "root": "/models",
    "repo": null,
    "kind": "generative",
    "state": "ready",
    "reason": null,
    "damage": null,
    "path": "/m/�.gguf",
    "path_bytes_hex": "2f6d2fff2e67677566",
    "content": "c0ffee",
    "architecture": "llama",
    "family": "llama",
    "quant": "Q4_1",
    "bits_per_weight": 5.0,
    "parameters": 134515008,
    "context_length": 8192,
    "size_bytes": 98362432,
    "allocated_bytes": 98366464,
    "weights_bytes": 96000000,
    "chat_template": true,
    "shards": 1,
    "mmproj": false,
    "tier": "powerful",
    "tier_is_set": true,
    "enabled": true,
    "pinned": false,
    "first_seen": "2023-11-14T22:13:20Z",
    "last_used": "2023-11-17T20:13:20Z",
    "use_count": 0
  }
]
"#
    );
}

/// Prints how long filtering, sorting and printing 10,000 models take, without the database. Run it by hand: `cargo
/// test --release -- --ignored --nocapture ten_thousand`.
#[test]
#[ignore = "a measurement, not a check"]
fn ten_thousand_models_in_figures() {
    let rows: Vec<ModelRow> = (0..10_000).map(|i| sample_row(&format!("Some-Model-{i}-Instruct-Q4_K_M"))).collect();
    let limits = TierLimits::default();
    for (label, terminal) in [("piped", false), ("terminal", true)] {
        let start = crate::clock::instant();
        let shown = select(&rows, &args("--sort name").filter(), &limits).unwrap();
        let sorted = start.elapsed();
        let (mut ui, out, _) = Ui::for_test(UiOptions { width: Some(200), ..UiOptions::default() }, terminal);
        let context = Context { limits: &limits, now: NOW, uses: None };
        ui.table(&output::table(&args(""), &shown, &context)).unwrap();
        eprintln!("{label}: sorted in {sorted:?}, printed {} bytes in {:?}", out.text().len(), start.elapsed());
        let (mut ui, out, _) = Ui::for_test(UiOptions::default(), terminal);
        let start = crate::clock::instant();
        ui.json(&shown.iter().map(|r| Listed::of(r, &limits)).collect::<Vec<_>>()).unwrap();
        eprintln!("JSON: {} bytes in {:?}", out.text().len(), start.elapsed());
    }
}
