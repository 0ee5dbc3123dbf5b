//! The high precision event timer (IA-PC HPET specification 1.0a, section 2.3), as a counter of 32
//! bits.

use cedo_mmio::Registers;

const PERIOD: usize = 4;
const CONFIGURATION: usize = 0x10;
const COUNTER: usize = 0xf0;
const ENABLE: u32 = 1;
/// The specification's longest period.
const MOST_FEMTOSECONDS: u32 = 100_000_000;

/// Bytes of the registers.
pub const BYTES: usize = 0x400;
/// Bits of the counter that are used.
pub const BITS: u32 = 32;

/// A running counter.
#[derive(Clone, Copy)]
pub struct Hpet(Registers);

impl Hpet {
    /// Starts it, and says how many counts a second has. `None` if its period makes no sense.
    pub fn start(registers: Registers) -> Option<(Hpet, u64)> {
        let period = registers.read32(PERIOD);
        if period == 0 || period > MOST_FEMTOSECONDS {
            return None;
        }
        registers.write32(CONFIGURATION, registers.read32(CONFIGURATION) | ENABLE);
        Some((Hpet(registers), 1_000_000_000_000_000 / u64::from(period)))
    }

    /// The count.
    pub fn read(self) -> u64 {
        u64::from(self.0.read32(COUNTER))
    }
}
