//! Safe reading of what the boot archive holds: little-endian fields out of `&[u8]`.
//!
//! Everything here is bounds-checked, free of panics and of unsafe code. A reader checks its input
//! once, in `new`; what it hands out afterwards is in range. The bytes may come from anywhere.
//!
//! | file | contents |
//! |---|---|
//! | [`archive`] | the boot archive, a flat image |
//! | [`system`] | the packed system description |
//! | [`environment`] | what a thread is told about itself |
//! | `records` | one [`Record`] per layout of [`crate::system`] and [`crate::archive`] |
//!
//! Writing the same layouts is in [`crate::write`].

pub mod archive;
pub mod environment;
mod records;
pub mod system;

use core::fmt;
use core::marker::PhantomData;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// They end before what they announce.
    Truncated,
    /// They do not begin with the magic number.
    Magic,
    /// The length they state contradicts their contents.
    Length,
    /// The checksum does not match.
    Checksum,
    /// More entries than the layout allows, or none where there must be one.
    Count,
    /// A name is empty or not UTF-8.
    Name,
    /// An index points at a record that does not exist.
    Index,
    /// A field has a value without a meaning.
    Value,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Error::Truncated => "it ends too early",
            Error::Magic => "it does not begin with the magic number",
            Error::Length => "its length contradicts its contents",
            Error::Checksum => "its checksum does not match",
            Error::Count => "it has too many or too few entries",
            Error::Name => "a name is empty or not UTF-8",
            Error::Index => "an index points at a record that does not exist",
            Error::Value => "a field has a value without a meaning",
        })
    }
}

impl core::error::Error for Error {}

/// A fixed layout that can be read from bytes and written to bytes, field by field.
pub trait Record: Sized {
    /// Bytes of the layout: the size of the `repr(C)` type, which has no padding.
    const BYTES: usize = size_of::<Self>();

    /// Takes the fields in order. Fails only where the bytes end.
    fn take(from: &mut Cursor<'_>) -> Result<Self, Error>;

    /// Puts the fields in order. Fails only where the space ends.
    fn put(&self, to: &mut crate::write::Sink<'_>) -> Result<(), crate::write::Full>;
}

/// A position in bytes, moved on by each field taken.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// At the first byte.
    pub const fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { rest: bytes }
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (field, rest) = self.rest.split_first_chunk::<N>().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*field)
    }

    /// The next 32-bit number.
    pub fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    /// The next 64-bit number.
    pub fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// The next record.
    pub fn record<R: Record>(&mut self) -> Result<R, Error> {
        R::take(self)
    }

    /// The next `count` records as a table.
    pub fn table<R: Record>(&mut self, count: u32) -> Result<Table<'a, R>, Error> {
        let length = (count as usize).checked_mul(R::BYTES).ok_or(Error::Truncated)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(Table { bytes, record: PhantomData })
    }

    /// What was not taken yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// Records in a row, decoded one at a time.
#[derive(Debug)]
pub struct Table<'a, R> {
    bytes: &'a [u8],
    record: PhantomData<R>,
}

impl<R> Clone for Table<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Table<'_, R> {}

impl<'a, R: Record> Table<'a, R> {
    /// Number of records.
    pub const fn len(&self) -> usize {
        self.bytes.len() / R::BYTES
    }

    /// True where there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Record `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<R> {
        let start = index.checked_mul(R::BYTES)?;
        R::take(&mut Cursor::new(self.bytes.get(start..)?)).ok()
    }

    /// All records in order.
    pub fn iter(&self) -> Records<'a, R> {
        Records { cursor: Cursor::new(self.bytes), record: PhantomData }
    }

    /// Records `first` to `first + count`, if all of them exist.
    pub fn part(&self, first: u32, count: u32) -> Option<Table<'a, R>> {
        let start = (first as usize).checked_mul(R::BYTES)?;
        let length = (count as usize).checked_mul(R::BYTES)?;
        let bytes = self.bytes.get(start..start.checked_add(length)?)?;
        Some(Table { bytes, record: PhantomData })
    }
}

impl<'a, R: Record> IntoIterator for Table<'a, R> {
    type Item = R;
    type IntoIter = Records<'a, R>;

    fn into_iter(self) -> Records<'a, R> {
        self.iter()
    }
}

/// Iterator over a [`Table`].
#[derive(Clone, Debug)]
pub struct Records<'a, R> {
    cursor: Cursor<'a>,
    record: PhantomData<R>,
}

impl<R: Record> Iterator for Records<'_, R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        self.cursor.record().ok()
    }
}

/// The text of a padded name, if it is one: not empty, UTF-8, nothing but zeroes behind it.
pub fn name(padded: &[u8]) -> Result<&str, Error> {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    let (text, padding) = padded.split_at_checked(end).ok_or(Error::Name)?;
    if text.is_empty() || padding.iter().any(|byte| *byte != 0) {
        return Err(Error::Name);
    }
    core::str::from_utf8(text).map_err(|_| Error::Name)
}

#[cfg(test)]
mod tests;
