//! Stacks for further threads of a program, where the program makes them itself.
//!
//! (Threads that the system description names get their stacks from init.)

use crate::ThisThread;
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::system::place;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use core::sync::atomic::{AtomicBool, Ordering};

/// Memory for one thread's stack; meant for a `static`.
#[repr(C, align(16))]
pub struct Stack<const BYTES: usize> {
    bytes: UnsafeCell<[u8; BYTES]>,
    taken: AtomicBool,
}

// SAFETY: the bytes are touched by whoever changed `taken` from false to true, and later by the one
// thread that runs on them.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}

/// What to create a thread with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Its instruction pointer.
    pub instruction: u64,
    /// Its stack pointer.
    pub stack: u64,
    /// Address of its UTCB.
    pub utcb: u64,
}

/// What the thread finds at the top of its stack.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
pub(crate) struct Prepared {
    pub start: fn(ThisThread, u64),
    pub utcb: u64,
    pub argument: u64,
    pub environment: &'static [u8],
}

/// Words that a thread finds from its first stack pointer on.
pub const FIRST_WORDS: usize = size_of::<Prepared>() / 8;

/// What a thread of another Space with the same image must find from its first stack pointer on (a
/// multiple of 16), to run `start` with `argument` and the UTCB at `utcb`; and its first instruction.
/// It has no environment.
pub fn first_words(
    start: fn(ThisThread, u64),
    utcb: u64,
    argument: u64,
) -> (u64, [u64; FIRST_WORDS]) {
    let mut words = [0; FIRST_WORDS];
    let nothing: &'static [u8] = &[];
    let values = [
        (offset_of!(Prepared, start), start as *const () as u64),
        (offset_of!(Prepared, utcb), utcb),
        (offset_of!(Prepared, argument), argument),
        // A slice is its address and its length, in this order on every compiler there is; the test
        // below would fail on another.
        (offset_of!(Prepared, environment), nothing.as_ptr() as u64),
    ];
    for (offset, value) in values {
        words[offset / 8] = value;
    }
    (entry(), words)
}

impl<const BYTES: usize> Default for Stack<BYTES> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const BYTES: usize> Stack<BYTES> {
    /// An unused stack.
    pub const fn new() -> Self {
        const { assert!(BYTES.is_multiple_of(16) && BYTES >= 1024) }
        Stack { bytes: UnsafeCell::new([0; BYTES]), taken: AtomicBool::new(false) }
    }

    /// Prepares the stack for one thread that runs `start` with `argument`, whose UTCB will be at
    /// `utcb`, and which shares the environment of `maker`. Nothing if the stack is taken, or the
    /// address is not that of a page in the area for UTCBs ([`place::UTCB`]).
    pub fn prepare(
        &'static self,
        maker: &ThisThread,
        start: fn(ThisThread, u64),
        utcb: u64,
        argument: u64,
    ) -> Option<Start> {
        let area = place::UTCB..place::ENVIRONMENT;
        if !area.contains(&utcb) || !utcb.is_multiple_of(PAGE_SIZE) {
            return None;
        }
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        let environment = maker.environment();
        let top = self.bytes.get().cast::<Prepared>().wrapping_byte_add(BYTES);
        let first = top.wrapping_sub(1);
        // SAFETY: the place is inside `bytes`, aligned (both are to 16), and nobody else's since
        // `taken` was false.
        unsafe { first.write(Prepared { start, utcb, argument, environment }) };
        Some(Start { instruction: entry(), stack: first as u64, utcb })
    }
}

#[cfg(target_os = "none")]
fn entry() -> u64 {
    crate::raw::thread_entry as *const () as u64
}

#[cfg(not(target_os = "none"))]
fn entry() -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::{FIRST_WORDS, Prepared, Stack, first_words};
    use crate::ThisThread;
    use cedo_abi::system::place;

    #[test]
    fn a_stack_is_given_out_once_and_only_with_a_possible_utcb() {
        static STACK: Stack<1024> = Stack::new();
        let maker = ThisThread::for_tests(&[]);
        assert!(STACK.prepare(&maker, |_, _| (), 0x20_0000, 0).is_none());
        assert!(STACK.prepare(&maker, |_, _| (), place::UTCB + 1, 0).is_none());
        let start = STACK.prepare(&maker, |_, _| (), place::UTCB, 7).expect("first");
        assert_eq!(start.stack % 16, 0);
        assert!(STACK.prepare(&maker, |_, _| (), place::UTCB, 7).is_none());
    }

    #[test]
    #[cfg_attr(miri, ignore = "calls an address that was a number")]
    fn first_words_are_what_a_prepared_thread_reads() {
        #[repr(C, align(16))]
        struct Place([u64; FIRST_WORDS]);
        let (_, words) = first_words(|_, _| (), 0x1234_5000, 7);
        let place = Place(words);
        // SAFETY: the place has the size and alignment of the structure, and holds its fields.
        let read = unsafe { (&raw const place).cast::<Prepared>().read() };
        assert_eq!((read.utcb, read.argument), (0x1234_5000, 7));
        assert!(read.environment.is_empty());
        (read.start)(ThisThread::for_tests(&[]), 0);
    }
}
