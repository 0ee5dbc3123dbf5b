//! From the root pointer to a table by its name (ACPI 6.5, sections 5.2.5 to 5.2.8).

use super::{Physical, u8_at, u32_at, u64_at};
use crate::boot::information::RootPointer;

const ROOT_SIGNATURE: &[u8; 8] = b"RSD PTR ";
/// Bytes of the root pointer in ACPI 1.0, and of a table header.
const ROOT_BYTES: usize = 20;
const ROOT_BYTES_2: usize = 36;
const HEADER_BYTES: usize = 36;
/// A longer table than this is not believed.
const MOST_TABLE_BYTES: u32 = 1 << 20;

/// The root table: RSDT with 4-byte entries or XSDT with 8-byte ones.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    entries: &'a [u8],
    entry_bytes: usize,
    /// 1 for ACPI 1.0 (RSDT), 2 for later (XSDT).
    pub version: u8,
}

impl<'a> Root<'a> {
    /// Follows the root pointer. `None` if nothing valid is found there.
    pub fn find(physical: &'a impl Physical, pointer: Option<RootPointer>) -> Option<Root<'a>> {
        match pointer {
            Some(RootPointer::Copy(bytes)) => Root::from_pointer(physical, &bytes),
            Some(RootPointer::Address(address)) => Root::at(physical, address),
            None => search(physical),
        }
    }

    fn at(physical: &'a impl Physical, address: u64) -> Option<Root<'a>> {
        let longest = physical.bytes(address, ROOT_BYTES_2);
        Root::from_pointer(physical, longest.or_else(|| physical.bytes(address, ROOT_BYTES))?)
    }

    fn from_pointer(physical: &'a impl Physical, pointer: &[u8]) -> Option<Root<'a>> {
        let first = pointer.get(..ROOT_BYTES)?;
        if !first.starts_with(ROOT_SIGNATURE) || !sums_to_zero(first) {
            return None;
        }
        let later =
            u8_at(pointer, 15)? >= 2 && pointer.get(..ROOT_BYTES_2).is_some_and(sums_to_zero);
        if later
            && let Some(address) = u64_at(pointer, 24).filter(|address| *address != 0)
            && let Some(table) = table_at(physical, address, b"XSDT")
        {
            return Some(Root { entries: &table[HEADER_BYTES..], entry_bytes: 8, version: 2 });
        }
        let table = table_at(physical, u64::from(u32_at(pointer, 16)?), b"RSDT")?;
        Some(Root { entries: &table[HEADER_BYTES..], entry_bytes: 4, version: 1 })
    }

    /// The first valid table with this name.
    pub fn table(&self, physical: &'a impl Physical, signature: &[u8; 4]) -> Option<&'a [u8]> {
        self.entries.chunks_exact(self.entry_bytes).find_map(|entry| {
            let address = match self.entry_bytes {
                8 => u64_at(entry, 0)?,
                _ => u64::from(u32_at(entry, 0)?),
            };
            table_at(physical, address, signature)
        })
    }
}

/// The table at `address` if it has this name, a length within bounds and a right checksum.
pub fn table_at<'a>(
    physical: &'a impl Physical,
    address: u64,
    signature: &[u8; 4],
) -> Option<&'a [u8]> {
    let header = physical.bytes(address, HEADER_BYTES)?;
    let length = u32_at(header, 4)?;
    if !header.starts_with(signature) || length > MOST_TABLE_BYTES {
        return None;
    }
    let table = physical.bytes(address, length as usize)?;
    (table.len() >= HEADER_BYTES && sums_to_zero(table)).then_some(table)
}

/// Looks where BIOSes put the root pointer: the first KiB of the extended BIOS data area, then the
/// BIOS's read-only memory, on 16-byte boundaries.
fn search<'a>(physical: &'a impl Physical) -> Option<Root<'a>> {
    let segment =
        physical.bytes(0x40e, 2).map_or(0, |bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
    let data_area = u64::from(segment) << 4;
    let places = (data_area..data_area + 1024).chain(0xe_0000..0x10_0000).step_by(16);
    places.into_iter().find_map(|address| Root::at(physical, address))
}

fn sums_to_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acpi::tests::{Fake, seal, table};

    fn pointer(rsdt: u32, xsdt: u64, revision: u8) -> [u8; 36] {
        let mut bytes = [0; 36];
        bytes[..8].copy_from_slice(ROOT_SIGNATURE);
        bytes[15] = revision;
        bytes[16..20].copy_from_slice(&rsdt.to_le_bytes());
        bytes[20] = 36;
        bytes[24..32].copy_from_slice(&xsdt.to_le_bytes());
        seal(&mut bytes[..20], 8);
        seal(&mut bytes, 32);
        bytes
    }

    fn machine() -> Fake {
        let mut fake = Fake::new();
        let entries: std::vec::Vec<u8> =
            [0x5000u32, 0x6000].iter().flat_map(|a| a.to_le_bytes()).collect();
        fake.put(0x3000, &table(b"RSDT", &entries));
        let entries: std::vec::Vec<u8> =
            [0x5000u64, 0x6000].iter().flat_map(|a| a.to_le_bytes()).collect();
        fake.put(0x4000, &table(b"XSDT", &entries));
        fake.put(0x5000, &table(b"AAAA", &[1, 2, 3]));
        fake.put(0x6000, &table(b"BBBB", &[]));
        fake
    }

    #[test]
    fn tables_are_found_through_both_roots() {
        let fake = machine();
        for (pointer, version) in [(pointer(0x3000, 0, 0), 1), (pointer(0, 0x4000, 2), 2)] {
            let root = Root::find(&fake, Some(RootPointer::Copy(pointer))).unwrap();
            assert_eq!(root.version, version);
            assert_eq!(root.table(&fake, b"AAAA").unwrap()[36..], [1, 2, 3]);
            assert!(root.table(&fake, b"BBBB").is_some());
            assert!(root.table(&fake, b"CCCC").is_none());
        }
    }

    #[test]
    fn a_bad_new_root_falls_back_on_the_old_one() {
        let mut fake = machine();
        fake.put(0x4000 + 9, &[0x55]);
        let root = Root::find(&fake, Some(RootPointer::Copy(pointer(0x3000, 0x4000, 2)))).unwrap();
        assert_eq!(root.version, 1);
    }

    #[test]
    #[cfg_attr(miri, ignore = "takes long")]
    fn the_pointer_is_searched_where_a_bios_puts_it() {
        let mut fake = machine();
        fake.put(0x40e, &[0, 0x90]);
        fake.put(0x9_0000, &[0; 1024]);
        fake.put(0xe_0000, &[0; 0x2_0000]);
        assert!(Root::find(&fake, None).is_none());
        fake.put(0xf_5a20, &pointer(0x3000, 0, 0));
        assert!(Root::find(&fake, None).is_some());
    }

    #[test]
    fn hostile_lengths_and_sums_are_refused() {
        let mut fake = machine();
        let mut short = table(b"AAAA", &[]);
        for length in [0u32, 35, u32::MAX, 1 << 21] {
            short[4..8].copy_from_slice(&length.to_le_bytes());
            seal(&mut short, 9);
            fake.put(0x5000, &short);
            assert!(table_at(&fake, 0x5000, b"AAAA").is_none());
        }
        assert!(table_at(&fake, u64::MAX - 8, b"AAAA").is_none());
        let mut bad = pointer(0x3000, 0, 0);
        bad[10] ^= 1;
        assert!(Root::find(&fake, Some(RootPointer::Copy(bad))).is_none());
    }
}
