//! How long a test waits for another core or for a device. Time counts, and not how often it looks: a
//! busy host may let one processor of an emulator wait much longer than the others.

use crate::op::Op;
use cedo_lib::Clock;
use cedo_lib::raw::relax;

/// Longest wait. What takes so long does not happen any more.
const PATIENCE_NS: u64 = 20_000_000_000;

/// Looks until it is so; false if it never is.
pub fn comes(mut is_so: impl FnMut() -> bool) -> bool {
    let clock = Clock::of_core(0);
    let limit_ns = clock.now_ns() + PATIENCE_NS;
    while !is_so() {
        if clock.now_ns() > limit_ns {
            return is_so();
        }
    }
    true
}

/// The same, with the processor given up between two looks: for what another core does.
pub fn comes_elsewhere(mut is_so: impl FnMut() -> bool) -> bool {
    comes(|| {
        let is_so = is_so();
        if !is_so {
            Op::give_up_processor().run();
            // An emulator that lets cores take turns gives the turn to the other one.
            relax();
        }
        is_so
    })
}
