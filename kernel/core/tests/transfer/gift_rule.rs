//! The rule for a message that brings memory or a capability: who hears what, written down once more
//! and apart from the kernel.

use cedo_abi::Status;

/// What is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Map,
    Copy,
    Move,
    Part,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Map, Kind::Copy, Kind::Move, Kind::Part];
}

/// What the sender has to give, and how it says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A Region with more rights than are given.
    Good,
    /// A Region that may only be read.
    Weak,
    /// A gate.
    Gate,
    /// Nothing.
    Empty,
    /// A capability for what has been destroyed.
    Stale,
    /// A reserved name instead of a slot.
    Reserved,
    /// A Region of which there is a copy.
    Used,
    /// A Region with as many capabilities above it as there can be.
    Deep,
    /// A part that reaches beyond the Region.
    Beyond,
    /// More pages than a message maps.
    TooMany,
    /// Rights without READ.
    NoRead,
    /// A part that is to move; memory that is to move.
    MovesPart,
    /// A flag that means nothing here.
    Flag,
}

impl Source {
    pub const ALL: [Source; 13] = [
        Source::Good,
        Source::Weak,
        Source::Gate,
        Source::Empty,
        Source::Stale,
        Source::Reserved,
        Source::Used,
        Source::Deep,
        Source::Beyond,
        Source::TooMany,
        Source::NoRead,
        Source::MovesPart,
        Source::Flag,
    ];

    /// Why a sender cannot give this.
    fn refusal(self, kind: Kind) -> Option<Status> {
        let is_copy = matches!(kind, Kind::Copy | Kind::Part);
        let has_extent = matches!(kind, Kind::Map | Kind::Part);
        Some(match self {
            Source::Weak if kind == Kind::Map => Status::NoRight,
            Source::Gate if has_extent => Status::WrongKind,
            Source::Empty | Source::Stale | Source::Reserved => Status::NoCapability,
            Source::Used if kind == Kind::Move => Status::HasDependents,
            Source::Deep if is_copy => Status::TooDeep,
            Source::Beyond if has_extent => Status::BadArgument,
            Source::TooMany | Source::NoRead if kind == Kind::Map => Status::BadArgument,
            Source::MovesPart | Source::Flag => Status::BadArgument,
            _ => return None,
        })
    }
}

/// What the receiver has opened for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    Fits,
    Larger,
    /// Behind windows of other kinds, and one with no room at all if that is for capabilities.
    Behind,
    Missing,
    /// A window of another kind.
    OtherKind,
    /// One page, or slot, too small.
    Small,
    /// The slot is taken, or the third page mapped.
    Taken,
    /// Slots beyond the end of the table; an address that no page begins at.
    Nowhere,
    /// The same: a reserved name; an address that no user has.
    Nobodys,
}

impl Room {
    pub const ALL: [Room; 9] = [
        Room::Fits,
        Room::Larger,
        Room::Behind,
        Room::Missing,
        Room::OtherKind,
        Room::Small,
        Room::Taken,
        Room::Nowhere,
        Room::Nobodys,
    ];

    /// Why it does not get there, and how many pages did.
    fn refusal(self, kind: Kind) -> Option<(Status, u64)> {
        Some(match self {
            Room::Fits | Room::Larger | Room::Behind => return None,
            Room::Missing | Room::OtherKind | Room::Small => (Status::Overflow, 0),
            Room::Taken if kind == Kind::Map => (Status::Occupied, 2),
            Room::Taken => (Status::Occupied, 0),
            Room::Nowhere | Room::Nobodys if kind == Kind::Map => (Status::BadAddress, 0),
            Room::Nowhere | Room::Nobodys => (Status::Overflow, 0),
        })
    }
}

/// What comes before it in the message, and gets there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Before {
    Nothing,
    /// A string of several pages, for which there is a window.
    String,
    /// A gate, for which there is a slot.
    Gate,
}

impl Before {
    pub const ALL: [Before; 3] = [Before::Nothing, Before::String, Before::Gate];
}

/// One message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Case {
    pub kind: Kind,
    pub source: Source,
    pub room: Room,
    pub before: Before,
}

/// What comes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// All of it arrives.
    Arrives,
    /// The sender hears this; nothing has moved, and nobody else hears of it.
    Refused(Status),
    /// Both hear this: items that arrived, pages of the next one.
    Cut(Status, [u64; 2]),
}

impl Case {
    /// Everything that can be wrong on one side, with nothing wrong on the other.
    pub fn all() -> Vec<Case> {
        let mut cases = Vec::new();
        for kind in Kind::ALL {
            for before in Before::ALL {
                let case = |source, room| Case { kind, source, room, before };
                cases.extend(Source::ALL.map(|source| case(source, Room::Fits)));
                cases.extend(Room::ALL[1..].iter().map(|room| case(Source::Good, *room)));
            }
        }
        cases
    }

    pub fn expected(self) -> Expected {
        if let Some(status) = self.source.refusal(self.kind) {
            return Expected::Refused(status);
        }
        let before = u64::from(self.before != Before::Nothing);
        match self.room.refusal(self.kind) {
            Some((status, pages)) => Expected::Cut(status, [before, pages]),
            None => Expected::Arrives,
        }
    }
}
