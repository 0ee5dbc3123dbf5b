//! The thread that runs, without asking the frame table; and with it a second one: those between which
//! a message moves.
//!
//! The thread that is noted here is of this core: noting asks, and neither [`Objects::hand_over`] nor
//! [`Objects::retire`], which alone take a thread that has run from its core, leaves it noted.

use super::{Objects, THREAD_BYTES, ThreadId, Types, Words};
use crate::frame_table::{Entry, FrameKind};
use crate::mail::Mail;
use cedo_machine::Frame;
use core::ptr::{NonNull, null_mut};

/// Where the thread is that runs, or null.
pub(super) struct Noted(pub(super) *mut u8);

// SAFETY: an address; what is there is reached through `Objects`, as every other thread of its core.
unsafe impl Send for Noted {}
// SAFETY: as for `Send`.
unsafe impl Sync for Noted {}

/// The thread that runs.
pub struct Current<'a, T: Types> {
    objects: &'a mut Objects<T>,
    address: NonNull<u8>,
}

/// A thread of this core with its mail.
pub struct Party<'a, T: Types> {
    /// The thread itself.
    pub thread: &'a mut T::Thread,
    /// Its mail.
    pub mail: &'a Mail,
}

/// The thread that runs, and another one.
pub struct Pair<'a, T: Types> {
    /// Who runs.
    pub me: Party<'a, T>,
    /// The other.
    pub partner: Party<'a, T>,
    noted: &'a mut Noted,
    partner_address: *mut u8,
}

impl<'a, T: Types> Current<'a, T> {
    /// The thread itself.
    #[inline(always)]
    pub fn thread(&self) -> &T::Thread {
        // SAFETY: the frame holds a thread of this core (module), and it is borrowed as `self` is.
        unsafe { self.address.cast::<T::Thread>().as_ref() }
    }

    /// A frame of `kind`, which is plain words.
    #[inline(always)]
    pub fn words(&self, frame: Frame, kind: FrameKind) -> Option<&Words> {
        self.objects.words_of(frame, kind)
    }

    /// It and the thread in `frame`; nothing if that is no other thread of this core.
    #[inline(always)]
    pub fn with(self, frame: Frame) -> Option<Pair<'a, T>> {
        let is_here = self.objects.table.known(frame)?.has(self.objects.thread_here);
        if is_here { self.pair(frame) } else { None }
    }

    /// The same, by `name`: its generation (32), its frame (32). Nothing also if that frame's thread is of
    /// another generation.
    #[inline(always)]
    pub fn with_exactly(self, name: u64) -> Option<Pair<'a, T>> {
        let frame = Frame(name as u32);
        let expected = Entry::of_name(name, self.objects.thread_here);
        if self.objects.table.known(frame)? == expected { self.pair(frame) } else { None }
    }

    /// It and the thread in `frame`, which is of this core; nothing if they are one.
    #[inline(always)]
    fn pair(self, frame: Frame) -> Option<Pair<'a, T>> {
        let (me, partner) = (self.address.as_ptr(), self.objects.address(frame));
        if me == partner {
            return None;
        }
        Some(Pair {
            me: party(me),
            partner: party(partner),
            noted: &mut self.objects.noted,
            partner_address: partner,
        })
    }
}

impl<'a, T: Types> Pair<'a, T> {
    /// The other one is noted as who runs.
    #[inline(always)]
    pub fn switch(self) -> (Party<'a, T>, Party<'a, T>) {
        self.noted.0 = self.partner_address;
        (self.me, self.partner)
    }
}

impl<T: Types> Objects<T> {
    /// Notes who runs: a thread of this core, or nobody.
    #[inline]
    pub fn set_current(&mut self, id: Option<ThreadId>) {
        self.noted = Noted(match id {
            Some(id) => {
                self.expect(id.frame(), FrameKind::Thread);
                self.address(id.frame())
            }
            None => null_mut(),
        });
    }

    /// Notes that `id`, a thread of this core, runs, and gives it out.
    #[inline(always)]
    pub fn enter(&mut self, id: ThreadId) -> &mut T::Thread {
        self.expect_thread(id.frame());
        let address = self.address(id.frame());
        self.noted = Noted(address);
        // SAFETY: as in `Objects::thread`.
        unsafe { &mut *address.cast::<T::Thread>() }
    }

    /// The thread that is noted.
    #[inline(always)]
    pub fn current(&mut self) -> Option<Current<'_, T>> {
        let address = NonNull::new(self.noted.0)?;
        Some(Current { objects: self, address })
    }

    /// True if this is the thread that is noted.
    #[inline]
    pub fn is_current(&self, id: ThreadId) -> bool {
        self.noted.0 == self.address(id.frame())
    }

    /// `id` is not noted any more, if it was.
    pub fn forget_current(&mut self, id: ThreadId) {
        if self.is_current(id) {
            self.noted = Noted(null_mut());
        }
    }
}

/// The thread at `address`, of this core, to which there is no other reference as long as `Objects` is
/// borrowed for that of the result.
#[inline(always)]
fn party<'a, T: Types>(address: *mut u8) -> Party<'a, T> {
    // SAFETY: the only caller has seen that the frame holds a thread of this core, calls once for each of
    // two frames, and keeps its `&mut Objects` borrowed.
    let thread = unsafe { &mut *address.cast::<T::Thread>() };
    // SAFETY: a thread's frame has a mail from its claim until its release, all of atomics, behind what the
    // thread may use (asserted in `FITS`).
    let mail = unsafe { &*address.wrapping_add(THREAD_BYTES).cast::<Mail>() };
    Party { thread, mail }
}
