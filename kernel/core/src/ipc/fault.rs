//! Exceptions and page faults: a call to the thread's handler with a message of the kernel's
//! (DESIGN.md section 10).

use super::registers::Area;
use super::send::Sender;
use super::{Flags, From};
use crate::kernel::{Kernel, Protocol};
use crate::object::thread::{GateTo, State};
use cedo_abi::{Label, Rights, Tag, call, notice, state};
use cedo_floor::ThreadId;
use cedo_machine::{Fault, Machine};

impl<M: Machine> Kernel<M> {
    /// The current thread made an exception.
    pub fn faulted(&mut self, faulter: ThreadId, fault: Fault) {
        let thread = self.thread(faulter);
        thread.set_fault(Some(fault));
        let has_waiters = thread.owed.first.is_some() || thread.senders.first.is_some();
        let gate = thread.handler.filter(|gate| {
            let waits = has_waiters && self.waits_for_faulter(gate, faulter);
            gate.thread != faulter && self.is_live(gate) && !waits
        });
        match gate {
            Some(gate) => self.send_fault(faulter, &gate, Sender::Fault),
            None => self.stop_faulter(faulter),
        }
    }

    /// The current thread `mover` moves items of or to `partner`, and a page of the partner's is
    /// missing: the partner's handler hears of it, the mover awaits the reply.
    pub(super) fn faulted_for(
        &mut self,
        mover: ThreadId,
        partner: ThreadId,
        fault: Fault,
        gate: &GateTo,
    ) {
        let thread = self.thread(mover);
        thread.set_fault(Some(fault));
        thread.faulted_for = Some(partner);
        self.send_fault(mover, gate, Sender::PartnerFault);
    }

    /// The handler of `partner` if it could answer `mover`.
    pub(super) fn expect_answer(
        &self,
        handler: Option<GateTo>,
        mover: ThreadId,
        partner: ThreadId,
    ) -> Option<GateTo> {
        handler.filter(|gate| {
            let third = gate.thread != mover && gate.thread != partner;
            third && self.is_live(gate) && !self.waits_for_faulter(gate, mover)
        })
    }

    fn send_fault(&mut self, faulter: ThreadId, gate: &GateTo, kind: Sender) {
        if !self.objects.is_here(gate.thread) {
            return self.post_fault(faulter, gate, kind);
        }
        let donates = gate.rights.has(Rights::DONATE);
        if self.waits_for(gate.thread, faulter) {
            let token = self.owe(faulter, gate.thread);
            self.write_fault(gate.thread, faulter, gate.badge, token.0);
            return self.called(faulter, gate.thread, donates);
        }
        self.describe_sender(faulter, gate, kind, From::Anyone, Flags::none());
        self.mail(faulter).token.set(donates.into());
        self.thread(faulter).state = State::Sending(gate.thread);
        self.stopped(faulter);
        self.queue_sender(gate.thread, faulter);
        self.blocked(faulter);
    }

    /// The handler, of any core, awaits a reply of the faulter, which would never come, or is queued
    /// at it.
    fn waits_for_faulter(&self, gate: &GateTo, faulter: ThreadId) -> bool {
        self.objects.try_mail(gate.thread).is_some_and(|mail| {
            [mail.owed_by.get(), mail.queued_at.get()].contains(&faulter.number().get())
        })
    }

    /// Nobody handles the fault of the current thread: it stops and its scheduler hears *fault*.
    fn stop_faulter(&mut self, faulter: ThreadId) {
        self.thread(faulter).state = State::Suspended;
        self.stopped(faulter);
        if self.is_root(faulter) {
            self.machine
                .console(b"a core stops: its root scheduler faulted and has no handler\r\n");
        }
        self.queue_notice(faulter, Label::Fault);
        // Its scheduler hears of it when the grant ends, unless that was another's.
        let others =
            self.look(faulter).account != faulter || self.local.protocol == Protocol::Direct;
        if others && let Some(scheduler) = self.scheduler_of(faulter) {
            self.has_been_told(scheduler);
        }
        self.blocked(faulter);
    }

    /// `id` is in no fault any more.
    pub fn end_fault(&mut self, id: ThreadId) {
        let thread = self.thread(id);
        thread.set_fault(None);
        thread.faulted_for = None;
    }

    /// The handler lives on another core: registers go with the mail, through the faulter's UTCB.
    pub(super) fn post_fault(&mut self, faulter: ThreadId, gate: &GateTo, kind: Sender) {
        let utcb = self.look(faulter).utcb;
        self.tell_fault_state(faulter, state::ALL, (utcb, Area::Away));
        let words = self.fault_words(faulter);
        self.describe_sender(faulter, gate, kind, From::Anyone, Flags::none());
        let mail = self.mail(faulter);
        mail.tag.set(Tag::of_kernel(Label::Fault, notice::WORDS).0);
        mail.utcb.set(utcb.0);
        for (to, word) in mail.words.iter().zip(words) {
            to.set(word);
        }
        mail.status.set(0);
        self.post_to_thread(faulter, gate);
    }
}

impl Flags {
    /// Of a call that a server passes on.
    pub(super) const fn forwarded() -> Flags {
        Flags::none()
    }

    /// Of an operation that the kernel makes.
    const fn none() -> Flags {
        Flags(call::ipc::SEND | call::ipc::RECEIVE | call::ipc::CALL)
    }
}
