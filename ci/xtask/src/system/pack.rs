//! Packs a description into the form that init reads ([`cedo_abi::system`]).

use cedo_abi::MAX_CORES;
use cedo_abi::archive::NAME_BYTES;
use cedo_abi::call::core::{CHAIN, DIRECT};
use cedo_abi::read::Record;
use cedo_abi::system::{
    CoreRecord, GrantRecord, Header, MAGIC, MemoryRecord, NONE, SpaceRecord, ThreadRecord, grant,
    name,
};
use cedo_abi::write::Sink;

use super::description::{Description, Grant, Object, Protocol, Space, Thread};

/// The packed form. Every name fits its field: that was checked.
pub fn pack(description: &Description) -> Vec<u8> {
    let grants: usize = description.threads.iter().map(|thread| thread.grants.len()).sum();
    let length = Header::BYTES
        + description.spaces.len() * SpaceRecord::BYTES
        + description.threads.len() * ThreadRecord::BYTES
        + description.memories.len() * MemoryRecord::BYTES
        + grants * GrantRecord::BYTES;
    let mut bytes = Vec::with_capacity(length);
    append(&mut bytes, &header(description, length, grants));
    description.spaces.iter().for_each(|space| append(&mut bytes, &space_record(space)));
    let mut first_grant = 0;
    for thread in &description.threads {
        append(&mut bytes, &thread_record(thread, first_grant));
        first_grant += thread.grants.len() as u32;
    }
    for memory in &description.memories {
        let (pages, base) = (memory.pages, memory.base);
        append(&mut bytes, &MemoryRecord { name: name(&memory.name), pages, base });
    }
    for grant in description.threads.iter().flat_map(|thread| &thread.grants) {
        append(&mut bytes, &grant_record(grant));
    }
    bytes
}

/// Appends a record. Space for it is made, so that putting it cannot fail.
fn append<R: Record>(bytes: &mut Vec<u8>, record: &R) {
    let start = bytes.len();
    bytes.resize(start + R::BYTES, 0);
    let put = Sink::new(&mut bytes[start..]).record(record);
    debug_assert!(put.is_ok(), "a record is as long as its type");
}

fn header(description: &Description, length: usize, grants: usize) -> Header {
    let mut core = [CoreRecord::default(); MAX_CORES];
    for (record, from) in core.iter_mut().zip(&description.cores) {
        let protocol = match from.protocol {
            Protocol::Direct => DIRECT,
            Protocol::Chain => CHAIN,
        };
        *record = CoreRecord { root: from.root, protocol: protocol as u32 };
    }
    let shown = (0..).zip(&description.cores).filter(|(_, core)| core.cycle_counter);
    Header {
        magic: MAGIC,
        length: length as u64,
        name: name(&description.name),
        cores: description.cores.len() as u32,
        spaces: description.spaces.len() as u32,
        threads: description.threads.len() as u32,
        memories: description.memories.len() as u32,
        grants: grants as u32,
        cycle_counters: shown.fold(0, |bits, (core, _)| bits | 1 << core),
        core,
    }
}

fn space_record(space: &Space) -> SpaceRecord {
    let mut program = [0; NAME_BYTES];
    for (byte, from) in program.iter_mut().zip(space.program.bytes()) {
        *byte = from;
    }
    SpaceRecord {
        name: name(&space.name),
        program,
        table_frames: space.table_frames,
        stock_pages: space.stock_pages,
    }
}

fn thread_record(thread: &Thread, first_grant: u32) -> ThreadRecord {
    ThreadRecord {
        name: name(&thread.name),
        space: thread.space,
        core: thread.core,
        scheduler: thread.scheduler,
        handler: thread.handler.unwrap_or(NONE),
        stack_pages: thread.stack_pages,
        flags: thread.flags,
        parameters: thread.parameters,
        first_grant,
        grants: thread.grants.len() as u32,
    }
}

fn grant_record(from: &Grant) -> GrantRecord {
    let (kind, a, b, c) = match from.object {
        Object::Gate { thread, badge } => (grant::GATE, u64::from(thread), badge, 0),
        Object::Thread { thread } => (grant::THREAD, u64::from(thread), 0, 0),
        Object::Irq { line, trigger, badge } => (grant::IRQ, line, trigger, badge),
        Object::Ports { first, count } => (grant::PORTS, first, count, 0),
        Object::Memory { memory, address } => (grant::MEMORY, u64::from(memory), address, 0),
        Object::Core { core } => (grant::CORE, u64::from(core), 0, 0),
        Object::Space { space } => (grant::SPACE, u64::from(space), 0, 0),
    };
    GrantRecord { name: name(&from.name), kind, rights: from.rights, a, b, c }
}
