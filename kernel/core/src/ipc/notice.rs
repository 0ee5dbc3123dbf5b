//! The messages that the kernel writes (DESIGN.md section 5; word positions in `cedo_abi::notice`).

use super::registers::Area;
use crate::kernel::Kernel;
use crate::object::thread::{Record, Recorded, State, Thread};
use cedo_abi::{Label, REGISTER_WORDS, Status, Tag, Token, notice};
use cedo_floor::{IrqId, ThreadId};
use cedo_machine::{Context, Machine};

type Words = [u64; REGISTER_WORDS];

impl<M: Machine> Kernel<M> {
    /// Puts a kernel message into the registers of `receiver`.
    fn write(&mut self, receiver: ThreadId, badge: u64, token: u64, tag: Tag, words: &Words) {
        let thread = self.thread(receiver);
        thread.context.set_result(thread.scheduler.event << 16 | Status::Ok as u64);
        thread.context.set_message(badge, token, tag.0);
        thread.context.set_words(words);
    }

    /// `scheduler` is told of the oldest record in its queue.
    pub fn write_record(&mut self, scheduler: ThreadId, account: ThreadId) {
        let Recorded { how, why, by, .. } = self.look(account).record;
        self.deliver_record(scheduler, account);
        if why == Label::Fault {
            return self.write_fault_of_child(scheduler, account);
        }
        let token = match how {
            Record::Queued => self.grant_token(account),
            _ => 0,
        };
        let mut words = self.about(account);
        if let Some(by) = by
            && self.objects.is_here(by)
            && self.scheduler_of(by) == Some(scheduler)
        {
            words[notice::PREEMPTER] = self.look(by).branch.cookie;
            words[notice::PREEMPTER_TOKEN] = self.deliver_with(scheduler, by);
        }
        self.write_about(scheduler, account, why, token, &words);
    }

    /// `scheduler` runs because `child`, whose time it was, is blocked; or there is nobody left. A child
    /// of another's, which it dispatched over that one's head, is in a branch that it knows.
    pub fn write_blocked(&mut self, scheduler: ThreadId, child: ThreadId, why: Label) {
        let words = self.about(child);
        let branch = self.branch_of(scheduler, child).unwrap_or(child);
        self.write_about(scheduler, branch, why, 0, &words);
    }

    /// What `scheduler` was to be told of is void by now, and nothing else is pending.
    pub fn write_void(&mut self, scheduler: ThreadId) {
        let nothing = [0; REGISTER_WORDS];
        self.write(scheduler, 0, 0, Tag::of_kernel(Label::Idle, notice::WORDS), &nothing);
    }

    /// `ancestor` may dispatch `child`, whose own scheduler is stopped.
    pub fn write_stuck(&mut self, ancestor: ThreadId, child: ThreadId) {
        let words = self.about(child);
        let token = self.grant_token(child);
        let branch = self.branch_of(ancestor, child).unwrap_or(child);
        self.write_about(ancestor, branch, Label::Stuck, token, &words);
    }

    fn write_about(
        &mut self,
        scheduler: ThreadId,
        child: ThreadId,
        why: Label,
        token: u64,
        words: &Words,
    ) {
        let cookie = self.look(child).branch.cookie;
        let tag = Tag::of_kernel(why, notice::WORDS);
        self.write(scheduler, cookie, token, tag, words);
        self.tell_if_wanted(scheduler, child);
    }

    /// The registers of `child` go with a message to `scheduler`, if that may see and wants them.
    fn tell_if_wanted(&mut self, scheduler: ThreadId, child: ThreadId) {
        if !self.look(child).branch.state_right {
            return;
        }
        let wanted = u64::from(self.look(scheduler).unusual.wanted());
        if wanted != 0 {
            self.tell_state(child, wanted, self.look(scheduler).utcb);
        }
    }

    /// The token that dispatches recorded `account`.
    fn grant_token(&self, account: ThreadId) -> u64 {
        Token::new(account.frame().0, self.look(account).record.sequence).0
    }

    /// The record of `by` goes with the message about whom it preempted: both tokens at once. One that
    /// says more than that it could run has a message of its own. Returns its token, or 0.
    fn deliver_with(&mut self, scheduler: ThreadId, by: ThreadId) -> u64 {
        let here = self.scheduler_of(by) == Some(scheduler);
        let Recorded { how, why, .. } = self.look(by).record;
        if !here || how != Record::Queued || !matches!(why, Label::Woken | Label::New) {
            return 0;
        }
        self.deliver_record(scheduler, by);
        self.grant_token(by)
    }

    /// The words about `account`: leaf, instruction and stack pointer, grantee and its time.
    fn about(&self, account: ThreadId) -> Words {
        let mut grantee = self.look(account);
        while grantee.state == State::Open
            && let Some(below) = grantee.scheduler.granted
        {
            grantee = self.look(below);
        }
        // What a blocked account waits in is of no use to its scheduler; its own registers are.
        let leaf = if grantee.leaf == grantee.id { grantee } else { self.look(grantee.leaf) };
        let mut words = [0; REGISTER_WORDS];
        words[notice::LEAF] = leaf.branch.cookie;
        words[notice::INSTRUCTION] = leaf.context.instruction();
        words[notice::STACK] = leaf.context.stack();
        words[notice::GRANTEE] = grantee.branch.cookie;
        words[notice::TIME_NS] = self.machine.nanoseconds(cedo_machine::Ticks(grantee.time));
        words
    }

    /// The deadline of this core has passed. With it goes the child that this preempted.
    pub fn write_timer(&mut self, root: ThreadId) {
        let words = self.with_preempted(root, notice::LINE_TIMER);
        self.write(root, 0, 0, Tag::of_kernel(Label::Irq, notice::WORDS), &words);
    }

    /// An interrupt, and if it preempted a child of this scheduler, that child.
    pub fn write_irq(&mut self, handler: ThreadId, id: IrqId) {
        let irq = self.objects.irq(id);
        let token = Token::new(id.frame().0, irq.sequence);
        let (badge, line) = (irq.badge, u64::from(irq.line.0));
        let words = self.with_preempted(handler, line);
        self.write(handler, badge, token.0, Tag::of_kernel(Label::Irq, notice::WORDS), &words);
    }

    /// The words of an interrupt message. A child that lost the processor to this very interrupt has
    /// the oldest record, *preempted* by nobody else.
    fn with_preempted(&mut self, handler: ThreadId, line: u64) -> Words {
        let mut words = [0; REGISTER_WORDS];
        if let Some(child) = self.look(handler).scheduler.records.first
            && let Thread { record, branch, .. } = self.look(child)
            && record.how == Record::Queued
            && record.why == Label::Preempted
            && record.by.is_none()
        {
            let may_see = branch.state_right;
            self.deliver_record(handler, child);
            if may_see {
                self.tell_if_wanted(handler, child);
            }
            words = self.about(child);
            words[notice::IRQ_CHILD] = self.look(child).branch.cookie;
            words[notice::IRQ_CHILD_TOKEN] = self.grant_token(child);
        }
        words[notice::IRQ_LINE] = line;
        words
    }

    /// Other cores kicked this one.
    pub fn write_kick(&mut self, root: ThreadId, bits: u64) {
        let mut words = [0; REGISTER_WORDS];
        words[notice::KICK_BITS] = bits;
        self.write(root, 0, 0, Tag::of_kernel(Label::Kick, 1), &words);
    }

    /// `handler` hears of the fault of `faulter`, of this core.
    pub fn write_fault(&mut self, handler: ThreadId, faulter: ThreadId, badge: u64, token: u64) {
        let words = self.fault_words(faulter);
        self.write(handler, badge, token, Tag::of_kernel(Label::Fault, notice::WORDS), &words);
        let wanted = u64::from(self.look(handler).unusual.wanted());
        if wanted != 0 {
            let to = (self.look(handler).utcb, Area::Received);
            self.tell_fault_state(faulter, wanted, to);
        }
    }

    /// The scheduler of `child` hears of a fault that nobody handles.
    fn write_fault_of_child(&mut self, scheduler: ThreadId, child: ThreadId) {
        let cookie = self.look(child).branch.cookie;
        let words = self.fault_words(child);
        self.write(scheduler, cookie, 0, Tag::of_kernel(Label::Fault, notice::WORDS), &words);
        self.tell_if_wanted(scheduler, child);
    }

    /// The words of the fault that `faulter` is in.
    pub fn fault_words(&self, faulter: ThreadId) -> Words {
        let thread = self.look(faulter);
        let mut words = [0; REGISTER_WORDS];
        if let Some(fault) = thread.in_fault {
            words[notice::FAULT_CAUSE] = fault.cause as u64;
            words[notice::FAULT_ADDRESS] = fault.address;
            words[notice::FAULT_CODE] = fault.code;
        }
        if thread.faulted_for.is_none() {
            words[notice::INSTRUCTION] = thread.context.instruction();
            words[notice::STACK] = thread.context.stack();
        }
        words
    }
}
