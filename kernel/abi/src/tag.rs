//! Message tags and the labels the kernel uses.
//!
//! ```text
//! 63 ......... 32 | 31 ..... 16 | 15 ........ 8 | 7 ........ 0
//! label           | flags       | typed items   | untyped words
//! ```

use crate::MESSAGE_WORDS;
use crate::item::MAX_ITEMS;

/// What a message is: its label, its length, its flags.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Tag(pub u64);

/// Set by the kernel in its own messages and cleared in everybody else's.
pub const KERNEL: u64 = 1 << 16;

impl Tag {
    /// A user message with `words` untyped words.
    pub const fn new(label: u32, words: usize) -> Tag {
        Tag((label as u64) << 32 | words as u64)
    }

    /// A message of the kernel.
    pub const fn of_kernel(label: Label, words: usize) -> Tag {
        Tag((label as u64) << 32 | KERNEL | words as u64)
    }

    /// The same message with `items` typed items, listed in the UTCB.
    pub const fn with_items(self, items: usize) -> Tag {
        Tag(self.0 & !0xff00 | (items as u64) << 8)
    }

    /// The label.
    pub const fn label(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The number of untyped words as written: 0-64 where valid.
    pub const fn words(self) -> usize {
        (self.0 & 0xff) as usize
    }

    /// The number of typed items.
    pub const fn typed_items(self) -> usize {
        (self.0 >> 8 & 0xff) as usize
    }

    /// The label if the kernel wrote this message.
    pub const fn kernel_label(self) -> Option<Label> {
        if self.0 & KERNEL == 0 { None } else { Label::from_number(self.label()) }
    }

    /// This tag as a user may send it, or nothing if it is malformed.
    pub const fn from_user(raw: u64) -> Option<Tag> {
        let tag = Tag(raw & !(0xffff << 16));
        if tag.words() > MESSAGE_WORDS || tag.typed_items() > MAX_ITEMS { None } else { Some(tag) }
    }
}

/// Labels of the kernel's messages (DESIGN.md section 5).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Label {
    /// An interrupt or a more urgent arrival took the processor from this child.
    Preempted = 1,
    /// The child gave its grant back.
    Yielded = 2,
    /// Winner bits chose another thread.
    Lost = 3,
    /// The child waited and could run now.
    Woken = 4,
    /// The grantee waits and nobody runs on its account.
    Blocked = 5,
    /// A child that was never dispatched, or that was just given to this scheduler.
    New = 6,
    /// A scheduler below cannot hear of a preempted child; the message names one.
    Stuck = 7,
    /// A lease ran out. (Reserved: DESIGN.md section 9.)
    Lease = 8,
    /// A page fault or exception: to a handler; or, without one, to the scheduler.
    Fault = 9,
    /// An interrupt.
    Irq = 10,
    /// To a root: nothing is left to run. To any scheduler, without cookie and token: what it was to
    /// be told of is void by now, choose anew.
    Idle = 11,
    /// To a root: another core's `kick`.
    Kick = 12,
}

impl Label {
    /// The label with this number.
    pub const fn from_number(number: u32) -> Option<Label> {
        Some(match number {
            1 => Label::Preempted,
            2 => Label::Yielded,
            3 => Label::Lost,
            4 => Label::Woken,
            5 => Label::Blocked,
            6 => Label::New,
            7 => Label::Stuck,
            8 => Label::Lease,
            9 => Label::Fault,
            10 => Label::Irq,
            11 => Label::Idle,
            12 => Label::Kick,
            _ => return None,
        })
    }
}
