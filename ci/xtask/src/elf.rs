//! Drops debug information from an ELF file.
//!
//! Linkers put everything that is loaded before everything that is not, so what a loader needs is a
//! prefix of the file. The section table is replaced by the shortest there is: GRUB 2.12 refuses
//! files without one.

use anyhow::{Context, Result, ensure};
use object::Endianness;
use object::elf::{FileHeader64, PT_LOAD, SHT_STRTAB};
use object::read::elf::{FileHeader, ProgramHeader};
use std::ops::Range;

/// Offset of `e_shoff` in a 64-bit ELF header (ELF-64 Object File Format, figure 2).
const SECTION_TABLE_OFFSET: Range<usize> = 0x28..0x30;
/// Offset of `e_shentsize`, `e_shnum` and `e_shstrndx`.
const SECTION_NUMBERS: Range<usize> = 0x3a..0x40;
/// Bytes of a section's entry in the table.
const SECTION_BYTES: u16 = 64;
/// Offset of the `sh_type` in an entry.
const SECTION_TYPE: usize = 4;
/// The first entry means nothing; the second one is a table of names, with nothing in it.
const SECTIONS: u16 = 2;
/// Which one has the names.
const NAMES: u16 = 1;

/// The part of `elf` that a loader reads.
pub fn strip(elf: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<Endianness>::parse(elf).context("this is no 64-bit ELF file")?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, elf).context("damaged program headers")?;
    ensure!(!segments.is_empty(), "the ELF file has nothing to load");
    let table = header.e_phoff(endian) + size_of_val(segments) as u64;
    let end = segments
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
        .map(|segment| segment.p_offset(endian).checked_add(segment.p_filesz(endian)))
        .try_fold(table, |end, segment| Some(end.max(segment?)))
        .context("damaged program headers")?;
    let mut kept = elf.get(..usize::try_from(end)?).context("the ELF file is truncated")?.to_vec();
    ensure!(kept.len() >= SECTION_NUMBERS.end, "the ELF file is truncated");
    let table = kept.len().next_multiple_of(8);
    kept.resize(table + usize::from(SECTIONS * SECTION_BYTES), 0);
    kept[table + usize::from(NAMES * SECTION_BYTES) + SECTION_TYPE] = SHT_STRTAB.0 as u8;
    kept[SECTION_TABLE_OFFSET].copy_from_slice(&(table as u64).to_le_bytes());
    let numbers = [SECTION_BYTES, SECTIONS, NAMES].map(u16::to_le_bytes);
    kept[SECTION_NUMBERS].copy_from_slice(numbers.as_flattened());
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::strip;
    use object::elf::FileHeader64;
    use object::read::elf::{ElfFile, FileHeader};
    use object::{Endianness, Object, ObjectSection};

    #[test]
    fn keeps_what_is_loaded_and_drops_sections() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let kept = strip(&own).unwrap();
        assert!(kept.len() < own.len());
        let before = FileHeader64::<Endianness>::parse(&*own).unwrap();
        let after = FileHeader64::<Endianness>::parse(&*kept).unwrap();
        let endian = Endianness::Little;
        assert_eq!(after.e_phnum(endian), before.e_phnum(endian));
        let file = ElfFile::<FileHeader64<Endianness>>::parse(&*kept).unwrap();
        assert_eq!(file.sections().map(|section| section.size()).sum::<u64>(), 0);
        assert_eq!(file.entry(), before.e_entry(endian));
    }

    #[test]
    fn what_is_kept_has_the_section_table_that_boot_loaders_demand() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let kept = strip(&own).unwrap();
        let header = FileHeader64::<Endianness>::parse(&*kept).unwrap();
        let table = header.e_shoff(Endianness::Little) as usize;
        assert!(table.is_multiple_of(8));
        assert_eq!(kept.len(), table + 2 * 64);
        assert_eq!(header.e_shnum(Endianness::Little), 2);
    }

    #[test]
    fn refuses_what_is_no_elf_file() {
        assert!(strip(b"#!/bin/sh\n").is_err());
    }
}
