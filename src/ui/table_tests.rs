use super::column::*;
use super::table::*;
use super::text;

const COLUMNS: &[Column] = &[
    Column::left("NAME", 0).shrink_to(12),
    Column::right("SIZE", 1),
    Column::left("STATE", 2),
    Column::left("PATH", 9).shrink_to(20),
];

fn written(table: &Table, medium: Medium<'_>) -> String {
    let mut out = Vec::new();
    table.write(&mut out, medium).unwrap();
    String::from_utf8(out).unwrap()
}

fn terminal(width: usize) -> Medium<'static> {
    Medium::Terminal { width, color: false, home: None }
}

fn sample() -> Table<'static> {
    let mut table = Table::new(COLUMNS);
    table.row(vec![Cell::new("Meta-Llama-3.1-8B-Instruct-Q4_K_M"), Cell::new("4.6 GiB"), Cell::new("ready")]);
    table.row(vec![
        Cell::new("small"),
        Cell::new("93.8 MiB"),
        Cell::new("damaged").tone(Tone::Bad),
        Cell::new("/models/small.gguf"),
    ]);
    table
}

#[test]
fn a_narrow_terminal_loses_the_least_important_column_first() {
    assert_eq!(
        written(&sample(), terminal(45)),
        "\
NAME                            SIZE  STATE
Meta-Llama-3.…truct-Q4_K_M   4.6 GiB  ready
small                       93.8 MiB  damaged
"
    );
    assert_eq!(
        written(&sample(), terminal(24)),
        "NAME                SIZE\nMeta-Ll…Q4_K_M   4.6 GiB\nsmall           93.8 MiB\n"
    );
}

#[test]
fn a_wide_terminal_shows_everything_and_pads_nothing_at_the_end() {
    assert_eq!(
        written(&sample(), terminal(200)),
        "\
NAME                                   SIZE  STATE    PATH
Meta-Llama-3.1-8B-Instruct-Q4_K_M   4.6 GiB  ready    -
small                              93.8 MiB  damaged  /models/small.gguf
"
    );
}

#[test]
fn a_pipe_gets_every_column_whole() {
    assert_eq!(written(&sample(), Medium::Stream), written(&sample(), terminal(200)));
}

#[test]
fn colour_marks_the_state_and_moves_nothing() {
    let colored = written(&sample(), Medium::Terminal { width: 200, color: true, home: None });
    assert!(colored.contains("\x1b[38;5;9mdamaged\x1b"), "{colored:?}");
    assert!(!colored.lines().nth(1).unwrap().contains('\x1b'));
}

#[test]
fn no_line_is_wider_than_the_terminal_whatever_the_names() {
    let mut table = Table::new(COLUMNS);
    for name in ["模型模型模型模型模型模型模型模型", "👩‍🔬 emoji 👩‍🔬👩‍🔬👩‍🔬👩‍🔬", "a\x1b[2Jb\n\u{202e}c", &"x".repeat(5000)]
    {
        table.row(vec![Cell::new(name.to_owned()), Cell::new("1 B"), Cell::new("ready"), Cell::new(name.to_owned())]);
    }
    for width in 1..200 {
        let text = written(&table, terminal(width));
        assert_eq!(text.lines().count(), 5);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n') && !text.contains('\u{202e}'));
        if width >= 12 + 2 + 4 {
            assert!(text.lines().all(|l| text::width(l) <= width), "{width}: {text}");
        }
    }
}

#[test]
fn wide_characters_keep_the_columns_straight() {
    let mut table = Table::new(&[Column::left("NAME", 0), Column::left("QUANT", 1)]);
    table.row(vec![Cell::new("模型"), Cell::new("Q8_0")]);
    table.row(vec![Cell::new("ab"), Cell::new("F16")]);
    let expected = "NAME  QUANT\n模型  Q8_0\nab    F16\n";
    assert_eq!(written(&table, Medium::Stream), expected);
    assert_eq!(written(&table, terminal(80)), expected);
}

#[test]
fn one_absurd_name_does_not_pad_the_whole_pipe() {
    let mut table = Table::new(&[Column::left("NAME", 0), Column::left("QUANT", 1)]);
    table.row(vec![Cell::new("x".repeat(4000)), Cell::new("Q8_0")]);
    table.row(vec![Cell::new("y"), Cell::new("F16")]);
    let text = written(&table, Medium::Stream);
    assert!(text.lines().nth(2).is_some_and(|l| l.len() < 130));
    assert!(text.lines().nth(1).is_some_and(|l| l.ends_with("x  Q8_0")));
}

/// Prints how long 10,000 rows take. Run it by hand: `cargo test --release -- --ignored --nocapture ten_thousand`.
#[test]
#[ignore = "a measurement, not a check"]
fn ten_thousand_rows_in_figures() {
    let names: Vec<String> = (0..10_000).map(|i| format!("Some-Model-{i}-Instruct-Q4_K_M")).collect();
    let columns: Vec<Column> = ["A", "B", "C", "D", "E", "F", "G", "H"].map(|t| Column::left(t, 1)).to_vec();
    let columns = [&[Column::left("NAME", 0).shrink_to(20)], columns.as_slice()].concat();
    for (label, medium) in [("stream", Medium::Stream), ("terminal", terminal(200)), ("narrow terminal", terminal(80))]
    {
        let start = crate::clock::instant();
        let mut table = Table::new(&columns);
        for name in &names {
            let mut cells = vec![Cell::new(name.as_str())];
            cells.extend(["93.8 MiB", "Q4_K_M", "134.5M", "128K", "fast", "ready", "dir", "3d"].map(Cell::new));
            table.row(cells);
        }
        let text = written(&table, medium);
        eprintln!("{label}: {} bytes in {:?}", text.len(), start.elapsed());
    }
}

/// Of two columns that matter alike, one would be unreadable while the other is whole.
#[test]
fn columns_of_one_rank_share_what_is_left() {
    let mut table = Table::new(&[Column::left("NAME", 0).shrink_to(4), Column::left("WHY", 0).shrink_to(4)]);
    table.row(vec![Cell::new("n".repeat(40)), Cell::new("w".repeat(40))]);
    let text = written(&table, terminal(42));
    let row = text.lines().nth(1).unwrap();
    let widths: Vec<usize> = row.split("  ").map(text::width).collect();
    assert_eq!(widths, [20, 20], "{text}");
    let mut table = Table::new(&[Column::left("NAME", 0).shrink_to(4), Column::left("WHY", 0).shrink_to(4)]);
    table.row(vec![Cell::new("n".repeat(40)), Cell::new("w".repeat(10))]);
    assert!(written(&table, terminal(42)).lines().nth(1).unwrap().ends_with(&"w".repeat(10)));
}

/// `docker ps` and `show` take the beginning of an id; twelve digits on every line leave no room for the name.
#[test]
fn ids_are_as_short_as_they_can_be_told_apart() {
    let mut table = Table::new(&[Column::id("ID", 0), Column::path("PATH", 1, 4)]);
    table.row(vec![Cell::new("0123456789ab"), Cell::path(std::path::Path::new("/home/ann/x"))]);
    table.row(vec![Cell::new("0123456799ab"), Cell::path(std::path::Path::new("/srv/y"))]);
    let medium = Medium::Terminal { width: 80, color: false, home: Some("/home/ann") };
    assert_eq!(written(&table, medium), "ID         PATH\n012345678  ~/x\n012345679  /srv/y\n");
    assert!(written(&table, Medium::Wide { color: false }).contains("0123456789ab  /home/ann/x\n"));
    assert!(written(&table, Medium::Stream).contains("0123456789ab  /home/ann/x\n"));
}
