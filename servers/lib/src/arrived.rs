//! What came with a message: the kernel's reports, read.

use cedo_abi::item::{CONTINUES, Item, ItemKind, MAX_ITEMS, MOVES};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::{Kind, Rights};
use cedo_rt::View;

/// Memory that has been mapped in a window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Where.
    pub address: u64,
    /// How much.
    pub pages: u64,
    /// What may be done with it.
    pub access: Rights,
}

impl Memory {
    /// Access to it. Whoever gave it can take it back: then an access is a fault.
    pub fn view(&self) -> Option<View> {
        View::new(self.address, (self.pages * PAGE_SIZE) as usize)
    }
}

/// A capability that has got into a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Given {
    /// The slot: make a handle of the right kind with it.
    pub slot: u32,
    /// What it names.
    pub kind: Kind,
    /// What may be done with it.
    pub rights: Rights,
    /// Pages, ports or lines of a range.
    pub count: u64,
    /// False for a copy, which whoever gave it can take back.
    pub moved: bool,
}

/// The typed items of a message that arrived, as the kernel has reported them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrived {
    items: [Item; MAX_ITEMS],
    count: usize,
}

impl Arrived {
    /// The first `count` of these reports.
    pub fn of(items: [Item; MAX_ITEMS], count: usize) -> Arrived {
        Arrived { items, count: count.min(MAX_ITEMS) }
    }

    /// The first report of all, whatever it is.
    pub fn first(&self) -> Item {
        if self.count == 0 { Item::NONE } else { self.items[0] }
    }

    /// How many strings there are.
    pub fn count(&self) -> usize {
        self.lengths().count()
    }

    /// The length of string `index`, which fills that window from its beginning.
    pub fn bytes(&self, index: usize) -> Option<usize> {
        self.lengths().nth(index)
    }

    /// Where item `index` of memory has been mapped, and for what.
    pub fn memory(&self, index: usize) -> Option<Memory> {
        let item = self.of_kind(ItemKind::Memory).nth(index)?;
        let [_, address, pages, _] = item.0;
        Some(Memory { address, pages, access: item.rights() })
    }

    /// What capability `index` is.
    pub fn capability(&self, index: usize) -> Option<Given> {
        let item = self.of_kind(ItemKind::Capability).nth(index)?;
        let [_, slot, kind, count] = item.0;
        let kind = u8::try_from(kind).ok().and_then(Kind::from_number)?;
        let moved = item.has(MOVES);
        Some(Given { slot: slot as u32, kind, rights: item.rights(), count, moved })
    }

    fn of_kind(&self, kind: ItemKind) -> impl Iterator<Item = &Item> + '_ {
        let items = self.items.iter().take(self.count);
        items.filter(move |item| item.kind() == Some(kind))
    }

    /// The lengths of all strings, pieces added up.
    fn lengths(&self) -> impl Iterator<Item = usize> + '_ {
        let mut strings = self.of_kind(ItemKind::String);
        core::iter::from_fn(move || {
            let mut item = strings.next()?;
            let mut bytes = item.0[2] as usize;
            while item.has(CONTINUES)
                && let Some(next) = strings.next()
            {
                (item, bytes) = (next, bytes.saturating_add(next.0[2] as usize));
            }
            Some(bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_in_pieces_are_one_string() {
        let piece = |bytes| Item::string(0x1000, bytes);
        let mut items = [Item::NONE; MAX_ITEMS];
        items[..4].copy_from_slice(&[piece(3).continues(), piece(4), piece(0), piece(9)]);
        let strings = Arrived::of(items, 4);
        assert_eq!([0, 1, 2, 3].map(|at| strings.bytes(at)), [Some(7), Some(0), Some(9), None]);
        assert_eq!(strings.count(), 3);
    }

    #[test]
    fn each_kind_is_counted_by_itself() {
        let mut gate = Item::capability(7, Rights::SEND).moves();
        gate.0[2] = Kind::Gate as u64;
        let mut memory = Item::memory(0, 0, 0, Rights::READ);
        (memory.0[1], memory.0[2]) = (0x5000_0000_0000, 2);
        let mut items = [Item::NONE; MAX_ITEMS];
        items[..4].copy_from_slice(&[Item::string(1, 5), gate, memory, memory]);
        let arrived = Arrived::of(items, 3);
        let given =
            Given { slot: 7, kind: Kind::Gate, rights: Rights::SEND, count: 0, moved: true };
        assert_eq!(arrived.capability(0), Some(given));
        assert_eq!(arrived.capability(1), None);
        assert_eq!(arrived.memory(0).map(|memory| memory.pages), Some(2));
        assert_eq!(arrived.memory(1), None);
        assert_eq!(arrived.bytes(0), Some(5));
    }
}
