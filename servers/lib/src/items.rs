//! Messages with typed items: strings, and room for the ones that come.
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

use crate::ipc::{Ipc, Message};
use cedo_abi::Status;
use cedo_abi::item::{CONTINUES, Item, ItemKind, MAX_ITEMS};
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
    /// How much of the next one: bytes of a string, pages of memory, capabilities.
    pub of_next: u64,
}

impl Outcome {
    /// What arrived, or how far it got.
    pub fn done(&self) -> Result<Strings, Cut> {
        let status = self.message.status;
        if self.message.arrived() {
            return Ok(Strings::of(self.items, self.message.tag.typed_items()));
        }
        let [items, of_next, ..] = self.message.words;
        let has_amounts = matches!(
            status,
            Status::Overflow | Status::PageMissing | Status::BadAddress | Status::Aborted
        );
        let (items, of_next) = if has_amounts { (items as usize, of_next) } else { (0, 0) };
        Err(Cut { status, items, of_next })
    }
}

/// The strings of a message that arrived.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Strings {
    items: [Item; MAX_ITEMS],
    count: usize,
}

impl Strings {
    /// The strings among the first `count` items that the kernel has reported.
    pub fn of(items: [Item; MAX_ITEMS], count: usize) -> Strings {
        Strings { items, count: count.min(MAX_ITEMS) }
    }

    /// How many strings there are.
    pub fn count(&self) -> usize {
        self.lengths().count()
    }

    /// The length of string `index`, which fills that window from its beginning.
    pub fn bytes(&self, index: usize) -> Option<usize> {
        self.lengths().nth(index)
    }

    /// The lengths of all strings, pieces added up.
    fn lengths(&self) -> impl Iterator<Item = usize> + '_ {
        let strings = self.items.iter().take(self.count);
        let mut strings = strings.filter(|item| item.kind() == Some(ItemKind::String));
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
    use crate::{Gate, Partner};
    use cedo_abi::Tag;
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
    fn strings_in_pieces_are_one_string() {
        let piece = |bytes| Item::string(0x1000, bytes);
        let mut items = [Item::NONE; MAX_ITEMS];
        items[..4].copy_from_slice(&[piece(3).continues(), piece(4), piece(0), piece(9)]);
        let strings = Strings { items, count: 4 };
        assert_eq!([0, 1, 2, 3].map(|at| strings.bytes(at)), [Some(7), Some(0), Some(9), None]);
        assert_eq!(strings.count(), 3);
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
