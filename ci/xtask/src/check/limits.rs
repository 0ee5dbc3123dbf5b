//! Lengths of files, functions, kernel core and machine interface.

use super::Tree;
use super::source::{Source, words};
use anyhow::Result;

const FILE_LINES: usize = 400;
const TEST_FILE_LINES: usize = 800;
const FUNCTION_LINES: usize = 60;
/// Scheduling policies are a file each.
const POLICY: &str = "/src/policy.rs";
const POLICY_LINES: usize = 100;
/// Assembly has one operation per line, and a comment beside it.
const ASSEMBLY: &str = "naked_asm!";
const ASSEMBLY_LINES: usize = 120;
const MACHINE: &str = "kernel/machine";
/// This trait is the kernel's; architectures only call it.
const UPCALLS: &str = "Upcalls";
const MACHINE_METHODS: usize = 49;
const CORE: &str = "kernel/core";
/// The aim is 8000.
const CORE_LINES: usize = 9785;

/// No file is longer than a person reads.
pub fn files(tree: &Tree) -> Result<Vec<String>> {
    Ok(tree.sources.iter().filter_map(long_file).collect())
}

fn long_file(source: &Source) -> Option<String> {
    let limit = if source.is_test() { TEST_FILE_LINES } else { FILE_LINES };
    let lines = source.text.lines().count();
    (lines > limit).then(|| format!("{}: {lines} lines; the limit is {limit}", source.path))
}

/// A policy is small enough that somebody writes another one.
pub fn policies(tree: &Tree) -> Result<Vec<String>> {
    Ok(tree.below("servers").filter_map(long_policy).collect())
}

fn long_policy(source: &Source) -> Option<String> {
    let lines = source.text.lines().count();
    let is_long = source.path.ends_with(POLICY) && lines > POLICY_LINES;
    is_long.then(|| format!("{}: {lines} lines; the limit is {POLICY_LINES}", source.path))
}

/// No function is longer than a screen.
pub fn functions(tree: &Tree) -> Result<Vec<String>> {
    Ok(tree.sources.iter().flat_map(long_functions).collect())
}

fn long_functions(source: &Source) -> Vec<String> {
    bodies(&source.code, "fn")
        .into_iter()
        .filter_map(|Body { name, line, lines, text }| {
            let limit = if text.contains(ASSEMBLY) { ASSEMBLY_LINES } else { FUNCTION_LINES };
            let path = &source.path;
            let problem =
                format!("{path}:{line}: `{name}` has {lines} lines; the limit is {limit}");
            (lines > limit).then_some(problem)
        })
        .collect()
}

/// The traits that an architecture implements have few methods.
pub fn machine_methods(tree: &Tree) -> Result<Vec<String>> {
    let count: usize = tree.below(MACHINE).map(trait_methods).sum();
    if count == 0 {
        return Ok(vec![format!("{MACHINE} has no trait with methods")]);
    }
    let problem = format!("{MACHINE}: {count} trait methods; the limit is {MACHINE_METHODS}");
    Ok(if count > MACHINE_METHODS { vec![problem] } else { Vec::new() })
}

fn trait_methods(source: &Source) -> usize {
    let traits = bodies(&source.code, "trait");
    let implemented = traits.iter().filter(|body| body.name != UPCALLS);
    implemented.map(|body| words(body.text).filter(|word| *word == "fn").count()).sum()
}

/// The kernel core is small enough to be read.
pub fn core_lines(tree: &Tree) -> Result<Vec<String>> {
    let sources = tree.below(CORE).filter(|source| !source.is_test());
    let lines: usize = sources.map(Source::code_lines).sum();
    let problem = format!("{CORE}: {lines} lines of code without tests; the limit is {CORE_LINES}");
    Ok(if lines > CORE_LINES { vec![problem] } else { Vec::new() })
}

/// An item with braces.
struct Body<'a> {
    name: &'a str,
    /// Where it starts, from 1.
    line: usize,
    /// From its first line to its closing brace.
    lines: usize,
    /// What is between the braces.
    text: &'a str,
}

/// All items that `keyword` starts and that have a body.
fn bodies<'a>(code: &'a str, keyword: &str) -> Vec<Body<'a>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = code[at..].find(keyword) {
        let start = at + offset;
        at = start + keyword.len();
        let alone = words_touch(code, start, at);
        let name = words(&code[at..]).next().unwrap_or_default();
        if alone && let Some(range) = braces(&code[at..]) {
            let (open, close) = (at + range.0, at + range.1);
            found.push(Body {
                name,
                line: code[..start].matches('\n').count() + 1,
                lines: code[start..close].matches('\n').count() + 1,
                text: &code[open + 1..close],
            });
        }
    }
    found
}

/// True if the word from `start` to `end` is not part of a longer one, and a name follows.
fn words_touch(code: &str, start: usize, end: usize) -> bool {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let before = code[..start].chars().next_back();
    let mut after = code[end..].chars();
    !before.is_some_and(is_part) && after.next() == Some(' ') && after.next().is_some_and(is_part)
}

/// First `{` and its `}` in an item; `None` if the item ends without a body.
fn braces(code: &str) -> Option<(usize, usize)> {
    let mut open = None;
    let (mut depth, mut nested) = (0_usize, 0_usize);
    for (at, letter) in code.char_indices() {
        match letter {
            '(' | '[' if open.is_none() => nested += 1,
            ')' | ']' if open.is_none() => nested = nested.saturating_sub(1),
            ';' if open.is_none() && nested == 0 => return None,
            '{' if nested == 0 || open.is_some() => {
                open.get_or_insert(at);
                depth += 1;
            }
            '}' if open.is_some() => {
                depth -= 1;
                if depth == 0 {
                    return open.map(|open| (open, at));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{long_file, long_functions, long_policy, trait_methods};
    use crate::check::source::Source;

    #[test]
    fn test_files_may_be_longer() {
        let text = "\n".repeat(500);
        assert!(long_file(&Source::new("a/src/b.rs", &text)).unwrap().contains("500 lines"));
        assert_eq!(long_file(&Source::new("a/src/b_tests.rs", &text)), None);
    }

    #[test]
    fn policies_are_shorter() {
        let text = "\n".repeat(101);
        let long = long_policy(&Source::new("servers/sched-x/src/policy.rs", &text));
        assert!(long.unwrap().contains("101 lines; the limit is 100"));
        assert_eq!(long_policy(&Source::new("servers/sched-x/src/main.rs", &text)), None);
        assert_eq!(long_policy(&Source::new("servers/sched-x/src/policy.rs", &text[1..])), None);
    }

    #[test]
    fn long_functions_are_named_with_their_line() {
        let body = "    x();\n".repeat(70);
        let text =
            format!("trait T {{\n    fn none(&self, x: [u8; 4]);\n}}\nfn big() {{\n{body}}}\n");
        let problems = long_functions(&Source::new("a.rs", &text));
        assert_eq!(problems, ["a.rs:4: `big` has 72 lines; the limit is 60"]);
        let short = format!("fn big() {{\n{}}}\n", "    x();\n".repeat(58));
        assert!(long_functions(&Source::new("a.rs", &short)).is_empty());
    }

    #[test]
    fn assembly_may_be_longer() {
        let body = "        \"nop\",\n".repeat(70);
        let naked = format!("fn entry() {{\n    naked_asm!(\n{body}    )\n}}\n");
        assert!(long_functions(&Source::new("a.rs", &naked)).is_empty());
        let called = naked.replace("naked_asm!", "print!");
        assert_eq!(long_functions(&Source::new("a.rs", &called)).len(), 1);
    }

    #[test]
    fn only_methods_of_traits_count() {
        let text = "fn a() {}\ntrait T {\n    fn b(&self);\n    fn c(&self) { d() }\n}\nimpl T for U {\n    fn b(&self) {}\n}\ntrait Upcalls {\n    fn e();\n}\n";
        assert_eq!(trait_methods(&Source::new("a.rs", text)), 2);
    }
}
