//! The part of an interrupt controller that device lines arrive at (Arm IHI 0048, GICv2; IHI 0069,
//! GICv3): the registers that both have.
//!
//! Lines are numbered as the controller does: 0 to 15 are signals between cores, 16 to 31 a core's
//! own, devices follow from 32.

use super::FIRST_DEVICE;
use cedo_machine::{Line, Trigger};
use cedo_mmio::Registers;

/// Bytes of the registers that both kinds have.
pub const BYTES: usize = 0x1_0000;

#[cfg(target_os = "none")]
pub(super) const CONTROL: usize = 0;
const KIND: usize = 4;
const GROUP: usize = 0x80;
const ENABLE: usize = 0x100;
const DISABLE: usize = 0x180;
const NOT_PENDING: usize = 0x280;
const PRIORITY: usize = 0x400;
const TRIGGER: usize = 0xc00;

/// Lines that are numbered at most; the numbers behind have meanings of their own.
const END: u32 = 1020;
/// Priority of every interrupt: there is one.
const PRIORITY_OF_ALL: u32 = 0xa0a0_a0a0;

/// The registers.
#[derive(Clone, Copy, Debug)]
pub struct Distributor(Registers);

/// Offset of the 32-bit register with a line's field of `bits` bits, and where in it that is.
const fn place(base: usize, line: u32, bits: u32) -> (usize, u32) {
    let per_register = 32 / bits;
    (base + 4 * (line / per_register) as usize, line % per_register * bits)
}

impl Distributor {
    /// The distributor behind these registers; or, for lines below 32, the part of a redistributor
    /// that looks the same.
    pub const fn new(registers: Registers) -> Distributor {
        Distributor(registers)
    }

    /// The registers, for what only one kind has.
    pub const fn registers(self) -> Registers {
        self.0
    }

    /// Lines in all, those that are no device's included.
    pub fn lines(self) -> u32 {
        (((self.0.read32(KIND) & 0x1f) + 1) * 32).min(END)
    }

    /// Masks the lines `first..end` (multiples of 32), forgets what is pending, and sets group and
    /// priority.
    pub fn initialise(self, first: u32, end: u32, group: u32) {
        for line in (first..end).step_by(32) {
            self.0.write32(place(DISABLE, line, 1).0, u32::MAX);
            self.0.write32(place(NOT_PENDING, line, 1).0, u32::MAX);
            self.0.write32(place(GROUP, line, 1).0, group);
        }
        for line in (first..end).step_by(4) {
            self.0.write32(place(PRIORITY, line, 8).0, PRIORITY_OF_ALL);
        }
    }

    /// True for a line that a device can have.
    pub fn is_device(self, line: Line) -> bool {
        (FIRST_DEVICE..self.lines()).contains(&line.0)
    }

    /// Masks or unmasks a line.
    pub fn set_masked(self, line: u32, masked: bool) {
        let (register, bit) = place(if masked { DISABLE } else { ENABLE }, line, 1);
        self.0.write32(register, 1 << bit);
    }

    /// Says how a masked line signals, and forgets what is pending.
    pub fn set_trigger(self, line: u32, trigger: Trigger) {
        let (register, shift) = place(TRIGGER, line, 2);
        let edge = 2 << shift;
        let others = self.0.read32(register) & !edge;
        let own = if trigger == Trigger::Edge { edge } else { 0 };
        self.0.write32(register, others | own);
        let (register, bit) = place(NOT_PENDING, line, 1);
        self.0.write32(register, 1 << bit);
    }

    /// True if a line signals by a level.
    pub fn is_level(self, line: u32) -> bool {
        let (register, shift) = place(TRIGGER, line, 2);
        self.0.read32(register) >> shift & 2 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page of plain memory in the place of the device: what is written can be read back.
    fn distributor(memory: &mut [u64; 512]) -> Distributor {
        // SAFETY: the array outlives the registers, is aligned, and is used through them only.
        Distributor::new(unsafe { Registers::new(memory.as_mut_ptr().cast(), 4096) })
    }

    #[test]
    fn lines_are_counted_and_the_special_numbers_left_out() {
        let mut memory = [0; 512];
        let distributor = distributor(&mut memory);
        distributor.0.write32(KIND, 8);
        assert_eq!(distributor.lines(), 288);
        assert!(distributor.is_device(Line(32)) && distributor.is_device(Line(287)));
        assert!(!distributor.is_device(Line(31)) && !distributor.is_device(Line(288)));
        distributor.0.write32(KIND, 0x1f);
        assert_eq!(distributor.lines(), 1020);
    }

    #[test]
    fn a_line_has_its_bit_in_each_register() {
        let mut memory = [0; 512];
        let distributor = distributor(&mut memory);
        distributor.set_masked(33, false);
        assert_eq!(distributor.0.read32(0x104), 1 << 1);
        distributor.set_masked(95, true);
        assert_eq!(distributor.0.read32(0x188), 1 << 31);
        assert_eq!(place(PRIORITY, 35, 8), (0x420, 24));
    }

    #[test]
    fn a_trigger_leaves_its_neighbours_alone() {
        let mut memory = [0; 512];
        let distributor = distributor(&mut memory);
        distributor.set_trigger(33, Trigger::Edge);
        distributor.set_trigger(47, Trigger::Edge);
        assert_eq!(distributor.0.read32(0xc08), 2 << 2 | 2 << 30);
        assert!(!distributor.is_level(33) && distributor.is_level(34));
        distributor.set_trigger(33, Trigger::Level);
        assert_eq!(distributor.0.read32(0xc08), 2 << 30);
    }

    #[test]
    fn every_line_starts_masked_in_its_group_with_one_priority() {
        let mut memory = [0; 512];
        let distributor = distributor(&mut memory);
        distributor.initialise(32, 96, u32::MAX);
        for register in [0x84, 0x88, 0x184, 0x188, 0x284, 0x288] {
            assert_eq!(distributor.0.read32(register), u32::MAX);
        }
        assert_eq!(distributor.0.read32(0x420), PRIORITY_OF_ALL);
        assert_eq!(distributor.0.read32(0x45c), PRIORITY_OF_ALL);
        assert_eq!((distributor.0.read32(0x80), distributor.0.read32(0x460)), (0, 0));
    }
}
