//! Builds and runs a check on the copy, and reads what came of it.

use super::copy::Copy;
use super::list::{Check, Mutation, Program};
use crate::build::{cargo_in, executables};
use anyhow::{Context, Result, bail};
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A check that has not ended by then tells nothing. Most take less than a tenth of it alone; several
/// at the same time, on a busy machine, take more.
const TIME_LIMIT: Duration = Duration::from_secs(300);
/// What is shown of a failure.
const SHOWN_CHARACTERS: usize = 240;
/// Tells the search to end at the first counterexample (`kernel/core/tests/search/main.rs`).
const STOP_AT_FIRST: &str = "CEDO_SEARCH_FIRST";

/// What came of a mutation.
#[derive(PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The check failed, and said this first.
    Caught(String),
    /// The check passed.
    Escaped,
    /// A mistake of the mutation: what the compiler said first.
    DoesNotCompile(String),
    /// The check did not end.
    TimeLimit,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught(what) => write!(f, "caught: {what}"),
            Self::Escaped => f.write_str("ESCAPED"),
            Self::DoesNotCompile(why) => write!(f, "does not compile: {why}"),
            Self::TimeLimit => write!(f, "time limit: no end after {} s", TIME_LIMIT.as_secs()),
        }
    }
}

/// Tries `check` on the copy as it is. An error unless it passes.
pub fn passes(copy: &Copy, check: Check) -> Result<()> {
    match verdict(copy, check, None)? {
        Verdict::Escaped => Ok(()),
        other => bail!("{other}"),
    }
}

/// Tries the check of `mutation`, which the copy has.
pub fn run(copy: &Copy, mutation: &Mutation) -> Result<Verdict> {
    verdict(copy, mutation.check(), mutation.test.as_deref())
}

fn verdict(copy: &Copy, check: Check, test: Option<&str>) -> Result<Verdict> {
    let program = match build(copy, check)? {
        Ok(program) => program,
        Err(why) => return Ok(Verdict::DoesNotCompile(why)),
    };
    let mut command = Command::new(program);
    command.current_dir(copy.root.join(check.program().folder)).env(STOP_AT_FIRST, "1").args(test);
    let Some((status, output)) = output_within(command, TIME_LIMIT)? else {
        return Ok(Verdict::TimeLimit);
    };
    if !status.success() {
        return Ok(Verdict::Caught(first_violation(&output, status)));
    }
    if output.contains("test result: ok. 0 passed") {
        bail!("{check} has no test whose name contains `{}`", test.unwrap_or_default());
    }
    Ok(Verdict::Escaped)
}

/// The test program of `check`, or why the copy does not compile.
fn build(copy: &Copy, check: Check) -> Result<Result<PathBuf, String>> {
    let Program { name, folder, target, flags } = check.program();
    let mut command = cargo_in(&copy.root.join(folder));
    let mut target_folder = copy.target.clone();
    if let Some(flags) = flags {
        command.env("RUSTFLAGS", flags);
        target_folder.push("flags");
    }
    command.args(["test", "--no-run", "--quiet", "--color=never"]);
    command.arg("--message-format=json-render-diagnostics").args(target);
    let output = command.arg("--target-dir").arg(target_folder).output();
    let output = output.context("cannot start cargo")?;
    if !output.status.success() {
        return Ok(Err(first_error(&String::from_utf8_lossy(&output.stderr))));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = executables(&messages).next();
    let (_, path) = program.with_context(|| format!("cargo built no program for {name}"))?;
    Ok(Ok(path))
}

/// Runs a program; how it ended and what it printed. Nothing if it did not end in time: then it is
/// stopped.
fn output_within(mut command: Command, limit: Duration) -> Result<Option<(ExitStatus, String)>> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start a test program")?;
    let output = collect(child.stdout.take().context("no output")?);
    let errors = collect(child.stderr.take().context("no output")?);
    let Ok(output) = output.recv_timeout(limit) else {
        child.kill()?;
        child.wait()?;
        return Ok(None);
    };
    Ok(Some((child.wait()?, output + &errors.recv().unwrap_or_default())))
}

/// Reads a stream to its end in a thread of its own.
fn collect(mut stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // An error ends the stream as its end does; what has come counts.
        let _ = stream.read_to_end(&mut bytes);
        let _ = sender.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    receiver
}

/// The first error in a compiler's messages, on one line.
fn first_error(messages: &str) -> String {
    let mut lines = messages.lines().skip_while(|line| !line.starts_with("error"));
    let error = lines.next().unwrap_or("cargo gave no reason");
    let place = lines.next().map_or("", |line| line.trim().trim_start_matches("--> "));
    if place.is_empty() { error.to_string() } else { format!("{error} ({place})") }
}

/// The first failure in what a test program printed, on one line: the test and what it said.
fn first_violation(output: &str, status: ExitStatus) -> String {
    let mut lines = output.lines().skip_while(|line| !line.contains(" panicked at "));
    let Some(panicked) = lines.next() else {
        let last = output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        return format!("the test program ended with {status}: {}", last.trim());
    };
    let test = panicked.split('\'').nth(1).unwrap_or_default();
    let mut lines = lines.map(str::trim).filter(|line| !line.is_empty());
    let mut said = lines.next().unwrap_or_default().to_string();
    for line in lines {
        let goes_on =
            said.ends_with(':') || line.starts_with("left: ") || line.starts_with("right: ");
        if !goes_on {
            break;
        }
        said = format!("{said} {line}");
    }
    shortened(format!("{test}: {said}"))
}

/// As much of a line as a person reads: a test may print whole threads.
fn shortened(text: String) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{} ...", text[..end].trim_end()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{first_error, first_violation, output_within};
    use std::process::{Command, ExitStatus};
    use std::time::Duration;

    #[test]
    fn the_first_failure_is_named_with_its_test() {
        let status = ExitStatus::default();
        let searched = "running 2 tests\n---- faults stdout ----\n\n\
                        thread 'faults' (7) panicked at tests/search/main.rs:50:5:\n\n\
                        deep: broken: one thread runs (2) after\n    R: idle\n";
        assert_eq!(
            first_violation(searched, status),
            "faults: deep: broken: one thread runs (2) after"
        );
        let table = "thread 'direct' panicked at tests/table/main.rs:1:1:\n3 of 9 cells differ:\n\
                     a call\n  rule   1\n";
        assert_eq!(first_violation(table, status), "direct: 3 of 9 cells differ: a call");
        let equal = "thread 'tree::x' panicked at a.rs:1:1:\nassertion failed: no\n  left: 1\n right: 2\n\
                     note: run\n";
        let said = "tree::x: assertion failed: no left: 1 right: 2";
        assert_eq!(first_violation(equal, status), said);
        let long = first_violation(&equal.replace(": no", &": threads".repeat(99)), status);
        assert!(long.starts_with("tree::x: ") && long.ends_with(" ..."), "{long}");
        assert!(long.len() <= super::SHOWN_CHARACTERS + " ...".len(), "{long}");
        assert!(first_violation("running\nstack overflow\n", status).ends_with("stack overflow"));
    }

    #[test]
    fn the_first_error_is_named_with_its_place() {
        let messages = "warning: x\nerror[E0425]: no `y`\n  --> kernel/a.rs:3:4\n   |\n";
        assert_eq!(first_error(messages), "error[E0425]: no `y` (kernel/a.rs:3:4)");
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let mut endless = Command::new("sleep");
        endless.arg("60");
        assert!(output_within(endless, Duration::from_millis(50)).unwrap().is_none());
        let mut program = Command::new("echo");
        program.arg("said");
        let (status, output) = output_within(program, Duration::from_secs(60)).unwrap().unwrap();
        assert!(status.success() && output == "said\n");
    }
}
