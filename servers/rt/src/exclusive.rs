//! Memory that one at a time may change: what a lock keeps.
//!
//! It knows nothing of waiting, owners or schedulers: who finds it taken goes away. A lock
//! (`cedo_lib::lock`) decides who tries when; were it wrong, somebody would go away here, and nobody
//! would see what another one is changing.

use core::cell::UnsafeCell;
use core::ops::{Deref, DerefMut};
use core::sync::atomic::{AtomicBool, Ordering};

/// A value, and whether somebody has it.
#[derive(Debug)]
pub struct Exclusive<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is touched only through a `Taken`, of which there is one at a time; that one may
// be in any thread, so `T` must be `Send`.
unsafe impl<T: Send> Sync for Exclusive<T> {}

/// Access to the value, until it is dropped.
#[derive(Debug)]
pub struct Taken<'a, T> {
    of: &'a Exclusive<T>,
}

impl<T> Exclusive<T> {
    /// A value that nobody has.
    pub const fn new(value: T) -> Exclusive<T> {
        Exclusive { taken: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Takes it; nothing if somebody has it.
    #[inline]
    pub fn take(&self) -> Option<Taken<'_, T>> {
        // Made only where it was free: to drop one frees the value, whoever has it.
        (!self.taken.swap(true, Ordering::Acquire)).then(|| Taken { of: self })
    }
}

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this is the only `Taken`, and it lends the value for no longer than it lives.
        unsafe { &*self.of.value.get() }
    }
}

impl<T> DerefMut for Taken<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this is the only `Taken`, borrowed as the only one.
        unsafe { &mut *self.of.value.get() }
    }
}

impl<T> Drop for Taken<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.of.taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::Exclusive;
    use std::thread;

    #[test]
    fn one_at_a_time_has_the_value() {
        let exclusive = Exclusive::new(1);
        let mut taken = exclusive.take().expect("free");
        assert!(exclusive.take().is_none());
        assert!(exclusive.take().is_none(), "who finds it taken does not free it");
        *taken += 1;
        drop(taken);
        assert_eq!(*exclusive.take().expect("free again"), 2);
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        static SUM: Exclusive<u32> = Exclusive::new(0);
        const TURNS: u32 = 50;
        let add = || {
            for _ in 0..TURNS {
                loop {
                    if let Some(mut sum) = SUM.take() {
                        *sum += 1;
                        break;
                    }
                    thread::yield_now();
                }
            }
        };
        let workers = [0, 1, 2].map(|_| thread::spawn(add));
        workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
        assert_eq!(*SUM.take().expect("free"), 3 * TURNS);
    }
}
