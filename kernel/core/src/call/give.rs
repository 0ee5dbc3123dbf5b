//! Capabilities from one Space to another: COPY, DIVIDE, MOVE, and what typed items of messages are
//! built on.
//!
//! Both parties' Spaces may be on any core. Every entry that comes back to a transfer calls these
//! again: nothing is carried over that could have been taken back in between.

use crate::kernel::Kernel;
use crate::object::capability::{self, Capability};
use crate::object::source::{self, Source};
use cedo_abi::{Rights, Status};
use cedo_floor::SpaceId;
use cedo_machine::Machine;

/// A slot of a Space.
pub type Slot = (SpaceId, u32);

/// Whether the giver keeps what is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Give {
    /// It does; what the receiver gets depends on it.
    Copy,
    /// Its slot is emptied; what the receiver gets depends on what it did.
    Move,
}

impl<M: Machine> Kernel<M> {
    /// Gives the capability in slot `from` with at most `rights`, or `part` of it (first and count of
    /// a Region, Ports or Lines), to the empty slot `to`.
    ///
    /// Errors: `NoCapability` if there is none, or it has been taken back, or `to` is beyond the end;
    /// `Occupied`; `BadArgument`, `WrongKind` for a part that is none; `TooDeep` (copies);
    /// `HasDependents` if it cannot move; `WrongState` if a Space is being destroyed. What was given.
    pub fn give(
        &self,
        from: Slot,
        part: Option<(u64, u64)>,
        rights: Rights,
        to: Slot,
        how: Give,
    ) -> Result<Capability, Status> {
        let (source, given) = self.offer(from, part, rights)?;
        match how {
            Give::Copy => self.place_capability(to, &given, Some(&source))?,
            Give::Move => self.place_moved(from, &source, &given, to)?,
        }
        Ok(given)
    }

    /// The same up to where the receiver comes into it. Errors: those that are the giver's.
    pub fn expect_gift(
        &self,
        from: Slot,
        part: Option<(u64, u64)>,
        rights: Rights,
        how: Give,
    ) -> Result<(), Status> {
        let (source, _) = self.offer(from, part, rights)?;
        match how {
            Give::Copy => source::expect_depth(&source),
            Give::Move => source::expect_free(&self.objects, &source),
        }
    }

    fn offer(
        &self,
        from: Slot,
        part: Option<(u64, u64)>,
        rights: Rights,
    ) -> Result<(Source, Capability), Status> {
        let source = source::source(&self.objects, from.0, from.1)?;
        let whole = source.capability;
        let given = match part {
            Some((first, count)) => whole.part(first, count, rights)?,
            None => Capability { rights: whole.rights.and(rights), ..whole },
        };
        Ok((source, given))
    }

    /// Both locks, the Space with the lower frame first.
    fn place_moved(
        &self,
        from: Slot,
        source: &Source,
        given: &Capability,
        to: Slot,
    ) -> Result<(), Status> {
        let (_, _first) = self.lock_space(from.0.min(to.0))?;
        let _second = if from.0 == to.0 { None } else { Some(self.lock_space(from.0.max(to.0))?) };
        let (giver, receiver) = (self.space(from.0), self.space(to.0));
        capability::expect_vacant(&self.objects, receiver, to.1)?;
        source::release_unchanged(&self.objects, giver, source)?;
        if let Some(above) = source.above
            && above.space != to.0
        {
            self.space(above.space).note_derived(given.kind);
        }
        capability::place(&self.objects, receiver, to.1, given, source.above)
    }
}
