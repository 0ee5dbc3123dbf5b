//! Typed items: what travels with a message besides its words (DESIGN.md section 3).
//!
//! A sender lists its items in [`crate::utcb::Utcb::send_items`] and writes their number into the
//! tag. A receiver opens windows for them in [`crate::utcb::Utcb::windows`]: each item goes to the
//! next window of its kind. What arrived, and where, is in [`crate::utcb::Utcb::received_items`].
//!
//! ```text
//! word 0   63 ...... 32 | 31 ..... 16 | 15 ..... 8 | 7 .. 0
//!          0            | rights      | flags      | kind
//!
//!                 word 1               word 2           word 3
//! string          address              bytes            0
//! memory          slot of a Region     first page       pages          (an item)
//!                 address              pages            0              (a window)
//! capability      slot                 first            count, or 0 for all of it
//!                 first slot           slots            0              (a window)
//! ```
//!
//! # Strings
//!
//! A string is one item, or several that [`CONTINUES`] joins; a place for one is one window, or
//! several joined in the same way. Its bytes fill those windows in order, and the next string
//! begins at the next window. The report of an item says where its first byte is and how many
//! bytes there are; an empty one is at address 0 and takes its window all the same, if there is one.
//!
//! # Memory and capabilities
//!
//! They come behind all strings of a message, and get there in the one step in which the message
//! does: nothing of them is ever left half done by a sender that was stopped.
//!
//! - A memory item takes a window of its own. Its pages are mapped from the window's address on with
//!   the access that the item says, at most [`MAX_PAGES`] for all items of a message; larger areas are
//!   given as Regions, and mapped by who gets them. The report says where, how many, and the access.
//! - A capability takes a slot: the next one of the window, or the first of the next window of the
//!   kind. It gets there with the rights that the sender has of those in the item. With [`MOVES`] the
//!   sender's slot is emptied; without, what arrives depends on it. A part of a Region, of Ports or of
//!   Lines is always a copy. The report says in which slot, with which rights, and in words 2 and 3
//!   what kind of object it names and how many frames, ports or lines.
//!
//! # Errors
//!
//! | status | to whom | why |
//! |---|---|---|
//! | `BadArgument` | sender | unknown kind or flag, at an address that no user has, longer than [`MAX_STRING`], goes on in nothing, a string behind another item, more than [`MAX_PAGES`], a part that is none or moves |
//! | `NoCapability`, `WrongKind`, `NoRight` | sender | what it wants to give, it does not have |
//! | `TooDeep`, `HasDependents` | sender | what it wants to give cannot be copied once more, or not moved |
//! | `BadAddress` | both | memory that the kernel cannot reach, such as a device's; a window for memory where no page can be |
//! | `Overflow` | both | no window, or too small: less room, fewer pages, no slot left |
//! | `Occupied` | both | the next slot is taken, or something is mapped in the window |
//! | `NoStock` | both | the receiving Space has no frames for page tables |
//! | `FramesBusy` | both | a frame holds an object, or is mapped too often |
//! | `WrongState` | both | what is given was changed or taken back by another core while it was given |
//! | `PageMissing` | both | a page is not there and nobody waits for whoever could bring it: the partner's, in a reply, with timeout zero, by a root, or where its handler is the other party, or nobody; a root's own |
//! | `Aborted` | whose operation moved the items | somebody cancelled it |
//!
//! With those that both get, and with `Aborted`, words 0 and 1 say how many items had been moved, and
//! how much of the next one: bytes, or pages. What was moved stays where it is. A receiver that waits hears nothing of a message that
//! was sent with timeout zero and found a page missing.

use crate::{Rights, Status};

/// Most typed items of a message, and most windows of a receiver.
pub const MAX_ITEMS: usize = 8;

/// Longest string, all its pieces together, in bytes.
pub const MAX_STRING: u64 = 4 << 20;

/// Bytes of strings that one kernel entry moves at most before it looks for interrupts.
pub const BYTES_PER_ENTRY: u64 = 4096;

/// Most pages that the memory items of a message map, all together.
pub const MAX_PAGES: u64 = crate::call::memory::PAGES_PER_CALL;

/// What an item or window is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ItemKind {
    /// Bytes, copied.
    String = 1,
    /// Pages of a Region, mapped at the receiver's addresses.
    Memory = 2,
    /// A capability, or a part of a Region, Ports or Lines, placed into the receiver's table.
    Capability = 3,
}

impl ItemKind {
    /// How many kinds there are.
    pub const COUNT: usize = 3;
}

/// Flag: the next string item (or window) goes on where this one ends; together they are one string.
pub const CONTINUES: u64 = 1 << 8;
/// Flag of a capability item: the sender's slot is emptied (a grant, not a copy).
pub const MOVES: u64 = 1 << 9;

/// One item, window, or report of what arrived. Untrusted where a user wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Item(pub [u64; 4]);

impl Item {
    /// No item: the end of a list of windows.
    pub const NONE: Item = Item([0; 4]);

    const fn of(kind: ItemKind, flags: u64, rights: u16, words: [u64; 3]) -> Item {
        Item([kind as u64 | flags | (rights as u64) << 16, words[0], words[1], words[2]])
    }

    /// Bytes to send, or room for bytes.
    pub const fn string(address: u64, bytes: u64) -> Item {
        Item::of(ItemKind::String, 0, 0, [address, bytes, 0])
    }

    /// `pages` pages of the Region in `slot` from page `first` on, to be mapped for this access.
    pub const fn memory(slot: u32, first: u64, pages: u64, access: Rights) -> Item {
        Item::of(ItemKind::Memory, 0, access.0, [slot as u64, first, pages])
    }

    /// Room for pages.
    pub const fn memory_window(address: u64, pages: u64) -> Item {
        Item::of(ItemKind::Memory, 0, 0, [address, pages, 0])
    }

    /// A copy of the capability in `slot` with at most `rights`.
    pub const fn capability(slot: u32, rights: Rights) -> Item {
        Item::of(ItemKind::Capability, 0, rights.0, [slot as u64, 0, 0])
    }

    /// A copy of part of the Region, Ports or Lines in `slot`.
    pub const fn part(slot: u32, first: u64, count: u64, rights: Rights) -> Item {
        Item::of(ItemKind::Capability, 0, rights.0, [slot as u64, first, count])
    }

    /// The capability itself instead of a copy.
    pub const fn moves(self) -> Item {
        Item([self.0[0] | MOVES, self.0[1], self.0[2], self.0[3]])
    }

    /// Room for capabilities.
    pub const fn capability_window(first: u32, slots: u64) -> Item {
        Item::of(ItemKind::Capability, 0, 0, [first as u64, slots, 0])
    }

    /// The same string goes on in the next item, or the same room in the next window.
    pub const fn continues(self) -> Item {
        Item([self.0[0] | CONTINUES, self.0[1], self.0[2], self.0[3]])
    }

    /// The kind, if there is one.
    pub const fn kind(self) -> Option<ItemKind> {
        Some(match self.0[0] & 0xff {
            1 => ItemKind::String,
            2 => ItemKind::Memory,
            3 => ItemKind::Capability,
            _ => return None,
        })
    }

    /// True if all bits of `flag` are set.
    pub const fn has(self, flag: u64) -> bool {
        self.0[0] & flag == flag
    }

    /// True if it has no other flags than these.
    pub const fn has_only(self, flags: u64) -> bool {
        self.0[0] & !(0xffff_00ff | flags) == 0
    }

    /// The rights word.
    pub const fn rights(self) -> Rights {
        Rights((self.0[0] >> 16) as u16)
    }
}

/// True for an end of an operation with typed items whose words 0 and 1 say how far it got.
pub const fn has_amounts(status: Status) -> bool {
    matches!(
        status,
        Status::Overflow
            | Status::PageMissing
            | Status::BadAddress
            | Status::Aborted
            | Status::Occupied
            | Status::NoStock
            | Status::FramesBusy
            | Status::WrongState
    )
}
