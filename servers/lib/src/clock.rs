//! Time, read without the kernel.

use cedo_abi::MAX_CORES;
use cedo_abi::info::{CounterUnit, KernelInfo};
use cedo_rt::page::kernel_info;
use cedo_rt::raw::counter;

/// The machine-wide clock as one core reads it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    scale: u64,
    offset: u64,
}

impl Clock {
    /// The clock for threads of `core`.
    pub fn of_core(core: u32) -> Clock {
        let page = kernel_info();
        let core = core as usize;
        let offset = if core < MAX_CORES { page.clock_offset[core] } else { 0 };
        Clock { scale: page.clock_scale, offset: offset as u64 }
    }

    /// Nanoseconds now.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        let ticks = u128::from(counter().wrapping_add(self.offset));
        ((ticks * u128::from(self.scale)) >> 32) as u64
    }
}

/// The raw counter, in [`unit`]s.
#[inline]
pub fn ticks() -> u64 {
    counter()
}

/// What one of [`ticks`] is. Print no times unless it is of a machine.
pub fn unit() -> CounterUnit {
    kernel_info().counter_unit()
}

/// What one of [`cycles`](cedo_rt::raw::cycles) is.
pub fn cycle_unit() -> CounterUnit {
    kernel_info().cycle_unit()
}

/// The kernel information page.
pub fn information() -> &'static KernelInfo {
    kernel_info()
}
