//! Moving a thread to another core (DESIGN.md section 7; docs/decisions/0008-migration.md).
//!
//! ```text
//!  stage     on the core of         what happens
//!  Fresh     the thread             a stopped leaf? Its mail is fetched, if it is away
//!  Begun     the thread             who waits for it goes on with *aborted*; it is given away
//!  Moved     the thread, again      the new scheduler adopts it
//! ```
//!
//! It is one core's before the home in its frame's entry changes, and the other's after.

use super::Answer;
use super::decode::Arguments;
use super::thread::ThreadOperation;
use crate::kernel::Kernel;
use crate::object::thread::State;
use crate::object::unusual::LEAVING;
use crate::operation::{Progress, Stage};
use crate::schedule::end::Ender;
use crate::schedule::leave::Waiters;
use cedo_abi::call::thread as sub;
use cedo_abi::{REGISTER_WORDS, Status};
use cedo_floor::ThreadId;
use cedo_machine::{CoreNumber, Machine};

/// Word 0 of the answer: the thread is on the new core.
const HAS_MOVED: u64 = 1;

impl<M: Machine> Kernel<M> {
    /// Whatever it answers, word 0 says whether the thread has moved.
    pub(super) fn migrate(&mut self, caller: ThreadId, arguments: &Arguments) -> Answer {
        let begun = self.thread_call_at_home(caller, arguments);
        begun.unwrap_or_else(|status| Answer::Words(status, [0; REGISTER_WORDS]))
    }

    /// Moves `id`, of this core, a step further. Errors: `WrongState` unless it is suspended and
    /// schedules nobody and nothing, or if somebody has started it meanwhile; `NotReady` if its mail is
    /// still away; `NoCapability` if the scheduler is gone, `WrongCore` if that is of this core;
    /// `BadArgument`. After the move, with word 0 set: as for SET_SCHEDULER.
    pub fn migrate_step(
        &mut self,
        id: ThreadId,
        operation: &ThreadOperation,
        stage: Stage,
        ender: Ender,
    ) -> Progress {
        match stage {
            Stage::Moved => return self.settle(id, operation),
            Stage::Begun if !self.look(id).unusual.has(LEAVING) => {
                return Status::WrongState.into();
            }
            Stage::Begun | Stage::Fresh | Stage::Fetched | Stage::NotFound => {}
        }
        if let State::Recalled(errand) = self.look(id).state {
            let looked = stage != Stage::Fresh;
            return if looked { Status::NotReady.into() } else { Progress::Fetch(id, errand.core) };
        }
        let goes = self.way_out(id, operation);
        if stage == Stage::Begun && goes.is_err() {
            self.thread(id).unusual.set(LEAVING, false);
        }
        let core = match goes {
            Ok(core) => core,
            Err(status) => return status.into(),
        };
        // ---- point of no return ----
        if stage != Stage::Begun {
            self.begin_stop(id, Status::Aborted, ender);
            self.thread(id).unusual.set(LEAVING, true);
        }
        let mut left = self.local.losers_per_entry;
        if !self.fail_waiters(id, Waiters::All, Status::Aborted, ender, &mut left) {
            return Progress::More;
        }
        self.give_away(id, core);
        Progress::Moved(core)
    }

    /// Where `id` is to go, if it can.
    fn way_out(&mut self, id: ThreadId, operation: &ThreadOperation) -> Result<CoreNumber, Status> {
        let (_, home) = self.new_scheduler(operation)?;
        if operation.words[1] & !(sub::EDGE_STATE | sub::EDGE_BLOCKED) != 0 {
            return Err(Status::BadArgument);
        }
        if home == self.core() {
            return Err(Status::WrongCore);
        }
        let thread = self.look(id);
        let stopped = thread.state == State::Suspended;
        let leaf = !thread.is_scheduler() && !self.is_root(id) && self.giver(id).is_none();
        if !stopped || !leaf || self.handles_irqs(id) {
            return Err(Status::WrongState);
        }
        Ok(home)
    }

    /// Gives `id`, for which nobody waits any more, to `core`.
    fn give_away(&mut self, id: ThreadId, core: CoreNumber) {
        self.leave_scheduler(id);
        self.machine.save_floating(&mut self.objects.thread(id).context);
        let thread = self.thread(id);
        thread.unusual.set(LEAVING, false);
        // Numbers that this core has given.
        (thread.scheduler.since, thread.scheduler.told_for) = (0, 0);
        let space = self.space(self.look(id).space);
        let held = space.lock.lock(M::relax);
        space.spread(core);
        drop(held);
        self.objects.hand_over(id, core);
    }

    /// `id` has come to this core: its new scheduler adopts it.
    fn settle(&mut self, id: ThreadId, operation: &ThreadOperation) -> Progress {
        let mut words = [0; REGISTER_WORDS];
        words[0] = HAS_MOVED;
        let status = self.set_scheduler(id, operation).err().unwrap_or(Status::Ok);
        Progress::Done(status, words)
    }
}
