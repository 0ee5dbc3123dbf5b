//! A value that is set once at start and then shared by all cores.

use core::cell::UnsafeCell;
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

const EMPTY: u8 = 0;
const BUSY: u8 = 1;
const SET: u8 = 2;

/// Holds nothing until [`Late::set`], then the same value for ever.
pub struct Late<T> {
    state: AtomicU8,
    value: UnsafeCell<MaybeUninit<T>>,
}

// SAFETY: 1. The value is written by the one caller that moved the state from EMPTY to BUSY.
// 2. It is read only after the state became SET, which that write precedes. 3. `T` may be sent to
// and shared by other cores.
unsafe impl<T: Send + Sync> Sync for Late<T> {}

impl<T> Late<T> {
    /// Nothing yet.
    pub const fn new() -> Late<T> {
        Late { state: AtomicU8::new(EMPTY), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    /// Sets the value and returns it; a second call returns the first value and drops its own.
    pub fn set(&self, value: T) -> Option<&T> {
        let first = self.state.compare_exchange(EMPTY, BUSY, Ordering::Acquire, Ordering::Relaxed);
        if first.is_ok() {
            // SAFETY: this caller alone saw EMPTY, and nobody reads before SET.
            let slot = unsafe { &mut *self.value.get() };
            slot.write(value);
            self.state.store(SET, Ordering::Release);
        }
        self.get()
    }

    /// The value, if it was set.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if self.state.load(Ordering::Acquire) != SET {
            return None;
        }
        // SAFETY: SET was seen, so nobody writes any more.
        let slot = unsafe { &*self.value.get() };
        // SAFETY: SET follows the write of the value.
        Some(unsafe { slot.assume_init_ref() })
    }
}

impl<T> Default for Late<T> {
    fn default() -> Late<T> {
        Late::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_stays() {
        let late = Late::new();
        assert_eq!(late.get(), None);
        assert_eq!(late.set(1), Some(&1));
        assert_eq!(late.set(2), Some(&1));
        assert_eq!(late.get(), Some(&1));
    }
}
