//! Spaces and their programs.

use crate::failure::{Cause, Failure, Refused};
use crate::system::System;
use crate::window;
use cedo_lib::abi::call::object::SPACE_FRAMES;
use cedo_lib::abi::system::{SpaceRecord, text};
use cedo_lib::elf::{Program, Segment};
use cedo_lib::{Space, memory};

/// Frames for page tables that every Space needs: three levels each for its program, stacks, UTCBs,
/// environments and memories.
const STOCK: u64 = 15 * TABLE;
/// Further page tables per thread: its stack, UTCB and environment lie in areas of their own.
const STOCK_PER_THREAD: u64 = 3 * TABLE;
/// Frames of a page table: itself and its twin.
const TABLE: u64 = 2;
/// Pages that one page table maps.
const PAGES_PER_TABLE: u64 = 512;

/// Makes every Space and loads its program. This server's own stock comes first: it needs page
/// tables for its window.
pub fn make(system: &mut System) -> Result<(), Failure> {
    let doing = "see the memory it fills";
    let own = system.take(4 * TABLE, doing, [0; _])?;
    Space::MINE.stock(own.region, own.first, 4 * TABLE).or_fail(doing, [0; _])?;
    for (index, record) in system.space_records() {
        make_one(system, index, &record)?;
    }
    Ok(())
}

fn make_one(system: &mut System, index: usize, record: &SpaceRecord) -> Result<(), Failure> {
    let doing = "make the space";
    let frames = SPACE_FRAMES + u64::from(record.table_frames);
    let place = system.take(frames, doing, record.name)?;
    let slot = system.keep_slot();
    let space = memory::create_space(place.region, place.first, frames, slot)
        .or_fail(doing, record.name)?;
    let stock = stock_pages(system, index, record);
    let place = system.take(stock, doing, record.name)?;
    space.stock(place.region, place.first, stock).or_fail(doing, record.name)?;
    system.space_mut(index).space = space;
    load(system, index, record)
}

/// Frames for the page tables of everything that the description puts into the Space.
fn stock_pages(system: &System, index: usize, record: &SpaceRecord) -> u64 {
    let threads = || system.thread_records().filter(|(_, thread)| thread.space as usize == index);
    let memories = system.boot.description.memories();
    let grants = threads().flat_map(|(_, thread)| system.boot.description.grants_of(&thread));
    let mapped = grants.filter_map(|grant| crate::grants::mapped(&grant, memories));
    // A mapping may need two more tables at its ends, and levels of its own above them.
    let tables: u64 = mapped.map(|pages| pages / PAGES_PER_TABLE + 4).sum();
    let extra = u64::from(record.stock_pages).next_multiple_of(TABLE);
    STOCK + STOCK_PER_THREAD * threads().count() as u64 + tables * TABLE + extra
}

fn load(system: &mut System, index: usize, record: &SpaceRecord) -> Result<(), Failure> {
    let doing = "load the program";
    let missing =
        Failure { doing, name: record.name, cause: Cause::Unpacked("such program in the archive") };
    let file = system.boot.archive.find(text(&record.program)).ok_or(missing)?;
    let bad = |error| Failure { doing, name: record.name, cause: Cause::Program(error) };
    let program = Program::new(file.bytes, cedo_lib::ELF_MACHINE).map_err(bad)?;
    for segment in program.segments() {
        load_segment(system, index, record, &segment.map_err(bad)?)?;
    }
    system.space_mut(index).entry = program.entry;
    Ok(())
}

fn load_segment(
    system: &mut System,
    index: usize,
    record: &SpaceRecord,
    segment: &Segment<'_>,
) -> Result<(), Failure> {
    let doing = "load the program";
    let place = system.take(segment.pages, doing, record.name)?;
    window::fill(place, segment.pages, segment.offset, segment.contents)
        .or_fail(doing, record.name)?;
    let space = system.space(index).space;
    space
        .map(place.region, place.first, segment.address, segment.pages, segment.access)
        .or_fail(doing, record.name)
}
