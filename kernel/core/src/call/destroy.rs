//! Destroying threads, interrupt objects and Spaces.
//!
//! ```text
//! Thread   on its home core: end it step by step, unmap its UTCB, retire both frames
//!          on the caller's:  a round of all cores, then the frames are memory again
//! Irq      on its home core: stop the line, retire and release at once (no other core reads it)
//! Space    no new threads or mappings; a round, so that no core has its page table loaded;
//!          a sweep for what depends on its slots, if that is outside; tables and stock go back
//!          step by step; retire the rest; a second round; release
//! ```

use super::Answer;
use super::cursor::{Cursor, Phase, Scope, SweepOf};
use super::decode::Arguments;
use super::round::{Then, Unfinished};
use crate::kernel::Kernel;
use crate::object::capability::Capability;
use crate::operation::{Operation, Progress, Stage};
use crate::schedule::end::Ender;
use cedo_abi::{Kind, Name, REGISTER_WORDS, Rights, Status};
use cedo_floor::{FrameKind, IrqId, SpaceId, ThreadId};
use cedo_machine::atomic::Ordering;
use cedo_machine::{Frame, Machine, UserAddress};

impl<M: Machine> Kernel<M> {
    /// Destroys what a capability names. Needs CONTROL. Errors: `NotOneself`; `WrongKind` for what
    /// is no object; `WrongState` for the root of a core and for a Space with threads.
    pub(super) fn destroy(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        if Name::from_word(arguments.to) == Some(Name::Myself) {
            return Err(Status::NotOneself);
        }
        let target = self.capability(caller, arguments.to)?;
        if !target.rights.has(Rights::CONTROL) {
            return Err(Status::NoRight);
        }
        match target.kind {
            Kind::Thread if target.frame == caller.frame() => Err(Status::NotOneself),
            Kind::Thread | Kind::Irq => {
                Ok(self.destroy_at_home(caller, &target, Then::Answer(Status::Ok)))
            }
            Kind::Space => self.destroy_space(caller, &target),
            _ => Err(Status::WrongKind),
        }
    }

    /// Destroys, on its home core, what `words` name: kind, frame, generation, 1 if there is more to do
    /// in a call of its own, and what is answered then.
    pub fn destroy_here(
        &mut self,
        words: [u64; REGISTER_WORDS],
        stage: Stage,
        ender: Ender,
    ) -> Progress {
        let [kind, frame, generation, ..] = words;
        let (frame, generation) = (Frame(frame as u32), generation as u32);
        // One whose end has begun has no name any more, and is there until it is over.
        let is_thread = stage == Stage::Begun || self.is_mine(frame, FrameKind::Thread, generation);
        match Kind::from_number(kind as u8) {
            Some(Kind::Thread) if is_thread => self.destroy_thread_here(words, stage, ender),
            Some(Kind::Irq) => Progress::Done(self.destroy_irq_here(frame, generation), words),
            _ => Progress::Done(Status::NoCapability, words),
        }
    }

    /// [`destroy_here`](Self::destroy_here) is done, here or, with the caller's mail back, on another
    /// core. The frames of a thread take a round to become memory again.
    pub fn after_destroy(&mut self, caller: ThreadId, status: Status) -> Answer {
        let words = self.mail(caller).words.each_ref().map(|word| word.get());
        let [kind, frame, _, more, then, ..] = words;
        let then = Then::from_word(then);
        match status {
            Status::Ok => {}
            Status::NoCapability => return then.gone(),
            status => return status.into(),
        }
        match Kind::from_number(kind as u8) {
            Some(Kind::Thread) if more == 0 => {
                // Thread and UTCB are neighbours, see CREATE_THREAD.
                let first = Frame(frame as u32);
                let release = Unfinished::Release { first, count: 2, then };
                self.finish_after_round(caller, &release, self.all_cores())
            }
            _ if more != 0 => Answer::word(more),
            _ => then.answer(),
        }
    }

    /// Unmaps the UTCB of a thread that leaves its Space.
    pub(super) fn remove_utcb(&mut self, id: SpaceId, address: UserAddress, utcb: Frame) {
        let space = self.space(id);
        let page_table = space.page_table;
        let held = space.lock.lock(M::relax);
        self.tables(space).clear_page(address, utcb);
        space.exit();
        drop(held);
        if self.local.page_table == page_table {
            self.machine.flush_page(address);
        }
    }

    /// Tears some of a dying Space down, which no core has loaded any more.
    pub(super) fn tear_down(
        &mut self,
        caller: ThreadId,
        id: SpaceId,
        generation: u32,
        then: Then,
    ) -> Answer {
        if !self.is_space(id, generation) {
            return then.gone();
        }
        self.space(id).set_unloaded();
        if then != Then::Again
            && let Some(scope) = self.unswept(id)
        {
            let of = SweepOf::Space { space: id, generation };
            return self.sweep(caller, of, scope).into();
        }
        let space = self.space(id);
        let held = space.lock.lock(M::relax);
        let is_bare = !self.tables(space).tear_down_step();
        let count = space.frames();
        drop(held);
        if !is_bare {
            return Answer::word(1);
        }
        let (table, first) = (self.objects.table(), id.frame());
        if !table.retire(first) {
            return then.gone();
        }
        (1..count).for_each(|frame| _ = table.retire(first.plus(frame)));
        let release = Unfinished::Release { first, count, then };
        self.finish_after_round(caller, &release, self.all_cores())
    }

    /// What there is to sweep before a dying Space goes; nothing if nothing outside depends on it.
    fn unswept(&self, id: SpaceId) -> Option<Scope> {
        let space = self.space(id);
        let cursor = Cursor::from_word(space.cursor.load(Ordering::Acquire));
        Scope::of_space(space.derived.load(Ordering::Acquire))
            .filter(|_| cursor.phase() != Phase::Done)
    }

    /// Destroys a thread or Irq on its home core, and then answers `then`.
    pub(super) fn destroy_at_home(
        &mut self,
        caller: ThreadId,
        target: &Capability,
        then: Then,
    ) -> Answer {
        let home = self.objects.table().entry(target.frame).home();
        let (frame, generation) = (u64::from(target.frame.0), u64::from(target.generation));
        let words = [target.kind as u64, frame, generation, 0, then.word(), 0, 0];
        let long = |id| self.objects.is_here(id) && self.takes_long(id);
        if home == self.core() && !ThreadId::new(target.frame).is_some_and(long) {
            let progress = self.destroy_here(words, Stage::Fresh, Ender::Here);
            if let Progress::Done(status, words) = progress {
                let mail = self.mail(caller);
                mail.words.iter().zip(words).for_each(|(word, value)| word.set(value));
                return self.after_destroy(caller, status);
            }
        }
        self.post_operation(caller, home, Operation::Destroy, &words);
        Answer::Later
    }

    fn destroy_thread_here(
        &mut self,
        mut words: [u64; REGISTER_WORDS],
        stage: Stage,
        ender: Ender,
    ) -> Progress {
        let frame = Frame(words[1] as u32);
        let Some(id) = ThreadId::new(frame) else { return Status::NoCapability.into() };
        match self.end_step(id, stage, ender) {
            Progress::Done(Status::Ok, _) => {}
            Progress::Done(Status::NotReady, _) => {
                words[3] = 1;
                return Progress::Done(Status::Ok, words);
            }
            other => return other,
        }
        self.remove_irqs_of(id);
        self.machine.save_floating(&mut self.objects.thread(id).context);
        let thread = self.look(id);
        let (space, address, utcb) = (thread.space, thread.utcb_address, thread.utcb);
        self.remove_utcb(space, address, utcb);
        self.objects.retire(id);
        self.objects.table().retire(utcb);
        Progress::Done(Status::Ok, words)
    }

    fn destroy_irq_here(&mut self, frame: Frame, generation: u32) -> Status {
        match IrqId::new(frame) {
            Some(id) if self.is_mine(frame, FrameKind::Irq, generation) => {
                self.remove_irq(id);
                Status::Ok
            }
            _ => Status::NoCapability,
        }
    }

    fn destroy_space(&mut self, caller: ThreadId, target: &Capability) -> Result<Answer, Status> {
        let space = SpaceId::new(target.frame).ok_or(Status::NoCapability)?;
        let generation = target.generation;
        if !self.space(space).start_dying() {
            return Err(Status::WrongState);
        }
        let cores = if self.space(space).is_unloaded() { 0 } else { self.all_cores() };
        let then = Then::Answer(Status::Ok);
        let tear_down = Unfinished::TearDown { space, generation, then };
        Ok(self.finish_after_round(caller, &tear_down, cores))
    }

    /// True if `frame` holds that very object of this core.
    pub(super) fn is_mine(&self, frame: Frame, kind: FrameKind, generation: u32) -> bool {
        let entry = self.objects.table().entry(frame);
        entry.is(kind, self.core()) && entry.generation() == generation
    }
}
