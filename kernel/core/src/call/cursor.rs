//! Where a sweep is.
//!
//! ```text
//!   Start ---> Condemn <--+        Spaces whose origin is dead; again until a pass finds none
//!     ^  round    | none  |
//!     +-----------+-------+ some
//!                 v
//!            Capabilities          empties slots
//!                 v
//!              Mappings            unmaps, one window of pages at a time
//!                 v
//!              Objects             destroys threads and Irqs, frees stock
//!                 v
//!               Spaces             tears the condemned ones down
//!                 v
//!               Done
//! ```

use crate::object::space::{DERIVED, DERIVED_LINES, DERIVED_REGION};
use cedo_abi::Kind;
use cedo_floor::SpaceId;
use cedo_machine::Frame;

/// What a sweep is at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Phase {
    /// Every core must leave the kernel once before it goes on.
    Start = 0,
    /// Condemns Spaces.
    Condemn = 1,
    /// The same; this pass has found one.
    CondemnAgain = 2,
    /// Empties slots.
    Capabilities = 3,
    /// Unmaps.
    Mappings = 4,
    /// Destroys threads and Irqs, frees stock.
    Objects = 5,
    /// Tears Spaces down.
    Spaces = 6,
    /// Nothing dead is left.
    Done = 7,
}

impl Phase {
    /// The phase with this number.
    pub const fn from_number(number: u64) -> Phase {
        match number {
            1 => Phase::Condemn,
            2 => Phase::CondemnAgain,
            3 => Phase::Capabilities,
            4 => Phase::Mappings,
            5 => Phase::Objects,
            6 => Phase::Spaces,
            7 => Phase::Done,
            _ => Phase::Start,
        }
    }
}

/// What can depend on what was killed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Capabilities.
    Capabilities,
    /// And Irqs.
    Lines,
    /// Everything.
    Everything,
}

impl Scope {
    /// Of a capability of this kind.
    pub const fn of(kind: Kind) -> Scope {
        match kind {
            Kind::Region => Scope::Everything,
            Kind::Lines => Scope::Lines,
            _ => Scope::Capabilities,
        }
    }

    /// Of a Space, by the bits of [`Space::derived`](crate::object::space::Space::derived); nothing
    /// if nothing outside depends on it.
    pub const fn of_space(derived: u8) -> Option<Scope> {
        if derived & DERIVED_REGION != 0 {
            Some(Scope::Everything)
        } else if derived & DERIVED_LINES != 0 {
            Some(Scope::Lines)
        } else if derived & DERIVED != 0 {
            Some(Scope::Capabilities)
        } else {
            None
        }
    }

    /// The phase after the first round.
    pub const fn first(self) -> Phase {
        match self {
            Scope::Everything => Phase::Condemn,
            Scope::Lines | Scope::Capabilities => Phase::Capabilities,
        }
    }

    /// The phase that follows the end of a pass.
    pub const fn after(self, phase: Phase) -> Phase {
        match (phase, self) {
            (Phase::CondemnAgain, _) => Phase::Start,
            (Phase::Start | Phase::Condemn, _) => Phase::Capabilities,
            (Phase::Capabilities, Scope::Everything) => Phase::Mappings,
            (Phase::Capabilities, Scope::Lines) | (Phase::Mappings, _) => Phase::Objects,
            (Phase::Objects, Scope::Everything) => Phase::Spaces,
            _ => Phase::Done,
        }
    }
}

/// Where a sweep is: phase (3) | frame of an object (31) | position in it (30): a frame of its
/// capability table, or a window of its page table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cursor(u64);

const FRAME_SHIFT: u32 = 30;
const PHASE_SHIFT: u32 = 61;

impl Cursor {
    /// The start of a phase.
    pub const fn of(phase: Phase) -> Cursor {
        Cursor((phase as u64) << PHASE_SHIFT)
    }

    /// From where it is kept.
    pub const fn from_word(word: u64) -> Cursor {
        Cursor(word)
    }

    /// As it is kept.
    pub const fn word(self) -> u64 {
        self.0
    }

    /// What the sweep is at.
    pub const fn phase(self) -> Phase {
        Phase::from_number(self.0 >> PHASE_SHIFT)
    }

    /// The object it is at.
    pub const fn frame(self) -> Frame {
        Frame((self.0 >> FRAME_SHIFT) as u32 & 0x7fff_ffff)
    }

    /// Where in that.
    pub const fn position(self) -> u64 {
        self.0 & ((1 << FRAME_SHIFT) - 1)
    }

    /// The same phase at another object.
    pub const fn at(self, frame: Frame, position: u64) -> Cursor {
        let phase = self.0 >> PHASE_SHIFT << PHASE_SHIFT;
        Cursor(phase | (frame.0 as u64) << FRAME_SHIFT | position)
    }
}

/// Whose sweep it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SweepOf {
    /// That of a revoked slot of the caller's own, with the stamp it got.
    Slot {
        /// The slot.
        slot: u32,
        /// Its sequence.
        stamp: u64,
    },
    /// That of a Space that is being destroyed.
    Space {
        /// The Space.
        space: SpaceId,
        /// Generation of its frame.
        generation: u32,
    },
}
