//! Typed access to what lives in frames.
//!
//! Here: one object at a time; [`current`]: the thread that runs, and with it a second one.

pub mod current;

use crate::frame_table::{Entry, FrameKind, FrameTable};
use crate::mail::Mail;
use cedo_machine::atomic::{AtomicU8, AtomicU64, Ordering};
use cedo_machine::{CoreNumber, Frame};
use cedo_mmio::Window;
use core::marker::PhantomData;
use core::num::NonZeroU32;
use core::ptr::{NonNull, null_mut};
use current::Noted;

/// A frame seen as words.
pub type Words = [AtomicU64; 512];

/// Bytes of a frame that the thread itself may use; its [`Mail`] follows.
pub const THREAD_BYTES: usize = 3072;
/// Words at the end of an object's frame that every core may read and write.
pub const TAIL_WORDS: usize = 8;
/// Bytes of a frame before its tail.
const BODY_BYTES: usize = 4096 - size_of::<Tail>();

/// The end of an object's frame: what all cores may know of it.
pub type Tail = [AtomicU64; TAIL_WORDS];

macro_rules! object_id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// The object in `frame`; none in frame 0.
            #[inline]
            pub const fn new(frame: Frame) -> Option<$name> {
                match NonZeroU32::new(frame.0) {
                    Some(number) => Some($name(number)),
                    None => None,
                }
            }

            /// From the number of a frame; none for 0.
            #[inline]
            pub const fn from_number(number: u32) -> Option<$name> {
                $name::new(Frame(number))
            }

            /// Its frame.
            #[inline]
            pub const fn frame(self) -> Frame {
                Frame(self.0.get())
            }

            /// The number of its frame, never 0.
            #[inline]
            pub const fn number(self) -> NonZeroU32 {
                self.0
            }
        }
    };
}

object_id!(ThreadId, "Names a thread by its frame. Says nothing about whether it still exists.");
object_id!(SpaceId, "Names a Space by its frame.");
object_id!(IrqId, "Names an interrupt object by its frame.");

/// The types that the kernel core keeps in frames, one per kind.
pub trait Types: 'static {
    /// In a frame of kind *Thread*: at most [`THREAD_BYTES`] bytes, aligned to at most 64.
    type Thread: Copy + 'static;
    /// In a frame of kind *Irq*.
    type Irq: Copy + 'static;
    /// In a frame of kind *Space*; shared by all cores.
    type Space: Sync + 'static;
}

/// Hands out one [`Objects`] per core.
#[derive(Debug, Default)]
pub struct Claims(AtomicU8);

impl Claims {
    /// Nothing handed out.
    pub fn new() -> Claims {
        Claims(AtomicU8::new(0))
    }
}

/// Everything that one core may touch in frames.
pub struct Objects<T: Types> {
    window: Window,
    table: FrameTable,
    core: CoreNumber,
    /// The lower part of the entry of a thread of this core.
    thread_here: u16,
    noted: Noted,
    types: PhantomData<T>,
}

impl<T: Types> Objects<T> {
    const FITS: () = {
        assert!(size_of::<T::Thread>() <= THREAD_BYTES && align_of::<T::Thread>() <= 64);
        assert!(THREAD_BYTES + size_of::<Mail>() <= BODY_BYTES);
        assert!(size_of::<T::Space>() <= BODY_BYTES && align_of::<T::Space>() <= 64);
        assert!(size_of::<T::Irq>() <= BODY_BYTES && align_of::<T::Irq>() <= 64);
    };

    /// The access of `core`; nothing if it has been handed out.
    pub fn new(
        claims: &Claims,
        window: Window,
        table: FrameTable,
        core: CoreNumber,
    ) -> Option<Objects<T>> {
        let () = Self::FITS;
        let bit = 1 << core.0;
        let taken = claims.0.fetch_or(bit, Ordering::AcqRel) & bit != 0;
        (!taken).then_some(Objects {
            window,
            table,
            core,
            thread_here: Entry::home_and_kind(FrameKind::Thread, core),
            noted: Noted(null_mut()),
            types: PhantomData,
        })
    }

    /// The frame table.
    #[inline]
    pub const fn table(&self) -> FrameTable {
        self.table
    }

    /// The core that this access belongs to.
    #[inline]
    pub const fn core(&self) -> CoreNumber {
        self.core
    }

    /// True if `id` is a thread of this core.
    #[inline]
    pub fn is_here(&self, id: ThreadId) -> bool {
        self.table.entry(id.frame()).has(self.thread_here)
    }

    /// A thread of this core.
    #[inline]
    pub fn thread(&mut self, id: ThreadId) -> &mut T::Thread {
        self.expect_thread(id.frame());
        // SAFETY: the frame holds a thread whose home is this core (just checked), which only this
        // `Objects` reaches until it hands it over; `self` is borrowed for as long as the reference lives.
        unsafe { &mut *self.address(id.frame()).cast::<T::Thread>() }
    }

    /// A thread of this core, to look at.
    #[inline]
    pub fn thread_ref(&self, id: ThreadId) -> &T::Thread {
        self.expect_thread(id.frame());
        // SAFETY: as in `thread`; shared, because `self` is.
        unsafe { &*self.address(id.frame()).cast::<T::Thread>() }
    }

    /// Two different threads of this core.
    #[inline]
    pub fn threads(&mut self, a: ThreadId, b: ThreadId) -> (&mut T::Thread, &mut T::Thread) {
        self.expect_thread(a.frame());
        self.expect_thread(b.frame());
        if a == b {
            broken(a.frame());
        }
        let (a, b) = (self.address(a.frame()), self.address(b.frame()));
        // SAFETY: as in `thread`.
        let first = unsafe { &mut *a.cast::<T::Thread>() };
        // SAFETY: as in `thread`, and another frame than `a`.
        let second = unsafe { &mut *b.cast::<T::Thread>() };
        (first, second)
    }

    /// Gives a thread of this core, whose mail is at home, to core `to`. From now on it is that core's:
    /// this one reaches it no more.
    pub fn hand_over(&mut self, id: ThreadId, to: CoreNumber) {
        self.expect(id.frame(), FrameKind::Thread);
        self.forget_current(id);
        self.mail_at(id).home.set(u32::from(to.0));
        if !self.table.hand_over(id.frame(), self.core, to) {
            broken(id.frame());
        }
    }

    /// Ends a thread of this core: every capability for it is stale from now on, and nobody reaches it.
    pub fn retire(&mut self, id: ThreadId) {
        self.expect(id.frame(), FrameKind::Thread);
        self.forget_current(id);
        self.table.retire(id.frame());
    }

    /// An interrupt object of this core.
    #[inline]
    pub fn irq(&mut self, id: IrqId) -> &mut T::Irq {
        self.expect(id.frame(), FrameKind::Irq);
        // SAFETY: as in `thread`, with the kind *Irq*.
        unsafe { &mut *self.address(id.frame()).cast::<T::Irq>() }
    }

    /// The mail of a thread of any core.
    #[inline]
    pub fn mail(&self, id: ThreadId) -> &Mail {
        if !self.table.entry(id.frame()).is_of(FrameKind::Thread) {
            broken(id.frame());
        }
        self.mail_at(id)
    }

    /// The mail of a thread of any core that may be gone; nothing if it is. What is read of it may be
    /// out of date by then.
    #[inline]
    pub fn try_mail(&self, id: ThreadId) -> Option<&Mail> {
        let is_thread = self.table.entry(id.frame()).kind() == FrameKind::Thread;
        is_thread.then(|| self.mail_at(id))
    }

    /// The mail of a thread that may have been retired while its mail was under way; what is in the
    /// frame stays until it is released.
    #[inline]
    fn mail_at(&self, id: ThreadId) -> &Mail {
        let address = self.address(id.frame()).wrapping_add(THREAD_BYTES);
        // SAFETY: a thread's frame has a mail from its claim until its release, all of atomics.
        unsafe { &*address.cast::<Mail>() }
    }

    /// The tail of an object of any core; nothing if the frame holds none (any more).
    #[inline]
    pub fn tail(&self, frame: Frame) -> Option<&Tail> {
        let kind = self.table.entry(frame).kind();
        matches!(kind, FrameKind::Thread | FrameKind::Irq | FrameKind::Space)
            .then(|| self.tail_at(frame))
    }

    /// The tail of an object that exists or is being made; what is there stays until the frame is
    /// released.
    fn tail_at(&self, frame: Frame) -> &Tail {
        let address = self.address(frame).wrapping_add(BODY_BYTES);
        // SAFETY: the frame is in the window; what the types own ends before (asserted in `FITS`),
        // and the rest is atomic words for everybody.
        unsafe { &*address.cast::<Tail>() }
    }

    fn fill_tail(&self, frame: Frame, tail: &[u64; TAIL_WORDS]) {
        let address = self.address(frame).wrapping_add(BODY_BYTES);
        // SAFETY: as in `claim_thread`; the types end before (asserted in `FITS`).
        unsafe { address.cast::<Tail>().write(tail.map(AtomicU64::new)) };
    }

    /// A Space, perhaps one that another core has just retired.
    #[inline]
    pub fn space(&self, id: SpaceId) -> &T::Space {
        let kind = self.table.entry(id.frame()).kind();
        if !matches!(kind, FrameKind::Space | FrameKind::QuietSpace) {
            broken(id.frame());
        }
        // SAFETY: the frame holds a Space until it is released, which waits for this core to leave
        // the kernel, and the type is `Sync`.
        unsafe { &*self.address(id.frame()).cast::<T::Space>() }
    }

    /// A frame that is plain words to the kernel: user memory, UTCB, page or capability table.
    #[inline]
    pub fn words(&self, frame: Frame) -> Option<&Words> {
        if !self.table.entry(frame).kind().is_words() {
            return None;
        }
        // SAFETY: the frame is in the window, Rust owns no object there, and words are atomic, so
        // that users and other cores may write it at any time.
        Some(unsafe { &*self.address(frame).cast::<Words>() })
    }

    /// A frame of this kind, of those that are plain words.
    #[inline(always)]
    pub fn words_of(&self, frame: Frame, kind: FrameKind) -> Option<&Words> {
        if !kind.is_words() || !self.table.known(frame)?.is_of(kind) {
            return None;
        }
        let address = NonNull::new(self.address(frame));
        // SAFETY: the window does not begin at address 0 and does not wrap.
        let address = unsafe { address.unwrap_unchecked() };
        // SAFETY: as in `words`.
        Some(unsafe { address.cast::<Words>().as_ref() })
    }

    /// Claims `frame` for a thread of core `home` and puts `value`, a fresh mail and `tail` there.
    pub fn claim_thread(
        &mut self,
        frame: Frame,
        home: CoreNumber,
        value: T::Thread,
        tail: &[u64; TAIL_WORDS],
    ) -> bool {
        let Some(id) = ThreadId::new(frame) else { return false };
        // Claimed as words first, so that the thread is complete before its home core can see it.
        if !self.table.claim(frame, FrameKind::Stock, home) {
            return false;
        }
        let address = self.address(frame);
        // SAFETY: the frame is this core's alone while it is claimed and not known as a thread.
        unsafe { address.cast::<T::Thread>().write(value) };
        let mail = address.wrapping_add(THREAD_BYTES).cast::<Mail>();
        // SAFETY: as above; the mail fits behind the thread (asserted in `FITS`).
        unsafe { mail.write(Mail::default()) };
        self.mail_at(id).home.set(u32::from(home.0));
        self.fill_tail(frame, tail);
        self.table.reveal(frame, FrameKind::Thread, home)
    }

    /// Claims `frame` for an interrupt object of this core.
    pub fn claim_irq(&mut self, frame: Frame, value: T::Irq, tail: &[u64; TAIL_WORDS]) -> bool {
        let home = self.core;
        if IrqId::new(frame).is_none() || !self.table.claim(frame, FrameKind::Stock, home) {
            return false;
        }
        // SAFETY: as in `claim_thread`.
        unsafe { self.address(frame).cast::<T::Irq>().write(value) };
        self.fill_tail(frame, tail);
        self.table.reveal(frame, FrameKind::Irq, home)
    }

    /// Claims `frame` for a Space.
    pub fn claim_space(&mut self, frame: Frame, value: T::Space, tail: &[u64; TAIL_WORDS]) -> bool {
        if SpaceId::new(frame).is_none()
            || !self.table.claim(frame, FrameKind::Stock, CoreNumber(0))
        {
            return false;
        }
        // SAFETY: as in `claim_thread`.
        unsafe { self.address(frame).cast::<T::Space>().write(value) };
        self.fill_tail(frame, tail);
        self.table.reveal(frame, FrameKind::Space, CoreNumber(0))
    }

    /// Claims `frame` as words of `kind`, all zero.
    pub fn claim_words(&mut self, frame: Frame, kind: FrameKind) -> bool {
        if frame.0 == 0 || !kind.is_words() || !self.table.claim(frame, kind, CoreNumber(0)) {
            return false;
        }
        if let Some(words) = self.words(frame) {
            words.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        }
        true
    }

    /// As `expect`, of a thread: what it is to be is known already.
    #[inline]
    fn expect_thread(&self, frame: Frame) {
        if !self.table.entry(frame).has(self.thread_here) {
            broken(frame);
        }
    }

    #[inline]
    fn expect(&self, frame: Frame, kind: FrameKind) {
        if !self.table.entry(frame).is(kind, self.core) {
            broken(frame);
        }
    }

    #[inline]
    fn address(&self, frame: Frame) -> *mut u8 {
        self.window.base().wrapping_add((frame.0 as usize) << 12)
    }
}

/// A link of the kernel's own names something that is not there: an invariant is broken, and going
/// on would spread it.
#[cold]
#[inline(never)]
fn broken(frame: Frame) -> ! {
    panic!("frame {:#x} does not hold what the kernel thinks", frame.0)
}

#[cfg(test)]
mod tests;
