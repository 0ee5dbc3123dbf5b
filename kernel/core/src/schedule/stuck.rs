//! *stuck*: a stopped scheduler does not keep its ready children from the processor (DESIGN.md
//! section 5).
//!
//! While a scheduler is stopped (closed wait, call, fault, suspension, another core) and somebody
//! below it could run, it is in the list of *its* scheduler, once; if that is stopped too, so is that
//! one, and so on. The first ancestor that is not stopped takes the messages, each of which names one
//! ready child with its token, until it has heard of all.
//!
//! *Heard* is a position: `untold` and `untold_delivered` point into a scheduler's two lists of
//! recorded children, `unheard` into its list of stopped schedulers, and what is before them has been
//! named. Positions are good for one ancestor, as long as that listens: each thread keeps the number
//! of the last event that changed who listens to it (`since`), the newest number on the way up to who
//! listens says for whom a position counts, and where it is another one (`told_for`), the position
//! starts again.

use crate::kernel::Kernel;
use crate::list::Stuck;
use crate::object::thread::{Scheduler, State, Thread};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Machine};

/// True if a thread in this state cannot be told of its children.
pub fn is_stopped<C: Context>(thread: &Thread<C>) -> bool {
    !matches!(thread.state, State::Running | State::Ready | State::Open)
}

impl Scheduler {
    /// True if somebody here, or below a stopped scheduler here, could run.
    fn has_ready(&self) -> bool {
        self.ready > 0 || self.stuck.first.is_some()
    }

    /// True if not all of that has been heard of.
    fn has_untold(&self) -> bool {
        self.untold.is_some() || self.untold_delivered.is_some() || self.unheard.is_some()
    }

    /// The positions move on from `child` to the `next`.
    #[inline]
    pub(super) fn pass(&mut self, child: ThreadId, next: Option<ThreadId>) {
        if self.untold == Some(child) {
            self.untold = next;
        } else if self.untold_delivered == Some(child) {
            self.untold_delivered = next;
        }
    }

    /// Nothing has been heard of.
    fn start_telling(&mut self) {
        self.untold = self.records.first;
        self.untold_delivered = self.delivered.first;
        self.unheard = self.stuck.first;
    }
}

impl<M: Machine> Kernel<M> {
    /// `id` has just stopped: nobody has been told of its children.
    pub fn stopped(&mut self, id: ThreadId) {
        if !self.look(id).is_scheduler() {
            return;
        }
        self.tell_again(id);
        if self.look(id).scheduler.has_ready() {
            self.post_stuck(id);
        }
    }

    /// `id` listens again, or is about to: it is to hear of those below it that are stopped.
    pub fn recovered(&mut self, id: ThreadId) {
        if self.look(id).is_scheduler() {
            self.tell_again(id);
        }
    }

    /// Whoever listens now to what is below `id` has heard nothing.
    pub fn tell_again(&mut self, id: ThreadId) {
        self.local.listeners += 1;
        let now = self.local.listeners;
        let thread = &mut self.thread(id).scheduler;
        thread.since = now;
        thread.start_telling();
    }

    /// Puts `scheduler` into the list of its scheduler, moves it there, or takes it out, as what is
    /// below it has changed.
    pub fn check_stuck(&mut self, scheduler: ThreadId) {
        let thread = self.look(scheduler);
        let stopped = is_stopped(thread);
        match (thread.scheduler.stuck_at, stopped && thread.scheduler.has_ready()) {
            (None, true) => self.post_stuck(scheduler),
            (Some(at), false) => {
                self.leave_stuck(scheduler, at);
                if !stopped {
                    self.recovered(scheduler);
                }
                self.check_stuck(at);
            }
            (Some(at), true) => {
                self.start_if_new(scheduler);
                if !self.look(scheduler).scheduler.has_untold() {
                    self.leave_stuck(scheduler, at);
                    self.prepend::<Stuck>(at, scheduler);
                    self.thread(scheduler).scheduler.stuck_at = Some(at);
                    self.check_stuck(at);
                }
            }
            (None, false) => {}
        }
    }

    /// Stopped `scheduler` is no longer in the list of `at`.
    pub fn leave_stuck(&mut self, scheduler: ThreadId, at: ThreadId) {
        let next = self.look(scheduler).scheduler.stuck_link.next;
        let above = &mut self.thread(at).scheduler;
        if above.unheard == Some(scheduler) {
            above.unheard = next;
        }
        self.unlink::<Stuck>(at, scheduler);
        self.thread(scheduler).scheduler.stuck_at = None;
    }

    /// There is somebody below stopped `scheduler` of whom the listener has not heard.
    pub fn post_stuck(&mut self, scheduler: ThreadId) {
        let Some(above) = self.scheduler_of(scheduler) else { return };
        if self.look(above).scheduler.unheard != Some(scheduler) {
            if let Some(at) = self.look(scheduler).scheduler.stuck_at {
                self.leave_stuck(scheduler, at);
            }
            self.append::<Stuck>(above, scheduler);
            self.thread(scheduler).scheduler.stuck_at = Some(above);
            self.thread(above).scheduler.unheard.get_or_insert(scheduler);
        }
        if is_stopped(self.look(above)) {
            return self.post_stuck(above);
        }
        self.thread(above).scheduler.event += 1;
        self.has_been_told(above);
    }

    /// `ancestor`, which listens or is stopped itself, passes on the oldest *stuck* below it: the
    /// child it names has been heard of. At most one step for each level.
    pub fn take_stuck(&mut self, ancestor: ThreadId) -> Option<ThreadId> {
        let scheduler = self.look(ancestor).scheduler.unheard?;
        self.start_if_new(scheduler);
        let below = &self.look(scheduler).scheduler;
        let child = match below.untold.or(below.untold_delivered) {
            Some(child) => {
                self.forget_untold(scheduler, child);
                Some(child)
            }
            None => self.take_stuck(scheduler),
        };
        if !self.look(scheduler).scheduler.has_untold() {
            let next = self.look(scheduler).scheduler.stuck_link.next;
            self.thread(ancestor).scheduler.unheard = next;
        }
        child
    }

    /// `child` leaves the lists of `scheduler`, or has been told of: the positions move on.
    pub fn forget_untold(&mut self, scheduler: ThreadId, child: ThreadId) {
        let next = self.look(child).record.link.next;
        self.thread(scheduler).scheduler.pass(child, next);
    }

    /// The positions of stopped `scheduler` start again if they were for another listener.
    fn start_if_new(&mut self, scheduler: ThreadId) {
        let listener = self.listener(scheduler);
        let thread = &mut self.thread(scheduler).scheduler;
        if thread.told_for != listener {
            thread.told_for = listener;
            thread.start_telling();
        }
    }

    /// Who listens to what is below stopped `id`: the newest number on the way there.
    fn listener(&self, id: ThreadId) -> u64 {
        let (mut at, mut newest) = (id, 0);
        loop {
            let thread = self.look(at);
            newest = newest.max(thread.scheduler.since);
            match self.scheduler_of(at) {
                Some(above) if is_stopped(thread) => at = above,
                _ => return newest,
            }
        }
    }
}
