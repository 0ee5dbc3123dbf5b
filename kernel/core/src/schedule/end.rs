//! Waits that end early: abort, suspend, destroy (DESIGN.md sections 4 and 6, rules 13 and 14).
//!
//! A scheduler that leaves the wait in which it had granted its time ends that grant:
//!
//! | it is | what it granted its time to |
//! |---|---|
//! | frozen | is recorded *preempted* at it; it was ready, and if it goes on, it is so where it was |
//! | on the stack | keeps the time: who gave it passes over the scheduler, as when it dispatches a *stuck* child |
//! | the root | loses the processor to it |

use crate::call::Answer;
use crate::kernel::{Kernel, Protocol};
use crate::list::MailList;
use crate::object::thread::{Record, State};
use crate::object::unusual::LATCHED;
use cedo_abi::state::Cause;
use cedo_abi::{Label, REGISTER_WORDS, Status};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Machine};

/// Longest chain of donated calls, and a bound for following one.
const MAX_CHAIN: usize = 17;

/// Who ends a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ender {
    /// The current thread of this core, which goes on if it can.
    Here,
    /// A thread of another core: what it wakes has arrived as by an interrupt.
    Elsewhere,
}

/// What became of the grant of a scheduler that leaves its wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Grant {
    /// There was none.
    None,
    /// This thread, which had granted it its time, gives that past it now.
    PassedOver(ThreadId),
    /// It was frozen over this branch, which is to be recorded once the scheduler no longer waits:
    /// ready where it is recorded itself, or under the frozen scheduler above it.
    WasFrozen(ThreadId),
    /// It is the root, and the stack stands on it.
    Root,
}

impl<M: Machine> Kernel<M> {
    /// Cancels the wait `epoch` of `id`, which is known here alone, or its transfer in the middle.
    /// Errors: `Stale` if it is in no such wait.
    pub fn abort(&mut self, id: ThreadId, epoch: u64, ender: Ender) -> Result<(), Status> {
        if self.look(id).epoch == epoch && self.abort_repeat(id) {
            return Ok(());
        }
        let thread = self.look(id);
        let waits = matches!(
            thread.state,
            State::Open | State::Closed(_) | State::Reply(_) | State::Sending(_)
        );
        if !waits || thread.epoch != epoch || self.is_at_instruction(id) {
            return Err(Status::Stale);
        }
        if self.look(id).repeat.is_some() {
            // A page that is missing in the middle of a transfer is no instruction's.
            self.end_fault(id);
        }
        self.fail(id, Status::Aborted, ender);
        Ok(())
    }

    /// `id`, which waits, goes on with an error.
    pub fn fail(&mut self, id: ThreadId, status: Status, ender: Ender) {
        let state = self.look(id).state;
        let grant = self.end_grant(id);
        self.end_wait(id, status);
        match (state, grant) {
            (State::Reply(server), _) => self.cut(id, server, ender),
            (_, Grant::Root) => self.preempt_to(id, Label::Preempted, None, false),
            (_, Grant::WasFrozen(branch)) => {
                self.make_ready(id);
                self.record(branch, Label::Preempted, None);
            }
            (_, Grant::None | Grant::PassedOver(_)) => self.release(id, ender),
        }
    }

    /// `id` has its answer and could run.
    fn release(&mut self, id: ThreadId, ender: Ender) {
        if ender == Ender::Elsewhere || self.is_root(id) {
            self.arrived(id);
        } else {
            self.wake_meanwhile(id);
        }
    }

    /// `id` leaves its wait, in which it may have granted its time.
    fn end_grant(&mut self, id: ThreadId) -> Grant {
        let Some(branch) = self.look(id).scheduler.granted else { return Grant::None };
        if !self.is_on_stack(id) {
            self.thread(id).scheduler.granted = None;
            return Grant::WasFrozen(branch);
        }
        let Some(giver) = self.giver(id) else { return Grant::Root };
        self.thread(id).scheduler.granted = None;
        self.thread(giver).scheduler.granted = Some(branch);
        Grant::PassedOver(giver)
    }

    /// `id` is in no wait any more and has its answer. After a fault it has none: the instruction, or
    /// the call, is made again.
    fn end_wait(&mut self, id: ThreadId, status: Status) {
        let thread = self.look(id);
        let fault = thread.in_fault;
        let operation = thread.context.operation();
        let has_amounts = thread.repeat.is_some() || status == Status::Aborted;
        self.leave_lists(id);
        match fault {
            Some(fault) if fault.cause == Cause::SystemCall => {
                self.thread(id).context.repeat(operation);
            }
            Some(_) => {}
            None => {
                let words = self.end_repeat(id);
                let words = Answer::Words(status, words);
                self.answer(id, if has_amounts { words } else { status.into() });
            }
        }
    }

    /// True if `id` waits for the handler of an instruction's fault, not in the middle of a call.
    pub(super) fn is_at_instruction(&self, id: ThreadId) -> bool {
        let thread = self.look(id);
        thread.in_fault.is_some() && thread.repeat.is_none()
    }

    /// Takes a waiting thread's mail out of whatever list it is in.
    fn leave_lists(&mut self, id: ThreadId) {
        match self.look(id).state {
            State::Reply(server) => {
                self.take_out(server, MailList::Owed, id);
                self.end_fault(id);
            }
            State::Sending(receiver) => {
                self.take_out(receiver, MailList::Senders, id);
                self.end_fault(id);
            }
            _ => self.leave_closed(id),
        }
    }

    /// Rule 14: `client` has left its wait for `server`. What works below it on its account moves to
    /// the account of the first thread there.
    fn cut(&mut self, client: ThreadId, server: ThreadId, ender: Ender) {
        let account = self.look(client).account;
        let Some(leaf) = self.relabel(client, server) else { return self.release(client, ender) };
        match self.look(leaf).state {
            State::Running => {
                // The account goes on with the client.
                self.make_ready(leaf);
                self.make_ready(client);
                self.run(client);
                self.record(server, Label::Woken, None);
            }
            State::Ready => {
                self.thread(client).state = State::Ready;
                self.thread(account).leaf = client;
                self.check_stuck(client);
                self.record(server, Label::Woken, None);
            }
            _ => self.release(client, ender),
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
            // Who is queued at a thread of this account has come round to one above the client.
            let State::Reply(next) = thread.state else { break };
            if next == client || self.look(next).account != account {
                break;
            }
            at = next;
        }
        self.thread(server).leaf = at;
        self.thread(account).leaf = client;
        Some(at)
    }

    /// Stops `id` wherever it is, unless its mail is away. Its own wait is cancelled.
    pub(super) fn stop(&mut self, id: ThreadId) {
        let grant = self.end_grant(id);
        if let Grant::PassedOver(giver) = grant
            && self.scheduler_of(id) == Some(giver)
            && self.is_asked(giver, id)
        {
            self.queue_notice(id, Label::Blocked);
        }
        let thread = self.look(id);
        let (state, account, latched) = (thread.state, thread.account, thread.unusual.has(LATCHED));
        match state {
            State::Suspended | State::Remote(_) | State::Recalled(_) => return,
            State::Running => {}
            State::Ready => {
                if latched {
                    self.answer(id, Answer::Words(Status::Aborted, [0; REGISTER_WORDS]));
                }
                self.unready(account);
            }
            State::Open | State::Closed(_) | State::Sending(_) | State::Reply(_) => {
                self.stop_waiting(id);
            }
        }
        let thread = self.thread(id);
        thread.state = State::Suspended;
        thread.unusual.set(LATCHED, false);
        if thread.account != id {
            self.work_for_itself(id);
        }
        if let Grant::WasFrozen(branch) = grant {
            self.record(branch, Label::Preempted, None);
        }
        self.stopped(id);
        if state == State::Running {
            self.blocked(id);
        }
    }

    /// The wait of `id` ends, and it does not go on.
    fn stop_waiting(&mut self, id: ThreadId) {
        let thread = self.look(id);
        let (state, account) = (thread.state, thread.account);
        self.end_wait(id, Status::Aborted);
        let State::Reply(server) = state else { return self.unready(id) };
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

    /// The client for whom `id` works on another's account; nothing if it works for itself.
    pub(super) fn client_on_account(&self, id: ThreadId) -> Option<ThreadId> {
        let account = self.look(id).account;
        let mut at = Some(account).filter(|account| *account != id);
        for _ in 0..MAX_CHAIN {
            let client = at?;
            let State::Reply(server) = self.look(client).state else { return None };
            if server == id {
                return Some(client);
            }
            at = Some(server);
        }
        None
    }

    /// `child` of a scheduler that is being destroyed becomes a child of `scheduler`, which hears of
    /// it: that it could run, that a fault stopped it, or just that it is there.
    pub(super) fn pass_on(&mut self, child: ThreadId, scheduler: ThreadId) {
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
