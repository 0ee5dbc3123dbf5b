//! The virtual counter (Arm ARM, D11.2).

use crate::registers::{read_register, synchronise};

/// Ticks since the machine started. Earlier instructions are done before it is read.
#[inline]
pub fn ticks() -> u64 {
    synchronise();
    read_register!("cntvct_el0")
}

/// Ticks per second, as the firmware set it; 0 where it did not.
pub fn hertz() -> u64 {
    read_register!("cntfrq_el0")
}
