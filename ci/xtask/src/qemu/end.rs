//! How a guest ended, for people.

use super::console::tail;
use super::guest::Outcome;
use std::process::ExitStatus;

/// The kernel adds this to the code it powers off with, so that it differs from the emulator's own.
const BASE: i32 = 0x10;
/// Console lines shown with a failure.
const TAIL_LINES: usize = 20;
/// What begins a line that says why something cannot start: of the kernel, of the first server.
pub const REFUSALS: [&str; 2] = ["cannot boot: ", "cannot start: "];
/// Lines of a panic shown.
const PANIC_LINES: usize = 24;

/// How it ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// The guest powered off with this code.
    Off(u8),
    /// The machine was reset: by the guest, or because it could not handle an exception.
    Reset,
    /// The time limit passed.
    TimeLimit,
    /// Nothing was printed for too long.
    Silence,
    /// The emulator itself failed.
    Emulator(String),
}

impl End {
    /// From the emulator's exit status; `errors` is what it wrote to stderr.
    pub fn of(status: ExitStatus, errors: &str) -> Self {
        match status.code() {
            Some(0) => Self::Reset,
            // The exit device ends the emulator with (value << 1) | 1.
            Some(code) if code & 1 == 1 && code >> 1 >= BASE => {
                Self::Off(u8::try_from((code >> 1) - BASE).unwrap_or(u8::MAX))
            }
            _ => Self::Emulator(format!("{status}\n{}", errors.trim())),
        }
    }
}

impl Outcome {
    /// True if the guest powered off with 0.
    pub fn is_success(&self) -> bool {
        self.end == End::Off(0)
    }

    /// What went wrong, with the console lines that say more. Empty on success.
    pub fn complaint(&self) -> String {
        let seconds = self.took.as_secs_f32();
        let text = match &self.end {
            End::Off(0) => return String::new(),
            End::Off(code) => format!("the guest powered off with code {code}"),
            End::Reset => "the machine was reset, most likely by a fault in the kernel".to_string(),
            End::TimeLimit => format!("the guest was still running after {seconds:.0} s"),
            End::Silence => format!("the guest fell silent; it was ended after {seconds:.0} s"),
            End::Emulator(text) => return format!("the emulator failed: {}", text.trim()),
        };
        if let Some(panic) = self.panic() {
            return format!("{text} after a kernel panic:\n{}", tail(panic, PANIC_LINES));
        }
        match self.refusals().first() {
            Some(line) => format!("{text}: {line}"),
            None => format!("{text}; its last lines:\n{}", tail(&self.transcript, TAIL_LINES)),
        }
    }

    /// The console from the first panic line on.
    fn panic(&self) -> Option<&str> {
        let start = self.transcript.lines().find(|line| line.starts_with("panic: "))?;
        let offset = start.as_ptr().addr() - self.transcript.as_ptr().addr();
        let rest = &self.transcript[offset..];
        let length = rest.lines().take(PANIC_LINES).map(|line| line.len() + 1).sum::<usize>();
        Some(rest.get(..length).unwrap_or(rest))
    }

    /// Lines in which the kernel says why it cannot start, or the first server why the system cannot.
    pub fn refusals(&self) -> Vec<&str> {
        let is_one = |line: &&str| REFUSALS.iter().any(|mark| line.starts_with(mark));
        self.transcript.lines().filter(is_one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{End, Outcome};
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;
    use std::time::Duration;

    fn of(code: i32) -> End {
        End::of(ExitStatus::from_raw(code << 8), "no such device")
    }

    fn outcome(end: End, transcript: &str) -> Outcome {
        let took = Duration::from_secs(7);
        Outcome { end, transcript: transcript.to_string(), took, log: Vec::new() }
    }

    #[test]
    fn codes_of_guest_and_emulator_differ() {
        assert_eq!(of(33), End::Off(0));
        assert_eq!(of(37), End::Off(2));
        assert_eq!(of(0), End::Reset);
        assert!(matches!(of(1), End::Emulator(text) if text.contains("no such device")));
        assert!(matches!(of(2), End::Emulator(_)));
        assert!(matches!(End::of(ExitStatus::from_raw(9), ""), End::Emulator(_)));
    }

    #[test]
    fn a_time_limit_shows_the_last_lines() {
        let text = outcome(End::TimeLimit, "one\ntwo\n").complaint();
        assert_eq!(
            text,
            "the guest was still running after 7 s; its last lines:\n  | one\n  | two"
        );
    }

    #[test]
    fn a_panic_is_shown_from_its_first_line() {
        let console = "hello\npanic: core 1: list is empty\npanic: rip 0x10\n";
        let text = outcome(End::Off(3), console).complaint();
        assert!(text.starts_with("the guest powered off with code 3 after a kernel panic:\n"));
        assert!(text.ends_with("  | panic: core 1: list is empty\n  | panic: rip 0x10"), "{text}");
        assert!(!text.contains("hello"));
    }

    #[test]
    fn a_refused_boot_is_one_line() {
        let text = outcome(End::Off(2), "x\ncannot boot: no archive; add one\n").complaint();
        assert_eq!(text, "the guest powered off with code 2: cannot boot: no archive; add one");
        let text = outcome(End::Off(4), "x\ncannot start: memory is used up\n").complaint();
        assert_eq!(text, "the guest powered off with code 4: cannot start: memory is used up");
    }

    #[test]
    fn success_has_nothing_to_say() {
        assert!(outcome(End::Off(0), "").is_success());
        assert_eq!(outcome(End::Off(0), "").complaint(), "");
    }
}
