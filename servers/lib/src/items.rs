//! Messages with typed items: strings, memory, capabilities, and room for those that come.
//!
//! A string is bytes, in one piece or several; it is copied from the sender's memory to a window
//! that the receiver has opened, also in one piece or several. Windows borrow the memory they lead to
//! and are open during one operation only.
//!
//! ```
//! use cedo_lib::{Gate, Ipc, UtcbPage, items::Outcome};
//!
//! /// Asks a file server for the beginning of a file; how much of `room` is filled then.
//! fn read(server: Gate, name: &str, room: &mut [u8], utcb: &mut UtcbPage) -> Option<usize> {
//!     let outcome = Ipc::call(server)
//!         .message(READ, 0, [0; 7])
//!         .string(name.as_bytes())
//!         .window(room)
//!         .make(utcb);
//!     match outcome.done() {
//!         Ok(strings) => strings.bytes(0),
//!         // The answer was longer: `cut.of_next` bytes of it are there.
//!         Err(cut) if cut.status == cedo_lib::Status::Overflow => Some(cut.of_next as usize),
//!         Err(_) => None,
//!     }
//! }
//!
//! # const READ: u32 = 1;
//! # use cedo_lib::{Tag, raw, abi::item::Item};
//! # let mut utcb = UtcbPage::for_tests();
//! # let mut room = [0; 100];
//! # raw::host::answer(raw::Answer { result: 21, words: [0, 100, 0, 0, 0, 0, 0], ..Default::default() });
//! # assert_eq!(read(Gate::at(5), "notes", &mut room, &mut utcb), Some(100));
//! ```
//!
//! What arrives is in the windows in order: the first string in the first window and so on. A server
//! opens its windows with each receive:
//!
//! ```
//! # use cedo_lib::{Ipc, Partner, UtcbPage};
//! # let mut utcb = UtcbPage::for_tests();
//! let (mut name, mut data) = ([0; 64], [0; 4096]);
//! let outcome = Ipc::receive(Partner::ANY).window(&mut name).window(&mut data).make(&mut utcb);
//! if let Ok(strings) = outcome.done() {
//!     let name = strings.bytes(0).map(|bytes| &name[..bytes]);
//!     let data = strings.bytes(1).map(|bytes| &data[..bytes]);
//!     # assert!(name.is_none() && data.is_none());
//! }
//! ```
//!
//! Memory and capabilities come behind all strings. Whoever gives them names what it has and what may
//! be done with it; whoever receives them says where they may go ([`Arrived`] has what came):
//!
//! ```
//! use cedo_lib::capability::Region;
//! use cedo_lib::{Gate, Ipc, Rights, Status, UtcbPage};
//!
//! /// Lends the first page of `region` and gives `gate` away.
//! fn lend(to: Gate, region: Region, gate: Gate, utcb: &mut UtcbPage) -> Status {
//!     let message = Ipc::send(to).message(LEND, 0, [0; 7]);
//!     let outcome = message.memory(region, 0, 1, Rights::READ).moved(gate, Rights::SEND).make(utcb);
//!     outcome.message.status
//! }
//! # const LEND: u32 = 1;
//! # use cedo_lib::raw;
//! # raw::host::answer(raw::Answer::default());
//! # assert_eq!(lend(Gate::at(5), Region::at(6), Gate::at(7), &mut UtcbPage::for_tests()), Status::Ok);
//! ```

use crate::arrived::Arrived;
use crate::capability::{Capability, Divisible, Region};
use crate::ipc::{Ipc, Message};
use cedo_abi::item::{Item, MAX_ITEMS, has_amounts};
use cedo_abi::{Rights, Status};
use cedo_rt::raw::Answer;
use cedo_rt::windows::{Lists, invoke_with};
use cedo_rt::{UtcbPage, View};

/// An operation with items or windows.
#[derive(Debug)]
#[must_use = "`make` makes the call"]
pub struct Exchange<'a> {
    ipc: Ipc,
    lists: Lists<'a>,
}

impl Ipc {
    /// The message brings this string.
    pub fn string(self, bytes: &[u8]) -> Exchange<'_> {
        self.exchange().string(bytes)
    }

    /// There is room for a string.
    pub fn window(self, room: &mut [u8]) -> Exchange<'_> {
        self.exchange().window(room)
    }

    /// The message maps `pages` pages of `region` from page `first` on at the receiver's, for this
    /// access. All its memory together: at most [`cedo_abi::item::MAX_PAGES`].
    pub fn memory<'a>(
        self,
        region: Region,
        first: u64,
        pages: u64,
        access: Rights,
    ) -> Exchange<'a> {
        self.exchange().memory(region, first, pages, access)
    }

    /// The message brings a copy of `source` with at most `rights`.
    pub fn copied<'a>(self, source: impl Capability, rights: Rights) -> Exchange<'a> {
        self.exchange().copied(source, rights)
    }

    /// The message gives `source` away, with at most `rights`.
    pub fn moved<'a>(self, source: impl Capability, rights: Rights) -> Exchange<'a> {
        self.exchange().moved(source, rights)
    }

    /// There is room for memory: `pages` pages from the beginning of `view` on.
    pub fn window_for_pages<'a>(self, view: View, pages: u64) -> Exchange<'a> {
        self.exchange().window_for_pages(view, pages)
    }

    /// There is room for capabilities in these empty slots.
    pub fn window_for_capabilities<'a>(self, first: u32, slots: u64) -> Exchange<'a> {
        self.exchange().window_for_capabilities(first, slots)
    }

    /// The same operation, to which items and windows can be added.
    pub fn exchange<'a>(self) -> Exchange<'a> {
        Exchange { ipc: self, lists: Lists::NONE }
    }
}

impl<'a> Exchange<'a> {
    /// The message brings this string, too.
    pub fn string(mut self, bytes: &'a [u8]) -> Exchange<'a> {
        self.lists.send(bytes);
        self
    }

    /// The last string goes on with these bytes.
    pub fn and(mut self, bytes: &'a [u8]) -> Exchange<'a> {
        self.lists.send_continues();
        self.lists.send(bytes);
        self
    }

    /// There is room for a string, behind the windows that are open.
    pub fn window(mut self, room: &'a mut [u8]) -> Exchange<'a> {
        self.lists.open(room);
        self
    }

    /// The last window goes on with this room.
    pub fn more_room(mut self, room: &'a mut [u8]) -> Exchange<'a> {
        self.lists.open_continues();
        self.lists.open(room);
        self
    }

    /// The message brings `bytes` bytes of mapped memory from byte `first` on, as far as they are in
    /// view.
    pub fn string_in(mut self, view: View, first: usize, bytes: usize) -> Exchange<'a> {
        let first = first.min(view.bytes());
        let bytes = bytes.min(view.bytes() - first);
        self.lists.send_item(Item::string(view.address() + first as u64, bytes as u64));
        self
    }

    /// There is room for a string in mapped memory: `bytes` bytes from byte `first` on, as far as they
    /// are in view.
    pub fn window_in(mut self, view: View, first: usize, bytes: usize) -> Exchange<'a> {
        self.lists.open_view(view, first, bytes);
        self
    }

    /// The message maps `pages` pages of `region` from page `first` on at the receiver's, for this
    /// access.
    pub fn memory(
        mut self,
        region: Region,
        first: u64,
        pages: u64,
        access: Rights,
    ) -> Exchange<'a> {
        self.lists.send_item(Item::memory(slot_of(region), first, pages, access));
        self
    }

    /// The message brings a copy of `source` with at most `rights`. It lives no longer than `source`.
    pub fn copied(mut self, source: impl Capability, rights: Rights) -> Exchange<'a> {
        self.lists.send_item(Item::capability(slot_of(source), rights));
        self
    }

    /// The message gives `source` away, with at most `rights`. Nothing may have been made by means of it.
    pub fn moved(mut self, source: impl Capability, rights: Rights) -> Exchange<'a> {
        self.lists.send_item(Item::capability(slot_of(source), rights).moves());
        self
    }

    /// The message brings a copy of `count` pages, ports or lines of a range from number `first` on
    /// (counted from its own start). It lives no longer than `source`.
    pub fn part(
        mut self,
        source: impl Divisible,
        first: u64,
        count: u64,
        rights: Rights,
    ) -> Exchange<'a> {
        self.lists.send_item(Item::part(slot_of(source), first, count, rights));
        self
    }

    /// There is room for memory of one item: `pages` pages from the beginning of `view` on, as far as
    /// they are in view. Nothing may be mapped there, and the Space has to have stock for page tables.
    pub fn window_for_pages(mut self, view: View, pages: u64) -> Exchange<'a> {
        self.lists.open_pages(view, pages);
        self
    }

    /// There is room for capabilities in these empty slots.
    pub fn window_for_capabilities(mut self, first: u32, slots: u64) -> Exchange<'a> {
        self.lists.open_slots(first, slots);
        self
    }

    /// The message brings any item, valid or not.
    pub fn item(mut self, item: Item) -> Exchange<'a> {
        self.lists.send_item(item);
        self
    }

    /// Makes the call. Where there are more items or windows than a message can have it is not made:
    /// `BadArgument`.
    pub fn make(self, utcb: &mut UtcbPage) -> Outcome {
        if self.lists.is_overfull() {
            let refused = Answer { result: Status::BadArgument as u64, ..Answer::default() };
            return Outcome { message: Message::of(refused), items: [Item::NONE; MAX_ITEMS] };
        }
        let request = self.ipc.with_items(self.lists.items());
        let (answer, items) = invoke_with(request, self.lists, utcb);
        Outcome { message: Message::of(answer), items }
    }
}

/// What an operation with items came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Status and message.
    pub message: Message,
    items: [Item; MAX_ITEMS],
}

/// An operation that ended before all items were moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Why.
    pub status: Status,
    /// Items that were moved. As `of_next`, 0 where the status has nothing to do with items.
    pub items: usize,
    /// How much of the next one: bytes of a string, pages of memory.
    pub of_next: u64,
}

impl Outcome {
    /// What arrived, or how far it got.
    pub fn done(&self) -> Result<Arrived, Cut> {
        let status = self.message.status;
        if self.message.arrived() {
            return Ok(Arrived::of(self.items, self.message.tag.typed_items()));
        }
        let [items, of_next, ..] = self.message.words;
        let counts = has_amounts(status);
        let (items, of_next) = if counts { (items as usize, of_next) } else { (0, 0) };
        Err(Cut { status, items, of_next })
    }
}

/// The slot of a handle. A reserved name becomes what no table has: it cannot be given.
fn slot_of(source: impl Capability) -> u32 {
    u32::try_from(source.name()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gate, Partner};
    use cedo_abi::Tag;
    use cedo_abi::item::CONTINUES;
    use cedo_rt::raw::host;

    #[test]
    fn a_call_says_how_many_items_it_brings_and_closes_its_windows() {
        let mut utcb = UtcbPage::for_tests();
        let mut room = [0; 10];
        let exchange = Ipc::call(Gate::at(7)).message(3, 1, [9; 7]).string(b"one");
        let outcome = exchange.and(b"more").string(b"two").window(&mut room).make(&mut utcb);
        assert!(outcome.done().is_ok());
        let [request] = host::take_calls()[..] else { panic!("one call") };
        assert_eq!(Tag(request.tag), Tag::new(3, 1).with_items(3));
        assert_eq!(utcb.open_window(0), Item::NONE);
    }

    #[test]
    fn windows_are_open_during_the_call_in_their_order() {
        let mut utcb = UtcbPage::for_tests();
        let (mut first, mut second, mut third) = ([0; 3], [0; 5], [0; 7]);
        let exchange = Ipc::receive(Partner::ANY).window(&mut first).more_room(&mut second);
        let seen = exchange.window(&mut third).lists.windows();
        assert_eq!(seen.map(|window| window.0[2]), [3, 5, 7, 0, 0, 0, 0, 0]);
        assert_eq!(seen.map(|window| window.has(CONTINUES))[..3], [true, false, false]);
        let _ = Ipc::receive(Partner::ANY).exchange().make(&mut utcb);
    }

    #[test]
    fn more_than_a_message_can_have_is_refused_without_a_call() {
        let mut utcb = UtcbPage::for_tests();
        let full = (0..9).fold(Ipc::send(Gate::at(1)).exchange(), |full, _| full.string(b"x"));
        let cut = full.make(&mut utcb).done().expect_err("nine items");
        assert_eq!(cut, Cut { status: Status::BadArgument, items: 0, of_next: 0 });
        assert!(host::take_calls().is_empty());
    }

    #[test]
    fn gifts_are_listed_as_the_kernel_reads_them() {
        let view = View::for_tests(2 * 512);
        let (region, gate) = (Region::at(3), Gate::at(4));
        let exchange = Ipc::send(Gate::at(1)).memory(region, 1, 2, Rights::READ);
        let exchange = exchange.copied(gate, Rights::SEND).moved(gate, Rights::ALL);
        let exchange = exchange.part(region, 5, 6, Rights::ALL);
        let exchange = exchange.window_for_pages(view, 9).window_for_capabilities(40, 2);
        let expected = [
            Item::memory(3, 1, 2, Rights::READ),
            Item::capability(4, Rights::SEND),
            Item::capability(4, Rights::ALL).moves(),
            Item::part(3, 5, 6, Rights::ALL),
        ];
        assert_eq!(exchange.lists.listed()[..4], expected);
        let windows = [Item::memory_window(view.address(), 2), Item::capability_window(40, 2)];
        assert_eq!(exchange.lists.windows()[..2], windows);
    }

    #[test]
    fn the_own_thread_is_no_capability_to_give() {
        let exchange =
            Ipc::send(Gate::at(1)).copied(crate::capability::Thread::MYSELF, Rights::ALL);
        assert_eq!(exchange.lists.listed()[0].0[1], cedo_abi::name::SELF);
    }

    #[test]
    fn amounts_are_told_where_there_are_any() {
        let mut utcb = UtcbPage::for_tests();
        for (status, expected) in [(Status::Overflow, (1, 2)), (Status::NotReady, (0, 0))] {
            host::answer(Answer {
                result: status as u64,
                words: [1, 2, 0, 0, 0, 0, 0],
                ..Answer::default()
            });
            let cut = Ipc::send(Gate::at(1)).string(b"x").make(&mut utcb).done().expect_err("cut");
            assert_eq!((cut.items, cut.of_next), expected);
        }
        host::take_calls();
    }
}
