//! A core's one-shot timer: the virtual timer, which compares with the counter itself and so never
//! fires early (Arm ARM, D11.2.4).

use super::counter::ticks;
use crate::core_area::{CoreRecord, NO_DEADLINE};
use crate::registers::write_register;
use crate::system::System;
use core::sync::atomic::Ordering::Relaxed;

/// CNTV_CTL_EL0: counts, and interrupts.
const ENABLE: u64 = 1;

/// Arms this core's timer for a time of the machine-wide clock, or disarms it.
#[inline]
pub fn set(record: &CoreRecord, system: &System, deadline_ns: u64) {
    if record.deadline_ns.load(Relaxed) == deadline_ns {
        return;
    }
    record.deadline_ns.store(deadline_ns, Relaxed);
    if deadline_ns == NO_DEADLINE {
        stop();
        return;
    }
    let ticks = system.scale.ticks_at(deadline_ns);
    record.deadline_ticks.store(ticks, Relaxed);
    write_register!("cntv_cval_el0", ticks);
    write_register!("cntv_ctl_el0", ENABLE);
}

/// After a timer interrupt: true, once, if the deadline is reached. The timer's line stays up until
/// it is stopped or armed for later.
pub fn expired(record: &CoreRecord) -> bool {
    if record.deadline_ns.load(Relaxed) == NO_DEADLINE {
        stop();
        return false;
    }
    if ticks() < record.deadline_ticks.load(Relaxed) {
        return false;
    }
    record.deadline_ns.store(NO_DEADLINE, Relaxed);
    stop();
    true
}

/// Disarms this core's timer.
pub fn stop() {
    write_register!("cntv_ctl_el0", 0);
    crate::registers::synchronise();
}
