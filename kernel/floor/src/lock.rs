//! A FIFO lock for the writers of a Space's tables. IPC and scheduling take no lock.

use cedo_machine::atomic::{AtomicU32, Ordering};

/// A ticket lock without data of its own; what it protects is made of atomics.
#[derive(Debug, Default)]
pub struct TicketLock {
    next: AtomicU32,
    serving: AtomicU32,
}

/// The lock is held until this is dropped.
pub struct Held<'a> {
    lock: &'a TicketLock,
}

impl TicketLock {
    /// A free lock.
    pub fn new() -> TicketLock {
        TicketLock { next: AtomicU32::new(0), serving: AtomicU32::new(0) }
    }

    /// Waits for its turn, calling `relax` in between (`Machine::relax`).
    pub fn lock(&self, relax: impl Fn()) -> Held<'_> {
        let ticket = self.next.fetch_add(1, Ordering::Relaxed);
        while self.serving.load(Ordering::Acquire) != ticket {
            relax();
        }
        Held { lock: self }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let serving = self.lock.serving.load(Ordering::Relaxed);
        self.lock.serving.store(serving.wrapping_add(1), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_writers_never_overlap() {
        extern crate std;
        let (lock, count) = (TicketLock::new(), AtomicU32::new(0));
        let work = || {
            for _ in 0..1000 {
                let _held = lock.lock(std::thread::yield_now);
                let seen = count.load(Ordering::Relaxed);
                count.store(seen + 1, Ordering::Relaxed);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(work);
            scope.spawn(work);
        });
        assert_eq!(count.load(Ordering::Relaxed), 2000);
    }
}
