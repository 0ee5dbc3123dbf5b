//! How far two cores' time-stamp counters are apart.
//!
//! A starting core asks, core 0 answers with its counter, a few dozen times over. The true offset
//! of a round lies within half its duration of the estimate, so the shortest round is the best; if
//! zero is within its bounds, the counters are taken to run in step, as they do on every machine
//! that resets its cores together.

use core::hint::spin_loop;
use core::sync::atomic::{AtomicU64, Ordering};

/// Rounds of the measurement.
pub const ROUNDS: u64 = 64;

/// The place where the two cores meet.
pub struct Meeting {
    /// Round that the starting core is in; 0 before the first, `ROUNDS + 1` after the last.
    asked: AtomicU64,
    /// Last round that core 0 has answered.
    answered: AtomicU64,
    /// Core 0's counter in that round.
    counter: AtomicU64,
}

impl Meeting {
    /// Before the first round.
    pub const fn new() -> Meeting {
        Meeting {
            asked: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            counter: AtomicU64::new(0),
        }
    }

    /// Makes ready for the next core.
    pub fn reset(&self) {
        self.answered.store(0, Ordering::Relaxed);
        self.asked.store(0, Ordering::Release);
    }

    /// Rounds that the starting core has begun.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Acquire)
    }

    /// Core 0's part: answers if there is a question. True when all rounds are done.
    pub fn answer(&self, counter: impl FnOnce() -> u64) -> bool {
        let asked = self.asked.load(Ordering::Acquire);
        if asked <= ROUNDS && asked != self.answered.load(Ordering::Relaxed) {
            self.counter.store(counter(), Ordering::Relaxed);
            self.answered.store(asked, Ordering::Release);
        }
        asked > ROUNDS
    }

    /// The starting core's part: what to add to its counter to get core 0's.
    pub fn measure(&self, counter: impl Fn() -> u64) -> i64 {
        let mut best = Estimate::NONE;
        for round in 1..=ROUNDS {
            let before = counter();
            self.asked.store(round, Ordering::Release);
            while self.answered.load(Ordering::Acquire) != round {
                spin_loop();
            }
            let theirs = self.counter.load(Ordering::Relaxed);
            best = best.or(Estimate::new(before, theirs, counter()));
        }
        self.asked.store(ROUNDS + 1, Ordering::Release);
        best.offset()
    }
}

impl Default for Meeting {
    fn default() -> Meeting {
        Meeting::new()
    }
}

/// The machine-wide counter when a core's own one is at `own`. The offset is what [`Meeting::measure`]
/// says: positive on a core whose counter is behind core 0's.
#[inline]
pub const fn machine_ticks(own: u64, offset: i64) -> u64 {
    own.wrapping_add_signed(offset)
}

/// The core's own counter when the machine-wide one is at `machine`: 0 for a time before it began, and at
/// most `u64::MAX`.
#[inline]
pub const fn own_ticks(machine: u64, offset: i64) -> u64 {
    match offset {
        0.. => machine.saturating_sub(offset.unsigned_abs()),
        _ => machine.saturating_add(offset.unsigned_abs()),
    }
}

/// What one round says.
#[derive(Clone, Copy, Debug)]
struct Estimate {
    duration: u64,
    offset: i64,
}

impl Estimate {
    const NONE: Estimate = Estimate { duration: u64::MAX, offset: 0 };

    fn new(before: u64, theirs: u64, after: u64) -> Estimate {
        let duration = after.wrapping_sub(before);
        let middle = before.wrapping_add(duration / 2);
        Estimate { duration, offset: theirs.wrapping_sub(middle) as i64 }
    }

    fn or(self, other: Estimate) -> Estimate {
        if other.duration < self.duration { other } else { self }
    }

    fn offset(self) -> i64 {
        if self.offset.unsigned_abs() <= self.duration / 2 + 1 { 0 } else { self.offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_in_step_get_no_offset() {
        assert_eq!(Estimate::new(1000, 1030, 1100).offset(), 0);
        assert_eq!(Estimate::NONE.offset(), 0);
    }

    #[test]
    fn the_shortest_round_decides() {
        let long = Estimate::new(1000, 900_000, 400_000);
        let short = Estimate::new(1000, 501_050, 1100);
        assert_eq!(long.or(short).or(long).offset(), 500_000);
        assert_eq!(Estimate::new(u64::MAX - 49, 1_000_000, 50).offset(), 1_000_000);
    }

    #[test]
    fn a_core_that_started_late_adds_and_one_that_started_early_subtracts() {
        // Core 0's counter is at 5000.
        for own in [4000, 5000, 6000] {
            let offset = Estimate::new(own, 5000, own).offset();
            assert_eq!(offset, 5000 - own as i64);
            assert_eq!((machine_ticks(own, offset), own_ticks(5000, offset)), (5000, own));
        }
    }

    #[test]
    fn times_that_a_counter_does_not_have_are_its_first_or_last() {
        assert_eq!((own_ticks(999, 1000), own_ticks(1000, 1000)), (0, 0));
        assert_eq!((own_ticks(0, i64::MAX), own_ticks(0, i64::MIN)), (0, 1 << 63));
        assert_eq!((own_ticks(u64::MAX, -1), own_ticks(u64::MAX - 1, -1)), (u64::MAX, u64::MAX));
    }

    #[test]
    fn two_threads_finish_all_rounds() {
        let meeting = Meeting::new();
        let ticks = AtomicU64::new(0);
        let counter = || ticks.fetch_add(1, Ordering::SeqCst);
        let offset = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !meeting.answer(|| counter() + 1_000_000) {
                    std::thread::yield_now();
                }
            });
            meeting.measure(counter)
        });
        assert!((999_990..=1_000_010).contains(&offset), "{offset}");
    }
}
