//! Another counter against the clock: how much time passed between two moments, by either.

use crate::counters::Counter;
use cedo_lib::Clock;

/// Attempts to read both at one moment; the quickest counts.
const ATTEMPTS: u32 = 32;
const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// What came of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Agreement {
    /// Counts per second of the counter; 0: there is none.
    pub hertz: u64,
    /// Time by the counter.
    pub counter_ns: u64,
    /// The same by the clock.
    pub clock_ns: u64,
    /// How exactly that is known.
    pub doubt_ns: u64,
    /// Readings in between that were before the one before them.
    pub backwards: u64,
    /// Its wrap was passed, and it had been set for that.
    pub wrapped: bool,
}

/// Both at one moment.
#[derive(Clone, Copy)]
struct Moment {
    count: u32,
    time_ns: u64,
    took_ns: u64,
}

/// Compares.
pub fn compare(counter: &Counter, clock: &Clock) -> Agreement {
    let Some(hertz) = counter.hertz() else { return Agreement::default() };
    let was_set = counter.prepare();
    let mask = counter.mask();
    let first = moment(counter, clock);
    let (mut last, mut backwards, mut wrapped) = (first.count, 0, false);
    while clock.now_ns() < first.time_ns + counter.window_ns() {
        let count = counter.read();
        backwards += u64::from(is_backwards(last, count, mask));
        wrapped |= count < last;
        last = count;
    }
    let second = moment(counter, clock);
    let counts = second.count.wrapping_sub(first.count) & mask;
    Agreement {
        hertz,
        counter_ns: (u128::from(counts) * u128::from(NANOSECONDS_PER_SECOND) / u128::from(hertz))
            as u64,
        clock_ns: second.time_ns.saturating_sub(first.time_ns),
        doubt_ns: (first.took_ns + second.took_ns) / 2,
        backwards,
        wrapped: wrapped && was_set,
    }
}

fn moment(counter: &Counter, clock: &Clock) -> Moment {
    let attempt = || {
        let before_ns = clock.now_ns();
        let count = counter.read();
        let took_ns = clock.now_ns().saturating_sub(before_ns);
        Moment { count, time_ns: before_ns + took_ns / 2, took_ns }
    };
    let mut best = attempt();
    for _ in 1..ATTEMPTS {
        let next = attempt();
        if next.took_ns < best.took_ns {
            best = next;
        }
    }
    best
}

/// A step of more than half a round is one backwards.
fn is_backwards(last: u32, count: u32, mask: u32) -> bool {
    count.wrapping_sub(last) & mask > mask / 2
}

impl Agreement {
    /// How much faster the counter is, in parts per million.
    pub fn parts_per_million(&self) -> i64 {
        let difference = self.counter_ns as i64 - self.clock_ns as i64;
        difference.saturating_mul(1_000_000) / (self.clock_ns as i64).max(1)
    }

    /// In words of a message.
    pub fn words(&self) -> [u64; 7] {
        let Agreement { hertz, counter_ns, clock_ns, doubt_ns, backwards, wrapped } = *self;
        [hertz, counter_ns, clock_ns, doubt_ns, backwards, wrapped.into(), 0]
    }

    /// Out of words of a message.
    pub fn of_words(words: &[u64; 7]) -> Agreement {
        let [hertz, counter_ns, clock_ns, doubt_ns, backwards, wrapped, _] = *words;
        Agreement { hertz, counter_ns, clock_ns, doubt_ns, backwards, wrapped: wrapped != 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{Agreement, is_backwards};

    #[test]
    fn a_wrap_is_no_step_backwards() {
        assert!(!is_backwards(0xff_fff0, 5, 0xff_ffff));
        assert!(is_backwards(5, 4, 0xff_ffff));
        assert!(!is_backwards(4, 4, 0xffff));
        assert!(is_backwards(0, u32::MAX, u32::MAX));
    }

    #[test]
    fn a_fast_counter_is_a_positive_number() {
        let mut agreement =
            Agreement { counter_ns: 200_020_000, clock_ns: 200_000_000, ..Agreement::default() };
        assert_eq!(agreement.parts_per_million(), 100);
        agreement.counter_ns = 199_999_000;
        assert_eq!(agreement.parts_per_million(), -5);
        assert_eq!(Agreement::of_words(&agreement.words()), agreement);
        assert_eq!(Agreement::default().parts_per_million(), 0);
    }
}
