//! Direct mode: what arrives from outside, and what a scheduler grants (DESIGN.md section 6, rules 10
//! and 11).

use crate::kernel::Kernel;
use crate::object::thread::State;
use crate::object::unusual::LATCHED;
use cedo_abi::Label;
use cedo_floor::ThreadId;
use cedo_machine::Machine;

impl<M: Machine> Kernel<M> {
    /// Rule 10, and its case of a halted core.
    pub fn direct_arrived(&mut self, id: ThreadId, why: Label) {
        if self.local.current.is_none() {
            return self.direct_arrived_halted(id, why);
        }
        let account = self.make_ready(id);
        let grantee = self.grantee();
        let mut common = self.common_ancestor(grantee, account);
        while common == grantee || !self.has_granted(common) {
            match self.scheduler_of(common) {
                // Stopped or frozen: the grantee was dispatched over its head.
                Some(above) if common != grantee => common = above,
                _ => return self.record(account, why, None),
            }
        }
        self.charge();
        if self.outranks(common, account) {
            if let Some(current) = self.local.current {
                self.make_ready(current);
            }
            return self.grant_path(common, account, Label::Preempted);
        }
        let thread = self.thread(common);
        let branch = thread.scheduler.granted.take();
        thread.state = State::Running;
        if let Some(current) = self.local.current {
            self.make_ready(current);
        }
        let by = self.branch_of(common, account);
        if let Some(branch) = branch {
            self.record(branch, Label::Preempted, by);
        }
        if common != account {
            self.record(account, why, None);
            self.thread(common).unusual.set(LATCHED, true);
        }
        self.run(common);
    }

    /// Rule 10, last sentence: `common` wants ready `account` to run at once instead of the branch
    /// that it has granted, and no scheduler between is to hear of it first.
    fn outranks(&self, common: ThreadId, account: ThreadId) -> bool {
        let scheduler = &self.look(common).scheduler;
        if !scheduler.auto {
            return false;
        }
        let (Some(old), Some(new)) = (scheduler.granted, self.branch_of(common, account)) else {
            return false;
        };
        self.look(new).branch.rank > self.look(old).branch.rank
            && self.is_clear_between(common, account)
    }

    fn direct_arrived_halted(&mut self, id: ThreadId, why: Label) {
        self.local.charged = self.machine.now();
        if self.is_root(id) {
            return self.run(id);
        }
        let account = self.make_ready(id);
        let Some(root) = self.local.root else { return };
        if self.local.run_woken && self.is_only_one(root, account) {
            return self.grant_path(root, account, Label::Lost);
        }
        self.record(account, why, None);
        self.run_root_if_told();
    }

    /// On a halted core: the root runs if it waits and there is something to tell.
    pub fn run_root_if_told(&mut self) {
        if let Some(root) = self.local.root
            && self.local.current.is_none()
            && self.look(root).state == State::Open
            && self.has_news(root)
        {
            self.local.charged = self.machine.now();
            self.thread(root).unusual.set(LATCHED, true);
            self.run(root);
        }
    }

    /// True if nothing but ready `account` could run, and only waiting schedulers are above it.
    fn is_only_one(&self, root: ThreadId, account: ThreadId) -> bool {
        if self.look(root).scheduler.ready > 0 || self.has_news(root) {
            return false;
        }
        let mut at = account;
        while let Some(above) = self.scheduler_of(at) {
            let thread = self.look(above);
            let waits = thread.state == State::Open && thread.scheduler.granted.is_none();
            if !waits || self.has_news(above) || thread.scheduler.ready > 0 {
                return false;
            }
            at = above;
        }
        at == root
    }

    /// Rule 11. Whoever calls has made sure that nothing is pending and that `account` is recorded
    /// ready below `scheduler`.
    pub fn direct_dispatched(&mut self, scheduler: ThreadId, account: ThreadId, walk_on: bool) {
        self.charge();
        self.withdraw_record(account);
        let thread = self.thread(scheduler);
        thread.state = State::Open;
        thread.scheduler.granted = Some(account);
        let mut at = account;
        loop {
            let thread = self.look(at);
            let (State::Open, Some(below)) = (thread.state, thread.scheduler.granted) else {
                break;
            };
            if !walk_on || self.has_news(at) {
                self.thread(at).scheduler.granted = None;
                self.thread(at).state = State::Running;
                self.record(below, Label::Preempted, None);
                self.thread(at).unusual.set(LATCHED, true);
                return self.run(at);
            }
            at = below;
        }
        let leaf = self.look(at).leaf;
        self.run(leaf);
    }
}
