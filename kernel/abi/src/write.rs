//! Safe writing of the layouts that [`crate::read`] reads: little-endian fields into `&mut [u8]`.
//!
//! Used by the host tools for the boot archive and by init for environments.

use core::fmt;

use crate::read::Record;

/// The space ended before the record did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the space ended before the record did")
    }
}

impl core::error::Error for Full {}

/// A position in space for bytes, moved on by each field put.
#[derive(Debug)]
pub struct Sink<'a> {
    space: &'a mut [u8],
    used: usize,
}

impl<'a> Sink<'a> {
    /// At the first byte.
    pub const fn new(space: &'a mut [u8]) -> Sink<'a> {
        Sink { space, used: 0 }
    }

    /// Puts bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.used.checked_add(bytes.len()).ok_or(Full)?;
        self.space.get_mut(self.used..end).ok_or(Full)?.copy_from_slice(bytes);
        self.used = end;
        Ok(())
    }

    /// Puts a 32-bit number.
    pub fn u32(&mut self, value: u32) -> Result<(), Full> {
        self.bytes(&value.to_le_bytes())
    }

    /// Puts a 64-bit number.
    pub fn u64(&mut self, value: u64) -> Result<(), Full> {
        self.bytes(&value.to_le_bytes())
    }

    /// Puts a record. Where it does not fit, some of its fields may have been written.
    pub fn record<R: Record>(&mut self, record: &R) -> Result<(), Full> {
        record.put(self)
    }

    /// Bytes put so far.
    pub const fn used(&self) -> usize {
        self.used
    }
}
