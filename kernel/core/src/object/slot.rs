//! One slot of a capability table: four words that are read without a lock.
//!
//! ```text
//! word 0   name
//! word 1   sequence (40) | what (24)
//! word 2   badge
//! word 3   count
//! ```
//!
//! Word 1 is cleared first and written last, and its sequence differs for every content a slot ever
//! had: a reader that sees the same word 1 before and after has read one content. The two fences
//! pair up: who reads a word of the next content also sees that word 1 was cleared before it.

use cedo_machine::atomic::{AtomicU64, Ordering, fence};

/// Words of a slot.
pub const SLOT_WORDS: usize = 4;
/// Bits of `what`; the sequence is above them.
const WHAT_BITS: u32 = 24;
/// The `what` of a slot without content.
const EMPTY: u32 = 0;

/// The words of a slot.
pub type Slot = [AtomicU64; SLOT_WORDS];

/// What is in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Content {
    /// Kind and rights, 24 bits; not 0.
    pub what: u32,
    /// Word 0.
    pub name: u64,
    /// Word 2.
    pub badge: u64,
    /// Word 3.
    pub count: u64,
}

/// Reads a slot. Nothing if it is empty, or changes meanwhile: then it was empty in between.
#[inline]
pub fn read(slot: &Slot) -> Option<Content> {
    let head = slot[1].load(Ordering::Acquire);
    let name = slot[0].load(Ordering::Relaxed);
    let badge = slot[2].load(Ordering::Relaxed);
    let count = slot[3].load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    let what = head as u32 & ((1 << WHAT_BITS) - 1);
    let whole = slot[1].load(Ordering::Relaxed) == head && what != EMPTY;
    whole.then_some(Content { what, name, badge, count })
}

/// Reads a slot but for the word *count*: `what`, `name` and `badge`.
#[inline(always)]
pub fn read_gate(slot: &Slot) -> Option<(u32, u64, u64)> {
    let head = slot[1].load(Ordering::Acquire);
    let name = slot[0].load(Ordering::Relaxed);
    let badge = slot[2].load(Ordering::Relaxed);
    fence(Ordering::Acquire);
    let whole = slot[1].load(Ordering::Relaxed) == head;
    whole.then_some((head as u32 & ((1 << WHAT_BITS) - 1), name, badge))
}

/// Replaces what is in a slot. The caller is the only writer.
pub fn write(slot: &Slot, content: &Content) {
    let sequence = clear(slot);
    slot[0].store(content.name, Ordering::Relaxed);
    slot[2].store(content.badge, Ordering::Relaxed);
    slot[3].store(content.count, Ordering::Relaxed);
    slot[1].store(sequence | u64::from(content.what), Ordering::Release);
}

/// Empties a slot and answers its sequence, in place. The caller is the only writer.
pub fn clear(slot: &Slot) -> u64 {
    let sequence = (slot[1].load(Ordering::Relaxed) >> WHAT_BITS).wrapping_add(1) << WHAT_BITS;
    slot[1].store(sequence | u64::from(EMPTY), Ordering::Relaxed);
    fence(Ordering::Release);
    sequence
}
