//! Entries of an I/O interrupt controller (Intel 82093AA data sheet, section 3.2.4), and which line
//! uses which vector. Pure.

use crate::acpi::madt::Override;
use cedo_machine::Trigger;

/// First vector of a device line.
pub const FIRST_LINE_VECTOR: u8 = 0x30;
/// First vector after the lines'.
pub const END_LINE_VECTOR: u8 = 0xf0;
/// Lines that have a vector.
pub const LINES: u32 = (END_LINE_VECTOR - FIRST_LINE_VECTOR) as u32;
/// Lines of the old bus, active high unless a table says otherwise; later ones are PCI's.
const ISA_LINES: u32 = 16;

/// Entry bit: active low.
const ACTIVE_LOW: u32 = 1 << 13;
/// Entry bit: level-triggered.
pub const LEVEL: u32 = 1 << 15;
/// Entry bit: masked.
pub const MASKED: u32 = 1 << 16;

/// The vector of a line, if it has one.
pub const fn vector(line: u32) -> Option<u8> {
    if line < LINES { Some(FIRST_LINE_VECTOR + line as u8) } else { None }
}

/// The line of a vector, if it is a line's.
pub const fn line(vector: u8) -> Option<u32> {
    if vector >= FIRST_LINE_VECTOR && vector < END_LINE_VECTOR {
        Some((vector - FIRST_LINE_VECTOR) as u32)
    } else {
        None
    }
}

/// The low half of the entry for `line`, masked. The caller knows how its device signals; what
/// level means on this board is in the table, else as the bus has it.
pub fn entry(line: u32, vector: u8, trigger: Trigger, overrides: &[Override]) -> u32 {
    let level = trigger == Trigger::Level;
    let special = overrides.iter().find(|special| special.line == line);
    let usual = level && line >= ISA_LINES;
    let low = special.and_then(|special| special.active_low()).unwrap_or(usual);
    let mut entry = u32::from(vector) | MASKED;
    if low {
        entry |= ACTIVE_LOW;
    }
    if level {
        entry |= LEVEL;
    }
    entry
}

/// The high half of an entry for the core with this identifier.
pub const fn destination(identifier: u8) -> u32 {
    (identifier as u32) << 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_vectors_belong_together() {
        assert_eq!((vector(0), vector(191), vector(192)), (Some(0x30), Some(0xef), None));
        for number in 0..=255 {
            assert!(line(number).is_none_or(|found| vector(found) == Some(number)));
        }
        assert_eq!((line(0x2f), line(0xf0)), (None, None));
    }

    #[test]
    fn polarity_is_the_tables_else_the_buses() {
        let overrides = [
            Override { isa_line: 9, line: 9, flags: 0xd },
            Override { isa_line: 10, line: 10, flags: 0xf },
        ];
        let made = |line, trigger| entry(line, 0x40, trigger, &overrides);
        assert_eq!(made(4, Trigger::Edge), 0x40 | MASKED);
        assert_eq!(made(9, Trigger::Level), 0x40 | MASKED | LEVEL);
        assert_eq!(made(10, Trigger::Level), 0x40 | MASKED | LEVEL | ACTIVE_LOW);
        assert_eq!(made(20, Trigger::Level), 0x40 | MASKED | LEVEL | ACTIVE_LOW);
        assert_eq!(made(20, Trigger::Edge), 0x40 | MASKED);
    }
}
