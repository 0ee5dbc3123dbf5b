//! What each operation may cost: a committed file, held against what was measured.
//!
//! Counts are exact, so a budget is the count that was measured when it was last changed: any rise fails,
//! and whoever makes it writes the file anew and says why.

use super::row::Row;
use super::{Measured, unit};
use crate::board::Board;
use crate::workspace::Workspace;
use anyhow::{Context, Result, ensure};
use cedo_abi::info::CounterUnit;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One row's budget. Instructions: the median, since the longest of a series may hold an interrupt.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Budget {
    op: String,
    space: String,
    cores: String,
    words: u64,
    instructions: u64,
}

impl Budget {
    fn of(row: &Row) -> Budget {
        Budget {
            op: row.op.clone(),
            space: row.space.clone(),
            cores: row.cores.clone(),
            words: row.words,
            instructions: row.median,
        }
    }

    fn is_of(&self, row: &Row) -> bool {
        let own = Budget { instructions: self.instructions, ..Budget::of(row) };
        *self == own
    }

    fn name(&self) -> String {
        format!("{} space={} cores={} words={}", self.op, self.space, self.cores, self.words)
    }
}

fn file(workspace: &Workspace, board: Board) -> PathBuf {
    workspace.root.join("ci/budgets").join(format!("{}.json", board.name()))
}

/// Writes the budgets of `rows` to the file.
pub fn write(workspace: &Workspace, board: Board, rows: &[Row]) -> Result<()> {
    let budgets: Vec<_> = rows.iter().map(Budget::of).collect();
    let text = serde_json::to_string_pretty(&budgets).context("cannot encode the budgets")?;
    let file = file(workspace, board);
    std::fs::write(&file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}

/// Holds what was measured against the file. The error names each row that rose.
pub fn check(workspace: &Workspace, board: Board, measured: &Measured) -> Result<()> {
    ensure!(
        measured.unit == CounterUnit::Instructions,
        "budgets are {}; leave --no-icount away",
        unit::heading(CounterUnit::Instructions).to_lowercase()
    );
    let file = file(workspace, board);
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}; --write-budgets makes it", file.display()))?;
    let budgets: Vec<Budget> = serde_json::from_str(&text)
        .with_context(|| format!("{} is no list of budgets", file.display()))?;
    let problems = problems(&budgets, &measured.rows);
    ensure!(
        problems.is_empty(),
        "{}\ntake the rise back, or write the budgets anew with --write-budgets and say why",
        problems.join("\n")
    );
    Ok(())
}

fn problems(budgets: &[Budget], rows: &[Row]) -> Vec<String> {
    let rise = |row: &Row| match budgets.iter().find(|budget| budget.is_of(row)) {
        None => Some(format!("{} has no budget", Budget::of(row).name())),
        Some(budget) if row.median > budget.instructions => Some(format!(
            "{} takes {} instructions; its budget is {}",
            budget.name(),
            row.median,
            budget.instructions
        )),
        Some(_) => None,
    };
    rows.iter().filter_map(rise).collect()
}

#[cfg(test)]
mod tests {
    use super::{Budget, problems};
    use crate::bench::row;

    fn rows(median: u64) -> Vec<row::Row> {
        let line = format!(
            "[bench] op=round-trip space=other cores=same words=4 unit=instructions min=1 \
             median={median} p99=900 max=900 samples=10"
        );
        row::parse(&line, "pc").unwrap()
    }

    #[test]
    fn a_rise_and_a_row_without_a_budget_are_named_and_a_fall_is_not() {
        let budgets: Vec<_> = rows(100).iter().map(Budget::of).collect();
        assert!(problems(&budgets, &rows(100)).is_empty());
        assert!(problems(&budgets, &rows(99)).is_empty());
        assert_eq!(
            problems(&budgets, &rows(101)),
            ["round-trip space=other cores=same words=4 takes 101 instructions; its budget is 100"]
        );
        assert!(problems(&[], &rows(1))[0].ends_with("has no budget"));
    }
}
