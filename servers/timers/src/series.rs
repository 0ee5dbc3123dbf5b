//! How late deadlines were: bars of a quarter of an octave, so that any time fits and nothing is stored
//! singly.

use core::sync::atomic::{AtomicU64, Ordering};

/// Bars in an octave: 4, as a number of bits.
const PART_BITS: u32 = 2;
const PARTS: usize = 1 << PART_BITS;
/// The last octave begins at 2^63.
const BARS: usize = (64 - PART_BITS as usize) * PARTS + PARTS;

/// A series that one thread adds to and another one reads later.
pub struct Series {
    bars: [AtomicU64; BARS],
    early: AtomicU64,
    most: AtomicU64,
}

impl Series {
    pub const fn new() -> Series {
        Series {
            bars: [const { AtomicU64::new(0) }; BARS],
            early: AtomicU64::new(0),
            most: AtomicU64::new(0),
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.bars.iter().for_each(|bar| bar.store(0, Ordering::SeqCst));
        self.early.store(0, Ordering::SeqCst);
        self.most.store(0, Ordering::SeqCst);
    }

    /// A deadline, and when it was heard of.
    pub fn add(&self, deadline_ns: u64, heard_ns: u64) {
        let Some(late_ns) = heard_ns.checked_sub(deadline_ns) else {
            self.early.fetch_add(1, Ordering::SeqCst);
            return;
        };
        self.bars[bar_of(late_ns)].fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(late_ns, Ordering::SeqCst);
    }

    /// How many were early.
    pub fn early(&self) -> u64 {
        self.early.load(Ordering::SeqCst)
    }

    /// How many were not.
    pub fn count(&self) -> u64 {
        self.bars.iter().map(|bar| bar.load(Ordering::SeqCst)).sum()
    }

    /// The latest.
    pub fn most_ns(&self) -> u64 {
        self.most.load(Ordering::SeqCst)
    }

    /// So many of a thousand were at most as late: the end of the bar that has the last of them.
    pub fn at_most_ns(&self, per_mille: u64) -> u64 {
        let wanted = (self.count() * per_mille).div_ceil(1000);
        let mut sum = 0;
        for (index, bar) in self.bars.iter().enumerate() {
            sum += bar.load(Ordering::SeqCst);
            if sum >= wanted {
                return range(index).1.min(self.most_ns());
            }
        }
        self.most_ns()
    }

    /// From, to and count of each bar, from the first that is not empty to the last.
    pub fn bars(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        let is_used = |bar: &AtomicU64| bar.load(Ordering::SeqCst) > 0;
        let first = self.bars.iter().position(is_used).unwrap_or(0);
        let end = self.bars.iter().rposition(is_used).map_or(0, |last| last + 1);
        (first..end).map(|index| {
            let (from, to) = range(index);
            (from, to, self.bars[index].load(Ordering::SeqCst))
        })
    }
}

/// Times below [`PARTS`] have a bar each; then every octave has [`PARTS`].
fn bar_of(time_ns: u64) -> usize {
    match time_ns.checked_ilog2() {
        Some(octave @ PART_BITS..) => {
            let part = (time_ns >> (octave - PART_BITS)) as usize % PARTS;
            (octave - PART_BITS + 1) as usize * PARTS + part
        }
        _ => time_ns as usize,
    }
}

/// First and last time of a bar.
fn range(bar: usize) -> (u64, u64) {
    let Some(octaves) = (bar / PARTS).checked_sub(1) else {
        return (bar as u64, bar as u64);
    };
    let width = 1 << octaves;
    let from = (PARTS + bar % PARTS) as u64 * width;
    (from, from + (width - 1))
}

#[cfg(test)]
mod tests {
    use super::{BARS, Series, bar_of, range};

    #[test]
    fn every_time_is_in_the_range_of_its_bar_and_bars_touch() {
        for bar in 0..BARS {
            let (from, to) = range(bar);
            assert_eq!((bar_of(from), bar_of(to)), (bar, bar));
            assert!(bar == 0 || range(bar - 1).1 + 1 == from);
        }
        assert_eq!(range(BARS - 1).1, u64::MAX);
    }

    #[test]
    fn early_ones_are_counted_apart() {
        let series = Series::new();
        (0..999).for_each(|_| series.add(1000, 1100));
        series.add(1000, 9000);
        series.add(1000, 999);
        assert_eq!((series.early(), series.count(), series.most_ns()), (1, 1000, 8000));
        assert_eq!(series.at_most_ns(999), 111);
        assert_eq!(series.at_most_ns(1000), 8000);
        assert_eq!(series.bars().map(|(_, _, count)| count).sum::<u64>(), 1000);
        assert_eq!(series.bars().next(), Some((96, 111, 999)));
        series.clear();
        assert_eq!((series.count(), series.bars().count()), (0, 0));
    }
}
