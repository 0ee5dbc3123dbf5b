//! What a person sees while a step takes long: one spinner on a terminal, one plain line elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Duration;

const TICK: Duration = Duration::from_millis(120);
const DETAIL_LETTERS: usize = 40;

/// A step under way. Dropping it removes the spinner.
pub struct Step {
    bar: ProgressBar,
    message: String,
}

impl Step {
    /// Shows a spinner with `message` on a terminal; says `message` once elsewhere.
    pub fn start(message: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            say(message);
            return Self { bar: ProgressBar::hidden(), message: String::new() };
        }
        Self::spinner(message)
    }

    /// As [`Step::start`], but silent when there is no terminal.
    pub fn quiet(message: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self { bar: ProgressBar::hidden(), message: String::new() };
        }
        Self::spinner(message)
    }

    fn spinner(message: &str) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg} ({elapsed})")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style);
        bar.set_message(message.to_string());
        bar.enable_steady_tick(TICK);
        Self { bar, message: message.to_string() }
    }

    /// Shows how far it is, behind the message of the spinner.
    pub fn detail(&self, text: &str) {
        let text: String = text.trim().chars().take(DETAIL_LETTERS).collect();
        self.bar.set_message(format!("{}: {text}", self.message));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// One line about what happens next.
pub fn say(message: &str) {
    eprintln!("{message}");
}
