//! Sleeps and wakes.

use crate::board::{Place, Rule};
use cedo_lib::sched::sleep_until;
use cedo_lib::{Clock, Environment, ThisThread};

/// Its period.
const PERIOD_NS: u64 = 2_000_000;

/// Sleeps and wakes for ever.
pub fn run(this: ThisThread) {
    let environment = Environment::of(&this);
    let place = Place::of(&environment);
    let clock = Clock::of_core(environment.core_number());
    loop {
        let wanted_ns = clock.now_ns() + PERIOD_NS;
        let woken = sleep_until(wanted_ns);
        if woken.is_err() || clock.now_ns() < wanted_ns {
            let (status, woken_ns) = woken.map_or_else(|s| (s as u64, 0), |woken_ns| (0, woken_ns));
            place.broken(Rule::SleepersWakeInTime, [status, woken_ns, wanted_ns]);
        }
        place.count_round();
    }
}
