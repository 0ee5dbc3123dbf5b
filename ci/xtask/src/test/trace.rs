//! The emulated PC and the simulated machine tell the same story, line by line.
//!
//! `servers/trace` prints on the target what happens in the program of `servers/script`; the test
//! `trace` of the kernel core writes what happens on the simulated machine.

use super::boots::Builds;
use crate::build;
use anyhow::{Context, Result, bail, ensure};
use std::process::Stdio;

/// Marks a line of the story.
const MARK: &str = "[trace] ";
/// Lines around the first difference that are shown.
const SHOWN: usize = 8;

/// A system that tells a story; what the simulated machine must be told to tell the same.
#[derive(Clone, Copy)]
pub struct Story {
    /// Name of the system.
    pub system: &'static str,
    protocol: &'static str,
    seed: &'static str,
    lines: &'static str,
}

/// As their descriptions say.
pub const STORIES: [Story; 2] = [
    Story { system: "trace", protocol: "direct", seed: "1", lines: "3000" },
    Story { system: "trace-chain", protocol: "chain", seed: "2", lines: "3000" },
];

/// Lets both tell it.
pub fn compare(builds: &Builds, story: &Story) -> Result<String> {
    let outcome = builds.run(story.system, |_| ())?;
    let marked = outcome.transcript.lines().filter_map(|line| line.trim_end().strip_prefix(MARK));
    let target: Vec<_> = marked.collect();
    let simulated = simulate(builds, story)?;
    let simulated: Vec<_> = simulated.lines().collect();
    ensure!(!simulated.is_empty(), "the simulated machine told nothing");
    difference(&target, &simulated)?;
    Ok(format!("{} lines", target.len()))
}

fn simulate(builds: &Builds, story: &Story) -> Result<String> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let file = folder.path().join("story");
    let status = build::target_cargo(&builds.workspace)
        .args(["test", "--quiet", "-p", "cedo-core", "--test", "trace"])
        .args(["--", "--ignored", "--exact", "write_the_story"])
        .env("CEDO_TRACE_PROTOCOL", story.protocol)
        .env("CEDO_TRACE_SEED", story.seed)
        .env("CEDO_TRACE_LINES", story.lines)
        .env("CEDO_TRACE_FILE", &file)
        .stdout(Stdio::null())
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "no story; run `cargo test -p cedo-core --test trace`");
    std::fs::read_to_string(&file).context("the story was not written")
}

/// The first line that is not the same in both.
fn difference(target: &[&str], simulated: &[&str]) -> Result<()> {
    let count = target.len().max(simulated.len());
    let Some(first) = (0..count).find(|line| target.get(*line) != simulated.get(*line)) else {
        return Ok(());
    };
    let part = |lines: &[&str]| {
        let lines = lines.iter().take(first + 2).skip(first.saturating_sub(SHOWN));
        lines.map(|line| format!("    {line}\n")).collect::<String>()
    };
    bail!(
        "the stories differ in line {}\n  emulated:\n{}  simulated:\n{}",
        first + 1,
        part(target),
        part(simulated)
    )
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn the_first_difference_is_shown() {
        assert!(difference(&["a", "b"], &["a", "b"]).is_ok());
        let text = difference(&["a", "b"], &["a", "c"]).unwrap_err().to_string();
        assert!(text.contains("line 2") && text.contains("    b") && text.contains("    c"));
        assert!(difference(&["a"], &["a", "b"]).is_err());
        assert!(difference(&["a", "b"], &["a"]).is_err());
    }
}
