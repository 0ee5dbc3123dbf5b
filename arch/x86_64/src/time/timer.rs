//! What a core's one-shot timer is told: its mode, and what stands for a deadline in either mode. Pure.
//!
//! Sources: Intel SDM volume 3, section 11.5.4 (a count that runs down once, at the bus's rate; or a
//! value of the time-stamp counter that is waited for), volume 2, CPUID function 1.

use super::scale::Scale;

/// CPUID function 1, ECX: the timer can wait for a value of the time-stamp counter.
const HAS_COUNTER_MODE: u32 = 1 << 24;

/// How the timer works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// It counts down: every processor has that.
    Count,
    /// It waits for a value of the core's own time-stamp counter.
    Counter,
}

/// What the timer is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Setting {
    /// Counts from which it runs down; 0 stops it.
    Count(u32),
    /// The value of the counter that it waits for; 0 stops it.
    Counter(u64),
}

impl Mode {
    /// The better one of those that a processor has, by its ECX of CPUID function 1.
    pub const fn of(features: u32) -> Mode {
        if features & HAS_COUNTER_MODE != 0 { Mode::Counter } else { Mode::Count }
    }

    /// Interrupts when the core's own counter, which is at `now`, reaches `deadline`; at once if that is
    /// past. A count may run out before: because it is rounded, or because the timer holds no more.
    #[inline]
    pub fn arm(self, scale: &Scale, deadline: u64, now: impl FnOnce() -> u64) -> Setting {
        match self {
            Mode::Count => Setting::Count(scale.counts(deadline.saturating_sub(now()))),
            // Zero would stop it.
            Mode::Counter => Setting::Counter(deadline.max(1)),
        }
    }

    /// After an interrupt: what waits for the rest. `None` if the deadline is reached.
    #[inline]
    pub fn rest(self, scale: &Scale, deadline: u64, now: u64) -> Option<Setting> {
        (now < deadline).then(|| self.arm(scale, deadline, || now))
    }

    /// Interrupts no more.
    #[inline]
    pub const fn stop(self) -> Setting {
        match self {
            Mode::Count => Setting::Count(0),
            Mode::Counter => Setting::Counter(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::offset::{machine_ticks, own_ticks};

    const MODES: [Mode; 2] = [Mode::Count, Mode::Counter];
    const HOUR_NS: u64 = 3_600_000_000_000;

    /// A core: its counter, and how much the machine's is before it.
    struct Core {
        scale: Scale,
        ticks: u64,
        offset: i64,
    }

    impl Core {
        /// When the machine's clock is at `now_ns`.
        fn at(scale: Scale, now_ns: u64, offset: i64) -> Core {
            Core { scale, ticks: own_ticks(scale.ticks_at(now_ns), offset), offset }
        }

        /// What the machine's clock says on this core.
        fn now_ns(&self) -> u64 {
            self.scale.nanoseconds(machine_ticks(self.ticks, self.offset))
        }

        /// Lets the time pass until the timer interrupts. A counter is one of the core's own; a count runs
        /// out as early as the rates allow.
        fn wait(&mut self, setting: Setting) {
            self.ticks = match setting {
                Setting::Counter(0) | Setting::Count(0) => panic!("the timer is stopped"),
                Setting::Counter(value) => self.ticks.max(value),
                Setting::Count(count) => {
                    let ticks = u128::from(count - 1) * u128::from(self.scale.tick_hz)
                        / u128::from(self.scale.count_hz);
                    self.ticks + ticks as u64
                }
            };
        }

        /// Waits for a deadline as the kernel does; how many interrupts that takes.
        fn sleep(&mut self, mode: Mode, deadline_ns: u64) -> u32 {
            let deadline = own_ticks(self.scale.ticks_at(deadline_ns), self.offset);
            let mut setting = mode.arm(&self.scale, deadline, || self.ticks);
            for interrupts in 1.. {
                self.wait(setting);
                match mode.rest(&self.scale, deadline, self.ticks) {
                    Some(rest) => setting = rest,
                    None => return interrupts,
                }
                // The handler itself takes time.
                self.ticks += 1;
            }
            unreachable!()
        }
    }

    fn scales() -> [Scale; 3] {
        [(1_000_000, 1_000_000), (2_992_512_331, 199_999_937), (3_000_000_000, 1_000_000_000)]
            .map(|(tick_hz, count_hz)| Scale::new(tick_hz, count_hz))
    }

    #[test]
    fn the_processor_says_which_modes_it_has() {
        assert_eq!(Mode::of(1 << 24), Mode::Counter);
        assert_eq!(Mode::of(u32::MAX), Mode::Counter);
        // A Pentium D's.
        assert_eq!(Mode::of(0x0000_649d), Mode::Count);
        assert_eq!(Mode::of(!(1 << 24)), Mode::Count);
    }

    #[test]
    fn no_deadline_is_early_on_any_core() {
        for scale in scales() {
            for (mode, offset) in MODES.iter().flat_map(|mode| {
                [0, 1, -1, 123_456_789, -123_456_789].map(|offset| (*mode, offset))
            }) {
                for wait_ns in [1, 3, 999, 1_000_000, 1_000_000_007] {
                    let mut core = Core::at(scale, HOUR_NS, offset);
                    let deadline_ns = core.now_ns() + wait_ns;
                    core.sleep(mode, deadline_ns);
                    let late_ns = core.now_ns().checked_sub(deadline_ns);
                    // A few ticks: each interrupt is one here, and a count is rounded up.
                    let most_ns = 1 + scale.nanoseconds(40);
                    assert!(late_ns.is_some_and(|late| late <= most_ns), "{mode:?} {late_ns:?}");
                }
            }
        }
    }

    #[test]
    fn a_past_deadline_interrupts_at_once() {
        for scale in scales() {
            for mode in MODES {
                for deadline_ns in [0, 1, HOUR_NS - 1, HOUR_NS] {
                    let mut core = Core::at(scale, HOUR_NS, 0);
                    let now = core.ticks;
                    assert_eq!(core.sleep(mode, deadline_ns), 1);
                    assert!(core.ticks <= now + 1, "{mode:?} {deadline_ns}");
                }
            }
        }
        let scale = scales()[1];
        assert_eq!(Mode::Count.arm(&scale, 5, || 9), Setting::Count(1));
        assert_eq!(Mode::Counter.arm(&scale, 0, || 9), Setting::Counter(1));
    }

    #[test]
    fn a_deadline_before_the_cores_own_counter_began_is_past() {
        let scale = scales()[2];
        // The core started an hour after core 0.
        let mut core = Core { scale, ticks: 10, offset: scale.ticks_at(HOUR_NS) as i64 };
        for mode in MODES {
            assert_eq!(core.sleep(mode, HOUR_NS / 2), 1);
        }
        assert!(core.ticks < 20);
    }

    #[test]
    fn a_far_deadline_takes_as_much_as_the_timer_holds_and_then_the_rest() {
        let scale = scales()[1];
        assert_eq!(Mode::Count.arm(&scale, u64::MAX, || 0), Setting::Count(u32::MAX));
        assert_eq!(Mode::Counter.arm(&scale, u64::MAX, || 0), Setting::Counter(u64::MAX));
        let mut core = Core::at(scale, HOUR_NS, -77);
        let deadline_ns = core.now_ns() + HOUR_NS;
        // 2^32 counts last 21.5 seconds; what rounding leaves at the end is waited for in small steps.
        let interrupts = core.sleep(Mode::Count, deadline_ns);
        assert!((168..=190).contains(&interrupts), "{interrupts}");
        assert!(core.now_ns() >= deadline_ns);
        let mut core = Core::at(scale, HOUR_NS, -77);
        assert_eq!(core.sleep(Mode::Counter, deadline_ns), 1);
    }

    #[test]
    fn a_stopped_timer_stays_in_its_mode() {
        assert_eq!(Mode::Count.stop(), Setting::Count(0));
        assert_eq!(Mode::Counter.stop(), Setting::Counter(0));
    }
}
