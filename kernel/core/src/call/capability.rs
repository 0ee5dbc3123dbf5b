//! Copying, deriving and dropping capabilities. Rights only shrink.

use super::Answer;
use super::decode::{self, Arguments};
use super::give::{Give, Slot};
use crate::kernel::Kernel;
use crate::object::capability::{self, Capability};
use crate::object::source::{self, Source};
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
        self.give_as_told(caller, arguments, None, Give::Copy)
    }

    /// Moves a capability with at most the rights in word 1. Errors: `HasDependents`.
    pub(super) fn move_capability(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        self.give_as_told(caller, arguments, None, Give::Move)
    }

    /// Makes a Gate out of a Thread (needs CONTROL; the caller itself needs none) or a Gate.
    pub(super) fn make_gate(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [_, rights, badge, ..] = arguments.words;
        let rights = Rights(rights as u16).and(GATE_RIGHTS);
        let source = self.gate_source(caller, arguments.to)?;
        let gate = match source.capability {
            gate @ Capability { kind: Kind::Gate, .. } => {
                Capability { rights: gate.rights.and(rights), ..gate }
            }
            thread => Capability { kind: Kind::Gate, rights, badge, ..thread },
        };
        let to = self.destination(caller, arguments)?;
        self.place_capability(to, &gate, Some(&source))?;
        Ok(Status::Ok.into())
    }

    /// Copies a part of a Region, Ports or Lines. Errors: `BadArgument` if it is empty or reaches
    /// beyond the end.
    pub(super) fn divide(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let [_, _, first, count, ..] = arguments.words;
        self.give_as_told(caller, arguments, Some((first, count)), Give::Copy)
    }

    /// Empties a slot. An empty one is no error. Errors: `HasDependents` if something was made by
    /// means of it and not taken back.
    pub(super) fn drop_capability(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let slot = decode::slot(arguments.from)?;
        let id = self.space_argument(caller, arguments.words[0])?;
        let (space, _held) = self.lock_space(id)?;
        source::release(&self.objects, space, slot)?;
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

    /// Puts a capability that is made by means of `source` (the kernel's: of nothing) into an empty
    /// slot of a Space. Errors: `NoCapability` beyond the end of its table, or if `source` has
    /// changed; `Occupied`; `TooDeep`; `WrongState` if the Space is being destroyed.
    pub(crate) fn place_capability(
        &self,
        (id, slot): (SpaceId, u32),
        capability: &Capability,
        source: Option<&Source>,
    ) -> Result<(), Status> {
        let (space, _held) = self.lock_space(id)?;
        capability::expect_vacant(&self.objects, space, slot)?;
        if let Some(source) = source {
            source::expect_depth(source)?;
            source::claim(&self.objects, source, Some(id))?;
        }
        let origin = source.and_then(|source| source.origin);
        capability::place(&self.objects, space, slot, capability, origin)
    }

    /// Errors as [`place_capability`](Self::place_capability), without placing anything.
    pub(crate) fn expect_empty(&self, id: SpaceId, slot: u32) -> Result<(), Status> {
        capability::expect_vacant(&self.objects, self.space(id), slot)
    }

    /// Slot `to` to the destination, with at most the rights in word 1.
    fn give_as_told(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
        part: Option<(u64, u64)>,
        how: Give,
    ) -> Result<Answer, Status> {
        let from = (self.look(caller).space, decode::slot(arguments.to)?);
        let to = self.destination(caller, arguments)?;
        self.give(from, part, Rights(arguments.words[1] as u16), to, how)?;
        Ok(Status::Ok.into())
    }

    /// The destination that all operations but *identify* and *revoke* share: slot `from` of the Space
    /// in word 0.
    fn destination(&self, caller: ThreadId, arguments: &Arguments) -> Result<Slot, Status> {
        let slot = decode::slot(arguments.from)?;
        Ok((self.space_argument(caller, arguments.words[0])?, slot))
    }

    /// A Gate, or a Thread with CONTROL, or the caller.
    fn gate_source(&self, caller: ThreadId, word: u64) -> Result<Source, Status> {
        if Name::from_word(word) == Some(Name::Myself) {
            let capability = self.object_capability(Kind::Thread, caller.frame());
            return Ok(Source { capability, origin: None, above: None });
        }
        let source = self.source(caller, word)?;
        match source.capability.kind {
            Kind::Gate => Ok(source),
            Kind::Thread if source.capability.rights.has(Rights::CONTROL) => Ok(source),
            Kind::Thread => Err(Status::NoRight),
            _ => Err(Status::WrongKind),
        }
    }
}
