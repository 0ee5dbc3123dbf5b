//! Capabilities and shared memory, as the description names them.

use crate::failure::{Cause, Failure, Refused};
use crate::frames::Frames;
use crate::system::System;
use crate::window;
use cedo_lib::abi::info::slot;
use cedo_lib::abi::read::Table;
use cedo_lib::abi::system::{GrantRecord, MemoryRecord, ThreadRecord, grant};
use cedo_lib::capability::{copy, divide, make_gate, move_to};
use cedo_lib::memory::{NewIrq, create_irq};
use cedo_lib::{Core, Lines, Ports, Rights, Space, Status};

const DOING: &str = "give a capability";

/// Places the grants of every thread in its Space's table, thread by thread, in order.
pub fn make(system: &mut System) -> Result<(), Failure> {
    for (index, thread) in system.thread_records() {
        let space = system.space_mut(thread.space as usize);
        let first_slot = space.next_slot;
        space.next_slot += thread.grants;
        system.thread_mut(index).first_slot = first_slot;
        for (slot, record) in (first_slot..).zip(system.boot.description.grants_of(&thread)) {
            place(system, index, &thread, &record, slot)?;
        }
    }
    Ok(())
}

/// Pages that a grant maps, if it maps anything.
pub fn mapped(record: &GrantRecord, memories: Table<'_, MemoryRecord>) -> Option<u64> {
    let maps = record.kind == grant::MEMORY && record.b != 0;
    maps.then(|| memories.get(record.a as usize)).flatten().map(|memory| memory.pages)
}

fn place(
    system: &mut System,
    index: usize,
    thread: &ThreadRecord,
    record: &GrantRecord,
    slot: u32,
) -> Result<(), Failure> {
    let space = system.space(thread.space as usize).space;
    let rights = Rights(record.rights as u16);
    let target = record.a as usize;
    let result = match record.kind {
        grant::GATE => make_gate(system.thread(target).thread, space, slot, rights, record.b),
        grant::THREAD => copy(system.thread(target).thread, space, slot, rights),
        grant::SPACE => copy(system.space(target).space, space, slot, rights),
        grant::CORE => copy(Core::at(slot::CORE_0 + record.a as u32), space, slot, rights),
        grant::PORTS => divide(Ports::at(slot::PORTS), space, slot, rights, record.a, record.b),
        grant::LINES => divide(Lines::at(slot::LINES), space, slot, rights, record.a, record.b),
        grant::IRQ => return place_irq(system, index, space, record, slot),
        grant::MEMORY => return place_memory(system, thread, record, slot),
        _ => Err(Status::BadArgument),
    };
    result.or_fail(DOING, record.name)
}

/// Makes the Irq in this server's own table and moves it from there.
fn place_irq(
    system: &mut System,
    index: usize,
    space: Space,
    record: &GrantRecord,
    slot: u32,
) -> Result<(), Failure> {
    let frames = system.take(1, DOING, record.name)?;
    let scratch = system.scratch_slot();
    let new = NewIrq {
        lines: Lines::at(slot::LINES),
        line: record.a,
        handler: system.thread(index).thread,
        badge: record.c,
        level: record.b == 1,
    };
    create_irq(frames.region, frames.first, scratch, &new)
        .and_then(|irq| move_to(irq, space, slot, Rights(record.rights as u16)))
        .or_fail(DOING, record.name)
}

fn place_memory(
    system: &mut System,
    thread: &ThreadRecord,
    record: &GrantRecord,
    slot: u32,
) -> Result<(), Failure> {
    let index = record.a as usize;
    let memories = system.boot.description.memories();
    let cause = Cause::Missing("such memory");
    let missing = Failure { doing: DOING, name: record.name, cause };
    let memory = memories.get(index).ok_or(missing)?;
    let frames = frames_of(system, index, &memory)?;
    let rights = Rights(record.rights as u16);
    let space = system.space(thread.space as usize).space;
    divide(frames.region, space, slot, rights, frames.first, memory.pages)
        .or_fail(DOING, record.name)?;
    if record.b == 0 || mapped_before(system, thread, record) {
        return Ok(());
    }
    let access = rights.and(Rights::READ.or(Rights::WRITE).or(Rights::EXECUTE));
    space
        .map(frames.region, frames.first, record.b, memory.pages, access)
        .or_fail("map the memory", record.name)
}

/// True if an earlier thread of the same Space has the same memory at the same address.
fn mapped_before(system: &System, thread: &ThreadRecord, record: &GrantRecord) -> bool {
    let description = &system.boot.description;
    let earlier = description
        .threads()
        .into_iter()
        .filter(|other| other.space == thread.space && other.first_grant < thread.first_grant);
    let mut grants = earlier.flat_map(|other| description.grants_of(&other));
    grants.any(|other| other.kind == grant::MEMORY && other.a == record.a && other.b == record.b)
}

/// The frames behind memory `index`: the device's, or RAM taken and zeroed when first needed.
fn frames_of(system: &mut System, index: usize, memory: &MemoryRecord) -> Result<Frames, Failure> {
    let cause = Cause::Room("memories");
    let failure = Failure { doing: DOING, name: memory.name, cause };
    if let Some(frames) = *system.memories.get(index).ok_or(failure)? {
        return Ok(frames);
    }
    let frames = if memory.base != 0 {
        let cause = Cause::Missing("device memory at its `base`");
        let missing = Failure { doing: DOING, name: memory.name, cause };
        system.memory.device(memory.base, memory.pages).ok_or(missing)?
    } else {
        let frames = system.take(memory.pages, DOING, memory.name)?;
        window::fill(frames, memory.pages, 0, &[]).or_fail(DOING, memory.name)?;
        frames
    };
    system.memories[index] = Some(frames);
    Ok(frames)
}
