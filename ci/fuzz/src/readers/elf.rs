//! Programs. The first server's reader, and on the host what packs them: flat images, and files
//! without debug information. Where two of them accept a file they must agree on it.

use crate::samples;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::archive::Flat;
use cedo_abi::system::place;
use cedo_lib::Rights;
use cedo_lib::elf::{Program, Segment};

/// Most bytes that a stripped file has behind those of the file it was made of: a table of sections.
const STRIPPED_MORE: usize = 7 + 2 * 64;

/// Valid files.
pub fn files() -> Vec<Vec<u8>> {
    vec![samples::program()]
}

/// Segments lie inside the file and where a program can be, each on pages of its own.
pub fn check(bytes: &[u8]) -> bool {
    let flat = xtask::archive::flatten(bytes).ok();
    let flat = flat.as_ref().map(|flat| Flat::new(flat).expect("what was packed is an image"));
    if let Ok(stripped) = xtask::elf::strip(bytes) {
        assert!(stripped.len() <= bytes.len() + STRIPPED_MORE);
    }
    let Ok(program) = Program::new(bytes, samples::ELF_MACHINE) else { return false };
    let (mut free_from, mut starts) = (PAGE_SIZE, false);
    for segment in program.segments() {
        let segment = segment.expect("a checked segment");
        let end = segment.address + segment.pages * PAGE_SIZE;
        assert!(segment.address.is_multiple_of(PAGE_SIZE) && segment.address >= free_from);
        assert!(segment.pages > 0 && end <= place::MAPPINGS_START);
        assert!((segment.offset + segment.contents.len()) as u64 <= segment.pages * PAGE_SIZE);
        assert!(segment.contents.is_empty() || is_part(bytes, segment.contents));
        starts |=
            (segment.address..end).contains(&program.entry) && segment.access.has(Rights::EXECUTE);
        free_from = end;
    }
    assert!(starts, "it starts outside its code");
    if let Some(flat) = flat {
        compare(&program, &flat);
    }
    true
}

/// A flat image has the same in memory as the program it was made of.
fn compare(program: &Program<'_>, flat: &Flat<'_>) {
    assert_eq!(flat.entry(), program.entry);
    let segments: Vec<Segment<'_>> = program.segments().filter_map(Result::ok).collect();
    assert_eq!(flat.segments().count(), segments.len());
    for (flat_segment, segment) in flat.segments().zip(&segments) {
        assert_eq!(flat_segment.address, segment.address);
        assert_eq!(flat_segment.memory_pages, segment.pages);
        let contents = flat.contents(&flat_segment).expect("a checked segment");
        let (before, rest) = contents.split_at(segment.offset.min(contents.len()));
        assert!(rest.starts_with(segment.contents));
        let after = &rest[segment.contents.len()..];
        assert!(before.iter().chain(after).all(|byte| *byte == 0));
    }
}

/// `part` is memory inside `whole`.
fn is_part(whole: &[u8], part: &[u8]) -> bool {
    let (whole, part) = (whole.as_ptr_range(), part.as_ptr_range());
    whole.start <= part.start && part.end <= whole.end
}
