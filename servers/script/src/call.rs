//! A system call as its registers, by role (`cedo_abi::call`).

use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::name::{ANY, NOBODY};
use cedo_abi::{Label, REGISTER_WORDS, Status, Tag};

/// What goes into a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// The operation word.
    pub operation: u64,
    /// For whom.
    pub to: u64,
    /// From whom.
    pub from: u64,
    /// The message tag.
    pub tag: u64,
    /// Message or argument words.
    pub words: [u64; REGISTER_WORDS],
}

/// What comes out of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// Status and event number.
    pub result: u64,
    /// Badge of the message.
    pub badge: u64,
    /// Reply token of the message, or 0.
    pub token: u64,
    /// Tag of the message.
    pub tag: u64,
    /// Message or result words.
    pub words: [u64; REGISTER_WORDS],
}

impl Request {
    /// An IPC operation.
    pub const fn ipc(flags: u64, to: u64, from: u64) -> Request {
        let operation = operation(Call::Ipc, 0, flags);
        Request { operation, to, from, tag: 0, words: [0; REGISTER_WORDS] }
    }

    /// An open receive with never.
    pub const fn receive() -> Request {
        Request::ipc(ipc::RECEIVE, 0, ANY)
    }

    /// Another call.
    pub const fn other(call: Call, sub: u8, to: u64, word: u64) -> Request {
        let operation = operation(call, sub, 0);
        Request { operation, to, from: NOBODY, tag: 0, words: [word, 0, 0, 0, 0, 0, 0] }
    }
}

impl Answer {
    /// How the call ended.
    pub fn status(&self) -> Status {
        Status::of_result(self.result)
    }

    /// The caller's event number.
    pub const fn event(&self) -> u64 {
        self.result >> 16
    }

    /// The kernel's label, if the message is the kernel's.
    pub fn label(&self) -> Option<Label> {
        Tag(self.tag).kernel_label()
    }
}
