//! *stuck*: a stopped scheduler does not keep its ready children from the processor (DESIGN.md
//! section 5).
//!
//! While a scheduler is stopped (closed wait, call, fault, suspension, another core) and has ready
//! children that its nearest not-stopped ancestor has not been told of, it is in the list of *its*
//! scheduler, once; if that is stopped too, so is that one, and so on. The first ancestor that is not
//! stopped takes the message, which names one such child with its token.
//!
//! *Told* is a position: `untold` and `untold_delivered` point into the scheduler's two lists of
//! recorded children, and everything before them has been named. Both start again when the scheduler
//! stops the next time.

use crate::kernel::Kernel;
use crate::list::Stuck;
use crate::object::thread::{State, Thread};
use cedo_floor::ThreadId;
use cedo_machine::{Context, Machine};

/// True if a thread in this state cannot be told of its children.
pub fn is_stopped<C: Context>(thread: &Thread<C>) -> bool {
    !matches!(thread.state, State::Running | State::Ready | State::Open)
}

impl<M: Machine> Kernel<M> {
    /// `id` has just stopped: nobody has been told of its children.
    pub fn stopped(&mut self, id: ThreadId) {
        if !self.look(id).is_scheduler() {
            return;
        }
        let thread = &mut self.thread(id).scheduler;
        thread.untold = thread.records.first;
        thread.untold_delivered = thread.delivered.first;
        self.check_stuck(id);
    }

    /// Puts `scheduler` into the list of its scheduler, or takes it out, as the rule wants.
    pub fn check_stuck(&mut self, scheduler: ThreadId) {
        let thread = self.look(scheduler);
        let needed = is_stopped(thread) && self.untold(scheduler).is_some();
        match (needed, thread.scheduler.stuck_at) {
            (true, None) => self.post_stuck(scheduler),
            (false, Some(at)) => {
                self.unlink::<Stuck>(at, scheduler);
                self.thread(scheduler).scheduler.stuck_at = None;
                self.check_stuck(at);
            }
            _ => {}
        }
    }

    /// The child that the next *stuck* about `scheduler` names.
    pub fn untold(&self, scheduler: ThreadId) -> Option<ThreadId> {
        let thread = &self.look(scheduler).scheduler;
        let own = thread.untold.or(thread.untold_delivered);
        own.or_else(|| thread.stuck.first.and_then(|below| self.untold(below)))
    }

    /// `ancestor` takes its oldest *stuck*: the child it names has been told of.
    pub fn take_stuck(&mut self, ancestor: ThreadId) -> Option<ThreadId> {
        let scheduler = self.look(ancestor).scheduler.stuck.first?;
        self.unlink::<Stuck>(ancestor, scheduler);
        let below = &mut self.thread(scheduler).scheduler;
        below.stuck_at = None;
        let child = match below.untold.or(below.untold_delivered) {
            Some(child) => {
                self.forget_untold(scheduler, child);
                Some(child)
            }
            None => self.take_stuck(scheduler),
        };
        self.check_stuck(scheduler);
        child
    }

    /// `child` leaves the lists of `scheduler`, or has been told of: the positions move on.
    pub fn forget_untold(&mut self, scheduler: ThreadId, child: ThreadId) {
        let next = self.look(child).record.link.next;
        let thread = &mut self.thread(scheduler).scheduler;
        if thread.untold == Some(child) {
            thread.untold = next;
        } else if thread.untold_delivered == Some(child) {
            thread.untold_delivered = next;
        }
    }

    fn post_stuck(&mut self, scheduler: ThreadId) {
        let Some(above) = self.scheduler_of(scheduler) else { return };
        self.append::<Stuck>(above, scheduler);
        self.thread(scheduler).scheduler.stuck_at = Some(above);
        self.thread(above).scheduler.event += 1;
        if is_stopped(self.look(above)) {
            self.check_stuck(above);
        } else {
            self.has_been_told(above);
        }
    }
}
