//! How fast the time-stamp counter and the local timer run.

use super::reference::Reference;
use super::scale::Scale;
use crate::device::local_apic::LocalApic;
use core::hint::spin_loop;

/// The measurement takes one such part of a second. Less than a round of any reference.
const PART: u64 = 50;
/// Attempts to read counters close together.
const READS: u32 = 16;

/// The time-stamp counter of this core. Not ordered with other instructions.
#[inline]
pub fn ticks() -> u64 {
    // SAFETY: the instruction exists on every x86-64 processor and reads a counter.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The time-stamp counter after everything before it has happened.
pub fn ordered_ticks() -> u64 {
    // SAFETY: the instruction exists on every x86-64 processor and touches no memory.
    unsafe { core::arch::x86_64::_mm_lfence() };
    ticks()
}

/// All counters at one moment.
struct Moment {
    reference: u64,
    ticks: u64,
    count: u32,
}

/// Measures both against the reference. The local timer is left stopped.
pub fn measure(reference: &Reference, local: LocalApic) -> Scale {
    local.start_timer(u32::MAX);
    let first = moment(reference, local);
    let wanted = reference.hertz / PART;
    while reference.between(first.reference, reference.read()) < wanted {
        spin_loop();
    }
    let last = moment(reference, local);
    local.start_timer(0);
    let counts = reference.between(first.reference, last.reference).max(1);
    let per_second =
        |value: u64| (u128::from(value) * u128::from(reference.hertz) / u128::from(counts)) as u64;
    let ticks = last.ticks.wrapping_sub(first.ticks);
    Scale::new(per_second(ticks), per_second(u64::from(first.count.saturating_sub(last.count))))
}

/// Reads all counters; of several attempts the one that took the shortest time counts.
fn moment(reference: &Reference, local: LocalApic) -> Moment {
    let attempt = || {
        let before = ordered_ticks();
        let count = local.timer_count();
        let value = reference.read();
        let after = ordered_ticks();
        let duration = after.wrapping_sub(before);
        (duration, Moment { reference: value, ticks: before.wrapping_add(duration / 2), count })
    };
    let mut best = attempt();
    for _ in 1..READS {
        let next = attempt();
        if next.0 < best.0 {
            best = next;
        }
    }
    best.1
}
