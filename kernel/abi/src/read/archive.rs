//! Reads the boot archive and flat images (layouts: [`crate::archive`]).

use super::{Cursor, Error, Record, Table};
use crate::archive::{
    Entry, FLAT_MAGIC, FlatHeader, FlatSegment, Header, MAGIC, MAX_ENTRIES, MAX_SEGMENTS, checksum,
};
use crate::layout::PAGE_SIZE;

/// An archive whose entries all lie inside it.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    entries: Table<'a, Entry>,
}

/// One file of an archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct File<'a> {
    /// Offset of its first byte from the start of the archive, a multiple of the page size.
    pub offset: u64,
    /// Its contents.
    pub bytes: &'a [u8],
    name: [u8; crate::archive::NAME_BYTES],
}

impl File<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        super::name(&self.name).unwrap_or("")
    }
}

impl<'a> Reader<'a> {
    /// Checks header, checksum and every entry. Bytes behind the stated length are ignored.
    pub fn new(bytes: &'a [u8]) -> Result<Reader<'a>, Error> {
        let mut cursor = Cursor::new(bytes);
        let header: Header = cursor.record()?;
        if header.magic != MAGIC {
            return Err(Error::Magic);
        }
        let length = usize::try_from(header.length).map_err(|_| Error::Length)?;
        if length == 0 || !header.length.is_multiple_of(PAGE_SIZE) {
            return Err(Error::Length);
        }
        let bytes = bytes.get(..length).ok_or(Error::Truncated)?;
        let covered = bytes.get(Header::BYTES..).ok_or(Error::Length)?;
        if checksum(covered) != header.checksum {
            return Err(Error::Checksum);
        }
        if header.count as usize > MAX_ENTRIES {
            return Err(Error::Count);
        }
        let mut cursor = Cursor::new(bytes.get(..PAGE_SIZE as usize).ok_or(Error::Length)?);
        let _: Header = cursor.record()?;
        let reader = Reader { bytes, entries: cursor.table(header.count)? };
        // The checksum does not cover the count; a smaller one would leave an entry here.
        if cursor.rest().iter().any(|byte| *byte != 0) {
            return Err(Error::Count);
        }
        for entry in reader.entries {
            reader.file(&entry)?;
        }
        Ok(reader)
    }

    /// All files in order.
    pub fn files(&self) -> impl Iterator<Item = File<'a>> + use<'a> {
        let reader = *self;
        reader.entries.iter().filter_map(move |entry| reader.file(&entry).ok())
    }

    /// The first file called `name`.
    pub fn find(&self, name: &str) -> Option<File<'a>> {
        self.files().find(|file| file.name() == name)
    }

    /// Bytes of the archive, a multiple of the page size.
    pub const fn length(&self) -> usize {
        self.bytes.len()
    }

    fn file(&self, entry: &Entry) -> Result<File<'a>, Error> {
        super::name(&entry.name)?;
        if entry.offset < PAGE_SIZE || !entry.offset.is_multiple_of(PAGE_SIZE) {
            return Err(Error::Value);
        }
        let bytes = slice(self.bytes, entry.offset, entry.length)?;
        Ok(File { offset: entry.offset, bytes, name: entry.name })
    }
}

/// A flat image whose segments all lie inside it and do not overlap in memory.
#[derive(Clone, Copy, Debug)]
pub struct Flat<'a> {
    bytes: &'a [u8],
    header: FlatHeader,
}

impl<'a> Flat<'a> {
    /// Checks the header and every segment.
    pub fn new(bytes: &'a [u8]) -> Result<Flat<'a>, Error> {
        let header: FlatHeader = Cursor::new(bytes).record()?;
        if header.magic != FLAT_MAGIC {
            return Err(Error::Magic);
        }
        if header.count == 0 || header.count > MAX_SEGMENTS as u64 {
            return Err(Error::Count);
        }
        let flat = Flat { bytes, header };
        let mut free_from = 0;
        for segment in flat.segments() {
            flat.contents(&segment)?;
            if !segment.address.is_multiple_of(PAGE_SIZE)
                || !segment.offset.is_multiple_of(PAGE_SIZE)
                || segment.address < free_from
                || segment.memory_pages == 0
                || segment.file_pages > segment.memory_pages
            {
                return Err(Error::Value);
            }
            let length = segment.memory_pages.checked_mul(PAGE_SIZE).ok_or(Error::Value)?;
            free_from = segment.address.checked_add(length).ok_or(Error::Value)?;
        }
        Ok(flat)
    }

    /// Address to start at.
    pub const fn entry(&self) -> u64 {
        self.header.entry
    }

    /// What to map, by rising address.
    pub fn segments(&self) -> impl Iterator<Item = FlatSegment> + use<> {
        self.header.segments.into_iter().take(self.header.count as usize)
    }

    /// The bytes of a segment of this image; what it has beyond them in memory is zero.
    pub fn contents(&self, segment: &FlatSegment) -> Result<&'a [u8], Error> {
        let length = segment.file_pages.checked_mul(PAGE_SIZE).ok_or(Error::Value)?;
        slice(self.bytes, segment.offset, length)
    }
}

fn slice(bytes: &[u8], offset: u64, length: u64) -> Result<&[u8], Error> {
    let end = offset.checked_add(length).ok_or(Error::Truncated)?;
    let start = usize::try_from(offset).map_err(|_| Error::Truncated)?;
    let end = usize::try_from(end).map_err(|_| Error::Truncated)?;
    bytes.get(start..end).ok_or(Error::Truncated)
}
