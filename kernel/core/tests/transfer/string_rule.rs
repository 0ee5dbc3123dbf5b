//! The rule for a message that brings strings: who hears what, written down once more and apart from
//! the kernel. Which byte goes where is in `model`.

use crate::gift_rule::Expected;
use cedo_abi::Status;
use cedo_abi::layout::PAGE_SIZE;

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Empty,
    One,
    /// One string in two pieces.
    Pieces,
    /// A short string, then a long one.
    Two,
}

impl Shape {
    pub const ALL: [Shape; 4] = [Shape::Empty, Shape::One, Shape::Pieces, Shape::Two];
}

/// Bytes of a long string; of its first piece; of a short string.
pub const LONG: u64 = 2 * PAGE_SIZE + 5;
pub const PIECE: u64 = PAGE_SIZE;
pub const SHORT: u64 = 100;

/// What is wrong with it, if anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    Nothing,
    /// One byte more than a string may have.
    TooLong,
    /// At an address that no user has.
    Nobodys,
    /// The last string goes on in an item that is not there.
    GoesOn,
}

/// The windows that the receiver has opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    Fits,
    Larger,
    /// Each window in two pieces.
    InPieces,
    /// None for the last string.
    Missing,
    /// One for memory instead of the last one.
    OtherKind,
    /// The last one is a byte too small.
    Small,
}

/// Whose pages are missing, and whether somebody brings them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pages {
    Mapped,
    SendersBrought,
    SendersMissing,
    ReceiversBrought,
    ReceiversMissing,
}

impl Pages {
    pub const ALL: [Pages; 5] = [
        Pages::Mapped,
        Pages::SendersBrought,
        Pages::SendersMissing,
        Pages::ReceiversBrought,
        Pages::ReceiversMissing,
    ];
}

/// Whose call moves the items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mover {
    /// The receiver waits already.
    Sender,
    /// The same, by a reply: that waits for nobody but the mover's own handler.
    Replier,
    /// The sender is queued, or is taken after a reply or a send of the receiver's own.
    Receiver,
}

impl Mover {
    pub const ALL: [Mover; 3] = [Mover::Sender, Mover::Replier, Mover::Receiver];
}

/// One message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StringCase {
    pub shape: Shape,
    pub wrong: Wrong,
    pub room: Room,
    pub pages: Pages,
    pub mover: Mover,
}

/// What comes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StringExpected {
    Ends(Expected),
    /// The mover stops at its own missing page, and its scheduler hears *fault*.
    MoverStops,
}

impl StringCase {
    /// Everything that can be out of the ordinary in one place, with nothing so in the others.
    pub fn all() -> Vec<StringCase> {
        let mut cases = Vec::new();
        for mover in Mover::ALL {
            for shape in Shape::ALL {
                let case = |wrong, room, pages| StringCase { shape, wrong, room, pages, mover };
                let rooms = [Room::Fits, Room::Larger, Room::InPieces];
                let tight = [Room::Missing, Room::OtherKind, Room::Small];
                cases.extend(rooms.map(|room| case(Wrong::Nothing, room, Pages::Mapped)));
                cases.extend(tight.map(|room| case(Wrong::Nothing, room, Pages::Mapped)));
                let wrongs = [Wrong::TooLong, Wrong::Nobodys, Wrong::GoesOn];
                cases.extend(wrongs.map(|wrong| case(wrong, Room::Fits, Pages::Mapped)));
                let missing = Pages::ALL.into_iter().skip(1);
                cases.extend(missing.map(|pages| case(Wrong::Nothing, Room::Fits, pages)));
            }
        }
        // An empty string has no end that could be too far away.
        cases.retain(|case| {
            let sized =
                case.room == Room::Small || matches!(case.wrong, Wrong::TooLong | Wrong::Nobodys);
            case.shape != Shape::Empty || !sized
        });
        cases
    }

    pub fn expected(self) -> StringExpected {
        let ends = |end| StringExpected::Ends(end);
        if self.wrong != Wrong::Nothing {
            return ends(Expected::Refused(Status::BadArgument));
        }
        if self.shape == Shape::Empty {
            return ends(Expected::Arrives);
        }
        match (self.pages, self.mover) {
            (Pages::SendersMissing, Mover::Sender | Mover::Replier)
            | (Pages::ReceiversMissing, Mover::Receiver) => StringExpected::MoverStops,
            (Pages::SendersMissing, Mover::Receiver)
            | (Pages::ReceiversMissing, Mover::Sender | Mover::Replier)
            | (Pages::ReceiversBrought, Mover::Replier) => {
                ends(Expected::Cut(Status::PageMissing, [0, 0]))
            }
            _ => ends(self.by_room()),
        }
    }

    /// Amounts: items that are whole, bytes of the next one.
    fn by_room(self) -> Expected {
        let whole = u64::from(self.shape == Shape::Two);
        match (self.room, self.shape) {
            (Room::Fits | Room::Larger | Room::InPieces, _) => Expected::Arrives,
            (Room::Missing | Room::OtherKind, _) => Expected::Cut(Status::Overflow, [whole, 0]),
            (Room::Small, Shape::Pieces) => Expected::Cut(Status::Overflow, [1, LONG - PIECE - 1]),
            (Room::Small, _) => Expected::Cut(Status::Overflow, [whole, LONG - 1]),
        }
    }
}
