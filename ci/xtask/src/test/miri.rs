//! Miri: the host tests of every crate with unsafe code, interpreted. It finds what a processor lets
//! pass: references that must not be there together, uses of freed or uninitialised memory, races.

use crate::build::cargo_of;
use crate::check::{self, Tree};
use crate::setup::{self, MIRI_TOOLCHAIN, Need};
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail, ensure};
use std::thread;

/// Tests leak what the kernel keeps for ever; user programs get addresses as numbers.
const FLAGS: &str = "-Zmiri-ignore-leaks -Zmiri-permissive-provenance";
/// What is shown of a failure: the first report of Miri's and what follows it.
const SHOWN_LINES: usize = 40;

/// Runs them all; every crate must have tests.
pub fn run(tree: &Tree) -> Result<String> {
    setup::prepare(&tree.workspace, &[Need::Miri], false)?;
    let packages = check::unsafe_packages(tree)?;
    ensure!(!packages.is_empty(), "ci/unsafe.toml lists no crate");
    let results: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = packages
            .iter()
            .map(|package| scope.spawn(|| interpret(&tree.workspace, package)))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|_| bail!("a thread died"))).collect()
    });
    let passed = results.into_iter().sum::<Result<usize>>()?;
    Ok(format!("{passed} passed in {} crates", packages.len()))
}

fn interpret(workspace: &Workspace, package: &str) -> Result<usize> {
    let output = cargo_of(MIRI_TOOLCHAIN, workspace)
        .env("MIRIFLAGS", FLAGS)
        .args(["miri", "test", "--quiet", "--color=never", "--lib", "--package", package])
        .output()
        .context("cannot start rustup")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("{package}:\n{}\n{}", text.trim(), first_error(&errors));
    }
    match super::cases::passed(&text) {
        0 => bail!("{package} has unsafe code and no test that runs on a host"),
        passed => Ok(passed),
    }
}

/// The first error and some lines behind it; everything where there is no such line.
fn first_error(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    let first = lines.iter().position(|line| line.starts_with("error")).unwrap_or(0);
    lines[first..].iter().take(SHOWN_LINES).copied().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::first_error;

    #[test]
    fn a_failure_starts_with_what_is_wrong() {
        let text =
            "warning: opt-level\nnoise\nerror: Undefined Behavior: two references\n  --> x.rs\n";
        assert_eq!(first_error(text), "error: Undefined Behavior: two references\n  --> x.rs");
        assert_eq!(first_error("no toolchain\n"), "no toolchain");
    }
}
