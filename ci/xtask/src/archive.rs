//! Packs the boot archive ([`cedo_abi::archive`]): what the boot loader hands to the kernel.
//!
//! | file | contents |
//! |---|---|
//! | `archive.rs` | the archive: table of files, files on pages, checksum |
//! | [`flat`] | the first server as a flat image, which needs no loader |

mod flat;

#[cfg(test)]
mod tests;

use cedo_abi::archive::{Entry, Header, MAGIC, MAX_ENTRIES, NAME_BYTES, checksum};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::Record;
use cedo_abi::write::Sink;

pub use flat::flatten;

/// Bytes of a page, as a length in memory.
const PAGE: usize = PAGE_SIZE as usize;

/// An archive of `files`, in this order.
///
/// # Panics
/// If there are more than [`MAX_ENTRIES`] files, or a name is longer than [`NAME_BYTES`].
pub fn build(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    assert!(files.len() <= MAX_ENTRIES, "an archive holds at most {MAX_ENTRIES} files");
    let mut archive = vec![0; PAGE];
    let mut table = Vec::new();
    for (name, contents) in files {
        let entry = Entry {
            name: padded(name),
            offset: archive.len() as u64,
            length: contents.len() as u64,
        };
        append(&mut table, &entry);
        archive.extend_from_slice(contents);
        archive.resize(archive.len().next_multiple_of(PAGE), 0);
    }
    archive[Header::BYTES..Header::BYTES + table.len()].copy_from_slice(&table);
    let mut header = Vec::new();
    append(
        &mut header,
        &Header {
            magic: MAGIC,
            length: archive.len() as u64,
            count: files.len() as u32,
            checksum: checksum(&archive[Header::BYTES..]),
        },
    );
    archive[..Header::BYTES].copy_from_slice(&header);
    archive
}

fn padded(name: &str) -> [u8; NAME_BYTES] {
    assert!(name.len() <= NAME_BYTES, "the name `{name}` is longer than {NAME_BYTES} bytes");
    let mut padded = [0; NAME_BYTES];
    padded[..name.len()].copy_from_slice(name.as_bytes());
    padded
}

/// Appends a record. Space for it is made, so that putting it cannot fail.
fn append<R: Record>(bytes: &mut Vec<u8>, record: &R) {
    let start = bytes.len();
    bytes.resize(start + R::BYTES, 0);
    let put = Sink::new(&mut bytes[start..]).record(record);
    debug_assert!(put.is_ok(), "a record is as long as its type");
}

const _: () = assert!(Header::BYTES + MAX_ENTRIES * Entry::BYTES <= PAGE);
