//! Architecture names, crate introductions, and the list of dependencies.

use super::Tree;
use super::source::{Source, words};
use anyhow::{Context, Result};
use std::collections::BTreeSet;

/// Parts of words that only architectures and boards may use.
const ARCHITECTURES: [&str; 9] =
    ["target_arch", "x86", "aarch64", "amd64", "riscv", "apic", "rflags", "cr3", "ttbr"];
const KERNEL: &str = "kernel";
const DEPENDENCIES: &str = "docs/dependencies.md";

/// No code in `kernel/` says which machine it runs on.
pub fn architectures(tree: &Tree) -> Result<Vec<String>> {
    Ok(tree.below(KERNEL).flat_map(named_architectures).collect())
}

fn named_architectures(source: &Source) -> Vec<String> {
    let lines = source.code.lines().enumerate();
    lines
        .flat_map(|(line, text)| words(text).map(move |word| (line + 1, word)))
        .filter(|(_, word)| {
            let word = word.to_lowercase();
            ARCHITECTURES.iter().any(|name| word.contains(name))
        })
        .map(|(line, word)| format!("{}:{line}: `{word}` belongs into arch/", source.path))
        .collect()
}

/// The first line of each crate says what it is.
pub fn introductions(tree: &Tree) -> Result<Vec<String>> {
    let roots = tree.workspace.metadata.packages.iter().flat_map(|package| &package.targets);
    let paths: BTreeSet<_> = roots
        .filter(|target| target.kind.iter().any(|kind| kind == "lib" || kind == "bin"))
        .filter_map(|target| target.src_path.strip_prefix(&tree.workspace.root).ok()?.to_str())
        .collect();
    let sources = tree.sources.iter().filter(|source| paths.contains(source.path.as_str()));
    Ok(sources
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}: open with `//! ` and what the crate is", source.path))
        .collect())
}

/// Each dependency from outside has its reason.
pub fn dependencies(tree: &Tree) -> Result<Vec<String>> {
    let text =
        std::fs::read_to_string(tree.workspace.root.join(DEPENDENCIES)).context(DEPENDENCIES)?;
    let packages = tree.workspace.metadata.packages.iter();
    let used: BTreeSet<_> = packages
        .flat_map(|package| &package.dependencies)
        .filter(|dependency| dependency.path.is_none())
        .map(|dependency| dependency.name.as_str())
        .collect();
    Ok(unexplained(&text, &used))
}

fn unexplained(text: &str, used: &BTreeSet<&str>) -> Vec<String> {
    let explained: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(name, _)| name))
        .collect();
    let missing = used.difference(&explained);
    let unused = explained.difference(used);
    missing
        .map(|name| format!("{DEPENDENCIES}: say why `{name}` is here"))
        .chain(unused.map(|name| format!("{DEPENDENCIES}: `{name}` is used no more; remove it")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{named_architectures, unexplained};
    use crate::check::source::Source;
    use std::collections::BTreeSet;

    #[test]
    fn architectures_are_found_in_code_only() {
        let source = Source::new("kernel/a.rs", "// r8 on x86-64\nfn f() { x86_64::halt() }\n");
        assert_eq!(named_architectures(&source), ["kernel/a.rs:2: `x86_64` belongs into arch/"]);
    }

    #[test]
    fn dependencies_and_reasons_match() {
        let text = "| name | why |\n|---|---|\n| `toml` | reads |\n| `old` | gone |\n";
        let problems = unexplained(text, &BTreeSet::from(["toml", "clap"]));
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("`clap`") && problems[1].contains("`old`"));
    }
}
