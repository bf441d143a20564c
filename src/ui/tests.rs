use super::*;

struct ClosedPipe;

impl Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::from(io::ErrorKind::BrokenPipe))
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn plain() -> UiOptions {
    UiOptions::default()
}

#[test]
fn an_error_shows_its_causes_and_the_next_step() {
    let (mut ui, _, err) = Ui::for_test(plain(), false);
    let error = Err::<(), _>(io::Error::other("disk on \x1b[5mfire"))
        .or_fail(|| Failure::cannot_meet("cannot read `x`").hint("look at the disk"))
        .unwrap_err();
    ui.error(&error);
    assert_eq!(err.text(), "error: cannot read `x`\n  caused by: disk on \\x1b[5mfire\nhint: look at the disk\n");
}

#[test]
fn an_error_nobody_classified_says_that_it_is_our_bug() {
    let (mut ui, _, err) = Ui::for_test(plain(), false);
    ui.error(&anyhow::anyhow!("what?"));
    assert!(err.text().starts_with("error: what?\nhint: this is a bug in modelctl"));
}

#[test]
fn quiet_silences_notes_but_not_warnings() {
    let (mut ui, out, err) = Ui::for_test(UiOptions { quiet: true, ..plain() }, true);
    ui.note("12 models");
    ui.hint("scan");
    ui.warn("one is damaged");
    assert_eq!((out.text(), err.text()), (String::new(), "warning: one is damaged\n".to_owned()));
}

#[test]
fn a_closed_pipe_is_told_from_a_broken_worker() {
    let (mut ui, _, _) = Ui::for_test(plain(), false);
    ui.out = Out(Box::new(ClosedPipe));
    for error in [ui.line("x").unwrap_err(), ui.json(&[1]).unwrap_err()] {
        assert!(is_broken_pipe(&error.context("while listing")));
    }
    let worker = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
    assert!(!is_broken_pipe(&worker));
}

#[test]
fn a_full_disk_is_not_our_bug() {
    let error = stdout_failed(io::Error::from(io::ErrorKind::StorageFull));
    assert_eq!(crate::failure::classify(&error).0, crate::failure::Kind::CannotMeet);
    assert!(!is_broken_pipe(&error));
}

#[test]
fn colour_needs_both_the_wish_and_a_terminal() {
    for (color, terminal, expected) in [(true, true, true), (true, false, false), (false, true, false)] {
        let (mut ui, out, _) = Ui::for_test(UiOptions { color, ..plain() }, terminal);
        ui.heading("Files").unwrap();
        assert_eq!(out.text().contains('\x1b'), expected, "{color} {terminal}");
    }
}

#[test]
fn lines_keep_their_breaks_and_lose_their_escapes() {
    let (mut ui, out, _) = Ui::for_test(plain(), true);
    ui.line("a\nb\x1b[0m").unwrap();
    assert_eq!(out.text(), "a\nb\\x1b[0m\n");
}

#[test]
fn json_is_one_indented_document() {
    let (mut ui, out, _) = Ui::for_test(plain(), false);
    ui.json(&serde_json::json!([{"a": 1}])).unwrap();
    assert_eq!(out.text(), "[\n  {\n    \"a\": 1\n  }\n]\n");
}
