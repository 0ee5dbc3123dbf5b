//! A core's list of posted mails: many posters, one taker, no lock, never full.
//!
//! Posting is one atomic exchange and one link. Between the two the taker sees the list end early;
//! it takes what is there and is signalled again, because a poster exchanges `signalled` only *after*
//! linking, and the taker exchanges it *before* it looks at the list (DESIGN.md section 7: the flag
//! is *needs to know*, the other way round). All changes of the flag are exchanges, so they have one
//! order, in which each sees the one before it and what led to that:
//!
//! ```text
//! poster: exchange last, link | exchange signalled with true: was false -> interrupt the core
//! taker:                        exchange signalled with false | take until the list ends
//! ```
//!
//! A poster whose exchange comes before the taker's has linked what the taker looks for. One that
//! comes after it finds false and interrupts, or finds the true of another one that does.

use crate::mail::Mail;
use cedo_machine::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use core::num::NonZeroU32;

/// One core's inbox. Mails are named by the frame of their thread.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct Inbox {
    first: AtomicU32,
    last: AtomicU32,
    signalled: AtomicBool,
    kicks: AtomicU64,
}

impl Inbox {
    /// Empty.
    pub fn new() -> Inbox {
        Inbox {
            first: AtomicU32::new(0),
            last: AtomicU32::new(0),
            signalled: AtomicBool::new(false),
            kicks: AtomicU64::new(0),
        }
    }

    /// Appends the mail of thread `frame`; `mail` finds mails by frame. True if the core must be
    /// interrupted.
    #[must_use]
    pub fn post<'a>(&self, frame: NonZeroU32, mail: impl Fn(NonZeroU32) -> &'a Mail) -> bool {
        mail(frame).next.set(0);
        let before = self.last.swap(frame.get(), Ordering::AcqRel);
        match NonZeroU32::new(before) {
            None => self.first.store(frame.get(), Ordering::Release),
            Some(before) => mail(before).next.publish(frame.get()),
        }
        self.announce()
    }

    /// Or's `bits` into the kicks. True if the core must be interrupted.
    #[must_use]
    pub fn kick(&self, bits: u64) -> bool {
        self.kicks.fetch_or(bits, Ordering::Release);
        self.announce()
    }

    /// The taker starts: posts from here on interrupt again.
    pub fn open(&self) {
        self.signalled.swap(false, Ordering::Acquire);
    }

    /// The bits of all kicks since the last call.
    pub fn take_kicks(&self) -> u64 {
        if self.kicks.load(Ordering::Relaxed) == 0 {
            return 0;
        }
        self.kicks.swap(0, Ordering::Acquire)
    }

    /// Takes the oldest mail that is completely linked.
    pub fn take<'a>(&self, mail: impl Fn(NonZeroU32) -> &'a Mail) -> Option<NonZeroU32> {
        let first = NonZeroU32::new(self.first.load(Ordering::Acquire))?;
        match NonZeroU32::new(mail(first).next.observe()) {
            Some(next) => {
                self.first.store(next.get(), Ordering::Relaxed);
                // What is in no list has no neighbours.
                mail(first).next.set(0);
            }
            None => {
                // The last one, or a poster is about to link the next: then it stays until that is
                // done, since the poster still writes to it.
                self.first.store(0, Ordering::Relaxed);
                let (release, relaxed) = (Ordering::Release, Ordering::Relaxed);
                if self.last.compare_exchange(first.get(), 0, release, relaxed).is_err() {
                    self.first.store(first.get(), Ordering::Relaxed);
                    return None;
                }
            }
        }
        Some(first)
    }

    /// The taker stops. True if it left something, or could not take it yet, and must interrupt its
    /// own core so that it looks again.
    #[must_use]
    pub fn close(&self) -> bool {
        !self.is_empty() && self.announce()
    }

    /// The oldest mail, if it is completely linked; the others follow by [`Mail::next`]. For
    /// assertions and the search.
    pub fn first(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.first.load(Ordering::Acquire))
    }

    /// Forgets everything. For tests that put a machine back into an earlier state.
    pub fn clear(&self) {
        self.first.store(0, Ordering::Relaxed);
        self.last.store(0, Ordering::Relaxed);
        self.signalled.store(false, Ordering::Relaxed);
        self.kicks.store(0, Ordering::Relaxed);
    }

    /// True if nothing is posted.
    pub fn is_empty(&self) -> bool {
        self.last.load(Ordering::Relaxed) == 0 && self.kicks.load(Ordering::Relaxed) == 0
    }

    /// True if the core must be interrupted so that it looks here: nobody has since it last opened.
    fn announce(&self) -> bool {
        !self.signalled.swap(true, Ordering::Release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    fn frame(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn mails_come_out_in_the_order_they_went_in() {
        let mails: Vec<Mail> = (0..5).map(|_| Mail::default()).collect();
        let inbox = Inbox::new();
        let find = |f: NonZeroU32| &mails[f.get() as usize];
        assert!(inbox.post(frame(1), find));
        assert!(!inbox.post(frame(2), find));
        inbox.open();
        assert_eq!(inbox.take(find), Some(frame(1)));
        assert!(inbox.post(frame(1), find));
        assert_eq!(inbox.take(find), Some(frame(2)));
        assert_eq!(inbox.take(find), Some(frame(1)));
        assert_eq!(inbox.take(find), None);
        assert!(inbox.is_empty());
    }

    #[test]
    fn the_last_mail_stays_while_another_core_links_the_next() {
        let mails: Vec<Mail> = (0..3).map(|_| Mail::default()).collect();
        let inbox = Inbox::new();
        let find = |f: NonZeroU32| &mails[f.get() as usize];
        assert!(inbox.post(frame(1), find));
        // The poster looks the mail before its own up when it has exchanged and not yet linked.
        let find_late = |f: NonZeroU32| {
            if f == frame(1) {
                assert_eq!(inbox.take(find), None);
            }
            find(f)
        };
        assert!(!inbox.post(frame(2), find_late));
        assert_eq!(inbox.take(find), Some(frame(1)));
        assert_eq!(inbox.take(find), Some(frame(2)));
        assert!(inbox.is_empty());
    }

    #[test]
    fn nothing_is_lost_between_two_posters_and_a_taker() {
        let inbox = &Inbox::new();
        const EACH: u32 = 200;
        let mails: &'static [Mail] =
            (0..=2 * EACH).map(|_| Mail::default()).collect::<Vec<_>>().leak();
        let find = |f: NonZeroU32| &mails[f.get() as usize];
        let (signals, posters) = (AtomicU32::new(0), AtomicU32::new(2));
        let mut taken = 0;
        std::thread::scope(|scope| {
            for poster in 0..2 {
                let (signals, posters) = (&signals, &posters);
                scope.spawn(move || {
                    for n in 1..=EACH {
                        if inbox.post(frame(poster * EACH + n), find) {
                            signals.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    posters.fetch_sub(1, Ordering::SeqCst);
                });
            }
            loop {
                let is_over = posters.load(Ordering::SeqCst) == 0;
                // Looks only when interrupted, as a core does.
                if signals.swap(0, Ordering::SeqCst) > 0 {
                    inbox.open();
                    while inbox.take(find).is_some() {
                        taken += 1;
                    }
                } else if is_over {
                    break;
                }
                std::thread::yield_now();
            }
        });
        assert_eq!(taken, 2 * EACH);
        assert!(inbox.is_empty());
    }
}
