//! A system call as its registers, by role ([`crate::call`]).

use crate::{Label, REGISTER_WORDS, Status, Tag};

/// What goes into a system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Request {
    /// The operation word.
    pub operation: u64,
    /// Whom it is for.
    pub to: u64,
    /// From whom.
    pub from: u64,
    /// The message tag.
    pub tag: u64,
    /// Message or argument words.
    pub words: [u64; REGISTER_WORDS],
}

/// What comes out of a system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Answer {
    /// The result word: status and event number.
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

impl Answer {
    /// How the call ended.
    pub const fn status(&self) -> Status {
        Status::of_result(self.result)
    }

    /// The caller's event number.
    pub const fn event(&self) -> u64 {
        self.result >> 16
    }

    /// The kernel's label, if the message is the kernel's.
    pub const fn kernel_label(&self) -> Option<Label> {
        Tag(self.tag).kernel_label()
    }
}
