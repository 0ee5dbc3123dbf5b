//! Bytes as physical memory: where a reader looks for them, and nothing anywhere else.

use cedo_arch_x86_64::acpi::Physical;
use cedo_core::start::archive::Module;

/// The BIOS's read-only memory, which is searched for ACPI's root pointer.
const BIOS: u64 = 0xe_0000;

/// The bytes at address 0, and again where the BIOS is.
#[derive(Clone, Copy, Debug)]
pub struct Memory<'a>(pub &'a [u8]);

impl Physical for Memory<'_> {
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
        let offset = if address < BIOS { address } else { address - BIOS };
        let start = usize::try_from(offset).ok()?;
        self.0.get(start..start.checked_add(length)?)
    }
}

impl Module for Memory<'_> {
    fn word(&self, offset: u64) -> Option<[u8; 8]> {
        let start = usize::try_from(offset).ok()?;
        self.0.get(start..)?.first_chunk().copied()
    }
}
