//! Reads ELF programs: 64-bit, little-endian, linked at fixed addresses. The bytes may come from
//! anywhere: what does not fit is an error and never a panic.
//!
//! Source: System V ABI, chapters *ELF Header* and *Program Loading*.

use cedo_abi::Rights;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::read::Cursor;
use cedo_abi::system::place;
use core::fmt;

/// "\x7fELF", 64-bit, little-endian, version 1.
const IDENTIFICATION: [u8; 7] = [0x7f, b'E', b'L', b'F', 2, 1, 1];
/// Type: executable linked at a fixed address.
const EXECUTABLE: u16 = 2;
/// Bytes of a program header.
const HEADER_BYTES: u16 = 56;
/// Program header type: map this.
const LOAD: u32 = 1;
/// Most program headers of a program.
const MAX_HEADERS: u16 = 64;

/// Why a program is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// It ends before what it announces.
    Truncated,
    /// It is no 64-bit little-endian ELF file.
    NotElf,
    /// It is for another processor.
    Machine,
    /// It is not linked at a fixed address.
    NotFixed,
    /// Its program headers make no sense.
    Headers,
    /// A segment lies where a program cannot be, or overlaps another.
    Address,
    /// It starts outside its code.
    Entry,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Error::Truncated => "the program ends too early",
            Error::NotElf => "the program is no 64-bit little-endian ELF file",
            Error::Machine => "the program is for another processor",
            Error::NotFixed => "the program is not linked at a fixed address",
            Error::Headers => "the program's headers make no sense",
            Error::Address => "a segment lies where a program cannot be, or overlaps another",
            Error::Entry => "the program starts outside its code",
        })
    }
}

/// A program in which every segment lies inside the file and has pages of its own.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    bytes: &'a [u8],
    headers: &'a [u8],
    /// Where it starts.
    pub entry: u64,
}

/// What to map.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// First page.
    pub address: u64,
    /// Pages.
    pub pages: u64,
    /// Where the contents begin, counted from `address`.
    pub offset: usize,
    /// Contents; the rest is zero.
    pub contents: &'a [u8],
    /// Access.
    pub access: Rights,
}

impl Segment<'_> {
    fn end(&self) -> u64 {
        self.address + self.pages * PAGE_SIZE
    }
}

impl<'a> Program<'a> {
    /// Checks all of it. `machine` is the processor's ELF number.
    pub fn new(bytes: &'a [u8], machine: u16) -> Result<Program<'a>, Error> {
        let header = Header::read(bytes)?;
        if header.machine != machine {
            return Err(Error::Machine);
        }
        if header.kind != EXECUTABLE {
            return Err(Error::NotFixed);
        }
        if header.header_bytes != HEADER_BYTES || header.count == 0 || header.count > MAX_HEADERS {
            return Err(Error::Headers);
        }
        let length = u64::from(header.count) * u64::from(HEADER_BYTES);
        let headers = slice(bytes, header.headers, length)?;
        let program = Program { bytes, headers, entry: header.entry };
        let (mut free_from, mut starts) = (PAGE_SIZE, false);
        for segment in program.segments() {
            let segment = segment?;
            if segment.address < free_from || segment.end() > place::MAPPINGS_START {
                return Err(Error::Address);
            }
            free_from = segment.end();
            let inside = (segment.address..segment.end()).contains(&program.entry);
            starts |= inside && segment.access.has(Rights::EXECUTE);
        }
        if starts { Ok(program) } else { Err(Error::Entry) }
    }

    /// The segments to map, by rising address. None fails once [`Program::new`] has succeeded.
    pub fn segments(&self) -> impl Iterator<Item = Result<Segment<'a>, Error>> + use<'a> {
        let bytes = self.bytes;
        let headers = self.headers.chunks_exact(HEADER_BYTES as usize);
        headers.filter_map(move |header| segment(bytes, header).transpose())
    }
}

/// One program header, if it is to be mapped.
fn segment<'a>(bytes: &'a [u8], header: &[u8]) -> Result<Option<Segment<'a>>, Error> {
    let mut cursor = Cursor::new(header);
    let kind = half(&mut cursor)?;
    let flags = half(&mut cursor)?;
    let offset = word(&mut cursor)?;
    let address = word(&mut cursor)?;
    let _physical = word(&mut cursor)?;
    let (file_bytes, memory_bytes) = (word(&mut cursor)?, word(&mut cursor)?);
    if kind != LOAD || memory_bytes == 0 {
        return Ok(None);
    }
    if file_bytes > memory_bytes {
        return Err(Error::Headers);
    }
    let contents = slice(bytes, offset, file_bytes)?;
    let end = address.checked_add(memory_bytes).ok_or(Error::Address)?;
    if end > place::MAPPINGS_START {
        return Err(Error::Address);
    }
    let first = address / PAGE_SIZE * PAGE_SIZE;
    Ok(Some(Segment {
        address: first,
        pages: (end - first).div_ceil(PAGE_SIZE),
        offset: (address - first) as usize,
        contents,
        access: access(flags),
    }))
}

/// Header flags 1 = execute, 2 = write, 4 = read. What can be executed or written can be read.
fn access(flags: u32) -> Rights {
    let mut access = Rights::READ;
    if flags & 1 != 0 {
        access = access.or(Rights::EXECUTE);
    }
    if flags & 2 != 0 {
        access = access.or(Rights::WRITE);
    }
    access
}

/// The fields of the ELF header that count.
struct Header {
    kind: u16,
    machine: u16,
    entry: u64,
    headers: u64,
    header_bytes: u16,
    count: u16,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Header, Error> {
        if !bytes.starts_with(&IDENTIFICATION) {
            return Err(Error::NotElf);
        }
        let mut cursor = Cursor::new(bytes);
        let _identification: [u8; 16] = cursor.bytes().map_err(|_| Error::Truncated)?;
        let (kind, machine) = (quarter(&mut cursor)?, quarter(&mut cursor)?);
        let _version = half(&mut cursor)?;
        let (entry, headers) = (word(&mut cursor)?, word(&mut cursor)?);
        let _sections = word(&mut cursor)?;
        let _flags = half(&mut cursor)?;
        let _own_bytes = quarter(&mut cursor)?;
        let (header_bytes, count) = (quarter(&mut cursor)?, quarter(&mut cursor)?);
        Ok(Header { kind, machine, entry, headers, header_bytes, count })
    }
}

fn quarter(cursor: &mut Cursor<'_>) -> Result<u16, Error> {
    cursor.bytes().map(u16::from_le_bytes).map_err(|_| Error::Truncated)
}

fn half(cursor: &mut Cursor<'_>) -> Result<u32, Error> {
    cursor.u32().map_err(|_| Error::Truncated)
}

fn word(cursor: &mut Cursor<'_>) -> Result<u64, Error> {
    cursor.u64().map_err(|_| Error::Truncated)
}

fn slice(bytes: &[u8], offset: u64, length: u64) -> Result<&[u8], Error> {
    let end = offset.checked_add(length).ok_or(Error::Truncated)?;
    let start = usize::try_from(offset).map_err(|_| Error::Truncated)?;
    let end = usize::try_from(end).map_err(|_| Error::Truncated)?;
    bytes.get(start..end).ok_or(Error::Truncated)
}

#[cfg(test)]
mod tests;
