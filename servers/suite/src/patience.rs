//! How long a test waits for another core or for a device. Time counts, and not how often it looks: a
//! busy host may let one processor of an emulator wait much longer than the others.

use cedo_lib::Clock;

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
