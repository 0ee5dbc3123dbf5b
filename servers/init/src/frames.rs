//! Hands out memory: the free RAM Regions in order of size, each from its start. Nothing comes back.

use cedo_lib::Region;
use cedo_lib::abi::info::range_kind::{DEVICE, RAM};
use cedo_lib::abi::info::{BootInfo, MAX_MEMORY_RANGES, MemoryRange};
use cedo_lib::abi::layout::PAGE_SIZE;

/// Pages of a Region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frames {
    /// The Region.
    pub region: Region,
    /// The first page, counted from the start of the Region.
    pub first: u64,
}

/// Memory that is left.
pub struct Memory {
    ranges: [MemoryRange; MAX_MEMORY_RANGES],
    count: usize,
    used: [u64; MAX_MEMORY_RANGES],
}

impl Memory {
    /// All that the kernel handed over.
    pub fn new(information: &BootInfo) -> Memory {
        let count = (information.memory_count as usize).min(MAX_MEMORY_RANGES);
        let mut ranges = information.memory;
        ranges[..count].sort_unstable_by_key(|range| core::cmp::Reverse(range.pages));
        Memory { ranges, count, used: [0; MAX_MEMORY_RANGES] }
    }

    /// Takes `pages` pages in a row of free RAM.
    pub fn take(&mut self, pages: u64) -> Option<Frames> {
        for (range, used) in self.ranges[..self.count].iter().zip(&mut self.used) {
            if range.kind == RAM && range.pages - *used >= pages {
                let frames = Frames { region: Region::at(range.slot), first: *used };
                *used += pages;
                return Some(frames);
            }
        }
        None
    }

    /// The pages of the device at physical address `base`.
    pub fn device(&self, base: u64, pages: u64) -> Option<Frames> {
        let end = pages.checked_mul(PAGE_SIZE)?.checked_add(base)?;
        let ranges = self.ranges[..self.count].iter();
        let mut fitting = ranges.filter(|range| {
            range.kind == DEVICE
                && range.base <= base
                && end <= range.base + range.pages * PAGE_SIZE
        });
        let range = fitting.next()?;
        let first = (base - range.base) / PAGE_SIZE;
        Some(Frames { region: Region::at(range.slot), first })
    }
}

#[cfg(test)]
mod tests {
    use super::{Frames, Memory};
    use cedo_lib::Region;
    use cedo_lib::abi::info::range_kind::{ARCHIVE, DEVICE, RAM};
    use cedo_lib::abi::info::{BOOT_MAGIC, BootInfo, MAX_MEMORY_RANGES, MemoryRange};

    fn information(ranges: &[MemoryRange]) -> BootInfo {
        let mut memory = [MemoryRange::default(); MAX_MEMORY_RANGES];
        memory[..ranges.len()].copy_from_slice(ranges);
        BootInfo {
            magic: BOOT_MAGIC,
            archive_bytes: 0,
            memory_count: ranges.len() as u32,
            first_free_slot: 0,
            memory,
        }
    }

    #[test]
    fn the_biggest_ram_is_used_first_and_no_page_twice() {
        let small = MemoryRange { base: 0x1000, pages: 2, slot: 20, kind: RAM };
        let device = MemoryRange { base: 0xfec0_0000, pages: 16, slot: 21, kind: DEVICE };
        let big = MemoryRange { base: 0x10_0000, pages: 5, slot: 22, kind: RAM };
        let archive = MemoryRange { base: 0x80_0000, pages: 100, slot: 23, kind: ARCHIVE };
        let mut memory = Memory::new(&information(&[small, device, big, archive]));
        let frames = |slot, first| Some(Frames { region: Region::at(slot), first });
        assert_eq!(memory.take(3), frames(22, 0));
        assert_eq!(memory.take(2), frames(22, 3));
        assert_eq!(memory.take(2), frames(20, 0));
        assert_eq!(memory.take(1), None);
        assert_eq!(memory.device(0xfec0_2000, 1), frames(21, 2));
        assert_eq!(memory.device(0xfec0_2000, 15), None);
        assert_eq!(memory.device(u64::MAX - 4095, 2), None);
    }
}
