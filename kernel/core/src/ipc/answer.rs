//! The send phase to a token: reply, acknowledge, dispatch (DESIGN.md section 3).
//!
//! A token is no secret. It counts only if the wait or record that it names is still the same, and
//! is owed to the presenter; otherwise the answer is `Stale` and nothing has changed.

use super::receive::Taken;
use super::registers::Area;
use super::send::Sender;
use super::transfer::{Moved, Patience};
use super::{Flags, From};
use crate::cross::Post;
use crate::kernel::{Kernel, Protocol};
use crate::list::MailList;
use crate::object::thread::State;
use crate::object::unusual::LATCHED;
use crate::schedule::end::Ender;
use cedo_abi::call::ipc;
use cedo_abi::utcb::StateArea;
use cedo_abi::{Label, Status, Tag, Token};
use cedo_floor::{FrameKind, IrqId, ThreadId};
use cedo_machine::{Context, Frame, Machine};

/// Bits of an event number that fit a result word.
const EVENT_BITS: u64 = (1 << 48) - 1;

impl<M: Machine> Kernel<M> {
    /// Answers `token`, then does the receive phase that `flags` say.
    pub fn answer_token(
        &mut self,
        caller: ThreadId,
        token: Token,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        if flags.has(ipc::CALL) {
            return Err(Status::BadArgument);
        }
        let frame = Frame(token.frame());
        let entry = self.objects.table().entry(frame);
        match (entry.kind(), ThreadId::new(frame), IrqId::new(frame)) {
            (FrameKind::Thread, Some(id), _) if token.sequence() & 1 == 0 => {
                self.reply(caller, id, token.sequence(), from, flags)
            }
            (FrameKind::Thread, Some(id), _) if entry.home() == self.core() => {
                self.dispatch(caller, id, token.sequence(), from, flags)
            }
            (FrameKind::Irq, _, Some(id)) if entry.home() == self.core() => {
                self.acknowledge(caller, id, token.sequence())?;
                self.has_sent(flags.bits());
                self.answer(caller, Status::Ok.into());
                if flags.has(ipc::RECEIVE) { self.receive(caller, from, flags) } else { Ok(()) }
            }
            _ => Err(Status::Stale),
        }
    }

    fn reply(
        &mut self,
        caller: ThreadId,
        client: ThreadId,
        sequence: u32,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        let mail = self.mail(client);
        if mail.owed_by.get() != caller.number().get() || mail.sequence.get() != sequence {
            return Err(Status::Stale);
        }
        let here = self.objects.is_here(client);
        let (faulted, takes_state) = if here {
            let client = self.look(client);
            (client.in_fault.is_some(), client.in_fault.is_some() && client.faulted_for.is_none())
        } else {
            let kind = Sender::from_number(mail.kind.get());
            (kind.is_some_and(Sender::is_fault), kind == Some(Sender::Fault))
        };
        let tag = Tag::from_user(self.look(caller).context.tag()).ok_or(Status::BadArgument)?;
        if flags.has(ipc::STATE) && !takes_state {
            return Err(Status::BadArgument);
        }
        let waits = flags.has(ipc::RECEIVE);
        if waits && here && self.would_dispatch(caller, client) && self.has_news(caller) {
            return self.news(caller);
        }
        let state = flags.has(ipc::STATE).then(|| self.reply_state(self.look(caller).utcb));
        if let Some(area) = &state {
            self.check_state(area)?;
        }
        if !faulted && tag.typed_items() > 0 && self.reply_items(caller, client)? == Moved::Later {
            return Ok(());
        }
        // ---- point of no return ----
        self.take_out(caller, MailList::Owed, client);
        self.has_sent(flags.bits());
        if !here {
            self.reply_remotely(caller, client, (tag, faulted), state.as_ref());
            self.answer(caller, Status::Ok.into());
            return if waits { self.receive(caller, from, flags) } else { Ok(()) };
        }
        if !faulted {
            self.move_message(caller, client, 0, 0);
        } else if let Some(area) = &state {
            self.install(client, area, self.look(caller).utcb, Area::Reply);
        }
        self.end_fault(client);
        self.after_reply(caller, client, from, flags)
    }

    /// Moves the items of a reply. It waits for nobody: what cannot be moved now is an error to both.
    fn reply_items(&mut self, caller: ThreadId, client: ThreadId) -> Result<Moved, Status> {
        self.check_message(caller)?;
        let patience = Patience { own: !self.is_root(caller), partner: false };
        let moved = self.move_items(caller, client, patience);
        if let Err(status) = moved
            && status != Status::BadArgument
        {
            self.refuse_client(caller, client, status);
        }
        moved
    }

    /// The call of `client`, which `caller` owes a reply, ends with an error.
    fn refuse_client(&mut self, caller: ThreadId, client: ThreadId, status: Status) {
        if self.objects.is_here(client) {
            return self.fail(client, status, Ender::Here);
        }
        self.take_out(caller, MailList::Owed, client);
        self.send_home(client, Post::Verdict, status);
    }

    fn after_reply(
        &mut self,
        caller: ThreadId,
        client: ThreadId,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        self.answer(caller, Status::Ok.into());
        if !flags.has(ipc::RECEIVE) {
            if !self.replied(caller, client, flags.winner()) {
                self.answer(caller, Status::KeptProcessor.into());
            }
        } else if from == From::Anyone && !flags.has(ipc::RECEIVE_ZERO) {
            self.replied_and_waits(caller, client, flags);
        } else {
            self.replied_and_receives(caller, client, from, flags);
        }
        Ok(())
    }

    /// A reply whose receive phase is closed, or has timeout zero.
    fn replied_and_receives(
        &mut self,
        caller: ThreadId,
        client: ThreadId,
        from: From,
        flags: Flags,
    ) {
        let on_current_account = Some(self.look(client).account) == self.local.grantee
            && self.look(caller).account != caller;
        if self.local.protocol == Protocol::Chain || !on_current_account {
            return self.receive_after_send(caller, client, from, flags, true);
        }
        self.make_ready(client);
        self.run(client);
        self.work_for_itself(caller);
        self.thread(caller).state = State::Ready;
        match self.take_from(caller, from) {
            Taken::Nothing if !flags.has(ipc::RECEIVE_ZERO) => return self.wait(caller, from),
            Taken::Nothing => self.answer(caller, Status::NotReady.into()),
            Taken::Message | Taken::Failed | Taken::Later => {}
            Taken::Released(sender) => self.wake(sender),
        }
        self.record(caller, Label::Woken, None);
    }

    /// True if a reply of `caller` to `client` is a dispatch (DESIGN.md section 6, 7).
    fn would_dispatch(&self, caller: ThreadId, client: ThreadId) -> bool {
        self.local.protocol == Protocol::Direct
            && self.look(caller).is_scheduler()
            && self.scheduler_of(self.look(client).account) == Some(caller)
    }

    fn reply_remotely(
        &mut self,
        caller: ThreadId,
        client: ThreadId,
        (tag, faulted): (Tag, bool),
        state: Option<&StateArea>,
    ) {
        let words = self.look(caller).context.words();
        let source = self.look(caller).utcb;
        let mail = self.mail(client);
        mail.badge.set(0);
        mail.tag.set(tag.0);
        mail.flags.set(u64::from(state.is_some()));
        for (to, word) in mail.words.iter().zip(words) {
            to.set(word);
        }
        let target = Frame(mail.utcb.get());
        match state {
            Some(area) => self.send_state(source, area, target),
            // The answer to a fault is no message: the faulter may be filling its words.
            None if faulted => {}
            None => self.copy_utcb_words(source, target, tag),
        }
        self.send_home(client, Post::Reply, Status::Ok);
    }

    /// Grants this scheduler's time to a recorded account below it.
    fn dispatch(
        &mut self,
        caller: ThreadId,
        account: ThreadId,
        sequence: u32,
        from: From,
        flags: Flags,
    ) -> Result<(), Status> {
        let child = self.look(account);
        let valid = child.record.sequence == sequence
            && self.is_recorded(account)
            && caller != account
            && (child.branch.scheduler == caller || self.is_ancestor_or_self(caller, account));
        if !valid {
            return Err(Status::Stale);
        }
        if !flags.has(ipc::RECEIVE) || from != From::Anyone || flags.has(ipc::RECEIVE_ZERO) {
            return Err(Status::BadArgument);
        }
        if flags.has(ipc::DEADLINE) && !self.is_root(caller) {
            return Err(Status::NoRight);
        }
        let thread = self.look(caller);
        if thread.account != caller {
            // A server that has become a scheduler: it answers its client first.
            return Err(Status::WrongState);
        }
        let words = thread.context.words();
        if !self.has_seen(caller, words[0]) || self.has_news(caller) {
            return self.news(caller);
        }
        if flags.has(ipc::STATE) {
            self.install_in_child(caller, account)?;
        }
        // ---- point of no return ----
        self.has_sent(flags.bits());
        if flags.has(ipc::DEADLINE) {
            self.set_deadline(words[1]);
        }
        self.dispatched(caller, account, !flags.has(ipc::RESCHEDULE));
        Ok(())
    }

    /// True if `seen` is the event number of `scheduler`.
    pub fn has_seen(&self, scheduler: ThreadId, seen: u64) -> bool {
        (self.look(scheduler).scheduler.event ^ seen) & EVENT_BITS == 0
    }

    /// Arms the core's timer; 0 disarms it.
    pub fn set_deadline(&mut self, deadline_ns: u64) {
        self.machine.set_deadline((deadline_ns != 0).then_some(deadline_ns));
    }

    /// Nothing was done: `caller` gets the oldest message pending, if there is one. Where that has
    /// typed items, the call is made again until they are all there.
    pub fn news(&mut self, caller: ThreadId) -> Result<(), Status> {
        match self.take_and_wake(caller) {
            Taken::Later | Taken::Failed => return Ok(()),
            Taken::Nothing => self.thread(caller).context.set_message(0, 0, 0),
            Taken::Message | Taken::Released(_) => {}
        }
        self.replace_status(caller, Status::News);
        Ok(())
    }

    /// Installs state in a child that was preempted while running itself. Errors: `NoRight` without
    /// STATE on the edge, or if another thread runs on its account; `BadAddress`.
    fn install_in_child(&mut self, caller: ThreadId, account: ThreadId) -> Result<(), Status> {
        let thread = self.look(account);
        let own_registers =
            thread.leaf == account && thread.state == State::Ready && !thread.unusual.has(LATCHED);
        let edge = thread.branch.state_right && thread.branch.scheduler == caller;
        if !own_registers || !edge {
            return Err(Status::NoRight);
        }
        let utcb = self.look(caller).utcb;
        let area = self.reply_state(utcb);
        self.check_state(&area)?;
        self.install(account, &area, utcb, Area::Reply);
        Ok(())
    }
}
