use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::borrow::Cow;

/// A bar or spinner on stderr that vanishes when it is done or dropped. Hidden, at no cost, when stderr is not a
/// terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Columns of the terminal.
    width: usize,
}

/// What a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Steps,
    Bytes,
    /// Steps of which nobody knows how many there are.
    Unknown,
}

impl Progress {
    /// Returns a bar for a terminal of that many columns; without a terminal, a hidden one.
    pub(super) fn new(terminal: Option<usize>, label: &'static str, total: Option<u64>) -> Progress {
        let target = if terminal.is_some() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target).with_prefix(label);
        let progress = Progress { bar, width: terminal.unwrap_or(0) };
        progress.style(if total.is_some() { Counted::Steps } else { Counted::Unknown });
        progress
    }

    fn style(&self, counted: Counted) {
        self.bar.set_style(styled(&template(counted, self.width)));
    }

    /// Sets the number of steps, once it is known or when it has grown.
    pub fn set_total(&self, total: u64) {
        if self.bar.length().is_none() {
            self.style(Counted::Steps);
        }
        self.bar.set_length(total);
    }

    /// Counts bytes from now on, `total` in all, and shows speed and time left.
    pub fn set_total_bytes(&self, total: u64) {
        self.style(Counted::Bytes);
        self.bar.set_length(total);
        self.bar.reset_eta();
    }

    /// Adds to the count.
    pub fn add(&self, more: u64) {
        self.bar.inc(more);
    }

    /// Sets the number of steps done so far.
    pub fn set_done(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Adds one step.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Sets the name of the thing that is being worked on; it is cleaned here.
    pub fn about(&self, text: &str) {
        if !self.bar.is_hidden() {
            self.bar.set_message(Cow::Owned(super::text::clean(text).into_owned()));
        }
    }

    /// Runs `print` while the bar is hidden, so that its output is on separate lines.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Returns the template of a line that fits the terminal: the bar is as long as there is room for, and a narrow terminal
/// gets a percentage instead. The name at the end takes what is left, and may be cut.
fn template(counted: Counted, width: usize) -> String {
    // The label, and the widest figures: `999.99 GiB/999.99 GiB 999.99 MiB/s 59m left`.
    let figures = match counted {
        Counted::Steps => 55,
        Counted::Bytes => 66,
        Counted::Unknown => 0,
    };
    let room = width.saturating_sub(figures).min(30);
    match (counted, room) {
        (Counted::Unknown, _) => "{prefix} {spinner} {pos} {wide_msg}".to_owned(),
        (_, ..5) => "{prefix} {percent}% {wide_msg}".to_owned(),
        (Counted::Steps, _) => format!("{{prefix}} [{{bar:{room}}}] {{pos}}/{{len}} {{eta}} left {{wide_msg}}"),
        (Counted::Bytes, _) => format!(
            "{{prefix}} [{{bar:{room}}}] {{binary_bytes}}/{{binary_total_bytes}} {{binary_bytes_per_sec}} {{eta}} left {{wide_msg}}"
        ),
    }
}

fn styled(template: &str) -> ProgressStyle {
    // A test renders all templates; the default style is an acceptable fallback.
    ProgressStyle::with_template(template).map_or_else(|_| ProgressStyle::default_bar(), |s| s.progress_chars("=> "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::TermLike;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// A terminal that keeps what is written.
    #[derive(Debug, Clone)]
    struct Paper(u16, Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            self.0
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.1.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A line that is too long wraps, and what has wrapped stays on the screen for good.
    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [30u16, 60, 80, 120, 200] {
            for counted in [Counted::Steps, Counted::Bytes, Counted::Unknown] {
                let paper = Paper(width, Arc::default());
                let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
                let template = template(counted, usize::from(width));
                assert!(ProgressStyle::with_template(&template).is_ok(), "{template}");
                let bar = ProgressBar::with_draw_target(Some(900_000_000_000), target)
                    .with_prefix("transferring")
                    .with_style(styled(&template))
                    .with_message("a-name-".repeat(60))
                    .with_position(450_000_000_000);
                bar.tick();
                let shown = paper.1.lock().unwrap().trim_end().to_owned();
                let columns = super::super::text::width(&shown);
                assert!(
                    shown.contains("transferring") && columns <= usize::from(width),
                    "{width} {counted:?}: {shown}"
                );
                bar.finish_and_clear();
            }
        }
    }

    #[test]
    fn a_hidden_bar_counts_and_prints_nothing() {
        let progress = Progress::new(None, "reading", None);
        progress.set_total(3);
        progress.step();
        progress.about("x\x1b[31m");
        assert!(progress.bar.is_hidden());
        assert_eq!(progress.bar.position(), 1);
    }
}
