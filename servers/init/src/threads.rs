//! Threads with their stacks and UTCBs.

use crate::failure::{Failure, Refused};
use crate::system::System;
use crate::window;
use cedo_lib::Rights;
use cedo_lib::abi::layout::PAGE_SIZE;
use cedo_lib::abi::system::{ThreadRecord, place};
use cedo_lib::thread::{FRAMES, NewThread, create};

/// Makes every thread, suspended.
pub fn make(system: &mut System) -> Result<(), Failure> {
    for (index, record) in system.thread_records() {
        make_one(system, index, &record)?;
    }
    Ok(())
}

fn make_one(system: &mut System, index: usize, record: &ThreadRecord) -> Result<(), Failure> {
    let doing = "make the thread";
    let space = system.space_mut(record.space as usize);
    let position = space.threads;
    space.threads += 1;
    let area = u64::from(position) * place::STRIDE;
    make_stack(system, record, place::STACK_TOP + area)?;

    let frames = system.take(FRAMES, doing, record.name)?;
    let space = system.space(record.space as usize);
    let new = NewThread {
        space: space.space,
        core: record.core,
        utcb: place::UTCB + area,
        instruction: space.entry,
        stack: place::STACK_TOP + area,
        argument: place::UTCB + area,
    };
    let slot = system.keep_slot();
    let thread = create(frames.region, frames.first, slot, &new).or_fail(doing, record.name)?;
    let made = system.thread_mut(index);
    (made.thread, made.position) = (thread, position);
    Ok(())
}

fn make_stack(system: &mut System, record: &ThreadRecord, top: u64) -> Result<(), Failure> {
    let doing = "map the stack";
    let pages = u64::from(record.stack_pages);
    let frames = system.take(pages, doing, record.name)?;
    window::fill(frames, pages, 0, &[]).or_fail(doing, record.name)?;
    let access = Rights::READ.or(Rights::WRITE);
    let space = system.space(record.space as usize).space;
    space
        .map(frames.region, frames.first, top - pages * PAGE_SIZE, pages, access)
        .or_fail(doing, record.name)
}
