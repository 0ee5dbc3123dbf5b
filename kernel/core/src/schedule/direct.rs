//! Direct mode: the grant stack (DESIGN.md section 6). The numbers are the contract's rules.
//!
//! ```text
//! root --granted--> scheduler --granted--> grantee (account) --call--> server --call--> leaf
//! ```
//!
//! From the root, `granted` of each waiting scheduler leads to the grantee; the current thread works
//! on the grantee's account. A waiting scheduler with a grant out that is not on this path is
//! *frozen*. Every grant ends with exactly one record to its giver.

use super::Winner;
use crate::ipc::{Flags, From, receive::Taken};
use crate::kernel::Kernel;
use crate::object::thread::State;
use crate::object::unusual::LATCHED;
use cedo_abi::Label;
use cedo_abi::call::core::{ON_EMPTY_HALT, RUN_WOKEN};
use cedo_floor::ThreadId;
use cedo_machine::Machine;

impl<M: Machine> Kernel<M> {
    /// The account of the current thread.
    pub(super) fn grantee(&self) -> ThreadId {
        self.local.grantee.or(self.local.root).expect("a core with threads has a root")
    }

    /// `id`, which has its message, becomes ready on its own account or on the one it works for.
    pub fn direct_wake(&mut self, id: ThreadId, why: Label) {
        let account = self.make_ready(id);
        self.record(account, why, None);
    }

    /// `id` could run. Returns its account, of which it is the leaf now.
    pub fn make_ready(&mut self, id: ThreadId) -> ThreadId {
        let thread = self.thread(id);
        thread.state = State::Ready;
        let (account, was_stuck) = (thread.account, thread.scheduler.stuck_at.is_some());
        self.thread(account).leaf = id;
        if was_stuck {
            self.check_stuck(id);
        }
        account
    }

    /// Rule 9: `account` is ready and nobody's: its scheduler is told, and if that waits off the
    /// stack and is not frozen, it is ready itself.
    pub fn record(&mut self, account: ThreadId, why: Label, by: Option<ThreadId>) {
        if let Some(scheduler) = self.queue_record(account, why, by) {
            self.has_been_told(scheduler);
        }
    }

    /// Rule 9 for a scheduler that has something in its queue.
    pub fn has_been_told(&mut self, scheduler: ThreadId) {
        if self.local.protocol == crate::kernel::Protocol::Chain {
            return self.chain_has_been_told(scheduler);
        }
        let is_root = self.is_root(scheduler);
        let thread = self.thread(scheduler);
        if thread.state == State::Open && thread.scheduler.granted.is_none() && !is_root {
            thread.unusual.set(LATCHED, true);
            self.direct_wake(scheduler, Label::Woken);
        }
    }

    /// Rules 3, 4, 5.
    pub fn direct_called(&mut self, caller: ThreadId, callee: ThreadId, donates: bool) {
        let thread = self.look(callee);
        let lends = donates && !thread.is_scheduler();
        if thread.scheduler.granted.is_some() || self.is_root(callee) {
            return self.pop_to(callee);
        }
        if !lends {
            self.direct_wake(callee, Label::Woken);
            return self.direct_blocked();
        }
        self.work_for(callee, caller);
        self.run(callee);
    }

    /// `server` goes to the account that `client` works for.
    fn work_for(&mut self, server: ThreadId, client: ThreadId) {
        let (to, from) = self.objects.threads(server, client);
        let account = from.account;
        to.account = account;
        to.call_depth = from.call_depth.saturating_add(1);
        self.thread(account).leaf = server;
    }

    /// `server` works for itself. The account that it leaves has no runnable leaf, unless somebody has
    /// become it already.
    pub fn work_for_itself(&mut self, server: ThreadId) {
        let account = self.look(server).account;
        if account != server && self.look(account).leaf == server {
            self.thread(account).leaf = account;
        }
        let thread = self.thread(server);
        (thread.account, thread.leaf, thread.call_depth) = (server, server, 0);
    }

    /// Rule 4, a call: the current account is blocked by a message to `target` on the stack, which
    /// has the message and runs.
    fn pop_to(&mut self, target: ThreadId) {
        self.charge();
        let mut child = self.grantee();
        let mut told: Option<(ThreadId, ThreadId)> = None;
        while let Some(giver) = self.giver(child) {
            if giver == target {
                break;
            }
            self.thread(giver).scheduler.granted = None;
            if told.is_none() && (self.is_asked(giver, child) || self.has_news(giver)) {
                told = Some((giver, child));
            }
            child = giver;
        }
        self.thread(target).scheduler.granted = None;
        self.run(target);
        if let Some((giver, child)) = told {
            let own_child = self.scheduler_of(child) == Some(giver);
            if own_child && self.is_asked(giver, child) && !self.is_to_be_told_of(child) {
                self.queue_notice(child, Label::Blocked);
            }
            self.thread(giver).unusual.set(LATCHED, true);
            self.direct_wake(giver, Label::Woken);
        }
    }

    /// The current thread loses the processor to `target` on the stack, which runs; `take_message`
    /// if it has not got one yet. The branch it had granted stays frozen and is recorded.
    pub fn preempt_to(
        &mut self,
        target: ThreadId,
        why: Label,
        by: Option<ThreadId>,
        take_message: bool,
    ) {
        self.charge();
        let branch = self.thread(target).scheduler.granted.take();
        if let Some(current) = self.local.current {
            self.make_ready(current);
        }
        // Running first: a waiting scheduler would be made ready by the record.
        self.thread(target).state = State::Running;
        if let Some(branch) = branch {
            self.record(branch, why, by);
        }
        self.thread(target).unusual.set(LATCHED, take_message);
        self.run(target);
    }

    /// Rule 8, and rule 4 for a plain send.
    pub fn direct_sent(&mut self, sender: ThreadId, partner: ThreadId, winner: Winner) -> bool {
        if self.look(partner).scheduler.granted.is_some() || self.is_root(partner) {
            self.preempt_to(partner, Label::Lost, None, false);
            return true;
        }
        match winner {
            Winner::SendPartner | Winner::ReceivePartner => {
                self.make_ready(sender);
                if self.hand_over(partner) {
                    return true;
                }
                self.thread(sender).state = State::Running;
                self.direct_wake(partner, Label::Woken);
                false
            }
            Winner::Invoker => {
                self.direct_wake(partner, Label::Woken);
                true
            }
            Winner::Scheduler => {
                self.direct_wake(partner, Label::Woken);
                self.direct_gave_up(Label::Lost)
            }
        }
    }

    /// Rule 8: `target`, ready on its own account, becomes grantee instead of the current one, which
    /// is ready. Only where the grantee is no ancestor of it and every scheduler between it and the
    /// common ancestor waits, not frozen.
    fn hand_over(&mut self, target: ThreadId) -> bool {
        if self.look(target).account != target {
            // A sender that was queued while it worked for somebody.
            return false;
        }
        let grantee = self.grantee();
        let common = self.common_ancestor(grantee, target);
        if common == grantee || !self.has_granted(common) {
            return false;
        }
        if !self.is_clear_between(common, target) {
            return false;
        }
        self.charge();
        self.work_for_itself(target);
        // A scheduler that was stopped is not stuck any more.
        self.make_ready(target);
        self.grant_path(common, target, Label::Lost);
        true
    }

    /// True if every scheduler between `ancestor` and `target` waits, not frozen.
    pub(super) fn is_clear_between(&self, ancestor: ThreadId, target: ThreadId) -> bool {
        let mut at = target;
        while let Some(above) = self.scheduler_of(at)
            && above != ancestor
        {
            let between = self.look(above);
            if between.state != State::Open || between.scheduler.granted.is_some() {
                return false;
            }
            at = above;
        }
        true
    }

    /// Makes `target` the grantee along tree edges from `ancestor`, which is on the stack or the
    /// waiting root; what it had granted is recorded. Who preempts it is `target`'s branch.
    pub(super) fn grant_path(&mut self, ancestor: ThreadId, target: ThreadId, why: Label) {
        let mut at = target;
        while let Some(above) = self.scheduler_of(at) {
            let old = self.thread(above).scheduler.granted.replace(at);
            if above == ancestor {
                if let Some(old) = old {
                    self.record(old, why, Some(at));
                }
                break;
            }
            at = above;
        }
        let leaf = self.look(target).leaf;
        self.run(leaf);
    }

    /// Rule 8, last sentence: no donation.
    pub fn direct_sent_and_waits(&mut self, _sender: ThreadId, partner: ThreadId) {
        if self.look(partner).scheduler.granted.is_some() || self.is_root(partner) {
            return self.pop_to(partner);
        }
        self.direct_wake(partner, Label::Woken);
        self.direct_blocked();
    }

    /// Rule 3: the client on the current account goes on, whatever the winner bits say, and the
    /// server is ready on its own.
    pub fn direct_replied(&mut self, server: ThreadId, client: ThreadId, winner: Winner) -> bool {
        if self.look(client).account != self.grantee() {
            if winner == Winner::Scheduler {
                self.direct_wake(client, Label::Woken);
                return self.direct_gave_up(Label::Lost);
            }
            return self.wake_or_hand_over(server, client, winner);
        }
        self.make_ready(client);
        self.work_for_itself(server);
        self.thread(server).state = State::Ready;
        self.run(client);
        self.record(server, Label::Woken, None);
        true
    }

    fn wake_or_hand_over(&mut self, server: ThreadId, client: ThreadId, winner: Winner) -> bool {
        let own_account = self.look(client).account == client;
        if winner == Winner::Invoker || !own_account {
            self.direct_wake(client, Label::Woken);
            return winner == Winner::Invoker;
        }
        self.direct_sent(server, client, winner)
    }

    /// Rules 3, 6 and 7.
    pub fn direct_replied_and_waits(&mut self, server: ThreadId, client: ThreadId, flags: Flags) {
        if self.look(client).account == self.grantee() && self.look(server).account != server {
            self.make_ready(client);
            self.run(client);
            return self.take_next(server);
        }
        let dispatches = self.look(server).is_scheduler()
            && self.scheduler_of(self.look(client).account) == Some(server);
        if dispatches {
            // Whoever calls has made sure that nothing is pending.
            let account = self.make_ready(client);
            self.charge();
            let thread = self.thread(server);
            thread.state = State::Open;
            thread.scheduler.granted = Some(account);
            return self.run(client);
        }
        if flags.winner() != Winner::Invoker {
            return self.receive_after_send(server, client, From::Anyone, flags, true);
        }
        self.direct_wake(client, Label::Woken);
        if self.take_and_wake(server) == Taken::Nothing {
            self.wait(server, From::Anyone);
            self.blocked(server);
        }
    }

    /// Rule 6: `server` has left the current account, which goes on without it.
    pub fn take_next(&mut self, server: ThreadId) {
        self.work_for_itself(server);
        if !self.has_news(server) {
            self.thread(server).state = State::Open;
            return;
        }
        if let Some(client) = self.next_donor(server) {
            self.thread(server).state = State::Ready;
            self.take_and_wake(server);
            self.work_for(server, client);
            let account = self.look(server).account;
            self.record(account, Label::Woken, None);
            return;
        }
        self.thread(server).state = State::Ready;
        self.take_and_wake(server);
        self.record(server, Label::Woken, None);
    }

    /// The caller whose account `server` would work on if it took the next message. A message with
    /// typed items it takes on its own.
    fn next_donor(&self, server: ThreadId) -> Option<ThreadId> {
        let thread = self.look(server);
        let other_first = thread.irqs.first.is_some()
            || thread.scheduler.has_queued()
            || thread.scheduler.unheard.is_some();
        if thread.is_scheduler() || other_first {
            return None;
        }
        let sender = thread.senders.first?;
        let donates = self.objects.is_here(sender) && self.is_donating_call(sender);
        (donates && !self.has_items(sender)).then_some(sender)
    }

    /// Rule 12: the current account has no runnable leaf any more.
    pub fn direct_blocked(&mut self) {
        self.charge();
        let mut child = self.grantee();
        while let Some(giver) = self.giver(child) {
            self.thread(giver).scheduler.granted = None;
            if self.is_root(giver) {
                return self.root_regains(giver, Some(child));
            }
            let asked = self.is_asked(giver, child);
            if asked || self.has_news(giver) {
                self.thread(giver).unusual.set(LATCHED, false);
                self.run(giver);
                if asked && !self.is_to_be_told_of(child) {
                    self.write_blocked(giver, child, Label::Blocked);
                } else {
                    self.take_and_wake(giver);
                }
                return;
            }
            child = giver;
        }
        self.halt();
        self.run_root_if_told();
    }

    /// Rule 12, last words: the root is always told, unless it asked not to be. `child` of it has
    /// blocked, or a thread that is not of its tree.
    pub fn root_regains(&mut self, root: ThreadId, child: Option<ThreadId>) {
        let asks = |child: &ThreadId| self.is_asked(root, *child) && !self.is_to_be_told_of(*child);
        let asked = child.filter(asks);
        let nothing_to_run = self.look(root).scheduler.ready == 0;
        let halts = self.local.options & ON_EMPTY_HALT != 0;
        if halts && nothing_to_run && asked.is_none() && !self.has_news(root) {
            self.local.run_woken = self.local.options & RUN_WOKEN != 0;
            return self.halt();
        }
        self.run(root);
        if let Some(child) = asked {
            self.write_blocked(root, child, Label::Blocked);
        } else if self.take_and_wake(root) == Taken::Nothing {
            match child {
                Some(child) => self.write_blocked(root, child, Label::Idle),
                None => self.write_void(root),
            }
        }
    }

    /// Nobody runs on this core until something arrives.
    pub fn halt(&mut self) {
        self.charge();
        self.local.current = None;
        self.local.grantee = self.local.root;
    }

    /// The giver of the current account runs with a record about it.
    pub fn direct_gave_up(&mut self, why: Label) -> bool {
        match self.giver(self.grantee()) {
            Some(giver) => {
                self.preempt_to(giver, why, None, true);
                true
            }
            None => false,
        }
    }
}
