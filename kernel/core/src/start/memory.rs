//! The frames of the first server, and the memory that is left for it to hand out.

use super::archive::{Archive, Image};
use crate::page_table::stock::PAIR;
use cedo_abi::call::object::SPACE_FRAMES;
use cedo_abi::info::range_kind::{ARCHIVE, DEVICE, RAM};
use cedo_abi::info::{MAX_MEMORY_RANGES, MemoryRange, slot};
use cedo_abi::layout::INIT_STACK_PAGES;
use cedo_machine::{Frame, MemoryKind, Platform};

/// Frames of the first server's capability table: 512 slots.
pub(super) const TABLE_FRAMES: u32 = 8;
/// Page tables that the first server has in stock for mappings of its own.
const SPARE_TABLES: u32 = 24;
/// Pages that one lowest table maps.
const PAGES_PER_TABLE: u32 = 512;
/// Separate ranges that the kernel maps for the first server, each with tables of its own at most:
/// image segments, stack with UTCB and boot information, archive.
const RANGES: u32 = cedo_abi::archive::MAX_SEGMENTS as u32 + 2;

const TOO_LITTLE: &str = "there is too little memory for the first server: give the machine more";

/// Which of the first server's frames are for what, counted from the first.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    /// Its thread, followed by its UTCB.
    pub thread: u32,
    /// Its [`cedo_abi::info::BootInfo`].
    pub boot_info: u32,
    /// Its stack.
    pub stack: u32,
    /// Its image.
    pub image: u32,
    /// Its stock.
    pub stock: u32,
    /// Page tables of the stock.
    pub stock_tables: u32,
}

impl Plan {
    /// The Space comes first, see `put_space`.
    pub fn new(archive: &Archive, image: &Image) -> Plan {
        let thread = SPACE_FRAMES as u32 + TABLE_FRAMES;
        let boot_info = thread + 2;
        let stack = boot_info + 1;
        let first_page = stack + INIT_STACK_PAGES as u32;
        let used = image.segments().len() as u32 + 2;
        // Each range needs two lowest tables more than it fills, and two above; one that crosses a
        // larger boundary takes from the spare ones.
        let full = (archive.pages() + image.pages()) / PAGES_PER_TABLE;
        let tables = full + full / PAGES_PER_TABLE + 4 * used.min(RANGES);
        Plan {
            thread,
            boot_info,
            stack,
            image: first_page,
            stock: first_page + image.pages(),
            stock_tables: tables + SPARE_TABLES,
        }
    }

    /// All of them.
    pub const fn frames(&self) -> u32 {
        self.stock + self.stock_tables * PAIR
    }
}

/// What the first server gets to hand out.
#[derive(Clone, Copy)]
pub(super) struct Memory {
    ranges: [MemoryRange; MAX_MEMORY_RANGES],
    count: usize,
}

impl Memory {
    /// The ranges, with the slot of each Region.
    pub fn ranges(&self) -> &[MemoryRange] {
        self.ranges.get(..self.count).unwrap_or(&[])
    }

    fn add(&mut self, first: Frame, pages: u32, kind: u32) {
        let slot = slot::MEMORY_0 + self.count as u32;
        if let Some(range) = self.ranges.get_mut(self.count)
            && pages > 0
        {
            *range = MemoryRange { base: first.address(), pages: u64::from(pages), slot, kind };
            self.count += 1;
        }
    }
}

/// Takes `frames` frames from the start of the first range of RAM that is large enough. Returns the
/// first of them, and what is left.
pub(super) fn take(
    platform: &Platform,
    archive: &Archive,
    frames: u32,
) -> Result<(Frame, Memory), &'static str> {
    let empty = [MemoryRange::default(); MAX_MEMORY_RANGES];
    let mut memory = Memory { ranges: empty, count: 0 };
    memory.add(archive.first, archive.pages(), ARCHIVE);
    let mut taken = None;
    for range in platform.memory {
        // Frame 0 names nothing.
        let skip = u32::from(range.first.0 == 0).min(range.count);
        let (mut first, mut count) = (range.first.plus(skip), range.count - skip);
        let kind = match range.kind {
            MemoryKind::Ram => RAM,
            MemoryKind::Device => DEVICE,
        };
        if taken.is_none() && kind == RAM && count >= frames {
            taken = Some(first);
            (first, count) = (first.plus(frames), count - frames);
        }
        memory.add(first, count, kind);
    }
    Ok((taken.ok_or(TOO_LITTLE)?, memory))
}
