//! What the test program prints: one `[test]` line per test and one `[suite]` line at the end.

use crate::qemu::console::tail;
use crate::qemu::end::End;
use crate::qemu::guest::Outcome;
use anyhow::{Result, bail, ensure};

const PASSED: &str = "[test] ok: ";
const FAILED: &str = "[test] FAILED: ";
const SUMMARY: &str = "[suite] ";
const SHOWN_LINES: usize = 15;

/// What passed, or what did not.
pub fn verdict(outcome: &Outcome) -> Result<String> {
    let failures: Vec<_> = lines(outcome, FAILED).collect();
    let complete = matches!(outcome.end, End::Off(0 | 1));
    if !failures.is_empty() && complete {
        bail!("{}", failures.join("\n"));
    }
    ensure!(outcome.is_success(), "{}", with_failures(&failures, outcome.complaint()));
    let passed = lines(outcome, PASSED).count();
    let Some(summary) = lines(outcome, SUMMARY).next_back() else {
        bail!("it powered off without a `{SUMMARY}` line:\n{}", transcript_tail(outcome));
    };
    ensure!(
        passed > 0 && summary == format!("{passed} passed, 0 failed"),
        "it printed {passed} passed tests, but says `{summary}`:\n{}",
        transcript_tail(outcome)
    );
    Ok(format!("{passed} passed"))
}

fn lines<'a>(outcome: &'a Outcome, mark: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
    outcome.transcript.lines().filter_map(move |line| line.strip_prefix(mark))
}

fn with_failures(failures: &[&str], complaint: String) -> String {
    match failures {
        [] => complaint,
        _ => format!("{}\n{complaint}", failures.join("\n")),
    }
}

fn transcript_tail(outcome: &Outcome) -> String {
    tail(&outcome.transcript, SHOWN_LINES)
}

#[cfg(test)]
mod tests {
    use super::verdict;
    use crate::qemu::end::End;
    use crate::qemu::guest::Outcome;
    use std::time::Duration;

    fn of(end: End, transcript: &str) -> Result<String, String> {
        let took = Duration::from_secs(1);
        let outcome = Outcome { end, transcript: transcript.to_string(), took, log: Vec::new() };
        verdict(&outcome).map_err(|error| error.to_string())
    }

    #[test]
    fn counts_what_passed() {
        let text = "[test] ok: a call returns\n[test] ok: b\n[suite] 2 passed, 0 failed\n";
        assert_eq!(of(End::Off(0), text), Ok("2 passed".to_string()));
    }

    #[test]
    fn failures_are_named() {
        let text = "[test] ok: a\n[test] FAILED: b waits: it did not\n[suite] 1 passed, 1 failed\n";
        assert_eq!(of(End::Off(1), text), Err("b waits: it did not".to_string()));
        assert!(of(End::Off(0), text).is_err());
    }

    #[test]
    fn a_suite_that_says_too_little_fails() {
        assert!(of(End::Off(0), "[test] ok: a\n").unwrap_err().contains("without"));
        assert!(of(End::Off(0), "[suite] 0 passed, 0 failed\n").is_err());
        assert!(of(End::Off(0), "[test] ok: a\n[suite] 2 passed, 0 failed\n").is_err());
        assert!(of(End::Off(1), "[test] ok: a\n[suite] 1 passed, 0 failed\n").is_err());
    }

    #[test]
    fn a_hung_suite_shows_where() {
        let error = of(End::TimeLimit, "[test] ok: a\n[test] FAILED: b: c\nnext\n").unwrap_err();
        assert!(error.starts_with("b: c\nthe guest was still running"), "{error}");
        assert!(error.ends_with("  | next"), "{error}");
    }
}
