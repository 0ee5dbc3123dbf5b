//! The controllers that device lines arrive at (Intel 82093AA data sheet).

use super::local_register;
use super::redirection::{self, MASKED};
use crate::acpi::madt::{MOST_IO_APICS, Override};
use cedo_machine::{Line, Trigger};
use cedo_mmio::Registers;
use heapless::Vec;

const SELECT: usize = 0;
const DATA: usize = 0x10;
const VERSION: u32 = 1;
const FIRST_ENTRY: u32 = 0x10;

/// Bytes of the registers.
pub const BYTES: usize = 0x20;

/// One controller.
struct IoApic {
    registers: Registers,
    first_line: u32,
    lines: u32,
}

/// All of them, and what is special about their lines.
#[derive(Default)]
pub struct IoApics {
    all: Vec<IoApic, MOST_IO_APICS>,
    overrides: Vec<Override, 16>,
    /// One bit per line that signals by a level.
    level: [u64; redirection::LINES.div_ceil(64) as usize],
}

impl IoApics {
    /// No controllers, these peculiarities.
    pub fn new(overrides: Vec<Override, 16>) -> IoApics {
        IoApics { overrides, ..IoApics::default() }
    }

    /// Adds a controller and masks its lines.
    pub fn add(&mut self, registers: Registers, first_line: u32) {
        let mut controller = IoApic { registers, first_line, lines: 0 };
        controller.lines = (controller.read(VERSION) >> 16 & 0xff) + 1;
        for line in 0..controller.lines {
            controller.write(FIRST_ENTRY + 2 * line, MASKED);
            controller.write(FIRST_ENTRY + 2 * line + 1, 0);
        }
        // The list is as long as the table's.
        let _ = self.all.push(controller);
    }

    /// Lines in all.
    pub fn lines(&self) -> u32 {
        self.all.iter().map(|controller| controller.lines).sum()
    }

    /// Sends `line` to the core with this identifier, masked. False if there is no such line, or the
    /// identifier has more than the eight bits that an entry has room for.
    pub fn route(&mut self, line: Line, trigger: Trigger, identifier: u32) -> bool {
        let Some(identifier) = local_register::short(identifier) else { return false };
        let Some((index, vector)) = self.find(line).zip(redirection::vector(line.0)) else {
            return false;
        };
        let entry = redirection::entry(line.0, vector, trigger, &self.overrides);
        let (controller, register) = index;
        let controller = &self.all[controller];
        controller.write(register, MASKED);
        controller.write(register + 1, u32::from(identifier) << 24);
        controller.write(register, entry);
        let bit = 1 << (line.0 % 64);
        let word = &mut self.level[line.0 as usize / 64];
        *word = if trigger == Trigger::Level { *word | bit } else { *word & !bit };
        true
    }

    /// Masks or unmasks a line.
    pub fn set_masked(&mut self, line: Line, masked: bool) {
        if let Some((controller, register)) = self.find(line) {
            let controller = &self.all[controller];
            let entry = controller.read(register);
            controller.write(register, if masked { entry | MASKED } else { entry & !MASKED });
        }
    }

    /// True if the line was routed as a level.
    pub fn is_level(&self, line: Line) -> bool {
        self.level.get(line.0 as usize / 64).is_some_and(|word| word >> (line.0 % 64) & 1 != 0)
    }

    /// The controller of a line, and the register of its entry's low half.
    fn find(&self, line: Line) -> Option<(usize, u32)> {
        self.all.iter().enumerate().find_map(|(index, controller)| {
            let within = line.0.checked_sub(controller.first_line)?;
            (within < controller.lines).then_some((index, FIRST_ENTRY + 2 * within))
        })
    }
}

impl IoApic {
    fn read(&self, register: u32) -> u32 {
        self.registers.write32(SELECT, register);
        self.registers.read32(DATA)
    }

    fn write(&self, register: u32, value: u32) {
        self.registers.write32(SELECT, register);
        self.registers.write32(DATA, value);
    }
}
