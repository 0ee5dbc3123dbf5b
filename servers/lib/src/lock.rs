//! Locks shared by preemptible threads of one program: who waits lends its processor time to the
//! holder, so that nobody else's work is waited for. The rules: `docs/locks.md`.
//!
//! ```ignore
//! static STOCK: Lock<Stock> = Lock::new(Stock::EMPTY);
//!
//! let me = Member::join(&environment)?;              // once per thread
//! let mut stock = STOCK.acquire(&me, 5_000_000)?;    // waits at most 5 ms
//! stock.add(7);                                      // released where `stock` ends
//! ```
//!
//! A lock belongs to the children of one scheduler, the one of the first thread that acquires it. It
//! works under every policy that is driven by [`crate::sched`]; a lock with a ceiling needs a policy
//! with levels.
//!
//! | file | contents |
//! |---|---|
//! | here | the lock, and who holds it |
//! | [`word`] | its word: how one gets and releases it |
//! | [`member`] | a thread as a child of its scheduler |

pub mod member;
pub mod word;

pub use member::Member;

use cedo_abi::Status;
use cedo_rt::exclusive::{Exclusive, Taken};
use core::ops::{Deref, DerefMut};
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};
use word::Word;

/// Why a lock was not acquired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// The holder did not release it in time: its critical section is longer than the caller's
    /// patience, or it waits, is suspended, or no longer exists.
    Late,
    /// The holder is stopped by a fault that nobody handles.
    HolderStopped,
    /// The holder waits, perhaps through others, for the caller, or is the caller.
    Deadlock,
    /// The lock belongs to the children of another scheduler, maybe of another core: use a server.
    OtherScheduler,
    /// The scheduler knows no locks, or not this level.
    Unsupported,
    /// The scheduler could not be called.
    Kernel(Status),
}

/// A value that one thread at a time may use.
#[derive(Debug)]
pub struct Lock<T> {
    word: Word,
    /// The scheduler whose children use it, once one did.
    family: AtomicU64,
    /// The level of who holds it; 0: its own.
    ceiling: u64,
    value: Exclusive<T>,
}

/// A lock that is held, until this is dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
    me: &'a Member,
    /// The holder's level before.
    level: u64,
    /// Always there, but in `drop`.
    value: Option<Taken<'a, T>>,
}

impl<T> Lock<T> {
    /// A free lock. Who waits for it lends its turns to the holder.
    #[cfg(not(loom))]
    pub const fn new(value: T) -> Lock<T> {
        Lock::with_ceiling(0, value)
    }

    /// The same; besides, who holds it is treated as one of level `ceiling` (under fixed priority: a
    /// priority), which should be that of the most urgent thread that ever acquires it.
    #[cfg(not(loom))]
    pub const fn with_ceiling(ceiling: u64, value: T) -> Lock<T> {
        let (word, family) = (Word::new(), AtomicU64::new(0));
        Lock { word, family, ceiling, value: Exclusive::new(value) }
    }

    /// Waits for the lock, at most about `patience_ns` nanoseconds.
    ///
    /// # Errors
    /// See [`Refused`]. The caller then does not have the lock, and its level is what it was.
    pub fn acquire<'a>(
        &'a self,
        me: &'a Member,
        patience_ns: u64,
    ) -> Result<Guard<'a, T>, Refused> {
        self.admit(me)?;
        let level = me.level();
        if self.ceiling > level {
            me.set_level(self.ceiling)?;
        }
        let acquired = self.word.acquire(me.number(), self.name(), &me.until(patience_ns));
        if let Err(refused) = acquired {
            self.go_back(me, level);
            return Err(refused);
        }
        let Some(value) = self.value.take() else { panic!("a lock has two holders") };
        Ok(Guard { lock: self, me, level, value: Some(value) })
    }

    /// True if the thread's scheduler is that of all who use the lock.
    fn admit(&self, me: &Member) -> Result<(), Refused> {
        let family =
            self.family.compare_exchange(0, me.family(), Ordering::Relaxed, Ordering::Relaxed);
        match family {
            Err(other) if other != me.family() => Err(Refused::OtherScheduler),
            _ => Ok(()),
        }
    }

    /// What the scheduler knows the lock by.
    fn name(&self) -> u64 {
        ptr::from_ref(self).addr() as u64
    }

    fn go_back(&self, me: &Member, level: u64) {
        if self.ceiling > level {
            // It was raised a moment ago; a lower level is never refused.
            let _ = me.set_level(level);
        }
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.value {
            Some(value) => value,
            None => unreachable!("only `drop` takes it"),
        }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.value {
            Some(value) => value,
            None => unreachable!("only `drop` takes it"),
        }
    }
}

impl<T> Drop for Guard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        self.lock.word.release(self.lock.name(), &self.me.until(0));
        self.lock.go_back(self.me, self.level);
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
