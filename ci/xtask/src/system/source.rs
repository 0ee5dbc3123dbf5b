//! Where something stands in a file, and problems shown the way rustc shows them.

use std::fmt::Write as _;
use std::ops::Range;

/// Bytes of the source.
pub type Span = Range<usize>;

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> At<T> {
    /// Both together.
    pub fn new(value: T, span: Span) -> At<T> {
        At { value, span }
    }
}

/// Something wrong with the file.
#[derive(Clone, Debug)]
pub struct Problem {
    title: String,
    at: Span,
    label: String,
    related: Option<(Span, String)>,
    help: Option<String>,
}

impl Problem {
    /// What is wrong, where, and what to say under the carets.
    pub fn new(title: impl Into<String>, at: &Span, label: impl Into<String>) -> Problem {
        let (title, label) = (title.into(), label.into());
        Problem { title, at: at.clone(), label, related: None, help: None }
    }

    /// Another place that has to do with it.
    pub fn related(mut self, at: &Span, label: impl Into<String>) -> Problem {
        self.related = Some((at.clone(), label.into()));
        self
    }

    /// What to do.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.help = Some(help.into());
        self
    }
}

/// All problems of one file.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
}

impl Problems {
    /// One more.
    pub fn add(&mut self, problem: Problem) {
        self.list.push(problem);
    }

    /// True if the file is good so far.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All problems in the order of the file, and a last line that counts them. `what` the file is, with
    /// its article.
    pub fn render(mut self, what: &str, file: &str, source: &str) -> String {
        self.list.sort_by_key(|problem| problem.at.start);
        let mut text = String::new();
        for problem in &self.list {
            text.push_str(&render(problem, file, source));
            text.push('\n');
        }
        let errors = match self.list.len() {
            1 => "1 previous error".to_string(),
            count => format!("{count} previous errors"),
        };
        let _ = write!(text, "error: could not use {what} `{file}` due to {errors}");
        text
    }
}

/// One underline: row and columns (from 0, in characters), mark, label.
struct Underline<'a> {
    row: usize,
    columns: Range<usize>,
    mark: &'static str,
    label: &'a str,
}

fn render(problem: &Problem, file: &str, source: &str) -> String {
    let mut underlines = vec![underline(source, &problem.at, "^", &problem.label)];
    if let Some((span, label)) = &problem.related {
        underlines.push(underline(source, span, "-", label));
    }
    let row = underlines[0].row;
    let start = floor(source, problem.at.start);
    let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let column = source[line_start..start].chars().count();
    underlines.sort_by_key(|underline| (underline.row, underline.columns.start));
    let last = underlines.last().map_or(row, |underline| underline.row);
    let width = (last + 1).to_string().len();
    let mut text = format!("error: {}\n", problem.title);
    let _ = writeln!(text, "{:width$}--> {file}:{}:{}", "", row + 1, column + 1);
    let _ = writeln!(text, "{:width$} |", "");
    let mut shown: Option<usize> = None;
    for underline in &underlines {
        if shown != Some(underline.row) {
            if shown.is_some_and(|shown| shown + 1 < underline.row) {
                text.push_str("...\n");
            }
            let line = line(source, underline.row);
            let _ = writeln!(text, "{:>width$} | {line}", underline.row + 1);
            shown = Some(underline.row);
        }
        let marks = underline.mark.repeat(underline.columns.len());
        let indent = underline.columns.start;
        let row = format!("{:width$} | {:indent$}{marks} {}", "", "", underline.label);
        let _ = writeln!(text, "{}", row.trim_end());
    }
    if let Some(help) = &problem.help {
        let _ = writeln!(text, "{:width$} |", "");
        let _ = writeln!(text, "{:width$} = help: {help}", "");
    }
    text
}

/// Finds a span in the text; of several lines only the first is underlined, at least one column.
fn underline<'a>(source: &str, span: &Span, mark: &'static str, label: &'a str) -> Underline<'a> {
    let start = floor(source, span.start);
    let end = floor(source, span.end).max(start);
    let row = source[..start].matches('\n').count();
    let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = source[start..].find(['\n', '\r']).map_or(source.len(), |at| start + at);
    let first = columns(&source[line_start..start]);
    let length = columns(&source[start..end.min(line_end)]).max(1);
    Underline { row, columns: first..first + length, mark, label }
}

/// The last character boundary at or before `at`.
fn floor(source: &str, at: usize) -> usize {
    let at = at.min(source.len());
    (0..=at).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

/// A tab is shown as four spaces.
const TAB: &str = "    ";

fn columns(text: &str) -> usize {
    text.chars().map(|character| if character == '\t' { TAB.len() } else { 1 }).sum()
}

fn line(source: &str, row: usize) -> String {
    source.split('\n').nth(row).unwrap_or("").trim_end().replace('\t', TAB)
}

/// The one of `known` that a person probably meant.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + wanted.chars().count() / 4;
    let candidates = known.into_iter().map(|name| (distance(wanted, name), name));
    candidates.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

/// Insertions, deletions and replacements from one text to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, character) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for column in 0..to.len() {
            let replaced = diagonal + usize::from(character != to[column]);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
