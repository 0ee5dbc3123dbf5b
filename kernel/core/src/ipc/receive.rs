//! The receive phase.
//!
//! An open receive takes pending interrupts, then the kernel's messages, then senders, each in the
//! order of their coming (DESIGN.md section 3).

use super::send::Sender;
use super::{Flags, From};
use crate::cross::Post;
use crate::kernel::Kernel;
use crate::object::thread::{Peer, State};
use crate::object::unusual::LATCHED;
use crate::schedule::Winner;
use cedo_abi::Status;
use cedo_abi::call::ipc;
use cedo_floor::ThreadId;
use cedo_machine::Machine;

/// What completing a receive came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// Nothing is pending.
    Nothing,
    /// The receiver has a message.
    Message,
    /// The receiver has a message, and its sender, of this core, could run now.
    Released(ThreadId),
    /// There is a message with typed items; the receiver takes it in a call that it makes next.
    Later,
    /// The receive has ended with an error: the typed items of a message did not all get here.
    Failed,
}

impl<M: Machine> Kernel<M> {
    /// A receive without a send phase.
    pub fn receive(&mut self, caller: ThreadId, from: From, flags: Flags) -> Result<(), Status> {
        match self.take_from(caller, from) {
            Taken::Message | Taken::Later | Taken::Failed => {}
            Taken::Released(sender) => {
                if !self.sent(caller, sender, flags.winner()) {
                    self.replace_status(caller, Status::KeptProcessor);
                }
            }
            Taken::Nothing if flags.has(ipc::RECEIVE_ZERO) => return Err(Status::NotReady),
            Taken::Nothing => {
                self.wait(caller, from);
                self.blocked(caller);
            }
        }
        Ok(())
    }

    /// The receive phase after a message has moved to waiting `partner`, which `may_win`.
    pub fn receive_after_send(
        &mut self,
        caller: ThreadId,
        partner: ThreadId,
        from: From,
        flags: Flags,
        may_win: bool,
    ) {
        // It has its message: what follows must not find it waiting and tell it something else.
        self.thread(partner).state = State::Ready;
        let taken = self.take_from(caller, from);
        if taken == Taken::Nothing && !flags.has(ipc::RECEIVE_ZERO) {
            self.wait(caller, from);
            return self.sent_and_waits(caller, partner);
        }
        if taken == Taken::Nothing {
            self.answer(caller, Status::NotReady.into());
        }
        let released = if let Taken::Released(sender) = taken { Some(sender) } else { None };
        let refused = flags.winner() == Winner::SendPartner && !may_win;
        let winner = match flags.winner() {
            _ if refused => Winner::Invoker,
            // It waits for the reply, or is yet to come.
            Winner::ReceivePartner if released.is_none() => Winner::Invoker,
            winner => winner,
        };
        let followed = self.sent_and_took(caller, partner, released, winner) && !refused;
        if !followed && matches!(taken, Taken::Message | Taken::Released(_)) {
            self.replace_status(caller, Status::KeptProcessor);
        }
    }

    /// `id` waits from now on, on its own account.
    pub fn wait(&mut self, id: ThreadId, from: From) {
        if self.look(id).account != id {
            self.work_for_itself(id);
        }
        let thread = self.thread(id);
        match from {
            From::Anyone => thread.state = State::Open,
            From::Only(peer) => {
                self.wait_only_for(id, peer);
                self.stopped(id);
            }
        }
    }

    pub(super) fn take_from(&mut self, id: ThreadId, from: From) -> Taken {
        match from {
            From::Anyone => self.take(id),
            From::Only(peer) if self.is_queued_at(peer, id) => self.take_sender(id, peer.thread),
            From::Only(_) => Taken::Nothing,
        }
    }

    pub(super) fn is_queued_at(&self, sender: Peer, receiver: ThreadId) -> bool {
        self.exists(sender) && self.mail(sender.thread).queued_at.get() == receiver.number().get()
    }

    /// Completes the open receive of `id` with the oldest thing pending, if there is one. The
    /// message is in its registers then.
    pub fn take(&mut self, id: ThreadId) -> Taken {
        let taken = self.take_from_kernel(id);
        match self.look(id).senders.first {
            Some(sender) if taken => self.refuse_if_impatient(id, sender),
            Some(sender) => return self.take_sender(id, sender),
            None => {}
        }
        if taken { Taken::Message } else { Taken::Nothing }
    }

    /// The receive of `id` is over, for which a sender with timeout zero may be queued: it waits for no
    /// other. (Only the first in a queue can be one: the others found nobody waiting.)
    pub fn refuse_impatient(&mut self, id: ThreadId) {
        if let Some(sender) = self.look(id).senders.first {
            self.refuse_if_impatient(id, sender);
        }
    }

    fn refuse_if_impatient(&mut self, id: ThreadId, sender: ThreadId) {
        if !self.objects.is_here(sender) && self.mail(sender).status.get() != 0 {
            self.unqueue_sender(id, sender);
            self.send_home(sender, Post::Verdict, Status::NotReady);
        }
    }

    /// Takes an interrupt, or a message of the kernel's. False if there is none.
    fn take_from_kernel(&mut self, id: ThreadId) -> bool {
        let is_root = self.is_root(id);
        if is_root && core::mem::take(&mut self.local.timer_pending) {
            self.write_timer(id);
            return true;
        }
        let thread = self.look(id);
        let (queued, unheard) = (thread.scheduler.has_queued(), thread.scheduler.unheard.is_some());
        if thread.irqs.first.is_some()
            && let Some(irq) = self.take_irq(id)
        {
            self.write_irq(id, irq);
            return true;
        }
        if is_root && self.local.kicks != 0 {
            let bits = core::mem::take(&mut self.local.kicks);
            self.write_kick(id, bits);
            return true;
        }
        if queued && let Some(account) = self.next_record(id) {
            self.write_record(id, account);
            return true;
        }
        if unheard && let Some(child) = self.take_stuck(id) {
            self.write_stuck(id, child);
            return true;
        }
        false
    }

    /// The same for a receiver that need not be current: a released sender is *woken*.
    pub fn take_and_wake(&mut self, id: ThreadId) -> Taken {
        let taken = self.take(id);
        if let Taken::Released(sender) = taken {
            self.wake(sender);
        }
        taken
    }

    /// Takes the message of `sender`, which is queued at `id`.
    pub fn take_sender(&mut self, id: ThreadId, sender: ThreadId) -> Taken {
        let kind = Sender::from_number(self.mail(sender).kind.get()).unwrap_or(Sender::Send);
        if let Some(taken) = self.take_items(id, sender) {
            return taken;
        }
        self.unqueue_sender(id, sender);
        let badge = self.mail(sender).badge.get();
        if !self.objects.is_here(sender) {
            self.take_mail(id, sender, kind);
            return Taken::Message;
        }
        let token = if kind.is_call() {
            self.thread(sender).state = State::Reply(id);
            self.lend_mail(sender, id).0
        } else {
            0
        };
        if kind.is_fault() {
            self.write_fault(id, sender, badge, token);
        } else {
            self.move_message(sender, id, badge, token);
        }
        let released = match kind {
            Sender::Send => {
                self.answer(sender, Status::Ok.into());
                true
            }
            Sender::SendAndReceive => self.receive_latched(sender),
            _ => false,
        };
        if released { Taken::Released(sender) } else { Taken::Message }
    }

    /// The message of `id`, which sent and then receives, has been taken: its receive phase. True if
    /// `id` could run now.
    pub fn receive_latched(&mut self, id: ThreadId) -> bool {
        self.recovered(id);
        let mail = self.mail(id);
        let from = match ThreadId::from_number(mail.detail.get()) {
            None => From::Anyone,
            Some(thread) => From::Only(Peer { thread, generation: mail.token.get() as u32 }),
        };
        let zero = mail.flags.get() != 0;
        match from {
            From::Anyone if self.has_news(id) && zero => {
                // What is there now may be gone when it runs.
                self.receive_again(id, ipc::RECEIVE_ZERO);
                true
            }
            From::Anyone if self.has_news(id) => {
                self.thread(id).unusual.set(LATCHED, true);
                true
            }
            From::Only(peer) if self.is_queued_at(peer, id) && self.has_items(peer.thread) => {
                self.receive_again(id, if zero { ipc::RECEIVE_ZERO } else { 0 });
                true
            }
            From::Only(peer) if self.is_queued_at(peer, id) => {
                if let Taken::Released(sender) = self.take_sender(id, peer.thread) {
                    self.wake_meanwhile(sender);
                }
                true
            }
            From::Only(peer) if !self.exists(peer) => {
                self.answer(id, Status::PartnerGone.into());
                true
            }
            _ if zero => {
                self.answer(id, Status::NotReady.into());
                true
            }
            _ => {
                self.wait(id, from);
                self.check_stuck(id);
                false
            }
        }
    }
}
