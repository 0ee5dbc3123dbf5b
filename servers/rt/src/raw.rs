//! The call instruction with all its registers, by role (`cedo_abi::call`).

#[cfg(not(target_os = "none"))]
pub mod host;
#[cfg(target_arch = "x86_64")]
pub mod probe;
#[cfg(target_arch = "x86_64")]
pub mod steady;
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
mod x86_64;

#[cfg(not(target_os = "none"))]
pub use host::{ELF_MACHINE, counter, invoke};
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub(crate) use x86_64::thread_entry;
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
pub use x86_64::{ELF_MACHINE, counter, fail, invoke};

use cedo_abi::REGISTER_WORDS;

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
