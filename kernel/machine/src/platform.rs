//! What the boot code hands to the kernel.

use crate::Frame;
use crate::atomic::AtomicU64;
use cedo_mmio::Window;

/// The machine as the boot code found it. Everything in it is already mapped.
pub struct Platform {
    /// All of physical memory, as the kernel addresses it.
    pub window: Window,
    /// One zeroed entry per frame, up to the highest RAM frame.
    pub frame_table: &'static [AtomicU64],
    /// [`object_map_words`] zeroed words for that many frames.
    pub object_map: &'static [AtomicU64],
    /// Usable memory and devices, sorted, without what boot code, kernel image and the tables above
    /// use. At most `cedo_abi::info::MAX_MEMORY_RANGES`.
    pub memory: &'static [MemoryRange],
    /// First frame and bytes of the boot archive, if there is one.
    pub archive: Option<(Frame, u64)>,
    /// A zeroed frame for the kernel information page.
    pub info_frame: Frame,
    /// A top-level page table whose kernel entries every Space copies.
    pub kernel_root: Frame,
    /// Cores that run.
    pub cores: u8,
    /// Bits of `cedo_abi::info::feature`.
    pub features: u64,
    /// Nanoseconds per 2^32 ticks.
    pub clock_scale: u64,
    /// Ticks per second.
    pub clock_hz: u64,
    /// Per core: what to add to its counter to get the machine-wide one.
    pub clock_offset: [i64; cedo_abi::MAX_CORES],
}

/// Words of [`Platform::object_map`]: one bit per frame, then one per word of those.
pub const fn object_map_words(frames: usize) -> usize {
    let words = frames.div_ceil(64);
    words + words.div_ceil(64)
}

/// A range of physical memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryRange {
    /// First frame.
    pub first: Frame,
    /// Frames.
    pub count: u32,
    /// What it is.
    pub kind: MemoryKind,
}

/// What a range of memory is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryKind {
    /// Free memory.
    Ram,
    /// Device registers; not in the frame table.
    Device,
}
