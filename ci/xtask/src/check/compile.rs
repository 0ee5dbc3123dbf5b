//! Formatting, clippy, and the neutral part of the kernel for another architecture.

use super::Tree;
use crate::board::Board;
use crate::build::target_cargo;
use crate::workspace::{Package, Workspace};
use anyhow::{Context, Result};

/// Crates that must not know an architecture.
const NEUTRAL: [&str; 5] = ["cedo-abi", "cedo-machine", "cedo-mmio", "cedo-floor", "cedo-core"];

/// Lines of a compiler's messages shown.
const SHOWN_LINES: usize = 60;

/// `cargo fmt` would change nothing.
pub fn format(tree: &Tree) -> Result<Vec<String>> {
    let output = target_cargo(&tree.workspace)
        .args(["fmt", "--all", "--check", "--", "-l", "--color=never"])
        .output()
        .context("cannot start cargo fmt; `rustup component add rustfmt` installs it")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let root = format!("{}/", tree.workspace.root.display());
    let mut problems: Vec<_> = text
        .lines()
        .map(|line| format!("{}: run `cargo fmt`", line.trim_start_matches(&root)))
        .collect();
    if !output.status.success() && problems.is_empty() {
        problems.push(String::from_utf8_lossy(&output.stderr).trim().to_string());
    }
    Ok(problems)
}

/// Clippy on host crates and on the tests of all others.
pub fn clippy_host(tree: &Tree) -> Result<Vec<String>> {
    let mut problems = cargo(tree, &["clippy", "--all-targets"], true)?;
    let tested = tested_packages(tree);
    if !tested.is_empty() {
        let mut arguments = vec!["clippy", "--tests"];
        arguments.extend(tested.iter().flat_map(|name| ["--package", *name]));
        problems.extend(cargo(tree, &arguments, true)?);
    }
    Ok(problems)
}

/// Clippy on everything that is built for a PC.
pub fn clippy_target(tree: &Tree) -> Result<Vec<String>> {
    clippy_for(tree, Board::Pc)
}

/// Clippy on everything that is built for an aarch64 board.
pub fn clippy_arm(tree: &Tree) -> Result<Vec<String>> {
    clippy_for(tree, Board::QemuVirt)
}

fn clippy_for(tree: &Tree, board: Board) -> Result<Vec<String>> {
    let workspace = &tree.workspace;
    let is_others = |package: &Package| {
        let mut others = Board::ALL.into_iter().filter(|other| other.target() != board.target());
        others.any(|other| other.own_packages().contains(&package.name.as_str()))
    };
    let packages: Vec<_> = workspace
        .metadata
        .packages
        .iter()
        .filter(|package| !workspace.is_for_host(package) && !is_others(package))
        .collect();
    let mut arguments = vec!["clippy", "--release", "--target", board.target()];
    arguments.extend(packages.iter().flat_map(|package| ["--package", package.name.as_str()]));
    cargo(tree, &arguments, true)
}

/// The neutral crates know nothing of the PC.
pub fn neutral(tree: &Tree) -> Result<Vec<String>> {
    let mut arguments = vec!["check", "--target", Board::QemuVirt.target()];
    arguments.extend(NEUTRAL.iter().flat_map(|name| ["--package", *name]));
    cargo(tree, &arguments, false)
}

/// Packages for boards that have tests of their own; these run on the host.
pub fn tested_packages(tree: &Tree) -> Vec<&str> {
    let workspace = &tree.workspace;
    let has_tests = |package: &&Package| {
        let folder = workspace.folder(package);
        tree.below(&folder).any(|source| source.has_tests())
    };
    let packages = workspace.metadata.packages.iter();
    packages
        .filter(|package| !workspace.is_for_host(package))
        .filter(has_tests)
        .map(|package| package.name.as_str())
        .collect()
}

/// Runs cargo; a failure is one problem: what the compiler said.
fn cargo(tree: &Tree, arguments: &[&str], lints: bool) -> Result<Vec<String>> {
    let output = quiet_cargo(&tree.workspace, arguments, lints)?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    Ok(vec![shortened(&String::from_utf8_lossy(&output.stderr), arguments)])
}

/// The first lines, which have the causes; the rest tends to follow from them.
fn shortened(text: &str, arguments: &[&str]) -> String {
    let lines: Vec<_> = text.trim().lines().collect();
    let shown = lines.iter().take(SHOWN_LINES).copied().collect::<Vec<_>>().join("\n  ");
    match lines.len().saturating_sub(SHOWN_LINES) {
        0 => shown,
        more => format!("{shown}\n  ({more} more lines: `cargo {}`)", arguments.join(" ")),
    }
}

fn quiet_cargo(
    workspace: &Workspace,
    arguments: &[&str],
    lints: bool,
) -> Result<std::process::Output> {
    let mut command = target_cargo(workspace);
    command.args(arguments).args(["--quiet", "--color=never"]);
    if lints {
        command.args(["--", "--deny", "warnings"]);
    }
    command.output().context("cannot start cargo")
}
