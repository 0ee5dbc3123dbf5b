//! Calls and replies that need nothing but a switch: plain words between two threads of this core, one
//! of which waits for just that.
//!
//! ```text
//! call             my gate with CALL and DONATE  -> callee waits for anybody    -> callee runs, I wait
//! reply_and_wait   the one reply that I owe      -> client is of this core      -> client runs, I wait
//! ```
//!
//! Each function looks, and either does all of it or nothing: then the general path does it, and comes
//! to the same (`kernel/core/tests/short_cut` holds the two against each other in every state it finds).
//! So this file refuses nothing and reports nothing; whatever is rare, or wrong, is `false` here.
//!
//! The message words in registers stay where they are ([`cedo_machine::Upcalls::short_cut`]).
//!
//! | what the general path does | why it is not here |
//! |---|---|
//! | repeats, foreign calls, faults, wanted state, schedulers, roots | [`Unusual`](crate::object::unusual::Unusual) is nothing, for both |
//! | closed receives, windows, typed items | the partner's wait is open, the tag has words only |
//! | a second client, senders or interrupts that are pending | both lists have this one element, or none |
//! | time is charged, a scheduler is told | the account that runs stays the same |

use super::send::{MAX_CALL_DEPTH, REPLY_STEP};
use crate::kernel::{Kernel, Local, Protocol};
use crate::object::capability;
use crate::object::thread::{List, State, Thread};
use cedo_abi::call::{Call, ipc, operation};
use cedo_abi::{MESSAGE_WORDS, REGISTER_WORDS, Rights, Status, Tag, Token, name};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Frame, Machine, Request};
use core::hint::black_box;

/// The operation word of a call with no flags besides.
const CALL: u64 = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE | ipc::CALL);
/// The same of a reply, if `to` is a token and `from` is ANY.
const REPLY_AND_WAIT: u64 = operation(Call::Ipc, 0, ipc::SEND | ipc::RECEIVE);
/// What a gate must allow.
const LENDS: Rights = Rights::CALL.or(Rights::DONATE);

impl<M: Machine> Kernel<M> {
    /// Carries out the call of the current thread if it is such a one. False, and nothing changed,
    /// otherwise.
    #[inline(always)]
    pub fn take_short_cut(&mut self, request: &Request) -> bool {
        let done = match request.operation {
            CALL => self.may_be_short(request) && self.short_call(request.to, Tag(request.tag)),
            REPLY_AND_WAIT if request.from == name::ANY => {
                self.may_be_short(request) && self.short_reply(request.to, Tag(request.tag))
            }
            _ => false,
        };
        if cfg!(debug_assertions) {
            self.assert_invariants();
        }
        done
    }

    /// Words, and no items and flags: also a tag that passes as it is.
    #[inline(always)]
    fn may_be_short(&mut self, request: &Request) -> bool {
        request.tag as u32 as usize <= MESSAGE_WORDS && self.machine.is_plain()
    }

    /// The callee takes the message and the processor, and owes the reply.
    #[inline(always)]
    fn short_call(&mut self, to: u64, tag: Tag) -> bool {
        let Some(current) = self.objects.current() else { return false };
        let me = current.thread();
        if !me.unusual.is_nothing() || me.call_depth >= MAX_CALL_DEPTH {
            return false;
        }
        let Some(gate) = capability::gate(&current, me.capabilities, to, LENDS) else {
            return false;
        };
        let Some(pair) = current.with_exactly(gate.name) else { return false };
        let callee = &pair.partner.thread;
        let is_free = callee.state == State::Open && callee.owed.first.is_none();
        if !is_free || !callee.unusual.is_nothing() || !callee.context.is_plain() {
            return false;
        }
        // ---- point of no return ----
        let (me, callee) = pair.switch();
        let (my_id, id) = (me.thread.id, callee.thread.id);
        enter(&mut self.machine, &mut self.local, id, callee.thread);
        me.thread.epoch = me.thread.epoch.wrapping_add(1);
        me.thread.state = State::Reply(id);
        let sequence = me.mail.sequence.get().wrapping_add(REPLY_STEP);
        me.mail.sequence.set(sequence);
        me.mail.owed_by.set(id.number().get());
        callee.thread.state = State::Running;
        callee.thread.owed = List { first: Some(my_id), last: Some(my_id) };
        let token = Token::new(my_id.frame().0, sequence);
        deliver(callee.thread, gate.badge, token.0, tag);
        if self.local.protocol == Protocol::Chain {
            self.local.grantee = Some(id);
            return self.finish([my_id, id], tag);
        }
        let account = me.thread.account;
        callee.thread.account = account;
        callee.thread.call_depth = me.thread.call_depth + 1;
        if account != my_id {
            return self.finish_long([my_id, id], Some(account), tag);
        }
        me.thread.leaf = id;
        self.finish([my_id, id], tag)
    }

    /// The client takes the answer and the processor; the server waits, on its own account.
    #[inline(always)]
    fn short_reply(&mut self, to: u64, tag: Tag) -> bool {
        let Some(token) = Token::of_word(to) else { return false };
        let Some(current) = self.objects.current() else { return false };
        let me = current.thread();
        if !me.unusual.is_nothing() || me.senders.first.is_some() || me.irqs.first.is_some() {
            return false;
        }
        let Some(pair) = current.with(Frame(token.frame())) else { return false };
        let (me, client, mail) = (&pair.me.thread, &pair.partner.thread, pair.partner.mail);
        let (my_id, id) = (me.id, client.id);
        if mail.owed_by.get() != my_id.number().get() || mail.sequence.get() != token.sequence() {
            return false;
        }
        let owes_one = me.owed.first == Some(id) && me.owed.last == Some(id);
        if !owes_one || !client.unusual.is_nothing() || !client.context.is_plain() {
            return false;
        }
        let account = client.account;
        if self.local.protocol == Protocol::Direct && (account != me.account || account == my_id) {
            return false;
        }
        // ---- point of no return ----
        let (me, client) = pair.switch();
        enter(&mut self.machine, &mut self.local, id, client.thread);
        me.thread.epoch = me.thread.epoch.wrapping_add(1);
        me.thread.state = State::Open;
        me.thread.owed = List::EMPTY;
        client.thread.state = State::Running;
        client.mail.owed_by.set(0);
        deliver(client.thread, 0, 0, tag);
        if self.local.protocol == Protocol::Chain {
            self.local.grantee = Some(account);
        } else {
            (me.thread.account, me.thread.leaf, me.thread.call_depth) = (my_id, my_id, 0);
        }
        if account != id {
            return self.finish_long([my_id, id], Some(account), tag);
        }
        client.thread.leaf = id;
        self.finish([my_id, id], tag)
    }

    /// What is beyond the registers of a message moves between these two. True.
    #[inline(always)]
    fn finish(&mut self, pair: [ThreadId; 2], tag: Tag) -> bool {
        tag.words() <= REGISTER_WORDS || self.finish_long(pair, None, tag)
    }

    /// The same, and `account`, on which the second one runs, knows that it does. The last thing that is
    /// done: nothing must be kept over it, so that the short cut itself saves no registers.
    #[inline(never)]
    fn finish_long(&mut self, pair: [ThreadId; 2], account: Option<ThreadId>, tag: Tag) -> bool {
        let [sender, receiver] = pair;
        if let Some(account) = account {
            self.objects.thread(account).leaf = receiver;
        }
        if tag.words() > REGISTER_WORDS {
            let (source, target) = (self.look(sender).utcb, self.look(receiver).utcb);
            self.copy_utcb_words(source, target, tag);
        }
        // The compiler must not know: then its callers end by a jump to here.
        black_box(true)
    }
}

/// What `receiver` is told besides message words.
#[inline(always)]
fn deliver<C: Context>(receiver: &mut Thread<C>, badge: u64, token: u64, tag: Tag) {
    receiver.context.set_result(receiver.scheduler.event << 16 | Status::Ok as u64);
    receiver.context.set_message(badge, token, tag.0);
}

/// `id`, which is `next`, runs in its Space.
#[inline(always)]
fn enter<M: Machine>(
    machine: &mut M,
    local: &mut Local,
    id: ThreadId,
    next: &mut Thread<M::Context>,
) {
    local.current = Some(id);
    machine.set_plain_current(&mut next.context);
    if next.page_table != local.page_table {
        local.page_table = next.page_table;
        machine.activate(next.page_table);
    }
}
