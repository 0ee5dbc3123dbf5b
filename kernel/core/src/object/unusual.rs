//! What keeps a thread from the short cut of calls and replies.
//!
//! Some of it is said here alone, some of it other fields say too: those are asserted to agree on every
//! exit of a debug kernel (`crate::invariants`).

use super::thread::Thread;
use crate::ipc::repeat::Repeat;
use cedo_machine::{Context, Fault};

/// What keeps a thread from the short cut ([`crate::ipc::short_cut`]): eight bytes, all zero for most
/// threads at most times, so that one comparison tells.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(C)]
pub struct Unusual {
    /// Ready, but its open receive has yet to be completed when it runs.
    pub latched: bool,
    /// Its receive asked for these groups of register state.
    pub want_state: u8,
    /// It has never been started.
    pub is_new: bool,
    /// It is about to be given to another core: who comes to wait for it from another core hears an
    /// error.
    pub leaving: bool,
    /// Its system calls are exceptions.
    pub foreign: bool,
    /// It makes its last call again: there is a [`repeat`](Thread::repeat).
    pub repeats: bool,
    /// There is a [fault](Thread::in_fault).
    pub faulted: bool,
    /// It has children, or is a root.
    pub schedules: bool,
}

impl Unusual {
    /// Nothing.
    pub const NOTHING: Unusual = Unusual {
        latched: false,
        want_state: 0,
        is_new: false,
        leaving: false,
        foreign: false,
        repeats: false,
        faulted: false,
        schedules: false,
    };

    /// True if there is nothing.
    #[inline(always)]
    pub const fn is_nothing(&self) -> bool {
        self.bits() == 0
    }

    /// True if there is nothing but that it schedules.
    #[inline(always)]
    pub const fn is_duty_alone(&self) -> bool {
        const DUTY: Unusual = Unusual { schedules: true, ..Unusual::NOTHING };
        self.bits() == DUTY.bits()
    }

    #[inline(always)]
    const fn bits(&self) -> u64 {
        let low = [self.latched as u8, self.want_state, self.is_new as u8, self.leaving as u8];
        let high = [self.foreign, self.repeats, self.faulted, self.schedules];
        let [a, b, c, d] = low;
        let [e, f, g, h] = [high[0] as u8, high[1] as u8, high[2] as u8, high[3] as u8];
        u64::from_ne_bytes([a, b, c, d, e, f, g, h])
    }
}

impl<C: Context> Thread<C> {
    /// It waits for the end of `fault`, or of none.
    #[inline]
    pub fn set_fault(&mut self, fault: Option<Fault>) {
        self.unusual.faulted = fault.is_some();
        self.in_fault = fault;
    }

    /// It is in no fault.
    #[inline]
    pub fn leave_fault(&mut self) {
        if self.unusual.faulted {
            self.set_fault(None);
        }
    }

    /// It makes its call again, or not.
    #[inline]
    pub fn set_repeat(&mut self, repeat: Option<Repeat>) -> Option<Repeat> {
        self.unusual.repeats = repeat.is_some();
        core::mem::replace(&mut self.repeat, repeat)
    }
}
