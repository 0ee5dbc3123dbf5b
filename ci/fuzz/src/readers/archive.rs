//! The boot archive. Two readers must agree: the library's, which init uses, and the kernel's, which
//! reads by words and looks for the first server only.

use crate::memory::Memory;
use crate::samples;
use cedo_abi::archive::{FlatSegment, INIT, MAGIC, checksum};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::archive::{Flat, Reader};
use cedo_arch_x86_64::page::X86Pages;
use cedo_core::start::archive as kernel;

/// Bytes of the header, which the checksum does not cover.
const HEADER_BYTES: usize = 24;

/// Valid files.
pub fn files() -> Vec<Vec<u8>> {
    let init = [(INIT.to_string(), samples::flat())];
    vec![samples::archive(), xtask::archive::build(&[]), xtask::archive::build(&init)]
}

/// Checks the bytes, and the same with a right checksum.
pub fn check(bytes: &[u8]) -> bool {
    let accepted = check_one(bytes);
    check_one(&sealed(bytes)) || accepted
}

fn check_one(bytes: &[u8]) -> bool {
    let length = kernel::check_archive(&Memory(bytes), bytes.len() as u64);
    let image = length.and_then(|length| {
        assert!(length.is_multiple_of(PAGE_SIZE) && length <= bytes.len() as u64);
        let image = kernel::check_image::<X86Pages>(&Memory(bytes), length)?;
        assert!(image.segments().iter().all(|segment| is_inside(&image, segment, length)));
        Ok(image)
    });
    let Ok(reader) = Reader::new(bytes) else { return false };
    assert_eq!(length, Ok(reader.length() as u64), "the kernel reads another length");
    check_files(bytes, &reader);
    let init = reader.find(INIT);
    let flat = init.and_then(|file| Flat::new(file.bytes).ok());
    if let Ok(image) = image {
        let init = init.expect("the kernel has found the first server");
        assert_eq!(init.offset, image.offset, "the kernel reads another file");
        if let Some(flat) = flat {
            assert_eq!(flat.entry(), image.entry);
            assert!(flat.segments().eq(image.segments().iter().copied()));
        }
    }
    true
}

/// A segment of an image lies inside the archive.
fn is_inside(image: &kernel::Flat, segment: &FlatSegment, length: u64) -> bool {
    let end = segment
        .file_pages
        .checked_mul(PAGE_SIZE)
        .and_then(|bytes| image.offset.checked_add(segment.offset)?.checked_add(bytes));
    end.is_some_and(|end| end <= length)
}

/// Files lie inside; what the packer makes of them reads back equal.
fn check_files(bytes: &[u8], reader: &Reader<'_>) {
    let mut files = Vec::new();
    for file in reader.files() {
        let start = file.offset as usize;
        assert!(start >= PAGE_SIZE as usize && file.offset.is_multiple_of(PAGE_SIZE));
        assert!(start + file.bytes.len() <= reader.length());
        assert_eq!(&bytes[start..start + file.bytes.len()], file.bytes);
        assert!(!file.name().is_empty());
        assert!(reader.find(file.name()).is_some());
        files.push((file.name().to_string(), file.bytes.to_vec()));
    }
    let packed = xtask::archive::build(&files);
    let again = Reader::new(&packed).expect("what was packed is an archive");
    let again = again.files().map(|file| (file.name().to_string(), file.bytes.to_vec()));
    assert!(again.eq(files), "what was packed reads back otherwise");
}

/// The same bytes as an archive whose magic number, length and checksum are right.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < PAGE_SIZE as usize {
        return bytes;
    }
    bytes[..8].copy_from_slice(&MAGIC.to_le_bytes());
    let stated = bytes[8..16].first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    let longest = bytes.len() as u64 / PAGE_SIZE * PAGE_SIZE;
    let is_possible = stated != 0 && stated <= longest && stated.is_multiple_of(PAGE_SIZE);
    let length = if is_possible { stated } else { longest };
    bytes[8..16].copy_from_slice(&length.to_le_bytes());
    let sum = checksum(&bytes[HEADER_BYTES..length as usize]);
    bytes[20..24].copy_from_slice(&sum.to_le_bytes());
    bytes
}
