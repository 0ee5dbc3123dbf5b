//! The stamp of a slot: which content it has, whether something depends on that, and whether that is
//! being taken back.
//!
//! ```text
//! 63 ........ 16 | 15 ... 3 | 2     | 1        | 0
//! sequence       | 0        | going | revoking | has dependents
//! ```
//!
//! One word, because of what must not come apart: who makes something by means of the slot sets a
//! flag only while the sequence is what it read ([`claim`]); who empties the slot raises the sequence
//! only while no flag is set ([`free`]). Whichever is first, the other fails. *Going* keeps the slot
//! from being claimed until its content is empty too ([`raise`]).

use cedo_machine::atomic::{AtomicU64, Ordering};

/// Something depends on the slot: it is neither dropped nor moved.
pub const HAS_DEPENDENTS: u64 = 1;
/// A revocation has begun and not ended.
pub const REVOKING: u64 = 2;
/// The content is about to be emptied.
const GOING: u64 = 4;
/// Bits below the sequence.
const FLAG_BITS: u32 = 16;

/// The stamp of a slot, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp(u64);

/// Why a slot keeps its stamp.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It has another content than was meant.
    Changed,
    /// Something depends on it, or is being taken back.
    InUse,
}

impl Stamp {
    /// Differs for every content the slot ever had, and for before and after a revocation.
    pub const fn sequence(self) -> u64 {
        self.0 >> FLAG_BITS
    }

    /// [`HAS_DEPENDENTS`], [`REVOKING`].
    pub const fn flags(self) -> u64 {
        self.0 & ((1 << FLAG_BITS) - 1)
    }

    const fn next(self) -> u64 {
        (self.0 >> FLAG_BITS).wrapping_add(1) << FLAG_BITS
    }
}

/// Reads a stamp.
pub fn read(stamp: &AtomicU64) -> Stamp {
    Stamp(stamp.load(Ordering::Acquire))
}

/// Notes that something depends on the content `sequence`. False if that is gone.
pub fn claim(stamp: &AtomicU64, sequence: u64) -> bool {
    let is_there = |word| Stamp(word).sequence() == sequence && word & GOING == 0;
    let noted = stamp.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
        (is_there(word) && word & HAS_DEPENDENTS == 0).then_some(word | HAS_DEPENDENTS)
    });
    noted.is_ok() || noted.is_err_and(is_there)
}

/// Lets the content go if no flag is set, and if it is `expected`, where that matters. The caller is
/// the only writer of the slot, empties the content, and then calls [`raise`].
pub fn free(stamp: &AtomicU64, expected: Option<u64>) -> Result<(), Refused> {
    let is_meant = |word| expected.is_none_or(|it| it == Stamp(word).sequence());
    let going = stamp.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
        (is_meant(word) && Stamp(word).flags() == 0).then(|| Stamp(word).next() | GOING)
    });
    match going {
        Ok(_) => Ok(()),
        Err(word) if is_meant(word) => Err(Refused::InUse),
        Err(_) => Err(Refused::Changed),
    }
}

/// Raises the sequence and clears the flags. The content is empty.
pub fn raise(stamp: &AtomicU64) {
    let raise = |word| Some(Stamp(word).next());
    let _ = stamp.fetch_update(Ordering::AcqRel, Ordering::Relaxed, raise);
}

/// Begins a revocation: nothing depends on the new sequence. False if the stamp is not `seen` any more.
pub fn kill(stamp: &AtomicU64, seen: Stamp) -> bool {
    let killed = seen.next() | REVOKING;
    stamp.compare_exchange(seen.0, killed, Ordering::AcqRel, Ordering::Relaxed).is_ok()
}

/// Ends a revocation. True if nothing depends on the slot; false if something was made meanwhile, or
/// the stamp is not `seen` any more.
pub fn end(stamp: &AtomicU64, seen: Stamp) -> bool {
    let idle = seen.0 & !REVOKING;
    let ended = stamp.compare_exchange(seen.0, idle, Ordering::AcqRel, Ordering::Acquire).is_ok();
    ended && Stamp(idle).flags() == 0
}
