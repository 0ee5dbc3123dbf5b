//! A series of measurements, and its order statistics.

use core::sync::atomic::{AtomicU64, Ordering};

/// Most measurements of one series.
pub const MOST: usize = 1000;

/// What a series came to.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    pub min: u64,
    pub median: u64,
    pub p99: u64,
    pub max: u64,
    pub samples: usize,
}

/// A series that several threads of a Space may add to.
pub struct Samples {
    values: [AtomicU64; MOST],
    count: AtomicU64,
}

impl Samples {
    pub const fn new() -> Samples {
        Samples { values: [const { AtomicU64::new(0) }; MOST], count: AtomicU64::new(0) }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.count.store(0, Ordering::SeqCst);
    }

    /// Adds a measurement; nothing if there is no room. Returns how many there are.
    #[inline]
    pub fn add(&self, value: u64) -> usize {
        let index = self.count.fetch_add(1, Ordering::SeqCst) as usize;
        if let Some(place) = self.values.get(index) {
            place.store(value, Ordering::SeqCst);
        }
        index + 1
    }

    /// Sorts and sums up. `overhead` is taken off every measurement. The first `skip` are left out.
    pub fn summary(&self, skip: usize, overhead: u64) -> Summary {
        let count = (self.count.load(Ordering::SeqCst) as usize).min(MOST);
        let mut sorted = [0; MOST];
        for (place, value) in sorted.iter_mut().zip(&self.values) {
            *place = value.load(Ordering::SeqCst).saturating_sub(overhead);
        }
        let sorted = &mut sorted[skip.min(count)..count];
        sorted.sort_unstable();
        let at = |per_cent: usize| {
            let last = sorted.len().saturating_sub(1);
            sorted.get(last * per_cent / 100).copied().unwrap_or(0)
        };
        Summary { min: at(0), median: at(50), p99: at(99), max: at(100), samples: sorted.len() }
    }
}
