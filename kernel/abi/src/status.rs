//! The closed list of answers.

/// What a call came to. The order is part of the interface; [`COUNT`] pins the length.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// A dispatch or idle found something newer: it consumed no grant, here is a message.
    News = 1,
    /// Done, but the winner could not be the partner: the caller keeps the processor.
    KeptProcessor = 2,
    /// The token or epoch is of a wait that is over. Nothing changed.
    Stale = 3,
    /// Somebody cancelled this wait.
    Aborted = 4,
    /// The partner was destroyed while this thread waited for it.
    PartnerGone = 5,
    /// Timeout zero, and the partner is not waiting (or nothing is pending).
    NotReady = 6,
    /// The slot is empty, out of range, or its object no longer exists.
    NoCapability = 7,
    /// The capability is of another kind.
    WrongKind = 8,
    /// The capability or edge lacks the right.
    NoRight = 9,
    /// Unknown call, sub-operation, flag or label; a count out of range.
    BadArgument = 10,
    /// An address that a user cannot have, is unmapped, or is not aligned.
    BadAddress = 11,
    /// The operation must be made on another core.
    WrongCore = 12,
    /// A root scheduler may not call, send with never or receive from one partner only.
    MustStayOpen = 13,
    /// The Space's stock of page-table frames is empty.
    NoStock = 14,
    /// The destination slot is taken, or the address is mapped.
    Occupied = 15,
    /// The frames are in use, mapped, or not yet quiet after a destruction.
    FramesBusy = 16,
    /// The object is in a state that does not allow this, or was changed while it was used.
    WrongState = 17,
    /// The scheduling tree, the call chain, a line of derivations or a counter would grow beyond its
    /// bound.
    TooDeep = 18,
    /// The new scheduler is the thread itself or below it.
    Cycle = 19,
    /// One cannot do this to oneself.
    NotOneself = 20,
    /// The message did not fit the receiver's window.
    Overflow = 21,
    /// Defined by the contract, not offered by this version.
    Unsupported = 22,
    /// A page that a typed item needs is not there, the partner's or one's own, and nobody waits for
    /// whoever could bring it.
    PageMissing = 23,
    /// Something was made by means of this capability: revoke it first.
    HasDependents = 24,
}

/// Number of statuses; a table on either side has this many lines.
pub const COUNT: u8 = 25;

const _: () = assert!(Status::HasDependents as u8 + 1 == COUNT);

impl Status {
    /// All of them, in order.
    pub const ALL: [Status; COUNT as usize] = [
        Status::Ok,
        Status::News,
        Status::KeptProcessor,
        Status::Stale,
        Status::Aborted,
        Status::PartnerGone,
        Status::NotReady,
        Status::NoCapability,
        Status::WrongKind,
        Status::NoRight,
        Status::BadArgument,
        Status::BadAddress,
        Status::WrongCore,
        Status::MustStayOpen,
        Status::NoStock,
        Status::Occupied,
        Status::FramesBusy,
        Status::WrongState,
        Status::TooDeep,
        Status::Cycle,
        Status::NotOneself,
        Status::Overflow,
        Status::Unsupported,
        Status::PageMissing,
        Status::HasDependents,
    ];

    /// The status in the low byte of a result word. An unknown byte reads as [`Status::Unsupported`].
    pub const fn of_result(result: u64) -> Status {
        let byte = (result & 0xff) as usize;
        if byte < COUNT as usize { Status::ALL[byte] } else { Status::Unsupported }
    }

    /// True where the operation did what it was asked, if perhaps not all of it.
    pub const fn is_done(self) -> bool {
        matches!(self, Status::Ok | Status::News | Status::KeptProcessor)
    }
}
