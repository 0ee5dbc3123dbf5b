//! Who runs next (DESIGN.md sections 4 and 6).
//!
//! IPC moves messages and then says what happened in one of the verbs below; the core's protocol
//! decides who runs. Nothing here looks at a priority, a time slice or a list of ready threads:
//! there is none.
//!
//! | verb | what happened | direct | chain |
//! |---|---|---|---|
//! | [`Kernel::called`] | a call reached a waiting callee | rules 3-5 | callee runs |
//! | [`Kernel::sent`] | a send reached a waiting partner | rule 8 | winner bits |
//! | [`Kernel::sent_and_waits`] | the same, and the sender waits | rules 4, 8 | partner runs |
//! | [`Kernel::replied`] | a reply without a receive phase | rule 3 | winner bits |
//! | [`Kernel::replied_and_waits`] | a reply, and the server takes the next message | rules 3, 6, 7 | winner bits |
//! | [`Kernel::blocked`] | the current thread waits | rule 12 | climb |
//! | [`Kernel::wake`] | another thread stopped waiting | rule 9 | a loser's chain |
//! | [`Kernel::arrived`] | the same, by an interrupt or another core | rule 10 | a preempted thread's chain |
//! | [`Kernel::dispatched`] | a scheduler granted its time | rule 11 | the thread runs |
//! | [`Kernel::gave_up`] | a yield, or winner bits *none* | giver runs | scheduler runs |

pub mod arrival;
pub mod chain;
pub mod direct;
pub mod end;
pub mod interrupt;
pub mod leave;
pub mod record;
pub mod stuck;
pub mod tree;

use crate::ipc::{Flags, receive::Taken};
use crate::kernel::{Kernel, Protocol};
use crate::object::thread::{Peer, State};
use crate::object::unusual::LATCHED;
use cedo_abi::Label;
use cedo_floor::{FrameKind, ThreadId};
use cedo_machine::Machine;

/// Whom the invoker wants to go on where several could (DESIGN.md section 4).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Winner {
    /// The invoker.
    Invoker,
    /// The partner of the send phase.
    SendPartner,
    /// The partner of the receive phase.
    ReceivePartner,
    /// The invoker's scheduler.
    Scheduler,
}

impl<M: Machine> Kernel<M> {
    /// `id` runs. If its open receive has yet to be completed, it takes what is pending. Where that
    /// is gone by now, a scheduler hears just that: it may know of ready children, or its own grant
    /// has ended. Everybody else waits on, and the account is blocked.
    pub fn run(&mut self, id: ThreadId) {
        let thread = self.objects.thread(id);
        thread.state = State::Running;
        let latched = thread.unusual.take(LATCHED);
        self.local.current = Some(id);
        self.local.grantee = Some(thread.account);
        self.local.run_woken = false;
        if latched && self.take_and_wake(id) == Taken::Nothing {
            if self.look(id).is_scheduler() {
                return self.write_void(id);
            }
            self.thread(id).state = State::Open;
            self.blocked(id);
        }
    }

    /// True if `id` is in an open receive and would be told at once.
    #[inline]
    pub fn is_receptive(&self, id: ThreadId) -> bool {
        let thread = self.look(id);
        thread.state == State::Open && (thread.scheduler.granted.is_none() || self.is_on_stack(id))
    }

    /// True if `receiver` waits for a message of `sender`.
    #[inline]
    pub fn waits_for(&self, receiver: ThreadId, sender: ThreadId) -> bool {
        self.is_receptive(receiver) || self.waits_only_for(receiver, sender)
    }

    /// True if `receiver` is in a receive from `sender` alone.
    #[inline]
    pub fn waits_only_for(&self, receiver: ThreadId, sender: ThreadId) -> bool {
        match self.look(receiver).state {
            State::Closed(peer) => peer.thread == sender && self.exists(peer),
            _ => false,
        }
    }

    /// True if this very thread still exists.
    #[inline]
    pub fn exists(&self, peer: Peer) -> bool {
        let entry = self.objects.table().entry(peer.thread.frame());
        entry.kind() == FrameKind::Thread && entry.generation() == peer.generation
    }

    /// True if `id` is this core's root scheduler.
    #[inline]
    pub fn is_root(&self, id: ThreadId) -> bool {
        self.local.root == Some(id)
    }

    /// True if an open receive of `id` would find something.
    pub fn has_news(&self, id: ThreadId) -> bool {
        let thread = self.look(id);
        thread.irqs.first.is_some()
            || thread.scheduler.has_queued()
            || thread.scheduler.unheard.is_some()
            || thread.senders.first.is_some()
            || (self.local.timer_pending || self.local.kicks != 0) && self.is_root(id)
    }

    /// True if `scheduler` wants to hear that `child` blocked.
    pub fn is_asked(&self, scheduler: ThreadId, child: ThreadId) -> bool {
        let edge = &self.look(child).branch;
        self.look(scheduler).scheduler.ask_blocked
            || edge.tell_blocked && edge.scheduler == scheduler
    }

    /// `caller`, in *Reply*, called `callee`, which has the message.
    pub fn called(&mut self, caller: ThreadId, callee: ThreadId, donates: bool) {
        match self.local.protocol {
            Protocol::Direct => self.direct_called(caller, callee, donates),
            Protocol::Chain if donates => self.chain_run(callee),
            Protocol::Chain => self.chain_handed(caller, callee),
        }
    }

    /// The current thread `sender` sent to `partner`, which has the message. False if the winner
    /// bits could not be followed and the sender goes on.
    pub fn sent(&mut self, sender: ThreadId, partner: ThreadId, winner: Winner) -> bool {
        match self.local.protocol {
            Protocol::Direct => self.direct_sent(sender, partner, winner),
            Protocol::Chain => self.chain_choose(sender, &[Some(partner), None], winner),
        }
    }

    /// The same, and the invoker took a message; so could `released`, the sender of that.
    pub fn sent_and_took(
        &mut self,
        sender: ThreadId,
        partner: ThreadId,
        released: Option<ThreadId>,
        winner: Winner,
    ) -> bool {
        match (self.local.protocol, released) {
            (Protocol::Chain, _) => self.chain_choose(sender, &[Some(partner), released], winner),
            (Protocol::Direct, None) => self.direct_sent(sender, partner, winner),
            (Protocol::Direct, Some(released))
                if winner == Winner::ReceivePartner && !self.is_on_stack(partner) =>
            {
                // The partner of the send phase loses.
                self.direct_wake(partner, Label::Woken);
                self.direct_sent(sender, released, winner)
            }
            (Protocol::Direct, Some(released)) => {
                self.direct_wake(released, Label::Woken);
                self.direct_sent(sender, partner, winner)
            }
        }
    }

    /// The current thread, now waiting, sent to `partner`, which has the message.
    pub fn sent_and_waits(&mut self, sender: ThreadId, partner: ThreadId) {
        match self.local.protocol {
            Protocol::Direct => self.direct_sent_and_waits(sender, partner),
            Protocol::Chain => self.chain_run(partner),
        }
    }

    /// The current thread `server` answered `client`, which has the message, and does not wait.
    pub fn replied(&mut self, server: ThreadId, client: ThreadId, winner: Winner) -> bool {
        match self.local.protocol {
            Protocol::Direct => self.direct_replied(server, client, winner),
            Protocol::Chain => self.chain_choose(server, &[Some(client), None], winner),
        }
    }

    /// The current thread `server` answered `client`, which has the message, and goes on to its open
    /// receive.
    pub fn replied_and_waits(&mut self, server: ThreadId, client: ThreadId, flags: Flags) {
        match self.local.protocol {
            Protocol::Direct => self.direct_replied_and_waits(server, client, flags),
            Protocol::Chain => self.chain_replied_and_waits(server, client, flags),
        }
    }

    /// The current thread waits (its state says how) and nobody follows from that.
    pub fn blocked(&mut self, id: ThreadId) {
        match self.local.protocol {
            Protocol::Direct => self.direct_blocked(),
            Protocol::Chain => self.chain_blocked(id),
        }
    }

    /// `id` stopped waiting as a consequence of what the current thread does, which goes on.
    pub fn wake(&mut self, id: ThreadId) {
        self.wake_as(id, Label::Woken);
    }

    /// The same in the middle of an operation, which has yet to say who runs.
    pub fn wake_meanwhile(&mut self, id: ThreadId) {
        match self.local.protocol {
            Protocol::Direct => self.direct_wake(id, Label::Woken),
            Protocol::Chain => self.chain_wake_meanwhile(id),
        }
    }

    /// The same with another label.
    pub fn wake_as(&mut self, id: ThreadId, why: Label) {
        match self.local.protocol {
            Protocol::Direct => self.direct_wake(id, why),
            Protocol::Chain => self.chain_wake(id, why),
        }
    }

    /// `id` stopped waiting by an interrupt or by another core: its answer is in its registers, or
    /// it is `latched`.
    #[inline]
    pub fn arrived(&mut self, id: ThreadId) {
        self.arrived_as(id, Label::Woken);
    }

    /// The same with another label.
    pub fn arrived_as(&mut self, id: ThreadId, why: Label) {
        match self.local.protocol {
            Protocol::Direct => self.direct_arrived(id, why),
            Protocol::Chain => self.chain_arrived(id, why),
        }
    }

    /// The current thread `scheduler` grants its time to the recorded `account` and waits.
    /// `walk_on` is false if the first scheduler below is to run in any case.
    #[inline]
    pub fn dispatched(&mut self, scheduler: ThreadId, account: ThreadId, walk_on: bool) {
        match self.local.protocol {
            Protocol::Direct => self.direct_dispatched(scheduler, account, walk_on),
            Protocol::Chain => self.chain_dispatched(scheduler, account),
        }
    }

    /// The current thread gives the processor back to its scheduler.
    pub fn gave_up(&mut self, id: ThreadId, why: Label) {
        match self.local.protocol {
            Protocol::Direct => {
                self.direct_gave_up(why);
            }
            Protocol::Chain => self.chain_gave_up(id, why),
        }
    }

    /// Adds the time since the last scheduling event to the grantee.
    pub fn charge(&mut self) {
        let now = self.machine.now();
        let spent = now.since(self.local.charged).0;
        self.local.charged = now;
        if let Some(grantee) = self.local.grantee
            && self.local.current.is_some()
        {
            let thread = self.thread(grantee);
            thread.time = thread.time.wrapping_add(spent);
        }
    }
}
