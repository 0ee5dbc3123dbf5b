//! Makes a flat image of an ELF program: page-aligned segments that the kernel maps as they are.
//!
//! Source: System V ABI, generic, chapter 5, "Program Header".

use anyhow::{Context, Result, bail, ensure};
use cedo_abi::Rights;
use cedo_abi::archive::{FLAT_MAGIC, FlatHeader, FlatSegment, MAX_SEGMENTS};
use cedo_abi::layout::PAGE_SIZE;
use object::LittleEndian;
use object::elf::{
    ET_EXEC, FileHeader64, PF_R, PF_W, PF_X, PT_INTERP, PT_LOAD, ProgramFlags, ProgramHeader64,
};
use object::read::elf::{FileHeader, ProgramHeader};

use super::PAGE;

/// End of the addresses that a program can be linked at: the lower half.
const USER_END: u64 = 1 << 47;

/// The flat image of a statically linked 64-bit ELF program.
pub fn flatten(elf: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<LittleEndian>::parse(elf).context("this is no 64-bit ELF file")?;
    let endian = header.endian().context("this ELF file is not little-endian")?;
    ensure!(header.e_type(endian) == ET_EXEC, "the ELF file is not linked at a fixed address");
    let programs = header.program_headers(endian, elf).context("damaged program headers")?;
    ensure!(
        programs.iter().all(|program| program.p_type(endian) != PT_INTERP),
        "the ELF file is linked dynamically"
    );
    let mut image = vec![0; PAGE];
    let mut segments = Vec::new();
    for program in programs {
        if program.p_type(endian) == PT_LOAD && program.p_memsz(endian) > 0 {
            segments.push(segment(program, elf, &mut image)?);
        }
    }
    segments.sort_by_key(|segment| segment.address);
    check(&segments, header.e_entry(endian))?;
    let mut table = [FlatSegment::default(); MAX_SEGMENTS];
    table[..segments.len()].copy_from_slice(&segments);
    let mut first = Vec::new();
    let entry = header.e_entry(endian);
    let count = segments.len() as u64;
    super::append(&mut first, &FlatHeader { magic: FLAT_MAGIC, entry, count, segments: table });
    image[..first.len()].copy_from_slice(&first);
    Ok(image)
}

/// Appends the pages of one segment to the image. What the file does not fill is zero.
fn segment(
    program: &ProgramHeader64<LittleEndian>,
    elf: &[u8],
    image: &mut Vec<u8>,
) -> Result<FlatSegment> {
    let endian = LittleEndian;
    let (address, memory) = (program.p_vaddr(endian), program.p_memsz(endian));
    let data = program.data(endian, elf).ok().context("the ELF file is truncated")?;
    ensure!(data.len() as u64 <= memory, "a segment is larger in the file than in memory");
    let end = address.checked_add(memory).filter(|end| *end <= USER_END);
    let end = end.with_context(|| format!("a segment at {address:#x} is too high or too large"))?;
    let start = address - address % PAGE_SIZE;
    let lead = (address - start) as usize;
    let offset = image.len();
    if !data.is_empty() {
        image.resize(offset + lead, 0);
        image.extend_from_slice(data);
        image.resize(image.len().next_multiple_of(PAGE), 0);
    }
    Ok(FlatSegment {
        address: start,
        memory_pages: (end - start).div_ceil(PAGE_SIZE),
        offset: offset as u64,
        file_pages: ((image.len() - offset) / PAGE) as u64,
        access: access(program.p_flags(endian), start)?,
    })
}

fn access(flags: ProgramFlags, at: u64) -> Result<u64> {
    let mut rights = Rights::NONE;
    for (flag, right) in [(PF_R, Rights::READ), (PF_W, Rights::WRITE), (PF_X, Rights::EXECUTE)] {
        if flags.0 & flag.0 != 0 {
            rights = rights.or(right);
        }
    }
    if rights.has(Rights::WRITE.or(Rights::EXECUTE)) {
        bail!("the segment at {at:#x} is writable and executable");
    }
    Ok(u64::from(rights.0))
}

fn check(segments: &[FlatSegment], entry: u64) -> Result<()> {
    ensure!(!segments.is_empty(), "the ELF file has nothing to load");
    ensure!(
        segments.len() <= MAX_SEGMENTS,
        "{} segments are too many; a flat image holds {MAX_SEGMENTS}",
        segments.len()
    );
    let end = |segment: &FlatSegment| segment.address + segment.memory_pages * PAGE_SIZE;
    for pair in segments.windows(2) {
        ensure!(
            end(&pair[0]) <= pair[1].address,
            "segments share the page at {:#x}; link with max-page-size={PAGE_SIZE:#x}",
            pair[1].address
        );
    }
    let starts_in = segments.iter().find(|it| (it.address..end(it)).contains(&entry));
    let executable = u64::from(Rights::EXECUTE.0);
    ensure!(
        starts_in.is_some_and(|segment| segment.access & executable != 0),
        "the entry point {entry:#x} is not in an executable segment"
    );
    Ok(())
}
