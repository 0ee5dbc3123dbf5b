//! The calls that the program makes.

use cedo_abi::REGISTER_WORDS;
use cedo_abi::call::{Call, operation};
use cedo_abi::name::{ANY, NOBODY};
use cedo_abi::registers::Request;

/// An IPC operation.
pub const fn ipc(flags: u64, to: u64, from: u64) -> Request {
    let operation = operation(Call::Ipc, 0, flags);
    Request { operation, to, from, tag: 0, words: [0; REGISTER_WORDS] }
}

/// An open receive with never.
pub const fn receive() -> Request {
    ipc(cedo_abi::call::ipc::RECEIVE, 0, ANY)
}

/// Another call.
pub const fn other(call: Call, sub: u8, to: u64, word: u64) -> Request {
    let operation = operation(call, sub, 0);
    Request { operation, to, from: NOBODY, tag: 0, words: [word, 0, 0, 0, 0, 0, 0] }
}
