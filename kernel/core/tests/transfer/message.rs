//! Messages with strings: making them, and what comes of them.

use crate::stage::{DATA, GATES, Stage, WEAK_GATES};
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::item::{Item, MAX_ITEMS};
use cedo_abi::utcb::Utcb;
use cedo_abi::{Status, Tag, name};
use cedo_arch_host::{HostContext, Roles};
use cedo_machine::Context;
use std::mem::offset_of;

/// Label of the messages that the tests send.
pub const LABEL: u32 = 77;

/// An operation: registers, items, windows.
#[derive(Clone, Debug)]
pub struct Op {
    pub roles: Roles,
    pub items: Vec<Item>,
    /// What the list of windows becomes; none to leave it.
    pub windows: Option<Vec<Item>>,
}

impl Op {
    fn new(flags: u64, to: u64, from: u64) -> Op {
        let operation = operation(Call::Ipc, 0, flags);
        let roles = Roles { operation, to, from, tag: Tag::new(LABEL, 2).0, words: [7; 7] };
        Op { roles, items: Vec::new(), windows: None }
    }

    pub fn call(to: usize) -> Op {
        Op::new(ipc::SEND | ipc::RECEIVE | ipc::CALL, GATES + to as u64, 0)
    }

    /// By a gate without DONATE and HANDOVER.
    pub fn call_weakly(to: usize) -> Op {
        Op::new(ipc::SEND | ipc::RECEIVE | ipc::CALL, WEAK_GATES + to as u64, 0)
    }

    pub fn send(to: usize) -> Op {
        Op::new(ipc::SEND, GATES + to as u64, 0)
    }

    pub fn receive() -> Op {
        Op::new(ipc::RECEIVE, 0, name::ANY)
    }

    pub fn receive_from(from: usize) -> Op {
        Op::new(ipc::RECEIVE, 0, GATES + from as u64)
    }

    pub fn send_and_receive(to: usize) -> Op {
        Op::new(ipc::SEND | ipc::RECEIVE, GATES + to as u64, name::ANY)
    }

    pub fn send_and_receive_from(to: usize, from: usize) -> Op {
        Op::new(ipc::SEND | ipc::RECEIVE, GATES + to as u64, GATES + from as u64)
    }

    pub fn reply(token: u64) -> Op {
        Op::new(ipc::SEND, token, 0)
    }

    pub fn reply_and_wait(token: u64) -> Op {
        Op::new(ipc::SEND | ipc::RECEIVE, token, name::ANY)
    }

    pub fn reply_and_receive_from(token: u64, from: usize) -> Op {
        Op::new(ipc::SEND | ipc::RECEIVE, token, GATES + from as u64)
    }

    /// Passes the call that `token` names on.
    pub fn forward(token: u64, to: usize) -> Op {
        Op::new(ipc::SEND | ipc::FORWARD, GATES + to as u64, token)
    }

    pub fn flags(mut self, flags: u64) -> Op {
        self.roles.operation |= flags;
        self
    }

    /// A string of one piece.
    pub fn string(self, address: u64, bytes: u64) -> Op {
        self.item(Item::string(address, bytes))
    }

    pub fn item(mut self, item: Item) -> Op {
        self.items.push(item);
        self.roles.tag = Tag::new(LABEL, 2).with_items(self.items.len()).0;
        self
    }

    /// Room for a string, in one piece.
    pub fn window(self, address: u64, bytes: u64) -> Op {
        self.open(Item::string(address, bytes))
    }

    pub fn open(mut self, window: Item) -> Op {
        self.windows.get_or_insert_default().push(window);
        self
    }

    /// No window is open.
    pub fn closed(mut self) -> Op {
        self.windows = Some(Vec::new());
        self
    }
}

/// What a call came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Got {
    pub status: Status,
    pub label: u32,
    pub badge: u64,
    pub token: u64,
    pub words: [u64; 7],
    /// What the kernel reported of items.
    pub items: Vec<Item>,
}

impl Stage {
    /// `actor` comes to run and makes `op`.
    pub fn make(&mut self, actor: usize, op: &Op) {
        self.bring(actor);
        self.put_lists(actor, op);
        self.call(actor, &op.roles);
    }

    pub fn put_lists(&mut self, actor: usize, op: &Op) {
        for (index, item) in op.items.iter().enumerate() {
            self.set_item(actor, offset_of!(Utcb, send_items), index, *item);
        }
        if let Some(windows) = &op.windows {
            self.open_windows(actor, windows);
        }
    }

    /// The same, up to the end of the call.
    pub fn made(&mut self, actor: usize, op: &Op) -> Got {
        self.make(actor, op);
        self.got(actor)
    }

    /// What the call of `actor` comes to.
    pub fn got(&mut self, actor: usize) -> Got {
        let context = self.finish(actor);
        self.read_got(actor, &context)
    }

    pub fn read_got(&self, actor: usize, context: &HostContext) -> Got {
        let tag = Tag(context.tag());
        let count = if context.status().is_done() { tag.typed_items().min(MAX_ITEMS) } else { 0 };
        let item = |index| self.item(actor, offset_of!(Utcb, received_items), index);
        Got {
            status: context.status(),
            label: tag.label(),
            badge: context.badge(),
            token: context.token(),
            words: context.words(),
            items: (0..count).map(item).collect(),
        }
    }

    /// Bytes of an actor's data pages, mapped or not.
    pub fn read(&self, actor: usize, address: u64, bytes: u64) -> Vec<u8> {
        (address..address + bytes).map(|at| self.byte(actor, at)).collect()
    }

    fn byte(&self, actor: usize, address: u64) -> u8 {
        let (frame, word) = self.place(actor, address);
        self.world.read(frame, word).to_le_bytes()[(address % 8) as usize]
    }

    fn place(&self, actor: usize, address: u64) -> (cedo_machine::Frame, usize) {
        let offset = address - DATA;
        let page = (offset / 4096) as u32;
        assert!(page < self.actors[actor].pages, "{address:#x} is no data of actor {actor}");
        (self.actors[actor].data.plus(page), (offset % 4096 / 8) as usize)
    }

    /// Writes bytes into an actor's data pages, mapped or not.
    pub fn write(&mut self, actor: usize, address: u64, bytes: &[u8]) {
        let mut at = address;
        let end = address + bytes.len() as u64;
        while at < end {
            let (frame, word) = self.place(actor, at);
            let mut old = self.world.read(frame, word).to_le_bytes();
            let last = (at / 8 * 8 + 8).min(end);
            for byte in at..last {
                old[(byte % 8) as usize] = bytes[(byte - address) as usize];
            }
            self.world.write(frame, word, u64::from_le_bytes(old));
            at = last;
        }
    }

    /// Fills all data pages of an actor with bytes that differ by actor and place.
    pub fn fill(&mut self, actor: usize) {
        let bytes = u64::from(self.actors[actor].pages) * 4096;
        let pattern: Vec<u8> = (0..bytes).map(|at| pattern(actor, DATA + at)).collect();
        self.write(actor, DATA, &pattern);
    }

    /// The bytes that [`Stage::fill`] put there.
    pub fn filled(&self, actor: usize, address: u64, bytes: u64) -> Vec<u8> {
        (address..address + bytes).map(|at| pattern(actor, at)).collect()
    }

    /// Asserts that a filled actor's data pages are as they were but for these ranges.
    pub fn assert_untouched_but(&self, actor: usize, changed: &[(u64, u64)]) {
        let end = DATA + u64::from(self.actors[actor].pages) * 4096;
        let now = self.read(actor, DATA, end - DATA);
        for (at, byte) in (DATA..end).zip(now) {
            let is_in = |(start, bytes): &(u64, u64)| at >= *start && at < start + bytes;
            if !changed.iter().any(is_in) {
                assert_eq!(byte, pattern(actor, at), "actor {actor} at {at:#x}");
            }
        }
    }
}

fn pattern(actor: usize, address: u64) -> u8 {
    let mixed = (address ^ (actor as u64) << 17).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}
