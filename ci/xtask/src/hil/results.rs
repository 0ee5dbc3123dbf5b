//! What a program measured, out of its lines: `[source] key=value key=value ...`.
//!
//! A line with `from`, `to` and `count` is a bar of a histogram, which is named by all other words of the
//! line, joined by `-`. All other lines of that form are records.

use super::text::Stamped;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the lines say.
#[derive(Debug, Default)]
pub struct Results {
    pub records: Vec<Map<String, Value>>,
    /// Bars by the histogram's name, in the order of the lines.
    pub histograms: BTreeMap<String, Vec<Bar>>,
}

/// One bar of a histogram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bar {
    pub from: u64,
    pub to: u64,
    pub count: u64,
}

/// Reads all lines that have the form.
pub fn read(lines: &[Stamped]) -> Results {
    let mut results = Results::default();
    for line in lines {
        let Some((source, pairs)) = pairs(&line.text) else { continue };
        match bar(&pairs) {
            Some((name, bar)) => results.histograms.entry(name).or_default().push(bar),
            None => results.records.push(record(source, &pairs)),
        }
    }
    results
}

type Pairs<'a> = Vec<(&'a str, &'a str)>;

fn pairs(line: &str) -> Option<(&str, Pairs<'_>)> {
    let (source, rest) = line.strip_prefix('[')?.split_once("] ")?;
    let pairs: Option<Pairs<'_>> =
        rest.split_whitespace().map(|word| word.split_once('=')).collect();
    pairs.filter(|pairs| !pairs.is_empty()).map(|pairs| (source, pairs))
}

fn bar(pairs: &Pairs<'_>) -> Option<(String, Bar)> {
    let number = |wanted: &str| {
        let (_, value) = pairs.iter().find(|(key, _)| *key == wanted)?;
        value.parse().ok()
    };
    let bar = Bar { from: number("from")?, to: number("to")?, count: number("count")? };
    let is_name = |key: &str| !matches!(key, "from" | "to" | "count" | "unit");
    let words: Vec<_> =
        pairs.iter().filter(|(key, _)| is_name(key)).map(|(_, value)| *value).collect();
    Some((words.join("-"), bar))
}

fn record(source: &str, pairs: &Pairs<'_>) -> Map<String, Value> {
    let mut record = Map::new();
    record.insert("source".to_string(), source.into());
    for (key, value) in pairs {
        let value = match value.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => (*value).into(),
        };
        record.insert((*key).to_string(), value);
    }
    record
}

#[cfg(test)]
mod tests {
    use super::{Bar, read};
    use crate::hil::text::Stamped;
    use std::time::Duration;

    #[test]
    fn lines_become_records_and_histograms() {
        let lines = [
            "anna: hello",
            "[bench] op=round-trip words=4 min=363",
            "[note] nothing measured",
            "[timers] histogram=lateness load=off unit=ns from=0 to=1 count=7",
            "[timers] histogram=lateness load=off unit=ns from=2 to=3 count=9",
        ];
        let stamped = |text: &str| Stamped { at: Duration::ZERO, text: text.to_string() };
        let results = read(&lines.map(stamped));
        assert_eq!(results.records.len(), 1);
        assert_eq!(results.records[0]["op"], "round-trip");
        assert_eq!(results.records[0]["min"], 363);
        let bars = &results.histograms["lateness-off"];
        assert_eq!(bars[1], Bar { from: 2, to: 3, count: 9 });
    }
}
