//! The rows that must be there.

use super::row::Row;
use core::fmt;

/// Message sizes measured.
const WORDS: [u64; 6] = [0, 4, 8, 16, 32, 63];
/// Where the partner of a round trip is: space, cores.
const PLACES: [(&str, &str); 3] = [("same", "same"), ("other", "same"), ("other", "cross")];
/// One row of each: operation, space, cores.
const SINGLE: [(&str, &str, &str); 6] = [
    ("timer-decision-direct", NOWHERE, NOWHERE),
    (IN_CHAIN_MODE, NOWHERE, NOWHERE),
    ("interrupt-to-handler", NOWHERE, NOWHERE),
    ("page-fault", "other", "same"),
    ("page-fault-map", "other", "same"),
    ("page-fault-state", "other", "same"),
];
/// The space and the cores of what has no partner.
const NOWHERE: &str = "-";
/// What a system in direct mode cannot measure.
const IN_CHAIN_MODE: &str = "timer-decision-chain";

/// First column of the table for people, and its columns.
const HEAD: &str = "operation ";
const COLUMNS: usize = 8;
const KEY_COLUMNS: usize = 4;

/// What is measured, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Expected {
    op: &'static str,
    space: &'static str,
    cores: &'static str,
    words: u64,
}

impl Expected {
    fn is(&self, row: &Row) -> bool {
        let Self { op, space, cores, words } = *self;
        row.op == op && row.space == space && row.cores == cores && row.words == words
    }

    /// True of a line of the table: what was measured, and figures that can be.
    fn is_in(&self, columns: &[&str]) -> bool {
        let words = self.words.to_string();
        let (key, figures) = columns.split_at(KEY_COLUMNS);
        let figures: Option<Vec<u64>> = figures.iter().map(|text| text.parse().ok()).collect();
        key == [self.op, self.space, self.cores, words.as_str()]
            && figures.is_some_and(|figures| figures.is_sorted())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { op, space, cores, words } = *self;
        write!(formatter, "{op}")?;
        if space != NOWHERE {
            write!(formatter, " space={space} cores={cores} words={words}")?;
        }
        Ok(())
    }
}

fn all() -> impl Iterator<Item = Expected> {
    let round_trips = PLACES.into_iter().flat_map(|(space, cores)| {
        WORDS.map(|words| Expected { op: "round-trip", space, cores, words })
    });
    round_trips.chain(SINGLE.map(|(op, space, cores)| Expected { op, space, cores, words: 0 }))
}

/// Names of the rows that are not among `rows`.
pub fn missing(rows: &[Row]) -> Vec<String> {
    let missing = all().filter(|expected| !rows.iter().any(|row| expected.is(row)));
    missing.map(|expected| expected.to_string()).collect()
}

/// Names of the rows that are not in the table for people which a guest in direct mode printed.
pub fn missing_in_table(transcript: &str) -> Vec<String> {
    let lines = transcript.lines().skip_while(|line| !line.starts_with(HEAD)).skip(1);
    let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let table: Vec<_> = lines.take_while(|columns| columns.len() == COLUMNS).collect();
    let here = all().filter(|expected| expected.op != IN_CHAIN_MODE);
    let missing = here.filter(|expected| !table.iter().any(|columns| expected.is_in(columns)));
    missing.map(|expected| expected.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::{all, missing, missing_in_table};
    use crate::bench::row::parse;

    const FIGURES: &str = "unit=instructions min=1 median=1 p99=1 max=1 samples=1";

    #[test]
    fn a_missing_row_is_named() {
        assert_eq!(missing(&[]).len(), 24);
        let line = format!(
            "[bench] op=round-trip space=other cores=cross words=63 {FIGURES}\n\
             [bench] op=page-fault space=other cores=same {FIGURES}"
        );
        let left = missing(&parse(&line, "pc").unwrap());
        assert_eq!(left.len(), 22);
        assert!(!left.iter().any(|row| row == "round-trip space=other cores=cross words=63"));
        assert!(left.iter().any(|row| row == "round-trip space=other cores=cross words=32"));
    }

    #[test]
    fn a_row_from_another_place_is_another_row() {
        for place in ["", "space=same cores=same", "space=other cores=cross"] {
            let line = format!("[bench] op=page-fault {place} {FIGURES}");
            assert_eq!(missing(&parse(&line, "pc").unwrap()).len(), 24, "{place}");
        }
        let line = format!("[bench] op=interrupt-to-handler {FIGURES}");
        assert_eq!(missing(&parse(&line, "pc").unwrap()).len(), 23);
        let line = format!("[bench] op=interrupt-to-handler space=other cores=same {FIGURES}");
        assert_eq!(missing(&parse(&line, "pc").unwrap()).len(), 24);
    }

    #[test]
    fn the_table_for_people_needs_all_rows_but_that_of_the_other_protocol() {
        assert_eq!(missing_in_table("hello\n").len(), 23);
        let mut table = "hello\noperation  space cores words min median p99 max\n".to_string();
        for row in all().filter(|row| row.op != super::IN_CHAIN_MODE) {
            table += &format!("{} {} {}  {}  1 2 3 4\n", row.op, row.space, row.cores, row.words);
        }
        assert_eq!(missing_in_table(&table), [""; 0]);
        let fault = "page-fault other same  0  1 2 3 4\n";
        for other in
            ["", "page-fault other same  0  1 2 3 x\n", "page-fault other same  0  2 1 3 4\n"]
        {
            let table = table.replace(fault, other);
            assert_eq!(missing_in_table(&table), ["page-fault space=other cores=same words=0"]);
        }
        let before = format!("{fault}{}", table.replace(fault, ""));
        assert_eq!(missing_in_table(&before).len(), 1, "it is not in the table");
    }
}
