//! What others lose when a thread stops or ends: whoever waits for it, and its children. There may be
//! any number of them, so this goes in steps of a constant amount (DESIGN.md A5; `operation`).
//!
//! | | suspended | destroyed | migrates |
//! |---|---|---|---|
//! | callers, senders, closed receivers | who came before: *aborted* | all: *partner gone* | all: *aborted* |
//! | children | stay | go to its scheduler; if it has none yet, to the core's root | it has none |
//! | its name | stays | is void from the first step on, so that nobody new comes | stays; `leaving` |

use super::end::Ender;
use crate::ipc::send::Sender;
use crate::kernel::Kernel;
use crate::list::MailList;
use crate::object::made::Made;
use crate::object::thread::{ErrandKind, State};
use crate::operation::{Progress, Stage};
use cedo_abi::Status;
use cedo_floor::ThreadId;
use cedo_machine::Machine;

/// Most times that ABORT, or WRITE, looks for a mail that is passed on from core to core.
const MAX_FETCHES: u64 = 8;

/// Who of those that wait is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waiters {
    /// Who came before the last suspension.
    Earlier,
    /// All.
    All,
}

impl<M: Machine> Kernel<M> {
    /// True if ending what `id` does would be too much for one entry, or needs another core.
    pub fn takes_long(&self, id: ThreadId) -> bool {
        let thread = self.look(id);
        if matches!(thread.state, State::Remote(_) | State::Recalled(_)) {
            return true;
        }
        let mut left = self.local.losers_per_entry;
        for list in [thread.owed, thread.senders, thread.closed] {
            let mut at = list.first;
            while let Some(id) = at {
                if left == 0 {
                    return true;
                }
                left -= 1;
                at = ThreadId::from_number(self.mail(id).next.get());
            }
        }
        thread.branch.child_count > left
    }

    /// Cancels the wait `epoch` of `id`; `fetches` counts how often its mail has been looked for.
    pub fn abort_step(&mut self, id: ThreadId, epoch: u64, fetches: u64, ender: Ender) -> Progress {
        let thread = self.look(id);
        let waits = thread.epoch == epoch && !self.is_at_instruction(id);
        match thread.state {
            State::Remote(errand) | State::Recalled(errand)
                if waits && errand.kind == ErrandKind::Message =>
            {
                if fetches == MAX_FETCHES {
                    return Status::WrongState.into();
                }
                Progress::Fetch(id, errand.core)
            }
            _ => self.abort(id, epoch, ender).err().unwrap_or(Status::Ok).into(),
        }
    }

    /// Suspends `id`; whoever waited for it goes on with *aborted*. Errors: `WrongState` for a root.
    pub fn suspend_step(&mut self, id: ThreadId, stage: Stage, ender: Ender) -> Progress {
        if self.is_root(id) {
            return Status::WrongState.into();
        }
        if stage == Stage::Begun {
            if !self.is_suspended(id) {
                // Somebody has started it since: who waits may wait on.
                return Status::Ok.into();
            }
        } else {
            if stage == Stage::Fresh
                && let Some(core) = self.recall(id)
            {
                return Progress::Fetch(id, core);
            }
            self.begin_stop(id, Status::Aborted, ender);
        }
        let mut left = self.local.losers_per_entry;
        if self.fail_waiters(id, Waiters::Earlier, Status::Aborted, ender, &mut left) {
            return Status::Ok.into();
        }
        Progress::More
    }

    /// Takes `id` out of everything, so that its frame can be retired. *Done* with `Ok` when it is;
    /// with `NotReady` if its mail is still away. Errors: `WrongState` for a root, and for a scheduler
    /// that has none on a core without a root.
    pub fn end_step(&mut self, id: ThreadId, stage: Stage, ender: Ender) -> Progress {
        // Whoever owns the frames must be able to have them back, whatever its children are.
        let scheduler = self.scheduler_of(id).or(self.local.root);
        if stage != Stage::Begun {
            let children = self.look(id).is_scheduler();
            if self.is_root(id) || children && scheduler.is_none() {
                return Status::WrongState.into();
            }
            if let Some(core) = self.recall(id) {
                let looked = stage != Stage::Fresh;
                return if looked { Status::NotReady.into() } else { Progress::Fetch(id, core) };
            }
            self.begin_stop(id, Status::PartnerGone, ender);
            self.objects.table().rename(id.frame());
            Made::note_ending(&self.objects, id.frame());
        }
        let mut left = self.local.losers_per_entry;
        while let (Some(child), Some(scheduler)) = (self.look(id).branch.children.first, scheduler)
        {
            if left == 0 {
                return Progress::More;
            }
            left -= 1;
            self.pass_on(child, scheduler);
        }
        if !self.fail_waiters(id, Waiters::All, Status::PartnerGone, ender, &mut left) {
            return Progress::More;
        }
        self.leave_scheduler(id);
        Status::Ok.into()
    }

    /// `id` stops. A client whose account it works on is the first to hear of it: that goes on.
    pub fn begin_stop(&mut self, id: ThreadId, status: Status, ender: Ender) {
        if let Some(client) = self.client_on_account(id) {
            self.fail(client, status, ender);
        }
        self.stop(id);
        let thread = self.thread(id);
        thread.suspensions = thread.suspensions.wrapping_add(1);
    }

    /// Those who wait for `id` go on with `status`, as many as are `left`. True if that were all.
    pub fn fail_waiters(
        &mut self,
        id: ThreadId,
        who: Waiters,
        status: Status,
        ender: Ender,
        left: &mut u32,
    ) -> bool {
        while let Some((list, waiter)) = self.next_waiter(id, who) {
            if *left == 0 {
                return false;
            }
            *left -= 1;
            if self.objects.is_here(waiter) {
                self.fail(waiter, status, ender);
            } else {
                self.take_out(id, list, waiter);
                let status = self.verdict_for(waiter, status);
                self.send_home(waiter, crate::cross::Post::Verdict, status);
            }
        }
        true
    }

    /// A faulter of another core has not been cancelled itself: it is told that its handler cannot answer.
    fn verdict_for(&self, waiter: ThreadId, status: Status) -> Status {
        let kind = Sender::from_number(self.mail(waiter).kind.get());
        if kind.is_some_and(Sender::is_fault) { Status::PartnerGone } else { status }
    }

    /// Nobody who is owed a reply can come while a thread is suspended; in the other lists, who came
    /// earlier is first.
    fn next_waiter(&self, id: ThreadId, who: Waiters) -> Option<(MailList, ThreadId)> {
        let thread = self.look(id);
        let came = |waiter: &ThreadId| {
            let now = thread.suspensions;
            who == Waiters::All || self.mail(*waiter).suspensions.get() != now
        };
        let owed = thread.owed.first.map(|waiter| (MailList::Owed, waiter));
        let sender = || thread.senders.first.filter(came).map(|waiter| (MailList::Senders, waiter));
        let closed = || thread.closed.first.filter(came).map(|waiter| (MailList::Closed, waiter));
        owed.or_else(sender).or_else(closed)
    }
}
