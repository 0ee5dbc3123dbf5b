//! A first-come-first-served lock for the few device registers that cores share.

use crate::relax::relax;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, Ordering};

/// A ticket lock. Interrupts are masked in the kernel, so a holder is never interrupted.
pub struct TicketLock<T> {
    next: AtomicU32,
    serving: AtomicU32,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached only through `with` and `try_with`, by one core at a time.
unsafe impl<T: Send> Sync for TicketLock<T> {}

impl<T> TicketLock<T> {
    /// An open lock.
    pub const fn new(value: T) -> TicketLock<T> {
        TicketLock {
            next: AtomicU32::new(0),
            serving: AtomicU32::new(0),
            value: UnsafeCell::new(value),
        }
    }

    /// Waits for this core's turn, then calls `work`.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        while self.serving.load(Ordering::Acquire) != ticket {
            relax();
        }
        self.work(ticket, work)
    }

    /// Calls `work` if nobody holds the lock.
    pub fn try_with<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let ticket = self.serving.load(Ordering::Relaxed);
        self.next
            .compare_exchange(ticket, ticket.wrapping_add(1), Ordering::Acquire, Ordering::Relaxed)
            .ok()?;
        Some(self.work(ticket, work))
    }

    /// Opens the lock by force and calls `work`. For a panic, when the holder was stopped.
    ///
    /// # Safety
    /// No other core runs.
    pub unsafe fn break_open<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        self.work(ticket, work)
    }

    fn work<R>(&self, ticket: u32, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: this core holds the ticket that is being served, so nobody else is here.
        let value = unsafe { &mut *self.value.get() };
        let result = work(value);
        self.serving.store(ticket.wrapping_add(1), Ordering::Release);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Interpreted, fewer find as much.
    const INCREMENTS: u32 = if cfg!(miri) { 100 } else { 1000 };

    #[test]
    fn four_threads_lose_no_increment() {
        let lock = TicketLock::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..INCREMENTS {
                        lock.with(|value| *value += 1);
                    }
                });
            }
        });
        assert_eq!(lock.try_with(|value| *value), Some(4 * INCREMENTS));
        lock.with(|_| assert_eq!(lock.try_with(|_| ()), None));
    }
}
