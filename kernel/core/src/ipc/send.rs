//! The send phase to a gate.

use super::transfer::{Moved, Patience};
use super::{Flags, From};
use crate::kernel::Kernel;
use crate::list::MailList;
use crate::object::thread::{GateTo, State};
use crate::object::unusual::LATCHED;
use crate::schedule::Winner;
use cedo_abi::call::ipc;
use cedo_abi::item::has_amounts;
use cedo_abi::{Kind, Name, Rights, Status, Tag, Token};
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{Context, Machine};

/// Longest chain of donated calls on one account (DESIGN.md section 6, 14).
pub(super) const MAX_CALL_DEPTH: u8 = 16;

/// Added to a reply sequence by each call: it stays even, as grant sequences stay odd.
pub(super) const REPLY_STEP: u32 = 2;

/// What a queued or posted sender wants: `Mail::kind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Sender {
    /// Awaits the reply; lends its time.
    DonatingCall = 1,
    /// Awaits the reply.
    Call = 2,
    /// Goes on once the message is taken.
    Send = 3,
    /// Receives once the message is taken.
    SendAndReceive = 4,
    /// Faulted: the message is the kernel's; awaits the reply.
    Fault = 5,
    /// Found a page of its partner's missing: the same, to the partner's handler.
    PartnerFault = 6,
    /// Sends nothing: receives from the destination only.
    Closed = 7,
}

impl Sender {
    /// From `Mail::kind`.
    pub const fn from_number(number: u32) -> Option<Sender> {
        Some(match number {
            1 => Sender::DonatingCall,
            2 => Sender::Call,
            3 => Sender::Send,
            4 => Sender::SendAndReceive,
            5 => Sender::Fault,
            6 => Sender::PartnerFault,
            7 => Sender::Closed,
            _ => return None,
        })
    }

    /// True if it awaits a reply.
    pub const fn is_call(self) -> bool {
        matches!(self, Sender::DonatingCall | Sender::Call) || self.is_fault()
    }

    /// True if the message is the kernel's, about a fault.
    pub const fn is_fault(self) -> bool {
        matches!(self, Sender::Fault | Sender::PartnerFault)
    }
}

impl<M: Machine> Kernel<M> {
    /// The gate that `name` means to `caller`.
    pub fn gate(&self, caller: ThreadId, name: Name) -> Result<GateTo, Status> {
        let thread = self.look(caller);
        match name {
            Name::Slot(slot) => {
                let space = self.space(thread.space);
                let found = crate::object::capability::look_up(&self.objects, space, slot)?;
                if found.kind != Kind::Gate {
                    return Err(Status::WrongKind);
                }
                let thread = ThreadId::new(found.frame).ok_or(Status::NoCapability)?;
                Ok(GateTo {
                    thread,
                    generation: found.generation,
                    badge: found.badge,
                    rights: found.rights,
                })
            }
            Name::MyScheduler => {
                let scheduler = self.scheduler_of(caller).ok_or(Status::NoCapability)?;
                Ok(GateTo {
                    thread: scheduler,
                    generation: self.objects.table().entry(scheduler.frame()).generation(),
                    badge: thread.branch.cookie,
                    rights: Rights::SEND.or(Rights::CALL),
                })
            }
            Name::MyHandler => {
                let gate = thread.handler.ok_or(Status::NoCapability)?;
                if self.is_live(&gate) { Ok(gate) } else { Err(Status::NoCapability) }
            }
            Name::Myself => Err(Status::NotOneself),
            Name::Any | Name::Nobody | Name::Token(_) => Err(Status::BadArgument),
        }
    }

    /// True if the thread behind a kept gate still exists.
    pub fn is_live(&self, gate: &GateTo) -> bool {
        let entry = self.objects.table().entry(gate.thread.frame());
        entry.kind() == FrameKind::Thread && entry.generation() == gate.generation
    }

    /// Sends to the gate `target`, then does the receive phase that `flags` say.
    pub fn send_to(
        &mut self,
        caller: ThreadId,
        target: Name,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        let gate = self.gate(caller, target)?;
        Tag::from_user(self.look(caller).context.tag()).ok_or(Status::BadArgument)?;
        self.check_message(caller)?;
        let call = flags.has(ipc::CALL);
        let right = if call { Rights::CALL } else { Rights::SEND };
        if !gate.rights.has(right) {
            return Err(Status::NoRight);
        }
        if gate.thread == caller {
            return Err(Status::NotOneself);
        }
        if flags.has(ipc::STATE) {
            return Err(Status::BadArgument);
        }
        let here = self.objects.is_here(gate.thread);
        let waits = call || !flags.has(ipc::SEND_ZERO);
        // Items for another core wait until their receiver runs there.
        if self.is_root(caller) && (waits || !here && self.tag_of(caller).typed_items() > 0) {
            return Err(Status::MustStayOpen);
        }
        let donates = gate.rights.has(Rights::DONATE) && !flags.has(ipc::NO_DONATION);
        let sender = match (call, flags.has(ipc::RECEIVE)) {
            (true, _) if donates => Sender::DonatingCall,
            (true, _) => Sender::Call,
            (false, true) => Sender::SendAndReceive,
            (false, false) => Sender::Send,
        };
        if call && self.look(caller).call_depth >= MAX_CALL_DEPTH {
            return Err(Status::TooDeep);
        }
        if !here {
            self.post_message(caller, &gate, sender, from, flags);
            return Ok(());
        }
        if !self.waits_for(gate.thread, caller) {
            return self.send_later(caller, &gate, sender, from, flags);
        }
        self.send_now(caller, &gate, sender, from, flags)
    }

    /// The partner waits: the message moves now.
    fn send_now(
        &mut self,
        caller: ThreadId,
        gate: &GateTo,
        sender: Sender,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        let partner = gate.thread;
        if self.tag_of(caller).typed_items() > 0 {
            if self.is_being_filled(partner, caller) {
                return self.send_behind(caller, gate, sender, from, flags);
            }
            let waits = !flags.has(ipc::SEND_ZERO);
            let patience = Patience { own: !self.is_root(caller), partner: waits };
            match self.move_items(caller, partner, patience) {
                Ok(Moved::All) => {}
                Ok(Moved::Later) => return Ok(()),
                Err(status) => {
                    self.refused_by(caller, partner, status, waits);
                    return Err(status);
                }
            }
        }
        // ---- point of no return ----
        if sender.is_call() {
            let token = self.owe(caller, partner);
            self.move_message(caller, partner, gate.badge, token.0);
            self.called(caller, partner, sender == Sender::DonatingCall);
            return Ok(());
        }
        self.leave_closed(partner);
        self.move_message(caller, partner, gate.badge, 0);
        self.has_sent(flags.bits());
        let may_win = gate.rights.has(Rights::HANDOVER);
        if sender == Sender::SendAndReceive {
            self.receive_after_send(caller, partner, from, flags, may_win);
            return Ok(());
        }
        self.answer(caller, Status::Ok.into());
        let winner = match flags.winner() {
            Winner::SendPartner if !may_win => Winner::Invoker,
            winner => winner,
        };
        let followed = self.sent(caller, partner, winner) && winner == flags.winner();
        if !followed {
            self.answer(caller, Status::KeptProcessor.into());
        }
        Ok(())
    }

    /// The items of a message did not get to waiting `partner`, which goes on with the same status
    /// unless that is its sender's fault alone.
    fn refused_by(
        &mut self,
        caller: ThreadId,
        partner: ThreadId,
        status: Status,
        sender_waits: bool,
    ) {
        let tells = match status {
            Status::PageMissing => sender_waits,
            status => has_amounts(status),
        };
        if tells {
            self.leave_closed(partner);
            self.answer(partner, status.into());
            // As a send: a scheduler whose time this is takes it back.
            self.sent(caller, partner, Winner::Invoker);
        }
    }

    /// `caller` called `callee`, which owes it the reply from now on: a new wait, a new token.
    pub fn owe(&mut self, caller: ThreadId, callee: ThreadId) -> Token {
        // It has its message: what follows must not find it waiting and tell it something else.
        let waited = core::mem::replace(&mut self.thread(callee).state, State::Ready);
        if let State::Closed(peer) = waited {
            self.take_out(peer.thread, MailList::Closed, callee);
        }
        let thread = self.thread(caller);
        thread.state = State::Reply(callee);
        let schedules = thread.is_scheduler();
        let token = self.lend_mail(caller, callee);
        if schedules {
            self.stopped(caller);
        }
        token
    }

    /// Puts the mail of `caller` into the list of what `callee`, of this core, owes.
    pub fn lend_mail(&mut self, caller: ThreadId, callee: ThreadId) -> Token {
        let mail = self.append_mail(callee, MailList::Owed, caller);
        let sequence = mail.sequence.get().wrapping_add(REPLY_STEP);
        mail.sequence.set(sequence);
        Token::new(caller.frame().0, sequence)
    }

    /// The partner waits, and somebody else is in the middle of filling its windows: it gets both
    /// messages in calls of its own, the one first that is complete in the queue. So two senders never
    /// undo each other's work for ever, and none is held up by the other.
    fn send_behind(
        &mut self,
        caller: ThreadId,
        gate: &GateTo,
        sender: Sender,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        self.wait_in_queue(caller, gate, sender, from, flags)?;
        self.thread(gate.thread).unusual.set(LATCHED, true);
        self.called(caller, gate.thread, false);
        Ok(())
    }

    /// The partner does not wait: queue, or refuse.
    fn send_later(
        &mut self,
        caller: ThreadId,
        gate: &GateTo,
        sender: Sender,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        self.wait_in_queue(caller, gate, sender, from, flags)?;
        self.blocked(caller);
        Ok(())
    }

    /// `caller` waits among the senders of its partner. Who runs now is for the invoking function to
    /// say. Errors: `NotReady` if it does not want to wait.
    fn wait_in_queue(
        &mut self,
        caller: ThreadId,
        gate: &GateTo,
        sender: Sender,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        if flags.has(ipc::SEND_ZERO) {
            return Err(Status::NotReady);
        }
        self.describe_sender(caller, gate, sender, from, flags);
        self.thread(caller).state = State::Sending(gate.thread);
        self.stopped(caller);
        self.queue_sender(gate.thread, caller);
        Ok(())
    }

    /// Writes into the mail of `caller` what its message is to come to.
    pub fn describe_sender(
        &mut self,
        caller: ThreadId,
        gate: &GateTo,
        sender: Sender,
        from: From,
        flags: Flags,
    ) {
        let latched_from = match from {
            From::Anyone => (0, 0),
            From::Only(peer) => (peer.thread.number().get(), peer.generation),
        };
        let mail = self.mail(caller);
        mail.kind.set(sender as u32);
        mail.badge.set(gate.badge);
        mail.detail.set(latched_from.0);
        mail.token.set(latched_from.1.into());
        mail.flags.set(u64::from(flags.has(ipc::RECEIVE_ZERO)));
    }

    /// Appends the mail of `sender`, of any core, to the queue of `receiver`, of this one.
    pub fn queue_sender(&mut self, receiver: ThreadId, sender: ThreadId) {
        let thread = self.thread(receiver);
        thread.scheduler.event += 1;
        let suspensions = thread.suspensions;
        self.append_mail(receiver, MailList::Senders, sender).suspensions.set(suspensions);
    }

    /// Takes the mail of `sender` out of the queue of `receiver`.
    pub fn unqueue_sender(&mut self, receiver: ThreadId, sender: ThreadId) {
        self.take_out(receiver, MailList::Senders, sender);
    }

    /// True if queued `id` waits for a reply.
    pub fn is_call(&self, id: ThreadId) -> bool {
        Sender::from_number(self.mail(id).kind.get()).is_some_and(Sender::is_call)
    }

    /// True if queued `id` lends its time to who takes its message.
    pub fn is_donating_call(&self, id: ThreadId) -> bool {
        let mail = self.mail(id);
        let kind = Sender::from_number(mail.kind.get());
        kind.is_some_and(|kind| {
            kind == Sender::DonatingCall || kind.is_fault() && mail.token.get() != 0
        })
    }

    /// Posts a message to a partner on another core; the sender waits for what it comes to.
    fn post_message(
        &mut self,
        caller: ThreadId,
        gate: &GateTo,
        sender: Sender,
        from: From,
        flags: Flags,
    ) {
        self.describe_sender(caller, gate, sender, from, flags);
        self.put_words_into_mail(caller);
        self.lend_space(caller);
        let zero = flags.has(ipc::SEND_ZERO) && !self.is_awaited(gate.thread, caller);
        self.mail(caller).status.set(u32::from(zero));
        self.post_to_thread(caller, gate);
    }
}
