//! The page a thread shares with the kernel (user thread control block).
//!
//! Mapped read-write for its owner at an address its creator chose, which the thread receives in
//! message word 0 when it starts. The kernel reaches it by its frame and trusts nothing in it.

use crate::item::{Item, MAX_ITEMS};
use crate::state::{BASE_WORDS, FLOATING_POINT_WORDS, GENERAL_WORDS};
use crate::{MESSAGE_WORDS, REGISTER_WORDS};

/// Layout of the page. Offsets are pinned below.
#[derive(Clone, Copy)]
#[repr(C, align(4096))]
pub struct Utcb {
    /// Message words; the first [`REGISTER_WORDS`] travel in registers and are not read or written
    /// here by the kernel.
    pub words: [u64; MESSAGE_WORDS],
    /// Written by the kernel: state of the thread that a kernel message or READ is about.
    pub received: StateArea,
    /// Read by the kernel: state to install with a reply or WRITE.
    pub reply: StateArea,
    /// Zero in a new thread; the owner's.
    pub argument: u64,
    /// Read by the kernel: the typed items of a message that is sent, as many as its tag says.
    pub send_items: [Item; MAX_ITEMS],
    /// Read by the kernel: where items may go, up to the first [`Item::NONE`].
    pub windows: [Item; MAX_ITEMS],
    /// Written by the kernel: the items of the message received, as many as its tag says: kind,
    /// where, and how much.
    pub received_items: [Item; MAX_ITEMS],
    /// Written by the kernel: the floating-point group that belongs to [`received`](Self::received).
    pub received_floating: [u64; FLOATING_POINT_WORDS],
    /// Read by the kernel: the floating-point group that belongs to [`reply`](Self::reply).
    pub reply_floating: [u64; FLOATING_POINT_WORDS],
    /// The kernel's: registers of the owner on their way to a handler of its faults on another core,
    /// and back.
    pub away: StateArea,
    /// The same of the floating-point group.
    pub away_floating: [u64; FLOATING_POINT_WORDS],
    reserved: [u64; RESERVED_WORDS],
}

const RESERVED_WORDS: usize =
    512 - MESSAGE_WORDS - 3 * STATE_WORDS - 1 - 12 * MAX_ITEMS - 3 * FLOATING_POINT_WORDS;

/// Words of one state area.
pub const STATE_WORDS: usize = 1 + GENERAL_WORDS + BASE_WORDS;

/// Register state by group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct StateArea {
    /// Which groups are valid: bits of [`crate::state`].
    pub mask: u64,
    /// The general group.
    pub general: [u64; GENERAL_WORDS],
    /// The bases group.
    pub bases: [u64; BASE_WORDS],
}

impl StateArea {
    /// No group.
    pub const EMPTY: StateArea =
        StateArea { mask: 0, general: [0; GENERAL_WORDS], bases: [0; BASE_WORDS] };
}

impl Utcb {
    /// A page of zeroes.
    pub const EMPTY: Utcb = Utcb {
        words: [0; MESSAGE_WORDS],
        received: StateArea::EMPTY,
        reply: StateArea::EMPTY,
        argument: 0,
        send_items: [Item::NONE; MAX_ITEMS],
        windows: [Item::NONE; MAX_ITEMS],
        received_items: [Item::NONE; MAX_ITEMS],
        received_floating: [0; FLOATING_POINT_WORDS],
        reply_floating: [0; FLOATING_POINT_WORDS],
        away: StateArea::EMPTY,
        away_floating: [0; FLOATING_POINT_WORDS],
        reserved: [0; RESERVED_WORDS],
    };
}

const _: () = assert!(size_of::<Utcb>() == 4096);
const _: () = assert!(core::mem::offset_of!(Utcb, received) == 512);
const _: () = assert!(core::mem::offset_of!(Utcb, reply) == 512 + 8 * STATE_WORDS);
const _: () = assert!(REGISTER_WORDS < MESSAGE_WORDS);
