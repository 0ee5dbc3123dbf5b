//! Typed access to the fields of one TOML table; every wrong type and unknown key is a problem.

use cedo_abi::Rights;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::source::{At, Problem, Problems, Span, nearest};

/// A value with its place.
pub type Value<'a> = Spanned<DeValue<'a>>;

/// One table whose keys are known.
pub struct Fields<'a> {
    table: &'a DeTable<'a>,
    /// Where the table begins; what a missing key is reported at.
    pub span: Span,
}

/// Reads a TOML file's text by `check`. `what` it is, with its article, and `file`, its name, are for
/// the error: the text of all problems, each at its line.
pub fn read<T>(
    what: &str,
    file: &str,
    source: &str,
    check: impl FnOnce(&DeTable<'_>, &mut Problems) -> Option<T>,
) -> Result<T, String> {
    let mut problems = Problems::default();
    let (table, errors) = DeTable::parse_recoverable(source);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        problems.add(
            Problem::new(error.message(), &span, "").help("the file must be TOML: https://toml.io"),
        );
    }
    // A table with a hole in it would only cause problems that are none.
    if !problems.is_empty() {
        return Err(problems.render(what, file, source));
    }
    match check(table.get_ref(), &mut problems) {
        Some(value) if problems.is_empty() => Ok(value),
        _ => Err(problems.render(what, file, source)),
    }
}

/// The entries of a table in the order of the file.
pub fn in_order<'a>(table: &'a DeTable<'a>) -> Vec<(&'a Spanned<DeString<'a>>, &'a Value<'a>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

impl<'a> Fields<'a> {
    /// Reports every key that is not in `known`.
    pub fn new(
        table: &'a DeTable<'a>,
        span: Span,
        what: &str,
        known: &[&str],
        problems: &mut Problems,
    ) -> Fields<'a> {
        for (key, _) in in_order(table) {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let help = match nearest(name, known.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => format!("{what} has {}", known.join(", ")),
            };
            let title = format!("unknown key `{name}`");
            let label = format!("{what} has no such key");
            problems.add(Problem::new(title, &key.span(), label).help(help));
        }
        Fields { table, span }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'a Value<'a>> {
        self.table.get(key)
    }

    /// Reports that a required key is missing.
    pub fn missing(&self, key: &str, help: &str, problems: &mut Problems) {
        let problem = Problem::new(format!("missing key `{key}`"), &self.span, "needed here");
        problems.add(problem.help(help));
    }

    /// The text under a key.
    pub fn text(&self, key: &str, problems: &mut Problems) -> Option<At<String>> {
        text(self.get(key)?, problems)
    }

    /// The number under a key.
    pub fn number(&self, key: &str, problems: &mut Problems) -> Option<At<u64>> {
        number(self.get(key)?, problems)
    }

    /// The size under a key.
    pub fn size(&self, key: &str, problems: &mut Problems) -> Option<At<u64>> {
        size(self.get(key)?, problems)
    }

    /// What is true or false under a key.
    pub fn flag(&self, key: &str, problems: &mut Problems) -> Option<At<bool>> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(At::new(*flag, value.span())),
            _ => wrong(value, "`true` or `false`", problems),
        }
    }

    /// The entries of a list; none where the key is absent.
    pub fn list(&self, key: &str, problems: &mut Problems) -> &'a [Value<'a>] {
        let Some(value) = self.get(key) else { return &[] };
        match value.get_ref() {
            DeValue::Array(list) => list,
            _ => wrong(value, "a list in `[` and `]`", problems).unwrap_or(&[]),
        }
    }

    /// The tables that a key holds by name, as `[key.name]`, in the order of the file.
    pub fn tables(&self, key: &str, problems: &mut Problems) -> Vec<(At<String>, &'a DeTable<'a>)> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let DeValue::Table(tables) = value.get_ref() else {
            let expected = format!("tables such as `[{key}.name]`");
            return wrong(value, &expected, problems).unwrap_or_default();
        };
        let mut found = Vec::new();
        for (name, value) in in_order(tables) {
            match value.get_ref() {
                DeValue::Table(table) => {
                    found.push((At::new(name.get_ref().to_string(), name.span()), table));
                }
                _ => {
                    let expected = format!("a table: `[{key}.{}]`", name.get_ref());
                    wrong::<()>(value, &expected, problems);
                }
            }
        }
        found
    }

    /// A word out of a closed list, as its value.
    pub fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        choose(&self.text(key, problems)?, key, choices, problems)
    }

    /// A list of rights out of a closed list.
    pub fn rights(
        &self,
        choices: &[(&str, Rights)],
        default: Rights,
        problems: &mut Problems,
    ) -> Rights {
        if self.get("rights").is_none() {
            return default;
        }
        let mut rights = Rights::NONE;
        for value in self.list("rights", problems) {
            let Some(word) = text(value, problems) else { continue };
            match choose(&word, "right", choices, problems) {
                Some(right) => rights = rights.or(right),
                // One problem is enough: not also that no right is left.
                None => return default,
            }
        }
        rights
    }
}

/// A text.
pub fn text(value: &Value<'_>, problems: &mut Problems) -> Option<At<String>> {
    match value.get_ref() {
        DeValue::String(text) => Some(At::new(text.to_string(), value.span())),
        _ => wrong(value, "a text in quotes", problems),
    }
}

/// A number.
pub fn number(value: &Value<'_>, problems: &mut Problems) -> Option<At<u64>> {
    let DeValue::Integer(integer) = value.get_ref() else {
        return wrong(value, "a number", problems);
    };
    match u64::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(number) => Some(At::new(number, value.span())),
        Err(_) => wrong(value, "a number from 0 to 2^64 - 1", problems),
    }
}

/// A size: bytes as a number, or a text with K, M or G (powers of 1024).
pub fn size(value: &Value<'_>, problems: &mut Problems) -> Option<At<u64>> {
    let DeValue::String(text) = value.get_ref() else { return number(value, problems) };
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K') => (&text[..text.len() - 1], 10),
        Some(b'M') => (&text[..text.len() - 1], 20),
        Some(b'G') => (&text[..text.len() - 1], 30),
        _ => (&text[..], 0),
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    match bytes {
        Some(bytes) => Some(At::new(bytes, value.span())),
        None => wrong(value, "a size such as 4096, \"16K\", \"64M\" or \"1G\"", problems),
    }
}

/// The value that belongs to a word.
pub fn choose<T: Copy>(
    word: &At<String>,
    what: &str,
    choices: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word.value) {
        return Some(*value);
    }
    let names: Vec<_> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
    let title = format!("unknown {what} `{}`", word.value);
    let problem = Problem::new(title, &word.span, format!("not a {what}"));
    problems.add(problem.help(format!("it can be {}", names.join(", "))));
    None
}

/// Reports a value of a wrong type.
pub fn wrong<T>(value: &Value<'_>, expected: &str, problems: &mut Problems) -> Option<T> {
    let title = format!("expected {expected}");
    let label = format!("this is {}", describe(value.get_ref()));
    problems.add(Problem::new(title, &value.span(), label));
    None
}

fn describe(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
