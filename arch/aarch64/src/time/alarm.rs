//! A core's second one-shot timer, for programs (`cedo_abi::call::ports::CORE_TIMER`): the physical
//! timer (Arm ARM, D11.2.4). Its line is a level; each interrupt stops it, which makes an edge of it.

use crate::registers::{read_register, synchronise, write_register};

/// CNTP_CTL_EL0: counts, and interrupts.
const ENABLE: u64 = 1;

/// Interrupts this core once, in so many ticks; 0 stops.
pub fn set(ticks: u32) {
    write_register!("cntp_ctl_el0", 0);
    if ticks > 0 {
        write_register!("cntp_tval_el0", u64::from(ticks));
        write_register!("cntp_ctl_el0", ENABLE);
    }
    synchronise();
}

/// Ticks that are left; 0 if it is stopped.
pub fn left() -> u32 {
    if read_register!("cntp_ctl_el0") & ENABLE == 0 {
        return 0;
    }
    read_register!("cntp_tval_el0") as u32
}
