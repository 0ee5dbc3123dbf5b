//! Children that wait for a lock, and lend their turns to the child that holds it.
//!
//! Pure: who waits for whom, whose wait is over. The loop (`engine`) makes the calls. A child that
//! waits is chosen by the policy as if it could run; who runs then is the holder, at the end of the
//! chain if that waits for a lock itself. No policy knows of it.
//!
//! A lock is a word in the children's memory that the scheduler does not see. So that no release is
//! missed, a child says that it *looks* at a lock before it looks, and waits after; a release in
//! between makes its wait end at once.

use crate::policy::CHILDREN;
use cedo_abi::Token;

/// Label of a call of a child to its scheduler: who am I? Answer: word 0 = the child's number, from 1
/// on; word 1 = a number for the scheduler, the same for all its children.
pub const JOIN: u32 = 2;
/// I am about to look at lock word 0.
pub const LOOK: u32 = 3;
/// I wait for lock word 0, which child word 1 holds, until the machine-wide clock has reached word 2,
/// and lend that child my turns. Answer: [`super::DONE`] (look again), [`LATE`], [`HOLDER_STOPPED`],
/// [`DEADLOCK`].
pub const WAIT: u32 = 4;
/// I have released lock word 0, for which somebody waits or is about to.
pub const RELEASE: u32 = 5;
/// Treat me as one of level word 0 if that is more urgent than my own; 0: no longer. Answer:
/// [`super::DONE`], [`super::REFUSED`].
pub const LEVEL: u32 = 6;
/// Answer: the lock was not released in time.
pub const LATE: u32 = 0x102;
/// Answer: the holder is stopped by a fault that nobody handles.
pub const HOLDER_STOPPED: u32 = 0x103;
/// Answer: the holder waits, perhaps through others, for the caller.
pub const DEADLOCK: u32 = 0x104;

/// What a child is to locks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wait {
    /// Nothing.
    No,
    /// It looks at this lock; true: that was released since.
    Looks(u64, bool),
    /// It waits.
    Waits { lock: u64, holder: usize, token: Token, until_ns: u64 },
}

/// What a wait begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begun {
    /// The child waits, and will be answered.
    Waits,
    /// The lock was released since the child looked.
    LookAgain,
    /// The holder waits for the child.
    Deadlock,
}

/// What all children are to locks.
#[derive(Clone, Debug)]
pub struct Lending {
    waits: [Wait; CHILDREN],
    /// Bit by child: it waits.
    waiting: u64,
}

impl Default for Lending {
    fn default() -> Self {
        Self::new()
    }
}

impl Lending {
    /// Nobody waits.
    pub const fn new() -> Lending {
        const { assert!(CHILDREN <= u64::BITS as usize) }
        Lending { waits: [Wait::No; CHILDREN], waiting: 0 }
    }

    /// The child is about to look at a lock.
    pub fn look(&mut self, child: usize, lock: u64) {
        self.set(child, Wait::Looks(lock, false));
    }

    /// The child, which has looked at the lock and found that `holder` has it, waits.
    pub fn wait(
        &mut self,
        child: usize,
        lock: u64,
        holder: usize,
        token: Token,
        until_ns: u64,
    ) -> Begun {
        if self.waits.get(child) != Some(&Wait::Looks(lock, false)) {
            return Begun::LookAgain;
        }
        self.set(child, Wait::No);
        if self.stands_in(holder) == child {
            return Begun::Deadlock;
        }
        self.set(child, Wait::Waits { lock, holder, token, until_ns });
        Begun::Waits
    }

    /// Whoever looks at this lock will look again.
    pub fn released(&mut self, lock: u64) {
        for wait in &mut self.waits {
            if *wait == Wait::Looks(lock, false) {
                *wait = Wait::Looks(lock, true);
            }
        }
    }

    /// Ends the wait of one child that waits for this lock: the child, and what to answer to.
    pub fn take_waiter(&mut self, lock: u64) -> Option<(usize, Token)> {
        self.take(|wait| matches!(wait, Wait::Waits { lock: of, .. } if *of == lock))
    }

    /// Ends the wait of one child that waits for what `child` holds.
    pub fn take_waiter_for(&mut self, child: usize) -> Option<(usize, Token)> {
        self.take(|wait| matches!(wait, Wait::Waits { holder, .. } if *holder == child))
    }

    /// Ends the wait of one child that has waited until `now_ns` or longer.
    pub fn take_late(&mut self, now_ns: u64) -> Option<(usize, Token)> {
        self.take(|wait| matches!(wait, Wait::Waits { until_ns, .. } if *until_ns <= now_ns))
    }

    /// When the first one has waited long enough.
    pub fn earliest_ns(&self) -> Option<u64> {
        let ends = self.waiting().filter_map(|child| match self.waits[child] {
            Wait::Waits { until_ns, .. } => Some(until_ns),
            _ => None,
        });
        ends.min()
    }

    /// The child's wait is over, whatever ended it.
    #[inline]
    pub fn leave(&mut self, child: usize) {
        if self.waiting & bit(child) != 0 {
            self.set(child, Wait::No);
        }
    }

    /// Who runs when it is the child's turn: itself, unless it waits.
    #[inline]
    pub fn stands_in(&self, child: usize) -> usize {
        let mut last = child;
        // A chain is no longer than there are children: `wait` makes no cycle.
        for _ in 0..CHILDREN {
            match self.waits.get(last) {
                Some(Wait::Waits { holder, .. }) => last = *holder,
                _ => break,
            }
        }
        last
    }

    /// Bit by child: it lends its turns to this one.
    #[inline]
    pub fn helpers(&self, child: usize) -> u64 {
        let helps = |other: &usize| *other != child && self.stands_in(*other) == child;
        self.waiting().filter(helps).fold(0, |helpers, other| helpers | bit(other))
    }

    fn waiting(&self) -> impl Iterator<Item = usize> + use<> {
        children(self.waiting)
    }

    fn take(&mut self, wanted: impl Fn(&Wait) -> bool) -> Option<(usize, Token)> {
        let child = self.waiting().find(|child| wanted(&self.waits[*child]))?;
        let Wait::Waits { token, .. } = self.waits[child] else { return None };
        self.set(child, Wait::No);
        Some((child, token))
    }

    fn set(&mut self, child: usize, wait: Wait) {
        let Some(place) = self.waits.get_mut(child) else { return };
        *place = wait;
        match wait {
            Wait::Waits { .. } => self.waiting |= bit(child),
            _ => self.waiting &= !bit(child),
        }
    }
}

/// The bit of a child; 0 for a number that no child has.
#[inline]
pub(super) fn bit(child: usize) -> u64 {
    1_u64.checked_shl(child as u32).unwrap_or(0)
}

/// The children whose bits are set, in order.
#[inline]
pub(super) fn children(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let child = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(child)
    })
}

#[cfg(test)]
mod tests {
    use super::{Begun, Lending, children};
    use cedo_abi::Token;
    use std::vec::Vec;

    const LOCK: u64 = 0x1000;
    const OTHER: u64 = 0x2000;

    fn waits(lending: &mut Lending, child: usize, lock: u64, holder: usize) -> Begun {
        lending.look(child, lock);
        lending.wait(child, lock, holder, Token(child as u64), 10 * child as u64)
    }

    #[test]
    fn turns_go_to_the_end_of_the_chain() {
        let mut lending = Lending::new();
        assert_eq!(waits(&mut lending, 1, LOCK, 0), Begun::Waits);
        assert_eq!(waits(&mut lending, 2, OTHER, 1), Begun::Waits);
        assert_eq!([0, 1, 2, 3].map(|child| lending.stands_in(child)), [0, 0, 0, 3]);
        assert_eq!(children(lending.helpers(0)).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(lending.take_waiter(LOCK), Some((1, Token(1))));
        assert_eq!([0, 1, 2].map(|child| lending.stands_in(child)), [0, 1, 1]);
        assert_eq!(lending.take_waiter(LOCK), None);
    }

    #[test]
    fn a_release_between_looking_and_waiting_is_not_missed() {
        let mut lending = Lending::new();
        lending.look(1, LOCK);
        lending.released(OTHER);
        lending.released(LOCK);
        assert_eq!(lending.wait(1, LOCK, 0, Token(1), 5), Begun::LookAgain);
        assert_eq!(lending.stands_in(1), 1);
        assert_eq!(lending.wait(1, LOCK, 0, Token(1), 5), Begun::LookAgain, "it has not looked");
        assert_eq!(waits(&mut lending, 1, LOCK, 0), Begun::Waits);
    }

    #[test]
    fn a_circle_is_refused_however_long() {
        let mut lending = Lending::new();
        assert_eq!(waits(&mut lending, 0, LOCK, 0), Begun::Deadlock);
        assert_eq!(waits(&mut lending, 1, LOCK, 0), Begun::Waits);
        assert_eq!(waits(&mut lending, 2, LOCK + 1, 1), Begun::Waits);
        assert_eq!(waits(&mut lending, 0, LOCK + 2, 2), Begun::Deadlock);
        assert_eq!(lending.stands_in(2), 0);
    }

    #[test]
    fn waits_end_in_time_or_with_the_holder_or_by_themselves() {
        let mut lending = Lending::new();
        for child in [3, 1, 2] {
            assert_eq!(waits(&mut lending, child, LOCK, 0), Begun::Waits);
        }
        assert_eq!(lending.earliest_ns(), Some(10));
        assert_eq!(lending.take_late(9), None);
        assert_eq!(lending.take_late(10), Some((1, Token(1))));
        lending.leave(2);
        assert_eq!(lending.earliest_ns(), Some(30));
        assert_eq!(lending.take_waiter_for(1), None);
        assert_eq!(lending.take_waiter_for(0), Some((3, Token(3))));
        assert_eq!(lending.earliest_ns(), None);
    }
}
