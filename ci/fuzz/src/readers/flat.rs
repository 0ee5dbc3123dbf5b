//! The flat image of the first server.

use crate::samples;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::archive::Flat;

/// Valid files.
pub fn files() -> Vec<Vec<u8>> {
    vec![samples::flat()]
}

/// Segments lie inside the image and do not overlap in memory.
pub fn check(bytes: &[u8]) -> bool {
    let Ok(flat) = Flat::new(bytes) else { return false };
    let mut free_from = 0;
    for segment in flat.segments() {
        let contents = flat.contents(&segment).expect("a checked segment");
        let start = segment.offset as usize;
        assert_eq!(contents, &bytes[start..start + contents.len()]);
        assert_eq!(contents.len() as u64, segment.file_pages * PAGE_SIZE);
        assert!(segment.file_pages <= segment.memory_pages && segment.memory_pages > 0);
        assert!(segment.address.is_multiple_of(PAGE_SIZE) && segment.address >= free_from);
        free_from = segment.address + segment.memory_pages * PAGE_SIZE;
    }
    assert!(flat.segments().count() > 0);
    true
}
