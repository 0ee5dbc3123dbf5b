//! Boots the benchmarks and prints and saves the figures.
//!
//! | file | contents |
//! |---|---|
//! | here | the command |
//! | [`row`] | one line of the guest's output, and of the result |
//! | [`expected`] | the rows that must be there |
//! | [`boards`] | all boards side by side |
//! | [`budget`] | what each operation may cost |
//! | [`unit`] | what the figures count, and what is to be said of them |

pub mod boards;
pub mod budget;
pub mod expected;
pub mod row;
pub mod unit;

use crate::board::Board;
use crate::build::{self, Profile};
use crate::progress::{self, Step};
use crate::qemu::{Machine, version};
use crate::run::{self, Watch};
use crate::setup;
use crate::workspace::{System, Workspace};
use anyhow::{Context, Result, ensure};
use cedo_abi::info::CounterUnit;
use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use row::Row;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The system that must be there.
const SYSTEM: &str = "bench";
/// One more, if it is described: the same with the paper's protocol.
const CHAIN_SYSTEM: &str = "bench-chain";
const LIMIT: Duration = Duration::from_secs(600);

/// Measure the kernel's operations in executed instructions.
///
/// Boots the systems `bench` and `bench-chain` in QEMU with one instruction as the unit of time, so
/// the figures are the same on every host. They say nothing about caches, pipelines or nanoseconds.
/// From `bench-chain`, only what `bench` does not measure is shown. With `--all-boards`, one table has
/// the medians of all boards side by side; a board that the installed emulator cannot play is skipped, with the reason.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also write the rows to this file, as a JSON array.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fail if an operation takes more than `ci/budgets` allows.
    #[arg(long)]
    check: bool,
    /// Make what is measured the budget.
    #[arg(long, conflicts_with = "check")]
    write_budgets: bool,
    /// Which board.
    #[arg(long, value_enum, default_value = "pc")]
    board: Board,
    /// Measure all boards, and print one table: pc, qemu-virt, rpi3, and rpi4 where QEMU has it.
    #[arg(long, conflicts_with_all = ["board", "check", "write_budgets", "no_icount"])]
    all_boards: bool,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
    /// Let time pass as on a real machine. The figures are then ticks of an emulated clock: no
    /// measure, but they show that everything runs.
    #[arg(long)]
    no_icount: bool,
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    if arguments.all_boards {
        return boards::main(&workspace, arguments.json.as_deref(), arguments.yes);
    }
    setup::prepare(&workspace, &arguments.board.needs(), arguments.yes)?;
    version::require(arguments.board)?;
    let measured = measure(&workspace, arguments.board, !arguments.no_icount)?;
    let rows = &measured.rows;
    let processor = Machine::of(arguments.board, 1).processor.title();
    println!("{} per operation, on {processor}:", unit::heading(measured.unit));
    println!("{}", table(rows));
    if let Some(caution) = unit::caution(measured.unit) {
        progress::say(caution);
    }
    if let Some(file) = &arguments.json {
        save(rows, file)?;
    }
    measured.complete()?;
    if arguments.write_budgets {
        budget::write(&workspace, arguments.board, rows)?;
    }
    if arguments.check { budget::check(&workspace, arguments.board, &measured) } else { Ok(()) }
}

/// Writes the rows, each with its board, to a file.
fn save(rows: &[impl Serialize], file: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(rows).context("cannot encode the rows")?;
    std::fs::write(file, text + "\n")
        .with_context(|| format!("cannot write {}; choose another --json", file.display()))?;
    progress::say(&format!("Wrote {} rows to {}", rows.len(), file.display()));
    Ok(())
}

/// What the benchmark systems printed.
pub struct Measured {
    /// Of all rows.
    pub unit: CounterUnit,
    pub rows: Vec<Row>,
    /// What went wrong with a system; its rows up to then are kept.
    problems: Vec<String>,
}

impl Measured {
    /// An error that names each problem and each missing row.
    pub fn complete(&self) -> Result<()> {
        let missing = expected::missing(&self.rows);
        let mut problems = self.problems.clone();
        if !missing.is_empty() {
            problems.push(format!(
                "the benchmarks printed no row for:\n  {}\nthe systems in systems/bench*.toml and \
                 the program in servers/bench decide what is measured",
                missing.join("\n  ")
            ));
        }
        ensure!(problems.is_empty(), "{}", problems.join("\n\nerror: "));
        Ok(())
    }
}

/// Boots all benchmark systems, `counted` in instructions or not.
pub fn measure(workspace: &Workspace, board: Board, counted: bool) -> Result<Measured> {
    let mut systems = vec![workspace.system(SYSTEM)?];
    systems.extend(workspace.systems()?.into_iter().filter(|system| system.name == CHAIN_SYSTEM));
    let unit = Machine { icount: counted, ..Machine::of(board, 1) }.unit();
    let mut measured = Measured { unit, rows: Vec::new(), problems: Vec::new() };
    for system in &systems {
        boot(workspace, board, system, counted, &mut measured)?;
    }
    Ok(measured)
}

/// The rows that one system prints on a PC, in its order.
pub fn rows_of(workspace: &Workspace, system: &System) -> Result<Vec<Row>> {
    let unit = CounterUnit::Instructions;
    let mut measured = Measured { unit, rows: Vec::new(), problems: Vec::new() };
    boot(workspace, Board::Pc, system, true, &mut measured)?;
    ensure!(measured.problems.is_empty(), "{}", measured.problems.join("\n\nerror: "));
    Ok(measured.rows)
}

fn boot(
    workspace: &Workspace,
    board: Board,
    system: &System,
    counted: bool,
    measured: &mut Measured,
) -> Result<()> {
    let boot = build::boot(workspace, board, system, Profile::Release)?;
    let mut machine = boot.machine.clone();
    machine.icount = counted;
    let step = Step::start(&format!("Measuring `{}` on {} cores", system.name, machine.cores));
    let outcome = run::start(workspace, &boot, &machine, Watch::silent(LIMIT))?;
    drop(step);
    if !outcome.is_success() {
        measured.problems.push(format!(
            "system `{0}`: {1}\nlook closer with `cargo xtask run --system {0} --icount --log`",
            system.name,
            outcome.complaint()
        ));
    }
    let rows = row::parse(&outcome.transcript, board.name())
        .with_context(|| format!("system `{}` printed a bad row", system.name))?;
    unit::check(&rows, machine.unit())?;
    let new = rows.into_iter().filter(|row| !measured.rows.iter().any(|old| old.is_same_as(row)));
    let new: Vec<_> = new.collect();
    measured.rows.extend(new);
    Ok(())
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(ASCII_FULL_CONDENSED);
    table.set_header([
        "operation",
        "space",
        "cores",
        "words",
        "min",
        "median",
        "p99",
        "max",
        "samples",
    ]);
    for row in rows {
        let mut cells = vec![row.op.clone(), row.space.clone(), row.cores.clone()];
        let numbers = [row.words, row.min, row.median, row.p99, row.max, row.samples];
        cells.extend(numbers.map(|number| number.to_string()));
        table.add_row(cells);
    }
    for column in table.column_iter_mut().skip(3) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
