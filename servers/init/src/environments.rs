//! What each thread is told: its environment, mapped read-only.

use crate::failure::{Cause, Failure, Refused};
use crate::system::System;
use crate::window;
use cedo_lib::Rights;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::read::environment;
use cedo_lib::abi::system::{
    Environment, EnvironmentChild, EnvironmentGrant, GrantRecord, MAX_ENVIRONMENT_BYTES,
    ThreadRecord, grant, place, thread_flag,
};
use cedo_lib::abi::write::{Full, Sink};

const DOING: &str = "write the environment";
/// Writes and maps the environment of every thread.
pub fn make(system: &mut System) -> Result<(), Failure> {
    for (index, record) in system.thread_records() {
        make_one(system, index, &record)?;
    }
    Ok(())
}

fn make_one(system: &mut System, index: usize, record: &ThreadRecord) -> Result<(), Failure> {
    let mut bytes = [0; MAX_ENVIRONMENT_BYTES];
    let mut sink = Sink::new(&mut bytes);
    let cause = Cause::Room("grants and children of one thread");
    let full = Failure { doing: DOING, name: record.name, cause };
    write(system, index, record, &mut sink).map_err(|Full| full)?;
    let used = sink.used();
    let pages = (used as u64).div_ceil(PAGE_SIZE);
    let frames = system.take(pages, DOING, record.name)?;
    window::fill(frames, pages, 0, &bytes[..used]).or_fail(DOING, record.name)?;
    let position = u64::from(system.thread(index).position);
    let address = place::ENVIRONMENT + position * place::STRIDE;
    let space = system.space(record.space as usize).space;
    space.map(frames.region, frames.first, address, pages, Rights::READ).or_fail(DOING, record.name)
}

fn write(
    system: &System,
    index: usize,
    record: &ThreadRecord,
    sink: &mut Sink<'_>,
) -> Result<(), Full> {
    let description = &system.boot.description;
    let children = || description.children_of(index as u32);
    let root = record.scheduler as usize == index;
    let space = description.spaces().get(record.space as usize).ok_or(Full)?;
    let core = description.cores().get(record.core as usize).ok_or(Full)?;
    let fixed = Environment {
        magic: 0,
        length: 0,
        system: description.name_bytes(),
        space: space.name,
        name: record.name,
        thread: index as u32,
        core: record.core,
        cores: description.cores().len() as u32,
        flags: record.flags
            | if root { thread_flag::ROOT } else { 0 }
            | if description.shows_cycles(record.core) { thread_flag::CYCLE_COUNTER } else { 0 },
        grants: record.grants,
        children: children().count() as u32,
        protocol: core.protocol,
        first_free_slot: system.space(record.space as usize).next_slot,
        parameters: record.parameters,
    };
    environment::begin(&fixed, sink)?;
    let first_slot = system.thread(index).first_slot;
    for (slot, record) in (first_slot..).zip(description.grants_of(record)) {
        sink.record(&told(system, &record, slot))?;
    }
    for (cookie, child) in (1..).zip(children()) {
        let child = description.threads().get(child as usize).ok_or(Full)?;
        let flags = u64::from(child.flags);
        let (name, parameters) = (child.name, child.parameters);
        sink.record(&EnvironmentChild { name, cookie, flags, parameters })?;
    }
    Ok(())
}

/// What a thread is told of one grant.
fn told(system: &System, record: &GrantRecord, slot: u32) -> EnvironmentGrant {
    let memories = system.boot.description.memories();
    let (address, count) = match record.kind {
        grant::MEMORY => {
            (record.b, memories.get(record.a as usize).map_or(0, |memory| memory.pages))
        }
        grant::PORTS => (record.a, record.b),
        grant::IRQ | grant::CORE => (record.a, 0),
        _ => (0, 0),
    };
    EnvironmentGrant { name: record.name, slot, kind: record.kind, address, count }
}
