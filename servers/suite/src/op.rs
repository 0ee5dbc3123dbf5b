//! One kernel call as a value, so that a test can say it, vary it, and hand it to another thread.

use cedo_lib::abi::call::{self, Call, ipc};
use cedo_lib::abi::name::{ANY, NOBODY};
use cedo_lib::abi::{REGISTER_WORDS, Status, Tag};
use cedo_lib::raw::{Answer, Request, invoke};

/// A call with all its words, valid or not.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    pub operation: u64,
    pub to: u64,
    pub from: u64,
    pub tag: u64,
    pub words: [u64; REGISTER_WORDS],
}

/// Words of an [`Op`] in a message.
pub const OP_WORDS: usize = 4 + REGISTER_WORDS;

/// What a call came to.
#[derive(Clone, Copy, Debug)]
pub struct Out {
    pub result: u64,
    pub badge: u64,
    pub token: u64,
    pub tag: Tag,
    pub words: [u64; REGISTER_WORDS],
}

impl Op {
    /// The call with flags, all other words zero.
    pub const fn new(call: Call, sub: u8, flags: u64) -> Op {
        Op::raw(call::operation(call, sub, flags))
    }

    /// Any operation word at all.
    pub const fn raw(operation: u64) -> Op {
        Op { operation, to: NOBODY, from: NOBODY, tag: 0, words: [0; REGISTER_WORDS] }
    }

    pub const fn send(to: u64) -> Op {
        Op::new(Call::Ipc, 0, ipc::SEND).to(to)
    }

    pub const fn receive(from: u64) -> Op {
        Op::new(Call::Ipc, 0, ipc::RECEIVE).from(from)
    }

    pub const fn call(to: u64) -> Op {
        Op::new(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE | ipc::CALL).to(to)
    }

    pub const fn send_and_receive(to: u64, from: u64) -> Op {
        Op::new(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE).to(to).from(from)
    }

    pub const fn reply_and_wait(token: u64) -> Op {
        Op::send_and_receive(token, ANY)
    }

    pub const fn give_up_processor() -> Op {
        Op::new(Call::Yield, 0, 0)
    }

    pub const fn thread(sub: u8, thread: u64) -> Op {
        Op::new(Call::Thread, sub, 0).to(thread)
    }

    pub const fn object(sub: u8, region: u64, slot: u64, first: u64) -> Op {
        Op::new(Call::Object, sub, 0).to(region).from(slot).word(0, first)
    }

    pub const fn capability(sub: u8, source: u64, destination: u64, space: u64) -> Op {
        Op::new(Call::Capability, sub, 0).to(source).from(destination).word(0, space)
    }

    pub const fn memory(sub: u8, space: u64, region: u64) -> Op {
        Op::new(Call::Memory, sub, 0).to(space).from(region)
    }

    pub const fn core(sub: u8, core: u64) -> Op {
        Op::new(Call::Core, sub, 0).to(core)
    }

    pub const fn to(mut self, to: u64) -> Op {
        self.to = to;
        self
    }

    pub const fn from(mut self, from: u64) -> Op {
        self.from = from;
        self
    }

    pub const fn tag(mut self, label: u32, words: usize) -> Op {
        self.tag = Tag::new(label, words).0;
        self
    }

    pub const fn raw_tag(mut self, tag: u64) -> Op {
        self.tag = tag;
        self
    }

    pub const fn word(mut self, index: usize, value: u64) -> Op {
        self.words[index] = value;
        self
    }

    pub const fn flags(mut self, flags: u64) -> Op {
        self.operation |= flags;
        self
    }

    /// Makes the call.
    pub fn run(self) -> Out {
        let Op { operation, to, from, tag, words } = self;
        Out::of(&invoke(Request { operation, to, from, tag, words }))
    }

    /// As message words.
    pub const fn pack(self) -> [u64; OP_WORDS] {
        let w = self.words;
        let Op { operation, to, from, tag, .. } = self;
        [operation, to, from, tag, w[0], w[1], w[2], w[3], w[4], w[5], w[6]]
    }

    /// Out of message words.
    pub const fn unpack(packed: [u64; OP_WORDS]) -> Op {
        let [operation, to, from, tag, w0, w1, w2, w3, w4, w5, w6] = packed;
        Op { operation, to, from, tag, words: [w0, w1, w2, w3, w4, w5, w6] }
    }
}

impl Out {
    pub const NOTHING: Out =
        Out { result: 0, badge: 0, token: 0, tag: Tag(0), words: [0; REGISTER_WORDS] };

    /// What a raw call came to.
    pub const fn of(answer: &Answer) -> Out {
        let Answer { result, badge, token, tag, words } = *answer;
        Out { result, badge, token, tag: Tag(tag), words }
    }

    pub const fn status(&self) -> Status {
        Status::of_result(self.result)
    }

    /// The receiver's event number.
    pub const fn event(&self) -> u64 {
        self.result >> 16
    }
}
