//! The four ACPI tables a kernel needs (ACPI specification 6.5, chapter 5), 1.0 and later.
//!
//! Pure: physical memory is a trait. Lengths and counts come from firmware and are believed only
//! as far as the bytes are there and the checksum holds.
//!
//! | file | contents |
//! |---|---|
//! | [`root`] | from the root pointer to a table by its name |
//! | [`madt`] | processors, interrupt controllers, rerouted lines |
//! | [`fadt`] | the ACPI timer, power off, reset |
//! | [`hpet`] | the high precision event timer |

pub mod fadt;
pub mod hpet;
pub mod madt;
pub mod root;

pub use fadt::Fadt;
pub use madt::Madt;

/// Physical memory as a reader of tables sees it.
pub trait Physical {
    /// The bytes from `address` on, if all of them can be read.
    fn bytes(&self, address: u64, length: usize) -> Option<&[u8]>;
}

/// Little-endian numbers at an offset; `None` beyond the end.
pub(crate) fn u8_at(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

pub(crate) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::Physical;
    use std::vec::Vec;

    /// 1 MiB of physical memory that ends hard; bytes that nobody put are not there.
    pub struct Fake {
        bytes: Vec<u8>,
        written: Vec<bool>,
    }

    impl Fake {
        pub fn new() -> Fake {
            Fake { bytes: vec![0; 1 << 20], written: vec![false; 1 << 20] }
        }

        pub fn put(&mut self, address: usize, bytes: &[u8]) {
            self.bytes[address..address + bytes.len()].copy_from_slice(bytes);
            self.written[address..address + bytes.len()].fill(true);
        }
    }

    impl Physical for Fake {
        fn bytes(&self, address: u64, length: usize) -> Option<&[u8]> {
            let start = usize::try_from(address).ok()?;
            let end = start.checked_add(length)?;
            let there = self.written.get(start..end)?.iter().all(|written| *written);
            there.then(|| &self.bytes[start..end])
        }
    }

    /// A table with a header, right length and checksum.
    pub fn table(signature: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 36];
        bytes.extend_from_slice(body);
        bytes[..4].copy_from_slice(signature);
        let length = bytes.len() as u32;
        bytes[4..8].copy_from_slice(&length.to_le_bytes());
        seal(&mut bytes, 9);
        bytes
    }

    /// Makes the sum of all bytes zero by the one at `place`.
    pub fn seal(bytes: &mut [u8], place: usize) {
        bytes[place] = 0;
        bytes[place] =
            0u8.wrapping_sub(bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
    }
}
