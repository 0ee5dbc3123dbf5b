//! System calls other than IPC: arguments by role, and the answer as a `Result`.

use cedo_abi::call::{Call, operation};
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_rt::raw::{Answer, Request, invoke};

/// Arguments of one call, by role.
#[derive(Clone, Copy, Debug)]
#[must_use = "`make` makes the call"]
pub struct Arguments {
    request: Request,
}

impl Arguments {
    /// The operation.
    #[inline]
    pub fn new(call: Call, sub_operation: u8) -> Arguments {
        let operation = operation(call, sub_operation, 0);
        Arguments { request: Request { operation, ..Request::default() } }
    }

    /// Flags of the operation word.
    #[inline]
    pub fn flags(mut self, flags: u64) -> Arguments {
        self.request.operation |= flags;
        self
    }

    /// The word in the role `to`.
    #[inline]
    pub fn to(mut self, to: u64) -> Arguments {
        self.request.to = to;
        self
    }

    /// The word in the role `from`.
    #[inline]
    pub fn from(mut self, from: u64) -> Arguments {
        self.request.from = from;
        self
    }

    /// Words from 0 on, as many as there are registers.
    #[inline]
    pub fn words(mut self, words: &[u64]) -> Arguments {
        let count = words.len().min(REGISTER_WORDS);
        self.request.words[..count].copy_from_slice(&words[..count]);
        self
    }

    /// Makes the call.
    #[inline]
    pub fn make(self) -> Answer {
        invoke(self.request)
    }
}

/// The answer as a result: a status that is not done is an error.
#[inline]
pub fn done(answer: &Answer) -> Result<(), Status> {
    let status = Status::of_result(answer.result);
    if status.is_done() { Ok(()) } else { Err(status) }
}
