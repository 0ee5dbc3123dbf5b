//! Documents name what exists: linked files, sources, functions.

use super::Tree;
use super::source::{SKIPPED, Source};
use anyhow::{Context, Result};
use std::path::Path;

/// Opens a block whose lines name functions and the files they are in.
const CALLS: &str = "```calls";
const FENCE: &str = "```";
/// How names of files end that a document may put between backticks.
const FILES: [&str; 4] = [".rs", ".toml", ".md", ".ld"];

/// One document.
struct Document {
    /// Relative to the checkout, with `/`.
    path: String,
    text: String,
}

/// Every file and function that a document names is there.
pub fn check(tree: &Tree) -> Result<Vec<String>> {
    let root = &tree.workspace.root;
    let mut documents = Vec::new();
    read_folder(root, root, &mut documents)?;
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    let is_there = |path: &str| root.join(path).exists();
    Ok(documents.iter().flat_map(|document| problems(document, &tree.sources, &is_there)).collect())
}

fn read_folder(root: &Path, folder: &Path, documents: &mut Vec<Document>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            read_folder(root, &path, documents)?;
        } else if name.ends_with(".md") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            documents.push(Document { path, text });
        }
    }
    Ok(())
}

fn problems(
    document: &Document,
    sources: &[Source],
    is_there: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut block: Option<bool> = None;
    for (number, line) in document.text.lines().enumerate() {
        let mut report = |what: String| {
            problems.push(format!("{}:{}: {what}", document.path, number + 1));
        };
        match block {
            _ if line.starts_with(FENCE) => {
                block = if block.is_some() { None } else { Some(line.trim_end() == CALLS) };
            }
            Some(true) => missing_calls(line, sources).into_iter().for_each(&mut report),
            Some(false) => {}
            None => {
                let missing = links(line).filter(|link| !is_there(&beside(&document.path, link)));
                missing.for_each(|link| report(format!("there is no {link} to link to")));
                let missing =
                    files(line).filter(|file| !names_a_file(file, document, sources, is_there));
                missing.for_each(|file| report(format!("there is no file {file}")));
            }
        }
    }
    problems
}

/// What is wrong with a line of functions and files: `one, two  a.rs, b.rs`, perhaps several times.
fn missing_calls(line: &str, sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    let (mut names, mut paths) = (Vec::new(), Vec::new());
    // The last word ends whatever list the line ends with.
    for word in line.split_whitespace().chain([""]) {
        let (name, goes_on) = (word.trim_end_matches(','), word.ends_with(','));
        if name.ends_with(".rs") {
            paths.push(name);
            continue;
        }
        if !paths.is_empty() {
            problems.extend(undefined(&names, &paths, sources));
            (names, paths) = (Vec::new(), Vec::new());
        }
        if !names.last().is_some_and(|(_, goes_on)| *goes_on) {
            names.clear();
        }
        names.push((name, goes_on));
    }
    problems
}

/// Names that none of the files defines, as a function or as a label of assembly.
fn undefined(names: &[(&str, bool)], paths: &[&str], sources: &[Source]) -> Vec<String> {
    let files: Vec<_> = sources.iter().filter(|source| paths.contains(&&*source.path)).collect();
    let gone = paths.iter().filter(|path| !files.iter().any(|file| file.path == **path));
    let gone = gone.map(|path| format!("there is no {path}"));
    let unknown = names.iter().filter(|(name, _)| !files.iter().any(|file| defines(file, name)));
    let unknown = unknown.map(|(name, _)| format!("{} defines no `{name}`", paths.join(", ")));
    gone.chain(unknown).collect()
}

fn defines(source: &Source, name: &str) -> bool {
    let function = ["(", "<"].iter().any(|end| source.code.contains(&format!("fn {name}{end}")));
    function || source.text.lines().any(|line| line.strip_suffix(':') == Some(name))
}

/// Targets of links within the checkout.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|target| !target.is_empty() && !target.contains("://"))
}

/// Files between backticks, with a folder before them.
fn files(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted.filter(|text| {
        let plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
        text.contains('/')
            && text.chars().all(plain)
            && FILES.iter().any(|ending| text.ends_with(ending))
    })
}

fn names_a_file(
    file: &str,
    document: &Document,
    sources: &[Source],
    is_there: &dyn Fn(&str) -> bool,
) -> bool {
    let tail = format!("/{}", file.trim_start_matches("../"));
    is_there(file)
        || is_there(&beside(&document.path, file))
        || sources.iter().any(|source| source.path.ends_with(&tail))
}

/// `target` as seen from the folder of `document`.
fn beside(document: &str, target: &str) -> String {
    match document.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{target}"),
        None => target.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Document, problems};
    use crate::check::source::Source;

    fn found(text: &str) -> Vec<String> {
        let sources = [
            Source::new("k/src/ipc/send.rs", "fn owe(&self) {}\nfn called<T>() {}\n"),
            Source::new("a/boot.rs", "// text\nasm!(\"\nentry:\n cli\n\")\n"),
        ];
        let document = Document { path: "docs/a.md".to_string(), text: text.to_string() };
        problems(&document, &sources, &|path| ["docs/b.md", "ci/deps.toml"].contains(&path))
    }

    #[test]
    fn functions_are_looked_for_in_their_files() {
        assert!(
            found("```calls\n owe, called  k/src/ipc/send.rs  -> entry a/boot.rs x\n```\n")
                .is_empty()
        );
        assert_eq!(
            found("```calls\n owe, lend  k/src/ipc/send.rs words\n\n lost b.rs\n```\n"),
            [
                "docs/a.md:2: k/src/ipc/send.rs defines no `lend`",
                "docs/a.md:4: there is no b.rs",
                "docs/a.md:4: b.rs defines no `lost`",
            ]
        );
        assert!(found("```text\nlost b.rs\n```\n").is_empty());
    }

    #[test]
    fn a_name_may_be_in_any_file_of_its_list() {
        assert!(found("```calls\nowe, entry  k/src/ipc/send.rs, a/boot.rs\n```\n").is_empty());
    }

    #[test]
    fn links_and_files_are_looked_for() {
        assert!(
            found("[b](b.md#x) [c](https://c.d/e) `ipc/send.rs` `ci/deps.toml` `f.rs`\n")
                .is_empty()
        );
        assert_eq!(
            found("see [c](c.md)\nand `ipc/lost.rs`\n"),
            [
                "docs/a.md:1: there is no c.md to link to",
                "docs/a.md:2: there is no file ipc/lost.rs"
            ]
        );
    }
}
