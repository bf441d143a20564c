//! Tables as a person reads them on a terminal.

use crate::gguf::fixture;
use crate::sandbox::Sandbox;
use crate::top::terminal::Terminal;
use portable_pty::CommandBuilder;

/// A machine with a model in its home and one with a long name.
fn with_models() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["a-model-with-a-name-that-is-as-long-as-such-names-are-Q4_K_M", "small-Q8_0"] {
        sandbox.write(&format!("{name}.gguf"), &fixture::small_model(name));
    }
    sandbox.run(["scan"]).ok();
    sandbox
}

/// Returns all that was written, also what has left the screen.
fn on_terminal(sandbox: &Sandbox, args: &[&str], size: (u16, u16), env: &[(&str, &str)]) -> String {
    let mut command = CommandBuilder::new(sandbox.command(["list"]).get_program());
    command.args(["--color", "never"].iter().chain(args));
    for (key, value) in env {
        command.env(key, value);
    }
    let mut terminal = Terminal::open(sandbox, command, size);
    assert_eq!(terminal.ends(), 0, "{}", terminal.text());
    String::from_utf8_lossy(&terminal.raw).replace('\r', "")
}

/// A person would neither know that there is more to see nor how.
#[test]
fn a_list_on_80_columns_says_what_it_hides() {
    let sandbox = with_models();
    let text = on_terminal(&sandbox, &["list"], (80, 30), &[]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("ID        NAME"), "{text}");
    assert!(lines[3].starts_with("hidden: ") && lines[3].ends_with("(--wide)"), "{text}");
    assert!(lines[3].contains("STORE=dir") && lines[3].contains("STATE=ready"), "{text}");
    let wide = on_terminal(&sandbox, &["list", "--wide"], (400, 30), &[]);
    assert!(wide.contains("ready") && wide.contains("PATH") && !wide.contains("hidden: "), "{wide}");
}

/// Three hundred models would run through the screen.
#[test]
fn a_table_longer_than_the_screen_is_shown_in_a_pager() {
    let sandbox = with_models();
    let pager = [("MODELCTL_PAGER", "sed s/^/PAGED:/")];
    let long = on_terminal(&sandbox, &["list"], (80, 3), &pager);
    assert_eq!(long.matches("PAGED:").count(), 3, "{long}");
    assert!(long.contains("\n2 models, "), "{long}");
    let fits = on_terminal(&sandbox, &["list"], (80, 30), &pager);
    assert!(!fits.contains("PAGED:"), "{fits}");
    // A pager that is not there hides nothing.
    let without = on_terminal(&sandbox, &["list", "--no-header"], (80, 3), &[("MODELCTL_PAGER", "no-such-pager")]);
    assert!(without.contains("small-Q8_0"), "{without}");
}
