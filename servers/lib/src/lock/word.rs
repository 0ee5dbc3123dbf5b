//! The word of a lock, and how one gets and releases it: no kernel call where nobody waits.
//!
//! ```text
//! 0                      free
//! number of a child      held by it
//! the same + WANTED      held, and somebody waits or is about to
//! ```
//!
//! What the scheduler does is behind [`Waiting`], so that the model checker can run this file in every
//! order (`servers/lib/tests/orders`).

use super::Refused;
#[cfg(not(loom))]
use core::sync::atomic::{AtomicU64, Ordering};
#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};

/// Somebody waits for the lock, or is about to.
const WANTED: u64 = 1 << 63;

/// What a scheduler does for who wants a lock: see `cedo_lib::sched`.
pub trait Waiting {
    /// Says that the caller is about to look at the word of `lock`.
    fn look(&self, lock: u64) -> Result<(), Refused>;
    /// Waits until `lock`, which the child `holder` has, may be free; not at all if it was released
    /// since the caller looked.
    fn wait(&self, lock: u64, holder: u64) -> Result<(), Refused>;
    /// Wakes whoever waits for `lock`.
    fn released(&self, lock: u64);
}

/// Who holds a lock.
#[derive(Debug)]
pub struct Word {
    state: AtomicU64,
}

impl Default for Word {
    fn default() -> Self {
        Self::new()
    }
}

impl Word {
    /// Nobody.
    #[cfg(not(loom))]
    pub const fn new() -> Word {
        Word { state: AtomicU64::new(0) }
    }

    /// Nobody.
    #[cfg(loom)]
    pub fn new() -> Word {
        Word { state: AtomicU64::new(0) }
    }

    /// Makes child `me` the holder, which may take as long as `waiting` lets it.
    ///
    /// # Errors
    /// What ends the wait; [`Refused::Deadlock`] if `me` is the holder.
    pub fn acquire(&self, me: u64, lock: u64, waiting: &impl Waiting) -> Result<(), Refused> {
        loop {
            match self.try_acquire(me) {
                Ok(()) => return Ok(()),
                Err(holder) if holder == me => return Err(Refused::Deadlock),
                Err(_) => {}
            }
            waiting.look(lock)?;
            if let Some(holder) = self.want() {
                waiting.wait(lock, holder)?;
            }
        }
    }

    /// Makes child `me` the holder; or the number of who holds it.
    #[inline]
    pub fn try_acquire(&self, me: u64) -> Result<(), u64> {
        let taken = self.state.compare_exchange(0, me, Ordering::Acquire, Ordering::Relaxed);
        taken.map(|_| ()).map_err(|state| state & !WANTED)
    }

    /// Frees the lock, which the caller holds.
    #[inline]
    pub fn release(&self, lock: u64, waiting: &impl Waiting) {
        if self.state.swap(0, Ordering::Release) & WANTED != 0 {
            waiting.released(lock);
        }
    }

    /// The holder will call [`Waiting::released`]. Its number; nothing if the lock is free.
    fn want(&self) -> Option<u64> {
        let wanted = |state| (state != 0).then_some(state | WANTED);
        let before = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, wanted);
        before.ok().map(|state| state & !WANTED)
    }
}
