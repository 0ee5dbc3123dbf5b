//! What a person reads: a line per test, then a table and the failures.

use super::cases::Case;
use anyhow::Result;
use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use std::fmt;
use std::time::Duration;

/// Results so far.
#[derive(Default)]
pub struct Report {
    groups: Vec<Group>,
    /// Name and reason.
    failures: Vec<(String, String)>,
    /// Tests of the suite that passed, on all machines.
    conformance: usize,
    /// What other tests say of themselves in one line.
    lines: Vec<String>,
}

/// The group of the suite's boots.
pub const SUITE: &str = "suite";
/// How the fuzzers and the deliberate mistakes end what they say.
const LAST_WORDS: [(&str, &str); 2] = [(" calls, 0 violations", "fuzz: "), (" caught", "")];

struct Group {
    name: &'static str,
    passed: usize,
    failed: usize,
    time: Duration,
}

impl Report {
    /// Takes a result; answers its line.
    pub fn add(&mut self, case: &Case, result: Result<String>, time: Duration) -> String {
        let group = match self.groups.iter_mut().position(|group| group.name == case.group) {
            Some(index) => &mut self.groups[index],
            None => {
                let name = case.group;
                self.groups.push(Group { name, passed: 0, failed: 0, time: Duration::ZERO });
                let last = self.groups.len() - 1;
                &mut self.groups[last]
            }
        };
        group.time += time;
        let seconds = time.as_secs_f32();
        match result {
            Ok(detail) => {
                group.passed += 1;
                self.sum_up(case.group, &detail);
                let detail = if detail.is_empty() { detail } else { format!(" ({detail})") };
                format!("ok     {seconds:6.1} s  {}{detail}", case.name)
            }
            Err(error) => {
                group.failed += 1;
                let reason = format!("{error:#}");
                let line = format!("FAILED {seconds:6.1} s  {}\n{}", case.name, indented(&reason));
                self.failures.push((case.name.clone(), reason));
                line
            }
        }
    }

    /// Notes what belongs into the last lines.
    fn sum_up(&mut self, group: &str, detail: &str) {
        if group == SUITE {
            let passed = detail.strip_suffix(" passed").and_then(|number| number.parse().ok());
            self.conformance += passed.unwrap_or(0);
        }
        let said = LAST_WORDS.iter().find(|(end, _)| detail.ends_with(end));
        self.lines.extend(said.map(|(_, start)| format!("{start}{detail}")));
    }

    /// How many failed.
    pub fn failures(&self) -> usize {
        self.failures.len()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.failures.is_empty() {
            writeln!(f, "\nFailed:")?;
        }
        for (name, reason) in &self.failures {
            writeln!(f, "  {name}: {}", first_line(reason))?;
        }
        let mut table = Table::new();
        table.load_style(ASCII_FULL_CONDENSED);
        table.set_header(["tests", "passed", "failed", "time"]);
        for group in &self.groups {
            table.add_row(cells(group.name, group.passed, group.failed, group.time));
        }
        let sum = |count: fn(&Group) -> usize| self.groups.iter().map(count).sum();
        let time = self.groups.iter().map(|group| group.time).sum();
        let (passed, failed) = (sum(|group| group.passed), sum(|group| group.failed));
        table.add_row(cells("all", passed, failed, time));
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        write!(f, "\n{table}")?;
        if let Some(suite) = self.groups.iter().find(|group| group.name == SUITE) {
            write!(f, "\nconformance: {} passed", self.conformance)?;
            if suite.failed > 0 {
                write!(
                    f,
                    " on the {} machines of {} where all did",
                    suite.passed,
                    suite.passed + suite.failed
                )?;
            }
        }
        self.lines.iter().try_for_each(|line| write!(f, "\n{line}"))
    }
}

fn cells(name: &str, passed: usize, failed: usize, time: Duration) -> [String; 4] {
    let seconds = time.as_secs();
    let time = format!("{}:{:02}", seconds / 60, seconds % 60);
    [name.to_string(), passed.to_string(), failed.to_string(), time]
}

fn first_line(reason: &str) -> &str {
    reason.lines().next().unwrap_or_default().trim().trim_end_matches(':')
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::test::cases::Case;
    use anyhow::anyhow;
    use std::time::Duration;

    #[test]
    fn the_last_lines_say_what_was_checked() {
        let mut report = Report::default();
        let mut add = |group, detail: &str| {
            report.add(&case(group, "a"), Ok(detail.to_string()), Duration::ZERO);
        };
        add("suite", "554 passed");
        add("suite", "500 passed");
        add("host", "7 passed");
        add("fuzz", "10 calls, 0 violations");
        add("fuzz", "9 readers");
        add("mutate", "mutations: 3 of 3 caught");
        let text = report.to_string();
        let last =
            "conformance: 1054 passed\nfuzz: 10 calls, 0 violations\nmutations: 3 of 3 caught";
        assert!(text.ends_with(last), "{text}");
        report.add(&case("suite", "b"), Err(anyhow!("it hung")), Duration::ZERO);
        assert!(report.to_string().contains("conformance: 1054 passed on the 2 machines of 3"));
    }

    fn case(group: &'static str, name: &str) -> Case {
        Case { group, name: name.to_string(), board: None, run: Box::new(|_| Ok(String::new())) }
    }

    #[test]
    fn sums_by_group_and_repeats_failures() {
        let mut report = Report::default();
        let second = Duration::from_secs(61);
        let line = report.add(&case("host", "a"), Ok("3 passed".to_string()), second);
        assert_eq!(line, "ok       61.0 s  a (3 passed)");
        let line = report.add(&case("suite", "b"), Err(anyhow!("it hung\n  | x")), second);
        assert_eq!(line, "FAILED   61.0 s  b\n  it hung\n    | x");
        assert_eq!(report.failures(), 1);
        let text = report.to_string();
        assert!(text.contains("\nFailed:\n  b: it hung\n"), "{text}");
        let all = text.lines().find(|line| line.starts_with("| all")).unwrap();
        let words: Vec<_> = all.split_whitespace().collect();
        assert_eq!(words, ["|", "all", "|", "1", "|", "1", "|", "2:02", "|"]);
    }
}
