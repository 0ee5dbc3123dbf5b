//! What everything is measured with: the core's cycle counter where the system description lets user code
//! read it, else the counter of the clock.
//!
//! One core's cycles say nothing about another's: all threads that measure live on one core.

use cedo_lib::abi::info::CounterUnit;
use cedo_lib::{Environment, clock, raw};
use core::sync::atomic::{AtomicBool, Ordering};

/// The threads of this Space measure with the cycle counter.
static CYCLES: AtomicBool = AtomicBool::new(false);

/// Chooses the counter. Every thread that measures does that first.
pub fn choose(environment: &Environment) {
    if environment.reads_cycles() {
        CYCLES.store(true, Ordering::Relaxed);
    }
}

/// The counter, now.
#[inline(always)]
pub fn now() -> u64 {
    // A processor whose clock counts cycles has no other counter, and no question to answer here.
    if raw::CYCLES_APART && CYCLES.load(Ordering::Relaxed) { raw::cycles() } else { clock::ticks() }
}

/// True if it is not the clock's.
pub fn is_cores_own() -> bool {
    CYCLES.load(Ordering::Relaxed)
}

/// What it counts.
pub fn unit() -> CounterUnit {
    if is_cores_own() { clock::cycle_unit() } else { clock::unit() }
}
