//! The boot archive: one boot module with everything that is not the kernel.
//!
//! ```text
//! page 0    Header, Entry[count], zeroes
//! page n    contents, each file starting on a page
//! ```
//!
//! All numbers are little-endian. Two names mean something to the kernel and to init:
//! [`INIT`] is a [flat image](FlatHeader) the kernel can map without a loader; [`SYSTEM`] is the
//! packed system description ([`crate::system`]). Every other entry is an ELF program.

/// "CEDOARC1".
pub const MAGIC: u64 = u64::from_le_bytes(*b"CEDOARC1");
/// Longest name in bytes.
pub const NAME_BYTES: usize = 32;
/// Entry name of the first server.
pub const INIT: &str = "init";
/// Entry name of the system description.
pub const SYSTEM: &str = "system";
/// Entries that fit the first page.
pub const MAX_ENTRIES: usize = 64;

/// First bytes of the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Header {
    /// [`MAGIC`].
    pub magic: u64,
    /// Bytes in all, a multiple of the page size.
    pub length: u64,
    /// Entries that follow.
    pub count: u32,
    /// [`checksum`] of everything after this header.
    pub checksum: u32,
}

/// One file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct Entry {
    /// Name, padded with zeroes.
    pub name: [u8; NAME_BYTES],
    /// Offset of the first byte from the start of the archive, a multiple of the page size.
    pub offset: u64,
    /// Bytes.
    pub length: u64,
}

/// First bytes of a flat image; the segments follow page-aligned in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct FlatHeader {
    /// [`FLAT_MAGIC`].
    pub magic: u64,
    /// Address to start at.
    pub entry: u64,
    /// Valid entries of `segments`.
    pub count: u64,
    /// What to map.
    pub segments: [FlatSegment; MAX_SEGMENTS],
}

/// "CEDOFLAT".
pub const FLAT_MAGIC: u64 = u64::from_le_bytes(*b"CEDOFLAT");
/// Segments of a flat image.
pub const MAX_SEGMENTS: usize = 8;

/// One piece of a flat image. `file_pages <= memory_pages`; the rest is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct FlatSegment {
    /// Page-aligned address.
    pub address: u64,
    /// Pages in memory.
    pub memory_pages: u64,
    /// Offset of its first page from the start of the image, a multiple of the page size.
    pub offset: u64,
    /// Pages present in the image.
    pub file_pages: u64,
    /// Bits of READ, WRITE, EXECUTE as in [`crate::Rights`].
    pub access: u64,
}

/// FNV-1a, 32 bits: enough to notice a truncated or damaged archive.
pub fn checksum(bytes: &[u8]) -> u32 {
    checksum_on(CHECKSUM_START, bytes)
}

/// The checksum of no bytes.
pub const CHECKSUM_START: u32 = 0x811c_9dc5;

/// The checksum of the bytes that `sum` is of and `bytes` behind them: for who has them in pieces.
pub fn checksum_on(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
