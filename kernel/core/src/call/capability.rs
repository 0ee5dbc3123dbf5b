//! Copying, deriving and dropping capabilities. Rights only shrink.

use super::Answer;
use super::decode::{self, Arguments};
use crate::kernel::Kernel;
use crate::object::capability::{self, Capability};
use cedo_abi::{Kind, Name, Rights, Status};
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::Machine;

/// What a Gate can allow.
const GATE_RIGHTS: Rights = Rights::SEND.or(Rights::CALL).or(Rights::DONATE).or(Rights::HANDOVER);

impl<M: Machine> Kernel<M> {
    /// Copies a capability with at most the rights in word 1.
    pub(super) fn copy_capability(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let source = self.capability(caller, arguments.to)?;
        let rights = source.rights.and(Rights(arguments.words[1] as u16));
        self.derive(caller, arguments, &Capability { rights, ..source })
    }

    /// Makes a Gate out of a Thread (needs CONTROL; the caller itself needs none) or a Gate.
    pub(super) fn make_gate(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [_, rights, badge, ..] = arguments.words;
        let rights = Rights(rights as u16).and(GATE_RIGHTS);
        let gate = match self.gate_source(caller, arguments.to)? {
            gate @ Capability { kind: Kind::Gate, .. } => {
                Capability { rights: gate.rights.and(rights), ..gate }
            }
            thread => Capability { kind: Kind::Gate, rights, badge, ..thread },
        };
        self.derive(caller, arguments, &gate)
    }

    /// Copies a part of a Region, Ports or Lines. Errors: `BadArgument` if it is empty or reaches
    /// beyond the end.
    pub(super) fn divide(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let source = self.capability(caller, arguments.to)?;
        let [_, rights, first, count, ..] = arguments.words;
        let rights = source.rights.and(Rights(rights as u16));
        let part = Capability { rights, count, ..source };
        let end = first.checked_add(count).ok_or(Status::BadArgument)?;
        let fits = count > 0 && end <= source.count;
        let part = match source.kind {
            Kind::Region | Kind::Ports | Kind::Lines if !fits => return Err(Status::BadArgument),
            Kind::Region => Capability { frame: source.frame.plus(first as u32), ..part },
            Kind::Ports | Kind::Lines => Capability { badge: source.badge + first, ..part },
            _ => return Err(Status::WrongKind),
        };
        self.derive(caller, arguments, &part)
    }

    /// Empties a slot. An empty one is no error.
    pub(super) fn drop_capability(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let slot = decode::slot(arguments.from)?;
        let id = self.space_argument(caller, arguments.words[0])?;
        let (space, _held) = self.lock_space(id)?;
        capability::clear(&self.objects, space, slot)?;
        Ok(Status::Ok.into())
    }

    /// Says what is in a slot. Errors: `NoCapability` if it is empty or stale.
    pub(super) fn identify(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let found = self.capability(caller, arguments.to)?;
        let first = match found.kind {
            Kind::Region => u64::from(found.frame.0),
            _ => found.badge,
        };
        let rights = u64::from(found.rights.0);
        let words = [found.kind as u64, rights, first, found.count, 0, 0, 0];
        Ok(Answer::Words(Status::Ok, words))
    }

    /// Puts a capability into an empty slot of a Space. Errors: `NoCapability` beyond the end of its
    /// table, `Occupied`, `WrongState` if the Space is being destroyed.
    pub(crate) fn place_capability(
        &self,
        id: SpaceId,
        slot: u32,
        capability: &Capability,
    ) -> Result<(), Status> {
        let (space, _held) = self.lock_space(id)?;
        capability::place(&self.objects, space, slot, capability)
    }

    /// Errors as [`place_capability`](Self::place_capability), without placing anything.
    pub(crate) fn expect_empty(&self, id: SpaceId, slot: u32) -> Result<(), Status> {
        let space = self.space(id);
        match capability::look_up(&self.objects, space, slot) {
            _ if slot >= space.slots => Err(Status::NoCapability),
            Ok(_) => Err(Status::Occupied),
            Err(_) => Ok(()),
        }
    }

    /// The destination that all operations but *identify* share: slot `from` of the Space in word 0.
    fn derive(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
        capability: &Capability,
    ) -> Result<Answer, Status> {
        let slot = decode::slot(arguments.from)?;
        let space = self.space_argument(caller, arguments.words[0])?;
        self.place_capability(space, slot, capability)?;
        Ok(Status::Ok.into())
    }

    /// A Gate, or a Thread with CONTROL, or the caller.
    fn gate_source(&self, caller: ThreadId, word: u64) -> Result<Capability, Status> {
        if Name::from_word(word) == Some(Name::Myself) {
            return Ok(self.object_capability(Kind::Thread, caller.frame()));
        }
        let source = self.capability(caller, word)?;
        match source.kind {
            Kind::Gate => Ok(source),
            Kind::Thread if source.rights.has(Rights::CONTROL) => Ok(source),
            Kind::Thread => Err(Status::NoRight),
            _ => Err(Status::WrongKind),
        }
    }
}
