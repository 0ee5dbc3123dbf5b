//! What to build: a description of a machine, and the platform made of it.
//!
//! ```text
//! frame  0   left out           2   top-level page table     4..   boot archive, if any
//!        1   information page   3   where its kernel entries lead
//! then the ranges of RAM, a frame that is nobody's before each of them
//! ```

use cedo_abi::MAX_CORES;
use cedo_abi::info::{MAX_MEMORY_RANGES, feature};
use cedo_machine::atomic::AtomicU64;
use cedo_machine::{Frame, MemoryKind, MemoryRange, PageFormat, Platform, object_map_words};

use crate::HostPages;
use crate::memory::{FRAME_WORDS, Memory};

const INFO: Frame = Frame(1);
const KERNEL_ROOT: Frame = Frame(2);
const KERNEL_TABLE: Frame = Frame(3);
const ARCHIVE: Frame = Frame(4);

/// A machine to build. Small memory makes snapshots fast.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Cores, 1 to `cedo_abi::MAX_CORES`.
    pub cores: u8,
    /// Frames of each range of RAM.
    pub ram: Vec<u32>,
    /// Device registers, sorted and above all RAM. Nothing is behind them.
    pub devices: Vec<MemoryRange>,
    /// The boot archive; empty for none.
    pub archive: Vec<u8>,
    /// Bits of `cedo_abi::info::feature`.
    pub features: u64,
    /// Nanoseconds of one tick of the clock.
    pub ns_per_tick: u64,
    /// Ticks that pass with each entry into the kernel.
    pub ticks_per_entry: u64,
    /// Per core, what to add to its counter to get the machine-wide one.
    pub clock_offset: [i64; MAX_CORES],
    /// Interrupt lines.
    pub lines: u32,
    /// Whether there are I/O ports.
    pub ports: bool,
    /// Whether cached translations of a page table outlast that another one is active.
    pub keeps_translations: bool,
}

impl Default for Setup {
    /// Two cores, 160 frames, a clock whose tick is no nanosecond.
    fn default() -> Setup {
        Setup {
            cores: 2,
            ram: vec![160],
            devices: Vec::new(),
            archive: Vec::new(),
            features: feature::NO_EXECUTE | feature::DEBUG,
            ns_per_tick: 10,
            ticks_per_entry: 1,
            clock_offset: [0; MAX_CORES],
            lines: 8,
            ports: true,
            keeps_translations: false,
        }
    }
}

impl Setup {
    /// Lays memory out and fills in what boot code does.
    pub(crate) fn build(&self) -> (Memory, Platform) {
        assert!((1..=MAX_CORES).contains(&usize::from(self.cores)), "{} cores", self.cores);
        let archive_frames = self.archive.len().div_ceil(8 * FRAME_WORDS) as u32;
        let (ranges, frames) = self.ranges(ARCHIVE.plus(archive_frames));
        let memory = Memory::new(frames);
        for index in (0..FRAME_WORDS).filter(|index| HostPages::is_kernel_entry(*index)) {
            memory.write(KERNEL_ROOT, index, HostPages::table(KERNEL_TABLE));
        }
        memory.write_bytes(ARCHIVE, &self.archive);
        let platform = Platform {
            window: memory.window(),
            frame_table: zeroed(frames as usize),
            object_map: zeroed(object_map_words(frames as usize)),
            memory: Box::leak(ranges.into_boxed_slice()),
            archive: (archive_frames > 0).then_some((ARCHIVE, self.archive.len() as u64)),
            info_frame: INFO,
            kernel_root: KERNEL_ROOT,
            cores: self.cores,
            features: self.features,
            clock_scale: self.ns_per_tick << 32,
            clock_hz: 1_000_000_000 / self.ns_per_tick,
            clock_offset: self.clock_offset,
        };
        (memory, platform)
    }

    /// The memory ranges, and the number of frames in all.
    fn ranges(&self, mut next: Frame) -> (Vec<MemoryRange>, u32) {
        let mut ranges = Vec::new();
        for count in &self.ram {
            let first = next.plus(1);
            ranges.push(MemoryRange { first, count: *count, kind: MemoryKind::Ram });
            next = first.plus(*count);
        }
        ranges.extend_from_slice(&self.devices);
        assert!(ranges.len() <= MAX_MEMORY_RANGES, "{} memory ranges", ranges.len());
        (ranges, next.0)
    }
}

/// Words that live as long as the process.
fn zeroed(count: usize) -> &'static [AtomicU64] {
    let words: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
    Box::leak(words.into_boxed_slice())
}
