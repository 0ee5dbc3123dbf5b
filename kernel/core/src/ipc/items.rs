//! The lists of typed items and windows, and how far a transfer got in them.
//!
//! Items and windows are read from the parties' UTCBs each time, untrusted: who changes them in the
//! middle of a transfer damages his own message.

use super::transfer::Side;
use crate::kernel::Kernel;
use cedo_abi::item::{CONTINUES, Item, ItemKind, MAX_ITEMS, MAX_STRING};
use cedo_abi::utcb::Utcb;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_machine::{Fault, Frame, Machine, PageFormat};
use core::mem::offset_of;
use core::sync::atomic::Ordering;

/// Words of an item.
const ITEM_WORDS: usize = size_of::<Item>() / 8;

/// Where a transfer is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Cursor {
    /// Items that are done.
    pub(super) item: u8,
    /// Where the search for the next window of each kind begins.
    pub(super) windows: [u8; ItemKind::COUNT],
    /// How much of the current item is done.
    pub(super) item_done: u32,
    /// How much of the current string window is taken.
    pub(super) window_done: u32,
}

/// What moving a piece came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    /// There may be more.
    Moved,
    /// There is more, and this entry into the kernel has done its share.
    Enough,
    /// All items are moved.
    End,
    /// The next window is too small, or there is none.
    NoRoom,
    /// The sender's list of items is no such thing.
    Malformed,
    /// A page is missing: the sender's (true) or the receiver's.
    Fault(Fault, bool),
    /// No memory can ever be there for the kernel to read or write: a device, or nobody's address.
    Unreachable,
}

impl Cursor {
    /// For both parties of a transfer that ended early: items moved, how much of the next one.
    pub fn amounts(&self) -> [u64; REGISTER_WORDS] {
        let mut words = [0; REGISTER_WORDS];
        (words[0], words[1]) = (u64::from(self.item), u64::from(self.item_done));
        words
    }

    /// The current item is done.
    pub(super) fn next_item(&mut self) {
        (self.item, self.item_done) = (self.item + 1, 0);
    }
}

impl<M: Machine> Kernel<M> {
    /// Errors: `BadArgument` if the first `count` items in `utcb` are no message: an unknown kind, an
    /// address that no user has, a string that is too long or goes on in nothing.
    pub(super) fn check_items(&self, utcb: Frame, count: usize) -> Result<(), Status> {
        let mut string = 0_u64;
        let mut goes_on = false;
        for index in 0..count {
            let item = self.send_item(utcb, index);
            let [_, address, bytes, _] = item.0;
            if item.kind() != Some(ItemKind::String) {
                return Err(Status::BadArgument);
            }
            string = string.saturating_add(bytes);
            let nobodys = bytes > 0 && M::Pages::user_address(address, bytes).is_none();
            if string > MAX_STRING || nobodys {
                return Err(Status::BadArgument);
            }
            goes_on = item.has(CONTINUES);
            string = if goes_on { string } else { 0 };
        }
        if goes_on { Err(Status::BadArgument) } else { Ok(()) }
    }

    /// Moves at most one page's worth, and takes it off `budget`.
    pub(super) fn move_piece(
        &self,
        source: &Side,
        target: &Side,
        count: usize,
        cursor: &mut Cursor,
        budget: &mut u64,
    ) -> Piece {
        let index = usize::from(cursor.item);
        if index >= count {
            return Piece::End;
        }
        let item = self.send_item(source.utcb, index);
        match item.kind() {
            Some(ItemKind::String) => self.move_bytes(source, target, item, cursor, budget),
            _ => Piece::Malformed,
        }
    }

    /// The next window of `kind` from place `from` on.
    pub(super) fn next_window(&self, side: &Side, kind: ItemKind, from: u8) -> Option<(u8, Item)> {
        (from..MAX_ITEMS as u8)
            .map(|index| (index, self.item(side.utcb, offset_of!(Utcb, windows), index.into())))
            .take_while(|(_, window)| window.kind().is_some())
            .find(|(_, window)| window.kind() == Some(kind))
    }

    fn send_item(&self, utcb: Frame, index: usize) -> Item {
        self.item(utcb, offset_of!(Utcb, send_items), index)
    }

    fn item(&self, utcb: Frame, offset: usize, index: usize) -> Item {
        let Some(words) = self.objects.words(utcb).filter(|_| index < MAX_ITEMS) else {
            return Item::NONE;
        };
        let first = offset / 8 + index * ITEM_WORDS;
        let mut words = words.iter().skip(first);
        Item(core::array::from_fn(|_| words.next().map_or(0, |word| word.load(Ordering::Relaxed))))
    }

    /// Writes words of the receiver's report about item `index`, from word `first` on.
    pub(super) fn put_received(&self, side: &Side, index: u8, first: usize, values: &[u64]) {
        let Some(words) = self.objects.words(side.utcb) else { return };
        let first = offset_of!(Utcb, received_items) / 8 + usize::from(index) * ITEM_WORDS + first;
        for (word, value) in words.iter().skip(first).zip(values) {
            word.store(*value, Ordering::Relaxed);
        }
    }
}

const _: () = assert!(MAX_ITEMS <= u8::MAX as usize);
