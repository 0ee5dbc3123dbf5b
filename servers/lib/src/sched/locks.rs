//! What children ask of their scheduler for their locks: the loop's side of [`crate::lock`].

use super::engine::Scheduler;
use super::lending::{
    Begun, DEADLOCK, HOLDER_STOPPED, JOIN, LATE, LEVEL, LOOK, RELEASE, WAIT, bit, children,
};
use super::sleepers::{DONE, REFUSED};
use crate::driver::reply;
use crate::ipc::Message;
use crate::policy::{Policy, Why};
use cedo_abi::Token;

impl<P: Policy> Scheduler<'_, P> {
    /// Answers a call about a lock, now or later. Nothing if it is about something else.
    pub(super) fn serve_lock(&mut self, label: u32, message: &Message, token: Token) -> Option<()> {
        let child = self.book.child(message.badge)?;
        let [first, ..] = message.words;
        match label {
            JOIN => answer(token, DONE, [message.badge, self.family]),
            LOOK => self.look(child, first, token),
            WAIT => self.wait_for_lock(child, message, token),
            RELEASE => self.release(first, token),
            LEVEL => self.set_level(child, first, token),
            _ => return None,
        }
        Some(())
    }

    /// Answers those who have waited long enough.
    pub(super) fn wake_late(&mut self) {
        while let Some(waiter) = self.lending.take_late(self.now_ns) {
            self.wake(waiter, LATE);
        }
    }

    /// The child with this cookie is stopped by a fault that nobody handles: nobody shall wait for it.
    pub(super) fn faulted(&mut self, cookie: u64) {
        self.stopped(cookie);
        let Some(child) = self.book.child(cookie) else { return };
        self.faulty |= bit(child);
        while let Some(waiter) = self.lending.take_waiter_for(child) {
            self.wake(waiter, HOLDER_STOPPED);
        }
    }

    fn look(&mut self, child: usize, lock: u64, token: Token) {
        self.lending.look(child, lock);
        answer(token, DONE, [0; 2]);
    }

    fn wait_for_lock(&mut self, child: usize, message: &Message, token: Token) {
        let [lock, holder, until_ns, ..] = message.words;
        let Some(holder) = self.book.child(holder) else {
            return answer(token, REFUSED, [0; 2]);
        };
        if self.faulty & bit(holder) != 0 {
            return answer(token, HOLDER_STOPPED, [0; 2]);
        }
        match self.lending.wait(child, lock, holder, token, until_ns) {
            Begun::Deadlock => answer(token, DEADLOCK, [0; 2]),
            Begun::LookAgain => answer(token, DONE, [0; 2]),
            Begun::Waits => self.lend(child),
        }
    }

    /// The child waits, so its turns, and those that others lend it, are the holder's.
    fn lend(&mut self, child: usize) {
        self.end_turn();
        let runs = self.lending.stands_in(child);
        if self.book.is_ready(runs) {
            for helper in children(self.lending.helpers(runs)) {
                self.offer(helper, Why::Woken);
            }
        }
    }

    fn release(&mut self, lock: u64, token: Token) {
        self.lending.released(lock);
        let mut woken = 0;
        while let Some(waiter) = self.lending.take_waiter(lock) {
            woken += 1;
            self.wake(waiter, DONE);
        }
        answer(token, DONE, [woken, 0]);
    }

    /// Ends the wait of a child: it can run when the kernel says so.
    fn wake(&mut self, (child, token): (usize, Token), label: u32) {
        self.blocked(child);
        answer(token, label, [0; 2]);
    }

    fn set_level(&mut self, child: usize, level: u64, token: Token) {
        let label = if self.policy.set_level(child, level) { DONE } else { REFUSED };
        answer(token, label, [0; 2]);
    }
}

/// A child that was aborted meanwhile answers STALE, and that is all.
fn answer(token: Token, label: u32, [first, second]: [u64; 2]) {
    reply(token, label, 2, [first, second, 0, 0, 0, 0, 0]);
}
