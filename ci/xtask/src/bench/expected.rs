//! The rows that must be there.

use super::row::Row;

/// Message sizes measured.
const WORDS: [u64; 6] = [0, 4, 8, 16, 32, 63];
/// Where the partner of a round trip is: space, cores.
const PLACES: [(&str, &str); 3] = [("same", "same"), ("other", "same"), ("other", "cross")];
/// One row of each, wherever its parts are.
const SINGLE: [&str; 6] = [
    "timer-decision-direct",
    "timer-decision-chain",
    "interrupt-to-handler",
    "page-fault",
    "page-fault-map",
    "page-fault-state",
];

/// Names of the rows that are not among `rows`.
pub fn missing(rows: &[Row]) -> Vec<String> {
    let mut missing = Vec::new();
    for (space, cores) in PLACES {
        for words in WORDS {
            let is_it = |row: &Row| {
                row.op == "round-trip"
                    && row.space == space
                    && row.cores == cores
                    && row.words == words
            };
            if !rows.iter().any(is_it) {
                missing.push(format!("round-trip space={space} cores={cores} words={words}"));
            }
        }
    }
    let singles = SINGLE.iter().filter(|op| !rows.iter().any(|row| row.op == **op));
    missing.extend(singles.map(|op| (*op).to_string()));
    missing
}

#[cfg(test)]
mod tests {
    use super::missing;
    use crate::bench::row::parse;

    #[test]
    fn a_missing_row_is_named() {
        assert_eq!(missing(&[]).len(), 24);
        let line = "[bench] op=round-trip space=other cores=cross words=63 unit=instructions \
                    min=1 median=1 p99=1 max=1 samples=1\n\
                    [bench] op=page-fault unit=instructions min=1 median=1 p99=1 max=1 samples=1";
        let left = missing(&parse(line, "pc").unwrap());
        assert_eq!(left.len(), 22);
        assert!(!left.iter().any(|row| row == "round-trip space=other cores=cross words=63"));
        assert!(left.iter().any(|row| row == "round-trip space=other cores=cross words=32"));
    }
}
