//! REVOKE: takes back all that depends on a capability, and keeps it. It kills by one write; the rest
//! is a sweep.

use super::Answer;
use super::cursor::{Cursor, Phase, Scope, SweepOf};
use super::decode::{self, Arguments};
use crate::kernel::Kernel;
use crate::object::made::Made;
use crate::object::origin::is_below;
use crate::object::source;
use crate::object::stamp::{self, REVOKING, Stamp};
use cedo_abi::Status;
use cedo_floor::{SpaceId, ThreadId};
use cedo_machine::Machine;
use cedo_machine::atomic::Ordering;

impl<M: Machine> Kernel<M> {
    /// One step of taking back what depends on slot `to` of the caller's own table. Answers word 0 =
    /// 1 while there is more, 0 when nothing depends on it. Errors: `NoCapability`; `NotOneself` if
    /// the caller or its Space depends on it; as for a sweep.
    pub(super) fn revoke(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let slot = decode::slot(arguments.to)?;
        let kind = self.capability(caller, arguments.to)?.kind;
        let id = self.look(caller).space;
        let stamp = self.stamp(id, slot)?;
        if stamp.flags() == 0 {
            return Ok(Answer::word(0));
        }
        if stamp.flags() & REVOKING == 0 {
            self.expect_not_below(caller, id, slot)?;
            self.kill(id, slot, stamp)?;
        }
        let stamp = self.stamp(id, slot)?;
        let of = SweepOf::Slot { slot, stamp: stamp.sequence() };
        let cursor = self.cursor_of(caller, of).map(|cell| cell.load(Ordering::Acquire));
        match cursor.map(|word| Cursor::from_word(word).phase()) {
            Some(Phase::Done) => self.end_revoke(id, slot, stamp),
            _ => self.sweep(caller, of, Scope::of(kind)),
        }
    }

    /// All that depends on the slot is dead from now on.
    fn kill(&self, id: SpaceId, slot: u32, stamp: Stamp) -> Result<(), Status> {
        let (space, _held) = self.lock_space(id)?;
        let (word, cursor) =
            source::marks(&self.objects, space, slot).ok_or(Status::NoCapability)?;
        // First, so that nobody takes the end of an earlier sweep for that of this one.
        cursor.store(Cursor::of(Phase::Start).word(), Ordering::Release);
        // If somebody makes something by means of it right now, the next call tries again.
        stamp::kill(word, stamp);
        Ok(())
    }

    /// The sweep is over. What was derived during it is alive: that is taken back in a further one.
    fn end_revoke(&self, id: SpaceId, slot: u32, stamp: Stamp) -> Result<Answer, Status> {
        let (word, _) =
            source::marks(&self.objects, self.space(id), slot).ok_or(Status::NoCapability)?;
        Ok(Answer::word(u64::from(!stamp::end(word, stamp))))
    }

    fn stamp(&self, id: SpaceId, slot: u32) -> Result<Stamp, Status> {
        let marks = source::marks(&self.objects, self.space(id), slot);
        marks.map(|(word, _)| stamp::read(word)).ok_or(Status::NoCapability)
    }

    fn expect_not_below(&self, caller: ThreadId, id: SpaceId, slot: u32) -> Result<(), Status> {
        let depends = [caller.frame(), id.frame()].into_iter().any(|frame| {
            Made::of(&self.objects, frame)
                .is_some_and(|made| is_below(&self.objects, made.region, (id, slot)))
        });
        if depends { Err(Status::NotOneself) } else { Ok(()) }
    }
}
