//! The ACPI timer, power off, reset (ACPI 6.5, sections 5.2.9, 4.8.3 and 7.4.2).

use super::root::table_at;
use super::{Physical, u8_at, u16_at, u32_at, u64_at};

/// Bytes of a table header.
const HEADER_BYTES: usize = 36;
/// Flag: the timer has 32 bits, not 24.
const TIMER_32_BITS: u32 = 1 << 8;
/// Flag: there is a reset register.
const HAS_RESET: u32 = 1 << 10;
/// Address space number of I/O ports.
const IO_SPACE: u8 = 1;

/// What the fixed description table says.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Fadt {
    /// Port of the 3.58 MHz timer, and the bits it has.
    pub timer: Option<(u16, u32)>,
    /// How to switch off.
    pub power_off: Option<PowerOff>,
    /// Port and value that reset the machine.
    pub reset: Option<(u16, u8)>,
}

/// Ports and values that enter the state S5, soft off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PowerOff {
    /// Port and sleep type of the first control block.
    pub a: (u16, u8),
    /// Of the second, where there is one.
    pub b: Option<(u16, u8)>,
}

impl Fadt {
    /// Reads a table whose checksum was found right, and the table it points to.
    pub fn read(physical: &impl Physical, table: &[u8]) -> Fadt {
        let flags = u32_at(table, 112).unwrap_or(0);
        let port = |offset| {
            u32_at(table, offset)
                .and_then(|port| u16::try_from(port).ok())
                .filter(|port| *port != 0)
        };
        let bits = if flags & TIMER_32_BITS != 0 { 32 } else { 24 };
        let has_timer = u8_at(table, 91) == Some(4);
        Fadt {
            timer: port(76).filter(|_| has_timer).map(|port| (port, bits)),
            power_off: port(64).and_then(|a| power_off(physical, table, a, port(68))),
            reset: if flags & HAS_RESET != 0 { reset(table) } else { None },
        }
    }
}

fn power_off(physical: &impl Physical, table: &[u8], a: u16, b: Option<u16>) -> Option<PowerOff> {
    let long = u64_at(table, 140).filter(|address| *address != 0);
    let address = long.or(u32_at(table, 40).map(u64::from))?;
    let (type_a, type_b) = sleep_types(table_at(physical, address, b"DSDT")?)?;
    Some(PowerOff { a: (a, type_a), b: b.map(|port| (port, type_b)) })
}

fn reset(table: &[u8]) -> Option<(u16, u8)> {
    let port = u64_at(table, 120).and_then(|port| u16::try_from(port).ok())?;
    (u8_at(table, 116)? == IO_SPACE).then_some((port, u8_at(table, 128)?))
}

/// Finds `Name (_S5_, Package () {a, b, ..})` in the bytes of a definition block without
/// interpreting it: NameOp, name, PackageOp, package length, number of elements, then integers.
fn sleep_types(block: &[u8]) -> Option<(u8, u8)> {
    let body = block.get(HEADER_BYTES..)?;
    let place = body.windows(5).position(|bytes| bytes == b"_S5_\x12")?;
    let before = body.get(..place)?;
    if !before.ends_with(&[8]) && !before.ends_with(&[8, b'\\']) {
        return None;
    }
    let length_bytes = 1 + usize::from(u8_at(body, place + 5)? >> 6);
    let first = place + 5 + length_bytes + 1;
    let (a, used) = integer(body, first)?;
    let (b, _) = integer(body, first + used)?;
    Some((a & 7, b & 7))
}

/// A small integer of the definition language, and the bytes it takes.
fn integer(body: &[u8], at: usize) -> Option<(u8, usize)> {
    match u8_at(body, at)? {
        0 => Some((0, 1)),
        1 => Some((1, 1)),
        0x0a => Some((u8_at(body, at + 1)?, 2)),
        0x0b => Some((u16_at(body, at + 1)? as u8, 3)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acpi::tests::{Fake, table};
    use std::vec::Vec;

    fn body() -> Vec<u8> {
        let mut body = vec![0; 132 - 36];
        body[4..8].copy_from_slice(&0x2000u32.to_le_bytes());
        body[28..32].copy_from_slice(&0x604u32.to_le_bytes());
        body[40..44].copy_from_slice(&0x608u32.to_le_bytes());
        body[55] = 4;
        body[76..80].copy_from_slice(&(TIMER_32_BITS | HAS_RESET).to_le_bytes());
        body[80] = IO_SPACE;
        body[84..92].copy_from_slice(&0xcf9u64.to_le_bytes());
        body[92] = 0x0f;
        body
    }

    #[test]
    fn timer_power_and_reset_are_found() {
        let mut fake = Fake::new();
        fake.put(0x2000, &table(b"DSDT", b"xx\x08_S5_\x12\x08\x04\x0a\x05\x01\0\0"));
        let fadt = Fadt::read(&fake, &table(b"FACP", &body()));
        assert_eq!(fadt.timer, Some((0x608, 32)));
        assert_eq!(fadt.power_off, Some(PowerOff { a: (0x604, 5), b: None }));
        assert_eq!(fadt.reset, Some((0xcf9, 0x0f)));
    }

    #[test]
    fn every_prefix_of_a_table_is_harmless() {
        let fake = Fake::new();
        let whole = table(b"FACP", &body());
        for length in 0..whole.len() {
            assert_eq!(Fadt::read(&fake, &whole[..length]).power_off, None);
        }
    }

    #[test]
    fn only_a_whole_package_gives_sleep_types() {
        let block = |code: &[u8]| sleep_types(&table(b"DSDT", code));
        assert_eq!(block(b"\x08\\_S5_\x12\x06\x04\0\x01\0\0"), Some((0, 1)));
        assert_eq!(block(b"\x08_S5_\x12\x46\x01\x04\x0a\x07\x0b\x02\x01"), Some((7, 2)));
        assert_eq!(block(b"\x08_S5_\x12"), None);
        assert_eq!(block(b"\x08_S5_\x12\x06\x04"), None);
        assert_eq!(block(b"y_S5_\x12\x06\x04\0\0\0\0"), None);
        assert_eq!(block(b""), None);
    }
}
