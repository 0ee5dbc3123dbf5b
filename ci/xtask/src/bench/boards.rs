//! All boards side by side: one table, a column for each board that can be played here.

use super::row::Row;
use super::{Measured, measure, save, unit};
use crate::board::Board;
use crate::progress;
use crate::qemu::{Machine, version};
use crate::setup;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use cedo_abi::info::CounterUnit;
use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use std::path::Path;

/// Columns before the boards': operation, space, cores, words.
const KEYS: usize = 4;

/// What became of one board.
enum Column {
    Measured(Board, Measured),
    /// The emulator cannot play it; why.
    Skipped(Board, String),
    Failed(Board, anyhow::Error),
}

/// Measures all boards, prints the table, and writes the rows to `json`.
pub fn main(workspace: &Workspace, json: Option<&Path>, yes: bool) -> Result<()> {
    let mut needs: Vec<_> = Board::ALL.iter().flat_map(|board| board.needs()).collect();
    needs.dedup();
    setup::prepare(workspace, &needs, yes)?;
    let columns: Vec<_> =
        (1..).zip(Board::ALL).map(|(number, board)| column(workspace, number, board)).collect();
    println!("{} per operation (median):", unit::heading(CounterUnit::Instructions));
    println!("{}", table(&columns));
    columns.iter().filter_map(remark).for_each(|remark| println!("{remark}"));
    if let Some(file) = json {
        save(&columns.iter().flat_map(rows).collect::<Vec<_>>(), file)?;
    }
    let problems: Vec<_> = columns.iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { bail!("{}", problems.join("\n\nerror: ")) }
}

/// One board that cannot be measured is no reason not to measure the next.
fn column(workspace: &Workspace, number: usize, board: Board) -> Column {
    progress::say(&format!("Board {number} of {}: {}", Board::ALL.len(), board.name()));
    match version::lacks(board) {
        Ok(Some(reason)) => Column::Skipped(board, reason),
        Ok(None) => match measure(workspace, board, true) {
            Ok(measured) => Column::Measured(board, measured),
            Err(error) => Column::Failed(board, error),
        },
        Err(error) => Column::Failed(board, error),
    }
}

fn rows(column: &Column) -> &[Row] {
    match column {
        Column::Measured(_, measured) => &measured.rows,
        Column::Skipped(..) | Column::Failed(..) => &[],
    }
}

/// What must be said of a column besides its figures.
fn remark(column: &Column) -> Option<String> {
    match column {
        Column::Measured(board, _) => {
            let machine = Machine::of(*board, 1);
            Some(format!("{}: {}", board.name(), machine.processor.title()))
        }
        Column::Skipped(board, reason) => Some(format!("{}: skipped: {reason}", board.name())),
        Column::Failed(..) => None,
    }
}

fn problem(column: &Column) -> Option<String> {
    let (board, error) = match column {
        Column::Measured(board, measured) => (board, measured.complete().err()?),
        Column::Failed(board, error) => {
            return Some(format!("board `{}`: {error:#}", board.name()));
        }
        Column::Skipped(..) => return None,
    };
    Some(format!("board `{}`: {error:#}", board.name()))
}

/// A line for each operation that any board measured, in the order in which they come first.
fn table(columns: &[Column]) -> Table {
    let mut operations: Vec<&Row> = Vec::new();
    for row in columns.iter().flat_map(rows) {
        if !operations.iter().any(|operation| operation.measures(row)) {
            operations.push(row);
        }
    }
    let measured = || columns.iter().filter(|column| !matches!(column, Column::Skipped(..)));
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED);
    let names = measured().map(|column| match column {
        Column::Measured(board, _) | Column::Skipped(board, _) | Column::Failed(board, _) => {
            board.name()
        }
    });
    table.set_header(["operation", "space", "cores", "words"].into_iter().chain(names));
    for operation in operations {
        let mut cells = vec![operation.op.clone(), operation.space.clone()];
        cells.extend([operation.cores.clone(), operation.words.to_string()]);
        cells.extend(measured().map(|column| {
            let row = rows(column).iter().find(|row| row.measures(operation));
            row.map_or("-".to_string(), |row| row.median.to_string())
        }));
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(KEYS - 1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{Column, problem, remark, table};
    use crate::bench::{Measured, row};
    use crate::board::Board;
    use anyhow::anyhow;
    use cedo_abi::info::CounterUnit;

    fn measured(board: Board, operations: &[(&str, u64)]) -> Column {
        let lines: Vec<_> = operations
            .iter()
            .map(|(op, median)| {
                format!(
                    "[bench] op={op} unit=instructions min=1 median={median} p99=900 max=900 samples=1"
                )
            })
            .collect();
        let rows = row::parse(&lines.join("\n"), board.name()).unwrap();
        Column::Measured(
            board,
            Measured { unit: CounterUnit::Instructions, rows, problems: Vec::new() },
        )
    }

    #[test]
    fn each_board_has_a_column_and_each_operation_one_line() {
        let columns = [
            measured(Board::Pc, &[("a", 10), ("b", 20)]),
            measured(Board::Rpi3, &[("b", 21), ("c", 31)]),
            Column::Skipped(Board::Rpi4, "too old".to_string()),
        ];
        let text = table(&columns).to_string();
        let cells: Vec<Vec<_>> = text
            .lines()
            .filter(|line| line.starts_with('|') && !line.contains("==="))
            .map(|line| line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(
            cells,
            [
                ["operation", "space", "cores", "words", "pc", "rpi3"],
                ["a", "-", "-", "0", "10", "-"],
                ["b", "-", "-", "0", "20", "21"],
                ["c", "-", "-", "0", "-", "31"],
            ]
        );
    }

    #[test]
    fn a_board_that_is_skipped_is_no_failure_and_one_that_fails_is() {
        let skipped = Column::Skipped(Board::Rpi4, "QEMU 7 has none".to_string());
        assert_eq!(remark(&skipped).unwrap(), "rpi4: skipped: QEMU 7 has none");
        assert!(problem(&skipped).is_none());
        let failed = Column::Failed(Board::Pc, anyhow!("it burns"));
        assert_eq!(problem(&failed).unwrap(), "board `pc`: it burns");
        let incomplete = problem(&measured(Board::Rpi3, &[("a", 1)])).unwrap();
        assert!(incomplete.starts_with("board `rpi3`: the benchmarks printed no row for:"));
    }
}
