//! Processors, interrupt controllers, rerouted lines (ACPI 6.5, section 5.2.12).

use super::{u8_at, u16_at, u32_at, u64_at};
use heapless::Vec;

/// I/O interrupt controllers that are used.
pub const MOST_IO_APICS: usize = 4;
/// Processors that are remembered; the kernel runs [`cedo_abi::MAX_CORES`] of them.
const MOST_PROCESSORS: usize = cedo_abi::MAX_CORES;
/// The old interrupt lines.
const ISA_LINES: usize = 16;
/// Where a local controller is if the table does not say.
const LOCAL_APIC_DEFAULT: u64 = 0xfee0_0000;

/// The multiple APIC description table.
#[derive(Debug)]
pub struct Madt {
    /// Physical address of each core's local controller.
    pub local_apic: u64,
    /// Identifiers of the enabled processors, in the table's order.
    pub processors: Vec<u32, MOST_PROCESSORS>,
    /// Enabled processors beyond those.
    pub ignored: u32,
    /// Processors that could be enabled by firmware later and are off now.
    pub offline: u32,
    /// I/O interrupt controllers.
    pub io_apics: Vec<IoApicEntry, MOST_IO_APICS>,
    /// How lines differ from what is usual.
    pub overrides: Vec<Override, ISA_LINES>,
}

/// One I/O interrupt controller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IoApicEntry {
    /// Physical address.
    pub address: u64,
    /// Global number of its first line.
    pub first_line: u32,
}

/// What is special about a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Override {
    /// The old line.
    pub isa_line: u8,
    /// The global line it arrives at.
    pub line: u32,
    /// Polarity and trigger mode as in the multiprocessor specification.
    pub flags: u16,
}

impl Override {
    /// True for a line that is active low; `None` if the bus says.
    pub const fn active_low(self) -> Option<bool> {
        match self.flags & 3 {
            1 => Some(false),
            3 => Some(true),
            _ => None,
        }
    }
}

impl Default for Madt {
    /// What to assume of a machine without the table: one processor, no I/O controller.
    fn default() -> Madt {
        Madt {
            local_apic: LOCAL_APIC_DEFAULT,
            processors: Vec::new(),
            ignored: 0,
            offline: 0,
            io_apics: Vec::new(),
            overrides: Vec::new(),
        }
    }
}

impl Madt {
    /// Reads a table whose checksum was found right.
    pub fn read(table: &[u8]) -> Madt {
        let mut madt = Madt::default();
        if let Some(address) = u32_at(table, 36) {
            madt.local_apic = u64::from(address);
        }
        let mut rest = table.get(44..).unwrap_or_default();
        while let Some(length) = u8_at(rest, 1) {
            // An entry shorter than its own header, or longer than the table, ends the list.
            let Some(entry) = rest.get(..length as usize).filter(|entry| entry.len() >= 2) else {
                break;
            };
            madt.entry(entry);
            rest = &rest[entry.len()..];
        }
        madt
    }

    /// Takes one entry in; one that is too short for its kind, or unknown, says nothing.
    fn entry(&mut self, entry: &[u8]) -> Option<()> {
        match entry[0] {
            0 => {
                // 255 means everybody, and is nobody's.
                let identifier = u32::from(u8_at(entry, 3)?);
                let flags = u32_at(entry, 4)?;
                if identifier != 0xff {
                    self.processor(identifier, flags);
                }
            }
            1 => {
                let (address, first_line) = (u64::from(u32_at(entry, 4)?), u32_at(entry, 8)?);
                self.io_apics.push(IoApicEntry { address, first_line }).ok()?;
            }
            2 => {
                let (isa_line, line) = (u8_at(entry, 3)?, u32_at(entry, 4)?);
                let flags = u16_at(entry, 8)?;
                self.overrides.push(Override { isa_line, line, flags }).ok()?;
            }
            5 => self.local_apic = u64_at(entry, 4)?,
            // A processor with an identifier of 32 bits.
            9 => self.processor(u32_at(entry, 4)?, u32_at(entry, 8)?),
            _ => {}
        }
        Some(())
    }

    fn processor(&mut self, identifier: u32, flags: u32) {
        if flags & 1 == 0 {
            self.offline += u32::from(flags & 2 != 0);
        } else if !self.processors.contains(&identifier)
            && self.processors.push(identifier).is_err()
        {
            self.ignored += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acpi::tests::table;
    use std::vec;

    fn processor(identifier: u8, flags: u8) -> vec::Vec<u8> {
        vec![0, 8, identifier, identifier, flags, 0, 0, 0]
    }

    fn madt(entries: &[vec::Vec<u8>]) -> Madt {
        let mut body = vec![0, 0, 0xe0, 0xfe, 1, 0, 0, 0];
        entries.iter().for_each(|entry| body.extend_from_slice(entry));
        Madt::read(&table(b"APIC", &body))
    }

    #[test]
    fn enabled_processors_are_found_and_the_ninth_is_ignored() {
        let mut entries: vec::Vec<_> = (0..9).map(|id| processor(id * 2, 1)).collect();
        entries.push(processor(40, 0));
        entries.push(processor(41, 2));
        entries.push(processor(0, 1));
        let madt = madt(&entries);
        assert_eq!(madt.processors.as_slice(), [0, 2, 4, 6, 8, 10, 12, 14]);
        assert_eq!((madt.ignored, madt.offline, madt.local_apic), (1, 1, 0xfee0_0000));
    }

    fn long_processor(identifier: u32, flags: u8) -> vec::Vec<u8> {
        let mut entry = vec![9, 16, 0, 0];
        entry.extend_from_slice(&identifier.to_le_bytes());
        entry.extend_from_slice(&[flags, 0, 0, 0, 0, 0, 0, 0]);
        entry
    }

    #[test]
    fn processors_with_long_identifiers_are_found_once_each() {
        let madt = madt(&[
            processor(1, 1),
            long_processor(1, 1),
            processor(0xff, 1),
            long_processor(0x1_0000, 1),
            long_processor(7, 2),
            vec![9, 8, 0, 0, 9, 0, 0, 0],
        ]);
        assert_eq!(madt.processors.as_slice(), [1, 0x1_0000]);
        assert_eq!((madt.ignored, madt.offline), (0, 1));
    }

    #[test]
    fn controllers_and_overrides_are_found() {
        let madt = madt(&[
            vec![1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0],
            vec![2, 10, 0, 0, 2, 0, 0, 0, 0, 0],
            vec![2, 10, 0, 9, 9, 0, 0, 0, 0xf, 0],
            vec![5, 12, 0, 0, 0, 0, 0, 0xfe, 1, 0, 0, 0],
        ]);
        let controller = IoApicEntry { address: 0xfec0_0000, first_line: 0 };
        assert_eq!(madt.io_apics.as_slice(), [controller]);
        assert_eq!(madt.overrides[0], Override { isa_line: 0, line: 2, flags: 0 });
        assert_eq!(
            (madt.overrides[0].active_low(), madt.overrides[1].active_low()),
            (None, Some(true))
        );
        assert_eq!(madt.local_apic, 0x1_fe00_0000);
    }

    #[test]
    fn hostile_entries_end_the_list_or_say_nothing() {
        for bad in [vec![0, 0], vec![0, 1], vec![0, 200, 1], vec![7]] {
            let madt = madt(&[processor(3, 1), bad, processor(4, 1)]);
            assert_eq!(madt.processors[0], 3);
        }
        let madt = madt(&[vec![0, 3, 0], vec![1, 4, 0, 0], vec![99, 2], processor(5, 1)]);
        assert_eq!(madt.processors.as_slice(), [5]);
        assert!(madt.io_apics.is_empty());
        assert!(Madt::read(&[]).processors.is_empty());
    }
}
