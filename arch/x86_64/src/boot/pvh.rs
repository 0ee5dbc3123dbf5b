//! Reading the loader's words in Xen's PVH form (Xen `start_info.h`, version 1).
//!
//! Pure: physical memory is a function from an address and a length to bytes.

use super::information::{Entry, Information, RootPointer, Span};
use crate::acpi::Physical;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

/// `hvm_start_info.magic`; `header.rs` passes it on as the kind of loader.
pub const MAGIC: u32 = 0x336e_c578;
/// Type of a memory map entry that is RAM, as in E820.
const RAM: u32 = 1;
/// Entries that are looked at.
const MOST_ENTRIES: u32 = 512;

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct StartInfo {
    magic: U32,
    version: U32,
    flags: U32,
    modules: U32,
    module_list: U64,
    command_line: U64,
    root_pointer: U64,
    memory_map: U64,
    memory_entries: U32,
    reserved: U32,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Module {
    address: U64,
    size: U64,
    command_line: U64,
    reserved: U64,
}

#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct MemoryEntry {
    address: U64,
    size: U64,
    kind: U32,
    reserved: U32,
}

/// Reads what `address` points to. `None` if it is no start information with a memory map.
pub fn read(physical: &impl Physical, address: u64) -> Option<Information> {
    let start: &StartInfo = structure(physical, address)?;
    if start.magic.get() != MAGIC || start.version.get() < 1 {
        return None;
    }
    let mut information = Information { loader: "PVH", ..Information::default() };
    for index in 0..start.memory_entries.get().min(MOST_ENTRIES) {
        let at = start.memory_map.get() + u64::from(index) * size_of::<MemoryEntry>() as u64;
        let entry: &MemoryEntry = structure(physical, at)?;
        let span = Span::new(entry.address.get(), entry.size.get());
        // What does not fit the list is memory that nobody uses.
        let _ = information.memory.push(Entry { span, is_ram: entry.kind.get() == RAM });
    }
    if start.modules.get() > 0 {
        let module: &Module = structure(physical, start.module_list.get())?;
        information.archive = Some(Span::new(module.address.get(), module.size.get()));
    }
    if start.command_line.get() != 0 {
        let text = physical.bytes(start.command_line.get(), super::information::COMMAND_LINE_BYTES);
        information.set_command_line(text.unwrap_or_default());
    }
    let root = start.root_pointer.get();
    information.root_pointer = (root != 0).then_some(RootPointer::Address(root));
    Some(information)
}

fn structure<T: FromBytes + Immutable + KnownLayout + Unaligned>(
    physical: &impl Physical,
    address: u64,
) -> Option<&T> {
    T::ref_from_bytes(physical.bytes(address, size_of::<T>())?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acpi::tests::Fake;

    fn words(words: &[u64]) -> std::vec::Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn fake() -> Fake {
        let mut fake = Fake::new();
        let start = [u64::from(MAGIC) | 1 << 32, 1 << 32, 0x2000, 0x3000, 0xf_5a00, 0x4000, 2];
        fake.put(0x1000, &words(&start));
        fake.put(0x2000, &words(&[0x80_0000, 0x1234, 0, 0]));
        fake.put(0x3000, &[0; 512]);
        fake.put(0x3000, b"counter=instructions\0");
        fake.put(0x4000, &words(&[0, 0x9_fc00, 1, 0xf_0000, 0x1_0000, 2]));
        fake
    }

    #[test]
    fn everything_is_copied() {
        let information = read(&fake(), 0x1000).unwrap();
        assert_eq!(information.archive, Some(Span { start: 0x80_0000, end: 0x80_1234 }));
        assert!(information.has_word("counter=instructions"));
        assert_eq!(information.root_pointer, Some(RootPointer::Address(0xf_5a00)));
        let ram = Entry { span: Span { start: 0, end: 0x9_fc00 }, is_ram: true };
        let rest = Entry { span: Span { start: 0xf_0000, end: 0x10_0000 }, is_ram: false };
        assert_eq!(information.memory.as_slice(), [ram, rest]);
    }

    #[test]
    fn other_structures_are_refused() {
        let mut fake = fake();
        assert!(read(&fake, 0x2000).is_none());
        assert!(read(&fake, u64::MAX - 3).is_none());
        fake.put(0x1004, &[0]);
        assert!(read(&fake, 0x1000).is_none());
    }
}
