//! Boot archives and flat images for tests (`cedo_abi::archive`).
//!
//! User code is not interpreted here, so an image needs addresses and sizes but no instructions.

use cedo_abi::archive::{
    FLAT_MAGIC, FlatSegment, INIT, MAGIC, MAX_ENTRIES, MAX_SEGMENTS, NAME_BYTES, checksum,
};

const PAGE: usize = 4096;
const HEADER_BYTES: usize = 24;

/// A boot archive with these files.
pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    assert!(files.len() <= MAX_ENTRIES, "{} files", files.len());
    let mut entries = Vec::new();
    let mut contents = Vec::new();
    for (name, bytes) in files {
        let mut padded = [0; NAME_BYTES];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        entries.extend_from_slice(&padded);
        push(&mut entries, &[(PAGE + contents.len()) as u64, bytes.len() as u64]);
        contents.extend_from_slice(bytes);
        contents.resize(contents.len().next_multiple_of(PAGE), 0);
    }
    entries.resize(PAGE - HEADER_BYTES, 0);
    entries.append(&mut contents);
    let mut archive = Vec::new();
    push(&mut archive, &[MAGIC, (HEADER_BYTES + entries.len()) as u64]);
    archive.extend_from_slice(&(files.len() as u32).to_le_bytes());
    archive.extend_from_slice(&checksum(&entries).to_le_bytes());
    archive.append(&mut entries);
    archive
}

/// A flat image: its header page, then the pages that the segments' offsets name, all zero.
pub fn flat(entry: u64, segments: &[FlatSegment]) -> Vec<u8> {
    assert!(segments.len() <= MAX_SEGMENTS, "{} segments", segments.len());
    let mut image = Vec::new();
    push(&mut image, &[FLAT_MAGIC, entry, segments.len() as u64]);
    for segment in segments {
        let FlatSegment { address, memory_pages, offset, file_pages, access } = *segment;
        push(&mut image, &[address, memory_pages, offset, file_pages, access]);
    }
    let end = |segment: &FlatSegment| segment.offset as usize + segment.file_pages as usize * PAGE;
    let bytes = segments.iter().map(end).max().unwrap_or(0);
    image.resize(bytes.max(PAGE), 0);
    image
}

/// An archive whose first server is one page of code at `entry`.
pub fn minimal(entry: u64) -> Vec<u8> {
    let access = u64::from(cedo_abi::Rights::READ.or(cedo_abi::Rights::EXECUTE).0);
    let address = entry & !(PAGE as u64 - 1);
    let code = FlatSegment { address, memory_pages: 1, offset: PAGE as u64, file_pages: 1, access };
    archive(&[(INIT, &flat(entry, &[code]))])
}

fn push(bytes: &mut Vec<u8>, words: &[u64]) {
    words.iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use cedo_abi::archive::{Entry, Header};

    #[test]
    #[cfg_attr(miri, ignore = "takes long")]
    fn an_archive_has_the_layout_of_the_interface() {
        assert_eq!(size_of::<Header>(), HEADER_BYTES);
        assert_eq!(size_of::<Entry>(), NAME_BYTES + 16);
        let bytes = archive(&[("one", b"first"), ("two", &[7; PAGE + 1])]);
        let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!((word(0), word(8)), (MAGIC, bytes.len() as u64));
        assert_eq!(bytes.len(), 4 * PAGE);
        let second = HEADER_BYTES + size_of::<Entry>() + NAME_BYTES;
        assert_eq!((word(second), word(second + 8)), (2 * PAGE as u64, PAGE as u64 + 1));
        assert_eq!(&bytes[PAGE..PAGE + 5], b"first");
        let sum = u32::from_le_bytes(bytes[20..24].try_into().unwrap());
        assert_eq!(sum, checksum(&bytes[HEADER_BYTES..]));
    }
}
