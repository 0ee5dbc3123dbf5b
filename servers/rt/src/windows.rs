//! The lists of typed items and windows for one operation (`cedo_abi::item`).
//!
//! Through a window the kernel writes memory of this program. So that this never happens behind the
//! back of Rust, windows are open during one call only, [`invoke_with`], which closes them again, and
//! what they lead to is either borrowed for as long as the lists live, or in the area for mappings,
//! where no Rust object lives ([`View`]).

use crate::raw::{Answer, Request, invoke};
use crate::{UtcbPage, View};
use cedo_abi::item::{Item, ItemKind, MAX_ITEMS};
use cedo_abi::layout::PAGE_SIZE;
use cedo_abi::system::place;
use core::marker::PhantomData;

/// Items to send and windows to open in one operation. What does not fit is left out, and remembered.
#[derive(Debug)]
pub struct Lists<'a> {
    items: [Item; MAX_ITEMS],
    windows: [Item; MAX_ITEMS],
    item_count: usize,
    window_count: usize,
    overfull: bool,
    borrowed: PhantomData<(&'a [u8], &'a mut [u8])>,
}

impl Default for Lists<'_> {
    fn default() -> Self {
        Lists::NONE
    }
}

impl<'a> Lists<'a> {
    /// No item, no window.
    pub const NONE: Lists<'a> = Lists {
        items: [Item::NONE; MAX_ITEMS],
        windows: [Item::NONE; MAX_ITEMS],
        item_count: 0,
        window_count: 0,
        overfull: false,
        borrowed: PhantomData,
    };

    /// Items to send.
    pub const fn items(&self) -> usize {
        self.item_count
    }

    /// True if there were more items, or windows, than a message can have.
    pub const fn is_overfull(&self) -> bool {
        self.overfull
    }

    /// The items, in their order.
    pub const fn listed(&self) -> [Item; MAX_ITEMS] {
        self.items
    }

    /// The windows, in their order.
    pub const fn windows(&self) -> [Item; MAX_ITEMS] {
        self.windows
    }

    /// Sends these bytes.
    pub fn send(&mut self, bytes: &'a [u8]) {
        let address = bytes.as_ptr().expose_provenance() as u64;
        self.send_item(Item::string(address, bytes.len() as u64));
    }

    /// Sends any item, valid or not: what the kernel reads of this program it does not change.
    pub fn send_item(&mut self, item: Item) {
        match self.items.get_mut(self.item_count) {
            Some(place) => (*place, self.item_count) = (item, self.item_count + 1),
            None => self.overfull = true,
        }
    }

    /// The last item goes on in the next one.
    pub fn send_continues(&mut self) {
        if let Some(item) = self.item_count.checked_sub(1).and_then(|at| self.items.get_mut(at)) {
            *item = item.continues();
        }
    }

    /// Opens a window on these bytes.
    pub fn open(&mut self, room: &'a mut [u8]) {
        let bytes = room.len() as u64;
        let address = room.as_mut_ptr().expose_provenance() as u64;
        self.push_window(Item::string(address, bytes));
    }

    /// Opens a window on `bytes` bytes of mapped memory from byte `first` on, as far as they are in
    /// view.
    pub fn open_view(&mut self, view: View, first: usize, bytes: usize) {
        let first = first.min(view.bytes());
        let bytes = bytes.min(view.bytes() - first);
        self.push_window(Item::string(view.address() + first as u64, bytes as u64));
    }

    /// Opens a window for pages of mapped memory, as far as they are in view: `pages` from the beginning
    /// of `view` on.
    pub fn open_pages(&mut self, view: View, pages: u64) {
        let pages = pages.min(view.bytes() as u64 / PAGE_SIZE);
        self.push_window(Item::memory_window(view.address(), pages));
    }

    /// Opens a window for capabilities.
    pub fn open_slots(&mut self, first: u32, slots: u64) {
        self.push_window(Item::capability_window(first, slots));
    }

    /// Opens a window of another kind: for capabilities, or for memory in the area for mappings.
    /// False, and nothing is opened, if it leads anywhere else.
    #[must_use]
    pub fn open_item(&mut self, window: Item) -> bool {
        let [_, first, count, _] = window.0;
        let harmless = match window.kind() {
            Some(ItemKind::Capability) => true,
            Some(ItemKind::Memory) => count
                .checked_mul(PAGE_SIZE)
                .and_then(|bytes| first.checked_add(bytes))
                .is_some_and(|end| first >= place::MAPPINGS_START && end <= place::MAPPINGS_END),
            Some(ItemKind::String) | None => false,
        };
        if harmless {
            self.push_window(window);
        }
        harmless
    }

    /// The last window goes on in the next one.
    pub fn open_continues(&mut self) {
        let last = self.window_count.checked_sub(1);
        if let Some(window) = last.and_then(|at| self.windows.get_mut(at)) {
            *window = window.continues();
        }
    }

    fn push_window(&mut self, window: Item) {
        match self.windows.get_mut(self.window_count) {
            Some(place) => (*place, self.window_count) = (window, self.window_count + 1),
            None => self.overfull = true,
        }
    }
}

/// Makes a system call with these items and windows. What the kernel reports of items that arrived
/// is in the second result, as many as the tag in the answer says.
#[inline]
pub fn invoke_with(
    request: Request,
    lists: Lists<'_>,
    utcb: &mut UtcbPage,
) -> (Answer, [Item; MAX_ITEMS]) {
    utcb.set_items(&lists.items[..lists.item_count]);
    utcb.open_windows(&lists.windows[..lists.window_count]);
    // The kernel may write what the windows lead to: the borrows end behind the call.
    let answer = invoke(request);
    utcb.close_windows();
    (answer, utcb.received_items())
}
