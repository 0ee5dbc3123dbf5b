//! One line of the guest's output, and of the result.

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::collections::BTreeMap;

const MARK: &str = "[bench] ";
/// What stands for a property that an operation does not have.
const NONE: &str = "-";

/// One measured operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Row {
    pub board: String,
    pub op: String,
    pub space: String,
    pub cores: String,
    pub words: u64,
    pub unit: String,
    pub min: u64,
    pub median: u64,
    pub p99: u64,
    pub max: u64,
    pub samples: u64,
}

impl Row {
    /// True if it measures the same operation on the same board.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.measures(other) && self.board == other.board
    }

    /// True if it measures the same operation, perhaps on another board.
    pub fn measures(&self, other: &Self) -> bool {
        let key = |row: &Self| (row.op.clone(), row.space.clone(), row.cores.clone(), row.words);
        key(self) == key(other)
    }
}

/// All rows in what a guest printed.
pub fn parse(transcript: &str, board: &str) -> Result<Vec<Row>> {
    transcript
        .lines()
        .filter_map(|line| line.strip_prefix(MARK))
        .map(|line| row(line, board).with_context(|| format!("in `{MARK}{line}`")))
        .collect()
}

fn row(line: &str, board: &str) -> Result<Row> {
    let mut fields = BTreeMap::new();
    for word in line.split_whitespace() {
        let (key, value) =
            word.split_once('=').with_context(|| format!("`{word}` is not key=value"))?;
        ensure!(fields.insert(key, value).is_none(), "`{key}` is there twice");
    }
    let text = |key: &str| fields.get(key).copied().unwrap_or(NONE).to_string();
    let row = Row {
        board: board.to_string(),
        op: fields.get("op").context("`op` is missing")?.to_string(),
        space: text("space"),
        cores: text("cores"),
        words: if fields.contains_key("words") { number(&fields, "words")? } else { 0 },
        unit: fields.get("unit").context("`unit` is missing")?.to_string(),
        min: number(&fields, "min")?,
        median: number(&fields, "median")?,
        p99: number(&fields, "p99")?,
        max: number(&fields, "max")?,
        samples: number(&fields, "samples")?,
    };
    let ordered = row.min <= row.median && row.median <= row.p99 && row.p99 <= row.max;
    ensure!(ordered, "min, median, p99 and max are not in this order");
    ensure!(row.samples > 0, "no samples were taken");
    Ok(row)
}

fn number(fields: &BTreeMap<&str, &str>, key: &str) -> Result<u64> {
    let text = fields.get(key).with_context(|| format!("`{key}` is missing"))?;
    text.parse().with_context(|| format!("`{key}={text}` is no number"))
}

#[cfg(test)]
mod tests {
    use super::parse;

    const LINE: &str = "[bench] op=round-trip space=other cores=same words=4 unit=instructions \
                        min=170 median=171 p99=180 max=400 samples=1000";

    #[test]
    fn rows_are_found_between_other_lines() {
        let rows = parse(&format!("hello\n{LINE}\nbye\n"), "pc").unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].words, rows[0].min, rows[0].max), (4, 170, 400));
        assert_eq!(rows[0].board, "pc");
    }

    #[test]
    fn what_an_operation_lacks_is_a_dash() {
        let line = "[bench] op=page-fault unit=instructions min=1 median=2 p99=3 max=4 samples=5";
        let rows = parse(line, "pc").unwrap();
        assert_eq!((rows[0].space.as_str(), rows[0].words), ("-", 0));
    }

    #[test]
    fn damaged_rows_are_errors() {
        for (from, to) in [
            ("min=170 ", ""),
            ("median=171", "median=fast"),
            ("p99=180", "p99=401"),
            ("samples=1000", "samples=0"),
            ("words=4", "words=4 words=5"),
            ("op=round-trip", "round-trip"),
        ] {
            assert!(parse(&LINE.replace(from, to), "pc").is_err(), "{from} -> {to}");
        }
    }

    #[test]
    fn the_result_has_the_agreed_keys() {
        let rows = parse(LINE, "pc").unwrap();
        let json = serde_json::to_string(&rows).unwrap();
        let keys = r#"[{"board":"pc","op":"round-trip","space":"other","cores":"same","words":4,"#;
        assert!(json.starts_with(keys), "{json}");
    }
}
