//! Boots the benchmarks and prints and saves the figures.
//!
//! | file | contents |
//! |---|---|
//! | here | the command |
//! | [`row`] | one line of the guest's output, and of the result |
//! | [`expected`] | the rows that must be there |

pub mod expected;
pub mod row;

use crate::build::{self, Profile};
use crate::progress::{self, Step};
use crate::run::{self, Watch};
use crate::setup::{self, Need};
use crate::workspace::{System, Workspace};
use anyhow::{Context, Result, bail, ensure};
use comfy_table::presets::ASCII_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use row::Row;
use std::path::PathBuf;
use std::time::Duration;

/// The system that must be there.
const SYSTEM: &str = "bench";
/// One more, if it is described: the same with the paper's protocol.
const CHAIN_SYSTEM: &str = "bench-chain";
const BOARD: &str = "pc";
const LIMIT: Duration = Duration::from_secs(600);

/// Measure the kernel's operations in executed instructions.
///
/// Boots the systems `bench` and `bench-chain` in QEMU with one instruction as the unit of time, so
/// the figures are the same on every host. They say nothing about caches, pipelines or nanoseconds.
#[derive(clap::Args)]
pub struct Arguments {
    /// Also write the rows to this file, as a JSON array.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    setup::prepare(&workspace, &[Need::Build, Need::Emulator], arguments.yes)?;
    let rows = measure(&workspace)?;
    println!("Executed instructions per operation, on a stand-in for the Pentium D:");
    println!("{}", table(&rows));
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&rows).context("cannot encode the rows")?;
        std::fs::write(file, text + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
        progress::say(&format!("Wrote {} rows to {}", rows.len(), file.display()));
    }
    complain(&expected::missing(&rows))
}

/// All rows of all benchmark systems.
pub fn measure(workspace: &Workspace) -> Result<Vec<Row>> {
    let mut systems = vec![workspace.system(SYSTEM)?];
    systems.extend(workspace.systems()?.into_iter().filter(|system| system.name == CHAIN_SYSTEM));
    let mut rows = Vec::new();
    for system in &systems {
        rows.extend(boot(workspace, system)?);
    }
    Ok(rows)
}

/// An error that names each missing row.
pub fn complain(missing: &[String]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    bail!(
        "the benchmarks printed no row for:\n  {}\nthe systems in bsp/pc/bench*.toml and the \
         program in servers/bench decide what is measured",
        missing.join("\n  ")
    )
}

fn boot(workspace: &Workspace, system: &System) -> Result<Vec<Row>> {
    let boot = build::boot(workspace, system, Profile::Release)?;
    let mut machine = boot.machine.clone();
    machine.icount = true;
    let step = Step::start(&format!("Measuring `{}` on {} cores", system.name, machine.cores));
    let outcome = run::start(workspace, &boot, &machine, Watch::silent(LIMIT))?;
    drop(step);
    ensure!(
        outcome.is_success(),
        "{}\nlook closer with `cargo xtask run --system {} --icount --debug --log`",
        outcome.complaint(),
        system.name
    );
    let rows = row::parse(&outcome.transcript, BOARD)
        .with_context(|| format!("system `{}` printed a bad row", system.name))?;
    ensure!(!rows.is_empty(), "system `{}` printed no `[bench]` row", system.name);
    if let Some(row) = rows.iter().find(|row| row.unit != "instructions") {
        bail!(
            "`{}` was measured in {}, not in instructions: the kernel did not heed its command \
             line word `counter=instructions`",
            row.op,
            row.unit
        );
    }
    Ok(rows)
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
