//! The packed description.

extern crate std;

use std::vec::Vec;

use super::mangle;
use crate::MAX_CORES;
use crate::read::system::Reader;
use crate::read::{Error, Record};
use crate::system::{
    CoreRecord, GrantRecord, Header, MAGIC, MemoryRecord, NONE, SpaceRecord, ThreadRecord, grant,
    name, place,
};
use crate::write::Sink;

struct Parts {
    cores: Vec<CoreRecord>,
    spaces: Vec<SpaceRecord>,
    threads: Vec<ThreadRecord>,
    memories: Vec<MemoryRecord>,
    grants: Vec<GrantRecord>,
}

fn thread(text: &str, core: u32, scheduler: u32, first_grant: u32, grants: u32) -> ThreadRecord {
    ThreadRecord {
        name: name(text),
        space: 0,
        core,
        scheduler,
        handler: NONE,
        stack_pages: 4,
        flags: 0,
        parameters: [1, 2, 3, 4],
        first_grant,
        grants,
    }
}

fn granted(text: &str, kind: u32, a: u64, b: u64) -> GrantRecord {
    GrantRecord { name: name(text), kind, rights: 3, a, b, c: 0 }
}

/// Two cores, a root each, and a child of the first root with one grant of every kind.
fn parts() -> Parts {
    let mut program = [0; crate::archive::NAME_BYTES];
    program[..5].copy_from_slice(b"hello");
    Parts {
        cores: std::vec![CoreRecord { root: 0, protocol: 0 }, CoreRecord { root: 2, protocol: 1 }],
        spaces: std::vec![SpaceRecord {
            name: name("all"),
            program,
            table_frames: 1,
            stock_pages: 8
        }],
        threads: std::vec![
            thread("root0", 0, 0, 0, 1),
            thread("worker", 0, 0, 1, 6),
            thread("root1", 1, 2, 7, 0),
        ],
        memories: std::vec![MemoryRecord { name: name("shared"), pages: 2, base: 0 }],
        grants: std::vec![
            granted("core", grant::CORE, 1, 0),
            granted("gate", grant::GATE, 2, 9),
            granted("thread", grant::THREAD, 0, 0),
            granted("irq", grant::IRQ, 4, 1),
            granted("uart", grant::PORTS, 0x3f8, 8),
            granted("shared", grant::MEMORY, 0, place::MEMORY),
            granted("space", grant::SPACE, 0, 0),
        ],
    }
}

fn pack(parts: &Parts) -> Vec<u8> {
    let mut core = [CoreRecord::default(); MAX_CORES];
    core[..parts.cores.len()].copy_from_slice(&parts.cores);
    let length = Header::BYTES
        + parts.spaces.len() * SpaceRecord::BYTES
        + parts.threads.len() * ThreadRecord::BYTES
        + parts.memories.len() * MemoryRecord::BYTES
        + parts.grants.len() * GrantRecord::BYTES;
    let header = Header {
        magic: MAGIC,
        length: length as u64,
        name: name("test"),
        cores: parts.cores.len() as u32,
        spaces: parts.spaces.len() as u32,
        threads: parts.threads.len() as u32,
        memories: parts.memories.len() as u32,
        grants: parts.grants.len() as u32,
        reserved: 0,
        core,
    };
    let mut bytes = std::vec![0; length];
    let mut sink = Sink::new(&mut bytes);
    sink.record(&header).unwrap();
    parts.spaces.iter().for_each(|record| sink.record(record).unwrap());
    parts.threads.iter().for_each(|record| sink.record(record).unwrap());
    parts.memories.iter().for_each(|record| sink.record(record).unwrap());
    parts.grants.iter().for_each(|record| sink.record(record).unwrap());
    assert_eq!(sink.used(), length);
    bytes
}

/// The error that a description has after a change.
fn after(change: impl FnOnce(&mut Parts)) -> Option<Error> {
    let mut parts = parts();
    change(&mut parts);
    Reader::new(&pack(&parts)).err()
}

#[test]
fn a_description_comes_back() {
    let bytes = pack(&parts());
    let reader = Reader::new(&bytes).unwrap();
    assert_eq!((reader.name(), reader.cores().len()), ("test", 2));
    assert_eq!((reader.cores()[1].root, reader.cores()[1].protocol), (2, 1));
    assert_eq!((reader.spaces().len(), reader.memories().len()), (1, 1));
    let worker = reader.threads().get(1).unwrap();
    assert_eq!(crate::read::name(&worker.name), Ok("worker"));
    assert_eq!(worker.parameters, [1, 2, 3, 4]);
    let kinds: Vec<_> = reader.grants_of(&worker).iter().map(|grant| grant.kind).collect();
    assert_eq!(kinds, [1, 2, 3, 4, 5, 7]);
    assert_eq!(reader.children_of(0).collect::<Vec<_>>(), [1]);
    assert_eq!(reader.children_of(2).count(), 0);
}

#[test]
fn a_truncated_description_is_refused_at_every_length() {
    let bytes = pack(&parts());
    for length in 0..bytes.len() {
        assert_eq!(Reader::new(&bytes[..length]).err(), Some(Error::Truncated));
    }
}

#[test]
fn a_mangled_description_never_panics_and_its_indices_stay_in_range() {
    mangle(&pack(&parts()), |mangled| {
        let Ok(reader) = Reader::new(mangled) else { return };
        for core in reader.cores() {
            assert!(reader.threads().get(core.root as usize).is_some());
        }
        for (index, thread) in (0..).zip(reader.threads()) {
            assert!(reader.spaces().get(thread.space as usize).is_some());
            assert_eq!(reader.grants_of(&thread).len(), thread.grants as usize);
            for child in reader.children_of(index) {
                assert!(reader.threads().get(child as usize).is_some());
            }
        }
    });
}

#[test]
fn lengths_and_counts_must_agree() {
    let mut bytes = pack(&parts());
    bytes.push(0);
    assert!(Reader::new(&bytes).is_ok(), "bytes behind it are ignored");
    let length = bytes.len() as u64;
    bytes[8..16].copy_from_slice(&length.to_le_bytes());
    assert_eq!(Reader::new(&bytes).err(), Some(Error::Length));
    bytes[0] = 0;
    assert_eq!(Reader::new(&bytes).err(), Some(Error::Magic));
    assert_eq!(after(|parts| parts.cores.clear()), Some(Error::Count));
}

#[test]
fn every_index_is_checked() {
    assert_eq!(after(|parts| parts.cores[0].root = 3), Some(Error::Index));
    assert_eq!(after(|parts| parts.cores[0].root = 2), Some(Error::Index));
    assert_eq!(after(|parts| parts.cores[1].root = 1), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].space = 1), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].core = 2), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].scheduler = 3), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].scheduler = 2), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].scheduler = 1), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].handler = 3), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].handler = 1), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[1].handler = 2), None);
    assert_eq!(after(|parts| parts.threads[1].first_grant = 2), Some(Error::Index));
    assert_eq!(after(|parts| parts.threads[2].grants = 1), Some(Error::Index));
    assert_eq!(after(|parts| parts.grants.push(parts.grants[0])), Some(Error::Index));
    for (index, limit) in [(0, 2), (1, 3), (2, 3), (4, 0x1_0000), (5, 1), (6, 1)] {
        assert_eq!(after(|parts| parts.grants[index].a = limit), Some(Error::Index));
    }
}

#[test]
fn every_value_is_checked() {
    assert_eq!(after(|parts| parts.cores[1].protocol = 2), Some(Error::Value));
    assert_eq!(after(|parts| parts.threads[0].stack_pages = 0), Some(Error::Value));
    let too_large = place::MAX_STACK_PAGES + 1;
    assert_eq!(after(|parts| parts.threads[0].stack_pages = too_large), Some(Error::Value));
    assert_eq!(after(|parts| parts.memories[0].pages = 0), Some(Error::Value));
    assert_eq!(after(|parts| parts.memories[0].pages = u64::MAX), Some(Error::Value));
    assert_eq!(after(|parts| parts.memories[0].base = 5), Some(Error::Value));
    assert_eq!(after(|parts| parts.memories[0].base = u64::MAX - 4095), Some(Error::Value));
    assert_eq!(after(|parts| parts.grants[1].kind = 9), Some(Error::Value));
    assert_eq!(after(|parts| parts.grants[3].b = 2), Some(Error::Value));
    assert_eq!(after(|parts| parts.grants[4].b = 0), Some(Error::Value));
    assert_eq!(after(|parts| parts.grants[4].b = 0xfc09), Some(Error::Value));
    assert_eq!(after(|parts| parts.grants[5].b = 1), Some(Error::Value));
    let lines = |a, b| {
        move |parts: &mut Parts| {
            parts.grants[4] = GrantRecord { kind: grant::LINES, a, b, ..parts.grants[4] };
        }
    };
    assert_eq!(after(lines(255, 1)), None);
    assert_eq!(after(lines(256, 1)), Some(Error::Index));
    assert_eq!(after(lines(255, 2)), Some(Error::Value));
    assert_eq!(after(lines(255, 0)), Some(Error::Value));
    assert_eq!(after(|parts| parts.grants[5].name = name("")), Some(Error::Name));
    assert_eq!(after(|parts| parts.spaces[0].program[0] = 0xff), Some(Error::Name));
}
