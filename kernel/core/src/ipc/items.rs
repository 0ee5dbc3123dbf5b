//! The lists of typed items and windows, and how far a transfer got in them.
//!
//! Items and windows are read from the parties' UTCBs each time, untrusted: who changes them in the
//! middle of a transfer damages his own message.

use super::transfer::Side;
use crate::kernel::Kernel;
use cedo_abi::item::{
    BYTES_PER_ENTRY, CONTINUES, Item, ItemKind, MAX_ITEMS, MAX_PAGES, MAX_STRING,
};
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
    /// How much is taken of the current window for strings; behind those, of that for capabilities.
    pub(super) window_done: u32,
}

/// What one entry into the kernel may still move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// Bytes of strings.
    pub bytes: u64,
    /// Pages to map.
    pub pages: u64,
}

impl Budget {
    /// At the beginning of an entry.
    pub const WHOLE: Budget = Budget { bytes: BYTES_PER_ENTRY, pages: MAX_PAGES };
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
    /// The sender's list of items is no such thing.
    Malformed,
    /// A page is missing: the sender's (true) or the receiver's.
    Fault(Fault, bool),
    /// It cannot be done, for this reason.
    Refused(Status),
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
    /// Errors: what is wrong with the first `count` items of `side` (`cedo_abi::item`).
    pub(super) fn check_items(&self, side: &Side, count: usize) -> Result<(), Status> {
        let mut strings = Strings::default();
        let mut budget = Budget::WHOLE;
        for index in 0..count {
            let item = self.send_item(side.utcb, index);
            match item.kind() {
                Some(ItemKind::String) => strings.check::<M>(item)?,
                Some(_) if strings.goes_on => return Err(Status::BadArgument),
                Some(_) => {
                    strings.are_over = true;
                    self.check_gift(side.space, item, &mut budget)?;
                }
                None => return Err(Status::BadArgument),
            }
        }
        if strings.goes_on { Err(Status::BadArgument) } else { Ok(()) }
    }

    /// Moves the next item, or at most one page's worth of a string, and takes it off `budget`.
    pub(super) fn move_piece(
        &self,
        source: &Side,
        target: &Side,
        count: usize,
        cursor: &mut Cursor,
        budget: &mut Budget,
    ) -> Piece {
        let index = usize::from(cursor.item);
        if index >= count {
            return Piece::End;
        }
        let item = self.send_item(source.utcb, index);
        match item.kind() {
            Some(ItemKind::String) => {
                self.move_bytes(source, target, item, cursor, &mut budget.bytes)
            }
            Some(ItemKind::Memory) => self.map_item(source, target, item, cursor, budget),
            Some(ItemKind::Capability) => self.give_item(source, target, item, cursor),
            None => Piece::Malformed,
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

/// The strings of a list that is being checked.
#[derive(Default)]
struct Strings {
    /// Bytes of the current one.
    bytes: u64,
    /// It goes on in the next item.
    goes_on: bool,
    /// There may be no more of them.
    are_over: bool,
}

impl Strings {
    /// Errors: `BadArgument` for an address that no user has, a string that is too long, or one behind
    /// other items.
    fn check<M: Machine>(&mut self, item: Item) -> Result<(), Status> {
        let [_, address, bytes, _] = item.0;
        self.bytes = self.bytes.saturating_add(bytes);
        let nobodys = bytes > 0 && M::Pages::user_address(address, bytes).is_none();
        if self.are_over || self.bytes > MAX_STRING || nobodys {
            return Err(Status::BadArgument);
        }
        self.goes_on = item.has(CONTINUES);
        self.bytes = if self.goes_on { self.bytes } else { 0 };
        Ok(())
    }
}

const _: () = assert!(MAX_ITEMS <= u8::MAX as usize);
