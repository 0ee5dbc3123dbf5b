//! The interface between kernel, servers and host tools, on one page.
//!
//! Plain numbers and layouts, no behaviour and no dependencies: the kernel, a server and a tool on
//! the host that include this crate cannot disagree. What the operations *mean* is in
//! `docs/semantics.md` and in the kernel core; this crate says how they are written down.
//!
//! | file | contents |
//! |---|---|
//! | [`call`] | call numbers, the operation word |
//! | [`registers`] | a system call as its registers |
//! | [`status`] | the closed list of answers |
//! | [`tag`] | message tags and the labels the kernel uses |
//! | [`name`] | what `to` and `from` can say: slots, reserved names, reply tokens |
//! | [`rights`] | capability kinds and rights |
//! | [`notice`] | word positions in the messages the kernel writes |
//! | [`item`] | typed items and windows |
//! | [`utcb`] | the page a thread shares with the kernel |
//! | [`state`] | register state as it travels in messages |
//! | [`info`] | the kernel information page, and what the first server is told |
//! | [`layout`] | addresses that are part of the contract |
//! | [`archive`] | the boot archive |
//! | [`system`] | the packed system description inside it |
//! | [`read`], [`write`] | those layouts from and to bytes, checked |
#![no_std]
#![forbid(unsafe_code)]

pub mod archive;
pub mod call;
pub mod info;
pub mod item;
pub mod layout;
pub mod name;
pub mod notice;
pub mod read;
pub mod registers;
pub mod rights;
pub mod state;
pub mod status;
pub mod system;
pub mod tag;
pub mod utcb;
pub mod write;

pub use item::Item;
pub use name::{Name, Token};
pub use rights::{Kind, Rights};
pub use status::Status;
pub use tag::{Label, Tag};

/// Version of this interface; the kernel information page carries it, `rt` compares it at start.
pub const VERSION: u32 = 2;

/// Message words that travel in processor registers; the rest is in the UTCB.
pub const REGISTER_WORDS: usize = 7;

/// Message words in all.
pub const MESSAGE_WORDS: usize = 64;

/// Cores that one kernel runs.
pub const MAX_CORES: usize = 8;

/// Levels of the scheduling tree below a root, leaf included.
pub const MAX_DEPTH: usize = 8;
