//! Drops debug information from an ELF file.
//!
//! Linkers put everything that is loaded before everything that is not, so what a loader needs is a
//! prefix of the file. The section table is cut off with the rest.

use anyhow::{Context, Result, ensure};
use object::Endianness;
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};

/// Offset of `e_shoff` in a 64-bit ELF header (ELF-64 Object File Format, figure 2).
const SECTION_TABLE_OFFSET: std::ops::Range<usize> = 0x28..0x30;
/// Offsets of `e_shnum` and `e_shstrndx`.
const SECTION_COUNT: std::ops::Range<usize> = 0x3c..0x40;

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
        .map(|segment| segment.p_offset(endian) + segment.p_filesz(endian))
        .fold(table, u64::max);
    let mut kept = elf.get(..usize::try_from(end)?).context("the ELF file is truncated")?.to_vec();
    kept[SECTION_TABLE_OFFSET].fill(0);
    kept[SECTION_COUNT].fill(0);
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::strip;
    use object::elf::FileHeader64;
    use object::read::elf::{ElfFile, FileHeader};
    use object::{Endianness, Object};

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
        assert_eq!(file.sections().count(), 0);
        assert_eq!(file.entry(), before.e_entry(endian));
    }

    #[test]
    fn refuses_what_is_no_elf_file() {
        assert!(strip(b"#!/bin/sh\n").is_err());
    }
}
