//! Schedulers, fault handlers, roots; starts everything.

use crate::failure::{Cause, Failure, Refused};
use crate::system::System;
use cedo_lib::abi::MAX_DEPTH;
use cedo_lib::abi::call::core::{CHAIN, CYCLE_COUNTER};
use cedo_lib::abi::info::slot;
use cedo_lib::abi::system::{NONE, ThreadRecord, thread_flag};
use cedo_lib::capability::{drop_slot, make_gate};
use cedo_lib::processor::Protocol;
use cedo_lib::{Core, Gate, Rights, Space, Status, Thread, Winner};

/// What a fault handler's gate allows: the handler runs on the faulter's time.
const HANDLER: Rights = Rights::SEND.or(Rights::CALL).or(Rights::DONATE);

/// Puts every thread under its scheduler, names its fault handler, and starts it.
///
/// This server is the root of core 0 until that core's real root takes over; from then on it is a
/// child of that root, and runs when it is dispatched.
pub fn make(system: &mut System) -> Result<(), Failure> {
    for (index, record) in system.thread_records() {
        set_handler(system, index, &record)?;
    }
    for depth in 1..=MAX_DEPTH {
        for (index, record) in system.thread_records() {
            if depth_of(system, index)? == depth {
                set_scheduler(system, index, &record)?;
            }
        }
    }
    for core in (0..system.boot.description.cores().len()).rev() {
        set_root(system, core)?;
    }
    for (index, record) in system.thread_records() {
        let root = record.scheduler as usize == index;
        if !root && record.flags & thread_flag::STOPPED == 0 {
            let thread = system.thread(index).thread;
            thread.resume(Winner::Caller).or_fail("start the thread", record.name)?;
        }
    }
    Ok(())
}

/// Levels between a thread and its root.
fn depth_of(system: &System, index: usize) -> Result<usize, Failure> {
    let threads = system.boot.description.threads();
    let mut at = index;
    for depth in 0..=MAX_DEPTH {
        match threads.get(at) {
            Some(record) if record.scheduler as usize != at => at = record.scheduler as usize,
            _ => return Ok(depth),
        }
    }
    let name = threads.get(index).map_or([0; _], |record| record.name);
    Err(Failure { doing: "find the root", name, cause: Cause::Kernel(Status::TooDeep) })
}

fn set_handler(system: &System, index: usize, record: &ThreadRecord) -> Result<(), Failure> {
    let handler = match record.handler {
        NONE => Thread::at(slot::THREAD),
        handler => system.thread(handler as usize).thread,
    };
    let scratch = system.scratch_slot();
    let badge = index as u64 + 1;
    let thread = system.thread(index).thread;
    make_gate(handler, Space::MINE, scratch, HANDLER, badge)
        .and_then(|()| thread.set_handler(Some(Gate::at(scratch))))
        .and_then(|()| drop_slot(Space::MINE, scratch))
        .or_fail("set the fault handler", record.name)
}

fn set_scheduler(system: &System, index: usize, record: &ThreadRecord) -> Result<(), Failure> {
    let siblings = system.boot.description.children_of(record.scheduler);
    let before = siblings.take_while(|sibling| *sibling as usize != index).count();
    let scheduler = system.thread(record.scheduler as usize).thread;
    let edge = record.flags & (thread_flag::EDGE_STATE | thread_flag::EDGE_BLOCKED);
    let thread = system.thread(index).thread;
    thread
        .set_scheduler(scheduler, before as u64 + 1, u64::from(edge))
        .or_fail("set the scheduler", record.name)
}

fn set_root(system: &System, number: usize) -> Result<(), Failure> {
    let description = &system.boot.description;
    let Some(core) = description.cores().get(number) else { return Ok(()) };
    let options = if description.shows_cycles(number as u32) { CYCLE_COUNTER } else { 0 };
    let protocol =
        if u64::from(core.protocol) == CHAIN { Protocol::Chain } else { Protocol::Direct };
    let name = description.threads().get(core.root as usize).map_or([0; _], |root| root.name);
    let root = system.thread(core.root as usize).thread;
    Core::at(slot::CORE_0 + number as u32)
        .set_root(root, protocol, options)
        .or_fail("make the root scheduler", name)
}

const _: () = assert!(thread_flag::EDGE_STATE as u64 == cedo_lib::abi::call::thread::EDGE_STATE);
const _: () =
    assert!(thread_flag::EDGE_BLOCKED as u64 == cedo_lib::abi::call::thread::EDGE_BLOCKED);
