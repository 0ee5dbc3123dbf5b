//! Reading and writing agree with each other and with the `repr(C)` types.

extern crate std;

use core::mem::offset_of;
use std::vec::Vec;

use crate::archive::{Entry, FlatHeader, FlatSegment};
use crate::read::{Cursor, Error, Record, name};
use crate::system::{
    CoreRecord, Environment, EnvironmentChild, EnvironmentGrant, GrantRecord, Header, MemoryRecord,
    SpaceRecord, ThreadRecord,
};
use crate::write::{Full, Sink};

/// Bytes that differ at neighbouring positions, so that a shifted field shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 37 % 251) as u8 + 1).collect()
}

/// Takes a pattern, puts it again, and tries every shorter length.
fn both_ways<R: Record>() -> (Vec<u8>, R) {
    let bytes = pattern(R::BYTES);
    let mut cursor = Cursor::new(&bytes);
    let record: R = cursor.record().unwrap();
    assert!(cursor.rest().is_empty(), "the layout has padding or a field is missing");
    let mut again = std::vec![0; R::BYTES];
    let mut sink = Sink::new(&mut again);
    sink.record(&record).unwrap();
    assert_eq!(sink.used(), R::BYTES);
    assert_eq!(again, bytes);
    for length in 0..R::BYTES {
        assert_eq!(R::take(&mut Cursor::new(&bytes[..length])).err(), Some(Error::Truncated));
        assert_eq!(record.put(&mut Sink::new(&mut again[..length])), Err(Full));
    }
    (bytes, record)
}

/// Asserts that number fields hold what stands at their offset in the `repr(C)` type.
macro_rules! numbers {
    ($record:ident, $bytes:ident, $type:ty, $($field:ident: $number:ty),+) => {
        $({
            let start = offset_of!($type, $field);
            let at = &$bytes[start..start + size_of::<$number>()];
            assert_eq!($record.$field, <$number>::from_le_bytes(at.try_into().unwrap()));
        })+
    };
}

/// Asserts that byte fields hold what stands at their offset in the `repr(C)` type.
macro_rules! names {
    ($record:ident, $bytes:ident, $type:ty, $($field:ident),+) => {
        $({
            let start = offset_of!($type, $field);
            assert_eq!($record.$field, $bytes[start..start + $record.$field.len()]);
        })+
    };
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks(8).map(|word| u64::from_le_bytes(word.try_into().unwrap())).collect()
}

#[test]
fn archive_records_have_their_fields_where_the_types_have_them() {
    use crate::archive::Header;
    let (bytes, record) = both_ways::<Header>();
    numbers!(record, bytes, Header, magic: u64, length: u64, count: u32, checksum: u32);
    let (bytes, record) = both_ways::<Entry>();
    names!(record, bytes, Entry, name);
    numbers!(record, bytes, Entry, offset: u64, length: u64);
    let (bytes, record) = both_ways::<FlatSegment>();
    numbers!(record, bytes, FlatSegment, address: u64, memory_pages: u64, offset: u64);
    numbers!(record, bytes, FlatSegment, file_pages: u64, access: u64);
    let (bytes, record) = both_ways::<FlatHeader>();
    numbers!(record, bytes, FlatHeader, magic: u64, entry: u64, count: u64);
    for (index, segment) in record.segments.iter().enumerate() {
        let start = offset_of!(FlatHeader, segments) + index * FlatSegment::BYTES;
        let fields = words(&bytes[start..start + FlatSegment::BYTES]);
        assert_eq!(segment.address, fields[0]);
        assert_eq!(segment.access, fields[4]);
    }
}

#[test]
fn description_records_have_their_fields_where_the_types_have_them() {
    let (bytes, record) = both_ways::<Header>();
    names!(record, bytes, Header, name);
    numbers!(record, bytes, Header, magic: u64, length: u64, cores: u32, spaces: u32);
    numbers!(record, bytes, Header, threads: u32, memories: u32, grants: u32, cycle_counters: u32);
    for (index, core) in record.core.iter().enumerate() {
        let word = words(&bytes[offset_of!(Header, core)..])[index];
        assert_eq!(u64::from(core.root) | u64::from(core.protocol) << 32, word);
    }
    let (bytes, record) = both_ways::<CoreRecord>();
    numbers!(record, bytes, CoreRecord, root: u32, protocol: u32);
    let (bytes, record) = both_ways::<SpaceRecord>();
    names!(record, bytes, SpaceRecord, name, program);
    numbers!(record, bytes, SpaceRecord, table_frames: u32, stock_pages: u32);
    let (bytes, record) = both_ways::<ThreadRecord>();
    names!(record, bytes, ThreadRecord, name);
    numbers!(record, bytes, ThreadRecord, space: u32, core: u32, scheduler: u32, handler: u32);
    numbers!(record, bytes, ThreadRecord, stack_pages: u32, flags: u32, first_grant: u32);
    numbers!(record, bytes, ThreadRecord, grants: u32);
    let start = offset_of!(ThreadRecord, parameters);
    assert_eq!(record.parameters[..], words(&bytes[start..start + 32]));
    let (bytes, record) = both_ways::<MemoryRecord>();
    names!(record, bytes, MemoryRecord, name);
    numbers!(record, bytes, MemoryRecord, pages: u64, base: u64);
    let (bytes, record) = both_ways::<GrantRecord>();
    names!(record, bytes, GrantRecord, name);
    numbers!(record, bytes, GrantRecord, kind: u32, rights: u32, a: u64, b: u64, c: u64);
}

#[test]
fn environment_records_have_their_fields_where_the_types_have_them() {
    let (bytes, record) = both_ways::<Environment>();
    names!(record, bytes, Environment, system, space, name);
    numbers!(record, bytes, Environment, magic: u64, length: u64, thread: u32, core: u32);
    numbers!(record, bytes, Environment, cores: u32, flags: u32, grants: u32, children: u32);
    numbers!(record, bytes, Environment, protocol: u32, first_free_slot: u32);
    let start = offset_of!(Environment, parameters);
    assert_eq!(record.parameters[..], words(&bytes[start..start + 32]));
    let (bytes, record) = both_ways::<EnvironmentGrant>();
    names!(record, bytes, EnvironmentGrant, name);
    numbers!(record, bytes, EnvironmentGrant, slot: u32, kind: u32, address: u64, count: u64);
    let (bytes, record) = both_ways::<EnvironmentChild>();
    names!(record, bytes, EnvironmentChild, name);
    numbers!(record, bytes, EnvironmentChild, cookie: u64, flags: u64);
    let start = offset_of!(EnvironmentChild, parameters);
    assert_eq!(record.parameters[..], words(&bytes[start..start + 32]));
}

#[test]
fn names_are_text_with_zeroes_behind() {
    assert_eq!(name(b"init\0\0\0\0"), Ok("init"));
    assert_eq!(name(b"full"), Ok("full"));
    assert_eq!(name(b""), Err(Error::Name));
    assert_eq!(name(b"\0\0"), Err(Error::Name));
    assert_eq!(name(b"in\0it"), Err(Error::Name));
    assert_eq!(name(b"\xff\0"), Err(Error::Name));
}

#[test]
fn tables_refuse_what_lies_outside() {
    let bytes = pattern(3 * CoreRecord::BYTES);
    let table = Cursor::new(&bytes).table::<CoreRecord>(3).unwrap();
    assert_eq!((table.len(), table.iter().count()), (3, 3));
    assert!(table.get(2).is_some() && table.get(3).is_none() && table.get(usize::MAX).is_none());
    assert!(table.part(1, 2).is_some() && table.part(3, 0).is_some());
    assert!(table.part(2, 2).is_none() && table.part(u32::MAX, u32::MAX).is_none());
    let too_many = Cursor::new(&bytes).table::<CoreRecord>(u32::MAX);
    assert_eq!(too_many.err(), Some(Error::Truncated));
}
