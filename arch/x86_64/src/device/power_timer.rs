//! The ACPI timer (ACPI 6.5, section 4.8.3.3), as a counter of 24 or 32 bits.

use super::port;

/// Counts per second.
pub const HERTZ: u64 = 3_579_545;

/// The count.
pub fn read(port: u16) -> u64 {
    u64::from(port::read::<u32>(port))
}
