//! Where unsafe code may be.

use super::Tree;
use super::source::{Source, words};
use crate::workspace::{Package, Workspace};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

const FILE: &str = "ci/unsafe.toml";
const FORBID: &str = "#![forbid(unsafe_code)]";
const EXPECT: &str = "expect(unsafe_code, reason";

/// `ci/unsafe.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// Folders of crates that may contain unsafe code, and why.
    crates: BTreeMap<String, String>,
    /// Folders of crates that may contain unsafe attributes only, and how many.
    attributes: BTreeMap<String, usize>,
}

/// Unsafe code is in the listed crates only, and each crate says so itself.
pub fn check(tree: &Tree) -> Result<Vec<String>> {
    let workspace = &tree.workspace;
    let allowed = read(workspace)?;
    let folders: Vec<_> =
        workspace.metadata.packages.iter().map(|package| workspace.folder(package)).collect();
    let listed = allowed.crates.keys().chain(allowed.attributes.keys());
    let mut problems: Vec<_> = listed
        .filter(|folder| !folders.contains(folder))
        .map(|folder| format!("{FILE}: there is no crate {folder}; remove it"))
        .collect();
    for package in &workspace.metadata.packages {
        problems.extend(of_package(tree, package, &allowed));
    }
    problems.extend(tree.sources.iter().flat_map(static_mut));
    Ok(problems)
}

fn read(workspace: &Workspace) -> Result<Allowed> {
    let text = std::fs::read_to_string(workspace.root.join(FILE)).context(FILE)?;
    toml::from_str(&text).context(FILE)
}

/// Packages that may contain unsafe code.
pub fn unsafe_packages(tree: &Tree) -> Result<Vec<&str>> {
    let workspace = &tree.workspace;
    let allowed = read(workspace)?;
    let packages = workspace.metadata.packages.iter();
    Ok(packages
        .filter(|package| allowed.crates.contains_key(&workspace.folder(package)))
        .map(|package| package.name.as_str())
        .collect())
}

fn of_package(tree: &Tree, package: &Package, allowed: &Allowed) -> Vec<String> {
    let folder = tree.workspace.folder(package);
    let sources: Vec<_> = tree.below(&folder).collect();
    if allowed.crates.contains_key(&folder) {
        return announcement(tree, package, EXPECT);
    }
    if let Some(count) = allowed.attributes.get(&folder) {
        return attributes(&folder, &sources, *count);
    }
    let mut problems = announcement(tree, package, FORBID);
    problems.extend(sources.iter().flat_map(|source| {
        let lines = source.lines_with("unsafe").into_iter();
        lines.map(|line| format!("{}:{line}: unsafe code; {FILE} lists no {folder}", source.path))
    }));
    problems
}

/// The crate roots of a package contain `text`.
fn announcement(tree: &Tree, package: &Package, text: &str) -> Vec<String> {
    let roots = package
        .targets
        .iter()
        .filter(|target| target.kind.iter().any(|kind| kind == "lib" || kind == "bin"));
    roots
        .filter_map(|target| {
            let path = target.src_path.strip_prefix(&tree.workspace.root).ok()?.to_str()?;
            let source = tree.sources.iter().find(|source| source.path == path)?;
            (!source.text.contains(text)).then(|| format!("{path}: `{text}` is missing"))
        })
        .collect()
}

/// All that is unsafe are attributes, and not more than `count`.
fn attributes(folder: &str, sources: &[&Source], count: usize) -> Vec<String> {
    let mut found = 0;
    let mut problems = Vec::new();
    for source in sources {
        for line in source.lines_with("unsafe") {
            let text = source.code.lines().nth(line - 1).unwrap_or_default().trim();
            if text.starts_with("#[unsafe(") {
                found += 1;
            } else {
                problems.push(format!(
                    "{}:{line}: unsafe code; {FILE} allows attributes only",
                    source.path
                ));
            }
        }
    }
    if found > count {
        problems.push(format!("{folder}: {found} unsafe attributes; {FILE} allows {count}"));
    }
    problems
}

fn static_mut(source: &Source) -> Vec<String> {
    let lines = source.code.lines().enumerate();
    lines
        .filter(|(_, line)| {
            let words: Vec<_> = words(line).collect();
            words.windows(2).any(|pair| pair == ["static", "mut"]) && !line.contains("'static mut")
        })
        .map(|(line, _)| format!("{}:{}: static mut is not allowed", source.path, line + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{attributes, static_mut};
    use crate::check::source::Source;

    #[test]
    fn a_board_may_mark_its_entry() {
        let entry = Source::new("b/m.rs", "#[unsafe(no_mangle)]\nfn start() {}\n");
        assert!(attributes("b", &[&entry], 1).is_empty());
        assert_eq!(attributes("b", &[&entry, &entry], 1).len(), 1);
        let block = Source::new("b/m.rs", "fn start() { unsafe { x() } }\n");
        assert!(attributes("b", &[&block], 1)[0].starts_with("b/m.rs:1: unsafe code"));
    }

    #[test]
    fn mutable_statics_are_found_and_lifetimes_are_not() {
        assert_eq!(static_mut(&Source::new("a.rs", "\npub static mut X: u8 = 0;")).len(), 1);
        assert!(static_mut(&Source::new("a.rs", "fn f(x: &'static mut [u8]) {}")).is_empty());
        assert!(static_mut(&Source::new("a.rs", "// static mut\n")).is_empty());
    }
}
