//! Waits that end early: abort, suspend, destroy (DESIGN.md sections 4 and 6, rules 13 and 14).

use crate::kernel::{Kernel, Protocol};
use crate::list::MailList;
use crate::object::thread::{Record, State};
use cedo_abi::{Label, Status};
use cedo_floor::ThreadId;
use cedo_machine::Machine;

/// Longest chain of donated calls, and a bound for following one.
const MAX_CHAIN: usize = 17;

impl<M: Machine> Kernel<M> {
    /// Cancels the wait `epoch` of `id`. Errors: `Stale` if it is in no wait or another one,
    /// `WrongState` while another core has its message, or if the current thread runs on its grant.
    pub fn abort(&mut self, id: ThreadId, epoch: u64) -> Result<(), Status> {
        if self.look(id).epoch == epoch && self.abort_repeat(id) {
            return Ok(());
        }
        let thread = self.look(id);
        let waits = matches!(
            thread.state,
            State::Open | State::Closed(_) | State::Reply(_) | State::Sending(_) | State::Remote
        );
        if !waits
            || thread.epoch != epoch
            || thread.in_fault.is_some() && thread.faulted_for.is_none()
        {
            return Err(Status::Stale);
        }
        self.expect_movable(id)?;
        self.end_grant(id);
        self.fail(id, Status::Aborted);
        Ok(())
    }

    /// Errors where a thread cannot be taken out of what it does.
    fn expect_movable(&self, id: ThreadId) -> Result<(), Status> {
        let thread = self.look(id);
        let grants = thread.state == State::Open && thread.scheduler.granted.is_some();
        let busy = thread.state == State::Remote || grants && self.is_on_stack(id);
        if busy { Err(Status::WrongState) } else { Ok(()) }
    }

    /// A frozen scheduler leaves its wait: the branch it had granted is recorded.
    fn end_grant(&mut self, id: ThreadId) {
        if let Some(branch) = self.thread(id).scheduler.granted.take() {
            // What it is ready for is itself; whoever recorded its branch finds it there.
            self.queue_record(branch, Label::Preempted, None);
        }
    }

    /// `id`, which waits, goes on with an error.
    pub fn fail(&mut self, id: ThreadId, status: Status) {
        let state = self.look(id).state;
        self.end_wait(id, status);
        match state {
            State::Reply(server) => self.cut(id, server),
            _ if self.is_recorded(id) => {
                // It was frozen: ready under the record of its branch.
                self.make_ready(id);
            }
            _ => self.wake(id),
        }
    }

    /// `id` is in no wait any more and has its answer. After a fault of its own it has none: the
    /// instruction is made again.
    fn end_wait(&mut self, id: ThreadId, status: Status) {
        let thread = self.look(id);
        let instruction = thread.in_fault.is_some() && thread.faulted_for.is_none();
        self.leave_lists(id);
        if !instruction {
            self.end_repeat(id);
            self.answer(id, status.into());
        }
    }

    /// Takes a waiting thread's mail out of whatever list it is in.
    fn leave_lists(&mut self, id: ThreadId) {
        match self.look(id).state {
            State::Reply(server) => {
                self.unlink_mail(server, MailList::Owed, id);
                self.mail(id).owed_by.set(0);
                self.end_fault(id);
            }
            State::Sending(receiver) => {
                self.unqueue_sender(receiver, id);
                self.end_fault(id);
            }
            _ => {}
        }
    }

    /// Rule 14: `client` has left its wait for `server`. What works below it on its account moves to
    /// the account of the first thread there.
    fn cut(&mut self, client: ThreadId, server: ThreadId) {
        let account = self.look(client).account;
        let Some(leaf) = self.relabel(client, server) else { return self.wake(client) };
        match self.look(leaf).state {
            State::Running => {
                // The account goes on with the client.
                self.make_ready(leaf);
                self.run(client);
                self.record(server, Label::Woken, None);
            }
            State::Ready => {
                self.thread(client).state = State::Ready;
                self.thread(account).leaf = client;
                self.check_stuck(client);
                self.record(server, Label::Woken, None);
            }
            _ => self.wake(client),
        }
    }

    /// Moves the chain of threads that starts with `server` from the account of `client` to that of
    /// `server`. Returns its last thread; none if `server` does not work on that account.
    fn relabel(&mut self, client: ThreadId, server: ThreadId) -> Option<ThreadId> {
        let account = self.look(client).account;
        let works_for_it = self.local.protocol == Protocol::Direct
            && self.look(server).account == account
            && self.look(server).state != State::Open;
        if !works_for_it {
            return None;
        }
        let mut at = server;
        for depth in 0..MAX_CHAIN {
            let thread = self.thread(at);
            thread.account = server;
            thread.call_depth = depth as u8;
            let next = match thread.state {
                State::Reply(next) | State::Sending(next) => next,
                _ => break,
            };
            if next == client || self.look(next).account != account {
                break;
            }
            at = next;
        }
        self.thread(server).leaf = at;
        Some(at)
    }

    /// Stops `id` wherever it is: whoever waited for it goes on with `status`, it itself has its own
    /// wait cancelled. Errors: `WrongState` as for [`abort`](Self::abort), and for a root.
    pub fn suspend(&mut self, id: ThreadId, status: Status) -> Result<(), Status> {
        if self.is_root(id) {
            return Err(Status::WrongState);
        }
        self.expect_movable(id)?;
        self.fail_waiters(id, status);
        self.end_grant(id);
        let thread = self.look(id);
        let (state, account) = (thread.state, thread.account);
        let latched = thread.latched;
        match state {
            State::Suspended | State::Remote => return Ok(()),
            State::Running => {}
            State::Ready => {
                if latched {
                    self.answer(id, Status::Aborted.into());
                }
                self.unready(account);
            }
            State::Open | State::Closed(_) | State::Sending(_) | State::Reply(_) => {
                self.suspend_waiting(id);
            }
        }
        let thread = self.thread(id);
        thread.state = State::Suspended;
        thread.latched = false;
        if thread.account != id {
            self.work_for_itself(id);
        }
        self.stopped(id);
        if state == State::Running {
            self.blocked(id);
        }
        Ok(())
    }

    fn suspend_waiting(&mut self, id: ThreadId) {
        let state = self.look(id).state;
        self.end_wait(id, Status::Aborted);
        if self.is_recorded(id) {
            self.withdraw_record(id);
        }
        let State::Reply(server) = state else { return };
        let account = self.look(id).account;
        let Some(leaf) = self.relabel(id, server) else { return };
        match self.look(leaf).state {
            State::Ready => {
                self.unready(account);
                self.record(server, Label::Woken, None);
            }
            State::Running => {
                self.thread(id).state = State::Suspended;
                self.make_ready(leaf);
                self.record(server, Label::Woken, None);
                self.blocked(leaf);
            }
            _ => {}
        }
    }

    /// Everybody who waits for `id` goes on with `status`.
    fn fail_waiters(&mut self, id: ThreadId, status: Status) {
        while let Some(client) = self.look(id).owed.first {
            if self.objects.is_here(client) {
                self.fail(client, status);
            } else {
                self.unlink_mail(id, MailList::Owed, client);
                self.mail(client).owed_by.set(0);
                self.send_home(client, crate::cross::Post::Verdict, status);
            }
        }
        while let Some(sender) = self.look(id).senders.first {
            if self.objects.is_here(sender) {
                self.fail(sender, status);
            } else {
                self.unqueue_sender(id, sender);
                self.send_home(sender, crate::cross::Post::Verdict, status);
            }
        }
    }

    /// Takes `id` out of everything, so that its frame can be retired. Its children go to its
    /// scheduler, each *new*. Errors: `WrongState` for a root, while another core has its message,
    /// and if the current thread runs on its grant.
    pub fn end_thread(&mut self, id: ThreadId) -> Result<(), Status> {
        if self.look(id).state == State::Remote {
            return Err(Status::WrongState);
        }
        let children = self.look(id).branch.child_count > 0;
        if children && self.scheduler_of(id).is_none() {
            return Err(Status::WrongState);
        }
        self.suspend(id, Status::PartnerGone)?;
        if let Some(scheduler) = self.scheduler_of(id) {
            while let Some(child) = self.look(id).branch.children.first {
                self.pass_on(child, scheduler);
            }
        }
        self.leave_scheduler(id);
        Ok(())
    }

    /// `child` of a scheduler that is being destroyed becomes a child of `scheduler`, which hears of
    /// it: that it could run, that a fault stopped it, or just that it is there.
    fn pass_on(&mut self, child: ThreadId, scheduler: ThreadId) {
        let could_run = self.is_recorded(child);
        let record = self.look(child).record;
        let faulted = record.how == Record::Notice && record.why == Label::Fault;
        self.put_below(child, scheduler);
        if could_run {
            self.queue_record(child, Label::New, None);
        } else {
            self.queue_notice(child, if faulted { Label::Fault } else { Label::New });
        }
        self.has_been_told(scheduler);
    }
}
