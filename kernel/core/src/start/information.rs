//! The kernel information page, and the page that tells the first server what it has.

use crate::kernel::Kernel;
use cedo_abi::info::{
    BOOT_MAGIC, BootInfo, KernelInfo, MAGIC, MAX_MEMORY_RANGES, MemoryRange, feature, slot,
};
use cedo_abi::{MAX_CORES, VERSION};
use cedo_machine::{Frame, Machine, Platform};
use core::mem::offset_of;
use core::sync::atomic::Ordering;

const UNREACHABLE: &str =
    "a page of the kernel's own is not in the memory map: report this machine";

const _: () = assert!(offset_of!(KernelInfo, version) == 8);
const _: () = assert!(offset_of!(KernelInfo, features) == 16);
const _: () = assert!(offset_of!(KernelInfo, clock_offset) == 40);
const _: () = assert!(size_of::<KernelInfo>() == 40 + 8 * MAX_CORES);
const _: () = assert!(offset_of!(BootInfo, memory_count) == 16);
const _: () = assert!(offset_of!(BootInfo, memory) == 24);
const _: () = assert!(size_of::<MemoryRange>() == 24 && offset_of!(MemoryRange, slot) == 16);
const _: () = assert!(size_of::<BootInfo>() == 24 + 24 * MAX_MEMORY_RANGES);

/// Two half words in one.
const fn pair(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

impl<M: Machine> Kernel<M> {
    /// Fills the page that every Space sees (layout: [`KernelInfo`]).
    pub(super) fn fill_information(&self, platform: &Platform) -> Result<(), &'static str> {
        let debug = if cfg!(debug_assertions) { feature::DEBUG } else { 0 };
        let head = [
            MAGIC,
            pair(VERSION, u32::from(platform.cores)),
            platform.features & !feature::DEBUG | debug,
            platform.clock_scale,
            platform.clock_hz,
        ];
        let offsets = platform.clock_offset.iter().map(|offset| *offset as u64);
        self.write_words(self.shared.info_frame, head.into_iter().chain(offsets))
    }

    /// Fills the page that only the first server sees (layout: [`BootInfo`]).
    pub(super) fn fill_boot_info(
        &self,
        frame: Frame,
        archive_bytes: u64,
        memory: &[MemoryRange],
    ) -> Result<(), &'static str> {
        let count = memory.len() as u32;
        let head = [BOOT_MAGIC, archive_bytes, pair(count, slot::MEMORY_0 + count)];
        let ranges =
            memory.iter().flat_map(|range| [range.base, range.pages, pair(range.slot, range.kind)]);
        self.write_words(frame, head.into_iter().chain(ranges))
    }

    /// Writes words to the start of a frame and zeroes behind them.
    pub(super) fn write_words(
        &self,
        frame: Frame,
        values: impl Iterator<Item = u64>,
    ) -> Result<(), &'static str> {
        let words = self.objects.words(frame).ok_or(UNREACHABLE)?;
        let values = values.chain(core::iter::repeat(0));
        words.iter().zip(values).for_each(|(word, value)| word.store(value, Ordering::Relaxed));
        Ok(())
    }

    /// Copies a frame.
    pub(super) fn copy_frame(&self, from: Frame, to: Frame) -> Result<(), &'static str> {
        let source = self.objects.words(from).ok_or(UNREACHABLE)?;
        self.write_words(to, source.iter().map(|word| word.load(Ordering::Relaxed)))
    }
}
