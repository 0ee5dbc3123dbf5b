//! The controllers that device lines arrive at (Intel 82093AA data sheet).

use super::redirection::{self, MASKED};
use super::routes::Routes;
use crate::acpi::madt::{MOST_IO_APICS, Override};
use crate::lock::TicketLock;
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
    /// A lock of its own: cores that mask lines of other controllers do not wait.
    pair: TicketLock<Pair>,
    first_line: u32,
    lines: u32,
}

/// The two registers that all others are reached through: one says which, the other is it. So one core
/// at a time uses them.
struct Pair(Registers);

/// All of them, and what is special about their lines.
#[derive(Default)]
pub struct IoApics {
    all: Vec<IoApic, MOST_IO_APICS>,
    overrides: Vec<Override, 16>,
    routes: Routes,
}

impl IoApics {
    /// No controllers, these peculiarities.
    pub fn new(overrides: Vec<Override, 16>) -> IoApics {
        IoApics { overrides, ..IoApics::default() }
    }

    /// Adds a controller and masks its lines.
    pub fn add(&mut self, registers: Registers, first_line: u32) {
        let pair = Pair(registers);
        let lines = (pair.read(VERSION) >> 16 & 0xff) + 1;
        for line in 0..lines {
            pair.write(FIRST_ENTRY + 2 * line, MASKED);
            pair.write(FIRST_ENTRY + 2 * line + 1, 0);
        }
        // The list is as long as the table's.
        let _ = self.all.push(IoApic { pair: TicketLock::new(pair), first_line, lines });
    }

    /// Lines in all.
    pub fn lines(&self) -> u32 {
        self.all.iter().map(|controller| controller.lines).sum()
    }

    /// Sends `line` to the core with this identifier, masked. False if there is no such line.
    pub fn route(&self, line: Line, trigger: Trigger, identifier: u8) -> bool {
        let Some(((controller, register), vector)) =
            self.find(line).zip(redirection::vector(line.0))
        else {
            return false;
        };
        let low = redirection::entry(line.0, vector, trigger, &self.overrides);
        controller.pair.with(|pair| {
            pair.write(register, MASKED);
            pair.write(register + 1, redirection::destination(identifier));
            pair.write(register, low);
            self.routes.set(line, low, identifier);
        });
        true
    }

    /// Masks or unmasks a line, if it was routed.
    pub fn set_masked(&self, line: Line, masked: bool) {
        let Some((controller, register)) = self.find(line) else { return };
        controller.pair.with(|pair| {
            if let Some(low) = self.routes.low(line, masked) {
                pair.write(register, low);
            }
        });
    }

    /// Masks a line that interrupts the core with this identifier, if it is a level. For an edge this is
    /// one look at memory: no lock, no device.
    #[inline]
    pub fn mask_level(&self, line: Line, identifier: u8) {
        if self.routes.is_level_at(line, identifier) {
            self.mask_own(line, identifier);
        }
    }

    fn mask_own(&self, line: Line, identifier: u8) {
        let Some((controller, register)) = self.find(line) else { return };
        controller.pair.with(|pair| {
            // Another core may have routed the line to itself while this one waited.
            if self.routes.is_level_at(line, identifier)
                && let Some(low) = self.routes.low(line, true)
            {
                pair.write(register, low);
            }
        });
    }

    /// The controller of a line, and the register of its entry's low half.
    fn find(&self, line: Line) -> Option<(&IoApic, u32)> {
        self.all.iter().find_map(|controller| {
            let within = line.0.checked_sub(controller.first_line)?;
            (within < controller.lines).then(|| (controller, FIRST_ENTRY + 2 * within))
        })
    }
}

impl Pair {
    fn read(&self, register: u32) -> u32 {
        self.0.write32(SELECT, register);
        self.0.read32(DATA)
    }

    fn write(&self, register: u32, value: u32) {
        self.0.write32(SELECT, register);
        self.0.write32(DATA, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    const LEVEL_LINE: Line = Line(20);
    const EDGE_LINE: Line = Line(17);
    const CORE: u8 = 3;
    /// No register has this number.
    const NONE: u32 = 0xffff;

    /// Plain memory in the place of the device, and a controller of 24 lines from 16 on behind it. What was
    /// written last can be read back.
    fn controllers(memory: &mut [u64; 4]) -> (IoApics, Registers) {
        // SAFETY: the array outlives the registers, is aligned, and is used through them only.
        let registers = unsafe { Registers::new(memory.as_mut_ptr().cast(), BYTES) };
        registers.write32(DATA, 23 << 16);
        let mut controllers = IoApics::new(Vec::new());
        controllers.add(registers, 16);
        (controllers, registers)
    }

    /// The entry that `work` writes, if it touches the device at all.
    fn written(registers: Registers, work: impl FnOnce()) -> Option<(u32, u32)> {
        registers.write32(SELECT, NONE);
        work();
        let register = registers.read32(SELECT);
        (register != NONE).then(|| (register, registers.read32(DATA)))
    }

    #[test]
    fn an_edge_waits_for_no_lock() {
        let mut memory = [0; 4];
        let (controllers, _) = controllers(&mut memory);
        controllers.route(EDGE_LINE, Trigger::Edge, CORE);
        let (told, heard) = mpsc::channel();
        let is_done = thread::scope(|scope| {
            controllers.all[0].pair.with(|_| {
                scope.spawn(|| {
                    controllers.mask_level(EDGE_LINE, CORE);
                    told.send(())
                });
                heard.recv_timeout(Duration::from_secs(5)).is_ok()
            })
        });
        assert!(is_done, "it waited until the lock was open");
    }

    #[test]
    fn an_edge_reaches_no_register_and_a_level_its_entry() {
        let mut memory = [0; 4];
        let (controllers, registers) = controllers(&mut memory);
        assert_eq!(controllers.lines(), 24);
        assert!(controllers.route(EDGE_LINE, Trigger::Edge, CORE));
        assert!(controllers.route(LEVEL_LINE, Trigger::Level, CORE));
        controllers.set_masked(LEVEL_LINE, false);
        let mask = |line, core| written(registers, || controllers.mask_level(line, core));
        assert_eq!(mask(EDGE_LINE, CORE), None);
        let level = redirection::entry(20, 0x30 + 20, Trigger::Level, &[]);
        assert_eq!(mask(LEVEL_LINE, CORE), Some((FIRST_ENTRY + 2 * 4, level)));
        let unmasked = written(registers, || controllers.set_masked(LEVEL_LINE, false));
        assert_eq!(unmasked, Some((FIRST_ENTRY + 2 * 4, level & !MASKED)));
    }

    #[test]
    fn a_late_interrupt_does_not_mask_a_line_that_went_to_another_core() {
        let mut memory = [0; 4];
        let (controllers, registers) = controllers(&mut memory);
        controllers.route(LEVEL_LINE, Trigger::Level, CORE);
        controllers.route(LEVEL_LINE, Trigger::Level, CORE + 1);
        let mask = |core| written(registers, || controllers.mask_level(LEVEL_LINE, core));
        assert!(mask(CORE).is_none() && mask(CORE + 1).is_some());
        // Also if it went there while this core waited for the lock.
        assert_eq!(written(registers, || controllers.mask_own(LEVEL_LINE, CORE)), None);
    }

    #[test]
    fn lines_of_no_controller_are_refused() {
        let mut memory = [0; 4];
        let (controllers, registers) = controllers(&mut memory);
        let touched = written(registers, || {
            for line in [15, 40, 191, 192, u32::MAX].map(Line) {
                assert!(!controllers.route(line, Trigger::Level, CORE));
                controllers.set_masked(line, true);
                controllers.mask_level(line, CORE);
            }
            // Never routed: it stays masked.
            controllers.set_masked(EDGE_LINE, false);
        });
        assert_eq!(touched, None);
    }
}
