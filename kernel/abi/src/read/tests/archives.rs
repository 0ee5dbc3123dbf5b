//! Archives and flat images.

extern crate std;

use std::vec::Vec;

use super::mangle;
use crate::archive::{
    Entry, FLAT_MAGIC, FlatHeader, FlatSegment, Header, MAGIC, MAX_ENTRIES, MAX_SEGMENTS,
    NAME_BYTES, checksum,
};
use crate::read::archive::{Flat, Reader};
use crate::read::{Error, Record};
use crate::write::Sink;

const PAGE: usize = crate::layout::PAGE_SIZE as usize;

fn padded(text: &str) -> [u8; NAME_BYTES] {
    let mut name = [0; NAME_BYTES];
    name[..text.len()].copy_from_slice(text.as_bytes());
    name
}

fn seal(archive: &mut [u8]) {
    let sum = checksum(&archive[Header::BYTES..]);
    archive[20..24].copy_from_slice(&sum.to_le_bytes());
}

/// An archive of two files of 5 and of 4097 bytes.
fn archive() -> Vec<u8> {
    let mut bytes = std::vec![0; 4 * PAGE];
    let mut sink = Sink::new(&mut bytes);
    let header = Header { magic: MAGIC, length: 4 * PAGE as u64, count: 2, checksum: 0 };
    sink.record(&header).unwrap();
    for (name, offset, length) in [("init", PAGE, 5), ("system", 2 * PAGE, PAGE + 1)] {
        let (offset, length) = (offset as u64, length as u64);
        sink.record(&Entry { name: padded(name), offset, length }).unwrap();
    }
    bytes[PAGE..PAGE + 5].copy_from_slice(b"hello");
    bytes[3 * PAGE] = 7;
    seal(&mut bytes);
    bytes
}

/// Looks at everything a reader offers.
fn use_up(bytes: &[u8]) -> Result<usize, Error> {
    let reader = Reader::new(bytes)?;
    Ok(reader.files().map(|file| file.name().len() + file.bytes.len()).sum())
}

#[test]
fn files_come_back_by_name() {
    let bytes = archive();
    let reader = Reader::new(&bytes).unwrap();
    let names: Vec<_> = reader.files().map(|file| std::string::String::from(file.name())).collect();
    assert_eq!(names, ["init", "system"]);
    let init = reader.find("init").unwrap();
    assert_eq!((init.bytes, init.offset), (&b"hello"[..], 4096));
    assert_eq!(reader.find("system").unwrap().bytes[PAGE], 7);
    assert!(reader.find("ini").is_none() && reader.find("").is_none());
    assert_eq!(reader.length(), 4 * PAGE);
}

#[test]
fn bytes_behind_the_archive_are_ignored() {
    let mut bytes = archive();
    bytes.extend([1, 2, 3]);
    assert_eq!(Reader::new(&bytes).unwrap().length(), 4 * PAGE);
}

#[test]
fn a_truncated_archive_is_refused_at_every_length() {
    let bytes = archive();
    for length in 0..bytes.len() {
        assert_eq!(Reader::new(&bytes[..length]).err(), Some(Error::Truncated));
    }
}

#[test]
fn any_changed_byte_is_noticed() {
    // One page of table and one short file keep the number of checksums small.
    let mut bytes = archive()[..2 * PAGE].to_vec();
    bytes[8..16].copy_from_slice(&(2 * PAGE as u64).to_le_bytes());
    bytes[16] = 1;
    bytes[Header::BYTES + Entry::BYTES..PAGE].fill(0);
    seal(&mut bytes);
    assert!(Reader::new(&bytes).is_ok());
    for index in (0..200).chain(PAGE - 4..PAGE + 12).chain(2 * PAGE - 4..2 * PAGE) {
        let before = bytes[index];
        for value in super::changes(before) {
            bytes[index] = value;
            assert_eq!(Reader::new(&bytes).is_ok(), value == before, "byte {index} = {value}");
        }
        bytes[index] = before;
    }
}

#[test]
fn entries_that_lie_outside_are_refused_even_with_the_right_checksum() {
    let first = Header::BYTES;
    let set = |at: usize, value: u64| {
        let mut bytes = archive();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        seal(&mut bytes);
        use_up(&bytes).err()
    };
    let (offset, length) = (first + NAME_BYTES, first + NAME_BYTES + 8);
    assert_eq!(set(offset, 0), Some(Error::Value));
    assert_eq!(set(offset, PAGE as u64 + 8), Some(Error::Value));
    assert_eq!(set(offset, 4 * PAGE as u64), Some(Error::Truncated));
    assert_eq!(set(offset, u64::MAX - 4095), Some(Error::Truncated));
    assert_eq!(set(length, 3 * PAGE as u64 + 1), Some(Error::Truncated));
    assert_eq!(set(length, u64::MAX), Some(Error::Truncated));
    assert_eq!(set(first, 0), Some(Error::Name));
    let mut many = archive();
    many[16..20].copy_from_slice(&(MAX_ENTRIES as u32 + 1).to_le_bytes());
    assert_eq!(use_up(&many).err(), Some(Error::Count));
    let mut odd = archive();
    odd[8..16].copy_from_slice(&(PAGE as u64 + 1).to_le_bytes());
    assert_eq!(use_up(&odd).err(), Some(Error::Length));
}

#[test]
fn a_mangled_archive_with_the_right_checksum_never_panics() {
    let bytes = archive();
    mangle(&bytes[..Header::BYTES + 2 * Entry::BYTES], |mangled| {
        let mut bytes = std::vec![0; 4 * PAGE];
        bytes[..mangled.len()].copy_from_slice(mangled);
        seal(&mut bytes);
        let _ = use_up(&bytes);
    });
}

fn flat() -> Vec<u8> {
    let mut segments = [FlatSegment::default(); MAX_SEGMENTS];
    let page = PAGE as u64;
    let text = FlatSegment {
        address: 0x20_0000,
        memory_pages: 1,
        offset: page,
        file_pages: 1,
        access: 0x280,
    };
    let data = FlatSegment {
        address: 0x20_1000,
        memory_pages: 3,
        offset: 2 * page,
        file_pages: 1,
        access: 0x180,
    };
    (segments[0], segments[1]) = (text, data);
    let header = FlatHeader { magic: FLAT_MAGIC, entry: 0x20_0010, count: 2, segments };
    let mut bytes = std::vec![0; 3 * PAGE];
    Sink::new(&mut bytes).record(&header).unwrap();
    (bytes[PAGE], bytes[2 * PAGE]) = (0xcc, 0xdd);
    bytes
}

#[test]
fn a_flat_image_comes_back() {
    let bytes = flat();
    let flat = Flat::new(&bytes).unwrap();
    let segments: Vec<_> = flat.segments().collect();
    assert_eq!((flat.entry(), segments.len()), (0x20_0010, 2));
    assert_eq!(flat.contents(&segments[0]).unwrap()[0], 0xcc);
    assert_eq!(flat.contents(&segments[1]).unwrap()[0], 0xdd);
    assert_eq!(segments[1].memory_pages, 3);
}

#[test]
fn a_truncated_or_mangled_flat_image_never_panics() {
    let bytes = flat();
    for length in 0..bytes.len() {
        assert!(Flat::new(&bytes[..length]).is_err());
    }
    mangle(&bytes, |mangled| {
        if let Ok(flat) = Flat::new(mangled) {
            let pages: usize =
                flat.segments().map(|segment| flat.contents(&segment).unwrap().len()).sum();
            assert!(pages <= MAX_SEGMENTS * 3 * PAGE);
        }
    });
}

#[test]
fn segments_that_overlap_or_grow_in_the_file_are_refused() {
    let set = |at: usize, value: u64| {
        let mut bytes = flat();
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        Flat::new(&bytes).err()
    };
    let second = 24 + FlatSegment::BYTES;
    assert_eq!(set(second, 0x20_0000), Some(Error::Value));
    assert_eq!(set(second, 0x20_1001), Some(Error::Value));
    assert_eq!(set(second, u64::MAX - 4095), Some(Error::Value));
    assert_eq!(set(second + 8, 0), Some(Error::Value));
    assert_eq!(set(16, 0), Some(Error::Count));
    assert_eq!(set(16, 9), Some(Error::Count));
}
