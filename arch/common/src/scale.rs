//! Ticks, nanoseconds, timer counts: the arithmetic.

/// How to convert between time-stamp counter ticks, nanoseconds and local timer counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scale {
    /// Ticks per second.
    pub tick_hz: u64,
    /// Local timer counts per second.
    pub count_hz: u64,
    /// Nanoseconds per 2^32 ticks: the number users see.
    pub nanoseconds: u64,
    /// Ticks per 2^32 nanoseconds.
    ticks: u64,
    /// Local timer counts per 2^32 ticks.
    counts: u64,
}

const NANOSECONDS_PER_SECOND: u128 = 1_000_000_000;

/// `value * scale / 2^32`, at most `u64::MAX`.
const fn scaled(value: u64, scale: u64) -> u64 {
    let product = (value as u128 * scale as u128) >> 32;
    if product > u64::MAX as u128 { u64::MAX } else { product as u64 }
}

impl Scale {
    /// From two frequencies in Hz. Frequencies below 1 MHz (ticks) or 0 are taken as that.
    pub const fn new(tick_hz: u64, count_hz: u64) -> Scale {
        let tick_hz = if tick_hz < 1_000_000 { 1_000_000 } else { tick_hz };
        Scale {
            tick_hz,
            count_hz,
            nanoseconds: ((NANOSECONDS_PER_SECOND << 32) / tick_hz as u128) as u64,
            ticks: (((tick_hz as u128) << 32) / NANOSECONDS_PER_SECOND) as u64,
            counts: (((count_hz as u128) << 32) / tick_hz as u128) as u64,
        }
    }

    /// Nanoseconds that `ticks` last; at most `u64::MAX`.
    #[inline]
    pub const fn nanoseconds(&self, ticks: u64) -> u64 {
        scaled(ticks, self.nanoseconds)
    }

    /// The least number of ticks that last at least `nanoseconds`, or `u64::MAX`.
    pub const fn ticks_at(&self, nanoseconds: u64) -> u64 {
        let mut ticks = scaled(nanoseconds, self.ticks);
        // The two scales are rounded separately: one step of correction by the measured error
        // leaves less than a few ticks, which single steps remove.
        let reached = self.nanoseconds(ticks);
        if reached < nanoseconds {
            ticks = ticks.saturating_add(scaled(nanoseconds - reached, self.ticks));
        } else {
            ticks = ticks.saturating_sub(scaled(reached - nanoseconds, self.ticks));
        }
        while ticks < u64::MAX && self.nanoseconds(ticks) < nanoseconds {
            ticks += 1;
        }
        while ticks > 0 && self.nanoseconds(ticks - 1) >= nanoseconds {
            ticks -= 1;
        }
        ticks
    }

    /// Local timer counts that cover `ticks`: at least 1, at most what the timer can hold. The
    /// timer may run out a little early; its handler looks at the clock again.
    pub const fn counts(&self, ticks: u64) -> u32 {
        let counts = scaled(ticks, self.counts).saturating_add(1);
        if counts > u32::MAX as u64 { u32::MAX } else { counts as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_the_first_tick_that_is_not_early() {
        for hz in [1_000_000, 999_999_937, 1_000_000_000, 2_992_512_331, 3_000_000_000, 5 << 30] {
            let scale = Scale::new(hz, 200_000_000);
            for ns in [0, 1, 999, 1_000_000_007, 86_400_000_000_123, 3 << 60] {
                let ticks = scale.ticks_at(ns);
                assert!(ticks == u64::MAX || scale.nanoseconds(ticks) >= ns, "{hz} {ns}");
                assert!(ticks == 0 || scale.nanoseconds(ticks - 1) < ns, "{hz} {ns}");
            }
        }
    }

    #[test]
    fn counts_are_rounded_up_and_bounded() {
        let scale = Scale::new(3_000_000_000, 200_000_000);
        assert_eq!(scale.counts(0), 1);
        assert!((200_000_000..=200_000_002).contains(&scale.counts(3_000_000_000)));
        assert_eq!(scale.counts(u64::MAX), u32::MAX);
        assert_eq!(Scale::new(1_000_000_000, 0).counts(5), 1);
    }

    #[test]
    fn the_scale_is_the_one_users_apply() {
        let scale = Scale::new(2_000_000_000, 1);
        assert_eq!(scale.nanoseconds, 1 << 31);
        assert_eq!(scale.nanoseconds(2_000_000_000), 1_000_000_000);
    }
}
