//! Taking back what is dead (decision 0003): REVOKE and the destruction of a Space have killed it, by
//! a stamp or a mark; here it is found, in steps that do a bounded amount and say that there is more.
//!
//! Each pass goes over all objects in the order of their frames. A cursor says where it is; it moves
//! only past what has nothing dead in it, so a call that never comes back leaves nothing out. The
//! cursor is in the revoked slot, or in the Space that is being destroyed.

use super::Answer;
use super::cursor::{Cursor, Phase, Scope, SweepOf};
use super::round::{Then, Unfinished};
use crate::kernel::Kernel;
use crate::object::made::Made;
use crate::object::source;
use crate::object::space::SLOTS_PER_FRAME;
use crate::object::stamp;
use crate::page_table::sweep::Found;
use cedo_abi::{Kind, Status};
use cedo_floor::{FrameKind, SpaceId, ThreadId, Walk};
use cedo_machine::atomic::{AtomicU64, Ordering};
use cedo_machine::{Frame, Machine};

/// Entries, slots and words that one call looks at, or what costs as much.
const LOOKS: u32 = 512;
/// What following an origin takes off them.
const ORIGIN_LOOKS: u32 = 8;

/// What looking at an object came to.
enum Look {
    /// Nothing dead is in it.
    Clean,
    /// There may be more from this position on.
    Pause(u64),
    /// Something was begun; the call answers this.
    Act(Answer),
}

impl<M: Machine> Kernel<M> {
    /// One step; answers word 0 = 1. Errors: what keeps a thread from being destroyed; `NotOneself`
    /// if the caller, or its Space, is dead.
    pub(super) fn sweep(
        &mut self,
        caller: ThreadId,
        of: SweepOf,
        scope: Scope,
    ) -> Result<Answer, Status> {
        let Some(word) = self.cursor_of(caller, of).map(|cell| cell.load(Ordering::Acquire)) else {
            return Ok(Answer::word(1));
        };
        let mut cursor = Cursor::from_word(word);
        if cursor.phase() == Phase::Start {
            let begin = Unfinished::Begin { of, first: scope.first() };
            return Ok(self.finish_after_round(caller, &begin, self.all_cores()));
        }
        if let Some(answer) = self.sweep_on(caller, of, scope, &mut cursor)? {
            return Ok(answer);
        }
        if let Some(cell) = self.cursor_of(caller, of) {
            // If another thread was faster, its cursor is as good.
            let _ = cell.compare_exchange(word, cursor.word(), Ordering::AcqRel, Ordering::Relaxed);
        }
        Ok(Answer::word(1))
    }

    /// Every core has left the kernel since the sweep began.
    pub(super) fn begin_sweep(&mut self, caller: ThreadId, of: SweepOf, first: Phase) {
        if let Some(cell) = self.cursor_of(caller, of) {
            let (start, first) = (Cursor::of(Phase::Start).word(), Cursor::of(first).word());
            let _ = cell.compare_exchange(start, first, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// Where the cursor is kept; nothing if the sweep is over.
    pub(super) fn cursor_of(&self, caller: ThreadId, of: SweepOf) -> Option<&AtomicU64> {
        match of {
            SweepOf::Slot { slot, stamp: sequence } => {
                let space = self.space(self.look(caller).space);
                let (found, cursor) = source::marks(&self.objects, space, slot)?;
                (stamp::read(found).sequence() == sequence).then_some(cursor)
            }
            SweepOf::Space { space, generation } => {
                self.is_space(space, generation).then(|| &self.space(space).cursor)
            }
        }
    }

    /// Moves the cursor until enough was looked at, or something was begun.
    fn sweep_on(
        &mut self,
        caller: ThreadId,
        of: SweepOf,
        scope: Scope,
        cursor: &mut Cursor,
    ) -> Result<Option<Answer>, Status> {
        let mut looks = LOOKS;
        while looks > 0 {
            match self.objects.table().map().next(cursor.frame(), &mut looks) {
                Walk::Pause(frame) => *cursor = cursor.at(frame, 0),
                Walk::End => {
                    *cursor = Cursor::of(scope.after(cursor.phase()));
                    if matches!(cursor.phase(), Phase::Start | Phase::Done) {
                        break;
                    }
                }
                Walk::At(frame) => {
                    if frame != cursor.frame() {
                        *cursor = cursor.at(frame, 0);
                    }
                    match self.look_at(caller, of, cursor, &mut looks)? {
                        Look::Clean => *cursor = cursor.at(frame.plus(1), 0),
                        Look::Pause(position) => {
                            *cursor = cursor.at(frame, position);
                            break;
                        }
                        Look::Act(answer) => return Ok(Some(answer)),
                    }
                }
            }
        }
        Ok(None)
    }

    fn look_at(
        &mut self,
        caller: ThreadId,
        of: SweepOf,
        cursor: &mut Cursor,
        looks: &mut u32,
    ) -> Result<Look, Status> {
        let (frame, position) = (cursor.frame(), cursor.position());
        let kind = self.objects.table().entry(frame).kind();
        *looks = looks.saturating_sub(1);
        match (cursor.phase(), kind) {
            (Phase::Condemn | Phase::CondemnAgain, FrameKind::Space) => {
                self.condemn(caller, cursor, looks)?;
            }
            (Phase::Capabilities, FrameKind::Space) => {
                return Ok(self.sweep_slots(frame, position, looks));
            }
            (Phase::Mappings, FrameKind::Space) => {
                return Ok(self.sweep_pages(caller, frame, position, looks));
            }
            (Phase::Objects, FrameKind::Stock) => {
                *looks = looks.saturating_sub(2 * ORIGIN_LOOKS);
                self.collect_stock(frame);
            }
            (Phase::Objects, FrameKind::Thread | FrameKind::Irq) => {
                return self.sweep_object(caller, frame, kind, looks);
            }
            (Phase::Spaces, FrameKind::Space) => {
                return Ok(self.sweep_space(caller, of, frame, looks));
            }
            _ => {}
        }
        Ok(Look::Clean)
    }

    /// Marks a Space whose origin is dead; then there will be another pass.
    fn condemn(
        &mut self,
        caller: ThreadId,
        cursor: &mut Cursor,
        looks: &mut u32,
    ) -> Result<(), Status> {
        let frame = cursor.frame();
        let Some(id) = SpaceId::new(frame).filter(|_| self.is_dead(frame, looks)) else {
            return Ok(());
        };
        if self.look(caller).space == id {
            return Err(Status::NotOneself);
        }
        let space = self.space(id);
        if !space.is_dying() {
            *cursor = Cursor::of(Phase::CondemnAgain).at(frame, 0);
        }
        space.condemn();
        Ok(())
    }

    fn sweep_slots(&self, frame: Frame, mut position: u64, looks: &mut u32) -> Look {
        let Some(id) = SpaceId::new(frame) else { return Look::Clean };
        let space = self.space(id);
        while *looks > 0 {
            let first = position as u32 * SLOTS_PER_FRAME;
            if first >= space.slots || space.is_dying() {
                return Look::Clean;
            }
            let _held = space.lock.lock(M::relax);
            for slot in first..first + SLOTS_PER_FRAME {
                let followed = source::clear_dead(&self.objects, space, slot);
                *looks = looks.saturating_sub(if followed { ORIGIN_LOOKS } else { 1 });
            }
            position += 1;
        }
        Look::Pause(position)
    }

    fn sweep_pages(
        &mut self,
        caller: ThreadId,
        frame: Frame,
        position: u64,
        looks: &mut u32,
    ) -> Look {
        let Some(id) = SpaceId::new(frame) else { return Look::Clean };
        let generation = self.objects.table().entry(frame).generation();
        let space = self.space(id);
        let mut window = position;
        let held = space.lock.lock(M::relax);
        let found = if space.is_dying() {
            Found::End
        } else {
            self.tables(space).sweep(&mut window, looks)
        };
        let (cores, page_table) = (space.cores_to_visit(), space.page_table);
        drop(held);
        let unfinished = match found {
            Found::End => return Look::Clean,
            Found::Pause => return Look::Pause(window),
            Found::Pages { address, zombies } => {
                Unfinished::Unmap { space: id, generation, address, zombies, pages: 1 }
            }
            Found::Table { address, level } => {
                Unfinished::Quiet { space: id, generation, address, level }
            }
        };
        if self.local.page_table == page_table {
            self.machine.flush_all();
        }
        Look::Act(self.finish_after_round(caller, &unfinished, cores))
    }

    fn sweep_object(
        &mut self,
        caller: ThreadId,
        frame: Frame,
        kind: FrameKind,
        looks: &mut u32,
    ) -> Result<Look, Status> {
        if !self.is_dead(frame, looks) {
            return Ok(Look::Clean);
        }
        if frame == caller.frame() {
            return Err(Status::NotOneself);
        }
        if Made::of(&self.objects, frame).is_some_and(|made| made.is_ending) {
            return Ok(Look::Pause(0));
        }
        let kind = if kind == FrameKind::Thread { Kind::Thread } else { Kind::Irq };
        let target = self.object_capability(kind, frame);
        Ok(Look::Act(self.destroy_at_home(caller, &target, Then::Again)))
    }

    fn sweep_space(
        &mut self,
        caller: ThreadId,
        of: SweepOf,
        frame: Frame,
        looks: &mut u32,
    ) -> Look {
        let generation = self.objects.table().entry(frame).generation();
        let Some(space) = SpaceId::new(frame) else { return Look::Clean };
        // The one that is being destroyed goes last.
        let is_last = of == SweepOf::Space { space, generation };
        if is_last || !self.is_dead(frame, looks) {
            return Look::Clean;
        }
        // The threads of those that this sweep condemned are gone: others are another sweep's.
        if self.space(space).is_inhabited() || !self.space(space).is_dying() {
            return Look::Clean;
        }
        let cores = if self.space(space).is_unloaded() { 0 } else { self.all_cores() };
        let tear_down = Unfinished::TearDown { space, generation, then: Then::Again };
        Look::Act(self.finish_after_round(caller, &tear_down, cores))
    }

    /// True if something above the object was taken back, or its Space is condemned.
    fn is_dead(&self, frame: Frame, looks: &mut u32) -> bool {
        *looks = looks.saturating_sub(ORIGIN_LOOKS);
        Made::of(&self.objects, frame).is_some_and(|made| !made.is_alive(&self.objects))
    }
}
