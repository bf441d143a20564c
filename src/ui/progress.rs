use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::borrow::Cow;

/// A bar or spinner on stderr that vanishes when it is done or dropped. Hidden, at no cost, when stderr is not a
/// terminal.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new(visible: bool, label: &'static str, total: Option<u64>) -> Progress {
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target).with_prefix(label);
        bar.set_style(style(total.is_some()));
        Progress(bar)
    }

    /// Sets the number of steps, once it is known or when it has grown.
    pub fn set_total(&self, total: u64) {
        if self.0.length().is_none() {
            self.0.set_style(style(true));
        }
        self.0.set_length(total);
    }

    /// Counts bytes from now on, `total` in all, and shows speed and time left.
    pub fn set_total_bytes(&self, total: u64) {
        self.0.set_style(styled(BYTES));
        self.0.set_length(total);
        self.0.reset_eta();
    }

    /// Adds to the count.
    pub fn add(&self, more: u64) {
        self.0.inc(more);
    }

    /// Sets the number of steps done so far.
    pub fn set_done(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Adds one step.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// Sets the name of the thing that is being worked on; it is cleaned here.
    pub fn about(&self, text: &str) {
        if !self.0.is_hidden() {
            self.0.set_message(Cow::Owned(super::text::clean(text).into_owned()));
        }
    }

    /// Runs `print` while the bar is hidden, so that its output is on separate lines.
    pub fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style(known_total: bool) -> ProgressStyle {
    styled(if known_total { STEPS } else { UNKNOWN })
}

const STEPS: &str = "{prefix} [{bar:30}] {pos}/{len} {wide_msg}";
const UNKNOWN: &str = "{prefix} {spinner} {pos} {wide_msg}";
const BYTES: &str =
    "{prefix} [{bar:30}] {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta} left {wide_msg}";

fn styled(template: &str) -> ProgressStyle {
    // The templates are constants that a test renders; the default style is an acceptable fallback.
    ProgressStyle::with_template(template).map_or_else(|_| ProgressStyle::default_bar(), |s| s.progress_chars("=> "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in [STEPS, UNKNOWN, BYTES] {
            assert!(ProgressStyle::with_template(template).is_ok());
        }
    }

    #[test]
    fn a_hidden_bar_counts_and_prints_nothing() {
        let progress = Progress::new(false, "reading", None);
        progress.set_total(3);
        progress.step();
        progress.about("x\x1b[31m");
        assert!(progress.0.is_hidden());
        assert_eq!(progress.0.position(), 1);
    }
}
