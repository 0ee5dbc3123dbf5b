//! The interrupt controller of the devices of a BCM2835, BCM2836 or BCM2837 (Broadcom, BCM2835 ARM
//! peripherals, chapter 7): 64 lines, all of them levels, that interrupt one core.

use cedo_mmio::Registers;

/// Bytes of the registers.
pub const BYTES: usize = 0x28;
/// Lines that it has.
pub const LINES: u32 = 64;

const PENDING: usize = 0x04;
const ENABLE: usize = 0x10;
const DISABLE: usize = 0x1c;
const FAST_CONTROL: usize = 0x0c;
const DISABLE_BASIC: usize = 0x24;
/// Lines in a register.
const IN_A_REGISTER: u32 = 32;

/// The registers.
#[derive(Clone, Copy, Debug)]
pub struct LegacyController(Registers);

impl LegacyController {
    /// The controller behind these registers.
    pub const fn new(registers: Registers) -> LegacyController {
        LegacyController(registers)
    }

    /// Masks every line.
    pub fn initialise(self) {
        self.0.write32(FAST_CONTROL, 0);
        self.0.write32(DISABLE_BASIC, u32::MAX);
        self.0.write32(DISABLE, u32::MAX);
        self.0.write32(DISABLE + 4, u32::MAX);
    }

    /// Masks or unmasks a line.
    pub fn set_masked(self, line: u32, masked: bool) {
        let base = if masked { DISABLE } else { ENABLE };
        let register = base + 4 * (line / IN_A_REGISTER) as usize;
        self.0.write32(register, 1 << (line % IN_A_REGISTER));
    }

    /// The first line that is pending and not masked.
    pub fn pending(self) -> Option<u32> {
        (0..LINES / IN_A_REGISTER).find_map(|word| {
            let bits = self.0.read32(PENDING + 4 * word as usize);
            (bits != 0).then(|| word * IN_A_REGISTER + bits.trailing_zeros())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_bit_in_each_register() {
        let mut memory = [0_u64; 5];
        // SAFETY: the array outlives the registers, is aligned, and is used through them only.
        let registers = unsafe { Registers::new(memory.as_mut_ptr().cast(), BYTES) };
        let controller = LegacyController::new(registers);
        assert_eq!(controller.pending(), None);
        registers.write32(0x08, 1 << 25);
        assert_eq!(controller.pending(), Some(57));
        registers.write32(0x04, 1 << 3);
        assert_eq!(controller.pending(), Some(3));
        controller.set_masked(57, false);
        assert_eq!(registers.read32(0x14), 1 << 25);
        controller.set_masked(3, true);
        assert_eq!(registers.read32(0x1c), 1 << 3);
        controller.initialise();
        assert_eq!(registers.read32(0x20), u32::MAX);
    }
}
