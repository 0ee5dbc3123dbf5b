//! Reading the loader's words in multiboot2 form (Multiboot2 Specification 2.0, section 3.6).
//!
//! ```text
//! total size (32) | reserved (32) | tag | tag | ...       each tag on 8 bytes
//! tag: type (32) | size with this header (32) | contents
//! ```
//!
//! Pure: physical memory is a trait. Sizes are believed only as far as the bytes are there.

use super::information::{Entry, Information, RootPointer, Span};
use crate::acpi::{Physical, u32_at, u64_at};

/// What a loader leaves in eax.
pub const MAGIC: u32 = 0x36d7_6289;
/// Longer boot information than this is not believed: it would reach into free memory.
const MOST_BYTES: u32 = 1 << 20;
/// Bytes before the first tag, and of a tag before its contents.
const HEADER_BYTES: usize = 8;
/// Type of a memory map entry that is RAM, as in E820.
const RAM: u32 = 1;

/// Types of tags.
mod tag {
    pub const END: u32 = 0;
    pub const COMMAND_LINE: u32 = 1;
    pub const MODULE: u32 = 3;
    pub const MEMORY_MAP: u32 = 6;
    pub const ROOT_POINTER_1: u32 = 14;
    pub const ROOT_POINTER_2: u32 = 15;
}

/// Reads what physical `address` points to. `None` if it is no boot information with a memory map.
pub fn read(physical: &impl Physical, address: u64) -> Option<Information> {
    let size = u32_at(physical.bytes(address, HEADER_BYTES)?, 0)?;
    if size > MOST_BYTES {
        return None;
    }
    let tags = Tags { rest: physical.bytes(address, size as usize)?.get(HEADER_BYTES..)? };
    let first =
        |wanted| tags.clone().find(|(kind, _)| *kind == wanted).map(|(_, contents)| contents);
    let mut information = Information { loader: "multiboot2", ..Information::default() };
    memory_map(&mut information, first(tag::MEMORY_MAP)?)?;
    if let Some(module) = first(tag::MODULE) {
        let (start, end) = (u64::from(u32_at(module, 0)?), u64::from(u32_at(module, 4)?));
        information.archive = Some(Span { start, end });
    }
    if let Some(text) = first(tag::COMMAND_LINE) {
        information.set_command_line(text);
    }
    // The newer form if there is one.
    let pointer = first(tag::ROOT_POINTER_2).or_else(|| first(tag::ROOT_POINTER_1));
    information.root_pointer = pointer.map(root_pointer);
    Some(information)
}

/// Entries of base (64), length (64), type (32), reserved (32); later versions append to them.
fn memory_map(information: &mut Information, contents: &[u8]) -> Option<()> {
    let entry_bytes = u32_at(contents, 0)? as usize;
    if entry_bytes < 24 {
        return None;
    }
    for entry in contents.get(8..)?.chunks_exact(entry_bytes) {
        let span = Span::new(u64_at(entry, 0)?, u64_at(entry, 8)?);
        // What does not fit the list is memory that nobody uses.
        let _ = information.memory.push(Entry { span, is_ram: u32_at(entry, 16)? == RAM });
    }
    Some(())
}

fn root_pointer(contents: &[u8]) -> RootPointer {
    let mut copy = [0; 36];
    copy.iter_mut().zip(contents).for_each(|(to, from)| *to = *from);
    RootPointer::Copy(copy)
}

/// Type and contents of each tag; ends before the first that is not whole.
#[derive(Clone)]
struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tags<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<(u32, &'a [u8])> {
        let (kind, size) = (u32_at(self.rest, 0)?, u32_at(self.rest, 4)? as usize);
        let contents = self.rest.get(HEADER_BYTES..size)?;
        self.rest = self.rest.get(size.next_multiple_of(8)..).unwrap_or_default();
        (kind != tag::END).then_some((kind, contents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acpi::tests::Fake;
    use std::vec::Vec;

    fn tag(kind: u32, contents: &[u8]) -> Vec<u8> {
        let size = (HEADER_BYTES + contents.len()) as u32;
        let mut bytes = Vec::new();
        bytes.extend(kind.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(contents);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn map() -> Vec<u8> {
        let mut contents = Vec::new();
        contents.extend([24_u32, 0].iter().flat_map(|field| field.to_le_bytes()));
        for entry in [[0, 0x9_fc00, 1], [0xf_0000, 0x1_0000, 2_u64]] {
            contents.extend(entry.iter().flat_map(|field| field.to_le_bytes()));
        }
        tag(tag::MEMORY_MAP, &contents)
    }

    fn boot(tags: &[Vec<u8>]) -> Fake {
        let mut bytes = vec![0; HEADER_BYTES];
        tags.iter().for_each(|tag| bytes.extend(tag));
        bytes.extend(tag(tag::END, &[]));
        let size = bytes.len() as u32;
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        let mut fake = Fake::new();
        fake.put(0x1000, &bytes);
        fake
    }

    fn module() -> Vec<u8> {
        let mut contents = Vec::new();
        contents.extend([0x80_0000_u32, 0x80_1234].iter().flat_map(|field| field.to_le_bytes()));
        contents.extend(b"archive\0");
        tag(tag::MODULE, &contents)
    }

    #[test]
    fn everything_is_copied() {
        let line = tag(tag::COMMAND_LINE, b"counter=instructions\0");
        let old = tag(tag::ROOT_POINTER_1, &[1; 20]);
        let new = tag(tag::ROOT_POINTER_2, &[2; 36]);
        let other = tag(9, &[1, 2, 3]);
        let fake = boot(&[line, other, module(), old.clone(), map(), new]);
        let information = read(&fake, 0x1000).unwrap();
        assert_eq!(information.archive, Some(Span { start: 0x80_0000, end: 0x80_1234 }));
        assert!(information.has_word("counter=instructions"));
        assert_eq!(information.root_pointer, Some(RootPointer::Copy([2; 36])));
        let ram = Entry { span: Span { start: 0, end: 0x9_fc00 }, is_ram: true };
        let rest = Entry { span: Span { start: 0xf_0000, end: 0x10_0000 }, is_ram: false };
        assert_eq!(information.memory.as_slice(), [ram, rest]);
        let mut copy = [0; 36];
        copy[..20].fill(1);
        let pointer = read(&boot(&[old, map()]), 0x1000).unwrap().root_pointer;
        assert_eq!(pointer, Some(RootPointer::Copy(copy)));
    }

    #[test]
    fn the_first_module_is_the_archive() {
        let mut second = module();
        second[8..12].fill(7);
        let information = read(&boot(&[map(), module(), second]), 0x1000).unwrap();
        assert_eq!(information.archive.unwrap().start, 0x80_0000);
    }

    #[test]
    fn what_is_behind_a_tag_that_is_not_whole_says_nothing() {
        for size in [0_u32, 7, 1 << 30] {
            let mut bad = module();
            bad[4..8].copy_from_slice(&size.to_le_bytes());
            let information = read(&boot(&[map(), bad, module()]), 0x1000).unwrap();
            assert_eq!(information.archive, None);
        }
    }

    #[test]
    fn boot_information_without_a_memory_map_is_refused() {
        assert!(read(&boot(&[module()]), 0x1000).is_none());
        let mut short = map();
        short[8] = 23;
        assert!(read(&boot(&[short]), 0x1000).is_none());
        let mut fake = boot(&[map()]);
        fake.put(0x1000, &u32::MAX.to_le_bytes());
        assert!(read(&fake, 0x1000).is_none());
        assert!(read(&fake, u64::MAX - 3).is_none());
    }
}
