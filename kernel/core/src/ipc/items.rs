//! One piece of one typed item, from the sender's memory to the receiver's window.
//!
//! Items and windows are read from the parties' UTCBs each time, untrusted: who changes them in the
//! middle of a transfer damages his own message.

use super::transfer::Side;
use crate::kernel::Kernel;
use cedo_abi::item::{BYTES_PER_ENTRY, CONTINUES, Item, ItemKind, MAX_ITEMS, MAX_STRING};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::state::Cause;
use cedo_abi::utcb::Utcb;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_floor::{Words, copy_bytes};
use cedo_machine::{Fault, Frame, Machine, PageFormat};
use core::mem::offset_of;
use core::sync::atomic::Ordering;

/// What a piece costs besides its bytes, so that empty items end an entry too.
const PIECE_COST: u64 = 128;
/// Words of an item.
const ITEM_WORDS: usize = size_of::<Item>() / 8;

/// Where a transfer is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cursor {
    /// Items that are done.
    item: u8,
    /// The window that takes the next byte of a string.
    window: u8,
    /// Bytes of the current item that are done.
    item_bytes: u32,
    /// Bytes of the current window that are taken.
    window_bytes: u32,
}

/// What moving a piece came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    /// There may be more.
    Moved,
    /// All items are moved.
    End,
    /// The next window is too small, or there is none.
    NoRoom,
    /// The sender's list of items is no such thing.
    Malformed,
    /// A page is missing: the sender's (true) or the receiver's.
    Fault(Fault, bool),
}

impl Cursor {
    /// Nothing moved.
    pub const START: Cursor = Cursor { item: 0, window: 0, item_bytes: 0, window_bytes: 0 };

    /// For both parties of a transfer that ended early: items moved, bytes of the next one moved.
    pub fn amounts(&self) -> [u64; REGISTER_WORDS] {
        let mut words = [0; REGISTER_WORDS];
        (words[0], words[1]) = (u64::from(self.item), u64::from(self.item_bytes));
        words
    }
}

impl<M: Machine> Kernel<M> {
    /// Errors: `BadArgument` if the first `count` items in `utcb` are no message: an unknown kind, an
    /// address range that wraps, a string that is too long.
    pub(super) fn check_items(&self, utcb: Frame, count: usize) -> Result<(), Status> {
        let mut string = 0_u64;
        for index in 0..count {
            let item = self.item(utcb, offset_of!(Utcb, send_items), index);
            let [_, address, bytes, _] = item.0;
            let sound =
                item.kind() == Some(ItemKind::String) && address.checked_add(bytes).is_some();
            string = string.saturating_add(bytes);
            if !sound || string > MAX_STRING {
                return Err(Status::BadArgument);
            }
            if !item.has(CONTINUES) {
                string = 0;
            }
        }
        Ok(())
    }

    /// Moves at most one page's worth, and takes its cost off `budget`.
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
        *budget = budget.saturating_sub(PIECE_COST);
        let item = self.item(source.utcb, offset_of!(Utcb, send_items), index);
        let [_, address, bytes, _] = item.0;
        let done = u64::from(cursor.item_bytes);
        let (Some(left), Some(from)) = (bytes.checked_sub(done), address.checked_add(done)) else {
            return Piece::Malformed;
        };
        if left == 0 {
            self.end_item(target, item, cursor);
            return Piece::Moved;
        }
        let Some((to, room)) = self.room(target, cursor) else { return Piece::NoRoom };
        let bytes = left.min(room).min((*budget).max(PIECE_COST)).min(BYTES_PER_ENTRY);
        let bytes = bytes.min(PAGE_SIZE - from % PAGE_SIZE).min(PAGE_SIZE - to % PAGE_SIZE);
        let from_frame = match self.reach(source, from, false) {
            Ok(words) => words,
            Err(fault) => return Piece::Fault(fault, true),
        };
        let to_frame = match self.reach(target, to, true) {
            Ok(words) => words,
            Err(fault) => return Piece::Fault(fault, false),
        };
        let (from, to) = ((from % PAGE_SIZE) as usize, (to % PAGE_SIZE) as usize);
        copy_bytes((from_frame, from), (to_frame, to), bytes as usize);
        cursor.item_bytes += bytes as u32;
        cursor.window_bytes += bytes as u32;
        *budget = budget.saturating_sub(bytes);
        Piece::Moved
    }

    /// Where the next byte of a string goes, and how many fit there. Windows that are full are left
    /// for the ones that continue them.
    fn room(&self, target: &Side, cursor: &mut Cursor) -> Option<(u64, u64)> {
        while usize::from(cursor.window) < MAX_ITEMS {
            let window = self.window(target, cursor.window);
            if window.kind() != Some(ItemKind::String) {
                return None;
            }
            let [_, address, bytes, _] = window.0;
            let taken = u64::from(cursor.window_bytes);
            if taken < bytes {
                return Some((address.checked_add(taken)?, bytes - taken));
            }
            if !window.has(CONTINUES) {
                return None;
            }
            (cursor.window, cursor.window_bytes) = (cursor.window + 1, 0);
        }
        None
    }

    /// An item is done: reports it, and at the end of a string leaves its window.
    fn end_item(&self, target: &Side, item: Item, cursor: &mut Cursor) {
        let window = self.window(target, cursor.window);
        let bytes = u64::from(cursor.item_bytes);
        let end = window.0[1].wrapping_add(u64::from(cursor.window_bytes));
        let report = Item::string(end.wrapping_sub(bytes), bytes);
        self.put_received(target.utcb, usize::from(cursor.item), report);
        (cursor.item, cursor.item_bytes) = (cursor.item + 1, 0);
        if item.has(CONTINUES) {
            return;
        }
        while usize::from(cursor.window) < MAX_ITEMS
            && self.window(target, cursor.window).has(CONTINUES)
        {
            cursor.window += 1;
        }
        (cursor.window, cursor.window_bytes) = (cursor.window.saturating_add(1), 0);
    }

    /// The frame behind an address of `side`. The fault if it is not mapped, or not writable.
    fn reach(&self, side: &Side, address: u64, write: bool) -> Result<&Words, Fault> {
        let cause = if write { Cause::WriteFault } else { Cause::ReadFault };
        let fault = Fault { cause, address, code: 0 };
        let page = address & !(PAGE_SIZE - 1);
        let page = M::Pages::user_address(page, PAGE_SIZE).ok_or(fault)?;
        let leaf = self.tables(self.space(side.space)).walk(page).ok_or(fault)?;
        let entry = leaf.load(Ordering::Acquire);
        let frame = M::Pages::frame(entry).ok_or(fault)?;
        if write && !M::Pages::access(entry).write {
            return Err(fault);
        }
        self.objects.words(frame).ok_or(fault)
    }

    fn window(&self, side: &Side, index: u8) -> Item {
        self.item(side.utcb, offset_of!(Utcb, windows), usize::from(index))
    }

    fn item(&self, utcb: Frame, offset: usize, index: usize) -> Item {
        let Some(words) = self.objects.words(utcb).filter(|_| index < MAX_ITEMS) else {
            return Item::NONE;
        };
        let first = offset / 8 + index * ITEM_WORDS;
        let mut words = words.iter().skip(first);
        Item(core::array::from_fn(|_| words.next().map_or(0, |word| word.load(Ordering::Relaxed))))
    }

    fn put_received(&self, utcb: Frame, index: usize, item: Item) {
        let Some(words) = self.objects.words(utcb) else { return };
        let first = offset_of!(Utcb, received_items) / 8 + index * ITEM_WORDS;
        for (word, value) in words.iter().skip(first).zip(item.0) {
            word.store(value, Ordering::Relaxed);
        }
    }
}
