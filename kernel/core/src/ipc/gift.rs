//! Memory and capabilities that come with a message.
//!
//! They come behind all strings, and get to the receiver in the entry in which the message does
//! (docs/decisions/0004-typed-items.md). What is wrong on the sender's side it hears alone, and before
//! anything has moved ([`Kernel::check_gift`]); where the receiver's side refuses, both hear how far it
//! got.

use super::items::{Budget, Cursor, Piece};
use super::transfer::Side;
use crate::call::decode;
use crate::call::give::Give;
use crate::kernel::Kernel;
use cedo_abi::item::{Item, ItemKind, MAX_PAGES, MOVES};
use cedo_abi::{Rights, Status};
use cedo_floor::SpaceId;
use cedo_machine::Machine;

const MEMORY: usize = ItemKind::Memory as usize - 1;
const CAPABILITY: usize = ItemKind::Capability as usize - 1;

/// A capability item, taken apart.
struct Gift {
    slot: u32,
    part: Option<(u64, u64)>,
    rights: Rights,
    how: Give,
}

impl Gift {
    /// Errors: `NoCapability` for a name that is no slot.
    fn of(item: Item) -> Result<Gift, Status> {
        let [_, slot, first, count] = item.0;
        let part = (count > 0).then_some((first, count));
        let how = if item.has(MOVES) { Give::Move } else { Give::Copy };
        Ok(Gift { slot: decode::slot(slot)?, part, rights: item.rights(), how })
    }
}

impl<M: Machine> Kernel<M> {
    /// Errors: why `item`, of a sender in `space`, cannot be given to anybody. Takes its pages off
    /// `budget`.
    pub(super) fn check_gift(
        &self,
        space: SpaceId,
        item: Item,
        budget: &mut Budget,
    ) -> Result<(), Status> {
        if item.kind() == Some(ItemKind::Memory) {
            let [_, slot, first, pages] = item.0;
            budget.pages = budget.pages.checked_sub(pages).ok_or(Status::BadArgument)?;
            if !item.has_only(0) {
                return Err(Status::BadArgument);
            }
            let from = (space, decode::slot(slot)?);
            return self.expect_mappable(from, (first, pages), item.rights());
        }
        let gift = Gift::of(item)?;
        let moves_part = gift.part.is_some() && gift.how == Give::Move;
        if !item.has_only(MOVES) || moves_part {
            return Err(Status::BadArgument);
        }
        self.expect_gift((space, gift.slot), gift.part, gift.rights, gift.how)
    }

    /// Maps the pages of a memory item in the next window for some.
    pub(super) fn map_item(
        &self,
        source: &Side,
        target: &Side,
        item: Item,
        cursor: &mut Cursor,
        budget: &mut Budget,
    ) -> Piece {
        let [_, slot, first, pages] = item.0;
        let left = budget.pages.checked_sub(pages);
        let (Some(left), Ok(slot)) = (left, decode::slot(slot)) else { return Piece::Malformed };
        let window = self.next_window(target, ItemKind::Memory, cursor.windows[MEMORY]);
        let Some((index, window)) = window.filter(|(_, window)| pages <= window.0[2]) else {
            return Piece::Refused(Status::Overflow);
        };
        let (address, access) = (window.0[1], item.rights());
        let (from, part) = ((source.space, slot), (first, pages));
        let (done, status) = self.map_part(from, part, target.space, address, access);
        cursor.item_done = done as u32;
        if status != Status::Ok {
            return refused(status);
        }
        budget.pages = left;
        let Item([head, ..]) = Item::memory(0, 0, 0, access);
        self.put_received(target, cursor.item, 0, &[head, address, pages, 0]);
        cursor.windows[MEMORY] = index + 1;
        cursor.next_item();
        Piece::Moved
    }

    /// Gives a capability item to the next slot of the windows for some.
    pub(super) fn give_item(
        &self,
        source: &Side,
        target: &Side,
        item: Item,
        cursor: &mut Cursor,
    ) -> Piece {
        let Ok(gift) = Gift::of(item) else { return Piece::Malformed };
        let Some(slot) = self.next_slot(target, cursor) else {
            return Piece::Refused(Status::Overflow);
        };
        let (from, to) = ((source.space, gift.slot), (target.space, slot));
        let given = match self.give(from, gift.part, gift.rights, to, gift.how) {
            Ok(given) => given,
            Err(status) => return refused(status),
        };
        let head = Item::capability(slot, given.rights);
        let Item([head, ..]) = if gift.how == Give::Move { head.moves() } else { head };
        let report = [head, slot.into(), given.kind as u64, given.count];
        self.put_received(target, cursor.item, 0, &report);
        cursor.window_done += 1;
        cursor.next_item();
        Piece::Moved
    }

    /// The next slot of the receiver's windows for capabilities. Those that are full are left.
    fn next_slot(&self, target: &Side, cursor: &mut Cursor) -> Option<u32> {
        loop {
            let from = cursor.windows[CAPABILITY];
            let (index, window) = self.next_window(target, ItemKind::Capability, from)?;
            let [_, first, slots, _] = window.0;
            let taken = u64::from(cursor.window_done);
            if taken < slots {
                let slot = decode::slot(first.checked_add(taken)?).ok()?;
                return (slot < self.space(target.space).slots).then_some(slot);
            }
            (cursor.windows[CAPABILITY], cursor.window_done) = (index + 1, 0);
        }
    }
}

/// The receiver's side refuses; or, on another core, somebody changed what the sender's side had when
/// this entry began.
const fn refused(status: Status) -> Piece {
    Piece::Refused(match status {
        Status::Occupied | Status::NoStock | Status::FramesBusy | Status::BadAddress => status,
        _ => Status::WrongState,
    })
}

// One entry maps all the pages of a message.
const _: () = assert!(MAX_PAGES <= cedo_abi::call::memory::PAGES_PER_CALL);
