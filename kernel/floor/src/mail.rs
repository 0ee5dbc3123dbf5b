//! The part of a thread that other cores may touch: its one embedded node.
//!
//! A mail is in at most one list at a time (DESIGN.md section 12, 9): a core's inbox, a receiver's
//! queue of senders, the list of callers that a server owes a reply, or that of those who receive from
//! one thread only. Whoever holds the list may write the mail; passing it on through an
//! [`crate::Inbox`] publishes what was written. Hence all accesses are relaxed.

use cedo_machine::atomic::{AtomicU32, AtomicU64, Ordering};

/// Message words that travel inside a mail; the rest is in the sender's UTCB, lent with it.
pub const MAIL_WORDS: usize = 7;

/// A word of a mail.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Word(AtomicU64);

impl Word {
    /// Reads it.
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Writes it.
    #[inline]
    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// A half word of a mail.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Half(AtomicU32);

impl Half {
    /// Reads it.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Writes it.
    #[inline]
    pub fn set(&self, value: u32) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Reads what another core published by [`publish`](Self::publish).
    #[inline]
    pub fn observe(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Writes so that all earlier writes are visible to who [`observe`](Self::observe)s it.
    #[inline]
    pub fn publish(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }
}

/// See the module. Fields are what the kernel core makes of them; only the links are used here.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub struct Mail {
    /// Frame of the next mail in the list, or 0.
    pub next: Half,
    /// Frame of the previous mail in the list, or 0.
    pub previous: Half,
    /// Frame of the thread that owes this thread a reply, or 0.
    pub owed_by: Half,
    /// Frame of the thread in whose queue of senders it is, or 0.
    pub queued_at: Half,
    /// Frame of the thread among whose closed receivers it is, or 0.
    pub awaits: Half,
    /// How often the thread in whose list it is had been suspended when it came.
    pub suspensions: Half,
    /// Which wait this is: the low half of a reply token.
    pub sequence: Half,
    /// Why it was posted to a core (a number of the kernel core).
    pub post: Half,
    /// What its sender wants (a number of the kernel core).
    pub kind: Half,
    /// Home core of the thread, for whoever sends the mail back.
    pub home: Half,
    /// What it came to (a number of the kernel core).
    pub status: Half,
    /// Generation of the destination.
    pub generation: Half,
    /// Destination frame.
    pub destination: Half,
    /// More about the operation.
    pub detail: Half,
    /// Flags of the operation.
    pub flags: Word,
    /// Badge to deliver.
    pub badge: Word,
    /// Tag.
    pub tag: Word,
    /// Generation of the frame of whom it receives from next; of a fault: whether it lends its time.
    pub token: Word,
    /// Words.
    pub words: [Word; MAIL_WORDS],
    /// Frame of the sender's UTCB.
    pub utcb: Half,
    /// Frame of the sender's Space, of which strings are lent with the mail.
    pub space: Half,
    /// Which operation of the sender this is.
    pub epoch: Word,
    /// Frame of the sender's fault handler, or 0.
    pub handler: Half,
    /// Generation of that frame.
    pub handler_generation: Half,
    /// Rights of the gate to the handler.
    pub handler_rights: Half,
    /// Badge of the gate to the handler.
    pub handler_badge: Word,
}
