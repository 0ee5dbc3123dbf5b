//! A core's one-shot timer.
//!
//! The state is in the core's record, because both the kernel (through `Machine`) and the interrupt
//! entry need it. It never fires early: the handler compares the clock with the deadline and starts
//! the timer again for what is missing, which also serves deadlines beyond what the timer can hold.

use super::calibrate::ticks;
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
    if deadline_ns == NO_DEADLINE {
        stop(system);
        return;
    }
    let offset = record.clock_offset.load(Relaxed);
    // A deadline before this core's counter started is past like any other.
    let machine = system.scale.ticks_at(deadline_ns);
    let own = match offset {
        0.. => machine.saturating_sub(offset.unsigned_abs()),
        _ => machine.saturating_add(offset.unsigned_abs()),
    };
    record.deadline_ticks.store(own, Relaxed);
    start(system, own);
}

/// After a timer interrupt: true, once, if the deadline is reached.
pub fn expired(record: &CoreRecord, system: &System) -> bool {
    if record.deadline_ns.load(Relaxed) == NO_DEADLINE {
        return false;
    }
    let deadline = record.deadline_ticks.load(Relaxed);
    if ticks() < deadline {
        start(system, deadline);
        return false;
    }
    record.deadline_ns.store(NO_DEADLINE, Relaxed);
    true
}

fn start(system: &System, deadline: u64) {
    if system.features.counter_deadline {
        // Zero would disarm.
        system.local_apic.set_counter_deadline(deadline.max(1));
    } else {
        let missing = deadline.saturating_sub(ticks());
        system.local_apic.start_timer(system.scale.counts(missing));
    }
}

fn stop(system: &System) {
    if system.features.counter_deadline {
        system.local_apic.set_counter_deadline(0);
    } else {
        system.local_apic.start_timer(0);
    }
}
