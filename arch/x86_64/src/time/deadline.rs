//! A core's one-shot timer.
//!
//! The state is in the core's record, because both the kernel (through `Machine`) and the interrupt
//! entry need it. It never fires early: the handler compares the clock with the deadline and starts
//! the timer again for what is missing, which also serves deadlines beyond what the timer can hold.
//! The arithmetic is in [`super::timer`] and [`super::offset`].

use super::calibrate::ticks;
use super::offset::own_ticks;
use crate::core_area::{CoreRecord, NO_DEADLINE};
use crate::system::System;
use core::sync::atomic::Ordering::Relaxed;

/// Arms this core's timer for a time of the machine-wide clock, or disarms it.
#[inline]
pub fn set(record: &CoreRecord, system: &System, deadline_ns: u64) {
    if record.deadline_ns.load(Relaxed) == deadline_ns {
        return;
    }
    record.deadline_ns.store(deadline_ns, Relaxed);
    let mode = system.features.timer;
    if deadline_ns == NO_DEADLINE {
        system.local_apic.set_timer(mode.stop());
        return;
    }
    // A deadline before this core's counter started is past like any other.
    let offset = record.clock_offset.load(Relaxed);
    let own = own_ticks(system.scale.ticks_at(deadline_ns), offset);
    record.deadline_ticks.store(own, Relaxed);
    system.local_apic.set_timer(mode.arm(&system.scale, own, ticks));
}

/// After a timer interrupt: true, once, if the deadline is reached.
pub fn expired(record: &CoreRecord, system: &System) -> bool {
    if record.deadline_ns.load(Relaxed) == NO_DEADLINE {
        return false;
    }
    let deadline = record.deadline_ticks.load(Relaxed);
    if let Some(rest) = system.features.timer.rest(&system.scale, deadline, ticks()) {
        system.local_apic.set_timer(rest);
        return false;
    }
    record.deadline_ns.store(NO_DEADLINE, Relaxed);
    true
}
