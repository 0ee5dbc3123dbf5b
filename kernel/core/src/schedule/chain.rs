//! Chain mode: the paper's protocol, to reproduce it (Stoess 2007, 3.3.2; DESIGN.md section 6).
//!
//! A preempted thread's message goes to its own scheduler. If that waits and is not above the thread
//! that wants to run, it is preempted itself, and so on up; where a scheduler of that thread is
//! reached, it runs, and the thread's own chain climbs to the same one. Every thread works for
//! itself, and nothing is granted: a scheduler that dispatched just waits.

use super::Winner;
use crate::ipc::{Flags, From};
use crate::kernel::Kernel;
use crate::object::thread::State;
use crate::object::unusual::LATCHED;
use cedo_abi::Label;
use cedo_floor::ThreadId;
use cedo_machine::Machine;

impl<M: Machine> Kernel<M> {
    /// Preempted `id`'s message climbs, in favour of `wanted`. Returns who runs.
    fn climb(&mut self, id: ThreadId, why: Label, wanted: Option<ThreadId>) -> Option<ThreadId> {
        let (mut at, mut why) = (id, why);
        loop {
            let Some(scheduler) = self.scheduler_of(at) else { return wanted };
            let waits = self.look(scheduler).state == State::Open;
            let by = wanted.and_then(|wanted| self.branch_of(scheduler, wanted));
            self.queue_record(at, why, by);
            if !waits {
                return wanted;
            }
            self.thread(scheduler).unusual.set(LATCHED, true);
            // The root never loses, not even to a thread that nobody of its tree schedules.
            let is_above = |wanted| self.is_ancestor_or_self(scheduler, wanted);
            match wanted {
                Some(wanted) if !self.is_root(scheduler) && !is_above(wanted) => {
                    self.make_ready(scheduler);
                    (at, why) = (scheduler, Label::Preempted);
                }
                _ => {
                    self.thread(scheduler).state = State::Running;
                    if let Some(wanted) = wanted.filter(|wanted| *wanted != scheduler) {
                        self.make_ready(wanted);
                        self.climb_to(wanted, Label::Woken, scheduler);
                    }
                    return Some(scheduler);
                }
            }
        }
    }

    /// The message of ready `id` climbs to `top`, which runs, or to the first scheduler that does not
    /// wait. Waiting ones on the way are told and ready.
    fn climb_to(&mut self, id: ThreadId, why: Label, top: ThreadId) {
        let (mut at, mut why) = (id, why);
        while let Some(scheduler) = self.scheduler_of(at) {
            let waits = self.look(scheduler).state == State::Open;
            self.queue_record(at, why, None);
            if scheduler == top || !waits || self.is_root(scheduler) {
                return;
            }
            self.thread(scheduler).unusual.set(LATCHED, true);
            self.make_ready(scheduler);
            (at, why) = (scheduler, Label::Woken);
        }
    }

    /// Lets `next` run, or the processor returns to a scheduler above `blocked`.
    fn run_or_return(&mut self, next: Option<ThreadId>, blocked: ThreadId) {
        match next {
            Some(next) => self.run_after_climb(next),
            None => self.chain_blocked(blocked),
        }
    }

    /// `next` won a climb: it may be in state *Running* already, with its receive to complete.
    fn run_after_climb(&mut self, next: ThreadId) {
        if self.local.current != Some(next) || self.look(next).unusual.has(LATCHED) {
            self.charge();
            self.run(next);
        } else {
            self.thread(next).state = State::Running;
        }
    }

    /// A scheduler that waits has something in its queue: it is ready, and its message climbs.
    pub fn chain_has_been_told(&mut self, scheduler: ThreadId) {
        if self.look(scheduler).state == State::Open && !self.is_root(scheduler) {
            self.thread(scheduler).unusual.set(LATCHED, true);
            self.make_ready(scheduler);
            let top = self.local.current.unwrap_or(scheduler);
            self.climb_to(scheduler, Label::Woken, top);
        }
    }

    /// `id`, which waited, has its message and runs.
    pub fn chain_run(&mut self, id: ThreadId) {
        self.make_ready(id);
        self.run(id);
    }

    /// A call without DONATE: `callee` has the message and is preempted.
    pub fn chain_handed(&mut self, caller: ThreadId, callee: ThreadId) {
        if self.is_root(callee) {
            return self.run(callee);
        }
        self.make_ready(callee);
        let next = self.climb(callee, Label::Woken, None);
        self.run_or_return(next, caller);
    }

    /// The invoker's winner bits choose between it and its runnable partners; each loser's chain
    /// climbs, with the winner as preempter. False if the bits could not be followed.
    pub fn chain_choose(
        &mut self,
        invoker: ThreadId,
        partners: &[Option<ThreadId>; 2],
        winner: Winner,
    ) -> bool {
        let runnable = [Some(invoker), partners[0], partners[1]];
        let wanted = match winner {
            Winner::Invoker => Some(invoker),
            Winner::SendPartner => partners[0],
            Winner::ReceivePartner => partners[1],
            Winner::Scheduler => None,
        };
        partners.iter().flatten().for_each(|partner| _ = self.make_ready(*partner));
        let has_root = runnable.iter().flatten().find(|id| self.is_root(**id)).copied();
        let mut next = has_root.or(wanted);
        let followed = next == wanted;
        for loser in runnable.into_iter().flatten() {
            if Some(loser) != has_root.or(wanted) {
                self.make_ready(loser);
            }
        }
        for loser in runnable.into_iter().flatten() {
            if Some(loser) != has_root.or(wanted) {
                let why = if loser == invoker { Label::Lost } else { Label::Woken };
                next = self.climb(loser, why, next);
            }
        }
        self.run_or_return(next, invoker);
        followed
    }

    /// The client has its answer; the server takes the next message or waits.
    pub fn chain_replied_and_waits(&mut self, server: ThreadId, client: ThreadId, flags: Flags) {
        if !self.has_news(server) {
            self.thread(server).state = State::Open;
            self.charge_if_scheduler(server);
            return self.chain_run(client);
        }
        self.receive_after_send(server, client, From::Anyone, flags, true);
    }

    fn charge_if_scheduler(&mut self, id: ThreadId) {
        if self.look(id).is_scheduler() {
            self.charge();
        }
    }

    /// R is empty: the nearest waiting scheduler above that asked; the root comes last, always asked.
    pub fn chain_blocked(&mut self, id: ThreadId) {
        self.charge();
        let mut child = id;
        while let Some(scheduler) = self.scheduler_of(child) {
            let waits = self.look(scheduler).state == State::Open;
            if waits && self.is_root(scheduler) {
                return self.root_regains(scheduler, Some(child));
            }
            if waits && (self.is_asked(scheduler, child) || self.has_news(scheduler)) {
                let asked = self.is_asked(scheduler, child) && !self.is_to_be_told_of(child);
                self.run(scheduler);
                if asked {
                    self.write_blocked(scheduler, child, Label::Blocked);
                } else {
                    self.take_and_wake(scheduler);
                }
                return;
            }
            child = scheduler;
        }
        match self.local.root.filter(|root| self.look(*root).state == State::Open) {
            // Nobody of its tree schedules the thread that blocked.
            Some(root) if child != root => self.root_regains(root, None),
            _ => self.halt(),
        }
    }

    /// `id` is runnable as a consequence of what the current thread does: it loses to it.
    pub fn chain_wake(&mut self, id: ThreadId, why: Label) {
        self.make_ready(id);
        let Some(current) = self.local.current else {
            self.climb_to(id, why, id);
            return;
        };
        if let Some(next) = self.climb(id, why, Some(current)) {
            self.run_after_climb(next);
        }
    }

    /// The same in the middle of an operation: it is recorded, and waiting schedulers above it are.
    /// The root, if it waits, runs in the end ([`Kernel::chain_tell_root`]).
    pub fn chain_wake_meanwhile(&mut self, id: ThreadId) {
        self.make_ready(id);
        self.climb_to(id, Label::Woken, self.local.current.unwrap_or(id));
    }

    /// The current thread `id` loses the processor to a new root, and the old one, which is above it,
    /// its place.
    pub fn chain_deposed(&mut self, id: ThreadId) {
        self.make_ready(id);
        self.climb_to(id, Label::Preempted, self.local.root.unwrap_or(id));
    }

    /// At the end of an operation: a root that waits and has something in its queue takes the
    /// processor, as in an interrupt.
    pub fn chain_tell_root(&mut self) {
        if let Some(root) = self.local.root
            && self.local.current.is_some()
            && self.look(root).state == State::Open
            && self.has_news(root)
        {
            self.thread(root).unusual.set(LATCHED, true);
            self.chain_arrived(root, Label::Woken);
        }
    }

    /// An interrupt or another core made `id` runnable. If the current thread schedules `id`, or is
    /// the root, it goes on (DESIGN.md section 13); else it is preempted in favour of `id`.
    pub fn chain_arrived(&mut self, id: ThreadId, why: Label) {
        self.make_ready(id);
        let Some(current) = self.local.current else {
            self.local.charged = self.machine.now();
            if self.is_root(id) {
                return self.run(id);
            }
            if self.local.run_woken && self.look_root_has_nothing() {
                return self.run(id);
            }
            self.climb_to(id, why, id);
            return self.run_root_if_told();
        };
        self.charge();
        if self.is_root(current) || self.is_ancestor_or_self(current, id) {
            return self.climb_to(id, why, current);
        }
        self.make_ready(current);
        let next = self.climb(current, Label::Preempted, Some(id));
        self.run_or_return(next, current);
    }

    fn look_root_has_nothing(&self) -> bool {
        self.local
            .root
            .is_some_and(|root| self.look(root).scheduler.ready == 0 && !self.has_news(root))
    }

    /// The recorded `account` runs.
    pub fn chain_dispatched(&mut self, scheduler: ThreadId, account: ThreadId) {
        self.charge();
        self.withdraw_record(account);
        self.thread(scheduler).state = State::Open;
        self.run(account);
    }

    /// The current thread is recorded at its scheduler, which runs if it waits.
    pub fn chain_gave_up(&mut self, id: ThreadId, why: Label) {
        self.charge();
        self.make_ready(id);
        let next = self.climb(id, why, None);
        self.run_or_return(next, id);
    }
}
