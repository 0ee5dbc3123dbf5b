//! One piece of a string, from the sender's memory to the receiver's window.

use super::items::{Cursor, Piece};
use super::transfer::Side;
use crate::kernel::Kernel;
use cedo_abi::Status;
use cedo_abi::item::{CONTINUES, Item, ItemKind};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::state::Cause;
use cedo_floor::{Words, copy_bytes};
use cedo_machine::{Fault, Machine, PageFormat, UserAddress};
use core::sync::atomic::Ordering;

const STRING: usize = ItemKind::String as usize - 1;

impl<M: Machine> Kernel<M> {
    /// Moves what is in one page of the sender's and in one of the receiver's.
    pub(super) fn move_bytes(
        &self,
        source: &Side,
        target: &Side,
        item: Item,
        cursor: &mut Cursor,
        budget: &mut u64,
    ) -> Piece {
        let [_, address, bytes, _] = item.0;
        let done = u64::from(cursor.item_done);
        let (Some(left), Some(from)) = (bytes.checked_sub(done), address.checked_add(done)) else {
            return Piece::Malformed;
        };
        if left == 0 {
            self.end_string(target, item, cursor);
            return Piece::Moved;
        }
        if *budget == 0 {
            return Piece::Enough;
        }
        let Some((to, room)) = self.room(target, cursor) else {
            return Piece::Refused(Status::Overflow);
        };
        let bytes = left.min(room).min(*budget);
        let bytes = bytes.min(PAGE_SIZE - from % PAGE_SIZE).min(PAGE_SIZE - to % PAGE_SIZE);
        let from_frame = match self.reach(source, from, false) {
            Ok(words) => words,
            Err(Some(fault)) => return Piece::Fault(fault, true),
            Err(None) => return Piece::Refused(Status::BadAddress),
        };
        let to_frame = match self.reach(target, to, true) {
            Ok(words) => words,
            Err(Some(fault)) => return Piece::Fault(fault, false),
            Err(None) => return Piece::Refused(Status::BadAddress),
        };
        if done == 0 {
            self.report(target, item, cursor, to);
        }
        let (from, to) = ((from % PAGE_SIZE) as usize, (to % PAGE_SIZE) as usize);
        copy_bytes((from_frame, from), (to_frame, to), bytes as usize);
        cursor.item_done += bytes as u32;
        cursor.window_done += bytes as u32;
        *budget -= bytes;
        Piece::Moved
    }

    /// Where the next byte of a string goes, and how many fit there. Windows that are full are left
    /// for the ones that continue them.
    fn room(&self, target: &Side, cursor: &mut Cursor) -> Option<(u64, u64)> {
        loop {
            let (index, window) =
                self.next_window(target, ItemKind::String, cursor.windows[STRING])?;
            let [_, address, bytes, _] = window.0;
            let taken = u64::from(cursor.window_done);
            if taken < bytes {
                return Some((address.checked_add(taken)?, bytes - taken));
            }
            if !window.has(CONTINUES) {
                return None;
            }
            (cursor.windows[STRING], cursor.window_done) = (index + 1, 0);
        }
    }

    /// An item is done; at the end of a string so are its windows.
    fn end_string(&self, target: &Side, item: Item, cursor: &mut Cursor) {
        if cursor.item_done == 0 {
            self.report(target, item, cursor, 0);
        }
        self.put_received(target, cursor.item, 2, &[cursor.item_done.into()]);
        cursor.next_item();
        if item.has(CONTINUES) {
            return;
        }
        cursor.window_done = 0;
        while let Some((index, window)) =
            self.next_window(target, ItemKind::String, cursor.windows[STRING])
        {
            cursor.windows[STRING] = index + 1;
            if !window.has(CONTINUES) {
                break;
            }
        }
    }

    /// Tells the receiver where the current item begins in its windows. How long it is can be said
    /// at its end: until then its sender can change it.
    fn report(&self, target: &Side, item: Item, cursor: &Cursor, address: u64) {
        let report = Item::string(address, 0);
        let report = if item.has(CONTINUES) { report.continues() } else { report };
        self.put_received(target, cursor.item, 0, &report.0);
    }

    /// The frame behind an address of `side`. The error is the fault if nothing is mapped there, or
    /// nothing that can be written; none if that could not be helped.
    fn reach(&self, side: &Side, address: u64, write: bool) -> Result<&Words, Option<Fault>> {
        let page = M::Pages::user_address(address & !(PAGE_SIZE - 1), PAGE_SIZE).ok_or(None)?;
        let cause = if write { Cause::WriteFault } else { Cause::ReadFault };
        let fault = Some(Fault { cause, address, code: 0 });
        let entry = self.leaf_entry(side, page).ok_or(fault)?;
        let frame = M::Pages::frame(entry).ok_or(fault)?;
        if write && !M::Pages::access(entry).write {
            return Err(fault);
        }
        self.objects.words(frame).ok_or(None)
    }

    fn leaf_entry(&self, side: &Side, page: UserAddress) -> Option<u64> {
        let leaf = self.tables(self.space(side.space)).walk(page)?;
        Some(leaf.load(Ordering::Acquire))
    }
}
