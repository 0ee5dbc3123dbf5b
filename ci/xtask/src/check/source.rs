//! Rust source without comments and strings, so that rules can look for words.

use anyhow::{Context, Result};
use std::path::Path;

/// Folders without sources of ours.
pub const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// One Rust file.
pub struct Source {
    /// Relative to the checkout, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
    /// The same with comments, strings and characters blanked; lines stay where they are.
    pub code: String,
}

impl Source {
    /// Of a text.
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_string(), text: text.to_string(), code: blank(text) }
    }

    /// True for files that only hold tests.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.ends_with("tests.rs") || self.path.split('/').any(|folder| folder == "tests")
    }

    /// True if it has tests, which then run on the host.
    pub fn has_tests(&self) -> bool {
        self.code.contains("#[test]")
    }

    /// Lines with code outside of test modules.
    pub fn code_lines(&self) -> usize {
        let start = self.code.find("#[cfg(test)]\nmod tests {").unwrap_or(self.code.len());
        self.code[..start].lines().filter(|line| !line.trim().is_empty()).count()
    }

    /// Line numbers, from 1, at which `word` stands alone in the code.
    pub fn lines_with(&self, word: &str) -> Vec<usize> {
        let lines = self.code.lines().enumerate();
        lines
            .filter(|(_, line)| words(line).any(|other| other == word))
            .map(|(n, _)| n + 1)
            .collect()
    }
}

/// Identifiers, keywords and numbers of a line.
pub fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .filter(|word| !word.is_empty())
}

/// All Rust files below `root`, sorted by path.
pub fn read_all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    read_folder(root, root, &mut sources)?;
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn read_folder(root: &Path, folder: &Path, sources: &mut Vec<Source>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            read_folder(root, &path, sources)?;
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            sources.push(Source::new(&relative.to_string_lossy(), &text));
        }
    }
    Ok(())
}

/// Blanks everything that is not code (The Rust Reference, "Tokens" and "Comments").
fn blank(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let length = skipped(&letters, at);
        if length == 0 {
            code.push(letters[at]);
            at += 1;
            continue;
        }
        let end = (at + length).min(letters.len());
        code.extend(letters[at..end].iter().map(|letter| if *letter == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// Letters of the comment, string or character that starts at `at`; 0 if none does.
fn skipped(letters: &[char], at: usize) -> usize {
    let next = |offset: usize| letters.get(at + offset).copied().unwrap_or('\0');
    let in_word = at > 0 && (letters[at - 1].is_alphanumeric() || letters[at - 1] == '_');
    match (letters[at], next(1)) {
        ('/', '/') => letters[at..].iter().take_while(|letter| **letter != '\n').count(),
        ('/', '*') => block_comment(&letters[at..]),
        ('"', _) => string(&letters[at..]),
        ('r', '"' | '#') if !in_word => raw_string(&letters[at + 1..]).map_or(0, |n| n + 1),
        ('b' | 'c', 'r') if !in_word => raw_string(&letters[at + 2..]).map_or(0, |n| n + 2),
        ('\'', '\\') => {
            2 + letters[at + 2..].iter().skip(1).take_while(|l| **l != '\'').count() + 2
        }
        ('\'', _) if next(2) == '\'' => 3,
        _ => 0,
    }
}

fn block_comment(letters: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at + 1 < letters.len() {
        match (letters[at], letters[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    letters.len()
}

fn string(letters: &[char]) -> usize {
    let mut at = 1;
    while at < letters.len() && letters[at] != '"' {
        at += if letters[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Length of `#*"..."#*`, or `None` if that is not what stands here.
fn raw_string(letters: &[char]) -> Option<usize> {
    let hashes = letters.iter().take_while(|letter| **letter == '#').count();
    if letters.get(hashes) != Some(&'"') {
        return None;
    }
    let mut at = hashes + 1;
    while at < letters.len() {
        let end = at + 1 + hashes;
        if letters[at] == '"' && letters[at + 1..].iter().take(hashes).all(|l| *l == '#') {
            return Some(end);
        }
        at += 1;
    }
    Some(letters.len())
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn code(text: &str) -> String {
        Source::new("a.rs", text).code
    }

    #[test]
    fn comments_and_strings_are_blank() {
        assert_eq!(code("a // unsafe\nb"), "a          \nb");
        assert_eq!(code("a /* x /* y */ z */ b").split_whitespace().collect::<String>(), "ab");
        assert_eq!(code("f(\"un\\\"safe\", b\"x\")").trim_start(), "f(          , b   )");
        assert_eq!(code("r#\"un\"safe\"# + 1").trim(), "+ 1");
        assert_eq!(code("for r#type in x").trim(), "for r#type in x");
    }

    #[test]
    fn characters_are_blank_and_lifetimes_are_not() {
        assert_eq!(code("x('\"', '\\'', '\\u{41}', 'a')").replace(' ', ""), "x(,,,)");
        assert_eq!(code("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
    }

    #[test]
    fn lines_stay_where_they_are() {
        let source = Source::new("a.rs", "/*\n*/\n\"\n\"\nunsafe {}\nunsafe_code\n");
        assert_eq!(source.lines_with("unsafe"), [5]);
    }

    #[test]
    fn test_modules_are_no_code() {
        let source = Source::new("a.rs", "//! x\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n");
        assert_eq!(source.code_lines(), 1);
        assert!(Source::new("kernel/core/src/ipc_tests.rs", "").is_test());
        assert!(Source::new("kernel/core/tests/a.rs", "").is_test());
        assert!(!Source::new("kernel/core/src/a.rs", "").is_test());
    }
}
