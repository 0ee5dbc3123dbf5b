//! Shows the way of one operation through the kernel, by source line, with what is expensive on it.
//!
//! | file | contents |
//! |---|---|
//! | here | the command and what it prints |
//! | [`record`] | boots the benchmarks under a debugger and steps through one operation |
//! | [`debugger`] | the debugger's side of the protocol |
//! | [`code`] | instructions, expensive ones, source lines |

mod code;
mod debugger;
mod record;

use crate::bench::{self, row::Row};
use crate::board::Board;
use crate::build::{self, Profile};
use crate::setup::{self, Need};
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use code::{Code, Event};
use record::{Path, Step};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Systems that measure, in the order in which they are asked.
const SYSTEMS: [&str; 2] = ["bench", "bench-chain"];

/// The program that measures.
const PROGRAM: &str = "cedo-bench";

/// Show one operation's way, instruction by instruction.
///
/// Boots a benchmark system in the emulator, with one instruction as the unit of time, until the
/// operation is in a steady state, and steps through it once: from the reading of the counter before
/// it to the one after it. Operations that cross cores cannot be shown: a step is one core's.
#[derive(clap::Args)]
pub struct Arguments {
    /// As in the first column of `cargo xtask bench`; `list` shows them all.
    #[arg(value_name = "OPERATION")]
    operation: String,
    /// Where the partner is: in the same Space or another.
    #[arg(long, default_value = "other")]
    space: String,
    /// Words of the message.
    #[arg(long, default_value = "0")]
    words: u64,
    /// Every instruction, not only sums.
    #[arg(long)]
    all: bool,
    /// Install missing Debian or Ubuntu packages through sudo.
    #[arg(long)]
    yes: bool,
}

/// The command.
pub fn main(arguments: &Arguments) -> Result<()> {
    let workspace = Workspace::open()?;
    setup::prepare(&workspace, &[Need::Build, Need::Emulator], arguments.yes)?;
    for system in SYSTEMS {
        let system = workspace.system(system)?;
        let rows = bench::rows_of(&workspace, &system)?;
        if arguments.operation == "list" {
            rows.iter()
                .for_each(|row| println!("{} ({} words) in {}", row.op, row.words, system.name));
            continue;
        }
        let Some(place) = rows.iter().position(|row| arguments.names(row)) else { continue };
        let boot = build::boot(&workspace, Board::Pc, &system, Profile::Release)?;
        let kernel = Code::read(&boot.kernel)?;
        let program = Code::read(&program_of(&workspace)?)?;
        let path = record::record(&boot, &kernel, &program, place)?;
        return print(arguments, &path, &kernel, &program);
    }
    if arguments.operation == "list" {
        return Ok(());
    }
    bail!("no benchmark measures that on one core; `cargo xtask path list` shows what there is")
}

/// The program that measures.
fn program_of(workspace: &Workspace) -> Result<PathBuf> {
    let built = build::cargo_build(
        workspace,
        Board::Pc.target(),
        Profile::Release,
        &[PROGRAM.to_string()],
    )?;
    build::one(built, PROGRAM)
}

impl Arguments {
    fn names(&self, row: &Row) -> bool {
        let is_here = row.cores != "cross" && (row.space == "-" || row.space == self.space);
        row.op == self.operation && is_here && row.words == self.words
    }
}

fn print(arguments: &Arguments, path: &Path, kernel: &Code, program: &Code) -> Result<()> {
    let (inside, outside): (Vec<_>, Vec<_>) =
        path.steps.iter().map(|step| step.address).partition(|address| is_kernel(*address));
    let mut places = kernel.places(&inside)?;
    places.extend(program.places(&outside)?);
    let place = |step: &Step| places.get(&step.address).cloned().unwrap_or_default();
    if arguments.all {
        for step in &path.steps {
            let event = step.event.map_or("", Event::name);
            println!("{:016x}  {:<16} {}", step.address, event, place(step).join(" < "));
        }
        println!();
    }
    let mut functions = BTreeMap::<String, usize>::new();
    for step in &path.steps {
        *functions.entry(place(step).into_iter().next().unwrap_or_default()).or_default() += 1;
    }
    let mut lines: Vec<_> = functions.into_iter().collect();
    lines.sort_by_key(|(line, count)| (usize::MAX - count, line.clone()));
    println!("instructions by source line:");
    lines.iter().for_each(|(line, count)| println!("{count:6}  {line}"));
    println!("\nexpensive events in the kernel:");
    let mut events = BTreeMap::<Event, usize>::new();
    for step in path.steps.iter().filter(|step| is_kernel(step.address)) {
        step.event.into_iter().for_each(|event| *events.entry(event).or_default() += 1);
    }
    events.iter().for_each(|(event, count)| println!("{count:6}  {}", event.name()));
    let entries = path.steps.windows(2).filter(|two| enters(two)).count();
    println!(
        "\n{} instructions: {} in the kernel in {entries} entries, {} in user mode",
        path.steps.len(),
        inside.len(),
        outside.len()
    );
    Ok(())
}

fn enters(two: &[Step]) -> bool {
    matches!(two, [before, after] if !is_kernel(before.address) && is_kernel(after.address))
}

/// True for the upper half, of which user programs of ours use nothing.
fn is_kernel(address: u64) -> bool {
    address >> 63 != 0
}
