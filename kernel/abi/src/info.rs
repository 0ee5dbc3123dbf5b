//! The kernel information page, and what the first server is told.

use crate::MAX_CORES;

/// Mapped read-only at [`crate::layout::KERNEL_INFO`] in every Space.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KernelInfo {
    /// [`MAGIC`].
    pub magic: u64,
    /// [`crate::VERSION`].
    pub version: u32,
    /// Cores that run.
    pub cores: u32,
    /// Bits of [`feature`].
    pub features: u64,
    /// Nanoseconds per 2^32 ticks of the user-readable counter.
    pub clock_scale: u64,
    /// Ticks of the counter per second, for people.
    pub clock_hz: u64,
    /// Per core: add to that core's counter to get the machine-wide one.
    pub clock_offset: [i64; MAX_CORES],
}

/// "CEDOINFO".
pub const MAGIC: u64 = u64::from_le_bytes(*b"CEDOINFO");

/// Bits of [`KernelInfo::features`].
pub mod feature {
    /// Pages can be made non-executable.
    pub const NO_EXECUTE: u64 = 1;
    /// The deadline is compared with the counter itself (TSC-deadline).
    pub const COUNTER_DEADLINE: u64 = 2;
    /// The counter counts the instructions that an emulator executes.
    pub const COUNTS_INSTRUCTIONS: u64 = 4;
    /// The kernel asserts its invariants.
    pub const DEBUG: u64 = 8;
    /// The counter is an emulator's clock.
    pub const EMULATED_CLOCK: u64 = 16;
    /// The counter counts cycles of the processor's own.
    pub const COUNTS_CYCLES: u64 = 32;
    /// Each core has a cycle counter besides the clock's counter. User code may read it where that is
    /// allowed ([`crate::call::core::CYCLE_COUNTER`]).
    pub const CYCLE_COUNTER: u64 = 64;
}

/// What one count of a counter is. Only [`CounterUnit::Cycles`] and [`CounterUnit::ClockTicks`] say
/// anything about time on a machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CounterUnit {
    /// An instruction that an emulator executed: repeats on every host, but knows nothing of caches,
    /// pipelines and time.
    Instructions,
    /// A tick of an emulator's clock: depends on the host and its load, and compares with nothing.
    Ticks,
    /// A cycle of the machine's own counter. On a PC this is the time-stamp counter, which has a
    /// rate of its own: where the frequency of the core changes, its cycles are not the core's.
    Cycles,
    /// A tick of a machine's clock, which is slower than its cores: time, in steps of
    /// [`KernelInfo::clock_hz`].
    ClockTicks,
}

impl CounterUnit {
    /// As it is printed, and written to files.
    pub const fn name(self) -> &'static str {
        match self {
            CounterUnit::Instructions => "instructions",
            CounterUnit::Ticks => "ticks",
            CounterUnit::Cycles => "cycles",
            CounterUnit::ClockTicks => "clock-ticks",
        }
    }
}

impl KernelInfo {
    /// What one tick of the clock's counter is.
    pub const fn counter_unit(&self) -> CounterUnit {
        match self.cycle_unit() {
            CounterUnit::Cycles if self.features & feature::COUNTS_CYCLES == 0 => {
                CounterUnit::ClockTicks
            }
            unit => unit,
        }
    }

    /// What one count of a core's cycle counter is.
    pub const fn cycle_unit(&self) -> CounterUnit {
        if self.features & feature::COUNTS_INSTRUCTIONS != 0 {
            CounterUnit::Instructions
        } else if self.features & feature::EMULATED_CLOCK != 0 {
            CounterUnit::Ticks
        } else {
            CounterUnit::Cycles
        }
    }

    /// Nanoseconds of the machine-wide clock at counter value `ticks` of `core`.
    #[inline]
    pub const fn nanoseconds(&self, core: usize, ticks: u64) -> u64 {
        let offset = if core < MAX_CORES { self.clock_offset[core] } else { 0 };
        let ticks = ticks.wrapping_add(offset as u64);
        ((ticks as u128 * self.clock_scale as u128) >> 32) as u64
    }
}

/// What the kernel tells the first server, mapped read-only at
/// [`crate::layout::INIT_BOOT_INFO`].
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BootInfo {
    /// [`BOOT_MAGIC`].
    pub magic: u64,
    /// Bytes of the boot archive at [`crate::layout::INIT_ARCHIVE`].
    pub archive_bytes: u64,
    /// Valid entries of `memory`.
    pub memory_count: u32,
    /// First free slot of the first server's capability table.
    pub first_free_slot: u32,
    /// Regions handed over, one capability each.
    pub memory: [MemoryRange; MAX_MEMORY_RANGES],
}

/// "CEDOBOOT".
pub const BOOT_MAGIC: u64 = u64::from_le_bytes(*b"CEDOBOOT");

/// Regions that the first server can get.
pub const MAX_MEMORY_RANGES: usize = 32;

/// A Region capability of the first server.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct MemoryRange {
    /// Physical address of the first byte.
    pub base: u64,
    /// Pages.
    pub pages: u64,
    /// Slot of the Region capability.
    pub slot: u32,
    /// A number of [`range_kind`].
    pub kind: u32,
}

/// Kinds of [`MemoryRange`].
pub mod range_kind {
    /// RAM that is free.
    pub const RAM: u32 = 0;
    /// Memory of devices.
    pub const DEVICE: u32 = 1;
    /// The boot archive, read-only.
    pub const ARCHIVE: u32 = 2;
}

/// Slots of the first server's table.
pub mod slot {
    /// Its own Space (CONTROL).
    pub const SPACE: u32 = 1;
    /// Its own thread (all rights).
    pub const THREAD: u32 = 2;
    /// All I/O ports.
    pub const PORTS: u32 = 3;
    /// All interrupt lines.
    pub const LINES: u32 = 4;
    /// Core `n` is at `CORE_0 + n`.
    pub const CORE_0: u32 = 8;
    /// Memory Regions follow from here.
    pub const MEMORY_0: u32 = 16;
}
