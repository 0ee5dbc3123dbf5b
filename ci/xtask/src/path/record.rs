//! Boots the benchmarks under a debugger and steps through one operation.

use super::code::{Code, Event};
use super::debugger::{Debugger, INSTRUCTION_POINTER};
use super::is_kernel;
use crate::build::Boot;
use crate::qemu::{self, Medium};
use anyhow::{Context, Result, ensure};
use iced_x86::Mnemonic;
use std::process::{Child, Command, Stdio};

/// Part of the symbol of the function that the benchmark program calls after each row.
const AFTER_ROW: &str = "4plan7Results3add";
/// Parts of the symbols of what the kernel is entered at.
const ENTRIES: [&str; 2] = ["5entry11system_call4stub", "5entry9interrupt6common"];
/// Readings of the counter before an operation counts as one like all others.
const SETTLED: usize = 160;
/// Distances between two readings that are looked at: what most of those that enter the kernel are like
/// is the operation, and not what another thread of the program does meanwhile. Where none of them
/// enters the kernel, its entries are waited for instead.
const TURNS: usize = 16;
/// Bytes of code by which a program is recognised.
const CODE_BYTES: usize = 24;
/// Steps after which an operation counts as endless.
const LONGEST: usize = 200_000;

/// What one operation executed.
pub struct Path {
    pub steps: Vec<Step>,
}

/// One instruction.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub address: u64,
    pub event: Option<Event>,
}

/// Ends the emulator, however this one ends.
struct Emulator(Child);

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Records the operation of the row that comes after `rows` others.
pub fn record(boot: &Boot, kernel: &Code, program: &Code, rows: usize) -> Result<Path> {
    let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
    let socket = folder.path().join("debugger");
    let mut machine = boot.machine.clone();
    machine.icount = true;
    let medium = Medium::Files {
        kernel: &boot.stripped,
        archive: boot.archive.as_deref(),
        tree: None,
        card: None,
    };
    let mut command = Command::new(qemu::program(machine.board));
    command.args(machine.arguments(&medium, &folder.path().join("log")));
    command.arg("-S").arg("-gdb").arg(format!("unix:{},server,nowait", socket.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child =
        command.spawn().context("cannot start the emulator; `cargo xtask setup` installs it")?;
    let emulator = Emulator(child);
    let debugger = Debugger::connect(&socket)?;
    let after_row = program.functions(AFTER_ROW);
    ensure!(after_row.len() == 1, "the benchmark program has no function {AFTER_ROW}");
    let mut recorder = Recorder { debugger, kernel, program };
    recorder.pass(&after_row, rows)?;
    let path = recorder.operation()?;
    drop(emulator);
    Ok(path)
}

struct Recorder<'a> {
    debugger: Debugger,
    kernel: &'a Code,
    program: &'a Code,
}

impl Recorder<'_> {
    fn operation(&mut self) -> Result<Path> {
        let readings = self.program.all(Mnemonic::Rdtsc);
        self.pass(&readings, SETTLED)?;
        let turns = (0..TURNS).map(|_| self.until(&readings)).collect::<Result<Vec<_>>>()?;
        let enters = |steps: &&Vec<Step>| steps.iter().any(|step| is_kernel(step.address));
        let operations: Vec<_> = turns.iter().filter(enters).collect();
        let alike = |steps: &Vec<Step>| {
            operations.iter().filter(|other| other.len() == steps.len()).count()
        };
        if let Some(steps) = operations.iter().max_by_key(|steps| alike(steps)) {
            return Ok(Path { steps: steps.to_vec() });
        }
        let entries: Vec<_> = ENTRIES.iter().flat_map(|part| self.kernel.functions(part)).collect();
        self.set(&entries, true)?;
        self.debugger.go_on()?;
        self.set(&entries, false)?;
        Ok(Path { steps: self.until(&readings)? })
    }

    /// Lets the benchmark program come to one of `places` so often.
    fn pass(&mut self, places: &[u64], times: usize) -> Result<()> {
        self.set(places, true)?;
        let mut passed = 0;
        while passed < times {
            let address = self.debugger.go_on()?[INSTRUCTION_POINTER];
            // Other programs have other code at the same address.
            let expected = self.program.bytes(address, CODE_BYTES);
            passed += usize::from(self.debugger.memory(address, expected.len())? == expected);
        }
        self.set(places, false)
    }

    /// Steps until one of `ends`.
    fn until(&mut self, ends: &[u64]) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let mut registers = self.debugger.registers()?;
        while steps.len() < LONGEST {
            let address = registers[INSTRUCTION_POINTER];
            let code = if is_kernel(address) { self.kernel } else { self.program };
            steps.push(Step { address, event: code.event(address, &registers) });
            registers = self.debugger.step()?;
            if ends.contains(&registers[INSTRUCTION_POINTER]) {
                return Ok(steps);
            }
        }
        anyhow::bail!("the operation has not ended after {LONGEST} instructions")
    }

    fn set(&mut self, addresses: &[u64], on: bool) -> Result<()> {
        for address in addresses {
            match on {
                true => self.debugger.set_breakpoint(*address)?,
                false => self.debugger.clear_breakpoint(*address)?,
            }
        }
        Ok(())
    }
}
