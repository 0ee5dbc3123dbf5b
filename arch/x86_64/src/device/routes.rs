//! What the entries of all lines say, kept beside the controllers: an interrupted core learns how its
//! line signals without a lock and without a look at the device. Pure.
//!
//! A word is written by the core that routes the line, while it has that line's controller to itself.

use super::redirection::{LEVEL, LINES, MASKED, destination};
use cedo_machine::Line;
use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::Relaxed;

/// Value of a line that was never routed: no entry has vector 0.
const NOWHERE: u64 = 0;

/// The entries as they were when their lines were routed.
pub struct Routes([AtomicU64; LINES as usize]);

impl Routes {
    /// No line goes anywhere.
    pub const fn new() -> Routes {
        Routes([const { AtomicU64::new(NOWHERE) }; LINES as usize])
    }

    /// `line` has an entry with this low half, for the core with this identifier.
    pub fn set(&self, line: Line, low: u32, identifier: u8) {
        if let Some(word) = self.0.get(line.0 as usize) {
            word.store(u64::from(destination(identifier)) << 32 | u64::from(low), Relaxed);
        }
    }

    /// The low half of the entry of `line`, masked or not; `None` if it was never routed.
    pub fn low(&self, line: Line, masked: bool) -> Option<u32> {
        let low = self.entry(line)? as u32;
        Some(if masked { low | MASKED } else { low & !MASKED })
    }

    /// True if `line` is a level and goes to the core with this identifier. An interrupt can arrive late,
    /// when its line is another core's already: it is not this core's to mask then.
    #[inline]
    pub fn is_level_at(&self, line: Line, identifier: u8) -> bool {
        self.entry(line).is_some_and(|entry| {
            entry as u32 & LEVEL != 0 && (entry >> 32) as u32 == destination(identifier)
        })
    }

    #[inline]
    fn entry(&self, line: Line) -> Option<u64> {
        let entry = self.0.get(line.0 as usize)?.load(Relaxed);
        (entry != NOWHERE).then_some(entry)
    }
}

impl Default for Routes {
    fn default() -> Routes {
        Routes::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::redirection::{entry, vector};
    use cedo_machine::Trigger;

    fn route(routes: &Routes, line: u32, trigger: Trigger, identifier: u8) -> u32 {
        let low = entry(line, vector(line).unwrap(), trigger, &[]);
        routes.set(Line(line), low, identifier);
        low
    }

    #[test]
    fn a_line_signals_as_it_was_routed_last() {
        let routes = Routes::new();
        route(&routes, 20, Trigger::Level, 3);
        route(&routes, 21, Trigger::Edge, 3);
        assert!(routes.is_level_at(Line(20), 3) && !routes.is_level_at(Line(21), 3));
        route(&routes, 20, Trigger::Edge, 3);
        route(&routes, 21, Trigger::Level, 3);
        assert!(!routes.is_level_at(Line(20), 3) && routes.is_level_at(Line(21), 3));
    }

    #[test]
    fn a_level_is_its_own_cores_to_mask() {
        let routes = Routes::new();
        route(&routes, 9, Trigger::Level, 0);
        assert!(routes.is_level_at(Line(9), 0) && !routes.is_level_at(Line(9), 1));
        route(&routes, 9, Trigger::Level, 1);
        assert!(!routes.is_level_at(Line(9), 0) && routes.is_level_at(Line(9), 1));
    }

    #[test]
    fn masking_changes_one_bit_of_the_entry() {
        let routes = Routes::new();
        for (line, trigger) in [(0, Trigger::Edge), (17, Trigger::Level), (191, Trigger::Level)] {
            let low = route(&routes, line, trigger, 0xfe);
            assert_eq!(routes.low(Line(line), true), Some(low));
            assert_eq!(routes.low(Line(line), false), Some(low ^ MASKED));
        }
    }

    #[test]
    fn what_was_never_routed_is_no_line() {
        let routes = Routes::default();
        routes.set(Line(LINES), MASKED, 0);
        for line in [0, LINES - 1, LINES, u32::MAX] {
            assert_eq!(routes.low(Line(line), true), None);
            assert!(!routes.is_level_at(Line(line), 0));
        }
    }
}
