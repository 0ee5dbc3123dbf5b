//! Which crate may depend on which.

use super::Tree;
use crate::workspace::{Dependency, Package, Workspace};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const FILE: &str = "ci/deps.toml";

/// `ci/deps.toml`: folders of crates, and the folders they may depend on. `x/*` stands for every
/// crate in `x` that is not named itself, as a key and in a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    /// Normal and build dependencies.
    normal: BTreeMap<String, BTreeSet<String>>,
    /// Dependencies of tests, beyond those.
    test: BTreeMap<String, BTreeSet<String>>,
}

/// Each dependency within the workspace is allowed.
pub fn check(tree: &Tree) -> Result<Vec<String>> {
    let workspace = &tree.workspace;
    let text = std::fs::read_to_string(workspace.root.join(FILE)).context(FILE)?;
    let allowed: Allowed = toml::from_str(&text).context(FILE)?;
    let packages = workspace.metadata.packages.iter();
    Ok(packages.flat_map(|package| problems(workspace, package, &allowed)).collect())
}

fn problems(workspace: &Workspace, package: &Package, allowed: &Allowed) -> Vec<String> {
    let from = workspace.folder(package);
    let arrows = package.dependencies.iter().filter_map(|dependency| {
        let to = folder(&workspace.root, dependency)?;
        Some((to, dependency.kind.as_deref() == Some("dev")))
    });
    arrows.filter_map(|(to, test)| problem(&from, &to, test, allowed)).collect()
}

fn problem(from: &str, to: &str, test: bool, allowed: &Allowed) -> Option<String> {
    let Some(normal) = entry(&allowed.normal, from) else {
        return Some(format!("{from} is not in {FILE}; say what it may depend on"));
    };
    let extra = if test { entry(&allowed.test, from) } else { None };
    let fine = covers(normal, to) || extra.is_some_and(|extra| covers(extra, to));
    let what = if test { "its tests depend" } else { "it depends" };
    (!fine).then(|| format!("{from}: {what} on {to}, which {FILE} does not allow"))
}

/// The entry of a folder, or of `x/*` above it.
fn entry<'a, T>(map: &'a BTreeMap<String, T>, folder: &str) -> Option<&'a T> {
    map.get(folder).or_else(|| map.get(&pattern(folder)))
}

fn covers(list: &BTreeSet<String>, folder: &str) -> bool {
    list.contains(folder) || list.contains(&pattern(folder))
}

fn pattern(folder: &str) -> String {
    let parent = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    format!("{parent}/*")
}

/// Folder of a dependency that is a crate of ours.
fn folder(root: &Path, dependency: &Dependency) -> Option<String> {
    let folder = dependency.path.as_ref()?.strip_prefix(root).ok()?;
    Some(folder.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::{Allowed, problem};

    fn allowed() -> Allowed {
        toml::from_str(
            "[normal]\n\"a/x\" = []\n\"a/*\" = [\"a/x\", \"b/*\"]\n[test]\n\"a/x\" = [\"a/z\"]\n",
        )
        .unwrap()
    }

    #[test]
    fn an_entry_of_its_own_comes_before_the_pattern() {
        assert_eq!(problem("a/y", "a/x", false, &allowed()), None);
        assert_eq!(problem("a/y", "b/anything", false, &allowed()), None);
        assert!(problem("a/x", "a/x", false, &allowed()).unwrap().contains("it depends on a/x"));
    }

    #[test]
    fn tests_may_have_more() {
        assert_eq!(problem("a/x", "a/z", true, &allowed()), None);
        assert!(problem("a/x", "a/z", false, &allowed()).is_some());
        assert_eq!(problem("a/y", "a/x", true, &allowed()), None);
    }

    #[test]
    fn an_unknown_crate_is_a_problem() {
        assert!(problem("c/new", "a/x", false, &allowed()).unwrap().contains("not in ci/deps"));
    }
}
