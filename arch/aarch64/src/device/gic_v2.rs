//! Each core's interface to a GICv2, by registers in memory (Arm IHI 0048).
//!
//! All interrupts are in the group that this security state uses: where there is only one state,
//! group 0, which bit 0 switches on; else group 1, which the same bit switches on as seen from here.

use super::FIRST_DEVICE;
use super::distributor::{CONTROL, Distributor};
use super::gic::{SIGNAL, STOP};
use crate::core_area::CoreRecord;
use cedo_mmio::Registers;
use core::sync::atomic::Ordering::Relaxed;

/// Bytes of the registers.
pub const BYTES: usize = 0x2000;

const TARGETS: usize = 0x800;
const SEND: usize = 0xf00;
const INTERFACE_CONTROL: usize = 0;
const LEAST_PRIORITY: usize = 4;
const ACCEPT: usize = 0xc;
const END: usize = 0x10;

/// Masks all device lines and switches the distributor on.
pub fn initialise(distributor: Distributor) {
    let registers = distributor.registers();
    registers.write32(CONTROL, 0);
    distributor.initialise(FIRST_DEVICE, distributor.lines().next_multiple_of(32), 0);
    registers.write32(CONTROL, 1);
}

/// Signals a core.
pub fn send(distributor: Distributor, core: &CoreRecord, number: u32) {
    distributor.registers().write32(SEND, core.target.load(Relaxed) << 16 | number);
}

/// Sends a line to a core alone.
pub fn route(distributor: Distributor, line: u32, core: &CoreRecord) {
    let (register, shift) = (TARGETS + (line & !3) as usize, line % 4 * 8);
    let others = distributor.registers().read32(register) & !(0xff << shift);
    distributor.registers().write32(register, others | core.target.load(Relaxed) << shift);
}

/// The interface that each core sees at the same address.
#[derive(Clone, Copy, Debug)]
pub struct Interface(Registers);

impl Interface {
    /// The interface behind these registers.
    pub const fn new(registers: Registers) -> Interface {
        Interface(registers)
    }

    /// Accepts signals and the timer on this core.
    pub fn initialise_core(self, distributor: Distributor, record: &CoreRecord, timer: u32) {
        // The core's own lines have the core itself as their target, and so say which bit it is; with
        // one core all read 0.
        let targets = distributor.registers().read32(TARGETS);
        record.target.store(if targets & 0xff == 0 { 1 } else { targets & 0xff }, Relaxed);
        distributor.initialise(0, FIRST_DEVICE, 0);
        for number in [SIGNAL, STOP, timer] {
            distributor.set_masked(number, false);
        }
        self.0.write32(LEAST_PRIORITY, 0xff);
        self.0.write32(INTERFACE_CONTROL, 1);
    }

    /// Accepts what is pending.
    #[inline]
    pub fn accept(self) -> u32 {
        self.0.read32(ACCEPT)
    }

    /// Ends it.
    #[inline]
    pub fn end(self, word: u32) {
        self.0.write32(END, word);
    }
}
