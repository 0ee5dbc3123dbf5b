//! Operations on a thread that one holds a capability for. They are carried out on its home core; if
//! that is another one, the invoker's mail takes them there.

use super::Answer;
use super::decode::Arguments;
use crate::ipc::Flags;
use crate::ipc::registers::Area;
use crate::kernel::Kernel;
use crate::object::thread::{GateTo, State};
use crate::object::unusual::{FOREIGN, LATCHED, LEAVING, NEW};
use crate::operation::{Operation, Progress, Stage};
use crate::schedule::Winner;
use crate::schedule::end::Ender;
use cedo_abi::call::thread as sub;
use cedo_abi::{Label, Name, REGISTER_WORDS, Rights, Status, Token, name, state, utcb};
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{Context, CoreNumber, Frame, Machine};

/// An operation whose capabilities have been resolved: what travels to another core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadOperation {
    /// A number of `cedo_abi::call::thread`.
    pub sub_operation: u8,
    /// Winner bits, for RESUME.
    pub flags: u64,
    /// The thread.
    pub target: ThreadId,
    /// Generation of its frame.
    pub generation: u32,
    /// A second thread: new scheduler, or thread of the handler's gate; 0 if none.
    pub other: u32,
    /// Generation of its frame.
    pub other_generation: u32,
    /// Words 0 and 1 of the call; badge and rights of the handler's gate.
    pub words: [u64; 2],
    /// How often the target's mail has been looked for.
    pub fetches: u64,
}

impl ThreadOperation {
    /// As the words of [`Operation::Thread`].
    pub fn to_words(self) -> [u64; REGISTER_WORDS] {
        let pair = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
        [
            u64::from(self.sub_operation),
            pair(self.target.number().get(), self.generation),
            pair(self.other, self.other_generation),
            self.words[0],
            self.words[1],
            self.flags,
            self.fetches,
        ]
    }

    /// From the words of [`Operation::Thread`]; none if those are none.
    pub fn from_words(words: &[u64; REGISTER_WORDS]) -> Option<ThreadOperation> {
        let [sub_operation, target, other, first, second, flags, fetches] = *words;
        Some(ThreadOperation {
            sub_operation: sub_operation as u8,
            flags,
            target: ThreadId::from_number(target as u32)?,
            generation: (target >> 32) as u32,
            other: other as u32,
            other_generation: (other >> 32) as u32,
            words: [first, second],
            fetches,
        })
    }
}

impl<M: Machine> Kernel<M> {
    pub(super) fn thread_call(&mut self, caller: ThreadId, arguments: &Arguments) -> Answer {
        match arguments.sub_operation {
            sub::SET_COOKIE | sub::SET_RANK => self.set_of_child(caller, arguments).into(),
            sub::SET_OPTIONS => self.set_options(caller, arguments).into(),
            sub::MIGRATE => self.migrate(caller, arguments),
            _ => self.thread_call_at_home(caller, arguments).into(),
        }
    }

    pub(super) fn thread_call_at_home(
        &mut self,
        caller: ThreadId,
        arguments: &Arguments,
    ) -> Result<Answer, Status> {
        let operation = self.resolve(caller, arguments)?;
        if operation.target == caller {
            return Err(Status::NotOneself);
        }
        let home = self.objects.table().entry(operation.target.frame()).home();
        if home == self.core() && !self.operation_takes_long(&operation) {
            let utcb = self.look(caller).utcb;
            let progress = self.thread_operation(&operation, utcb, Some(caller), Stage::Fresh);
            if let Progress::Done(status, words) = progress {
                return Ok(Answer::Words(status, words));
            }
        }
        self.post_operation(caller, home, Operation::Thread, &operation.to_words());
        Ok(Answer::Later)
    }

    /// True if an operation on a thread of this core must not begin in the entry of its call: it may be
    /// too much for one, or needs another core. ABORT and WRITE have done nothing yet when they see that.
    fn operation_takes_long(&self, operation: &ThreadOperation) -> bool {
        match operation.sub_operation {
            _ if !self.objects.is_here(operation.target) => false,
            sub::SUSPEND => self.takes_long(operation.target),
            sub::MIGRATE => true,
            _ => false,
        }
    }

    /// Looks the capabilities up and checks their rights.
    fn resolve(&self, caller: ThreadId, arguments: &Arguments) -> Result<ThreadOperation, Status> {
        let right = match arguments.sub_operation {
            sub::READ | sub::WRITE => Rights::STATE,
            sub::SUSPEND..=sub::ABORT
            | sub::SET_SCHEDULER
            | sub::SET_HANDLER
            | sub::SET_FOREIGN
            | sub::MIGRATE => Rights::CONTROL,
            _ => return Err(Status::BadArgument),
        };
        let (target, generation) = self.thread_argument(caller, arguments.to, right)?;
        let mut operation = ThreadOperation {
            sub_operation: arguments.sub_operation,
            flags: arguments.flags,
            target,
            generation,
            other: 0,
            other_generation: 0,
            words: [arguments.words[0], arguments.words[1]],
            fetches: 0,
        };
        match arguments.sub_operation {
            sub::SET_SCHEDULER | sub::MIGRATE => {
                let (other, generation) =
                    self.thread_argument(caller, arguments.from, Rights::ADOPT)?;
                operation.other = other.number().get();
                operation.other_generation = generation;
            }
            sub::SET_HANDLER if arguments.from != name::NOBODY => {
                let name = Name::from_word(arguments.from).ok_or(Status::BadArgument)?;
                let gate = self.gate(caller, name)?;
                if !gate.rights.has(Rights::CALL) {
                    return Err(Status::NoRight);
                }
                operation.other = gate.thread.number().get();
                operation.other_generation = gate.generation;
                operation.words = [gate.badge, u64::from(gate.rights.0)];
            }
            _ => {}
        }
        Ok(operation)
    }

    /// Carries an operation out on the home core of its target. `utcb` is the invoker's, for
    /// register state; `invoker` is none if it lives on another core.
    pub fn thread_operation(
        &mut self,
        operation: &ThreadOperation,
        utcb: Frame,
        invoker: Option<ThreadId>,
        stage: Stage,
    ) -> Progress {
        let entry = self.objects.table().entry(operation.target.frame());
        if !entry.is(FrameKind::Thread, self.core()) || entry.generation() != operation.generation {
            return Status::NoCapability.into();
        }
        let target = operation.target;
        let ender = if invoker.is_some() { Ender::Here } else { Ender::Elsewhere };
        let result = match operation.sub_operation {
            sub::SUSPEND => return self.suspend_step(target, stage, ender),
            sub::RESUME => self.resume(target, operation, invoker),
            sub::ABORT if stage == Stage::Fetched => Ok(()),
            sub::ABORT => {
                return self.abort_step(target, operation.words[0], operation.fetches, ender);
            }
            sub::WRITE => return self.write_step(operation, utcb, stage, ender),
            sub::MIGRATE => return self.migrate_step(target, operation, stage, ender),
            sub::READ => {
                let (status, words) = self.read_state(target, operation.words[0], utcb);
                return Progress::Done(status, words);
            }
            sub::SET_SCHEDULER => self.set_scheduler(target, operation),
            sub::SET_HANDLER => self.set_handler(target, operation),
            sub::SET_FOREIGN => self.set_foreign(target, operation),
            _ => Err(Status::BadArgument),
        };
        result.err().unwrap_or(Status::Ok).into()
    }

    /// Errors: `WrongState` if it is not suspended, or nobody schedules it.
    fn resume(
        &mut self,
        id: ThreadId,
        operation: &ThreadOperation,
        invoker: Option<ThreadId>,
    ) -> Result<(), Status> {
        let winner = Flags::winner_of(operation.flags);
        let thread = self.thread(id);
        if thread.is_own_scheduler() {
            return Err(Status::WrongState);
        }
        match thread.state {
            State::Suspended => {}
            State::Recalled(errand) => {
                thread.state = State::Remote(errand);
                return Ok(());
            }
            _ => return Err(Status::WrongState),
        }
        thread.set_fault(None);
        thread.unusual.set(LEAVING, false);
        let is_new = thread.unusual.take(NEW);
        // Its scheduler need not hear any more that a fault stopped it.
        self.drop_notice(id);
        match invoker {
            Some(invoker) if winner != Winner::Invoker && !is_new => {
                if !self.sent(invoker, id, winner) {
                    return Err(Status::KeptProcessor);
                }
            }
            Some(_) => self.wake_as(id, if is_new { Label::New } else { Label::Woken }),
            None => self.arrived_as(id, if is_new { Label::New } else { Label::Woken }),
        }
        Ok(())
    }

    fn read_state(
        &mut self,
        id: ThreadId,
        mask: u64,
        utcb: Frame,
    ) -> (Status, [u64; REGISTER_WORDS]) {
        let mut words = [0; REGISTER_WORDS];
        if mask & !state::ALL != 0 {
            return (Status::BadArgument, words);
        }
        self.tell_state(id, mask, utcb);
        let thread = self.look(id);
        words[0] = thread.epoch;
        words[1] = thread.context.instruction();
        words[2] = thread.context.stack();
        (Status::Ok, words)
    }

    /// *Done* with `Ok` when the registers are there. Errors: `WrongState` if it runs, or is at another
    /// call elsewhere; `BadAddress`; as for `abort`. Once its mail has been fetched, its wait is over, so
    /// it may run already; an error says so then, by word 0.
    fn write_step(
        &mut self,
        operation: &ThreadOperation,
        utcb: Frame,
        stage: Stage,
        ender: Ender,
    ) -> Progress {
        let (id, has_ended) = (operation.target, stage == Stage::Fetched);
        let refused = |status| Progress::Done(status, [u64::from(has_ended), 0, 0, 0, 0, 0, 0]);
        if self.look(id).state == State::Running && !has_ended {
            return refused(Status::WrongState);
        }
        let area = self.reply_state(utcb);
        if let Err(status) = self.check_state(&area) {
            return refused(status);
        }
        if self.must_end_wait(id, &area) {
            match self.abort_step(id, self.look(id).epoch, operation.fetches, ender) {
                Progress::Done(Status::Ok, _) => {}
                Progress::Done(status, _) => return refused(status),
                more => return if has_ended { refused(Status::WrongState) } else { more },
            }
        }
        self.install(id, &area, utcb, Area::Reply);
        Status::Ok.into()
    }

    /// `id` is to have the registers in `area`. If it goes on elsewhere with them, what it would do again
    /// where it is, is forgotten. True if it is in a wait, or at a call elsewhere, which has to end first.
    fn must_end_wait(&mut self, id: ThreadId, area: &utcb::StateArea) -> bool {
        let thread = self.thread(id);
        let stays = area.mask & state::GENERAL == 0
            || thread.context.instruction() == area.general[state::INSTRUCTION];
        if stays || thread.in_fault.is_some() {
            return false;
        }
        match thread.state {
            State::Ready => {
                thread.unusual.set(LATCHED, false);
                self.refuse_impatient(id);
                false
            }
            State::Running | State::Suspended => false,
            _ => true,
        }
    }

    /// Errors: `WrongState` unless suspended, for a root, or if a thread below has been granted time
    /// by one that would no longer be above it; `WrongCore`; as for `adopt`.
    pub(super) fn set_scheduler(
        &mut self,
        id: ThreadId,
        operation: &ThreadOperation,
    ) -> Result<(), Status> {
        let (scheduler, home) = self.new_scheduler(operation)?;
        if home != self.core() {
            return Err(Status::WrongCore);
        }
        if !self.is_suspended(id) || self.is_root(id) {
            return Err(Status::WrongState);
        }
        if operation.words[1] & !(sub::EDGE_STATE | sub::EDGE_BLOCKED) != 0 {
            return Err(Status::BadArgument);
        }
        if self.is_needed_below(id, scheduler) {
            return Err(Status::WrongState);
        }
        self.adopt(id, scheduler)?;
        let branch = &mut self.thread(id).branch;
        branch.cookie = operation.words[0];
        branch.state_right = operation.words[1] & sub::EDGE_STATE != 0;
        branch.tell_blocked = operation.words[1] & sub::EDGE_BLOCKED != 0;
        Ok(())
    }

    /// The scheduler that an operation names, and its home. Errors: `NoCapability` if it is gone.
    pub(super) fn new_scheduler(
        &self,
        operation: &ThreadOperation,
    ) -> Result<(ThreadId, CoreNumber), Status> {
        let scheduler = ThreadId::from_number(operation.other).ok_or(Status::NoCapability)?;
        let entry = self.objects.table().entry(scheduler.frame());
        let lives = entry.kind() == FrameKind::Thread;
        if !lives || entry.generation() != operation.other_generation {
            return Err(Status::NoCapability);
        }
        Ok((scheduler, entry.home()))
    }

    fn set_handler(&mut self, id: ThreadId, operation: &ThreadOperation) -> Result<(), Status> {
        let handler = ThreadId::from_number(operation.other).map(|thread| GateTo {
            thread,
            generation: operation.other_generation,
            badge: operation.words[0],
            rights: Rights(operation.words[1] as u16),
        });
        if handler.is_some_and(|gate| gate.thread == id) {
            return Err(Status::NotOneself);
        }
        self.thread(id).handler = handler;
        Ok(())
    }

    fn set_foreign(&mut self, id: ThreadId, operation: &ThreadOperation) -> Result<(), Status> {
        let foreign = match operation.words[0] {
            0 => false,
            1 => true,
            _ => return Err(Status::BadArgument),
        };
        self.thread(id).unusual.set(FOREIGN, foreign);
        Ok(())
    }

    /// A scheduler names its child by the token of its last message about it.
    fn set_of_child(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        let Some(Name::Token(Token(token))) = Name::from_word(arguments.from) else {
            return Err(Status::BadArgument);
        };
        let token = Token(token);
        let child = ThreadId::from_number(token.frame()).filter(|id| {
            self.objects.is_here(*id)
                && self.scheduler_of(*id) == Some(caller)
                && self.is_recorded(*id)
                && self.look(*id).record.sequence == token.sequence()
        });
        let child = child.ok_or(Status::Stale)?;
        let (word, branch) = (arguments.words[0], &mut self.thread(child).branch);
        if arguments.sub_operation == sub::SET_COOKIE {
            branch.cookie = word;
        } else {
            branch.rank = u32::try_from(word).map_err(|_| Status::BadArgument)?;
        }
        Ok(Status::Ok.into())
    }

    fn set_options(&mut self, caller: ThreadId, arguments: &Arguments) -> Result<Answer, Status> {
        let options = arguments.words[0];
        if arguments.to != name::SELF || options & !(sub::ASK_BLOCKED | sub::AUTO) != 0 {
            return Err(Status::BadArgument);
        }
        let scheduler = &mut self.thread(caller).scheduler;
        scheduler.ask_blocked = options & sub::ASK_BLOCKED != 0;
        scheduler.auto = options & sub::AUTO != 0;
        Ok(Status::Ok.into())
    }
}
