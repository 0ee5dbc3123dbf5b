//! Scenarios (`hil/scenarios/*.toml`): what is booted and what must be seen.

use crate::board::Board;
use crate::system::fields::{self, Fields, Value};
use crate::system::source::{At, Problem, Problems};
use regex::Regex;
use std::time::Duration;
use toml::de::DeTable;

/// The line that every boot begins with.
const START: &str = r"^Cedo \d+\.\d+\.\d+: ";
/// What no board may say, whatever the scenario.
const NEVER: [&str; 3] = ["^panic: ", "^cannot boot: ", "^cannot start: "];
const SETTLE_MS: u64 = 500;

/// A scenario.
#[derive(Debug)]
pub struct Scenario {
    pub name: String,
    /// Its first comment line.
    pub about: String,
    pub system: String,
    pub boards: Vec<Board>,
    /// The first line after each start.
    pub start: Regex,
    /// Lines that must come, in this order.
    pub expect: Vec<Regex>,
    /// Lines that must not come.
    pub forbid: Vec<Regex>,
    pub bounds: Vec<Bound>,
    /// For all of it.
    pub total: Duration,
    /// Without a line; the rig's if nothing is said.
    pub silence: Option<Duration>,
    /// How long lines that may not come are looked for after the last that must.
    pub settle: Duration,
}

/// A figure on the console, and its bounds; each line that has it counts.
#[derive(Debug)]
pub struct Bound {
    pub name: String,
    /// The figure is the first group.
    pub line: Regex,
    pub unit: String,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    pub judged: Judged,
}

/// Where a bound is held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judged {
    /// Where time is real.
    Board,
    /// On emulators, too.
    Always,
}

const KEYS: [&str; 9] =
    ["system", "boards", "start", "expect", "forbid", "total_s", "silence_s", "settle_ms", "bound"];
const BOUND_KEYS: [&str; 5] = ["line", "unit", "at_least", "at_most", "judged"];
const JUDGED: [(&str, Judged); 2] = [("board", Judged::Board), ("always", Judged::Always)];

/// Checks the text of a file called `file`; `systems` are those that can be booted.
pub fn parse(name: &str, file: &str, source: &str, systems: &[String]) -> Result<Scenario, String> {
    fields::read("the scenario", file, source, |table, problems| {
        let fields = Fields::new(table, 0..0, "a scenario", &KEYS, problems);
        let system = system(&fields, systems, problems);
        let expect = patterns(&fields, "expect", problems);
        if expect.is_empty() && problems.is_empty() {
            fields.missing("expect", "name at least one line, such as '^mixed: .* ok$'", problems);
        }
        let total = fields.number("total_s", problems);
        if total.is_none() && problems.is_empty() {
            fields.missing("total_s", "say after how many seconds it has failed", problems);
        }
        let mut forbid: Vec<_> = NEVER.iter().filter_map(|text| Regex::new(text).ok()).collect();
        forbid.extend(patterns(&fields, "forbid", problems));
        let start = match fields.get("start") {
            Some(value) => pattern(value, problems)?,
            None => Regex::new(START).ok()?,
        };
        let silence = fields.number("silence_s", problems);
        let settle_ms = fields.number("settle_ms", problems).map_or(SETTLE_MS, |ms| ms.value);
        Some(Scenario {
            name: name.to_string(),
            about: about(source),
            boards: boards(&fields, problems),
            bounds: bounds(&fields, problems),
            system: system?,
            start,
            expect,
            forbid,
            total: Duration::from_secs(total?.value),
            silence: silence.map(|seconds| Duration::from_secs(seconds.value)),
            settle: Duration::from_millis(settle_ms),
        })
    })
}

/// The first comment line of a file.
pub fn about(source: &str) -> String {
    let first = source.lines().next().unwrap_or_default();
    first.trim_start_matches('#').trim().to_string()
}

fn system(fields: &Fields<'_>, systems: &[String], problems: &mut Problems) -> Option<String> {
    let Some(system) = fields.text("system", problems) else {
        fields.missing("system", "name a system of `systems/`", problems);
        return None;
    };
    if !systems.contains(&system.value) {
        let title = format!("unknown system `{}`", system.value);
        let label = "there is no such file in `systems/`";
        let help = "`cargo xtask run list` shows all systems";
        problems.add(Problem::new(title, &system.span, label).help(help));
    }
    Some(system.value)
}

/// The boards that it is for: all, if none is named.
fn boards(fields: &Fields<'_>, problems: &mut Problems) -> Vec<Board> {
    if fields.get("boards").is_none() {
        return Board::ALL.to_vec();
    }
    let words = fields.list("boards", problems);
    let known = Board::ALL.map(|board| (board.name(), board));
    words
        .iter()
        .filter_map(|word| {
            let word = fields::text(word, problems)?;
            fields::choose(&word, "board", &known, problems)
        })
        .collect()
}

fn patterns(fields: &Fields<'_>, key: &str, problems: &mut Problems) -> Vec<Regex> {
    let values = fields.list(key, problems);
    values.iter().filter_map(|value| pattern(value, problems)).collect()
}

/// A regular expression; what is wrong with it is said in its own words.
fn pattern(value: &Value<'_>, problems: &mut Problems) -> Option<Regex> {
    let At { value: text, span } = fields::text(value, problems)?;
    match Regex::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ").to_string();
            let help = "write it in '...', where backslashes stand for themselves";
            let title = "this is no regular expression";
            problems.add(Problem::new(title, &span, reason).help(help));
            None
        }
    }
}

fn bounds(fields: &Fields<'_>, problems: &mut Problems) -> Vec<Bound> {
    let tables = fields.tables("bound", problems);
    tables.into_iter().filter_map(|(name, table)| bound(&name, table, problems)).collect()
}

fn bound(name: &At<String>, table: &DeTable<'_>, problems: &mut Problems) -> Option<Bound> {
    let fields = Fields::new(table, name.span.clone(), "a bound", &BOUND_KEYS, problems);
    let Some(value) = fields.get("line") else {
        fields.missing(
            "line",
            "say which line has the figure, in one group: 'max=(\\d+)'",
            problems,
        );
        return None;
    };
    let line = pattern(value, problems)?;
    if line.captures_len() != 2 {
        let label = format!("it has {} groups", line.captures_len() - 1);
        let problem = Problem::new("a figure needs one group", &value.span(), label);
        problems.add(problem.help("put `(` and `)` around the figure, and `(?:` for all others"));
    }
    let at_least = decimal(&fields, "at_least", problems);
    let at_most = decimal(&fields, "at_most", problems);
    if at_least.is_none() && at_most.is_none() {
        fields.missing("at_most", "say `at_most`, `at_least`, or both", problems);
    }
    let judged = fields.choice("judged", &JUDGED, problems).unwrap_or(Judged::Board);
    let unit = fields.text("unit", problems).map_or(String::new(), |unit| unit.value);
    Some(Bound { name: name.value.clone(), line, unit, at_least, at_most, judged })
}

/// A number with or without a fraction or a sign.
fn decimal(fields: &Fields<'_>, key: &str, problems: &mut Problems) -> Option<f64> {
    use toml::de::DeValue;
    let value = fields.get(key)?;
    let number = match value.get_ref() {
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok(),
        DeValue::Float(float) => float.as_str().parse().ok(),
        _ => None,
    };
    number.or_else(|| fields::wrong(value, "a number such as 20000 or -0.5", problems))
}
