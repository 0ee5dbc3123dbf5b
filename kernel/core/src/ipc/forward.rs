//! Forwarding: a server passes a call that it owes a reply on to another server, which owes it from
//! then on.
//!
//! ```text
//!            before                              after
//!   client --awaits--> server          client --awaits--> or --queued at--> callee
//! ```
//!
//! It is as if the client had called the callee, through the server's gate and with the server's
//! words; a fault goes on with the kernel's. A server that works on the client's account leaves it.

use super::closed::PASSED_ON;
use super::send::Sender;
use super::{Flags, From};
use crate::cross::Post;
use crate::kernel::{Kernel, Protocol};
use crate::list::MailList;
use crate::object::thread::{GateTo, State};
use crate::schedule::Winner;
use cedo_abi::call::ipc;
use cedo_abi::{Label, Name, Rights, Status, Tag, Token, name};
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::{Context, Frame, Machine};

/// Flags that a forwarding operation may have.
const ALLOWED: u64 = ipc::SEND | ipc::RECEIVE | ipc::FORWARD | ipc::NO_DONATION | ipc::WANT_MASK;

impl<M: Machine> Kernel<M> {
    /// Passes the call that the token in the role `from` names on to the gate `target`; with a receive
    /// phase, waits for anybody then. Errors: `Stale`, `NoRight` without CALL, `NotOneself`,
    /// `BadArgument` for typed items and for flags that mean nothing here.
    pub(super) fn forward(
        &mut self,
        caller: ThreadId,
        target: Name,
        flags: Flags,
    ) -> Result<(), Status> {
        let client = self.forwarded_client(caller, flags)?;
        let gate = self.gate(caller, target)?;
        let tag = Tag::from_user(self.look(caller).context.tag()).ok_or(Status::BadArgument)?;
        if tag.typed_items() > 0 {
            return Err(Status::BadArgument);
        }
        if !gate.rights.has(Rights::CALL) {
            return Err(Status::NoRight);
        }
        if gate.thread == caller || gate.thread == client {
            return Err(Status::NotOneself);
        }
        // ---- point of no return ----
        self.take_out(caller, MailList::Owed, client);
        self.has_sent(flags.bits());
        // The role named the call; a receive phase is open.
        self.thread(caller).context.set_message(0, name::ANY, tag.0);
        self.answer(caller, Status::Ok.into());
        let donates = gate.rights.has(Rights::DONATE) && !flags.has(ipc::NO_DONATION);
        if self.objects.is_here(client) {
            self.forward_local(caller, client, &gate, donates, flags);
        } else {
            self.forward_mail(caller, client, &gate, tag, flags);
        }
        Ok(())
    }

    /// The client that the token names. Errors: `Stale` unless the caller owes it a reply.
    fn forwarded_client(&self, caller: ThreadId, flags: Flags) -> Result<ThreadId, Status> {
        if flags.bits() & !ALLOWED != 0 {
            return Err(Status::BadArgument);
        }
        let Some(Name::Token(Token(token))) = Name::from_word(self.look(caller).context.from())
        else {
            return Err(Status::BadArgument);
        };
        let token = Token(token);
        let id = ThreadId::from_number(token.frame()).ok_or(Status::Stale)?;
        if self.objects.table().entry(id.frame()).kind() != FrameKind::Thread {
            return Err(Status::Stale);
        }
        let mail = self.mail(id);
        let owed = mail.owed_by.get() == caller.number().get();
        let owed = owed && mail.sequence.get() == token.sequence();
        owed.then_some(id).ok_or(Status::Stale)
    }

    fn forward_local(
        &mut self,
        server: ThreadId,
        client: ThreadId,
        gate: &GateTo,
        donates: bool,
        flags: Flags,
    ) {
        let callee = gate.thread;
        let kind = self.forwarded_kind(client, donates);
        if !kind.is_fault() {
            self.move_message(server, client, 0, 0);
        }
        let on_its_account = self.local.protocol == Protocol::Direct
            && self.look(server).account != server
            && self.look(server).account == self.look(client).account;
        if !self.objects.is_here(callee) {
            self.forward_to_core(client, gate, kind);
        } else if self.waits_for(callee, client) {
            let token = self.owe(client, callee);
            if kind.is_fault() {
                self.write_fault(callee, client, gate.badge, token.0);
            } else {
                self.move_message(client, callee, gate.badge, token.0);
            }
            if on_its_account {
                self.leave_account(server, client);
                self.called(client, callee, donates);
                return self.leave_behind(server, flags);
            }
            return self.forwarded_to_waiting(server, callee, flags);
        } else {
            self.describe_sender(client, gate, kind, From::Anyone, Flags::forwarded());
            if kind.is_fault() {
                self.mail(client).token.set(donates.into());
            }
            self.thread(client).state = State::Sending(callee);
            self.stopped(client);
            self.queue_sender(callee, client);
        }
        if on_its_account {
            self.leave_account(server, client);
            self.leave_behind(server, flags);
            return self.blocked(client);
        }
        self.go_on(server, flags);
    }

    /// What the forwarded call is to whoever takes it.
    fn forwarded_kind(&self, client: ThreadId, donates: bool) -> Sender {
        let thread = self.look(client);
        match (thread.in_fault.is_some(), thread.faulted_for.is_some()) {
            (true, true) => Sender::PartnerFault,
            (true, false) => Sender::Fault,
            _ if donates => Sender::DonatingCall,
            _ => Sender::Call,
        }
    }

    /// `server` works for itself; the client is the last one on its account.
    fn leave_account(&mut self, server: ThreadId, client: ThreadId) {
        self.work_for_itself(server);
        let account = self.look(client).account;
        self.thread(account).leaf = client;
    }

    /// The server, no longer current, goes on to its receive phase or is ready.
    fn leave_behind(&mut self, server: ThreadId, flags: Flags) {
        if flags.has(ipc::RECEIVE) {
            return self.take_next(server);
        }
        self.thread(server).state = State::Ready;
        self.record(server, Label::Woken, None);
    }

    /// The callee, which waited, has the message, and the server does not work for the client.
    fn forwarded_to_waiting(&mut self, server: ThreadId, callee: ThreadId, flags: Flags) {
        if flags.has(ipc::RECEIVE) {
            return self.receive_after_send(server, callee, From::Anyone, flags, true);
        }
        self.sent(server, callee, Winner::Invoker);
    }

    /// The current thread goes on to its receive phase, if there is one.
    fn go_on(&mut self, server: ThreadId, flags: Flags) {
        if flags.has(ipc::RECEIVE) {
            // Without timeout zero it finds something or waits: nothing to report.
            let _ = self.receive(server, From::Anyone, flags);
        }
    }

    /// A client of this core, a callee of another one.
    fn forward_to_core(&mut self, client: ThreadId, gate: &GateTo, kind: Sender) {
        if kind.is_fault() {
            self.post_fault(client, gate, kind);
            return self.stopped(client);
        }
        self.describe_sender(client, gate, kind, From::Anyone, Flags::forwarded());
        self.put_words_into_mail(client);
        self.lend_space(client);
        self.mail(client).status.set(0);
        self.post_to_thread(client, gate);
        self.stopped(client);
    }

    /// A client of another core, whose mail is here.
    fn forward_mail(
        &mut self,
        server: ThreadId,
        client: ThreadId,
        gate: &GateTo,
        tag: Tag,
        flags: Flags,
    ) {
        let (words, source) = (self.look(server).context.words(), self.look(server).utcb);
        let mail = self.mail(client);
        mail.badge.set(gate.badge);
        mail.status.set(0);
        mail.detail.set(PASSED_ON);
        if !Sender::from_number(mail.kind.get()).is_some_and(Sender::is_fault) {
            mail.tag.set(tag.0);
            mail.words.iter().zip(words).for_each(|(to, word)| to.set(word));
            self.copy_utcb_words(source, Frame(mail.utcb.get()), tag);
        }
        let callee = gate.thread;
        if !self.objects.is_here(callee) {
            self.post_to_thread(client, gate);
            return self.go_on(server, flags);
        }
        if self.awaits_elsewhere(callee, client) {
            mail.destination.set(callee.number().get());
            mail.generation.set(gate.generation);
            self.send_home(client, Post::PassedOn, Status::Ok);
            return self.go_on(server, flags);
        }
        let waits = self.waits_for(callee, client);
        self.queue_sender(callee, client);
        if !waits {
            return self.go_on(server, flags);
        }
        self.take_sender(callee, client);
        self.forwarded_to_waiting(server, callee, flags);
    }
}
