//! What keeps a thread from the short cut of calls and replies.
//!
//! Some of it is said here alone, some of it other fields say too: those are asserted to agree on every
//! exit of a debug kernel (`crate::invariants`).

use super::thread::Thread;
use crate::ipc::repeat::Repeat;
use cedo_machine::{Context, Fault};

/// One thing that keeps a thread from the short cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reason(u64);

/// Ready, but its open receive has yet to be completed when it runs.
pub const LATCHED: Reason = Reason(1);
/// It has never been started.
pub const NEW: Reason = Reason(1 << 1);
/// It is about to be given to another core: who comes to wait for it from another core hears an error.
pub const LEAVING: Reason = Reason(1 << 2);
/// Its system calls are exceptions.
pub const FOREIGN: Reason = Reason(1 << 3);
/// It makes its last call again: there is a [`repeat`](Thread::repeat).
pub const REPEATING: Reason = Reason(1 << 4);
/// There is a [fault](Thread::in_fault).
pub const FAULTED: Reason = Reason(1 << 5);
/// It has children, or is a root.
pub const SCHEDULES: Reason = Reason(1 << 6);
/// Where the groups of register state are that its receive asked for.
const WANTED_SHIFT: u32 = 8;

/// What keeps a thread from the short cut ([`crate::ipc::short_cut`]): one word, 0 for most threads at most
/// times, so that one comparison tells on every machine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Unusual(u64);

impl Unusual {
    /// This alone.
    pub const fn of(reason: Reason) -> Unusual {
        Unusual(reason.0)
    }

    /// True if there is nothing.
    #[inline(always)]
    pub const fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// True if `reason` applies.
    #[inline(always)]
    pub const fn has(self, reason: Reason) -> bool {
        self.0 & reason.0 != 0
    }

    /// From now on `reason` applies, or not.
    #[inline(always)]
    pub const fn set(&mut self, reason: Reason, applies: bool) {
        self.0 = if applies { self.0 | reason.0 } else { self.0 & !reason.0 };
    }

    /// From now on `reason` does not apply. True if it did.
    #[inline(always)]
    pub const fn take(&mut self, reason: Reason) -> bool {
        let did = self.has(reason);
        self.0 &= !reason.0;
        did
    }

    /// The groups of register state that its receive asked for.
    #[inline(always)]
    pub const fn wanted(self) -> u8 {
        (self.0 >> WANTED_SHIFT) as u8
    }

    /// Its receive asks for these groups of register state.
    #[inline(always)]
    pub const fn set_wanted(&mut self, groups: u8) {
        self.0 = self.0 & !(0xff << WANTED_SHIFT) | (groups as u64) << WANTED_SHIFT;
    }
}

impl<C: Context> Thread<C> {
    /// It waits for the end of `fault`, or of none.
    #[inline]
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.unusual.set(FAULTED, fault.is_some());
        self.in_fault = fault;
    }

    /// It makes its call again, or not.
    #[inline]
    pub fn set_repeat(&mut self, repeat: Option<Repeat>) -> Option<Repeat> {
        self.unusual.set(REPEATING, repeat.is_some());
        core::mem::replace(&mut self.repeat, repeat)
    }
}
